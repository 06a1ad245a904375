"""Powers end and begin at their second, also for a signature made with a key (DESIGN D6)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from app.context import Context
from app.demo.town import Town
from tests.app.conftest import Client
from tests.builders.administration import around, give
from tests.builders.handovers import an_office, applied_plan
from tests.builders.people import ApiPerson, approved
from tests.builders.principals import add_person
from tests.builders.signing_agents import SigningAgent, agent_of_delegate, open_session
from tests.builders.towns import DrivenClock


@pytest.fixture
def instant(clock: DrivenClock) -> datetime:
    """When the power of these tests changes."""
    return clock() + timedelta(minutes=10)


@pytest.fixture
async def folders(finances: ApiPerson, direction: ApiPerson) -> list[str]:
    """One to sign on each side of the instant."""
    return [await approved(finances, direction) for _ in range(2)]


@pytest.fixture
async def delegate(
    context: Context, town: Town, anonymous: Client, direction: ApiPerson, clock: DrivenClock
) -> SigningAgent:
    """The director's agent, with a certificate of her own."""
    return await agent_of_delegate(context, town, anonymous, direction, clock)


async def given_around(
    instant: datetime, clock: DrivenClock, signatory: ApiPerson, agent: SigningAgent, *ids: str
) -> list[int]:
    """What is answered to a value given one second before, then to one given at the instant: both
    were prepared and accepted in time."""
    clock.now = instant - timedelta(seconds=30)
    await open_session(signatory, agent.issued, *ids)
    order = await agent.accepted_job()
    answers = []
    for moment, item in zip(around(instant), order.items, strict=True):
        clock.now = moment
        answers.append((await agent.give(order, item)).status_code)
    return answers


async def waiting_kinds(by: ApiPerson, ids: list[str]) -> list[str | None]:
    return [(await by.read(one))["waiting_kind"] for one in ids]


async def test_threat_36_the_outgoing_mayor_signs_until_the_second_before_the_election(
    context: Context,
    administrator: ApiPerson,
    finances: ApiPerson,
    mayor: ApiPerson,
    agent: SigningAgent,
    folders: list[str],
    instant: datetime,
    clock: DrivenClock,
) -> None:
    town = administrator.town
    await add_person(context, town, "elue")
    elected = str(town.users["elue"])
    office = an_office(administrator, "maire", incoming_id=elected, starts_at=instant)
    await applied_plan(administrator, office)
    assert await given_around(instant, clock, mayor, agent, *folders) == [200, 403]
    assert await waiting_kinds(finances, folders) == ["transmission", "signature"]


async def test_threat_36_a_delegate_signs_until_the_second_before_the_end(
    context: Context,
    administrator: ApiPerson,
    finances: ApiPerson,
    direction: ApiPerson,
    delegate: SigningAgent,
    folders: list[str],
    instant: datetime,
    clock: DrivenClock,
) -> None:
    town = administrator.town
    await give(administrator, "maire", "direction", period={"ends_at": instant.isoformat()})
    at_office = ApiPerson(context, direction.client, town, "maire")
    assert await given_around(instant, clock, at_office, delegate, *folders) == [200, 403]
    assert await waiting_kinds(finances, folders) == ["transmission", "signature"]


async def test_threat_36_a_delegate_signs_from_the_second_at_which_the_order_is_executory(
    context: Context,
    administrator: ApiPerson,
    finances: ApiPerson,
    direction: ApiPerson,
    delegate: SigningAgent,
    folders: list[str],
    instant: datetime,
    clock: DrivenClock,
) -> None:
    town = administrator.town
    await give(administrator, "maire", "direction", executory_at=instant.isoformat())
    at_office = ApiPerson(context, direction.client, town, "maire")
    prepared = []
    for moment, folder_id in zip(around(instant), folders, strict=True):
        clock.now = moment
        opened = await open_session(at_office, delegate.issued, folder_id)
        prepared.append([one["state"] for one in opened["items"]])
    await delegate.sign()
    assert prepared == [["failed"], ["prepared"]]
    assert await waiting_kinds(finances, folders) == ["signature", "transmission"]
