"""What comes back from the remote closes the right folder, once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.context import Context
from app.demo.s2low import S2lowDouble
from app.demo.s2low_model import Channel, Mode, Verdict
from app.demo.town import Town
from app.transmissions.repository import TransmissionRepository
from app.transmissions.returns import poll_delay, refusal_reason
from app.transmissions.service import POLL, SUBMIT
from connectors.base import AnswerError
from tests.builders.towns import DrivenClock
from tests.builders.transmissions import (
    Waiting,
    events_of,
    folder_of,
    jobs_of,
    make_waiting,
    transmission_of,
    work,
)
from workflows.definition import Protocol


async def _sent(context: Context, town: Town, protocol: Protocol) -> Waiting:
    waiting = await make_waiting(context, town, protocol)
    await work(context, town, SUBMIT)
    return waiting


async def _poll(context: Context, clock: DrivenClock, town: Town, times: int = 6) -> None:
    for _ in range(times):
        clock.advance(seconds=context.settings.tdt.poll_s)
        await work(context, town, POLL)


async def _receipts(context: Context, waiting: Waiting) -> dict[str, bytes]:
    row = await transmission_of(context, waiting)
    async with context.unit(waiting.town.tenant_id) as session:
        rows = await TransmissionRepository(session).receipts([row.id])
    return {
        one.kind: await context.store.read_verified(one.sha256, limit_bytes=10**6) for one in rows
    }


class TestAnswer:
    async def test_an_accepted_folder_ends_acknowledged(
        self,
        tdt_context: Context,
        town: Town,
        clock: DrivenClock,
        protocol: Protocol,
    ) -> None:
        waiting = await _sent(tdt_context, town, protocol)
        await _poll(tdt_context, clock, town)
        row = await transmission_of(tdt_context, waiting)
        folder = await folder_of(tdt_context, waiting)
        assert (row.state, folder.status) == ("acknowledged", "acknowledged")

    async def test_an_act_keeps_its_reference_and_day_of_reception(
        self, tdt_context: Context, town: Town, double: S2lowDouble, clock: DrivenClock
    ) -> None:
        waiting = await _sent(tdt_context, town, Protocol.ACTES)
        await _poll(tdt_context, clock, town)
        row = await transmission_of(tdt_context, waiting)
        assert row.reference == double.transactions()[0].reference
        today = datetime.now(UTC).date()
        assert row.received_on in (today, today - timedelta(days=1))

    async def test_the_answer_is_kept_as_received(
        self, tdt_context: Context, town: Town, clock: DrivenClock, protocol: Protocol
    ) -> None:
        waiting = await _sent(tdt_context, town, protocol)
        await _poll(tdt_context, clock, town)
        answer = (await _receipts(tdt_context, waiting))["answer"]
        expected = b"ARActe" if protocol is Protocol.ACTES else b"PES_ACQUIT"
        assert expected in answer

    async def test_the_answer_to_the_post_is_kept_too(
        self, tdt_context: Context, town: Town, double: S2lowDouble, protocol: Protocol
    ) -> None:
        waiting = await _sent(tdt_context, town, protocol)
        sent = str(double.transactions()[0].id).encode()
        assert sent in (await _receipts(tdt_context, waiting))["submission"]

    async def test_the_polling_job_ends_with_the_answer(
        self, tdt_context: Context, town: Town, clock: DrivenClock, protocol: Protocol
    ) -> None:
        await _sent(tdt_context, town, protocol)
        await _poll(tdt_context, clock, town)
        assert [job.state for job in await jobs_of(tdt_context, town, POLL)] == ["done"]

    @pytest.mark.parametrize("verdict", [Verdict.REFUSED, Verdict.TECHNICAL])
    async def test_a_refusal_of_the_recipient_goes_back_with_its_reasons(
        self,
        tdt_context: Context,
        town: Town,
        double: S2lowDouble,
        clock: DrivenClock,
        protocol: Protocol,
        verdict: Verdict,
    ) -> None:
        double.set_verdict(verdict)
        waiting = await _sent(tdt_context, town, protocol)
        await _poll(tdt_context, clock, town)
        last = (await events_of(tdt_context, waiting))[-1].payload
        assert (last["type"], last["payload"]["refused_by"]) == ("remote_refused", "recipient")
        assert last["payload"]["reason"]

    async def test_an_error_of_the_carrier_says_so(
        self,
        tdt_context: Context,
        town: Town,
        double: S2lowDouble,
        clock: DrivenClock,
        protocol: Protocol,
    ) -> None:
        double.set_verdict(Verdict.ERROR)
        waiting = await _sent(tdt_context, town, protocol)
        await _poll(tdt_context, clock, town)
        last = (await events_of(tdt_context, waiting))[-1].payload["payload"]
        assert last["refused_by"] == "transmission_operator"
        assert "la signature n'est pas « valide »" in last["reason"]

    async def test_a_flow_in_error_must_change_its_name(
        self, tdt_context: Context, town: Town, double: S2lowDouble, clock: DrivenClock
    ) -> None:
        double.set_verdict(Verdict.ERROR)
        waiting = await _sent(tdt_context, town, Protocol.HELIOS)
        await _poll(tdt_context, clock, town)
        assert "NomFic" in ((await transmission_of(tdt_context, waiting)).detail or "")

    async def test_the_status_that_closed_the_folder_is_kept(
        self,
        tdt_context: Context,
        town: Town,
        double: S2lowDouble,
        clock: DrivenClock,
        protocol: Protocol,
    ) -> None:
        double.set_verdict(Verdict.ERROR)
        waiting = await _sent(tdt_context, town, protocol)
        await _poll(tdt_context, clock, town)
        assert b"-1" in (await _receipts(tdt_context, waiting))["status"]

    async def test_an_emission_cancelled_at_the_remote_goes_back(
        self,
        tdt_context: Context,
        town: Town,
        double: S2lowDouble,
        clock: DrivenClock,
        protocol: Protocol,
    ) -> None:
        waiting = await _sent(tdt_context, town, protocol)
        double.set_status(str(double.transactions()[0].id), 0)
        await _poll(tdt_context, clock, town)
        assert (await folder_of(tdt_context, waiting)).status == "remote_refused"


class TestSilence:
    @pytest.mark.parametrize("status", [3, 17, 777])
    async def test_a_status_without_answer_is_asked_again(
        self,
        tdt_context: Context,
        town: Town,
        double: S2lowDouble,
        clock: DrivenClock,
        status: int,
    ) -> None:
        double.set_verdict(Verdict.SILENT)
        waiting = await _sent(tdt_context, town, Protocol.ACTES)
        double.set_status(str(double.transactions()[0].id), status)
        await _poll(tdt_context, clock, town, times=2)
        row = await transmission_of(tdt_context, waiting)
        assert (row.state, row.remote_code, row.polls) == ("sent", status, 2)

    async def test_a_question_that_fails_is_asked_again(
        self,
        tdt_context: Context,
        town: Town,
        double: S2lowDouble,
        clock: DrivenClock,
        protocol: Protocol,
    ) -> None:
        waiting = await _sent(tdt_context, town, protocol)
        failures = (Mode.HTTP_500, Mode.MALFORMED, Mode.LOGIN_PAGE, Mode.REDIRECT, Mode.KO)
        double.script(Channel.READ, *failures)
        await _poll(tdt_context, clock, town, times=5)
        assert (await folder_of(tdt_context, waiting)).status == "transmitted"
        clock.advance(hours=1)
        await _poll(tdt_context, clock, town)
        assert (await folder_of(tdt_context, waiting)).status == "acknowledged"

    async def test_an_emission_closed_without_answer_waits_for_a_person(
        self,
        tdt_context: Context,
        town: Town,
        double: S2lowDouble,
        clock: DrivenClock,
    ) -> None:
        waiting = await _sent(tdt_context, town, Protocol.HELIOS)
        double.set_status(str(double.transactions()[0].id), 24)
        await _poll(tdt_context, clock, town, times=1)
        row = await transmission_of(tdt_context, waiting)
        folder = await folder_of(tdt_context, waiting)
        assert (row.state, folder.status) == ("needs_person", "transmitted")


class TestThreat29:
    async def test_threat_29_the_answer_of_another_folder_is_not_taken(
        self,
        tdt_context: Context,
        town: Town,
        double: S2lowDouble,
        clock: DrivenClock,
        protocol: Protocol,
    ) -> None:
        waiting = await _sent(tdt_context, town, protocol)
        one = double.transactions()[0]
        one.number, one.nomfic = "AUTRE", "AUTRE"
        _swap_content(double)
        await _poll(tdt_context, clock, town)
        row = await transmission_of(tdt_context, waiting)
        folder = await folder_of(tdt_context, waiting)
        assert (row.state, folder.status) == ("needs_person", "transmitted")

    async def test_threat_29_what_came_instead_is_kept_aside(
        self, tdt_context: Context, town: Town, double: S2lowDouble, clock: DrivenClock
    ) -> None:
        waiting = await _sent(tdt_context, town, Protocol.ACTES)
        double.transactions()[0].number = "AUTRE"
        await _poll(tdt_context, clock, town)
        assert b"AUTRE" in (await _receipts(tdt_context, waiting))["unreadable"]

    async def test_threat_29_a_second_answer_changes_nothing(
        self,
        tdt_context: Context,
        town: Town,
        double: S2lowDouble,
        clock: DrivenClock,
        protocol: Protocol,
    ) -> None:
        waiting = await _sent(tdt_context, town, protocol)
        await _poll(tdt_context, clock, town)
        before = len(await events_of(tdt_context, waiting))
        double.set_verdict(Verdict.REFUSED)
        await _poll(tdt_context, clock, town)
        assert len(await events_of(tdt_context, waiting)) == before


class TestLostId:
    async def test_the_id_of_a_flow_is_found_by_an_account_that_may_list(
        self, tdt_context: Context, town: Town, double: S2lowDouble, clock: DrivenClock
    ) -> None:
        waiting = await make_waiting(tdt_context, town, Protocol.HELIOS)
        double.script(Channel.SUBMIT, Mode.LOST_ANSWER)
        await work(tdt_context, town, SUBMIT)
        clock.advance(seconds=tdt_context.settings.tdt.send_s)
        await work(tdt_context, town, SUBMIT)
        await _poll(tdt_context, clock, town)
        assert (await folder_of(tdt_context, waiting)).status == "acknowledged"

    async def test_otherwise_it_is_looked_for_from_time_to_time(
        self, tdt_context: Context, ordinary_town: Town, double: S2lowDouble, clock: DrivenClock
    ) -> None:
        waiting = await make_waiting(tdt_context, ordinary_town, Protocol.HELIOS)
        double.script(Channel.SUBMIT, Mode.LOST_ANSWER)
        await work(tdt_context, ordinary_town, SUBMIT)
        clock.advance(seconds=tdt_context.settings.tdt.send_s)
        await work(tdt_context, ordinary_town, SUBMIT)
        await _poll(tdt_context, clock, ordinary_town, times=3)
        row = await transmission_of(tdt_context, waiting)
        assert (row.state, row.polls) == ("sent_id_unknown", 3)


class TestPace:
    @pytest.mark.parametrize(
        ("polls", "minutes"), [(0, 1), (9, 1), (10, 15), (105, 15), (106, 60), (5000, 60)]
    )
    def test_questions_become_rarer(self, polls: int, minutes: int) -> None:
        assert poll_delay(polls, 60.0) == timedelta(minutes=minutes)


class TestRefusalReason:
    def test_names_place_text_and_code(self) -> None:
        error = AnswerError("4001", "Compte inconnu", "dépense, bordereau 42")
        assert refusal_reason((error,)) == "dépense, bordereau 42 : Compte inconnu (4001)"

    def test_counts_what_it_does_not_show(self) -> None:
        error = AnswerError(None, "Compte inconnu", "dépense")
        assert refusal_reason((error,) * 23).endswith("Et 3 autre(s) anomalie(s), voir l'accusé.")

    def test_says_that_there_is_none(self) -> None:
        assert "sans motif" in refusal_reason(())


def _swap_content(double: S2lowDouble) -> None:
    """The file behind the transaction becomes another flow, so that its ACQUIT names that one."""
    path = double.store.directory / double.transactions()[0].file
    content = path.read_bytes()
    start = content.find(b'NomFic V="')
    if start >= 0:
        path.write_bytes(content.replace(b"FLUX_", b"FAUX_"))
