from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders.registers import (
    CLERK,
    CO_MAYOR,
    COUNCIL,
    DAY,
    DEPUTY,
    EVERYBODY,
    FINANCES,
    FIRST,
    MAYOR,
    MONTH,
    NOW,
    ORDER,
    PARIS,
    REGISTER,
    SECOND,
    STRANGER,
    TERM,
    TOWN_HALL,
    a_grant,
    with_grants,
    with_holders,
    without_holders,
)
from workflows.definition import DeskId
from workflows.grant_refusals import (
    ContradictoryPowers,
    DelegationCycle,
    GrantToOneself,
)
from workflows.grants import check_grant
from workflows.periods import Period
from workflows.register import (
    DeskHolder,
    FoundingDocument,
    Grant,
    PersonId,
    PowerId,
    PowerKind,
    PowerRegister,
    Scope,
    SubtypeId,
    TypeId,
)

SIGNATURE_DELEGATION = PowerKind.SIGNATURE_DELEGATION
FUNCTION_DELEGATION = PowerKind.FUNCTION_DELEGATION
POWER_DELEGATION = PowerKind.POWER_DELEGATION
SUBSTITUTION = PowerKind.SUBSTITUTION
INTERIM = PowerKind.INTERIM

OTHER = PowerId("grant-2")
ORDERS, PAYMENTS = TypeId("orders"), TypeId("payments")
NAMES = {MAYOR: "Claude", FIRST: "Dominique", CLERK: "Camille"}


def of_types(*types: TypeId) -> Scope:
    return Scope(types=frozenset(types))


class TestContradictions:
    @pytest.mark.parametrize(
        ("one", "other", "contradictory"),
        [
            ({"kind": POWER_DELEGATION}, {"kind": POWER_DELEGATION, "grantee": CLERK}, True),
            ({"kind": POWER_DELEGATION}, {"kind": POWER_DELEGATION}, False),
            ({"kind": INTERIM}, {"kind": INTERIM, "grantee": CLERK}, True),
            ({"kind": INTERIM}, {"kind": INTERIM}, False),
            ({"kind": INTERIM}, {"kind": SUBSTITUTION}, True),
            ({"kind": SUBSTITUTION}, {"kind": SUBSTITUTION, "grantee": CLERK}, False),
            ({"kind": POWER_DELEGATION}, {"kind": SIGNATURE_DELEGATION, "grantee": CLERK}, True),
            ({"kind": POWER_DELEGATION, "grantor": CO_MAYOR}, {}, False),
            ({}, {"grantee": CLERK}, False),
            ({}, {"kind": FUNCTION_DELEGATION, "grantee": CLERK}, False),
            ({"kind": INTERIM}, {"kind": INTERIM, "grantee": CLERK, "office": DEPUTY}, False),
        ],
        ids=[
            "two competences",
            "one competence twice",
            "two interims",
            "one interim twice",
            "interim and substitution",
            "two substitutions",
            "competence and signature",
            "of two delegators",
            "two signatures",
            "signature and function",
            "two offices",
        ],
    )
    def test_are_what_excludes_another_power_of_the_office(
        self, one: dict[str, Any], other: dict[str, Any], contradictory: bool
    ) -> None:
        base = with_holders(DeskHolder(TOWN_HALL, CO_MAYOR, TERM))
        first = a_grant(**one)
        second = a_grant(**{"id": OTHER, **other})
        for saved, new in ((first, second), (second, first)):
            assert refuses(with_grants(saved, base=base), new) is contradictory

    @pytest.mark.parametrize(
        ("changes", "contradictory"),
        [
            ({"period": Period(MONTH.start - DAY, MONTH.start)}, False),
            ({"period": Period(MONTH.start - DAY, MONTH.start + SECOND)}, True),
            ({"repealed_at": MONTH.start}, False),
            ({"repealed_at": MONTH.start + SECOND}, True),
            ({"scope": of_types(PAYMENTS)}, False),
            ({"scope": of_types(PAYMENTS, ORDERS)}, True),
            ({"scope": Scope(subtypes=frozenset({SubtypeId("leave")}))}, True),
            ({"scope": Scope(subtypes=frozenset({SubtypeId("invoice")}))}, False),
        ],
        ids=[
            "ends as the other starts",
            "ends a second later",
            "repealed as the other starts",
            "repealed a second later",
            "other type",
            "types in common",
            "subtype of the type",
            "subtype of another type",
        ],
    )
    def test_need_a_common_scope_at_a_common_time(
        self, changes: dict[str, Any], contradictory: bool
    ) -> None:
        saved = a_grant(
            POWER_DELEGATION, **{"grantee": CLERK, "executory_at": TERM.start, **changes}
        )
        new = a_grant(POWER_DELEGATION, id=OTHER, scope=of_types(ORDERS))
        assert refuses(with_grants(saved), new) is contradictory

    @pytest.mark.parametrize(
        ("document", "name"), [(ORDER, "l'acte 2026-12"), (None, "le pouvoir grant-1")]
    )
    def test_the_refusal_names_the_other_power(
        self, document: FoundingDocument | None, name: str
    ) -> None:
        saved = a_grant(INTERIM, grantee=CLERK, document=document)
        with pytest.raises(ContradictoryPowers) as refused:
            check_grant(with_grants(saved), a_grant(INTERIM, id=OTHER), PARIS, NOW, NAMES)
        assert f"{name} (donné à Camille)" in refused.value.detail

    def test_a_grant_does_not_contradict_its_former_self(self) -> None:
        saved = a_grant(POWER_DELEGATION)
        check_grant(with_grants(saved), replace(saved, grantee=CLERK), PARIS, NOW)


