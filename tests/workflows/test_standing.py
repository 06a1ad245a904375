from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

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
    OWN,
    REGISTER,
    SEAL,
    SECOND,
    SECOND_DEPUTY,
    SIGNATURE,
    STRANGER,
    TERM,
    TOWN_HALL,
    a_grant,
    able,
    may,
    power,
    ready_for,
    slips,
    with_grants,
    with_holders,
    without_holders,
)
from workflows.definition import Step
from workflows.periods import Period, whole_days
from workflows.powers import (
    RULES,
    powers_of,
)
from workflows.register import (
    DeskHolder,
    Grant,
    PersonId,
    Power,
    PowerId,
    PowerKind,
    Scope,
)
from workflows.standing import Founding, GivenBy, has_lapsed, stands

SIGNATURE_DELEGATION = PowerKind.SIGNATURE_DELEGATION

FUNCTION_DELEGATION = PowerKind.FUNCTION_DELEGATION

POWER_DELEGATION = PowerKind.POWER_DELEGATION

SUBSTITUTION = PowerKind.SUBSTITUTION

INTERIM = PowerKind.INTERIM

DELEGATIONS = (SIGNATURE_DELEGATION, FUNCTION_DELEGATION, POWER_DELEGATION)

GRANTS = (*DELEGATIONS, SUBSTITUTION, INTERIM)


