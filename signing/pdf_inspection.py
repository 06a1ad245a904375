"""Learns what a deposited PDF contains, without running, decoding or changing it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pyhanko.pdf_utils import generic

from signing.certificates import common_name
from signing.cms import UnreadableCms, check_signer, read_signed_data
from signing.facts import PdfFacts, PdfSignatureFact
from signing.pdf_hidden import Key, unreferenced_pages
from signing.pdf_locks import forbids_signature
from signing.pdf_reading import (
    DEFAULT_LIMITS,
    HOSTILE_PDF,
    BoundedReader,
    PdfLimits,
    SignatureField,
    SkippingSource,
    broken,
    entries,
    entry,
    form_fields,
    open_pdf,
    resolved,
    signature_fields,
    too_complex,
)
from signing.report import Finding
from signing.stamp_obstacles import stamp_obstacle

# Dictionary keys, and values of /S, that make a reader act (threat 19; ISO 32000-2 §12.6).
_ACTIVE_KEYS = {
    "/JS": "JavaScript",
    "/JavaScript": "JavaScript",
    "/EmbeddedFiles": "EmbeddedFile",
    "/EF": "EmbeddedFile",
    "/AA": "AdditionalActions",
    "/RichMediaContent": "RichMedia",
    "/XFA": "XFA",
}
_ACTIVE_ACTIONS = {
    "/JavaScript": "JavaScript",
    "/Launch": "Launch",
    "/URI": "ExternalLink",
    "/SubmitForm": "SubmitForm",
    "/ImportData": "ImportData",
    "/GoToR": "ExternalLink",
    "/GoToE": "EmbeddedFile",
    "/Rendition": "RichMedia",
    "/Movie": "RichMedia",
    "/Sound": "RichMedia",
    "/RichMediaExecute": "RichMedia",
}
_PAGE_TYPES = {"/Page", "/Pages", "/Template"}
_ACTIVE_SUBTYPES = {"/RichMedia": "RichMedia", "/FileAttachment": "EmbeddedFile"}


def inspect(document: bytes | Path, *, limits: PdfLimits = DEFAULT_LIMITS) -> PdfFacts:
    """Pages, existing signatures and locks, active content of a PDF (ISO 32000-2 §7, §12.6-12.8).

    The work is bounded by `limits`; run it in a bounded process all the same (threat 17).
    Raises UnsupportedDocument (`empty_file`, `not_a_pdf`, `pdf_encrypted`, `pdf_broken`,
    `pdf_too_complex`, `pdf_contradictory_tables`)."""
    if isinstance(document, bytes):
        return _inspected(open_pdf(document, limits), limits, size=len(document))
    with document.open("rb") as file:
        reader = open_pdf(SkippingSource(file), limits)
        return _inspected(reader, limits, size=document.stat().st_size)


def _inspected(reader: BoundedReader, limits: PdfLimits, *, size: int) -> PdfFacts:
    try:
        return _facts(reader, limits, size=size)
    except HOSTILE_PDF as e:
        raise broken(e) from e


def _facts(reader: BoundedReader, limits: PdfLimits, *, size: int) -> PdfFacts:
    tree, pages = _page_tree(reader, limits)
    fields = signature_fields(reader, limits)
    inputs = sum(entry(one, "/FT") != "/Sig" for _, one in form_fields(reader, limits))
    reached: set[Key] = set()
    found: set[str] = set()
    hidden = 0
    for key, dictionary in _dictionaries(reader, limits, reached):
        found.update(_active_content(dictionary))
        hidden += key not in tree and _is_page_node(dictionary)
    if isinstance(entry(reader.root, "/OpenAction"), generic.DictionaryObject):
        found.add("OpenAction")
    active = tuple(sorted(found))
    locked = forbids_signature(reader, fields)
    left = unreferenced_pages(reader, reached)
    return PdfFacts(
        page_count=pages,
        signatures=tuple(_signature_fact(field, size=size) for field in fields),
        locked=locked,
        active_content=active,
        findings=(
            *_findings(active, fields, locked=locked),
            *_may_be_shown_otherwise(inputs, None if left is None else hidden + left),
        ),
        stamp_obstacle=stamp_obstacle(reader, fields),
    )


def _page_tree(reader: BoundedReader, limits: PdfLimits) -> tuple[set[Key], int]:
    """The nodes of the page tree, and its leaves counted rather than believed.

    Raises UnsupportedDocument on a cycle, an empty tree or too many pages."""
    pending = [reader.root.raw_get("/Pages")]
    seen: set[Key] = set()
    pages = 0
    while pending:
        node = pending.pop()
        if not isinstance(node, generic.IndirectObject) or _key(node) in seen:
            raise broken(ValueError("page tree"))
        seen.add(_key(node))
        target = resolved(node)
        if entry(target, "/Kids") is None:
            pages += 1
        else:
            pending.extend(entries(target, "/Kids"))
        if pages + len(pending) > limits.max_pages:
            raise too_complex()
    if not pages:
        raise broken(ValueError("no page"))
    return seen, pages


def _is_page_node(dictionary: generic.DictionaryObject) -> bool:
    kind = entry(dictionary, "/Type")
    return isinstance(kind, generic.NameObject) and kind in _PAGE_TYPES


def _key(item: generic.IndirectObject) -> Key:
    return item.idnum, item.generation


def _active_content(dictionary: generic.DictionaryObject) -> Iterator[str]:
    for key, label in _ACTIVE_KEYS.items():
        if key in dictionary:
            yield label
    action = entry(dictionary, "/S")
    if isinstance(action, generic.NameObject) and action in _ACTIVE_ACTIONS:
        yield _ACTIVE_ACTIONS[action]
    subtype = entry(dictionary, "/Subtype")
    if isinstance(subtype, generic.NameObject) and subtype in _ACTIVE_SUBTYPES:
        yield _ACTIVE_SUBTYPES[subtype]


def _dictionaries(
    reader: BoundedReader, limits: PdfLimits, reached: set[Key]
) -> Iterator[tuple[Key | None, generic.DictionaryObject]]:
    """Each dictionary that can be reached, once, with its key where it is an object of its own;
    streams are not decoded. Fills `reached`."""
    pending: list[Any] = [reader.trailer.flatten()]
    visited = 0
    while pending:
        item, own = pending.pop(), None
        if isinstance(item, generic.IndirectObject):
            own = _key(item)
            if own in reached:
                continue
            reached.add(own)
            item = resolved(item)
        if not isinstance(item, generic.DictionaryObject | generic.ArrayObject):
            continue
        visited += 1
        if visited > limits.max_objects:
            raise too_complex()
        if isinstance(item, generic.DictionaryObject):
            yield own, item
            pending.extend(item.raw_get(key) for key in item)
        else:
            pending.extend(item.raw_get(index) for index in range(len(item)))


def _signature_fact(field: SignatureField, *, size: int) -> PdfSignatureFact:
    return PdfSignatureFact(
        field=field.name,
        signer=_signer_name(field),
        covers_whole_file=_end_of_range(field) == size,
    )


def _end_of_range(field: SignatureField) -> int | None:
    bounds = [int(resolved(bound)) for bound in entries(field.signature, "/ByteRange")]
    return bounds[2] + bounds[3] if len(bounds) == 4 else None


def _signer_name(field: SignatureField) -> str | None:
    contents = entry(field.signature, "/Contents")
    try:
        signed = read_signed_data(contents.original_bytes)
        check = check_signer(signed, signed.signer_infos[0], digest_of=lambda _: b"")
    except (UnreadableCms, AttributeError):
        return None
    return common_name(check.certificate)


def _findings(
    active: tuple[str, ...], fields: list[SignatureField], *, locked: bool
) -> tuple[Finding, ...]:
    found = []
    if active:
        found.append(
            Finding(
                "pdf_active_content",
                f"Le document contient des éléments actifs ({', '.join(active)}) : vérifiez qu'ils "
                "sont voulus avant de le faire signer.",
            )
        )
    if locked:
        found.append(
            Finding(
                "pdf_locked",
                "Une signature existante interdit d'en ajouter une autre : demandez un document "
                "non verrouillé à son auteur.",
            )
        )
    if fields:
        found.append(
            Finding("pdf_already_signed", f"Le document porte déjà {len(fields)} signature(s).")
        )
    return tuple(found)


def _may_be_shown_otherwise(inputs: int, hidden: int | None) -> Iterator[Finding]:
    """What lets a document change its looks after it was signed (threat 4): never refused, and
    what a later revision would make of it makes the signature invalid."""
    if inputs:
        yield Finding(
            "pdf_form_fields",
            f"Le document contient {inputs} champ(s) de formulaire, dont la valeur peut encore "
            "changer : vérifiez qu'ils sont voulus, ou figez le document (« imprimer en PDF ») "
            "avant de le faire signer.",
        )
    if hidden is None:
        yield Finding(
            "pdf_hidden_pages",
            "Le document contient trop d'objets inutilisés pour qu'on sache s'ils cachent des "
            "pages : réenregistrez-le (« imprimer en PDF ») avant de le faire signer.",
        )
    elif hidden:
        yield Finding(
            "pdf_hidden_pages",
            f"Le document contient {hidden} page(s) qu'il n'affiche pas, et qui pourraient être "
            "montrées à la place des autres une fois signé : demandez à son auteur pourquoi, ou "
            "réenregistrez le document (« imprimer en PDF ») avant de le faire signer.",
        )
