"""Sending through a real database and a real HTTPS server: exactly one emission, whatever ends."""

from __future__ import annotations

from dataclasses import replace

from app.context import Context
from app.demo.s2low import S2lowDouble
from app.demo.s2low_model import Channel, Mode
from app.demo.town import Town
from app.documents.schemas import REPORT
from app.folders.service import REACT
from app.kit.secrets import keyring_of, new_master_secret
from app.transmissions.service import SUBMIT
from signing.report import Verdict
from tests.app.folders.test_references import chained
from tests.builders import people
from tests.builders.people import ApiPerson
from tests.builders.signing_agents import SigningAgent, open_session
from tests.builders.subtypes import add_subtype, step
from tests.builders.tdt import TdtPki
from tests.builders.towns import DrivenClock, a_town
from tests.builders.transmissions import (
    Waiting,
    attempts_of,
    events_of,
    folder_of,
    make_account_input,
    make_waiting,
    retract_signature,
    schedule_now,
    set_verdict,
    sign,
    transmission_of,
    work,
)
from workflows.definition import Protocol

LOSING = (
    Mode.ACCEPTED_HTTP_500,
    Mode.ACCEPTED_HANG,
    Mode.LOST_ANSWER,
    Mode.ACCEPTED_MALFORMED,
    Mode.ACCEPTED_TRUNCATED,
)
FAILING = (Mode.HTTP_500, Mode.HANG, Mode.LOST_REQUEST, Mode.MALFORMED)


async def _settle(context: Context, clock: DrivenClock, town: Town) -> None:
    """Lets every wait run out, as a day of retries would."""
    for _ in range(6):
        await work(context, town, SUBMIT)
        clock.advance(seconds=120)


async def _one_folder_by_mode(
    context: Context, town: Town, double: S2lowDouble, protocol: Protocol
) -> dict[Mode, Waiting]:
    """A first post that ends in each of the ways that leave its outcome unknown."""
    folders = {}
    for mode in (*LOSING, *FAILING):
        folders[mode] = await make_waiting(context, town, protocol)
        double.script(Channel.SUBMIT, mode)
        await work(context, town, SUBMIT)
    return folders


async def _end_of(context: Context, double: S2lowDouble, waiting: Waiting) -> tuple[str, int]:
    row = await transmission_of(context, waiting)
    return row.state, double.emissions(key=waiting.key)


class TestSend:
    async def test_a_folder_is_sent_once_under_the_id_of_the_remote(
        self, tdt_context: Context, town: Town, double: S2lowDouble, protocol: Protocol
    ) -> None:
        waiting = await make_waiting(tdt_context, town, protocol)
        await work(tdt_context, town, SUBMIT)
        row = await transmission_of(tdt_context, waiting)
        assert (row.state, row.remote_id) == ("sent", str(double.transactions()[0].id))

    async def test_the_folder_says_so(
        self, tdt_context: Context, town: Town, protocol: Protocol
    ) -> None:
        waiting = await make_waiting(tdt_context, town, protocol)
        await work(tdt_context, town, SUBMIT)
        assert (await folder_of(tdt_context, waiting)).status == "transmitted"

    async def test_the_bytes_of_the_signed_revision_arrive_unchanged(
        self, tdt_context: Context, town: Town, double: S2lowDouble, protocol: Protocol
    ) -> None:
        waiting = await make_waiting(tdt_context, town, protocol)
        await work(tdt_context, town, SUBMIT)
        row = await transmission_of(tdt_context, waiting)
        assert double.transactions()[0].sha256 == row.document_sha256

    async def test_annexes_travel_with_their_act(
        self, tdt_context: Context, town: Town, double: S2lowDouble
    ) -> None:
        await make_waiting(tdt_context, town, Protocol.ACTES, annexes=2)
        await work(tdt_context, town, SUBMIT)
        assert len(double.transactions()[0].annexes) == 2

    async def test_an_attempt_is_kept_with_its_outcome(
        self, tdt_context: Context, town: Town, protocol: Protocol
    ) -> None:
        waiting = await make_waiting(tdt_context, town, protocol)
        await work(tdt_context, town, SUBMIT)
        found = [(one.number, one.outcome) for one in await attempts_of(tdt_context, waiting)]
        assert found == [(1, "taken")]

    async def test_scheduling_again_sends_nothing_more(
        self, tdt_context: Context, town: Town, double: S2lowDouble, protocol: Protocol
    ) -> None:
        waiting = await make_waiting(tdt_context, town, protocol)
        await schedule_now(tdt_context, waiting)
        await work(tdt_context, town, SUBMIT)
        await schedule_now(tdt_context, waiting)
        await work(tdt_context, town, SUBMIT)
        assert double.emissions(key=waiting.key) == 1


