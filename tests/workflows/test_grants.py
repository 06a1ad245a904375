from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.builders.registers import (
    CLERK,
    CO_MAYOR,
    COUNCIL,
    DAY,
    DEPUTY,
    FINANCES,
    FIRST,
    GONE,
    MAYOR,
    MONTH,
    NOW,
    PARIS,
    REGISTER,
    SECOND,
    SECOND_DEPUTY,
    STRANGER,
    TERM,
    TOWN_HALL,
    a_grant,
    an_absence,
    with_absences,
    with_grants,
    with_holders,
    without_holders,
)
from workflows.definition import DeskId
from workflows.errors import GrantRefused, Refused
from workflows.grant_refusals import (
    AbsenceDeskUnknown,
    AbsencesContradictory,
    GrantCapacityRefused,
    GrantDatesReversed,
    GrantDeskUnknown,
    GranteeNotInOffice,
    GrantKindRefused,
    GrantLapsed,
    GrantorMissing,
    GrantorNotHolder,
    GrantorUnexpected,
    GrantToOneself,
    RegrantRefused,
    ReplacementRefused,
    SubDelegationRefused,
)
from workflows.grants import (
    CAPACITY_MAX,
    Departure,
    check_absence,
    check_grant,
    check_hierarchy,
    lapsing,
)
from workflows.periods import DayOutOfRange, Period
from workflows.powers import RULES
from workflows.register import (
    AbsenceId,
    DeskHolder,
    FoundingDocument,
    Grant,
    PersonId,
    PowerId,
    PowerKind,
    PowerRegister,
)
from workflows.standing import stands

SIGNATURE_DELEGATION = PowerKind.SIGNATURE_DELEGATION
FUNCTION_DELEGATION = PowerKind.FUNCTION_DELEGATION
POWER_DELEGATION = PowerKind.POWER_DELEGATION
SUBSTITUTION = PowerKind.SUBSTITUTION
INTERIM = PowerKind.INTERIM
GRANTS = (SIGNATURE_DELEGATION, FUNCTION_DELEGATION, POWER_DELEGATION, SUBSTITUTION, INTERIM)

OTHER = PowerId("grant-2")
MAYOR_LEAVES = Departure(MAYOR, TOWN_HALL, NOW)


