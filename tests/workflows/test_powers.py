from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.builders.registers import (
    ALL_FIT,
    APPROVAL,
    ARCHIVE,
    CLERK,
    CO_MAYOR,
    DEPUTY,
    EXTERNAL,
    FIRST,
    GONE,
    MAYOR,
    MONTH,
    NOW,
    OTHER_CLERK,
    OWN,
    REGISTER,
    SEAL,
    SECOND,
    SIGNATURE,
    STRANGER,
    TERM,
    TOWN_HALL,
    a_grant,
    a_step,
    an_absence,
    may,
    power,
    ready_for,
    with_absences,
    with_grants,
    with_holders,
    without_holders,
)
from workflows.definition import DeskId, Step, StepKind
from workflows.errors import (
    DeskNotConcerned,
    NoFitCertificate,
    NoPower,
    NotAdministrator,
    UnknownDesk,
)
from workflows.powers import (
    RULES,
    administrator_power,
    desk_power,
    entitlement,
    powers_of,
    step_power,
    superior_of,
)
from workflows.register import (
    Administrator,
    DeskHolder,
    DeskProgram,
    Facts,
    PersonAtDesk,
    PersonId,
    Power,
    PowerKind,
    Scope,
    TypeId,
)

PROGRAM = PersonId("finance-software")


class TestRules:
    def test_every_power_has_its_row(self) -> None:
        assert set(RULES) == set(PowerKind)

    def test_a_person_acts_in_his_own_name_before_all(self) -> None:
        assert next(iter(RULES)) is PowerKind.HOLDER


class TestHolder:
    @pytest.mark.parametrize("step", [APPROVAL, SIGNATURE, SEAL, ARCHIVE], ids=lambda one: one.kind)
    def test_passes_every_step_of_his_desk(self, step: Step) -> None:
        assert power(REGISTER, MAYOR, step) == OWN

    def test_keeps_his_power_while_he_is_absent(self) -> None:
        assert power(with_absences(an_absence()), MAYOR) == OWN

    def test_signs_with_a_certificate_of_his_own_only(self) -> None:
        facts = Facts(fit_signers=frozenset({FIRST}))
        with pytest.raises(NoFitCertificate):
            power(REGISTER, MAYOR, facts=facts)
        assert power(REGISTER, MAYOR, APPROVAL, facts) == OWN

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
    def test_threat_36_power_is_judged_at_the_instant_of_the_act(
        self, instant: datetime, expected: bool
    ) -> None:
        register = with_holders(
            DeskHolder(TOWN_HALL, CO_MAYOR, MONTH), base=without_holders(TOWN_HALL)
        )
        assert may(register, CO_MAYOR, instant=instant) is expected

    def test_a_certificate_without_power_signs_nothing(self) -> None:
        with pytest.raises(NoPower):
            power(REGISTER, STRANGER)

    def test_a_power_at_another_desk_does_not_count(self) -> None:
        with pytest.raises(DeskNotConcerned):
            entitlement(REGISTER, PersonAtDesk(FIRST, DEPUTY), SIGNATURE, ALL_FIT, NOW)

    def test_a_desk_of_elsewhere_is_unknown(self) -> None:
        with pytest.raises(UnknownDesk):
            power(REGISTER, MAYOR, a_step(StepKind.SIGNATURE, GONE))

    def test_a_desk_that_is_gone_gives_nothing(self) -> None:
        register = replace(with_grants(a_grant()), desks=frozenset({DEPUTY}))
        assert powers_of(register, MAYOR, NOW) == ()
        assert [one.desk for one in powers_of(register, FIRST, NOW)] == [DEPUTY]

    @pytest.mark.parametrize(
        "kind", [StepKind.EXTERNAL, StepKind.SECURE_MAIL, StepKind.TRANSMISSION]
    )
    def test_nobody_passes_what_waits_for_the_outside(self, kind: StepKind) -> None:
        with pytest.raises(DeskNotConcerned):
            power(REGISTER, MAYOR, a_step(kind, TOWN_HALL))


class TestSpeaking:
    def test_needs_no_certificate(self) -> None:
        actor = PersonAtDesk(MAYOR, TOWN_HALL)
        assert step_power(REGISTER, actor, SIGNATURE, NOW, Facts()) == OWN

    def test_is_open_to_the_holder_where_the_outside_is_awaited(self) -> None:
        register = with_grants(a_grant())
        assert step_power(register, PersonAtDesk(MAYOR, TOWN_HALL), EXTERNAL, NOW) == OWN
        with pytest.raises(NoPower):
            step_power(register, PersonAtDesk(FIRST, TOWN_HALL), EXTERNAL, NOW)

    def test_a_program_never_speaks_at_a_step(self) -> None:
        register = replace(REGISTER, programs=(DeskProgram(TOWN_HALL, PROGRAM, TERM),))
        with pytest.raises(NoPower):
            step_power(register, PersonAtDesk(PROGRAM, TOWN_HALL), APPROVAL, NOW)


