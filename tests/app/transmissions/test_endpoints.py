"""What people read of a transmission, and what an administrator may do about it."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response

from app import jobs
from app.audit.repository import AuditRepository
from app.demo.s2low_model import Channel, Mode, Verdict
from app.demo.town import Town
from app.documents.schemas import REPORT
from app.folders.service import REACT
from app.models import Transmission
from app.transmissions.administration import MAX_ACQUIT_BYTES
from app.transmissions.service import POLL, SUBMIT
from app.worker import MAX_ATTEMPTS
from signing import report
from tests.app.conftest import AsPerson, Client, PersonOf
from tests.builders.acknowledgements import AcquitElement, make_acquit, make_error
from tests.builders.damages import file_of
from tests.builders.transmissions import Waiting, claim_job, set_verdict
from tests.builders.wires import Wire
from workflows.definition import Protocol


@pytest.fixture
async def admin(as_person: AsPerson) -> Client:
    return await as_person("administrateur")


@pytest.fixture
async def ordinary(ordinary_wire: Wire, person_of: PersonOf) -> Client:
    """The administrator of the town whose account may not list flows."""
    return (await person_of(ordinary_wire.town, "administrateur")).client


async def _lost(wire: Wire, *modes: Mode) -> Waiting:
    """A flow whose posts ended without a usable answer, and all that follows by itself is done."""
    waiting = await wire.waiting(Protocol.HELIOS)
    wire.double.script(Channel.SUBMIT, *modes)
    for _ in range(4):
        await wire.work(SUBMIT)
        wire.outlast_post()
    return waiting


async def _acknowledged(wire: Wire, protocol: Protocol) -> Waiting:
    waiting = await wire.posted(protocol)
    await wire.poll()
    return waiting


async def _bury(wire: Wire, kind: str) -> None:
    """The town's job of this kind fails for the last time."""
    job = await claim_job(wire.context, wire.town, kind)
    async with wire.context.unit(wire.town.tenant_id) as session:
        await jobs.bury(session, job, error="OSError")


async def _read(reader: Client, waiting: Waiting) -> dict[str, Any]:
    found: dict[str, Any]
    (found,) = (await reader.get(f"/folders/{waiting.folder_id}/transmissions")).json()
    return found


async def _waiting_ids(by: Client) -> list[str]:
    """What waits for a person."""
    return [one["id"] for one in (await by.get("/transmissions")).json()["items"]]


async def _give_id(by: Client, row: Transmission, remote_id: int | str) -> Response:
    body = {"remote_id": str(remote_id)}
    return await by.post(f"/transmissions/{row.id}/remote-id", json=body)


async def _give_acquit(by: Client, row: Transmission, acquit: bytes) -> Response:
    return await by.post(f"/transmissions/{row.id}/acknowledgement", content=acquit)


async def _retry(by: Client, row: Transmission, reason: str) -> Response:
    return await by.post(f"/transmissions/{row.id}/retry", json={"reason": reason})


class TestRead:
    async def test_shows_posts_and_receipts(
        self, wire: Wire, as_person: AsPerson, protocol: Protocol
    ) -> None:
        waiting = await _acknowledged(wire, protocol)
        client = await as_person("finances")
        found = await _read(client, waiting)
        kinds = [one["kind"] for one in found["receipts"]]
        assert ([one["outcome"] for one in found["attempts"]], kinds) == (
            ["taken"],
            ["submission", "answer"],
        )

    async def test_an_act_is_received_never_enforceable(
        self, wire: Wire, as_person: AsPerson
    ) -> None:
        waiting = await _acknowledged(wire, Protocol.ACTES)
        row = await wire.row(waiting)
        client = await as_person("finances")
        answer = await client.get(f"/folders/{waiting.folder_id}/transmissions")
        assert answer.json()[0]["reception"] == f"Reçu en préfecture le {row.received_on:%d/%m/%Y}"
        assert "exécutoire" not in answer.text

    async def test_a_flow_is_acknowledged_by_the_treasury(
        self, wire: Wire, as_person: AsPerson
    ) -> None:
        waiting = await _acknowledged(wire, Protocol.HELIOS)
        found = await _read(await as_person("finances"), waiting)
        assert found["reception"] == "Acquitté par la trésorerie"

    async def test_a_receipt_is_downloaded_as_an_attachment(
        self, wire: Wire, as_person: AsPerson
    ) -> None:
        waiting = await _acknowledged(wire, Protocol.HELIOS)
        client = await as_person("finances")
        found = await _read(client, waiting)
        receipt = found["receipts"][-1]
        path = f"/transmissions/{found['id']}/receipts/{receipt['id']}/content"
        answer = await client.get(path)
        assert b"PES_ACQUIT" in answer.content
        assert answer.headers["Content-Disposition"].startswith("attachment")

    async def test_somebody_who_may_not_read_the_folder_reads_no_receipt(
        self, wire: Wire, ordinary: Client, as_person: AsPerson
    ) -> None:
        waiting = await _acknowledged(wire, Protocol.HELIOS)
        client = await as_person("finances")
        found = await _read(client, waiting)
        path = f"/transmissions/{found['id']}/receipts/{found['receipts'][0]['id']}/content"
        assert (await ordinary.get(path)).status_code == 404

    async def test_an_unknown_folder_is_not_found(self, admin: Client) -> None:
        answer = await admin.get(f"/folders/{uuid.uuid4()}/transmissions")
        assert answer.status_code == 404


