"""What the supervisor promises about the programs that it starts."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.errors import Unavailable
from app.local.runtime import Runtime
from app.local.supervisor import Program, Supervisor
from tests.builders.processes import await_fact, is_running, read_pid

SLEEP = "import time; time.sleep(600)"


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    with Supervisor() as made:
        yield made


def python(folder: Path, code: str, name: str = "program", **more: object) -> Program:
    argv = (sys.executable, "-c", code)
    return Program(name=name, argv=argv, log=folder / f"{name}.log", **more)  # type: ignore[arg-type]


class TestStart:
    def test_runs_the_program_under_the_pid_it_tells(
        self, supervisor: Supervisor, tmp_path: Path
    ) -> None:
        child = supervisor.start(python(tmp_path, SLEEP))
        assert is_running(child.pid)
        assert read_pid(child.program.pid_file) == child.pid

    def test_output_and_errors_go_to_the_log(self, supervisor: Supervisor, tmp_path: Path) -> None:
        code = "import sys; print('out', flush=True); sys.exit('err')"
        child = supervisor.start(python(tmp_path, code))
        assert await_fact(lambda: child.exit_status is not None)
        assert child.log_tail().splitlines() == ["out", "err"]

    def test_gives_exactly_the_environment_asked(
        self, supervisor: Supervisor, tmp_path: Path
    ) -> None:
        code = "import os; print(sorted(k for k in os.environ if k != 'LC_CTYPE'))"
        child = supervisor.start(python(tmp_path, code, environment={"ONLY": "this"}))
        assert await_fact(lambda: child.exit_status is not None)
        assert child.log_tail() == "['ONLY']"

    def test_runs_in_the_folder_asked(self, supervisor: Supervisor, tmp_path: Path) -> None:
        code = "import os; print(os.getcwd())"
        child = supervisor.start(python(tmp_path, code, directory=tmp_path))
        assert await_fact(lambda: child.exit_status is not None)
        assert child.log_tail() == str(tmp_path)

    def test_refuses_a_program_that_does_not_exist(
        self, supervisor: Supervisor, tmp_path: Path
    ) -> None:
        program = Program("absent", (str(tmp_path / "absent"),), tmp_path / "absent.log")
        with pytest.raises(Unavailable) as refusal:
            supervisor.start(program)
        assert refusal.value.code == "program_not_started"

    def test_refuses_a_name_whose_program_still_runs(
        self, supervisor: Supervisor, tmp_path: Path
    ) -> None:
        supervisor.start(python(tmp_path, SLEEP))
        with pytest.raises(Unavailable) as refusal:
            supervisor.start(python(tmp_path, SLEEP))
        assert refusal.value.code == "program_already_running"

    def test_takes_a_name_again_once_its_program_has_ended(
        self, supervisor: Supervisor, tmp_path: Path
    ) -> None:
        first = supervisor.start(python(tmp_path, ""))
        assert await_fact(lambda: first.exit_status is not None)
        assert is_running(supervisor.start(python(tmp_path, SLEEP)).pid)

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root may change account")
    def test_runs_as_the_account_asked(
        self, supervisor: Supervisor, server_runtime: Runtime, tmp_path: Path
    ) -> None:
        assert server_runtime.account is not None
        argv = ("/bin/sh", "-c", "id -u; id -g; id -G")
        program = Program("id", argv, tmp_path / "id.log", account=server_runtime.account)
        child = supervisor.start(program)
        assert await_fact(lambda: child.exit_status is not None)
        uid, gid = server_runtime.account.uid, server_runtime.account.gid
        assert child.log_tail().split() == [str(uid), str(gid), str(gid)]


class TestEnd:
    @pytest.mark.parametrize(("code", "status"), [("", 0), ("raise SystemExit(7)", 7)])
    def test_tells_the_status_of_the_program(
        self, supervisor: Supervisor, tmp_path: Path, code: str, status: int
    ) -> None:
        child = supervisor.start(python(tmp_path, code))
        assert await_fact(lambda: child.exit_status is not None)
        assert child.exit_status == status

    def test_tells_the_signal_that_ended_the_program(
        self, supervisor: Supervisor, tmp_path: Path
    ) -> None:
        child = supervisor.start(python(tmp_path, SLEEP))
        os.kill(child.pid, signal.SIGKILL)
        assert await_fact(lambda: child.exit_status is not None)
        assert child.exit_status == 128 + signal.SIGKILL

    def test_restarts_nothing_unless_asked(self, supervisor: Supervisor, tmp_path: Path) -> None:
        child = supervisor.start(python(tmp_path, SLEEP))
        pid = child.pid
        os.kill(pid, signal.SIGKILL)
        assert supervisor.wait(timeout_s=20) == "program"
        assert child.pid == pid

    def test_starts_a_kept_program_again(self, supervisor: Supervisor, tmp_path: Path) -> None:
        child = supervisor.start(python(tmp_path, SLEEP, keep_alive=True))
        before = child.pid
        os.kill(before, signal.SIGKILL)
        assert await_fact(lambda: child.pid != before)
        assert is_running(child.pid)
        assert read_pid(child.program.pid_file) == child.pid


class TestRestart:
    def test_replaces_the_program_by_a_new_one(
        self, supervisor: Supervisor, tmp_path: Path
    ) -> None:
        child = supervisor.start(python(tmp_path, SLEEP))
        before = child.pid
        supervisor.restart("program")
        assert child.pid != before
        assert is_running(child.pid)
        assert not is_running(before)


class TestStop:
    def test_stops_in_reverse_order(self, tmp_path: Path) -> None:
        ends = tmp_path / "ends"
        code = (
            "import signal, sys, time, pathlib\n"
            "def end(*_):\n"
            f"    with open({str(ends)!r}, 'a') as f: f.write(sys.argv[1])\n"
            "    sys.exit(0)\n"
            "signal.signal(signal.SIGTERM, end)\n"
            "print('ready', flush=True)\n"
            "time.sleep(600)"
        )
        with Supervisor() as supervisor:
            for name in ("a", "b", "c"):
                log = tmp_path / f"{name}.log"
                supervisor.start(Program(name, (sys.executable, "-c", code, name), log))
                supervisor.await_ready(name, lambda log=log: "ready" in log.read_text())  # type: ignore[misc]
        assert ends.read_text() == "cba"

    def test_sends_each_signal_then_kills(self, tmp_path: Path) -> None:
        code = (
            "import signal, time\n"
            "for s in (signal.SIGINT, signal.SIGTERM):\n"
            "    signal.signal(s, lambda n, _: print(n, flush=True))\n"
            "print('ready', flush=True)\n"
            "while True: time.sleep(600)"
        )
        program = python(tmp_path, code, stop_signals=(signal.SIGINT, signal.SIGTERM), grace_s=0.3)
        with Supervisor() as supervisor:
            child = supervisor.start(program)
            supervisor.await_ready("program", lambda: "ready" in child.log_tail())
            pid = child.pid
        assert not is_running(pid)
        assert child.log_tail().split() == ["ready", "2", "15"]

    def test_removes_what_the_program_alone_used(self, tmp_path: Path) -> None:
        used = tmp_path / "used"
        used.mkdir()
        with Supervisor() as supervisor:
            supervisor.start(python(tmp_path, SLEEP, cleanup=(used,)))
        assert not used.exists()

    def test_leaves_no_pid_file(self, tmp_path: Path) -> None:
        with Supervisor() as supervisor:
            child = supervisor.start(python(tmp_path, SLEEP))
        assert not child.program.pid_file.exists()


class TestReady:
    def test_shows_the_end_of_the_log_of_a_program_that_gave_up(
        self, supervisor: Supervisor, tmp_path: Path
    ) -> None:
        supervisor.start(python(tmp_path, "raise SystemExit('the port is taken')"))
        with pytest.raises(Unavailable, match="the port is taken") as refusal:
            supervisor.await_ready("program", lambda: False)
        assert refusal.value.code == "program_not_ready"

    def test_does_not_wait_for_ever(self, supervisor: Supervisor, tmp_path: Path) -> None:
        supervisor.start(python(tmp_path, SLEEP))
        with pytest.raises(Unavailable, match="ne répond pas"):
            supervisor.await_ready("program", lambda: False, timeout_s=0.1)


class TestWait:
    def test_names_the_child_that_ended(self, supervisor: Supervisor, tmp_path: Path) -> None:
        supervisor.start(python(tmp_path, SLEEP, "stays"))
        supervisor.start(python(tmp_path, "", "ends"))
        assert supervisor.wait(timeout_s=20) == "ends"

    def test_returns_nothing_when_the_time_is_over(
        self, supervisor: Supervisor, tmp_path: Path
    ) -> None:
        supervisor.start(python(tmp_path, SLEEP))
        assert supervisor.wait(timeout_s=0.2) is None
