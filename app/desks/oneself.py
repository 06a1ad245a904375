"""What nobody opens to himself (DESIGN D15, threat 36).

Who makes the accounts may: he could always make one more, and in a small town nobody else can.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principal import Permission, Principal
from app.desks.repository import DeskRepository
from app.errors import Forbidden
from app.register.service import as_desk, as_person, load_register
from workflows.candidates import desks_within_reach
from workflows.definition import DeskId
from workflows.powers import RULES
from workflows.register import Grant, PowerRegister
from workflows.standing import Needs


def refuse_oneself(principal: Principal, user_id: uuid.UUID) -> None:
    """Who looks after desks and no accounts holds or watches none by his own act. Raises
    Forbidden (`self_granted`)."""
    if user_id == principal.user_id and not principal.may(Permission.USER_ADMIN):
        raise Forbidden(
            "Vous ne pouvez pas vous affecter vous-même à un bureau : demandez-le à un autre "
            "administrateur.",
            code="self_granted",
        )


async def refuse_own_turn(
    session: AsyncSession, principal: Principal, desk_ids: Iterable[uuid.UUID], now: datetime
) -> None:
    """Who substitutes for the holder of one of these desks, or is its interim, does not himself
    make that holder absent or gone. Raises Forbidden (`self_granted`)."""
    if principal.may(Permission.USER_ADMIN):
        return
    register = await load_register(session, since=now)
    own = _desks_in_wait(register, principal, now)
    for one in desk_ids:
        if as_desk(one) in own:
            raise Forbidden(
                f"Vous suppléez le bureau « {await _name(session, one)} » quand son titulaire est "
                "absent ou parti : vous ne pouvez pas vous en ouvrir vous-même la signature. "
                "Demandez-le à cette personne ou à un autre administrateur.",
                code="self_granted",
            )


async def refuse_own_desks(
    session: AsyncSession, principal: Principal, desk_ids: Iterable[uuid.UUID], now: datetime
) -> None:
    """Nobody plans that folders come to a desk where he has, or may have, a power. Raises
    Forbidden (`self_granted`)."""
    if principal.may(Permission.USER_ADMIN):
        return
    register = await load_register(session, since=now)
    own = desks_within_reach(register, as_person(principal.id), now)
    for one in desk_ids:
        if as_desk(one) in own:
            raise Forbidden(
                f"Le bureau « {await _name(session, one)} » est l'un des vôtres : vous ne pouvez "
                "pas y transférer vous-même des dossiers. Choisissez un autre bureau, ou "
                "demandez-le à un autre administrateur.",
                code="self_granted",
            )


def _desks_in_wait(
    register: PowerRegister, principal: Principal, now: datetime
) -> frozenset[DeskId]:
    """Those where an absence or a vacancy gives the person a power, now or later."""
    person = as_person(principal.id)
    return frozenset(
        one.office
        for one in register.grants
        if one.grantee == person and RULES[one.kind].needs is not Needs.NOTHING
        if not _ended(one, now)
    )


def _ended(grant: Grant, now: datetime) -> bool:
    ends = (grant.period.end, grant.repealed_at)
    return any(one is not None and one <= now for one in ends)


async def _name(session: AsyncSession, desk_id: uuid.UUID) -> str:
    desk = await DeskRepository(session).desk(desk_id)
    return desk.name if desk is not None else ""
