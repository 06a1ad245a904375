"""What the person reads before signing, and how the PIN is taken."""

from __future__ import annotations

import os
from decimal import Decimal
from io import StringIO
from uuid import uuid4

import pytest

from agent.consent import (
    ConsentRequest,
    TerminalConsent,
    amount_text,
    clean,
    read_pin,
    summary_lines,
    type_pin,
)
from agent.errors import NoPin
from agent.protocol import SigningJob
from app.demo.pki import Issued
from signing.pin import PinState
from tests.builders.agent_devices import ScriptedDevice
from tests.builders.agent_documents import prepared_pdf, prepared_pes
from tests.builders.agent_items import create_item
from tests.builders.tokens import create_signer


@pytest.fixture(scope="module")
def signer() -> Issued:
    return create_signer()


def request(
    signer: Issued,
    *,
    state: PinState = PinState.OK,
    pin_pad: bool = False,
    is_software: bool = False,
) -> ConsentRequest:
    pdf = create_item(prepared_pdf(signer))
    pes = create_item(prepared_pes(signer, slips=2), n=2)
    job = SigningJob(
        job_id=uuid4(),
        session_id=uuid4(),
        device_id=uuid4(),
        server="https://parapheur.invalid",
        tenant_name="Commune de Sainte-Fiction",
        user_name="Camille Duval",
        nonce="n",
        issued_at=pdf.signing_time,
        accept_before=pdf.signing_time,
        certificate_sha256="0" * 64,
        items=(pdf, pes),
    )
    return ConsentRequest(
        job, ScriptedDevice(signer, pin_pad=pin_pad, is_software=is_software), state
    )


class TestSummary:
    @pytest.mark.parametrize(
        "shown",
        [
            "https://parapheur.invalid",
            "Camille Duval",
            "AC de test",
            "Documents    : 2",
            "Dossier 1 : document-1",
            "2 bordereau(x), 300,00 €",
        ],
    )
    def test_shows(self, signer: Issued, shown: str) -> None:
        assert shown in "\n".join(summary_lines(request(signer)))

    def test_says_loudly_that_a_key_file_is_no_token(self, signer: Issued) -> None:
        text = "\n".join(summary_lines(request(signer, is_software=True)))
        assert "ATTENTION : clé logicielle" in text

    def test_warns_before_the_last_try(self, signer: Issued) -> None:
        text = "\n".join(summary_lines(request(signer, state=PinState.FINAL_TRY)))
        assert "un seul essai" in text

    def test_amounts_are_written_as_in_french(self) -> None:
        assert amount_text(Decimal("1234567.5")) == "1\u202f234\u202f567,50 €"

    def test_control_characters_are_made_visible(self) -> None:
        assert clean("a\x1b[31m\nb\u202e") == "a\ufffd[31m\ufffdb\ufffd"


class TestPinDescriptor:
    def test_takes_one_line_and_leaves_the_next(self) -> None:
        read_end = _pipe(b"1234\n5678\n")
        try:
            assert read_pin(read_end) == bytearray(b"1234")
            assert os.read(read_end, 99) == b"5678\n"
        finally:
            os.close(read_end)

    @pytest.mark.parametrize("content", [b"", b"\n", b"x" * 300])
    def test_refuses_no_pin_and_endless_pin(self, content: bytes) -> None:
        read_end = _pipe(content)
        try:
            with pytest.raises(NoPin):
                read_pin(read_end)
        finally:
            os.close(read_end)

    def test_a_closed_descriptor_is_no_pin(self) -> None:
        read_end = _pipe(b"")
        os.close(read_end)
        with pytest.raises(NoPin):
            read_pin(read_end)


class TestTerminal:
    def test_without_terminal_no_pin_is_typed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sys.stdin", StringIO("1234\n"))
        with pytest.raises(NoPin):
            type_pin("Code PIN : ")

    @pytest.mark.parametrize(("typed", "agrees"), [("oui\n", True), ("non\n", False), ("", False)])
    def test_only_a_typed_yes_agrees(
        self, signer: Issued, monkeypatch: pytest.MonkeyPatch, typed: str, agrees: bool
    ) -> None:
        monkeypatch.setattr("sys.stdin", StringIO(typed))
        assert TerminalConsent(say=lambda _: None).confirm(request(signer)) is agrees

    def test_a_last_try_is_never_taken_without_a_person(self, signer: Issued) -> None:
        consent = TerminalConsent(say=lambda _: None, yes=True, pin_fd=0)
        assert not consent.confirm(request(signer, state=PinState.FINAL_TRY))

    def test_a_pin_pad_asks_the_pin_itself(self, signer: Issued) -> None:
        consent = TerminalConsent(say=lambda _: None, yes=True, pin_fd=0)
        assert consent.pin(request(signer, pin_pad=True)) is None


def _pipe(content: bytes) -> int:
    read_end, write_end = os.pipe()
    os.write(write_end, content)
    os.close(write_end)
    return read_end
