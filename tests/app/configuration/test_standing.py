"""What was stored otherwise than today is exported, and changes nothing when it is applied."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, update

from app.configuration.text import read_text
from app.context import Context
from app.kit.ids import new_id
from app.models import Absence, DeskHolder, Grant
from tests.builders.configurations import Setup, an_empty_tenant

LAST = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
FIRST = datetime(1, 1, 1, tzinfo=UTC)


@pytest.fixture
async def town(context: Context) -> Setup:
    empty = await an_empty_tenant(context)
    await empty.apply(empty.own("petite-commune"))
    return empty


async def stored(town: Setup, *statements: Any) -> None:
    async with town.context.unit(town.principal.tenant_id) as session:
        for one in statements:
            await session.execute(one)


async def assert_round_trip(town: Setup) -> str:
    """What is exported changes nothing, and can be given to a new tenant."""
    exported = await town.export()
    other = await an_empty_tenant(town.context)
    assert (await town.dry_run(exported)).changes == []
    assert (await town.apply(exported)).changes == []
    text = exported.replace(town.domain, other.domain)
    await other.apply(text)
    assert read_text((await other.export()).encode()) == read_text(text.encode())
    return exported


async def test_an_end_that_no_clock_shows_is_exported_as_open(town: Setup) -> None:
    await stored(
        town,
        update(DeskHolder).values(starts_at=FIRST, ends_at=LAST),
        update(Grant).values(ends_at=LAST),
        update(Absence).values(ends_at=LAST),
    )

    document = read_text((await assert_round_trip(town)).encode())

    holders = [one for each in document.desks for one in each.holders]
    dated: Sequence[Any] = [*holders, *document.powers, *document.absences]
    assert len(holders) > 1
    assert len(document.powers) > 1
    assert len(document.absences) == 1
    assert {one.until for one in dated} == {None}


async def test_a_power_whose_whole_domain_is_no_more_is_left_out_of_exports(town: Setup) -> None:
    before = read_text((await town.export()).encode())
    partly, wholly = Grant.document_number == "2026-13", Grant.document_number == "2026-12"
    await stored(
        town,
        update(Grant)
        .where(partly)
        .values(subtype_ids=func.array_append(Grant.subtype_ids, new_id())),
        update(Grant).where(wholly).values(type_ids=[new_id()], subtype_ids=[new_id()]),
    )

    document = read_text((await assert_round_trip(town)).encode())

    kept = [one for one in before.powers if not (one.document and one.document.number == "2026-12")]
    assert len(kept) == len(before.powers) - 1
    assert [one.subtypes for one in document.powers] == [one.subtypes for one in kept]
