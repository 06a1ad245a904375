from __future__ import annotations

import asyncio
import email
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from connectors.errors import Ambiguous, InvalidSubmission, RefusedByRemote, Unreachable
from connectors.mail import Mail, SmtpSecurity, SmtpServer, compose, send
from tests.builders.tdt import TdtPki, make_server_context

MAIL = Mail(
    sender="parapheur@ville.example",
    sender_name="Parapheur, ville fictive",
    recipient="agent@ville.example",
    subject="Reçu en préfecture : « délibération »",
    text="Bonjour,\n\nVotre dossier est acquitté.\n",
    message_id="<n-1@parapheur.example>",
    list_id="<dossiers.parapheur.example>",
)


class Mailbox:
    """An aiosmtpd handler whose answers may be set."""

    def __init__(self, *, rcpt: str = "250 OK", data: str = "250 OK") -> None:
        self.received: list[Envelope] = []
        self._rcpt = rcpt
        self._data = data

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self._rcpt

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self._data.startswith("250"):
            self.received.append(envelope)
        return self._data


@contextmanager
def relay(mailbox: Mailbox, **options: Any) -> Iterator[SmtpServer]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    controller = Controller(mailbox, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield SmtpServer("127.0.0.1", port, SmtpSecurity.NONE, timeout_s=5)
    finally:
        controller.stop()


class TestCompose:
    def test_carries_the_callers_message_id_at_each_attempt(self) -> None:
        assert compose(MAIL)["Message-ID"] == compose(MAIL)["Message-ID"] == MAIL.message_id

    def test_is_plain_ascii_on_the_wire(self) -> None:
        assert compose(MAIL).as_bytes().isascii()

    def test_reads_back_as_written(self) -> None:
        read = email.message_from_bytes(compose(MAIL).as_bytes(), policy=email.policy.default)

        assert read["Subject"] == MAIL.subject
        assert read.get_content().replace("\r\n", "\n") == MAIL.text

    def test_writes_a_date_only_when_given_one(self) -> None:
        dated = replace(MAIL, written_at=datetime(2025, 3, 14, 9, 30, tzinfo=UTC))

        assert compose(MAIL)["Date"] is None
        assert str(compose(dated)["Date"]).startswith("Fri, 14 Mar 2025 09:30:00")

    @pytest.mark.parametrize(
        "injection",
        ["\r\nBcc: tiers@example.org", "\nBcc: tiers@example.org", "\rBcc: tiers@example.org"],
    )
    @pytest.mark.parametrize(
        "field", ["subject", "recipient", "sender", "sender_name", "message_id", "list_id"]
    )
    def test_threat_31_refuses_a_line_break_in_any_header(self, field: str, injection: str) -> None:
        changes: dict[str, Any] = {field: f"{getattr(MAIL, field)}{injection}"}

        with pytest.raises(InvalidSubmission) as caught:
            compose(replace(MAIL, **changes))

        assert caught.value.code == "mail_header"

    @pytest.mark.parametrize("address", ["", "sans-arobase", "a@b.example, c@d.example", "@", "a@"])
    def test_threat_31_refuses_what_is_not_one_address(self, address: str) -> None:
        with pytest.raises(InvalidSubmission):
            compose(replace(MAIL, recipient=address))


class TestSend:
    def test_delivers_once(self) -> None:
        mailbox = Mailbox()
        with relay(mailbox) as server:
            send(MAIL, server)

        assert [one.rcpt_tos for one in mailbox.received] == [[MAIL.recipient]]

    def test_a_relay_that_is_down_is_unreachable(self) -> None:
        with relay(Mailbox()) as server:
            pass

        with pytest.raises(Unreachable):
            send(MAIL, server)

    @pytest.mark.parametrize("answers", [{"rcpt": "550 inconnu"}, {"data": "554 refusé"}])
    def test_a_permanent_no_is_refused(self, answers: dict[str, str]) -> None:
        with relay(Mailbox(**answers)) as server, pytest.raises(RefusedByRemote):
            send(MAIL, server)

    @pytest.mark.parametrize("answers", [{"rcpt": "450 plus tard"}, {"data": "451 plus tard"}])
    def test_a_temporary_no_may_be_tried_again(self, answers: dict[str, str]) -> None:
        with relay(Mailbox(**answers)) as server, pytest.raises(Unreachable):
            send(MAIL, server)

    def test_a_line_cut_after_the_text_is_ambiguous(self) -> None:
        with _cutting_after_data() as port, pytest.raises(Ambiguous):
            send(MAIL, SmtpServer("127.0.0.1", port, SmtpSecurity.NONE, timeout_s=5))

    def test_a_wrong_password_is_refused(self) -> None:
        with relay(Mailbox(), **_authentication()) as server, pytest.raises(RefusedByRemote):
            send(MAIL, replace(server, login="compte", password="faux"))

    def test_a_right_password_passes(self) -> None:
        mailbox = Mailbox()
        with relay(mailbox, **_authentication()) as server:
            send(MAIL, replace(server, login="compte", password="juste"))

        assert len(mailbox.received) == 1

    def test_threat_29_a_relay_outside_the_pinned_authority_is_refused(
        self, tdt_pki: TdtPki, tmp_path: Path
    ) -> None:
        mailbox = Mailbox()
        context = make_server_context(tdt_pki, tmp_path)
        context.verify_mode = ssl.CERT_NONE
        with relay(mailbox, tls_context=context) as server:
            secured = replace(
                server, security=SmtpSecurity.STARTTLS, ca_pem=tdt_pki.foreign_authority.pem
            )
            with pytest.raises(Unreachable) as caught:
                send(MAIL, secured)

        assert caught.value.alert
        assert mailbox.received == []

    def test_delivers_over_starttls(self, tdt_pki: TdtPki, tmp_path: Path) -> None:
        mailbox = Mailbox()
        context = make_server_context(tdt_pki, tmp_path)
        context.verify_mode = ssl.CERT_NONE
        with relay(mailbox, tls_context=context) as server:
            send(
                MAIL,
                replace(server, security=SmtpSecurity.STARTTLS, ca_pem=tdt_pki.authority.pem),
            )

        assert len(mailbox.received) == 1

    def test_never_shows_the_password(self) -> None:
        assert "juste" not in repr(SmtpServer("h", 25, login="compte", password="juste"))


def _authentication() -> dict[str, Any]:
    def check(
        server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
    ) -> AuthResult:
        right = isinstance(data, LoginPassword) and data.password == b"juste"
        return AuthResult(success=right, handled=False)

    return {"authenticator": check, "auth_require_tls": False}


@contextmanager
def _cutting_after_data() -> Iterator[int]:
    """A relay that closes the line once it has the whole text."""
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=_serve_one, args=(listener,))
    thread.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        thread.join()
        listener.close()


def _serve_one(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    with connection, connection.makefile("rwb", buffering=0) as lines:
        lines.write(b"220 essai\r\n")
        while (line := lines.readline().strip().upper()) != b"DATA":
            lines.write(b"250 essai\r\n" if line else b"500\r\n")
        lines.write(b"354 allez-y\r\n")
        while lines.readline().strip() != b".":
            continue


def test_blocking_send_leaves_the_event_loop_free() -> None:
    mailbox = Mailbox()

    async def in_thread(server: SmtpServer) -> None:
        await asyncio.to_thread(send, MAIL, server)

    with relay(mailbox) as server:
        asyncio.run(in_thread(server))

    assert len(mailbox.received) == 1