class TestUnknownOutcome:
    async def test_one_emission_whatever_the_answer(
        self,
        tdt_context: Context,
        town: Town,
        double: S2lowDouble,
        clock: DrivenClock,
        protocol: Protocol,
    ) -> None:
        folders = await _one_folder_by_mode(tdt_context, town, double, protocol)
        await _settle(tdt_context, clock, town)
        found = {mode: await _end_of(tdt_context, double, one) for mode, one in folders.items()}
        assert found == dict.fromkeys((*LOSING, *FAILING), ("sent", 1))

    async def test_the_id_kept_is_the_one_of_the_remote(
        self,
        tdt_context: Context,
        town: Town,
        double: S2lowDouble,
        clock: DrivenClock,
        protocol: Protocol,
    ) -> None:
        waiting = await make_waiting(tdt_context, town, protocol)
        double.script(Channel.SUBMIT, Mode.LOST_ANSWER)
        await _settle(tdt_context, clock, town)
        row = await transmission_of(tdt_context, waiting)
        assert row.remote_id == str(double.transactions()[0].id)

    async def test_an_ordinary_account_sends_a_flow_once_too(
        self, tdt_context: Context, ordinary_town: Town, double: S2lowDouble, clock: DrivenClock
    ) -> None:
        folders = await _one_folder_by_mode(tdt_context, ordinary_town, double, Protocol.HELIOS)
        await _settle(tdt_context, clock, ordinary_town)
        found = {mode: await _end_of(tdt_context, double, one) for mode, one in folders.items()}
        lost = dict.fromkeys(LOSING, ("sent_id_unknown", 1))
        assert found == lost | dict.fromkeys(FAILING, ("sent", 1))

    async def test_a_flow_whose_id_is_lost_is_never_posted_again(
        self, tdt_context: Context, ordinary_town: Town, double: S2lowDouble, clock: DrivenClock
    ) -> None:
        waiting = await make_waiting(tdt_context, ordinary_town, Protocol.HELIOS)
        double.script(Channel.SUBMIT, Mode.LOST_ANSWER)
        await _settle(tdt_context, clock, ordinary_town)
        await _settle(tdt_context, clock, ordinary_town)
        assert len(double.attempts(key=waiting.key)) == 2

    async def test_nothing_is_asked_nor_sent_before_the_send_time_out(
        self,
        tdt_context: Context,
        town: Town,
        double: S2lowDouble,
        clock: DrivenClock,
        protocol: Protocol,
    ) -> None:
        waiting = await make_waiting(tdt_context, town, protocol)
        double.script(Channel.SUBMIT, Mode.HTTP_500)
        await work(tdt_context, town, SUBMIT)
        clock.advance(seconds=tdt_context.settings.tdt.send_s - 1)
        await work(tdt_context, town, SUBMIT)
        assert len(double.attempts(key=waiting.key)) == 0

    async def test_meanwhile_the_transmission_is_ambiguous(
        self, tdt_context: Context, town: Town, double: S2lowDouble, protocol: Protocol
    ) -> None:
        waiting = await make_waiting(tdt_context, town, protocol)
        double.script(Channel.SUBMIT, Mode.LOST_ANSWER)
        await work(tdt_context, town, SUBMIT)
        assert (await transmission_of(tdt_context, waiting)).state == "ambiguous"

    async def test_an_act_absent_twice_waits_for_a_person(
        self, tdt_context: Context, town: Town, double: S2lowDouble, clock: DrivenClock
    ) -> None:
        waiting = await make_waiting(tdt_context, town, Protocol.ACTES)
        double.script(Channel.SUBMIT, Mode.LOST_REQUEST, Mode.LOST_REQUEST)
        await _settle(tdt_context, clock, town)
        assert (await transmission_of(tdt_context, waiting)).state == "needs_person"

    async def test_a_flow_unknown_twice_stays_ambiguous(
        self, tdt_context: Context, ordinary_town: Town, double: S2lowDouble, clock: DrivenClock
    ) -> None:
        waiting = await make_waiting(tdt_context, ordinary_town, Protocol.HELIOS)
        double.script(Channel.SUBMIT, Mode.LOST_REQUEST, Mode.LOST_REQUEST)
        await _settle(tdt_context, clock, ordinary_town)
        row = await transmission_of(tdt_context, waiting)
        assert (row.state, len(await attempts_of(tdt_context, waiting))) == ("ambiguous", 2)

    async def test_a_refusal_after_an_unknown_flow_proves_nothing(
        self, tdt_context: Context, ordinary_town: Town, double: S2lowDouble, clock: DrivenClock
    ) -> None:
        waiting = await make_waiting(tdt_context, ordinary_town, Protocol.HELIOS)
        double.script(Channel.SUBMIT, Mode.LOST_ANSWER, Mode.KO)
        await _settle(tdt_context, clock, ordinary_town)
        folder = await folder_of(tdt_context, waiting)
        row = await transmission_of(tdt_context, waiting)
        assert (row.state, folder.status) == ("needs_person", "transmitting")


