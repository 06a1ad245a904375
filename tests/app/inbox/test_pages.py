"""Lists longer than a page: every row is told once, in its order, and counters agree.

Rows are copies, made by the database, of folders that the product left in their lists; they come
by four at one instant, so that pages end in the middle of those that nothing but the identifier
tells apart.
"""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from sqlalchemy import text, update

from app.context import Context
from app.demo.town import Town
from app.kit.pagination import MAX_PAGE
from app.models import InboxEntry
from tests.builders.administration import give, hold
from tests.builders.catalog import visa
from tests.builders.people import ApiPerson, approve, counters
from tests.builders.subtypes import add_subtype

_COPIES = MAX_PAGE + 3
_SMALL = 30
_SIZES = (_SMALL, MAX_PAGE)
_OFFSET = "make_interval(secs => -(c.n / 4))"
_COPY = f"""
WITH copies AS (SELECT gen_random_uuid() AS id, n FROM generate_series(1, :copies) AS n),
folder AS (
    INSERT INTO folders SELECT (jsonb_populate_record(f, jsonb_build_object(
        'id', c.id, 'created_at', f.created_at + {_OFFSET}))).*
    FROM folders f, copies c WHERE f.id = :folder
),
entries AS (
    INSERT INTO inbox_entries SELECT (jsonb_populate_record(e, jsonb_build_object(
        'folder_id', c.id, 'since', e.since + {_OFFSET}))).*
    FROM inbox_entries e, copies c WHERE e.folder_id = :folder
)
SELECT c.id, -(c.n / 4) FROM copies c
"""
_INDEX = "SELECT folder_search_write(one, :words) FROM unnest(CAST(:ids AS uuid[])) AS one"

Rows = dict[str, int]
"""The folders of a list and, in seconds, how long before the first one they came."""


async def copied(context: Context, town: Town, folder_id: str, *, words: str = "") -> Rows:
    """The folder and its copies, in the same lists."""
    async with context.unit(town.tenant_id) as session:
        values = {"folder": uuid.UUID(folder_id), "copies": _COPIES}
        made = {str(one): came for one, came in await session.execute(text(_COPY), values)}
        ids = [uuid.UUID(one) for one in made]
        await session.execute(text(_INDEX), {"ids": ids, "words": words})
    return {folder_id: 0, **made}


def newest_first(*lists: Rows) -> list[str]:
    rows = {one: came for some in lists for one, came in some.items()}
    return sorted(rows, key=lambda one: (rows[one], one), reverse=True)


async def walked(
    person: ApiPerson, path: str, size: int, *, mark: str = "cursor", **more: Any
) -> list[str]:
    """Every folder that a list tells, page after page, each full but the last."""
    found: list[str] = []
    following: dict[str, Any] = {}
    while True:
        params = {**more, "size": size, **following}
        answer = await person.client.get(path, params=params)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += [(one.get("folder") or one)["id"] for one in page["items"]]
        if page["next_cursor"] is None:
            return found
        assert len(page["items"]) == size
        following = {mark: page["next_cursor"]}


@pytest.fixture
async def pending(
    context: Context, town: Town, finances: ApiPerson, administrator: ApiPerson
) -> Rows:
    """Late at the direction and at the mayor's; the director holds both desks, and the finances
    have a delegation in each."""
    both = visa(town, "direction", "maire", mode="all_of", due_in_days=1)
    await add_subtype(context, town, both)
    await hold(administrator, "maire", "direction")
    for office in ("direction", "maire"):
        await give(administrator, office, "finances")
    folder_id = await finances.submitted("essai")
    async with context.unit(town.tenant_id) as session:
        late = update(InboxEntry).where(InboxEntry.due_at.is_not(None))
        await session.execute(late.values(due_at=context.clock()))
    return await copied(context, town, folder_id)


async def test_what_waits_is_told_once_whatever_the_desks_that_have_it(
    pending: Rows, finances: ApiPerson, direction: ApiPerson
) -> None:
    expected = newest_first(pending)
    for person, names in (
        (direction, ("to_do", "late")),
        (finances, ("delegated", "late", "under_way", "retrievable")),
    ):
        count = await counters(person)
        for name in names:
            assert count[name] == len(expected), name
            for size in _SIZES:
                assert await walked(person, f"/inbox/{name}", size) == expected, name


async def test_what_came_back_or_ended_is_told_once(
    context: Context, town: Town, finances: ApiPerson, direction: ApiPerson
) -> None:
    await add_subtype(context, town, visa(town))
    ended = await finances.submitted("essai")
    await approve(direction, ended)
    back = await finances.submitted("essai")
    await direction.act(back, "reject", step="visa", reason="Non")
    rows = {
        "finished": await copied(context, town, ended),
        "rejected": await copied(context, town, back),
    }
    count = await counters(finances)
    for name, those in rows.items():
        assert await walked(finances, f"/inbox/{name}", _SMALL) == newest_first(those), name
        assert count[name] == len(those), name
    assert await walked(direction, "/inbox/retrievable", _SMALL) == newest_first(rows["rejected"])


async def test_folders_and_what_is_found_among_them_are_told_once(
    context: Context, town: Town, finances: ApiPerson, direction: ApiPerson
) -> None:
    await add_subtype(context, town, visa(town))
    unseen = await copied(context, town, await direction.create("essai"), words="budget primitif")
    drafts = await copied(context, town, await finances.create("essai"), words="budget primitif")
    sent = await copied(context, town, await finances.submitted("essai"), words="recettes")
    assert await walked(finances, "/folders", _SMALL) == newest_first(drafts, sent)
    assert await walked(finances, "/folders", _SMALL, status="draft") == newest_first(drafts)
    assert await walked(direction, "/folders", MAX_PAGE, waiting=True) == newest_first(sent)
    for size in _SIZES:
        found = await walked(finances, "/search", size, mark="before", text="primitif budget")
        assert unseen.keys().isdisjoint(found)
        assert found == sorted(drafts.keys() & set(found), reverse=True)
        assert len(found) == _COPIES
