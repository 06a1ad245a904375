from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC
from typing import cast, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.builders.workflows import ACCOUNTS, BEN, CLEO, DAN, NOW, VISA
from workflows.errors import Unreadable
from workflows.event_encoding import EVENT_TYPES, from_json, to_json
from workflows.events import Approved, Corrected, Event
from workflows.register import Authorship, Power, PowerId, PowerKind

APPROVED = Approved(NOW, Authorship(BEN, Power(PowerKind.HOLDER, ACCOUNTS)), VISA)


def stored(event: Event) -> Mapping[str, object]:
    return cast("Mapping[str, object]", json.loads(json.dumps(to_json(event))))


INSTANTS = st.datetimes(timezones=st.just(UTC))


@pytest.mark.parametrize("kind", EVENT_TYPES.values(), ids=lambda kind: kind.type)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_every_event_is_read_back_as_it_was(kind: type[Event], data: st.DataObject) -> None:
    event = cast("Event", data.draw(st.builds(kind, occurred_at=INSTANTS)))
    assert from_json(stored(event)) == event


def test_every_event_has_its_place_in_the_table_of_types() -> None:
    assert set(EVENT_TYPES.values()) == set(get_args(Event))


def test_the_form_is_stable() -> None:
    assert to_json(APPROVED) == {
        "type": "approved",
        "version": 1,
        "payload": {
            "occurred_at": "2026-03-02T09:00:00+00:00",
            "by": {
                "person": "ben",
                "power": {
                    "kind": "holder",
                    "desk": "accounts",
                    "on_behalf_of": None,
                    "id": None,
                    "mention": None,
                    "sources": [],
                },
            },
            "step": "visa",
        },
    }


@pytest.mark.parametrize(
    "change",
    [
        {"type": "unheard_of"},
        {"type": None},
        {"version": "1"},
        {"version": 2},
        {"version": 0},
        {"payload": None},
        {"payload": {}},
    ],
)
def test_refuses_what_it_cannot_read(change: dict[str, object]) -> None:
    with pytest.raises(Unreadable):
        from_json({**stored(APPROVED), **change})


def test_a_correction_stored_before_it_named_anybody_is_read() -> None:
    payload: dict[str, object] = {"occurred_at": "2026-03-02T09:00:00+00:00"}
    assert from_json({"type": "corrected", "version": 1, "payload": payload}) == Corrected(NOW)


def test_a_correction_stored_before_it_named_a_power_is_read() -> None:
    payload: dict[str, object] = {"occurred_at": "2026-03-02T09:00:00+00:00", "person": BEN}
    read = from_json({"type": "corrected", "version": 1, "payload": payload})
    assert read == Corrected(NOW, BEN)
    assert read.by is None


def test_an_act_stored_before_powers_named_their_sources_is_read() -> None:
    delegated = Power(PowerKind.SIGNATURE_DELEGATION, ACCOUNTS, CLEO, PowerId("grant-1"), "Pour")
    of_now = Approved(NOW, Authorship(BEN, replace(delegated, sources=(DAN,))), VISA)
    record = json.loads(json.dumps(to_json(of_now)))
    assert from_json(record) == of_now
    assert of_now.by.names == (BEN, CLEO, DAN)
    del record["payload"]["by"]["power"]["sources"]
    read = from_json(record)
    assert read == Approved(NOW, Authorship(BEN, delegated), VISA)
    assert isinstance(read, Approved)
    assert read.by.names == (BEN, CLEO)


def test_an_older_event_is_brought_to_the_present_version_by_version() -> None:
    def name_the_step(payload: Mapping[str, object]) -> Mapping[str, object]:
        return {**payload, "step": payload["turn"]}

    def forget_the_turn(payload: Mapping[str, object]) -> Mapping[str, object]:
        return {key: value for key, value in payload.items() if key != "turn"}

    payload = cast("Mapping[str, object]", stored(APPROVED)["payload"])
    oldest = {key: value for key, value in payload.items() if key != "step"}
    record = {"type": "approved", "version": -1, "payload": {**oldest, "turn": "visa"}}
    upcasters = {("approved", -1): name_the_step, ("approved", 0): forget_the_turn}
    assert from_json(record, upcasters) == APPROVED
