"""Sending through a real database and a real HTTPS server: exactly one emission, whatever ends."""

from __future__ import annotations

from dataclasses import replace

from app.context import Context
from app.demo.s2low_model import Channel, Mode
from app.documents.schemas import REPORT
from app.folders.service import REACT
from app.kit.secrets import keyring_of, new_master_secret
from app.transmissions.service import SUBMIT
from signing.report import Verdict
from tests.builders import people
from tests.builders.people import ApiPerson, chained
from tests.builders.signing_agents import SigningAgent, open_session
from tests.builders.subtypes import add_subtype, step
from tests.builders.towns import a_town
from tests.builders.transmissions import (
    Waiting,
    make_waiting,
    retract_signature,
    schedule_now,
    set_verdict,
    sign,
    transmission_of,
    work,
)
from tests.builders.wires import Wire
from workflows.definition import Protocol

LOSING = (
    Mode.ACCEPTED_HTTP_500,
    Mode.ACCEPTED_HANG,
    Mode.LOST_ANSWER,
    Mode.ACCEPTED_MALFORMED,
    Mode.ACCEPTED_TRUNCATED,
)
FAILING = (Mode.HTTP_500, Mode.HANG, Mode.LOST_REQUEST, Mode.MALFORMED)


async def _settle(wire: Wire) -> None:
    """Lets every wait run out, as a day of retries would."""
    for _ in range(6):
        await wire.work(SUBMIT)
        wire.clock.advance(seconds=120)


async def _one_folder_by_mode(wire: Wire, protocol: Protocol) -> dict[Mode, Waiting]:
    """A first post that ends in each of the ways that leave its outcome unknown."""
    folders = {}
    for mode in (*LOSING, *FAILING):
        wire.double.script(Channel.SUBMIT, mode)
        folders[mode] = await wire.posted(protocol)
    return folders


async def _end_of(wire: Wire, waiting: Waiting) -> tuple[str, int]:
    row = await wire.row(waiting)
    return row.state, wire.double.emissions(key=waiting.key)


class TestSend:
    async def test_a_folder_is_sent_once_under_the_id_of_the_remote(
        self, wire: Wire, protocol: Protocol
    ) -> None:
        waiting = await wire.posted(protocol)
        row = await wire.row(waiting)
        assert (row.state, row.remote_id) == ("sent", str(wire.double.transactions()[0].id))

    async def test_the_folder_says_so(self, wire: Wire, protocol: Protocol) -> None:
        waiting = await wire.posted(protocol)
        assert (await wire.folder(waiting)).status == "transmitted"

    async def test_the_bytes_of_the_signed_revision_arrive_unchanged(
        self, wire: Wire, protocol: Protocol
    ) -> None:
        waiting = await wire.posted(protocol)
        row = await wire.row(waiting)
        assert wire.double.transactions()[0].sha256 == row.document_sha256

    async def test_annexes_travel_with_their_act(self, wire: Wire) -> None:
        await wire.waiting(Protocol.ACTES, annexes=2)
        await wire.work(SUBMIT)
        assert len(wire.double.transactions()[0].annexes) == 2

    async def test_an_attempt_is_kept_with_its_outcome(
        self, wire: Wire, protocol: Protocol
    ) -> None:
        waiting = await wire.posted(protocol)
        found = [(one.number, one.outcome) for one in await wire.attempts(waiting)]
        assert found == [(1, "taken")]

    async def test_scheduling_again_sends_nothing_more(
        self, wire: Wire, protocol: Protocol
    ) -> None:
        waiting = await wire.waiting(protocol)
        await schedule_now(wire.context, waiting)
        await wire.work(SUBMIT)
        await schedule_now(wire.context, waiting)
        await wire.work(SUBMIT)
        assert wire.double.emissions(key=waiting.key) == 1


