"""Compiles pyproject.toml into the hashed requirements beside this file.

python requirements/compile.py              writes them anew, keeping the versions they name
python requirements/compile.py --upgrade    takes the newest versions instead
python requirements/compile.py --check      says whether they belong to pyproject.toml (no network)
python requirements/compile.py --current    as --check, then compiles aside and compares
"""

from __future__ import annotations

import argparse
import difflib
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parent
SETS = ("agent", "server", "demo", "dev")
_LOWEST_PYTHON = "3.11"
_MARK = "# sha256 of the dependency tables of pyproject.toml: "


class CompilationError(Exception):
    """uv is missing, or found no set of versions, or no network."""


def dependencies_digest() -> str:
    """What the requirements are made from, in one hexadecimal word."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = ("requires-python", "dependencies", "optional-dependencies")
    tables = {name: project.get(name) for name in names}
    canonical = json.dumps(tables, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


def stale_files() -> list[str]:
    """Names of the files that are missing or were made from other dependency tables."""
    first_line = _MARK + dependencies_digest()
    return [
        f"{name}.txt"
        for name in SETS
        if not (file := FOLDER / f"{name}.txt").is_file()
        or file.read_text(encoding="utf-8").partition("\n")[0] != first_line
    ]


def compile_into(folder: Path, *, upgrade: bool) -> None:
    """Writes every file into `folder`; the versions in files already there are preferred."""
    for name in SETS:
        target = folder / f"{name}.txt"
        _run_uv(name, target, upgrade=upgrade)
        body = target.read_text(encoding="utf-8")
        kept = [line for line in body.splitlines(keepends=True) if not line.startswith(_MARK)]
        target.write_text(f"{_MARK}{dependencies_digest()}\n{''.join(kept)}", encoding="utf-8")


def differences() -> list[str]:
    """What compiling today would change, as a unified diff."""
    with tempfile.TemporaryDirectory() as name:
        aside = Path(name)
        for file in FOLDER.glob("*.txt"):
            shutil.copy(file, aside)
        compile_into(aside, upgrade=False)
        return [line for name in SETS for line in _diff(f"{name}.txt", aside)]


def _diff(name: str, aside: Path) -> list[str]:
    before = (FOLDER / name).read_text(encoding="utf-8").splitlines(keepends=True)
    after = (aside / name).read_text(encoding="utf-8").splitlines(keepends=True)
    return list(difflib.unified_diff(before, after, name, f"{name} compiled now", n=0))


def _run_uv(name: str, target: Path, *, upgrade: bool) -> None:
    beside = Path(sys.executable).with_name("uv")
    program = str(beside) if beside.is_file() else shutil.which("uv")
    if program is None:
        raise CompilationError("uv is missing: ./parapheur test installs it into .venv")
    options = ["--universal", "--generate-hashes", "--python-version", _LOWEST_PYTHON, "--quiet"]
    silent = ["--no-header", "--no-emit-index-url", "--no-emit-find-links"]
    what = ["pyproject.toml", "--extra", name, "--output-file", str(target)]
    done = subprocess.run(  # noqa: S603 - uv, with our own arguments
        [program, "pip", "compile", *options, *silent, *what, *(["--upgrade"] if upgrade else [])],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise CompilationError(done.stderr.strip())


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


def _check() -> int:
    stale = stale_files()
    if stale:
        _say(f"not made from this pyproject.toml: {', '.join(stale)}; run requirements/compile.py")
        return 1
    _say("requirements belong to pyproject.toml")
    return 0


def _compare() -> int:
    if _check() != 0:
        return 1
    try:
        changes = differences()
    except CompilationError as e:
        _say(f"not compiled again (no network?): {str(e).splitlines()[-1]}")
        return 0
    _say("".join(changes) or "requirements are what compiling gives today")
    return 1 if changes else 0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--upgrade", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--current", action="store_true")
    asked = parser.parse_args()
    if asked.check:
        return _check()
    if asked.current:
        return _compare()
    try:
        compile_into(FOLDER, upgrade=asked.upgrade)
    except CompilationError as e:
        _say(str(e))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
