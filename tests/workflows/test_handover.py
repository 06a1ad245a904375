from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.builders.registers import (
    ALL_FIT,
    APPROVAL,
    CLERK,
    CO_MAYOR,
    COUNCIL,
    DAY,
    DEPUTY,
    FINANCES,
    FIRST,
    GONE,
    MAYOR,
    MONTH,
    NOW,
    REGISTER,
    SECOND,
    SECOND_DEPUTY,
    SIGNATURE,
    STRANGER,
    TERM,
    TOWN_HALL,
    a_grant,
    a_step,
    able,
    may,
    with_grants,
    with_holders,
)
from workflows.definition import StepKind
from workflows.encoding import decode_object, encode_object
from workflows.errors import NoPower, Refused
from workflows.folder import FolderId
from workflows.handover import (
    Bridging,
    Handover,
    HandoverAlreadyHolder,
    HandoverDatesMissing,
    HandoverDeskUnknown,
    HandoverOverlap,
    HandoverRepeated,
    HandoverTransferUnclear,
    OfficeHandover,
    OutgoingNotHolder,
    PendingFolders,
    Vacancy,
    Waiting,
    applied,
    check_handover,
    effects,
    leaves_at,
    stranded,
)
from workflows.obstacles import NobodyAble
from workflows.periods import Period
from workflows.powers import entitlement
from workflows.register import DeskHolder, PersonAtDesk, PersonId, PowerId, PowerKind

ELECTION = NOW
TOWN = OfficeHandover(TOWN_HALL, MAYOR, incoming=CO_MAYOR, starts_at=ELECTION)
FOLDER = FolderId("folder-1")


def plan(**changes: Any) -> Handover:
    """The mayor leaves the town hall."""
    return Handover((replace(TOWN, **changes),))


class TestInstants:
    @pytest.mark.parametrize(
        ("after", "signers"),
        [(-SECOND, {MAYOR}), (0 * SECOND, {CO_MAYOR}), (SECOND, {CO_MAYOR})],
        ids=["before", "at", "after"],
    )
    def test_the_office_changes_hands_at_the_election(
        self, after: timedelta, signers: set[PersonId]
    ) -> None:
        assert able(applied(REGISTER, plan()), instant=ELECTION + after) == signers

    def test_threat_36_a_signature_one_second_later_by_the_outgoing_mayor_is_refused(self) -> None:
        with pytest.raises(NoPower):
            entitlement(
                applied(REGISTER, plan()),
                PersonAtDesk(MAYOR, TOWN_HALL),
                SIGNATURE,
                ALL_FIT,
                ELECTION + SECOND,
            )

    def test_an_earlier_end_may_be_said(self) -> None:
        earlier = plan(ends_at=ELECTION - DAY)
        assert leaves_at(earlier.offices[0]) == ELECTION - DAY
        assert not may(applied(REGISTER, earlier), MAYOR, instant=ELECTION - DAY)

    @pytest.mark.parametrize(
        ("after", "signers"),
        [
            (-DAY - SECOND, {MAYOR}),
            (-DAY, {FIRST}),
            (-SECOND, {FIRST}),
            (0 * SECOND, {CO_MAYOR}),
        ],
        ids=["mayor", "bridging starts", "bridging ends", "election"],
    )
    def test_a_bridging_holder_signs_in_between(
        self, after: timedelta, signers: set[PersonId]
    ) -> None:
        bridged = plan(
            ends_at=ELECTION - DAY, bridging=Bridging(FIRST, Period(ELECTION - DAY, ELECTION))
        )
        assert able(applied(REGISTER, bridged), instant=ELECTION + after) == signers


