"""API tokens: shown once, kept as keyed hash, bound to verbs, desks, time and tenant."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from app.auth.principal import Permission
from app.auth.service import principal_of_token
from app.context import Context
from app.demo.town import Town
from app.kit.clock import in_journal
from tests.app.auth.conftest import ClientAt
from tests.app.conftest import Client
from tests.builders.people import ApiPerson
from tests.builders.principals import bearer, make_token
from tests.builders.towns import DrivenClock
from tests.builders.traces import journal_kinds

DEPOSIT, READ, CATALOG = (
    Permission.FOLDER_DEPOSIT,
    Permission.FOLDER_READ,
    Permission.CATALOG_READ,
)


def body(administrator: ApiPerson, clock: DrivenClock, **overrides: Any) -> dict[str, Any]:
    return {
        "label": "Logiciel de finances",
        "desk_ids": [str(administrator.town.desks["finances"])],
        "verbs": ["folder_read", "catalog_read"],
        "expires_at": (clock() + timedelta(days=30)).isoformat(),
        **overrides,
    }


async def dump(context: Context, town: Town) -> str:
    """Every row of every table that the tenant or nobody owns and the service reads, as text."""
    async with context.unit(town.tenant_id) as session:
        tables = await session.scalars(
            text(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public' "
                "AND has_table_privilege(format('%I.%I', schemaname, tablename), 'SELECT')"
            )
        )
        texts = [
            await session.scalar(text(f"SELECT string_agg(row::text, ' ') FROM {table} row"))
            for table in tables
        ]
        bodies = await session.scalar(
            text("SELECT string_agg(encode(body, 'escape'), ' ') FROM idempotency_keys")
        )
    return " ".join(one for one in [*texts, bodies] if one)


class TestIssue:
    async def test_the_value_opens_what_its_verbs_say(
        self, administrator: ApiPerson, anonymous: Client, clock: DrivenClock
    ) -> None:
        made = await administrator.client.post("/api-tokens", json=body(administrator, clock))
        read = await anonymous.get("/tenant", headers=bearer(made.json()["value"]))
        assert (made.status_code, read.status_code) == (201, 200)

    async def test_the_value_is_shown_once(
        self, administrator: ApiPerson, clock: DrivenClock
    ) -> None:
        made = await administrator.client.post("/api-tokens", json=body(administrator, clock))
        listed = await administrator.client.get("/api-tokens")
        assert made.json()["id"] in {one["id"] for one in listed.json()}
        assert made.json()["value"] not in listed.text

    async def test_threat_41_the_value_stands_nowhere_in_the_database(
        self, context: Context, administrator: ApiPerson, clock: DrivenClock
    ) -> None:
        made = await administrator.client.post("/api-tokens", json=body(administrator, clock))
        kept = await dump(context, administrator.town)
        assert made.json()["id"] in kept
        assert made.json()["value"] not in kept

    async def test_threat_41_nor_is_it_kept_for_a_repeated_request(
        self, context: Context, administrator: ApiPerson, clock: DrivenClock
    ) -> None:
        sent = body(administrator, clock)
        headers = {"Idempotency-Key": "finances-1"}
        made = await administrator.client.post("/api-tokens", json=sent, headers=headers)
        again = await administrator.client.post("/api-tokens", json=sent, headers=headers)
        assert made.json()["value"] not in await dump(context, administrator.town)
        assert (again.status_code, again.json()["code"]) == (409, "already_done")

    @pytest.mark.parametrize(
        ("overrides", "code"),
        [
            ({"verbs": ["folder_sign"]}, "unknown_verb"),
            ({"verbs": ["folder_read", "token_admin"]}, "unknown_verb"),
            ({"verbs": ["folder_act"]}, "unknown_verb"),
            ({"verbs": []}, "invalid_request"),
            ({"desk_ids": []}, "invalid_request"),
            ({"desk_ids": ["00000000-0000-4000-8000-000000000000"]}, "unknown_desk"),
            ({"expires_at": "2020-01-01T00:00:00Z"}, "expiry_in_the_past"),
            ({"expires_at": "2099-01-01T00:00:00"}, "invalid_request"),
            ({"expires_at": None}, "invalid_request"),
        ],
    )
    async def test_threat_49_a_token_without_bounds_is_not_made(
        self,
        administrator: ApiPerson,
        clock: DrivenClock,
        overrides: dict[str, Any],
        code: str,
    ) -> None:
        answer = await administrator.client.post(
            "/api-tokens", json=body(administrator, clock, **overrides)
        )
        assert (answer.status_code, answer.json()["code"]) == (422, code)

    async def test_threat_33_a_desk_of_another_tenant_is_unknown(
        self, administrator: ApiPerson, other_town: Town, clock: DrivenClock
    ) -> None:
        foreign = body(administrator, clock, desk_ids=[str(other_town.desks["finances"])])
        answer = await administrator.client.post("/api-tokens", json=foreign)
        assert (answer.status_code, answer.json()["code"]) == (422, "unknown_desk")

    async def test_issuing_and_revoking_are_journaled(
        self, administrator: ApiPerson, clock: DrivenClock
    ) -> None:
        made = await administrator.client.post("/api-tokens", json=body(administrator, clock))
        await administrator.client.delete(f"/api-tokens/{made.json()['id']}")
        assert (await journal_kinds(administrator))[-2:] == ["token.issued", "token.revoked"]
        exported = (await administrator.client.get("/journal")).text.splitlines()
        issued = json.loads(next(one for one in exported if "token.issued" in one))
        token = made.json()
        expires_at = in_journal(datetime.fromisoformat(token["expires_at"]))
        verbs = "/".join(token["verbs"])
        assert issued["entry"]["details"] == {
            "token": token["id"],
            "verbs": verbs,
            "expires_at": expires_at,
        }
        assert issued["values"]["desks"]["value"].split() == token["desk_ids"]


class TestUse:
    async def test_the_program_is_of_the_tenant_and_of_the_desks_of_its_token(
        self, context: Context, town: Town
    ) -> None:
        _, value = await make_token(context, town, READ, desk="direction")
        principal = await principal_of_token(context, value)
        assert (principal.tenant_id, principal.desk_ids, principal.user_id) == (
            town.tenant_id,
            frozenset({town.desks["direction"]}),
            None,
        )

    async def test_threat_49_it_deposits_from_its_own_desks_only(
        self, context: Context, town: Town, finances: ApiPerson, anonymous: Client
    ) -> None:
        _, value = await make_token(context, town, DEPOSIT, desk="direction")
        draft = finances.draft("letters")
        answer = await anonymous.post("/folders", json=draft, headers=bearer(value))
        assert answer.status_code == 403

    async def test_threat_49_it_reads_the_folders_of_its_own_desks_only(
        self, context: Context, town: Town, finances: ApiPerson, anonymous: Client
    ) -> None:
        folder_id = await finances.create("letters")
        _, own = await make_token(context, town, READ, desk="finances")
        _, other = await make_token(context, town, READ, desk="maire")
        statuses = [
            (await anonymous.get(f"/folders/{folder_id}", headers=bearer(value))).status_code
            for value in (own, other)
        ]
        assert statuses == [200, 404]

    async def test_threat_49_it_ends_at_its_hour(
        self, context: Context, town: Town, anonymous: Client, clock: DrivenClock
    ) -> None:
        _, value = await make_token(context, town, CATALOG, days=1)
        clock.advance(days=1, seconds=-1)
        before = await anonymous.get("/tenant", headers=bearer(value))
        clock.advance(seconds=1)
        after = await anonymous.get("/tenant", headers=bearer(value))
        assert (before.status_code, after.status_code) == (200, 401)

    async def test_threat_49_revoked_it_is_unknown_from_the_next_request(
        self, context: Context, administrator: ApiPerson, town: Town, anonymous: Client
    ) -> None:
        token_id, value = await make_token(context, town, CATALOG)
        revoked = await administrator.client.delete(f"/api-tokens/{token_id}")
        answer = await anonymous.get("/tenant", headers=bearer(value))
        assert revoked.json()["revoked_at"] is not None
        assert answer.status_code == 401

    async def test_threat_49_a_session_is_not_a_token_nor_the_reverse(
        self, context: Context, town: Town, finances: ApiPerson, anonymous: Client
    ) -> None:
        session_value = finances.client.cookies["parapheur_session"]
        _, token = await make_token(context, town, CATALOG)
        answers: list[httpx2.Response] = [
            await anonymous.get("/tenant", headers=bearer(session_value)),
            await anonymous.get("/tenant", headers={"Cookie": f"parapheur_session={token}"}),
        ]
        assert [one.status_code for one in answers] == [401, 401]

    async def test_threat_49_a_bad_token_is_not_saved_by_a_good_session(
        self, finances: ApiPerson
    ) -> None:
        answer = await finances.client.get("/tenant", headers=bearer("pph_inconnu"))
        assert answer.status_code == 401

    async def test_threat_27_the_origin_does_not_matter_to_a_token(
        self, context: Context, town: Town, anonymous: Client
    ) -> None:
        _, value = await make_token(context, town, CATALOG)
        answer = await anonymous.get(
            "/tenant", headers={**bearer(value), "Origin": "https://ailleurs.test"}
        )
        assert answer.status_code == 200

    async def test_threat_43_an_address_that_guesses_tokens_is_slowed(
        self, context: Context, town: Town, client_at: ClientAt
    ) -> None:
        client = client_at("198.51.100.1")
        for number in range(5):
            await client.get("/tenant", headers=bearer(f"pph_{number}"))
        _, value = await make_token(context, town, CATALOG)
        slowed = await client.get("/tenant", headers=bearer(value))
        elsewhere = await client_at("198.51.100.2").get("/tenant", headers=bearer(value))
        assert (slowed.status_code, slowed.json()["code"]) == (429, "too_many_failures")
        assert elsewhere.status_code == 200
