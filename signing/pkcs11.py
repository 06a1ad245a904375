"""Open a PKCS#11 device, list what can sign, sign with a key that never leaves it.

Serves the agent (a person's token) and the server seals (HSM). The PIN is used once per opening,
never tried again (threat 56); it stays a bytearray that its owner wipes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, TypeVar, assert_never, cast

import pkcs11
from asn1crypto import algos, core
from cryptography import x509
from pkcs11 import Attribute, ObjectClass, TokenFlag
from pkcs11 import Mechanism as DeviceMechanism
from pkcs11.util.ec import encode_ecdsa_signature

from signing.errors import (
    NoModule,
    NoSigningCertificate,
    TokenError,
    TokenRemoved,
)
from signing.keys import (
    certificate_der,
    check_mechanism,
    check_value,
    is_authority,
    issuers_of,
    public_key,
)
from signing.pin import PinState, credential, locked, pin_state, wipe, wrong_pin
from signing.types import Mechanism

_T = TypeVar("_T")

_REMOVED = (
    pkcs11.ObjectHandleInvalid,
    pkcs11.KeyHandleInvalid,
    pkcs11.SessionHandleInvalid,
    pkcs11.SessionClosed,
    pkcs11.DeviceRemoved,
    pkcs11.TokenNotPresent,
    pkcs11.SlotIDInvalid,
)
_PIN_REFUSED = (pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange)
_REMOVED_DETAIL = (
    "La clé a été retirée ou ne répond plus : remettez-la, les documents restants pourront être "
    "signés de nouveau."
)


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """A device in a reader. `pin_pad` says that it asks its PIN by itself."""

    module: Path
    label: str
    serial: str
    manufacturer: str
    model: str
    pin_pad: bool
    pin_state: PinState


@dataclass(frozen=True, slots=True)
class TokenCertificate:
    """An end-entity certificate of a token, DER, with the issuers that the token also holds."""

    token: TokenInfo
    key_id: bytes
    certificate: bytes
    chain: tuple[bytes, ...]

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.certificate).hexdigest()


class _SigningKey(Protocol):
    """A private key object of python-pkcs11, which mixes its classes at run time."""

    def __getitem__(self, attribute: Attribute) -> object: ...

    def sign(self, data: bytes, *, mechanism: DeviceMechanism, pin: object) -> bytes: ...


class Module:
    """A loaded PKCS#11 library. Loading is per process: one instance per path."""

    def __init__(self, path: Path) -> None:
        """Raises NoModule when the library is absent or cannot be loaded."""
        self.path = path
        if not path.is_file():
            raise NoModule(f"La bibliothèque PKCS#11 {path} n'existe pas : vérifiez le chemin.")
        try:
            self._lib = pkcs11.lib(str(path))
        except (pkcs11.PKCS11Error, RuntimeError, OSError) as e:
            raise NoModule(
                f"La bibliothèque PKCS#11 {path} ne se charge pas ({e}) : installez la version "
                "qui convient à ce poste."
            ) from e

    def tokens(self) -> tuple[TokenInfo, ...]:
        """The initialised tokens present now. Raises TokenError."""
        with _device_errors():
            return tuple(self._info(token) for token in self._present())

    def certificates(self) -> tuple[TokenCertificate, ...]:
        """The end-entity certificates of every token, read without PIN. Raises TokenError.

        Whether the private key of the same CKA_ID is there is known only after log-in, on most
        tokens: `TokenSession` checks it then."""
        found: list[TokenCertificate] = []
        with _device_errors():
            for token in self._present():
                found += _certificates_of(token, self._info(token))
        return tuple(found)

    def pin_state(self, token: TokenInfo) -> PinState:
        """The PIN flags read again from the device. Raises TokenRemoved."""
        return pin_state(self.find(token).flags)

    def find(self, info: TokenInfo) -> pkcs11.Token:
        """The device that `info` described, if it is still there. Raises TokenRemoved."""
        with _device_errors():
            for token in self._present():
                if token.label == info.label and _serial(token) == info.serial:
                    return token
        raise TokenRemoved(_REMOVED_DETAIL)

    def _present(self) -> Iterator[pkcs11.Token]:
        for slot in self._lib.get_slots(token_present=True):
            try:
                token = slot.get_token()
            except (pkcs11.TokenNotPresent, pkcs11.TokenNotRecognised):
                continue
            if token.flags & TokenFlag.TOKEN_INITIALIZED:
                yield token

    def _info(self, token: pkcs11.Token) -> TokenInfo:
        return TokenInfo(
            module=self.path,
            label=token.label,
            serial=_serial(token),
            manufacturer=token.manufacturer_id,
            model=token.model,
            pin_pad=bool(token.flags & TokenFlag.PROTECTED_AUTHENTICATION_PATH),
            pin_state=pin_state(token.flags),
        )