class TestDelegations:
    OLD = a_grant()
    NEW = a_grant(id=PowerId("grant-2"), grantor=CO_MAYOR, executory_at=ELECTION + DAY)

    def test_lapse_at_that_instant_and_are_listed(self) -> None:
        register = with_grants(self.OLD, self.NEW)
        assert effects(register, plan()).lapsing == (self.OLD,)
        after = applied(register, plan())
        assert may(after, FIRST, instant=ELECTION - SECOND)
        assert not may(after, FIRST, instant=ELECTION)

    @pytest.mark.parametrize(("after", "expected"), [(-SECOND, False), (0 * SECOND, True)])
    def test_new_ones_serve_from_their_executory_date_only(
        self, after: timedelta, expected: bool
    ) -> None:
        register = applied(with_grants(self.OLD, self.NEW), plan())
        assert may(register, FIRST, instant=ELECTION + DAY + after) is expected

    def test_those_of_a_mayor_elected_again_lapse_too(self) -> None:
        again = plan(incoming=MAYOR)
        register = with_grants(self.OLD)
        assert effects(register, again).lapsing == (self.OLD,)
        after = applied(register, again)
        assert (may(after, MAYOR, instant=ELECTION), may(after, FIRST, instant=ELECTION)) == (
            True,
            False,
        )

    def test_what_a_mayor_elected_again_gave_for_his_new_mandate_does_not_lapse(self) -> None:
        later = a_grant(id=PowerId("grant-3"), period=Period(ELECTION + DAY))
        register = with_grants(self.OLD, later)
        assert effects(register, plan(incoming=MAYOR)).lapsing == (self.OLD,)

    def test_those_received_for_an_office_that_is_left_are_listed_once(self) -> None:
        both = a_grant(grantee_office=DEPUTY)
        leaving = Handover((TOWN, OfficeHandover(DEPUTY, FIRST, ends_at=ELECTION)))
        assert effects(with_grants(both), leaving).lapsing == (both,)

    def test_those_received_by_one_who_leaves_his_only_desk_lapse_too(self) -> None:
        leaves = Handover((OfficeHandover(DEPUTY, FIRST, ends_at=ELECTION),))
        assert effects(with_grants(self.OLD), leaves).lapsing == (self.OLD,)
        register = with_holders(DeskHolder(COUNCIL, FIRST, TERM), base=with_grants(self.OLD))
        assert effects(register, leaves).lapsing == ()


class TestEffects:
    def test_say_who_leaves_and_who_comes(self) -> None:
        bridging = Bridging(FIRST, Period(ELECTION, ELECTION + DAY))
        found = effects(
            REGISTER,
            plan(ends_at=ELECTION, starts_at=ELECTION + DAY, bridging=bridging),
        )
        assert found.ending == (DeskHolder(TOWN_HALL, MAYOR, TERM),)
        assert found.starting == (
            DeskHolder(TOWN_HALL, FIRST, bridging.period),
            DeskHolder(TOWN_HALL, CO_MAYOR, Period(ELECTION + DAY)),
        )
        assert found.vacancies == ()

    @pytest.mark.parametrize(
        ("changes", "vacancies"),
        [
            ({}, ()),
            ({"ends_at": ELECTION - DAY}, ((ELECTION - DAY, ELECTION),)),
            (
                {
                    "ends_at": ELECTION - 3 * DAY,
                    "bridging": Bridging(FIRST, Period(ELECTION - 2 * DAY, ELECTION - DAY)),
                },
                ((ELECTION - 3 * DAY, ELECTION - 2 * DAY), (ELECTION - DAY, ELECTION)),
            ),
            (
                {"incoming": None, "starts_at": None, "ends_at": ELECTION},
                ((ELECTION, None),),
            ),
            (
                {
                    "incoming": None,
                    "starts_at": None,
                    "ends_at": ELECTION,
                    "bridging": Bridging(FIRST, Period(ELECTION)),
                },
                (),
            ),
        ],
        ids=["none", "gap", "gaps around the bridging", "post left vacant", "bridging stays"],
    )
    def test_report_an_office_left_without_anybody(
        self, changes: dict[str, Any], vacancies: tuple[Any, ...]
    ) -> None:
        found = effects(REGISTER, plan(**changes)).vacancies
        assert found == tuple(Vacancy(TOWN_HALL, since, until) for since, until in vacancies)

    def test_an_office_with_another_holder_is_not_vacant(self) -> None:
        shared = OfficeHandover(DEPUTY, FIRST, ends_at=ELECTION)
        found = effects(REGISTER, Handover((shared,)))
        assert found.vacancies == ()
        assert able(applied(REGISTER, Handover((shared,))), a_step(StepKind.APPROVAL, DEPUTY)) == {
            SECOND_DEPUTY
        }

    def test_a_holding_that_was_to_end_later_is_cut_short_and_others_stay(self) -> None:
        register = with_holders(DeskHolder(TOWN_HALL, MAYOR, Period(ELECTION + DAY)))
        holders = applied(register, plan()).holders
        assert DeskHolder(TOWN_HALL, MAYOR, Period(TERM.start, ELECTION)) in holders
        assert DeskHolder(TOWN_HALL, MAYOR, Period(ELECTION + DAY)) in holders
        assert DeskHolder(FINANCES, CLERK, TERM) in holders


