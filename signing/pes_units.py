"""The comparable units of a flow: header, slips, pieces, lines, attachments, and what they say."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from signing import xml
from signing.errors import UnsupportedDocument

_DIGEST_SIZE = 16
_MAX_SHOWN = 200
_MAX_FIELDS = 200
# XML 1.0 has no such characters: what they separate cannot be confused.
_BETWEEN, _THEN, _ABRIDGED, _NOTHING = "\x1f", "\x1e", "\x1d", "\x1c"
# A unit that says more is fingerprinted in pieces of so many fields.
_HELD_FIELDS = 5_000
_AMOUNT = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,4})?")
_LINE_AMOUNTS = ("/MtHT", "/MtTVA")


class UnitKind(StrEnum):
    """What is compared as one thing."""

    HEADER = "header"
    DOMAIN = "domain"
    SLIP = "slip"
    ITEM = "item"
    LINE = "line"
    ATTACHMENT = "attachment"


# Where a unit says its number, as paths under it.
_NUMBERS: dict[UnitKind, dict[str, int]] = {
    UnitKind.SLIP: {"BlocBordereau/IdBord": 0, "BlocBordereau/TypBord": 1},
    UnitKind.ITEM: {"BlocPiece/InfoPce/IdPce": 0, "BlocPiece/IdPce": 0},
    UnitKind.LINE: {
        "BlocLignePiece/InfoLignePce/IdLigne": 0,
        "BlocLignePiece/InfoLignePiece/IdLigne": 0,
    },
    UnitKind.ATTACHMENT: {"IdUnique": 0},
}


@dataclass(frozen=True, slots=True)
class Value:
    """What a field says: its beginning, to be shown, and what tells two values apart."""

    shown: str
    exact: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a unit stands, in the numbers that people use; `branch` is the child of the root."""

    branch: str
    slip: str | None = None
    item: str | None = None
    line: str | None = None
    attachment: str | None = None


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit read to its end. `key` says which one it is in both flows, `digest` what it says
    without the units below it; `cents` is the sum of its lines incl. tax, when they have one.
    `said` are its fields, path and value, in the order of the flow."""

    kind: UnitKind
    key: bytes
    parent: bytes | None
    digest: bytes
    place: Place
    cents: int | None
    below: int
    said: Sequence[tuple[str, str]]

    def fields(self) -> dict[str, Value]:
        """What it says, by path; fields that repeat are numbered, those past a bound left out."""
        found: dict[str, Value] = {}
        ranks: dict[str, int] = {}
        for path, value in self.said[:_MAX_FIELDS]:
            rank = ranks[path] = ranks.get(path, 0) + 1
            shown, _, exact = value.partition(_ABRIDGED)
            name = path if rank == 1 else f"{path} ({rank})"
            found[name] = Value(shown[:_MAX_SHOWN], exact or _exact(value))
        return found


@dataclass(frozen=True, slots=True)
class UnitLimits:
    """Bounds of what is compared; beyond them nothing is (`comparison_too_large`)."""

    max_bytes: int = 128 * 1024 * 1024
    max_units: int = 400_000
    max_depth: int = xml.MAX_DEPTH


DEFAULT_UNIT_LIMITS = UnitLimits()


def cents_of(text: str) -> int | None:
    """An amount in cents; None when it is no amount, or finer than a cent."""
    if not _AMOUNT.fullmatch(text):
        return None
    cents = Decimal(text) * 100
    return int(cents) if cents == int(cents) else None


def too_large(reason: str) -> UnsupportedDocument:
    """The refusal of a comparison that would cost too much."""
    return UnsupportedDocument(
        f"La comparaison n'est pas calculée : {reason}. Comparez les deux versions dans le "
        "logiciel qui les a produites.",
        code="comparison_too_large",
    )


class RunningText:
    """The text of an element, its white space reduced, whatever the blocks it comes in."""

    def __init__(self, *, keeps_spaces: bool) -> None:
        self._digest = hashlib.blake2b(digest_size=_DIGEST_SIZE)
        self._keeps_spaces = keeps_spaces
        self._start = ""
        self._gap = False
        self._size = 0

    def add(self, text: str) -> None:
        words = text.split()
        if not words:
            self._gap = True
            return
        between = " " if self._keeps_spaces else ""
        gap = self._size and (self._gap or text[0].isspace())
        piece = (between if gap else "") + between.join(words)
        self._digest.update(piece.encode())
        self._size += len(piece)
        if len(self._start) <= _MAX_SHOWN:
            self._start += piece[: _MAX_SHOWN + 1]
        self._gap = text[-1].isspace()

    def value(self) -> str:
        """The beginning to show, and what tells this text from another."""
        digest = self._digest.hexdigest()
        if not self._keeps_spaces:
            return f"{self._size} caractères, empreinte {digest[:8]}{_ABRIDGED}{digest}"
        return f"{self._start[:_MAX_SHOWN]}{_ABRIDGED}{digest}"


class RunningDigest:
    """The digest of what a signature holds."""

    def __init__(self) -> None:
        self._digest = hashlib.blake2b(digest_size=_DIGEST_SIZE)

    def add(self, *words: str) -> None:
        self._digest.update((_BETWEEN.join(words) + _THEN).encode())

    def value(self) -> str:
        digest = self._digest.hexdigest()
        return f"empreinte {digest[:8]}{_ABRIDGED}{digest}"


@dataclass(slots=True)
class OpenUnit:
    """A unit being read; `depth` is that of its element."""

    kind: UnitKind
    branch: str
    depth: int
    above: OpenUnit | None
    numbers: list[str | None] = field(default_factory=lambda: [None, None])
    _places: list[str] = field(default_factory=list)
    _values: list[str] = field(default_factory=list)
    _said: list[tuple[str, str]] = field(default_factory=list)
    _digest: hashlib.blake2b = field(
        default_factory=lambda: hashlib.blake2b(digest_size=_DIGEST_SIZE)
    )
    _key: bytes | None = None
    seen: dict[tuple[str, ...], int] = field(default_factory=dict)
    cents: int | None = None
    below: int = 0

    def say(self, place: str, value: str = _NOTHING) -> None:
        """A field, or an element that says nothing by itself."""
        self._places.append(place)
        self._values.append(value)
        if len(self._places) >= _HELD_FIELDS:
            self._settle()

    def say_value(self, place: str, value: str) -> None:
        """A field of the flow, which may be the unit's number or an amount of it.

        Raises UnsupportedDocument (`pes_out_of_order`)."""
        self.say(place, value)
        index = _NUMBERS.get(self.kind, _NOT_NUMBERED).get(place)
        if index is not None:
            self._number(index, value)
        elif self.kind is UnitKind.LINE and place.endswith(_LINE_AMOUNTS):
            self.add_cents(cents_of(value) or 0)

    def close(self) -> Unit:
        """The unit, once its element has ended."""
        key, above = self.key(), self.above
        self._settle()
        if above is not None:
            above.below += 1
            if self.cents is not None:
                above.add_cents(self.cents)
        return Unit(
            kind=self.kind,
            key=key,
            parent=above.key() if above is not None else None,
            digest=self._digest.digest(),
            place=self._place(),
            cents=self.cents,
            below=self.below,
            said=self._said,
        )

    def key(self) -> bytes:
        """Which unit this is: its numbers under those of the one above, and its rank among those
        that have the same. Fixed once asked for."""
        if self._key is None:
            own = (self.kind.value, self.branch, *(one or "" for one in self.numbers))
            held, rank = "", 1
            if self.above is not None:
                held, seen = self.above.key().hex(), self.above.seen
                rank = seen[own] = seen.get(own, 0) + 1
            self._key = _digest(held, *own, str(rank))
        return self._key

    def _number(self, index: int, value: str) -> None:
        if self.numbers[index] is not None:
            return
        if self._key is not None:
            raise UnsupportedDocument(
                "La comparaison n'est pas calculée : un bordereau ou une pièce donne son "
                "numéro après son contenu. Refaites l'export du logiciel financier.",
                code="pes_out_of_order",
            )
        self.numbers[index] = _exact(value)

    def add_cents(self, cents: int) -> None:
        self.cents = (self.cents or 0) + cents

    def _settle(self) -> None:
        """Fingerprints what was said, and keeps the first of it."""
        words = (_BETWEEN.join(self._places), _THEN, _BETWEEN.join(self._values), _THEN)
        self._digest.update("".join(words).encode())
        room = _MAX_FIELDS - len(self._said)
        told = zip(self._places, self._values, strict=True)
        self._said += [one for one in told if one[1] != _NOTHING][:room]
        self._places.clear()
        self._values.clear()

    def _place(self) -> Place:
        numbers: dict[UnitKind, str] = {}
        one: OpenUnit | None = self
        while one is not None:
            numbers[one.kind] = one.numbers[0] or ""
            one = one.above
        return Place(
            branch=self.branch[:_MAX_SHOWN],
            slip=numbers.get(UnitKind.SLIP),
            item=numbers.get(UnitKind.ITEM),
            line=numbers.get(UnitKind.LINE),
            attachment=numbers.get(UnitKind.ATTACHMENT),
        )


_NOT_NUMBERED: Mapping[str, int] = {}


def _digest(*parts: str) -> bytes:
    return hashlib.blake2b(_BETWEEN.join(parts).encode(), digest_size=_DIGEST_SIZE).digest()


def _exact(value: str) -> str:
    return value if len(value) <= _MAX_SHOWN else _digest(value).hex()
