"""The actors of one step beside each other: where all must agree, each is another desk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from workflows.definition import ActorKind, DeskId, Finding, Step, StepMode


def distinct_desks(options: Sequence[Sequence[DeskId]]) -> tuple[DeskId, ...] | None:
    """One desk out of each list and none twice: the first that is left, another one only where a
    later list has no other. None where no such choice exists."""
    taken_by: dict[DeskId, int] = {}

    def takes(number: int, refused: set[DeskId]) -> bool:
        for desk in sorted(options[number], key=lambda one: one in taken_by):
            if desk not in refused:
                refused.add(desk)
                if desk not in taken_by or takes(taken_by[desk], refused):
                    taken_by[desk] = number
                    return True
        return False

    if not all(takes(number, set()) for number in range(len(options))):
        return None
    return tuple(sorted(taken_by, key=lambda desk: taken_by[desk]))


def togetherness_findings(step: Step) -> Iterator[Finding]:
    """What is wrong or doubtful in the actors of one step beside each other: one named twice, all
    of one awaited, or too few desks to choose where all must agree."""
    named = [one for one in step.actors if one.kind is not ActorKind.VARIABLE]
    repeated = len(named) - len(set(named))
    # What is left to choose is another desk each time.
    if step.mode is StepMode.ALL_OF and len(step.actors) - repeated < 2:
        yield Finding.warning(
            "all_of_alone",
            f"L'étape « {step.name} » attend tous ses bureaux et en a moins de deux : "
            "ajoutez-en, ou demandez un seul accord.",
            step.id,
        )
    if repeated:
        yield Finding.warning(
            "actor_repeated",
            f"L'étape « {step.name} » nomme deux fois le même bureau : gardez-le une fois.",
            step.id,
        )
    if step.mode is StepMode.ALL_OF and not _are_enough(step):
        yield Finding.error(
            "choices_too_few",
            f"L'étape « {step.name} » attend l'accord de plusieurs bureaux, et ceux que l'on peut "
            "choisir n'y suffisent pas : proposez-en d'autres que ceux qu'elle nomme déjà.",
            step.id,
        )


def _are_enough(step: Step) -> bool:
    """Whether another desk may be chosen each time, of those that are listed."""
    named = {one.desk for one in step.actors}
    options = [
        [desk for desk in one.choices if desk not in named]
        for one in step.actors
        if one.kind is ActorKind.VARIABLE and one.choices
    ]
    return distinct_desks(options) is not None
