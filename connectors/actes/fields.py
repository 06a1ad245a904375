"""What legality control demands of an act's metadata (actes.md §5), as data and one check."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from connectors.base import ActSubmission, Attachment

NATURES: Mapping[int, str] = {1: "DE", 2: "AR", 3: "AI", 4: "CC", 5: "BF", 6: "AU"}
"""Codes and abbreviations (actes.md §5.1)."""

MAX_SUBJECT = 499
MAX_ANNEXES = 20
MAX_ACT_BYTES = 150 * 1024 * 1024

_NUMBER = re.compile(r"([A-Z0-9][A-Z0-9_]{0,13})?[A-Z0-9]")
_TYPE_CODE = re.compile(r"[A-Z0-9_]{5}")
_PDF = "application/pdf"
_XML = frozenset({"application/xml", "text/xml"})
_ANNEX_TYPES = _XML | {_PDF, "image/jpeg", "image/png"}
_BUDGET_NATURE = 5
_BUDGET_SUBJECT = (7, 1)
_LIKES = dict(zip("’‘‚“”„–—‑‐−\u202f\u2009Ÿ", "'''\"\"\"-----  Y", strict=True))
_REPLACEMENTS = {
    ord(character): like
    for character, like in (_LIKES | {"œ": "oe", "Œ": "OE", "€": "EUR", "…": "..."}).items()
}


@dataclass(frozen=True, slots=True)
class FieldFault:
    """A value to correct: stable code, field, French sentence."""

    code: str
    field: str
    detail: str


def to_latin1(text: str) -> str:
    """The text with typographic characters replaced by their ISO-8859-1 likes (actes.md §5).

    Characters without a like are left: `check` reports them."""
    return unicodedata.normalize("NFC", text).translate(_REPLACEMENTS)


def check(
    submission: ActSubmission, *, today: date | None, max_annexes: int = MAX_ANNEXES
) -> tuple[FieldFault, ...]:
    """Every fault of the metadata, empty when the TdT should take it.

    `today` in the tenant's time zone; None leaves the decision date unchecked."""
    return tuple(_faults(submission, today, max_annexes))


def _faults(
    submission: ActSubmission, today: date | None, max_annexes: int
) -> Iterator[FieldFault]:
    if not _NUMBER.fullmatch(submission.number):
        yield FieldFault(
            "act_number",
            "number",
            "Le numéro de l'acte doit compter 1 à 15 majuscules, chiffres ou « _ », sans « _ » au "
            "début ni à la fin : corrigez-le.",
        )
    if today is not None and submission.decided_on > today:
        yield FieldFault(
            "act_date_in_future",
            "decided_on",
            "La date de décision est dans le futur : corrigez-la.",
        )
    if submission.nature_code not in NATURES:
        yield FieldFault(
            "act_nature", "nature_code", "La nature de l'acte va de 1 à 6 : choisissez-la."
        )
    yield from _subject_faults(submission.subject)
    yield from _classification_faults(submission.classification)
    yield from _file_faults(submission, max_annexes)


def _subject_faults(subject: str) -> Iterator[FieldFault]:
    sent = to_latin1(subject)
    if not 0 < len(sent.strip()) <= MAX_SUBJECT or len(sent) > MAX_SUBJECT:
        yield FieldFault(
            "act_subject_length",
            "subject",
            f"L'objet de l'acte doit compter 1 à {MAX_SUBJECT} caractères : raccourcissez-le.",
        )
    if any(unicodedata.category(character) == "Cc" for character in sent):
        yield FieldFault(
            "act_subject_control",
            "subject",
            "L'objet de l'acte contient un saut de ligne ou un caractère invisible : retirez-le.",
        )
    strange = sorted({character for character in sent if ord(character) > 0xFF})
    if strange:
        yield FieldFault(
            "act_subject_characters",
            "subject",
            f"L'objet contient des caractères que le TdT n'accepte pas ({' '.join(strange)}) : "
            "remplacez-les.",
        )


def _classification_faults(classification: tuple[int, ...]) -> Iterator[FieldFault]:
    if not 2 <= len(classification) <= 5 or any(level < 1 for level in classification):
        yield FieldFault(
            "act_classification",
            "classification",
            "La matière doit avoir 2 à 5 niveaux, par exemple 7.1 : choisissez-la.",
        )


def _file_faults(submission: ActSubmission, max_annexes: int) -> Iterator[FieldFault]:
    if submission.document.media_type != _PDF and not _is_budget_xml(submission):
        yield FieldFault(
            "act_file_type",
            "document",
            "L'acte doit être un PDF (un XML seulement pour un budget, nature 5, matière 7.1).",
        )
    if not _TYPE_CODE.fullmatch(submission.type_code):
        yield _type_fault("type_code", "l'acte")
    if len(submission.annexes) > max_annexes:
        yield FieldFault(
            "act_annex_count",
            "annexes",
            f"Un acte part avec {max_annexes} annexes au plus : réunissez-en plusieurs.",
        )
    for annex in submission.annexes:
        yield from _annex_faults(annex, submission)
    total = submission.document.size_bytes + sum(one.size_bytes for one in submission.annexes)
    if total > MAX_ACT_BYTES:
        yield FieldFault(
            "act_size",
            "document",
            "L'acte et ses annexes dépassent 150 Mo : réduisez les fichiers.",
        )


def _annex_faults(annex: Attachment, submission: ActSubmission) -> Iterator[FieldFault]:
    allowed = {_PDF} if submission.document.media_type in _XML else _ANNEX_TYPES
    if annex.media_type not in allowed:
        yield FieldFault(
            "act_annex_type",
            "annexes",
            f"L'annexe « {annex.name} » n'est pas d'un format accepté : convertissez-la en PDF.",
        )
    if annex.type_code is None or not _TYPE_CODE.fullmatch(annex.type_code):
        yield _type_fault("annexes", f"l'annexe « {annex.name} »")


def _type_fault(field: str, what: str) -> FieldFault:
    return FieldFault(
        "act_type_code",
        field,
        f"La typologie de {what} doit compter 5 caractères, par exemple 99_DE : choisissez-la.",
    )


def _is_budget_xml(submission: ActSubmission) -> bool:
    return (
        submission.document.media_type in _XML
        and submission.nature_code == _BUDGET_NATURE
        and submission.classification[:2] == _BUDGET_SUBJECT
    )