def refuses(register: PowerRegister, grant: Grant) -> bool:
    types = {SubtypeId("leave"): ORDERS, SubtypeId("invoice"): PAYMENTS}
    try:
        check_grant(register, grant, PARIS, NOW, type_of=types)
    except ContradictoryPowers:
        return True
    return False


class TestLapsed:
    """The mayor of the last term left; another one came the day after."""

    LEFT, CAME = NOW, NOW + DAY
    TOWN = with_holders(
        DeskHolder(TOWN_HALL, MAYOR, Period(TERM.start, LEFT)),
        DeskHolder(TOWN_HALL, CO_MAYOR, Period(CAME)),
        base=without_holders(TOWN_HALL),
    )

    def accepts(self, old: Grant, new: Grant) -> bool:
        try:
            town, before = with_grants(old, base=self.TOWN), self.LEFT - DAY
            check_grant(town, replace(new, id=OTHER), PARIS, before)
        except (ContradictoryPowers, DelegationCycle):
            return False
        return True

    def test_what_a_council_gave_to_a_mayor_who_left_does_not_hold_back_his_successor(self) -> None:
        old = a_grant(
            POWER_DELEGATION, office=COUNCIL, grantor=None, grantee=MAYOR, grantee_office=TOWN_HALL
        )
        new = replace(old, grantee=CO_MAYOR, period=Period(self.CAME))
        assert self.accepts(old, new)
        assert self.accepts(replace(old, grantee_office=None), new)
        assert not self.accepts(replace(old, grantee=FIRST, grantee_office=None), new)

    @pytest.mark.parametrize("executory_at", [a_grant().executory_at, None], ids=["yes", "not yet"])
    def test_what_a_mayor_who_left_gave_does_not_hold_back_his_successor(
        self, executory_at: datetime | None
    ) -> None:
        old = a_grant(POWER_DELEGATION, executory_at=executory_at)
        new = a_grant(
            POWER_DELEGATION, grantor=CO_MAYOR, grantee=STRANGER, period=Period(self.CAME)
        )
        assert self.accepts(old, new)

    @pytest.mark.parametrize("kind", [INTERIM, SUBSTITUTION])
    def test_the_interim_of_before_the_new_mayor_holds_nothing_back_after_him(
        self, kind: PowerKind
    ) -> None:
        old = a_grant(INTERIM, period=Period(self.LEFT), grantee=CLERK)
        assert self.accepts(old, a_grant(kind, period=Period(self.CAME)))
        assert not self.accepts(old, a_grant(kind, period=Period(self.CAME - SECOND)))

    def test_what_a_mayor_gives_before_he_leaves_contradicts_what_he_gave(self) -> None:
        old = a_grant(POWER_DELEGATION, grantee=CLERK)
        last = Period(self.LEFT - SECOND)
        assert not self.accepts(old, a_grant(POWER_DELEGATION, grantee=STRANGER, period=last))

    def test_what_starts_with_the_parent_that_it_re_delegates_is_seen(self) -> None:
        parent = a_grant(
            POWER_DELEGATION,
            id=PowerId("parent"),
            office=COUNCIL,
            grantor=None,
            grantee=CLERK,
            may_be_regranted=True,
            period=Period(NOW + DAY),
        )
        child = a_grant(
            POWER_DELEGATION, office=COUNCIL, grantor=CLERK, grantee=FIRST, regrants=parent.id
        )
        register = with_grants(parent, child, base=self.TOWN)
        with pytest.raises(ContradictoryPowers):
            check_grant(register, replace(child, id=OTHER, grantee=STRANGER), PARIS, NOW)

    def test_what_waits_for_its_document_contradicts_what_it_may_meet(self) -> None:
        old = a_grant(POWER_DELEGATION, grantor=CO_MAYOR, grantee=CLERK, executory_at=None)
        new = a_grant(
            POWER_DELEGATION, grantor=CO_MAYOR, grantee=STRANGER, period=Period(self.CAME)
        )
        assert not self.accepts(old, new)

    def test_a_delegation_of_somebody_who_left_closes_no_circle(self) -> None:
        old = a_grant(grantee=CO_MAYOR)
        assert self.accepts(old, a_grant(grantor=CO_MAYOR, grantee=MAYOR, period=Period(self.CAME)))

    def test_threat_36_a_circle_that_a_holding_to_come_closes_is_refused(self) -> None:
        comes = (
            DeskHolder(DEPUTY, CO_MAYOR, Period(self.CAME)),
            DeskHolder(FINANCES, CLERK, Period(self.CAME)),
        )
        town = replace(REGISTER, holders=comes)
        waits = a_grant(office=DEPUTY, grantor=CO_MAYOR, grantee=CLERK, executory_at=None)
        back = a_grant(
            id=OTHER, office=FINANCES, grantor=CLERK, grantee=CO_MAYOR, executory_at=None
        )
        with pytest.raises(DelegationCycle):
            check_grant(with_grants(waits, base=town), back, PARIS, NOW)


