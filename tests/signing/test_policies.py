"""Signature policies as dated records."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from datetime import date
from pathlib import Path

import pytest

from signing.errors import SigningError
from signing.policies import HELIOS_2011, HELIOS_2018, HELIOS_POLICIES, XADES_1_2_2, policy_for


def test_the_policy_of_today_is_that_of_2018_in_xades_1_2_2() -> None:
    assert policy_for(date(2026, 3, 16)) == HELIOS_2018
    assert HELIOS_2018.xades_namespace == XADES_1_2_2


def test_the_identifier_is_a_urn() -> None:
    assert HELIOS_2018.identifier == "urn:oid:1.2.250.1.131.1.5.18.21.1.7"


def test_no_policy_signs_before_the_first_one_that_may() -> None:
    with pytest.raises(SigningError) as refusal:
        policy_for(date(2018, 5, 17))
    assert refusal.value.code == "no_signature_policy"


def test_an_obsolete_policy_never_signs() -> None:
    with pytest.raises(SigningError):
        policy_for(date(2015, 1, 1), (HELIOS_2011,))


def test_every_policy_digest_has_the_size_of_a_sha256() -> None:
    assert {len(policy.digest_b64) for policy in HELIOS_POLICIES} == {44}


def test_the_digest_is_that_of_the_published_document(shared_data: Path) -> None:
    document = (shared_data / "pes/samples/ps_helios_dgfip-oid-1.7.pdf").read_bytes()
    assert b64encode(hashlib.sha256(document).digest()).decode() == HELIOS_2018.digest_b64