class TestGrants:
    @pytest.mark.parametrize("kind", GRANTS)
    @pytest.mark.parametrize("step", [APPROVAL, SIGNATURE, SEAL], ids=lambda one: one.kind)
    def test_the_grantee_acts_by_it(self, kind: PowerKind, step: Step) -> None:
        found = power(with_grants(a_grant(kind), base=ready_for(kind)), FIRST, step)
        assert (found.kind, found.id, found.desk) == (kind, PowerId("grant-1"), TOWN_HALL)

    @pytest.mark.parametrize(
        ("kind", "archives"),
        [(kind, kind in {SUBSTITUTION, INTERIM}) for kind in GRANTS],
    )
    def test_only_those_in_the_place_of_the_holder_do_the_rest(
        self, kind: PowerKind, archives: bool
    ) -> None:
        register = with_grants(a_grant(kind), base=ready_for(kind))
        assert may(register, FIRST, ARCHIVE) is archives

    @pytest.mark.parametrize(
        ("kind", "principal", "mention"),
        [
            (SIGNATURE_DELEGATION, MAYOR, "Pour le Maire et par délégation, la première adjointe"),
            (FUNCTION_DELEGATION, MAYOR, "Pour le Maire et par délégation, la première adjointe"),
            (POWER_DELEGATION, MAYOR, "Par délégation du Maire, la première adjointe"),
            (SUBSTITUTION, MAYOR, "Pour le Maire empêché, la première adjointe"),
            (INTERIM, None, "Le Maire par intérim"),
        ],
    )
    def test_the_act_says_in_whose_name_and_by_which_power(
        self, kind: PowerKind, principal: PersonId | None, mention: str
    ) -> None:
        found = power(with_grants(a_grant(kind), base=ready_for(kind)), FIRST)
        assert (found.on_behalf_of, found.mention) == (principal, mention)

    @pytest.mark.parametrize("kind", GRANTS)
    @pytest.mark.parametrize(
        ("instant", "expected"),
        [
            (MONTH.start - SECOND, False),
            (MONTH.start, True),
            (datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC), True),
            (datetime(2026, 4, 1, tzinfo=UTC), False),
        ],
        ids=["before", "first", "last", "after"],
    )
    def test_threat_36_an_expired_grant_serves_no_more(
        self, kind: PowerKind, instant: datetime, expected: bool
    ) -> None:
        register = with_grants(a_grant(kind), base=ready_for(kind))
        assert may(register, FIRST, instant=instant) is expected

    @pytest.mark.parametrize("kind", GRANTS)
    @pytest.mark.parametrize(("after", "expected"), [(-SECOND, True), (0 * SECOND, False)])
    def test_threat_36_a_repealed_grant_serves_no_more(
        self, kind: PowerKind, after: timedelta, expected: bool
    ) -> None:
        register = with_grants(a_grant(kind, repealed_at=NOW), base=ready_for(kind))
        assert may(register, FIRST, instant=NOW + after) is expected

    @pytest.mark.parametrize("kind", GRANTS)
    @pytest.mark.parametrize(("after", "expected"), [(-SECOND, False), (0 * SECOND, True)])
    def test_a_grant_serves_from_the_instant_its_document_is_executory(
        self, kind: PowerKind, after: timedelta, expected: bool
    ) -> None:
        register = with_grants(a_grant(kind, executory_at=NOW), base=ready_for(kind))
        assert may(register, FIRST, instant=NOW + after) is expected

    @pytest.mark.parametrize("kind", GRANTS)
    def test_threat_36_a_document_that_is_not_executory_founds_nothing(
        self, kind: PowerKind
    ) -> None:
        assert not may(with_grants(a_grant(kind, executory_at=None), base=ready_for(kind)), FIRST)

    @pytest.mark.parametrize("kind", GRANTS)
    def test_only_the_law_and_a_decision_need_no_document(self, kind: PowerKind) -> None:
        register = with_grants(
            a_grant(kind, executory_at=None, document=None), base=ready_for(kind)
        )
        expected = RULES[kind].founded_on in {Founding.LAW_OR_ORDER, Founding.DECISION}
        assert may(register, FIRST) is expected

    @pytest.mark.parametrize("kind", DELEGATIONS)
    @pytest.mark.parametrize(("after", "expected"), [(-SECOND, True), (0 * SECOND, False)])
    def test_threat_36_a_delegation_ends_when_its_grantor_leaves(
        self, kind: PowerKind, after: timedelta, expected: bool
    ) -> None:
        leaving = with_holders(
            DeskHolder(TOWN_HALL, MAYOR, Period(TERM.start, NOW)),
            DeskHolder(TOWN_HALL, CO_MAYOR, TERM),
            base=without_holders(TOWN_HALL),
        )
        register = with_grants(a_grant(kind), base=leaving)
        assert may(register, FIRST, instant=NOW + after) is expected

    def test_a_grantor_who_is_elected_again_has_to_grant_again(self) -> None:
        again = with_holders(
            DeskHolder(TOWN_HALL, MAYOR, Period(TERM.start, NOW)),
            DeskHolder(TOWN_HALL, MAYOR, Period(NOW)),
            base=without_holders(TOWN_HALL),
        )
        old = a_grant()
        new = a_grant(id=PowerId("grant-2"), executory_at=NOW + DAY)
        register = with_grants(old, new, base=again)
        assert not stands(register, old, RULES, NOW)
        assert not stands(register, new, RULES, NOW + DAY - SECOND)
        assert stands(register, new, RULES, NOW + DAY)

    @pytest.mark.parametrize("kind", GRANTS)
    @pytest.mark.parametrize(("after", "expected"), [(-SECOND, True), (0 * SECOND, False)])
    def test_threat_36_a_grant_ends_when_its_grantee_leaves_the_office_it_rests_on(
        self, kind: PowerKind, after: timedelta, expected: bool
    ) -> None:
        leaving = with_holders(
            DeskHolder(DEPUTY, FIRST, Period(TERM.start, NOW)), base=without_holders(DEPUTY)
        )
        register = with_grants(a_grant(kind, grantee_office=DEPUTY), base=ready_for(kind, leaving))
        assert may(register, FIRST, instant=NOW + after) is expected

    @pytest.mark.parametrize("kind", GRANTS)
    @pytest.mark.parametrize(("after", "expected"), [(-SECOND, True), (0 * SECOND, False)])
    def test_threat_36_a_grant_that_names_no_office_ends_when_its_grantee_holds_none_any_more(
        self, kind: PowerKind, after: timedelta, expected: bool
    ) -> None:
        leaving = with_holders(
            DeskHolder(DEPUTY, FIRST, Period(TERM.start, NOW)),
            DeskHolder(FINANCES, FIRST, Period(MONTH.start, NOW - SECOND)),
            base=without_holders(DEPUTY),
        )
        register = with_grants(a_grant(kind), base=ready_for(kind, leaving))
        assert may(register, FIRST, instant=NOW + after) is expected

    @pytest.mark.parametrize(
        ("held", "instant", "expected"),
        [
            ([], NOW, True),
            ([Period(TERM.start, MONTH.start)], NOW, True),
            ([Period(TERM.start, MONTH.start + SECOND)], MONTH.start, True),
            ([Period(TERM.start, MONTH.start + SECOND)], MONTH.start + SECOND, False),
            ([Period(NOW, NOW + DAY)], NOW - SECOND, True),
            ([Period(NOW, NOW + DAY)], NOW + DAY - SECOND, True),
            ([Period(NOW, NOW + DAY)], NOW + DAY, False),
            ([Period(TERM.start, NOW), Period(NOW)], NOW + DAY, True),
            ([Period(TERM.start, NOW), Period(NOW + SECOND)], NOW, False),
            ([Period(TERM.start, NOW), Period(NOW + SECOND)], NOW + DAY, False),
            ([Period(NOW - DAY, NOW + DAY), Period(TERM.start, NOW)], NOW + DAY - SECOND, True),
        ],
        ids=[
            "never",
            "until it started",
            "until a second after",
            "left a second after",
            "still to come",
            "has come",
            "has come and left",
            "from one to the other",
            "between two",
            "back a second later",
            "two at once",
        ],
    )
    def test_who_holds_a_desk_since_the_grant_started_leaves_with_the_last_one(
        self, held: list[Period], instant: datetime, expected: bool
    ) -> None:
        desks = (DEPUTY, FINANCES)
        base = with_holders(
            *(DeskHolder(desk, STRANGER, period) for desk, period in zip(desks, held, strict=False))
        )
        register = with_grants(a_grant(grantee=STRANGER), base=base)
        assert may(register, STRANGER, instant=instant) is expected

    @pytest.mark.parametrize(
        ("leaves", "expected"),
        [
            (MONTH.start, True),
            (MONTH.start + SECOND, False),
            (NOW, False),
            (NOW + SECOND, True),
        ],
        ids=["before the grant", "a second in it", "before it serves", "a second in its use"],
    )
    def test_who_left_before_the_document_was_executory_has_left(
        self, leaves: datetime, expected: bool
    ) -> None:
        base = with_holders(DeskHolder(DEPUTY, STRANGER, Period(TERM.start, leaves)))
        register = with_grants(a_grant(grantee=STRANGER, executory_at=NOW), base=base)
        assert may(register, STRANGER, APPROVAL, instant=NOW) is expected

    @pytest.mark.parametrize("kind", DELEGATIONS)
    def test_the_grantee_need_not_hold_his_office_before_the_document_is_executory(
        self, kind: PowerKind
    ) -> None:
        executory = MONTH.start + DAY
        arriving = with_holders(
            DeskHolder(DEPUTY, FIRST, Period(executory)), base=without_holders(DEPUTY)
        )
        grant = a_grant(kind, grantee_office=DEPUTY, executory_at=executory)
        assert may(with_grants(grant, base=arriving), FIRST, instant=executory)

    @pytest.mark.parametrize("kind", DELEGATIONS)
    def test_threat_36_a_grant_to_oneself_is_none(self, kind: PowerKind) -> None:
        register = with_grants(a_grant(kind, grantee=MAYOR))
        assert powers_of(register, MAYOR, NOW) == (OWN,)

    def test_threat_36_a_delegate_does_not_delegate(self) -> None:
        chained = a_grant(id=PowerId("grant-2"), grantor=FIRST, grantee=CLERK)
        assert not may(with_grants(a_grant(), chained), CLERK)

    @pytest.mark.parametrize("kind", [SIGNATURE_DELEGATION, FUNCTION_DELEGATION])
    def test_threat_36_a_delegation_that_names_no_grantor_is_none(self, kind: PowerKind) -> None:
        assert not may(with_grants(a_grant(kind, grantor=None)), FIRST)

    @pytest.mark.parametrize(
        "kind", [kind for kind, rule in RULES.items() if rule.given_by is GivenBy.NO_GRANT]
    )
    def test_nobody_grants_what_is_no_grant(self, kind: PowerKind) -> None:
        assert powers_of(with_grants(a_grant(kind)), FIRST, NOW) == (
            Power(PowerKind.HOLDER, DEPUTY),
        )

    def test_threat_36_circles_give_nothing_to_anybody(self) -> None:
        circle = with_grants(
            a_grant(POWER_DELEGATION, may_be_regranted=True, regrants=PowerId("grant-2")),
            a_grant(
                POWER_DELEGATION,
                id=PowerId("grant-2"),
                grantor=FIRST,
                grantee=MAYOR,
                may_be_regranted=True,
                regrants=PowerId("grant-1"),
            ),
        )
        assert able(circle) == {MAYOR}

    @pytest.mark.parametrize("kind", [SUBSTITUTION, INTERIM])
    def test_threat_36_what_re_delegates_itself_gives_nothing(self, kind: PowerKind) -> None:
        itself = a_grant(kind, may_be_regranted=True, regrants=PowerId("grant-1"))
        assert not may(with_grants(itself, base=ready_for(kind)), FIRST)