def test_a_plan_is_stored_and_read_back() -> None:
    full = plan(
        ends_at=ELECTION - DAY,
        bridging=Bridging(FIRST, Period(ELECTION - DAY, ELECTION)),
        pending=PendingFolders.TRANSFER,
        transfer_to=DEPUTY,
    )
    assert decode_object(Handover, encode_object(full)) == full


class TestStranded:
    WAITING = (Waiting(FOLDER, SIGNATURE, ALL_FIT),)

    def test_nothing_is_when_the_offices_are_filled(self) -> None:
        assert stranded(REGISTER, plan(), self.WAITING) == ()

    def test_a_folder_without_able_person_is_reported_with_the_reason(self) -> None:
        gap = plan(ends_at=ELECTION - DAY)
        (found,) = stranded(REGISTER, gap, self.WAITING)
        assert (found.folder, found.since, found.nobody) == (
            FOLDER,
            ELECTION - DAY,
            NobodyAble.NO_HOLDER,
        )
        assert found.detail.startswith("Aucun signataire habilité : le bureau du Maire")

    def test_a_new_holder_without_certificate_is_reported(self) -> None:
        facts = replace(ALL_FIT, fit_signers=frozenset({MAYOR}))
        (found,) = stranded(REGISTER, plan(), (Waiting(FOLDER, SIGNATURE, facts),))
        assert (found.since, found.nobody) == (ELECTION, NobodyAble.NO_FIT_CERTIFICATE)

    def test_an_interim_saves_what_waits(self) -> None:
        register = with_grants(a_grant(PowerKind.INTERIM, period=Period(MONTH.start)))
        assert stranded(register, plan(ends_at=ELECTION - SECOND), self.WAITING) == ()

    def test_nothing_is_left_without_able_person_and_without_report(self) -> None:
        """Second by second around a plan with gaps: the first one is the instant reported."""
        gap = plan(
            ends_at=ELECTION - 4 * SECOND,
            bridging=Bridging(FIRST, Period(ELECTION - 2 * SECOND, ELECTION - SECOND)),
        )
        after = applied(REGISTER, gap)
        seconds = [ELECTION + n * SECOND for n in range(-6, 3)]
        empty = [at for at in seconds if not able(after, instant=at)]
        (found,) = stranded(REGISTER, gap, self.WAITING)
        assert found.since == empty[0]
        vacancies = effects(REGISTER, gap).vacancies
        assert empty == [
            at for at in seconds if any(v.since <= at and (v.until or at) > at for v in vacancies)
        ]


