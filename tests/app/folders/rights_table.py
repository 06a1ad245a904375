"""Who may do what to a folder in which state: written by hand, walked over real HTTP (threat 34).

The circuit is one visa by the direction, then an outside step where the state needs one. A folder
is deposited by the finances; the mayor holds a desk that takes no part.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Identity(StrEnum):
    """Who asks."""

    SUBMITTER = "submitter"
    HOLDER = "holder"
    STRANGER = "stranger"
    NOBODY_S = "person without desk"
    WORKFLOW_ADMIN = "workflow_admin"
    DESK_ADMIN = "desk_admin of that desk"
    OTHER_DESK_ADMIN = "desk_admin of another desk"
    AUDITOR = "auditor"
    PROGRAM = "program that deposits"
    ANONYMOUS = "anonymous"
    OTHER_TOWN = "mayor of another town"


class State(StrEnum):
    """Where the folder is."""

    DRAFT = "draft"
    PENDING = "pending"
    AWAITING_OUTSIDE = "awaiting_outside"
    REJECTED = "rejected"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


_HIDDEN = frozenset({Identity.STRANGER, Identity.NOBODY_S, Identity.OTHER_TOWN})

REFUSED: Mapping[Identity, int] = {Identity.ANONYMOUS: 401, Identity.PROGRAM: 403}
"""Those who may ask nothing of any folder by this route, and what they are answered."""


def is_hidden(who: Identity, state: State) -> bool:
    """Whether the folder does not exist for this identity."""
    if state is State.DRAFT:
        return who is not Identity.SUBMITTER
    if state is State.CANCELLED:
        # It never entered its circuit: nobody of it has seen it.
        return who not in {Identity.SUBMITTER, Identity.WORKFLOW_ADMIN}
    return who in {*_HIDDEN, Identity.OTHER_DESK_ADMIN, Identity.AUDITOR}


_NONE: frozenset[str] = frozenset()
_MOVES = frozenset({"reject", "transfer", "skip_step"})

ALLOWED: Mapping[State, Mapping[Identity, frozenset[str]]] = {
    State.DRAFT: {Identity.SUBMITTER: frozenset({"cancel"})},
    State.PENDING: {
        Identity.SUBMITTER: frozenset({"retract", "read"}),
        Identity.HOLDER: frozenset(
            {"approve", "reject", "transfer", "ask_opinion", "read", "recuse"}
        ),
        Identity.WORKFLOW_ADMIN: _MOVES,
        Identity.DESK_ADMIN: _MOVES,
    },
    State.AWAITING_OUTSIDE: {
        Identity.SUBMITTER: frozenset({"read"}),
        Identity.HOLDER: frozenset({"read", "recuse"}),
        Identity.WORKFLOW_ADMIN: frozenset({"force_step"}),
        Identity.DESK_ADMIN: frozenset({"force_step"}),
    },
    State.REJECTED: {
        Identity.SUBMITTER: frozenset({"resubmit", "cancel", "read"}),
        Identity.HOLDER: frozenset({"retract", "read", "recuse"}),
    },
    State.COMPLETED: {},
    State.CANCELLED: {},
}
"""What each identity may do, among the acts of this route; nothing where it is not named."""


def allowed(state: State, who: Identity) -> frozenset[str]:
    """The acts open to this identity in this state."""
    return ALLOWED[state].get(who, _NONE)