class TestUnknownOutcome:
    async def test_one_emission_whatever_the_answer(self, wire: Wire, protocol: Protocol) -> None:
        folders = await _one_folder_by_mode(wire, protocol)
        await _settle(wire)
        found = {mode: await _end_of(wire, one) for mode, one in folders.items()}
        assert found == dict.fromkeys((*LOSING, *FAILING), ("sent", 1))

    async def test_the_id_kept_is_the_one_of_the_remote(
        self, wire: Wire, protocol: Protocol
    ) -> None:
        waiting = await wire.waiting(protocol)
        wire.double.script(Channel.SUBMIT, Mode.LOST_ANSWER)
        await _settle(wire)
        row = await wire.row(waiting)
        assert row.remote_id == str(wire.double.transactions()[0].id)

    async def test_an_ordinary_account_sends_a_flow_once_too(self, ordinary_wire: Wire) -> None:
        folders = await _one_folder_by_mode(ordinary_wire, Protocol.HELIOS)
        await _settle(ordinary_wire)
        found = {mode: await _end_of(ordinary_wire, one) for mode, one in folders.items()}
        lost = dict.fromkeys(LOSING, ("sent_id_unknown", 1))
        assert found == lost | dict.fromkeys(FAILING, ("sent", 1))

    async def test_a_flow_whose_id_is_lost_is_never_posted_again(self, ordinary_wire: Wire) -> None:
        waiting = await ordinary_wire.waiting(Protocol.HELIOS)
        ordinary_wire.double.script(Channel.SUBMIT, Mode.LOST_ANSWER)
        await _settle(ordinary_wire)
        await _settle(ordinary_wire)
        assert len(ordinary_wire.double.attempts(key=waiting.key)) == 2

    async def test_nothing_is_asked_nor_sent_before_the_send_time_out(
        self, wire: Wire, protocol: Protocol
    ) -> None:
        wire.double.script(Channel.SUBMIT, Mode.HTTP_500)
        waiting = await wire.posted(protocol)
        wire.clock.advance(seconds=wire.context.settings.tdt.send_s - 1)
        await wire.work(SUBMIT)
        assert len(wire.double.attempts(key=waiting.key)) == 0

    async def test_meanwhile_the_transmission_is_ambiguous(
        self, wire: Wire, protocol: Protocol
    ) -> None:
        wire.double.script(Channel.SUBMIT, Mode.LOST_ANSWER)
        waiting = await wire.posted(protocol)
        assert (await wire.row(waiting)).state == "ambiguous"

    async def test_an_act_absent_twice_waits_for_a_person(self, wire: Wire) -> None:
        waiting = await wire.waiting(Protocol.ACTES)
        wire.double.script(Channel.SUBMIT, Mode.LOST_REQUEST, Mode.LOST_REQUEST)
        await _settle(wire)
        assert (await wire.row(waiting)).state == "needs_person"

    async def test_a_flow_unknown_twice_stays_ambiguous(self, ordinary_wire: Wire) -> None:
        waiting = await ordinary_wire.waiting(Protocol.HELIOS)
        ordinary_wire.double.script(Channel.SUBMIT, Mode.LOST_REQUEST, Mode.LOST_REQUEST)
        await _settle(ordinary_wire)
        row = await ordinary_wire.row(waiting)
        assert (row.state, len(await ordinary_wire.attempts(waiting))) == ("ambiguous", 2)

    async def test_a_refusal_after_an_unknown_flow_proves_nothing(
        self, ordinary_wire: Wire
    ) -> None:
        waiting = await ordinary_wire.waiting(Protocol.HELIOS)
        ordinary_wire.double.script(Channel.SUBMIT, Mode.LOST_ANSWER, Mode.KO)
        await _settle(ordinary_wire)
        folder = await ordinary_wire.folder(waiting)
        row = await ordinary_wire.row(waiting)
        assert (row.state, folder.status) == ("needs_person", "transmitting")


