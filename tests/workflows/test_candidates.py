from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.builders.registers import (
    ALL_FIT,
    APPROVAL,
    ARCHIVE,
    CLERK,
    CO_MAYOR,
    DAY,
    DEPUTY,
    FINANCES,
    FIRST,
    MAYOR,
    MONTH,
    NOW,
    OTHER_CLERK,
    OWN,
    REGISTER,
    SEAL,
    SECOND,
    SIGNATURE,
    STRANGER,
    TERM,
    TOWN_HALL,
    a_grant,
    able,
    an_absence,
    may,
    power,
    ready_for,
    with_absences,
    with_grants,
    with_holders,
    without_holders,
)
from workflows.candidates import persons_within_reach
from workflows.definition import DeskId, Step, StepKind
from workflows.errors import (
    HolderReplaced,
    NoPower,
)
from workflows.periods import Period
from workflows.powers import (
    desk_power,
    is_accepted,
    powers_of,
)
from workflows.register import (
    AbsenceId,
    Authorship,
    Barred,
    BarredBy,
    DeskHolder,
    PersonAtDesk,
    PersonId,
    Power,
    PowerId,
    PowerKind,
    PowerRegister,
)

SIGNATURE_DELEGATION = PowerKind.SIGNATURE_DELEGATION


SUBSTITUTION = PowerKind.SUBSTITUTION

INTERIM = PowerKind.INTERIM


class TestClosedAccount:
    """What closing an account takes away, and what it leaves as it was."""

    @staticmethod
    def closing(person: PersonId, register: PowerRegister) -> PowerRegister:
        return replace(register, inactive=frozenset({person}))

    def test_threat_36_its_person_does_nothing_any_more(self) -> None:
        register = self.closing(MAYOR, REGISTER)
        with pytest.raises(NoPower):
            power(register, MAYOR)
        with pytest.raises(NoPower):
            desk_power(register, PersonAtDesk(MAYOR, TOWN_HALL), NOW)
        assert (able(register), powers_of(register, MAYOR, NOW)) == (set(), ())
        assert persons_within_reach(register, frozenset({TOWN_HALL})) == frozenset()

    def test_what_he_gave_goes_on_until_he_leaves_the_office(self) -> None:
        assert able(self.closing(MAYOR, with_grants(a_grant()))) == {FIRST}

    def test_the_next_one_of_a_ranked_list_comes(self) -> None:
        away = with_absences(an_absence(MAYOR, CLERK, OTHER_CLERK))
        assert able(away, APPROVAL) == {MAYOR, CLERK}
        assert able(self.closing(CLERK, away), APPROVAL) == {MAYOR, OTHER_CLERK}

    @pytest.mark.parametrize("step", [APPROVAL, SIGNATURE], ids=["approval", "signature"])
    def test_threat_36_a_colleague_at_the_desk_is_not_replaced_for_that(self, step: Step) -> None:
        register = with_holders(
            DeskHolder(TOWN_HALL, CO_MAYOR, TERM),
            base=with_absences(an_absence(MAYOR, CLERK), base=with_grants(a_grant(SUBSTITUTION))),
        )
        assert able(self.closing(CO_MAYOR, register), step) == {MAYOR}

    def test_threat_36_nor_is_the_post_vacant(self) -> None:
        assert able(self.closing(MAYOR, with_grants(a_grant(INTERIM)))) == set()

    def test_threat_36_an_interim_that_his_arrival_ended_does_not_serve_again(self) -> None:
        came = DeskHolder(TOWN_HALL, CO_MAYOR, Period(MONTH.start + SECOND, NOW - SECOND))
        vacant = without_holders(TOWN_HALL, with_grants(a_grant(INTERIM)))
        assert able(vacant) == {FIRST}
        assert able(self.closing(CO_MAYOR, with_holders(came, base=vacant))) == set()

    def test_what_he_approved_by_a_delegation_stands(self) -> None:
        register = with_grants(a_grant())
        by = Authorship(FIRST, power(register, FIRST, APPROVAL))
        closed = self.closing(FIRST, register)
        assert is_accepted(closed, by, StepKind.APPROVAL, ALL_FIT, NOW)


