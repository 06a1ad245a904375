"""What applying a document would change: two states of a tenant compared, in French sentences."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from app.catalog.drawing import workflow_of
from app.configuration.bodies import ids_of, workflow_body
from app.configuration.document import (
    Configuration,
    DeskPart,
    HolderPart,
    PersonPart,
    StaffPart,
    TenantPart,
    TypePart,
    WorkflowPart,
    capitalised,
    subtype_reference,
)
from app.configuration.drawing import drawn_subtype, parent_of
from app.configuration.faults import about_absence, about_mandate
from app.configuration.labels import label
from app.configuration.merging import (
    absence_key,
    holder_key,
    mandate_key,
    power_key,
    power_terms,
    staff_key,
)
from app.configuration.moments import span_of
from app.configuration.references import about_power
from workflows import definition
from workflows.versions import differences

P = TypeVar("P", bound=BaseModel)


class ChangeKind(StrEnum):
    """What happens to a thing."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


class Section(StrEnum):
    """What changes, in the order in which it is set up."""

    TENANT = "tenant"
    PERSON = "person"
    DESK = "desk"
    HOLDER = "holder"
    STAFF = "staff"
    TYPE = "type"
    WORKFLOW = "workflow"
    SUBTYPE = "subtype"
    POWER = "power"
    ABSENCE = "absence"
    MANDATE = "mandate"


_VERBS = {
    ChangeKind.ADDED: "à ajouter",
    ChangeKind.CHANGED: "à modifier",
    ChangeKind.REMOVED: "à retirer",
}


IN_FORCE = ("mise en vigueur",)
"""What changes of a circuit that is drawn already."""

