"""What people read of a transmission, and what an administrator may do about it."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from app import jobs
from app.audit.repository import AuditRepository
from app.context import Context
from app.demo.s2low import S2lowDouble
from app.demo.s2low_model import Channel, Mode, Verdict
from app.demo.town import Town
from app.documents.schemas import REPORT
from app.folders.service import REACT
from app.transmissions.administration import MAX_ACQUIT_BYTES
from app.transmissions.service import POLL, SUBMIT
from app.worker import MAX_ATTEMPTS
from signing import report
from tests.app.conftest import AsPerson, Client
from tests.builders.acknowledgements import AcquitElement, make_acquit, make_error
from tests.builders.damages import file_of
from tests.builders.tdt import TdtPki
from tests.builders.towns import DrivenClock, a_town, cookie_of
from tests.builders.transmissions import (
    Waiting,
    claim_job,
    folder_of,
    jobs_of,
    make_account_input,
    make_waiting,
    set_verdict,
    transmission_of,
    work,
)
from workflows.definition import Protocol


@pytest.fixture
async def admin(as_person: AsPerson) -> Client:
    return await as_person("administrateur")


async def _lost(
    context: Context, clock: DrivenClock, town: Town, double: S2lowDouble, *modes: Mode
) -> Waiting:
    """A flow whose posts ended without a usable answer, and all that follows by itself is done."""
    waiting = await make_waiting(context, town, Protocol.HELIOS)
    double.script(Channel.SUBMIT, *modes)
    for _ in range(4):
        await work(context, town, SUBMIT)
        clock.advance(seconds=context.settings.tdt.send_s)
    return waiting


async def _bury(context: Context, town: Town, kind: str) -> None:
    """The town's job of this kind fails for the last time."""
    job = await claim_job(context, town, kind)
    async with context.unit(town.tenant_id) as session:
        await jobs.bury(session, job, error="OSError")


async def _acknowledged(
    context: Context, clock: DrivenClock, town: Town, protocol: Protocol
) -> Waiting:
    waiting = await make_waiting(context, town, protocol)
    await work(context, town, SUBMIT)
    for _ in range(6):
        clock.advance(seconds=context.settings.tdt.poll_s)
        await work(context, town, POLL)
    return waiting


@pytest.fixture
async def ordinary(tdt_context: Context, anonymous: Client, ordinary_town: Town) -> Client:
    """The administrator of the town whose account may not list flows."""
    value = await cookie_of(tdt_context, ordinary_town, "administrateur")
    anonymous.cookies.set("parapheur_session", value)
    return anonymous


class TestRead:
    async def test_shows_posts_and_receipts(
        self,
        tdt_context: Context,
        town: Town,
        as_person: AsPerson,
        clock: DrivenClock,
        protocol: Protocol,
    ) -> None:
        waiting = await _acknowledged(tdt_context, clock, town, protocol)
        client = await as_person("finances")
        found = (await client.get(f"/folders/{waiting.folder_id}/transmissions")).json()[0]
        kinds = [one["kind"] for one in found["receipts"]]
        assert ([one["outcome"] for one in found["attempts"]], kinds) == (
            ["taken"],
            ["submission", "answer"],
        )

    async def test_an_act_is_received_never_enforceable(
        self, tdt_context: Context, town: Town, as_person: AsPerson, clock: DrivenClock
    ) -> None:
        waiting = await _acknowledged(tdt_context, clock, town, Protocol.ACTES)
        row = await transmission_of(tdt_context, waiting)
        client = await as_person("finances")
        answer = await client.get(f"/folders/{waiting.folder_id}/transmissions")
        assert answer.json()[0]["reception"] == f"Reçu en préfecture le {row.received_on:%d/%m/%Y}"
        assert "exécutoire" not in answer.text

    async def test_a_flow_is_acknowledged_by_the_treasury(
        self, tdt_context: Context, town: Town, as_person: AsPerson, clock: DrivenClock
    ) -> None:
        waiting = await _acknowledged(tdt_context, clock, town, Protocol.HELIOS)
        client = await as_person("finances")
        answer = await client.get(f"/folders/{waiting.folder_id}/transmissions")
        assert answer.json()[0]["reception"] == "Acquitté par la trésorerie"

    async def test_a_receipt_is_downloaded_as_an_attachment(
        self, tdt_context: Context, town: Town, as_person: AsPerson, clock: DrivenClock
    ) -> None:
        waiting = await _acknowledged(tdt_context, clock, town, Protocol.HELIOS)
        client = await as_person("finances")
        found = (await client.get(f"/folders/{waiting.folder_id}/transmissions")).json()[0]
        receipt = found["receipts"][-1]
        path = f"/transmissions/{found['id']}/receipts/{receipt['id']}/content"
        answer = await client.get(path)
        assert b"PES_ACQUIT" in answer.content
        assert answer.headers["Content-Disposition"].startswith("attachment")

    async def test_somebody_who_may_not_read_the_folder_reads_no_receipt(
        self,
        tdt_context: Context,
        town: Town,
        ordinary: Client,
        as_person: AsPerson,
        clock: DrivenClock,
    ) -> None:
        waiting = await _acknowledged(tdt_context, clock, town, Protocol.HELIOS)
        client = await as_person("finances")
        found = (await client.get(f"/folders/{waiting.folder_id}/transmissions")).json()[0]
        path = f"/transmissions/{found['id']}/receipts/{found['receipts'][0]['id']}/content"
        assert (await ordinary.get(path)).status_code == 404

    async def test_an_unknown_folder_is_not_found(self, admin: Client) -> None:
        answer = await admin.get(f"/folders/{uuid.uuid4()}/transmissions")
        assert answer.status_code == 404


