"""Figures of a run: arms measured in alternation, told as ratios between them."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Spread:
    """Median, least and greatest of some values in one unit."""

    middle: float
    least: float
    most: float

    def told(self, decimals: int) -> str:
        """The three values as French writes them."""
        middle, least, most = (
            in_french(one, decimals) for one in (self.middle, self.least, self.most)
        )
        return f"{middle} ({least} à {most})"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table, in French: what was compared, the figure (a ratio, or what a promise
    is about), what was promised, and what the figure rests on."""

    name: str
    figure: str
    goal: str
    detail: str


def in_french(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}".replace(".", ",")


def spread(values: Sequence[float]) -> Spread:
    """Raises ValueError without values."""
    if not values:
        raise ValueError("nothing was measured")
    return Spread(median(values), min(values), max(values))


def ratios(upper: Sequence[float], lower: Sequence[float]) -> Spread:
    """How many times `lower` each value of `upper` is, round by round: what slows the machine
    down for a while slows both arms of the round."""
    return spread([one / other for one, other in zip(upper, lower, strict=True)])


def timed(action: Callable[[], object], *, repeats: int = 1) -> float:
    """Seconds that one `action` takes, the garbage of others collected before."""
    gc.collect()
    start = time.perf_counter()
    for _ in range(repeats):
        action()
    return (time.perf_counter() - start) / repeats


def alternate(
    arms: Mapping[str, Callable[[], object]], *, rounds: int, repeats: int = 1
) -> dict[str, list[float]]:
    """Seconds of each arm in each round, the mean of `repeats` calls; every second round runs the
    arms in the other order.

    A first round is not kept. All of it runs in a thread beside the main one, where
    the server signs: event loops cost more in the main thread, which minds signals."""
    with ThreadPoolExecutor(max_workers=1) as beside:
        return beside.submit(_alternated, arms, rounds, repeats).result()


def _alternated(
    arms: Mapping[str, Callable[[], object]], rounds: int, repeats: int
) -> dict[str, list[float]]:
    measured: dict[str, list[float]] = {name: [] for name in arms}
    order = list(arms)
    for number in range(-1, rounds):
        for name in order if number % 2 == 0 else reversed(order):
            seconds = timed(arms[name], repeats=repeats)
            if number >= 0:
                measured[name].append(seconds)
    return measured
