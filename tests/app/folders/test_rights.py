"""Identity × act × state over real HTTP, against the table written by hand (threat 34)."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.auth.principal import Permission, Role
from app.context import Context
from app.demo.town import Town
from app.folders.integrity import freeze
from app.folders.repository import FolderRepository
from app.models import User
from app.worker import drain
from tests.app.conftest import Client, PersonOf
from tests.app.folders.rights_table import (
    ALLOWED,
    REFUSED,
    SEEN_AS_ELSEWHERE,
    Identity,
    State,
    allowed,
    is_hidden,
)
from tests.builders.administration import be_away, give
from tests.builders.catalog import visa
from tests.builders.people import XML, ApiPerson, a_flow, approve
from tests.builders.pes import sign_flow
from tests.builders.principals import add_person, bearer, make_token
from tests.builders.subtypes import add_subtype, step
from workflows.definition import HeliosIntake, Protocol

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


def _desk_of(who: Identity, current: str) -> str:
    """The desk through which this identity would act: an administrator, the one that has it."""
    if who is Identity.SUBMITTER:
        return "finances"
    administers = who in {Identity.TENANT_ADMIN, Identity.WORKFLOW_ADMIN}
    at_the_mayor_s = administers and current == "signature"
    mayor_s = who in {Identity.MAYOR, Identity.MAYOR_S_DESK_ADMIN}
    return "maire" if mayor_s or at_the_mayor_s else "direction"


def body(act: str, folder: Json, town: Town, who: Identity) -> Json:
    """A well-formed act of that kind, through the desk that the identity would choose."""
    current = next((one["id"] for one in folder["steps"] if one["state"] == "current"), "visa")
    other = str(town.desks["direction" if current == "signature" else "maire"])
    own = _desk_of(who, current)
    more: dict[str, Json] = {
        "reject": {"step": current, "reason": "Le montant est faux."},
        "retract": {} if who is Identity.SUBMITTER else {"step": "visa"},
        "resubmit": {},
        "cancel": {},
        "sign_on_paper": {"step": current, "signed_on": _day_of(folder)},
        "read": {"revision_ids": [_main_revision(folder)]},
        "transfer": {"step": current, "to_desk_id": other},
        "ask_opinion": {
            "step": current,
            "of_desk_id": str(town.desks["finances"]),
            "question": "Budget ?",
        },
        "give_opinion": {"step": current, "answer": "Oui"},
        "add_step": {
            "step": current,
            "id": "relecture",
            "kind": "approval",
            "name": "Relecture",
            "desk_ids": [other],
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


def _day_of(folder: Json) -> str:
    """The day of its creation, in the town."""
    created_at = datetime.fromisoformat(folder["created_at"])
    return created_at.astimezone(ZoneInfo("Europe/Paris")).date().isoformat()


def _main_revision(folder: Json) -> str:
    documents = folder["documents"]
    return str(documents[0]["revisions"][0]["id"]) if documents else str(uuid.uuid4())


_SUBTYPES = {
    State.PREPARATION: "preparation",
    State.AWAITING_OUTSIDE: "outside",
    State.SIGNATURE: "signature",
    State.ARCHIVE: "archive",
    State.INSPECTING: "signed_flows",
    State.INSPECTION_REFUSED: "signed_flows",
    State.AWAITING_TRANSMISSION: "sent",
}
_INSPECTED = frozenset({State.INSPECTING, State.INSPECTION_REFUSED})


class Hall:
    """A town with one identity of each kind, and folders in each state."""

    def __init__(self, context: Context, finances: ApiPerson, direction: ApiPerson) -> None:
        self.context, self.town = context, finances.town
        self.finances, self.direction = finances, direction
        self.clients: dict[Identity, tuple[Client, dict[str, str]]] = {}

    async def folder(self, state: State) -> str:
        """A folder of the finances in that state; its id."""
        subtype = _SUBTYPES.get(state, "visa-only")
        if state in _INSPECTED:
            return await self._inspected(subtype, refused=state is State.INSPECTION_REFUSED)
        flow = a_flow(expense_slips=0, attachments=1)
        sent = state is State.AWAITING_TRANSMISSION
        folder_id = await (self._flow(subtype, flow) if sent else self.finances.deposited(subtype))
        if state is State.DRAFT:
            return folder_id
        if state is State.CANCELLED:
            await self.finances.act(folder_id, "cancel")
            return folder_id
        await self.finances.submit(folder_id)
        if state is State.OPINION_ASKED:
            of_mayor = {"of_desk_id": str(self.town.desks["maire"]), "question": "Budget ?"}
            await self.direction.act(folder_id, "ask_opinion", step="visa", **of_mayor)
        elif state is State.REJECTED:
            await self.direction.act(folder_id, "reject", step="visa", reason="À revoir")
        elif state is State.FROZEN:
            await self._freeze(folder_id)
        elif state not in (State.PREPARATION, State.PENDING):
            await approve(self.direction, folder_id)
        return folder_id

    async def _flow(self, subtype: str, content: bytes) -> str:
        folder_id = await self.finances.create(subtype)
        answer = await self.finances.upload(folder_id, content, XML)
        assert answer.is_success, answer.text
        return folder_id

    async def _inspected(self, subtype: str, *, refused: bool) -> str:
        """A flow altered since its signature, so large that a job reads it."""
        limits = self.context.settings.limits
        inline, limits.inline_pes_bytes = limits.inline_pes_bytes, 100
        folder_id = await self._flow(subtype, sign_flow(a_flow()).replace(b"EXEMPLE", b"FORGEES"))
        limits.inline_pes_bytes = inline
        if refused:
            await drain(self.context)
        return folder_id

    async def _freeze(self, folder_id: str) -> None:
        document = uuid.UUID((await self.finances.read(folder_id))["documents"][0]["id"])
        async with self.context.unit(self.town.tenant_id) as session:
            folder = await FolderRepository(session).lock(uuid.UUID(folder_id))
            assert folder is not None
            await freeze(session, self.context, folder, document_id=document)

    async def asks(self, who: Identity, method: str, path: str, json: Json | None) -> Any:
        client, headers = self.clients[who]
        return await client.request(method, path, json=json, headers=headers)


@pytest.fixture
async def hall(
    context: Context,
    finances: ApiPerson,
    direction: ApiPerson,
    mayor: ApiPerson,
    administrator: ApiPerson,
    other_town: Town,
    anonymous: Client,
    person_of: PersonOf,
) -> Hall:
    town = finances.town
    approval = visa(town, may_add_steps=True)
    await add_subtype(context, town, approval, key="visa-only")
    then = step(town, "relu", "approval", "direction")
    await add_subtype(context, town, {**approval, "phase": "preparation"}, then, key="preparation")
    archive = step(town, "archive", "archive", "direction")
    await add_subtype(context, town, approval, archive, key="archive")
    sending = step(town, "envoi", "transmission")
    intake = HeliosIntake.NOTHING_TO_SIGN
    await add_subtype(
        context, town, approval, sending, key="sent", protocol=Protocol.HELIOS, helios_intake=intake
    )
    outside = {"id": "parapheur-tiers", "kind": "external", "name": "Tiers", "desk_ids": []}
    await add_subtype(context, town, approval, outside, key="outside")
    signature = step(town, "signature", "signature", "maire")
    await add_subtype(context, town, approval, signature, key="signature", paper_signature=True)
    hall = Hall(context, finances, direction)
    people = {
        Identity.SUBMITTER: finances,
        Identity.HOLDER: direction,
        Identity.MAYOR: mayor,
        Identity.OTHER_TOWN: await person_of(other_town, "maire"),
    }
    for who, roles, desks in (
        (Identity.NOBODY_S, (), ()),
        (Identity.DELEGATE, (), ()),
        (Identity.REPLACEMENT, (), ()),
        (Identity.ASSISTANT, (), ()),
        (Identity.SUPERVISOR, (), ()),
        (Identity.TENANT_ADMIN, (Role.TENANT_ADMIN,), ()),
        (Identity.HOST_ADMIN, (Role.HOST_ADMIN,), ()),
        (Identity.CERTIFICATE_MANAGER, (Role.CERTIFICATE_MANAGER,), ()),
        (Identity.WORKFLOW_ADMIN, (Role.WORKFLOW_ADMIN,), ()),
        (Identity.DESK_ADMIN, (Role.DESK_ADMIN,), ("direction",)),
        (Identity.MAYOR_S_DESK_ADMIN, (Role.DESK_ADMIN,), ("maire",)),
        (Identity.AUDITOR, (Role.AUDITOR,), ()),
    ):
        key = who.name.lower()
        await add_person(context, town, key, *roles)
        await _administers(context, town, key, *desks)
        people[who] = await person_of(town, key)
    await give(administrator, "direction", "delegate", kind="function_delegation")
    await be_away(administrator, "direction", "replacement")
    for role in ("assistant", "supervisor"):
        body = {"user_id": str(town.users[role]), "role": role}
        added = await administrator.client.post(f"/desks/{direction.desk}/staff", json=body)
        assert added.status_code == 201, added.text
    hall.clients = {who: (person.client, {}) for who, person in people.items()}
    _, token = await make_token(context, town, Permission.FOLDER_DEPOSIT)
    hall.clients[Identity.PROGRAM] = (anonymous, bearer(token))
    hall.clients[Identity.ANONYMOUS] = (anonymous, {})
    return hall


async def _administers(context: Context, town: Town, key: str, *desks: str) -> None:
    async with context.unit(town.tenant_id) as session:
        user = await session.get_one(User, town.users[key])
        user.administered_desk_ids = [town.desks[one] for one in desks]


class TestThreat34:
    @pytest.mark.parametrize("state", State)
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

    @pytest.mark.parametrize("state", State)
    async def test_threat_34_nothing_else_passes_and_nothing_changes(
        self, hall: Hall, state: State
    ) -> None:
        folder_id = await hall.folder(state)
        before = await hall.finances.read(folder_id)
        passed = []
        for who in Identity:
            for act in _tried(who, state):
                if act in allowed(state, who):
                    continue
                asked = body(act, before, hall.town, who)
                path = f"/folders/{folder_id}/actions"
                answer = await hall.asks(who, "POST", path, asked)
                if not _is_refusal(who, state, answer.status_code):
                    passed.append((who, act, answer.status_code))
        after = await hall.finances.read(folder_id)
        assert (passed, after["version"]) == ([], before["version"])

    @pytest.mark.parametrize("state", [one for one in State if ALLOWED[one]])
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


async def test_threat_34_a_subtype_says_who_sees_its_folders_once_they_are_sent(
    context: Context, town: Town, finances: ApiPerson, mayor: ApiPerson
) -> None:
    approval = visa(town)
    await add_subtype(context, town, approval, key="vus", visible_desk_ids=[town.desks["maire"]])
    await add_subtype(context, town, approval, key="autres")
    seen = []
    for key in ("vus", "autres"):
        folder_id = await finances.deposited(key)
        draft = await mayor.client.get(f"/folders/{folder_id}")
        assert (await finances.submit(folder_id)).status_code == 200
        sent = await mayor.client.get(f"/folders/{folder_id}")
        seen.append((draft.status_code, sent.status_code))
    assert seen == [(404, 200), (404, 404)]


async def test_threat_34_whoever_may_see_a_subtype_sees_nothing_of_what_was_never_sent(
    context: Context, town: Town, finances: ApiPerson, mayor: ApiPerson
) -> None:
    await add_subtype(context, town, visa(town), key="vus", visible_desk_ids=[town.desks["maire"]])
    cancelled = await finances.deposited("vus")
    assert (await finances.act(cancelled, "cancel")).is_success
    retracted = await finances.submitted("vus")
    assert (await finances.act(retracted, "retract")).is_success
    answers = [await mayor.client.get(f"/folders/{one}") for one in (cancelled, retracted)]
    assert [one.status_code for one in answers] == [404, 404]


async def test_threat_34_an_ended_folder_is_followed_by_one_of_the_desk_that_deposited_it(
    context: Context,
    town: Town,
    finances: ApiPerson,
    direction: ApiPerson,
    mayor: ApiPerson,
    other_town: Town,
    person_of: PersonOf,
) -> None:
    await add_subtype(context, town, visa(town))
    folder_id = await finances.submitted("essai")
    await approve(direction, folder_id)

    async def chain(person: ApiPerson, desk_id: str) -> int:
        body = {"subtype_id": str(town.subtypes["essai"]), "desk_id": desk_id}
        answer = await person.client.post(f"/folders/{folder_id}/chain", json=body)
        return answer.status_code

    stranger = await person_of(other_town, "finances")
    seen = [
        (await chain(one, one.desk), await chain(one, finances.desk))
        for one in (direction, mayor, stranger, finances)
    ]
    assert seen == [(403, 403), (404, 404), (404, 404), (201, 409)]


def _expected(who: Identity, state: State) -> frozenset[str] | int:
    if who is Identity.ANONYMOUS:
        return 401
    if who is not Identity.PROGRAM and is_hidden(who, state):
        return 404
    return 403 if who is Identity.PROGRAM else allowed(state, who)


def _tried(who: Identity, state: State) -> tuple[str, ...]:
    """Every act; in a state seen as another one, a single one of those who see nothing, never the
    same."""
    if state not in SEEN_AS_ELSEWHERE or not (who in REFUSED or is_hidden(who, state)):
        return ROUTE_ACTS
    turn = list(Identity).index(who) + list(State).index(state)
    return (ROUTE_ACTS[turn % len(ROUTE_ACTS)],)


def _is_refusal(who: Identity, state: State, status: int) -> bool:
    if who in REFUSED:
        return status == REFUSED[who]
    if is_hidden(who, state):
        return status == 404
    return status in {403, 409, 422}
