from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.builders.workflows import (
    ADA_AT_RECEPTION,
    BEN_AT_ACCOUNTS,
    DAN_AT_MAYOR,
    FULL,
    SIGNATURE,
    VERSION,
    VISA,
    a_draft,
    a_revision,
    play,
    signed,
    some_documents,
)
from workflows.actions import Approve, Reject, Resubmit, Retract, Sign, Submit
from workflows.errors import DocumentsMismatch, NoMainDocument
from workflows.folder import FolderState, FolderStatus, Revision, RevisionChange, RevisionId
from workflows.revisions import check_entering, check_signed

DOCUMENTS = some_documents()


def to_sign() -> FolderState:
    return play(
        a_draft(),
        Submit(ADA_AT_RECEPTION, VERSION, FULL, DOCUMENTS),
        Approve(BEN_AT_ACCOUNTS, VISA),
    )


Changes = tuple[RevisionChange, ...]


class TestCheckEntering:
    def test_accepts_main_documents_and_annexes(self) -> None:
        check_entering(a_draft(), DOCUMENTS)

    def test_refuses_annexes_alone(self) -> None:
        with pytest.raises(NoMainDocument):
            check_entering(a_draft(), DOCUMENTS[2:])

    def test_refuses_nothing_at_all(self) -> None:
        with pytest.raises(NoMainDocument):
            check_entering(a_draft(), ())

    def test_refuses_a_document_twice(self) -> None:
        with pytest.raises(DocumentsMismatch, match="deux fois"):
            check_entering(a_draft(), (*DOCUMENTS, DOCUMENTS[0]))

    def test_refuses_what_an_earlier_round_signed(self) -> None:
        state = play(to_sign(), Sign(DAN_AT_MAYOR, SIGNATURE, signed(to_sign())))
        with pytest.raises(DocumentsMismatch, match="avant signature"):
            check_entering(state, state.documents)

    def test_refuses_it_also_when_the_signature_was_retracted(self) -> None:
        state = play(to_sign(), Sign(DAN_AT_MAYOR, SIGNATURE, signed(to_sign())))
        retracted = play(
            state, Retract(DAN_AT_MAYOR, SIGNATURE), Reject(DAN_AT_MAYOR, SIGNATURE, "Erreur.")
        )
        with pytest.raises(DocumentsMismatch):
            play(retracted, Resubmit(ADA_AT_RECEPTION, state.documents))

    def test_accepts_the_documents_as_they_entered(self) -> None:
        state = play(to_sign(), Sign(DAN_AT_MAYOR, SIGNATURE, signed(to_sign())))
        check_entering(state, state.unsigned_documents)


def of_one_document_only(changes: Changes) -> Changes:
    return changes[:1]


def of_a_document_twice(changes: Changes) -> Changes:
    return (*changes, changes[0])


def of_an_annex_too(changes: Changes) -> Changes:
    annex = DOCUMENTS[2]
    return (*changes, RevisionChange(annex.id, annex.revision, a_revision("signed-annex")))


def of_a_revision_read_before(changes: Changes) -> Changes:
    return (replace(changes[0], before=a_revision("older")), *changes[1:])


def that_brings_back_a_known_revision(changes: Changes) -> Changes:
    return (replace(changes[0], after=DOCUMENTS[2].revision), *changes[1:])


def that_makes_the_same_revision_twice(changes: Changes) -> Changes:
    return (changes[0], replace(changes[1], after=changes[0].after))


def that_changes_no_byte(changes: Changes) -> Changes:
    unchanged = Revision(RevisionId("new"), changes[0].before.sha256)
    return (replace(changes[0], after=unchanged), *changes[1:])


def that_adds_no_signature_to_the_same_bytes(changes: Changes) -> Changes:
    apart = replace(changes[0].before, signature_sha256="5" * 64)
    again = replace(apart, id=RevisionId("new"))
    return (replace(changes[0], before=apart, after=again), *changes[1:])


class TestCheckSigned:
    def test_accepts_a_new_revision_of_every_main_document(self) -> None:
        check_signed(to_sign(), signed(to_sign()))

    def test_accepts_a_signature_beside_the_same_bytes(self) -> None:
        first, second = signed(to_sign())
        apart = Revision(RevisionId("new"), first.before.sha256, signature_sha256="5" * 64)
        check_signed(to_sign(), (replace(first, after=apart), second))

    def test_accepts_another_signature_beside_bytes_that_have_one(self) -> None:
        state = to_sign()
        first, second = signed(state)
        apart = Revision(RevisionId("new"), first.before.sha256, signature_sha256="5" * 64)
        state = play(state, Sign(DAN_AT_MAYOR, SIGNATURE, (replace(first, after=apart), second)))
        document, other = state.signable_documents
        again = replace(apart, id=RevisionId("newer"), signature_sha256="6" * 64)
        changes = (
            RevisionChange(document.id, before=apart, after=again),
            RevisionChange(other.id, other.revision, a_revision("newest")),
        )
        check_signed(state, changes)

    def test_a_signature_beside_the_same_bytes_is_taken_back_as_any_other(self) -> None:
        before = to_sign()
        first, second = signed(before)
        apart = Revision(RevisionId("new"), first.before.sha256, signature_sha256="5" * 64)
        made = play(before, Sign(DAN_AT_MAYOR, SIGNATURE, (replace(first, after=apart), second)))
        back = play(made, Retract(DAN_AT_MAYOR, SIGNATURE))
        assert back.documents == before.documents
        assert back.signed_revisions == {apart.id, second.after.id}

    def test_accepts_them_in_any_order(self) -> None:
        check_signed(to_sign(), signed(to_sign())[::-1])

    @pytest.mark.parametrize(
        "spoil",
        [
            of_one_document_only,
            of_a_document_twice,
            of_an_annex_too,
            of_a_revision_read_before,
            that_brings_back_a_known_revision,
            that_makes_the_same_revision_twice,
            that_changes_no_byte,
            that_adds_no_signature_to_the_same_bytes,
        ],
    )
    def test_refuses_a_signature(self, spoil: Callable[[Changes], Changes]) -> None:
        with pytest.raises(DocumentsMismatch):
            check_signed(to_sign(), spoil(signed(to_sign())))

    def test_threat_07_a_retracted_signature_is_never_brought_back(self) -> None:
        first = signed(to_sign())
        state = play(
            to_sign(), Sign(DAN_AT_MAYOR, SIGNATURE, first), Retract(DAN_AT_MAYOR, SIGNATURE)
        )
        assert state.status is FolderStatus.PENDING
        with pytest.raises(DocumentsMismatch, match="nouvelle révision"):
            check_signed(state, first)
