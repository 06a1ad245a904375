"""When who may act through a desk may change."""

from __future__ import annotations

from datetime import timedelta

from tests.builders.registers import (
    CLERK,
    COUNCIL,
    DAY,
    DEPUTY,
    FINANCES,
    FIRST,
    MAYOR,
    MONTH,
    NOW,
    SECOND_DEPUTY,
    STRANGER,
    TERM,
    TOWN_HALL,
    a_grant,
    an_absence,
    with_absences,
    with_grants,
    with_holders,
)
from workflows.periods import Period
from workflows.register import DeskHolder
from workflows.turning_points import named_at, turning_points_at

EXECUTORY = NOW - timedelta(days=7)


class TestTurningPointsAt:
    def test_are_those_of_its_holders_their_absences_and_the_powers_of_its_office(self) -> None:
        register = with_absences(
            an_absence(period=Period(NOW, NOW + DAY)),
            base=with_grants(a_grant(executory_at=EXECUTORY, repealed_at=NOW + 2 * DAY)),
        )
        assert turning_points_at(register, TOWN_HALL) == (
            TERM.start,
            EXECUTORY,
            MONTH.start,
            NOW,
            NOW + DAY,
            NOW + 2 * DAY,
            MONTH.end,
        )

    def test_the_delegate_counts_wherever_he_leaves_or_is_away(self) -> None:
        leaves, away = NOW + DAY, Period(NOW + 2 * DAY, NOW + 3 * DAY)
        register = with_holders(
            DeskHolder(COUNCIL, STRANGER, Period(TERM.start, leaves)),
            base=with_absences(
                an_absence(STRANGER, period=away, desk=COUNCIL),
                base=with_grants(a_grant(grantee=STRANGER, grantee_office=COUNCIL)),
            ),
        )
        assert {leaves, away.start, away.end} < set(turning_points_at(register, TOWN_HALL))

    def test_what_concerns_another_desk_only_does_not_count(self) -> None:
        register = with_absences(an_absence(CLERK), base=with_grants(a_grant(office=COUNCIL)))
        assert turning_points_at(register, TOWN_HALL) == (TERM.start,)


class TestNamedAt:
    def test_are_holders_delegates_and_those_who_replace_the_holders_there(self) -> None:
        register = with_absences(
            an_absence(FIRST, STRANGER, desk=DEPUTY),
            an_absence(SECOND_DEPUTY, MAYOR, desk=FINANCES),
            base=with_grants(a_grant(office=DEPUTY, grantee=CLERK)),
        )
        assert named_at(register, DEPUTY) == {FIRST, SECOND_DEPUTY, CLERK, STRANGER}
