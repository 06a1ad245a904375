"""The towns of the tests are copies: each must be what the service founds, and nobody else's."""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import text

from app.context import Context
from app.demo.town import Town
from tests.builders.furnished import scoped_tables
from tests.builders.towns import DrivenClock, a_founding, a_town, found

Rows = dict[str, list[dict[str, Any]]]


async def _rows(context: Context, town: Town) -> Rows:
    found: Rows = {}
    async with context.unit(town.tenant_id) as session:
        for table in scoped_tables():
            told = await session.scalars(text(f"SELECT row_to_json(t) FROM {table.name} t"))
            found[table.name] = list(told)
    return found


def _outline(rows: Rows) -> Any:
    """What is the same from town to town: names, kinds, settings; not identifiers, dates nor
    lists of revocation, signed for each, nor the journal, which a copy begins anew."""
    proper = {"login", "email", "created_at", "starts_at", "activated_at", "definition"}
    proper |= {"sha256", "content"}
    return {
        table: sorted(
            json.dumps({k: v for k, v in one.items() if k not in proper and not _is_id(v)})
            for one in some
        )
        for table, some in rows.items()
        if not table.startswith("audit_")
    }


def _is_id(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(uuid.UUID(value)) and "-" in value
    except ValueError:
        return False


async def test_a_copy_has_what_the_service_founds(context: Context, clock: DrivenClock) -> None:
    founded = await found(context, a_founding(clock()), certified=True)
    copied = await a_town(context)
    assert _outline(await _rows(context, copied)) == _outline(await _rows(context, founded))


async def test_a_copy_shares_no_identifier_with_another(
    context: Context, town: Town, other_town: Town
) -> None:
    ids = {row["id"] for some in (await _rows(context, town)).values() for row in some}
    others = json.dumps(await _rows(context, other_town))
    assert [one for one in ids if one in others] == []
    assert str(town.tenant_id) not in others


async def test_a_copy_is_founded_at_its_own_time(context: Context, clock: DrivenClock) -> None:
    clock.advance(days=3)
    rows = await _rows(context, await a_town(context))
    founded = {datetime.fromisoformat(row["starts_at"]) for row in rows["desk_holders"]}
    assert founded == {clock()}