class TokenSession:
    """One log-in on one token, for the key of one certificate.

    Opened once with the PIN (None: the device asks it itself). `sign` may be called until `close`.
    One session owner per process: PKCS#11 refuses a second log-in on the same token.
    """

    def __init__(
        self, module: Module, certificate: TokenCertificate, pin: bytearray | None
    ) -> None:
        """Raises WrongPin, PinLocked, TokenRemoved, NoSigningCertificate or TokenError.

        The PIN is presented once; it is kept only for a key that wants it at each signature."""
        self._module = module
        self._certificate = certificate
        self._public_key = public_key(certificate.certificate)
        token = module.find(certificate.token)
        if pin_state(token.flags) is PinState.LOCKED:
            raise locked()
        self._pin: bytearray | None = None
        self._session = self._guarded(lambda: token.open(user_pin=credential(pin)))
        try:
            self._key = self._guarded(self._find_key)
            always = self._guarded(lambda: _always_authenticates(self._key))
            offered = self._guarded(token.slot.get_mechanisms)
        except TokenError:
            self.close()
            raise
        self.asks_pin_each_time = always
        if always and pin is not None:
            self._pin = bytearray(pin)
        self._mechanisms = {int(m) for m in offered}

    def sign(self, tbs: bytes, mechanism: Mechanism) -> bytes:
        """The signature of `tbs`, hashed here: a bare hash is never signed.

        RSA: PKCS#1 v1.5 block over a DigestInfo (RFC 8017 §9.2); ECDSA: DER SEQUENCE of r and s
        (RFC 3279 §2.2.3). The value is verified with the certificate before it is returned.
        Raises UnsuitableCertificate (mechanism of another key type), BadSignatureValue (the key is
        not the certificate's), TokenRemoved, WrongPin, PinLocked, TokenError."""
        check_mechanism(self._public_key, mechanism)
        value = self._try_mechanisms(tbs, mechanism)
        check_value(self._certificate.certificate, value, tbs, mechanism)
        return value

    def close(self) -> None:
        """Log out, wipe the PIN. Never raises: the token may be gone."""
        wipe(self._pin)
        self._pin = None
        try:
            self._session.close()
        except pkcs11.PKCS11Error:
            return

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _find_key(self) -> _SigningKey:
        try:
            key = self._session.get_key(
                object_class=ObjectClass.PRIVATE_KEY, id=self._certificate.key_id
            )
        except (pkcs11.NoSuchKey, pkcs11.MultipleObjectsReturned) as e:
            raise NoSigningCertificate(
                "La clé privée de ce certificat n'est pas sur le support : choisissez un autre "
                "certificat, ou adressez-vous à l'émetteur de la clé."
            ) from e
        return cast("_SigningKey", key)

    def _try_mechanisms(self, tbs: bytes, mechanism: Mechanism) -> bytes:
        refused: pkcs11.PKCS11Error | None = None
        for device_mechanism, data in _candidates(tbs, mechanism):
            if int(device_mechanism) not in self._mechanisms:
                continue
            try:
                return self._sign_once(data, device_mechanism)
            except (pkcs11.MechanismInvalid, pkcs11.FunctionNotSupported) as e:
                refused = e
        raise TokenError(
            "La clé ne sait pas calculer cette signature : mettez à jour son pilote.",
            code="mechanism_not_supported",
        ) from refused

    def _sign_once(self, data: bytes, mechanism: DeviceMechanism) -> bytes:
        pin = credential(self._pin) if self._pin is not None else None
        raw = self._guarded(
            lambda: self._key.sign(data, mechanism=mechanism, pin=pin),
            passing=(pkcs11.MechanismInvalid, pkcs11.FunctionNotSupported),
        )
        return encode_ecdsa_signature(raw) if mechanism is DeviceMechanism.ECDSA else raw

    def _guarded(
        self, call: Callable[[], _T], *, passing: tuple[type[pkcs11.PKCS11Error], ...] = ()
    ) -> _T:
        with _device_errors(passing=passing, state=self._state_after_refusal):
            return call()

    def _state_after_refusal(self) -> PinState:
        try:
            return self._module.pin_state(self._certificate.token)
        except TokenError:
            return PinState.OK


