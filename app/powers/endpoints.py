"""Routes about absences, grants, mandates and what gives power to a person."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.http import Caller, IdempotentRoute, permit
from app.auth.principal import Permission
from app.errors import Forbidden
from app.kit.clock import in_journal
from app.kit.instants import Instant
from app.kit.problems import problem_responses
from app.powers import absences, effects, grants, mandates, service
from app.powers.schemas import (
    AbsenceCreate,
    AbsenceEffectsRead,
    AbsenceRead,
    AbsenceUpdate,
    GrantCreate,
    GrantRead,
    GrantUpdate,
    MandateCreate,
    MandateRead,
    MandateUpdate,
    PowersRead,
)

router = APIRouter(tags=["powers"], route_class=IdempotentRoute)

At = Annotated[Instant | None, Query(description="Maintenant par défaut.")]


@router.post(
    "/absences",
    status_code=201,
    response_model=AbsenceRead,
    summary="Déclarer une absence",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def declare_absence(
    new: AbsenceCreate, caller: Caller = permit(Permission.ABSENCE_DECLARE)
) -> AbsenceRead:
    """By the holder, an administrator, or an assistant who may. It gives nobody the power to
    sign: replacements approve only."""
    async with caller.unit() as session:
        absence = await absences.declare(session, caller.principal, new, clock=caller.context.clock)
        _tell_absence(session, caller, "absence.declared", absence)
        return absence


@router.get(
    "/absences",
    response_model=list[AbsenceRead],
    summary="Lister les absences",
    responses=problem_responses(401, 403),
)
async def list_absences(
    since: At = None, caller: Caller = permit(Permission.ABSENCE_DECLARE)
) -> list[AbsenceRead]:
    """One's own, and those that one may declare, which had not ended at `since`."""
    now = caller.context.clock()
    async with caller.unit() as session:
        return await absences.list_absences(session, caller.principal, since=since or now, now=now)


