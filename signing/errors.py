"""Everything that signing refuses, one tree.

SigningError
├── UnsupportedDocument     the bytes are not what the format needs (code, French sentence)
├── UnsuitableCertificate   the certificate may not sign this
├── BadSignatureValue       the value does not match the certificate or what was prepared
└── TokenError              the PKCS#11 device answered no
    ├── NoModule            no usable PKCS#11 library
    ├── NoToken             no device in the reader
    ├── NoSigningCertificate
    ├── WrongPin
    ├── PinLocked
    └── TokenRemoved
"""

from __future__ import annotations


class SigningError(Exception):
    """Root of the refusals of this package: a stable `code`, and `detail`, a French sentence
    that says what to do. Never carries document content, PIN or password."""

    code = "signing_error"

    def __init__(self, detail: str, *, code: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        if code is not None:
            self.code = code


class UnsupportedDocument(SigningError):
    """The document is refused before any signature; `line` and `element` locate the fault."""

    code = "unsupported_document"

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        line: int | None = None,
        element: str | None = None,
    ) -> None:
        super().__init__(detail, code=code)
        self.line = line
        self.element = element


class UnsuitableCertificate(SigningError):
    """The certificate may not make this signature."""

    code = "unsuitable_certificate"


class BadSignatureValue(SigningError):
    """The returned value is not the signature of what was prepared."""

    code = "bad_signature_value"


class TokenError(SigningError):
    """The PKCS#11 device refused or disappeared."""

    code = "token_error"


class NoModule(TokenError):
    """No PKCS#11 library could be loaded."""

    code = "no_pkcs11_module"


class NoToken(TokenError):
    """No device is present."""

    code = "no_token"


class NoSigningCertificate(TokenError):
    """The device holds no certificate with nonRepudiation, in date, with its private key."""

    code = "no_signing_certificate"


class WrongPin(TokenError):
    """The PIN was refused; it is never tried again by the program."""

    code = "wrong_pin"


class PinLocked(TokenError):
    """The PIN is locked; only the PUK or the issuer can help."""

    code = "pin_locked"


class TokenRemoved(TokenError):
    """The device or its session went away."""

    code = "token_removed"
