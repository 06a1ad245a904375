"""A scripted device and a scripted answer to the consent, that count what is asked of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from agent.consent import ConsentRequest
from agent.devices import Inventory, SigningDevice
from app.demo.pki import Issued
from signing.pin import PinState
from signing.types import Mechanism


@dataclass
class ScriptedSession:
    """Signs with the key of `issued`; `before_sign(count)` may raise as a token would."""

    issued: Issued
    before_sign: Callable[[int], None]
    asks_pin_each_time: bool = False
    signatures: int = 0
    closed: bool = False

    def sign(self, tbs: bytes, mechanism: Mechanism) -> bytes:
        self.before_sign(self.signatures + 1)
        self.signatures += 1
        assert isinstance(self.issued.key, RSAPrivateKey)
        return self.issued.key.sign(tbs, padding.PKCS1v15(), hashes.SHA256())

    def close(self) -> None:
        self.closed = True


@dataclass
class ScriptedDevice:
    """A token whose answer to the PIN is `answer_pin`; keeps the PINs as they were presented."""

    issued: Issued
    answer_pin: Callable[[], None] = lambda: None
    before_sign: Callable[[int], None] = lambda _n: None
    state: PinState = PinState.OK
    pin_pad: bool = False
    is_software: bool = False
    chain: tuple[bytes, ...] = ()
    place: str = "jeton d'essai"
    presented: list[bytes] = field(default_factory=list)
    given: list[bytearray | None] = field(default_factory=list)
    sessions: list[ScriptedSession] = field(default_factory=list)

    @property
    def certificate(self) -> bytes:
        return self.issued.der

    @certificate.setter
    def certificate(self, _value: bytes) -> None:
        raise AttributeError

    def pin_state(self) -> PinState:
        return self.state

    def open(self, pin: bytearray | None) -> ScriptedSession:
        self.presented.append(bytes(pin or b""))
        self.given.append(pin)
        self.answer_pin()
        session = ScriptedSession(self.issued, self.before_sign)
        self.sessions.append(session)
        return session


@dataclass
class ScriptedConsent:
    """Answers `agrees`, then `code`; counts both questions."""

    agrees: bool = True
    code: bytes = b"428517"
    confirmations: int = 0
    pins: int = 0

    def confirm(self, request: ConsentRequest) -> bool:
        self.confirmations += 1
        return self.agrees

    def pin(self, request: ConsentRequest) -> bytearray | None:
        self.pins += 1
        return bytearray(self.code)


def inventory_of(device: SigningDevice) -> Inventory:
    return Inventory(devices=(device,), unfit=(), problems=(), tokens=1, libraries=1)
