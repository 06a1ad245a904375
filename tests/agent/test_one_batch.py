"""One batch inside this process: a scripted device counts what a token would count."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import pytest

from agent.batch import BatchOutcome, Patience, Workplace, run_batch
from agent.device_key import FileStore, load_key
from agent.errors import ServerRefused
from agent.link import Device, Link, open_server
from agent.protocol import read_envelope
from agent.running import Agent, ExitStatus, status_of
from agent.state import StateDirectory
from app.demo.pki import Issued
from signing.errors import PinLocked, TokenRemoved, WrongPin
from signing.pin import PinState
from tests.agent.conftest import paired
from tests.builders.agent_devices import ScriptedConsent, ScriptedDevice, inventory_of
from tests.builders.agent_documents import PreparedItem, prepared_pdf
from tests.builders.agent_server import AgentServer, Problem, QueuedJob
from tests.builders.tokens import TokenAndSigner, create_signer


@dataclass
class Bench:
    """A server, a device, a person's answers, and what the agent said."""

    server: AgentServer
    workplace: Workplace
    device: ScriptedDevice
    consent: ScriptedConsent
    said: list[str] = field(default_factory=list)

    def job(self, count: int = 3) -> QueuedJob:
        items = [self.pdf] * count
        return self.server.prepare_job(items, certificate=self.device.certificate)

    @property
    def pdf(self) -> PreparedItem:
        return prepared_pdf(self.device.issued)

    def run(self, job: QueuedJob) -> BatchOutcome:
        self.server.send(job)
        envelope = read_envelope(self.server.waiting.get_nowait())
        return run_batch(envelope, inventory_of(self.device), self.workplace)


@pytest.fixture(scope="module")
def signer() -> Issued:
    return create_signer()


@pytest.fixture
def bench(
    server: AgentServer, kit: TokenAndSigner, signer: Issued, tmp_path: Path
) -> Iterator[Bench]:
    state = StateDirectory(paired(server, kit, tmp_path / "state").state)
    pairing = state.pairing()
    opened = open_server(pairing.origin, None)
    said: list[str] = []
    consent = ScriptedConsent()
    key = Device(pairing.device_id, load_key(FileStore(state)))
    workplace = Workplace(
        link=Link(opened, key, clock=lambda: datetime.now(UTC)),
        pairing=pairing,
        state=state,
        consent=consent,
        clock=lambda: datetime.now(UTC),
        say=said.append,
        patience=Patience(retries_s=(0.01, 0.01), renew_every_s=0.02),
    )
    yield Bench(server, workplace, ScriptedDevice(signer), consent, said)
    opened.client.close()


class TestPin:
    def test_threat_56_a_wrong_pin_is_presented_once_over_200_items(self, bench: Bench) -> None:
        bench.device.answer_pin = _raise(WrongPin("non"))
        job = bench.job(200)
        outcome = bench.run(job)
        assert (outcome.code, outcome.signed) == ("wrong_pin", 0)
        assert (len(bench.device.presented), bench.consent.pins, job.puts) == (1, 1, 0)

    def test_threat_56_a_pin_refused_in_the_middle_stops_the_batch(self, bench: Bench) -> None:
        bench.device.before_sign = _raise_at(3, WrongPin("non"))
        job = bench.job(200)
        outcome = bench.run(job)
        assert (outcome.code, outcome.signed) == ("wrong_pin", 2)
        assert bench.device.sessions[0].signatures == 2

    def test_asks_once_for_200_items(self, bench: Bench) -> None:
        outcome = bench.run(bench.job(200))
        assert (outcome.signed, outcome.code) == (200, None)
        assert (bench.consent.confirmations, len(bench.device.presented)) == (1, 1)

    def test_threat_53_the_pin_is_overwritten_after_use(self, bench: Bench) -> None:
        bench.run(bench.job())
        assert bench.device.presented == [b"428517"]
        assert bench.device.given == [bytearray(6)]

    def test_a_locked_pin_is_not_even_asked(self, bench: Bench) -> None:
        bench.device.state = PinState.LOCKED
        assert bench.run(bench.job()).code == "pin_locked"
        assert (bench.consent.confirmations, bench.device.presented) == (0, [])

    def test_a_pin_that_locks_is_reported(self, bench: Bench) -> None:
        bench.device.answer_pin = _raise(PinLocked("bloqué"))
        job = bench.job()
        bench.run(job)
        assert job.end is not None
        assert job.end["code"] == "pin_locked"

    def test_the_session_is_closed_whatever_happens(self, bench: Bench) -> None:
        bench.device.before_sign = _raise_at(2, TokenRemoved("retirée"))
        bench.run(bench.job())
        assert bench.device.sessions[0].closed


