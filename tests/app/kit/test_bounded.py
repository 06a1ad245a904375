"""One hostile document, one child process, within bounds."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.kit import bounded
from app.kit.bounded import BoundedFailure, FailureReason, run_bounded
from tests.builders import bounded_functions

MIB = 1024 * 1024


async def _run(function: Callable[..., Any] | str, *arguments: Any, **bounds: Any) -> Any:
    return await run_bounded(
        function, *arguments, **{"memory_bytes": 64 * MIB, "cpu_s": 5, "wall_s": 20, **bounds}
    )


async def _failure(
    function: Callable[..., Any] | str, *arguments: Any, **bounds: Any
) -> BoundedFailure:
    with pytest.raises(BoundedFailure) as caught:
        await _run(function, *arguments, **bounds)
    return caught.value


def _is_running(process_id: int) -> bool:
    try:
        state = Path(f"/proc/{process_id}/stat").read_text(encoding="ascii").rpartition(")")[2]
    except FileNotFoundError:
        return False
    return state.split()[0] != "Z"


class TestResult:
    async def test_comes_back_as_json_values(self, tmp_path: Path) -> None:
        document = tmp_path / "document"
        document.write_bytes(bytes(1000))
        assert await _run(bounded_functions.describe, str(document), {"depth": 3}) == {
            "size_bytes": 1000,
            "options": {"depth": 3},
            "accents": "é€",
        }

    async def test_comes_from_a_function_named_in_text(self) -> None:
        name = "tests.builders.bounded_functions:long_text"
        assert await _run(name, 3) == "xxx"

    async def test_is_made_by_another_process_each_time(self) -> None:
        ids = {await _run(bounded_functions.process_id) for _ in range(3)} | {os.getpid()}
        assert len(ids) == 4

    async def test_is_not_disturbed_by_what_the_function_prints(self) -> None:
        assert await _run(bounded_functions.chat) == "result"

    async def test_may_be_long(self) -> None:
        assert len(await _run(bounded_functions.long_text, 3 * MIB)) == 3 * MIB

    async def test_runs_of_several_documents_do_not_wait_for_each_other(self) -> None:
        ids = await asyncio.gather(*(_run(bounded_functions.process_id) for _ in range(4)))
        assert len(set(ids)) == 4


class TestBounds:
    async def test_threat_17_memory_is_bounded(self) -> None:
        failure = await _failure(bounded_functions.take_memory, 128 * MIB)
        assert failure.reason is FailureReason.MEMORY

    async def test_threat_17_memory_taken_piece_by_piece_is_bounded(self) -> None:
        failure = await _failure(bounded_functions.take_memory_in_small_pieces)
        assert failure.reason is FailureReason.MEMORY

    async def test_memory_within_the_bound_is_granted(self) -> None:
        assert await _run(bounded_functions.take_memory, 32 * MIB) == 32 * MIB

    async def test_threat_17_processor_time_is_bounded(self) -> None:
        failure = await _failure(bounded_functions.loop_forever, cpu_s=0.2)
        assert failure.reason is FailureReason.CPU

    async def test_threat_17_time_on_the_clock_is_bounded(self) -> None:
        started = time.monotonic()
        failure = await _failure(bounded_functions.wait_forever, wall_s=0.5)
        assert failure.reason is FailureReason.TIME
        assert time.monotonic() - started < 5

    async def test_threat_17_the_result_is_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(bounded, "MAX_RESULT_BYTES", MIB)
        failure = await _failure(bounded_functions.long_text, 8 * MIB)
        assert failure.reason is FailureReason.MEMORY

    async def test_the_child_writes_no_core(self) -> None:
        assert (await _run(bounded_functions.limits))["core_bytes"] == 0


class TestCrash:
    @pytest.mark.parametrize(
        ("signal_number", "reason"),
        [
            (signal.SIGSEGV, FailureReason.CRASH),
            (signal.SIGABRT, FailureReason.CRASH),
            (signal.SIGKILL, FailureReason.MEMORY),
            (signal.SIGALRM, FailureReason.TIME),
        ],
    )
    async def test_a_signal_is_a_failure(self, signal_number: int, reason: FailureReason) -> None:
        assert (await _failure(bounded_functions.die, signal_number)).reason is reason

    @pytest.mark.parametrize(
        "function",
        [
            bounded_functions.leave,
            bounded_functions.recurse,
            bounded_functions.not_json,
            bounded_functions.not_a_number,
            "tests.builders.bounded_functions:absent",
            "no_such_module:function",
        ],
    )
    async def test_what_gives_no_value_is_a_crash(self, function: Any) -> None:
        assert (await _failure(function)).reason is FailureReason.CRASH

    async def test_the_trace_names_type_and_place(self) -> None:
        failure = await _failure(bounded_functions.raise_quoting, "secret")
        assert failure.trace.startswith("ValueError at bounded_functions.py:")

    async def test_the_trace_never_quotes_the_document(self) -> None:
        failure = await _failure(bounded_functions.raise_quoting, "secret")
        assert "secret" not in failure.trace

    async def test_a_local_function_is_refused_at_once(self) -> None:
        with pytest.raises(ValueError, match="module-level"):
            await _run(lambda: 1)


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


class TestIsolation:
    async def test_the_child_inherits_no_secret(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PARAPHEUR_SECRET_KEY", "secret")
        assert "PARAPHEUR_SECRET_KEY" not in await _run(bounded_functions.environment_names)

    async def test_the_child_ends_when_the_caller_is_cancelled(self, pipe: Path) -> None:
        task = asyncio.create_task(_run(bounded_functions.tell_process_id_and_wait, str(pipe)))
        with await asyncio.to_thread(pipe.open, encoding="ascii") as told:
            process_id = int(await asyncio.to_thread(told.readline))
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            assert not _is_running(process_id)

    def test_the_child_ends_by_itself_when_the_caller_is_killed(self, pipe: Path) -> None:
        program = f"""
            import asyncio
            from app.kit import bounded
            bounded._ORPHAN_GRACE_S = 0.0
            asyncio.run(bounded.run_bounded(
                "tests.builders.bounded_functions:tell_process_id_and_wait", {str(pipe)!r},
                memory_bytes=2**26, cpu_s=60, wall_s=2))
        """
        parent = subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)])
        with pipe.open(encoding="ascii") as told:
            told.readline()
            parent.kill()
            parent.wait()
            assert told.read() == ""  # end of file: nobody holds the other end any more
