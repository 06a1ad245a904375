"""What is wrong in a circuit given the desks and persons of the tenant at an instant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from workflows.definition import (
    PERSON_STEPS,
    Actor,
    ActorKind,
    DeskId,
    Finding,
    Protocol,
    Severity,
    Step,
    StepKind,
    StepMode,
    Workflow,
    variable_desk,
)


@dataclass(frozen=True, slots=True)
class People:
    """Who there is to walk a circuit.

    `names` has the desks that exist and serve; `manned` those through which somebody may act now,
    `signing` those through which somebody may sign now with a fit certificate, delegates included;
    `superiors` goes from a desk to the one above it.
    """

    names: Mapping[DeskId, str]
    manned: frozenset[DeskId] = frozenset()
    signing: frozenset[DeskId] = frozenset()
    superiors: Mapping[DeskId, DeskId] = field(default_factory=dict)


def actor_findings(workflow: Workflow, protocol: Protocol, people: People) -> tuple[Finding, ...]:
    """What keeps these people from walking the circuit. Never raises.

    Errors: a desk that does not exist or serves no more, a step that nobody may pass, for want of
    a superior too, a signature of HELIOS for which no desk of the step has a fit certificate.
    Warnings: one desk among others without anybody or without superior, another signature without
    a fit certificate. Desks that only a folder makes known (the submitter's, a free choice, the
    superiors of these) are not judged.
    """
    return (
        *_unknown_desks(workflow, people),
        *(
            one
            for step in _with_known_bosses(workflow, people)
            for one in _step(step, protocol, people)
        ),
        *_missing_superiors(workflow, people),
    )


def _with_known_bosses(workflow: Workflow, people: People) -> Iterator[Step]:
    """The steps of persons, each boss as a choice among the desks that he may be, where the
    circuit says who acts before him."""
    before: tuple[Actor, ...] = ()
    for step in workflow.steps:
        if step.kind not in PERSON_STEPS:
            continue
        bosses = _bosses_of(before, people)
        before = tuple(
            variable_desk(*bosses) if bosses and actor.kind is ActorKind.BOSS_OF else actor
            for actor in step.actors
        )
        if before:
            yield replace(step, actors=before)


def _bosses_of(actors: tuple[Actor, ...], people: People) -> tuple[DeskId, ...]:
    """The desks above all those that may act for these actors; none where one is not known."""
    desks: list[DeskId] = []
    for actor in actors:
        known = actor.choices if actor.kind is ActorKind.VARIABLE else ()
        if actor.kind is ActorKind.DESK and actor.desk is not None:
            known = (actor.desk,)
        if not known:
            return ()
        desks += known
    above = (people.superiors.get(desk) for desk in desks)
    return tuple(dict.fromkeys(one for one in above if one is not None and one in people.names))


def _unknown_desks(workflow: Workflow, people: People) -> Iterator[Finding]:
    ends = (workflow.final_desk, *workflow.informed_at_end)
    for step in workflow.steps:
        yield from _unknown((*step.actors, *step.informed), people, step)
    yield from _unknown((actor for actor in ends if actor is not None), people, None)


def _unknown(actors: Iterable[Actor], people: People, step: Step | None) -> Iterator[Finding]:
    where = f"L'étape « {step.name} »" if step else "La fin du circuit"
    named = (desk for actor in actors for desk in (actor.desk, *actor.choices) if desk is not None)
    if any(desk not in people.names for desk in named):
        yield Finding.error(
            "unknown_desk",
            f"{where} nomme un bureau qui n'existe pas ou ne sert plus : choisissez-en un autre.",
            step.id if step else None,
        )


def _step(step: Step, protocol: Protocol, people: People) -> Iterator[Finding]:
    # An unknown desk is said once, and is not one more desk without anybody.
    known = frozenset(people.names)
    empty = [actor for actor in step.actors if not _is_open(actor, people.manned, known)]
    if _is_blocked(step, people.manned, known):
        yield Finding.error(
            "step_without_possible_actor",
            f"Personne ne peut agir à l'étape « {step.name} » : {_without(empty, people)} pas de "
            "titulaire actif. Affectez une personne ou choisissez un autre bureau.",
            step.id,
        )
        return
    for actor in empty:
        yield Finding.warning(
            "desk_without_holder",
            f"À l'étape « {step.name} », {_without([actor], people)} pas de titulaire actif : "
            "affectez une personne.",
            step.id,
        )
    if step.kind is StepKind.SIGNATURE and _is_blocked(step, people.signing, known):
        unfit = [actor for actor in step.actors if not _is_open(actor, people.signing, known)]
        yield Finding(
            "no_fit_certificate",
            f"Aucun signataire habilité à l'étape « {step.name} » : {_without(unfit, people)} pas "
            "de certificat apte à signer. Enregistrez-en un ou choisissez un autre bureau.",
            Severity.ERROR if protocol is Protocol.HELIOS else Severity.WARNING,
            step.id,
        )


def _is_blocked(step: Step, able: frozenset[DeskId], known: frozenset[DeskId]) -> bool:
    opened = [_is_open(actor, able, known) for actor in step.actors]
    return not (all(opened) if step.mode is StepMode.ALL_OF else any(opened))


def _is_open(actor: Actor, able: frozenset[DeskId], known: frozenset[DeskId]) -> bool:
    desks = (actor.desk,) if actor.kind is ActorKind.DESK else actor.choices
    return not desks or any(desk in able or desk not in known for desk in desks)


def _without(actors: Iterable[Actor], people: People) -> str:
    """« le bureau « A » n'a », or « les bureaux « A » et « B » n'ont »."""
    desks = [desk for actor in actors for desk in (actor.desk, *actor.choices) if desk is not None]
    named = [f"« {people.names[desk]} »" for desk in dict.fromkeys(desks) if desk in people.names]
    *first, last = named
    return f"les bureaux {', '.join(first)} et {last} n'ont" if first else f"le bureau {last} n'a"


def _missing_superiors(workflow: Workflow, people: People) -> Iterator[Finding]:
    """The boss is the one above the desk that acted last; above the submitter's at first."""
    before: tuple[Actor, ...] = ()
    for step in workflow.steps:
        if step.kind not in PERSON_STEPS:
            continue
        if any(actor.kind is ActorKind.BOSS_OF for actor in step.actors):
            yield from _missing_superior(step, before, people)
        before = step.actors


