"""Registers of powers, facts and steps, drawn over a few hours of a month."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from hypothesis import strategies as st

from tests.builders.registers import (
    DEPUTY,
    EVERYBODY,
    FINANCES,
    MONTH,
    TERM,
    TOWN_HALL,
    a_step,
    slips,
)
from workflows.definition import StepKind, StepMode
from workflows.errors import Refused
from workflows.periods import Period
from workflows.register import (
    Absence,
    AbsenceId,
    Barred,
    BarredBy,
    DeskHolder,
    Facts,
    Grant,
    PersonId,
    Power,
    PowerId,
    PowerKind,
    PowerRegister,
    Scope,
)

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
    inactive=st.just(frozenset[PersonId]()) | st.frozensets(st.sampled_from(PERSONS), max_size=2),
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
