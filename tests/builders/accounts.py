"""A TdT account with keys of its own, fictional."""

from __future__ import annotations

from typing import Any

from app.demo import pki

_KEPT: list[tuple[pki.Issued, pki.Issued]] = []


def _chain() -> tuple[pki.Issued, pki.Issued]:
    if not _KEPT:
        validity = pki.valid_for(30)
        authority = pki.make_authority("AC fictive du TdT", validity=validity)
        client = pki.make_tls_client("Compte fictif", issuer=authority, validity=validity)
        _KEPT.append((authority, client))
    return _KEPT[0]


def an_account(**overrides: Any) -> dict[str, Any]:
    authority, client = _chain()
    return {
        "connector": "s2low",
        "label": "TdT fictif",
        "base_url": "https://tdt.test",
        "server_ca": authority.pem.decode(),
        "client_certificate": client.pem.decode(),
        "client_key": client.key_pem.decode(),
        "login": "compte",
        "password": "mot de passe du TdT",
        **overrides,
    }
