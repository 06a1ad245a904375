"""What is wrong in a circuit for the desks and persons there are."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders.drawings import DESKS, any_workflow, sound_workflows
from tests.builders.workflows import ACCOUNTS, MAYOR, SENDING_STEP, a_step, a_workflow
from workflows.actor_findings import People, actor_findings
from workflows.definition import (
    BOSS,
    SUBMITTER,
    Actor,
    DeskId,
    Protocol,
    Severity,
    Step,
    StepId,
    StepKind,
    StepMode,
    Workflow,
    given_desk,
    variable_desk,
)

DIRECTION = DeskId("direction")
GONE = DeskId("gone")
NAMES = {ACCOUNTS: "Comptabilité", DIRECTION: "Direction", MAYOR: "Maire"}
EVERYBODY = People(NAMES, frozenset(NAMES), frozenset(NAMES), {ACCOUNTS: DIRECTION})
VISA, SIGNATURE = StepId("visa"), StepId("signature")


def visa(*actors: Actor, mode: StepMode = StepMode.ANY_OF) -> Step:
    return replace(a_step(VISA, StepKind.APPROVAL), actors=actors, mode=mode)


def signature(*actors: Actor, mode: StepMode = StepMode.ANY_OF) -> Step:
    return replace(a_step(SIGNATURE, StepKind.SIGNATURE), actors=actors, mode=mode)


def told(
    workflow: Workflow, people: People, protocol: Protocol = Protocol.NONE
) -> list[tuple[str, str]]:
    return [(one.code, one.severity.value) for one in actor_findings(workflow, protocol, people)]


class TestDesks:
    @pytest.mark.parametrize(
        "workflow",
        [
            a_workflow(visa(given_desk(GONE))),
            a_workflow(visa(variable_desk(MAYOR, GONE))),
            a_workflow(replace(visa(given_desk(MAYOR)), informed=(given_desk(GONE),))),
            replace(a_workflow(visa(given_desk(MAYOR))), final_desk=given_desk(GONE)),
            replace(a_workflow(visa(given_desk(MAYOR))), informed_at_end=(given_desk(GONE),)),
        ],
        ids=["actor", "choice", "informed", "final", "informed at the end"],
    )
    def test_a_desk_that_is_no_more_is_an_error_wherever_it_stands(
        self, workflow: Workflow
    ) -> None:
        assert told(workflow, EVERYBODY) == [("unknown_desk", "error")]

    def test_people_who_are_there_have_nothing_to_be_said(self) -> None:
        workflow = a_workflow(
            visa(given_desk(ACCOUNTS)), signature(given_desk(MAYOR)), SENDING_STEP
        )
        assert told(workflow, EVERYBODY, Protocol.HELIOS) == []


class TestNobody:
    ALONE = replace(EVERYBODY, manned=frozenset({ACCOUNTS}))

    def test_a_step_that_nobody_can_pass_is_an_error_that_names_the_desk(self) -> None:
        (found,) = actor_findings(a_workflow(visa(given_desk(MAYOR))), Protocol.NONE, self.ALONE)
        assert (found.code, found.severity) == ("step_without_possible_actor", Severity.ERROR)
        assert (found.step, "le bureau « Maire » n'a pas" in found.detail) == (VISA, True)

    def test_several_desks_are_named_together(self) -> None:
        either = visa(given_desk(MAYOR), given_desk(DIRECTION))
        (found,) = actor_findings(a_workflow(either), Protocol.NONE, self.ALONE)
        assert "les bureaux « Maire » et « Direction » n'ont pas de titulaire actif" in found.detail

    @pytest.mark.parametrize(
        ("actors", "mode", "expected"),
        [
            (
                (given_desk(MAYOR), given_desk(ACCOUNTS)),
                StepMode.ANY_OF,
                [("desk_without_holder", "warning")],
            ),
            (
                (given_desk(MAYOR), given_desk(ACCOUNTS)),
                StepMode.ALL_OF,
                [("step_without_possible_actor", "error")],
            ),
            (
                (given_desk(MAYOR), given_desk(DIRECTION)),
                StepMode.ANY_OF,
                [("step_without_possible_actor", "error")],
            ),
            (
                (variable_desk(MAYOR, DIRECTION),),
                StepMode.ANY_OF,
                [("step_without_possible_actor", "error")],
            ),
            ((variable_desk(MAYOR, ACCOUNTS),), StepMode.ANY_OF, []),
            ((variable_desk(),), StepMode.ANY_OF, []),
            ((SUBMITTER,), StepMode.ANY_OF, []),
        ],
        ids=["one of two", "both", "neither", "no choice", "a choice", "any desk", "submitter"],
    )
    def test_a_vacancy_counts_where_the_step_needs_it(
        self, actors: tuple[Actor, ...], mode: StepMode, expected: list[tuple[str, str]]
    ) -> None:
        assert told(a_workflow(visa(*actors, mode=mode)), self.ALONE) == expected

    def test_machines_and_the_outside_need_nobody(self) -> None:
        external = a_step(StepId("external"), StepKind.EXTERNAL)
        assert told(a_workflow(external, SENDING_STEP), People({})) == []


class TestCertificates:
    UNFIT = replace(EVERYBODY, signing=frozenset({ACCOUNTS}))

    @pytest.mark.parametrize(
        ("protocol", "severity"),
        [(Protocol.HELIOS, "error"), (Protocol.ACTES, "warning"), (Protocol.NONE, "warning")],
    )
    def test_nobody_with_a_fit_certificate_is_an_error_for_flows_only(
        self, protocol: Protocol, severity: str
    ) -> None:
        workflow = a_workflow(signature(given_desk(MAYOR), given_desk(DIRECTION)))
        assert told(workflow, self.UNFIT, protocol) == [("no_fit_certificate", severity)]

    def test_one_of_the_desks_is_enough_where_one_signs(self) -> None:
        desks = (given_desk(MAYOR), given_desk(ACCOUNTS))
        one = a_workflow(signature(*desks))
        every = a_workflow(signature(*desks, mode=StepMode.ALL_OF))
        assert told(one, self.UNFIT, Protocol.HELIOS) == []
        assert told(every, self.UNFIT) == [("no_fit_certificate", "warning")]

    def test_an_approval_needs_no_certificate(self) -> None:
        assert (
            told(a_workflow(visa(given_desk(MAYOR))), replace(EVERYBODY, signing=frozenset())) == []
        )


class TestSuperiors:
    @pytest.mark.parametrize(
        ("before", "expected"),
        [
            (given_desk(ACCOUNTS), []),
            (given_desk(MAYOR), [("boss_of_top_desk", "error")]),
            (SUBMITTER, []),
        ],
        ids=["has one", "top desk", "unknown"],
    )
    def test_the_boss_is_above_the_desk_that_acted_last(
        self, before: Actor, expected: list[tuple[str, str]]
    ) -> None:
        workflow = a_workflow(visa(before), signature(BOSS))
        assert told(workflow, EVERYBODY) == expected

    def test_a_boss_at_the_first_step_needs_that_some_desk_has_one(self) -> None:
        workflow = a_workflow(visa(BOSS))
        flat = replace(EVERYBODY, superiors={})
        assert told(workflow, EVERYBODY) == []
        assert told(workflow, flat) == [("boss_of_top_desk", "error")]

    @pytest.mark.parametrize(
        ("before", "step"),
        [
            (visa(given_desk(MAYOR), given_desk(ACCOUNTS)), signature(BOSS)),
            (visa(given_desk(MAYOR), SUBMITTER), signature(BOSS)),
            (visa(given_desk(MAYOR)), signature(BOSS, given_desk(MAYOR))),
        ],
        ids=["another acted", "the submitter acted", "another acts"],
    )
    def test_is_a_warning_while_somebody_may_pass_the_step(self, before: Step, step: Step) -> None:
        assert told(a_workflow(before, step), EVERYBODY) == [("boss_of_top_desk", "warning")]

    def test_is_an_error_where_the_boss_must_agree_with_others(self) -> None:
        step = signature(BOSS, given_desk(MAYOR), mode=StepMode.ALL_OF)
        workflow = a_workflow(visa(given_desk(MAYOR)), step)
        assert told(workflow, EVERYBODY) == [("boss_of_top_desk", "error")]


class TestKnownSuperiors:
    """The boss of desks that the circuit names is a desk that can be judged."""

    NO_DIRECTION = frozenset({ACCOUNTS, MAYOR})
    NOBODY = replace(EVERYBODY, manned=NO_DIRECTION, signing=NO_DIRECTION)
    WITHOUT_CERTIFICATE = replace(EVERYBODY, signing=NO_DIRECTION)
    workflow = a_workflow(visa(given_desk(ACCOUNTS)), signature(BOSS))

    def test_one_whom_nobody_holds_is_an_error_that_names_it(self) -> None:
        (found,) = actor_findings(self.workflow, Protocol.NONE, self.NOBODY)
        assert (found.code, found.severity) == ("step_without_possible_actor", Severity.ERROR)
        assert "« Direction »" in found.detail

    def test_one_without_certificate_does_not_sign(self) -> None:
        assert told(self.workflow, self.WITHOUT_CERTIFICATE, Protocol.HELIOS) == [
            ("no_fit_certificate", "error")
        ]

    def test_the_boss_of_a_boss_is_known_too(self) -> None:
        people = replace(
            EVERYBODY,
            manned=frozenset({ACCOUNTS, DIRECTION}),
            superiors={ACCOUNTS: DIRECTION, DIRECTION: MAYOR},
        )
        third = replace(a_step(StepId("third"), StepKind.APPROVAL), actors=(BOSS,))
        workflow = a_workflow(visa(given_desk(ACCOUNTS)), SENDING_STEP, signature(BOSS), third)
        assert told(workflow, people) == [("step_without_possible_actor", "error")]

    @pytest.mark.parametrize(
        "before",
        [
            (given_desk(ACCOUNTS), given_desk(MAYOR)),
            (variable_desk(ACCOUNTS, MAYOR),),
        ],
        ids=["two desks", "two choices"],
    )
    def test_another_boss_who_may_act_suffices(self, before: tuple[Actor, ...]) -> None:
        people = replace(self.NOBODY, superiors={ACCOUNTS: DIRECTION, MAYOR: ACCOUNTS})
        assert told(a_workflow(visa(*before), signature(BOSS)), people) == []

    @pytest.mark.parametrize(
        "before",
        [(SUBMITTER,), (given_desk(ACCOUNTS), SUBMITTER), (variable_desk(),)],
        ids=["submitter", "or the submitter", "free choice"],
    )
    def test_one_that_only_a_folder_makes_known_is_not_judged(
        self, before: tuple[Actor, ...]
    ) -> None:
        assert told(a_workflow(visa(*before), signature(BOSS)), self.NOBODY) == []


class TestAnyCircuit:
    people = st.builds(
        People,
        names=st.sets(st.sampled_from(DESKS)).map(lambda desks: {one: NAMES[one] for one in desks}),
        manned=st.frozensets(st.sampled_from(DESKS)),
        signing=st.frozensets(st.sampled_from(DESKS)),
    )

    @settings(max_examples=60)
    @given(workflow=any_workflow, people=people, protocol=st.sampled_from(Protocol))
    def test_is_judged_in_sentences_and_never_refused(
        self, workflow: Workflow, people: People, protocol: Protocol
    ) -> None:
        found = actor_findings(workflow, protocol, people)
        assert all(one.detail.endswith(".") for one in found)

    @settings(max_examples=60)
    @given(workflow=sound_workflows(), protocol=st.sampled_from(Protocol))
    def test_whom_nobody_lacks_has_no_finding(self, workflow: Workflow, protocol: Protocol) -> None:
        assert actor_findings(workflow, protocol, EVERYBODY) == ()