class TestPlaces:
    """Days count in the time zone of the tenant, from midnight to midnight."""

    @pytest.mark.parametrize(
        ("place", "first", "last", "start", "end"),
        [
            (
                "Europe/Paris",
                date(2026, 3, 28),
                date(2026, 3, 29),
                datetime(2026, 3, 27, 23, tzinfo=UTC),
                datetime(2026, 3, 29, 22, tzinfo=UTC),
            ),
            (
                "Europe/Paris",
                date(2026, 10, 25),
                date(2026, 10, 25),
                datetime(2026, 10, 24, 22, tzinfo=UTC),
                datetime(2026, 10, 25, 23, tzinfo=UTC),
            ),
            (
                "Indian/Reunion",
                date(2026, 3, 28),
                date(2026, 3, 29),
                datetime(2026, 3, 27, 20, tzinfo=UTC),
                datetime(2026, 3, 29, 20, tzinfo=UTC),
            ),
            (
                "America/Miquelon",
                date(2026, 3, 8),
                date(2026, 3, 8),
                datetime(2026, 3, 8, 3, tzinfo=UTC),
                datetime(2026, 3, 9, 2, tzinfo=UTC),
            ),
            (
                "Pacific/Noumea",
                date(2026, 3, 28),
                date(2026, 3, 28),
                datetime(2026, 3, 27, 13, tzinfo=UTC),
                datetime(2026, 3, 28, 13, tzinfo=UTC),
            ),
        ],
        ids=["paris-spring", "paris-autumn", "reunion", "miquelon-spring", "noumea"],
    )
    def test_a_delegation_serves_from_the_first_midnight_to_the_last(
        self, place: str, first: date, last: date, start: datetime, end: datetime
    ) -> None:
        days = whole_days(first, last, ZoneInfo(place))
        register = with_grants(a_grant(period=days))
        instants = (start - SECOND, start, end - SECOND, end)
        assert [may(register, FIRST, instant=at) for at in instants] == [False, True, True, False]


