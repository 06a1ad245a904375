"""The profile that a signature must have: refused of us, sometimes only told of others."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import replace
from datetime import timedelta

import pytest

from app.demo.flows import Flow, make_pes
from app.demo.pki import make_signer, make_tls_client, valid_for
from signing import xml
from signing.policies import HELIOS_2011, HELIOS_2018
from signing.report import Chain, SubIndication, Verdict
from signing.xades import build, complete, identify
from signing.xmldsig import SHA1, SHA256, canonical, digest
from tests.builders.pes import (
    NOW,
    Signer,
    authority,
    codes,
    judged,
    parameters,
    rsa_value,
    sign_flow,
    sign_without_guards,
    signer,
)


class TestProfile:
    def test_the_builder_without_guards_is_sound(self) -> None:
        assert judged(sign_without_guards(signer())).verdict is Verdict.VALID

    def test_threat_09_another_certificate_of_the_same_key(self) -> None:
        twin = make_signer(
            "Jean Autre",
            issuer=authority(),
            validity=valid_for(100, now=NOW),
            organisation="Commune",
            siren="213499999",
            key=signer().issued.key,
        )
        content = sign_flow(make_pes())
        swapped = re.sub(rb"(<ds:X509Certificate>)[^<]*", rb"\1" + b64encode(twin.der), content)
        assert codes(judged(swapped, strict=False)) == {"signing_certificate_mismatch"}

    def test_threat_09_the_certificate_of_another_key(self) -> None:
        content = sign_flow(make_pes())
        swapped = re.sub(
            rb"(<ds:X509Certificate>)[^<]*", rb"\1" + b64encode(authority().der), content
        )
        assert {"signature_value_wrong", "signing_certificate_mismatch"} <= codes(judged(swapped))

    def test_threat_10_sha1_in_a_reference(self) -> None:
        content = sign_without_guards(
            signer(),
            edit=lambda one: one.replace(
                f'<ds:DigestMethod Algorithm="{SHA256}"'.encode(),
                f'<ds:DigestMethod Algorithm="{SHA1}"'.encode(),
                1,
            ),
        )
        report = judged(content, strict=False)
        assert "algorithm_forbidden" in codes(report)
        assert report.signatures[0].sub_indication is SubIndication.CRYPTO_CONSTRAINTS_FAILURE

    @pytest.mark.parametrize(
        "method",
        [
            "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
            "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
            "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
            "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
            "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
            "none",
        ],
    )
    def test_threat_10_any_other_signature_method(self, method: str) -> None:
        content = sign_without_guards(
            signer(),
            edit=lambda one: re.sub(
                rb'(SignatureMethod Algorithm=")[^"]*', rb"\1" + method.encode(), one
            ),
        )
        assert "pes_algorithm" in codes(judged(content, strict=False))

    def test_threat_12_a_certificate_expired_at_the_signature(self) -> None:
        given = parameters(at=NOW + timedelta(days=310))
        content = sign_without_guards(signer(), given)
        report = judged(content, strict=False, now=NOW + timedelta(days=311))
        assert codes(report) == {"certificate_expired_at_signing"}
        assert (report.signatures[0].sub_indication, report.signatures[0].chain) == (
            SubIndication.EXPIRED,
            Chain.EXPIRED,
        )

    def test_threat_12_a_certificate_not_yet_valid_at_the_signature(self) -> None:
        content = sign_without_guards(signer(), parameters(at=NOW - timedelta(days=2)))
        assert codes(judged(content, strict=False)) == {"certificate_not_yet_valid_at_signing"}

    def test_a_signature_in_the_future(self) -> None:
        content = sign_without_guards(signer(), parameters(at=NOW + timedelta(hours=2)))
        assert codes(judged(content, strict=False)) == {"signing_time_in_future"}

    def test_a_clock_slightly_ahead_is_forgiven(self) -> None:
        content = sign_without_guards(signer(), parameters(at=NOW + timedelta(minutes=4)))
        assert judged(content).verdict is Verdict.VALID

    def test_an_authentication_certificate_is_refused_of_us_and_told_of_others(self) -> None:
        issued = make_tls_client("client", issuer=authority(), validity=valid_for(9, now=NOW))
        content = sign_without_guards(Signer(issued, authority()))
        assert codes(judged(content)) == {"certificate_usage"}
        assert judged(content, strict=False).verdict is Verdict.VALID

    def test_an_obsolete_policy_is_refused_of_us_and_told_of_others(self) -> None:
        content = sign_without_guards(signer(), policy=HELIOS_2011)
        assert codes(judged(content)) == {"pes_policy_unknown"}
        assert judged(content, strict=False).verdict is Verdict.VALID

    def test_another_policy_digest_is_refused_of_us_and_told_of_others(self) -> None:
        other = replace(HELIOS_2018, digest_b64=HELIOS_2011.digest_b64)
        content = sign_without_guards(signer(), policy=other)
        assert codes(judged(content)) == {"pes_policy_digest"}
        assert judged(content, strict=False).verdict is Verdict.VALID

    def test_a_reference_without_type_is_refused_of_us_and_told_of_others(self) -> None:
        content = sign_without_guards(
            signer(), edit=lambda one: re.sub(rb' Type="[^"]*SignedProperties"', b"", one)
        )
        assert codes(judged(content)) == {"pes_reference_type"}
        assert judged(content, strict=False).verdict is Verdict.VALID

    def test_slips_and_a_last_whole_signature_are_legal_elsewhere_only(self) -> None:
        slips = sign_flow(make_pes(Flow()))
        identity = identify(parameters(), HELIOS_2018)
        unvalued = build("FLUX1", digest(SHA256, (canonical(xml.parse(slips)),)), identity)
        value = rsa_value(signer().issued.key, unvalued.tbs)
        both = slips.replace(b"</n:PES_Aller>", complete(unvalued.xml, value) + b"</n:PES_Aller>")
        assert judged(both, strict=False).verdict is Verdict.VALID
        assert codes(judged(both)) == {"pes_signed_twice"}