class TestRefusal:
    async def test_a_refused_folder_goes_back_with_the_reason(
        self, tdt_context: Context, town: Town, double: S2lowDouble, protocol: Protocol
    ) -> None:
        waiting = await make_waiting(tdt_context, town, protocol)
        double.script(Channel.SUBMIT, Mode.KO)
        await work(tdt_context, town, SUBMIT)
        last = (await events_of(tdt_context, waiting))[-1]
        assert last.kind == "remote_refused"
        assert "l'envoi n'est pas accepté" in last.payload["payload"]["reason"]

    async def test_a_duplicate_on_a_first_attempt_is_a_refusal(
        self, tdt_context: Context, town: Town, double: S2lowDouble, protocol: Protocol
    ) -> None:
        waiting = await make_waiting(tdt_context, town, protocol)
        double.script(Channel.SUBMIT, Mode.DUPLICATE)
        await work(tdt_context, town, SUBMIT)
        assert (await transmission_of(tdt_context, waiting)).state == "refused"

    async def test_an_act_that_the_remote_could_not_take_is_not_sent(
        self, tdt_context: Context, town: Town, double: S2lowDouble
    ) -> None:
        waiting = await make_waiting(tdt_context, town, Protocol.ACTES, annexes=21)
        await work(tdt_context, town, SUBMIT)
        folder = await folder_of(tdt_context, waiting)
        assert (folder.status, double.attempts(key=waiting.key)) == ("transmission_failed", [])