GIVEN_ANEW = ("redonné avec celui dont il vient",)
"""What changes of a power when the one that it re-delegates does."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `name` says of what, in French; `owner` is the desk or the type that a part
    belongs to; `fields` are what changes of it, by the words of the document where it has some,
    `told` the same with its values. `before` and `after` are its two parts."""

    section: Section
    kind: ChangeKind
    name: str
    fields: tuple[str, ...] = ()
    before: BaseModel | None = None
    after: BaseModel | None = None
    owner: str = ""
    told: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """What an administrator reads before he applies."""
        detail = " ; ".join(self.told) or ", ".join(label(one) for one in self.fields)
        about = f"{capitalised(self.name)} : {_VERBS[self.kind]}"
        return f"{about} ({detail})." if detail else f"{about}."


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands in a tenant: its document, and the newest version of each circuit that has one
    newer than what is in force."""

    document: Configuration
    drafts: Mapping[str, WorkflowPart]


@dataclass(frozen=True, slots=True)
class _Clock:
    zone: ZoneInfo
    now: datetime


def changes(
    standing: Standing, result: Configuration, zone: ZoneInfo, now: datetime
) -> tuple[Change, ...]:
    """All that leads from what stands to the result of a merge, in the order of the sections."""
    before, clock = standing.document, _Clock(zone, now)
    return (
        *_tenant(before, result),
        *_persons(before.persons, result.persons),
        *_desks(before.desks, result.desks, clock),
        *_types(before.types, result.types),
        *_workflows(standing, result),
        *_subtypes(before, result),
        *_dated(before, result, clock),
        *_pairs(
            Section.MANDATE,
            mandate_key,
            about_mandate,
            before.mandates,
            result.mandates,
        ),
    )


def _tenant(before: Configuration, after: Configuration) -> Iterator[Change]:
    if before.tenant is None or after.tenant is None:
        return
    changed = _fields(before.tenant, after.tenant)
    if changed:
        yield Change(
            Section.TENANT,
            ChangeKind.CHANGED,
            "la collectivité",
            changed,
            before.tenant,
            after.tenant,
            told=tuple(_told_setting(before.tenant, after.tenant, one) for one in changed),
        )


def _told_setting(before: TenantPart, after: TenantPart, name: str) -> str:
    if name == "mentions":
        return label(name)
    was, becomes = _value(getattr(before, name)), _value(getattr(after, name))
    return f"{label(name)} : {becomes} au lieu de {was}"


def _value(value: object) -> str:
    if isinstance(value, str):
        return f"« {value} »"
    return "rien" if value is None else "oui" if value else "non"


def _persons(before: list[PersonPart], after: list[PersonPart]) -> Iterator[Change]:
    for change in _pairs(
        Section.PERSON, lambda one: one.login, lambda one: f"la personne {one.login}", before, after
    ):
        gone = change.before
        if change.kind is ChangeKind.REMOVED and isinstance(gone, PersonPart) and not gone.active:
            continue  # an account is closed, never erased: there is no more to do
        yield change


def _desks(before: list[DeskPart], after: list[DeskPart], clock: _Clock) -> Iterator[Change]:
    inside = frozenset({"holders", "staff"})
    yield from _pairs(
        Section.DESK,
        lambda one: one.name,
        lambda one: f"le bureau « {one.name} »",
        before,
        after,
        lambda one: one.model_dump(exclude=set(inside)),
    )
    stood = {one.name: one for one in before}
    for desk in after:
        earlier = stood.get(desk.name)
        yield from _pairs(
            Section.HOLDER,
            lambda one: holder_key(one, clock.zone, clock.now),
            partial(_about_seat, f"titulaire du bureau « {desk.name} »"),
            earlier.holders if earlier else [],
            desk.holders,
            lambda one: {"dates": span_of(one, clock.zone, clock.now)},
            owner=desk.name,
        )
        yield from _pairs(
            Section.STAFF,
            staff_key,
            partial(_about_seat, f"auprès du bureau « {desk.name} »"),
            earlier.staff if earlier else [],
            desk.staff,
            owner=desk.name,
        )


def _about_seat(seat: str, one: HolderPart | StaffPart) -> str:
    return f"la personne {one.login}, {seat}"


def _types(before: list[TypePart], after: list[TypePart]) -> Iterator[Change]:
    return _pairs(
        Section.TYPE,
        lambda one: one.name,
        lambda one: f"le type « {one.name} »",
        before,
        after,
        lambda one: one.model_dump(exclude={"subtypes"}),
    )


def _workflows(standing: Standing, result: Configuration) -> Iterator[Change]:
    before = {one.name: one for one in standing.document.workflows}
    for workflow in result.workflows:
        stood = before.pop(workflow.name, None)
        if stood is None:
            yield Change(
                Section.WORKFLOW, ChangeKind.ADDED, _about_workflow(workflow), after=workflow
            )
            continue
        summaries = _workflow_changes(standing, stood, workflow, result)
        if summaries:
            yield Change(
                Section.WORKFLOW,
                ChangeKind.CHANGED,
                _about_workflow(workflow),
                summaries,
                stood,
                workflow,
            )
    for gone in before.values():
        yield Change(Section.WORKFLOW, ChangeKind.REMOVED, _about_workflow(gone), before=gone)


def _about_workflow(workflow: WorkflowPart) -> str:
    return f"le circuit « {workflow.name} »"


def _workflow_changes(
    standing: Standing, stood: WorkflowPart, wanted: WorkflowPart, result: Configuration
) -> tuple[str, ...]:
    if stood is wanted:
        return ()
    drawn = _definition(wanted, result)
    found = differences(_definition(stood, standing.document), drawn)
    draft = standing.drafts.get(wanted.name)
    is_draft = draft is not None and _definition(draft, standing.document) == drawn
    if found and not is_draft:
        return tuple(one.summary.rstrip(".") for one in found)
    # What is drawn already has but to be put in force, where the document wants it so.
    return IN_FORCE if wanted.active and (found or not stood.active) else ()


def same_content(one: WorkflowPart, other: WorkflowPart, names: Configuration) -> bool:
    """Whether two parts draw the same circuit; `names` sets up the desks of both."""
    return _definition(one, names) == _definition(other, names)


def _definition(workflow: WorkflowPart, names: Configuration) -> definition.Workflow:
    return workflow_of(workflow.name, workflow_body(workflow, ids_of(names)))


def _subtypes(before: Configuration, after: Configuration) -> Iterator[Change]:
    stood = {(kind.name, one.name): (kind, one) for kind in before.types for one in kind.subtypes}
    ids_before, ids_after = ids_of(before), ids_of(after)
    for kind in after.types:
        for subtype in kind.subtypes:
            about = f"le sous-type « {subtype_reference(kind.name, subtype.name)} »"
            pair = stood.pop((kind.name, subtype.name), None)
            if pair is None:
                yield Change(
                    Section.SUBTYPE, ChangeKind.ADDED, about, after=subtype, owner=kind.name
                )
                continue
            if drawn_subtype(*pair, ids_before) != drawn_subtype(pair[0], subtype, ids_after):
                yield Change(
                    Section.SUBTYPE,
                    ChangeKind.CHANGED,
                    about,
                    _fields(pair[1], subtype),
                    pair[1],
                    subtype,
                    kind.name,
                )
    for (type_name, name), (_, gone) in stood.items():
        about = f"le sous-type « {subtype_reference(type_name, name)} »"
        yield Change(Section.SUBTYPE, ChangeKind.REMOVED, about, before=gone, owner=type_name)


def _dated(before: Configuration, after: Configuration, clock: _Clock) -> Iterator[Change]:
    yield from _pairs(
        Section.POWER,
        lambda one: power_key(one, clock.zone, clock.now),
        about_power,
        before.powers,
        after.powers,
        lambda one: power_terms(one, clock.zone, clock.now),
    )
    yield from _given_anew(before, after)
    yield from _pairs(
        Section.ABSENCE,
        lambda one: absence_key(one, clock.zone, clock.now),
        about_absence,
        before.absences,
        after.absences,
        lambda one: {
            "dates": span_of(one, clock.zone, clock.now),
            "remplaçants": one.replacements,
        },
    )


def _given_anew(before: Configuration, after: Configuration) -> Iterator[Change]:
    """A power is given anew to change: those that stand by it have to be given anew after it."""
    stood = {id(one) for one in before.powers}
    for one in after.powers:
        if id(one) in stood and parent_of(before, one) is not parent_of(after, one):
            yield Change(Section.POWER, ChangeKind.CHANGED, about_power(one), GIVEN_ANEW, one, one)


def _pairs(  # noqa: PLR0913  the two states, how to match, name and compare them
    section: Section,
    key: Callable[[P], Hashable],
    name: Callable[[P], str],
    before: Sequence[P],
    after: Sequence[P],
    terms: Callable[[P], Mapping[str, object]] | None = None,
    *,
    owner: str = "",
) -> Iterator[Change]:
    was_there, stays = {id(one) for one in before}, {id(one) for one in after}
    stood: dict[Hashable, deque[P]] = defaultdict(deque)
    for one in before:
        if id(one) not in stays:
            stood[key(one)].append(one)
    read = terms or BaseModel.model_dump
    for one in after:
        if id(one) in was_there:
            continue
        others = stood[key(one)]
        if not others:
            yield Change(section, ChangeKind.ADDED, name(one), after=one, owner=owner)
            continue
        other = others.popleft()
        told, was = read(one), read(other)
        changed = tuple(word for word in told if told[word] != was[word])
        if changed:
            yield Change(section, ChangeKind.CHANGED, name(one), changed, other, one, owner)
    for gone in (one for several in stood.values() for one in several):
        yield Change(section, ChangeKind.REMOVED, name(gone), before=gone, owner=owner)


def _fields(before: BaseModel, after: BaseModel) -> tuple[str, ...]:
    return tuple(
        name for name in type(before).model_fields if getattr(before, name) != getattr(after, name)
    )