class TestListWaiting:
    async def test_lists_what_waits_for_a_person(self, wire: Wire, admin: Client) -> None:
        wire.double.script(Channel.PROBE, Mode.REDIRECT)
        waiting = await wire.posted(Protocol.ACTES)
        items = (await admin.get("/transmissions")).json()["items"]
        assert [one["folder_id"] for one in items] == [str(waiting.folder_id)]

    async def test_leaves_out_what_goes_on_by_itself(self, wire: Wire, admin: Client) -> None:
        await wire.waiting(Protocol.ACTES)
        assert (await admin.get("/transmissions")).json()["items"] == []

    async def test_is_given_page_by_page(self, wire: Wire, admin: Client) -> None:
        wire.double.set_default(Channel.PROBE, Mode.REDIRECT)
        for _ in range(3):
            await wire.posted(Protocol.ACTES)
        first = (await admin.get("/transmissions?size=2")).json()
        second = (await admin.get(f"/transmissions?size=2&cursor={first['next_cursor']}")).json()
        assert (len(first["items"]), len(second["items"])) == (2, 1)

    async def test_is_for_administrators(self, town: Town, as_person: AsPerson) -> None:
        del town
        client = await as_person("finances")
        assert (await client.get("/transmissions")).status_code == 403


class TestRemoteId:
    async def test_gives_a_lost_flow_its_id(self, ordinary_wire: Wire, ordinary: Client) -> None:
        waiting = await _lost(ordinary_wire, Mode.LOST_ANSWER)
        row = await ordinary_wire.row(waiting)
        answer = await _give_id(ordinary, row, ordinary_wire.double.transactions()[0].id)
        assert (answer.status_code, answer.json()["state"]) == (200, "sent")

    async def test_its_answer_then_closes_the_folder(
        self, ordinary_wire: Wire, ordinary: Client
    ) -> None:
        waiting = await _lost(ordinary_wire, Mode.LOST_ANSWER)
        row = await ordinary_wire.row(waiting)
        await _give_id(ordinary, row, ordinary_wire.double.transactions()[0].id)
        await ordinary_wire.poll()
        states = [job.state for job in await ordinary_wire.jobs(POLL)]
        folder = await ordinary_wire.folder(waiting)
        assert (folder.status, set(states)) == ("acknowledged", {"done"})

    async def test_an_act_that_stayed_unknown_takes_its_id_too(
        self, wire: Wire, admin: Client
    ) -> None:
        wire.double.script(Channel.SUBMIT, Mode.LOST_ANSWER)
        waiting = await wire.posted(Protocol.ACTES)
        row = await wire.row(waiting)
        answer = await _give_id(admin, row, wire.double.transactions()[0].id)
        wire.outlast_post()
        await wire.work(SUBMIT)
        assert (answer.status_code, wire.double.emissions(key=waiting.key)) == (200, 1)

    async def test_refuses_the_id_of_another_act(self, wire: Wire, admin: Client) -> None:
        await wire.posted(Protocol.ACTES)
        wire.double.script(Channel.SUBMIT, Mode.LOST_ANSWER)
        waiting = await wire.posted(Protocol.ACTES)
        row = await wire.row(waiting)
        answer = await _give_id(admin, row, wire.double.transactions()[0].id)
        assert (answer.status_code, answer.json()["code"]) == (409, "remote_id_taken")

    async def test_refuses_an_id_under_which_the_remote_has_something_else(
        self, wire: Wire, admin: Client
    ) -> None:
        waiting = await wire.waiting(Protocol.ACTES)
        other = await wire.waiting(Protocol.ACTES)
        wire.double.script(Channel.SUBMIT, Mode.LOST_ANSWER, Mode.LOST_ANSWER)
        await wire.work(SUBMIT)
        row = await wire.row(waiting)
        foreign = next(one.id for one in wire.double.transactions() if one.number == other.key)
        answer = await _give_id(admin, row, foreign)
        assert (answer.status_code, answer.json()["code"]) == (409, "remote_id_mismatch")

    async def test_refuses_an_id_for_what_was_never_posted(self, wire: Wire, admin: Client) -> None:
        waiting = await wire.waiting(Protocol.ACTES)
        row = await wire.row(waiting)
        answer = await _give_id(admin, row, "1001")
        assert (answer.status_code, answer.json()["code"]) == (409, "remote_id_not_awaited")

    async def test_an_unknown_transmission_is_not_found(self, admin: Client) -> None:
        path = f"/transmissions/{uuid.uuid4()}/remote-id"
        assert (await admin.post(path, json={"remote_id": "1"})).status_code == 404


