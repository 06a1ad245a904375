"""What changed between two revisions of a flow: slips, pieces, lines, header, attachments.

Two streaming passes: the first keeps a fingerprint of each unit, the second reads again only to
say what differs. Nothing is left out: what no rule names is compared by its place in the file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from signing.pes_change_texts import (
    FieldChange,
    change_sentence,
    clean,
    euros,
    label_of,
    presence_sentence,
    unit_name,
)
from signing.pes_unit_reader import read_units
from signing.pes_units import (
    DEFAULT_UNIT_LIMITS,
    Place,
    Unit,
    UnitKind,
    UnitLimits,
    Value,
    cents_of,
)

MAX_LISTED = 500
MAX_FIELDS_LISTED = 40
_MAX_SHOWN = 120
_AMOUNTS = frozenset(
    {"MtHT", "MtTVA", "MtBordHT", "MtBordHt", "MtBordTVA", "MtCumulAnnuel"},
)
_ACCOUNTS = frozenset({"IBAN", "IdCpte"})
# A NIR, with or without its key: the number of a person, in IdTiers.
_NIR = re.compile(r"[0-9][0-9AB]{12}([0-9]{2})?")
_TAX_SUFFIX = "MtTVA"
_EXCL_TAX_SUFFIX = "MtHT"
# A unit that is new with the one above it is not told apart from it.
_TOLD_WITH_THEIR_PARENT = frozenset({UnitKind.ITEM, UnitKind.LINE})


@dataclass(frozen=True, slots=True)
class PesChange:
    """One unit that came, went or changed. `amount_cents` incl. tax, of what came or went;
    `fields` of what changed, `MAX_FIELDS_LISTED` at most; `summary` one French line."""

    kind: UnitKind
    place: Place
    summary: str
    amount_cents: int | None = None
    fields: tuple[FieldChange, ...] = ()


@dataclass(frozen=True, slots=True)
class PesChanges:
    """Everything that differs, in the order of the flow (`removed`: of the earlier one). At most
    `MAX_LISTED` of each; `unlisted` counts the others."""

    added: tuple[PesChange, ...]
    removed: tuple[PesChange, ...]
    changed: tuple[PesChange, ...]
    unlisted: int = 0

    @property
    def summary(self) -> tuple[str, ...]:
        """One French line for each change, and one when there are more, or none."""
        lines = [one.summary for one in (*self.changed, *self.added, *self.removed)]
        if self.unlisted:
            lines.append(f"Et {self.unlisted} autres changements, non détaillés.")
        return tuple(lines) or ("Aucune différence de contenu entre les deux versions.",)


@dataclass(slots=True)
class _Index:
    """The first pass over one flow."""

    digests: dict[bytes, bytes] = field(default_factory=dict)
    crowded: set[bytes] = field(default_factory=set)


@dataclass(slots=True)
class _Listing:
    """What may be told in detail; the rest is counted."""

    limit: int
    found: list[PesChange] = field(default_factory=list)
    unlisted: int = 0

    def add(self, change: PesChange) -> None:
        if len(self.found) < self.limit:
            self.found.append(change)
        else:
            self.unlisted += 1

    def add_presence(self, unit: Unit, other: _Index, *, added: bool) -> None:
        """A unit that the other flow does not have, unless the one above it says so already."""
        if unit.kind not in _TOLD_WITH_THEIR_PARENT or unit.parent in other.digests:
            self.add(_presence(unit, added=added))


def compare(
    before: bytes | Path,
    after: bytes | Path,
    *,
    max_listed: int = MAX_LISTED,
    limits: UnitLimits = DEFAULT_UNIT_LIMITS,
) -> PesChanges:
    """What changed from one revision of a flow to another (pes-v2.md §1).

    A slip is recognised by its number and type, a piece by IdPce, a line by IdLigne, an attachment
    by IdUnique, wherever they stand. Raises UnsupportedDocument as `pes_units.read_units`, among
    others `comparison_too_large`."""
    old, new = _indexed(before, limits), _indexed(after, limits)
    if old.digests == new.digests:
        return PesChanges((), (), ())
    added, removed, changed = (_Listing(max_listed) for _ in range(3))
    crowded = old.crowded | new.crowded
    kept: dict[bytes, Unit] = {}
    for unit in read_units(before, limits):
        if unit.key not in new.digests:
            removed.add_presence(unit, new, added=False)
        elif new.digests[unit.key] == unit.digest:
            continue
        elif len(kept) < max_listed:
            kept[unit.key] = unit
        else:
            changed.unlisted += 1
    for unit in read_units(after, limits):
        if unit.key not in old.digests:
            added.add_presence(unit, old, added=True)
        elif unit.key in kept:
            changed.add(_change(kept.pop(unit.key), unit, crowded))
    return PesChanges(
        added=tuple(added.found),
        removed=tuple(removed.found),
        changed=tuple(changed.found),
        unlisted=added.unlisted + removed.unlisted + changed.unlisted,
    )


def _indexed(document: bytes | Path, limits: UnitLimits) -> _Index:
    index = _Index()
    for unit in read_units(document, limits):
        index.digests[unit.key] = unit.digest
        if unit.kind is UnitKind.ITEM and unit.below > 1:
            index.crowded.add(unit.key)
    return index


def _presence(unit: Unit, *, added: bool) -> PesChange:
    name = unit_name(unit.kind, unit.place, says_line=True)
    summary = presence_sentence(name, unit.cents, added=added)
    return PesChange(unit.kind, unit.place, summary, amount_cents=unit.cents)


def _change(before: Unit, after: Unit, crowded: set[bytes]) -> PesChange:
    fields = _field_changes(after.kind, before.fields(), after.fields())
    if not fields:
        fields = (FieldChange("", "ordre ou structure des champs", "autre", "autre"),)
    name = unit_name(after.kind, after.place, says_line=after.parent in crowded)
    summary = change_sentence(name, fields)
    return PesChange(after.kind, after.place, summary, fields=fields[:MAX_FIELDS_LISTED])


def _field_changes(
    kind: UnitKind, before: Mapping[str, Value], after: Mapping[str, Value]
) -> tuple[FieldChange, ...]:
    names = list(dict.fromkeys((*before, *after)))
    found = [
        _field_change(name, before.get(name), after.get(name))
        for name in names
        if _exact(before.get(name)) != _exact(after.get(name))
    ]
    if kind is UnitKind.LINE:
        found = _with_total(found, before, after)
    return tuple(found)


def _exact(value: Value | None) -> str | None:
    return None if value is None else value.exact


def _field_change(name: str, before: Value | None, after: Value | None) -> FieldChange:
    last = name.rpartition("/")[2].partition(" ")[0]
    old = None if before is None else _shown(last, before)
    new = None if after is None else _shown(last, after)
    if old is not None and old == new:
        new = f"{new} (différent)"
    is_amount = last in _AMOUNTS
    return FieldChange(
        name[:_MAX_SHOWN],
        label_of(name),
        old,
        new,
        cents_of(before.exact) if before is not None and is_amount else None,
        cents_of(after.exact) if after is not None and is_amount else None,
    )


def _shown(name: str, value: Value) -> str:
    if name in _AMOUNTS:
        cents = cents_of(value.exact)
        if cents is not None:
            return euros(cents)
    text = clean(value.shown)
    if name in _ACCOUNTS or (name == "IdTiers" and _NIR.fullmatch(text)):
        return f"•••• {text[-4:]}" if len(text) > 4 else "••••"
    return text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 1]}…"


def _with_total(
    found: list[FieldChange], before: Mapping[str, Value], after: Mapping[str, Value]
) -> list[FieldChange]:
    """The amount incl. tax first where tax is involved; without tax, MtHT is the amount."""
    old, new = _total(before), _total(after)
    if old is None or new is None:
        return found
    (old_cents, old_taxed), (new_cents, new_taxed) = old, new
    if not (old_taxed or new_taxed):
        return [_renamed(one) for one in found]
    if old_cents == new_cents:
        return found
    total = FieldChange("", "montant TTC", euros(old_cents), euros(new_cents), old_cents, new_cents)
    return [total, *found]


def _renamed(change: FieldChange) -> FieldChange:
    if change.name.rpartition("/")[2] != _EXCL_TAX_SUFFIX:
        return change
    return FieldChange(
        change.name,
        "montant",
        change.before,
        change.after,
        change.before_cents,
        change.after_cents,
    )


def _total(fields: Mapping[str, Value]) -> tuple[int, bool] | None:
    """Cents incl. tax of a line, and whether it has tax; None without a readable amount."""
    named = {path.rpartition("/")[2]: value.exact for path, value in fields.items()}
    if _EXCL_TAX_SUFFIX not in named:
        return None
    tax = named.get(_TAX_SUFFIX)
    excl_cents, tax_cents = cents_of(named[_EXCL_TAX_SUFFIX]), cents_of(tax or "0")
    if excl_cents is None or tax_cents is None:
        return None
    return excl_cents + tax_cents, tax is not None