class TestSubstitution:
    GRANT = a_grant(SUBSTITUTION)

    def test_takes_the_place_of_an_absent_holder(self) -> None:
        register = with_absences(an_absence(), base=with_grants(self.GRANT))
        with pytest.raises(HolderReplaced):
            power(register, MAYOR)
        assert able(register) == {FIRST}

    def test_gives_nothing_while_the_holder_is_there(self) -> None:
        assert able(with_grants(self.GRANT)) == {MAYOR}

    def test_nor_while_one_of_several_holders_is_there(self) -> None:
        both = with_holders(DeskHolder(TOWN_HALL, CO_MAYOR, TERM), base=with_grants(self.GRANT))
        assert able(with_absences(an_absence(), base=both)) == {MAYOR, CO_MAYOR}

    def test_nor_when_nobody_holds_the_office(self) -> None:
        assert able(without_holders(TOWN_HALL, with_grants(self.GRANT))) == set()

    @pytest.mark.parametrize(
        ("instant", "expected"),
        [
            (NOW - SECOND, {MAYOR}),
            (NOW, {FIRST}),
            (NOW + DAY - SECOND, {FIRST}),
            (NOW + DAY, {MAYOR}),
        ],
        ids=["before", "first", "last", "after"],
    )
    def test_lasts_as_long_as_the_absence(self, instant: datetime, expected: set[PersonId]) -> None:
        away = an_absence(period=Period(NOW, NOW + DAY))
        register = with_absences(away, base=with_grants(self.GRANT))
        assert able(register, instant=instant) == expected

    @pytest.mark.parametrize(("after", "expected"), [(-SECOND, FIRST), (0 * SECOND, MAYOR)])
    def test_ends_at_once_when_the_absence_is_withdrawn(
        self, after: timedelta, expected: PersonId
    ) -> None:
        away = an_absence(repealed_at=NOW)
        register = with_absences(away, base=with_grants(self.GRANT))
        assert able(register, instant=NOW + after) == {expected}

    def test_delegates_of_the_absent_holder_go_on(self) -> None:
        delegate = a_grant(id=PowerId("grant-2"), grantee=CLERK)
        register = with_absences(an_absence(), base=with_grants(self.GRANT, delegate))
        assert able(register) == {FIRST, CLERK}

    def test_a_holder_may_substitute_the_others(self) -> None:
        both = with_holders(DeskHolder(TOWN_HALL, FIRST, TERM), base=with_grants(self.GRANT))
        register = with_absences(an_absence(), an_absence(FIRST), base=both)
        assert able(register) == {FIRST}
        assert power(register, FIRST) == OWN

    def test_nobody_substitutes_himself(self) -> None:
        both = with_holders(DeskHolder(TOWN_HALL, FIRST, TERM), base=with_grants(self.GRANT))
        register = with_absences(an_absence(), an_absence(FIRST), base=both)
        found = [one.on_behalf_of for one in powers_of(register, FIRST, NOW) if one.id]
        assert found == [MAYOR]


class TestInterim:
    GRANT = a_grant(INTERIM)

    def test_fills_a_vacant_office(self) -> None:
        assert able(without_holders(TOWN_HALL, with_grants(self.GRANT))) == {FIRST}

    @pytest.mark.parametrize(("after", "expected"), [(-SECOND, {FIRST}), (0 * SECOND, {MAYOR})])
    def test_ends_when_a_holder_comes(self, after: timedelta, expected: set[PersonId]) -> None:
        coming = with_holders(
            DeskHolder(TOWN_HALL, MAYOR, Period(NOW)), base=without_holders(TOWN_HALL)
        )
        assert able(with_grants(self.GRANT, base=coming), instant=NOW + after) == expected

    def test_threat_36_does_not_come_back_when_that_holder_leaves(self) -> None:
        came_and_left = with_holders(
            DeskHolder(TOWN_HALL, MAYOR, Period(NOW, NOW + SECOND)),
            base=without_holders(TOWN_HALL, with_grants(self.GRANT)),
        )
        assert able(came_and_left, instant=NOW + SECOND) == set()

    def test_waits_for_the_holder_who_is_there_when_it_starts_to_leave(self) -> None:
        leaving = with_holders(
            DeskHolder(TOWN_HALL, MAYOR, Period(TERM.start, NOW)),
            base=without_holders(TOWN_HALL, with_grants(self.GRANT)),
        )
        assert able(leaving, instant=NOW - SECOND) == {MAYOR}
        assert able(leaving) == {FIRST}

    def test_does_not_come_with_an_absence(self) -> None:
        assert able(with_absences(an_absence(), base=with_grants(self.GRANT))) == {MAYOR}


