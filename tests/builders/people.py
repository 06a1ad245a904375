"""Somebody of a town, speaking to the API from his desk, in a few words."""

from __future__ import annotations

import functools
import itertools
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2

from app.context import Context
from app.demo.acts import deliberation
from app.demo.flows import Flow, make_pes
from app.demo.town import Town
from tests.builders.arrivals import principal_of, put_pdf

PDF, XML = "application/pdf", "application/xml"
_NUMBERS = itertools.count(1)


def an_act() -> dict[str, Any]:
    """What legality control needs, under a number of its own."""
    return {
        "number": f"2026_{next(_NUMBERS):06d}",
        "decided_on": "2026-01-15",
        "nature_code": 1,
        "classification": [7, 1],
        "type_code": "99_DE",
        "subject": "Budget primitif",
    }


def a_flow(**overrides: Any) -> bytes:
    """A fictional PES under a NomFic of its own."""
    return make_pes(Flow(**{"number": next(_NUMBERS), **overrides}))


def body_of(subtype: str) -> tuple[bytes, str]:
    """A document that this subtype takes, with its type."""
    if "flows" in subtype or subtype == "attachments":
        return a_flow(), XML
    return _act(), PDF


@functools.cache
def _act() -> bytes:
    return deliberation()


@dataclass(frozen=True, slots=True)
class ApiPerson:
    """A signed-in person; each method is one request."""

    context: Context
    client: httpx2.AsyncClient
    town: Town
    key: str

    @property
    def desk(self) -> str:
        return str(self.town.desks[self.key])

    def draft(self, subtype: str, **overrides: Any) -> dict[str, Any]:
        """The body that creates a folder."""
        body: dict[str, Any] = {
            "subtype_id": str(self.town.subtypes[subtype]),
            "desk_id": self.desk,
            "title": "Dossier d'essai",
        }
        if subtype == "acts":
            body["act"] = an_act()
        return body | overrides

    async def create(self, subtype: str = "acts", **overrides: Any) -> str:
        """A draft; its id."""
        answer = await self.client.post("/folders", json=self.draft(subtype, **overrides))
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def upload(
        self,
        folder_id: str,
        content: bytes | AsyncIterator[bytes],
        media_type: str = PDF,
        *,
        role: str = "main_document",
        headers: dict[str, str] | None = None,
    ) -> httpx2.Response:
        return await self.client.post(
            f"/folders/{folder_id}/documents",
            params={"name": "document d'essai", "role": role},
            content=content,
            headers={"Content-Type": media_type, **(headers or {})},
        )

    async def submit(self, folder_id: str, **headers: str) -> httpx2.Response:
        return await self.client.post(
            f"/folders/{folder_id}/submit", params={"desk_id": self.desk}, headers=headers
        )

    async def act(self, folder_id: str, action: str, **more: Any) -> httpx2.Response:
        desk_id = more.pop("desk_id", None) or self.desk
        body = {"action": action, "desk_id": desk_id, **more}
        return await self.client.post(f"/folders/{folder_id}/actions", json=body)

    async def read(self, folder_id: str) -> dict[str, Any]:
        answer = await self.client.get(f"/folders/{folder_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def history(self, folder_id: str) -> list[dict[str, Any]]:
        answer = await self.client.get(f"/folders/{folder_id}/history")
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()
        return found

    async def content(self, folder_id: str, revision: dict[str, Any]) -> bytes:
        answer = await self.client.get(f"/folders/{folder_id}/revisions/{revision['id']}/content")
        assert answer.status_code == 200, answer.text
        return answer.content

    async def deposited(self, subtype: str = "acts", *contents: bytes) -> str:
        """A draft with its documents, not submitted; its id. The usual PDF is put there by the
        service; other documents are sent."""
        folder_id = await self.create(subtype)
        default, media_type = body_of(subtype)
        if media_type == PDF and not contents:
            submitter = principal_of(self.town, self.key)
            await put_pdf(self.context, submitter, uuid.UUID(folder_id), default)
            return folder_id
        for content in contents or (default,):
            answer = await self.upload(folder_id, content, media_type)
            assert answer.status_code == 201, answer.text
        return folder_id

    async def submitted(self, subtype: str = "acts", *contents: bytes) -> str:
        """A folder in its circuit, waiting for the visa; its id."""
        folder_id = await self.deposited(subtype, *contents)
        answer = await self.submit(folder_id)
        assert answer.status_code == 200, answer.text
        return folder_id


async def approved(submitter: ApiPerson, approver: ApiPerson, subtype: str = "acts") -> str:
    """A folder past its visa, waiting for the signature; its id."""
    folder_id = await submitter.submitted(subtype)
    await approve(approver, folder_id)
    return folder_id


async def approve(approver: ApiPerson, folder_id: str) -> None:
    """Passes the visa."""
    answer = await approver.act(folder_id, "approve", step="visa")
    assert answer.status_code == 200, answer.text


async def revise(person: ApiPerson, folder_id: str, content: bytes) -> None:
    """A corrected flow in the place of the first document."""
    document = (await person.read(folder_id))["documents"][0]["id"]
    answer = await person.client.post(
        f"/folders/{folder_id}/documents/{document}/revisions",
        params={"name": "corrigé"},
        content=content,
        headers={"Content-Type": XML},
    )
    assert answer.status_code == 201, answer.text


async def chained(person: ApiPerson, folder_id: str, subtype: str) -> str:
    """A folder of that subtype, which follows an ended one; its id."""
    target = {"subtype_id": str(person.town.subtypes[subtype]), "desk_id": person.desk}
    made = await person.client.post(f"/folders/{folder_id}/chain", json=target)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def counters(person: ApiPerson) -> dict[str, int]:
    """How long each list of the inbox says that it is."""
    answer = (await person.client.get("/inbox")).json()["counters"]
    return {one["list"]: one["count"] for one in answer}