class TestRegrant:
    PARENT = a_grant(POWER_DELEGATION, may_be_regranted=True)
    CHILD = a_grant(
        POWER_DELEGATION,
        id=PowerId("grant-2"),
        grantor=FIRST,
        grantee=CLERK,
        regrants=PowerId("grant-1"),
    )

    def test_a_competence_moves_on_when_the_deliberation_says_so(self) -> None:
        register = with_grants(self.PARENT, self.CHILD)
        assert able(register) == {CLERK}
        assert power(register, CLERK).on_behalf_of == FIRST

    def test_by_a_delegation_of_signature_both_may_act(self) -> None:
        signing = replace(self.CHILD, kind=SIGNATURE_DELEGATION)
        assert able(with_grants(self.PARENT, signing)) == {FIRST, CLERK}

    @pytest.mark.parametrize(
        ("parent", "child"),
        [
            ({"may_be_regranted": False}, {}),
            ({"repealed_at": NOW}, {}),
            ({"executory_at": None}, {}),
            ({"grantee": SECOND_DEPUTY}, {}),
            ({"office": DEPUTY, "grantor": SECOND_DEPUTY}, {}),
            ({"kind": FUNCTION_DELEGATION}, {}),
            ({"regrants": PowerId("grant-0")}, {}),
            ({"id": PowerId("grant-9")}, {}),
            ({}, {"regrants": None}),
        ],
        ids=[
            "not said",
            "repealed",
            "not executory",
            "to another",
            "of another office",
            "no competence moved",
            "moved on before",
            "not in the register",
            "not said by the child",
        ],
    )
    def test_threat_36_a_competence_moves_on_in_no_other_case(
        self, parent: dict[str, object], child: dict[str, object]
    ) -> None:
        register = with_grants(replace(self.PARENT, **parent), replace(self.CHILD, **child))  # type: ignore[arg-type]
        assert not may(register, CLERK)

    def test_threat_36_an_interim_is_not_passed_on(self) -> None:
        vacant = without_holders(TOWN_HALL)
        interim = replace(self.PARENT, kind=INTERIM, grantor=None)
        assert able(with_grants(interim, self.CHILD, base=vacant)) == {FIRST}

    def test_both_scopes_must_cover_the_folder(self) -> None:
        register = with_grants(
            replace(self.PARENT, scope=Scope(ceiling_cents=100)),
            replace(self.CHILD, scope=Scope(ceiling_cents=200)),
        )
        sums = (100, 101, 201)
        found = [able(register, facts=replace(ALL_FIT, amounts=slips(n))) for n in sums]
        assert found == [{CLERK}, {MAYOR}, {MAYOR}]


