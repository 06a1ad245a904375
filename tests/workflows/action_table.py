"""Action × state: what the rules say, written by hand, and what the runs of the tests met."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from workflows.actions import ActionKind
from workflows.folder import FolderStatus

TABLE_PROPERTY = "action_table"
LEAST_ALLOWED = 20
LEAST_REFUSED = 5

_A, _S = ActionKind, FolderStatus

_SENT_IN = frozenset(
    {
        _S.PENDING,
        _S.AWAITING_OUTSIDE,
        _S.REJECTED,
        _S.AWAITING_TRANSMISSION,
        _S.TRANSMITTING,
        _S.TRANSMISSION_FAILED,
        _S.TRANSMITTED,
        _S.REMOTE_REFUSED,
    }
)
"""Where a folder has left its submitter and has not ended."""

EXPECTED: Mapping[ActionKind, frozenset[FolderStatus]] = {
    _A.SUBMIT: frozenset({_S.DRAFT}),
    _A.APPROVE: frozenset({_S.PENDING}),
    _A.SIGN: frozenset({_S.PENDING}),
    _A.SIGN_ON_PAPER: frozenset({_S.PENDING}),
    _A.SEAL: frozenset({_S.PENDING}),
    _A.ARCHIVE: frozenset({_S.PENDING}),
    _A.REJECT: frozenset({_S.PENDING}),
    _A.RETRACT: frozenset({_S.PENDING, _S.AWAITING_TRANSMISSION, _S.REJECTED}),
    _A.RESUBMIT: frozenset({_S.REJECTED, _S.REMOTE_REFUSED, _S.TRANSMISSION_FAILED}),
    _A.CANCEL: frozenset({_S.DRAFT, _S.REJECTED, _S.REMOTE_REFUSED, _S.TRANSMISSION_FAILED}),
    _A.READ: _SENT_IN,
    _A.TRANSFER: frozenset({_S.PENDING}),
    _A.ASK_OPINION: frozenset({_S.PENDING}),
    _A.GIVE_OPINION: frozenset({_S.PENDING}),
    _A.ADD_STEP: frozenset({_S.PENDING}),
    _A.RECUSE: _SENT_IN,
    _A.CHAIN: frozenset({_S.ACKNOWLEDGED, _S.COMPLETED}),
    _A.SKIP_STEP: frozenset({_S.PENDING}),
    _A.FORCE_STEP: frozenset({_S.AWAITING_OUTSIDE}),
    _A.MIGRATE: frozenset({_S.PENDING, _S.AWAITING_OUTSIDE, _S.AWAITING_TRANSMISSION}),
    _A.RECORD_OUTSIDE: frozenset({_S.AWAITING_OUTSIDE}),
    _A.CLAIM_TRANSMISSION: frozenset({_S.AWAITING_TRANSMISSION, _S.TRANSMISSION_FAILED}),
    _A.RECORD_TRANSMITTED: frozenset({_S.TRANSMITTING, _S.TRANSMITTED}),
    _A.RECORD_ACKNOWLEDGED: frozenset({_S.TRANSMITTED}),
    _A.RECORD_REMOTE_REFUSAL: frozenset({_S.TRANSMITTING, _S.TRANSMITTED}),
    _A.RECORD_TRANSMISSION_ERROR: frozenset({_S.TRANSMITTING}),
}
"""In which states each action may be accepted; in the others it never is."""


class ActionTable:
    """Counts of acts accepted and refused, by action and state."""

    def __init__(self) -> None:
        self.accepted: Counter[tuple[ActionKind, FolderStatus]] = Counter()
        self.refused: Counter[tuple[ActionKind, FolderStatus]] = Counter()

    def count(self, action: ActionKind, status: FolderStatus, *, accepted: bool) -> None:
        """One more act of this kind in this state."""
        (self.accepted if accepted else self.refused)[action, status] += 1

    def add(self, other: ActionTable) -> None:
        """The counts of the other table on top of these."""
        self.accepted.update(other.accepted)
        self.refused.update(other.refused)

    def faults(self) -> Iterator[str]:
        """What differs from EXPECTED, or was not met often enough to say."""
        for action in ActionKind:
            for status in FolderStatus:
                yes, no = self.accepted[action, status], self.refused[action, status]
                if status in EXPECTED[action]:
                    if yes < LEAST_ALLOWED:
                        yield f"{action} in {status}: accepted {yes} times only"
                elif yes:
                    yield f"{action} in {status}: accepted {yes} times, never expected"
                elif no < LEAST_REFUSED:
                    yield f"{action} in {status}: refused {no} times only"

    def lines(self) -> Iterator[str]:
        """The table as text: `accepted+` where the rules allow, `-refused` elsewhere."""
        wide = max(len(action) for action in ActionKind)
        columns = [max(len(status), 7) for status in FolderStatus]
        header = (f"{status:>{width}}" for status, width in zip(FolderStatus, columns, strict=True))
        yield f"{'':<{wide}} {' '.join(header)}"
        for action in ActionKind:
            cells = (
                f"{self._cell(action, status):>{width}}"
                for status, width in zip(FolderStatus, columns, strict=True)
            )
            yield f"{action:<{wide}} {' '.join(cells)}"

    def _cell(self, action: ActionKind, status: FolderStatus) -> str:
        if status in EXPECTED[action]:
            return f"{self.accepted[action, status]}+"
        return f"-{self.refused[action, status]}"


MET = ActionTable()
"""All that the tests of this run met; printed at the end of it."""
