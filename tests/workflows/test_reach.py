"""What a person's powers reach, against what each folder would be answered."""

from __future__ import annotations

import functools
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders.registers import (
    CLERK,
    CO_MAYOR,
    EVERYBODY,
    FIRST,
    MAYOR,
    NOW,
    TOWN_HALL,
    a_grant,
    a_step,
    an_absence,
    with_absences,
    with_grants,
)
from tests.workflows.drawn_registers import (
    DESKS,
    PERSONS,
    at_hour,
    facts_given,
    power_or_none,
    registers,
)
from workflows.definition import PERSON_STEPS, StepKind
from workflows.powers import RULES, entitlement
from workflows.reach import Reach, reaches
from workflows.register import (
    EVERYTHING,
    BarredBy,
    Facts,
    PersonAtDesk,
    PersonId,
    PowerKind,
    PowerRegister,
    Scope,
)
from workflows.scopes import excess


def _covers(scopes: tuple[Scope, ...], facts: Facts) -> bool:
    return all(excess(one, facts) is None for one in scopes)


def _lets_pass(reach: Reach, person: PersonId, kind: StepKind, facts: Facts) -> bool:
    recused = {one.person for one in facts.barred if one.by is BarredBy.RECUSAL}
    apart = {one.person for one in facts.barred if one.by is BarredBy.DUTY}
    aside = any(one.kind is kind and _covers(one.scopes, facts) for one in reach.set_aside)
    return (
        kind in reach.kinds
        and _covers(reach.scopes, facts)
        and not aside
        and person not in recused
        and not {person, reach.power.on_behalf_of} & apart
        and reach.after <= recused | apart
    )


@settings(max_examples=150)
@given(
    register=registers,
    facts=facts_given,
    kind=st.sampled_from(sorted(PERSON_STEPS)),
    hour=st.integers(0, 6),
)
def test_says_what_entitlement_says_folder_by_folder(
    register: PowerRegister, facts: Facts, kind: StepKind, hour: int
) -> None:
    instant, facts = at_hour(hour), replace(facts, fit_signers=frozenset(EVERYBODY))
    for person in PERSONS:
        found = reaches(register, person, instant)
        for desk in DESKS:
            ask = functools.partial(
                entitlement,
                register,
                PersonAtDesk(person, desk),
                a_step(kind, desk),
                facts,
                instant,
            )
            power = power_or_none(ask)
            opened = {
                one.power
                for one in found
                if one.power.desk == desk and _lets_pass(one, person, kind, facts)
            }
            assert bool(opened) is (power is not None and desk in register.desks)
            assert power is None or power in opened


class TestReaches:
    def test_a_delegate_reaches_what_his_scope_covers(self) -> None:
        scope = Scope(ceiling_cents=1_000)
        (_, reach) = sorted(
            reaches(with_grants(a_grant(scope=scope)), FIRST, NOW), key=lambda one: one.power.desk
        )
        assert (reach.power.kind, reach.scopes) == (PowerKind.SIGNATURE_DELEGATION, (scope,))
        assert reach.kinds == RULES[PowerKind.SIGNATURE_DELEGATION].steps

    def test_a_holder_is_set_aside_by_the_power_that_he_gave_away(self) -> None:
        register = with_grants(a_grant(PowerKind.POWER_DELEGATION))
        (reach,) = reaches(register, MAYOR, NOW)
        assert {one.kind for one in reach.set_aside} == RULES[PowerKind.POWER_DELEGATION].steps
        assert {one.scopes for one in reach.set_aside} == {(EVERYTHING,)}

    def test_the_second_of_a_ranked_list_comes_after_the_first(self) -> None:
        register = with_absences(an_absence(MAYOR, FIRST, CO_MAYOR))
        (second,) = reaches(register, CO_MAYOR, NOW)
        assert second.after == frozenset({FIRST})
        (first,) = (one for one in reaches(register, FIRST, NOW) if one.power.desk == TOWN_HALL)
        assert first.after == frozenset()

    def test_those_of_the_list_who_are_away_are_not_waited_for(self) -> None:
        register = with_absences(an_absence(MAYOR, CLERK, FIRST), an_absence(CLERK))
        (found,) = (one for one in reaches(register, FIRST, NOW) if one.power.desk == TOWN_HALL)
        assert (found.power.kind, found.after) == (PowerKind.REPLACEMENT, frozenset())

    def test_nobody_reaches_anything_without_power(self) -> None:
        assert reaches(with_grants(), CO_MAYOR, NOW) == ()
