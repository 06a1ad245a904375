"""Writes a key and certificates into a token: run as a process, its order on standard input."""

from __future__ import annotations

import json
import sys
from typing import Any

import pkcs11
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from pkcs11 import Attribute
from pkcs11.util.ec import decode_ec_private_key
from pkcs11.util.rsa import decode_rsa_private_key
from pkcs11.util.x509 import decode_x509_certificate


def main() -> None:
    """Reads one JSON order (see app.demo.token) and writes its objects into the named token."""
    order = json.load(sys.stdin)
    token = pkcs11.lib(order["module"]).get_token(token_label=order["label"])
    with token.open(rw=True, user_pin=order["pin"]) as session:
        if order["key_pem"] is not None:
            session.create_object(_key_template(order))
        for certificate in order["certificates"]:
            session.create_object(_certificate_template(certificate, order["label"]))


def _key_template(order: dict[str, Any]) -> dict[Attribute, Any]:
    key = load_pem_private_key(order["key_pem"].encode(), None)
    der = key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    decoded = decode_rsa_private_key if isinstance(key, RSAPrivateKey) else decode_ec_private_key
    return decoded(der) | {
        Attribute.TOKEN: True,
        Attribute.PRIVATE: True,
        Attribute.SENSITIVE: True,
        Attribute.EXTRACTABLE: False,
        Attribute.SIGN: True,
        Attribute.ALWAYS_AUTHENTICATE: order["always_authenticate"],
        Attribute.ID: bytes.fromhex(order["key_id"]),
        Attribute.LABEL: order["label"],
    }


def _certificate_template(certificate: dict[str, str], label: str) -> dict[Attribute, Any]:
    return decode_x509_certificate(bytes.fromhex(certificate["der"])) | {
        Attribute.TOKEN: True,
        Attribute.PRIVATE: False,
        Attribute.ID: bytes.fromhex(certificate["key_id"]),
        Attribute.LABEL: label,
    }


if __name__ == "__main__":
    main()
