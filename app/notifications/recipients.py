"""Who is told: those who may act, the submitter, the administrators of circuits."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principal import Role
from app.context import Context
from app.folders.facts import situation_of, state_of
from app.folders.repository import FolderRepository
from app.register.service import load_register
from app.users.repository import UserRepository
from workflows.definition import DeskId
from workflows.engine import who_may_pass
from workflows.obstacles import WhoMayAct
from workflows.presence import active_holders, is_away
from workflows.register import Authorship, PowerRegister

_ADMINISTRATORS = frozenset({Role.WORKFLOW_ADMIN.value, Role.TENANT_ADMIN.value})


async def those_able(
    session: AsyncSession, context: Context, folder_id: uuid.UUID
) -> WhoMayAct | None:
    """Who may pass the current step now; None when no step waits."""
    folder = await FolderRepository(session).folder(folder_id)
    if folder is None:
        return None
    situation = await situation_of(session, context, folder)
    if situation.state.current_step is None:
        return None
    return who_may_pass(situation.state, situation.register, situation.facts, context.clock())


async def submitters(
    session: AsyncSession, context: Context, folder_id: uuid.UUID
) -> frozenset[uuid.UUID]:
    """The person who submitted or, behind a program or a closed account, those who hold the
    submitting desk now."""
    submitter = (await state_of(session, folder_id)).submitter
    person = uuid.UUID(submitter.person)
    user = await UserRepository(session).user(person)
    if user is not None and user.is_active:
        return frozenset({person})
    return await holders(session, context, (submitter.desk,))


async def administrators(session: AsyncSession) -> frozenset[uuid.UUID]:
    """Those who can give a step somebody able."""
    return frozenset(
        user.id
        for user in await UserRepository(session).users()
        if user.is_active and not _ADMINISTRATORS.isdisjoint(user.roles)
    )


async def holders(
    session: AsyncSession, context: Context, desks: Iterable[DeskId]
) -> frozenset[uuid.UUID]:
    """Those who hold these desks now and may be told."""
    register, now = await load_register(session), context.clock()
    return frozenset(
        uuid.UUID(person) for desk in desks for person in active_holders(register, desk, now)
    )


def present(able: WhoMayAct, register: PowerRegister, now: datetime) -> tuple[Authorship, ...]:
    """Those who may act and are there: who is away hears of it once he is back."""
    return tuple(one for one in able.able if not is_away(register, one.person, one.power.desk, now))
