"""A key file that stands for a token where no PKCS#11 library can be installed: never a person's
qualified key, and said so each time it is used."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12

from agent.devices import Inventory
from signing.errors import NoSigningCertificate, TokenError, WrongPin
from signing.keys import (
    certificate_der,
    check_mechanism,
    check_value,
    is_authority,
    issuers_of,
    public_key,
)
from signing.pin import PinState, wipe
from signing.types import Mechanism

_MAX_FILE_BYTES = 256 * 1024
_PEM_MARK = b"-----BEGIN"

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class SoftwareSession:
    """An unlocked key file."""

    asks_pin_each_time = False

    def __init__(self, key: PrivateKey, certificate: bytes) -> None:
        self._key: PrivateKey | None = key
        self._certificate = certificate

    def sign(self, tbs: bytes, mechanism: Mechanism) -> bytes:
        """Same promise as TokenSession.sign."""
        if self._key is None:
            raise TokenError("La session de la clé logicielle est fermée.", code="session_closed")
        check_mechanism(public_key(self._certificate), mechanism)
        digest = hashes.SHA384() if mechanism is Mechanism.ECDSA_SHA384 else hashes.SHA256()
        if isinstance(self._key, rsa.RSAPrivateKey):
            value = self._key.sign(tbs, padding.PKCS1v15(), digest)
        else:
            value = self._key.sign(tbs, ec.ECDSA(digest))
        check_value(self._certificate, value, tbs, mechanism)
        return value

    def close(self) -> None:
        self._key = None


class SoftwareDevice:
    """A key file with its certificate; its passphrase plays the part of the PIN."""

    pin_pad = False
    is_software = True

    def __init__(self, file: Path, certificate: bytes, chain: tuple[bytes, ...]) -> None:
        self._file = file
        self.certificate = certificate
        self.chain = chain
        self.place = f"CLÉ LOGICIELLE {file} (ce n'est pas un token)"

    def pin_state(self) -> PinState:
        return PinState.OK

    def open(self, pin: bytearray | None) -> SoftwareSession:
        """Raises WrongPin, TokenError (`key_file_unreadable`)."""
        content = _content(self._file)
        is_pem = _PEM_MARK in content
        key = _pem_key(content, pin) if is_pem else _pkcs12(content, pin)[0]
        return SoftwareSession(key, self.certificate)


def open_key_file(file: Path, passphrase: bytearray | None) -> SoftwareDevice:
    """The device of a PEM file (certificates in clear, key encrypted or not) or of a PKCS#12.

    A PKCS#12 hides its certificates: `passphrase` is needed to read them. Raises TokenError,
    NoSigningCertificate, WrongPin."""
    content = _content(file)
    try:
        certificates = (
            x509.load_pem_x509_certificates(content)
            if _PEM_MARK in content
            else _pkcs12(content, passphrase)[1]
        )
    except ValueError as e:
        raise _unreadable(file) from e
    finally:
        wipe(passphrase)
    entities = [c for c in certificates if not is_authority(c)]
    if len(entities) != 1:
        raise NoSigningCertificate(
            f"Le fichier {file} doit contenir un seul certificat de signature."
        )
    authorities = [c for c in certificates if is_authority(c)]
    chain = issuers_of(entities[0], authorities)
    return SoftwareDevice(file, certificate_der(entities[0]), chain)


def is_pkcs12(file: Path) -> bool:
    """Whether reading the certificate already needs the passphrase. Raises TokenError."""
    return _PEM_MARK not in _content(file)


def only(device: SoftwareDevice) -> Inventory:
    """An inventory with nothing but this key file."""
    return Inventory(devices=(device,), unfit=(), problems=(), tokens=0, libraries=0)


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as source:
            return source.read(_MAX_FILE_BYTES)
    except OSError as e:
        raise _unreadable(file) from e


def _pem_key(content: bytes, pin: bytearray | None) -> PrivateKey:
    try:
        return _usable(load_pem_private_key(content, None if not pin else bytes(pin)))
    except TypeError:
        return _usable(_without_needless_pin(content, pin))
    except (ValueError, UnsupportedAlgorithm) as e:
        raise _refused() from e


def _without_needless_pin(content: bytes, pin: bytearray | None) -> object:
    """cryptography says TypeError both for a missing and for a needless passphrase."""
    if not pin:
        raise _refused()
    try:
        return load_pem_private_key(content, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as e:
        raise _refused() from e


def _pkcs12(content: bytes, pin: bytearray | None) -> tuple[PrivateKey, list[x509.Certificate]]:
    try:
        bundle = load_pkcs12(content, None if not pin else bytes(pin))
    except (ValueError, TypeError, UnsupportedAlgorithm) as e:
        raise _refused() from e
    own = [] if bundle.cert is None else [bundle.cert.certificate]
    return _usable(bundle.key), own + [c.certificate for c in bundle.additional_certs]


def _usable(key: object) -> PrivateKey:
    if isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        return key
    raise TokenError(
        "Le fichier de clé ne contient pas de clé RSA ni de clé EC.", code="key_file_unreadable"
    )


def _refused() -> WrongPin:
    return WrongPin("Mot de passe du fichier de clé refusé. Aucun autre essai n'a été fait.")


def _unreadable(file: Path) -> TokenError:
    return TokenError(
        f"Le fichier de clé {file} est illisible : donnez un fichier PEM ou PKCS#12.",
        code="key_file_unreadable",
    )