class TestListWaiting:
    async def test_lists_what_waits_for_a_person(
        self,
        tdt_context: Context,
        town: Town,
        admin: Client,
        double: S2lowDouble,
    ) -> None:
        double.script(Channel.PROBE, Mode.REDIRECT)
        waiting = await make_waiting(tdt_context, town, Protocol.ACTES)
        await work(tdt_context, town, SUBMIT)
        items = (await admin.get("/transmissions")).json()["items"]
        assert [one["folder_id"] for one in items] == [str(waiting.folder_id)]

    async def test_leaves_out_what_goes_on_by_itself(
        self, tdt_context: Context, town: Town, admin: Client
    ) -> None:
        await make_waiting(tdt_context, town, Protocol.ACTES)
        assert (await admin.get("/transmissions")).json()["items"] == []

    async def test_is_given_page_by_page(
        self, tdt_context: Context, town: Town, admin: Client, double: S2lowDouble
    ) -> None:
        double.set_default(Channel.PROBE, Mode.REDIRECT)
        for _ in range(3):
            await make_waiting(tdt_context, town, Protocol.ACTES)
        await work(tdt_context, town, SUBMIT)
        first = (await admin.get("/transmissions?size=2")).json()
        second = (await admin.get(f"/transmissions?size=2&cursor={first['next_cursor']}")).json()
        assert (len(first["items"]), len(second["items"])) == (2, 1)

    async def test_is_for_administrators(self, town: Town, as_person: AsPerson) -> None:
        del town
        client = await as_person("finances")
        assert (await client.get("/transmissions")).status_code == 403


