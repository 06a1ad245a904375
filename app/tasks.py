"""Table of contents of the jobs: kind -> handler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from app import reactions
from app.context import Context
from app.deposits import tasks as deposit_tasks
from app.deposits.service import INSPECT
from app.documents import tasks as document_tasks
from app.documents.disposal import RECLAIM
from app.documents.schemas import CONDEMNED, REPORT
from app.folders.integrity import FROZEN
from app.folders.service import REACT
from app.handovers import tasks as handover_tasks
from app.handovers.service import HAND_OVER
from app.jobs import ClaimedJob
from app.notifications import tasks as notification_tasks
from app.notifications.service import SEND
from app.register.service import REVIEW, REVIEW_SIGNERS
from app.reviews import tasks as review_tasks
from app.signatures import tasks as signature_tasks
from app.transmissions import tasks as transmission_tasks
from app.transmissions.service import POLL, SUBMIT

Handler = Callable[[Context, ClaimedJob], Awaitable[None]]

HANDLERS: Mapping[str, Handler] = {
    REACT: reactions.react,
    deposit_tasks.REFUSED: reactions.react_to_refusal,
    FROZEN: reactions.react_to_freeze,
    CONDEMNED: reactions.react_to_condemnation,
    INSPECT: deposit_tasks.inspect,
    RECLAIM: document_tasks.reclaim,
    document_tasks.SWEEP: document_tasks.sweep,
    reactions.REMIND: reactions.remind,
    HAND_OVER: handover_tasks.hand_over,
    REVIEW: review_tasks.review,
    REVIEW_SIGNERS: review_tasks.review_signers,
    REPORT: signature_tasks.report,
    SUBMIT: transmission_tasks.submit,
    POLL: transmission_tasks.poll,
    SEND: notification_tasks.send,
}
