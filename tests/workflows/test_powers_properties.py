from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders.registers import (
    DEPUTY,
    EVERYBODY,
    FINANCES,
    MONTH,
    TERM,
    TOWN_HALL,
    a_step,
    able,
    slips,
    with_absences,
)
from workflows.definition import Step, StepKind, StepMode, desks_of
from workflows.errors import (
    Refused,
)
from workflows.periods import Period
from workflows.powers import (
    RULES,
    entitlement,
    powers_of,
    who_may_act,
)
from workflows.register import (
    Absence,
    AbsenceId,
    Barred,
    BarredBy,
    DeskHolder,
    Facts,
    Grant,
    PersonAtDesk,
    Power,
    PowerId,
    PowerKind,
    PowerRegister,
    Scope,
)
from workflows.standing import has_lapsed, stands
from workflows.turning_points import turning_points_at

SUBSTITUTION = PowerKind.SUBSTITUTION


DESKS = (TOWN_HALL, DEPUTY, FINANCES)


PERSONS = EVERYBODY[:5]


HOURS = st.integers(0, 4)


def hours(start: int, length: int | None) -> Period:
    begin = MONTH.start + timedelta(hours=start)
    return Period(begin, begin + timedelta(hours=length) if length else None)


def at_hour(hour: int) -> datetime:
    return MONTH.start + timedelta(hours=hour)


periods = st.builds(hours, HOURS, st.none() | st.integers(1, 4))


instants = st.none() | st.builds(at_hour, HOURS)


scopes = st.builds(Scope, ceiling_cents=st.none() | st.just(100))


absences = st.builds(
    Absence,
    st.uuids().map(lambda one: AbsenceId(str(one))),
    st.sampled_from(PERSONS),
    periods,
    st.none() | st.sampled_from(DESKS),
    st.lists(st.sampled_from(PERSONS), max_size=3, unique=True).map(tuple),
    instants,
)


grants = st.lists(
    st.builds(
        Grant,
        id=st.sampled_from([PowerId(f"grant-{n}") for n in range(6)]),
        kind=st.sampled_from(list(PowerKind)),
        office=st.sampled_from(DESKS),
        grantee=st.sampled_from(PERSONS),
        period=periods,
        grantor=st.none() | st.sampled_from(PERSONS),
        grantee_office=st.none() | st.sampled_from(DESKS),
        scope=scopes,
        executory_at=st.just(MONTH.start) | instants,
        repealed_at=st.none() | instants,
        may_be_regranted=st.booleans(),
        regrants=st.none() | st.sampled_from([PowerId(f"grant-{n}") for n in range(6)]),
    ),
    max_size=6,
    unique_by=lambda one: one.id,
).map(tuple)


registers = st.builds(
    PowerRegister,
    desks=st.just(frozenset(DESKS)) | st.frozensets(st.sampled_from(DESKS)),
    holders=st.lists(
        st.builds(
            DeskHolder,
            st.sampled_from(DESKS),
            st.sampled_from(PERSONS),
            st.just(TERM) | periods,
        ),
        max_size=5,
    ).map(tuple),
    absences=st.lists(absences, max_size=3).map(tuple),
    grants=grants,
)


facts_given = st.builds(
    Facts,
    fit_signers=st.frozensets(st.sampled_from(PERSONS)),
    amounts=st.sampled_from([(), slips(50), slips(50, 500)]),
    barred=st.lists(
        st.builds(
            Barred, st.sampled_from(PERSONS), st.sampled_from(list(BarredBy)), st.just("Non.")
        ),
        max_size=2,
    ).map(tuple),
)


steps = st.builds(
    lambda kind, desks, mode: a_step(kind, *desks, mode=mode),
    st.sampled_from([StepKind.APPROVAL, StepKind.SIGNATURE, StepKind.SEAL, StepKind.ARCHIVE]),
    st.lists(st.sampled_from(DESKS), min_size=1, max_size=2, unique=True),
    st.sampled_from(list(StepMode)),
)


def power_or_none(ask: Callable[[], Power]) -> Power | None:
    try:
        return ask()
    except Refused:
        return None


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
