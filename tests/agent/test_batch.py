"""The agent process signs what it has rebuilt, and only that; the PIN is read once or never."""

from __future__ import annotations

import base64
import json
import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from app.demo.pki import Validity
from tests.agent.conftest import Station, paired
from tests.builders.agent_documents import (
    PreparedItem,
    prepared_detached,
    prepared_pdf,
    prepared_pes,
)
from tests.builders.agent_process import AgentProcess
from tests.builders.agent_server import AgentServer, Problem, QueuedJob, agent_server, moment
from tests.builders.tokens import PIN, TokenAndSigner, create_signer, create_token

Sent = Callable[[Station], QueuedJob]


def _altered(station: Station) -> QueuedJob:
    job = station.job([prepared_pdf(station.kit.signer)])
    station.server.send(job, alter=lambda p: p.replace(b"Dossier 1", b"Dossier 2"))
    return job


def _a_capacity_that_is_not_shown(station: Station) -> QueuedJob:
    letter = prepared_detached(station.kit.signer)
    job = station.job([PreparedItem(letter.document, letter.entry | {"claimed_role": "Préfet"})])
    station.server.send(job)
    return job


def _expired(station: Station) -> QueuedJob:
    past = moment(datetime.now(UTC) - timedelta(seconds=5))
    job = station.job([prepared_pdf(station.kit.signer)], accept_before=past)
    station.server.send(job)
    return job


def _signed_by_another_key(station: Station) -> QueuedJob:
    job = station.job([prepared_pdf(station.kit.signer)])
    station.server.send(job, key=Ed25519PrivateKey.generate())
    return job


def _for_another_device(station: Station) -> QueuedJob:
    job = station.job([prepared_pdf(station.kit.signer)], device_id=str(uuid.uuid4()))
    station.server.send(job)
    return job


def _from_another_server(station: Station) -> QueuedJob:
    job = station.job([prepared_pdf(station.kit.signer)], server="https://autre.invalid")
    station.server.send(job)
    return job


def _for_another_certificate(station: Station) -> QueuedJob:
    other = create_signer("Dominique Martin")
    job = station.server.prepare_job([prepared_pdf(other)], certificate=other.der)
    station.server.send(job)
    return job


def _one_digest_that_does_not_rebuild(station: Station) -> QueuedJob:
    signer = station.kit.signer
    shown, signed = prepared_pdf(signer, padding=10), prepared_pdf(signer, padding=20)
    mixed = PreparedItem(shown.document, shown.entry | {"to_sign": signed.entry["to_sign"]})
    job = station.job([prepared_pes(signer), mixed])
    station.server.send(job)
    return job


REFUSED: list[tuple[str, Sent]] = [
    ("job_bad_signature", _altered),
    ("job_expired", _expired),
    ("job_bad_signature", _signed_by_another_key),
    ("job_other_device", _for_another_device),
    ("job_other_server", _from_another_server),
    ("job_other_certificate", _for_another_certificate),
    ("digest_differs", _one_digest_that_does_not_rebuild),
    ("role_differs", _a_capacity_that_is_not_shown),
]


ACCEPTED_FIRST = ("digest_differs", "role_differs")


@dataclass(frozen=True, slots=True)
class Running:
    """An agent already waiting, with enough PIN lines for the tests that share it."""

    station: Station
    agent: AgentProcess

    def pins_read_for(self, job: QueuedJob, sent: Callable[[], None], said: str) -> int:
        """Sends the job, waits until the agent prints `said`; how many PINs were read for it."""
        before = self.agent.pin_unread()
        sent()
        self.agent.wait_for(said)
        return (before - self.agent.pin_unread()) // len(f"{PIN}\n")


