"""The promise: a 100 MB deposit costs at most 64 MiB above idle, all processes together."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.bench.deposit import GOAL_BYTES, SIZE_BYTES, extra_memory, flow_file, flow_of
from app.bench.memory import MIB, PeakOfMemory, family, pss_bytes, settled_bytes
from app.bench.service import Service, running_service
from app.demo.flows import Flow
from app.local.runtime import CHECKOUT

_HOLDS_50_MIB = "import sys; block = b'x' * (50 << 20); print(1, flush=True); sys.stdin.read()"


@pytest.fixture
def holder() -> Iterator[subprocess.Popen[bytes]]:
    """A child of ours that holds 50 MiB until its input ends."""
    with subprocess.Popen(
        [sys.executable, "-I", "-c", _HOLDS_50_MIB],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        yield child
        child.kill()


class TestMeasure:
    def test_children_belong_to_the_family(self, holder: subprocess.Popen[bytes]) -> None:
        assert holder.pid in family([os.getpid()])

    def test_what_a_child_holds_is_counted(self, holder: subprocess.Popen[bytes]) -> None:
        assert 50 * MIB < settled_bytes([holder.pid], pause_s=0.01) < 70 * MIB

    def test_a_process_that_has_ended_counts_for_nothing(self) -> None:
        with subprocess.Popen([sys.executable, "-I", "-c", ""]) as child:
            child.wait()
        assert pss_bytes([child.pid]) == 0

    def test_the_peak_is_remembered_after_the_child_has_ended(
        self, holder: subprocess.Popen[bytes]
    ) -> None:
        with PeakOfMemory([holder.pid]) as peak:
            while peak.samples < 2:
                settled_bytes([holder.pid], pause_s=0.01)
            holder.kill()
            holder.wait()
        assert peak.bytes > 50 * MIB


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """API and worker as processes; with the official schemas where they are at hand."""
    shared = os.environ.get("PARAPHEUR_SHARED_DATA") or CHECKOUT.parent / "shared" / "data"
    schemas = Path(shared, "pes", "xsd").resolve()
    with running_service(schemas if schemas.is_dir() else None) as running:
        yield running


@pytest.mark.slow_process
class TestDepositOf100MB:
    """Deferred inspection, XSD pass and marking at submission are all in it."""

    def test_costs_at_most_64_mib_above_idle(self, service: Service) -> None:
        with flow_file(service.directory, flow_of(1, SIZE_BYTES)) as flow:
            assert extra_memory(service, flow) <= GOAL_BYTES
        service.forget_documents()

    @pytest.mark.parametrize(
        "shape",
        [
            pytest.param(Flow(number=2, attachments=1, attachment_bytes=75_000_000), id="one text"),
            pytest.param(
                Flow(number=3, attachments=20_000, attachment_bytes=3_600), id="20000 attachments"
            ),
            pytest.param(Flow(number=4, expense_slips=100, items_per_slip=725), id="72500 items"),
        ],
    )
    def test_whatever_its_shape(self, service: Service, *, full_run: bool, shape: Flow) -> None:
        if not full_run:
            pytest.skip("full run only")
        with flow_file(service.directory, replace(shape, dematerialised=False)) as flow:
            assert extra_memory(service, flow) <= GOAL_BYTES
        service.forget_documents()
