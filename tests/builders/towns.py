"""Towns for tests: a tenant of one's own, with people, desks, circuits and subtypes."""

from __future__ import annotations

import dataclasses
import secrets
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric import ec
from pwdlib import PasswordHash
from sqlalchemy import delete, update

from app.auth.service import SESSION
from app.catalog.schemas import ConnectorAccountCreate
from app.catalog.service import create_account
from app.context import Context
from app.demo import pki
from app.demo.town import PEOPLE, Town, TownPlan, found_town
from app.kit.ids import new_id
from app.models import Certificate, FolderType, LoginHandle, LoginSession
from app.tenants.schemas import TrustKind
from app.users.service import SeenCertificate, register_certificates
from tests.builders.town_copies import Founding, Template, copy_of, template_of
from workflows.definition import Protocol

# argon2id of "un mot de passe de test", made once: hashing it in every test would take minutes.
PASSWORD = "un mot de passe de test"
_HASH: list[str] = []


@dataclass(frozen=True, slots=True)
class Signer:
    """The chain behind the mayor's certificate."""

    root: pki.Issued
    issuer: pki.Issued
    mayor: pki.Issued


def password_hash() -> str:
    """Computed at first use, then kept for the whole run."""
    if not _HASH:
        _HASH.append(PasswordHash.recommended().hash(PASSWORD))
    return _HASH[0]


def a_siret() -> str:
    """A random SIRET with its checksum."""
    digits = [secrets.randbelow(10) for _ in range(13)]
    digits[0] = digits[0] or 2
    doubled = [one * 2 if place % 2 == 0 else one for place, one in enumerate(digits)]
    total = sum(one - 9 if one > 9 else one for one in doubled)
    return "".join(map(str, [*digits, (10 - total % 10) % 10]))


_SIGNER: list[Signer] = []


def a_signer() -> Signer:
    """A root, an issuing authority and the mayor's certificate; the same for the whole run."""
    if not _SIGNER:
        validity = pki.valid_for(365)
        root = pki.make_authority("Racine de test", validity=validity)
        issuer = pki.make_authority("AC Signature de test", issuer=root, validity=validity)
        mayor = pki.make_signer(
            "Camille Exemple",
            issuer=issuer,
            validity=validity,
            organisation="Commune fictive de Saint-Exemple",
            siren="219900016",
        )
        _SIGNER.append(Signer(root, issuer, mayor))
    return _SIGNER[0]


def trust_of(signer: Signer) -> tuple[tuple[TrustKind, bytes], ...]:
    """The chain and its revocation lists, as a tenant trusts them."""
    return (
        (TrustKind.ANCHOR, signer.root.der),
        (TrustKind.INTERMEDIATE, signer.issuer.der),
        (TrustKind.CRL, pki.make_crl(signer.root)),
        (TrustKind.CRL, pki.make_crl(signer.issuer)),
    )


async def a_town(
    context: Context, *, account: ConnectorAccountCreate | None = None, certified: bool = True
) -> Town:
    """A town of its own; the mayor has lost his certificate when `certified` is false."""
    if certified not in _TEMPLATES:
        _TEMPLATES[certified] = await _template(context, certified=certified)
    town = await copy_of(context, _TEMPLATES[certified], a_founding(context.clock()))
    if account is not None:
        await _open_account(context, town, account)
    return town


_TEMPLATES: dict[bool, Template] = {}


def a_founding(moment: datetime) -> Founding:
    """A SIRET and a domain that no town has yet."""
    return Founding(siret=a_siret(), domain=f"{secrets.token_hex(6)}.test", moment=moment)


async def _template(context: Context, *, certified: bool) -> Template:
    # Microseconds that no other instant has: a copy is founded at its own time.
    founding = a_founding(context.clock().replace(microsecond=123_457))
    return await template_of(context, await found(context, founding, certified=certified), founding)


async def found(context: Context, founding: Founding, *, certified: bool) -> Town:
    """A town made by the service, statement by statement."""
    then = dataclasses.replace(context, clock=DrivenClock(founding.moment))
    signer = a_signer()
    plan = TownPlan(
        siret=founding.siret,
        domain=founding.domain,
        password_hashes=dict.fromkeys((one.key for one in PEOPLE), password_hash()),
        mayor=(signer.mayor.der, signer.issuer.der),
        trust=trust_of(signer),
    )
    town = await found_town(then, plan)
    if not certified:
        await _lose_certificates(then, town)
    return town


async def _lose_certificates(context: Context, town: Town) -> None:
    """Nobody can sign any more, in circuits that were activated while somebody could."""
    async with context.unit(town.tenant_id) as session:
        await session.execute(delete(Certificate))


async def _open_account(context: Context, town: Town, account: ConnectorAccountCreate) -> None:
    """The account of every type that is transmitted."""
    async with context.unit(town.tenant_id) as session:
        made = await create_account(session, context, account)
        await session.execute(
            update(FolderType)
            .where(FolderType.protocol != Protocol.NONE.value)
            .values(connector_account_id=made.id)
        )


async def certify(
    context: Context, town: Town, key: str, certificate: bytes, chain: tuple[bytes, ...]
) -> None:
    """Puts a certificate in a person's register, as an agent would."""
    async with context.unit(town.tenant_id) as session:
        await register_certificates(
            session,
            town.users[key],
            [SeenCertificate(certificate, chain)],
            source="agent",
            now=context.clock(),
        )


async def certify_on_a_curve(context: Context, town: Town, key: str) -> None:
    """A certificate of P-256: it signs acts, never flows (DGFiP policy: rsa-sha256)."""
    issuer = a_signer().issuer
    own = pki.make_signer(
        "Alix Spécimen",
        issuer=issuer,
        validity=pki.valid_for(365),
        organisation="Commune fictive de Saint-Exemple",
        siren="219900016",
        key=ec.generate_private_key(ec.SECP256R1()),
    )
    await certify(context, town, key, own.der, (issuer.der,))


async def cookie_of(context: Context, town: Town, key: str) -> str:
    """Opens a session without the cost of a password."""
    value = secrets.token_urlsafe(32)
    session_id = new_id()
    now = context.clock()
    async with context.unit(town.tenant_id) as session:
        session.add(
            LoginSession(
                id=session_id,
                tenant_id=town.tenant_id,
                user_id=town.users[key],
                last_seen_at=now,
                expires_at=now + timedelta(hours=1),
            )
        )
        session.add(
            LoginHandle(
                digest=context.keyring.handle(SESSION, value),
                kind=SESSION,
                tenant_id=town.tenant_id,
                principal_id=session_id,
            )
        )
    return value


class DrivenClock:
    """A clock that stands until it is moved."""

    def __init__(self, now: datetime | None = None) -> None:
        self.now = now or datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **delta: float) -> None:
        self.now += timedelta(**delta)


def random_id() -> uuid.UUID:
    """An identifier that nothing has."""
    return uuid.uuid4()
