"""A mail relay on loopback whose answers are scripted."""

from __future__ import annotations

import asyncio
import email
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from email.policy import default

from aiosmtpd.smtp import SMTP, Envelope, Session

from app.context import Context
from connectors.mail import Mail, SmtpSecurity, SmtpServer, send

HOST = "127.0.0.1"
CUT = "cut"


class Mailbox:
    """Takes every message unless `answers` says otherwise, one each; `CUT` takes the message and
    breaks the line without an answer."""

    def __init__(self) -> None:
        self.answers: deque[str] = deque()
        self.received: list[EmailMessage] = []
        self.port = 0

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        del session
        answer = self.answers.popleft() if self.answers else "250 OK"
        assert isinstance(envelope.content, bytes)
        if answer.startswith(("250", CUT)):
            message = email.message_from_bytes(envelope.content, policy=default)
            assert isinstance(message, EmailMessage)
            self.received.append(message)
        if answer == CUT:
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.abort()
            return "421 gone"
        return answer


@asynccontextmanager
async def open_mailbox() -> AsyncIterator[Mailbox]:
    mailbox = Mailbox()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(mailbox, hostname="localhost"), HOST, 0)
    mailbox.port = int(server.sockets[0].getsockname()[1])
    async with server:
        yield mailbox


async def hand_to_relay(context: Context, mail: Mail) -> None:
    """What a worker does between its two transactions."""
    smtp = context.settings.smtp
    assert smtp.host is not None
    server = SmtpServer(smtp.host, smtp.port, SmtpSecurity.NONE)
    await asyncio.to_thread(send, mail, server)