class TestAcknowledgement:
    async def test_an_acquit_closes_the_flow_that_it_names(
        self, ordinary_wire: Wire, ordinary: Client
    ) -> None:
        waiting = await _lost(ordinary_wire, Mode.LOST_ANSWER)
        row = await ordinary_wire.row(waiting)
        answer = await _give_acquit(ordinary, row, make_acquit(nomfic=waiting.key))
        assert (answer.status_code, answer.json()["state"]) == (200, "acknowledged")

    async def test_it_proves_that_an_ambiguous_flow_was_taken(
        self, ordinary_wire: Wire, ordinary: Client
    ) -> None:
        waiting = await _lost(ordinary_wire, Mode.LOST_REQUEST, Mode.LOST_REQUEST)
        row = await ordinary_wire.row(waiting)
        await _give_acquit(ordinary, row, make_acquit(nomfic=waiting.key))
        assert (await ordinary_wire.folder(waiting)).status == "acknowledged"

    async def test_an_acquit_that_refuses_sends_the_folder_back(
        self, ordinary_wire: Wire, ordinary: Client
    ) -> None:
        waiting = await _lost(ordinary_wire, Mode.LOST_ANSWER)
        row = await ordinary_wire.row(waiting)
        refused = AcquitElement("0", "5", make_error("4001", "Compte inconnu"))
        answer = await _give_acquit(ordinary, row, make_acquit([refused], nomfic=waiting.key))
        assert answer.json()["state"] == "refused"
        assert "Compte inconnu" in answer.json()["detail"]

    async def test_threat_29_the_acquit_of_another_flow_changes_nothing(
        self, ordinary_wire: Wire, ordinary: Client
    ) -> None:
        waiting = await _lost(ordinary_wire, Mode.LOST_ANSWER)
        row = await ordinary_wire.row(waiting)
        other_name = await _give_acquit(ordinary, row, make_acquit(nomfic="AUTRE"))
        other_body = await _give_acquit(
            ordinary, row, make_acquit(nomfic=waiting.key, codcol="999")
        )
        codes = [one.json()["code"] for one in (other_name, other_body)]
        assert codes == ["acknowledgement_mismatch"] * 2

    async def test_threat_29_an_acquit_for_what_was_never_posted_is_refused(
        self, wire: Wire, admin: Client
    ) -> None:
        waiting = await wire.waiting(Protocol.HELIOS)
        row = await wire.row(waiting)
        answer = await _give_acquit(admin, row, make_acquit(nomfic=waiting.key))
        assert (answer.status_code, answer.json()["code"]) == (409, "acknowledgement_not_awaited")

    async def test_threat_29_the_same_acquit_twice_counts_once(
        self, ordinary_wire: Wire, ordinary: Client
    ) -> None:
        waiting = await _lost(ordinary_wire, Mode.LOST_ANSWER)
        row = await ordinary_wire.row(waiting)
        await _give_acquit(ordinary, row, make_acquit(nomfic=waiting.key))
        again = await _give_acquit(ordinary, row, make_acquit(nomfic=waiting.key))
        assert again.status_code == 409

    async def test_threat_29_what_the_remote_says_afterwards_changes_nothing(
        self, wire: Wire, admin: Client
    ) -> None:
        waiting = await wire.posted(Protocol.HELIOS)
        row = await wire.row(waiting)
        await _give_acquit(admin, row, make_acquit(nomfic=waiting.key))
        wire.double.set_verdict(Verdict.REFUSED)
        await wire.poll(times=1)
        states = [job.state for job in await wire.jobs(POLL)]
        folder = await wire.folder(waiting)
        assert (folder.status, states) == ("acknowledged", ["done"])

    @pytest.mark.parametrize("content", [b"", b"not xml", b"<a/>"])
    async def test_another_file_is_refused(self, wire: Wire, admin: Client, content: bytes) -> None:
        waiting = await wire.waiting(Protocol.HELIOS)
        row = await wire.row(waiting)
        answer = await _give_acquit(admin, row, content)
        assert (answer.status_code, answer.json()["code"]) == (422, "not_a_pes_acquit")

    async def test_threat_17_a_huge_file_is_refused_unread(self, admin: Client) -> None:
        answer = await admin.post(
            f"/transmissions/{uuid.uuid4()}/acknowledgement", content=b" " * (MAX_ACQUIT_BYTES + 1)
        )
        assert answer.status_code == 413


