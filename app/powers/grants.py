"""Grants: powers given by name, checked by `workflows.grants`, repealed by administrators."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principal import Principal
from app.db.session import tenant_of
from app.errors import Conflict, Forbidden, NotFound, Unprocessable
from app.kit.clock import Clock
from app.kit.ids import new_id
from app.models import Grant
from app.powers.repository import PowerRepository
from app.powers.schemas import FoundingDocumentRead, GrantCreate, GrantRead, GrantUpdate, Standing
from app.powers.service import period_of, standing_of
from app.register.service import (
    as_person,
    change_powers,
    grant_of_row,
    load_register,
    owe_reviews,
)
from app.tenants.service import timezone_of
from app.users.service import active_person, names_of
from workflows import register as domain
from workflows.grants import check_grant
from workflows.powers import RULES
from workflows.register import PowerKind, SubtypeId, TypeId
from workflows.standing import Founding

_FOUNDED_ON_AN_ACT = frozenset({Founding.ORDER, Founding.DELIBERATION})


async def give(
    session: AsyncSession, principal: Principal, new: GrantCreate, *, clock: Clock
) -> GrantRead:
    """Raises NotFound, Forbidden (`self_granted`), Conflict, Unprocessable, and the refusals of
    `check_grant`, whose sentences name persons."""
    await change_powers(session)
    now = clock()
    _refuse_oneself(principal, new.grantee_id)
    await active_person(session, new.grantee_id)
    if new.grantor_id is not None:
        await active_person(session, new.grantor_id)
    _refuse_without_act(new)
    type_of = await _types_of_subtypes(session, new)
    period = period_of(new.period, await timezone_of(session), now)
    row = _row(new, tenant_of(session), principal.id)
    row.starts_at, row.ends_at = period.start, period.end
    await _check(session, grant_of_row(row), type_of, now)
    PowerRepository(session).add(row)
    await session.flush()
    await owe_reviews(session, now, desk_ids=[row.office_desk_id])
    return read_grant(row, clock)


async def become_executory(
    session: AsyncSession,
    principal: Principal,
    grant_id: uuid.UUID,
    update: GrantUpdate,
    *,
    clock: Clock,
) -> GrantRead:
    """Records when the act that founds the power was published and from when it is executory, as
    long as that instant has not come. Raises NotFound, Forbidden (`self_granted`), Conflict
    (`grant_ended`, `grant_already_executory`), Unprocessable (`grant_document_missing`) and the
    refusals of `check_grant`."""
    await change_powers(session)
    now = clock()
    row = await _standing_grant(session, grant_id, now)
    _refuse_oneself(principal, row.grantee_id)
    grant = grant_of_row(row)
    if grant.executory_at is not None and grant.executory_at <= now:
        raise Conflict(
            "L'acte qui fonde ce pouvoir est déjà exécutoire, et l'on a pu s'en servir : abrogez "
            "ce pouvoir et enregistrez-en un autre.",
            code="grant_already_executory",
        )
    published_on = update.published_on or row.document_published_on
    if grant.document is None or (published_on is None and _needs_act(grant.kind)):
        raise _document_missing()
    document = replace(grant.document, published_on=published_on)
    changed = replace(grant, document=document, executory_at=update.executory_at)
    await _check(session, changed, await _types_by_subtype(session), now)
    row.document_published_on, row.executory_at = published_on, update.executory_at
    await session.flush()
    await owe_reviews(session, now, desk_ids=[row.office_desk_id])
    return read_grant(row, clock)


def _refuse_oneself(principal: Principal, grantee_id: uuid.UUID) -> None:
    if grantee_id == principal.id:
        raise Forbidden(
            "Vous ne pouvez pas enregistrer un pouvoir pour vous-même : demandez-le à un autre "
            "administrateur.",
            code="self_granted",
        )


async def _check(
    session: AsyncSession, grant: domain.Grant, type_of: Mapping[SubtypeId, TypeId], now: datetime
) -> None:
    names = {as_person(one): name for one, name in (await names_of(session)).items()}
    register = await load_register(session, since=now)
    check_grant(register, grant, await timezone_of(session), now, names, type_of)


def _refuse_without_act(new: GrantCreate) -> None:
    """An order or a deliberation is named at once; it is published before it is executory, which
    may be recorded later: until then the power does not serve."""
    if not _needs_act(new.kind):
        return
    document = new.document
    if document is None or (new.executory_at is not None and document.published_on is None):
        raise _document_missing()


def _needs_act(kind: PowerKind) -> bool:
    return RULES[kind].founded_on in _FOUNDED_ON_AN_ACT


def _document_missing() -> Unprocessable:
    return Unprocessable(
        "Ce pouvoir est fondé sur un acte : indiquez son numéro, sa date et, dès qu'il est "
        "exécutoire, sa publication et la date à laquelle il l'est devenu.",
        code="grant_document_missing",
    )


async def _types_by_subtype(session: AsyncSession) -> dict[SubtypeId, TypeId]:
    rows = await PowerRepository(session).subtypes()
    return {SubtypeId(str(one.id)): TypeId(str(one.type_id)) for one in rows}


async def _types_of_subtypes(session: AsyncSession, new: GrantCreate) -> dict[SubtypeId, TypeId]:
    repository = PowerRepository(session)
    types = {one.id for one in await repository.types()}
    subtypes = await _types_by_subtype(session)
    asked = {SubtypeId(str(one)) for one in new.subtype_ids}
    if not types.issuperset(new.type_ids) or not subtypes.keys() >= asked:
        raise Unprocessable(
            "Un type ou un sous-type de cette liste n'existe pas : rechargez la liste.",
            code="unknown_type",
        )
    return subtypes


def _row(new: GrantCreate, tenant_id: uuid.UUID, created_by: uuid.UUID) -> Grant:
    document = new.document
    return Grant(
        id=new_id(),
        tenant_id=tenant_id,
        kind=new.kind.value,
        office_desk_id=new.office_desk_id,
        grantor_id=new.grantor_id,
        grantee_id=new.grantee_id,
        grantee_desk_id=new.grantee_desk_id,
        capacity=new.capacity,
        type_ids=list(dict.fromkeys(new.type_ids)),
        subtype_ids=list(dict.fromkeys(new.subtype_ids)),
        ceiling_cents=new.ceiling_cents,
        document_number=document.number if document else None,
        document_signed_on=document.signed_on if document else None,
        document_published_on=document.published_on if document else None,
        executory_at=new.executory_at,
        repealed_at=None,
        may_be_regranted=new.may_be_regranted,
        regrants_id=new.regrants_id,
        created_by=created_by,
    )


async def list_grants(session: AsyncSession, *, clock: Clock) -> list[GrantRead]:
    """Every one, those that ended included: they found what was signed."""
    return [read_grant(row, clock) for row in await PowerRepository(session).grants()]


async def repeal(session: AsyncSession, grant_id: uuid.UUID, *, clock: Clock) -> GrantRead:
    """From now on it gives nothing. Raises NotFound, or Conflict (`grant_ended`)."""
    await change_powers(session)
    now = clock()
    row = await _standing_grant(session, grant_id, now)
    row.repealed_at = now
    await session.flush()
    await owe_reviews(session, now, desk_ids=[row.office_desk_id])
    return read_grant(row, clock)


async def _standing_grant(session: AsyncSession, grant_id: uuid.UUID, now: datetime) -> Grant:
    row = await PowerRepository(session).grant(grant_id)
    if row is None:
        raise NotFound
    if standing_of(row.starts_at, row.ends_at, row.repealed_at, now) is Standing.ENDED:
        raise Conflict("Ce pouvoir a déjà pris fin : rechargez la page.", code="grant_ended")
    return row


def read_grant(row: Grant, clock: Clock) -> GrantRead:
    """A grant as the API shows it."""
    founded = row.document_number is not None and row.document_signed_on is not None
    return GrantRead(
        id=row.id,
        kind=PowerKind(row.kind),
        office_desk_id=row.office_desk_id,
        grantor_id=row.grantor_id,
        grantee_id=row.grantee_id,
        grantee_desk_id=row.grantee_desk_id,
        capacity=row.capacity,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        type_ids=list(row.type_ids),
        subtype_ids=list(row.subtype_ids),
        ceiling_cents=row.ceiling_cents,
        document=FoundingDocumentRead(
            number=str(row.document_number),
            signed_on=row.document_signed_on,
            published_on=row.document_published_on,
        )
        if founded and row.document_signed_on is not None
        else None,
        executory_at=row.executory_at,
        repealed_at=row.repealed_at,
        may_be_regranted=row.may_be_regranted,
        regrants_id=row.regrants_id,
        created_by=row.created_by,
        standing=standing_of(row.starts_at, row.ends_at, row.repealed_at, clock()),
    )
