"""Inspection of a PES flow while its bytes arrive: refusals and facts, in constant memory.

expat in blocks with limits of our own (it has none on depth or on the size of a tag); the text of
attachments is never kept. Field rules: pes-v2.md §1.2, §1.3 and §4.3.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from xml.parsers import expat

from signing import xml
from signing.errors import UnsupportedDocument
from signing.facts import IntakeKind, PesFacts, SignatureScope
from signing.pes_bytes import refuse_unspliceable
from signing.pes_findings import (
    attachment_findings,
    listing_findings,
    scope_findings,
    slip_findings,
)
from signing.pes_header import HeaderReader
from signing.pes_slips import AttachmentReader, SlipReader
from signing.pes_structure import ALLER, DOMAIN_HEADERS, DOMAIN_KINDS, ORMC_FILE_TYPE, TRUE_VALUES
from signing.report import Finding
from signing.xmldsig import DS

BLOCK_SIZE = 64 * 1024
_ROOT = f"{ALLER} PES_Aller"
_SIGNATURE = f"{DS} Signature"
_NOT_DOMAINS = frozenset({"Enveloppe", "EnTetePES", _SIGNATURE})
_LATIN1 = "ISO-8859-1"
# The TdT looks for the encoding in the first characters of the file only (pes-v2.md §4.1).
_DECLARATION_WINDOW = 50
_MAX_DOMAINS = 50
_MAX_WARNINGS = 200


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of what one flow may hold; a flow beyond them is refused (`pes_too_complex`).

    Items and attachments past the `listed` ones are accepted, counted and summed, but the facts
    do not describe them: nobody reads so many, and everybody who opens the folder would load
    them. A finding says so (`pes_not_all_listed`)."""

    max_depth: int = xml.MAX_DEPTH
    max_tag_bytes: int = 1024 * 1024
    max_identifiers: int = 100_000
    max_slips: int = 10_000
    max_items: int = 200_000
    max_attachments: int = 50_000
    listed_items: int = 10_000
    listed_attachments: int = 10_000


DEFAULT_LIMITS = Limits()


def inspect(
    chunks: Iterable[bytes],
    *,
    require_latin1: bool = True,
    slip_facts: bool = True,
    limits: Limits = DEFAULT_LIMITS,
) -> PesFacts:
    """Facts of a flow read from blocks of bytes.

    Raises UnsupportedDocument with `line` and `element` where they are known: `empty_file`,
    `xml_not_well_formed`, `xml_doctype`, `xml_too_deep`, `xml_tag_too_long`, `pes_duplicate_id`,
    `pes_encoding`, `pes_unknown_root`, `pes_missing_field`, `pes_field_too_long`,
    `pes_field_invalid`, `pes_no_domain`, `pes_too_complex`."""
    inspector = PesInspector(require_latin1=require_latin1, slip_facts=slip_facts, limits=limits)
    for chunk in chunks:
        inspector.feed(chunk)
    return inspector.close()


def intake_kind(facts: PesFacts) -> IntakeKind:
    """What kind of flow this is for a HELIOS subtype (DESIGN D21)."""
    if facts.signature_count:
        return IntakeKind.SIGNED_ELSEWHERE
    has_orders = any(domain in DOMAIN_KINDS for domain in facts.domains)
    if not has_orders or facts.header.file_type == ORMC_FILE_TYPE:
        return IntakeKind.NOTHING_TO_SIGN
    return IntakeKind.TO_SIGN


@dataclass(slots=True)
class _Seen:
    """What the pass remembers beside header, slips and attachments."""

    encoding: str | None = None
    root_id: str | None = None
    domains: list[str] = field(default_factory=list)
    flags: dict[str, bool] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)
    signatures: int = 0
    root_signatures: int = 0
    slip_count: int = 0
    slips_with_id: int = 0