class TestRefusal:
    async def test_a_refused_folder_goes_back_with_the_reason(
        self, wire: Wire, protocol: Protocol
    ) -> None:
        wire.double.script(Channel.SUBMIT, Mode.KO)
        waiting = await wire.posted(protocol)
        last = (await wire.events(waiting))[-1]
        assert last.kind == "remote_refused"
        assert "l'envoi n'est pas accepté" in last.payload["payload"]["reason"]

    async def test_a_duplicate_on_a_first_attempt_is_a_refusal(
        self, wire: Wire, protocol: Protocol
    ) -> None:
        wire.double.script(Channel.SUBMIT, Mode.DUPLICATE)
        waiting = await wire.posted(protocol)
        assert (await wire.row(waiting)).state == "refused"

    async def test_an_act_that_the_remote_could_not_take_is_not_sent(self, wire: Wire) -> None:
        waiting = await wire.waiting(Protocol.ACTES, annexes=21)
        await wire.work(SUBMIT)
        folder = await wire.folder(waiting)
        assert (folder.status, wire.double.attempts(key=waiting.key)) == ("transmission_failed", [])


class TestBeforeSending:
    async def test_an_unverified_signature_is_waited_for(self, wire: Wire) -> None:
        waiting = await wire.waiting(Protocol.ACTES, verdict=None)
        await wire.work(SUBMIT)
        assert wire.double.attempts() == []
        await set_verdict(wire.context, waiting, Verdict.VALID)
        wire.clock.advance(seconds=2)
        await wire.work(SUBMIT)
        assert wire.double.emissions(key=waiting.key) == 1

    async def test_a_signature_of_the_folder_before_that_is_not_verified_yet_is_waited_for(
        self,
        wire: Wire,
        finances: ApiPerson,
        direction: ApiPerson,
        mayor: ApiPerson,
        agent: SigningAgent,
    ) -> None:
        await add_subtype(
            wire.context,
            wire.town,
            step(wire.town, "signature", "signature", "maire"),
            key="small_flows",
            protocol=Protocol.HELIOS,
            helios_intake="to_sign",
        )
        ended = await finances.submitted("small_flows")
        await open_session(mayor, agent.issued, ended)
        await agent.sign()
        follower = await chained(finances, ended, "signed_flows")
        await finances.submit(follower)
        await people.approve(direction, follower)
        await wire.work(REACT)
        await wire.work(SUBMIT)
        assert wire.double.attempts() == []
        await wire.work(REPORT)
        wire.clock.advance(seconds=2)
        await wire.work(SUBMIT)
        assert len(wire.double.attempts()) == 1
        reports = [
            one["report"]["verdict"]
            for folder_id in (ended, follower)
            for one in (await finances.read(folder_id))["documents"][0]["revisions"][-1:]
        ]
        assert reports[0] == reports[1]

    async def test_an_invalid_signature_is_never_sent(self, wire: Wire, protocol: Protocol) -> None:
        waiting = await wire.waiting(protocol, verdict=Verdict.INVALID)
        await wire.work(SUBMIT)
        folder = await wire.folder(waiting)
        assert (folder.status, wire.double.attempts()) == ("transmission_failed", [])
        reason = (await wire.row(waiting)).detail or ""
        assert reason.startswith("Une signature du document n'est pas valide")

    async def test_threat_06_altered_bytes_are_not_sent(
        self, wire: Wire, protocol: Protocol
    ) -> None:
        waiting = await wire.waiting(protocol)
        row = await wire.row(waiting)
        path = wire.context.store.local_path(row.document_sha256)
        assert path is not None
        path.write_bytes(path.read_bytes() + b" ")
        await wire.work(SUBMIT)
        row = await wire.row(waiting)
        assert (row.state, wire.double.attempts()) == ("needs_person", [])

    async def test_a_folder_taken_back_is_not_sent(self, wire: Wire, protocol: Protocol) -> None:
        waiting = await wire.waiting(protocol)
        await retract_signature(wire.context, waiting)
        await wire.work(SUBMIT)
        row = await wire.row(waiting)
        assert (row.state, wire.double.attempts()) == ("withdrawn", [])

    async def test_a_folder_signed_again_is_sent_with_its_new_bytes(
        self, wire: Wire, protocol: Protocol
    ) -> None:
        waiting = await wire.waiting(protocol)
        await retract_signature(wire.context, waiting)
        await wire.work(SUBMIT)
        await sign(wire.context, waiting, waiting.content + b"\n\n")
        await schedule_now(wire.context, waiting)
        await wire.work(SUBMIT)
        row = await wire.row(waiting)
        assert [one.sha256 for one in wire.double.transactions()] == [row.document_sha256]

    async def test_signed_again_before_the_first_job_ran_it_is_sent_once(
        self, wire: Wire, protocol: Protocol
    ) -> None:
        waiting = await wire.waiting(protocol)
        await retract_signature(wire.context, waiting)
        await sign(wire.context, waiting, waiting.content + b"\n\n")
        await schedule_now(wire.context, waiting)
        await wire.work(SUBMIT)
        assert [one.accepted for one in wire.double.attempts()] == [True]

    async def test_a_type_without_account_waits_for_a_person(self, tdt_context: Context) -> None:
        town = await a_town(tdt_context)
        waiting = await make_waiting(tdt_context, town, Protocol.ACTES)
        row = await transmission_of(tdt_context, waiting)
        assert (row.state, row.account_id) == ("needs_person", None)


