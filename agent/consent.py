"""Show a person what would be signed, ask the agreement and the PIN: terminal, or file descriptor.

The PIN is never an argument nor an environment variable (threat 53); one request per batch."""

from __future__ import annotations

import getpass
import os
import sys
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from cryptography import x509
from cryptography.x509.oid import NameOID

from agent.devices import SigningDevice
from agent.errors import NoPin
from agent.protocol import JobItem, SigningJob
from signing.pin import PinState

_MAX_PIN_BYTES = 256

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ConsentRequest:
    """What the person is asked: `pin_state` has just been read from the device."""

    job: SigningJob
    device: SigningDevice
    pin_state: PinState


class Consent(Protocol):
    """The seam for a window: both are asked once per batch, in this order."""

    def confirm(self, request: ConsentRequest) -> bool:
        """Shows everything and says whether the person agrees."""
        ...

    def pin(self, request: ConsentRequest) -> bytearray | None:
        """The PIN, which the caller wipes; None when the device asks it itself. Raises NoPin."""
        ...


class TerminalConsent:
    """Questions on the terminal; `yes` and `pin_fd` answer for tests and the demonstration."""

    def __init__(self, *, say: Say, yes: bool = False, pin_fd: int | None = None) -> None:
        self._say = say
        self._yes = yes
        self._pin_fd = pin_fd

    def confirm(self, request: ConsentRequest) -> bool:
        for line in summary_lines(request):
            self._say(line)
        if request.pin_state is PinState.FINAL_TRY and self._yes:
            self._say("Dernier essai de PIN avant blocage : refusé sans accord au clavier.")
            return False
        if self._yes:
            return True
        wanted = "dernier essai" if request.pin_state is PinState.FINAL_TRY else "oui"
        return ask(f"Tapez « {wanted} » pour signer, autre chose pour refuser : ") == wanted

    def pin(self, request: ConsentRequest) -> bytearray | None:
        if request.device.pin_pad:
            self._say("Tapez le code PIN sur le clavier du lecteur.")
            return None
        if self._pin_fd is not None:
            return read_pin(self._pin_fd)
        return type_pin(f"Code PIN de {clean(request.device.place)} : ")


def summary_lines(request: ConsentRequest) -> list[str]:
    """The request in French, line by line, texts of the server stripped of control characters."""
    job, device = request.job, request.device
    certificate = x509.load_der_x509_certificate(device.certificate)
    lines = [
        "",
        f"Demande de signature de {clean(job.server)} ({clean(job.tenant_name)})",
        f"  Signataire   : {clean(job.user_name)}",
        f"  Certificat   : {_common_name(certificate.subject)}, émis par "
        f"{_common_name(certificate.issuer)}, valable jusqu'au "
        f"{certificate.not_valid_after_utc:%d/%m/%Y}",
        f"  Support      : {clean(device.place)}",
        f"  Documents    : {len(job.items)}",
    ]
    lines += [f"    {item.n}. {_item_text(item)}" for item in job.items]
    lines += _totals(job)
    if device.is_software:
        lines.append("  ATTENTION : clé logicielle, ce n'est pas un token ; signature d'essai.")
    return lines + _pin_warning(request.pin_state)


def clean(text: str) -> str:
    """One line of visible characters: no terminal sequence, no direction override."""
    return "".join(
        c if unicodedata.category(c)[0] != "C" else "\N{REPLACEMENT CHARACTER}" for c in text
    )


def read_pin(descriptor: int) -> bytearray:
    """One line of a file descriptor, nothing beyond it is read. Raises NoPin."""
    pin = bytearray()
    try:
        while len(pin) <= _MAX_PIN_BYTES:
            byte = os.read(descriptor, 1)
            if byte in (b"", b"\n"):
                break
            pin += byte
    except OSError as e:
        raise NoPin(f"Le descripteur {descriptor} ne peut pas être lu : {e.strerror}.") from e
    if not 0 < len(pin) <= _MAX_PIN_BYTES:
        raise NoPin("Aucun code PIN n'a été donné : rien n'est signé.")
    return pin


def type_pin(prompt: str) -> bytearray:
    """The PIN typed without echo. Raises NoPin when there is no terminal or nothing is typed."""
    if not sys.stdin.isatty():
        raise NoPin("Aucun terminal pour demander le code PIN : lancez l'agent dans un terminal.")
    try:
        pin = bytearray(getpass.getpass(prompt).encode())
    except EOFError as e:
        raise NoPin("Aucun code PIN n'a été donné : rien n'est signé.") from e
    if not pin:
        raise NoPin("Aucun code PIN n'a été donné : rien n'est signé.")
    return pin


def ask(question: str) -> str:
    """A typed answer, trimmed; empty when there is nobody to answer."""
    try:
        return input(question).strip()
    except EOFError:
        return ""


def amount_text(amount: Decimal) -> str:
    """An amount as French screens write it."""
    text = f"{amount:,.2f}".replace(",", "\N{NARROW NO-BREAK SPACE}").replace(".", ",")
    return f"{text} €"


def _item_text(item: JobItem) -> str:
    text = f"{clean(item.folder_title)} : {clean(item.document_name)}"
    figures = []
    if item.summary.slips is not None:
        figures.append(f"{item.summary.slips} bordereau(x)")
    if item.summary.amount_incl_tax is not None:
        figures.append(amount_text(item.summary.amount_incl_tax))
    return f"{text} [{', '.join(figures)}]" if figures else text


def _totals(job: SigningJob) -> list[str]:
    slips = sum(item.summary.slips or 0 for item in job.items)
    if not slips:
        return []
    amounts = (item.summary.amount_incl_tax for item in job.items)
    total = sum((a for a in amounts if a is not None), Decimal(0))
    return [f"  Total PES    : {slips} bordereau(x), {amount_text(total)}"]


def _pin_warning(state: PinState) -> list[str]:
    if state is PinState.FINAL_TRY:
        return ["  ATTENTION : il ne reste qu'un seul essai de code PIN avant blocage."]
    if state is PinState.COUNT_LOW:
        return ["  ATTENTION : la clé signale un code PIN refusé récemment, essais comptés."]
    return []


def _common_name(name: x509.Name) -> str:
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return clean(str(found[0].value)) if found else clean(name.rfc4514_string())
