from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders.registers import (
    a_step,
    able,
    slips,
    with_absences,
)
from tests.workflows.drawn_registers import (
    DESKS,
    PERSONS,
    absences,
    at_hour,
    facts_given,
    power_or_none,
    registers,
    steps,
)
from workflows.definition import Step, StepKind, desks_of
from workflows.powers import (
    RULES,
    entitlement,
    powers_of,
    who_may_act,
)
from workflows.reach import reaches
from workflows.register import (
    Absence,
    Facts,
    PersonAtDesk,
    PersonId,
    PowerKind,
    PowerRegister,
)
from workflows.standing import has_lapsed, stands
from workflows.turning_points import turning_points_at

SUBSTITUTION = PowerKind.SUBSTITUTION
GIVEN = frozenset(PowerKind) - {PowerKind.REPLACEMENT}


@settings(max_examples=60)
@given(register=registers, step=steps, facts=facts_given, hour=st.integers(0, 6))
def test_who_may_act_is_the_inverse_of_entitlement(
    register: PowerRegister, step: Step, facts: Facts, hour: int
) -> None:
    instant = at_hour(hour)
    entitled = {
        (person, found)
        for person in PERSONS
        for desk in DESKS
        if (
            found := power_or_none(
                lambda person=person, desk=desk: entitlement(  # type: ignore[misc]
                    register, PersonAtDesk(person, desk), step, facts, instant
                )
            )
        )
    }
    answer = who_may_act(register, step, facts, instant)
    assert {(one.person, one.power) for one in answer.able} == entitled
    assert len(answer.able) == len(entitled)
    assert bool(answer.detail) == bool(answer.lacking) == (answer.nobody is not None)
    assert answer.able or answer.nobody


@settings(max_examples=40)
@given(register=registers, step=steps, facts=facts_given, hour=st.integers(0, 6))
def test_every_power_that_is_used_is_listed(
    register: PowerRegister, step: Step, facts: Facts, hour: int
) -> None:
    instant = at_hour(hour)
    for one in who_may_act(register, step, facts, instant).able:
        assert one.power in powers_of(register, one.person, instant, facts)


@settings(max_examples=60)
@given(register=registers, absence=absences, facts=facts_given, hour=st.integers(0, 6))
def test_threat_36_an_absence_never_makes_a_signer(
    register: PowerRegister, absence: Absence, facts: Facts, hour: int
) -> None:
    step, instant = a_step(StepKind.SIGNATURE, *DESKS), at_hour(hour)
    before = able(register, step, facts, instant)
    after = able(with_absences(absence, base=register), step, facts, instant)
    substitutes = {one.grantee for one in register.grants if one.kind is SUBSTITUTION}
    assert after <= before | substitutes


@settings(max_examples=60)
@given(register=registers, step=steps, closed=st.sampled_from(PERSONS), hour=st.integers(0, 6))
def test_threat_36_an_account_that_closes_takes_from_its_person_and_gives_to_nobody(
    register: PowerRegister, step: Step, closed: PersonId, hour: int
) -> None:
    """But for the next one of a ranked list of replacements."""
    facts, instant = Facts(fit_signers=frozenset(PERSONS), amounts=slips(50)), at_hour(hour)
    after = replace(register, inactive=register.inactive | {closed})
    before, left = (
        {one for one in who_may_act(each, step, facts, instant).able if one.power.kind in GIVEN}
        for each in (register, after)
    )
    assert left == {one for one in before if one.person != closed}
    assert powers_of(after, closed, instant) == () == reaches(after, closed, instant)


@settings(max_examples=60)
@given(register=registers, facts=facts_given, hour=st.integers(0, 6))
def test_threat_36_whoever_signs_has_an_office_or_a_grant_that_names_him(
    register: PowerRegister, facts: Facts, hour: int
) -> None:
    step, instant = a_step(StepKind.SIGNATURE, *DESKS), at_hour(hour)
    holders = {(one.desk, one.person) for one in register.holders if one.period.covers(instant)}
    named = {
        (one.office, one.grantee)
        for one in register.grants
        if one.period.covers(instant) and one.grantee != one.grantor
    }
    for one in who_may_act(register, step, facts, instant).able:
        assert (one.power.desk, one.person) in holders | named
        assert one.person in facts.fit_signers
        assert one.power.on_behalf_of != one.person


@settings(max_examples=60)
@given(register=registers, step=steps, facts=facts_given, hour=st.integers(0, 8))
def test_between_two_turning_points_of_its_desks_who_may_act_stays(
    register: PowerRegister, step: Step, facts: Facts, hour: int
) -> None:
    before, after = (who_may_act(register, step, facts, at_hour(one)) for one in (hour, hour + 1))
    points = {one for desk in desks_of(step) for one in turning_points_at(register, desk)}
    assert set(before.able) == set(after.able) or at_hour(hour + 1) in points


@settings(max_examples=60)
@given(register=registers, hour=st.integers(0, 8))
def test_threat_36_a_grant_that_has_lapsed_serves_no_more(
    register: PowerRegister, hour: int
) -> None:
    for grant in register.grants:
        if has_lapsed(register, grant, RULES, at_hour(hour)):
            assert not any(stands(register, grant, RULES, at_hour(one)) for one in range(hour, 10))
