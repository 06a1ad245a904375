from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from app.errors import Unprocessable
from app.kit.pagination import Cursor, Page, read_cursor

FIRST = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
PLACES = [Cursor(FIRST - timedelta(days=n), uuid.UUID(int=n)) for n in range(3)]


def page_of(size: int) -> Page[int]:
    return Page.of(range(len(PLACES)), size, at=PLACES.__getitem__)


def test_the_one_found_beyond_the_page_is_not_shown() -> None:
    assert page_of(2).items == [0, 1]


def test_the_next_page_starts_after_the_last_one_shown() -> None:
    assert read_cursor(page_of(2).next_cursor) == PLACES[1]


@pytest.mark.parametrize("size", [3, 4])
def test_no_page_follows_the_last(size: int) -> None:
    page = page_of(size)
    assert (page.items, page.next_cursor) == ([0, 1, 2], None)


def test_nothing_found_is_one_empty_page() -> None:
    assert Page[int].of([], 2, at=PLACES.__getitem__) == Page[int](items=[], next_cursor=None)


@pytest.mark.parametrize("text", ["!", "bm90IGEgcGxhY2U=", PLACES[0].encode()[:-8]])
def test_a_cursor_made_elsewhere_is_refused(text: str) -> None:
    with pytest.raises(Unprocessable) as refused:
        read_cursor(text)
    assert refused.value.code == "bad_cursor"