class TestDeskPower:
    REGISTER = replace(
        with_grants(a_grant()),
        programs=(DeskProgram(TOWN_HALL, PROGRAM, MONTH), DeskProgram(GONE, PROGRAM, MONTH)),
    )

    def test_a_holder_deposits(self) -> None:
        assert desk_power(self.REGISTER, PersonAtDesk(MAYOR, TOWN_HALL), NOW) == OWN

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
    def test_a_program_deposits_while_it_may(self, instant: datetime, expected: bool) -> None:
        found = powers_of(self.REGISTER, PROGRAM, instant)
        assert found == ((Power(PowerKind.PROGRAM, TOWN_HALL),) if expected else ())

    def test_a_program_deposits_by_its_own_kind_of_power(self) -> None:
        found = desk_power(self.REGISTER, PersonAtDesk(PROGRAM, TOWN_HALL), NOW)
        assert found == Power(PowerKind.PROGRAM, TOWN_HALL)

    def test_a_delegate_does_not_deposit(self) -> None:
        with pytest.raises(NoPower):
            desk_power(self.REGISTER, PersonAtDesk(FIRST, TOWN_HALL), NOW)

    @pytest.mark.parametrize("kind", [PowerKind.INTERIM, PowerKind.SUBSTITUTION])
    def test_whoever_stands_in_for_the_holder_deposits(self, kind: PowerKind) -> None:
        register = with_grants(a_grant(kind), base=ready_for(kind))
        found = desk_power(register, PersonAtDesk(FIRST, TOWN_HALL), NOW)
        assert (found.kind, found.desk) == (kind, TOWN_HALL)

    @pytest.mark.parametrize("kind", [PowerKind.INTERIM, PowerKind.SUBSTITUTION])
    def test_as_long_as_he_stands_in_for_him(self, kind: PowerKind) -> None:
        with pytest.raises(NoPower):
            desk_power(with_grants(a_grant(kind)), PersonAtDesk(FIRST, TOWN_HALL), NOW)

    def test_he_deposits_what_his_scope_covers(self) -> None:
        narrow = a_grant(PowerKind.INTERIM, scope=Scope(frozenset({TypeId("orders")})))
        register = with_grants(narrow, base=ready_for(PowerKind.INTERIM))
        actor = PersonAtDesk(FIRST, TOWN_HALL)
        assert desk_power(register, actor, NOW, Facts(type=TypeId("orders"))).id == narrow.id
        for facts in (Facts(), Facts(type=TypeId("flows"))):
            with pytest.raises(NoPower):
                desk_power(register, actor, NOW, facts)

    def test_a_holder_who_stands_in_for_another_deposits_in_his_own_name(self) -> None:
        both = (DeskHolder(TOWN_HALL, CO_MAYOR, TERM), DeskHolder(TOWN_HALL, FIRST, TERM))
        register = with_grants(a_grant(PowerKind.SUBSTITUTION), base=with_holders(*both))
        away = with_absences(*map(an_absence, (MAYOR, CO_MAYOR, FIRST)), base=register)
        assert desk_power(away, PersonAtDesk(FIRST, TOWN_HALL), NOW) == OWN

    def test_nobody_deposits_for_a_desk_that_does_not_exist(self) -> None:
        with pytest.raises(UnknownDesk):
            desk_power(self.REGISTER, PersonAtDesk(PROGRAM, GONE), NOW)


class TestAdministrator:
    REGISTER = replace(
        REGISTER,
        administrators=(
            Administrator(CLERK),
            Administrator(OTHER_CLERK, frozenset({DEPUTY})),
        ),
    )

    @pytest.mark.parametrize(
        ("person", "desk"), [(CLERK, TOWN_HALL), (CLERK, GONE), (OTHER_CLERK, DEPUTY)]
    )
    def test_acts_where_he_administers(self, person: PersonId, desk: DeskId) -> None:
        found = administrator_power(self.REGISTER, PersonAtDesk(person, desk), NOW)
        assert found == Power(PowerKind.ADMINISTRATOR, desk)

    @pytest.mark.parametrize(("person", "desk"), [(MAYOR, TOWN_HALL), (OTHER_CLERK, TOWN_HALL)])
    def test_and_nowhere_else(self, person: PersonId, desk: DeskId) -> None:
        with pytest.raises(NotAdministrator):
            administrator_power(self.REGISTER, PersonAtDesk(person, desk), NOW)

    def test_threat_36_the_role_gives_no_power_at_a_desk(self) -> None:
        assert powers_of(self.REGISTER, OTHER_CLERK, NOW) == ()
        assert not may(self.REGISTER, CLERK)


class TestSuperior:
    @pytest.mark.parametrize(
        ("superiors", "expected"),
        [({DEPUTY: TOWN_HALL}, TOWN_HALL), ({}, None), ({DEPUTY: GONE}, None)],
        ids=["one", "none", "gone"],
    )
    def test_is_the_desk_above(
        self, superiors: dict[DeskId, DeskId], expected: DeskId | None
    ) -> None:
        assert superior_of(replace(REGISTER, superiors=superiors), DEPUTY) == expected
