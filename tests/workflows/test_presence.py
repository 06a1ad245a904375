from __future__ import annotations

from datetime import datetime

import pytest

from tests.builders.registers import (
    CLERK,
    DAY,
    DEPUTY,
    FINANCES,
    FIRST,
    GONE,
    MAYOR,
    NOW,
    REGISTER,
    SECOND,
    SECOND_DEPUTY,
    STRANGER,
    TERM,
    TOWN_HALL,
    an_absence,
    with_absences,
    with_holders,
    without_holders,
)
from workflows.definition import DeskId
from workflows.periods import Period
from workflows.presence import (
    absences_from,
    all_absent,
    holders_of,
    holds_since,
    is_absent,
    is_away,
)
from workflows.register import AbsenceId, DeskHolder


class TestHolders:
    def test_are_named_once_in_the_order_of_the_register(self) -> None:
        twice = with_holders(DeskHolder(DEPUTY, FIRST, TERM))
        assert holders_of(twice, DEPUTY, NOW) == (FIRST, SECOND_DEPUTY)

    def test_a_desk_that_is_gone_has_none(self) -> None:
        assert holders_of(with_holders(DeskHolder(GONE, FIRST, TERM)), GONE, NOW) == ()

    @pytest.mark.parametrize(
        ("since", "instant", "same"),
        [
            (NOW - DAY, NOW - SECOND, True),
            (NOW - DAY, NOW, False),
            (NOW, NOW + DAY, True),
            (TERM.start - SECOND, NOW - DAY, False),
        ],
        ids=["first", "across", "second", "before"],
    )
    def test_a_person_who_comes_back_holds_the_desk_anew(
        self, since: datetime, instant: datetime, same: bool
    ) -> None:
        back = with_holders(
            DeskHolder(TOWN_HALL, MAYOR, Period(TERM.start, NOW)),
            DeskHolder(TOWN_HALL, MAYOR, Period(NOW)),
            base=without_holders(TOWN_HALL),
        )
        assert holds_since(back, MAYOR, TOWN_HALL, since, instant) is same


class TestAbsences:
    def test_those_that_name_the_desk_come_first_then_the_earliest(self) -> None:
        named = [AbsenceId(name) for name in ("all", "later", "here")]
        register = with_absences(
            an_absence(id=named[0]),
            an_absence(id=named[1], desk=TOWN_HALL, period=Period(NOW)),
            an_absence(id=named[2], desk=TOWN_HALL),
            an_absence(id=AbsenceId("elsewhere"), desk=DEPUTY),
            an_absence(id=AbsenceId("withdrawn"), repealed_at=NOW),
            an_absence(FIRST),
        )
        found = [one.id for one in absences_from(register, MAYOR, TOWN_HALL, NOW)]
        assert found == ["here", "later", "all"]

    @pytest.mark.parametrize(
        ("instant", "absent"),
        [(NOW - SECOND, False), (NOW, True), (NOW + DAY - SECOND, True), (NOW + DAY, False)],
        ids=["before", "first", "last", "after"],
    )
    def test_last_from_their_start_to_their_end(self, instant: datetime, absent: bool) -> None:
        register = with_absences(an_absence(period=Period(NOW, NOW + DAY)))
        assert is_absent(register, MAYOR, TOWN_HALL, instant) is absent

    @pytest.mark.parametrize(("instant", "absent"), [(NOW - SECOND, True), (NOW, False)])
    def test_end_at_once_when_withdrawn(self, instant: datetime, absent: bool) -> None:
        register = with_absences(an_absence(repealed_at=NOW))
        assert is_absent(register, MAYOR, TOWN_HALL, instant) is absent


class TestAway:
    @pytest.mark.parametrize(
        ("desks", "away"),
        [
            ((None,), True),
            ((TOWN_HALL,), True),
            ((DEPUTY,), False),
            ((DEPUTY, FINANCES), True),
            ((), False),
        ],
        ids=["everywhere", "this desk", "one of his", "each of his", "there"],
    )
    def test_is_absent_from_here_from_everywhere_or_from_all_he_holds(
        self, desks: tuple[DeskId | None, ...], away: bool
    ) -> None:
        two = with_holders(DeskHolder(FINANCES, FIRST, TERM))
        absences = (an_absence(FIRST, id=AbsenceId(f"{desk}"), desk=desk) for desk in desks)
        assert is_away(with_absences(*absences, base=two), FIRST, TOWN_HALL, NOW) is away

    def test_somebody_without_desk_is_there(self) -> None:
        assert not is_away(REGISTER, STRANGER, TOWN_HALL, NOW)

    @pytest.mark.parametrize(
        ("absent", "expected"),
        [((), False), ((FIRST,), False), ((FIRST, SECOND_DEPUTY), True)],
        ids=["none", "one", "both"],
    )
    def test_a_desk_is_deserted_when_all_its_holders_are_absent(
        self, absent: tuple[object, ...], expected: bool
    ) -> None:
        register = with_absences(
            *(an_absence(one) for one in (FIRST, SECOND_DEPUTY) if one in absent)
        )
        assert all_absent(register, DEPUTY, NOW) is expected

    def test_a_desk_that_nobody_holds_is_not(self) -> None:
        register = with_absences(an_absence(CLERK), base=without_holders(FINANCES))
        assert not all_absent(register, FINANCES, NOW)
