"""What is said of a database that refuses what nobody could see coming."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.context import Context
from app.kit.failures import failure_of


@pytest.mark.parametrize(
    ("sqlstate", "code", "said"),
    [
        ("23503", "object_gone", "Un élément nommé par la demande vient d'être supprimé"),
        ("23505", "already_exists", "Cet élément vient d'être créé"),
        ("40P01", "busy_try_again", "recommencez."),
        ("55P03", "busy_try_again", "recommencez."),
    ],
    ids=["foreign_key", "unique", "deadlock", "too long a wait"],
)
async def test_what_others_did_meanwhile_is_a_conflict_that_says_to_try_again(
    context: Context, sqlstate: str, code: str, said: str
) -> None:
    raising = text(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{sqlstate}'; END $$")
    with pytest.raises(DBAPIError) as raised:
        async with context.unit() as session:
            await session.execute(raising)

    failure = failure_of(raised.value)

    assert (failure.status, failure.code) == (409, code)
    assert said in failure.detail