class TestAGrantByItself:
    @pytest.mark.parametrize("kind", GRANTS)
    def test_is_accepted_when_nothing_is_wrong(self, kind: PowerKind) -> None:
        check_grant(REGISTER, a_grant(kind, grantee_office=DEPUTY), PARIS, NOW)

    @pytest.mark.parametrize(
        ("changes", "refusal"),
        [
            ({"kind": PowerKind.HOLDER}, GrantKindRefused),
            ({"kind": PowerKind.REPLACEMENT}, GrantKindRefused),
            ({"office": GONE}, GrantDeskUnknown),
            ({"grantee_office": GONE}, GrantDeskUnknown),
            ({"capacity": "le DGS\npar intérim"}, GrantCapacityRefused),
            ({"capacity": "é" * (CAPACITY_MAX + 1)}, GrantCapacityRefused),
            ({"grantee": MAYOR}, GrantToOneself),
            ({"grantor": None}, GrantorMissing),
            ({"kind": FUNCTION_DELEGATION, "grantor": None}, GrantorMissing),
            ({"kind": SUBSTITUTION, "grantor": MAYOR}, GrantorUnexpected),
            ({"kind": INTERIM, "grantor": MAYOR}, GrantorUnexpected),
            ({"grantor": STRANGER}, GrantorNotHolder),
            ({"grantee_office": FINANCES}, GranteeNotInOffice),
            ({"executory_at": MONTH.end}, GrantDatesReversed),
            (
                {"document": FoundingDocument("2026-12", date(2026, 2, 20), date(2026, 2, 19))},
                GrantDatesReversed,
            ),
            ({"document": FoundingDocument("2026-12", date(2026, 2, 24))}, GrantDatesReversed),
            (
                {"document": FoundingDocument("2026-12", date(2026, 2, 20), date(2026, 2, 24))},
                GrantDatesReversed,
            ),
            ({"regrants": PowerId("nowhere")}, RegrantRefused),
        ],
        ids=[
            "holder",
            "replacement",
            "office unknown",
            "desk of the grantee unknown",
            "capacity on two lines",
            "capacity too long",
            "to oneself",
            "no grantor",
            "no grantor of a function",
            "grantor of a substitution",
            "grantor of an interim",
            "grantor without office",
            "grantee without office",
            "executory at its end",
            "published before signed",
            "executory before signed",
            "executory before published",
            "re-delegates what is not there",
        ],
    )
    def test_is_refused_with_a_code_that_says_why(
        self, changes: dict[str, Any], refusal: type[Refused]
    ) -> None:
        with pytest.raises(GrantRefused) as refused:
            check_grant(REGISTER, a_grant(**changes), PARIS, NOW)
        assert type(refused.value) is refusal
        assert refused.value.detail.endswith(".")

    def test_may_be_executory_until_the_last_second(self) -> None:
        check_grant(REGISTER, a_grant(executory_at=MONTH.end and MONTH.end - SECOND), PARIS, NOW)

    def test_may_be_published_the_day_it_is_signed(self) -> None:
        same_day = FoundingDocument("2026-12", date(2026, 2, 20), date(2026, 2, 20))
        check_grant(REGISTER, a_grant(document=same_day), PARIS, NOW)

    def test_its_capacity_may_be_as_long_as_a_template(self) -> None:
        check_grant(REGISTER, a_grant(capacity="é" * CAPACITY_MAX), PARIS, NOW)

    def test_may_stay_open(self) -> None:
        check_grant(REGISTER, a_grant(period=Period(MONTH.start)), PARIS, NOW)

    def test_may_be_executory_the_day_it_is_signed_at_the_other_end_of_the_world(self) -> None:
        # In Wallis 1 March begins on 28 February at noon, UTC.
        wallis = ZoneInfo("Pacific/Wallis")
        signed_there = FoundingDocument("2026-13", date(2026, 3, 1))
        at_once = datetime(2026, 2, 28, 12, tzinfo=UTC)
        check_grant(REGISTER, a_grant(document=signed_there, executory_at=at_once), wallis, NOW)
        published_there = replace(signed_there, published_on=signed_there.signed_on)
        check_grant(REGISTER, a_grant(document=published_there, executory_at=at_once), wallis, NOW)

    @pytest.mark.parametrize(
        ("place", "begins"),
        [
            ("Europe/Paris", datetime(2026, 3, 9, 23, tzinfo=UTC)),
            ("America/Martinique", datetime(2026, 3, 10, 4, tzinfo=UTC)),
            ("Pacific/Noumea", datetime(2026, 3, 9, 13, tzinfo=UTC)),
        ],
    )
    def test_threat_36_serves_no_second_before_the_day_of_its_publication_there(
        self, place: str, begins: datetime
    ) -> None:
        published = FoundingDocument("2026-14", date(2026, 3, 9), date(2026, 3, 10))
        check_grant(
            REGISTER, a_grant(document=published, executory_at=begins), ZoneInfo(place), NOW
        )
        early = a_grant(document=published, executory_at=begins - SECOND)
        with pytest.raises(GrantDatesReversed, match="publié"):
            check_grant(REGISTER, early, ZoneInfo(place), NOW)

    def test_is_refused_where_its_publication_has_no_instant(self) -> None:
        never = FoundingDocument("2026-15", date.min, date.min)
        with pytest.raises(DayOutOfRange):
            check_grant(REGISTER, a_grant(document=never), PARIS, NOW)

    def test_a_body_needs_no_grantor(self) -> None:
        check_grant(
            REGISTER,
            a_grant(POWER_DELEGATION, office=COUNCIL, grantor=None, grantee=MAYOR),
            PARIS,
            NOW,
        )

    def test_the_law_needs_no_document(self) -> None:
        check_grant(REGISTER, a_grant(SUBSTITUTION, document=None, executory_at=None), PARIS, NOW)


class TestGrantor:
    ELECTED = with_holders(
        DeskHolder(TOWN_HALL, CO_MAYOR, Period(NOW)), base=without_holders(TOWN_HALL)
    )

    @pytest.mark.parametrize(
        ("executory_at", "accepted"),
        [(NOW - SECOND, False), (NOW, True), (None, True)],
        ids=["before", "at", "not yet known"],
    )
    def test_holds_the_office_when_the_grant_starts_to_serve(
        self, executory_at: datetime | None, accepted: bool
    ) -> None:
        grant = a_grant(grantor=CO_MAYOR, executory_at=executory_at)
        if accepted:
            check_grant(self.ELECTED, grant, PARIS, NOW)
        else:
            with pytest.raises(GrantorNotHolder):
                check_grant(self.ELECTED, grant, PARIS, NOW)

    def test_has_to_hold_it_during_the_period_at_least(self) -> None:
        early = a_grant(grantor=CO_MAYOR, executory_at=None, period=Period(NOW - DAY, NOW))
        with pytest.raises(GrantorNotHolder):
            check_grant(self.ELECTED, early, PARIS, NOW)

    @pytest.mark.parametrize("kind", [SIGNATURE_DELEGATION, FUNCTION_DELEGATION, POWER_DELEGATION])
    def test_threat_36_a_delegate_does_not_delegate(self, kind: PowerKind) -> None:
        chained = a_grant(kind, id=OTHER, grantor=FIRST, grantee=CLERK)
        with pytest.raises(SubDelegationRefused):
            check_grant(with_grants(a_grant()), chained, PARIS, NOW)


