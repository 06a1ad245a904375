"""Action × state: what the rules say, written by hand, and what a run of the model met."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from workflows.actions import ActionKind
from workflows.folder import FolderStatus

TABLE_PROPERTY = "action_table"

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

PAIRS = tuple((action, status) for action in ActionKind for status in FolderStatus)


class ActionTable:
    """Counts of the sequences played, and of acts accepted and refused, by action and state."""

    def __init__(self) -> None:
        self.sequences = 0
        self.accepted: Counter[tuple[ActionKind, FolderStatus]] = Counter()
        self.refused: Counter[tuple[ActionKind, FolderStatus]] = Counter()

    def count(self, action: ActionKind, status: FolderStatus, *, accepted: bool) -> None:
        """One more act of this kind in this state."""
        (self.accepted if accepted else self.refused)[action, status] += 1

    def rare(self, least_allowed: int, least_refused: int) -> Iterator[str]:
        """The pairs that were not met often enough to say that they are as EXPECTED."""
        for action, status in PAIRS:
            pair = action, status
            if status not in EXPECTED[action] and self.refused[pair] < least_refused:
                yield f"{action} in {status}: refused {self.refused[pair]} times only"
            if status in EXPECTED[action] and self.accepted[pair] < least_allowed:
                yield f"{action} in {status}: accepted {self.accepted[pair]} times only"

    def lines(self) -> Iterator[str]:
        """The table as text: `accepted+` where the rules allow, `-refused` elsewhere."""
        yield f"{self.sequences} sequences; n+ accepted where the rules allow, -n refused elsewhere"
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