def _certificates_of(token: pkcs11.Token, info: TokenInfo) -> list[TokenCertificate]:
    entities: list[tuple[bytes, x509.Certificate]] = []
    authorities: list[x509.Certificate] = []
    with token.open() as session:
        for item in session.get_objects({Attribute.CLASS: ObjectClass.CERTIFICATE}):
            try:
                key_id, der = bytes(item[Attribute.ID]), bytes(item[Attribute.VALUE])
                parsed = x509.load_der_x509_certificate(der)
            except (ValueError, pkcs11.AttributeTypeInvalid, pkcs11.AttributeSensitive):
                continue
            if is_authority(parsed):
                authorities.append(parsed)
            else:
                entities.append((key_id, parsed))
    return [
        TokenCertificate(info, key_id, certificate_der(entity), issuers_of(entity, authorities))
        for key_id, entity in entities
    ]


def _candidates(tbs: bytes, mechanism: Mechanism) -> tuple[tuple[DeviceMechanism, bytes], ...]:
    """Device mechanisms by preference, each with the bytes it takes (pkcs11-modules.md §3)."""
    match mechanism:
        case Mechanism.RSA_SHA256:
            digest_info = _digest_info(hashlib.sha256(tbs).digest())
            return (
                (DeviceMechanism.RSA_PKCS, digest_info),
                (DeviceMechanism.SHA256_RSA_PKCS, tbs),
            )
        case Mechanism.ECDSA_SHA256:
            return ((DeviceMechanism.ECDSA, hashlib.sha256(tbs).digest()),)
        case Mechanism.ECDSA_SHA384:
            return ((DeviceMechanism.ECDSA, hashlib.sha384(tbs).digest()),)
        case _:
            assert_never(mechanism)


def _digest_info(digest: bytes) -> bytes:
    algorithm = algos.DigestAlgorithm({"algorithm": "sha256", "parameters": core.Null()})
    return cast("bytes", algos.DigestInfo({"digest_algorithm": algorithm, "digest": digest}).dump())


def _always_authenticates(key: _SigningKey) -> bool:
    try:
        return bool(key[Attribute.ALWAYS_AUTHENTICATE])
    except (pkcs11.AttributeTypeInvalid, pkcs11.AttributeSensitive):
        return False


def _serial(token: pkcs11.Token) -> str:
    return token.serial.decode("ascii", errors="replace").strip()


@contextmanager
def _device_errors(
    *,
    passing: tuple[type[pkcs11.PKCS11Error], ...] = (),
    state: Callable[[], PinState] = lambda: PinState.OK,
) -> Iterator[None]:
    """PKCS#11 return codes as this package's errors; those of `passing` go through unchanged."""
    try:
        yield
    except passing:
        raise
    except _REMOVED as e:
        raise TokenRemoved(_REMOVED_DETAIL) from e
    except _PIN_REFUSED as e:
        raise wrong_pin(state()) from e
    except pkcs11.PinLocked as e:
        raise locked() from e
    except pkcs11.PKCS11Error as e:
        raise TokenError(
            f"La clé a répondu par une erreur ({type(e).__name__}) : retirez-la, remettez-la, puis "
            "recommencez."
        ) from e