class TestRegrant:
    PARENT = a_grant(POWER_DELEGATION, may_be_regranted=True)
    CHILD = a_grant(
        POWER_DELEGATION, id=OTHER, grantor=FIRST, grantee=CLERK, regrants=PowerId("grant-1")
    )

    @pytest.mark.parametrize("kind", [POWER_DELEGATION, SIGNATURE_DELEGATION, FUNCTION_DELEGATION])
    def test_is_accepted_when_the_deliberation_says_so(self, kind: PowerKind) -> None:
        check_grant(with_grants(self.PARENT), replace(self.CHILD, kind=kind), PARIS, NOW)

    @pytest.mark.parametrize(
        "parent",
        [
            {"may_be_regranted": False},
            {"grantee": SECOND_DEPUTY},
            {"office": DEPUTY},
            {"regrants": PowerId("grant-0")},
            {"kind": SIGNATURE_DELEGATION},
        ],
        ids=["not said", "to another", "another office", "second time", "no competence moved"],
    )
    def test_threat_36_is_refused_otherwise(self, parent: dict[str, Any]) -> None:
        with pytest.raises(RegrantRefused):
            check_grant(with_grants(replace(self.PARENT, **parent)), self.CHILD, PARIS, NOW)

    def test_a_substitution_is_given_by_nobody_thus_not_passed_on(self) -> None:
        child = a_grant(SUBSTITUTION, id=OTHER, regrants=PowerId("grant-1"))
        with pytest.raises(RegrantRefused):
            check_grant(with_grants(replace(self.PARENT, grantee=CLERK)), child, PARIS, NOW)


class TestDeadOnArrival:
    """A grant that would never serve is refused, with what ended it."""

    LEFT = Period(TERM.start, NOW - DAY)

    def refused(self, register: PowerRegister, grant: Grant) -> str:
        check_grant(register, grant, PARIS, MONTH.start)
        with pytest.raises(GrantLapsed) as found:
            check_grant(register, grant, PARIS, NOW)
        assert found.value.code == "grant_lapsed"
        return found.value.detail

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"period": Period(MONTH.start, NOW)}, "donnez une fin à venir"),
            ({"repealed_at": NOW}, "est déjà abrogé"),
        ],
        ids=["end passed", "repealed"],
    )
    def test_a_grant_that_has_ended(self, changes: dict[str, Any], said: str) -> None:
        assert said in self.refused(REGISTER, a_grant(**changes))
        later: dict[str, Any] = {
            name: Period(MONTH.start, NOW + SECOND) if name == "period" else NOW + SECOND
            for name in changes
        }
        check_grant(REGISTER, a_grant(**later), PARIS, NOW)

    def test_a_grantor_who_has_left(self) -> None:
        left = with_holders(
            DeskHolder(TOWN_HALL, MAYOR, self.LEFT), base=without_holders(TOWN_HALL)
        )
        assert "délégant a quitté" in self.refused(left, a_grant())

    def test_a_grantee_who_has_left(self) -> None:
        left = with_holders(DeskHolder(COUNCIL, STRANGER, self.LEFT))
        for office in (COUNCIL, None):
            grant = a_grant(grantee=STRANGER, grantee_office=office)
            assert "bénéficiaire a quitté" in self.refused(left, grant)

    def test_an_interim_for_a_vacancy_that_was_filled(self) -> None:
        came = with_holders(
            DeskHolder(TOWN_HALL, CO_MAYOR, Period(NOW)), base=without_holders(TOWN_HALL)
        )
        assert "Un titulaire est arrivé" in self.refused(came, a_grant(INTERIM))

    def test_a_re_delegation_of_what_has_ended(self) -> None:
        parent = replace(TestRegrant.PARENT, repealed_at=NOW)
        assert "celui qu'il redonne" in self.refused(with_grants(parent), TestRegrant.CHILD)

    def test_one_that_the_same_file_ends_before_it_starts_is_refused_from_the_start(self) -> None:
        parent = replace(TestRegrant.PARENT, period=Period(MONTH.start, NOW))
        child = replace(TestRegrant.CHILD, period=Period(NOW))
        with pytest.raises(GrantLapsed, match="celui qu'il redonne"):
            check_grant(with_grants(parent), child, PARIS, MONTH.start)

    def test_one_that_is_to_serve_later_is_accepted(self) -> None:
        waits = a_grant(executory_at=None)
        planned = a_grant(period=Period(NOW + DAY, NOW + 2 * DAY))
        for grant in (waits, planned, a_grant(INTERIM), a_grant(SUBSTITUTION)):
            check_grant(REGISTER, grant, PARIS, NOW)


