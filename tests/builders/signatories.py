"""Somebody whose agent signs, and the folders that come to his signature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.builders.people import ApiPerson, approved
from tests.builders.signing_agents import SigningAgent, open_session

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Signatory:
    """Finances deposits, the direction approves, this person signs with a paired agent."""

    person: ApiPerson
    agent: SigningAgent
    finances: ApiPerson
    direction: ApiPerson

    async def approved(self, subtype: str = "acts") -> str:
        """A folder that waits for his signature; its id."""
        return await approved(self.finances, self.direction, subtype)

    async def open(self, *folder_ids: str) -> Json:
        """His signature session over these folders; a job waits for his agent."""
        return await open_session(self.person, self.agent.issued, *folder_ids)

    async def offered(self, subtype: str = "acts") -> str:
        """A folder that a job offers to his agent; its id."""
        folder_id = await self.approved(subtype)
        await self.open(folder_id)
        return folder_id

    async def signed(self, subtype: str = "acts") -> str:
        """A folder that his agent has signed; its id."""
        folder_id = await self.offered(subtype)
        await self.agent.sign()
        return folder_id

    async def items(self, opened: Json) -> list[Json]:
        """What has become of the documents of that session."""
        answer = await self.person.client.get(f"/signature-sessions/{opened['id']}")
        return list(answer.json()["items"])

    async def resume(self, opened: Json) -> Json:
        """That session offers a job again."""
        answer = await self.person.client.post(f"/signature-sessions/{opened['id']}/resume")
        found: Json = answer.json()
        return found


def newest(folder: Json, n: int = 0) -> Json:
    """The last revision of a document."""
    found: Json = folder["documents"][n]["revisions"][-1]
    return found
