"""Identification: sessions of people, tokens of programs, failures counted and slowed."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.passwords import PasswordChecker
from app.auth.principal import (
    TOKEN_VERBS,
    Principal,
    PrincipalKind,
    Role,
    permissions_of_person,
    permissions_of_token,
)
from app.auth.repository import AuthRepository
from app.context import Context
from app.db.session import set_tenant
from app.errors import NotFound, TooManyAttempts, Unauthenticated, Unprocessable
from app.kit.ids import new_id
from app.models import ApiToken, LoginHandle, LoginSession, User
from app.register.service import administered_desks, change_powers, places_of

SESSION, TOKEN, LOGIN = "session", "api_token", "login"
TOKEN_PREFIX = "pph_"  # noqa: S105  lets secret scanners recognise a leaked token
_TOUCH_AFTER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Secret:
    """A random value shown once to its owner."""

    id: uuid.UUID
    value: str
    expires_at: datetime


async def open_session(
    context: Context, checker: PasswordChecker, login: str, password: str, *, address: str
) -> Secret:
    """Verifies a password and opens a new session (never reuses a presented one, threat 43).

    Raises TooManyAttempts, or Unauthenticated with one answer for every cause."""
    guards = _guards(context, login=login, address=address)
    await refuse_when_slowed(context, guards)
    user = await _user_of(context, login)
    right = await checker.matches(password, user.password_hash if user else None)
    # Parallel guesses passed the first look together: those that follow five failures stop here.
    await refuse_when_slowed(context, guards)
    opened = await _start_session(context, user, guards[0]) if user and right else None
    if opened is None:
        await note_failure(context, guards)
        raise Unauthenticated(
            "Identifiant ou mot de passe incorrect : vérifiez la saisie.", code="bad_credentials"
        )
    return opened


def _guards(context: Context, *, login: str, address: str) -> tuple[str, str]:
    handle = context.keyring.handle
    return handle("guard-login", normalise_login(login)), handle("guard-address", address)


def normalise_login(login: str) -> str:
    """Log-in names are compared without case nor surrounding blanks."""
    return login.strip().casefold()


async def refuse_when_slowed(
    context: Context, guards: tuple[str, ...], *, at_most: int | None = None
) -> None:
    """Raises TooManyAttempts when one of the guards counts too many failures (`at_most`: the
    setting's by default)."""
    limits = context.settings.limits
    since = context.clock() - timedelta(seconds=limits.failure_window_s)
    async with context.unit() as session:
        repository = AuthRepository(session)
        counts = [await repository.failures(guard, since) for guard in guards]
    if max(counts) >= (limits.failures if at_most is None else at_most):
        raise TooManyAttempts(
            "Trop de tentatives : réessayez dans un quart d'heure.", code="too_many_failures"
        )


async def note_failure(context: Context, guards: tuple[str, ...]) -> None:
    """Counts a failure in its own transaction: the refusal that follows must not undo it."""
    window = timedelta(seconds=context.settings.limits.failure_window_s)
    async with context.unit() as session:
        repository = AuthRepository(session)
        for guard in sorted(guards):
            await repository.note_failure(guard, context.clock(), window)


async def _user_of(context: Context, login: str) -> User | None:
    digest = context.keyring.handle(LOGIN, normalise_login(login))
    async with context.unit() as session:
        handle = await AuthRepository(session).handle(digest)
        if handle is None:
            return None
        await set_tenant(session, handle.tenant_id)
        return await AuthRepository(session).user(handle.principal_id)


async def _start_session(context: Context, user: User, guard: str) -> Secret | None:
    """Nothing where the account is closed, or opens with another password since this one was
    compared: whoever closed or changed it ended the sessions that were open."""
    value = secrets.token_urlsafe(32)
    now = context.clock()
    expires_at = now + timedelta(seconds=context.settings.limits.session_s)
    async with context.unit(user.tenant_id) as session:
        repository = AuthRepository(session)
        account = await repository.lock_user(user.id)
        if not account.is_active or account.password_hash != user.password_hash:
            return None
        row = LoginSession(
            id=new_id(),
            tenant_id=user.tenant_id,
            user_id=user.id,
            last_seen_at=now,
            expires_at=expires_at,
        )
        repository.add(row)
        repository.add(_handle(context, SESSION, value, user.tenant_id, row.id))
        await repository.forget_failures(guard)
    return Secret(row.id, value, expires_at)


def _handle(
    context: Context, kind: str, value: str, tenant_id: uuid.UUID, principal_id: uuid.UUID
) -> LoginHandle:
    return LoginHandle(
        digest=context.keyring.handle(kind, value),
        kind=kind,
        tenant_id=tenant_id,
        principal_id=principal_id,
    )


async def principal_of_session(context: Context, value: str) -> tuple[Principal, uuid.UUID]:
    """The person behind a session cookie, and the session's id. Raises Unauthenticated."""
    async with context.unit() as session:
        repository = AuthRepository(session)
        handle = await repository.handle(context.keyring.handle(SESSION, value))
        if handle is None or handle.kind != SESSION:
            raise _unknown()
        await set_tenant(session, handle.tenant_id)
        row = await repository.login_session(handle.principal_id)
        if row is None or not _is_living(context, row):
            raise _unknown()
        if context.clock() - row.last_seen_at > _TOUCH_AFTER:
            row.last_seen_at = context.clock()
        principal = await person(context, session, row.user_id, handle.tenant_id)
    return principal, row.id


def _is_living(context: Context, row: LoginSession) -> bool:
    idle = timedelta(seconds=context.settings.limits.idle_session_s)
    now = context.clock()
    return row.revoked_at is None and now < row.expires_at and now - row.last_seen_at < idle


async def person(
    context: Context, session: AsyncSession, user_id: uuid.UUID, tenant_id: uuid.UUID
) -> Principal:
    """A person's principal now: roles and desks are read at each request, never cached."""
    user = await AuthRepository(session).user(user_id)
    if user is None or not user.is_active:
        raise _unknown()
    places = await places_of(session, user.id, context.clock())
    return Principal(
        kind=PrincipalKind.PERSON,
        tenant_id=tenant_id,
        id=user.id,
        user_id=user.id,
        permissions=permissions_of_person(user.roles),
        desk_ids=places.acting,
        sees_all_folders=Role.TENANT_ADMIN in user.roles,
        watched_desk_ids=places.watched,
        administered_desk_ids=administered_desks(user.roles, user.administered_desk_ids),
    )


async def principal_of_token(context: Context, value: str) -> Principal:
    """The program behind a bearer token. Raises Unauthenticated."""
    async with context.unit() as session:
        repository = AuthRepository(session)
        handle = await repository.handle(context.keyring.handle(TOKEN, value))
        if handle is None or handle.kind != TOKEN:
            raise _unknown()
        await set_tenant(session, handle.tenant_id)
        row = await repository.token(handle.principal_id)
        now = context.clock()
        if row is None or row.revoked_at is not None or now >= row.expires_at:
            raise _unknown()
        if row.last_used_at is None or now - row.last_used_at > _TOUCH_AFTER:
            row.last_used_at = now
        return Principal(
            kind=PrincipalKind.PROGRAM,
            tenant_id=row.tenant_id,
            id=row.id,
            user_id=None,
            permissions=permissions_of_token(row.verbs),
            desk_ids=frozenset(row.desk_ids),
        )


def _unknown() -> Unauthenticated:
    return Unauthenticated("Identifiez-vous : la session ou le jeton est inconnu ou expiré.")


async def close_session(context: Context, tenant_id: uuid.UUID, session_id: uuid.UUID) -> None:
    """Revokes on the server; the cookie alone would prove nothing."""
    async with context.unit(tenant_id) as session:
        repository = AuthRepository(session)
        row = await repository.login_session(session_id)
        if row is not None:
            await _revoke(repository, row, context.clock())


async def _revoke(repository: AuthRepository, row: LoginSession, now: datetime) -> None:
    row.revoked_at = now
    await repository.drop_handles_of(row.id)


async def check_own_password(
    context: Context, checker: PasswordChecker, user: User, password: str
) -> None:
    """Whoever found an open session does not take the account: the password is asked again, and
    wrong ones count as at log-in. Raises TooManyAttempts or Unprocessable (`bad_credentials`)."""
    guards = (context.keyring.handle("guard-login", user.login),)
    await refuse_when_slowed(context, guards)
    if not await checker.matches(password, user.password_hash):
        await note_failure(context, guards)
        raise Unprocessable(
            "Le mot de passe actuel est incorrect : vérifiez la saisie.", code="bad_credentials"
        )


async def set_password(
    session: AsyncSession,
    user: User,
    password_hash: str,
    *,
    now: datetime,
    kept: uuid.UUID | None = None,
) -> None:
    """The account opens with this password only; its sessions end, but the one `kept`."""
    user.password_hash = password_hash
    # Before they are looked for: a session that is being opened waits, or is among them.
    await session.flush()
    await end_sessions(session, user.id, now=now, kept=kept)


async def end_sessions(
    session: AsyncSession, user_id: uuid.UUID, *, now: datetime, kept: uuid.UUID | None = None
) -> None:
    """Whoever has one of the person's sessions signs in again, but at the one `kept`."""
    repository = AuthRepository(session)
    for row in await repository.open_sessions(user_id):
        if row.id != kept:
            await _revoke(repository, row, now)


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """What a new token may do."""

    label: str
    desk_ids: tuple[uuid.UUID, ...]
    verbs: tuple[str, ...]
    expires_at: datetime


async def issue_token(
    context: Context, session: AsyncSession, principal: Principal, request: TokenRequest
) -> tuple[ApiToken, str]:
    """Makes a token; its value is returned here and nowhere else. Raises Unprocessable."""
    unknown = [verb for verb in request.verbs if verb not in set(TOKEN_VERBS)]
    if unknown or not request.verbs:
        allowed = ", ".join(sorted(TOKEN_VERBS))
        raise Unprocessable(
            f"Droits possibles d'un jeton : {allowed}. Corrigez la liste.", code="unknown_verb"
        )
    if request.expires_at <= context.clock():
        raise Unprocessable(
            "La date d'expiration du jeton est déjà passée : donnez-en une à venir.",
            code="expiry_in_the_past",
        )
    await change_powers(session)
    repository = AuthRepository(session)
    if not (await repository.desk_ids()).issuperset(request.desk_ids):
        raise Unprocessable(
            "Un bureau de cette liste n'existe pas : rechargez la liste des bureaux.",
            code="unknown_desk",
        )
    assert principal.user_id is not None
    value = TOKEN_PREFIX + secrets.token_urlsafe(32)
    row = ApiToken(
        id=new_id(),
        tenant_id=principal.tenant_id,
        label=request.label,
        desk_ids=list(request.desk_ids),
        verbs=list(request.verbs),
        created_by=principal.user_id,
        expires_at=request.expires_at,
    )
    repository.add(row)
    repository.add(_handle(context, TOKEN, value, principal.tenant_id, row.id))
    return row, value


async def revoke_token(context: Context, session: AsyncSession, token_id: uuid.UUID) -> ApiToken:
    """From now on the token is unknown, and no act that read it goes on. Raises NotFound."""
    await change_powers(session)
    repository = AuthRepository(session)
    row = await repository.token(token_id)
    if row is None:
        raise NotFound
    row.revoked_at = row.revoked_at or context.clock()
    await repository.drop_handles_of(row.id)
    return row


def login_handle(
    context: Context, *, login: str, tenant_id: uuid.UUID, user_id: uuid.UUID
) -> LoginHandle:
    """The handle that finds a person by log-in name before his tenant is known."""
    return _handle(context, LOGIN, normalise_login(login), tenant_id, user_id)
