"""A test authority, client certificates good and bad, and S²LOW doubles on them."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.demo.pki import Issued, Validity, make_authority, make_tls_client, make_tls_server
from app.demo.s2low import HOST, S2lowDouble, certificate_sha256, server_context
from app.demo.s2low_model import DoubleAccount, Store
from connectors.addresses import HostPort
from connectors.s2low.account import S2lowAccount

LOGIN, PASSWORD = "compte-fictif", "mot-de-passé"


def now_valid() -> Validity:
    moment = datetime.now(UTC)
    return Validity(moment - timedelta(hours=1), moment + timedelta(days=2))


@dataclass(frozen=True)
class TdtPki:
    """One authority for both ends, and what lies outside it."""

    authority: Issued
    server: Issued
    client: Issued
    shared_client: Issued
    unregistered_client: Issued
    expired_client: Issued
    foreign_authority: Issued
    foreign_client: Issued

    @classmethod
    def make(cls) -> TdtPki:
        validity = now_valid()
        moment = datetime.now(UTC)
        past = Validity(moment - timedelta(days=9), moment - timedelta(days=2))
        authority = make_authority("AC fictive d'essai", validity=validity)
        foreign = make_authority("AC étrangère fictive", validity=validity)
        return cls(
            authority=authority,
            server=make_tls_server(HOST, issuer=authority, validity=validity),
            client=make_tls_client("Compte A", issuer=authority, validity=validity),
            shared_client=make_tls_client("Compte B", issuer=authority, validity=validity),
            unregistered_client=make_tls_client("Compte C", issuer=authority, validity=validity),
            expired_client=make_tls_client("Compte D", issuer=authority, validity=past),
            foreign_authority=foreign,
            foreign_client=make_tls_client("Compte E", issuer=foreign, validity=validity),
        )


def make_double(pki: TdtPki, folder: Path, *, control_token: str | None = None) -> S2lowDouble:
    """Accounts: an archivist alone on its certificate, two ordinary ones sharing another."""
    accounts = [
        DoubleAccount(certificate_sha256(pki.client.pem)),
        DoubleAccount(certificate_sha256(pki.shared_client.pem), LOGIN, PASSWORD, archivist=False),
        DoubleAccount(
            certificate_sha256(pki.shared_client.pem), "autre", "secret", archivist=False
        ),
    ]
    return S2lowDouble(
        accounts=accounts,
        tls=make_server_context(pki, folder),
        store=Store(folder / "uploads", folder / "state.json"),
        control_token=control_token,
    )


def make_server_context(
    pki: TdtPki, folder: Path, *, server: Issued | None = None
) -> ssl.SSLContext:
    shown = server or pki.server
    certificate, key = folder / "server.pem", folder / "server-key.pem"
    certificate.write_bytes(shown.pem)
    key.write_bytes(shown.key_pem)
    return server_context(ca_pem=pki.authority.pem, certificate=certificate, key=key)


def make_account(
    base_url: str,
    pki: TdtPki,
    *,
    client: Issued | None = None,
    with_login: bool = False,
    ca: Issued | None = None,
    timeout_s: float = 20,
) -> S2lowAccount:
    """The archivist's account, or the ordinary one with its login."""
    shown = client or (pki.shared_client if with_login else pki.client)
    return S2lowAccount(
        base_url=base_url,
        client_certificate_pem=shown.pem,
        client_key_pem=shown.key_pem,
        ca_pem=(ca or pki.authority).pem,
        login=LOGIN if with_login else None,
        password=PASSWORD if with_login else None,
        archivist=not with_login,
        call_timeout_s=timeout_s,
        upload_timeout_s=timeout_s,
    )


def allowed(double: S2lowDouble) -> frozenset[HostPort]:
    """What the operator's setting would list for this double."""
    return frozenset({(HOST, double.port)})
