from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum
from typing import NewType

import pytest

from workflows.encoding import decode_object, encode_object, in_utc
from workflows.errors import Unreadable

Name = NewType("Name", str)


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Inner:
    count: int


@dataclass(frozen=True, slots=True)
class Outer:
    name: Name
    colour: Colour
    at: datetime
    day: date
    inner: tuple[Inner, ...]
    other: Name | None = None
    later: date | None = None
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Unwritable:
    size: float


AT = datetime(2026, 3, 2, 10, 0, tzinfo=timezone(timedelta(hours=1)))
FULL = Outer(
    Name("a"),
    Colour.RED,
    AT,
    date(2026, 3, 2),
    (Inner(1), Inner(2)),
    Name("b"),
    date(2026, 3, 3),
    is_open=True,
)
BARE = Outer(Name("a"), Colour.RED, AT, date(2026, 3, 2), ())


class TestEncodeObject:
    @pytest.mark.parametrize("value", [FULL, BARE])
    def test_what_is_written_is_read_back(self, value: Outer) -> None:
        assert decode_object(Outer, json.loads(json.dumps(encode_object(value)))) == value

    def test_instants_are_written_in_utc(self) -> None:
        assert encode_object(BARE)["at"] == "2026-03-02T09:00:00+00:00"

    def test_refuses_a_value_without_json_form(self) -> None:
        with pytest.raises(TypeError):
            encode_object(Unwritable(1.5))

    def test_refuses_a_class(self) -> None:
        with pytest.raises(TypeError):
            encode_object(Inner)


class TestDecodeObject:
    def test_an_absent_key_takes_the_default(self) -> None:
        data = {"name": "a", "colour": "red", "at": "2026-03-02T09:00:00+00:00"}
        data |= {"day": "2026-03-02"}
        assert decode_object(Outer, {**data, "inner": []}) == BARE

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("name", 1),
            ("name", None),
            ("colour", "blue"),
            ("colour", 3),
            ("at", "2026-03-02T09:00:00"),
            ("at", "yesterday"),
            ("day", "2026-13-01"),
            ("inner", {}),
            ("inner", [1]),
            ("inner", [{"count": True}]),
            ("inner", [{"count": "1"}]),
            ("inner", [{}]),
            ("is_open", 1),
            ("surprise", 1),
        ],
    )
    def test_refuses_what_no_field_can_hold(self, key: str, value: object) -> None:
        with pytest.raises(Unreadable):
            decode_object(Outer, {**encode_object(FULL), key: value})

    def test_refuses_what_is_not_an_object(self) -> None:
        with pytest.raises(Unreadable):
            decode_object(Inner, [1])


class TestInUtc:
    def test_keeps_the_instant(self) -> None:
        assert in_utc(AT) == AT
        assert in_utc(AT).tzinfo is UTC

    def test_refuses_an_instant_without_zone(self) -> None:
        with pytest.raises(ValueError, match="time zone"):
            in_utc(datetime(2026, 3, 2))  # noqa: DTZ001 - that is the point
