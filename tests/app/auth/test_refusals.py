"""Refusals of a right in the journal: who, where and why, each once and never too many."""

from __future__ import annotations

import asyncio
import uuid
from io import BytesIO
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from app.audit.verification import verify_journal
from app.auth.principal import Permission, Role
from app.auth.refusals import REFUSED, TOLD_AT_MOST, UNTOLD
from app.context import Context
from app.demo.town import Town
from tests.app.conftest import ORIGIN, Client, PersonOf
from tests.builders.administration import said
from tests.builders.applications import application
from tests.builders.people import ApiPerson
from tests.builders.principals import (
    add_person,
    bearer,
    make_device,
    make_token,
    session_headers,
)
from tests.builders.towns import DrivenClock

Json = dict[str, Any]
UNTIL_TOLD_AGAIN = {"minutes": 61}
CLOSED = (
    *("/session", "/api-tokens", "/trust-anchors", "/journal", "/users", "/people"),
    *("/certificates", "/folders", "/folders/x", "/folders/x/notes", "/folders/x/history"),
    *("/folders/x/transmissions", "/folders/x/revisions/x/content", "/inbox", "/inbox/to_do"),
    *("/search", "/signature-sessions/x", "/agent/jobs/next", "/agent/jobs/x/items/1/document"),
    *("/transmissions", "/transmissions/x/receipts/x/content", "/configuration"),
    *("/configuration/templates", "/configuration/templates/x"),
)
"""More routes than a window tells, none for a program that only reads the catalogue."""


async def journal_of(context: Context, town: Town) -> list[Json]:
    """The entries that an auditor of the town exports, verified; not of how he came to be."""
    await add_person(context, town, "auditeur", Role.AUDITOR)
    headers = await session_headers(context, town, "auditeur")
    transport = httpx2.ASGITransport(app=application(context))
    async with httpx2.AsyncClient(transport=transport, base_url=f"{ORIGIN}/api/v1") as client:
        answer = await client.get("/journal", headers=headers)
    report = verify_journal(BytesIO(answer.content))
    assert report.ok, report.detail
    lines = [httpx2.Response(200, content=one).json() for one in answer.content.splitlines()]
    entries = [one["entry"] for one in lines[:-1]]
    return [one for one in entries if one["kind"] != "rows.changed"]


async def told(context: Context, town: Town) -> list[Json]:
    """What the journal says of refusals."""
    found = await journal_of(context, town)
    return [one for one in found if one["kind"] in {REFUSED, UNTOLD}]


def details(code: str, method: str, route: str) -> Json:
    return {"code": code, "method": method, "route": route}


async def rows_of(context: Context, town: Town) -> Json:
    """How many rows each table that the service reads has for the town, but the counts of
    refusals."""
    async with context.unit(town.tenant_id) as session:
        tables = await session.scalars(
            text(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public' "
                "AND has_table_privilege(format('%I.%I', schemaname, tablename), 'SELECT') "
                "AND tablename <> 'login_attempts'"
            )
        )
        return {
            table: await session.scalar(text(f"SELECT count(*) FROM {table}")) for table in tables
        }


