"""The house rules that no other tool checks: what is imported, what files may say, what is run."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("app", "workflows", "signing", "connectors", "agent")
_CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
    "importlinter"
]["contracts"]
FEATURES = sorted(
    name.removeprefix("app.")
    for contract in _CONTRACTS
    if contract["name"].startswith("inside a feature")
    for name in contract["containers"]
)
NOT_FEATURES = {"audit", "auth", "bench"}
"""They have a `service.py`, and other layers than a feature."""
# A feature whose service would be too long names its further rooms here (docs/adr/0004).
MORE_ROOMS = {
    "configuration": {
        "activation.py",
        "applying.py",
        "bodies.py",
        "comparison.py",
        "document.py",
        "drawing.py",
        "faults.py",
        "labels.py",
        "merging.py",
        "moments.py",
        "naming.py",
        "references.py",
        "remainder.py",
        "setting_powers.py",
        "shipped.py",
        "site.py",
        "standing.py",
        "text.py",
    },
    "catalog": {
        "choice.py",
        "drawing.py",
        "folder_subtypes.py",
        "folder_types.py",
        "formats.py",
        "judgement.py",
        "suitability.py",
        "trial.py",
        "type_endpoints.py",
        "workflows.py",
    },
    "documents": {"detached.py", "disposal.py", "inspection.py", "verdicts.py"},
    "deposits": {"chaining.py", "intake.py", "revising.py"},
    "desks": {"oneself.py", "uses.py"},
    "handovers": {"dates.py", "plan.py", "preview.py"},
    "powers": {"absences.py", "effects.py", "grants.py", "mandates.py"},
    "folders": {
        "acting.py",
        "acts.py",
        "details.py",
        "facts.py",
        "integrity.py",
        "journal.py",
        "marking.py",
        "paper.py",
        "places.py",
        "reading.py",
        "readings.py",
        "references.py",
        "search.py",
        "submission.py",
    },
    "inbox": {"conditions.py"},
    "notifications": {"news.py", "recipients.py", "texts.py"},
    "preparations": {"stamping.py"},
    "simulations": {"assumptions.py", "durations.py", "reading.py", "texts.py"},
    "transmissions": {"administration.py", "outcomes.py", "remote.py", "returns.py", "sending.py"},
}
FEATURE_FILES = {
    f"{name}.py" for name in ("__init__", "endpoints", "service", "repository", "schemas", "tasks")
}
SCRIPTS = {"parapheur": "sh", ".ci/run": "bash"}
NOT_OURS = {".git", ".venv", "var", "demo-data", "__pycache__", "htmlcov", "node_modules"}
# Put together here, so that this file does not hold what it looks for.
REGISTRIES = [
    ".".join(words)
    for words in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("registry", "npmjs"),
        ("npmjs", "org"),
        ("deb", "debian", "org"),
        ("proxy", "golang"),
    )
]
MACHINE_PATHS = [
    "/".join(("", *words)) for words in (("work", ""), ("root", ""), ("tmp", "briefs"))
]


def project_files() -> Iterator[Path]:
    """Tracked files and those that would be; in a copy without git, all that is not made."""
    git = shutil.which("git")
    if git is not None and (ROOT / ".git").exists():
        listed = subprocess.run(
            [git, "-C", str(ROOT), "ls-files", "-co", "--exclude-standard", "-z"],
            capture_output=True,
            text=True,
            check=True,
        )
        yield from (ROOT / name for name in listed.stdout.split("\0") if name)
        return
    for folder, below, files in os.walk(ROOT):
        below[:] = [name for name in below if name not in NOT_OURS and "_cache" not in name]
        yield from (Path(folder, name) for name in files)


def files_saying(needle: re.Pattern[bytes]) -> list[str]:
    return [
        str(file.relative_to(ROOT))
        for file in project_files()
        if file.is_file() and needle.search(file.read_bytes())
    ]


@pytest.mark.parametrize("name", PACKAGES)
def test_the_package_imported_is_the_one_of_this_checkout(name: str) -> None:
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    assert Path(spec.origin).resolve().parent == ROOT / name


@pytest.mark.parametrize("host", REGISTRIES)
def test_no_file_names_a_package_registry(host: str) -> None:
    assert files_saying(re.compile(re.escape(host.encode()))) == []


@pytest.mark.parametrize("path", MACHINE_PATHS)
def test_no_file_names_a_place_of_the_machine_it_was_written_on(path: str) -> None:
    assert files_saying(re.compile(rb"(?<![\w./*)\]}])" + re.escape(path.encode()))) == []


def test_requirements_belong_to_the_project_file() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "requirements" / "compile.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "requirements belong to pyproject.toml\n")


@pytest.mark.parametrize("name", ["agent", "server", "demo"])
def test_a_larger_set_of_requirements_holds_the_smaller_one(name: str) -> None:
    assert pins(name) <= pins("dev")


@pytest.mark.parametrize("name", ["agent", "server", "demo", "dev"])
def test_every_requirement_is_hashed(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[a-z0-9])", text)[1:]
    hashed = [entry for entry in entries if "--hash=sha256:" in entry]
    assert entries
    assert hashed == entries


def pins(name: str) -> set[str]:
    text = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    return set(re.findall(r"^[a-z0-9][a-z0-9._-]*==\S+", text, re.MULTILINE))


@pytest.mark.parametrize("feature", FEATURES)
def test_a_feature_has_the_same_file_names_as_the_others(feature: str) -> None:
    found = {file.name for file in (ROOT / "app" / feature).glob("*.py")}
    assert found - FEATURE_FILES == MORE_ROOMS.get(feature, set())


def test_every_feature_is_ranked_inside_and_every_room_is_one_of_a_feature() -> None:
    served = {file.parent.name for file in (ROOT / "app").glob("*/service.py")}
    assert served - NOT_FEATURES == set(FEATURES)
    assert set(FEATURES) >= MORE_ROOMS.keys()


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_can_be_run_and_parsed(name: str) -> None:
    script = ROOT / name
    assert os.access(script, os.X_OK)
    parsed = subprocess.run([SCRIPTS[name], "-n", str(script)], capture_output=True, check=False)
    assert (parsed.returncode, parsed.stderr) == (0, b"")
