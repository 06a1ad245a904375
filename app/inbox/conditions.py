"""Powers as conditions on inbox entries: the database keeps what `entitlement` would accept."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from sqlalchemy import ColumnElement, and_, false, not_, or_, true

from app.folders.places import OPINION
from app.inbox.repository import Slice
from app.models import Folder, InboxEntry, InboxList
from workflows.definition import StepKind
from workflows.powers import WHOLE_OFFICE
from workflows.reach import Reach
from workflows.register import PersonId, PowerKind, Scope, SubtypeId, TypeId

SubtypesOf = Mapping[TypeId, frozenset[SubtypeId]]
Row: TypeAlias = type[InboxEntry] | type[Folder]


def own_slices(
    found: tuple[Reach, ...], person: PersonId, subtypes: SubtypesOf
) -> tuple[Slice, ...]:
    """What waits for the person in his own name, as the holder of desks."""
    return tuple(_slices(_by_holder(found, own=True), person, subtypes))


def delegated_slices(
    found: tuple[Reach, ...], person: PersonId, subtypes: SubtypesOf, own: tuple[Slice, ...]
) -> tuple[Slice, ...]:
    """What only the powers of others open to the person: what is his own is not counted twice."""
    held = {one.desk_id: one.condition for one in own}
    return tuple(
        Slice(one.desk_id, one.place, and_(one.condition, not_(held.get(one.desk_id, false()))))
        for one in _slices(_by_holder(found, own=False), person, subtypes)
    )


def _by_holder(found: Iterable[Reach], *, own: bool) -> Iterator[Reach]:
    return (one for one in found if (one.power.kind is PowerKind.HOLDER) is own)


def _slices(found: Iterable[Reach], person: PersonId, subtypes: SubtypesOf) -> Iterator[Slice]:
    for reach in found:
        recused = InboxEntry.recused_ids.overlap([uuid.UUID(person)])
        opened = or_(_passed(reach, person, subtypes), _asked(reach, person, subtypes))
        ranked = (_is_barred(one) for one in sorted(reach.after))
        condition = and_(not_(recused), opened, *ranked)
        yield Slice(uuid.UUID(reach.power.desk), InboxList.TO_DO, condition)


def _passed(reach: Reach, person: PersonId, subtypes: SubtypesOf) -> ColumnElement[bool]:
    """The steps that this power lets the person pass."""
    covered = _within(InboxEntry, reach, subtypes)
    return and_(_at(InboxEntry, reach, subtypes), covered, _kept_together(reach, person))


def _asked(reach: Reach, person: PersonId, subtypes: SubtypesOf) -> ColumnElement[bool]:
    """Opinions are given by whoever could approve at the desk; duties do not forbid it, but bring
    the turn of the next in a ranked list."""
    if StepKind.APPROVAL not in reach.kinds:
        return false()
    aside = _set_aside(InboxEntry, reach, StepKind.APPROVAL, subtypes)
    covered = _within(InboxEntry, reach, subtypes)
    asked = and_(InboxEntry.kind == OPINION, covered, not_(aside))
    ranked = reach.power.kind is PowerKind.REPLACEMENT
    return and_(asked, not_(_is_barred(person))) if ranked else asked


def _at(row: Row, reach: Reach, subtypes: SubtypesOf) -> ColumnElement[bool]:
    """The kinds of steps that the power is for, unless another power took the folder there."""
    column = InboxEntry.kind if row is InboxEntry else Folder.retrievable_kind
    taken = {one.kind for one in reach.set_aside}
    parts = (
        and_(column == kind.value, not_(_set_aside(row, reach, kind, subtypes)))
        for kind in sorted(reach.kinds & taken)
    )
    return or_(column.in_([kind.value for kind in sorted(reach.kinds - taken)]), *parts)


def _within(row: Row, reach: Reach, subtypes: SubtypesOf) -> ColumnElement[bool]:
    return and_(true(), *(_covers(row, one, subtypes) for one in reach.scopes))


def _set_aside(row: Row, reach: Reach, kind: StepKind, subtypes: SubtypesOf) -> ColumnElement[bool]:
    taken = (
        and_(true(), *(_covers(row, scope, subtypes) for scope in one.scopes))
        for one in reach.set_aside
        if one.kind is kind
    )
    return or_(false(), *taken)


def _covers(row: Row, scope: Scope, subtypes: SubtypesOf) -> ColumnElement[bool]:
    parts: list[ColumnElement[bool]] = [true()]
    if scope.types or scope.subtypes:
        below = (subtypes.get(one, frozenset()) for one in scope.types)
        every = scope.subtypes.union(*below)
        parts.append(row.subtype_id.in_([uuid.UUID(one) for one in sorted(every)]))
    if scope.ceiling_cents is not None:
        # An unknown amount is covered by no ceiling: NULL must not pass through a NOT either.
        known = row.amount_cents.is_not(None)
        parts.append(and_(known, row.amount_cents <= scope.ceiling_cents))
    return and_(*parts)


def _kept_together(reach: Reach, person: PersonId) -> ColumnElement[bool]:
    """No duty keeps apart the person, or those in whose name he acts."""
    names = {person, *reach.power.principals}
    apart: ColumnElement[bool] = InboxEntry.barred_ids.overlap(
        [uuid.UUID(name) for name in sorted(names)]
    )
    return not_(apart)


def _is_barred(person: PersonId) -> ColumnElement[bool]:
    one = [uuid.UUID(person)]
    return or_(InboxEntry.barred_ids.overlap(one), InboxEntry.recused_ids.overlap(one))


def retrievable_by(
    found: tuple[Reach, ...], person: PersonId, subtypes: SubtypesOf
) -> ColumnElement[bool]:
    """Folders whose last act is the person's own, where he may still speak for the desk: in
    full for a submission. Who acted by rank in a list of replacements is not followed here."""
    own = Folder.retrievable_by == uuid.UUID(person)
    first = (one for one in found if not one.after)
    return and_(own, or_(false(), *(_taken_back(reach, subtypes) for reach in first)))


def _taken_back(reach: Reach, subtypes: SubtypesOf) -> ColumnElement[bool]:
    there = Folder.retrievable_desk_id == uuid.UUID(reach.power.desk)
    acted = and_(_at(Folder, reach, subtypes), _within(Folder, reach, subtypes))
    if reach.power.kind in WHOLE_OFFICE:
        sent = and_(Folder.retrievable_kind.is_(None), _within(Folder, reach, subtypes))
        return and_(there, or_(sent, acted))
    return and_(there, acted)