class TestBeforeSending:
    async def test_an_unverified_signature_is_waited_for(
        self, tdt_context: Context, town: Town, double: S2lowDouble, clock: DrivenClock
    ) -> None:
        waiting = await make_waiting(tdt_context, town, Protocol.ACTES, verdict=None)
        await work(tdt_context, town, SUBMIT)
        assert double.attempts() == []
        await set_verdict(tdt_context, waiting, Verdict.VALID)
        clock.advance(seconds=2)
        await work(tdt_context, town, SUBMIT)
        assert double.emissions(key=waiting.key) == 1

    async def test_a_signature_of_the_folder_before_that_is_not_verified_yet_is_waited_for(
        self,
        tdt_context: Context,
        town: Town,
        double: S2lowDouble,
        clock: DrivenClock,
        finances: ApiPerson,
        direction: ApiPerson,
        mayor: ApiPerson,
        agent: SigningAgent,
    ) -> None:
        await add_subtype(
            tdt_context,
            town,
            step(town, "signature", "signature", "maire"),
            key="small_flows",
            protocol=Protocol.HELIOS,
            helios_intake="to_sign",
        )
        ended = await finances.submitted("small_flows")
        await open_session(mayor, agent.issued, ended)
        await agent.sign()
        follower = await chained(finances, ended)
        await finances.submit(follower)
        await people.approve(direction, follower)
        await work(tdt_context, town, REACT)
        await work(tdt_context, town, SUBMIT)
        assert double.attempts() == []
        await work(tdt_context, town, REPORT)
        clock.advance(seconds=2)
        await work(tdt_context, town, SUBMIT)
        assert len(double.attempts()) == 1
        reports = [
            one["report"]["verdict"]
            for folder_id in (ended, follower)
            for one in (await finances.read(folder_id))["documents"][0]["revisions"][-1:]
        ]
        assert reports[0] == reports[1]

    async def test_an_invalid_signature_is_never_sent(
        self, tdt_context: Context, town: Town, double: S2lowDouble, protocol: Protocol
    ) -> None:
        waiting = await make_waiting(tdt_context, town, protocol, verdict=Verdict.INVALID)
        await work(tdt_context, town, SUBMIT)
        folder = await folder_of(tdt_context, waiting)
        assert (folder.status, double.attempts()) == ("transmission_failed", [])
        reason = (await transmission_of(tdt_context, waiting)).detail or ""
        assert reason.startswith("Une signature du document n'est pas valide")

    async def test_threat_06_altered_bytes_are_not_sent(
        self, tdt_context: Context, town: Town, double: S2lowDouble, protocol: Protocol
    ) -> None:
        waiting = await make_waiting(tdt_context, town, protocol)
        row = await transmission_of(tdt_context, waiting)
        path = tdt_context.store.local_path(row.document_sha256)
        assert path is not None
        path.write_bytes(path.read_bytes() + b" ")
        await work(tdt_context, town, SUBMIT)
        row = await transmission_of(tdt_context, waiting)
        assert (row.state, double.attempts()) == ("needs_person", [])

    async def test_a_folder_taken_back_is_not_sent(
        self, tdt_context: Context, town: Town, double: S2lowDouble, protocol: Protocol
    ) -> None:
        waiting = await make_waiting(tdt_context, town, protocol)
        await retract_signature(tdt_context, waiting)
        await work(tdt_context, town, SUBMIT)
        row = await transmission_of(tdt_context, waiting)
        assert (row.state, double.attempts()) == ("withdrawn", [])

    async def test_a_folder_signed_again_is_sent_with_its_new_bytes(
        self, tdt_context: Context, town: Town, double: S2lowDouble, protocol: Protocol
    ) -> None:
        waiting = await make_waiting(tdt_context, town, protocol)
        await retract_signature(tdt_context, waiting)
        await work(tdt_context, town, SUBMIT)
        await sign(tdt_context, waiting, waiting.content + b"\n\n")
        await schedule_now(tdt_context, waiting)
        await work(tdt_context, town, SUBMIT)
        row = await transmission_of(tdt_context, waiting)
        assert [one.sha256 for one in double.transactions()] == [row.document_sha256]

    async def test_signed_again_before_the_first_job_ran_it_is_sent_once(
        self, tdt_context: Context, town: Town, double: S2lowDouble, protocol: Protocol
    ) -> None:
        waiting = await make_waiting(tdt_context, town, protocol)
        await retract_signature(tdt_context, waiting)
        await sign(tdt_context, waiting, waiting.content + b"\n\n")
        await schedule_now(tdt_context, waiting)
        await work(tdt_context, town, SUBMIT)
        assert [one.accepted for one in double.attempts()] == [True]

    async def test_a_type_without_account_waits_for_a_person(self, tdt_context: Context) -> None:
        town = await a_town(tdt_context)
        waiting = await make_waiting(tdt_context, town, Protocol.ACTES)
        row = await transmission_of(tdt_context, waiting)
        assert (row.state, row.account_id) == ("needs_person", None)