class PesInspector:
    """The same inspection, block by block: `feed` while the deposit is written, then `close`.

    With `slip_facts` false the slips are counted but not described, for flows whose facts are
    read later; every refusal stands in both cases."""

    def __init__(
        self,
        *,
        require_latin1: bool = True,
        slip_facts: bool = True,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._limits = limits
        self._require_latin1 = require_latin1
        self._start = b""
        self._fed = 0
        self._path: list[str] = []
        self._seen = _Seen()
        self._header = HeaderReader()
        self._slips = SlipReader(limits.listed_items) if slip_facts else None
        reader = xml.stream_parser()
        self._attachments = AttachmentReader(reader)
        reader.XmlDeclHandler = self._declaration
        reader.StartElementHandler = self._open
        reader.EndElementHandler = self._close
        self._reader = reader

    def feed(self, chunk: bytes) -> None:
        """Read one more block, of any size. Raises UnsupportedDocument as `inspect` does."""
        for start in range(0, len(chunk), BLOCK_SIZE):
            self._feed_block(chunk[start : start + BLOCK_SIZE])

    def close(self) -> PesFacts:
        """The facts once every block was fed. Raises UnsupportedDocument as `inspect` does."""
        if self._fed == 0:
            raise UnsupportedDocument(
                "Le fichier est vide : refaites l'export du logiciel financier.", code="empty_file"
            )
        self._parse(b"", final=True)
        header = self._header.close()
        if not self._seen.domains:
            raise UnsupportedDocument(
                "Le flux ne contient ni bordereau, ni pièce justificative, ni marché : "
                "refaites l'export du logiciel financier.",
                code="pes_no_domain",
            )
        facts = PesFacts(
            header=header,
            encoding=self._seen.encoding or "UTF-8",
            root_id=self._seen.root_id,
            domains=tuple(self._seen.domains),
            slips=self._slips.close() if self._slips else (),
            attachments=self._attachments.close()[: self._limits.listed_attachments],
            scope=self._scope(),
            signature_count=self._seen.signatures,
            dematerialised=tuple(self._seen.flags.items()),
            findings=(),
        )
        return replace(facts, findings=self._findings(facts))

    def _findings(self, facts: PesFacts) -> tuple[Finding, ...]:
        own = [*self._header.warnings, *scope_findings(facts)]
        if self._slips is None:
            return tuple(own)
        return (
            *own,
            *slip_findings(facts.slips),
            *self._slips.warnings[:_MAX_WARNINGS],
            *attachment_findings(self._slips, self._attachments),
            *listing_findings(
                ("pièces", self._slips.item_count, self._limits.listed_items),
                ("pièces jointes", self._attachments.count, self._limits.listed_attachments),
            ),
        )

    def _scope(self) -> SignatureScope:
        seen = self._seen
        if not any(domain in DOMAIN_KINDS for domain in seen.domains):
            return SignatureScope.NOTHING_TO_SIGN
        if seen.signatures and seen.signatures == seen.root_signatures:
            return SignatureScope.WHOLE_FILE
        if seen.slip_count and seen.slip_count == seen.slips_with_id:
            return SignatureScope.PER_SLIP
        return SignatureScope.WHOLE_FILE if seen.root_id else SignatureScope.NO_SIGNABLE_ID

    def _feed_block(self, block: bytes) -> None:
        if len(self._start) < _DECLARATION_WINDOW:
            self._start += block[:_DECLARATION_WINDOW]
            refuse_unspliceable(self._start)
        self._fed += len(block)
        self._parse(block, final=False)
        if self._fed - self._reader.CurrentByteIndex > self._limits.max_tag_bytes:
            raise self._refusal(
                "xml_tag_too_long",
                "Une balise ou un commentaire du fichier est anormalement long : "
                "refaites l'export depuis le logiciel métier.",
            )

    def _parse(self, block: bytes, *, final: bool) -> None:
        try:
            self._reader.Parse(block, final)
        except (expat.ExpatError, ValueError, LookupError) as e:
            raise self._refusal(
                "xml_not_well_formed",
                "Le fichier n'est pas un XML bien formé : "
                "refaites l'export depuis le logiciel métier.",
            ) from e

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        self._seen.encoding = encoding

    def _open(self, name: str, attributes: dict[str, str]) -> None:
        path = self._path
        path.append(name)
        depth = len(path)
        if depth > self._limits.max_depth:
            raise self._refusal(
                "xml_too_deep",
                f"Le fichier imbrique plus de {self._limits.max_depth} niveaux d'éléments : "
                "refaites l'export depuis le logiciel métier.",
            )
        if "Id" in attributes:
            self._note_id(attributes["Id"])
        if depth == 1:
            self._open_root(name, attributes)
        elif depth == 2 and name not in _NOT_DOMAINS and name not in self._seen.domains:
            self._open_domain(name)
        if name == _SIGNATURE:
            self._open_signature()
        elif depth > 2:
            self._open_inner(path[1], attributes)

    def _open_root(self, name: str, attributes: dict[str, str]) -> None:
        if name != _ROOT:
            raise self._refusal(
                "pes_unknown_root",
                "Ce fichier n'est pas un PES Aller : vérifiez le fichier choisi.",
            )
        declared = (self._seen.encoding or "").upper() == _LATIN1
        if self._require_latin1 and not (
            declared and _LATIN1.encode() in self._start[:_DECLARATION_WINDOW].upper()
        ):
            raise self._refusal(
                "pes_encoding",
                "Le prologue du flux ne déclare pas l'encodage ISO-8859-1, le seul admis : "
                "refaites l'export du logiciel financier.",
            )
        self._seen.root_id = attributes.get("Id") or None

    def _open_domain(self, name: str) -> None:
        self._seen.domains.append(name)
        self._bound(len(self._seen.domains), _MAX_DOMAINS, "domaines")
        if name in DOMAIN_HEADERS:
            self._seen.flags[name] = False

    def _open_signature(self) -> None:
        path = self._path
        in_slip = len(path) == 4 and path[1] in DOMAIN_KINDS and path[2] == "Bordereau"
        if in_slip and self._slips is not None:
            self._slips.mark_signed()
        if in_slip or len(path) == 2:
            self._seen.signatures += 1
            self._seen.root_signatures += not in_slip

    def _open_inner(self, branch: str, attributes: dict[str, str]) -> None:
        path, name = self._path, self._path[-1]
        if branch in DOMAIN_KINDS:
            if len(path) == 3 and name == "Bordereau":
                self._seen.slip_count += 1
                self._seen.slips_with_id += bool(attributes.get("Id"))
                self._bound(self._seen.slip_count, self._limits.max_slips, "bordereaux")
            elif name == "InfoDematerialisee" and path[2:-1] == [DOMAIN_HEADERS[branch]]:
                self._seen.flags[branch] = attributes.get("V") in TRUE_VALUES
            if self._slips is not None:
                self._slips.open(path, attributes)
                self._bound(self._slips.item_count, self._limits.max_items, "pièces")
        elif branch == "PES_PJ":
            self._attachments.open(path, attributes)
            self._bound(self._attachments.count, self._limits.max_attachments, "pièces jointes")
        elif branch in {"Enveloppe", "EnTetePES"}:
            self._header.open(path, attributes, self._reader.CurrentLineNumber)

    def _close(self, _name: str) -> None:
        path = self._path
        if len(path) > 2:
            if path[1] == "PES_PJ":
                self._attachments.close_element(path)
            elif self._slips is not None and path[1] in DOMAIN_KINDS:
                self._slips.close_element(path)
        path.pop()

    def _note_id(self, value: str) -> None:
        if value in self._seen.ids:
            raise self._refusal(
                "pes_duplicate_id",
                f"L'identifiant « {value[:60]} » est en double : refaites l'export.",
            )
        self._seen.ids.add(value)
        self._bound(len(self._seen.ids), self._limits.max_identifiers, "identifiants")

    def _bound(self, count: int, limit: int, what: str) -> None:
        if count > limit:
            raise self._refusal(
                "pes_too_complex",
                f"Le flux contient plus de {limit} {what} : découpez-le en plusieurs flux.",
            )

    def _refusal(self, code: str, detail: str) -> UnsupportedDocument:
        element = self._path[-1].rsplit(" ", 1)[-1][:100] if self._path else None
        return UnsupportedDocument(
            detail, code=code, line=self._reader.CurrentLineNumber, element=element
        )