class TestAbsences:
    SAVED = with_absences(an_absence(MAYOR, CLERK, id=AbsenceId("saved")))

    def test_one_with_ranked_replacements_is_accepted(self) -> None:
        check_absence(REGISTER, an_absence(MAYOR, CLERK, FIRST, desk=TOWN_HALL), PARIS)

    @pytest.mark.parametrize(
        "replacements", [(MAYOR,), (CLERK, MAYOR), (CLERK, CLERK)], ids=["self", "second", "twice"]
    )
    def test_nobody_replaces_himself_nor_stands_twice_in_the_list(
        self, replacements: tuple[PersonId, ...]
    ) -> None:
        with pytest.raises(ReplacementRefused):
            check_absence(REGISTER, an_absence(MAYOR, *replacements), PARIS)

    def test_the_desk_exists(self) -> None:
        with pytest.raises(AbsenceDeskUnknown):
            check_absence(REGISTER, an_absence(MAYOR, desk=GONE), PARIS)

    @pytest.mark.parametrize(
        ("changes", "contradictory"),
        [
            ({}, True),
            ({"id": AbsenceId("saved")}, False),
            ({"person": FIRST}, False),
            ({"desk": TOWN_HALL}, False),
            ({"period": Period(MONTH.start - DAY, MONTH.start)}, False),
            ({"period": Period(MONTH.start - DAY, MONTH.start + SECOND)}, True),
            ({"period": Period(datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC))}, True),
            ({"period": Period(datetime(2026, 4, 1, tzinfo=UTC))}, False),
            ({"repealed_at": MONTH.start}, False),
        ],
        ids=[
            "same dates",
            "itself",
            "somebody else",
            "one desk only",
            "ends as the other starts",
            "ends a second later",
            "starts in its last second",
            "starts as it ends",
            "withdrawn",
        ],
    )
    def test_two_at_the_same_desk_do_not_overlap(
        self, changes: dict[str, Any], contradictory: bool
    ) -> None:
        absence = replace(an_absence(MAYOR), **changes)
        if contradictory:
            with pytest.raises(AbsencesContradictory):
                check_absence(self.SAVED, absence, PARIS)
        else:
            check_absence(self.SAVED, absence, PARIS)

    @pytest.mark.parametrize(
        ("desk", "until", "words"),
        [
            (None, MONTH.end, ", de tous ses bureaux, va du 01/03/2026 au 01/04/2026 : "),
            (TOWN_HALL, None, ", au même bureau, court à partir du 01/03/2026, sans fin : "),
            (TOWN_HALL, datetime(2026, 3, 31, 22, tzinfo=UTC), "du 01/03/2026 au 31/03/2026 : "),
        ],
        ids=["all desks", "open-ended", "whole days in Paris"],
    )
    def test_the_refusal_tells_the_dates_of_the_other_one_and_what_to_do(
        self, desk: DeskId | None, until: datetime | None, words: str
    ) -> None:
        saved = an_absence(MAYOR, desk=desk, period=Period(MONTH.start, until), id=AbsenceId("a"))
        from_before = an_absence(MAYOR, CLERK, desk=desk, period=Period(MONTH.start - DAY))
        with pytest.raises(AbsencesContradictory) as refused:
            check_absence(with_absences(saved), from_before, PARIS)
        assert words in refused.value.detail
        assert "raccourcissez-la, supprimez-la ou séparez les dates" in refused.value.detail

    def test_one_from_all_desks_goes_with_one_from_a_single_desk(self) -> None:
        """Nothing is unclear: at its desk, the narrower one names who replaces first."""
        check_absence(self.SAVED, an_absence(MAYOR, FIRST, desk=TOWN_HALL), PARIS)


