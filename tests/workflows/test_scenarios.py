"""The golden scenarios: `simulate` says of each what its author expects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.builders.scenarios import Scenario, scenarios
from workflows.obstacles import WhoMayAct
from workflows.register import Authorship
from workflows.simulation import Simulation, Stage, Wait, simulate

SCENARIOS = scenarios()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.key)
def test_the_simulator_says_what_the_scenario_expects(scenario: Scenario) -> None:
    expected = scenario.expected
    told = simulate(scenario.given)
    assert _told(scenario, told, expected) == _wanted(scenario, expected)


def test_there_are_thirty_of_them_at_least() -> None:
    assert len(SCENARIOS) >= 30
    assert len({one.name for one in SCENARIOS}) == len(SCENARIOS)


def _wanted(scenario: Scenario, expected: Mapping[str, Any]) -> dict[str, Any]:
    """The expectation, with instants in UTC and nothing left unsaid."""
    path = [
        stage
        | ({"at": scenario.instant(stage["at"])} if "at" in stage else {})
        | {"by": stage.get("by", [])}
        | {"waits": [_wanted_wait(scenario, one) for one in stage.get("waits", [])]}
        for stage in expected["path"]
    ]
    return {"refusal": None, "otherwise": None, **expected, "path": path}


def _wanted_wait(scenario: Scenario, wait: Mapping[str, Any]) -> dict[str, Any]:
    until = scenario.instant(wait["until"]) if "until" in wait else None
    instants = {"since": scenario.instant(wait["since"]), "until": until}
    return {"then": None, "says": "", **wait, **instants}


def _told(scenario: Scenario, told: Simulation, expected: Mapping[str, Any]) -> dict[str, Any]:
    """What the simulator said, in the words of the scenario."""
    asked = [*expected["path"], *({} for _ in told.stages)]
    return {
        "outcome": told.outcome,
        "refusal": told.refusal.code if told.refusal else None,
        "otherwise": told.otherwise.outcome if told.otherwise else None,
        "path": [
            _told_stage(scenario, stage, one)
            for stage, one in zip(told.stages, asked, strict=False)
        ],
    }


def _told_stage(scenario: Scenario, stage: Stage, asked: Mapping[str, Any]) -> dict[str, Any]:
    says = [one.get("says", "") for one in asked.get("waits", [])]
    return {
        "step": stage.step,
        **({"at": stage.starts_at} if "at" in asked else {}),
        **({"desks": [scenario.desks[one] for one in stage.desks]} if "desks" in asked else {}),
        "able": _able(scenario, stage.able),
        "by": [scenario.persons[one.person] for one in stage.actors],
        "waits": [
            _told_wait(scenario, wait, words)
            for wait, words in zip(stage.waits, [*says, *("" for _ in stage.waits)], strict=False)
        ],
    }


def _told_wait(scenario: Scenario, wait: Wait, words: str) -> dict[str, Any]:
    return {
        "since": wait.since,
        "until": wait.until,
        "nobody": wait.why.nobody,
        "says": words if words in wait.why.detail else wait.why.detail,
        "then": _able(scenario, wait.then) if wait.then else None,
    }


def _able(scenario: Scenario, able: WhoMayAct) -> dict[str, str]:
    return {scenario.persons[one.person]: _power(one) for one in able.able}


def _power(one: Authorship) -> str:
    mention = one.power.mention
    return f"{one.power.kind} « {mention} »" if mention else str(one.power.kind)