class TestAgreement:
    def test_a_refusal_reaches_the_server_and_no_pin_is_asked(self, bench: Bench) -> None:
        bench.consent.agrees = False
        job = bench.job()
        assert bench.run(job).code == "declined"
        assert (bench.consent.pins, job.end and job.end["outcome"]) == (0, "declined")


class TestLease:
    def test_is_renewed_while_the_batch_lasts(self, bench: Bench) -> None:
        job = bench.job(1)
        renewed = Event()
        bench.server.before_renew = renewed.set
        bench.device.before_sign = lambda _n: _wait(renewed)
        assert bench.run(job).code is None
        assert renewed.is_set()

    def test_once_lost_nothing_more_is_signed(self, bench: Bench) -> None:
        refused = Event()

        def refuse() -> None:
            refused.set()
            raise Problem(409, "lease_lost")

        bench.server.before_renew = refuse
        bench.device.before_sign = lambda n: _wait(refused) if n == 2 else None
        job = bench.job(200)
        outcome = bench.run(job)
        assert outcome.code == "lease_lost"
        assert outcome.signed < 200
        assert sorted(job.values) == list(range(1, outcome.signed + 1))


class TestServer:
    def test_network_gone_for_good_keeps_what_was_returned(self, bench: Bench) -> None:
        def cut(n: int) -> None:
            if n == 2:
                raise ConnectionAbortedError

        bench.server.before_put = cut
        job = bench.job()
        outcome = bench.run(job)
        assert (outcome.code, outcome.signed) == ("server_unreachable", 1)
        assert (sorted(job.values), job.puts) == ([1], 4)

    def test_an_error_500_is_tried_again(self, bench: Bench) -> None:
        answers = iter([True])

        def fail(_n: int) -> None:
            if next(answers, False):
                raise Problem(500, "internal_error")

        bench.server.before_put = fail
        job = bench.job(1)
        assert bench.run(job).code is None
        assert job.puts == 2

    def test_a_job_already_given_is_not_opened_on_the_device(self, bench: Bench) -> None:
        job = bench.job()
        job.accepted = 1
        with pytest.raises(ServerRefused):
            bench.run(job)
        assert (bench.consent.confirmations, bench.device.presented) == (0, [])

    def test_a_driver_that_crashes_ends_the_job(self, bench: Bench) -> None:
        bench.device.before_sign = _raise_at(1, RuntimeError("pilote"))
        job = bench.job(1)
        assert bench.run(job).code == "internal_error"
        assert job.end is not None
        assert job.end["outcome"] == "failed"

    def test_control_characters_of_a_title_never_reach_the_terminal(self, bench: Bench) -> None:
        job = bench.job(1)
        job.payload["items"][0]["folder_title"] = "Titre\x1b[2J\u202e"
        bench.run(job)
        assert not [line for line in bench.said if "\x1b" in line or "\u202e" in line]
        assert json.loads((bench.workplace.state.path / "signed.jsonl").read_text("utf-8"))


class TestTokenChanged:
    def test_a_new_certificate_is_reported(self, bench: Bench) -> None:
        now = inventory_of(bench.device)
        before = replace(now, devices=())
        agent = Agent(bench.workplace, lambda: now, before, datetime.now(UTC))
        agent.relist()
        assert bench.server.certificates == [bench.device.certificate]

    def test_the_same_certificates_are_not_reported_again(self, bench: Bench) -> None:
        now = inventory_of(bench.device)
        Agent(bench.workplace, lambda: now, now, datetime.now(UTC)).relist()
        assert bench.server.certificate_reports == 0

    def test_an_empty_token_is_reported_too(self, bench: Bench) -> None:
        nothing = replace(inventory_of(bench.device), devices=())
        Agent(bench.workplace, lambda: nothing, nothing, datetime.now(UTC)).report()
        assert (bench.server.certificates, bench.server.certificate_reports) == ([], 1)


class TestExitStatus:
    @pytest.mark.parametrize(
        ("code", "status"),
        [
            (None, ExitStatus.OK),
            ("declined", ExitStatus.DECLINED),
            ("wrong_pin", ExitStatus.DEVICE_REFUSED),
            ("token_removed", ExitStatus.DEVICE_REFUSED),
            ("server_unreachable", ExitStatus.SERVER),
            ("lease_lost", ExitStatus.SERVER),
            ("digest_differs", ExitStatus.JOB_REFUSED),
        ],
    )
    def test_says_how_the_batch_ended(self, code: str | None, status: ExitStatus) -> None:
        assert status_of(BatchOutcome(0, 1, code)) is status


def _raise(error: Exception) -> Callable[[], None]:
    def answer() -> None:
        raise error

    return answer


def _raise_at(count: int, error: Exception) -> Callable[[int], None]:
    def answer(n: int) -> None:
        if n == count:
            raise error

    return answer


def _wait(event: Event) -> None:
    assert event.wait(10)
