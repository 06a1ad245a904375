"""Documents, their revisions, and the PES names in use."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete, func, literal, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import (
    Document,
    FolderNote,
    OrphanBlob,
    PesReference,
    Revision,
    SignatureItem,
    SignatureSession,
    User,
)


def unsigned(revisions: Iterable[Revision]) -> list[Revision]:
    """Those that no signature made, in the same order: the last one of a document is what enters
    a circuit, to be read or signed."""
    return [one for one in revisions if one.origin != "signed"]


class DocumentRepository:
    """Documents of the session's tenant."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    def add(self, *rows: Document | Revision | PesReference) -> None:
        self._session.add_all(rows)

    async def documents(self, folder_id: uuid.UUID) -> list[Document]:
        rows = await self._session.scalars(
            select(Document)
            .where(Document.folder_id == folder_id)
            .order_by(Document.position, Document.id)
        )
        return list(rows)

    async def document(self, document_id: uuid.UUID) -> Document | None:
        return await self._session.get(Document, document_id)

    async def revisions(self, document_ids: Iterable[uuid.UUID]) -> list[Revision]:
        rows = await self._session.scalars(
            select(Revision)
            .where(Revision.document_id.in_(list(document_ids)))
            .order_by(Revision.document_id, Revision.number)
        )
        return list(rows)

    async def revision(self, revision_id: uuid.UUID) -> Revision | None:
        return await self._session.get(Revision, revision_id)

    async def digests(self, folder_id: uuid.UUID) -> list[str]:
        """Of every revision of a folder, and of the signatures beside them."""
        rows = await self._session.execute(
            select(Revision.sha256, Revision.signature_sha256)
            .join(Document, Document.id == Revision.document_id)
            .where(Document.folder_id == folder_id)
        )
        return sorted({digest for row in rows for digest in row if digest is not None})

    async def signers(self, signatures: Iterable[str | None]) -> dict[str, str]:
        """Who made these detached signatures: first and last name, by digest."""
        rows = await self._session.execute(
            select(SignatureItem.signature_sha256, User)
            .join(SignatureSession, SignatureSession.id == SignatureItem.session_id)
            .join(User, User.id == SignatureSession.user_id)
            .where(SignatureItem.signature_sha256.in_(list(signatures)))
        )
        return {digest: user.full_name for digest, user in rows if digest is not None}

    async def size_of_folder(self, folder_id: uuid.UUID) -> int:
        """Bytes of the deposited revisions of a folder."""
        total = await self._session.scalar(
            select(func.coalesce(func.sum(Revision.size_bytes), 0))
            .join(Document, Document.id == Revision.document_id)
            .where(Document.folder_id == folder_id, Revision.origin == "deposited")
        )
        return int(total or 0)

    async def mark_retracted(self, revision_ids: Iterable[uuid.UUID], now: datetime) -> None:
        await self._session.execute(
            update(Revision).where(Revision.id.in_(list(revision_ids))).values(retracted_at=now)
        )

    async def take_reference(self, row: PesReference) -> uuid.UUID:
        """The folder that holds this name: the row's own when it was free. A concurrent deposit
        of the same name waits here for the other's outcome."""
        key = {"siren": row.siren, "body_code": row.body_code, "file_name": row.file_name}
        await self._session.execute(
            insert(PesReference)
            .values(id=row.id, tenant_id=row.tenant_id, folder_id=row.folder_id, **key)
            .on_conflict_do_nothing()
        )
        holder = await self.holder_of(**key)
        assert holder is not None
        return holder

    async def holder_of(self, *, siren: str, body_code: str, file_name: str) -> uuid.UUID | None:
        """The folder whose living flow has this name."""
        return await self._session.scalar(
            select(PesReference.folder_id).where(
                PesReference.siren == siren,
                PesReference.body_code == body_code,
                PesReference.file_name == file_name,
                PesReference.released_at.is_(None),
            )
        )

    async def reference_of(self, folder_id: uuid.UUID) -> PesReference | None:
        return await self._session.scalar(
            select(PesReference).where(
                PesReference.folder_id == folder_id, PesReference.released_at.is_(None)
            )
        )

    async def release_references(self, folder_id: uuid.UUID, now: datetime) -> None:
        await self._session.execute(
            update(PesReference)
            .where(PesReference.folder_id == folder_id, PesReference.released_at.is_(None))
            .values(released_at=now)
        )

    async def remove_documents(self, folder_id: uuid.UUID) -> None:
        """Forgets the documents of a refused draft, and notes the digests that it named."""
        ids = [document.id for document in await self.documents(folder_id)]
        for digest in (Revision.sha256, Revision.signature_sha256):
            await self._session.execute(
                insert(OrphanBlob).from_select(
                    ["id", "tenant_id", "folder_id", "sha256"],
                    select(
                        func.gen_random_uuid(), Revision.tenant_id, literal(folder_id), digest
                    ).where(Revision.document_id.in_(ids), digest.is_not(None)),
                )
            )
        await self._session.execute(delete(FolderNote).where(FolderNote.document_id.in_(ids)))
        await self._session.execute(delete(Revision).where(Revision.document_id.in_(ids)))
        await self._session.execute(delete(PesReference).where(PesReference.folder_id == folder_id))
        await self._session.execute(delete(Document).where(Document.id.in_(ids)))

    async def remove_document(self, document: Document) -> None:
        """Forgets a document that nobody acted upon, and what was noted on its pages."""
        noted = FolderNote.document_id == document.id
        await self._session.execute(delete(FolderNote).where(noted))
        await self._session.execute(delete(Revision).where(Revision.document_id == document.id))
        await self._session.execute(delete(Document).where(Document.id == document.id))

    async def remove_revision(self, revision_id: uuid.UUID) -> None:
        """Forgets a revision that was refused."""
        await self._session.execute(delete(Revision).where(Revision.id == revision_id))

    async def orphans(self, folder_id: uuid.UUID) -> list[str]:
        """Digests that the folder has ceased to name, their bytes not yet deleted."""
        rows = await self._session.scalars(
            select(OrphanBlob.sha256).where(OrphanBlob.folder_id == folder_id).distinct()
        )
        return sorted(rows)

    async def forget_orphans(self, folder_id: uuid.UUID) -> None:
        await self._session.execute(delete(OrphanBlob).where(OrphanBlob.folder_id == folder_id))

    async def named_blobs(self, digests: list[str]) -> set[str]:
        """Which of these digests a row names, in whatever tenant: the one question that looks
        past row-level security, in the database's own function."""
        found = await self._session.scalar(
            text("SELECT named_blobs(:digests)"), {"digests": digests}
        )
        return set(found or ())
