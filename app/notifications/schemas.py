"""Kinds and states of the mails owed to people."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from workflows.definition import StepKind


class NotificationKind(StrEnum):
    """What a mail is about: an act awaited of the reader, news of the folder, or nobody able to
    act, told to the submitter and to the administrators of circuits."""

    TO_APPROVE = "to_approve"
    TO_SIGN = "to_sign"
    TO_SEAL = "to_seal"
    TO_ARCHIVE = "to_archive"
    REMINDER = "reminder"
    OPINION_ASKED = "opinion_asked"
    OPINION_GIVEN = "opinion_given"
    INFORMED = "informed"
    ENDED = "ended"
    REJECTED = "rejected"
    RETURNED = "returned"
    ACKNOWLEDGED = "acknowledged"
    REMOTE_REFUSED = "remote_refused"
    TRANSMISSION_FAILED = "transmission_failed"
    INSPECTION_REFUSED = "inspection_refused"
    NOBODY_ABLE = "nobody_able"
    FOLDER_FROZEN = "folder_frozen"
    FOLDER_KEPT = "folder_kept"
    SIGNATURE_INVALID = "signature_invalid"


ARRIVALS: Mapping[StepKind, NotificationKind] = {
    StepKind.APPROVAL: NotificationKind.TO_APPROVE,
    StepKind.SIGNATURE: NotificationKind.TO_SIGN,
    StepKind.SEAL: NotificationKind.TO_SEAL,
    StepKind.ARCHIVE: NotificationKind.TO_ARCHIVE,
}
"""What those who may pass a step are told when it waits for them."""


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