@pytest.fixture(scope="module")
def shared_agent(
    kit: TokenAndSigner, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    with agent_server() as server:
        station = paired(server, kit, tmp_path_factory.mktemp("shared") / "state")
        with station.start(pin="\n".join([PIN] * 20)) as agent:
            agent.wait_for("En attente")
            yield Running(station, agent)


@pytest.fixture
def running(shared_agent: Running) -> Iterator[Running]:
    yield shared_agent
    shared_agent.station.server.calm()


class TestHappyPath:
    def test_signs_a_pdf_a_flow_and_a_file_apart_with_one_pin(self, running: Running) -> None:
        station = running.station
        signer = station.kit.signer
        items = [prepared_pdf(signer), prepared_pes(signer, slips=2), prepared_detached(signer)]
        job = station.job(items)
        assert running.pins_read_for(job, lambda: station.server.send(job), "Terminé") == 1
        assert _verified(station, job) == 4
        assert job.end == {"outcome": "done", "code": None, "detail": None}

    def test_keeps_a_local_journal_of_what_was_signed(self, running: Running) -> None:
        job = running.station.job([prepared_pdf(running.station.kit.signer)])
        running.station.server.send(job)
        running.agent.wait_for("Terminé")
        last = _journal(running.station)[-1]
        assert last["document_sha256"] == job.payload["items"][0]["download_sha256"]
        assert last["job_id"] == job.id

    def test_reports_its_certificate_before_waiting(self, running: Running) -> None:
        assert running.station.server.certificates == [running.station.certificate]

    def test_ends_with_status_0_after_one_batch(self, station: Station) -> None:
        station.server.send(station.job([prepared_pdf(station.kit.signer)]))
        done, _ = station.sign_once()
        assert done.status == 0, done.output


class TestRefusalsBeforeThePin:
    @pytest.mark.parametrize(("code", "sent"), REFUSED, ids=[s.__name__ for _, s in REFUSED])
    def test_threat_28_a_job_that_is_not_exact_is_refused_and_the_pin_never_read(
        self, running: Running, code: str, sent: Sent
    ) -> None:
        before = running.agent.pin_unread()
        job = sent(running.station)
        said = running.agent.wait_for("Terminé" if code in ACCEPTED_FIRST else f"[{code}]")
        assert f"[{code}]" in said
        assert running.agent.pin_unread() == before
        assert job.values == {}

    def test_threat_28_a_job_replayed_is_refused(self, running: Running) -> None:
        send = running.station.server.send
        job = running.station.job([prepared_pdf(running.station.kit.signer)])
        assert running.pins_read_for(job, lambda: send(job), "Terminé") == 1
        assert running.pins_read_for(job, lambda: send(job), "[job_replayed]") == 0
        assert job.accepted == 1

    def test_a_document_that_does_not_rebuild_is_named_to_the_server(
        self, running: Running
    ) -> None:
        job = _one_digest_that_does_not_rebuild(running.station)
        running.agent.wait_for("Terminé")
        assert {n: f["code"] for n, f in job.failures.items()} == {2: "digest_differs"}
        assert job.end is not None
        assert (job.end["outcome"], job.end["code"]) == ("failed", "digest_differs")

    def test_a_document_changed_on_the_way_is_refused(self, running: Running) -> None:
        job = running.station.job([prepared_pdf(running.station.kit.signer)])
        job.documents[1] = job.documents[1].replace(b"%PDF-1.7", b"%PDF-1.6")
        send = running.station.server.send
        assert running.pins_read_for(job, lambda: send(job), "Terminé") == 0
        assert job.failures[1]["code"] == "document_differs"

    def test_a_job_that_the_server_will_not_give_is_not_signed(self, running: Running) -> None:
        job = running.station.job([prepared_pdf(running.station.kit.signer)])
        job.accepted = 1
        send = running.station.server.send
        assert running.pins_read_for(job, lambda: send(job), "[job_already_accepted]") == 0
        assert job.downloads == []

    def test_a_refused_job_ends_the_single_run_with_status_5(self, station: Station) -> None:
        _expired(station)
        done, pin_unread = station.sign_once()
        assert (done.status, pin_unread) == (5, len(PIN) + 1), done.output

    def test_a_token_without_signing_certificate_is_said_so(
        self, server: AgentServer, tmp_path: Path
    ) -> None:
        kit = create_token(tmp_path / "t", signer=create_signer(validity=_last_year()))
        done, pin_unread = paired(server, kit, tmp_path / "state").sign_once()
        assert (done.status, pin_unread) == (4, len(PIN) + 1)
        assert "[no_signing_certificate]" in done.output


class TestPinAndToken:
    def test_threat_56_a_wrong_pin_stops_the_batch_at_once(self, own_station: Station) -> None:
        job = own_station.job([prepared_pdf(own_station.kit.signer) for _ in range(3)])
        own_station.server.send(job)
        done, pin_unread = own_station.sign_once(pin=f"000000\n{PIN}")
        assert (done.status, pin_unread) == (7, len(PIN) + 1)
        assert job.end is not None
        assert (job.end["outcome"], job.end["code"]) == ("failed", "wrong_pin")
        assert job.puts == 0
        assert done.output.count("Code PIN refusé") == 1

    def test_the_next_batch_warns_of_the_refused_pin(self, own_station: Station) -> None:
        with own_station.start(pin=f"000000\n{PIN}") as agent:
            own_station.server.send(own_station.job([prepared_pdf(own_station.kit.signer)]))
            agent.wait_for("Terminé")
            own_station.server.send(own_station.job([prepared_pdf(own_station.kit.signer)]))
            said = agent.wait_for("Terminé")
        assert "essais comptés" in said
        assert "1 document(s) signé(s) sur 1" in said

    def test_a_token_pulled_in_the_middle_keeps_what_is_signed(self, own_station: Station) -> None:
        def pull(n: int) -> None:
            if n == 2:
                shutil.rmtree(own_station.kit.token.directory / "tokens")

        own_station.server.before_put = pull
        job = own_station.job([prepared_pdf(own_station.kit.signer) for _ in range(4)])
        own_station.server.send(job)
        done, _ = own_station.sign_once()
        assert done.status == 7, done.output
        assert sorted(job.values) == [1, 2]
        assert job.end is not None
        assert job.end["code"] == "token_removed"

    def test_a_key_that_wants_its_pin_each_time_signs_the_batch(
        self, server: AgentServer, tmp_path: Path
    ) -> None:
        kit = create_token(tmp_path / "t", always_authenticate=True)
        station = paired(server, kit, tmp_path / "state")
        job = station.job([prepared_pes(kit.signer, slips=3)])
        server.send(job)
        done, _ = station.sign_once()
        assert done.status == 0, done.output
        assert _verified(station, job) == 3


class TestNetworkAndServer:
    def test_a_lost_return_is_sent_again(self, running: Running) -> None:
        cuts = iter([True, True])

        def cut(_n: int) -> None:
            if next(cuts, False):
                raise ConnectionAbortedError

        running.station.server.before_put = cut
        job = running.station.job([prepared_pdf(running.station.kit.signer)])
        running.station.server.send(job)
        running.agent.wait_for("1 document(s) signé(s) sur 1")
        assert (job.puts, sorted(job.values)) == (3, [1])

    def test_one_item_refused_by_the_server_does_not_hold_back_the_others(
        self, running: Running
    ) -> None:
        def refuse(n: int) -> None:
            if n == 1:
                raise Problem(409, "item_lapsed")

        running.station.server.before_put = refuse
        job = running.station.job([prepared_pdf(running.station.kit.signer) for _ in range(2)])
        running.station.server.send(job)
        running.agent.wait_for("1 document(s) signé(s) sur 2")
        assert sorted(job.values) == [2]

    def test_a_revoked_device_stops(self, station: Station) -> None:
        station.server.devices.clear()
        done, pin_unread = station.sign_once()
        assert (done.status, pin_unread) == (6, len(PIN) + 1)


def _last_year() -> Validity:
    end = datetime.now(UTC) - timedelta(days=30)
    return Validity(end - timedelta(days=335), end)


def _verified(station: Station, job: QueuedJob) -> int:
    """How many returned values verify with the signer's public key; fails at the first bad one."""
    key = station.kit.signer.certificate.public_key()
    assert isinstance(key, RSAPublicKey)
    count = 0
    for item in job.payload["items"]:
        by_id = {v["id"]: base64.b64decode(v["value"]) for v in job.values[item["n"]]}
        for one in item["to_sign"]:
            tbs = base64.b64decode(one["tbs"])
            key.verify(by_id[one["id"]], tbs, padding.PKCS1v15(), hashes.SHA256())
            count += 1
    return count


def _journal(station: Station) -> list[dict[str, Any]]:
    return [json.loads(line) for line in station.journal.read_text("utf-8").splitlines()]
