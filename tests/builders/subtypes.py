"""Circuits and subtypes of a town's own, made by the service."""

from __future__ import annotations

import secrets
from typing import Any

from app.catalog.folder_subtypes import create_subtype
from app.catalog.folder_types import create_type
from app.catalog.formats import TypeFormat
from app.catalog.schemas import FolderSubtypeCreate, FolderTypeCreate, WorkflowCreate
from app.catalog.workflows import activate, create_workflow
from app.context import Context
from app.demo.town import Town
from workflows.definition import Protocol

Json = dict[str, Any]


def step(town: Town, name: str, kind: str, *desks: str, **more: Any) -> Json:
    """A step of these desks, named by the keys of the town."""
    ids = [str(town.desks[one]) for one in desks]
    return {"id": name, "kind": kind, "name": name.capitalize(), "desk_ids": ids, **more}


def desk_of(town: Town, key: str) -> Json:
    """A given desk as an actor."""
    return {"kind": "desk", "desk_id": str(town.desks[key])}


async def add_workflow(context: Context, town: Town, *steps: Json, **workflow: Any) -> str:
    """A circuit in force; its id."""
    now = context.clock()
    body = {"name": f"Circuit {secrets.token_hex(4)}", "steps": list(steps), **workflow}
    async with context.unit(town.tenant_id) as session:
        made = await create_workflow(session, WorkflowCreate.model_validate(body), now=now)
        await activate(session, made.id, 1, now=now)
    return str(made.id)


async def add_subtype(
    context: Context,
    town: Town,
    *steps: Json,
    key: str = "essai",
    protocol: Protocol = Protocol.NONE,
    form: TypeFormat | None = None,
    workflow: Json | None = None,
    **settings: Any,
) -> str:
    """A subtype of its own type, bound to a circuit of these steps; its key."""
    workflow_id = await add_workflow(context, town, *steps, **(workflow or {}))
    usual = TypeFormat.PES_V2 if protocol is Protocol.HELIOS else TypeFormat.PADES
    name = f"Type {secrets.token_hex(4)}"
    async with context.unit(town.tenant_id) as session:
        kind = await create_type(
            session, FolderTypeCreate(name=name, protocol=protocol, signature_format=form or usual)
        )
        body = {"type_id": kind.id, "name": name, "workflow_id": workflow_id, **settings}
        row = FolderSubtypeCreate.model_validate(body)
        town.subtypes[key] = (await create_subtype(session, row, now=context.clock())).id
    return key


async def add_flows(context: Context, town: Town, *steps: Json) -> None:
    """A subtype of flows to sign, `other_flows`, in a circuit of these steps and the sending."""
    await add_subtype(
        context,
        town,
        *steps,
        step(town, "envoi", "transmission"),
        key="other_flows",
        protocol=Protocol.HELIOS,
        helios_intake="to_sign",
    )
