from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.builders.registers import (
    ALL_FIT,
    CLERK,
    DAY,
    DEPUTY,
    FINANCES,
    MAYOR,
    MONTH,
    NOW,
    OTHER_CLERK,
    REGISTER,
    SECOND_DEPUTY,
    TERM,
    TOWN_HALL,
    a_grant,
    an_absence,
    with_absences,
    with_grants,
    with_holders,
)
from workflows.definition import (
    BOSS,
    ChosenDesk,
    DeskId,
    Duty,
    DutyKind,
    FieldKey,
    Step,
    StepId,
    StepKind,
    StepMode,
    Workflow,
    given_desk,
    variable_desk,
)
from workflows.errors import VariableDeskRepeated
from workflows.periods import Period
from workflows.register import (
    NO_FACTS,
    AbsenceId,
    DeskHolder,
    Facts,
    PersonAtDesk,
    PersonId,
    PowerRegister,
)
from workflows.simulation import Assumptions, Outcome, Simulation, simulate
from workflows.turning_points import turning_points

APPROVER_DOES_NOT_SIGN = Duty(DutyKind.APPROVER_DOES_NOT_SIGN)


def a_step(step: str, kind: StepKind = StepKind.APPROVAL) -> Step:
    return Step(StepId(step), kind, step, (given_desk(TOWN_HALL),))


def a_simulation(
    *steps: Step, register: PowerRegister = REGISTER, duties: tuple[Duty, ...] = ()
) -> Assumptions:
    return Assumptions(
        submitter=PersonAtDesk(CLERK, FINANCES),
        deposited_at=NOW,
        workflow=Workflow("Circuit", steps or (a_step("visa"),), duties),
        register=register,
        facts=ALL_FIT,
    )


class TestWalk:
    def test_a_desk_that_would_agree_for_two_is_refused_as_at_the_submission(self) -> None:
        visa = replace(
            a_step("visa"), actors=(variable_desk(), variable_desk()), mode=StepMode.ALL_OF
        )
        twice = (ChosenDesk(visa.id, DEPUTY),) * 2
        told = simulate(replace(a_simulation(visa), chosen_desks=twice))
        assert (told.outcome, told.refusal and told.refusal.code) == (
            Outcome.REFUSED,
            VariableDeskRepeated.code,
        )

    def test_the_first_stage_that_waits_is_where_it_is_blocked(self) -> None:
        gone = with_absences(an_absence(MAYOR, period=Period(NOW, NOW + DAY)))
        told = simulate(a_simulation(a_step("visa"), a_step("second"), register=gone))
        assert [bool(one.waits) for one in told.stages] == [True, False]
        assert [one.starts_at for one in told.stages] == [NOW, NOW + DAY]

    def test_nothing_blocks_a_folder_that_goes_through(self) -> None:
        assert not any(one.waits for one in simulate(a_simulation()).stages)

    def test_a_circuit_longer_than_the_search_is_walked_to_its_end(self) -> None:
        told = simulate(a_simulation(*(a_step(f"visa-{n}") for n in range(250))))
        assert (told.outcome, len(told.stages)) == (Outcome.COMPLETED, 250)

    def test_durations_follow_each_other(self) -> None:
        given = replace(
            a_simulation(a_step("one"), a_step("two")),
            durations={StepId("one"): timedelta(hours=5), StepId("two"): DAY},
        )
        told = simulate(given)
        assert [one.ends_at for one in told.stages] == [
            NOW + timedelta(hours=5),
            NOW + timedelta(hours=5) + DAY,
        ]

    def test_a_stage_waits_as_often_as_powers_lack(self) -> None:
        visits = (
            Period(NOW, NOW + DAY),
            Period(NOW + 2 * DAY, NOW + 3 * DAY),
        )
        register = with_absences(
            *(
                an_absence(MAYOR, period=one, id=AbsenceId(f"absence-{number}"))
                for number, one in enumerate(visits)
            )
        )
        both = replace(
            a_simulation(a_step("one"), a_step("two"), register=register),
            durations={StepId("two"): DAY},
        )
        told = simulate(both)
        assert [[(one.since, one.until) for one in stage.waits] for stage in told.stages] == [
            [(NOW, NOW + DAY)],
            [(NOW + 2 * DAY, NOW + 3 * DAY)],
        ]

    def test_a_wait_counts_from_when_the_last_person_left_not_from_when_the_step_was_due(
        self,
    ) -> None:
        register = with_absences(an_absence(MAYOR, period=Period(NOW + DAY)))
        given = replace(a_simulation(register=register), durations={StepId("visa"): 3 * DAY})
        (stage,) = simulate(given).stages
        assert [(one.since, one.until) for one in stage.waits] == [(NOW + DAY, None)]

    def test_a_wait_counts_from_the_last_of_several_departures(self) -> None:
        away = (Period(NOW, NOW + DAY), Period(NOW + 2 * DAY))
        register = with_absences(
            *(an_absence(MAYOR, period=one, id=AbsenceId(f"{one.start}")) for one in away)
        )
        given = replace(a_simulation(register=register), durations={StepId("visa"): 3 * DAY})
        (stage,) = simulate(given).stages
        assert [one.since for one in stage.waits] == [NOW + 2 * DAY]


