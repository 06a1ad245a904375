"""A simulation as the API shows it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from app.catalog.choice import Choice
from app.powers.service import grant_of
from app.simulations.assumptions import PROGRAM
from app.simulations.schemas import (
    AbleRead,
    RefusalRead,
    SimulationRead,
    StageRead,
    WaitRead,
)
from app.simulations.texts import Names, Paragraph, explained
from workflows.obstacles import naming
from workflows.presence import is_away
from workflows.register import Authorship
from workflows.simulation import Assumptions, Simulation, Stage, Wait


@dataclass(frozen=True, slots=True)
class Told:
    """What was told, of what, in whose words, in which circuit."""

    simulation: Simulation
    given: Assumptions
    names: Names
    choice: Choice

    @property
    def explanation(self) -> tuple[Paragraph, ...]:
        """It all in French."""
        return explained(self.simulation, self.given, self.names)


def read_simulation(asked: Told) -> SimulationRead:
    """The whole answer."""
    told, given = asked.simulation, asked.given
    paragraphs = asked.explanation
    return SimulationRead(
        outcome=told.outcome,
        deposited_at=given.deposited_at,
        submitter_id=None
        if given.submitter.person == PROGRAM
        else uuid.UUID(given.submitter.person),
        workflow_name=given.workflow.name,
        workflow_version=asked.choice.version.number,
        rule_row=asked.choice.row,
        stages=[_stage(asked, one) for one in told.stages],
        refusal=RefusalRead(code=told.refusal.code, detail=told.refusal.detail)
        if told.refusal
        else None,
        depends_on_persons=told.otherwise is not None,
        explanation=[f"{one.heading}. {' '.join(one.sentences)}" for one in paragraphs],
    )


def _stage(asked: Told, one: Stage) -> StageRead:
    usual = asked.given.durations.get(one.step)
    last = one.ends_at or one.starts_at
    return StageRead(
        step=one.step,
        name=one.name,
        kind=one.kind,
        mode=one.mode,
        desk_ids=[uuid.UUID(desk) for desk in one.desks],
        starts_at=one.starts_at,
        ends_at=one.ends_at,
        usual_seconds=None if usual is None else round(usual.total_seconds()),
        able=_able(asked, one.able.able, one.starts_at),
        actors=_able(asked, one.actors, last),
        waits=[_wait(asked, wait) for wait in one.waits],
    )


def _wait(asked: Told, wait: Wait) -> WaitRead:
    then = () if wait.then is None else wait.then.able
    why = naming(wait.why, asked.names.persons)
    return WaitRead(
        since=wait.since,
        until=wait.until,
        code=wait.why.nobody or "",
        detail=why.detail,
        missing=[one.detail for one in why.lacking],
        then=_able(asked, then, wait.until or wait.since),
    )


def _able(asked: Told, authors: Iterable[Authorship], at: datetime) -> list[AbleRead]:
    register = asked.given.register
    documents = {one.id: one.document.number for one in register.grants if one.document}
    return [
        AbleRead(
            user_id=uuid.UUID(one.person),
            full_name=asked.names.persons.get(one.person, ""),
            desk_id=uuid.UUID(one.power.desk),
            power=one.power.kind,
            on_behalf_of=uuid.UUID(one.power.on_behalf_of) if one.power.on_behalf_of else None,
            mention=one.power.mention,
            grant_id=grant_of(one.power),
            document_number=documents.get(one.power.id) if one.power.id else None,
            is_away=is_away(register, one.person, one.power.desk, at),
        )
        for one in authors
    ]
