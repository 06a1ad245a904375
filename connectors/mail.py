"""Mail over SMTP: one message, one recipient, headers that cannot be injected."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass, field
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from enum import StrEnum

from connectors.errors import Ambiguous, InvalidSubmission, RefusedByRemote, Unreachable
from connectors.tls import client_context, public_context


class SmtpSecurity(StrEnum):
    """How the connection is protected."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """The operator's mail relay. `ca_pem` pins an authority, None trusts the system's."""

    host: str
    port: int
    security: SmtpSecurity = SmtpSecurity.STARTTLS
    login: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_pem: bytes | None = None
    timeout_s: float = 30


@dataclass(frozen=True, slots=True)
class Mail:
    """A text message. `message_id` (`<…@…>`) is the caller's and stays the same at each attempt,
    so that a second delivery after an unknown outcome is recognised as the same mail."""

    sender: str
    recipient: str
    subject: str
    text: str
    message_id: str
    sender_name: str = ""
    list_id: str | None = None
    written_at: datetime | None = None


def compose(mail: Mail) -> EmailMessage:
    """The message, quoted so that any relay can carry it; Date only when `written_at` is given.

    Raises InvalidSubmission (`mail_header`) when a value carries a line break or an address is not
    one (threat 31)."""
    message = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
    try:
        message["From"] = Address(mail.sender_name, addr_spec=mail.sender)
        message["To"] = Address(addr_spec=mail.recipient)
        message["Subject"] = mail.subject
        message["Message-ID"] = _one_line(mail.message_id)
        if mail.list_id is not None:
            message["List-Id"] = _one_line(mail.list_id)
        if mail.written_at is not None:
            message["Date"] = mail.written_at
        message["Auto-Submitted"] = "auto-generated"
    except (ValueError, IndexError, MessageError) as e:
        # email's address parser raises the last two on some malformed addresses.
        raise InvalidSubmission(
            "Le courriel n'est pas parti : une adresse ou l'objet contient un saut de ligne ou un "
            "caractère interdit, corrigez-le.",
            code="mail_header",
        ) from e
    message.set_content(mail.text)
    return message


def send(mail: Mail, server: SmtpServer) -> None:
    """Hands the message to the relay, once; blocking, to be called from a thread.

    Raises InvalidSubmission before any connection; Unreachable when nothing was taken and a later
    attempt may succeed; RefusedByRemote on a permanent no; Ambiguous when the line broke after the
    text was sent."""
    content = compose(mail).as_bytes()
    try:
        connection = _connect(server)
    except smtplib.SMTPAuthenticationError as e:
        raise RefusedByRemote(
            "Le serveur de courriel refuse l'identifiant ou le mot de passe : corrigez-les.",
            remote_text=_text(e.smtp_error),
        ) from e
    except ssl.SSLError as e:
        raise Unreachable(
            "Le certificat du serveur de courriel n'est pas reconnu : vérifiez son autorité.",
            alert=True,
        ) from e
    except (smtplib.SMTPException, OSError) as e:
        raise _unreachable() from e
    try:
        _deliver(connection, mail, content)
    finally:
        connection.close()


def _connect(server: SmtpServer) -> smtplib.SMTP:
    context = public_context() if server.ca_pem is None else client_context(ca_pem=server.ca_pem)
    if server.security is SmtpSecurity.TLS:
        connection: smtplib.SMTP = smtplib.SMTP_SSL(
            server.host, server.port, timeout=server.timeout_s, context=context
        )
    else:
        connection = smtplib.SMTP(server.host, server.port, timeout=server.timeout_s)
    try:
        if server.security is SmtpSecurity.STARTTLS:
            connection.starttls(context=context)
        if server.login is not None:
            connection.login(server.login, server.password or "")
        connection.ehlo_or_helo_if_needed()
    except (smtplib.SMTPException, OSError):
        connection.close()
        raise
    return connection


def _deliver(connection: smtplib.SMTP, mail: Mail, content: bytes) -> None:
    try:
        _expect_taken(*connection.mail(mail.sender))
        _expect_taken(*connection.rcpt(mail.recipient))
    except (smtplib.SMTPException, OSError) as e:
        raise _unreachable() from e
    try:
        code, answer = connection.data(content)
    except smtplib.SMTPDataError as e:
        _expect_taken(e.smtp_code, e.smtp_error)
        raise _unreachable() from e
    except (smtplib.SMTPException, OSError) as e:
        raise Ambiguous(
            "Le serveur de courriel a coupé pendant l'envoi : le message est peut-être parti."
        ) from e
    _expect_taken(code, answer)


def _expect_taken(code: int, answer: bytes | str) -> None:
    if 200 <= code < 300:
        return
    if code >= 500:
        raise RefusedByRemote(
            f"Le serveur de courriel refuse le message : {_text(answer)}",
            remote_text=_text(answer),
        )
    raise _unreachable()


def _unreachable() -> Unreachable:
    return Unreachable(
        "Le serveur de courriel ne prend pas le message pour l'instant : un nouvel essai sera fait."
    )


def _one_line(value: str) -> str:
    if any(character in value for character in "\r\n"):
        raise ValueError("line break in a header")
    return value


def _text(answer: bytes | str) -> str:
    return answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
