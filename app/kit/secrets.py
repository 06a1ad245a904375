"""Everything derived from the master secret, which never enters the database (DESIGN D15)."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES = 12


class BadSecret(Exception):
    """The master secret is not 32 bytes in base64, or a sealed value was made under another."""


@dataclass(frozen=True, slots=True)
class Keyring:
    """The derived keys, never shown. `handle` hashes tokens and log-in names, `seal` encrypts
    what connectors need, the two Ed25519 keys sign agent jobs and journal checkpoints."""

    handle_key: bytes = field(repr=False)
    seal_key: bytes = field(repr=False)
    job_key: Ed25519PrivateKey = field(repr=False)
    journal_key: Ed25519PrivateKey = field(repr=False)

    def handle(self, kind: str, value: str) -> str:
        """Keyed hash, 64 hexadecimal characters; `kind` separates the domains."""
        return hmac.digest(self.handle_key, f"{kind}\0{value}".encode(), "sha256").hex()

    def seal(self, plain: bytes, *, context: str) -> bytes:
        """Encrypts for storage; `context` (table and row) must be given back to open."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + AESGCM(self.seal_key).encrypt(nonce, plain, context.encode())

    def unseal(self, sealed: bytes, *, context: str) -> bytes:
        """Raises BadSecret when the value was sealed elsewhere or altered."""
        nonce, body = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return AESGCM(self.seal_key).decrypt(nonce, body, context.encode())
        except InvalidTag as e:
            raise BadSecret("La valeur chiffrée ne correspond pas à la clé du serveur.") from e


def new_master_secret() -> str:
    """32 random bytes, base64: what PARAPHEUR_SECRET_KEY holds."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def keyring_of(master_secret: str) -> Keyring:
    """Derives each key by HKDF-SHA256 (RFC 5869) under its own label."""
    try:
        master = base64.b64decode(master_secret, validate=True)
    except binascii.Error as e:
        raise BadSecret("PARAPHEUR_SECRET_KEY doit être 32 octets en base64.") from e
    if len(master) != 32:
        raise BadSecret("PARAPHEUR_SECRET_KEY doit être 32 octets en base64.")
    return Keyring(
        handle_key=_derive(master, "handle"),
        seal_key=_derive(master, "seal"),
        job_key=Ed25519PrivateKey.from_private_bytes(_derive(master, "signing-job")),
        journal_key=Ed25519PrivateKey.from_private_bytes(_derive(master, "journal")),
    )


def _derive(master: bytes, label: str) -> bytes:
    hkdf = HKDF(hashes.SHA256(), length=32, salt=None, info=f"parapheur/{label}/v1".encode())
    return hkdf.derive(master)
