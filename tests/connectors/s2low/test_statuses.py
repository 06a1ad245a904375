from __future__ import annotations

import pytest

from connectors.base import RemoteState
from connectors.s2low.statuses import (
    ACTES,
    ACTES_LOOKUP_ORDER,
    HELIOS,
    HELIOS_LOOKUP_ORDER,
    actes_meaning,
    helios_meaning,
)


@pytest.mark.parametrize("code", [-2, 23, 1000])
def test_an_unknown_code_is_never_a_success(code: int) -> None:
    assert actes_meaning(code).state is RemoteState.UNKNOWN
    assert helios_meaning(code).state is RemoteState.UNKNOWN


def test_the_look_up_of_acts_reads_every_status_once() -> None:
    assert sorted(ACTES_LOOKUP_ORDER) == sorted(ACTES)


def test_the_look_up_of_acts_follows_an_acts_life() -> None:
    life = [ACTES_LOOKUP_ORDER.index(code) for code in (17, 1, 2, 3, 4, 5, 12, 13, 16)]

    assert life == sorted(life)


def test_the_look_up_of_flows_reads_known_statuses() -> None:
    assert set(HELIOS_LOOKUP_ORDER) <= set(HELIOS)


@pytest.mark.parametrize("code", [17, 18, 21, 999])
def test_waiting_statuses_of_an_act_never_promise_an_ar(code: int) -> None:
    assert actes_meaning(code).state is not RemoteState.ANSWER_AVAILABLE


@pytest.mark.parametrize("code", [4, 6, 8])
def test_a_flow_with_an_acquit_is_read_whether_accepted_or_not(code: int) -> None:
    assert helios_meaning(code).state is RemoteState.ANSWER_AVAILABLE
