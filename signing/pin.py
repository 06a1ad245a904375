"""The PIN of a token: what the device says of it, and how it is held in memory."""

from __future__ import annotations

from enum import StrEnum
from typing import assert_never

import pkcs11
from pkcs11 import TokenFlag

from signing.errors import PinLocked, TokenError, WrongPin


class PinState(StrEnum):
    """What the token says of its PIN (PKCS#11 token flags; there is no remaining count)."""

    OK = "ok"
    COUNT_LOW = "count_low"
    FINAL_TRY = "final_try"
    LOCKED = "locked"


class PinText:
    """Hands the PIN to python-pkcs11 without making an immutable copy of it.

    The library only calls `encode` on what it is given, and accepts a bytearray in return."""

    def __init__(self, pin: bytearray) -> None:
        self._pin = pin

    def encode(self, _encoding: str) -> bytearray:
        return self._pin

    def __repr__(self) -> str:
        return "<PIN>"


def wipe(pin: bytearray | None) -> None:
    """Overwrite a PIN in place, as far as Python allows (threat 53)."""
    if pin is not None:
        pin[:] = bytes(len(pin))


def credential(pin: bytearray | None) -> object:
    """What python-pkcs11 wants at log-in; None leaves the PIN to the device's own pad."""
    return pkcs11.PROTECTED_AUTH if pin is None else PinText(pin)


def pin_state(flags: TokenFlag) -> PinState:
    """The token flags of PKCS#11 v2.40 §3.2 read as one state."""
    if flags & TokenFlag.USER_PIN_LOCKED:
        return PinState.LOCKED
    if flags & TokenFlag.USER_PIN_FINAL_TRY:
        return PinState.FINAL_TRY
    return PinState.COUNT_LOW if flags & TokenFlag.USER_PIN_COUNT_LOW else PinState.OK


def locked() -> PinLocked:
    """The refusal of a token whose PIN is locked."""
    return PinLocked(
        "Le code PIN de la clé est bloqué : débloquez-la avec le code PUK ou adressez-vous à son "
        "émetteur."
    )


def wrong_pin(state: PinState) -> TokenError:
    """The refusal after a wrong PIN, with what the token then says of the tries left."""
    match state:
        case PinState.LOCKED:
            return locked()
        case PinState.FINAL_TRY:
            warning = " Attention : il ne reste qu'un seul essai avant blocage."
        case PinState.COUNT_LOW:
            warning = " Attention : la clé signale que les essais restants sont comptés."
        case PinState.OK:
            warning = ""
        case _:
            assert_never(state)
    return WrongPin(f"Code PIN refusé par la clé. Aucun autre essai n'a été fait.{warning}")
