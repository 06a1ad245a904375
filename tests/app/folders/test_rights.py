"""Identity × act × state over real HTTP, against the table written by hand (threat 34)."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from app.auth.principal import Permission, Role
from app.context import Context
from app.demo.town import Town
from app.models import User
from tests.app.conftest import Client, PersonOf
from tests.app.folders.rights_table import REFUSED, Identity, State, allowed, is_hidden
from tests.builders.people import ApiPerson, approve
from tests.builders.principals import add_person, bearer, make_token
from tests.builders.subtypes import add_subtype, step

Json = dict[str, Any]
ROUTE_ACTS: tuple[str, ...] = (
    "approve",
    "reject",
    "retract",
    "resubmit",
    "cancel",
    "sign_on_paper",
    "archive",
    "read",
    "transfer",
    "ask_opinion",
    "give_opinion",
    "add_step",
    "recuse",
    "skip_step",
    "force_step",
)


def body(act: str, folder: Json, town: Town, who: Identity) -> Json:
    """A well-formed act of that kind, through the desk that the identity would choose."""
    own = "finances" if who is Identity.SUBMITTER else "direction"
    current = next((one["id"] for one in folder["steps"] if one["state"] == "current"), "visa")
    more: dict[str, Json] = {
        "reject": {"step": current, "reason": "Le montant est faux."},
        "retract": {} if who is Identity.SUBMITTER else {"step": "visa"},
        "resubmit": {},
        "cancel": {},
        "sign_on_paper": {"step": current, "signed_on": "2026-01-15"},
        "read": {"revision_ids": [_main_revision(folder)]},
        "transfer": {"step": current, "to_desk_id": str(town.desks["maire"])},
        "ask_opinion": {
            "step": current,
            "of_desk_id": str(town.desks["maire"]),
            "question": "Budget ?",
        },
        "give_opinion": {"step": current, "answer": "Oui"},
        "add_step": {
            "step": current,
            "id": "relecture",
            "kind": "approval",
            "name": "Relecture",
            "desk_ids": [str(town.desks["maire"])],
        },
        "recuse": {"reason": "Un proche est concerné."},
        "skip_step": {"step": current, "reason": "Poste vacant"},
        "force_step": {"step": current, "reason": "Réponse reçue par courrier"},
    }
    return {
        "action": act,
        "desk_id": str(town.desks[own]),
        **more.get(act, {"step": current}),
    }


def _main_revision(folder: Json) -> str:
    documents = folder["documents"]
    return str(documents[0]["revisions"][0]["id"]) if documents else str(uuid.uuid4())


class Hall:
    """A town with one identity of each kind, and folders in each state."""

    def __init__(self, context: Context, finances: ApiPerson, direction: ApiPerson) -> None:
        self.context, self.town = context, finances.town
        self.finances, self.direction = finances, direction
        self.clients: dict[Identity, tuple[Client, dict[str, str]]] = {}

    async def folder(self, state: State) -> str:
        """A folder of the finances in that state; its id."""
        subtype = "outside" if state is State.AWAITING_OUTSIDE else "visa-only"
        folder_id = await self.finances.deposited(subtype)
        if state is State.DRAFT:
            return folder_id
        if state is State.CANCELLED:
            await self.finances.act(folder_id, "cancel")
            return folder_id
        await self.finances.submit(folder_id)
        if state is State.REJECTED:
            await self.direction.act(folder_id, "reject", step="visa", reason="À revoir")
        elif state is not State.PENDING:
            await approve(self.direction, folder_id)
        return folder_id

    async def asks(self, who: Identity, method: str, path: str, json: Json | None) -> Any:
        client, headers = self.clients[who]
        return await client.request(method, path, json=json, headers=headers)


@pytest.fixture
async def hall(
    context: Context,
    finances: ApiPerson,
    direction: ApiPerson,
    mayor: ApiPerson,
    other_town: Town,
    anonymous: Client,
    person_of: PersonOf,
) -> Hall:
    town = finances.town
    visa = step(town, "visa", "approval", "direction")
    await add_subtype(context, town, visa, key="visa-only")
    outside = {"id": "parapheur-tiers", "kind": "external", "name": "Tiers", "desk_ids": []}
    await add_subtype(context, town, visa, outside, key="outside")
    made = Hall(context, finances, direction)
    people = {
        Identity.SUBMITTER: finances,
        Identity.HOLDER: direction,
        Identity.STRANGER: mayor,
        Identity.OTHER_TOWN: await person_of(other_town, "maire"),
    }
    for who, roles, desks in (
        (Identity.NOBODY_S, (), ()),
        (Identity.WORKFLOW_ADMIN, (Role.WORKFLOW_ADMIN,), ()),
        (Identity.DESK_ADMIN, (Role.DESK_ADMIN,), ("direction",)),
        (Identity.OTHER_DESK_ADMIN, (Role.DESK_ADMIN,), ("maire",)),
        (Identity.AUDITOR, (Role.AUDITOR,), ()),
    ):
        key = who.name.lower()
        await add_person(context, town, key, *roles)
        await _administers(context, town, key, *desks)
        people[who] = await person_of(town, key)
    made.clients = {who: (person.client, {}) for who, person in people.items()}
    _, token = await make_token(context, town, Permission.FOLDER_DEPOSIT)
    made.clients[Identity.PROGRAM] = (anonymous, bearer(token))
    made.clients[Identity.ANONYMOUS] = (anonymous, {})
    return made


async def _administers(context: Context, town: Town, key: str, *desks: str) -> None:
    async with context.unit(town.tenant_id) as session:
        user = await session.get_one(User, town.users[key])
        user.administered_desk_ids = [town.desks[one] for one in desks]


@pytest.mark.parametrize("state", State)
class TestThreat34:
    async def test_threat_34_what_is_offered_is_what_the_table_says(
        self, hall: Hall, state: State
    ) -> None:
        folder_id = await hall.folder(state)
        seen = {}
        for who in Identity:
            answer = await hall.asks(who, "GET", f"/folders/{folder_id}", None)
            seen[who] = (
                frozenset(one["action"] for one in answer.json()["allowed_actions"])
                & frozenset(ROUTE_ACTS)
                if answer.status_code == 200
                else answer.status_code
            )
        assert seen == {who: _expected(who, state) for who in Identity}

    async def test_threat_34_nothing_else_passes_and_nothing_changes(
        self, hall: Hall, state: State
    ) -> None:
        folder_id = await hall.folder(state)
        before = await hall.finances.read(folder_id)
        passed = []
        for who in Identity:
            for act in ROUTE_ACTS:
                if act in allowed(state, who):
                    continue
                asked = body(act, before, hall.town, who)
                path = f"/folders/{folder_id}/actions"
                answer = await hall.asks(who, "POST", path, asked)
                if not _is_refusal(who, state, answer.status_code):
                    passed.append((who, act, answer.status_code))
        after = await hall.finances.read(folder_id)
        assert (passed, after["version"]) == ([], before["version"])

    async def test_threat_34_what_the_table_allows_passes(self, hall: Hall, state: State) -> None:
        refused = []
        for who in Identity:
            for act in sorted(allowed(state, who)):
                folder_id = await hall.folder(state)
                folder = await hall.finances.read(folder_id)
                asked = body(act, folder, hall.town, who)
                answer = await hall.asks(who, "POST", f"/folders/{folder_id}/actions", asked)
                if answer.status_code != 200:
                    refused.append((who, act, answer.text))
        assert refused == []


def _expected(who: Identity, state: State) -> frozenset[str] | int:
    if who is Identity.ANONYMOUS:
        return 401
    if who is not Identity.PROGRAM and is_hidden(who, state):
        return 404
    return 403 if who is Identity.PROGRAM else allowed(state, who)


def _is_refusal(who: Identity, state: State, status: int) -> bool:
    if who in REFUSED:
        return status == REFUSED[who]
    if is_hidden(who, state):
        return status == 404
    return status in {403, 409, 422}
