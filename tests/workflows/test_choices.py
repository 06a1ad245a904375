"""What may be chosen where all the desks of a step must agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders.workflows import ACCOUNTS, BOTH_VISAS_STEP, ELSEWHERE, MAYOR
from workflows.choices import distinct_desks, togetherness_findings
from workflows.definition import (
    SUBMITTER,
    Actor,
    DeskId,
    Severity,
    Step,
    StepId,
    StepMode,
    given_desk,
    variable_desk,
)

A, B, C = (DeskId(name) for name in "abc")


class TestDistinctDesks:
    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            ([], ()),
            ([[A, B], [A, B]], (A, B)),
            ([[A, B], [A]], (B, A)),
            ([[A, B], [A, C], [A]], (B, C, A)),
            ([[A], [A]], None),
            ([[A, B], [A, B], [A, B]], None),
            ([[]], None),
        ],
        ids=["none", "first come", "one moves", "two move", "one for two", "two for three", "no"],
    )
    def test_are_taken_once_each(
        self, options: list[list[DeskId]], expected: tuple[DeskId, ...] | None
    ) -> None:
        assert distinct_desks(options) == expected

    @settings(max_examples=60)
    @given(options=st.lists(st.lists(st.sampled_from([A, B, C, MAYOR]), unique=True), max_size=4))
    def test_are_found_wherever_they_exist(self, options: Sequence[Sequence[DeskId]]) -> None:
        possible = [one for one in product(*options) if len(set(one)) == len(one)]
        found = distinct_desks(options)
        assert found in possible if possible else found is None


class TestFindings:
    @pytest.mark.parametrize(
        ("actors", "enough"),
        [
            ((given_desk(MAYOR), variable_desk()), True),
            ((given_desk(MAYOR), variable_desk(MAYOR, ACCOUNTS)), True),
            ((given_desk(MAYOR), variable_desk(MAYOR)), False),
            ((variable_desk(MAYOR, ACCOUNTS), variable_desk(MAYOR, ACCOUNTS)), True),
            ((variable_desk(MAYOR), variable_desk(MAYOR)), False),
            ((variable_desk(MAYOR), variable_desk(ELSEWHERE, MAYOR)), True),
            ((given_desk(MAYOR), given_desk(MAYOR), SUBMITTER, variable_desk(ACCOUNTS)), True),
        ],
        ids=[
            "any desk",
            "another one",
            "the one that is named",
            "two of two",
            "one for two",
            "one each",
            "one that is named twice",
        ],
    )
    def test_there_is_another_desk_for_each_choice(
        self, actors: tuple[Actor, ...], enough: bool
    ) -> None:
        step = replace(BOTH_VISAS_STEP, actors=actors)
        assert _errors(step) == ([] if enough else [("choices_too_few", step.id)])
        assert _errors(replace(step, mode=StepMode.ANY_OF)) == []


def _errors(step: Step) -> list[tuple[str, StepId | None]]:
    found = togetherness_findings(step)
    return [(one.code, one.step) for one in found if one.severity is Severity.ERROR]
