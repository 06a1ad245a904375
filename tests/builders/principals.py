"""Who may speak to the API: people of any role, programs, agents; each as request headers."""

from __future__ import annotations

import secrets
from datetime import timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.auth.device_requests import DEVICE
from app.auth.principal import Permission, Principal, PrincipalKind, Role
from app.auth.service import TokenRequest, issue_token
from app.context import Context
from app.demo.town import Town
from app.kit.ids import new_id
from app.models import LoginHandle, SigningDevice, User
from tests.builders.signing_agents import DeviceAuth
from tests.builders.towns import cookie_of, password_hash


async def add_person(
    context: Context, town: Town, key: str, *roles: Role, is_active: bool = True
) -> None:
    """Somebody more in the town, with these roles and no desk."""
    async with context.unit(town.tenant_id) as session:
        user = User(
            id=new_id(),
            tenant_id=town.tenant_id,
            login=f"{key}-{secrets.token_hex(4)}@saint-exemple.test",
            email=f"{key}@saint-exemple.test",
            first_name="Sacha",
            last_name="Essai",
            password_hash=password_hash(),
            roles=[role.value for role in roles],
            is_active=is_active,
        )
        session.add(user)
    town.users[key] = user.id


async def session_headers(context: Context, town: Town, key: str) -> dict[str, str]:
    """A person signed in, by his key."""
    return {"Cookie": f"parapheur_session={await cookie_of(context, town, key)}"}


async def make_token(
    context: Context, town: Town, *verbs: Permission, desk: str = "finances", days: float = 30
) -> tuple[str, str]:
    """A token of the town: its id and its value."""
    administrator = Principal(
        kind=PrincipalKind.PERSON,
        tenant_id=town.tenant_id,
        id=town.users["administrateur"],
        user_id=town.users["administrateur"],
        permissions=frozenset({Permission.TOKEN_ADMIN}),
        desk_ids=frozenset(),
    )
    request = TokenRequest(
        label="Logiciel de finances",
        desk_ids=(town.desks[desk],),
        verbs=tuple(verb.value for verb in verbs),
        expires_at=context.clock() + timedelta(days=days),
    )
    async with context.unit(town.tenant_id) as session:
        row, value = await issue_token(context, session, administrator, request)
    return str(row.id), value


def bearer(value: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {value}"}


async def make_device(context: Context, town: Town, key: str = "maire") -> DeviceAuth:
    """An agent paired with somebody of the town, without the pairing."""
    device_key = Ed25519PrivateKey.generate()
    device_id = new_id()
    async with context.unit(town.tenant_id) as session:
        session.add(
            SigningDevice(
                id=device_id,
                tenant_id=town.tenant_id,
                user_id=town.users[key],
                machine_name="poste d'essai",
                public_key=device_key.public_key().public_bytes_raw(),
                paired_at=context.clock(),
            )
        )
        session.add(
            LoginHandle(
                digest=context.keyring.handle(DEVICE, str(device_id)),
                kind=DEVICE,
                tenant_id=town.tenant_id,
                principal_id=device_id,
            )
        )
    return DeviceAuth(str(device_id), device_key, context.clock)
