"""Pairing of signing agents: a code shown by the agent, confirmed by its person."""

from __future__ import annotations

import base64
import secrets
import uuid
from collections.abc import Mapping
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.chain import Occurrence
from app.audit.service import record
from app.auth.device_requests import DEVICE, check_signature, spend_nonce
from app.auth.principal import Principal
from app.auth.repository import AuthRepository
from app.auth.service import note_failure, refuse_when_slowed
from app.context import Context
from app.db.session import set_tenant
from app.devices.repository import DeviceRepository
from app.devices.schemas import (
    DeviceRead,
    PairingCreate,
    PairingCreated,
    PairingRead,
    PairingShown,
    PairingState,
)
from app.errors import NotFound, Unauthenticated, Unprocessable
from app.kit.ids import new_id
from app.models import LoginHandle, PairingRequest, SigningDevice
from app.tenants.repository import TenantRepository
from app.users.service import user_of

ALPHABET = "ABCDEFGHJKMNPQRTUVWXY2346789"
CODE_LENGTH = 8
LIFETIME = timedelta(minutes=10)
MAX_REQUESTS = 30
_CODE = "pairing_code"


async def request_pairing(context: Context, new: PairingCreate, *, address: str) -> PairingCreated:
    """Gives the agent a code that lives ten minutes. Raises Unprocessable (`bad_public_key`),
    TooManyAttempts."""
    guards = (context.keyring.handle("guard-pairing", address),)
    await refuse_when_slowed(context, guards, at_most=MAX_REQUESTS)
    await note_failure(context, guards)
    _check_key(new.public_key)
    code = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
    now = context.clock()
    row = PairingRequest(
        id=new_id(),
        code_digest=context.keyring.handle(_CODE, code),
        public_key=new.public_key,
        expires_at=now + LIFETIME,
    )
    row.sealed_machine_name = context.keyring.seal(
        new.machine_name.encode(), context=_seal_context(row.id)
    )
    async with context.unit() as session:
        repository = DeviceRepository(session)
        await repository.drop_old_requests(now - LIFETIME)
        repository.add(row)
    return PairingCreated(
        pairing_id=row.id,
        code=f"{code[:4]}-{code[4:]}",
        expires_at=row.expires_at,
        poll_interval_s=context.settings.signing.pairing_poll_s,
    )