class TestRemoteId:
    async def test_gives_a_lost_flow_its_id(
        self,
        tdt_context: Context,
        ordinary_town: Town,
        ordinary: Client,
        double: S2lowDouble,
        clock: DrivenClock,
    ) -> None:
        waiting = await _lost(tdt_context, clock, ordinary_town, double, Mode.LOST_ANSWER)
        row = await transmission_of(tdt_context, waiting)
        remote_id = str(double.transactions()[0].id)
        answer = await ordinary.post(
            f"/transmissions/{row.id}/remote-id", json={"remote_id": remote_id}
        )
        assert (answer.status_code, answer.json()["state"]) == (200, "sent")

    async def test_its_answer_then_closes_the_folder(
        self,
        tdt_context: Context,
        ordinary_town: Town,
        ordinary: Client,
        double: S2lowDouble,
        clock: DrivenClock,
    ) -> None:
        waiting = await _lost(tdt_context, clock, ordinary_town, double, Mode.LOST_ANSWER)
        row = await transmission_of(tdt_context, waiting)
        body = {"remote_id": str(double.transactions()[0].id)}
        await ordinary.post(f"/transmissions/{row.id}/remote-id", json=body)
        for _ in range(6):
            clock.advance(seconds=tdt_context.settings.tdt.poll_s)
            await work(tdt_context, ordinary_town, POLL)
        states = [job.state for job in await jobs_of(tdt_context, ordinary_town, POLL)]
        folder = await folder_of(tdt_context, waiting)
        assert (folder.status, set(states)) == ("acknowledged", {"done"})

    async def test_an_act_that_stayed_unknown_takes_its_id_too(
        self,
        tdt_context: Context,
        town: Town,
        admin: Client,
        double: S2lowDouble,
        clock: DrivenClock,
    ) -> None:
        waiting = await make_waiting(tdt_context, town, Protocol.ACTES)
        double.script(Channel.SUBMIT, Mode.LOST_ANSWER)
        await work(tdt_context, town, SUBMIT)
        row = await transmission_of(tdt_context, waiting)
        body = {"remote_id": str(double.transactions()[0].id)}
        answer = await admin.post(f"/transmissions/{row.id}/remote-id", json=body)
        clock.advance(seconds=tdt_context.settings.tdt.send_s)
        await work(tdt_context, town, SUBMIT)
        assert (answer.status_code, double.emissions(key=waiting.key)) == (200, 1)

    async def test_refuses_the_id_of_another_act(
        self,
        tdt_context: Context,
        town: Town,
        admin: Client,
        double: S2lowDouble,
    ) -> None:
        await make_waiting(tdt_context, town, Protocol.ACTES)
        await work(tdt_context, town, SUBMIT)
        waiting = await make_waiting(tdt_context, town, Protocol.ACTES)
        double.script(Channel.SUBMIT, Mode.LOST_ANSWER)
        await work(tdt_context, town, SUBMIT)
        row = await transmission_of(tdt_context, waiting)
        body = {"remote_id": str(double.transactions()[0].id)}
        answer = await admin.post(f"/transmissions/{row.id}/remote-id", json=body)
        assert (answer.status_code, answer.json()["code"]) == (409, "remote_id_taken")

    async def test_refuses_an_id_under_which_the_remote_has_something_else(
        self, tdt_context: Context, town: Town, admin: Client, double: S2lowDouble
    ) -> None:
        waiting = await make_waiting(tdt_context, town, Protocol.ACTES)
        other = await make_waiting(tdt_context, town, Protocol.ACTES)
        double.script(Channel.SUBMIT, Mode.LOST_ANSWER, Mode.LOST_ANSWER)
        await work(tdt_context, town, SUBMIT)
        row = await transmission_of(tdt_context, waiting)
        foreign = next(one.id for one in double.transactions() if one.number == other.key)
        body = {"remote_id": str(foreign)}
        answer = await admin.post(f"/transmissions/{row.id}/remote-id", json=body)
        assert (answer.status_code, answer.json()["code"]) == (409, "remote_id_mismatch")

    async def test_refuses_an_id_for_what_was_never_posted(
        self, tdt_context: Context, town: Town, admin: Client
    ) -> None:
        waiting = await make_waiting(tdt_context, town, Protocol.ACTES)
        row = await transmission_of(tdt_context, waiting)
        answer = await admin.post(f"/transmissions/{row.id}/remote-id", json={"remote_id": "1001"})
        assert (answer.status_code, answer.json()["code"]) == (409, "remote_id_not_awaited")

    async def test_an_unknown_transmission_is_not_found(self, admin: Client) -> None:
        path = f"/transmissions/{uuid.uuid4()}/remote-id"
        assert (await admin.post(path, json={"remote_id": "1"})).status_code == 404