class TestCycle:
    """The deputy grants in his office, the clerk in his, the mayor in his."""

    BASE = with_grants(
        a_grant(id=PowerId("a"), office=DEPUTY, grantor=FIRST, grantee=CLERK),
        a_grant(id=PowerId("b"), office=FINANCES, grantor=CLERK, grantee=MAYOR),
        a_grant(id=PowerId("c"), office=FINANCES, grantor=CLERK, grantee=STRANGER),
    )

    def test_threat_36_a_cycle_is_refused_and_shown(self) -> None:
        with pytest.raises(DelegationCycle) as refused:
            check_grant(self.BASE, a_grant(), PARIS, NOW, NAMES)
        assert "(Claude → Dominique → Camille → Claude)" in refused.value.detail

    def test_without_names_ids_are_shown(self) -> None:
        with pytest.raises(DelegationCycle, match="mayor → first-deputy → clerk → mayor"):
            check_grant(self.BASE, a_grant(), PARIS, NOW)

    @pytest.mark.parametrize(
        ("period", "cycle"),
        [
            (Period(MONTH.start - DAY, MONTH.start), False),
            (Period(MONTH.start - DAY, MONTH.start + SECOND), True),
            (Period(datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC)), True),
            (Period(datetime(2026, 4, 1, tzinfo=UTC)), False),
        ],
        ids=["before", "first second", "last second", "after"],
    )
    def test_delegations_that_are_never_in_force_together_make_no_cycle(
        self, period: Period, cycle: bool
    ) -> None:
        grant = a_grant(period=period, executory_at=TERM.start, document=None)
        try:
            check_grant(self.BASE, grant, PARIS, MONTH.start - DAY)
        except DelegationCycle:
            found = True
        else:
            found = False
        assert found is cycle

    def test_a_line_of_delegations_is_no_cycle(self) -> None:
        check_grant(self.BASE, a_grant(grantee=STRANGER), PARIS, NOW)

    @given(
        links=st.lists(
            st.tuples(st.sampled_from(EVERYBODY), st.sampled_from(EVERYBODY)), max_size=8
        )
    )
    def test_threat_36_what_was_accepted_never_turns_in_a_circle(
        self, links: list[tuple[PersonId, PersonId]]
    ) -> None:
        register = PowerRegister(
            desks=frozenset(DeskId(person) for person in EVERYBODY),
            holders=tuple(DeskHolder(DeskId(one), one, TERM) for one in EVERYBODY),
        )
        for n, (grantor, grantee) in enumerate(links):
            grant = a_grant(
                id=PowerId(f"grant-{n}"), office=DeskId(grantor), grantor=grantor, grantee=grantee
            )
            try:
                check_grant(register, grant, PARIS, NOW)
            except (DelegationCycle, GrantToOneself):
                continue
            register = with_grants(grant, base=register)
        left = {(one.grantor, one.grantee) for one in register.grants}
        while sinks := {b for _, b in left} - {a for a, _ in left}:
            left = {(a, b) for a, b in left if b not in sinks}
        assert left == set()