class TestChecks:
    @pytest.mark.parametrize(
        ("changes", "refusal"),
        [
            ({"office": GONE}, HandoverDeskUnknown),
            ({"incoming": None}, HandoverDatesMissing),
            ({"starts_at": None}, HandoverDatesMissing),
            ({"incoming": None, "starts_at": None}, HandoverDatesMissing),
            ({"outgoing": STRANGER}, OutgoingNotHolder),
            ({"ends_at": TERM.start}, OutgoingNotHolder),
            ({"ends_at": ELECTION + SECOND}, HandoverOverlap),
            (
                {"bridging": Bridging(FIRST, Period(ELECTION - SECOND, ELECTION))},
                HandoverOverlap,
            ),
            (
                {
                    "ends_at": ELECTION - DAY,
                    "bridging": Bridging(FIRST, Period(ELECTION - DAY, ELECTION + SECOND)),
                },
                HandoverOverlap,
            ),
            (
                {"ends_at": ELECTION - DAY, "bridging": Bridging(FIRST, Period(ELECTION - DAY))},
                HandoverOverlap,
            ),
            ({"pending": PendingFolders.TRANSFER}, HandoverTransferUnclear),
            ({"transfer_to": DEPUTY}, HandoverTransferUnclear),
            (
                {"pending": PendingFolders.TRANSFER, "transfer_to": TOWN_HALL},
                HandoverTransferUnclear,
            ),
            ({"pending": PendingFolders.TRANSFER, "transfer_to": GONE}, HandoverDeskUnknown),
        ],
        ids=[
            "office unknown",
            "nobody comes at a date",
            "somebody comes at no date",
            "no date at all",
            "outgoing is no holder",
            "outgoing has not come yet",
            "new one comes first",
            "bridging starts first",
            "bridging ends later",
            "bridging does not end",
            "transfer to nowhere",
            "transfer not said",
            "transfer to itself",
            "transfer to an unknown desk",
        ],
    )
    def test_a_plan_that_cannot_be_is_refused(
        self, changes: dict[str, Any], refusal: type[Refused]
    ) -> None:
        for ask in (check_handover, effects, applied):
            with pytest.raises(refusal):
                ask(REGISTER, plan(**changes))

    @pytest.mark.parametrize(
        "more",
        [
            {},
            {"ends_at": ELECTION - DAY, "starts_at": ELECTION + 30 * DAY},
            {
                "incoming": FIRST,
                "ends_at": ELECTION - DAY,
                "bridging": Bridging(CO_MAYOR, Period(ELECTION - DAY, ELECTION)),
            },
        ],
        ids=["from the election", "later", "as bridging"],
    )
    def test_nobody_comes_to_an_office_that_he_holds_then(self, more: dict[str, Any]) -> None:
        own = DeskHolder(TOWN_HALL, CO_MAYOR, Period(TERM.start))
        with pytest.raises(HandoverAlreadyHolder):
            check_handover(with_holders(own), plan(**more))

    def test_nobody_comes_twice_to_an_office(self) -> None:
        register = with_holders(DeskHolder(TOWN_HALL, SECOND_DEPUTY, TERM))
        both = Handover((TOWN, replace(TOWN, outgoing=SECOND_DEPUTY)))
        with pytest.raises(HandoverAlreadyHolder):
            check_handover(register, both)

    def test_who_holds_the_office_before_or_after_and_who_holds_another_may_come(self) -> None:
        bridging = Bridging(CO_MAYOR, Period(ELECTION - DAY, ELECTION))
        register = with_holders(
            DeskHolder(TOWN_HALL, CO_MAYOR, Period(TERM.start, ELECTION - DAY)),
            DeskHolder(DEPUTY, CO_MAYOR, TERM),
        )
        check_handover(register, plan(ends_at=ELECTION - DAY, bridging=bridging))

    def test_a_departure_is_said_once(self) -> None:
        with pytest.raises(HandoverRepeated):
            check_handover(REGISTER, Handover((TOWN, TOWN)))

    @pytest.mark.parametrize(
        ("pending", "desk"),
        [
            (PendingFolders.KEEP, None),
            (PendingFolders.RETURN, None),
            (PendingFolders.TRANSFER, DEPUTY),
        ],
    )
    def test_pending_folders_are_kept_returned_or_transferred(
        self, pending: PendingFolders, desk: Any
    ) -> None:
        check_handover(REGISTER, plan(pending=pending, transfer_to=desk))

    def test_a_holding_that_ends_as_the_plan_says_is_confirmed(self) -> None:
        register = replace(
            REGISTER, holders=(DeskHolder(TOWN_HALL, MAYOR, Period(TERM.start, ELECTION)),)
        )
        assert able(applied(register, plan()), APPROVAL, instant=ELECTION) == {CO_MAYOR}

    def test_a_holding_that_ended_before_is_not(self) -> None:
        register = replace(
            REGISTER,
            holders=(DeskHolder(TOWN_HALL, MAYOR, Period(TERM.start, ELECTION - SECOND)),),
        )
        with pytest.raises(OutgoingNotHolder):
            check_handover(register, plan())
