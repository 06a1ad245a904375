"""The one loader of what gives power in a tenant (DESIGN D6), and the desks of a person."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from app import jobs
from app.db.session import tenant_of
from app.models import StaffRole
from app.register.repository import RegisterRepository
from workflows.candidates import desks_within_reach
from workflows.definition import DeskId
from workflows.periods import Period
from workflows.reach import reaches
from workflows.register import (
    Absence,
    AbsenceId,
    Administrator,
    DeskHolder,
    DeskProgram,
    FoundingDocument,
    Gender,
    Grant,
    Office,
    PersonId,
    PowerId,
    PowerKind,
    PowerRegister,
    Scope,
    SubtypeId,
    TypeId,
)
from workflows.turning_points import named_at, turning_points_at

REVIEW, REVIEW_SIGNERS = "powers.review", "powers.review_signers"
# Roles of DESIGN D15 that look after desks: every one, or those listed.
_OF_EVERY_DESK = ("tenant_admin", "workflow_admin")
_OF_LISTED_DESKS = "desk_admin"


@dataclass(frozen=True, slots=True)
class Places:
    """Desks through which a person sees folders now: those where some power lets him act, and
    those that he only assists or watches."""

    acting: frozenset[uuid.UUID]
    watched: frozenset[uuid.UUID]


async def load_register(session: AsyncSession, *, since: datetime | None = None) -> PowerRegister:
    """All that gives power in the session's tenant, frozen, in six statements.

    Nothing of it changes until the transaction ends: whoever changes powers first waits
    (`change_powers`). What inactive persons hold, gave and received is in it. `since` leaves out
    absences and tokens that ended before it: enough for every question about that instant and
    later ones."""
    repository = RegisterRepository(session)
    mentions = await repository.hold_still()
    seats = await repository.desks_and_holders()
    users = await repository.exceptional_users([*_OF_EVERY_DESK, _OF_LISTED_DESKS])
    active = {row.desk_id: row for row in seats if row.is_active}
    return PowerRegister(
        desks=frozenset(as_desk(one) for one in active),
        holders=tuple(holder_of_row(row) for row in seats if row.user_id is not None),
        programs=tuple(
            program for row in await repository.tokens(since) for program in _programs(row)
        ),
        administrators=tuple(_administrators(users)),
        absences=tuple(_absence(row) for row in await repository.absences(since)),
        grants=tuple(grant_of_row(row) for row in await repository.grants()),
        superiors={
            as_desk(row.desk_id): as_desk(row.superior_id)
            for row in active.values()
            if row.superior_id in active
        },
        offices=tuple(_office(row) for row in active.values() if row.capacity),
        mentions=_mentions(mentions),
        inactive=frozenset(as_person(row.id) for row in users if not row.is_active),
    )


async def hold_powers(session: AsyncSession) -> None:
    """From here to the end of the transaction no power changes, nor any desk, circuit, type or
    subtype. To be called before any row is locked: whoever changes these locks rows afterwards."""
    await RegisterRepository(session).hold_still()


async def change_powers(session: AsyncSession) -> None:
    """To be called first by whoever changes what a register holds: acts under way end before the
    change, and the journal tells both in the order in which they counted."""
    await RegisterRepository(session).wait_for_acts()


async def change_names(session: AsyncSession) -> None:
    """To be called first, before any row is locked, by whoever makes, changes or deletes a desk, a
    circuit, a type or a subtype: of two names that read alike, given at once, the second is
    compared with the first, and no power or setting given meanwhile names what is deleted. It
    waits where `change_powers` does: whoever changes both waits once, and no two wait for each
    other."""
    await change_powers(session)


async def review_at(session: AsyncSession, desk_ids: Iterable[uuid.UUID], at: datetime) -> None:
    """Owes a look at what waits at these desks once powers have changed: those who may now act
    are told, and what nobody may pass is reported (DESIGN D6)."""
    for one in sorted(set(desk_ids)):
        await jobs.enqueue(
            session,
            REVIEW,
            tenant_of(session),
            {"desk_id": str(one)},
            run_after=at,
            dedupe_key=f"{REVIEW}:{one}:{at.isoformat()}",
        )


async def owe_reviews(
    session: AsyncSession,
    now: datetime,
    *,
    desk_ids: Iterable[uuid.UUID] = (),
    user_ids: Iterable[uuid.UUID] = (),
) -> None:
    """To be called after every change of what gives power: owes a look, at these desks and at
    each one where these persons may have a power, now and at each instant to come at which a row
    or a certificate starts or ends to count there."""
    register = await load_register(session, since=now)
    reached = (
        desk for one in user_ids for desk in desks_within_reach(register, as_person(one), now)
    )
    for desk in sorted({*map(as_desk, desk_ids), *reached}):
        named = [uuid.UUID(one) for one in sorted(named_at(register, desk))]
        found = {
            *turning_points_at(register, desk),
            *await RegisterRepository(session).certificate_dates(named),
        }
        for at in sorted({now, *(one for one in found if one > now)}):
            await review_at(session, [uuid.UUID(desk)], at)


async def review_signers_at(session: AsyncSession, at: datetime) -> None:
    """To be called when what certificates are judged by changes, or will: owes a look then, at
    each desk where somebody who has one may have a power."""
    tenant_id = tenant_of(session)
    key = f"{REVIEW_SIGNERS}:{tenant_id}:{at.isoformat()}"
    await jobs.enqueue(session, REVIEW_SIGNERS, tenant_id, {}, run_after=at, dedupe_key=key)


async def owe_reviews_of_signers(session: AsyncSession, now: datetime) -> None:
    """As `owe_reviews`, for all who have a certificate."""
    await owe_reviews(session, now, user_ids=await RegisterRepository(session).certified())


async def places_of(session: AsyncSession, person: uuid.UUID, now: datetime) -> Places:
    """The desks of a person now. The whole register is read only when a grant or an absence names
    him; what they give is decided by `reaches`, like any list."""
    rows = await RegisterRepository(session).places_of(person, now)
    acting = {row.desk_id for row in rows if row.how == "holder"}
    watched = {row.desk_id for row in rows if row.how in set(StaffRole)}
    if any(row.how == "named" for row in rows):
        register = await load_register(session, since=now)
        # Everybody of a ranked list: the history of a folder may bring the turn of the next one.
        found = reaches(register, as_person(person), now)
        acting |= {uuid.UUID(one.power.desk) for one in found}
    return Places(frozenset(acting), frozenset(watched - acting))


def administered_desks(
    roles: Sequence[str], listed: Sequence[uuid.UUID]
) -> frozenset[uuid.UUID] | None:
    """The desks that a person with these roles administers; None is every desk."""
    if not set(_OF_EVERY_DESK).isdisjoint(roles):
        return None
    return frozenset(listed) if _OF_LISTED_DESKS in roles else frozenset()


def as_person(user_id: uuid.UUID) -> PersonId:
    """A person as `workflows` names him."""
    return PersonId(str(user_id))


def as_desk(desk_id: uuid.UUID) -> DeskId:
    """A desk as `workflows` names it."""
    return DeskId(str(desk_id))


def holder_of_row(row: Any) -> DeskHolder:
    """A holding as `workflows` reads it, from its row or from what a statement returned of it."""
    return DeskHolder(
        as_desk(row.desk_id), as_person(row.user_id), Period(row.starts_at, row.ends_at)
    )


def _office(row: Row[Any]) -> Office:
    return Office(as_desk(row.desk_id), row.capacity, Gender(row.gender))


def _administrators(users: Sequence[Row[Any]]) -> Iterator[Administrator]:
    for row in users:
        desks = administered_desks(row.roles, row.administered_desk_ids)
        if row.is_active and desks != frozenset():
            listed = None if desks is None else frozenset(map(as_desk, desks))
            yield Administrator(as_person(row.id), listed)


def _programs(row: Row[Any]) -> tuple[DeskProgram, ...]:
    end = min(one for one in (row.expires_at, row.revoked_at) if one is not None)
    if end <= row.created_at:
        return ()
    period = Period(row.created_at, end)
    program = PersonId(str(row.id))
    return tuple(DeskProgram(as_desk(one), program, period) for one in row.desk_ids)


def _absence(row: Row[Any]) -> Absence:
    return Absence(
        id=AbsenceId(str(row.id)),
        person=as_person(row.user_id),
        period=Period(row.starts_at, row.ends_at),
        desk=as_desk(row.desk_id) if row.desk_id is not None else None,
        replacements=tuple(as_person(one) for one in row.replacement_ids),
        repealed_at=row.repealed_at,
    )


def grant_of_row(row: Any) -> Grant:
    """A grant as `workflows` reads it, from its row or from what a statement returned of it."""
    return Grant(
        id=PowerId(str(row.id)),
        kind=PowerKind(row.kind),
        office=as_desk(row.office_desk_id),
        grantee=as_person(row.grantee_id),
        period=Period(row.starts_at, row.ends_at),
        capacity=row.capacity,
        grantor=as_person(row.grantor_id) if row.grantor_id is not None else None,
        grantee_office=as_desk(row.grantee_desk_id) if row.grantee_desk_id is not None else None,
        scope=Scope(
            frozenset(TypeId(str(one)) for one in row.type_ids),
            frozenset(SubtypeId(str(one)) for one in row.subtype_ids),
            row.ceiling_cents,
        ),
        document=_document(row),
        executory_at=row.executory_at,
        repealed_at=row.repealed_at,
        may_be_regranted=row.may_be_regranted,
        regrants=PowerId(str(row.regrants_id)) if row.regrants_id is not None else None,
    )


def _document(row: Any) -> FoundingDocument | None:
    if row.document_number is None or row.document_signed_on is None:
        return None
    return FoundingDocument(row.document_number, row.document_signed_on, row.document_published_on)


def _mentions(templates: Mapping[str, Any]) -> dict[PowerKind, str]:
    known = set(PowerKind)
    return {PowerKind(kind): text for kind, text in templates.items() if kind in known}
