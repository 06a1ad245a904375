"""Lists of a person: what waits for him, in whose name, and what he followed."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth.principal import Principal
from app.catalog.repository import CatalogRepository
from app.context import Context
from app.errors import Unprocessable
from app.folders.reading import summary
from app.folders.repository import readable_by
from app.inbox.conditions import SubtypesOf, delegated_slices, own_slices, retrievable_by
from app.inbox.repository import (
    COUNT_CEILING,
    Found,
    InboxRepository,
    Slice,
    anything,
)
from app.inbox.schemas import Counter, InboxCounters, InboxItem, ListName
from app.kit.folding import fold
from app.kit.pagination import Cursor
from app.models import Folder, InboxList
from app.register.service import as_person, load_register
from workflows.reach import reaches
from workflows.register import SubtypeId, TypeId

_OWN_LISTS = {
    ListName.UNDER_WAY: InboxList.UNDER_WAY,
    ListName.FINISHED: InboxList.FINISHED,
    ListName.REJECTED: InboxList.REJECTED,
    ListName.DRAFT: InboxList.DRAFT,
}
_SEARCH_BATCH = 500
_SEARCH_BATCHES = 10
_SHORTEST_WORD = 3


async def items_of(
    session: AsyncSession,
    context: Context,
    principal: Principal,
    name: ListName,
    *,
    after: Cursor | None,
    size: int,
) -> list[InboxItem]:
    """One page of a list, and one item more when another page follows."""
    repository = InboxRepository(session)
    lists = await _lists(session, context, principal)
    if name is ListName.RETRIEVABLE:
        rows = await repository.retrievable(lists.retrievable, after=after, size=size)
        return [_retrievable(row) for row in rows]
    return [_item(one) for one in await repository.page(lists.of(name), after=after, size=size)]


async def counters_of(
    session: AsyncSession, context: Context, principal: Principal
) -> InboxCounters:
    """How many folders each list holds, by the conditions of the lists themselves."""
    repository = InboxRepository(session)
    lists = await _lists(session, context, principal)
    counts: dict[ListName, int] = {
        name: await repository.count(lists.of(name))
        for name in ListName
        if name is not ListName.RETRIEVABLE
    }
    counts[ListName.RETRIEVABLE] = await repository.count_retrievable(lists.retrievable)
    return InboxCounters(
        counters=[
            Counter(
                list=name,
                count=min(counts[name], COUNT_CEILING),
                at_least=counts[name] > COUNT_CEILING,
            )
            for name in ListName
        ]
    )


@dataclass(frozen=True, slots=True)
class _Lists:
    """The conditions of a person's lists at one instant."""

    mine: tuple[Slice, ...]
    delegated: tuple[Slice, ...]
    late: tuple[Slice, ...]
    retrievable: ColumnElement[bool]
    desks: tuple[uuid.UUID, ...]

    def of(self, name: ListName) -> Sequence[Slice]:
        match name:
            case ListName.TO_DO:
                return self.mine
            case ListName.DELEGATED:
                return self.delegated
            case ListName.LATE:
                return self.late
            case _:
                place = _OWN_LISTS[name]
                return tuple(Slice(desk, place, anything()) for desk in self.desks)


async def _lists(session: AsyncSession, context: Context, principal: Principal) -> _Lists:
    now = context.clock()
    person = as_person(principal.id)
    found = reaches(await load_register(session), person, now)
    subtypes = await _subtypes(session)
    mine = own_slices(found, person, subtypes)
    delegated = delegated_slices(found, person, subtypes, mine)
    late = tuple(replace(one, due_by=now) for one in (*mine, *delegated))
    desks = tuple(sorted(principal.readable_desk_ids))
    return _Lists(mine, delegated, late, retrievable_by(found, person, subtypes), desks)


async def _subtypes(session: AsyncSession) -> SubtypesOf:
    by_type: dict[TypeId, set[SubtypeId]] = defaultdict(set)
    for row in await CatalogRepository(session).subtypes():
        by_type[TypeId(str(row.type_id))].add(SubtypeId(str(row.id)))
    return {kind: frozenset(those) for kind, those in by_type.items()}


def _item(one: Found) -> InboxItem:
    return InboxItem(
        folder=summary(one.folder), desk_id=one.desk_id, kind=one.kind, since=one.since
    )


def _retrievable(row: Folder) -> InboxItem:
    assert row.retrievable_desk_id is not None
    return InboxItem(
        folder=summary(row),
        desk_id=row.retrievable_desk_id,
        kind=row.waiting_kind,
        since=row.created_at,
    )


async def search(
    session: AsyncSession,
    principal: Principal,
    text: str,
    *,
    before: uuid.UUID | None,
    size: int,
) -> tuple[list[Folder], uuid.UUID | None]:
    """Folders readable by the caller whose text holds every word, newest first, and where the next
    page starts. Raises Unprocessable (`search_too_short`) where none is long enough for the
    index."""
    words = fold(text).split()
    if all(len(word) < _SHORTEST_WORD for word in words):
        raise Unprocessable(
            f"Ces mots sont trop courts : cherchez-en un d'au moins {_SHORTEST_WORD} caractères.",
            code="search_too_short",
        )
    repository = InboxRepository(session)
    readable = readable_by(principal)
    kept: list[Folder] = []
    for _ in range(_SEARCH_BATCHES):
        ids = await repository.found(words, before=before, size=_SEARCH_BATCH)
        rows = await repository.readable_among(ids, readable)
        for one in ids:
            if one in rows:
                kept.append(rows[one])
            if len(kept) == size:
                return kept, one
        if len(ids) < _SEARCH_BATCH:
            return kept, None
        before = ids[-1]
    return kept, before
