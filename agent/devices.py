"""What can sign on this computer: a certificate of a PKCS#11 token, or a key file standing for one.

Both behind the same small protocol; a key file always says loudly that it is not a token."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from agent.libraries import Candidate, Listing, candidates, list_in_child, merge
from signing.errors import NoModule, NoSigningCertificate, NoToken, TokenError
from signing.keys import reasons_against
from signing.pin import PinState
from signing.pkcs11 import Module, TokenCertificate, TokenSession
from signing.types import Mechanism


class SigningSession(Protocol):
    """An unlocked key. `asks_pin_each_time` when the device wants the PIN at every signature."""

    asks_pin_each_time: bool

    def sign(self, tbs: bytes, mechanism: Mechanism) -> bytes: ...

    def close(self) -> None: ...


class SigningDevice(Protocol):
    """One certificate that can sign. Certificates are DER; `is_software` for a key file."""

    certificate: bytes
    chain: tuple[bytes, ...]
    place: str
    pin_pad: bool
    is_software: bool

    def pin_state(self) -> PinState:
        """Read again from the device. Raises TokenRemoved."""
        ...

    def open(self, pin: bytearray | None) -> SigningSession:
        """One presentation of the PIN. Raises WrongPin, PinLocked, TokenRemoved, TokenError."""
        ...


@dataclass(frozen=True, slots=True)
class Choice:
    """What the person imposed on the command line; None leaves it open."""

    module: Path | None = None
    token_label: str | None = None
    certificate_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Inventory:
    """The certificates found, those that may not sign with their reasons, and drivers' problems."""

    devices: tuple[SigningDevice, ...]
    unfit: tuple[tuple[bytes, tuple[str, ...]], ...]
    problems: tuple[str, ...]
    tokens: int
    libraries: int

    def device_for(self, certificate_sha256: str) -> SigningDevice | None:
        """The device that holds this certificate."""
        for device in self.devices:
            if sha256_of(device.certificate) == certificate_sha256:
                return device
        return None


class Pkcs11Device:
    """A certificate of a token. The library is loaded in this process only when it is opened."""

    is_software = False

    def __init__(self, certificate: TokenCertificate) -> None:
        self._certificate = certificate
        self.certificate = certificate.certificate
        self.chain = certificate.chain
        self.place = f"{certificate.token.label} ({certificate.token.module})"
        self.pin_pad = certificate.token.pin_pad
        self.key_id = certificate.key_id

    def pin_state(self) -> PinState:
        return Module(self._certificate.token.module).pin_state(self._certificate.token)

    def open(self, pin: bytearray | None) -> TokenSession:
        return TokenSession(Module(self._certificate.token.module), self._certificate, pin)


def take_stock(choice: Choice, *, environment: Mapping[str, str], now: datetime) -> Inventory:
    """Lists every library, or only the chosen one, each in its own process."""
    tried: tuple[Candidate, ...]
    if choice.module is not None:
        tried = (Candidate("bibliothèque choisie", choice.module, chosen=True),)
    else:
        tried = candidates(environment)
    listings = tuple(list_in_child(candidate) for candidate in tried)
    return sort_out(listings, choice, now=now)


def sort_out(listings: tuple[Listing, ...], choice: Choice, *, now: datetime) -> Inventory:
    """Separates the certificates that may sign at `now` from the others."""
    devices: list[SigningDevice] = []
    unfit: list[tuple[bytes, tuple[str, ...]]] = []
    for certificate in merge(listings):
        if choice.token_label not in (None, certificate.token.label):
            continue
        if choice.certificate_sha256 not in (None, certificate.sha256):
            continue
        reasons = reasons_against(certificate.certificate, now=now)
        if reasons:
            unfit.append((certificate.certificate, reasons))
        else:
            devices.append(Pkcs11Device(certificate))
    return Inventory(
        devices=tuple(devices),
        unfit=tuple(unfit),
        problems=tuple(li.problem for li in listings if li.problem is not None),
        tokens=sum(li.tokens for li in listings),
        libraries=len(listings),
    )


def explain_nothing(inventory: Inventory) -> TokenError:
    """Why no certificate can sign, most basic cause first (pkcs11-modules.md §5)."""
    if inventory.libraries == len(inventory.problems):
        return NoModule(
            "Aucune bibliothèque PKCS#11 utilisable : installez le pilote de votre clé (à prendre "
            "chez l'émetteur du certificat), ou indiquez-le par --module."
        )
    if inventory.tokens == 0:
        return NoToken("Aucune clé n'est branchée : insérez votre clé puis recommencez.")
    return NoSigningCertificate(
        "La clé ne contient aucun certificat de signature utilisable : utilisez la clé remise pour "
        "signer, ou renouvelez-la auprès de son émetteur."
    )


def sha256_of(certificate: bytes) -> str:
    """Lower-case hexadecimal digest by which jobs name a certificate."""
    return hashlib.sha256(certificate).hexdigest()
