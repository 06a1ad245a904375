"""Lists of folders: one bounded query per desk and power, so that cost stays flat as folders grow.

Every list and its counter are made of the same conditions.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, case, func, select, tuple_, union_all
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.pagination import Cursor
from app.models import Folder, InboxEntry, InboxList

COUNT_CEILING = 1_000
_NEWEST = (InboxEntry.since.desc(), InboxEntry.folder_id.desc())


@dataclass(frozen=True, slots=True)
class Slice:
    """Part of a list: the entries of one desk that meet a condition, those late at `due_by` only
    where it is given."""

    desk_id: uuid.UUID
    place: InboxList
    condition: ColumnElement[bool]
    due_by: datetime | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A folder in a list, through one desk."""

    folder: Folder
    desk_id: uuid.UUID
    kind: str | None
    since: datetime


class InboxRepository:
    """Lists of the session's tenant."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def page(
        self, slices: Sequence[Slice], *, after: Cursor | None, size: int
    ) -> list[Found]:
        """Newest in the list first, each folder once; one more than `size` says that a page
        follows."""
        if not slices:
            return []
        bounded = union_all(*(_bounded(one, after, size + 1) for one in slices)).subquery()
        # The same folder may reach a person through several desks: it is shown once.
        once = (
            select(bounded)
            .ext(distinct_on(bounded.c.since, bounded.c.folder_id))
            .order_by(bounded.c.since.desc(), bounded.c.folder_id.desc(), bounded.c.desk_id)
            .limit(size + 1)
        )
        rows = list(await self._session.execute(once))
        folders = await self._folders([row.folder_id for row in rows])
        return [_found(row, folders) for row in rows]

    async def _folders(self, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Folder]:
        rows = await self._session.scalars(select(Folder).where(Folder.id.in_(ids)))
        return {row.id: row for row in rows}

    async def count(self, slices: Sequence[Slice]) -> int:
        """How many folders the list holds; counting stops after COUNT_CEILING."""
        if not slices:
            return 0
        ids = union_all(*(_counted(one) for one in slices)).subquery()
        counted = await self._session.scalar(select(func.count(func.distinct(ids.c.folder_id))))
        return min(counted or 0, COUNT_CEILING + 1)

    async def retrievable(
        self, condition: ColumnElement[bool], *, after: Cursor | None, size: int
    ) -> list[Folder]:
        """Folders whose last act may still be taken back, newest first, and one more."""
        query = select(Folder).where(condition)
        if after is not None:
            query = query.where(tuple_(Folder.created_at, Folder.id) < (after.created_at, after.id))
        query = query.order_by(Folder.created_at.desc(), Folder.id.desc()).limit(size + 1)
        return list(await self._session.scalars(query))

    async def count_retrievable(self, condition: ColumnElement[bool]) -> int:
        """The same, counted like a list."""
        bounded = select(Folder.id).where(condition).limit(COUNT_CEILING + 1).subquery()
        return await self._session.scalar(select(func.count()).select_from(bounded)) or 0

    async def found(
        self, words: Sequence[str], *, before: uuid.UUID | None, size: int
    ) -> list[uuid.UUID]:
        """Ids of folders whose search text holds every word, newest first."""
        # The function looks the first one up in its index: the longest is the rarest.
        patterns = [f"%{_escaped(word)}%" for word in sorted(words, key=len, reverse=True)]
        rows = await self._session.scalars(select(func.folder_search_find(patterns, before, size)))
        return list(rows)

    async def readable_among(
        self, ids: Sequence[uuid.UUID], filter_: ColumnElement[bool]
    ) -> dict[uuid.UUID, Folder]:
        """Those of the ids that the filter lets through."""
        rows = await self._session.scalars(select(Folder).where(Folder.id.in_(ids), filter_))
        return {row.id: row for row in rows}


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _counted(one: Slice) -> Select[tuple[uuid.UUID]]:
    query = _meeting(select(InboxEntry.folder_id), one)
    if one.place is not InboxList.TO_DO:
        # In order, or PostgreSQL walks the table until a desk that has much of it shows up.
        query = query.order_by(*_NEWEST)
    return select(query.limit(COUNT_CEILING + 1).subquery().c.folder_id)


def _bounded(one: Slice, after: Cursor | None, size: int) -> Select[tuple[object, ...]]:
    query: Select[*tuple[Any, ...]] = select(
        InboxEntry.folder_id, InboxEntry.desk_id, InboxEntry.kind, InboxEntry.since
    )
    if after is not None:
        position = tuple_(InboxEntry.since, InboxEntry.folder_id)
        query = query.where(position < (after.created_at, after.id))
    return select(_meeting(query, one).order_by(*_NEWEST).limit(size).subquery())


def _meeting(query: Select[*tuple[Any, ...]], one: Slice) -> Select[*tuple[Any, ...]]:
    """The entries of a slice. Its condition stands in a CASE: PostgreSQL would multiply how rare
    its parts are, though they go together, expect next to nothing, and read and sort all that the
    desk has instead of the newest along `ix_inbox_entries_list`."""
    query = query.where(
        InboxEntry.desk_id == one.desk_id,
        InboxEntry.place == one.place.value,
        case((one.condition, True), else_=False),
    )
    return query if one.due_by is None else query.where(InboxEntry.due_at <= one.due_by)


def _found(row: Row[tuple[object, ...]], folders: dict[uuid.UUID, Folder]) -> Found:
    return Found(folders[row.folder_id], row.desk_id, row.kind, row.since)


def anything() -> ColumnElement[bool]:
    """The condition of a desk's own list."""
    return InboxEntry.folder_id.is_not(None)
