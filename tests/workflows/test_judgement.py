from __future__ import annotations

from dataclasses import replace

import pytest

from tests.builders.registers import (
    ALL_FIT,
    APPROVAL,
    ARCHIVE,
    CLERK,
    CO_MAYOR,
    COUNCIL,
    FIRST,
    MAYOR,
    NOW,
    OWN,
    REGISTER,
    SECOND_DEPUTY,
    SIGNATURE,
    STRANGER,
    TERM,
    TOWN_HALL,
    a_grant,
    a_step,
    able,
    an_absence,
    may,
    power,
    ready_for,
    slips,
    with_absences,
    with_grants,
    with_holders,
)
from workflows.definition import StepKind
from workflows.errors import (
    DutyConflict,
    OutOfScope,
    PersonRecused,
    PowerGivenAway,
)
from workflows.powers import (
    step_power,
    who_may_act,
)
from workflows.reach import reaches
from workflows.register import (
    Barred,
    BarredBy,
    DeskHolder,
    PersonAtDesk,
    PersonId,
    Power,
    PowerId,
    PowerKind,
    Scope,
    SubtypeId,
    TypeId,
)

SIGNATURE_DELEGATION = PowerKind.SIGNATURE_DELEGATION


POWER_DELEGATION = PowerKind.POWER_DELEGATION


class TestTheSamePersonTwice:
    """Two powers of one kind that the same person has at a desk, their periods overlapping."""

    @pytest.mark.parametrize("kind", [PowerKind.INTERIM, POWER_DELEGATION])
    def test_threat_36_neither_leaves_the_other_aside(self, kind: PowerKind) -> None:
        holder = MAYOR if kind is POWER_DELEGATION else FIRST
        first = a_grant(kind, grantor=None, grantee=holder)
        again = replace(first, id=PowerId("grant-2"), period=TERM)
        register = with_grants(first, again, base=ready_for(kind))
        assert able(register) == {holder}
        (office,) = (one for one in reaches(register, holder, NOW) if one.power.id == first.id)
        assert office.set_aside == ()


class TestScope:
    TYPE, OTHER_TYPE = TypeId("orders"), TypeId("payments")
    SUBTYPE, OTHER_SUBTYPE = SubtypeId("leave"), SubtypeId("roads")

    @pytest.mark.parametrize(
        ("scope", "covered"),
        [
            (Scope(), True),
            (Scope(types=frozenset({TYPE})), True),
            (Scope(types=frozenset({OTHER_TYPE})), False),
            (Scope(subtypes=frozenset({SUBTYPE})), True),
            (Scope(subtypes=frozenset({OTHER_SUBTYPE})), False),
            (Scope(types=frozenset({OTHER_TYPE}), subtypes=frozenset({SUBTYPE})), True),
            (Scope(types=frozenset({TYPE}), subtypes=frozenset({OTHER_SUBTYPE})), True),
        ],
        ids=["all", "type", "other type", "subtype", "other subtype", "by subtype", "by type"],
    )
    def test_types_and_subtypes_add_up(self, scope: Scope, covered: bool) -> None:
        facts = replace(ALL_FIT, type=self.TYPE, subtype=self.SUBTYPE)
        assert may(with_grants(a_grant(scope=scope)), FIRST, facts=facts) is covered

    @pytest.mark.parametrize(
        ("cents", "covered"),
        [
            ((1_000_000,), True),
            ((1_000_001,), False),
            ((600_000, 600_000), True),
            ((5, 1_000_001, 7), False),
            ((0,), True),
            ((-1_000_001,), True),
            ((), False),
        ],
        ids=["at", "above", "each below", "one above", "zero", "negative", "unknown"],
    )
    def test_the_ceiling_is_compared_slip_by_slip(
        self, cents: tuple[int, ...], covered: bool
    ) -> None:
        facts = replace(ALL_FIT, amounts=slips(*cents))
        register = with_grants(a_grant(scope=Scope(ceiling_cents=1_000_000)))
        assert may(register, FIRST, facts=facts) is covered

    def test_of_two_powers_refused_the_better_one_says_why(self) -> None:
        low = a_grant(scope=Scope(ceiling_cents=1))
        better = a_grant(
            PowerKind.FUNCTION_DELEGATION,
            id=PowerId("grant-2"),
            scope=Scope(types=frozenset({self.OTHER_TYPE})),
        )
        facts = replace(ALL_FIT, type=self.TYPE, amounts=slips(5))
        with pytest.raises(OutOfScope) as refused:
            power(with_grants(low, better), FIRST, facts=facts)
        assert "plafond" not in refused.value.detail

    def test_the_refusal_names_the_slip_and_what_to_do(self) -> None:
        facts = replace(ALL_FIT, amounts=slips(5, 1_234_567))
        with pytest.raises(OutOfScope) as refused:
            power(with_grants(a_grant(scope=Scope(ceiling_cents=1_000_000))), FIRST, facts=facts)
        assert refused.value.detail == (
            "Le montant de « bordereau 2 » (12\u202f345,67\u00a0€) dépasse le plafond de la "
            "délégation (10\u202f000,00\u00a0€) : laissez le dossier au titulaire ou à un autre "
            "délégataire."
        )

    def test_the_holder_has_no_ceiling(self) -> None:
        register = with_grants(a_grant(scope=Scope(ceiling_cents=1)))
        assert may(register, MAYOR, facts=replace(ALL_FIT, amounts=slips(2)))

    def test_without_facts_a_delegate_may_speak(self) -> None:
        register = with_grants(a_grant(scope=Scope(types=frozenset({self.TYPE}))))
        actor = PersonAtDesk(FIRST, TOWN_HALL)
        assert step_power(register, actor, SIGNATURE, NOW).kind is SIGNATURE_DELEGATION
        with pytest.raises(OutOfScope):
            step_power(register, actor, SIGNATURE, NOW, ALL_FIT)


