"""Readings that are recorded without being asked for: who downloads a document has opened it."""

from __future__ import annotations

import uuid

from app.auth.principal import Principal
from app.context import Context
from app.folders.facts import situation_of, state_of
from app.folders.service import allowed, apply, lock_readable, readable, seat
from workflows.actions import ActionKind, Read
from workflows.folder import FolderState, RevisionId


async def record_reading(
    context: Context, principal: Principal, folder_id: uuid.UUID, revision_id: uuid.UUID
) -> None:
    """Whoever downloads a main document has opened it, where the subtype demands reading and he
    may record it, through whichever of his desks takes part."""
    async with context.unit(principal.tenant_id) as session:
        folder = await readable(session, principal, folder_id)
        state = await state_of(session, folder_id)
        seen = RevisionId(str(revision_id))
        if not _counts_as_reading(state, principal, seen):
            return
        folder = await lock_readable(session, principal, folder_id)
        situation = await situation_of(session, context, folder, person=principal.id)
        for one in allowed(context, principal, folder, situation):
            if one.kind is ActionKind.READ:
                actor = seat(principal, uuid.UUID(one.desk))
                await apply(session, context, folder, Read(actor, (seen,)))
                return


def _counts_as_reading(state: FolderState, principal: Principal, seen: RevisionId) -> bool:
    main = {one.revision.id for one in state.signable_documents}
    known = {one.revision for one in state.readings if one.person == str(principal.id)}
    return state.rules.mandatory_reading and seen in main - known
