"""`parapheur tenant create`: a local authority and its first administrator."""

from __future__ import annotations

import asyncio
import secrets
from typing import Annotated

import typer
from pwdlib import PasswordHash
from pydantic import ValidationError
from sqlalchemy.exc import IntegrityError

from app.audit.chain import Occurrence
from app.audit.service import SYSTEM, record
from app.auth.principal import Role
from app.cli.terminal import refuse, refuse_usage
from app.context import Context
from app.db.session import UnsafeRole
from app.errors import Conflict
from app.kit.ids import new_id
from app.kit.secrets import BadSecret
from app.process import open_context
from app.serving import equipped
from app.settings import Settings, load_settings
from app.tenants.repository import TenantRepository
from app.tenants.service import NewTenant, check_siret, make_tenant
from app.users.schemas import UserCreate
from app.users.service import create_user

cli = typer.Typer(help="Les collectivités.", no_args_is_help=True, add_completion=False)


@cli.callback()
def tenant() -> None:
    """Les collectivités de cette installation."""


@cli.command()
def create(
    *,
    siret: Annotated[str, typer.Option(help="SIRET, 14 chiffres.")],
    name: Annotated[str, typer.Option(help="Nom de la collectivité.")],
    city: Annotated[str, typer.Option(help="Ville, portée dans les signatures.")],
    postal_code: Annotated[str, typer.Option(help="Code postal, porté dans les signatures.")],
    admin_email: Annotated[str, typer.Option(help="Courriel du premier administrateur.")],
    admin_first_name: Annotated[str, typer.Option(help="Son prénom.")],
    admin_last_name: Annotated[str, typer.Option(help="Son nom.")],
    admin_login: Annotated[
        str | None, typer.Option(help="Son identifiant, le courriel par défaut.")
    ] = None,
    timezone: Annotated[str, typer.Option(help="Fuseau horaire.")] = "Europe/Paris",
) -> None:
    """Crée une collectivité et son premier administrateur ; affiche son mot de passe une fois."""
    new = NewTenant(siret, name, city, postal_code, timezone=timezone)
    check_siret(siret)
    login = admin_login or admin_email
    password = secrets.token_urlsafe(15)
    try:
        administrator = UserCreate(
            login=login,
            email=admin_email,
            first_name=admin_first_name,
            last_name=admin_last_name,
            roles=[Role.TENANT_ADMIN],
        )
    except ValidationError as e:
        fields = ", ".join(str(one["loc"][0]) for one in e.errors())
        refuse_usage(f"valeur refusée pour l'administrateur ({fields}) : corrigez la commande.")
    try:
        with equipped(load_settings()) as settings:
            asyncio.run(_create(settings, new, administrator, password))
    except (UnsafeRole, BadSecret) as e:
        refuse(str(e), code="unsafe_configuration")
    typer.echo(f"Collectivité créée : {name} ({siret}).")
    typer.echo(f"Identifiant : {login}")
    typer.echo(f"Mot de passe, affiché cette seule fois : {password}")


async def _create(
    settings: Settings, new: NewTenant, administrator: UserCreate, password: str
) -> None:
    async with open_context(settings) as context:
        await bootstrap(context, new, administrator, PasswordHash.recommended().hash(password))


async def bootstrap(
    context: Context, new: NewTenant, administrator: UserCreate, password_hash: str
) -> None:
    """Both in one transaction. Raises Unprocessable or Conflict."""
    tenant_id = new_id()
    async with context.unit(tenant_id) as session:
        TenantRepository(session).add(make_tenant(tenant_id, new))
        try:
            await session.flush()
        except IntegrityError as e:
            raise Conflict(
                f"Une collectivité de SIRET {new.siret} existe déjà sur cette installation : "
                "vérifiez le SIRET, ou servez-vous de celle qui existe.",
                code="tenant_exists",
            ) from e
        user = await create_user(session, context, administrator, password_hash=password_hash)
        record(
            session,
            Occurrence(kind="tenant.created", actor=SYSTEM, details={"user": str(user.id)}),
            at=context.clock(),
            values={"name": new.name},
        )
