"""Requests of agents: signed by the device key, dated, each nonce once (docs/agent-protocol.md)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from app.auth.principal import Permission, Principal, PrincipalKind
from app.auth.repository import AuthRepository
from app.context import Context
from app.db.session import set_tenant
from app.errors import Unauthenticated

DEVICE = "device"
MAX_OFFSET = timedelta(minutes=5)
_LABEL = "parapheur-device-request-v1"


def request_text(fields: Mapping[str, str]) -> bytes:
    """What the device signs."""
    lines = (
        _LABEL,
        fields["method"],
        fields["target"],
        fields["body_sha256"],
        fields["nonce"],
        fields["date"],
    )
    return "\n".join(lines).encode()


async def principal_of_device(context: Context, fields: Mapping[str, str]) -> Principal:
    """The agent behind a signed request. Raises Unauthenticated (`device_refused`)."""
    async with context.unit() as session:
        repository = AuthRepository(session)
        handle = await repository.handle(context.keyring.handle(DEVICE, fields["device"]))
        if handle is None:
            raise _refused()
        await set_tenant(session, handle.tenant_id)
        device = await repository.device(handle.principal_id)
        if device is None or device.revoked_at is not None:
            raise _refused()
        user = await repository.user(device.user_id)
        if user is None or not user.is_active:
            raise _refused()
        check_signature(context, device.public_key, fields)
        await spend_nonce(context, repository, fields)
        device.last_seen_at = context.clock()
        return Principal(
            kind=PrincipalKind.DEVICE,
            tenant_id=device.tenant_id,
            id=device.id,
            user_id=device.user_id,
            permissions=frozenset({Permission.AGENT}),
            desk_ids=frozenset(),
        )


def check_signature(context: Context, public_key: bytes, fields: Mapping[str, str]) -> None:
    """Raises Unauthenticated when the date is off or the signature wrong."""
    offset = abs(context.clock() - _moment(fields["date"]))
    if offset > MAX_OFFSET:
        raise Unauthenticated(
            "L'horloge de ce poste est décalée de plus de cinq minutes : mettez-la à l'heure.",
            code="device_clock",
        )
    try:
        signature = base64.b64decode(fields["signature"], validate=True)
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, request_text(fields))
    except (ValueError, InvalidSignature) as e:
        raise _refused() from e


async def spend_nonce(
    context: Context, repository: AuthRepository, fields: Mapping[str, str]
) -> None:
    """Raises Unauthenticated when this nonce was already seen for this device."""
    digest = context.keyring.handle("nonce", f"{fields['device']}\0{fields['nonce']}")
    if not await repository.spend_nonce(digest, context.clock()):
        raise _refused()


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as e:
        raise _refused() from e
    if moment.tzinfo is None:
        raise _refused()
    return moment


def _refused() -> Unauthenticated:
    return Unauthenticated(
        "Ce poste n'est pas reconnu : appairez-le à nouveau depuis votre profil.",
        code="device_refused",
    )