def _missing_superior(step: Step, before: tuple[Actor, ...], people: People) -> Iterator[Finding]:
    given = [actor.desk for actor in before if actor.desk is not None]
    tops = [desk for desk in given if desk in people.names and desk not in people.superiors]
    if tops:
        names = ", ".join(f"« {people.names[desk]} »" for desk in tops)
        yield Finding(
            "boss_of_top_desk",
            f"L'étape « {step.name} » revient au supérieur de {names}, qui n'en a pas : "
            "donnez-lui un bureau supérieur ou nommez un bureau.",
            _severity(step, is_certain=len(tops) == len(before)),
            step.id,
        )
    elif not given and not people.superiors:
        yield Finding(
            "boss_of_top_desk",
            f"L'étape « {step.name} » revient au supérieur du bureau précédent et aucun bureau "
            "n'en a : donnez des bureaux supérieurs ou nommez un bureau.",
            _severity(step, is_certain=True),
            step.id,
        )


def _severity(step: Step, *, is_certain: bool) -> Severity:
    """An error where the boss is certain to be missing and the step is not passed without him."""
    is_boss = [actor.kind is ActorKind.BOSS_OF for actor in step.actors]
    is_awaited = step.mode is StepMode.ALL_OF or all(is_boss)
    return Severity.ERROR if is_certain and is_awaited else Severity.WARNING