class TestSetback:
    async def test_an_unreachable_remote_is_tried_again(
        self, tdt_context: Context, town: Town, double: S2lowDouble, clock: DrivenClock
    ) -> None:
        waiting = await make_waiting(tdt_context, town, Protocol.HELIOS)
        double.script(Channel.PROBE, Mode.HTTP_500)
        await work(tdt_context, town, SUBMIT)
        assert (await transmission_of(tdt_context, waiting)).state == "scheduled"
        clock.advance(seconds=tdt_context.settings.tdt.retry_s)
        await work(tdt_context, town, SUBMIT)
        assert (await transmission_of(tdt_context, waiting)).state == "sent"

    async def test_one_that_fails_between_probe_and_post_is_tried_again(
        self, tdt_context: Context, town: Town, double: S2lowDouble, clock: DrivenClock
    ) -> None:
        waiting = await make_waiting(tdt_context, town, Protocol.HELIOS)
        double.script(Channel.PROBE, Mode.OK, Mode.HTTP_500)
        await work(tdt_context, town, SUBMIT)
        clock.advance(seconds=tdt_context.settings.tdt.retry_s)
        await work(tdt_context, town, SUBMIT)
        outcomes = [one.outcome for one in await attempts_of(tdt_context, waiting)]
        assert outcomes == ["unreachable", "taken"]

    async def test_the_pause_grows(
        self, tdt_context: Context, town: Town, double: S2lowDouble, clock: DrivenClock
    ) -> None:
        await make_waiting(tdt_context, town, Protocol.HELIOS)
        double.set_default(Channel.PROBE, Mode.HTTP_500)
        retry_s = tdt_context.settings.tdt.retry_s
        ran = []
        for pause in (0.0, retry_s, retry_s, retry_s):
            clock.advance(seconds=pause)
            ran.append(await work(tdt_context, town, SUBMIT))
        assert ran == [1, 1, 0, 1]

    async def test_a_refused_account_does_not_send_the_folder_back(
        self, tdt_context: Context, town: Town, double: S2lowDouble, protocol: Protocol
    ) -> None:
        waiting = await make_waiting(tdt_context, town, protocol)
        double.script(Channel.PROBE, Mode.REDIRECT)
        await work(tdt_context, town, SUBMIT)
        row = await transmission_of(tdt_context, waiting)
        folder = await folder_of(tdt_context, waiting)
        assert (row.state, folder.status) == ("needs_person", "awaiting_transmission")

    async def test_threat_29_a_server_outside_the_pinned_authority_receives_nothing(
        self, tdt_context: Context, double: S2lowDouble, tdt_pki: TdtPki, protocol: Protocol
    ) -> None:
        account = make_account_input(double, tdt_pki)
        account.server_ca = tdt_pki.foreign_authority.pem.decode()
        town = await a_town(tdt_context, account=account)
        waiting = await make_waiting(tdt_context, town, protocol)
        await work(tdt_context, town, SUBMIT)
        row = await transmission_of(tdt_context, waiting)
        assert (row.state, double.attempts()) == ("needs_person", [])

    async def test_secrets_sealed_under_another_key_wait_for_a_person(
        self, tdt_context: Context, town: Town, protocol: Protocol
    ) -> None:
        waiting = await make_waiting(tdt_context, town, protocol)
        other = replace(tdt_context, keyring=keyring_of(new_master_secret()))
        await work(other, town, SUBMIT)
        assert (await transmission_of(tdt_context, waiting)).state == "needs_person"
