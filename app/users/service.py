"""Persons: accounts, and the register of their certificates."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.chain import Actor, Occurrence
from app.audit.service import record
from app.auth.principal import Role
from app.auth.service import LOGIN, end_sessions, login_handle, normalise_login
from app.context import Context
from app.db.session import tenant_of
from app.errors import Conflict, NotFound, Unprocessable
from app.kit.ids import new_id
from app.kit.threads import in_thread
from app.models import Certificate, User
from app.register.service import as_person, change_powers, owe_reviews
from app.tenants.service import trust_material
from app.users.repository import UserRepository
from app.users.schemas import CertificateRead, PersonRead, UserCreate, UserRead, UserUpdate
from signing.certificates import Fitness, fitness, read_certificate
from signing.trust import TrustMaterial
from workflows.periods import Period
from workflows.register import PersonId

# A certificate still counts at the instant of its end.
_LAST_INSTANT = timedelta(microseconds=1)


async def create_user(
    session: AsyncSession, context: Context, new: UserCreate, *, password_hash: str | None
) -> UserRead:
    """Raises Conflict (`login_taken`): log-in names are unique on the whole platform."""
    repository = UserRepository(session)
    digest = context.keyring.handle(LOGIN, normalise_login(new.login))
    if await repository.login_is_taken(digest):
        raise Conflict(
            "Cet identifiant de connexion est déjà pris : choisissez-en un autre.",
            code="login_taken",
        )
    user = User(
        id=new_id(),
        tenant_id=tenant_of(session),
        login=normalise_login(new.login),
        email=new.email,
        first_name=new.first_name,
        last_name=new.last_name,
        password_hash=password_hash,
        roles=[role.value for role in new.roles],
        administered_desk_ids=await _known_desks(repository, new.administered_desk_ids),
        is_active=True,
    )
    handle = login_handle(context, login=new.login, tenant_id=user.tenant_id, user_id=user.id)
    repository.add(user, handle)
    await session.flush()
    return read_user(user)


async def taken_logins(session: AsyncSession, context: Context, logins: Iterable[str]) -> list[str]:
    """Those of the log-in names that `create_user` would refuse."""
    repository = UserRepository(session)
    handles = {one: context.keyring.handle(LOGIN, normalise_login(one)) for one in logins}
    return [one for one, digest in handles.items() if await repository.login_is_taken(digest)]


async def _known_desks(
    repository: UserRepository, desk_ids: Sequence[uuid.UUID]
) -> list[uuid.UUID]:
    if await repository.unknown_desks(desk_ids):
        raise Unprocessable(
            "Un bureau de cette liste n'existe pas : rechargez la liste des bureaux.",
            code="unknown_desk",
        )
    return list(dict.fromkeys(desk_ids))


async def update_user(
    session: AsyncSession,
    user_id: uuid.UUID,
    update: UserUpdate,
    *,
    now: datetime,
    kept: uuid.UUID | None = None,
) -> UserRead:
    """Changes what is given; where it changes what the person may do, his sessions end, but the
    one `kept` (threat 43). Raises NotFound, Unprocessable (`unknown_desk`) or Conflict
    (`last_administrator`)."""
    await change_powers(session)
    user = await user_of(session, user_id)
    repository = UserRepository(session)
    values = update.model_dump(exclude_none=True)
    if update.roles is not None:
        values["roles"] = [role.value for role in update.roles]
    if update.administered_desk_ids is not None:
        values["administered_desk_ids"] = await _known_desks(
            repository, update.administered_desk_ids
        )
    changes_powers = update.is_active not in {None, user.is_active}
    before = _privileges(user)
    for name, value in values.items():
        setattr(user, name, value)
    await session.flush()
    if not any(Role.TENANT_ADMIN in one.roles for one in await repository.active_users()):
        raise Conflict(
            "Il ne resterait aucun administrateur de la collectivité : donnez d'abord ce rôle à "
            "une autre personne.",
            code="last_administrator",
        )
    if _privileges(user) != before:
        await end_sessions(session, user_id, now=now, kept=kept)
    if changes_powers:
        await owe_reviews(session, now, user_ids=[user_id])
    return read_user(user)


def _privileges(user: User) -> tuple[bool, frozenset[str], frozenset[uuid.UUID]]:
    return user.is_active, frozenset(user.roles), frozenset(user.administered_desk_ids)


async def list_people(session: AsyncSession) -> list[PersonRead]:
    """Those who may be given something to do, by name."""
    return [
        PersonRead(id=one.id, full_name=one.full_name)
        for one in await UserRepository(session).active_users()
    ]


def read_user(user: User) -> UserRead:
    """A person as the API shows him."""
    return UserRead(
        id=user.id,
        login=user.login,
        email=user.email,
        first_name=user.first_name,
        last_name=user.last_name,
        roles=list(user.roles),
        administered_desk_ids=list(user.administered_desk_ids),
        is_active=user.is_active,
    )


async def list_users(session: AsyncSession) -> list[UserRead]:
    """Everybody, oldest account first."""
    return [read_user(user) for user in await UserRepository(session).users()]


async def user_of(session: AsyncSession, user_id: uuid.UUID) -> User:
    """Raises NotFound."""
    user = await UserRepository(session).user(user_id)
    if user is None:
        raise NotFound
    return user


async def active_person(session: AsyncSession, user_id: uuid.UUID) -> User:
    """Somebody who may be given something to do. Raises NotFound or Conflict
    (`person_inactive`)."""
    user = await user_of(session, user_id)
    if not user.is_active:
        raise Conflict(
            f"Le compte de {user.full_name} est désactivé : réactivez-le, ou choisissez une autre "
            "personne.",
            code="person_inactive",
        )
    return user


async def names_of(session: AsyncSession) -> Mapping[uuid.UUID, str]:
    """Everybody's name, those who left included."""
    return {one.id: one.full_name for one in await UserRepository(session).users()}