class TestCertificates:
    """Who holds one fit to sign depends on the day."""

    def told(self, *valid: Period) -> Simulation:
        """The mayor signs alone, a day after the deposit at the soonest."""
        signature = a_step("signature", StepKind.SIGNATURE)
        return simulate(
            replace(
                a_simulation(a_step("visa"), signature),
                facts=NO_FACTS,
                certified={MAYOR: valid},
                durations={StepId("signature"): DAY},
            )
        )

    def test_one_that_covers_the_signature_lets_the_folder_through(self) -> None:
        told = self.told(Period(NOW - DAY, NOW + 2 * DAY))
        assert (told.outcome, told.stages[1].actors[0].person) == (Outcome.COMPLETED, MAYOR)

    def test_one_that_expires_on_the_way_blocks_the_folder_since_then_and_for_good(self) -> None:
        stage = self.told(Period(NOW - DAY, NOW + timedelta(hours=5))).stages[1]
        (wait,) = stage.waits
        assert (wait.since, wait.until, stage.ends_at) == (NOW + timedelta(hours=5), None, None)
        assert wait.why.nobody == "no_fit_certificate"

    def test_one_that_starts_later_ends_the_wait_by_itself(self) -> None:
        told = self.told(Period(NOW + 3 * DAY))
        (wait,) = told.stages[1].waits
        assert (wait.since, wait.until) == (NOW, NOW + 3 * DAY)
        assert told.stages[1].ends_at == NOW + 3 * DAY

    def test_the_next_one_takes_over_where_it_comes_before_the_first_expires(self) -> None:
        told = self.told(Period(NOW - DAY, NOW + DAY), Period(NOW))
        assert not any(one.waits for one in told.stages)


