"""Whoever changes what gives power, or the catalog, waits for the acts that have read it."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from app.auth.principal import Permission
from app.catalog.folder_subtypes import delete_subtype
from app.catalog.workflows import activate as put_in_force
from app.context import Context
from app.desks.schemas import DeskCreate, DeskUpdate
from app.desks.service import create_desk, update_desk
from app.models import Folder, WorkflowVersion
from app.register.service import load_register
from tests.builders.administration import a_grant, be_away, give, hold, made, said
from tests.builders.catalog import active, bound, draw, make_type, visa
from tests.builders.people import ApiPerson
from tests.builders.principals import add_person, make_token
from tests.builders.towns import a_signer
from tests.builders.waiting import Request, made_to_wait

Change = Callable[[ApiPerson, Context], Awaitable[Request]]


async def _grant(by: ApiPerson, _: Context) -> Request:
    return "POST", "/grants", a_grant(by, "maire", "direction")


async def _repeal(by: ApiPerson, _: Context) -> Request:
    grant = await give(by, "maire", "direction")
    return "POST", f"/grants/{grant['id']}/repeal", None


async def _grant_executory(by: ApiPerson, context: Context) -> Request:
    grant = await give(by, "maire", "direction", executory_at=None)
    path = f"/grants/{grant['id']}"
    return "PATCH", path, {"executory_at": context.clock().isoformat()}


async def _absence(by: ApiPerson, _: Context) -> Request:
    return "POST", "/absences", {"user_id": str(by.town.users["maire"]), "period": {}}


async def _absence_ended(by: ApiPerson, _: Context) -> Request:
    absence = await be_away(by, "maire")
    return "PATCH", f"/absences/{absence['id']}", {"ends_now": True}


async def _absence_withdrawn(by: ApiPerson, context: Context) -> Request:
    absence = await be_away(by, "maire", period={"starts_at": _tomorrow(context)})
    return "DELETE", f"/absences/{absence['id']}", None


async def _holder(by: ApiPerson, _: Context) -> Request:
    path = f"/desks/{by.town.desks['maire']}/holders"
    return "POST", path, {"user_id": str(by.town.users["direction"])}


async def _holder_ended(by: ApiPerson, context: Context) -> Request:
    desk = await hold(by, "maire", "direction")
    person = str(by.town.users["direction"])
    (held,) = (one for one in desk["holders"] if one["user_id"] == person)
    path = f"/desks/{desk['id']}/holders/{held['id']}"
    return "PATCH", path, {"ends_at": _tomorrow(context)}


async def _staff(by: ApiPerson, _: Context) -> Request:
    body = {"user_id": str(by.town.users["finances"]), "role": "assistant"}
    return "POST", f"/desks/{by.town.desks['maire']}/staff", body


async def _staff_removed(by: ApiPerson, context: Context) -> Request:
    method, path, body = await _staff(by, context)
    (member,) = made(await by.client.request(method, path, json=body))["staff"]
    return "DELETE", f"{path}/{member['id']}", None


async def _mandate(by: ApiPerson, _: Context) -> Request:
    person = str(by.town.users["maire"])
    mandate = {"body": "Conseil municipal", "function": "Maire", "starts_on": "2026-01-01"}
    return "POST", "/mandates", {"user_id": person, **mandate}


async def _mandate_changed(by: ApiPerson, context: Context) -> Request:
    method, path, body = await _mandate(by, context)
    mandate = made(await by.client.request(method, path, json=body))
    return "PATCH", f"{path}/{mandate['id']}", {"ends_on": "2026-06-30"}


async def _trust(_: ApiPerson, __: Context) -> Request:
    content = base64.b64encode(a_signer().mayor.der).decode()
    return "POST", "/trust-anchors", {"kind": "intermediate", "label": "AC", "content": content}


async def _desk(by: ApiPerson, _: Context) -> Request:
    return "PATCH", f"/desks/{by.town.desks['maire']}", {"gender": "feminine"}


async def _desk_deleted(by: ApiPerson, _: Context) -> Request:
    desk = made(await by.client.post("/desks", json={"name": "Archives"}))
    return "DELETE", f"/desks/{desk['id']}", None


async def _account(by: ApiPerson, _: Context) -> Request:
    return "PATCH", f"/users/{by.town.users['direction']}", {"is_active": False}


async def _mention(by: ApiPerson, _: Context) -> Request:
    return "PATCH", "/tenant", {"mentions": {"interim": "{Le_titre} par intérim"}}


async def _council_installed(by: ApiPerson, context: Context) -> Request:
    return "POST", f"{await _council(by, context)}/apply", None


async def _council_cancelled(by: ApiPerson, context: Context) -> Request:
    council = await _council(by, context)
    made(await by.client.post(f"{council}/apply"))
    return "POST", f"{council}/cancel", None


async def _council(by: ApiPerson, context: Context) -> str:
    """A council to install soon, one office of which changes hands; its path."""
    await add_person(context, by.town, "elue")
    office = {
        "desk_id": str(by.town.desks["maire"]),
        "outgoing_id": str(by.town.users["maire"]),
        "incoming_id": str(by.town.users["elue"]),
        "starts_at": (context.clock() + timedelta(minutes=10)).isoformat(),
    }
    body = {"label": "Installation", "offices": [office]}
    council = made(await by.client.post("/council-installations", json=body))
    return f"/council-installations/{council['id']}"


async def _token(by: ApiPerson, context: Context) -> Request:
    expires_at = (context.clock() + timedelta(days=30)).isoformat()
    body = {"label": "Logiciel", "verbs": ["folder_deposit"], "expires_at": expires_at}
    return "POST", "/api-tokens", body | {"desk_ids": [str(by.town.desks["finances"])]}


async def _token_revoked(by: ApiPerson, context: Context) -> Request:
    token_id, _ = await make_token(context, by.town, Permission.FOLDER_DEPOSIT)
    return "DELETE", f"/api-tokens/{token_id}", None


async def _configuration(by: ApiPerson, _: Context) -> Request:
    person = by.town.logins["maire"]
    return "POST", "/configuration/apply", f"version: 1\nabsences:\n  - person: {person}\n"


async def _type_changed(by: ApiPerson, _: Context) -> Request:
    kind = made(await make_type(by, "NONE"))
    return "PATCH", f"/folder-types/{kind['id']}", {"transmit_within_days": None}


async def _type_deleted(by: ApiPerson, _: Context) -> Request:
    return "DELETE", f"/folder-types/{made(await make_type(by, 'NONE'))['id']}", None


async def _subtype_changed(by: ApiPerson, _: Context) -> Request:
    return "PATCH", await _subtype(by), {"mandatory_reading": True}


async def _subtype_deleted(by: ApiPerson, _: Context) -> Request:
    return "DELETE", await _subtype(by), None


async def _subtype(by: ApiPerson) -> str:
    workflow_id = await active(by, visa(by.town))
    return f"/folder-subtypes/{await bound(by, workflow_id)}"


async def _workflow_version(by: ApiPerson, _: Context) -> Request:
    return "POST", f"{await _workflow(by)}/versions", {"steps": [visa(by.town)]}


async def _workflow_activated(by: ApiPerson, _: Context) -> Request:
    return "POST", f"{await _workflow(by)}/versions/1/activate", None


async def _workflow_deleted(by: ApiPerson, _: Context) -> Request:
    return "DELETE", await _workflow(by), None


async def _workflow(by: ApiPerson) -> str:
    return f"/workflows/{made(await draw(by, visa(by.town)))['id']}"


def _tomorrow(context: Context) -> str:
    return (context.clock() + timedelta(days=1)).isoformat()


@pytest.mark.parametrize(
    "change",
    [
        _grant,
        _grant_executory,
        _repeal,
        _absence,
        _absence_ended,
        _absence_withdrawn,
        _holder,
        _holder_ended,
        _staff,
        _staff_removed,
        _mandate,
        _mandate_changed,
        _trust,
        _desk,
        _desk_deleted,
        _account,
        _mention,
        _council_installed,
        _council_cancelled,
        _token,
        _token_revoked,
        _configuration,
    ],
    ids=lambda change: change.__name__.strip("_"),
)
async def test_threat_36_whoever_changes_powers_waits_for_the_acts_that_read_them(
    context: Context, administrator: ApiPerson, change: Change
) -> None:
    await _waits_for_acts(context, administrator, await change(administrator, context))


@pytest.mark.parametrize(
    "change",
    [
        _type_changed,
        _type_deleted,
        _subtype_changed,
        _subtype_deleted,
        _workflow_version,
        _workflow_activated,
        _workflow_deleted,
    ],
    ids=lambda change: change.__name__.strip("_"),
)
async def test_whoever_changes_the_catalog_waits_for_what_reads_it_before_locking_any_of_it(
    context: Context, administrator: ApiPerson, change: Change
) -> None:
    await _waits_for_acts(context, administrator, await change(administrator, context))


async def test_no_folder_is_made_in_a_subtype_that_is_being_deleted(
    context: Context, administrator: ApiPerson, finances: ApiPerson
) -> None:
    subtype_id = (await _subtype(administrator)).rpartition("/")[2]
    body = finances.draft("letters", subtype_id=subtype_id)
    async with context.unit(finances.town.tenant_id) as session:
        await delete_subtype(session, uuid.UUID(subtype_id))
        asked = await made_to_wait(context, finances.client, ("POST", "/folders", body))
    assert said(await asked) == (422, "unknown_subtype")


async def _circuit_to_replace(by: ApiPerson, desk_id: str) -> uuid.UUID:
    """The circuit of the subtype « essai », with a visa of this desk; its second version, which is
    not in force yet, gives the visa to the mayor."""
    workflow_id = await active(by, visa(by.town, desk_ids=[desk_id]))
    by.town.subtypes["essai"] = uuid.UUID(await bound(by, workflow_id))
    steps = [visa(by.town, desk_ids=[str(by.town.desks["maire"])])]
    made(await by.client.post(f"/workflows/{workflow_id}/versions", json={"steps": steps}))
    return uuid.UUID(workflow_id)


@pytest.mark.parametrize("sent_before", [False, True], ids=["a draft", "what came back"])
async def test_a_folder_enters_the_circuit_in_force_when_its_turn_comes(
    context: Context,
    administrator: ApiPerson,
    finances: ApiPerson,
    direction: ApiPerson,
    *,
    sent_before: bool,
) -> None:
    """The circuit is replaced, and its desk put out of use, while the folder is being sent."""
    desk = made(await administrator.client.post("/desks", json={"name": "Archives"}))
    administrator.town.desks["archives"] = uuid.UUID(desk["id"])
    await hold(administrator, "archives", "direction")
    workflow_id = await _circuit_to_replace(
        administrator, direction.desk if sent_before else desk["id"]
    )
    folder_id = await finances.deposited("essai")
    if sent_before:
        made(await finances.submit(folder_id))
        made(await direction.act(folder_id, "reject", step="visa", reason="Pièce absente"))
    async with context.unit(administrator.town.tenant_id) as session:
        await put_in_force(session, workflow_id, 2, now=context.clock())
        await update_desk(session, uuid.UUID(desk["id"]), DeskUpdate(is_active=False))
        sending = ("POST", f"/folders/{folder_id}/submit?desk_id={finances.desk}", None)
        asked = await made_to_wait(context, finances.client, sending)
    made(await asked)
    (waiting,) = (await finances.read(folder_id))["waiting_desk_ids"]
    assert waiting == str(administrator.town.desks["maire"])


async def test_the_version_put_in_force_last_is_in_force_whoever_read_his_clock_first(
    context: Context, administrator: ApiPerson, finances: ApiPerson
) -> None:
    workflow_id = await _circuit_to_replace(administrator, str(administrator.town.desks["maire"]))
    async with context.unit(administrator.town.tenant_id) as session:
        later = context.clock() + timedelta(seconds=2)
        await put_in_force(session, workflow_id, 2, now=later)
        path = f"/workflows/{workflow_id}/versions/1/activate"
        asked = await made_to_wait(context, administrator.client, ("POST", path, None))
    made(await asked)
    folder_id = await finances.submitted("essai")
    async with context.unit(administrator.town.tenant_id) as session:
        folder = await session.get_one(Folder, uuid.UUID(folder_id))
        version = await session.get_one(WorkflowVersion, folder.workflow_version_id)
    assert version.number == 1


async def test_a_configuration_is_exported_as_one_state(
    context: Context, administrator: ApiPerson
) -> None:
    async with context.unit(administrator.town.tenant_id) as session:
        await create_desk(session, DeskCreate(name="Archives"))
        asked = await made_to_wait(context, administrator.client, ("GET", "/configuration", None))
    assert "Archives" in (await asked).text


async def test_a_trial_of_a_configuration_is_judged_upon_what_stands_when_its_turn_comes(
    context: Context, administrator: ApiPerson
) -> None:
    trial = ("POST", "/configuration/dry-run", "version: 1\ndesks:\n  - name: Archives\n")
    async with context.unit(administrator.town.tenant_id) as session:
        await create_desk(session, DeskCreate(name="Archives"))
        asked = await made_to_wait(context, administrator.client, trial)
    plan = made(await asked)
    assert (plan["valid"], plan["faults"], plan["changes"]) == (True, [], [])


async def _waits_for_acts(context: Context, by: ApiPerson, request: Request) -> None:
    async with context.unit(by.town.tenant_id) as act:
        await load_register(act)
        asked = await made_to_wait(context, by.client, request)
    answer = await asked
    assert not answer.is_error, answer.text