@dataclass(frozen=True, slots=True)
class SeenCertificate:
    """A certificate and its issuers, in DER, as a token or a file gave them."""

    content: bytes
    chain: tuple[bytes, ...]


async def register_certificates(
    session: AsyncSession,
    user_id: uuid.UUID,
    seen: Sequence[SeenCertificate],
    *,
    source: str,
    now: datetime,
    told_by: Actor | None = None,
) -> list[CertificateRead]:
    """Keeps what was seen and says what each is good for; the journal names each new one where
    somebody tells it. Raises UnsuitableCertificate when one cannot be read."""
    repository, changed = UserRepository(session), False
    for one in seen:
        sha256 = hashlib.sha256(one.content).hexdigest()
        row = await repository.certificate(user_id, sha256)
        if row is None:
            row = _row(user_id, tenant_of(session), one, sha256)
            repository.add(row)
            if told_by is not None:
                record(session, _registered(row, told_by), at=now)
        chain = [issuer.hex() for issuer in one.chain]
        changed = changed or row.chain != chain
        row.source, row.seen_at, row.chain = source, now, chain
    await session.flush()
    if changed:
        await owe_reviews(session, now, user_ids=[user_id])
    digests = {hashlib.sha256(one.content).hexdigest() for one in seen}
    every = await list_certificates(session, user_id, now=now)
    return [one for one in every if one.sha256 in digests]


def _row(
    user_id: uuid.UUID, tenant_id: uuid.UUID, seen: SeenCertificate, sha256: str
) -> Certificate:
    facts = read_certificate(seen.content)
    return Certificate(
        id=new_id(),
        tenant_id=tenant_id,
        user_id=user_id,
        sha256=sha256,
        content=seen.content,
        subject=facts.common_name or facts.serial,
        not_before=facts.not_before,
        not_after=facts.not_after,
    )


def _registered(row: Certificate, actor: Actor) -> Occurrence:
    return Occurrence(
        kind="certificate.registered",
        actor=actor,
        certificate_sha256=row.sha256,
        details={"person": str(row.user_id)},
    )


async def list_certificates(
    session: AsyncSession, user_id: uuid.UUID, *, now: datetime
) -> list[CertificateRead]:
    """A person's certificates with their fitness at `now`."""
    trust = await trust_material(session)
    rows = await UserRepository(session).certificates(among=frozenset({user_id}))
    judged = [await fitness_of(row, trust, now=now) for row in rows]
    return [_read_certificate(row, each) for row, each in zip(rows, judged, strict=True)]


def _read_certificate(row: Certificate, judged: Fitness) -> CertificateRead:
    return CertificateRead(
        id=row.id,
        user_id=row.user_id,
        sha256=row.sha256,
        subject=row.subject,
        not_before=row.not_before,
        not_after=row.not_after,
        fit=judged.fit,
        reasons=[reason.detail for reason in judged.reasons],
    )


def chain_of(row: Certificate) -> tuple[bytes, ...]:
    """The issuers that came with a certificate, in DER."""
    return tuple(bytes.fromhex(issuer) for issuer in row.chain)


async def fitness_of(
    row: Certificate, trust: TrustMaterial, *, now: datetime, rsa_only: bool = False
) -> Fitness:
    """What `workflows` is told about a certificate (DESIGN D6)."""
    content, chain = row.content, (*chain_of(row), *trust.intermediates)
    return await in_thread(
        lambda: fitness(
            content,
            anchors=trust.anchors,
            chain=chain,
            now=now,
            crls=trust.crls,
            rsa_only=rsa_only,
        )
    )


async def fit_signers(
    session: AsyncSession,
    *,
    now: datetime,
    rsa_only: bool,
    among: frozenset[PersonId] | None = None,
) -> frozenset[PersonId]:
    """Everybody, or those `among` these persons, who hold at least one certificate fit to sign
    now. Judging a certificate costs a chain: name the persons where they are known."""
    named = None if among is None else frozenset(uuid.UUID(one) for one in among)
    rows = await UserRepository(session).certificates(among=named) if named != frozenset() else []
    trust = await trust_material(session) if rows else TrustMaterial()
    fit: set[PersonId] = set()
    for row in rows:
        person = as_person(row.user_id)
        if person in fit:
            continue
        if (await fitness_of(row, trust, now=now, rsa_only=rsa_only)).fit:
            fit.add(person)
    return frozenset(fit)


async def certified_periods(
    session: AsyncSession, *, since: datetime, rsa_only: bool
) -> Mapping[PersonId, tuple[Period, ...]]:
    """When each person holds a certificate fit to sign, from `since` on, as far as its own dates
    tell: its issuers and its revocation are judged once, at the first instant that counts."""
    trust = await trust_material(session)
    found: dict[PersonId, tuple[Period, ...]] = {}
    for row in await UserRepository(session).certificates():
        start = max(row.not_before, since)
        if (await fitness_of(row, trust, now=start, rsa_only=rsa_only)).fit:
            person = as_person(row.user_id)
            period = Period(row.not_before, row.not_after + _LAST_INSTANT)
            found[person] = (*found.get(person, ()), period)
    return found
