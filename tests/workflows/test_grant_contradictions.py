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
    DAY,
    DEPUTY,
    EVERYBODY,
    FINANCES,
    FIRST,
    MAYOR,
    MONTH,
    ORDER,
    SECOND,
    STRANGER,
    TERM,
    TOWN_HALL,
    a_grant,
    with_grants,
    with_holders,
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
            check_grant(with_grants(saved), a_grant(INTERIM, id=OTHER), NAMES)
        assert f"{name} (donné à Camille)" in refused.value.detail

    def test_a_grant_does_not_contradict_its_former_self(self) -> None:
        saved = a_grant(POWER_DELEGATION)
        check_grant(with_grants(saved), replace(saved, grantee=CLERK))


def refuses(register: PowerRegister, grant: Grant) -> bool:
    types = {SubtypeId("leave"): ORDERS, SubtypeId("invoice"): PAYMENTS}
    try:
        check_grant(register, grant, type_of=types)
    except ContradictoryPowers:
        return True
    return False


class TestCycle:
    """The deputy grants in his office, the clerk in his, the mayor in his."""

    BASE = with_grants(
        a_grant(id=PowerId("a"), office=DEPUTY, grantor=FIRST, grantee=CLERK),
        a_grant(id=PowerId("b"), office=FINANCES, grantor=CLERK, grantee=MAYOR),
        a_grant(id=PowerId("c"), office=FINANCES, grantor=CLERK, grantee=STRANGER),
    )

    def test_threat_36_a_cycle_is_refused_and_shown(self) -> None:
        with pytest.raises(DelegationCycle) as refused:
            check_grant(self.BASE, a_grant(), NAMES)
        assert "(Claude → Dominique → Camille → Claude)" in refused.value.detail

    def test_without_names_ids_are_shown(self) -> None:
        with pytest.raises(DelegationCycle, match="mayor → first-deputy → clerk → mayor"):
            check_grant(self.BASE, a_grant())

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
            check_grant(self.BASE, grant)
        except DelegationCycle:
            found = True
        else:
            found = False
        assert found is cycle

    def test_a_line_of_delegations_is_no_cycle(self) -> None:
        check_grant(self.BASE, a_grant(grantee=STRANGER))

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
                check_grant(register, grant)
            except (DelegationCycle, GrantToOneself):
                continue
            register = with_grants(grant, base=register)
        left = {(one.grantor, one.grantee) for one in register.grants}
        while sinks := {b for _, b in left} - {a for a, _ in left}:
            left = {(a, b) for a, b in left if b not in sinks}
        assert left == set()
