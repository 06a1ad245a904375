"""Slips, items and attachments of a flow, read element by element (pes-v2.md §1.3, §1.4)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from xml.parsers import expat

from signing.facts import AttachmentFacts, SlipFacts, SlipItemFacts, SlipKind
from signing.pes_structure import DOMAIN_KINDS
from signing.report import Finding

_AMOUNT = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,4})?")
_ELECTRONIC = "01"
_ZERO = Decimal(0)
# Spellings differ between the two domains; no pair stands in both with another meaning.
_SLIP_FIELDS = frozenset({"IdBord", "Exer", "TypBord", "MtBordHT", "MtBordHt", "MtBordTVA"})
_LINE_BLOCKS = frozenset({"InfoLignePce", "InfoLignePiece"})
_SUBJECTS = frozenset({("InfoPce", "Obj"), ("BlocPiece", "ObjPce")})
_NUMBERS = frozenset({("InfoPce", "IdPce"), ("BlocPiece", "IdPce")})


@dataclass(slots=True)
class _Item:
    number: str = ""
    subject: str = ""
    amount: Decimal = _ZERO
    third_parties: list[str] = field(default_factory=list)
    attachment_ids: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Slip:
    id: str | None
    kind: SlipKind
    values: dict[str, str] = field(default_factory=dict)
    summed_excl_tax: Decimal = _ZERO
    summed_tax: Decimal = _ZERO
    items: list[SlipItemFacts] = field(default_factory=list)
    signed: bool = False


@dataclass(slots=True)
class SlipReader:
    """Collects the slips of both domains; the caller gives paths that start at the root.

    Items past `max_listed` are counted and summed, not described."""

    max_listed: int
    warnings: list[Finding] = field(default_factory=list)
    references: dict[str, None] = field(default_factory=dict)
    item_count: int = 0
    _done: list[SlipFacts] = field(default_factory=list)
    _slip: _Slip | None = None
    _item: _Item | None = None
    _reference: dict[str, str] = field(default_factory=dict)
    _party: dict[str, str] = field(default_factory=dict)

    def open(self, path: Sequence[str], attributes: Mapping[str, str]) -> None:
        """An element begins inside PES_DepenseAller or PES_RecetteAller."""
        depth, name = len(path), path[-1]
        if depth == 3 and name == "Bordereau":
            self._slip = _Slip(attributes.get("Id") or None, DOMAIN_KINDS[path[1]])
        elif self._slip is None:
            return
        elif depth == 4 and name == "Piece":
            self._item = _Item()
            self.item_count += 1
        elif depth > 4:
            self._field(path[-2], name, attributes.get("V", ""))

    def close_element(self, path: Sequence[str]) -> None:
        """The element at the end of `path` ends."""
        depth, name = len(path), path[-1]
        if name == "PJRef":
            self._end_reference()
        elif name == "InfoTiers":
            self._end_party()
        elif depth == 4 and name == "Piece":
            self._end_item()
        elif depth == 3 and name == "Bordereau":
            self._end_slip()

    def mark_signed(self) -> None:
        """The slip being read carries a ds:Signature."""
        if self._slip is not None:
            self._slip.signed = True

    def close(self) -> tuple[SlipFacts, ...]:
        return tuple(self._done)

    def _field(self, parent: str, name: str, value: str) -> None:
        if parent == "BlocBordereau":
            if name in _SLIP_FIELDS and self._slip is not None:
                self._slip.values[name] = value
        elif parent == "PJRef":
            self._reference[name] = value
        elif parent == "InfoTiers":
            self._party[name] = value
        elif self._item is not None:
            self._item_field(self._item, parent, name, value)

    def _item_field(self, item: _Item, parent: str, name: str, value: str) -> None:
        if (parent, name) in _NUMBERS:
            item.number = value
        elif (parent, name) in _SUBJECTS:
            item.subject = value
        elif parent in _LINE_BLOCKS and name in {"MtHT", "MtTVA"} and self._slip is not None:
            amount = self._amount(value, name)
            item.amount += amount
            if name == "MtHT":
                self._slip.summed_excl_tax += amount
            else:
                self._slip.summed_tax += amount

    def _end_reference(self) -> None:
        unique_id = self._reference.get("IdUnique", "")
        if unique_id and self._reference.get("Support", _ELECTRONIC) == _ELECTRONIC:
            self.references.setdefault(unique_id)
        if unique_id and self._item is not None:
            self._item.attachment_ids.append(unique_id)
        self._reference.clear()

    def _end_party(self) -> None:
        names = [self._party.get("Prenom", ""), self._party.get("Nom", "")]
        full_name = " ".join(name for name in names if name)
        if full_name and self._item is not None and full_name not in self._item.third_parties:
            self._item.third_parties.append(full_name)
        self._party.clear()

    def _end_item(self) -> None:
        if self._item is None or self._slip is None:
            return
        if self.item_count <= self.max_listed:
            self._slip.items.append(_facts_of(self._item))
        self._item = None

    def _end_slip(self) -> None:
        slip = self._slip
        if slip is None:
            return
        values = slip.values
        excl_tax = self._amount(values.get("MtBordHT", values.get("MtBordHt", "")), "MtBordHT")
        tax = self._amount(values.get("MtBordTVA", "0"), "MtBordTVA")
        if (excl_tax, tax) != (slip.summed_excl_tax, slip.summed_tax):
            self.warnings.append(
                Finding(
                    "pes_amount_mismatch",
                    f"Le bordereau {values.get('IdBord', '?')} déclare {excl_tax + tax} € TTC, "
                    f"ses lignes font {slip.summed_excl_tax + slip.summed_tax} €.",
                )
            )
        summed = slip.summed_excl_tax + slip.summed_tax
        self._done.append(
            SlipFacts(
                id=slip.id,
                kind=slip.kind,
                number=values.get("IdBord", ""),
                fiscal_year=values.get("Exer", ""),
                type_code=values.get("TypBord", ""),
                declared_excl_tax=excl_tax,
                declared_tax=tax,
                summed_incl_tax=summed,
                amount_incl_tax=max(excl_tax + tax, summed),
                items=tuple(slip.items),
                signed=slip.signed,
            )
        )
        self._slip = None

    def _amount(self, text: str, name: str) -> Decimal:
        if _AMOUNT.fullmatch(text):
            return Decimal(text)
        self.warnings.append(
            Finding("pes_amount_unreadable", f"Un montant {name} manque ou est illisible.")
        )
        return _ZERO


def _facts_of(item: _Item) -> SlipItemFacts:
    return SlipItemFacts(
        number=item.number,
        subject=item.subject,
        amount_incl_tax=item.amount,
        third_parties=tuple(item.third_parties),
        attachment_ids=tuple(item.attachment_ids),
    )


@dataclass(slots=True)
class _Attachment:
    unique_id: str = ""
    name: str = ""
    type_code: str | None = None
    encoded_size: int = 0
    stands_alone: bool = False


@dataclass(slots=True)
class AttachmentReader:
    """Collects PES_PJ/PJ; the text of Fichier is measured by its positions, never kept."""

    reader: expat.XMLParserType
    count: int = 0
    alone: set[str] = field(default_factory=set)
    _done: list[AttachmentFacts] = field(default_factory=list)
    _current: _Attachment | None = None
    _text_start: int | None = None

    def open(self, path: Sequence[str], attributes: Mapping[str, str]) -> None:
        """An element begins inside PES_PJ."""
        depth, name = len(path), path[-1]
        if depth == 3 and name == "PJ":
            self._current = _Attachment()
            self.count += 1
        elif self._current is None:
            return
        elif depth == 4:
            self._field(self._current, name, attributes.get("V", ""))
        elif depth == 5 and name == "Fichier":
            self._text_start = None
            self.reader.CharacterDataHandler = self._text_begins

    def close_element(self, path: Sequence[str]) -> None:
        """The element at the end of `path` ends."""
        depth, name = len(path), path[-1]
        if depth == 5 and name == "Fichier" and self._current is not None:
            self.reader.CharacterDataHandler = None
            if self._text_start is not None:
                size = self.reader.CurrentByteIndex - self._text_start
                self._current.encoded_size += size
        elif depth == 3 and name == "PJ" and self._current is not None:
            one = self._current
            self._done.append(
                AttachmentFacts(one.unique_id, one.name, one.type_code, one.encoded_size)
            )
            if one.stands_alone:
                self.alone.add(one.unique_id)
            self._current = None

    def close(self) -> tuple[AttachmentFacts, ...]:
        return tuple(self._done)

    def _field(self, attachment: _Attachment, name: str, value: str) -> None:
        match name:
            case "IdUnique":
                attachment.unique_id = value
            case "NomPJ":
                attachment.name = value
            case "TypePJ":
                attachment.type_code = value
            case "RefCompta":
                attachment.stands_alone = True

    def _text_begins(self, _text: str) -> None:
        self._text_start = self.reader.CurrentByteIndex
        self.reader.CharacterDataHandler = None
