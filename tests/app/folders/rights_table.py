"""Who may do what to a folder in which state: written by hand, walked over real HTTP (threat 34).

The circuit is one visa by the direction, then an outside step, the transmission, the mayor's
signature or archiving by the direction where the state needs one; whoever has the visa may add
steps after it, and may have it in a preparation; the mayor may sign on paper. A folder is deposited
by the finances; the mayor's desk takes no part otherwise. Somebody has the function of the
direction by delegation, somebody else replaces its holder, who is away; two persons assist and
watch that desk.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Identity(StrEnum):
    """Who asks."""

    SUBMITTER = "submitter"
    HOLDER = "holder"
    DELEGATE = "delegate of the holder"
    REPLACEMENT = "replacement of the holder"
    ASSISTANT = "assistant of that desk"
    SUPERVISOR = "supervisor of that desk"
    MAYOR = "mayor"
    NOBODY_S = "person without desk"
    WORKFLOW_ADMIN = "workflow_admin"
    DESK_ADMIN = "desk_admin of that desk"
    MAYOR_S_DESK_ADMIN = "desk_admin of the mayor's desk"
    TENANT_ADMIN = "tenant_admin"
    HOST_ADMIN = "host_admin"
    CERTIFICATE_MANAGER = "certificate_manager"
    AUDITOR = "auditor"
    PROGRAM = "program that deposits"
    ANONYMOUS = "anonymous"
    OTHER_TOWN = "mayor of another town"


class State(StrEnum):
    """Where the folder is."""

    DRAFT = "draft"
    INSPECTING = "inspecting"
    INSPECTION_REFUSED = "inspection_refused"
    PREPARATION = "in preparation"
    PENDING = "pending"
    FROZEN = "frozen while pending"
    OPINION_ASKED = "opinion asked of the mayor"
    SIGNATURE = "waiting for the mayor's signature"
    AWAITING_OUTSIDE = "awaiting_outside"
    AWAITING_TRANSMISSION = "awaiting_transmission"
    ARCHIVE = "waiting to be archived"
    REJECTED = "rejected"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


_HIDDEN = frozenset(
    {
        Identity.NOBODY_S,
        Identity.OTHER_TOWN,
        Identity.HOST_ADMIN,
        Identity.CERTIFICATE_MANAGER,
        Identity.AUDITOR,
    }
)
_OF_THE_MAYOR = frozenset({Identity.MAYOR, Identity.MAYOR_S_DESK_ADMIN})
_NEVER_SENT = frozenset({State.DRAFT, State.INSPECTING, State.INSPECTION_REFUSED, State.CANCELLED})
_MAYOR_S = frozenset({State.OPINION_ASKED, State.SIGNATURE})

SEEN_AS_ELSEWHERE = frozenset(
    {State.INSPECTING, State.INSPECTION_REFUSED, State.FROZEN, State.AWAITING_TRANSMISSION}
)
"""States hidden from the same persons as another one, where every act of theirs is tried: here one
act of each is."""

REFUSED: Mapping[Identity, int] = {Identity.ANONYMOUS: 401, Identity.PROGRAM: 403}
"""Those who may ask nothing of any folder by this route, and what they are answered."""


def is_hidden(who: Identity, state: State) -> bool:
    """Whether the folder does not exist for this identity."""
    if who is Identity.TENANT_ADMIN:
        return False
    if state in _NEVER_SENT:
        # It never entered its circuit: nobody else has seen it, administrators of it included.
        return who is not Identity.SUBMITTER
    return who in _HIDDEN or (who in _OF_THE_MAYOR and state not in _MAYOR_S)


_NONE: frozenset[str] = frozenset()
_MOVES = frozenset({"reject", "transfer", "skip_step"})
_HAS_IT = frozenset({"approve", "reject", "transfer", "ask_opinion", "add_step", "read", "recuse"})
_TAKES_PART = frozenset({"read", "recuse"})
_ADMINISTRATORS = (Identity.TENANT_ADMIN, Identity.WORKFLOW_ADMIN)
_OF_THE_DESK = (*_ADMINISTRATORS, Identity.DESK_ADMIN)
_OF_THE_MAYOR_S_DESK = (*_ADMINISTRATORS, Identity.MAYOR_S_DESK_ADMIN)
_IN_HIS_NAME = (Identity.DELEGATE, Identity.REPLACEMENT)

_AT_THE_VISA: Mapping[Identity, frozenset[str]] = {
    Identity.SUBMITTER: frozenset({"retract", "read"}),
    Identity.HOLDER: _HAS_IT,
    **dict.fromkeys(_IN_HIS_NAME, _HAS_IT),
    **dict.fromkeys(_OF_THE_DESK, _MOVES),
}

ALLOWED: Mapping[State, Mapping[Identity, frozenset[str]]] = {
    State.DRAFT: {Identity.SUBMITTER: frozenset({"cancel"})},
    # Nothing before the inspection is over; then, a flow corrected or nothing.
    State.INSPECTING: {},
    State.INSPECTION_REFUSED: {Identity.SUBMITTER: frozenset({"cancel"})},
    State.PREPARATION: _AT_THE_VISA,
    State.PENDING: _AT_THE_VISA,
    # Its bytes are not what its rows say: nobody does anything before they are restored.
    State.FROZEN: {},
    State.OPINION_ASKED: {
        Identity.SUBMITTER: frozenset({"retract", "read"}),
        Identity.HOLDER: _HAS_IT,
        Identity.MAYOR: frozenset({"read", "give_opinion"}),
        **dict.fromkeys(_IN_HIS_NAME, _HAS_IT),
        **dict.fromkeys(_OF_THE_DESK, _MOVES),
    },
    State.SIGNATURE: {
        Identity.SUBMITTER: frozenset({"read"}),
        Identity.HOLDER: _TAKES_PART | {"retract"},
        Identity.MAYOR: _TAKES_PART | {"sign_on_paper", "reject", "transfer", "ask_opinion"},
        **dict.fromkeys(_IN_HIS_NAME, _TAKES_PART),
        **dict.fromkeys(_OF_THE_MAYOR_S_DESK, frozenset({"reject", "transfer"})),
    },
    State.AWAITING_OUTSIDE: {
        Identity.SUBMITTER: frozenset({"read"}),
        Identity.HOLDER: _TAKES_PART,
        **dict.fromkeys(_IN_HIS_NAME, _TAKES_PART),
        **dict.fromkeys(_OF_THE_DESK, frozenset({"force_step"})),
    },
    # Nothing left yet: whoever passed the last step may take it back; what is sent is for the
    # administrators of transmissions, by their own routes.
    State.AWAITING_TRANSMISSION: {
        Identity.SUBMITTER: frozenset({"read"}),
        Identity.HOLDER: _TAKES_PART | {"retract"},
        **dict.fromkeys(_IN_HIS_NAME, _TAKES_PART),
    },
    State.ARCHIVE: {
        Identity.SUBMITTER: frozenset({"read"}),
        Identity.HOLDER: _TAKES_PART | {"archive", "transfer", "retract"},
        **dict.fromkeys(_IN_HIS_NAME, _TAKES_PART),
        **dict.fromkeys(_OF_THE_DESK, frozenset({"transfer", "skip_step"})),
    },
    State.REJECTED: {
        Identity.SUBMITTER: frozenset({"resubmit", "cancel", "read"}),
        Identity.HOLDER: _TAKES_PART | {"retract"},
        **dict.fromkeys(_IN_HIS_NAME, _TAKES_PART),
    },
    State.COMPLETED: {},
    State.CANCELLED: {},
}
"""What each identity may do, among the acts of this route; nothing where it is not named."""


def allowed(state: State, who: Identity) -> frozenset[str]:
    """The acts open to this identity in this state."""
    return ALLOWED[state].get(who, _NONE)
