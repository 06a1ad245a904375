"""What a document names and does not set up, and what it names twice."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from app.configuration.bodies import DESK_FACT, is_gone
from app.configuration.document import (
    ActorPart,
    Configuration,
    PowerPart,
    SubtypePart,
    WorkflowPart,
    capitalised,
    subtype_reference,
)
from app.configuration.drawing import parent_of
from app.kit.folding import fold


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a document is refused; `detail` is a French sentence that names the objects."""

    code: str
    detail: str


class Kind(StrEnum):
    """What a name is the name of; the value is its French word."""

    DESK = "bureau"
    PERSON = "personne"
    WORKFLOW = "circuit"
    TYPE = "type"
    SUBTYPE = "sous-type"
    ACCOUNT = "compte de télétransmission"


_CODES = {
    Kind.DESK: "unknown_desk",
    Kind.PERSON: "unknown_person",
    Kind.WORKFLOW: "unknown_workflow",
    Kind.TYPE: "unknown_type",
    Kind.SUBTYPE: "unknown_subtype",
    Kind.ACCOUNT: "unknown_account",
}
_FEMININE = frozenset({Kind.PERSON})


@dataclass(frozen=True, slots=True)
class _Naming:
    """A place of the document that names something."""

    kind: Kind
    name: str
    where: str


def about_power(power: PowerPart) -> str:
    """How sentences name a power."""
    number = f" (acte {power.document.number})" if power.document else ""
    return f"le pouvoir donné à {power.grantee} pour le bureau « {power.office} »{number}"


def reference_faults(
    document: Configuration, standing: Configuration, accounts: Collection[str]
) -> Iterator[Fault]:
    """The names that stand for nothing, neither in the document nor, for the accounts, in these.
    A circuit that stands as it is may name desks that are gone."""
    known: dict[Kind, set[str]] = {
        Kind.DESK: {one.name for one in document.desks},
        Kind.PERSON: {one.login for one in document.persons},
        Kind.WORKFLOW: {one.name for one in document.workflows},
        Kind.TYPE: {one.name for one in document.types},
        Kind.SUBTYPE: set(_subtypes_of(document)),
        Kind.ACCOUNT: set(accounts),
    }
    for one in _namings(document, standing):
        if one.name not in known[one.kind]:
            adjective = "inconnue" if one.kind in _FEMININE else "inconnu"
            yield Fault(
                _CODES[one.kind],
                f"{one.where} : {one.kind.value} {adjective}, « {one.name} ». {_advice(one.kind)}",
            )
    for power in document.powers:
        if power.regrants is not None and parent_of(document, power) is None:
            yield Fault(
                "unknown_grant",
                f"{capitalised(about_power(power))} redonne celui de l'acte {power.regrants}, que "
                "son délégant n'a pas pour ce bureau : corrigez ce numéro.",
            )


def _advice(kind: Kind) -> str:
    if kind is Kind.ACCOUNT:
        return "Ouvrez d'abord ce compte, que le fichier ne contient pas, ou corrigez ce nom."
    return f"Ajoutez-{'la' if kind in _FEMININE else 'le'} au fichier ou corrigez ce nom."


def name_faults(document: Configuration, standing: Configuration) -> Iterator[Fault]:
    """Names given twice, case and accents apart, unless both stand so in the tenant already."""
    pairs = [
        (Kind.DESK, [one.name for one in document.desks], [one.name for one in standing.desks]),
        (
            Kind.WORKFLOW,
            [one.name for one in document.workflows],
            [one.name for one in standing.workflows],
        ),
        (Kind.TYPE, [one.name for one in document.types], [one.name for one in standing.types]),
        (Kind.PERSON, [one.login for one in document.persons], []),
        # By the names that powers give them: those of two types may read alike.
        (Kind.SUBTYPE, _subtypes_of(document), _subtypes_of(standing)),
    ]
    for kind, names, stood in pairs:
        yield from _twice(kind, names, stood)


