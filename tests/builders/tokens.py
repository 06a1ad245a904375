"""SoftHSM tokens and signers for tests, each in its own directory."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from app.demo.pki import (
    Issued,
    PrivateKey,
    Validity,
    make_authority,
    make_signer,
    valid_for,
)
from app.demo.token import SoftToken, TokenOrder, find_softhsm, make_token

PIN = "428517"


@dataclass(frozen=True, slots=True)
class TokenAndSigner:
    """A token with what was put into it."""

    token: SoftToken
    signer: Issued
    authority: Issued


def softhsm_library() -> Path:
    """The SoftHSM library; without it the test fails in CI and is skipped elsewhere."""
    found = find_softhsm()
    if found is None and os.environ.get("CI") == "true":
        pytest.fail("softhsm2 is not installed")
    if found is None:
        pytest.skip("softhsm2 is not installed")
    return found


@cache
def demo_authority() -> Issued:
    """One authority for the whole run: making an RSA key takes a while."""
    return make_authority("AC de test", validity=valid_for(30))


def create_signer(
    name: str = "Camille Duval", *, key: PrivateKey | None = None, validity: Validity | None = None
) -> Issued:
    """A signer of a fictional town."""
    return make_signer(
        name,
        issuer=demo_authority(),
        validity=validity or valid_for(30),
        organisation="Commune de Sainte-Fiction",
        siren="123456782",
        key=key,
    )


def create_token(
    directory: Path, *, signer: Issued | None = None, pin: str = PIN, **content: Any
) -> TokenAndSigner:
    """A token holding the signer's key, its certificate and its issuer's."""
    own = signer or create_signer()
    order = TokenOrder(
        module=softhsm_library(),
        label=f"jeton-{secrets.token_hex(4)}",
        pin=pin,
        so_pin="87654321",
        issued=own,
        authorities=(demo_authority(),),
        **content,
    )
    return TokenAndSigner(make_token(directory, order), own, demo_authority())
