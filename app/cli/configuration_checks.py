"""Whether the things that the settings name answer, one outcome each."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from app.db.migrate import current_revision, last_revision
from app.db.session import UnsafeRole, make_engine, refuse_unsafe_role
from app.errors import AppError
from app.kit.secrets import BadSecret, keyring_of
from app.process import make_store
from app.settings import LOOPBACK, Settings

_WAIT_S = 5.0
_CONTENT = b"parapheur check-config\n"


class State(StrEnum):
    """`bad` keeps the service from starting; a note says what will be missing or started."""

    GOOD = "good"
    NOTE = "note"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One check: what, how it ended, a French sentence."""

    subject: str
    state: State
    detail: str


async def check_everything(settings: Settings) -> AsyncIterator[Outcome]:
    """One by one, in the order in which a person sets them right."""
    yield _secret(settings)
    yield await _database(settings)
    yield await _schema(settings)
    yield await _redis(settings)
    yield await _storage(settings)
    yield _origin(settings)
    yield _schemas(settings)
    yield await _mail(settings)


def _secret(settings: Settings) -> Outcome:
    subject = "Clé du serveur"
    if settings.secret.key is None:
        if settings.database.url is None:
            return Outcome(subject, State.NOTE, "absente : « serve » la fait avec sa base livrée.")
        return Outcome(subject, State.BAD, "PARAPHEUR_SECRET_KEY manque (32 octets en base64).")
    try:
        keyring_of(settings.secret.key.get_secret_value())
    except BadSecret as e:
        return Outcome(subject, State.BAD, str(e))
    return Outcome(subject, State.GOOD, "bien formée.")


async def _database(settings: Settings) -> Outcome:
    subject = "Base de données"
    if settings.database.url is None:
        return Outcome(subject, State.NOTE, "aucune adresse : « serve » lance la base livrée.")
    try:
        engine = make_engine(settings.database.url.get_secret_value(), pool_size=1)
    except (SQLAlchemyError, ValueError, ImportError):
        return Outcome(subject, State.BAD, "adresse mal formée : postgresql+psycopg://…")
    try:
        async with asyncio.timeout(_WAIT_S):
            await refuse_unsafe_role(engine)
    except UnsafeRole as e:
        return Outcome(subject, State.BAD, str(e))
    except (SQLAlchemyError, OSError, TimeoutError) as e:
        return Outcome(subject, State.BAD, f"ne répond pas ({_cause(e)}).")
    finally:
        await engine.dispose()
    return Outcome(subject, State.GOOD, "répond, sous un rôle qui ne contourne rien.")


async def _schema(settings: Settings) -> Outcome:
    subject = "Schéma de la base"
    url = settings.database.owner_url or settings.database.url
    if url is None:
        return Outcome(subject, State.NOTE, "celui de la base livrée est mis à jour par « serve ».")
    expected = last_revision()
    try:
        found = await asyncio.to_thread(current_revision, url.get_secret_value())
    except (SQLAlchemyError, OSError, ValueError) as e:
        return Outcome(subject, State.BAD, f"ne peut pas être lu ({_cause(e)}).")
    if found != expected:
        told = f"révision {found or 'vide'} au lieu de {expected} : lancez « parapheur migrate »."
        return Outcome(subject, State.BAD, told)
    return Outcome(subject, State.GOOD, f"révision {found}, la dernière.")


async def _redis(settings: Settings) -> Outcome:
    subject = "Valkey ou Redis"
    if settings.redis.url is None:
        return Outcome(subject, State.NOTE, "aucune adresse : « serve » lance celui qui est livré.")
    try:
        client = Redis.from_url(
            settings.redis.url.get_secret_value(),
            socket_timeout=_WAIT_S,
            socket_connect_timeout=_WAIT_S,
        )
    except ValueError:
        return Outcome(subject, State.BAD, "adresse mal formée : redis://… ou unix:///…")
    try:
        await client.ping()
    except (RedisError, OSError, TimeoutError) as e:
        return Outcome(subject, State.BAD, f"ne répond pas ({_cause(e)}).")
    finally:
        await client.aclose()
    return Outcome(subject, State.GOOD, "répond.")


async def _storage(settings: Settings) -> Outcome:
    subject = "Documents"
    storage = settings.storage
    if storage.s3_bucket is None:
        folder = storage.dir or (settings.data_dir / "documents" if settings.data_dir else None)
        if folder is None:
            return Outcome(subject, State.NOTE, "dans le dossier de données de « serve ».")
        return _folder(subject, folder)
    try:
        store = make_store(settings)
        blob = await store.write(_chunks(), limit_bytes=len(_CONTENT))
        await store.read_verified(blob.sha256, limit_bytes=len(_CONTENT))
    except AppError as e:
        return Outcome(subject, State.BAD, e.detail)
    return Outcome(subject, State.GOOD, f"le dépôt S3 « {storage.s3_bucket} » écrit et relit.")


async def _chunks() -> AsyncIterator[bytes]:
    yield _CONTENT


def _folder(subject: str, folder: Path) -> Outcome:
    """The nearest folder that exists must let us write: the rest is made at the first start."""
    nearest = next(one for one in (folder.absolute(), *folder.absolute().parents) if one.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        return Outcome(subject, State.BAD, f"{nearest} ne permet pas l'écriture.")
    return Outcome(subject, State.GOOD, f"{folder} (écriture permise).")


def _origin(settings: Settings) -> Outcome:
    subject = "Adresse publique"
    server = settings.server
    listening = f"{server.origin}, écoute sur {server.host}:{server.port}."
    try:
        parts = urlsplit(server.origin)
        port = parts.port
    except ValueError:
        return _no_origin(subject, server.origin)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/"):
        return _no_origin(subject, server.origin)
    if parts.scheme == "https":
        return Outcome(subject, State.GOOD, listening)
    if parts.hostname not in LOOPBACK:
        return Outcome(
            subject, State.BAD, "http:// hors de cette machine : mots de passe en clair."
        )
    if port != server.port:
        return Outcome(
            subject,
            State.NOTE,
            f"{server.origin} est cette machine, mais le service y écoute sur le port "
            f"{server.port} : corrigez PARAPHEUR_SERVER_ORIGIN, ou retirez-le.",
        )
    return Outcome(subject, State.GOOD, listening)


def _no_origin(subject: str, given: str) -> Outcome:
    return Outcome(subject, State.BAD, f"« {given} » n'est pas une origine : https://nom.")


def _schemas(settings: Settings) -> Outcome:
    subject = "Schémas officiels"
    folder = settings.schemas.dir
    if folder is None:
        return Outcome(subject, State.NOTE, "aucun dossier : le contrôle XSD des flux est sauté.")
    if not folder.is_dir():
        return Outcome(subject, State.BAD, f"{folder} n'est pas un dossier.")
    return Outcome(subject, State.GOOD, f"{folder}.")


async def _mail(settings: Settings) -> Outcome:
    subject = "Courriel"
    smtp = settings.smtp
    if smtp.host is None:
        return Outcome(subject, State.NOTE, "aucun serveur : les avis attendent dans la base.")
    try:
        async with asyncio.timeout(_WAIT_S):
            _, writer = await asyncio.open_connection(smtp.host, smtp.port)
    except (OSError, TimeoutError) as e:
        return Outcome(subject, State.BAD, f"{smtp.host}:{smtp.port} ne répond pas ({_cause(e)}).")
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return Outcome(subject, State.GOOD, f"{smtp.host}:{smtp.port} répond.")


def _cause(error: BaseException) -> str:
    """The kind of failure only: messages of drivers repeat addresses and passwords."""
    return type(error.__cause__ or error).__name__
