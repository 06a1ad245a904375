"""What an entry point opens and closes: database, documents, keys, queue."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import SecretStr

from app.context import Context, no_wake
from app.db.session import make_engine, make_sessions, refuse_unsafe_role
from app.errors import AppError
from app.kit.clock import Clock, system_clock
from app.kit.secrets import keyring_of
from app.queue import Queue
from app.settings import Settings
from app.storage import BlobStore, S3Parameters, local_store, s3_store


class MissingSetting(AppError):
    """A setting without default is absent: the service does not start."""

    code = "missing_setting"


@asynccontextmanager
async def open_context(
    settings: Settings, *, clock: Clock = system_clock
) -> AsyncIterator[Context]:
    """The context of one process. Raises MissingSetting, BadSecret or UnsafeRole."""
    url = _required(settings.database.url, "PARAPHEUR_DATABASE_URL")
    keyring = keyring_of(_required(settings.secret.key, "PARAPHEUR_SECRET_KEY"))
    engine = make_engine(url)
    queue = Queue(settings.redis.url.get_secret_value()) if settings.redis.url else None
    try:
        await refuse_unsafe_role(engine)
        yield Context(
            settings=settings,
            keyring=keyring,
            engine=engine,
            sessions=make_sessions(engine),
            store=make_store(settings),
            clock=clock,
            wake=queue.wake if queue else no_wake,
        )
    finally:
        if queue is not None:
            await queue.aclose()
        await engine.dispose()


def make_store(settings: Settings) -> BlobStore:
    """S3 as soon as a bucket is named, else a directory. Raises MissingSetting."""
    storage = settings.storage
    if storage.s3_bucket is None:
        directory = storage.dir or (settings.data_dir / "documents" if settings.data_dir else None)
        if directory is None:
            raise _missing("PARAPHEUR_STORAGE_DIR")
        return local_store(directory)
    if storage.s3_endpoint is None:
        raise _missing("PARAPHEUR_STORAGE_S3_ENDPOINT")
    return s3_store(
        S3Parameters(
            bucket=storage.s3_bucket,
            endpoint=storage.s3_endpoint,
            region=storage.s3_region,
            access_key_id=_required(storage.s3_access_key, "PARAPHEUR_STORAGE_S3_ACCESS_KEY"),
            secret_access_key=_required(storage.s3_secret_key, "PARAPHEUR_STORAGE_S3_SECRET_KEY"),
            allow_http=storage.s3_endpoint.startswith("http://"),
        )
    )


def _required(value: SecretStr | None, name: str) -> str:
    if value is None:
        raise _missing(name)
    return value.get_secret_value()


def _missing(name: str) -> MissingSetting:
    return MissingSetting(f"Le réglage {name} manque : donnez-le dans l'environnement.")
