"""Walks a folder that nobody deposited through its circuit, as production would."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principal import Permission, Principal
from app.catalog.choice import choose_workflow, rules_of
from app.catalog.drawing import chosen_desk
from app.catalog.repository import CatalogRepository
from app.catalog.service import Resolved, refuse_deposit_desk, resolve
from app.context import Context
from app.desks.repository import DeskRepository
from app.errors import Forbidden, NotFound, Unprocessable
from app.folders.facts import named_amounts
from app.folders.submission import merged_desks, rule_facts
from app.powers.service import period_of
from app.register.service import as_desk, as_person, load_register
from app.simulations.assumptions import (
    PROGRAM,
    assumed,
    refuse_two_submitters,
    refuse_unknown_desk,
    refuse_unknown_person,
    with_program,
)
from app.simulations.durations import usual_durations
from app.simulations.reading import Told
from app.simulations.schemas import SimulationAsked
from app.simulations.texts import Names
from app.tenants.service import timezone_of
from app.users.service import certified_periods, names_of
from workflows.definition import FieldKey, Protocol
from workflows.errors import Refused
from workflows.metadata import MetadataValue, complete, filled, labels
from workflows.powers import desk_power
from workflows.presence import active_holders
from workflows.register import (
    Absence,
    AbsenceId,
    Facts,
    PersonAtDesk,
    PowerRegister,
    SubtypeId,
    TypeId,
)
from workflows.simulation import Assumptions, simulate

_FARTHEST = timedelta(days=3_660)


@dataclass(frozen=True, slots=True)
class _Asked:
    """The question, with what the tenant and the subtype make of it."""

    body: SimulationAsked
    resolved: Resolved
    at: datetime
    metadata: Mapping[str, MetadataValue]
    names: Names

    @property
    def slips(self) -> list[Mapping[str, Any]]:
        """As the inspection of a flow keeps them."""
        return [
            {"number": one.number, "kind": one.kind, "amount_incl_tax": str(one.amount_incl_tax)}
            for one in self.body.slips
        ]


async def simulated(
    session: AsyncSession,
    context: Context,
    principal: Principal,
    subtype_id: uuid.UUID,
    body: SimulationAsked,
) -> Told:
    """The path of a folder deposited so. Nothing is written.

    Raises NotFound, Forbidden (`desk_may_not_deposit`), Unprocessable for what is assumed,
    MetadataRefused or MetadataMissing, NoRowMatches: what stops a deposit stops its simulation."""
    asked = await _understood(session, context, principal, subtype_id, body)
    choice = await choose_workflow(
        session, asked.resolved, rule_facts(asked.metadata, body.desk_id, asked.slips)
    )
    register = await _register(session, context, asked)
    submitter = _submitter(principal, asked, register)
    if body.by_program:
        register = with_program(register, submitter, asked.at)
    by_hand = tuple(chosen_desk(one) for one in body.chosen_desks)
    given = Assumptions(
        submitter=submitter,
        deposited_at=asked.at,
        workflow=choice.workflow,
        register=register,
        facts=_facts(asked),
        rules=rules_of(asked.resolved),
        chosen_desks=merged_desks(choice.workflow, choice.chosen_desks, by_hand),
        durations=await usual_durations(session, choice.version.workflow_id),
        certified=await certified_periods(
            session,
            since=min(asked.at, context.clock()),
            rsa_only=asked.resolved.protocol is Protocol.HELIOS,
        ),
        has_account=asked.resolved.type.connector_account_id is not None,
    )
    return Told(simulate(given), given, asked.names, choice)


async def _understood(
    session: AsyncSession,
    context: Context,
    principal: Principal,
    subtype_id: uuid.UUID,
    body: SimulationAsked,
) -> _Asked:
    if await CatalogRepository(session).subtype(subtype_id) is None:
        raise NotFound
    resolved = await resolve(session, subtype_id)
    _refuse_stranger(principal, resolved, body.desk_id)
    now = context.clock()
    at = body.deposited_at or now
    if abs(at - now) > _FARTHEST:
        raise Unprocessable(
            "Cette date de dépôt est à plus de dix ans : choisissez-en une plus proche.",
            code="deposit_date_out_of_range",
        )
    return _Asked(
        body=body,
        resolved=resolved,
        at=at,
        metadata=complete(resolved.metadata_fields, body.metadata),
        names=await _names(session),
    )


def _refuse_stranger(principal: Principal, resolved: Resolved, desk_id: uuid.UUID) -> None:
    """Whoever may deposit there may ask, and whoever draws circuits."""
    if not principal.may(Permission.CATALOG_ADMIN) and desk_id not in principal.desk_ids:
        raise Forbidden(
            "Vous ne déposez pas pour ce bureau : choisissez l'un des vôtres.",
            code="desk_not_yours",
        )
    refuse_deposit_desk(resolved, desk_id)


async def _names(session: AsyncSession) -> Names:
    return Names(
        persons={as_person(one): name for one, name in (await names_of(session)).items()},
        desks={as_desk(one.id): one.name for one in await DeskRepository(session).desks()},
        zone=await timezone_of(session),
    )


async def _register(session: AsyncSession, context: Context, asked: _Asked) -> PowerRegister:
    """What is registered, and the absences assumed."""
    register = await load_register(session)
    earliest = min(asked.at, context.clock())
    absences = (
        Absence(
            id=AbsenceId(f"assumed-{number}"),
            person=as_person(one.user_id),
            period=period_of(one.period, asked.names.zone, earliest),
            desk=as_desk(one.desk_id) if one.desk_id is not None else None,
            replacements=tuple(as_person(other) for other in one.replacement_ids),
        )
        for number, one in enumerate(asked.body.absences, start=1)
    )
    return assumed(register, absences, asked.names)


def _submitter(principal: Principal, asked: _Asked, register: PowerRegister) -> PersonAtDesk:
    """A program where one deposits, the person named; else the caller where he deposits for the
    desk, else who holds it."""
    desk, named = as_desk(asked.body.desk_id), asked.body.submitter_id
    refuse_unknown_desk(register, desk, asked.names, "Le dépôt supposé nomme")
    if asked.body.by_program:
        refuse_two_submitters(named)
        return PersonAtDesk(PROGRAM, desk)
    if named is not None:
        refuse_unknown_person(as_person(named), asked.names, "Le dépôt supposé nomme")
        return PersonAtDesk(as_person(named), desk)
    caller = PersonAtDesk(as_person(principal.id), desk)
    try:
        desk_power(register, caller, asked.at)
    except Refused:
        holders = active_holders(register, desk, asked.at)
        return PersonAtDesk(holders[0], desk) if holders else caller
    return caller


def _facts(asked: _Asked) -> Facts:
    resolved = asked.resolved
    return Facts(
        type=TypeId(str(resolved.type.id)),
        subtype=SubtypeId(str(resolved.subtype.id)),
        amounts=named_amounts(
            resolved.protocol, resolved.subtype.amount_field, asked.metadata, asked.slips
        ),
        filled=frozenset(FieldKey(key) for key in filled(asked.metadata)),
        labels=labels(resolved.metadata_fields),
    )