class TestAcknowledgement:
    async def test_an_acquit_closes_the_flow_that_it_names(
        self,
        tdt_context: Context,
        ordinary_town: Town,
        ordinary: Client,
        double: S2lowDouble,
        clock: DrivenClock,
    ) -> None:
        waiting = await _lost(tdt_context, clock, ordinary_town, double, Mode.LOST_ANSWER)
        row = await transmission_of(tdt_context, waiting)
        answer = await ordinary.post(
            f"/transmissions/{row.id}/acknowledgement", content=make_acquit(nomfic=waiting.key)
        )
        assert (answer.status_code, answer.json()["state"]) == (200, "acknowledged")

    async def test_it_proves_that_an_ambiguous_flow_was_taken(
        self,
        tdt_context: Context,
        ordinary_town: Town,
        ordinary: Client,
        double: S2lowDouble,
        clock: DrivenClock,
    ) -> None:
        waiting = await _lost(
            tdt_context, clock, ordinary_town, double, Mode.LOST_REQUEST, Mode.LOST_REQUEST
        )
        row = await transmission_of(tdt_context, waiting)
        path = f"/transmissions/{row.id}/acknowledgement"
        await ordinary.post(path, content=make_acquit(nomfic=waiting.key))
        assert (await folder_of(tdt_context, waiting)).status == "acknowledged"

    async def test_an_acquit_that_refuses_sends_the_folder_back(
        self,
        tdt_context: Context,
        ordinary_town: Town,
        ordinary: Client,
        double: S2lowDouble,
        clock: DrivenClock,
    ) -> None:
        waiting = await _lost(tdt_context, clock, ordinary_town, double, Mode.LOST_ANSWER)
        row = await transmission_of(tdt_context, waiting)
        refused = AcquitElement("0", "5", make_error("4001", "Compte inconnu"))
        answer = await ordinary.post(
            f"/transmissions/{row.id}/acknowledgement",
            content=make_acquit([refused], nomfic=waiting.key),
        )
        assert answer.json()["state"] == "refused"
        assert "Compte inconnu" in answer.json()["detail"]

    async def test_threat_29_the_acquit_of_another_flow_changes_nothing(
        self,
        tdt_context: Context,
        ordinary_town: Town,
        ordinary: Client,
        double: S2lowDouble,
        clock: DrivenClock,
    ) -> None:
        waiting = await _lost(tdt_context, clock, ordinary_town, double, Mode.LOST_ANSWER)
        row = await transmission_of(tdt_context, waiting)
        path = f"/transmissions/{row.id}/acknowledgement"
        other_name = await ordinary.post(path, content=make_acquit(nomfic="AUTRE"))
        other_body = await ordinary.post(
            path, content=make_acquit(nomfic=waiting.key, codcol="999")
        )
        codes = [one.json()["code"] for one in (other_name, other_body)]
        assert codes == ["acknowledgement_mismatch"] * 2

    async def test_threat_29_an_acquit_for_what_was_never_posted_is_refused(
        self, tdt_context: Context, town: Town, admin: Client
    ) -> None:
        waiting = await make_waiting(tdt_context, town, Protocol.HELIOS)
        row = await transmission_of(tdt_context, waiting)
        answer = await admin.post(
            f"/transmissions/{row.id}/acknowledgement", content=make_acquit(nomfic=waiting.key)
        )
        assert (answer.status_code, answer.json()["code"]) == (409, "acknowledgement_not_awaited")

    async def test_threat_29_the_same_acquit_twice_counts_once(
        self,
        tdt_context: Context,
        ordinary_town: Town,
        ordinary: Client,
        double: S2lowDouble,
        clock: DrivenClock,
    ) -> None:
        waiting = await _lost(tdt_context, clock, ordinary_town, double, Mode.LOST_ANSWER)
        row = await transmission_of(tdt_context, waiting)
        path = f"/transmissions/{row.id}/acknowledgement"
        await ordinary.post(path, content=make_acquit(nomfic=waiting.key))
        again = await ordinary.post(path, content=make_acquit(nomfic=waiting.key))
        assert again.status_code == 409

    async def test_threat_29_what_the_remote_says_afterwards_changes_nothing(
        self,
        tdt_context: Context,
        town: Town,
        admin: Client,
        double: S2lowDouble,
        clock: DrivenClock,
    ) -> None:
        waiting = await make_waiting(tdt_context, town, Protocol.HELIOS)
        await work(tdt_context, town, SUBMIT)
        row = await transmission_of(tdt_context, waiting)
        path = f"/transmissions/{row.id}/acknowledgement"
        await admin.post(path, content=make_acquit(nomfic=waiting.key))
        double.set_verdict(Verdict.REFUSED)
        clock.advance(seconds=tdt_context.settings.tdt.poll_s)
        await work(tdt_context, town, POLL)
        states = [job.state for job in await jobs_of(tdt_context, town, POLL)]
        folder = await folder_of(tdt_context, waiting)
        assert (folder.status, states) == ("acknowledged", ["done"])

    @pytest.mark.parametrize("content", [b"", b"not xml", b"<a/>"])
    async def test_another_file_is_refused(
        self, tdt_context: Context, town: Town, admin: Client, content: bytes
    ) -> None:
        waiting = await make_waiting(tdt_context, town, Protocol.HELIOS)
        row = await transmission_of(tdt_context, waiting)
        answer = await admin.post(f"/transmissions/{row.id}/acknowledgement", content=content)
        assert (answer.status_code, answer.json()["code"]) == (422, "not_a_pes_acquit")

    async def test_threat_17_a_huge_file_is_refused_unread(self, admin: Client) -> None:
        answer = await admin.post(
            f"/transmissions/{uuid.uuid4()}/acknowledgement", content=b" " * (MAX_ACQUIT_BYTES + 1)
        )
        assert answer.status_code == 413


