"""A key file stands for a token, behind the same promises, and is said to be one."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    pkcs12,
)

from agent.software_key import is_pkcs12, open_key_file
from app.demo.pki import Issued
from signing.errors import NoSigningCertificate, TokenError, WrongPin
from signing.keys import check_value
from signing.types import Mechanism
from tests.agent.conftest import pair_directly
from tests.builders.agent_documents import prepared_pdf
from tests.builders.agent_process import started_agent
from tests.builders.agent_server import AgentServer
from tests.builders.tokens import PIN, create_signer, demo_authority


@pytest.fixture(scope="module")
def signer() -> Issued:
    return create_signer()


@pytest.fixture
def pem(signer: Issued, tmp_path: Path) -> Path:
    key = signer.key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PIN.encode())
    )
    file = tmp_path / "cle.pem"
    file.write_bytes(key + signer.pem + demo_authority().pem)
    return file


@pytest.fixture
def p12(signer: Issued, tmp_path: Path) -> Path:
    file = tmp_path / "cle.p12"
    encryption = BestAvailableEncryption(PIN.encode())
    others = [demo_authority().certificate]
    file.write_bytes(
        pkcs12.serialize_key_and_certificates(
            b"cle", signer.key, signer.certificate, others, encryption
        )
    )
    return file


def pin(text: str = PIN) -> bytearray:
    return bytearray(text.encode())


def test_a_pem_shows_its_certificate_without_passphrase(pem: Path, signer: Issued) -> None:
    device = open_key_file(pem, None)
    assert (device.certificate, device.chain) == (signer.der, (demo_authority().der,))
    assert not is_pkcs12(pem)


def test_a_pkcs12_needs_its_passphrase_to_show_it(p12: Path, signer: Issued) -> None:
    assert is_pkcs12(p12)
    assert open_key_file(p12, pin()).certificate == signer.der


def test_signs_like_a_token(pem: Path, p12: Path) -> None:
    for device in (open_key_file(pem, None), open_key_file(p12, pin())):
        value = device.open(pin()).sign(b"tbs", Mechanism.RSA_SHA256)
        check_value(device.certificate, value, b"tbs", Mechanism.RSA_SHA256)


def test_signs_with_an_elliptic_key(tmp_path: Path) -> None:
    signer = create_signer(key=ec.generate_private_key(ec.SECP384R1()))
    file = tmp_path / "ec.pem"
    file.write_bytes(signer.key_pem + signer.pem)
    device = open_key_file(file, None)
    value = device.open(None).sign(b"tbs", Mechanism.ECDSA_SHA384)
    check_value(signer.der, value, b"tbs", Mechanism.ECDSA_SHA384)


@pytest.mark.parametrize("given", [bytearray(b"faux"), None])
def test_a_wrong_or_missing_passphrase_is_a_wrong_pin(pem: Path, given: bytearray | None) -> None:
    with pytest.raises(WrongPin):
        open_key_file(pem, None).open(given)


def test_an_open_key_ignores_a_needless_passphrase(signer: Issued, tmp_path: Path) -> None:
    file = tmp_path / "claire.pem"
    file.write_bytes(signer.key_pem + signer.pem)
    session = open_key_file(file, None).open(pin())
    assert session.sign(b"tbs", Mechanism.RSA_SHA256)


def test_a_closed_session_signs_nothing(pem: Path) -> None:
    session = open_key_file(pem, None).open(pin())
    session.close()
    with pytest.raises(TokenError):
        session.sign(b"tbs", Mechanism.RSA_SHA256)


def test_a_file_with_two_signers_is_refused(pem: Path) -> None:
    pem.write_bytes(pem.read_bytes() + create_signer("Dominique Martin").pem)
    with pytest.raises(NoSigningCertificate):
        open_key_file(pem, None)


@pytest.mark.parametrize("content", [b"-----BEGIN", b"-----BEGIN CERTIFICATE-----\nAA\n"])
def test_an_unreadable_file_is_said_so(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "x.pem"
    file.write_bytes(content)
    with pytest.raises(TokenError) as refused:
        open_key_file(file, None)
    assert refused.value.code == "key_file_unreadable"


def test_the_agent_says_loudly_that_it_is_no_token(
    server: AgentServer, signer: Issued, pem: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    pair_directly(server, state)
    server.send(server.prepare_job([prepared_pdf(signer)], certificate=signer.der))
    options = ["--state-dir", str(state), "--software-key", str(pem), "--once"]
    with started_agent(*options, pin=PIN, environment={}) as agent:
        done = agent.finished()
    assert done.status == 0, done.output
    assert "CLÉ LOGICIELLE, ce n'est pas un token" in done.output
