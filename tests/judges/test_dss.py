"""EU DSS, where a judge built on it is at hand (PARAPHEUR_DSS_JUDGE): run by `.ci/run judges`."""

from __future__ import annotations

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from app.demo import pki
from app.demo.acts import deliberation
from app.demo.flows import Flow, make_pes
from signing import cades, pades, pes
from signing.policies import policy_for
from signing.types import Place, SignatureParameters, SignatureValue, ToSign
from tests.builders.towns import Signer, a_signer

pytestmark = pytest.mark.optional_judge


@pytest.fixture(scope="module")
def judge() -> Path:
    given = os.environ.get("PARAPHEUR_DSS_JUDGE")
    if not given:
        pytest.skip("optional judge: EU DSS")
    return Path(given)


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    signer, folder = a_signer(), tmp_path_factory.mktemp("trust")
    files = {
        "root.pem": signer.root.pem,
        "issuer.pem": signer.issuer.pem,
        "root.crl": pki.make_crl(signer.root),
        "issuer.crl": pki.make_crl(signer.issuer),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    options = {"root.pem": "--anchor", "issuer.pem": "--cert"}
    return [part for name in files for part in (options.get(name, "--crl"), str(folder / name))]


def _parameters(signer: Signer) -> SignatureParameters:
    return SignatureParameters(
        certificate=signer.mayor.der,
        chain=(signer.issuer.der,),
        signing_time=datetime.now(UTC).replace(microsecond=0),
        place=Place("Saint-Exemple", "99000"),
        claimed_role="Maire",
        signer_name="Camille Exemple",
    )


def _value(signer: Signer, one: ToSign) -> SignatureValue:
    key = signer.mayor.key
    assert isinstance(key, rsa.RSAPrivateKey)
    return SignatureValue(one.id, key.sign(one.tbs, padding.PKCS1v15(), hashes.SHA256()))


def _signed_act() -> bytes:
    signer = a_signer()
    prepared = pades.prepare(deliberation(), _parameters(signer))
    values = [_value(signer, one) for one in prepared.to_sign]
    return pades.finish(prepared.document, prepared.resume, values)


def _signed_flow() -> bytes:
    signer = a_signer()
    flow = make_pes(Flow(expense_slips=2, revenue_slips=1, attachments=1))
    prepared = pes.prepare(flow, _parameters(signer), policy_for(datetime.now(UTC).date()))
    values = [_value(signer, one) for one in prepared.to_sign]
    return pes.finish(flow, prepared.resume, values, certificate=signer.mayor.der)


def test_eu_dss_passes_a_signature_made_apart_as_baseline_b(
    judge: Path, trust: list[str], tmp_path: Path
) -> None:
    document = b"PK\x03\x04" + bytes(range(256)) * 40
    prepared = cades.prepare(document, _parameters(a_signer()))
    values = [_value(a_signer(), one) for one in prepared.to_sign]
    (tmp_path / "archive.zip").write_bytes(document)
    (tmp_path / "archive.p7s").write_bytes(cades.finish(document, prepared.resume, values))
    beside = ["--detached", str(tmp_path / "archive.zip")]
    told = subprocess.run(
        [str(judge), *trust, *beside, str(tmp_path / "archive.p7s")],
        capture_output=True,
        text=True,
        check=False,
    )
    found = "\tCAdES-BASELINE-B\tTOTAL_PASSED\t" in told.stdout
    assert (told.returncode, found) == (0, True), told.stdout + told.stderr


@pytest.mark.parametrize(("name", "signatures"), [("act-signed.pdf", 1), ("pes-signed.xml", 3)])
def test_eu_dss_passes_every_signature(
    judge: Path, trust: list[str], tmp_path: Path, name: str, signatures: int
) -> None:
    signed = tmp_path / name
    signed.write_bytes(_signed_act() if name.endswith(".pdf") else _signed_flow())
    told = subprocess.run(
        [str(judge), *trust, str(signed)], capture_output=True, text=True, check=False
    )
    passed = told.stdout.count("\tTOTAL_PASSED\t")
    assert (told.returncode, passed) == (0, signatures), told.stdout + told.stderr