class TestRetry:
    async def test_allows_one_post_more_after_two_unknown_ones(
        self,
        tdt_context: Context,
        ordinary_town: Town,
        ordinary: Client,
        double: S2lowDouble,
        clock: DrivenClock,
    ) -> None:
        waiting = await _lost(
            tdt_context, clock, ordinary_town, double, Mode.LOST_REQUEST, Mode.LOST_REQUEST
        )
        row = await transmission_of(tdt_context, waiting)
        answer = await ordinary.post(
            f"/transmissions/{row.id}/retry", json={"reason": "Absent de la plateforme"}
        )
        await work(tdt_context, ordinary_town, SUBMIT)
        assert (answer.status_code, double.emissions(key=waiting.key)) == (200, 1)

    async def test_a_corrected_account_sends(
        self, tdt_context: Context, town: Town, admin: Client, double: S2lowDouble
    ) -> None:
        double.script(Channel.PROBE, Mode.REDIRECT)
        waiting = await make_waiting(tdt_context, town, Protocol.ACTES)
        await work(tdt_context, town, SUBMIT)
        row = await transmission_of(tdt_context, waiting)
        await admin.post(f"/transmissions/{row.id}/retry", json={"reason": "Certificat changé"})
        await work(tdt_context, town, SUBMIT)
        assert double.emissions(key=waiting.key) == 1

    async def test_needs_a_reason(self, tdt_context: Context, town: Town, admin: Client) -> None:
        waiting = await make_waiting(tdt_context, town, Protocol.ACTES)
        row = await transmission_of(tdt_context, waiting)
        answer = await admin.post(f"/transmissions/{row.id}/retry", json={"reason": " "})
        assert answer.status_code == 422

    async def test_refuses_what_goes_on_by_itself(
        self, tdt_context: Context, town: Town, admin: Client
    ) -> None:
        waiting = await make_waiting(tdt_context, town, Protocol.ACTES)
        row = await transmission_of(tdt_context, waiting)
        answer = await admin.post(f"/transmissions/{row.id}/retry", json={"reason": "Essai"})
        assert (answer.status_code, answer.json()["code"]) == (409, "not_retriable")

    async def test_refuses_while_the_outcome_is_being_asked(
        self, tdt_context: Context, town: Town, admin: Client, double: S2lowDouble
    ) -> None:
        double.script(Channel.SUBMIT, Mode.LOST_ANSWER)
        waiting = await make_waiting(tdt_context, town, Protocol.ACTES)
        await work(tdt_context, town, SUBMIT)
        row = await transmission_of(tdt_context, waiting)
        answer = await admin.post(f"/transmissions/{row.id}/retry", json={"reason": "Essai"})
        assert answer.status_code == 409

    async def test_sends_what_died_before_it_was_sent(
        self, tdt_context: Context, town: Town, admin: Client, double: S2lowDouble
    ) -> None:
        waiting = await make_waiting(tdt_context, town, Protocol.ACTES)
        row = await transmission_of(tdt_context, waiting)
        goes_on = (await admin.get("/transmissions")).json()["items"]
        await _bury(tdt_context, town, SUBMIT)
        (stuck,) = (await admin.get("/transmissions")).json()["items"]
        path = f"/transmissions/{row.id}/retry"
        answers = [await admin.post(path, json={"reason": "Disque réparé"}) for _ in range(2)]
        await work(tdt_context, town, SUBMIT)
        assert (goes_on, stuck["id"]) == ([], str(row.id))
        assert [one.status_code for one in answers] == [200, 409]
        assert double.emissions(key=waiting.key) == 1

    async def test_asks_about_what_died_after_it_was_sent(
        self,
        tdt_context: Context,
        town: Town,
        admin: Client,
        double: S2lowDouble,
        clock: DrivenClock,
    ) -> None:
        double.script(Channel.SUBMIT, Mode.LOST_ANSWER)
        waiting = await make_waiting(tdt_context, town, Protocol.ACTES)
        await work(tdt_context, town, SUBMIT)
        row = await transmission_of(tdt_context, waiting)
        clock.advance(seconds=tdt_context.settings.tdt.send_s)
        await _bury(tdt_context, town, SUBMIT)
        path, reason = f"/transmissions/{row.id}/retry", {"reason": "Disque réparé"}
        answer = await admin.post(path, json=reason)
        await work(tdt_context, town, SUBMIT)
        after = await transmission_of(tdt_context, waiting)
        assert (answer.status_code, after.state) == (200, "sent")
        assert double.emissions(key=waiting.key) == 1

    async def test_asks_again_for_the_answer_when_asking_died(
        self,
        tdt_context: Context,
        town: Town,
        admin: Client,
        clock: DrivenClock,
    ) -> None:
        waiting = await make_waiting(tdt_context, town, Protocol.ACTES)
        await work(tdt_context, town, SUBMIT)
        row = await transmission_of(tdt_context, waiting)
        path, reason = f"/transmissions/{row.id}/retry", {"reason": "Disque réparé"}
        early = await admin.post(path, json=reason)
        clock.advance(seconds=tdt_context.settings.tdt.poll_s)
        await _bury(tdt_context, town, POLL)
        (stuck,) = (await admin.get("/transmissions")).json()["items"]
        answer = await admin.post(path, json=reason)
        (owed,) = await jobs_of(tdt_context, town, POLL)
        assert (early.status_code, answer.status_code) == (409, 200)
        assert (stuck["id"], owed.state, owed.attempts) == (str(row.id), "pending", 0)

    async def test_verifies_again_the_signature_that_could_not_be_verified(
        self,
        tdt_context: Context,
        town: Town,
        as_person: AsPerson,
        double: S2lowDouble,
        clock: DrivenClock,
        no_residue: Path,
    ) -> None:
        waiting = await make_waiting(tdt_context, town, Protocol.ACTES, verdict=None)
        row = await transmission_of(tdt_context, waiting)
        stored = file_of(no_residue, row.document_sha256)
        aside = stored.rename(no_residue / "de-cote")
        for _ in range(MAX_ATTEMPTS):
            await work(tdt_context, town, REACT, REPORT, SUBMIT)
            clock.advance(minutes=10)
        await work(tdt_context, town, SUBMIT)
        given_up = await transmission_of(tdt_context, waiting)
        administrator = await as_person("administrateur")
        path, reason = f"/transmissions/{row.id}/retry", {"reason": "Fichier restauré"}
        answer = await administrator.post(path, json=reason)
        await work(tdt_context, town, REPORT)
        (owed,) = await jobs_of(tdt_context, town, REPORT)
        assert (given_up.state, answer.status_code) == ("needs_person", 200)
        assert (owed.state, owed.attempts) == ("pending", 1)
        aside.rename(stored)
        await set_verdict(tdt_context, waiting, report.Verdict.VALID)
        clock.advance(seconds=2)
        await work(tdt_context, town, REPORT, SUBMIT)
        assert double.emissions(key=waiting.key) == 1

    async def test_is_journaled_with_its_author(
        self, tdt_context: Context, town: Town, admin: Client, double: S2lowDouble
    ) -> None:
        double.script(Channel.PROBE, Mode.REDIRECT)
        waiting = await make_waiting(tdt_context, town, Protocol.ACTES)
        await work(tdt_context, town, SUBMIT)
        row = await transmission_of(tdt_context, waiting)
        await admin.post(f"/transmissions/{row.id}/retry", json={"reason": "Certificat changé"})
        async with tdt_context.unit(town.tenant_id) as session:
            last = (await AuditRepository(session).entries_of(waiting.folder_id))[-1]
        assert last.kind == "transmission.retried"
        assert str(town.users["administrateur"]) in last.entry


