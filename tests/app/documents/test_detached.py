"""How the file of a detached signature is named, and what the rows may say of it."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.catalog.formats import TypeFormat
from app.context import Context
from app.demo.town import Town
from app.documents.detached import file_name
from app.documents.repository import DocumentRepository
from tests.builders.papers import ZIP, add_papers, submitted
from tests.builders.people import ApiPerson
from tests.builders.signatories import Signatory, newest

SIGNER = "Camille Exemple"


class TestFileName:
    @pytest.mark.parametrize(
        ("document", "named"),
        [
            ("lettre.docx", "lettre-1-Camille Exemple.p7s"),
            ("archive.tar.gz", "archive.tar-1-Camille Exemple.p7s"),
            ("sans extension", "sans extension-1-Camille Exemple.p7s"),
            (
                "Note n° 3. Version de l'élu.pdf",
                "Note n_ 3. Version de l'élu-1-Camille Exemple.p7s",
            ),
            ("e\u0301lu.txt", "élu-1-Camille Exemple.p7s"),
        ],
    )
    def test_is_that_of_the_document_then_rank_and_signer(self, document: str, named: str) -> None:
        assert file_name(document, 1, SIGNER) == named

    @pytest.mark.parametrize(
        "document",
        [
            "../../etc/passwd",
            "a/b\\c",
            'nom"; filename="autre.exe',
            "a\r\nSet-Cookie: x",
            "\u202egnp.exe",
            "\x00\x1b[2J",
            "<script>",
            "con:nul|?*",
        ],
    )
    def test_threat_18_keeps_safe_characters_alone(self, document: str) -> None:
        name = file_name(document, 1, "Élu\r\n/../")
        assert not set(name) & set('/\\"\r\n\x00\x1b<>:|?*;\u202e')
        assert name == name.strip(" .")

    @pytest.mark.parametrize("document", ["", "...", ".txt", "  "])
    def test_has_a_base_whatever_the_document_is_called(self, document: str) -> None:
        assert file_name(document, 2, SIGNER) == "document-2-Camille Exemple.p7s"

    def test_fits_in_a_directory(self) -> None:
        name = file_name("é" * 255 + ".txt", 100, "ŵ" * 510)
        assert len(name.encode()) <= 255
        assert name.endswith(".p7s")

    def test_does_without_a_signer_that_nobody_knows(self) -> None:
        assert file_name("lettre.pdf", 1, None) == "lettre-1.p7s"


@pytest.fixture
async def folder_id(context: Context, town: Town, signatory: Signatory) -> str:
    """A folder of one file signed apart."""
    await add_papers(context, town, TypeFormat.AUTO)
    made = await submitted(signatory.finances, ZIP)
    await signatory.open(made)
    await signatory.agent.sign()
    return made


@pytest.mark.parametrize("table", ["revisions", "signature_items"])
@pytest.mark.parametrize("half", ["signature_sha256", "signature_size_bytes"])
@pytest.mark.usefixtures("folder_id")
async def test_a_signature_is_told_by_digest_and_size_or_not_at_all(
    context: Context, town: Town, table: str, half: str
) -> None:
    with pytest.raises(IntegrityError, match=f"ck_{table}_signature_whole"):
        async with context.unit(town.tenant_id) as session:
            await session.execute(
                text(f"UPDATE {table} SET {half} = NULL WHERE {half} IS NOT NULL")
            )


async def test_the_documents_of_a_folder_leave_their_signatures_to_be_deleted_too(
    context: Context, town: Town, finances: ApiPerson, folder_id: str
) -> None:
    revision = newest(await finances.read(folder_id))
    async with context.unit(town.tenant_id) as session:
        repository = DocumentRepository(session)
        await session.execute(text("DELETE FROM signature_items"))
        await repository.remove_documents(uuid.UUID(folder_id))
        orphans = await repository.orphans(uuid.UUID(folder_id))
        named = await repository.named_blobs(orphans)
    assert set(orphans) == {revision["sha256"], revision["signature"]["sha256"]}
    assert revision["signature"]["sha256"] not in named