class TestChoices:
    """Who acts may decide where the folder stops."""

    def told(self, *others: PersonId) -> Simulation:
        register = with_holders(*(DeskHolder(TOWN_HALL, one, TERM) for one in others))
        return simulate(
            a_simulation(
                a_step("visa"),
                a_step("signature", StepKind.SIGNATURE),
                register=register,
                duties=(APPROVER_DOES_NOT_SIGN,),
            )
        )

    def test_alone_at_both_steps_nobody_may_sign(self) -> None:
        told = self.told()
        assert (told.outcome, told.otherwise) == (Outcome.BLOCKED, None)

    def test_two_persons_share_the_steps(self) -> None:
        told = self.told(OTHER_CLERK)
        assert told.outcome is Outcome.COMPLETED
        assert [one.actors[0].person for one in told.stages] == [MAYOR, OTHER_CLERK]

    def test_what_the_others_would_bring_about_is_told_whoever_comes_first(self) -> None:
        register = with_holders(DeskHolder(TOWN_HALL, OTHER_CLERK, TERM))
        visa, signature = a_step("visa"), a_step("signature", StepKind.SIGNATURE)
        for signer in (MAYOR, OTHER_CLERK):
            told = simulate(
                replace(
                    a_simulation(
                        visa, signature, register=register, duties=(APPROVER_DOES_NOT_SIGN,)
                    ),
                    facts=Facts(fit_signers=frozenset({signer})),
                )
            )
            assert told.outcome is Outcome.COMPLETED
            assert told.otherwise is not None
            assert told.otherwise.stages[-1].ends_at is None

    def test_a_walk_that_waits_and_ends_comes_before_one_that_never_does(self) -> None:
        """The mayor may approve and not sign; a colleague signs for him once certified."""
        register = with_holders(DeskHolder(TOWN_HALL, OTHER_CLERK, TERM))
        given = replace(
            a_simulation(
                a_step("visa"),
                a_step("signature", StepKind.SIGNATURE),
                register=register,
                duties=(APPROVER_DOES_NOT_SIGN,),
            ),
            facts=NO_FACTS,
        )
        for signer in (MAYOR, OTHER_CLERK):
            told = simulate(replace(given, certified={signer: (Period(NOW + DAY),)}))
            assert (told.outcome, told.stages[-1].ends_at) == (Outcome.BLOCKED, NOW + DAY)
            assert told.otherwise is not None
            assert told.otherwise.stages[-1].ends_at is None

    @pytest.mark.parametrize("desks", [(DEPUTY, FINANCES), (FINANCES, DEPUTY)])
    def test_the_boss_of_whoever_acts_may_be_missing(self, desks: tuple[DeskId, ...]) -> None:
        either = replace(a_step("visa"), actors=tuple(given_desk(one) for one in desks))
        boss = replace(a_step("boss"), actors=(BOSS,))
        register = replace(REGISTER, superiors={DEPUTY: TOWN_HALL})
        told = simulate(a_simulation(either, boss, register=register))
        assert (told.outcome, told.stages[0].actors[0].power.desk) == (Outcome.COMPLETED, DEPUTY)
        assert told.otherwise is not None
        assert told.otherwise.stages[0].actors[0].power.desk == FINANCES

    def test_of_two_stops_the_first_is_told(self) -> None:
        """Whoever approved both times may not sign: the mayor alone has the certificate."""
        register = with_holders(DeskHolder(TOWN_HALL, OTHER_CLERK, TERM))
        told = simulate(
            replace(
                a_simulation(
                    a_step("one"),
                    a_step("two"),
                    a_step("signature", StepKind.SIGNATURE),
                    register=register,
                    duties=(APPROVER_DOES_NOT_SIGN,),
                ),
                facts=Facts(fit_signers=frozenset({MAYOR})),
            )
        )
        assert told.otherwise is not None
        assert [one.actors[0].person for one in told.otherwise.stages[:2]] == [MAYOR, MAYOR]

    def test_a_search_without_end_gives_its_first_walk(self) -> None:
        """Twelve persons at eight steps, and a last one that none of them may pass."""
        crowd = [PersonId(f"person-{number:02d}") for number in range(12)]
        register = with_holders(*(DeskHolder(TOWN_HALL, one, TERM) for one in crowd))
        steps = [a_step(f"visa-{number}") for number in range(8)]
        last = Step(StepId("end"), StepKind.APPROVAL, "end", (given_desk(FINANCES),))
        told = simulate(
            a_simulation(
                *steps,
                last,
                register=register,
                duties=(Duty(DutyKind.SUBMITTER_DOES_NOT_APPROVE),),
            )
        )
        assert told.outcome is Outcome.BLOCKED
        assert {one.actors[0].person for one in told.stages[:-1]} == {MAYOR}


class TestRefusals:
    def test_a_stranger_deposits_nothing(self) -> None:
        given = replace(a_simulation(), submitter=PersonAtDesk(SECOND_DEPUTY, FINANCES))
        told = simulate(given)
        assert told.refusal is not None
        assert (told.outcome, told.refusal.code, told.stages) == (Outcome.REFUSED, "no_power", ())

    def test_the_stage_whose_act_is_refused_is_told(self) -> None:
        told = simulate(
            a_simulation(replace(a_step("visa"), required_to_pass=(FieldKey("service"),)))
        )
        assert [one.step for one in told.stages] == ["visa"]
        assert told.stages[0].ends_at is None


class TestTurningPoints:
    def test_every_end_and_start_counts_once(self) -> None:
        early = NOW - timedelta(days=30)
        register = with_absences(
            an_absence(repealed_at=NOW),
            base=with_grants(a_grant(executory_at=early, repealed_at=NOW + DAY)),
        )
        assert turning_points(register) == (
            TERM.start,
            early,
            MONTH.start,
            NOW,
            NOW + DAY,
            MONTH.end,
        )

    def test_an_empty_register_never_changes(self) -> None:
        assert turning_points(PowerRegister(frozenset())) == ()
