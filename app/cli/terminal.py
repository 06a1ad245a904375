"""What every command says to a person: refusals, progress, texts that come from elsewhere."""

from __future__ import annotations

import sys
import unicodedata
from enum import IntEnum
from pathlib import Path
from typing import NoReturn

import typer
from rich.console import Console


class Status(IntEnum):
    """Exit statuses, as `parapheur --help` states them."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    CANNOT_VOUCH = 3
    UNSIGNED = 4
    INTERRUPTED = 130


def refuse(detail: str, *, code: str | None = None, status: int = Status.REFUSED) -> NoReturn:
    """Ends the command: the sentence, its stable code, the exit status."""
    suffix = f" [{code}]" if code else ""
    typer.echo(f"parapheur : {detail}{suffix}", err=True)
    sys.exit(status)


def refuse_usage(detail: str) -> NoReturn:
    """What the command line itself says wrongly."""
    refuse(detail, code="bad_usage", status=Status.USAGE)


def refuse_unreadable(file: Path) -> NoReturn:
    """A file named on the command line that cannot be read."""
    name = visible(str(file))
    refuse_usage(f"« {name} » ne peut pas être lu : vérifiez son chemin et ses droits.")


def visible(text: str) -> str:
    """One line of visible characters: no terminal sequence, no direction override."""
    return "".join(
        c if unicodedata.category(c)[0] != "C" else "\N{REPLACEMENT CHARACTER}" for c in text
    )


def progress_console() -> Console:
    """Where progress is shown, apart from results: standard error, plain when it is no terminal."""
    return Console(stderr=True, highlight=False)
