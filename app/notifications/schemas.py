"""Kinds and states of the mails owed to people."""

from __future__ import annotations

from enum import StrEnum


class NotificationKind(StrEnum):
    """What a mail is about; the first two go to those who may act, the others to the submitter,
    `nobody_able` also to the administrators of circuits."""

    TO_APPROVE = "to_approve"
    TO_SIGN = "to_sign"
    REJECTED = "rejected"
    ACKNOWLEDGED = "acknowledged"
    REMOTE_REFUSED = "remote_refused"
    TRANSMISSION_FAILED = "transmission_failed"
    INSPECTION_REFUSED = "inspection_refused"
    NOBODY_ABLE = "nobody_able"


class NotificationState(StrEnum):
    """`repeated`: the line broke after the text once, it goes out a second time under the same
    Message-ID. `unknown`: it broke again. `superseded`: there was nothing left to tell."""

    WAITING = "waiting"
    REPEATED = "repeated"
    SENT = "sent"
    UNKNOWN = "unknown"
    REFUSED = "refused"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