@router.patch(
    "/absences/{absence_id}",
    response_model=AbsenceRead,
    summary="Terminer ou modifier une absence",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def change_absence(
    absence_id: uuid.UUID,
    update: AbsenceUpdate,
    caller: Caller = permit(Permission.ABSENCE_DECLARE),
) -> AbsenceRead:
    """Folders come back to the holder at the instant of the end."""
    async with caller.unit() as session:
        absence = await absences.change(
            session, caller.principal, absence_id, update, clock=caller.context.clock
        )
        kind = "absence.ended" if update.ends_now else "absence.changed"
        _tell_absence(session, caller, kind, absence)
        return absence


@router.delete(
    "/absences/{absence_id}",
    status_code=204,
    summary="Supprimer une absence à venir",
    responses=problem_responses(401, 403, 404, 409),
)
async def withdraw_absence(
    absence_id: uuid.UUID, caller: Caller = permit(Permission.ABSENCE_DECLARE)
) -> None:
    """Only before it starts; afterwards it is ended."""
    async with caller.unit() as session:
        row = await absences.withdraw(
            session, caller.principal, absence_id, clock=caller.context.clock
        )
        details = {"absence": str(absence_id), "person": str(row.user_id)}
        caller.tell(session, "absence.withdrawn", details)


@router.get(
    "/absences/{absence_id}/effects",
    response_model=AbsenceEffectsRead,
    summary="Voir les effets d'une absence",
    responses=problem_responses(401, 403, 404),
)
async def get_absence_effects(
    absence_id: uuid.UUID, caller: Caller = permit(Permission.ABSENCE_DECLARE)
) -> AbsenceEffectsRead:
    """At each desk of the person, for each kind of step: who may act, or what is missing."""
    now = caller.context.clock()
    async with caller.unit() as session:
        row = await absences.absence_of(session, caller.principal, absence_id, now=now)
        return await effects.effects_of(session, row, now=now)


@router.post(
    "/grants",
    status_code=201,
    response_model=GrantRead,
    summary="Enregistrer un pouvoir",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def give_power(
    new: GrantCreate, caller: Caller = permit(Permission.POWER_ADMIN)
) -> GrantRead:
    """A delegation, a substitution or an interim, to a person by name. It serves from the instant
    when its founding act is executory."""
    async with caller.unit() as session:
        grant = await grants.give(session, caller.principal, new, clock=caller.context.clock)
        _tell_grant(session, caller, "grant.given", grant)
        return grant


@router.get(
    "/grants",
    response_model=list[GrantRead],
    summary="Lister les pouvoirs",
    responses=problem_responses(401, 403),
)
async def list_grants(caller: Caller = permit(Permission.POWER_ADMIN)) -> list[GrantRead]:
    """Those that ended stay: they found what was signed."""
    async with caller.unit() as session:
        return await grants.list_grants(session, clock=caller.context.clock)


@router.patch(
    "/grants/{grant_id}",
    response_model=GrantRead,
    summary="Enregistrer depuis quand l'acte qui fonde un pouvoir est exécutoire",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def update_grant(
    grant_id: uuid.UUID, update: GrantUpdate, caller: Caller = permit(Permission.POWER_ADMIN)
) -> GrantRead:
    """An order may be recorded as soon as it is signed: the power serves from this instant."""
    async with caller.unit() as session:
        grant = await grants.become_executory(
            session, caller.principal, grant_id, update, clock=caller.context.clock
        )
        _tell_grant(session, caller, "grant.executory", grant)
        return grant


@router.post(
    "/grants/{grant_id}/repeal",
    response_model=GrantRead,
    summary="Abroger un pouvoir",
    responses=problem_responses(401, 403, 404, 409),
)
async def repeal_grant(
    grant_id: uuid.UUID, caller: Caller = permit(Permission.POWER_ADMIN)
) -> GrantRead:
    """From this instant; acts under way end first, and the journal tells them before."""
    async with caller.unit() as session:
        grant = await grants.repeal(session, grant_id, clock=caller.context.clock)
        _tell_grant(session, caller, "grant.repealed", grant)
        return grant


@router.get(
    "/people/{user_id}/powers",
    response_model=PowersRead,
    summary="Lister les pouvoirs d'une personne à un instant",
    responses=problem_responses(401, 403, 404),
)
async def get_powers(
    user_id: uuid.UUID, at: At = None, caller: Caller = permit(Permission.SESSION)
) -> PowersRead:
    """One's own; those of others for whoever administers powers or reads the journal."""
    principal = caller.principal
    mine = user_id == principal.id
    if not (
        mine or principal.may(Permission.POWER_ADMIN) or principal.may(Permission.JOURNAL_READ)
    ):
        raise Forbidden(
            "Vous ne pouvez pas lire les pouvoirs d'une autre personne : demandez-les à "
            "l'administrateur des circuits.",
            code="not_your_powers",
        )
    async with caller.unit() as session:
        return await service.powers_at(session, user_id, at or caller.context.clock())


@router.post(
    "/mandates",
    status_code=201,
    response_model=MandateRead,
    summary="Enregistrer un mandat électif",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def record_mandate(
    new: MandateCreate, caller: Caller = permit(Permission.POWER_ADMIN)
) -> MandateRead:
    """A function in a body; it gives no power by itself."""
    async with caller.unit() as session:
        mandate = await mandates.record_mandate(session, new)
        details = {"mandate": str(mandate.id), "person": str(mandate.user_id)}
        caller.tell(session, "mandate.recorded", details)
        return mandate


@router.get(
    "/mandates",
    response_model=list[MandateRead],
    summary="Lister les mandats électifs",
    responses=problem_responses(401, 403),
)
async def list_mandates(caller: Caller = permit(Permission.POWER_ADMIN)) -> list[MandateRead]:
    """By body, then by date."""
    async with caller.unit() as session:
        return await mandates.list_mandates(session)


@router.patch(
    "/mandates/{mandate_id}",
    response_model=MandateRead,
    summary="Modifier un mandat électif",
    responses=problem_responses(401, 403, 404, 409, 422),
)
async def update_mandate(
    mandate_id: uuid.UUID, update: MandateUpdate, caller: Caller = permit(Permission.POWER_ADMIN)
) -> MandateRead:
    """Its dates, its words, its desk."""
    async with caller.unit() as session:
        mandate = await mandates.update_mandate(session, mandate_id, update)
        changed = dict.fromkeys(sorted(update.model_fields_set), True)
        caller.tell(session, "mandate.updated", {"mandate": str(mandate_id), **changed})
        return mandate


@router.delete(
    "/mandates/{mandate_id}",
    status_code=204,
    summary="Supprimer un mandat électif saisi par erreur",
    responses=problem_responses(401, 403, 404),
)
async def remove_mandate(
    mandate_id: uuid.UUID, caller: Caller = permit(Permission.POWER_ADMIN)
) -> None:
    """One that ended is given its last day instead; the journal keeps what was removed."""
    async with caller.unit() as session:
        mandate = await mandates.remove_mandate(session, mandate_id)
        details = {
            "mandate": str(mandate_id),
            "person": str(mandate.user_id),
            "starts_on": mandate.starts_on.isoformat(),
            "ends_on": mandate.ends_on.isoformat() if mandate.ends_on else None,
        }
        caller.tell(session, "mandate.removed", details)


def _tell_absence(session: AsyncSession, caller: Caller, kind: str, absence: AbsenceRead) -> None:
    end = absence.repealed_at or absence.ends_at
    details = {
        "absence": str(absence.id),
        "person": str(absence.user_id),
        "desk": str(absence.desk_id) if absence.desk_id else None,
        "starts_at": in_journal(absence.starts_at),
        "ends_at": in_journal(end) if end else None,
        "replacements": len(absence.replacement_ids),
    }
    caller.tell(session, kind, details)


def _tell_grant(session: AsyncSession, caller: Caller, kind: str, grant: GrantRead) -> None:
    details = {
        "grant": str(grant.id),
        "power": grant.kind.value,
        "desk": str(grant.office_desk_id),
        "grantor": str(grant.grantor_id) if grant.grantor_id else None,
        "grantee": str(grant.grantee_id),
        "starts_at": in_journal(grant.starts_at),
        "ends_at": in_journal(grant.ends_at) if grant.ends_at else None,
        "executory_at": in_journal(grant.executory_at) if grant.executory_at else None,
    }
    caller.tell(session, kind, details)
