"""The script at the root, in a copy whose interpreter and installer only say what they are told."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SETS = ("server", "demo", "dev")
PYTHON = """#!/bin/sh
case "$*" in
  "-I -m pip install"*) exit "${STATUS-0}" ;;
  -I*) exit 0 ;;
esac
echo "python $* | $(pwd) | $PYTHONPATH | $PYTHONSAFEPATH"
"""
UV = """#!/bin/sh
echo "uv $* | $UV_PYTHON_DOWNLOADS" >>"$CALLS"
for last; do :; done
case $1 in
  venv) mkdir -p "$last/bin" && cp "$CALLS.python" "$last/bin/python" ;;
  pip) sleep 0.3; exit "${STATUS-0}" ;;
esac
"""
TOOLS = ("softhsm2-util", "xmlsec1", "pdfsig", "openssl")


@dataclass(frozen=True, slots=True)
class Copy:
    """A checkout with the script, three requirement files and programs that only speak."""

    root: Path
    programs: Path
    calls: Path

    @property
    def environment(self) -> dict[str, str]:
        path = f"{self.programs}:{os.environ['PATH']}"
        return {"PATH": path, "CALLS": str(self.calls), "HOME": str(self.root.parent)}

    def start(self, *args: str, script: Path | None = None, **more: str) -> subprocess.Popen[str]:
        elsewhere = self.root.parent / "else where"
        elsewhere.mkdir(exist_ok=True)
        return subprocess.Popen(
            [script or self.root / "parapheur", *args],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=elsewhere,
            env={**self.environment, **more},
        )

    def run(self, *args: str, script: Path | None = None) -> str:
        said, errors = self.start(*args, script=script).communicate()
        return said.strip() or errors

    def installs(self) -> list[str]:
        """Names of the requirement files that were installed, in order."""
        lines = self.calls.read_text().splitlines() if self.calls.exists() else []
        return [Path(line.split(" | ")[0]).stem for line in lines if line.startswith("uv pip")]


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    made = Copy(tmp_path / "check out", tmp_path / "programs", tmp_path / "calls")
    (made.root / "requirements").mkdir(parents=True)
    made.programs.mkdir()
    shutil.copy(ROOT / "parapheur", made.root)
    for name in SETS:
        (made.root / "requirements" / f"{name}.txt").write_text(f"{name} 1\n")
    for name, text in {"uv": UV, **dict.fromkeys(TOOLS, "#!/bin/sh\n")}.items():
        (made.programs / name).write_text(text)
        (made.programs / name).chmod(0o755)
    Path(f"{made.calls}.python").write_text(PYTHON)
    Path(f"{made.calls}.python").chmod(0o755)
    return made


@pytest.mark.parametrize(
    ("command", "installed"), [("serve", "server"), ("demo", "demo"), ("test", "dev")]
)
def test_a_first_run_installs_what_the_command_needs(
    copy: Copy, command: str, installed: str
) -> None:
    copy.run(command)
    assert copy.installs() == [installed]


def test_a_second_run_installs_nothing(copy: Copy) -> None:
    copy.run("demo")
    copy.run("demo")
    copy.run("serve")
    assert copy.installs() == ["demo"]


def test_changed_requirements_are_installed_again(copy: Copy) -> None:
    copy.run("serve")
    (copy.root / "requirements" / "server.txt").write_text("server 2\n")
    copy.run("serve")
    assert copy.installs() == ["server", "server"]


def test_a_larger_set_is_never_cut_down(copy: Copy) -> None:
    copy.run("test")
    (copy.root / "requirements" / "dev.txt").write_text("dev 2\n")
    copy.run("serve")
    assert copy.installs() == ["dev", "dev"]


def test_a_failed_installation_is_not_taken_for_done(copy: Copy) -> None:
    failed = copy.start("serve", STATUS="1")
    _, errors = failed.communicate()
    assert failed.returncode == 1
    assert "l'installation a échoué" in errors
    copy.run("serve")
    assert len(copy.installs()) == 2


def test_two_first_runs_at_once_install_once(copy: Copy) -> None:
    both = [copy.start("serve"), copy.start("serve")]
    said = [process.communicate()[0] for process in both]
    assert copy.installs() == ["server"]
    assert all(text.startswith("python -m app.cli serve") for text in said)


def test_no_interpreter_is_ever_downloaded(copy: Copy) -> None:
    copy.run("serve")
    assert {line.split(" | ")[1] for line in copy.calls.read_text().splitlines()} == {"never"}


def test_arguments_keep_their_meaning_in_the_folder_of_the_caller(copy: Copy) -> None:
    elsewhere = copy.root.parent / "else where"
    expected = f"python -m app.cli verify a b.pdf | {elsewhere} | {copy.root} | 1"
    assert copy.run("verify", "a b.pdf") == expected


def test_can_be_called_through_a_link(copy: Copy) -> None:
    link = copy.root.parent / "link"
    link.symlink_to("check out/parapheur")
    assert f"| {copy.root} |" in copy.run("serve", script=link)


def test_tests_run_in_the_checkout(copy: Copy) -> None:
    assert copy.run("test", "-x") == f"python -m pytest -x | {copy.root} | {copy.root} | 1"
