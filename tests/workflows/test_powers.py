from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders.workflows import (
    ACCOUNTS,
    ADA,
    ADA_AT_RECEPTION,
    BEN,
    BEN_AT_ACCOUNTS,
    CLEO,
    CLEO_AT_ACCOUNTS,
    DAN,
    DAN_AT_MAYOR,
    ELSEWHERE,
    EVE,
    EVE_AT_MAYOR,
    FACTS,
    FAY,
    MAYOR,
    NO_DESK,
    NOW,
    PROGRAM,
    PROGRAM_AT_RECEPTION,
    RECEPTION,
    REGISTER,
    SENDING_STEP,
    SIGNATURE_STEP,
    SINCE,
    VISA_STEP,
)
from workflows.definition import Step
from workflows.errors import (
    DeskNotConcerned,
    NoFitCertificate,
    NoPower,
    PeriodReversed,
    Refused,
    UnknownDesk,
)
from workflows.powers import (
    Authorship,
    DeskHolder,
    DeskProgram,
    Facts,
    NobodyAble,
    Period,
    PersonAtDesk,
    Power,
    PowerKind,
    PowerRegister,
    desk_power,
    entitlement,
    powers_of,
    step_power,
    who_may_act,
)

START = datetime(2026, 3, 1, tzinfo=UTC)
END = datetime(2026, 4, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class TestPeriod:
    @pytest.mark.parametrize(
        ("instant", "covered"),
        [(START - SECOND, False), (START, True), (END - SECOND, True), (END, False)],
    )
    def test_starts_at_its_start_and_ends_before_its_end(
        self, instant: datetime, covered: bool
    ) -> None:
        assert Period(START, END).covers(instant) is covered

    def test_stays_open_without_end(self) -> None:
        assert Period(START).covers(START + timedelta(days=36500))

    def test_compares_instants_not_clock_faces(self) -> None:
        paris = timezone(timedelta(hours=1))
        assert not Period(START, END).covers(datetime(2026, 3, 1, 0, 59, 59, tzinfo=paris))

    @pytest.mark.parametrize("end", [START, START - SECOND])
    def test_refuses_to_end_before_it_started(self, end: datetime) -> None:
        with pytest.raises(PeriodReversed):
            Period(START, end)

    @pytest.mark.parametrize(
        ("start", "end"), [(START.replace(tzinfo=None), END), (START, END.replace(tzinfo=None))]
    )
    def test_refuses_a_date_without_zone(self, start: datetime, end: datetime) -> None:
        with pytest.raises(ValueError, match="time zone"):
            Period(start, end)


class TestPowersOf:
    def test_a_person_has_the_power_of_each_desk_he_holds(self) -> None:
        assert powers_of(REGISTER, BEN, NOW) == (
            Power(PowerKind.HOLDER, RECEPTION),
            Power(PowerKind.HOLDER, ACCOUNTS),
        )

    def test_a_program_has_its_own_kind_of_power(self) -> None:
        assert powers_of(REGISTER, PROGRAM, NOW) == (Power(PowerKind.PROGRAM, RECEPTION),)

    def test_nobody_has_a_power_before_it_starts(self) -> None:
        assert powers_of(REGISTER, ADA, SINCE.start - SECOND) == ()

    def test_a_desk_held_twice_gives_one_power(self) -> None:
        twice = replace(
            REGISTER, holders=(*REGISTER.holders, DeskHolder(MAYOR, DAN, Period(START)))
        )
        assert powers_of(twice, DAN, NOW) == (Power(PowerKind.HOLDER, MAYOR),)

    def test_a_desk_that_no_longer_exists_gives_none(self) -> None:
        closed = replace(REGISTER, desks=frozenset({ACCOUNTS}))
        assert powers_of(closed, DAN, NOW) == ()
        assert powers_of(closed, PROGRAM, NOW) == ()


class TestEntitlement:
    def test_a_holder_approves(self) -> None:
        power = entitlement(REGISTER, BEN_AT_ACCOUNTS, VISA_STEP, FACTS, NOW)
        assert power == Power(PowerKind.HOLDER, ACCOUNTS)

    def test_a_holder_with_a_fit_certificate_signs(self) -> None:
        power = entitlement(REGISTER, DAN_AT_MAYOR, SIGNATURE_STEP, FACTS, NOW)
        assert power == Power(PowerKind.HOLDER, MAYOR)

    def test_a_holder_without_one_does_not_sign(self) -> None:
        with pytest.raises(NoFitCertificate):
            entitlement(REGISTER, EVE_AT_MAYOR, SIGNATURE_STEP, FACTS, NOW)

    def test_approval_asks_for_no_certificate(self) -> None:
        assert entitlement(REGISTER, CLEO_AT_ACCOUNTS, VISA_STEP, Facts(), NOW)

    def test_a_certificate_without_power_signs_nothing(self) -> None:
        anybody = Facts(fit_signers=frozenset({ADA}))
        with pytest.raises(NoPower):
            entitlement(REGISTER, PersonAtDesk(ADA, MAYOR), SIGNATURE_STEP, anybody, NOW)

    def test_a_power_at_another_desk_does_not_count(self) -> None:
        with pytest.raises(DeskNotConcerned):
            entitlement(REGISTER, ADA_AT_RECEPTION, VISA_STEP, FACTS, NOW)

    def test_a_desk_of_elsewhere_is_unknown(self) -> None:
        with pytest.raises(UnknownDesk):
            entitlement(REGISTER, PersonAtDesk(BEN, NO_DESK), VISA_STEP, FACTS, NOW)

    @pytest.mark.parametrize(
        ("instant", "may"),
        [(START - SECOND, False), (START, True), (END - SECOND, True), (END, False)],
    )
    def test_threat_36_power_is_judged_at_the_instant_of_the_act(
        self, instant: datetime, may: bool
    ) -> None:
        register = PowerRegister(
            desks=frozenset({MAYOR}), holders=(DeskHolder(MAYOR, DAN, Period(START, END)),)
        )
        assert is_entitled(register, DAN_AT_MAYOR, SIGNATURE_STEP, FACTS, instant) is may


class TestStepPower:
    def test_a_program_never_speaks_at_a_step(self) -> None:
        program = DeskProgram(ACCOUNTS, PROGRAM, SINCE)
        with pytest.raises(NoPower):
            step_power(
                replace(REGISTER, programs=(program,)),
                PersonAtDesk(PROGRAM, ACCOUNTS),
                VISA_STEP,
                NOW,
            )

    def test_a_holder_without_certificate_may_still_reject(self) -> None:
        power = step_power(REGISTER, EVE_AT_MAYOR, SIGNATURE_STEP, NOW)
        assert power == Power(PowerKind.HOLDER, MAYOR)


class TestDeskPower:
    def test_a_program_deposits_for_its_desk(self) -> None:
        assert desk_power(REGISTER, PROGRAM_AT_RECEPTION, NOW).kind is PowerKind.PROGRAM

    def test_a_person_deposits_through_the_desk_he_names(self) -> None:
        assert desk_power(REGISTER, BEN_AT_ACCOUNTS, NOW).desk == ACCOUNTS

    def test_nobody_deposits_for_the_desk_of_others(self) -> None:
        with pytest.raises(NoPower):
            desk_power(REGISTER, PersonAtDesk(ADA, ELSEWHERE), NOW)

    def test_nor_for_a_desk_that_does_not_exist(self) -> None:
        with pytest.raises(UnknownDesk):
            desk_power(REGISTER, PersonAtDesk(ADA, NO_DESK), NOW)


class TestWhoMayAct:
    def test_names_every_holder_of_the_desks_of_the_step(self) -> None:
        found = who_may_act(REGISTER, VISA_STEP, FACTS, NOW)
        assert found.able == tuple(
            Authorship(person, Power(PowerKind.HOLDER, ACCOUNTS)) for person in (BEN, CLEO)
        )
        assert (found.nobody, found.detail) == (None, "")

    def test_leaves_out_those_who_could_not_sign(self) -> None:
        found = who_may_act(REGISTER, SIGNATURE_STEP, FACTS, NOW)
        assert [one.person for one in found.able] == [DAN]

    def test_says_that_no_certificate_is_fit(self) -> None:
        found = who_may_act(REGISTER, SIGNATURE_STEP, Facts(), NOW)
        assert (found.able, found.nobody) == ((), NobodyAble.NO_FIT_CERTIFICATE)
        assert found.detail.startswith("Aucun signataire habilité")

    def test_says_that_the_desk_is_vacant(self) -> None:
        found = who_may_act(REGISTER, VISA_STEP, FACTS, SINCE.start - SECOND)
        assert (found.able, found.nobody) == ((), NobodyAble.NO_HOLDER)
        assert "pas de titulaire" in found.detail

    def test_says_that_the_system_does_it(self) -> None:
        found = who_may_act(REGISTER, SENDING_STEP, FACTS, NOW)
        assert (found.able, found.nobody) == ((), NobodyAble.SYSTEM_STEP)
        assert "système" in found.detail


PEOPLE = (ADA, BEN, CLEO, DAN, EVE, FAY, PROGRAM)
DESKS = (RECEPTION, ACCOUNTS, MAYOR, ELSEWHERE)

periods = st.builds(
    lambda start, length: Period(
        START + timedelta(hours=start), length and START + timedelta(hours=start + length)
    ),
    st.integers(0, 5),
    st.none() | st.integers(1, 5),
)
registers = st.builds(
    PowerRegister,
    desks=st.frozensets(st.sampled_from(DESKS)),
    holders=st.lists(
        st.builds(DeskHolder, st.sampled_from(DESKS), st.sampled_from(PEOPLE), periods), max_size=8
    ).map(tuple),
    programs=st.lists(
        st.builds(DeskProgram, st.sampled_from(DESKS), st.sampled_from(PEOPLE), periods),
        max_size=2,
    ).map(tuple),
)


def is_entitled(
    register: PowerRegister, actor: PersonAtDesk, step: Step, facts: Facts, instant: datetime
) -> bool:
    try:
        entitlement(register, actor, step, facts, instant)
    except Refused:
        return False
    return True


@given(
    register=registers,
    step=st.sampled_from([VISA_STEP, SIGNATURE_STEP]),
    fit=st.frozensets(st.sampled_from(PEOPLE)),
    hours=st.integers(-1, 11),
)
def test_who_may_act_is_the_inverse_of_entitlement(
    register: PowerRegister, step: Step, fit: frozenset[str], hours: int
) -> None:
    facts = Facts(fit_signers=frozenset(one for one in PEOPLE if one in fit))
    instant = START + timedelta(hours=hours)
    entitled = {
        (person, desk)
        for person in PEOPLE
        for desk in DESKS
        if is_entitled(register, PersonAtDesk(person, desk), step, facts, instant)
    }
    found = who_may_act(register, step, facts, instant)
    assert {(one.person, one.power.desk) for one in found.able} == entitled
    assert (found.nobody is None) == bool(entitled)
