"""Whoever changes what gives power, or the catalog, waits for the acts that have read it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from app.auth.principal import Permission
from app.catalog.folder_subtypes import delete_subtype
from app.context import Context
from app.register.service import load_register
from tests.builders.administration import a_grant, be_away, give, hold, made, said
from tests.builders.catalog import active, bound, draw, make_type, visa
from tests.builders.ledgers import eventually
from tests.builders.people import ApiPerson
from tests.builders.principals import add_person, make_token

Request = tuple[str, str, dict[str, Any] | str | None]
Change = Callable[[ApiPerson, Context], Awaitable[Request]]
_WAITING = text(
    "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database "
    "WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted"
)


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
        asked = await _made_to_wait(context, finances, ("POST", "/folders", body))
    assert said(await asked) == (422, "unknown_subtype")


async def _waits_for_acts(context: Context, by: ApiPerson, request: Request) -> None:
    async with context.unit(by.town.tenant_id) as act:
        await load_register(act)
        asked = await _made_to_wait(context, by, request)
    answer = await asked
    assert not answer.is_error, answer.text


async def _made_to_wait(
    context: Context, by: ApiPerson, request: Request
) -> asyncio.Future[httpx2.Response]:
    """What is asked and not answered: the lock is another's."""
    method, path, body = request
    sent = {"content": body} if isinstance(body, str) else {"json": body}
    asked = asyncio.ensure_future(by.client.request(method, path, **sent))

    async def waits_or_was_answered() -> bool:
        async with context.unit() as session:
            return asked.done() or bool(await session.scalar(_WAITING))

    assert await eventually(waits_or_was_answered)
    assert not asked.done(), asked.result().text
    return asked
