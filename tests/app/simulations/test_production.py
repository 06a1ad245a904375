"""Production does what the simulator said: the golden scenarios, through the API."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from app.context import Context
from app.demo.town import Town
from app.folders.service import REACT
from app.models import Notification
from app.notifications.schemas import NotificationKind
from tests.app.conftest import Client
from tests.builders import scenario_towns
from tests.builders.arrivals import principal_of, put_pdf
from tests.builders.people import an_act, body_of
from tests.builders.scenarios import Scenario, scenarios
from tests.builders.towns import DrivenClock, cookie_of
from tests.builders.transmissions import work
from workflows.definition import PERSON_STEPS, Protocol, StepKind
from workflows.obstacles import WhoMayAct
from workflows.register import PersonId
from workflows.simulation import Outcome, Simulation, Stage, Turn, simulate

SCENARIOS = scenarios()
_ACTS = {
    StepKind.APPROVAL: "approve",
    StepKind.SIGNATURE: "sign",
    StepKind.SEAL: "seal",
    StepKind.ARCHIVE: "archive",
}
_SESSION = timedelta(minutes=5)
Able = set[tuple[str, str]]


@dataclass
class Production:
    """The town of a scenario, served by the API, and the folder deposited in it."""

    context: Context
    clock: DrivenClock
    client: Client
    scenario: Scenario
    town: Town
    folder: str = ""
    cookies: dict[str, tuple[datetime, str]] = field(default_factory=dict)

    async def asks(self, person: str, method: str, path: str, **more: Any) -> httpx2.Response:
        """One request of somebody, by his id."""
        name = self.scenario.persons[PersonId(person)]
        opened, value = self.cookies.get(name, (None, ""))
        if opened is None or self.clock.now - opened > _SESSION:
            value = await cookie_of(self.context, self.town, name)
            self.cookies[name] = (self.clock.now, value)
        cookie = {"Cookie": f"parapheur_session={value}"}
        return await self.client.request(method, path, headers=cookie, **more)

    async def acts(self, person: str, desk: str, action: str, **more: Any) -> httpx2.Response:
        body = {"action": action, "desk_id": desk, **more}
        return await self.asks(person, "POST", f"/folders/{self.folder}/actions", json=body)

    async def able(self, stage: Stage) -> Able:
        """Everybody who is offered the act that passes the stage, and through which desk."""
        found: Able = set()
        for person in self.scenario.persons:
            answer = await self.asks(person, "GET", f"/folders/{self.folder}")
            assert answer.status_code in {200, 404}, answer.text
            for one in answer.json().get("allowed_actions", ()):
                if (one["action"], one["step"]) == (_ACTS[stage.kind], stage.step):
                    found.add((person, one["desk_id"]))
        return found


@pytest.mark.parametrize(
    "first", range(0, len(SCENARIOS), 3), ids=lambda place: SCENARIOS[place].key
)
async def test_production_does_what_the_simulator_said(
    context: Context,
    clock: DrivenClock,
    anonymous: Client,
    first: int,
    scaled: Callable[[int, int], int],
) -> None:
    """One scenario of three in an ordinary run, every one in a full run."""
    for scenario in SCENARIOS[first : first + scaled(3, 1)]:
        clock.now = scenario.given.deposited_at
        town = await scenario_towns.build(context, scenario)
        await _does_as_said(Production(context, clock, anonymous, scenario, town))


async def _does_as_said(production: Production) -> None:
    told = simulate(production.scenario.given)
    await _agrees_with_the_api(production, told)
    refused = await _deposit(production)
    if refused is not None:
        assert told.refusal is not None
        assert (refused, told.stages) == (told.refusal.code, ())
        return
    for stage in told.stages:
        await _play(production, stage)
    await _end(production, told)


async def _agrees_with_the_api(production: Production, told: Simulation) -> None:
    """`POST …/simulate` walks the same path from what stands in the database, but for what a
    folder alone would know: who stood back, how long others took."""
    scenario = production.scenario
    if scenario.recused or scenario.given.durations:
        return
    submitter = scenario.given.submitter
    answer = await production.asks(
        submitter.person,
        "POST",
        f"/folder-subtypes/{production.town.subtypes['deposited']}/simulate",
        json={
            "desk_id": submitter.desk,
            "submitter_id": submitter.person,
            "metadata": _metadata(scenario),
            "slips": [
                {"number": str(number), "kind": "expense", "amount_incl_tax": amount}
                for number, amount in enumerate(scenario.folder.slips, start=1)
            ],
            "chosen_desks": _chosen(scenario),
        },
    )
    if told.refusal is not None and told.refusal.code == "no_power":
        assert answer.json()["code"] == "desk_not_yours"
        return
    said = answer.json()
    assert answer.status_code == 200, said
    assert (said["outcome"], (said["refusal"] or {}).get("code")) == (
        told.outcome,
        told.refusal.code if told.refusal else None,
    )
    assert [_said_able(one) for one in said["stages"]] == [_able(one.able) for one in told.stages]


def _said_able(stage: dict[str, Any]) -> Able:
    return {(one["user_id"], one["desk_id"]) for one in stage["able"]}


def _able(told: WhoMayAct) -> Able:
    return {(one.person, one.power.desk) for one in told.able}


def _metadata(scenario: Scenario) -> dict[str, str | bool]:
    return {
        key: value if isinstance(value, bool) else str(value)
        for key, value in scenario.folder.metadata.items()
    }


def _chosen(scenario: Scenario) -> list[dict[str, str]]:
    return [{"step": one.step, "desk_id": one.desk} for one in scenario.by_hand]


async def _deposit(production: Production) -> str | None:
    """Creates and submits the folder; the code of what refuses it."""
    scenario, town = production.scenario, production.town
    submitter = scenario.given.submitter
    body = {
        "subtype_id": str(town.subtypes["deposited"]),
        "desk_id": submitter.desk,
        "title": scenario.name,
        "metadata": _metadata(scenario),
    }
    if scenario.folder.protocol is Protocol.ACTES:
        body["act"] = an_act()
    answer = await production.asks(submitter.person, "POST", "/folders", json=body)
    if answer.is_error:
        return str(answer.json()["code"])
    production.folder = answer.json()["id"]
    await _put_document(production)
    answer = await production.asks(
        submitter.person,
        "POST",
        f"/folders/{production.folder}/submit",
        params={"desk_id": submitter.desk},
        json={"chosen_desks": _chosen(scenario)},
    )
    if answer.is_error:
        return str(answer.json()["code"])
    for person in scenario.recused:
        desk = next(one.desk for one in scenario.given.register.holders if one.person == person)
        answer = await production.acts(person, desk, "recuse", reason="Conflit d'intérêts.")
        assert answer.status_code == 200, answer.text
    return None


async def _put_document(production: Production) -> None:
    context, town, scenario = production.context, production.town, production.scenario
    folder_id = uuid.UUID(production.folder)
    if scenario.folder.protocol is Protocol.HELIOS:
        await scenario_towns.put_flow(context, town, folder_id, scenario)
        return
    name = scenario.persons[scenario.given.submitter.person]
    await put_pdf(context, principal_of(town, name), folder_id, body_of("letters")[0])


async def _play(production: Production, stage: Stage) -> None:
    """The stage, instant by instant, as it was told."""
    production.clock.now = stage.starts_at
    if stage.kind not in PERSON_STEPS:
        assert stage.ends_at is not None
        production.clock.now = stage.ends_at
        folder_id = uuid.UUID(production.folder)
        await scenario_towns.record_outside(production.context, production.town, folder_id, stage)
        return
    await _read(production, stage)
    if stage.ends_at is not None or stage.waits:
        assert await production.able(stage) == _able(stage.able)
    for turn in stage.turns:
        await _wait(production, stage, until=turn.at)
        await _pass(production, stage, turn)
    await _wait(production, stage, until=None)


async def _read(production: Production, stage: Stage) -> None:
    """Where reading is mandatory, those able read first: before, nothing is offered to them."""
    if not production.scenario.given.rules.mandatory_reading:
        return
    assert await production.able(stage) == set()
    for one in stage.able.able:
        answer = await production.asks(one.person, "GET", f"/folders/{production.folder}")
        revisions = [document["revisions"][-1]["id"] for document in answer.json()["documents"]]
        answer = await production.acts(one.person, one.power.desk, "read", revision_ids=revisions)
        assert answer.status_code == 200, answer.text


async def _wait(production: Production, stage: Stage, *, until: datetime | None) -> None:
    """The waits that end at that instant, or the one that never does."""
    for wait in stage.waits:
        if wait.until != until:
            continue
        production.clock.now = max(production.clock.now, wait.since)
        if wait.since == stage.starts_at:
            await _is_reported(production)
        if until is not None and wait.then is not None:
            production.clock.now = until
            assert await production.able(stage) == _able(wait.then)
    if until is not None:
        production.clock.now = until


async def _is_reported(production: Production) -> None:
    """A folder that waits for nobody is told to its submitter, never silently stuck."""
    context, town = production.context, production.town
    await work(context, town, REACT)
    submitter = uuid.UUID(production.scenario.given.submitter.person)
    async with context.unit(town.tenant_id) as session:
        told = await session.scalars(
            select(Notification.user_id).where(
                Notification.folder_id == uuid.UUID(production.folder),
                Notification.kind == NotificationKind.NOBODY_ABLE.value,
            )
        )
        assert submitter in set(told)


async def _pass(production: Production, stage: Stage, turn: Turn) -> None:
    """The act is taken, and recorded with the power that was told."""
    by = turn.by
    if stage.kind in (StepKind.SIGNATURE, StepKind.SEAL):
        folder_id = uuid.UUID(production.folder)
        await scenario_towns.record_signature(
            production.context, production.town, folder_id, stage, turn
        )
    else:
        answer = await production.acts(by.person, by.power.desk, _ACTS[stage.kind], step=stage.step)
        assert answer.status_code == 200, answer.text
    folder = (await production.asks(by.person, "GET", f"/folders/{production.folder}")).json()
    acts = next(one["acts"] for one in folder["steps"] if one["id"] == stage.step)
    told = {
        "actor_id": by.person,
        "desk_id": by.power.desk,
        "power": by.power.kind,
        "on_behalf_of": by.power.on_behalf_of,
        "mention": by.power.mention,
    }
    assert {key: acts[-1][key] for key in told} == told


async def _end(production: Production, told: Simulation) -> None:
    """The folder ended where it was told to, refused as it was told to be."""
    submitter = production.scenario.given.submitter.person
    folder = (await production.asks(submitter, "GET", f"/folders/{production.folder}")).json()
    last = told.stages[-1]
    if told.outcome is Outcome.REFUSED:
        assert told.refusal is not None
        for one in last.able.able:
            answer = await production.acts(
                one.person, one.power.desk, _ACTS[last.kind], step=last.step
            )
            assert answer.json()["code"] == told.refusal.code
        return
    ended = folder["status"] in {"completed", "acknowledged"}
    assert ended is (last.ends_at is not None)
