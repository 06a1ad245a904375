"""What follows from an absence: who may act at each desk meanwhile, and what is missing."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.desks.repository import DeskRepository
from app.models import Absence, FolderSubtype
from app.powers.repository import PowerRepository
from app.powers.schemas import AblePerson, AbsenceEffectsRead, EffectRead
from app.powers.service import grant_of
from app.register.service import as_desk, as_person, load_register
from app.users.service import fit_signers, names_of
from workflows.definition import DeskId, Protocol, Step, StepId, StepKind, given_desk
from workflows.obstacles import WhoMayAct, naming
from workflows.powers import who_may_act
from workflows.presence import is_away
from workflows.register import (
    ANY_AMOUNT,
    Authorship,
    Facts,
    PersonId,
    PowerRegister,
    SubtypeId,
    TypeId,
)

_KINDS = (StepKind.APPROVAL, StepKind.SIGNATURE, StepKind.SEAL, StepKind.ARCHIVE)


@dataclass(frozen=True, slots=True)
class _Known:
    """What the answer needs of the tenant, read once."""

    register: PowerRegister
    at: datetime
    names: Mapping[uuid.UUID, str]
    subtypes: Sequence[FolderSubtype]
    helios: frozenset[uuid.UUID]
    fit: frozenset[PersonId]
    fit_rsa: frozenset[PersonId]


async def effects_of(
    session: AsyncSession, absence: Absence, *, now: datetime
) -> AbsenceEffectsRead:
    """Judged at the start of the absence, or now where it has started. Amounts are taken as nil:
    the ceiling of each power is told beside it."""
    at = max(absence.starts_at, now)
    known = await _known(session, at)
    repository = PowerRepository(session)
    held = await repository.desks_held(absence.user_id, now)
    desks = held if absence.desk_id is None else {absence.desk_id}
    rows = [one for one in await DeskRepository(session).desks() if one.id in desks]
    return AbsenceEffectsRead(
        at=at,
        effects=[
            effect
            for desk in rows
            for kind in _KINDS
            for effect in _effects_at(known, desk.id, desk.name, kind)
        ],
    )


async def _known(session: AsyncSession, at: datetime) -> _Known:
    repository = PowerRepository(session)
    types = await repository.types()
    helios = frozenset(one.id for one in types if one.protocol == Protocol.HELIOS.value)
    fit = await fit_signers(session, now=at, rsa_only=False)
    fit_rsa = await fit_signers(session, now=at, rsa_only=True) if helios else frozenset()
    return _Known(
        register=await load_register(session),
        at=at,
        names=await names_of(session),
        subtypes=await repository.subtypes(),
        helios=helios,
        fit=fit,
        fit_rsa=fit_rsa,
    )


def _effects_at(
    known: _Known, desk_id: uuid.UUID, desk_name: str, kind: StepKind
) -> list[EffectRead]:
    """One answer for all subtypes where it is the same, else one for each group of them."""
    step = Step(StepId("effects"), kind, "", actors=(given_desk(as_desk(desk_id)),))
    groups: dict[WhoMayAct, list[uuid.UUID]] = {}
    persons = {as_person(one): name for one, name in known.names.items()}
    asked: Sequence[FolderSubtype | None] = known.subtypes or [None]
    for subtype in asked:
        found = who_may_act(known.register, step, _facts(known, subtype), known.at)
        answer = naming(found, persons)
        groups.setdefault(answer, []).extend([] if subtype is None else [subtype.id])
    return [
        EffectRead(
            desk_id=desk_id,
            desk_name=desk_name,
            kind=kind,
            subtype_ids=subtypes,
            able=[_able(known, as_desk(desk_id), one) for one in answer.able],
            nobody=answer.detail or None,
            missing=[one.detail for one in answer.lacking],
        )
        for answer, subtypes in groups.items()
    ]


def _facts(known: _Known, subtype: FolderSubtype | None) -> Facts:
    if subtype is None:
        return Facts(fit_signers=known.fit, amounts=ANY_AMOUNT)
    return Facts(
        fit_signers=known.fit_rsa if subtype.type_id in known.helios else known.fit,
        type=TypeId(str(subtype.type_id)),
        subtype=SubtypeId(str(subtype.id)),
        amounts=ANY_AMOUNT,
    )


def _able(known: _Known, desk: DeskId, one: Authorship) -> AblePerson:
    user_id = uuid.UUID(one.person)
    grant_id = grant_of(one.power)
    ceilings = {uuid.UUID(grant.id): grant.scope.ceiling_cents for grant in known.register.grants}
    return AblePerson(
        user_id=user_id,
        full_name=known.names.get(user_id, ""),
        power=one.power.kind,
        grant_id=grant_id,
        mention=one.power.mention,
        ceiling_cents=ceilings.get(grant_id) if grant_id is not None else None,
        is_away=is_away(known.register, one.person, desk, known.at),
    )
