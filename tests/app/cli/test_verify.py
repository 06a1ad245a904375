"""`parapheur verify`: statuses, the page, the JSON, and no traceback whatever the bytes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from app.demo.acts import deliberation
from tests.builders.command_line import call
from tests.builders.detached_signatures import LETTER, detached_signature
from tests.builders.library_cades import CONTENT, cades
from tests.builders.signed_pdf import signed_pdf
from tests.pki.tree import PkiTree, shared_tree

Save = Callable[[str, bytes], Path]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    def write(name: str, content: bytes) -> Path:
        file = tmp_path / name
        file.write_bytes(content)
        return file

    return write


@pytest.fixture(scope="module")
def tree() -> PkiTree:
    return shared_tree()


@pytest.fixture
def signed(save: Save, tree: PkiTree) -> Path:
    return save("acte.pdf", signed_pdf(deliberation(), tree.good, chain=tree.chain))


@pytest.fixture
def trust(save: Save, tree: PkiTree) -> Path:
    return save("trust.pem", tree.root.pem + tree.authority.pem + lists_of(tree))


def lists_of(tree: PkiTree) -> bytes:
    """The revocation lists in PEM."""
    loaded = map(x509.load_der_x509_crl, tree.crls)
    return b"".join(one.public_bytes(Encoding.PEM) for one in loaded)


HOSTILE = {
    "empty": b"",
    "zeros": bytes(4096),
    "PDF header alone": b"%PDF-1.7\n",
    "PDF of garbage": b"%PDF-1.7\n" + bytes(range(256)) * 40,
    "PDF, endless page tree": b"%PDF-1.7\n1 0 obj<</Pages 1 0 R/Type/Catalog/Kids[1 0 R]>>endobj\n"
    b"trailer<</Root 1 0 R>>\nstartxref\n9\n%%EOF",
    "billion laughs": b'<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a>&c;</a>',
    "100 000 nested elements": b"<a>" * 100_000,
    "XML cut": b"<?xml version='1.0'?><a><b",
    "UTF-16 XML": "<?xml version='1.0'?><a/>".encode("utf-16"),
    "DER garbage": b"\x30\x84\xff\xff\xff\xff" + b"\x00" * 50,
    "DER nested": b"\x30\x80" * 20_000,
    "PEM CMS garbage": b"-----BEGIN CMS-----\nAAAA\n-----END CMS-----\n",
}


class TestStatuses:
    def test_0_when_every_signature_is_good(self, signed: Path, trust: Path) -> None:
        assert call("verify", signed, "--trust", trust).status == 0

    def test_1_when_a_signed_byte_changed(self, save: Save, signed: Path, trust: Path) -> None:
        content = signed.read_bytes().replace(b"/MediaBox", b"/MediaBux", 1)
        assert call("verify", save("altered.pdf", content), "--trust", trust).status == 1

    def test_3_without_authorities(self, signed: Path) -> None:
        assert call("verify", signed).status == 3

    def test_4_when_nothing_is_signed(self, save: Save) -> None:
        assert call("verify", save("plain.pdf", deliberation())).status == 4

    def test_2_for_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        ended = call("verify", tmp_path / "absent.pdf")
        assert (ended.status, ended.failure) == (2, None)

    def test_2_for_a_folder(self, tmp_path: Path) -> None:
        assert call("verify", tmp_path).status == 2

    @pytest.mark.parametrize(
        "content", [b"", b"rien", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
    )
    def test_2_for_authorities_that_cannot_be_read(
        self, save: Save, signed: Path, content: bytes
    ) -> None:
        ended = call("verify", signed, "--trust", save("bad.pem", content))
        assert (ended.status, ended.failure) == (2, None)

    def test_several_trust_files_add_up(self, save: Save, signed: Path, tree: PkiTree) -> None:
        files = (
            save("root.pem", tree.root.pem),
            save("authority.pem", tree.authority.pem),
            save("lists.pem", lists_of(tree)),
        )
        options = [word for file in files for word in ("--trust", file)]
        assert call("verify", signed, *options).status == 0

    def test_a_der_root_is_taken(self, save: Save, signed: Path, tree: PkiTree) -> None:
        root = save("root.der", tree.root.der)
        ended = call("verify", signed, "--trust", root, "--json")
        assert json.loads(ended.output)["signatures"][0]["chain"] == "revocation_unknown"


class TestHostileInput:
    @pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE.keys())
    @pytest.mark.parametrize("options", [(), ("--json",)], ids=["page", "json"])
    def test_threat_16_ends_with_a_verdict(
        self, save: Save, content: bytes, options: tuple[str, ...]
    ) -> None:
        ended = call("verify", save("hostile", content), *options)
        assert (ended.failure, ended.status in {1, 3, 4}) == (None, True)

    def test_threat_16_names_of_files_do_not_drive_the_terminal(self, save: Save) -> None:
        ended = call("verify", save("\x1b[2Jacte\u202efdp.pdf", deliberation()))
        assert "\x1b" not in ended.output
        assert "\u202e" not in ended.output


class TestReports:
    def test_the_json_speaks_the_standard_vocabulary(self, signed: Path, trust: Path) -> None:
        told = json.loads(call("verify", signed, "--trust", trust, "--json").output)
        one = told["signatures"][0]
        found = (told["verdict"], one["indication"], one["integrity"], one["chain"], one["level"])
        assert found == ("valid", "TOTAL-PASSED", "intact", "trusted", "PAdES-BASELINE-B")

    def test_the_page_is_in_french(self, signed: Path, trust: Path) -> None:
        told = call("verify", signed, "--trust", trust).output
        assert "SIGNATURES VALABLES" in told
        assert "Intégrité     : intacte" in told

    def test_what_we_sign_apart_is_valid_beside_its_content_alone(
        self, save: Save, trust: Path, tree: PkiTree
    ) -> None:
        signature = save("note.p7s", detached_signature(LETTER, tree.good, chain=tree.chain))
        contents = {"note.txt": LETTER, "autre.txt": LETTER + b" "}
        ended = [
            call("verify", signature, "--content", save(name, content), "--trust", trust)
            for name, content in contents.items()
        ]
        assert [one.status for one in ended] == [0, 1]
        assert call("verify", signature, "--trust", trust).status == 3

    def test_a_detached_signature_needs_its_content(self, save: Save, tree: PkiTree) -> None:
        signature = save("acte.p7s", cades(tree))
        alone = call("verify", signature, "--json")
        beside = call("verify", signature, "--content", save("acte.txt", CONTENT), "--json")
        integrities = [
            json.loads(one.output)["signatures"][0]["integrity"] for one in (alone, beside)
        ]
        assert integrities == ["unknown", "intact"]
