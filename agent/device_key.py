"""The Ed25519 key of this device: in the system's key store when usable, else a 0600 file."""

from __future__ import annotations

import base64
import binascii
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from keyring.backend import KeyringBackend
from keyring.errors import KeyringError

from agent.errors import StateError
from agent.state import DEVICE_KEY_FILE, StateDirectory

SERVICE = "parapheur-agent"
FILE, SYSTEM = "file", "system"


class KeyStore(Protocol):
    """Keeps 32 raw bytes. `place` is written in the pairing."""

    place: str

    def save(self, seed: bytes) -> None: ...

    def load(self) -> bytes | None: ...


class FileStore:
    """In the state directory, readable by its owner alone."""

    place = FILE

    def __init__(self, state: StateDirectory) -> None:
        self._state = state

    def save(self, seed: bytes) -> None:
        self._state.write_private(DEVICE_KEY_FILE, base64.b64encode(seed))

    def load(self) -> bytes | None:
        try:
            return base64.b64decode((self._state.path / DEVICE_KEY_FILE).read_bytes())
        except (OSError, binascii.Error):
            return None


class SystemStore:
    """In the key store of the session (Windows, macOS, Secret Service), through keyring."""

    place = SYSTEM

    def __init__(self, backend: KeyringBackend, account: str) -> None:
        self._backend = backend
        self._account = account

    def save(self, seed: bytes) -> None:
        try:
            self._backend.set_password(SERVICE, self._account, base64.b64encode(seed).decode())
        except KeyringError as e:
            raise StateError(
                "Le trousseau de clés de la session a refusé l'écriture : déverrouillez-le, ou "
                "choisissez « --key-store file »."
            ) from e

    def load(self) -> bytes | None:
        try:
            text = self._backend.get_password(SERVICE, self._account)
            return None if text is None else base64.b64decode(text)
        except (KeyringError, binascii.Error):
            return None


def usable(backend: KeyringBackend) -> bool:
    """Whether keyring found a real store: its fail, null and plain-text backends stay under 1."""
    try:
        return float(backend.priority) >= 1
    except (RuntimeError, KeyringError):
        return False


def load_key(store: KeyStore) -> Ed25519PrivateKey:
    """Raises StateError (`device_key_missing`)."""
    seed = store.load()
    if seed is None or len(seed) != 32:
        raise StateError(
            "La clé de ce poste est introuvable : appairez-le de nouveau.",
            code="device_key_missing",
        )
    return Ed25519PrivateKey.from_private_bytes(seed)