def _check_key(public_key: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(public_key)
    except ValueError as e:
        raise Unprocessable(
            "La clé du poste n'est pas une clé Ed25519 : mettez l'agent à jour.",
            code="bad_public_key",
        ) from e


def _seal_context(pairing_id: uuid.UUID) -> str:
    return f"pairing_requests/{pairing_id}"


async def read_pairing(
    context: Context, pairing_id: uuid.UUID, fields: Mapping[str, str]
) -> PairingRead:
    """What the agent polls, signed by the key it announced. Raises NotFound, Unauthenticated."""
    async with context.unit() as session:
        row = await DeviceRepository(session).request(pairing_id)
        if row is None:
            raise NotFound
        if fields["device"] != str(pairing_id):
            raise Unauthenticated(
                "Cet appairage a été demandé par un autre poste : refaites-le depuis celui-ci."
            )
        check_signature(context, row.public_key, fields)
        await spend_nonce(context, AuthRepository(session), fields)
        if row.device_id is None or row.tenant_id is None:
            expired = context.clock() >= row.expires_at
            return _unpaired(PairingState.EXPIRED if expired else PairingState.PENDING)
        await set_tenant(session, row.tenant_id)
        tenant = await TenantRepository(session).current()
        device = await DeviceRepository(session).device(row.device_id)
        assert device is not None
        user = await user_of(session, device.user_id)
        return PairingRead(
            state=PairingState.CONFIRMED,
            device_id=device.id,
            server_job_key=server_job_key(context),
            tenant_name=tenant.name,
            user_name=user.full_name,
        )


def server_job_key(context: Context) -> str:
    """The public key that agents pin, base64 of 32 bytes."""
    raw = context.keyring.job_key.public_key().public_bytes_raw()
    return base64.b64encode(raw).decode()


def _unpaired(state: PairingState) -> PairingRead:
    return PairingRead(
        state=state, device_id=None, server_job_key=None, tenant_name=None, user_name=None
    )


async def show_pairing(context: Context, principal: Principal, code: str) -> PairingShown:
    """Names the machine behind a code. Raises NotFound, TooManyAttempts."""
    await _slow_guessing(context, principal)
    async with context.unit() as session:
        row = await _living_request(session, context, code)
        if row is not None:
            return PairingShown(machine_name=_machine_name(context, row), expires_at=row.expires_at)
    await note_failure(context, _guards(context, principal))
    raise NotFound("Ce code est inconnu ou expiré : relancez l'appairage sur le poste.")


async def confirm_pairing(context: Context, principal: Principal, code: str) -> DeviceRead:
    """Binds the machine behind the code to the caller. Raises NotFound, TooManyAttempts."""
    await _slow_guessing(context, principal)
    async with context.unit(principal.tenant_id) as session:
        row = await _living_request(session, context, code)
        if row is not None:
            return _pair(session, context, principal, row)
    await note_failure(context, _guards(context, principal))
    raise NotFound("Ce code est inconnu ou expiré : relancez l'appairage sur le poste.")


def _pair(
    session: AsyncSession, context: Context, principal: Principal, row: PairingRequest
) -> DeviceRead:
    assert principal.user_id is not None
    device = SigningDevice(
        id=new_id(),
        tenant_id=principal.tenant_id,
        user_id=principal.user_id,
        machine_name=_machine_name(context, row),
        public_key=row.public_key,
        paired_at=context.clock(),
    )
    handle = LoginHandle(
        digest=context.keyring.handle(DEVICE, str(device.id)),
        kind=DEVICE,
        tenant_id=principal.tenant_id,
        principal_id=device.id,
    )
    DeviceRepository(session).add(device, handle)
    row.tenant_id, row.device_id = principal.tenant_id, device.id
    _journal(session, context, principal, "device.paired", device)
    return read_device(device)


async def _living_request(
    session: AsyncSession, context: Context, code: str
) -> PairingRequest | None:
    plain = code.replace("-", "").strip().upper()
    digest = context.keyring.handle(_CODE, plain)
    row = await DeviceRepository(session).request_of_code(digest)
    is_living = row is not None and row.device_id is None and context.clock() < row.expires_at
    return row if is_living else None


def _machine_name(context: Context, row: PairingRequest) -> str:
    sealed = context.keyring.unseal(row.sealed_machine_name, context=_seal_context(row.id))
    return sealed.decode()


def _guards(context: Context, principal: Principal) -> tuple[str, ...]:
    return (context.keyring.handle("guard-code", str(principal.id)),)


async def _slow_guessing(context: Context, principal: Principal) -> None:
    await refuse_when_slowed(context, _guards(context, principal))


async def list_devices(session: AsyncSession, principal: Principal) -> list[DeviceRead]:
    """The caller's own agents."""
    rows = await DeviceRepository(session).devices(principal.id)
    return [read_device(row) for row in rows]


async def revoke_device(
    session: AsyncSession, context: Context, principal: Principal, device_id: uuid.UUID
) -> DeviceRead:
    """From now on this agent is unknown. Raises NotFound."""
    repository = DeviceRepository(session)
    device = await repository.device(device_id)
    if device is None or device.user_id != principal.user_id:
        raise NotFound
    device.revoked_at = device.revoked_at or context.clock()
    await repository.drop_handle(context.keyring.handle(DEVICE, str(device.id)))
    _journal(session, context, principal, "device.revoked", device)
    return read_device(device)


def _journal(
    session: AsyncSession,
    context: Context,
    principal: Principal,
    kind: str,
    device: SigningDevice,
) -> None:
    record(
        session,
        Occurrence(
            kind=kind,
            actor=principal.actor,
            details={"device": str(device.id)},
        ),
        at=context.clock(),
        values={"machine_name": device.machine_name},
    )


def read_device(row: SigningDevice) -> DeviceRead:
    """An agent as its person sees it."""
    return DeviceRead(
        id=row.id,
        machine_name=row.machine_name,
        paired_at=row.paired_at,
        last_seen_at=row.last_seen_at,
        revoked_at=row.revoked_at,
    )
