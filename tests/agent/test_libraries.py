"""Which PKCS#11 libraries are tried, in which order, and what a bad one may do."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.devices import Choice, explain_nothing, sort_out
from agent.known_modules import PRODUCTS
from agent.libraries import (
    Candidate,
    Listing,
    candidates,
    list_in_child,
    merge,
    missing_64_bit,
    p11_kit_modules,
)
from signing.pin import PinState
from signing.pkcs11 import TokenCertificate, TokenInfo
from tests.builders.tokens import TokenAndSigner, create_signer


@pytest.fixture
def library(tmp_path: Path) -> Path:
    path = tmp_path / "libjeton.so"
    path.write_bytes(b"not a library")
    return path


class TestOrder:
    def test_the_chosen_path_comes_first_even_when_absent(self, tmp_path: Path) -> None:
        found = candidates({"PARAPHEUR_AGENT_PKCS11": "/absent.so"}, home=tmp_path)
        assert (found[0].path, found[0].chosen) == (Path("/absent.so"), True)

    def test_opensc_and_softhsm_come_last(self) -> None:
        assert [p.name for p in PRODUCTS[-2:]] == ["OpenSC", "SoftHSM2"]

    def test_one_file_under_two_names_is_tried_once(self, tmp_path: Path, library: Path) -> None:
        folder = tmp_path / ".config/pkcs11/modules"
        folder.mkdir(parents=True)
        (tmp_path / "lien.so").symlink_to(library)
        (folder / "a.module").write_text(f"module: {tmp_path / 'lien.so'}\n")
        found = candidates({"PARAPHEUR_AGENT_PKCS11": str(library)}, home=tmp_path)
        assert [c.path for c in found if c.path.resolve() == library] == [library]

    def test_windows_paths_come_from_the_environment(self, tmp_path: Path) -> None:
        assert candidates({"SystemRoot": str(tmp_path)}, system="win32") == ()

    def test_every_product_is_known_on_some_system(self) -> None:
        assert [p.name for p in PRODUCTS if not (p.windows or p.macos or p.linux)] == []

    def test_no_32_bit_library_is_reported_where_there_is_none(self, tmp_path: Path) -> None:
        assert missing_64_bit({"ProgramFiles(x86)": str(tmp_path)}) == ()


class TestP11Kit:
    def test_reads_a_registered_module(self, tmp_path: Path, library: Path) -> None:
        (tmp_path / "jeton.module").write_text(f"# commentaire\nmodule: {library}\n")
        assert [c.path for c in p11_kit_modules([tmp_path])] == [library]

    def test_an_empty_module_of_the_person_switches_the_system_one_off(
        self, tmp_path: Path, library: Path
    ) -> None:
        for name in ("system", "person"):
            (tmp_path / name).mkdir()
        (tmp_path / "system/jeton.module").write_text(f"module: {library}\n")
        (tmp_path / "person/jeton.module").write_text("module:\n")
        assert p11_kit_modules([tmp_path / "system", tmp_path / "person"]) == []

    @pytest.mark.parametrize(
        "line", ["trust-policy: yes", "remote: |x", "disable-in: parapheur-agent", "enable-in: ssh"]
    )
    def test_leaves_aside_what_is_not_for_us(
        self, tmp_path: Path, library: Path, line: str
    ) -> None:
        (tmp_path / "jeton.module").write_text(f"module: {library}\n{line}\n")
        assert p11_kit_modules([tmp_path]) == []

    @pytest.mark.parametrize("name", ["p11-kit-trust.so", "p11-kit-proxy.so", "libsoftokn3.so"])
    def test_never_loads_what_holds_no_token(self, tmp_path: Path, name: str) -> None:
        folder = tmp_path / ".config/pkcs11/modules"
        folder.mkdir(parents=True)
        (tmp_path / name).write_bytes(b"x")
        (folder / "a.module").write_text(f"module: {tmp_path / name}\n")
        assert name not in [c.path.name for c in candidates({}, home=tmp_path)]


class TestListingInAChild:
    def test_reads_the_certificates_of_a_token(
        self, kit: TokenAndSigner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SOFTHSM2_CONF", kit.token.environment["SOFTHSM2_CONF"])
        listing = list_in_child(Candidate("SoftHSM2", kit.token.module), deadline_s=30)
        assert [c.certificate for c in listing.certificates] == [kit.signer.der]
        assert listing.certificates[0].chain == (kit.authority.der,)
        assert listing.certificates[0].key_id == kit.token.key_id

    def test_a_library_that_does_not_load_is_a_reason(self, library: Path) -> None:
        listing = list_in_child(Candidate("Jeton", library), deadline_s=30)
        assert (listing.certificates, "ne se charge pas" in (listing.problem or "")) == ((), True)

    def test_a_library_that_hangs_is_left_after_the_deadline(self, library: Path) -> None:
        listing = list_in_child(Candidate("Jeton", library), deadline_s=0.01)
        assert "ne répond pas" in (listing.problem or "")


class TestSorting:
    def test_the_same_certificate_through_two_libraries_is_one(self) -> None:
        certificate = create_signer().der
        listings = [_listing(certificate, f"/{n}.so") for n in ("vendor", "opensc")]
        merged = merge(listings)
        assert [c.token.module for c in merged] == [Path("/vendor.so")]

    def test_a_token_may_be_imposed_by_its_name(self) -> None:
        listing = _listing(create_signer().der, "/a.so")
        now = datetime.now(UTC)
        kept = [
            len(sort_out((listing,), Choice(token_label=label), now=now).devices)
            for label in ("jeton", "autre")
        ]
        assert kept == [1, 0]

    def test_an_unfit_certificate_is_kept_apart_with_its_reasons(self) -> None:
        later = datetime(2100, 1, 1, tzinfo=UTC)
        inventory = sort_out((_listing(create_signer().der, "/a.so"),), Choice(), now=later)
        assert (inventory.devices, inventory.unfit[0][1]) == ((), ("certificat expiré",))

    @pytest.mark.parametrize(
        ("code", "problem", "tokens"),
        [
            ("no_pkcs11_module", "absente", 0),
            ("no_token", None, 0),
            ("no_signing_certificate", None, 1),
        ],
    )
    def test_says_the_most_basic_cause(self, code: str, problem: str | None, tokens: int) -> None:
        listing = Listing(Candidate("Jeton", Path("/a.so")), (), tokens, problem)
        inventory = sort_out((listing,), Choice(), now=datetime.now(UTC))
        assert explain_nothing(inventory).code == code


def _listing(certificate: bytes, module: str) -> Listing:
    token = TokenInfo(Path(module), "jeton", "01", "Fabricant", "Modèle", False, PinState.OK)
    found = TokenCertificate(token, b"\x01", certificate, ())
    return Listing(Candidate("Jeton", Path(module)), (found,), 1, None)
