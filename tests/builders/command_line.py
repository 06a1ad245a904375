"""The command `parapheur`: in this process, or as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from app.cli.__main__ import cli

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 60


@dataclass(frozen=True, slots=True)
class Ended:
    """Exit status, what was printed, and what went wrong inside if anything."""

    status: int
    output: str
    errors: str
    failure: BaseException | None = None


def call(*arguments: str | Path, environment: Mapping[str, str] | None = None) -> Ended:
    """Runs a command here; an exception that is no exit is kept in `failure`."""
    result = CliRunner().invoke(cli, [str(one) for one in arguments], env=environment)
    failure = None if isinstance(result.exception, SystemExit) else result.exception
    return Ended(result.exit_code, result.stdout, result.stderr, failure)


def run(
    *arguments: str | Path,
    environment: Mapping[str, str] | None = None,
    deadline_s: float = DEADLINE_S,
) -> Ended:
    """Runs a command as a person does."""
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", *map(str, arguments)],
        env={**clean_environment(), **(environment or {})},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=deadline_s,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def clean_environment() -> dict[str, str]:
    """Ours without any setting of the product, where it finds its own modules."""
    kept = {name: one for name, one in os.environ.items() if not name.startswith("PARAPHEUR_")}
    return {**kept, "PYTHONPATH": str(ROOT)}