@pytest.mark.parametrize(
    ("superiors", "cycle"),
    [
        ({}, None),
        ({DEPUTY: TOWN_HALL, FINANCES: TOWN_HALL}, None),
        ({DEPUTY: DEPUTY}, (DEPUTY,)),
        ({DEPUTY: TOWN_HALL, TOWN_HALL: DEPUTY}, (DEPUTY, TOWN_HALL)),
        ({COUNCIL: DEPUTY, DEPUTY: TOWN_HALL, TOWN_HALL: DEPUTY}, (DEPUTY, TOWN_HALL)),
    ],
    ids=["none", "tree", "itself", "two", "a line into two"],
)
def test_a_hierarchy_turns_in_no_circle(
    superiors: dict[DeskId, DeskId], cycle: tuple[DeskId, ...] | None
) -> None:
    assert check_hierarchy(superiors) == cycle


class TestLapsing:
    @pytest.mark.parametrize(
        ("changes", "lapses"),
        [
            ({}, True),
            ({"kind": FUNCTION_DELEGATION}, True),
            ({"kind": POWER_DELEGATION}, True),
            ({"kind": SUBSTITUTION, "grantor": None}, False),
            ({"grantor": CO_MAYOR}, False),
            ({"office": DEPUTY}, False),
            ({"grantee": MAYOR, "grantor": CO_MAYOR, "grantee_office": TOWN_HALL}, True),
            (
                {
                    "kind": SUBSTITUTION,
                    "grantor": None,
                    "office": DEPUTY,
                    "grantee": MAYOR,
                    "grantee_office": TOWN_HALL,
                },
                True,
            ),
            ({"grantee": MAYOR, "grantor": CO_MAYOR}, True),
            ({"kind": SUBSTITUTION, "grantor": None, "office": DEPUTY, "grantee": MAYOR}, True),
            ({"period": Period(TERM.start, NOW)}, False),
            ({"period": Period(TERM.start, NOW + SECOND)}, True),
            ({"repealed_at": NOW}, False),
            ({"period": Period(NOW + DAY)}, True),
        ],
        ids=[
            "given",
            "function given",
            "competence given",
            "substitution of the office",
            "given by another",
            "given in another office",
            "received for the office",
            "substitution received for the office",
            "received by one who holds no other",
            "substitution received by one who holds no other",
            "ended by then",
            "ending a second later",
            "repealed by then",
            "planned for later",
        ],
    )
    def test_is_what_rests_on_the_desk_that_the_person_leaves(
        self, changes: dict[str, Any], lapses: bool
    ) -> None:
        shared = with_holders(DeskHolder(TOWN_HALL, CO_MAYOR, TERM))
        grant = a_grant(**changes)
        assert lapsing(with_grants(grant, base=shared), MAYOR_LEAVES) == (
            (grant,) if lapses else ()
        )

    def test_what_was_passed_on_lapses_with_it(self) -> None:
        parent = a_grant(POWER_DELEGATION, may_be_regranted=True)
        child, ended = (
            a_grant(
                id=PowerId(name),
                grantor=FIRST,
                grantee=CLERK,
                regrants=parent.id,
                repealed_at=repealed_at,
            )
            for name, repealed_at in (("grant-2", None), ("grant-3", NOW))
        )
        register = with_grants(parent, child, ended)
        assert lapsing(register, MAYOR_LEAVES) == (parent, child)
        assert lapsing(register, Departure(FIRST, TOWN_HALL, NOW)) == ()

    def test_what_a_person_elected_again_grants_for_later_does_not(self) -> None:
        again = with_holders(
            DeskHolder(TOWN_HALL, MAYOR, Period(TERM.start, NOW)),
            DeskHolder(TOWN_HALL, MAYOR, Period(NOW)),
            base=without_holders(TOWN_HALL),
        )
        old, new = a_grant(), a_grant(id=OTHER, executory_at=NOW)
        assert lapsing(with_grants(old, new, base=again), MAYOR_LEAVES) == (old,)

    @pytest.mark.parametrize("kind", GRANTS)
    def test_agrees_with_what_is_in_force(self, kind: PowerKind) -> None:
        leaving = with_holders(
            DeskHolder(TOWN_HALL, MAYOR, Period(TERM.start, NOW)),
            DeskHolder(TOWN_HALL, CO_MAYOR, TERM),
            base=without_holders(TOWN_HALL),
        )
        away = with_absences(an_absence(MAYOR), an_absence(CO_MAYOR), base=leaving)
        grant = a_grant(kind)
        register = with_grants(grant, base=without_holders(TOWN_HALL) if kind is INTERIM else away)
        assert stands(register, grant, RULES, NOW - SECOND)
        lapses = grant in lapsing(register, MAYOR_LEAVES)
        assert stands(register, grant, RULES, NOW) is not lapses
