"""One French line per step, with the time it took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.markup import escape


@dataclass(slots=True)
class Step:
    """What is noted of a step under way; partly done, it is not marked as done."""

    notes: list[str] = field(default_factory=list)
    is_partial: bool = False

    def note(self, told: str, *, is_partial: bool = False) -> None:
        self.notes.append(told)
        self.is_partial |= is_partial


class Narrator:
    """Tells a run on a terminal; elsewhere the same lines without colour nor movement."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._started = time.monotonic()

    @contextmanager
    def step(self, told: str) -> Iterator[Step]:
        """A step under way, then its line; what is noted meanwhile ends the line."""
        began = time.monotonic()
        under_way = Step()
        mark, colour = "✗", "red"
        try:
            with self._console.status(escape(f"{told}…")):
                yield under_way
            mark, colour = ("!", "yellow") if under_way.is_partial else ("✓", "green")
        finally:
            notes = ", ".join(under_way.notes)
            text = f"{told} : {notes}" if notes else told
            took = _seconds(time.monotonic() - began)
            self._console.print(
                f"[{colour}]{mark}[/] {escape(text)} [dim]({took})[/]", soft_wrap=True
            )

    def say(self, text: str = "") -> None:
        """A line of its own."""
        self._console.print(escape(text), soft_wrap=True)

    def warn(self, text: str) -> None:
        """A line that nobody misses."""
        self._console.print(f"[bold red]{escape(text)}[/]", soft_wrap=True)

    @property
    def elapsed(self) -> str:
        return _seconds(time.monotonic() - self._started)


def silent() -> Narrator:
    """Says nothing: for tests."""
    return Narrator(Console(quiet=True))


def _seconds(duration_s: float) -> str:
    return f"{duration_s:.1f} s".replace(".", ",")
