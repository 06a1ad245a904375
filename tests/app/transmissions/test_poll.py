"""What comes back from the remote closes the right folder, once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.demo.s2low import S2lowDouble
from app.demo.s2low_model import Channel, Mode, Verdict
from app.transmissions.returns import poll_delay, refusal_reason
from app.transmissions.service import POLL, SUBMIT
from connectors.base import AnswerError
from tests.builders.wires import Wire
from workflows.definition import Protocol


class TestAnswer:
    async def test_an_accepted_folder_ends_acknowledged(
        self, wire: Wire, protocol: Protocol
    ) -> None:
        waiting = await wire.posted(protocol)
        await wire.poll()
        row = await wire.row(waiting)
        folder = await wire.folder(waiting)
        assert (row.state, folder.status) == ("acknowledged", "acknowledged")

    async def test_an_act_keeps_its_reference_and_day_of_reception(self, wire: Wire) -> None:
        waiting = await wire.posted(Protocol.ACTES)
        await wire.poll()
        row = await wire.row(waiting)
        assert row.reference == wire.double.transactions()[0].reference
        today = datetime.now(UTC).date()
        assert row.received_on in (today, today - timedelta(days=1))

    async def test_the_answer_is_kept_as_received(self, wire: Wire, protocol: Protocol) -> None:
        waiting = await wire.posted(protocol)
        await wire.poll()
        answer = (await wire.receipts(waiting))["answer"]
        expected = b"ARActe" if protocol is Protocol.ACTES else b"PES_ACQUIT"
        assert expected in answer

    async def test_the_answer_to_the_post_is_kept_too(self, wire: Wire, protocol: Protocol) -> None:
        waiting = await wire.posted(protocol)
        sent = str(wire.double.transactions()[0].id).encode()
        assert sent in (await wire.receipts(waiting))["submission"]

    async def test_the_polling_job_ends_with_the_answer(
        self, wire: Wire, protocol: Protocol
    ) -> None:
        await wire.posted(protocol)
        await wire.poll()
        assert [job.state for job in await wire.jobs(POLL)] == ["done"]

    @pytest.mark.parametrize("verdict", [Verdict.REFUSED, Verdict.TECHNICAL])
    async def test_a_refusal_of_the_recipient_goes_back_with_its_reasons(
        self, wire: Wire, protocol: Protocol, verdict: Verdict
    ) -> None:
        wire.double.set_verdict(verdict)
        waiting = await wire.posted(protocol)
        await wire.poll()
        last = (await wire.events(waiting))[-1].payload
        assert (last["type"], last["payload"]["refused_by"]) == ("remote_refused", "recipient")
        assert last["payload"]["reason"]

    async def test_an_error_of_the_carrier_says_so(self, wire: Wire, protocol: Protocol) -> None:
        wire.double.set_verdict(Verdict.ERROR)
        waiting = await wire.posted(protocol)
        await wire.poll()
        last = (await wire.events(waiting))[-1].payload["payload"]
        assert last["refused_by"] == "transmission_operator"
        assert "la signature n'est pas « valide »" in last["reason"]

    async def test_a_flow_in_error_must_change_its_name(self, wire: Wire) -> None:
        wire.double.set_verdict(Verdict.ERROR)
        waiting = await wire.posted(Protocol.HELIOS)
        await wire.poll()
        assert "NomFic" in ((await wire.row(waiting)).detail or "")

    async def test_the_status_that_closed_the_folder_is_kept(
        self, wire: Wire, protocol: Protocol
    ) -> None:
        wire.double.set_verdict(Verdict.ERROR)
        waiting = await wire.posted(protocol)
        await wire.poll()
        assert b"-1" in (await wire.receipts(waiting))["status"]

    async def test_an_emission_cancelled_at_the_remote_goes_back(
        self, wire: Wire, protocol: Protocol
    ) -> None:
        waiting = await wire.posted(protocol)
        wire.double.set_status(str(wire.double.transactions()[0].id), 0)
        await wire.poll()
        assert (await wire.folder(waiting)).status == "remote_refused"


class TestSilence:
    @pytest.mark.parametrize("status", [3, 17, 777])
    async def test_a_status_without_answer_is_asked_again(self, wire: Wire, status: int) -> None:
        wire.double.set_verdict(Verdict.SILENT)
        waiting = await wire.posted(Protocol.ACTES)
        wire.double.set_status(str(wire.double.transactions()[0].id), status)
        await wire.poll(times=2)
        row = await wire.row(waiting)
        assert (row.state, row.remote_code, row.polls) == ("sent", status, 2)

    async def test_a_question_that_fails_is_asked_again(
        self, wire: Wire, protocol: Protocol
    ) -> None:
        waiting = await wire.posted(protocol)
        failures = (Mode.HTTP_500, Mode.MALFORMED, Mode.LOGIN_PAGE, Mode.REDIRECT, Mode.KO)
        wire.double.script(Channel.READ, *failures)
        await wire.poll(times=5)
        assert (await wire.folder(waiting)).status == "transmitted"
        wire.clock.advance(hours=1)
        await wire.poll()
        assert (await wire.folder(waiting)).status == "acknowledged"

    async def test_an_emission_closed_without_answer_waits_for_a_person(self, wire: Wire) -> None:
        waiting = await wire.posted(Protocol.HELIOS)
        wire.double.set_status(str(wire.double.transactions()[0].id), 24)
        await wire.poll(times=1)
        row = await wire.row(waiting)
        folder = await wire.folder(waiting)
        assert (row.state, folder.status) == ("needs_person", "transmitted")


class TestThreat29:
    async def test_threat_29_the_answer_of_another_folder_is_not_taken(
        self, wire: Wire, protocol: Protocol
    ) -> None:
        waiting = await wire.posted(protocol)
        one = wire.double.transactions()[0]
        one.number, one.nomfic = "AUTRE", "AUTRE"
        _swap_content(wire.double)
        await wire.poll()
        row = await wire.row(waiting)
        folder = await wire.folder(waiting)
        assert (row.state, folder.status) == ("needs_person", "transmitted")

    async def test_threat_29_what_came_instead_is_kept_aside(self, wire: Wire) -> None:
        waiting = await wire.posted(Protocol.ACTES)
        wire.double.transactions()[0].number = "AUTRE"
        await wire.poll()
        assert b"AUTRE" in (await wire.receipts(waiting))["unreadable"]

    async def test_threat_29_a_second_answer_changes_nothing(
        self, wire: Wire, protocol: Protocol
    ) -> None:
        waiting = await wire.posted(protocol)
        await wire.poll()
        before = len(await wire.events(waiting))
        wire.double.set_verdict(Verdict.REFUSED)
        await wire.poll()
        assert len(await wire.events(waiting)) == before


class TestLostId:
    async def test_the_id_of_a_flow_is_found_by_an_account_that_may_list(self, wire: Wire) -> None:
        wire.double.script(Channel.SUBMIT, Mode.LOST_ANSWER)
        waiting = await wire.posted(Protocol.HELIOS)
        wire.outlast_post()
        await wire.work(SUBMIT)
        await wire.poll()
        assert (await wire.folder(waiting)).status == "acknowledged"

    async def test_otherwise_it_is_looked_for_from_time_to_time(self, ordinary_wire: Wire) -> None:
        ordinary_wire.double.script(Channel.SUBMIT, Mode.LOST_ANSWER)
        waiting = await ordinary_wire.posted(Protocol.HELIOS)
        ordinary_wire.outlast_post()
        await ordinary_wire.work(SUBMIT)
        await ordinary_wire.poll(times=3)
        row = await ordinary_wire.row(waiting)
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
