"""A relay that takes mails."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from app.context import Context
from tests.builders.mailboxes import Mailbox, open_mailbox


@pytest.fixture
async def mailbox(context: Context) -> AsyncIterator[Mailbox]:
    async with open_mailbox() as opened:
        context.settings.smtp.host = "127.0.0.1"
        context.settings.smtp.port = opened.port
        context.settings.smtp.sender = "parapheur@ville.test"
        yield opened
