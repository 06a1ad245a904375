"""The people of the fictional town."""

from __future__ import annotations

from app.demo.people import PEOPLE
from workflows.definition import DeskId
from workflows.mentions import with_article
from workflows.register import Office


def test_each_office_is_named_with_its_gender() -> None:
    titles = (
        with_article(Office(DeskId(one.key), one.capacity, one.gender))
        for one in PEOPLE
        if one.capacity is not None
    )
    assert list(titles) == ["la Directrice générale", "le Maire"]