class TestLapse:
    LATER = NOW + DAY

    def lapsed(self, grant: Grant, *holders: DeskHolder, instant: datetime = NOW) -> bool:
        """Of a grant, once the mayor and the first deputy hold their desks for these periods."""
        desks = {one.desk for one in holders}
        base = replace(
            REGISTER,
            holders=(*holders, *(one for one in REGISTER.holders if one.desk not in desks)),
        )
        return has_lapsed(with_grants(grant, base=base), grant, RULES, instant)

    @pytest.mark.parametrize("kind", GRANTS)
    def test_what_may_serve_has_not_lapsed_even_where_nobody_is_away(self, kind: PowerKind) -> None:
        assert not self.lapsed(a_grant(kind))
        assert not self.lapsed(a_grant(kind, period=Period(self.LATER)))
        assert not self.lapsed(a_grant(kind, executory_at=None))

    @pytest.mark.parametrize("kind", GRANTS)
    def test_what_is_over_or_repealed_has_lapsed(self, kind: PowerKind) -> None:
        assert self.lapsed(a_grant(kind), instant=MONTH.end or NOW)
        assert self.lapsed(a_grant(kind, repealed_at=NOW))
        assert not self.lapsed(a_grant(kind, repealed_at=self.LATER))

    @pytest.mark.parametrize("kind", DELEGATIONS)
    def test_what_was_given_by_one_who_left_has_lapsed_even_once_he_is_back(
        self, kind: PowerKind
    ) -> None:
        left = DeskHolder(TOWN_HALL, MAYOR, Period(TERM.start, NOW))
        back = DeskHolder(TOWN_HALL, MAYOR, Period(NOW))
        assert self.lapsed(a_grant(kind), left)
        assert self.lapsed(a_grant(kind), left, back)
        assert not self.lapsed(a_grant(kind), left, instant=NOW - SECOND)
        assert not self.lapsed(a_grant(kind, period=Period(self.LATER)), left, back)

    def test_the_interim_of_a_vacancy_has_lapsed_with_its_end(self) -> None:
        came = DeskHolder(TOWN_HALL, MAYOR, Period(NOW))
        assert self.lapsed(a_grant(INTERIM), came)
        assert not self.lapsed(a_grant(INTERIM), came, instant=NOW - SECOND)
        assert not self.lapsed(a_grant(INTERIM, period=Period(self.LATER)), came)

    def test_what_was_received_for_an_office_that_was_left_has_lapsed(self) -> None:
        left = DeskHolder(DEPUTY, FIRST, Period(TERM.start, NOW))
        assert self.lapsed(a_grant(grantee_office=DEPUTY), left)
        assert not self.lapsed(a_grant(grantee_office=DEPUTY), left, instant=NOW - SECOND)

    def test_what_was_received_by_one_who_left_has_lapsed_even_once_he_is_back(self) -> None:
        left = DeskHolder(DEPUTY, FIRST, Period(TERM.start, NOW))
        back = DeskHolder(FINANCES, FIRST, Period(self.LATER))
        assert self.lapsed(a_grant(), left)
        assert self.lapsed(a_grant(), left, back, instant=self.LATER)
        assert not self.lapsed(a_grant(), left, instant=NOW - SECOND)
        assert not self.lapsed(a_grant(period=Period(self.LATER)), left, back)

    def test_what_waits_to_be_executory_may_find_its_grantee_back(self) -> None:
        waiting = a_grant(executory_at=None)
        left = DeskHolder(DEPUTY, FIRST, Period(TERM.start, NOW))
        assert self.lapsed(waiting, left)
        assert not self.lapsed(waiting, left, DeskHolder(FINANCES, FIRST, Period(self.LATER)))

    def test_what_starts_with_a_holding_to_come_has_not_lapsed(self) -> None:
        coming = DeskHolder(TOWN_HALL, MAYOR, Period(self.LATER))
        assert not self.lapsed(a_grant(period=Period(self.LATER)), coming)
        assert self.lapsed(a_grant(period=Period(self.LATER - SECOND)), coming)

    def test_what_waits_to_be_executory_may_find_there_who_comes_by_then(self) -> None:
        waiting = a_grant(executory_at=None)
        assert not self.lapsed(waiting, DeskHolder(TOWN_HALL, MAYOR, Period(self.LATER)))
        assert self.lapsed(waiting, DeskHolder(TOWN_HALL, CO_MAYOR, Period(self.LATER)))
        assert self.lapsed(waiting, DeskHolder(TOWN_HALL, MAYOR, Period(MONTH.end or NOW)))

    @pytest.mark.parametrize(
        ("parent", "child", "expected"),
        [
            ({}, {}, False),
            ({"period": Period(NOW + DAY)}, {}, False),
            ({"period": Period(NOW + DAY)}, {"period": Period(MONTH.start, NOW + DAY)}, True),
            ({"executory_at": None}, {}, False),
            ({"executory_at": None, "repealed_at": NOW}, {}, True),
            ({"repealed_at": NOW}, {}, True),
            ({"may_be_regranted": False}, {}, True),
            ({"id": PowerId("grant-9")}, {}, True),
            ({}, {"repealed_at": NOW}, True),
        ],
        ids=[
            "both stand",
            "the other is to start",
            "never both at once",
            "the other is to be executory",
            "the other was repealed before",
            "the other is repealed",
            "the other moves on no more",
            "the other is not in the register",
            "repealed itself",
        ],
    )
    def test_what_was_re_delegated_lapses_with_the_other(
        self, parent: dict[str, object], child: dict[str, object], expected: bool
    ) -> None:
        other = replace(TestRegrant.PARENT, **parent)  # type: ignore[arg-type]
        grant = replace(TestRegrant.CHILD, **child)  # type: ignore[arg-type]
        assert has_lapsed(with_grants(other, grant), grant, RULES, NOW) is expected