class TestPowerDelegation:
    LIMITED = Scope(ceiling_cents=100)

    def test_only_the_delegate_acts(self) -> None:
        register = with_grants(a_grant(POWER_DELEGATION))
        with pytest.raises(PowerGivenAway):
            power(register, MAYOR)
        assert able(register) == {FIRST}

    def test_outside_its_scope_the_grantor_acts(self) -> None:
        register = with_grants(a_grant(POWER_DELEGATION, scope=self.LIMITED))
        within, beyond = (replace(ALL_FIT, amounts=slips(n)) for n in (100, 101))
        assert (able(register, facts=within), able(register, facts=beyond)) == ({FIRST}, {MAYOR})

    def test_it_leaves_the_rest_of_the_desk_to_the_holder(self) -> None:
        assert able(with_grants(a_grant(POWER_DELEGATION)), ARCHIVE) == {MAYOR}

    def test_another_holder_keeps_his_own(self) -> None:
        both = with_holders(DeskHolder(TOWN_HALL, CO_MAYOR, TERM))
        assert able(with_grants(a_grant(POWER_DELEGATION), base=both)) == {CO_MAYOR, FIRST}

    def test_nobody_acts_any_more_in_the_name_of_the_grantor(self) -> None:
        register = with_grants(
            a_grant(POWER_DELEGATION), a_grant(id=PowerId("grant-2"), grantee=CLERK)
        )
        with pytest.raises(PowerGivenAway):
            power(register, CLERK)

    def test_nor_does_his_replacement(self) -> None:
        register = with_absences(
            an_absence(MAYOR, CLERK), base=with_grants(a_grant(POWER_DELEGATION))
        )
        assert able(register, APPROVAL) == {FIRST}

    def test_threat_36_nor_does_his_substitute_who_keeps_the_rest_of_the_office(self) -> None:
        register = with_absences(
            an_absence(MAYOR),
            base=with_grants(
                a_grant(POWER_DELEGATION, grantee=CLERK, scope=self.LIMITED),
                a_grant(PowerKind.SUBSTITUTION, id=PowerId("grant-2")),
            ),
        )
        within, beyond = (replace(ALL_FIT, amounts=slips(n)) for n in (100, 101))
        with pytest.raises(PowerGivenAway):
            power(register, FIRST, facts=within)
        assert (able(register, facts=within), able(register, facts=beyond)) == ({CLERK}, {FIRST})

    @pytest.mark.parametrize("kind", [PowerKind.SUBSTITUTION, PowerKind.INTERIM])
    def test_threat_36_what_a_body_gave_goes_to_no_one_who_stands_in_for_a_holder(
        self, kind: PowerKind
    ) -> None:
        of_body = a_grant(POWER_DELEGATION, id=PowerId("grant-2"), grantor=None, grantee=CLERK)
        register = with_grants(of_body, a_grant(kind), base=ready_for(kind))
        assert (able(register), able(register, ARCHIVE)) == ({CLERK}, {FIRST})

    def test_two_of_one_grantor_do_not_exclude_each_other(self) -> None:
        register = with_grants(
            a_grant(POWER_DELEGATION), a_grant(POWER_DELEGATION, id=PowerId("grant-2"))
        )
        assert able(register) == {FIRST}

    def test_a_body_gives_it_without_a_grantor(self) -> None:
        of_council = a_grant(POWER_DELEGATION, office=COUNCIL, grantor=None, grantee=MAYOR)
        register = with_holders(DeskHolder(COUNCIL, CLERK, TERM), base=with_grants(of_council))
        step = a_step(StepKind.SIGNATURE, COUNCIL)
        assert able(register, step) == {MAYOR}
        assert power(register, MAYOR, step) == Power(
            POWER_DELEGATION,
            COUNCIL,
            None,
            PowerId("grant-1"),
            "Par délégation du Conseil municipal, la première adjointe",
        )

    def test_a_body_may_give_it_to_a_person_of_its_desk(self) -> None:
        of_council = a_grant(POWER_DELEGATION, office=COUNCIL, grantor=None, grantee=CLERK)
        register = with_holders(
            DeskHolder(COUNCIL, CLERK, TERM),
            DeskHolder(COUNCIL, MAYOR, TERM),
            base=with_grants(of_council),
        )
        found = who_may_act(register, a_step(StepKind.SIGNATURE, COUNCIL), ALL_FIT, NOW)
        assert [(one.person, one.power.kind) for one in found.able] == [(CLERK, POWER_DELEGATION)]

    @pytest.mark.parametrize("kind", [POWER_DELEGATION, SIGNATURE_DELEGATION])
    def test_what_a_body_gave_may_be_passed_on_among_its_own_members(self, kind: PowerKind) -> None:
        council = (DeskHolder(COUNCIL, one, TERM) for one in (MAYOR, FIRST, CLERK))
        given = a_grant(
            POWER_DELEGATION, office=COUNCIL, grantor=None, grantee=MAYOR, may_be_regranted=True
        )
        passed_on = a_grant(
            kind, id=PowerId("grant-2"), office=COUNCIL, grantor=MAYOR, regrants=given.id
        )
        register = with_grants(given, passed_on, base=with_holders(*council))
        both = {MAYOR, FIRST} if kind is SIGNATURE_DELEGATION else {FIRST}
        assert able(register, a_step(StepKind.SIGNATURE, COUNCIL)) == both

    def test_a_holder_who_passes_on_what_another_gave_him_keeps_his_own(self) -> None:
        both = with_holders(DeskHolder(TOWN_HALL, CO_MAYOR, TERM))
        given = a_grant(POWER_DELEGATION, grantee=CO_MAYOR, may_be_regranted=True)
        passed_on = a_grant(
            POWER_DELEGATION, id=PowerId("grant-2"), grantor=CO_MAYOR, regrants=given.id
        )
        register = with_grants(given, passed_on, base=both)
        assert able(register) == {CO_MAYOR, FIRST}
        assert power(register, CO_MAYOR) == OWN
        own = a_grant(id=PowerId("grant-3"), grantor=CO_MAYOR, grantee=CLERK)
        assert able(with_grants(own, base=register)) == {CO_MAYOR, FIRST, CLERK}

    @pytest.mark.parametrize("kind", [POWER_DELEGATION, PowerKind.FUNCTION_DELEGATION])
    def test_he_has_no_more_what_he_passed_on(self, kind: PowerKind) -> None:
        given = a_grant(POWER_DELEGATION, grantee=CLERK, may_be_regranted=True)
        first, second = (
            a_grant(one, id=PowerId(f"to-{to}"), grantor=CLERK, grantee=to, regrants=given.id)
            for one, to in ((POWER_DELEGATION, FIRST), (kind, SECOND_DEPUTY))
        )
        assert CLERK not in able(with_grants(given, first))
        expected = {FIRST, SECOND_DEPUTY} if kind is POWER_DELEGATION else {FIRST}
        assert able(with_grants(given, first, second)) == expected

    @pytest.mark.parametrize("how", ["absent", "account closed"])
    def test_threat_36_a_delegate_who_is_not_there_gives_nothing_back(self, how: str) -> None:
        given = with_grants(a_grant(POWER_DELEGATION))
        closed = replace(given, inactive=frozenset({FIRST}))
        register = (
            closed if how == "account closed" else with_absences(an_absence(FIRST), base=given)
        )
        with pytest.raises(PowerGivenAway):
            power(register, MAYOR)
        found = who_may_act(register, SIGNATURE, ALL_FIT, NOW)
        assert found.nobody is not None
        assert {one.person for one in found.able} == ({FIRST} if how == "absent" else set())

    @pytest.mark.parametrize(
        ("closed", "expected"), [(MAYOR, {FIRST}), (CLERK, {FIRST}), (FIRST, set())]
    )
    def test_threat_36_nor_does_one_to_whom_it_was_passed_on(
        self, closed: PersonId, expected: set[PersonId]
    ) -> None:
        given = a_grant(POWER_DELEGATION, grantee=CLERK, may_be_regranted=True)
        passed_on = a_grant(
            POWER_DELEGATION, id=PowerId("grant-2"), grantor=CLERK, regrants=given.id
        )
        register = replace(with_grants(given, passed_on), inactive=frozenset({closed}))
        assert able(register) == expected
        away = with_absences(an_absence(closed, STRANGER), base=with_grants(given, passed_on))
        assert able(away, APPROVAL) == {FIRST}

    def test_the_one_who_speaks_without_facts_is_set_aside_by_a_whole_delegation_only(self) -> None:
        actor = PersonAtDesk(MAYOR, TOWN_HALL)
        limited = with_grants(a_grant(POWER_DELEGATION, scope=self.LIMITED))
        assert step_power(limited, actor, SIGNATURE, NOW) == OWN
        with pytest.raises(PowerGivenAway):
            step_power(with_grants(a_grant(POWER_DELEGATION)), actor, SIGNATURE, NOW)