class TestCheckAccount:
    async def test_says_that_an_account_can_transmit(
        self, tdt_context: Context, town: Town, admin: Client
    ) -> None:
        waiting = await make_waiting(tdt_context, town, Protocol.ACTES)
        row = await transmission_of(tdt_context, waiting)
        answer = await admin.post(f"/connector-accounts/{row.account_id}/check")
        assert answer.json() == {"usable": True, "detail": None}

    async def test_says_what_to_correct(
        self, tdt_context: Context, double: S2lowDouble, tdt_pki: TdtPki, anonymous: Client
    ) -> None:
        account = make_account_input(double, tdt_pki)
        account.server_ca = tdt_pki.foreign_authority.pem.decode()
        town = await a_town(tdt_context, account=account)
        waiting = await make_waiting(tdt_context, town, Protocol.ACTES)
        row = await transmission_of(tdt_context, waiting)
        value = await cookie_of(tdt_context, town, "administrateur")
        anonymous.cookies.set("parapheur_session", value)
        answer = (await anonymous.post(f"/connector-accounts/{row.account_id}/check")).json()
        assert not answer["usable"]
        assert "certificat" in answer["detail"]

    async def test_an_unknown_account_is_not_found(self, admin: Client) -> None:
        answer = await admin.post(f"/connector-accounts/{uuid.uuid4()}/check")
        assert answer.status_code == 404
