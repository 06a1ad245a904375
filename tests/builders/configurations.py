"""Documents of a tenant's configuration, and tenants with nothing but an administrator."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass

from app.auth.principal import Principal, PrincipalKind, Role, permissions_of_person
from app.configuration.schemas import ConfigurationCheck, ConfigurationPlan
from app.configuration.service import Request, apply, dry_run, export, validate
from app.configuration.shipped import template_text
from app.context import Context
from app.demo.town import Town
from app.kit.ids import new_id
from app.tenants.repository import TenantRepository
from app.tenants.service import NewTenant, make_tenant
from app.users.schemas import UserCreate
from app.users.service import create_user
from tests.builders.towns import a_siret

HEAD = "version: 1\n"


def desk(name: str, **said: str) -> str:
    """One desk of the section `desks`, each word on its line."""
    lines = [f"  - name: {name}", *(f"    {key}: {value}" for key, value in said.items())]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class Setup:
    """A tenant and its administrator, who hands documents in. `domain` is that of its log-ins,
    which are unique on the platform."""

    context: Context
    principal: Principal
    domain: str

    def own(self, name: str) -> str:
        """A template for this tenant."""
        text = template_text(name)
        return text.replace("saint-exemple.example", self.domain).replace(
            "val-exemple.example", self.domain
        )

    async def export(self) -> str:
        async with self.context.unit(self.principal.tenant_id) as session:
            return await export(session, self.context, self.principal)

    async def apply(self, text: str) -> ConfigurationPlan:
        async with self.context.unit(self.principal.tenant_id) as session:
            return await apply(Request(session, self.context, self.principal, text.encode()))

    async def dry_run(self, text: str) -> ConfigurationPlan:
        async with self.context.unit(self.principal.tenant_id) as session:
            return await dry_run(Request(session, self.context, self.principal, text.encode()))

    async def validate(self, text: str) -> ConfigurationCheck:
        async with self.context.unit(self.principal.tenant_id) as session:
            return await validate(Request(session, self.context, self.principal, text.encode()))


async def an_empty_tenant(context: Context) -> Setup:
    """A new local authority, as the operator makes it."""
    tenant_id, domain = new_id(), f"{secrets.token_hex(6)}.test"
    async with context.unit(tenant_id) as session:
        new = NewTenant(a_siret(), "Commune fictive", city="Ailleurs", postal_code="99000")
        TenantRepository(session).add(make_tenant(tenant_id, new))
        await session.flush()
        administrator = UserCreate(
            login=f"administration@{domain}",
            email=f"administration@{domain}",
            first_name="Noé",
            last_name="Registre",
            roles=[Role.TENANT_ADMIN],
        )
        made = await create_user(session, context, administrator, password_hash=None)
    return Setup(context, _administrator(tenant_id, made.id), domain)


def setup_of(context: Context, town: Town, role: Role = Role.TENANT_ADMIN) -> Setup:
    """A town that stands, with everything that towns of tests have."""
    user_id = town.users["administrateur"]
    return Setup(context, _administrator(town.tenant_id, user_id, role), "")


def _administrator(
    tenant_id: uuid.UUID, user_id: uuid.UUID, role: Role = Role.TENANT_ADMIN
) -> Principal:
    return Principal(
        kind=PrincipalKind.PERSON,
        tenant_id=tenant_id,
        id=user_id,
        user_id=user_id,
        permissions=permissions_of_person([role.value]),
        desk_ids=frozenset(),
        administered_desk_ids=None,
    )