class TestBarred:
    RECUSED = replace(ALL_FIT, barred=(Barred(MAYOR, BarredBy.RECUSAL, "Le déport."),))
    BOUND = replace(ALL_FIT, barred=(Barred(MAYOR, BarredBy.DUTY, "La règle."),))

    def test_a_recused_person_does_not_act(self) -> None:
        with pytest.raises(PersonRecused) as refused:
            power(REGISTER, MAYOR, facts=self.RECUSED)
        assert refused.value.detail == "Le déport."

    def test_a_delegate_acts_in_the_place_of_a_recused_person(self) -> None:
        assert able(with_grants(a_grant()), facts=self.RECUSED) == {FIRST}

    def test_threat_37_a_duty_bars_the_person(self) -> None:
        with pytest.raises(DutyConflict, match="La règle"):
            power(REGISTER, MAYOR, facts=self.BOUND)

    def test_threat_37_and_whoever_would_act_in_his_name(self) -> None:
        with pytest.raises(DutyConflict):
            power(with_grants(a_grant()), FIRST, facts=self.BOUND)

    def test_another_power_may_serve_instead(self) -> None:
        both = with_holders(DeskHolder(TOWN_HALL, CO_MAYOR, TERM))
        second = a_grant(id=PowerId("grant-2"), grantor=CO_MAYOR)
        register = with_grants(a_grant(), second, base=both)
        assert power(register, FIRST).id == "grant-1"
        assert power(register, FIRST, facts=self.BOUND).id == "grant-2"

    def test_a_duty_lets_a_person_speak_and_a_recusal_does_not(self) -> None:
        actor = PersonAtDesk(MAYOR, TOWN_HALL)
        assert step_power(REGISTER, actor, SIGNATURE, NOW, self.BOUND) == OWN
        with pytest.raises(PersonRecused):
            step_power(REGISTER, actor, SIGNATURE, NOW, self.RECUSED)
