"""Signed flows before other judges: xmlsec1, signxml, the official schema, our own verifier."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.verifier import SignatureConfiguration, XMLVerifier

from app.demo.flows import Flow, make_pes
from signing import pes, xml
from signing.pes_structure import ALLER
from signing.policies import HELIOS_2018, HELIOS_2018_XADES_1_1_1, SignaturePolicy
from signing.xmldsig import SIGNATURE
from tests.builders.pes import authority, judged, sign_flow, signer

FLOWS = {
    "expense": Flow(),
    "revenue": Flow(expense_slips=0, revenue_slips=1),
    "both, several slips": Flow(expense_slips=2, revenue_slips=2),
    "attachments": Flow(expense_slips=2, attachments=5),
    "whole file": Flow(expense_slips=2, slip_ids=False, attachments=1),
    "UTF-8": Flow(encoding="UTF-8"),
    "CRLF": Flow(newline="\r\n"),
    "UTF-8 and CRLF, whole file": Flow(encoding="UTF-8", newline="\r\n", slip_ids=False),
    "one line": Flow(newline=" "),
}
POLICIES = {"XAdES 1.2.2": HELIOS_2018, "XAdES 1.1.1": HELIOS_2018_XADES_1_1_1}
each_flow = pytest.mark.parametrize("flow", FLOWS.values(), ids=FLOWS.keys())
each_policy = pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES.keys())


def xmlsec1_accepts(tool: str, path: Path, signature_id: str, namespace: str) -> bool:
    """xmlsec1's verdict on the mathematics and the chain of one signature, found by its Id."""
    anchor = path.with_suffix(".pem")
    anchor.write_bytes(authority().pem)
    done = subprocess.run(
        [
            tool,
            "--verify",
            "--enabled-key-data",
            "x509",
            "--trusted-pem",
            str(anchor),
            "--node-xpath",
            f"//*[local-name()='Signature'][@Id='{signature_id}']",
            "--id-attr:Id",
            "Bordereau",
            "--id-attr:Id",
            f"{ALLER}:PES_Aller",
            "--id-attr:Id",
            f"{namespace}:SignedProperties",
            str(path),
        ],
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


def signxml_covers(content: bytes, location: str) -> str:
    """The Id of the element that signxml says is signed by the signature at `location`."""
    verified = XMLVerifier().verify(
        xml.parse(content),
        x509_cert=signer().issued.certificate,
        id_attribute="Id",
        expect_config=SignatureConfiguration(
            location=location,
            expect_references=2,
            signature_methods=frozenset({SignatureMethod.RSA_SHA256}),
            digest_algorithms=frozenset({DigestAlgorithm.SHA256}),
        ),
    )
    results = verified if isinstance(verified, list) else [verified]
    covered = results[0].signed_xml
    assert covered is not None
    return str(covered.get("Id"))


def places(content: bytes) -> list[tuple[str, str, str]]:
    """(Signature Id, Id of the parent, location for signxml) of every signature."""
    root = xml.parse(content)
    tree = root.getroottree()
    found = []
    for one in root.iter(SIGNATURE):
        parent = one.getparent()
        assert parent is not None
        path = "./" if parent is root else "./" + tree.getelementpath(parent) + "/"
        found.append((one.get("Id", ""), parent.get("Id", ""), path))
    return found


class TestJudges:
    @each_policy
    @each_flow
    def test_xmlsec1_accepts_every_signature(
        self,
        require_tool: Callable[[str], str],
        tmp_path: Path,
        flow: Flow,
        policy: SignaturePolicy,
    ) -> None:
        tool, path = require_tool("xmlsec1"), tmp_path / "signed.xml"
        signed = sign_flow(make_pes(flow), policy)
        path.write_bytes(signed)
        found = places(signed)
        assert found
        assert all(xmlsec1_accepts(tool, path, one, policy.xades_namespace) for one, _, _ in found)

    def test_xmlsec1_refuses_a_changed_amount(
        self, require_tool: Callable[[str], str], tmp_path: Path
    ) -> None:
        path = tmp_path / "signed.xml"
        path.write_bytes(sign_flow(make_pes()).replace(b'MtHT V="37.50"', b'MtHT V="97.50"'))
        tool = require_tool("xmlsec1")
        assert not xmlsec1_accepts(tool, path, "BORDDEP101_SIG_1", HELIOS_2018.xades_namespace)

    @each_policy
    @each_flow
    def test_signxml_accepts_every_signature_located_by_itself(
        self, flow: Flow, policy: SignaturePolicy
    ) -> None:
        signed = sign_flow(make_pes(flow), policy)
        found = places(signed)
        assert [signxml_covers(signed, where) for _, _, where in found] == [
            parent for _, parent, _ in found
        ]

    @each_policy
    @each_flow
    def test_the_official_schema_accepts_the_signed_flow(
        self, shared_data: Path, flow: Flow, policy: SignaturePolicy
    ) -> None:
        signed = sign_flow(make_pes(flow), policy)
        assert pes.schema_findings(BytesIO(signed), shared_data / "pes/xsd") == ()

    def test_the_properties_follow_the_schema_of_their_own_namespace(
        self, shared_data: Path
    ) -> None:
        schema = xml.load_schema(shared_data / "pes/xsd/xades/XAdES1.2.2.xsd")
        assert schema is not None
        (properties,) = xml.parse(sign_flow(make_pes())).iter("{*}QualifyingProperties")
        schema.assertValid(etree.ElementTree(properties))

    @each_flow
    def test_our_own_verifier_accepts_it_in_its_strict_list(self, flow: Flow) -> None:
        assert judged(sign_flow(make_pes(flow))).verdict == "valid"

    @pytest.mark.parametrize("name", ["A01", "A03", "A05", "A06"])
    def test_samples_are_signed_and_accepted(
        self,
        shared_data: Path,
        require_tool: Callable[[str], str],
        tmp_path: Path,
        name: str,
    ) -> None:
        source = next((shared_data / "pes/samples").glob(f"{name}-*.xml")).read_bytes()
        signed = sign_flow(pes.mark_dematerialised(source))
        path, tool = tmp_path / "signed.xml", require_tool("xmlsec1")
        path.write_bytes(signed)
        assert judged(signed).verdict == "valid"
        assert pes.schema_findings(path, shared_data / "pes/xsd") == ()
        for one, parent, where in places(signed):
            assert xmlsec1_accepts(tool, path, one, HELIOS_2018.xades_namespace)
            assert signxml_covers(signed, where) == parent

    def test_five_thousand_items(self) -> None:
        signed = sign_flow(make_pes(Flow(expense_slips=10, items_per_slip=500)))
        report = judged(signed)
        assert (report.verdict, len(report.signatures)) == ("valid", 10)
