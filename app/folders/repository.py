"""Folders and their events."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, cast

from psycopg.errors import LockNotAvailable
from sqlalchemy import (
    Boolean,
    ColumnElement,
    Table,
    Uuid,
    and_,
    any_,
    bindparam,
    case,
    delete,
    func,
    literal,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, Insert, insert
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principal import Principal
from app.errors import Conflict
from app.kit.pagination import Cursor
from app.models import IN_WORKFLOW, Folder, FolderEvent, FolderSubtype, InboxEntry, InboxList
from app.register.service import hold_powers
from workflows import event_encoding
from workflows.definition import StepId
from workflows.events import Event, StepStarted

FOLDER_BUSY = "folder_busy"
_DESKS = ARRAY(Uuid())
_ENTRY_COLUMNS = tuple(column.name for column in InboxEntry.__table__.columns)
_ENTRY_KEYS = ("folder_id", "desk_id", "tenant_id")
# Lists whose entries bear a date of the folder itself.
_DATED = (InboxList.TO_DO.value, InboxList.UNDER_WAY.value)


def _write_entry() -> Insert:
    # The table itself: with the class, the driver would be given rows of different columns.
    new = insert(cast("Table", InboxEntry.__table__))
    undated = and_(*(InboxEntry.place != one for one in _DATED))
    stays = (InboxEntry.place == new.excluded.place) & undated
    changed = {name: new.excluded[name] for name in _ENTRY_COLUMNS if name not in _ENTRY_KEYS}
    changed["since"] = case((stays, InboxEntry.since), else_=new.excluded.since)
    return new.on_conflict_do_update(index_elements=["folder_id", "desk_id"], set_=changed)


# Made once: what ended or came back keeps its place.
_WRITE_ENTRY = _write_entry()


def _readable(tenant: ColumnElement[uuid.UUID], desks: ColumnElement[Any]) -> ColumnElement[bool]:
    visible = select(FolderSubtype.id).where(FolderSubtype.visible_desk_ids.overlap(desks))
    return (Folder.tenant_id == tenant) & or_(
        Folder.submitter_desk_id == any_(desks),
        Folder.participant_desk_ids.overlap(desks),
        Folder.subtype_id.in_(visible) & IN_WORKFLOW,
    )


def readable_by(principal: Principal) -> ColumnElement[bool]:
    """The one filter that says which folders a principal may see."""
    if principal.sees_all_folders:
        return Folder.tenant_id == principal.tenant_id
    desks = literal(list(principal.readable_desk_ids), _DESKS)
    return _readable(literal(principal.tenant_id, Uuid()), desks)


_TENANT = bindparam("tenant", type_=Uuid())
_READS = or_(
    bindparam("reads_all", type_=Boolean()),
    _readable(_TENANT, bindparam("desks", type_=_DESKS)),
)
# Folders in their circuit whose stuck steps the principal looks after, without reading their
# documents (DESIGN D15).
_ADMINISTERS = IN_WORKFLOW & or_(
    bindparam("administers_all", type_=Boolean()),
    Folder.participant_desk_ids.overlap(bindparam("administered", type_=_DESKS)),
)


def administered_by(principal: Principal) -> ColumnElement[bool]:
    """The same, for lists."""
    own = (Folder.tenant_id == principal.tenant_id) & IN_WORKFLOW
    desks = principal.administered_desk_ids
    return own if desks is None else own & Folder.participant_desk_ids.overlap(list(desks))


# The same filters for one folder, made once.
_ONE = select(Folder).where(Folder.id == bindparam("folder"), Folder.tenant_id == _TENANT)
_READ_ONE = _ONE.where(_READS)
_SEE_ONE = _ONE.where(_READS | _ADMINISTERS)
_LOCK_ONE = (
    select(Folder)
    .where(Folder.id == bindparam("folder"))
    .with_for_update()
    .execution_options(populate_existing=True)
)


def _reader(folder_id: uuid.UUID, principal: Principal) -> dict[str, object]:
    return {
        "folder": folder_id,
        "tenant": principal.tenant_id,
        "reads_all": principal.sees_all_folders,
        "desks": list(principal.readable_desk_ids),
    }


class FolderRepository:
    """Folders of the session's tenant."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, folder: Folder) -> None:
        self._session.add(folder)

    async def folder(self, folder_id: uuid.UUID) -> Folder | None:
        """For jobs: no principal."""
        return await self._session.get(Folder, folder_id)

    async def readable(self, folder_id: uuid.UUID, principal: Principal) -> Folder | None:
        return await self._session.scalar(_READ_ONE, _reader(folder_id, principal))

    async def visible(self, folder_id: uuid.UUID, principal: Principal) -> Folder | None:
        """One that the principal may read, or look after."""
        administered = principal.administered_desk_ids
        return await self._session.scalar(
            _SEE_ONE,
            _reader(folder_id, principal)
            | {
                "administers_all": administered is None,
                "administered": list(administered or ()),
            },
        )

    async def is_in_preparation(self, folder_id: uuid.UUID) -> bool:
        found = await self._session.scalar(
            select(Folder.in_preparation).where(Folder.id == folder_id)
        )
        return bool(found)

    async def lock(self, folder_id: uuid.UUID) -> Folder | None:
        """The row, fresh and locked until the transaction ends, once nothing that an act is judged
        upon changes any more: powers and the catalog first, then the folder, always in this order.
        Raises Conflict (`folder_busy`) when others held it too long."""
        await hold_powers(self._session)
        try:
            return await self._session.scalar(_LOCK_ONE, {"folder": folder_id})
        except OperationalError as e:
            if isinstance(e.orig, LockNotAvailable):
                raise Conflict(
                    "D'autres personnes agissent sur ce dossier : rechargez-le, puis recommencez.",
                    code=FOLDER_BUSY,
                ) from e
            raise

    async def page(
        self,
        principal: Principal,
        *,
        status: str | None,
        waiting: bool,
        administered: bool,
        after: Cursor | None,
        size: int,
    ) -> list[Folder]:
        """Newest first; one more than `size` says that a page follows. `waiting`: only folders
        whose current step one of the caller's desks holds. `administered`: those that he looks
        after, instead of those that he reads."""
        seen = administered_by if administered else readable_by
        query = select(Folder).where(seen(principal))
        if status is not None:
            query = query.where(Folder.status == status)
        if waiting:
            query = query.where(Folder.waiting_desk_ids.overlap(list(principal.desk_ids)))
        if after is not None:
            query = query.where(tuple_(Folder.created_at, Folder.id) < (after.created_at, after.id))
        query = query.order_by(Folder.created_at.desc(), Folder.id.desc()).limit(size + 1)
        return list(await self._session.scalars(query))

    async def events(self, folder_id: uuid.UUID) -> list[FolderEvent]:
        rows = await self._session.scalars(
            select(FolderEvent).where(FolderEvent.folder_id == folder_id).order_by(FolderEvent.seq)
        )
        return list(rows)

    async def turn_of(self, folder_id: uuid.UUID, step: StepId) -> int:
        """The number of the event by which this step, the current one, got its turn: what is told
        of the turn is told under it, so that nobody is told twice. A later step may have started
        since and be undone by a retraction."""
        found = await self._session.scalar(
            select(func.max(FolderEvent.seq)).where(
                FolderEvent.folder_id == folder_id,
                FolderEvent.kind == StepStarted.type,
                FolderEvent.payload["payload", "step"].astext == step,
            )
        )
        return found or 0

    async def append(self, folder: Folder, happened: Sequence[Event]) -> None:
        """Adds events after those that stand; two writers never share a number."""
        for seq, event in enumerate(happened, start=folder.version + 1):
            self._session.add(
                FolderEvent(
                    tenant_id=folder.tenant_id,
                    folder_id=folder.id,
                    seq=seq,
                    kind=event.type,
                    payload=dict(event_encoding.to_json(event)),
                    occurred_at=event.occurred_at,
                )
            )
        folder.version += len(happened)

    async def replace_entries(self, folder: Folder, entries: list[InboxEntry]) -> None:
        """The inbox rows of a folder become these; what ended or came back keeps its place."""
        await self._session.flush()
        desks = [one.desk_id for one in entries]
        await self._session.execute(
            delete(InboxEntry).where(
                InboxEntry.folder_id == folder.id, InboxEntry.desk_id.not_in(desks)
            )
        )
        rows = [{name: getattr(one, name) for name in _ENTRY_COLUMNS} for one in entries]
        await self._session.execute(_WRITE_ENTRY, rows)

    async def write_search(self, folder_id: uuid.UUID, folded: str) -> None:
        """The text by which the folder is found, out of the service's own reach (DESIGN D13)."""
        await self._session.execute(select(func.folder_search_write(folder_id, folded)))

    async def write_amount(self, folder: Folder, cents: int | None) -> None:
        """The amount that ceilings are compared with, in the row and in the inboxes."""
        folder.amount_cents = cents
        await self._session.execute(
            update(InboxEntry).where(InboxEntry.folder_id == folder.id).values(amount_cents=cents)
        )
