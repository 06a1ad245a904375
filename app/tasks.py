"""Table of contents of the jobs: kind -> handler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from app import reactions
from app.context import Context
from app.deposits import tasks as deposit_tasks
from app.deposits.service import INSPECT
from app.folders.service import REACT
from app.jobs import ClaimedJob
from app.notifications import tasks as notification_tasks
from app.signatures import tasks as signature_tasks
from app.transmissions import tasks as transmission_tasks

Handler = Callable[[Context, ClaimedJob], Awaitable[None]]

HANDLERS: Mapping[str, Handler] = {
    REACT: reactions.react,
    deposit_tasks.REFUSED: reactions.react_to_refusal,
    INSPECT: deposit_tasks.inspect,
    reactions.REPORT: signature_tasks.report,
    "transmissions.submit": transmission_tasks.submit,
    "transmissions.poll": transmission_tasks.poll,
    "notifications.send": notification_tasks.send,
}
