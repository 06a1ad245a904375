"""A fictional local authority with its people, desks, circuits and types."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from app.audit.chain import Occurrence
from app.audit.service import SYSTEM, record
from app.catalog import service as catalog
from app.catalog.folder_subtypes import create_subtype
from app.catalog.folder_types import create_type
from app.catalog.formats import TypeFormat
from app.catalog.schemas import (
    ConnectorAccountCreate,
    FolderSubtypeCreate,
    FolderTypeCreate,
    StampPosition,
    StepInput,
    WorkflowCreate,
)
from app.catalog.workflows import activate, create_workflow
from app.context import Context
from app.demo.people import PEOPLE, SIRET, Town
from app.desks.schemas import DeskCreate, HolderCreate
from app.desks.service import add_holder, create_desk
from app.kit.ids import new_id
from app.tenants.repository import TenantRepository
from app.tenants.schemas import TrustKind
from app.tenants.service import NewTenant, add_trust, make_tenant
from app.users.schemas import UserCreate
from app.users.service import SeenCertificate, create_user, register_certificates
from workflows.definition import HeliosIntake, Protocol, StepKind

__all__ = ["PEOPLE", "SIRET", "Town", "TownPlan", "found_town"]


_STAMP = StampPosition(page=-1, x=286, y=84)


@dataclass(frozen=True, slots=True)
class TownPlan:
    """What the town is made with: its SIRET, trust, passwords (by person's key), TdT account, and
    the certificate of the mayor followed by its issuers, without which no flow could be signed."""

    siret: str
    domain: str
    password_hashes: Mapping[str, str]
    mayor: tuple[bytes, ...]
    trust: tuple[tuple[TrustKind, bytes], ...]
    account: ConnectorAccountCreate | None = None


async def found_town(context: Context, plan: TownPlan) -> Town:
    """Makes the whole town in one transaction."""
    tenant_id = new_id()
    async with context.unit(tenant_id) as session:
        new = NewTenant(
            siret=plan.siret,
            name="Commune fictive de Saint-Exemple",
            city="Saint-Exemple",
            postal_code="99000",
        )
        founded = Occurrence(kind="tenant.created", actor=SYSTEM)
        record(session, founded, at=context.clock(), values={"name": new.name})
        TenantRepository(session).add(make_tenant(tenant_id, new))
        await session.flush()
        for kind, content in plan.trust:
            label, now = "Autorité fictive", context.clock()
            await add_trust(session, kind=kind, label=label, content=content, now=now)
        logins, users, desks = await _people(session, context, plan)
        await register_certificates(
            session,
            users["maire"],
            [SeenCertificate(plan.mayor[0], plan.mayor[1:])],
            source="import",
            now=context.clock(),
        )
        subtypes = await _catalog(session, context, plan, desks)
    return Town(tenant_id, logins, users, desks, subtypes)


async def _people(
    session: AsyncSession, context: Context, plan: TownPlan
) -> tuple[dict[str, str], dict[str, uuid.UUID], dict[str, uuid.UUID]]:
    logins: dict[str, str] = {}
    users: dict[str, uuid.UUID] = {}
    desks: dict[str, uuid.UUID] = {}
    for person in PEOPLE:
        login = f"{person.key}@{plan.domain}"
        user = await create_user(
            session,
            context,
            UserCreate(
                login=login,
                email=login,
                first_name=person.first_name,
                last_name=person.last_name,
                roles=list(person.roles),
            ),
            password_hash=plan.password_hashes.get(person.key),
        )
        logins[person.key], users[person.key] = login, user.id
        if person.desk is not None:
            desk = await create_desk(
                session,
                DeskCreate(name=person.desk, capacity=person.capacity, gender=person.gender),
            )
            await add_holder(session, desk.id, HolderCreate(user_id=user.id), now=context.clock())
            desks[person.key] = desk.id
    return logins, users, desks


async def _catalog(
    session: AsyncSession, context: Context, plan: TownPlan, desks: dict[str, uuid.UUID]
) -> dict[str, uuid.UUID]:
    account = await catalog.create_account(session, context, plan.account) if plan.account else None
    account_id = account.id if account else None
    signed = await _workflow(session, context, "Visa, signature, envoi", _signing_steps(desks))
    sent = await _workflow(session, context, "Visa, envoi", _sending_steps(desks))
    kept = await _workflow(session, context, "Visa, signature", _signing_steps(desks)[:2])
    acts = await create_type(session, _type("Actes", Protocol.ACTES, account_id))
    flows = await create_type(session, _type("Flux comptables", Protocol.HELIOS, account_id))
    papers = await create_type(session, _type("Courriers", Protocol.NONE, None))
    rows = {
        "acts": FolderSubtypeCreate(type_id=acts.id, name="Délibérations", workflow_id=signed),
        "letters": FolderSubtypeCreate(
            type_id=papers.id, name="Lettres", workflow_id=kept, several_documents=True
        ),
        "flows": _flow_subtype(flows.id, "Bordereaux", signed, HeliosIntake.TO_SIGN),
        "signed_flows": _flow_subtype(
            flows.id, "Flux déjà signés", sent, HeliosIntake.SIGNED_ELSEWHERE
        ),
        "attachments": _flow_subtype(
            flows.id, "Pièces justificatives", sent, HeliosIntake.NOTHING_TO_SIGN
        ),
    }
    now = context.clock()
    return {key: (await create_subtype(session, row, now=now)).id for key, row in rows.items()}


def _type(name: str, protocol: Protocol, account_id: uuid.UUID | None) -> FolderTypeCreate:
    is_helios = protocol is Protocol.HELIOS
    return FolderTypeCreate(
        name=name,
        protocol=protocol,
        signature_format=TypeFormat.PES_V2 if is_helios else TypeFormat.PADES,
        connector_account_id=account_id,
        stamp=_STAMP if protocol is Protocol.ACTES else None,
    )


def _flow_subtype(
    type_id: uuid.UUID, name: str, workflow_id: uuid.UUID, intake: HeliosIntake
) -> FolderSubtypeCreate:
    return FolderSubtypeCreate(
        type_id=type_id, name=name, workflow_id=workflow_id, helios_intake=intake
    )


async def _workflow(
    session: AsyncSession, context: Context, name: str, steps: list[StepInput]
) -> uuid.UUID:
    now = context.clock()
    workflow = await create_workflow(session, WorkflowCreate(name=name, steps=steps), now=now)
    await activate(session, workflow.id, 1, now=now)
    return workflow.id


def _signing_steps(desks: dict[str, uuid.UUID]) -> list[StepInput]:
    visa, sending = _sending_steps(desks)
    signature = StepInput(
        id="signature",
        kind=StepKind.SIGNATURE,
        name="Signature du maire",
        desk_ids=[desks["maire"]],
    )
    return [visa, signature, sending]


def _sending_steps(desks: dict[str, uuid.UUID]) -> list[StepInput]:
    visa = StepInput(
        id="visa",
        kind=StepKind.APPROVAL,
        name="Visa de la direction",
        desk_ids=[desks["direction"]],
    )
    return [visa, StepInput(id="envoi", kind=StepKind.TRANSMISSION, name="Télétransmission")]