class TestSetback:
    async def test_an_unreachable_remote_is_tried_again(self, wire: Wire) -> None:
        waiting = await wire.waiting(Protocol.HELIOS)
        wire.double.script(Channel.PROBE, Mode.HTTP_500)
        await wire.work(SUBMIT)
        assert (await wire.row(waiting)).state == "scheduled"
        wire.clock.advance(seconds=wire.context.settings.tdt.retry_s)
        await wire.work(SUBMIT)
        assert (await wire.row(waiting)).state == "sent"

    async def test_one_that_fails_between_probe_and_post_is_tried_again(self, wire: Wire) -> None:
        waiting = await wire.waiting(Protocol.HELIOS)
        wire.double.script(Channel.PROBE, Mode.OK, Mode.HTTP_500)
        await wire.work(SUBMIT)
        wire.clock.advance(seconds=wire.context.settings.tdt.retry_s)
        await wire.work(SUBMIT)
        outcomes = [one.outcome for one in await wire.attempts(waiting)]
        assert outcomes == ["unreachable", "taken"]

    async def test_the_pause_grows(self, wire: Wire) -> None:
        await wire.waiting(Protocol.HELIOS)
        wire.double.set_default(Channel.PROBE, Mode.HTTP_500)
        retry_s = wire.context.settings.tdt.retry_s
        ran = []
        for pause in (0.0, retry_s, retry_s, retry_s):
            wire.clock.advance(seconds=pause)
            ran.append(await wire.work(SUBMIT))
        assert ran == [1, 1, 0, 1]

    async def test_a_refused_account_does_not_send_the_folder_back(
        self, wire: Wire, protocol: Protocol
    ) -> None:
        waiting = await wire.waiting(protocol)
        wire.double.script(Channel.PROBE, Mode.REDIRECT)
        await wire.work(SUBMIT)
        row = await wire.row(waiting)
        folder = await wire.folder(waiting)
        assert (row.state, folder.status) == ("needs_person", "awaiting_transmission")

    async def test_threat_29_a_server_outside_the_pinned_authority_receives_nothing(
        self, foreign_wire: Wire, protocol: Protocol
    ) -> None:
        waiting = await foreign_wire.waiting(protocol)
        await foreign_wire.work(SUBMIT)
        row = await foreign_wire.row(waiting)
        assert (row.state, foreign_wire.double.attempts()) == ("needs_person", [])

    async def test_secrets_sealed_under_another_key_wait_for_a_person(
        self, wire: Wire, protocol: Protocol
    ) -> None:
        waiting = await wire.waiting(protocol)
        other = replace(wire.context, keyring=keyring_of(new_master_secret()))
        await work(other, wire.town, SUBMIT)
        assert (await wire.row(waiting)).state == "needs_person"
