"""What is wrong in a circuit whatever the people: one case per finding, and none for sound ones."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders.drawings import any_workflow, sound_workflows
from tests.builders.workflows import (
    ACCOUNTS,
    FULL,
    MAYOR,
    OTHER_SIGNATURE,
    SECOND_VISA,
    SENDING,
    SENDING_ONLY,
    SENDING_STEP,
    SIGNATURE,
    SIGNATURE_STEP,
    TWO_SIGNATURES,
    VISA,
    VISA_STEP,
    VISAS_ONLY,
    a_step,
    a_workflow,
)
from workflows.definition import (
    BOSS,
    SUBMITTER,
    Actor,
    ActorKind,
    Duty,
    DutyKind,
    FieldKey,
    Finding,
    HeliosIntake,
    Phase,
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
from workflows.findings import demanded_field_findings, findings, structure_findings

SIGNED = a_workflow(SIGNATURE_STEP, SENDING_STEP)
UNSIGNED = a_workflow(VISA_STEP, SENDING_STEP)
SIGNED_TWICE = a_workflow(*TWO_SIGNATURES.steps, SENDING_STEP)
PREPARATION = replace(
    a_step(StepId("preparation"), StepKind.APPROVAL, ACCOUNTS), phase=Phase.PREPARATION
)
ARCHIVE = a_step(StepId("archive"), StepKind.ARCHIVE, ACCOUNTS)
EXTERNAL = a_step(StepId("external"), StepKind.EXTERNAL)
MAIL = a_step(StepId("mail"), StepKind.SECURE_MAIL)
EVERY_KIND = a_workflow(
    PREPARATION,
    VISA_STEP,
    SIGNATURE_STEP,
    a_step(StepId("seal"), StepKind.SEAL, MAYOR),
    EXTERNAL,
    MAIL,
    SENDING_STEP,
    ARCHIVE,
)
BOTH = replace(
    a_step(VISA, StepKind.APPROVAL, ACCOUNTS, MAYOR),
    mode=StepMode.ALL_OF,
)


def codes(found: tuple[Finding, ...]) -> list[str]:
    return [one.code for one in found]


def told(workflow: Workflow) -> list[tuple[str, str, StepId | None]]:
    return [(one.code, one.severity.value, one.step) for one in structure_findings(workflow)]


def with_visa(**changes: object) -> Workflow:
    return a_workflow(replace(VISA_STEP, **changes))  # type: ignore[arg-type]


class TestSoundCircuits:
    @pytest.mark.parametrize(
        "workflow",
        [FULL, VISAS_ONLY, TWO_SIGNATURES, SENDING_ONLY, EVERY_KIND, a_workflow(BOTH)],
        ids=["full", "visas", "signatures", "sending", "every kind", "both desks"],
    )
    def test_a_circuit_that_can_be_walked_has_no_finding(self, workflow: Workflow) -> None:
        assert structure_findings(workflow) == ()

    @pytest.mark.parametrize("actor", [SUBMITTER, BOSS, variable_desk(), variable_desk(MAYOR)])
    def test_any_kind_of_actor_may_have_the_first_step(self, actor: Actor) -> None:
        assert structure_findings(with_visa(actors=(actor,))) == ()

    def test_delays_and_people_informed_are_taken(self) -> None:
        workflow = replace(
            with_visa(due_in_days=1, remind_after_days=2, informed=(SUBMITTER, given_desk(MAYOR))),
            final_desk=given_desk(ACCOUNTS),
            informed_at_end=(SUBMITTER, BOSS),
        )
        assert structure_findings(workflow) == ()

    def test_an_archive_step_without_actor_falls_to_the_final_desk(self) -> None:
        assert structure_findings(a_workflow(VISA_STEP, replace(ARCHIVE, actors=()))) == ()


class TestStructure:
    @pytest.mark.parametrize(
        ("workflow", "code", "step"),
        [
            (a_workflow(), "workflow_empty", None),
            (a_workflow(VISA_STEP, name=" "), "workflow_unnamed", None),
            (with_visa(name=" "), "step_unnamed", VISA),
            (a_workflow(a_step(StepId(""), StepKind.APPROVAL, MAYOR)), "step_unnamed", StepId("")),
            (a_workflow(VISA_STEP, SIGNATURE_STEP, VISA_STEP), "step_id_duplicate", VISA),
            (with_visa(actors=()), "step_without_actor", VISA),
            (a_workflow(replace(SIGNATURE_STEP, actors=())), "step_without_actor", SIGNATURE),
            (a_workflow(a_step(VISA, StepKind.SEAL)), "step_without_actor", VISA),
            (
                a_workflow(a_step(SENDING, StepKind.TRANSMISSION, MAYOR)),
                "transmission_with_actor",
                SENDING,
            ),
            (a_workflow(replace(EXTERNAL, actors=(BOSS,))), "outside_with_actor", EXTERNAL.id),
            (a_workflow(replace(MAIL, actors=(SUBMITTER,))), "outside_with_actor", MAIL.id),
            (a_workflow(replace(MAIL, mode=StepMode.ALL_OF)), "parallel_refused", MAIL.id),
            (a_workflow(replace(EXTERNAL, mode=StepMode.ALL_OF)), "parallel_refused", EXTERNAL.id),
            (
                a_workflow(replace(SENDING_STEP, mode=StepMode.ALL_OF)),
                "parallel_refused",
                SENDING,
            ),
            (a_workflow(SENDING_STEP, VISA_STEP), "transmission_not_last", SENDING),
            (a_workflow(ARCHIVE, VISA_STEP), "archive_not_last", ARCHIVE.id),
            (a_workflow(ARCHIVE, SENDING_STEP), "archive_not_last", ARCHIVE.id),
            (a_workflow(VISA_STEP, PREPARATION), "preparation_after_validation", PREPARATION.id),
            (a_workflow(PREPARATION), "validation_absent", None),
            (
                a_workflow(replace(SIGNATURE_STEP, phase=Phase.PREPARATION), VISA_STEP),
                "preparation_not_approval",
                SIGNATURE,
            ),
            (with_visa(actors=(Actor(ActorKind.DESK),)), "actor_incomplete", VISA),
            (with_visa(actors=(Actor(ActorKind.BOSS_OF, MAYOR),)), "actor_incomplete", VISA),
            (
                with_visa(actors=(Actor(ActorKind.SUBMITTER, choices=(MAYOR,)),)),
                "actor_choices_unexpected",
                VISA,
            ),
            (with_visa(informed=(variable_desk(),)), "informed_variable", VISA),
            (with_visa(informed=(Actor(ActorKind.DESK),)), "actor_incomplete", VISA),
            (with_visa(due_in_days=0), "days_not_positive", VISA),
            (with_visa(remind_after_days=-1), "days_not_positive", VISA),
            (replace(FULL, final_desk=variable_desk()), "end_variable", None),
            (replace(FULL, final_desk=BOSS), "final_desk_unfit", None),
            (replace(FULL, informed_at_end=(variable_desk(),)), "end_variable", None),
            (replace(FULL, final_desk=Actor(ActorKind.DESK)), "actor_incomplete", None),
        ],
    )
    def test_what_leads_nowhere_is_an_error_at_its_place(
        self, workflow: Workflow, code: str, step: StepId | None
    ) -> None:
        assert told(workflow) == [(code, "error", step)]

    def test_a_second_transmission(self) -> None:
        again = a_step(StepId("again"), StepKind.TRANSMISSION)
        found = structure_findings(a_workflow(VISA_STEP, SENDING_STEP, again))
        assert codes(found) == ["transmission_repeated", "transmission_not_last"]

    @pytest.mark.parametrize("desks", [(MAYOR,), ()], ids=["one desk", "the boss"])
    def test_waiting_for_every_desk_of_one_is_doubtful(self, desks: tuple[str, ...]) -> None:
        actors = tuple(given_desk(MAYOR) for _ in desks) or (BOSS,)
        workflow = with_visa(actors=actors, mode=StepMode.ALL_OF)
        assert told(workflow) == [("all_of_alone", "warning", VISA)]

    def test_two_choices_are_two_desks(self) -> None:
        workflow = with_visa(actors=(variable_desk(), variable_desk()), mode=StepMode.ALL_OF)
        assert told(workflow) == []

    def test_choices_that_leave_one_desk_to_agree_for_two_are_an_error(self) -> None:
        actors = (given_desk(MAYOR), variable_desk(MAYOR))
        workflow = with_visa(actors=actors, mode=StepMode.ALL_OF)
        assert told(workflow) == [("choices_too_few", "error", VISA)]

    def test_naming_a_desk_twice_is_doubtful(self) -> None:
        workflow = with_visa(actors=(given_desk(MAYOR), given_desk(MAYOR)))
        assert told(workflow) == [("actor_repeated", "warning", VISA)]


class TestDuties:
    @pytest.mark.parametrize(
        ("steps", "expected"),
        [
            ((VISA, SIGNATURE), []),
            ((VISA,), [("duty_incomplete", "error")]),
            ((VISA, VISA), [("duty_incomplete", "error")]),
            ((), [("duty_incomplete", "error")]),
            ((VISA, SECOND_VISA), [("duty_unknown_step", "error")]),
            ((VISA, SENDING), [("duty_not_a_person", "error")]),
        ],
        ids=["two steps", "one", "one twice", "none", "unknown", "the machine"],
    )
    def test_distinct_persons_compare_two_steps_of_persons(
        self, steps: tuple[StepId, ...], expected: list[tuple[str, str]]
    ) -> None:
        workflow = replace(FULL, duties=(Duty(DutyKind.DISTINCT_PERSONS, steps),))
        found = structure_findings(workflow)
        assert [(one.code, one.severity.value) for one in found] == expected

    @pytest.mark.parametrize(
        ("kind", "steps", "expected"),
        [
            (DutyKind.APPROVER_DOES_NOT_SIGN, FULL.steps, []),
            (DutyKind.APPROVER_DOES_NOT_SIGN, (VISA_STEP,), ["duty_without_effect"]),
            (DutyKind.APPROVER_DOES_NOT_SIGN, (SIGNATURE_STEP,), ["duty_without_effect"]),
            (DutyKind.SUBMITTER_DOES_NOT_APPROVE, (VISA_STEP,), []),
            (DutyKind.SUBMITTER_DOES_NOT_APPROVE, (SIGNATURE_STEP,), ["duty_without_effect"]),
            (DutyKind.SUBMITTER_DOES_NOT_SIGN, (SIGNATURE_STEP,), []),
            (DutyKind.SUBMITTER_DOES_NOT_SIGN, (VISA_STEP,), ["duty_without_effect"]),
            (
                DutyKind.SUBMITTER_DOES_NOT_SIGN,
                (replace(SIGNATURE_STEP, actors=(SUBMITTER,)),),
                ["duty_against_actor"],
            ),
            (
                DutyKind.SUBMITTER_DOES_NOT_APPROVE,
                (replace(VISA_STEP, actors=(SUBMITTER,)),),
                ["duty_against_actor"],
            ),
        ],
    )
    def test_a_rule_that_changes_nothing_or_contradicts_a_step_is_doubtful(
        self, kind: DutyKind, steps: tuple[Step, ...], expected: list[str]
    ) -> None:
        found = structure_findings(Workflow("Circuit", steps, (Duty(kind),)))
        assert codes(found) == expected
        assert {one.severity for one in found} <= {Severity.WARNING}


class TestMetadata:
    def test_a_step_demands_only_what_folders_have(self) -> None:
        step = replace(
            VISA_STEP,
            required_to_pass=(FieldKey("montant"), FieldKey("objet")),
            required_to_reject=(FieldKey("objet"),),
        )
        found = demanded_field_findings(a_workflow(step), {FieldKey("montant")})
        assert [(one.code, one.severity, one.step) for one in found] == [
            ("step_metadata_unknown", Severity.ERROR, VISA)
        ]
        assert "« objet »" in found[0].detail

    def test_that_is_demanded_to_reject_too(self) -> None:
        step = replace(VISA_STEP, required_to_reject=(FieldKey("motif"),))
        assert codes(demanded_field_findings(a_workflow(step), frozenset())) == [
            "step_metadata_unknown"
        ]


class TestProtocols:
    def test_structure_comes_first(self) -> None:
        assert codes(findings(a_workflow(), Protocol.NONE)) == ["workflow_empty"]

    def test_a_transmission_needs_a_protocol(self) -> None:
        found = findings(FULL, Protocol.NONE)
        assert [(one.code, one.step) for one in found] == [
            ("transmission_without_protocol", SENDING)
        ]

    def test_a_circuit_without_protocol_may_sign_twice_and_send_nothing(self) -> None:
        assert findings(TWO_SIGNATURES, Protocol.NONE) == ()

    @pytest.mark.parametrize("protocol", [Protocol.ACTES, Protocol.HELIOS])
    def test_a_folder_that_is_not_transmitted_is_a_warning(self, protocol: Protocol) -> None:
        (found,) = findings(VISAS_ONLY, protocol, HeliosIntake.NOTHING_TO_SIGN)
        assert (found.code, found.severity) == ("transmission_absent", Severity.WARNING)

    def test_an_act_may_be_signed_twice_and_sealed(self) -> None:
        assert findings(SIGNED_TWICE, Protocol.ACTES) == ()
        assert findings(EVERY_KIND, Protocol.ACTES) == ()


class TestHelios:
    @pytest.mark.parametrize(
        ("workflow", "intake", "expected"),
        [
            (SIGNED, HeliosIntake.TO_SIGN, []),
            (UNSIGNED, HeliosIntake.TO_SIGN, ["helios_one_signature"]),
            (SIGNED_TWICE, HeliosIntake.TO_SIGN, ["helios_one_signature"]),
            (UNSIGNED, HeliosIntake.SIGNED_ELSEWHERE, []),
            (SIGNED, HeliosIntake.SIGNED_ELSEWHERE, ["helios_signature_unexpected"]),
            (SENDING_ONLY, HeliosIntake.NOTHING_TO_SIGN, []),
            (SIGNED_TWICE, HeliosIntake.NOTHING_TO_SIGN, ["helios_signature_unexpected"] * 2),
            (SIGNED, None, ["helios_intake_missing"]),
        ],
    )
    def test_signs_once_what_is_to_be_signed_and_nothing_else(
        self, workflow: Workflow, intake: HeliosIntake | None, expected: list[str]
    ) -> None:
        assert codes(findings(workflow, Protocol.HELIOS, intake)) == expected

    @pytest.mark.parametrize(
        ("mode", "expected"), [(StepMode.ANY_OF, []), (StepMode.ALL_OF, ["helios_co_signature"])]
    )
    def test_one_of_several_may_sign_but_never_several(
        self, mode: StepMode, expected: list[str]
    ) -> None:
        step = replace(a_step(SIGNATURE, StepKind.SIGNATURE, MAYOR, ACCOUNTS), mode=mode)
        workflow = a_workflow(step, SENDING_STEP)
        assert codes(findings(workflow, Protocol.HELIOS, HeliosIntake.TO_SIGN)) == expected

    @pytest.mark.parametrize("intake", HeliosIntake)
    def test_a_flow_is_never_sealed(self, intake: HeliosIntake) -> None:
        seal = a_step(StepId("seal"), StepKind.SEAL, MAYOR)
        found = findings(a_workflow(seal, *SIGNED.steps), Protocol.HELIOS, intake)
        assert ("helios_seal", seal.id) in [(one.code, one.step) for one in found]

    @pytest.mark.parametrize("step", [EXTERNAL, MAIL], ids=["external", "mail"])
    def test_a_flow_signed_before_is_only_approved_and_transmitted(self, step: Step) -> None:
        workflow = a_workflow(VISA_STEP, step, SENDING_STEP)
        elsewhere = findings(workflow, Protocol.HELIOS, HeliosIntake.SIGNED_ELSEWHERE)
        unsigned = findings(workflow, Protocol.HELIOS, HeliosIntake.NOTHING_TO_SIGN)
        assert (codes(elsewhere), codes(unsigned)) == (["helios_already_signed"], [])

    def test_the_sentence_counts_the_signatures(self) -> None:
        (found,) = findings(SIGNED_TWICE, Protocol.HELIOS, HeliosIntake.TO_SIGN)
        assert "2 étape(s) de signature" in found.detail

    def test_the_unexpected_signature_is_located(self) -> None:
        found = findings(SIGNED_TWICE, Protocol.HELIOS, HeliosIntake.SIGNED_ELSEWHERE)
        assert [one.step for one in found] == [OTHER_SIGNATURE, SIGNATURE_STEP.id]


class TestAnyCircuit:
    @settings(max_examples=60)
    @given(
        workflow=any_workflow,
        protocol=st.sampled_from(Protocol),
        intake=st.none() | st.sampled_from(HeliosIntake),
    )
    def test_is_judged_in_sentences_and_never_refused(
        self, workflow: Workflow, protocol: Protocol, intake: HeliosIntake | None
    ) -> None:
        found = findings(workflow, protocol, intake)
        assert all(one.detail.endswith(".") and one.code.islower() for one in found)

    @settings(max_examples=60)
    @given(workflow=sound_workflows())
    def test_that_is_sound_has_no_error(self, workflow: Workflow) -> None:
        found = structure_findings(workflow)
        assert [one for one in found if one.severity is Severity.ERROR] == []
