"""Memory of processes and of all their descendants, as the kernel counts it (proportional set)."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType

KIB = 1024
MIB = 1024 * KIB
_PAUSE_S = 0.02
_PROC = Path("/proc")


def pss_bytes(pids: Iterable[int]) -> int:
    """Sum of the proportional set sizes: a page shared by n processes counts for 1/n in each.

    A process that has ended meanwhile counts for nothing."""
    return sum(_pss_of(pid) for pid in pids)


def family(roots: Sequence[int]) -> list[int]:
    """The processes and all their descendants, as they are now."""
    found: list[int] = []
    waiting = list(roots)
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += _children_of(pid)
    return found


def settled_bytes(roots: Sequence[int], *, pause_s: float = 0.3, patience_s: float = 20.0) -> int:
    """The family's memory once three readings in a row lie within 256 kB, or at the end of the
    patience."""
    deadline = time.monotonic() + patience_s
    readings = [pss_bytes(family(roots))]
    while time.monotonic() < deadline:
        time.sleep(pause_s)
        readings = [*readings[-2:], pss_bytes(family(roots))]
        if len(readings) == 3 and max(readings) - min(readings) < 256 * KIB:
            break
    return readings[-1]


class PeakOfMemory:
    """Samples the family of `roots` every 20 ms in a thread, from entering to leaving.

    What lives less than the pause may be missed: sampling gives a lower bound."""

    def __init__(self, roots: Sequence[int]) -> None:
        self._roots = tuple(roots)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory-sampler")
        self.bytes = 0
        self.samples = 0

    def __enter__(self) -> PeakOfMemory:
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(_PAUSE_S):
            self.bytes = max(self.bytes, pss_bytes(family(self._roots)))
            self.samples += 1


def _pss_of(pid: int) -> int:
    # ESRCH, not ENOENT, when it ends between opening and reading.
    try:
        text = (_PROC / str(pid) / "smaps_rollup").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return 0
    for line in text.splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * KIB
    return 0


def _children_of(pid: int) -> list[int]:
    children: list[int] = []
    try:
        for thread in (_PROC / str(pid) / "task").iterdir():
            children += map(int, (thread / "children").read_text(encoding="ascii").split())
    except (FileNotFoundError, ProcessLookupError):
        return []
    return children
