"""Figures of a run: arms measured in alternation, told as ratios between them."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Spread:
    """Median, least and greatest of some values in one unit."""

    middle: float
    least: float
    most: float

    def told(self, pattern: str) -> str:
        """The three values, each through the same format pattern."""
        middle, least, most = (pattern.format(one) for one in (self.middle, self.least, self.most))
        return f"{middle} ({least}–{most})"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: what was compared, the figure, and what it rests on."""

    name: str
    figure: str
    goal: str
    detail: str


def spread(values: Sequence[float]) -> Spread:
    """Raises ValueError without values."""
    if not values:
        raise ValueError("nothing was measured")
    return Spread(median(values), min(values), max(values))


def ratios(upper: Sequence[float], lower: Sequence[float]) -> Spread:
    """How many times `lower` each value of `upper` is, round by round: what slows the machine
    down for a while slows both arms of the round."""
    return spread([one / other for one, other in zip(upper, lower, strict=True)])


def timed(action: Callable[[], object]) -> float:
    """Seconds that `action` takes, the garbage of others collected before."""
    gc.collect()
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def alternate(
    arms: Mapping[str, Callable[[], object]], *, rounds: int, warm_up: int = 1
) -> dict[str, list[float]]:
    """Seconds of each arm in each round; every second round runs the arms in the other order.

    The first `warm_up` rounds are not kept."""
    measured: dict[str, list[float]] = {name: [] for name in arms}
    order = list(arms)
    for number in range(-warm_up, rounds):
        for name in order if number % 2 == 0 else reversed(order):
            seconds = timed(arms[name])
            if number >= 0:
                measured[name].append(seconds)
    return measured