class TestTold:
    async def test_threat_34_whoever_is_refused_a_permission_is_named(
        self, context: Context, town: Town, anonymous: Client
    ) -> None:
        person = await session_headers(context, town, "finances")
        token_id, token = await make_token(context, town, Permission.CATALOG_READ)
        agent = await make_device(context, town)
        answers = [
            await anonymous.get("/journal", headers=person),
            await anonymous.get("/inbox", headers=bearer(token)),
            await anonymous.get("/users", auth=agent),
        ]
        assert [said(one) for one in answers] == [(403, "forbidden")] * 3
        found = await told(context, town)
        assert [one["actor"] for one in found] == [
            {"kind": "person", "id": str(town.users["finances"])},
            {"kind": "program", "id": token_id},
            {"kind": "device", "id": agent.device},
        ]
        assert [one["details"] for one in found] == [
            details("forbidden", "GET", "/journal"),
            details("forbidden", "GET", "/inbox"),
            details("forbidden", "GET", "/users"),
        ]
        assert [(one["folder"], one["commitments"]) for one in found] == [(None, {})] * 3

    async def test_threat_34_an_act_without_the_power_is_told_and_leaves_no_other_trace(
        self, context: Context, town: Town, finances: ApiPerson, mayor: ApiPerson
    ) -> None:
        folder_id = await finances.submitted("letters")
        path = f"/folders/{folder_id}/actions"
        body = {"action": "approve", "desk_id": finances.desk, "step": "visa"}
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        before = await rows_of(context, town)
        for _ in range(2):
            answer = await finances.client.post(path, json=body, headers=headers)
            assert said(answer) == (403, "desk_not_concerned")
        after = await rows_of(context, town)
        grown = {table: after[table] - count for table, count in before.items()}
        assert {table: count for table, count in grown.items() if count} == {"audit_events": 1}
        (entry,) = await told(context, town)
        assert entry["folder"] == folder_id
        assert entry["details"] == details(
            "desk_not_concerned", "POST", "/folders/:folder_id/actions"
        )

    async def test_threat_33_a_folder_of_another_tenant_is_told_without_being_named(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        other_town: Town,
        person_of: PersonOf,
    ) -> None:
        foreign = await (await person_of(other_town, "finances")).submitted("letters")
        elsewhere = await journal_of(context, other_town)
        assert said(await finances.client.get(f"/folders/{foreign}")) == (404, "not_found")
        (entry,) = await told(context, town)
        assert entry["details"] == details("not_found", "GET", "/folders/:folder_id")
        assert foreign not in str(entry)
        assert await journal_of(context, other_town) == elsewhere

    async def test_threat_34_a_folder_that_one_does_not_read_is_named(
        self, context: Context, town: Town, finances: ApiPerson, anonymous: Client
    ) -> None:
        folder_id = await finances.submitted("letters")
        await add_person(context, town, "stranger")
        headers = await session_headers(context, town, "stranger")
        refused = await anonymous.get(f"/folders/{folder_id}/history", headers=headers)
        assert said(refused) == (404, "not_found")
        (entry,) = await told(context, town)
        assert entry["folder"] == folder_id
        assert entry["details"] == details("not_found", "GET", "/folders/:folder_id/history")

    @pytest.mark.parametrize("named", ["x", "%00", "' OR 1=1--"])
    async def test_threat_50_what_is_not_an_identifier_is_not_repeated(
        self, context: Context, town: Town, anonymous: Client, named: str
    ) -> None:
        _, token = await make_token(context, town, Permission.CATALOG_READ)
        answer = await anonymous.get(f"/folders/{named}", headers=bearer(token))
        assert said(answer) == (403, "forbidden")
        (entry,) = await told(context, town)
        assert entry["details"] == details("forbidden", "GET", "/folders/:folder_id")
        assert entry["folder"] is None

    async def test_threat_34_an_act_refused_among_others_is_told_once_even_if_asked_again(
        self, context: Context, town: Town, finances: ApiPerson, clock: DrivenClock
    ) -> None:
        folder_id = await finances.submitted("letters")
        act = {"action": "approve", "desk_id": finances.desk, "step": "visa"}
        asked = {"items": [{"folder_id": folder_id, "act": act}]}
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        first = await finances.client.post("/folder-actions", json=asked, headers=headers)
        clock.advance(minutes=29)
        assert (await finances.client.get("/session")).status_code == 200
        clock.advance(minutes=29)
        assert (await finances.client.get("/session")).status_code == 200
        clock.advance(minutes=1)
        again = await finances.client.post("/folder-actions", json=asked, headers=headers)
        assert first.json() == again.json()
        assert first.json()["outcomes"][0]["code"] == "desk_not_concerned"
        (entry,) = await told(context, town)
        assert entry["folder"] == folder_id
        assert entry["details"] == details("desk_not_concerned", "POST", "/folder-actions")

    async def test_threat_33_a_folder_that_no_circuit_brings_is_told_as_well(
        self, context: Context, town: Town, administrator: ApiPerson
    ) -> None:
        (workflow, *_) = (await administrator.client.get("/workflows")).json()
        answer = await administrator.client.post(
            f"/workflows/{workflow['id']}/versions/1/migrations",
            json={"folder_ids": [str(uuid.uuid4())]},
        )
        assert [one["code"] for one in answer.json()] == ["not_found"]
        (entry,) = await told(context, town)
        assert entry["details"]["code"] == "not_found"

    async def test_what_speaks_of_no_right_or_of_nobody_is_not_told(
        self, context: Context, town: Town, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        folder_id = await finances.submitted("letters")
        answers = [
            await finances.client.get("/nowhere"),
            await finances.client.get("/folders/x"),
            await finances.submit(folder_id),
            await direction.act(folder_id, "reject", step="visa", reason=""),
            await finances.client.delete("/session", headers={"Origin": "http://other.test"}),
            await finances.client.get("/users", headers=bearer("pph_unknown")),
        ]
        assert [said(one) for one in answers] == [
            (404, "http_404"),
            (422, "invalid_request"),
            (409, "not_resubmittable"),
            (422, "reason_missing"),
            (403, "other_origin"),
            (401, "unauthenticated"),
        ]
        assert await told(context, town) == []


class TestBounds:
    async def test_threat_48_the_same_refusal_is_told_once_in_an_hour(
        self, context: Context, town: Town, anonymous: Client, clock: DrivenClock
    ) -> None:
        _, token = await make_token(context, town, Permission.CATALOG_READ)
        paths = [f"/folders/{uuid.uuid4()}" for _ in range(3)]
        for path in paths:
            assert (await anonymous.get(path, headers=bearer(token))).status_code == 403
        assert len(await told(context, town)) == 1
        clock.advance(**UNTIL_TOLD_AGAIN)
        for path in paths:
            assert (await anonymous.get(path, headers=bearer(token))).status_code == 403
        assert len(await told(context, town)) == 2

    async def test_threat_48_at_the_same_instant_it_is_told_once(
        self, context: Context, town: Town
    ) -> None:
        _, token = await make_token(context, town, Permission.CATALOG_READ)

        async def ask() -> int:
            transport = httpx2.ASGITransport(app=application(context))
            base = f"{ORIGIN}/api/v1"
            async with httpx2.AsyncClient(transport=transport, base_url=base) as client:
                return (await client.get("/folders", headers=bearer(token))).status_code

        assert await asyncio.gather(*(ask() for _ in range(8))) == [403] * 8
        assert len(await told(context, town)) == 1

    async def test_threat_48_different_ones_are_told_up_to_a_number(
        self, context: Context, town: Town, anonymous: Client, clock: DrivenClock
    ) -> None:
        _, token = await make_token(context, town, Permission.CATALOG_READ)
        _, other = await make_token(context, town, Permission.CATALOG_READ)

        answers = [await anonymous.get(path, headers=bearer(token)) for path in CLOSED]
        assert {one.status_code for one in answers} == {403}
        found = await told(context, town)
        assert [one["kind"] for one in found] == [*[REFUSED] * TOLD_AT_MOST, UNTOLD]
        assert found[-1]["details"] == {"told": TOLD_AT_MOST, "window_s": 3600}
        await anonymous.get("/folders", headers=bearer(other))
        assert len(await told(context, town)) == TOLD_AT_MOST + 2
        clock.advance(**UNTIL_TOLD_AGAIN)
        await anonymous.get("/folders", headers=bearer(token))
        assert len(await told(context, town)) == TOLD_AT_MOST + 3

    async def test_a_refusal_that_the_journal_does_not_take_stands_and_is_told_later(
        self, context: Context, town: Town, finances: ApiPerson
    ) -> None:
        await finances.create("letters")
        move = "UPDATE audit_heads SET count = count {} 1"
        async with context.unit(town.tenant_id) as session:
            await session.execute(text(move.format("-")))
        assert said(await finances.client.get("/users")) == (403, "forbidden")
        async with context.unit(town.tenant_id) as session:
            await session.execute(text(move.format("+")))
        assert await told(context, town) == []
        assert said(await finances.client.get("/users")) == (403, "forbidden")
        assert len(await told(context, town)) == 1
