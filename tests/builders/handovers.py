"""Plans of a council installation, and what became of the folders, in a few words."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import text

from app.context import Context
from tests.builders.administration import made
from tests.builders.people import ApiPerson

PATH = "/council-installations"


def a_plan(*offices: dict[str, Any]) -> dict[str, Any]:
    return {"label": "Installation du conseil", "offices": list(offices)}


def an_office(by: ApiPerson, desk: str, **more: Any) -> dict[str, Any]:
    """Its holder leaves."""
    town = by.town
    return {
        "desk_id": str(town.desks[desk]),
        "outgoing_id": str(town.users[desk]),
        **{
            key: value.isoformat() if isinstance(value, datetime) else value
            for key, value in more.items()
        },
    }


async def applied_plan(by: ApiPerson, office: dict[str, Any]) -> str:
    """The address of a plan that counts at its instants."""
    plan = made(await by.client.post(PATH, json=a_plan(office)))
    made(await by.client.post(f"{PATH}/{plan['id']}/apply"))
    return f"{PATH}/{plan['id']}"


async def waiting_desk(by: ApiPerson, folder_id: str) -> list[str]:
    found: list[str] = (await by.read(folder_id))["waiting_desk_ids"]
    return found


async def journal_kinds(context: Context, by: ApiPerson) -> list[str]:
    async with context.unit(by.town.tenant_id) as session:
        return list(await session.scalars(text("SELECT kind FROM audit_events ORDER BY seq")))


async def mailed(context: Context, by: ApiPerson, folder_id: str, kind: str) -> list[str]:
    """Who is owed such a mail about the folder, once for each mail."""
    async with context.unit(by.town.tenant_id) as session:
        found = await session.scalars(
            text("SELECT user_id FROM notifications WHERE folder_id = :id AND kind = :kind"),
            {"id": folder_id, "kind": kind},
        )
        keys = {user: key for key, user in by.town.users.items()}
        return sorted(keys[one] for one in found)
