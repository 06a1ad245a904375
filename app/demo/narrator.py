"""One French line per step, with the time it took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

Note = Callable[[str], None]


class Narrator:
    """Tells a run on a terminal; elsewhere the same lines without colour nor movement."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._started = time.monotonic()

    @contextmanager
    def step(self, told: str) -> Iterator[Note]:
        """A step under way, then its line; what is noted meanwhile ends the line."""
        began = time.monotonic()
        notes: list[str] = []
        done = False
        try:
            with self._console.status(escape(f"{told}…")):
                yield notes.append
            done = True
        finally:
            mark, colour = ("✓", "green") if done else ("✗", "red")
            text = " : ".join([told, ", ".join(notes)]) if notes else told
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
