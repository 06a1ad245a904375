"""Which revisions an act may bring into a folder."""

from __future__ import annotations

from workflows.errors import DocumentsMismatch, NoMainDocument
from workflows.folder import Document, DocumentRole, FolderState, RevisionChange


def check_entering(state: FolderState, documents: tuple[Document, ...]) -> None:
    """The documents that enter a circuit: at least one main document, each once, none of them
    signed in an earlier round. Raises NoMainDocument or DocumentsMismatch."""
    if not any(one.role is DocumentRole.MAIN_DOCUMENT for one in documents):
        raise NoMainDocument
    if len({one.id for one in documents}) != len(documents):
        raise DocumentsMismatch("Un document est présent deux fois : gardez-le une seule fois.")
    if any(one.revision.id in state.signed_revisions for one in documents):
        raise DocumentsMismatch(
            "Un document porte la signature d'un envoi précédent : "
            "repartez de sa révision d'avant signature."
        )


def check_signed(state: FolderState, signed: tuple[RevisionChange, ...]) -> None:
    """The revisions that a signature brings: one for each signable document, made from the
    revision that counts now, never seen before. Raises DocumentsMismatch."""
    expected = {one.id: one.revision for one in state.signable_documents}
    given = {change.document: change.before for change in signed}
    if len(signed) != len(expected) or given != expected:
        raise DocumentsMismatch(
            "La signature doit couvrir tous les documents à signer, tels qu'ils sont "
            "maintenant, et eux seuls : rechargez le dossier et signez de nouveau."
        )
    made = {change.after.id for change in signed}
    known = state.signed_revisions | {one.revision.id for one in state.documents}
    unchanged = any(change.after.content == change.before.content for change in signed)
    if unchanged or len(made) != len(signed) or made & known:
        raise DocumentsMismatch(
            "Un document signé n'est pas une nouvelle révision : signez de nouveau."
        )
