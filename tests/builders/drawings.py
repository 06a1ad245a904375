"""Circuits as hypothesis draws them: any at all, and those that can be walked."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from workflows.definition import (
    Actor,
    ActorKind,
    DeskId,
    Duty,
    FieldKey,
    Step,
    StepId,
    StepKind,
    StepMode,
    Workflow,
    given_desk,
    variable_desk,
)

DESKS = (DeskId("accounts"), DeskId("mayor"))
desk_ids = st.sampled_from(DESKS)
any_actor = st.builds(
    Actor,
    kind=st.sampled_from(ActorKind),
    desk=st.none() | desk_ids,
    choices=st.lists(desk_ids, max_size=2).map(tuple),
)
_actors = st.lists(any_actor, max_size=3).map(tuple)
_keys = st.lists(st.sampled_from(("amount", "subject")).map(FieldKey), max_size=2).map(tuple)
_step_ids = st.sampled_from(tuple(StepId(name) for name in "abcd")) | st.text().map(StepId)
any_step = st.builds(
    Step,
    id=_step_ids,
    kind=st.sampled_from(StepKind),
    name=st.text(),
    actors=_actors,
    due_in_days=st.none() | st.integers(-2, 5),
    remind_after_days=st.none() | st.integers(-2, 5),
    informed=_actors,
    required_to_pass=_keys,
    required_to_reject=_keys,
)
any_workflow = st.builds(
    Workflow,
    name=st.text(),
    steps=st.lists(any_step, max_size=4).map(tuple),
    duties=st.lists(
        st.builds(Duty, steps=st.lists(_step_ids, max_size=3).map(tuple)), max_size=2
    ).map(tuple),
    final_desk=st.none() | any_actor,
    informed_at_end=_actors,
)

_desk_sets = st.lists(desk_ids, min_size=1, max_size=2, unique=True)


def _person_step(step_id: str, kind: StepKind, desks: list[DeskId], mode: StepMode) -> Step:
    actors = tuple(given_desk(desk) for desk in desks)
    return Step(StepId(step_id), kind, f"Étape {step_id}", actors, mode)


@st.composite
def sound_workflows(draw: st.DrawFn, *, variable: bool = False) -> Workflow:
    """Circuits of approvals and signatures without errors, a transmission at the end or not, whose
    steps have their ids from a few, so that two of them often have steps in common. `variable`:
    the desk of some steps is chosen, and steps may be added at some."""
    names = draw(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=5, unique=True))
    kinds = st.sampled_from((StepKind.APPROVAL, StepKind.SIGNATURE))
    steps = [
        replace(
            _person_step(name, draw(kinds), draw(_desk_sets), draw(st.sampled_from(StepMode))),
            due_in_days=draw(st.none() | st.integers(1, 3)),
        )
        for name in names
    ]
    if variable:
        steps = [
            replace(
                step,
                actors=(variable_desk(),) if draw(st.booleans()) else step.actors,
                may_add_steps=draw(st.booleans()),
            )
            for step in steps
        ]
    if draw(st.booleans()):
        steps.append(Step(StepId("envoi"), StepKind.TRANSMISSION, "Envoi"))
    return Workflow("Circuit", tuple(steps))