def _subtypes_of(document: Configuration) -> list[str]:
    return [
        subtype_reference(kind.name, one.name) for kind in document.types for one in kind.subtypes
    ]


def _twice(kind: Kind, names: Iterable[str], stood: Collection[str]) -> Iterator[Fault]:
    first: dict[str, str] = {}
    for name in names:
        folded = fold(name)
        other = first.get(folded)
        if other is None:
            first[folded] = name
        elif other == name or not {other, name} <= set(stood):
            article = "une" if kind in _FEMININE else "un"
            yield Fault(
                "name_conflict",
                f"« {name} » et « {other} » désigneraient chacun {article} {kind.value} : gardez "
                "un seul de ces noms.",
            )


def _namings(document: Configuration, standing: Configuration) -> Iterator[_Naming]:
    for person in document.persons:
        where = f"La personne « {person.login} »"
        yield from _all(Kind.DESK, person.administered_desks or (), where)
    for desk in document.desks:
        where = f"Le bureau « {desk.name} »"
        yield from _all(Kind.DESK, (desk.superior,), where)
        yield from _all(Kind.PERSON, (one.login for one in desk.holders), where)
        yield from _all(Kind.PERSON, (one.login for one in desk.staff), where)
    stood = {one.name: one for one in standing.workflows}
    for workflow in document.workflows:
        named = _of_workflow(workflow)
        if workflow == stood.get(workflow.name):
            named = (one for one in named if not is_gone(one.name))
        yield from named
    for kind in document.types:
        yield from _all(Kind.ACCOUNT, (kind.account,), f"Le type « {kind.name} »")
        for subtype in kind.subtypes:
            where = f"Le sous-type « {subtype_reference(kind.name, subtype.name)} »"
            yield from _of_subtype(subtype, where)
    for power in document.powers:
        yield from _of_power(power)
    for absence in document.absences:
        where = f"L'absence de « {absence.person} »"
        yield from _all(Kind.PERSON, (absence.person, *absence.replacements), where)
        yield from _all(Kind.DESK, (absence.desk,), where)
    for mandate in document.mandates:
        where = f"Le mandat de « {mandate.person} »"
        yield from _all(Kind.PERSON, (mandate.person,), where)
        yield from _all(Kind.DESK, (mandate.desk,), where)


def _of_workflow(workflow: WorkflowPart) -> Iterator[_Naming]:
    where = f"Le circuit « {workflow.name} »"
    actors: list[ActorPart] = [*workflow.informed_at_end]
    if workflow.final_desk is not None:
        actors.append(workflow.final_desk)
    for step in workflow.steps:
        actors += [*step.actors, *step.informed]
    desks = (name for actor in actors for name in (actor.desk, *actor.choices))
    yield from _all(Kind.DESK, desks, where)


def _of_subtype(subtype: SubtypePart, where: str) -> Iterator[_Naming]:
    yield from _all(Kind.WORKFLOW, (subtype.workflow,), where)
    yield from _all(Kind.DESK, (*(subtype.deposit_desks or ()), *subtype.visible_desks), where)
    for rule in subtype.rules or ():
        yield from _all(Kind.WORKFLOW, (rule.workflow,), where)
        yield from _all(Kind.DESK, (one.desk for one in rule.desks), where)
        for condition in rule.conditions:
            if condition.fact == DESK_FACT:
                yield from _all(Kind.DESK, map(str, condition.values), where)


def _of_power(power: PowerPart) -> Iterator[_Naming]:
    where = capitalised(about_power(power))
    yield from _all(Kind.DESK, (power.office, power.grantee_office), where)
    yield from _all(Kind.PERSON, (power.grantee, power.grantor), where)
    yield from _all(Kind.TYPE, power.types, where)
    yield from _all(Kind.SUBTYPE, power.subtypes, where)


def _all(kind: Kind, names: Iterable[str | None], where: str) -> Iterator[_Naming]:
    for name in dict.fromkeys(names):
        if name is not None:
            yield _Naming(kind, name, where)
