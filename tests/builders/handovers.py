"""Plans of a council installation, and where the folders wait, in a few words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

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


@dataclass(frozen=True, slots=True)
class Election:
    """Somebody is elected, and comes to an office at that instant."""

    administrator: ApiPerson
    elected: str
    instant: datetime

    def office(self, desk: str, **more: Any) -> dict[str, Any]:
        """Its holder leaves for who is elected."""
        coming = {"incoming_id": self.elected, "starts_at": self.instant}
        return an_office(self.administrator, desk, **coming | more)

    async def plan(self, desk: str, **more: Any) -> dict[str, Any]:
        """A plan of that office, not applied."""
        body = a_plan(self.office(desk, **more))
        return made(await self.administrator.client.post(PATH, json=body))

    async def apply(self, desk: str, **more: Any) -> str:
        """The address of such a plan, which counts at its instants."""
        return await applied_plan(self.administrator, self.office(desk, **more))