class TestReplacement:
    def test_approves_in_the_absence_of_the_holder(self) -> None:
        register = with_absences(an_absence(MAYOR, CLERK))
        assert power(register, CLERK, APPROVAL) == Power(
            PowerKind.REPLACEMENT,
            TOWN_HALL,
            MAYOR,
            PowerId("absence-of-mayor"),
            "En l'absence du Maire",
        )

    @pytest.mark.parametrize("step", [SIGNATURE, SEAL, ARCHIVE], ids=lambda one: one.kind)
    def test_threat_36_an_absence_gives_no_power_to_sign(self, step: Step) -> None:
        assert able(with_absences(an_absence(MAYOR, CLERK)), step) == {MAYOR}

    def test_is_nobody_while_a_holder_is_there(self) -> None:
        both = with_holders(DeskHolder(TOWN_HALL, CO_MAYOR, TERM))
        assert able(with_absences(an_absence(MAYOR, CLERK), base=both), APPROVAL) == {
            MAYOR,
            CO_MAYOR,
        }

    def test_is_the_first_of_the_list_who_is_there(self) -> None:
        register = with_absences(
            an_absence(MAYOR, FIRST, CLERK, STRANGER), an_absence(FIRST, OTHER_CLERK)
        )
        assert able(register, APPROVAL) == {MAYOR, CLERK}

    @pytest.mark.parametrize(
        ("desk", "expected"), [(DEPUTY, CLERK), (FINANCES, FIRST), (TOWN_HALL, CLERK)]
    )
    def test_somebody_absent_from_each_of_his_desks_or_from_this_one_is_not_there(
        self, desk: DeskId, expected: PersonId
    ) -> None:
        register = with_absences(an_absence(MAYOR, FIRST, CLERK), an_absence(FIRST, desk=desk))
        assert able(register, APPROVAL) == {MAYOR, expected}

    def test_each_of_several_absent_holders_has_his_own(self) -> None:
        both = with_holders(DeskHolder(TOWN_HALL, CO_MAYOR, TERM))
        register = with_absences(
            an_absence(MAYOR, CLERK), an_absence(CO_MAYOR, STRANGER), base=both
        )
        assert able(register, APPROVAL) == {MAYOR, CO_MAYOR, CLERK, STRANGER}

    @pytest.mark.parametrize(
        "absences", [("b", "a"), ("a", "b")], ids=["first in the register", "last"]
    )
    def test_of_several_absent_holders_acts_in_the_name_told_by_the_first_declaration(
        self, absences: tuple[str, str]
    ) -> None:
        both = with_holders(DeskHolder(TOWN_HALL, CO_MAYOR, TERM))
        of_mayor, of_co_mayor = (AbsenceId(one) for one in absences)
        register = with_absences(
            an_absence(MAYOR, CLERK, id=of_mayor),
            an_absence(CO_MAYOR, CLERK, id=of_co_mayor),
            base=both,
        )
        assert power(register, CLERK, APPROVAL).id == "a"

    def test_the_list_for_the_desk_comes_before_the_list_for_all_desks(self) -> None:
        for_desk = an_absence(MAYOR, CLERK, id=AbsenceId("here"), desk=TOWN_HALL)
        register = with_absences(an_absence(MAYOR, STRANGER), for_desk)
        assert power(register, CLERK, APPROVAL).id == "here"
        assert not may(register, STRANGER, APPROVAL)

    def test_an_absence_from_another_desk_does_not_count(self) -> None:
        register = with_absences(an_absence(MAYOR, CLERK, desk=FINANCES))
        assert able(register, APPROVAL) == {MAYOR}

    def test_of_an_absent_delegate_is_nobody(self) -> None:
        register = with_absences(an_absence(FIRST, CLERK), base=with_grants(a_grant()))
        assert able(register, APPROVAL) == {MAYOR, FIRST}

    def test_a_true_power_is_named_before_a_replacement(self) -> None:
        register = with_absences(an_absence(MAYOR, FIRST), base=with_grants(a_grant()))
        assert power(register, FIRST, APPROVAL).kind is SIGNATURE_DELEGATION

    @pytest.mark.parametrize("by", list(BarredBy))
    def test_the_next_of_the_list_comes_when_one_is_barred(self, by: BarredBy) -> None:
        facts = replace(ALL_FIT, barred=(Barred(CLERK, by, "Non."),))
        register = with_absences(an_absence(MAYOR, CLERK, STRANGER))
        assert able(register, APPROVAL, facts) == {MAYOR, STRANGER}
        assert powers_of(register, STRANGER, NOW) == ()
        assert [one.kind for one in powers_of(register, STRANGER, NOW, facts)] == [
            PowerKind.REPLACEMENT
        ]


class TestPersonsWithinReach:
    def test_are_the_holders_of_the_desks_and_those_who_hold_a_grant_of_them(self) -> None:
        register = with_grants(a_grant(grantee=STRANGER))
        assert persons_within_reach(register, frozenset({TOWN_HALL})) == {MAYOR, STRANGER}

    def test_are_nobody_where_there_is_no_desk(self) -> None:
        assert persons_within_reach(with_grants(a_grant()), frozenset()) == frozenset()

    @pytest.mark.parametrize(
        "kind",
        [
            PowerKind.SIGNATURE_DELEGATION,
            PowerKind.FUNCTION_DELEGATION,
            PowerKind.POWER_DELEGATION,
            PowerKind.SUBSTITUTION,
            PowerKind.INTERIM,
        ],
    )
    def test_whoever_may_sign_by_a_grant_is_among_them(self, kind: PowerKind) -> None:
        register = with_grants(a_grant(kind), base=ready_for(kind))
        within = persons_within_reach(register, frozenset({TOWN_HALL}))
        assert FIRST in able(register, SIGNATURE)
        assert able(register, SIGNATURE) <= within
