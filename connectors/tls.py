"""TLS contexts from bytes: a pinned authority, and the client certificate of an account."""

from __future__ import annotations

import os
import ssl

from connectors.errors import Unreachable


def client_context(
    *, ca_pem: bytes, certificate_pem: bytes | None = None, key_pem: bytes | None = None
) -> ssl.SSLContext:
    """A verifying context that trusts `ca_pem` alone (threat 29) and shows the certificate.

    Raises Unreachable(alert=True) when a PEM cannot be read or the key is another one's."""
    try:
        if not ca_pem.strip():
            # An empty value would make Python trust every authority of the system instead.
            raise ValueError("no authority to pin")
        context = ssl.create_default_context(cadata=ca_pem.decode("ascii"))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if certificate_pem is not None and key_pem is not None:
            _load_pair(context, certificate_pem + b"\n" + key_pem)
    except (ssl.SSLError, ValueError) as e:
        raise Unreachable(
            "Le certificat client, sa clé ou l'autorité du serveur est illisible : "
            "un administrateur doit les importer de nouveau dans le connecteur.",
            alert=True,
        ) from e
    return context


def public_context() -> ssl.SSLContext:
    """A verifying context on the system's authorities."""
    return ssl.create_default_context()


def _load_pair(context: ssl.SSLContext, pem: bytes) -> None:
    # OpenSSL only reads files; an anonymous one in memory keeps the key off every disk.
    descriptor = os.memfd_create("client-certificate", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, pem)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}", password=lambda: b"")
    finally:
        os.close(descriptor)
