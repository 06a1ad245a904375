"""Persons: accounts made by administrators, certificates as their owners see them."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import httpx2
import pytest
from pwdlib import PasswordHash
from sqlalchemy import text

from app.context import Context
from app.demo.town import Town
from tests.app.conftest import Client, PersonOf
from tests.builders.people import ApiPerson
from tests.builders.towns import random_id
from tests.builders.traces import journal_entry

PASSWORD = "une phrase assez longue"


def a_person(**overrides: Any) -> dict[str, Any]:
    login = f"{random_id().hex}@saint-exemple.test"
    return {
        "login": login,
        "email": login,
        "first_name": "Maxime",
        "last_name": "Nouvelle",
        **overrides,
    }


async def create(administrator: ApiPerson, **overrides: Any) -> httpx2.Response:
    return await administrator.client.post("/users", json=a_person(**overrides))


async def give_password(
    administrator: ApiPerson, user_id: str, password: str = PASSWORD
) -> httpx2.Response:
    body = {"password": password}
    return await administrator.client.put(f"/users/{user_id}/password", json=body)


class TestCreate:
    async def test_a_person_signs_in_with_the_password_that_was_given(
        self, administrator: ApiPerson, anonymous: Client
    ) -> None:
        made = await create(administrator, password=PASSWORD)
        opened = await anonymous.post(
            "/session", json={"login": made.json()["login"], "password": PASSWORD}
        )
        assert (made.status_code, opened.status_code) == (201, 204)

    async def test_threat_41_the_password_is_kept_as_argon2id_and_shown_nowhere(
        self, context: Context, administrator: ApiPerson
    ) -> None:
        made = await create(administrator, password=PASSWORD)
        async with context.unit(administrator.town.tenant_id) as session:
            kept = await session.scalar(
                text("SELECT password_hash FROM users WHERE id = :id"), {"id": made.json()["id"]}
            )
        assert kept.startswith("$argon2id$")
        assert PasswordHash.recommended().verify(PASSWORD, kept)
        assert "password" not in made.json()

    async def test_threat_41_a_repeated_request_keeps_nothing_that_lets_guess_it(
        self, context: Context, administrator: ApiPerson
    ) -> None:
        body = a_person()
        headers = {"Idempotency-Key": "personne-1"}
        await administrator.client.post("/users", json=body, headers=headers)
        async with context.unit(administrator.town.tenant_id) as session:
            kept = await session.scalar(text("SELECT request_sha256 FROM idempotency_keys"))
        request = administrator.client.build_request("POST", "/users", json=body)
        assert kept != _plain_digest(request)

    @pytest.mark.parametrize("length", [1, 11])
    async def test_a_short_password_is_refused(self, administrator: ApiPerson, length: int) -> None:
        answer = await create(administrator, password="x" * length)
        assert (answer.status_code, answer.json()["code"]) == (422, "password_too_short")

    async def test_a_password_longer_than_log_in_takes_is_refused(
        self, administrator: ApiPerson
    ) -> None:
        assert (await create(administrator, password="x" * 1025)).status_code == 422

    async def test_a_login_is_unique_without_case_on_the_whole_platform(
        self, administrator: ApiPerson, other_town: Town, person_of: PersonOf
    ) -> None:
        made = await create(administrator)
        neighbour = await person_of(other_town, "administrateur")
        answers = [
            await create(administrator, login=made.json()["login"].upper()),
            await create(neighbour, login=made.json()["login"]),
        ]
        assert [(one.status_code, one.json()["code"]) for one in answers] == [
            (409, "login_taken")
        ] * 2

    @pytest.mark.parametrize(
        "overrides",
        [
            {"email": "sans-arobase"},
            {"email": "a@b\r\nBcc: c@d.test"},
            {"email": "a b@c.test"},
            {"roles": ["superuser"]},
            {"roles": ["tenant_admin", "platform_admin"]},
            {"first_name": ""},
            {"is_active": False},
            {"password_hash": "x"},
            {"tenant_id": "00000000-0000-4000-8000-000000000000"},
        ],
        ids=str,
    )
    async def test_threat_35_what_is_not_a_person_is_refused(
        self, administrator: ApiPerson, overrides: dict[str, Any]
    ) -> None:
        assert (await create(administrator, **overrides)).status_code == 422

    async def test_it_is_journaled_without_the_name_in_the_chain(
        self, administrator: ApiPerson
    ) -> None:
        made = await create(administrator)
        entry = await journal_entry(administrator, "user.created")
        assert made.json()["id"] in entry
        assert "Nouvelle" not in entry


def _plain_digest(request: httpx2.Request) -> str:
    body = hashlib.sha256(request.content).hexdigest()
    target = f"POST {request.url.path}?"
    return hashlib.sha256(f"{target}\n{body}".encode()).hexdigest()


class TestPassword:
    async def test_opens_an_account_that_had_none_and_closes_what_was_open(
        self, administrator: ApiPerson, anonymous: Client
    ) -> None:
        made = (await create(administrator)).json()
        credentials = {"login": made["login"], "password": PASSWORD}
        before = await anonymous.post("/session", json=credentials)
        given = await give_password(administrator, made["id"])
        opened = await anonymous.post("/session", json=credentials)
        again = await give_password(administrator, made["id"], "une autre phrase assez longue")
        codes = [before.status_code, given.status_code, opened.status_code, again.status_code]
        assert codes == [401, 204, 204, 204]
        assert (await anonymous.get("/session")).status_code == 401

    async def test_the_journal_tells_who_gave_it_not_what_it_is(
        self, administrator: ApiPerson
    ) -> None:
        made = (await create(administrator)).json()
        await give_password(administrator, made["id"])
        entry = await journal_entry(administrator, "password.given")
        administrator_id = str(administrator.town.users[administrator.key])
        assert [made["id"] in entry, administrator_id in entry, PASSWORD in entry] == [
            True,
            True,
            False,
        ]

    async def test_a_short_one_and_an_unknown_person_are_refused(
        self, administrator: ApiPerson
    ) -> None:
        made = (await create(administrator)).json()
        short = await give_password(administrator, made["id"], "x" * 11)
        nobody = await give_password(administrator, str(random_id()))
        assert (short.status_code, short.json()["code"]) == (422, "password_too_short")
        assert nobody.status_code == 404


class TestList:
    async def test_shows_the_people_of_the_town_without_their_secrets(
        self, administrator: ApiPerson
    ) -> None:
        listed = await administrator.client.get("/users")
        assert {one["id"] for one in listed.json()} == {
            str(one) for one in administrator.town.users.values()
        }
        assert "argon2" not in listed.text


class TestUpdate:
    async def test_a_person_who_is_not_active_any_more_is_shut_out_at_once(
        self, administrator: ApiPerson, direction: ApiPerson
    ) -> None:
        path = f"/users/{administrator.town.users['direction']}"
        before = (await direction.client.get("/session")).status_code
        changed = await administrator.client.patch(path, json={"is_active": False})
        after = (await direction.client.get("/session")).status_code
        assert (before, changed.status_code, after) == (200, 200, 401)
        people = (await administrator.client.get("/people")).json()
        assert "Dominique Modèle" not in {one["full_name"] for one in people}

    async def test_threat_34_a_role_given_counts_from_the_next_session(
        self, administrator: ApiPerson, person_of: PersonOf
    ) -> None:
        town = administrator.town
        path = f"/users/{town.users['direction']}"
        statuses = []
        for roles in ([], ["workflow_admin"], ["desk_admin"]):
            await administrator.client.patch(path, json={"roles": roles})
            direction = await person_of(town, "direction")
            statuses.append((await direction.client.get("/grants")).status_code)
        assert statuses == [403, 200, 403]

    async def test_threat_43_what_a_person_may_do_changes_and_his_sessions_end(
        self, administrator: ApiPerson, person_of: PersonOf
    ) -> None:
        town = administrator.town
        path = f"/users/{town.users['direction']}"
        desks = [str(town.desks["finances"])]
        bodies = ({"roles": ["desk_admin"]}, {"administered_desk_ids": desks}, {"is_active": False})
        for body in (*bodies, {"roles": ["desk_admin"], "is_active": True}):
            direction = await person_of(town, "direction")
            await administrator.client.patch(path, json=body)
            assert (await direction.client.get("/session")).status_code == 401, body
        direction = await person_of(town, "direction")
        await administrator.client.patch(path, json={"roles": ["desk_admin"], "first_name": "Dom"})
        assert (await direction.client.get("/session")).status_code == 200

    async def test_threat_43_who_changes_his_own_roles_keeps_the_session_at_hand_only(
        self, administrator: ApiPerson, person_of: PersonOf
    ) -> None:
        town = administrator.town
        elsewhere = await person_of(town, "administrateur")
        body = {"roles": ["tenant_admin", "desk_admin"]}
        path = f"/users/{town.users['administrateur']}"
        assert (await administrator.client.patch(path, json=body)).status_code == 200
        statuses = [
            (await one.client.get("/session")).status_code for one in (administrator, elsewhere)
        ]
        assert statuses == [200, 401]

    async def test_the_journal_tells_roles_and_desks(self, administrator: ApiPerson) -> None:
        desk = str(administrator.town.desks["finances"])
        roles = ["desk_admin", "auditor"]
        made = await create(administrator, roles=roles, administered_desk_ids=[desk])
        (line,) = [
            json.loads(one)
            for one in (await administrator.client.get("/journal")).text.splitlines()
            if made.json()["id"] in one
        ]
        assert line["entry"]["details"]["roles"] == "desk_admin/auditor"
        (row,) = json.loads(line["values"]["rows"]["value"])
        assert row["after"]["administered_desk_ids"] == [desk]

    async def test_the_last_administrator_stays_one(self, administrator: ApiPerson) -> None:
        path = f"/users/{administrator.town.users['administrateur']}"
        answers = [
            await administrator.client.patch(path, json=body)
            for body in ({"roles": ["auditor"]}, {"is_active": False})
        ]
        assert [(one.status_code, one.json()["code"]) for one in answers] == [
            (409, "last_administrator")
        ] * 2
        assert (await administrator.client.get("/users")).status_code == 200

    async def test_threat_33_desks_of_another_tenant_are_not_administered(
        self, administrator: ApiPerson, other_town: Town
    ) -> None:
        path = f"/users/{administrator.town.users['direction']}"
        body = {"administered_desk_ids": [str(other_town.desks["maire"])]}
        answer = await administrator.client.patch(path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "unknown_desk")


class TestCertificates:
    async def test_a_person_sees_his_own_with_their_fitness(self, mayor: ApiPerson) -> None:
        listed = (await mayor.client.get("/certificates")).json()
        assert [(one["subject"], one["fit"]) for one in listed] == [("Camille Exemple", True)]

    async def test_a_person_does_not_see_those_of_others(self, administrator: ApiPerson) -> None:
        assert (await administrator.client.get("/certificates")).json() == []
