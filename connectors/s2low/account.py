"""What an administrator enters to use one S²LOW account."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class S2lowAccount:
    """One account (s2low-api.md §5.1); PEM values are bytes, the key unencrypted.

    `archivist`: the account may list PES flows, so a lost id can be found again. `hold`: acts are
    created but wait for a human at the TdT (status 17)."""

    base_url: str
    client_certificate_pem: bytes
    client_key_pem: bytes = field(repr=False)
    ca_pem: bytes
    login: str | None = None
    password: str | None = field(default=None, repr=False)
    archivist: bool = False
    hold: bool = False
    call_timeout_s: float = 60
    upload_timeout_s: float = 300