class TestRetry:
    async def test_allows_one_post_more_after_two_unknown_ones(
        self, ordinary_wire: Wire, ordinary: Client
    ) -> None:
        waiting = await _lost(ordinary_wire, Mode.LOST_REQUEST, Mode.LOST_REQUEST)
        row = await ordinary_wire.row(waiting)
        answer = await _retry(ordinary, row, "Absent de la plateforme")
        await ordinary_wire.work(SUBMIT)
        assert (answer.status_code, ordinary_wire.double.emissions(key=waiting.key)) == (200, 1)

    async def test_a_corrected_account_sends(self, wire: Wire, admin: Client) -> None:
        wire.double.script(Channel.PROBE, Mode.REDIRECT)
        waiting = await wire.posted(Protocol.ACTES)
        row = await wire.row(waiting)
        await _retry(admin, row, "Certificat changé")
        await wire.work(SUBMIT)
        assert wire.double.emissions(key=waiting.key) == 1

    async def test_needs_a_reason(self, wire: Wire, admin: Client) -> None:
        waiting = await wire.waiting(Protocol.ACTES)
        row = await wire.row(waiting)
        answer = await _retry(admin, row, " ")
        assert answer.status_code == 422

    async def test_refuses_what_goes_on_by_itself(self, wire: Wire, admin: Client) -> None:
        waiting = await wire.waiting(Protocol.ACTES)
        row = await wire.row(waiting)
        answer = await _retry(admin, row, "Essai")
        assert (answer.status_code, answer.json()["code"]) == (409, "not_retriable")

    async def test_refuses_while_the_outcome_is_being_asked(
        self, wire: Wire, admin: Client
    ) -> None:
        wire.double.script(Channel.SUBMIT, Mode.LOST_ANSWER)
        waiting = await wire.posted(Protocol.ACTES)
        row = await wire.row(waiting)
        answer = await _retry(admin, row, "Essai")
        assert answer.status_code == 409

    async def test_sends_what_died_before_it_was_sent(self, wire: Wire, admin: Client) -> None:
        waiting = await wire.waiting(Protocol.ACTES)
        row = await wire.row(waiting)
        before = await _waiting_ids(admin)
        await _bury(wire, SUBMIT)
        stuck = await _waiting_ids(admin)
        answers = [await _retry(admin, row, "Disque réparé") for _ in range(2)]
        await wire.work(SUBMIT)
        assert (before, stuck) == ([], [str(row.id)])
        assert [one.status_code for one in answers] == [200, 409]
        assert wire.double.emissions(key=waiting.key) == 1

    async def test_asks_about_what_died_after_it_was_sent(self, wire: Wire, admin: Client) -> None:
        wire.double.script(Channel.SUBMIT, Mode.LOST_ANSWER)
        waiting = await wire.posted(Protocol.ACTES)
        row = await wire.row(waiting)
        wire.outlast_post()
        await _bury(wire, SUBMIT)
        answer = await _retry(admin, row, "Disque réparé")
        await wire.work(SUBMIT)
        after = await wire.row(waiting)
        assert (answer.status_code, after.state) == (200, "sent")
        assert wire.double.emissions(key=waiting.key) == 1

    async def test_asks_again_for_the_answer_when_asking_died(
        self, wire: Wire, admin: Client
    ) -> None:
        waiting = await wire.posted(Protocol.ACTES)
        row = await wire.row(waiting)
        early = await _retry(admin, row, "Disque réparé")
        wire.clock.advance(seconds=wire.context.settings.tdt.poll_s)
        await _bury(wire, POLL)
        stuck = await _waiting_ids(admin)
        answer = await _retry(admin, row, "Disque réparé")
        (owed,) = await wire.jobs(POLL)
        assert (early.status_code, answer.status_code) == (409, 200)
        assert (stuck, owed.state, owed.attempts) == ([str(row.id)], "pending", 0)

    async def test_verifies_again_the_signature_that_could_not_be_verified(
        self, wire: Wire, as_person: AsPerson, no_residue: Path
    ) -> None:
        waiting = await wire.waiting(Protocol.ACTES, verdict=None)
        row = await wire.row(waiting)
        stored = file_of(no_residue, row.document_sha256)
        aside = stored.rename(no_residue / "de-cote")
        for _ in range(MAX_ATTEMPTS):
            await wire.work(REACT, REPORT, SUBMIT)
            wire.clock.advance(minutes=10)
        await wire.work(SUBMIT)
        given_up = await wire.row(waiting)
        administrator = await as_person("administrateur")
        answer = await _retry(administrator, row, "Fichier restauré")
        await wire.work(REPORT)
        (owed,) = await wire.jobs(REPORT)
        assert (given_up.state, answer.status_code) == ("needs_person", 200)
        assert (owed.state, owed.attempts) == ("pending", 1)
        aside.rename(stored)
        await set_verdict(wire.context, waiting, report.Verdict.VALID)
        wire.clock.advance(seconds=2)
        await wire.work(REPORT, SUBMIT)
        assert wire.double.emissions(key=waiting.key) == 1

    async def test_is_journaled_with_its_author(self, wire: Wire, admin: Client) -> None:
        wire.double.script(Channel.PROBE, Mode.REDIRECT)
        waiting = await wire.posted(Protocol.ACTES)
        row = await wire.row(waiting)
        await _retry(admin, row, "Certificat changé")
        async with wire.context.unit(wire.town.tenant_id) as session:
            last = (await AuditRepository(session).entries_of(waiting.folder_id))[-1]
        assert last.kind == "transmission.retried"
        assert str(wire.town.users["administrateur"]) in last.entry


class TestCheckAccount:
    async def test_says_that_an_account_can_transmit(self, wire: Wire, admin: Client) -> None:
        row = await wire.row(await wire.waiting(Protocol.ACTES))
        answer = await admin.post(f"/connector-accounts/{row.account_id}/check")
        assert answer.json() == {"usable": True, "detail": None}

    async def test_says_what_to_correct(self, foreign_wire: Wire, person_of: PersonOf) -> None:
        row = await foreign_wire.row(await foreign_wire.waiting(Protocol.ACTES))
        admin = (await person_of(foreign_wire.town, "administrateur")).client
        answer = (await admin.post(f"/connector-accounts/{row.account_id}/check")).json()
        assert not answer["usable"]
        assert "certificat" in answer["detail"]

    async def test_an_unknown_account_is_not_found(self, admin: Client) -> None:
        answer = await admin.post(f"/connector-accounts/{uuid.uuid4()}/check")
        assert answer.status_code == 404
