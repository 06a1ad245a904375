"""A real SoftHSM device: what it lists, what it signs, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pkcs11
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from app.demo.pki import make_tls_client, valid_for
from app.demo.token import SoftToken, TokenOrder, make_token
from signing.errors import (
    BadSignatureValue,
    NoModule,
    NoSigningCertificate,
    PinLocked,
    TokenError,
    TokenRemoved,
    UnsuitableCertificate,
    WrongPin,
)
from signing.keys import check_value, reasons_against
from signing.pin import PinState, pin_state, wipe, wrong_pin
from signing.pkcs11 import Module, TokenCertificate, TokenSession
from signing.types import Mechanism
from tests.builders.tokens import PIN, create_signer, demo_authority, softhsm_library

TBS = b"attributs ou SignedInfo"


@dataclass(frozen=True, slots=True)
class Devices:
    """Several tokens behind one library, by label."""

    module: Module
    tokens: dict[str, SoftToken]

    def certificate(self, label: str) -> TokenCertificate:
        (found,) = [c for c in self.module.certificates() if c.token.label == label]
        return found


@pytest.fixture(scope="module")
def devices(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devices]:
    """SoftHSM reads its configuration once per process: all tokens are made before it loads."""
    directory = tmp_path_factory.mktemp("softhsm") / "t"
    p256, p384 = (ec.generate_private_key(c) for c in (ec.SECP256R1(), ec.SECP384R1()))
    tokens = {
        "rsa": _token(directory, "rsa"),
        "p256": _token(directory, "p256", issued=create_signer(key=p256)),
        "p384": _token(directory, "p384", issued=create_signer(key=p384)),
        "always": _token(directory, "always", always_authenticate=True),
        "keyless": _token(directory, "keyless", with_key=False),
        "spoiled": _token(directory, "spoiled"),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", tokens["rsa"].environment["SOFTHSM2_CONF"])
        pkcs11.unload(str(softhsm_library()))
        yield Devices(Module(softhsm_library()), tokens)
        pkcs11.unload(str(softhsm_library()))


def _token(directory: Path, label: str, **content: object) -> SoftToken:
    parts = {
        "module": softhsm_library(),
        "label": label,
        "pin": PIN,
        "so_pin": "87654321",
        "issued": create_signer(),
        "authorities": (demo_authority(),),
    }
    return make_token(directory, TokenOrder(**(parts | content)))  # type: ignore[arg-type]


def pin(text: str = PIN) -> bytearray:
    return bytearray(text.encode())


class TestListing:
    def test_lists_initialised_tokens_only(self, devices: Devices) -> None:
        assert {t.label for t in devices.module.tokens()} == set(devices.tokens)

    def test_reads_certificates_and_their_issuers_without_pin(self, devices: Devices) -> None:
        certificate = devices.certificate("rsa")
        assert certificate.sha256 == devices.tokens["rsa"].certificate_sha256
        assert certificate.key_id == devices.tokens["rsa"].key_id
        assert certificate.chain == (demo_authority().der,)

    def test_an_authentication_certificate_may_not_sign(self) -> None:
        issued = make_tls_client("compte", issuer=demo_authority(), validity=valid_for(2))
        reasons = reasons_against(issued.der, now=datetime.now(UTC))
        assert reasons == ("usage « signature » (nonRepudiation) absent",)

    def test_an_authority_may_not_sign(self) -> None:
        assert reasons_against(demo_authority().der, now=datetime.now(UTC))

    def test_garbage_is_a_reason_not_a_crash(self) -> None:
        assert reasons_against(b"\x30\x00", now=datetime.now(UTC))

    def test_an_absent_library_is_said_so(self, tmp_path: Path) -> None:
        with pytest.raises(NoModule):
            Module(tmp_path / "absente.so")

    def test_a_file_that_is_no_library_is_said_so(self, tmp_path: Path) -> None:
        (tmp_path / "x.so").write_bytes(b"x")
        with pytest.raises(NoModule):
            Module(tmp_path / "x.so")


class TestSigning:
    @pytest.mark.parametrize(
        ("label", "mechanism"),
        [
            ("rsa", Mechanism.RSA_SHA256),
            ("p256", Mechanism.ECDSA_SHA256),
            ("p384", Mechanism.ECDSA_SHA384),
            ("p256", Mechanism.ECDSA_SHA384),
        ],
    )
    def test_the_value_verifies_with_the_certificate(
        self, devices: Devices, label: str, mechanism: Mechanism
    ) -> None:
        certificate = devices.certificate(label)
        with TokenSession(devices.module, certificate, pin()) as session:
            value = session.sign(TBS, mechanism)
        check_value(certificate.certificate, value, TBS, mechanism)

    def test_a_device_that_only_hashes_itself_signs_too(self, devices: Devices) -> None:
        certificate = devices.certificate("rsa")
        with TokenSession(devices.module, certificate, pin()) as session:
            session._mechanisms.discard(int(pkcs11.Mechanism.RSA_PKCS))
            value = session.sign(TBS, Mechanism.RSA_SHA256)
        check_value(certificate.certificate, value, TBS, Mechanism.RSA_SHA256)

    def test_a_device_without_the_mechanism_says_so(self, devices: Devices) -> None:
        with TokenSession(devices.module, devices.certificate("rsa"), pin()) as session:
            session._mechanisms.clear()
            with pytest.raises(TokenError) as refused:
                session.sign(TBS, Mechanism.RSA_SHA256)
        assert refused.value.code == "mechanism_not_supported"

    def test_the_mechanism_of_another_key_is_refused(self, devices: Devices) -> None:
        with (
            TokenSession(devices.module, devices.certificate("rsa"), pin()) as session,
            pytest.raises(UnsuitableCertificate),
        ):
            session.sign(TBS, Mechanism.ECDSA_SHA256)

    def test_a_key_that_wants_its_pin_each_time_gets_it(self, devices: Devices) -> None:
        with TokenSession(devices.module, devices.certificate("always"), pin()) as session:
            values = [session.sign(TBS, Mechanism.RSA_SHA256) for _ in range(2)]
            assert (session.asks_pin_each_time, values[0] == values[1]) == (True, True)

    def test_a_value_of_another_key_never_leaves(self, devices: Devices) -> None:
        other = devices.certificate("rsa").certificate
        with TokenSession(devices.module, devices.certificate("spoiled"), pin()) as session:
            value = session.sign(TBS, Mechanism.RSA_SHA256)
        with pytest.raises(BadSignatureValue):
            check_value(other, value, TBS, Mechanism.RSA_SHA256)

    def test_a_certificate_without_its_key_is_refused_at_log_in(self, devices: Devices) -> None:
        with pytest.raises(NoSigningCertificate):
            TokenSession(devices.module, devices.certificate("keyless"), pin())

    def test_a_closed_session_is_a_token_removed(self, devices: Devices) -> None:
        session = TokenSession(devices.module, devices.certificate("rsa"), pin())
        session.close()
        with pytest.raises(TokenRemoved):
            session.sign(TBS, Mechanism.RSA_SHA256)

    def test_a_token_that_left_is_a_token_removed(self, devices: Devices) -> None:
        certificate = devices.certificate("rsa")
        gone = replace(certificate, token=replace(certificate.token, serial="0"))
        with pytest.raises(TokenRemoved):
            TokenSession(devices.module, gone, pin())


class TestPin:
    def test_threat_56_a_wrong_pin_is_presented_once_then_flagged(self, devices: Devices) -> None:
        certificate = devices.certificate("spoiled")
        with pytest.raises(WrongPin) as refused:
            TokenSession(devices.module, certificate, pin("000000"))
        assert "essais restants sont comptés" in refused.value.detail
        assert devices.module.pin_state(certificate.token) is PinState.COUNT_LOW

    def test_threat_56_a_locked_token_is_shown_no_pin(
        self, devices: Devices, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        certificate = devices.certificate("rsa")
        monkeypatch.setattr("signing.pkcs11.pin_state", lambda _: PinState.LOCKED)
        with pytest.raises(PinLocked):
            TokenSession(devices.module, certificate, pin())

    def test_threat_53_a_pin_that_was_kept_is_overwritten_at_the_end(
        self, devices: Devices
    ) -> None:
        with TokenSession(devices.module, devices.certificate("always"), pin()) as session:
            kept = session._pin
            assert kept == pin()
        assert kept == bytearray(len(PIN))

    def test_a_token_without_pad_wants_a_pin(self, devices: Devices) -> None:
        with pytest.raises(TokenError):
            TokenSession(devices.module, devices.certificate("p256"), None)

    def test_a_pin_is_overwritten_in_place(self) -> None:
        held = pin()
        wipe(held)
        assert held == bytearray(len(PIN))

    @pytest.mark.parametrize(
        ("flag", "state"),
        [
            (0, PinState.OK),
            (0x10000, PinState.COUNT_LOW),
            (0x30000, PinState.FINAL_TRY),
            (0x70000, PinState.LOCKED),
        ],
    )
    def test_the_flags_of_the_token_are_one_state(self, flag: int, state: PinState) -> None:
        assert pin_state(pkcs11.TokenFlag(flag)) is state

    @pytest.mark.parametrize(
        ("state", "code"), [(PinState.FINAL_TRY, "wrong_pin"), (PinState.LOCKED, "pin_locked")]
    )
    def test_a_refused_pin_says_what_is_left(self, state: PinState, code: str) -> None:
        assert wrong_pin(state).code == code
