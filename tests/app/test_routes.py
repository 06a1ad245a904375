"""Every route of the API: what it demands, what it declares, whom it refuses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from types import ModuleType
from typing import Any

import httpx2
import pytest
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from sqlalchemy import text

import app.api
from app.auth.http import Anyone, Permit
from app.auth.principal import Permission
from app.auth.schemas import Input
from app.context import Context
from app.db.base import Base
from app.demo.town import Town
from app.main import build
from app.models import SigningDevice
from tests.app.conftest import ORIGIN, Client, PersonOf
from tests.builders.people import ApiPerson
from tests.builders.towns import DrivenClock, random_id
from tests.builders.worlds import World, a_world, bearer, body_of, issue_token

PUBLIC = {
    "POST /session",
    "POST /agent/pairings",
    "GET /agent/pairings/{pairing_id}",
    "GET /health",
}
ROUTES: dict[str, Permission] = {
    "GET /health": Permission.PUBLIC,
    "POST /session": Permission.PUBLIC,
    "GET /session": Permission.SESSION,
    "DELETE /session": Permission.SESSION,
    "POST /api-tokens": Permission.TOKEN_ADMIN,
    "GET /api-tokens": Permission.TOKEN_ADMIN,
    "DELETE /api-tokens/{token_id}": Permission.TOKEN_ADMIN,
    "GET /tenant": Permission.CATALOG_READ,
    "POST /trust-anchors": Permission.TRUST_ADMIN,
    "GET /trust-anchors": Permission.TRUST_ADMIN,
    "GET /journal": Permission.JOURNAL_READ,
    "POST /users": Permission.USER_ADMIN,
    "GET /users": Permission.USER_ADMIN,
    "GET /certificates": Permission.SESSION,
    "POST /desks": Permission.DESK_ADMIN,
    "GET /desks": Permission.CATALOG_READ,
    "POST /desks/{desk_id}/holders": Permission.DESK_ADMIN,
    "POST /agent/pairings": Permission.PUBLIC,
    "GET /agent/pairings/{pairing_id}": Permission.PUBLIC,
    "GET /device-pairings/{code}": Permission.DEVICE_PAIR,
    "POST /device-pairings/{code}/confirm": Permission.DEVICE_PAIR,
    "GET /devices": Permission.DEVICE_PAIR,
    "DELETE /devices/{device_id}": Permission.DEVICE_PAIR,
    "PUT /agent/certificates": Permission.AGENT,
    "POST /workflows": Permission.CATALOG_ADMIN,
    "GET /workflows": Permission.CATALOG_READ,
    "POST /workflows/{workflow_id}/versions": Permission.CATALOG_ADMIN,
    "POST /workflows/{workflow_id}/versions/{number}/activate": Permission.CATALOG_ADMIN,
    "POST /folder-types": Permission.CATALOG_ADMIN,
    "GET /folder-types": Permission.CATALOG_READ,
    "POST /folder-subtypes": Permission.CATALOG_ADMIN,
    "GET /folder-subtypes": Permission.CATALOG_READ,
    "POST /connector-accounts": Permission.CONNECTOR_ADMIN,
    "GET /connector-accounts": Permission.CONNECTOR_ADMIN,
    "POST /connector-accounts/{account_id}/check": Permission.CONNECTOR_ADMIN,
    "POST /folders": Permission.FOLDER_DEPOSIT,
    "POST /folders/deposit": Permission.FOLDER_DEPOSIT,
    "POST /folders/{folder_id}/documents": Permission.FOLDER_DEPOSIT,
    "POST /folders/{folder_id}/submit": Permission.FOLDER_DEPOSIT,
    "GET /folders": Permission.FOLDER_READ,
    "GET /folders/{folder_id}": Permission.FOLDER_READ,
    "POST /folders/{folder_id}/actions": Permission.FOLDER_ACT,
    "GET /folders/{folder_id}/history": Permission.FOLDER_READ,
    "GET /folders/{folder_id}/revisions/{revision_id}/content": Permission.FOLDER_READ,
    "GET /folders/{folder_id}/transmissions": Permission.FOLDER_READ,
    "POST /signature-sessions": Permission.FOLDER_SIGN,
    "POST /signature-sessions/{session_id}/resume": Permission.FOLDER_SIGN,
    "GET /signature-sessions/{session_id}": Permission.FOLDER_SIGN,
    "PUT /signature-sessions/{session_id}/items/{n}": Permission.AGENT,
    "GET /agent/jobs/next": Permission.AGENT,
    "POST /agent/jobs/{job_id}/accept": Permission.AGENT,
    "POST /agent/jobs/{job_id}/renew": Permission.AGENT,
    "GET /agent/jobs/{job_id}/items/{n}/document": Permission.AGENT,
    "POST /agent/jobs/{job_id}/end": Permission.AGENT,
    "GET /transmissions": Permission.TRANSMISSION_ADMIN,
    "GET /transmissions/{transmission_id}/receipts/{receipt_id}/content": Permission.FOLDER_READ,
    "POST /transmissions/{transmission_id}/remote-id": Permission.TRANSMISSION_ADMIN,
    "POST /transmissions/{transmission_id}/acknowledgement": Permission.TRANSMISSION_ADMIN,
    "POST /transmissions/{transmission_id}/retry": Permission.TRANSMISSION_ADMIN,
}
_PERSON = {
    Permission.SESSION,
    Permission.FOLDER_DEPOSIT,
    Permission.FOLDER_READ,
    Permission.FOLDER_ACT,
    Permission.FOLDER_SIGN,
    Permission.DEVICE_PAIR,
    Permission.CATALOG_READ,
}
# What each kind of caller may ask for; everything else is refused to him.
MAY: dict[str, set[Permission]] = {
    "no role": _PERSON,
    "auditor": _PERSON | {Permission.JOURNAL_READ},
    "certificate_manager": _PERSON | {Permission.TRUST_ADMIN},
    "workflow_admin": _PERSON | {Permission.DESK_ADMIN, Permission.CATALOG_ADMIN},
    "tenant_admin": _PERSON
    | {
        Permission.USER_ADMIN,
        Permission.DESK_ADMIN,
        Permission.CATALOG_ADMIN,
        Permission.TOKEN_ADMIN,
        Permission.CONNECTOR_ADMIN,
        Permission.TRUST_ADMIN,
        Permission.TRANSMISSION_ADMIN,
        Permission.JOURNAL_READ,
    },
    "program": {Permission.FOLDER_DEPOSIT, Permission.FOLDER_READ, Permission.CATALOG_READ},
    "device": {Permission.AGENT},
}
PATH_NAMES = re.compile(r"{(\w+)}")
MALFORMED = ("0", "x", "%00", "..%2F..%2Fetc", "'%20OR%201=1", "9" * 30, "%C3%A9", "%F0%9F%92%A9")


def declared() -> Iterator[APIRoute]:
    """Every route of every router of the table of contents."""
    for module in vars(app.api).values():
        if isinstance(module, ModuleType) and hasattr(module, "router"):
            yield from module.router.routes


def name_of(route: APIRoute) -> str:
    (method,) = route.methods
    return f"{method} {route.path}"


def demands(route: APIRoute) -> list[Permission]:
    calls = [one.call for one in route.dependant.dependencies]
    return [one.permission for one in calls if isinstance(one, Permit | Anyone)]


def operations() -> dict[str, dict[str, Any]]:
    """The API as its OpenAPI document tells it."""
    document = build().openapi()
    return {
        f"{method.upper()} {path.removeprefix('/api/v1')}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


DECLARED = [pytest.param(one, id=name_of(one)) for one in declared()]
WITH_OBJECT = [one for one in ROUTES if PATH_NAMES.search(one)]
INPUTS = sorted(Input.__subclasses__(), key=lambda one: one.__name__)


class TestDeclaration:
    def test_the_table_of_this_file_names_every_route(self) -> None:
        assert set(operations()) == set(ROUTES)

    def test_the_public_routes_are_these(self) -> None:
        assert {one for one, needs in ROUTES.items() if needs is Permission.PUBLIC} == PUBLIC

    @pytest.mark.parametrize("route", DECLARED)
    def test_a_route_demands_exactly_one_permission(self, route: APIRoute) -> None:
        assert demands(route) == [ROUTES[name_of(route)]]

    @pytest.mark.parametrize("route", DECLARED)
    def test_a_route_says_what_it_does_and_what_it_answers(self, route: APIRoute) -> None:
        assert route.summary
        assert route.endpoint.__doc__
        assert route.tags
        has_body = route.status_code != 204
        own_class = route.response_class.__class__.__name__ != "DefaultPlaceholder"
        assert route.response_model is not None or own_class or not has_body

    @pytest.mark.parametrize("route", DECLARED)
    def test_a_route_declares_its_refusals(self, route: APIRoute) -> None:
        statuses = {400, 401} | ({403} if demands(route) != [Permission.PUBLIC] else set())
        if demands(route) == [Permission.PUBLIC]:
            statuses.discard(401)
        if PATH_NAMES.search(route.path):
            statuses.add(404)
        assert statuses <= set(route.responses)

    def test_operation_ids_are_unique(self) -> None:
        ids = [one["operationId"] for one in operations().values()]
        assert len(set(ids)) == len(ids)


class TestInputs:
    @pytest.mark.parametrize("model", INPUTS, ids=lambda one: one.__name__)
    def test_threat_35_a_field_of_the_entity_is_no_field_of_the_input(
        self, model: type[BaseModel]
    ) -> None:
        columns = {one.name for table in Base.metadata.tables.values() for one in table.columns}
        forged = dict.fromkeys((columns | {"signed_at", "role"}) - set(model.model_fields), "x")
        with pytest.raises(ValidationError) as refused:
            model.model_validate(forged)
        extra = {e["loc"][0] for e in refused.value.errors() if e["type"] == "extra_forbidden"}
        assert extra == set(forged)

    def test_threat_35_no_body_takes_more_than_it_names(self) -> None:
        document = build().openapi()
        schemas = document["components"]["schemas"]
        bodies = [
            body["content"]["application/json"]["schema"]
            for operation in operations().values()
            if "application/json" in (body := operation.get("requestBody", {})).get("content", {})
        ]
        named = {found for one in bodies for found in references(one, schemas)}
        assert len(named) >= 20
        assert {one for one in named if schemas[one].get("additionalProperties") is not False} == {
            one for one in named if "enum" in schemas[one]
        }


def references(schema: Any, schemas: Mapping[str, Any]) -> Iterator[str]:
    """Names of every schema that a schema leads to."""
    if isinstance(schema, list):
        for one in schema:
            yield from references(one, schemas)
    elif isinstance(schema, dict):
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            yield name
            yield from references(schemas[name], schemas)
        for key, one in schema.items():
            if key != "discriminator":
                yield from references(one, schemas)


async def send(client: Client, route: str, path: str, **more: Any) -> httpx2.Response:
    method = route.partition(" ")[0]
    return await client.request(method, path, **more)


def path_of(route: str) -> str:
    return route.partition(" ")[2]


def random_path(route: str) -> str:
    return PATH_NAMES.sub(lambda _found: str(random_id()), path_of(route))


Speakers = dict[str, tuple[Client, dict[str, Any]]]
"""A client and the keyword arguments that make it speak as somebody."""


@pytest.fixture
async def world(
    context: Context, anonymous: Client, town: Town, person_of: PersonOf, clock: DrivenClock
) -> World:
    people = {key: await person_of(town, key) for key in town.users}
    return await a_world(context, anonymous, people, clock)


@pytest.fixture
async def neighbour(
    context: Context,
    anonymous: Client,
    other_town: Town,
    person_of: PersonOf,
    clock: DrivenClock,
) -> World:
    people = {key: await person_of(other_town, key) for key in other_town.users}
    return await a_world(context, anonymous, people, clock)


@pytest.fixture
async def speakers(
    context: Context, world: World, town: Town, person_of: PersonOf, anonymous: Client
) -> Speakers:
    """One caller of each kind that MAY names."""
    roles = ["auditor", "certificate_manager", "workflow_admin", "tenant_admin"]
    people = ["administrateur", "finances", "direction", "maire"]
    found: Speakers = {
        "program": (anonymous, {"headers": bearer(world.token)}),
        "device": (anonymous, {"auth": world.agent.auth}),
        "no role": ((await person_of(other := town, "maire")).client, {}),
    }
    for role, key in zip(roles, people, strict=True):
        if key == "maire":
            continue
        found[role] = ((await person_of(other, key)).client, {})
    await _give_roles(context, town, dict(zip(people[:3], roles[:3], strict=True)))
    return found


async def _give_roles(context: Context, town: Town, roles: dict[str, str]) -> None:
    async with context.unit(town.tenant_id) as session:
        for key, role in roles.items():
            await session.execute(
                text("UPDATE users SET roles = ARRAY[:role]::varchar[] WHERE id = :id"),
                {"role": role, "id": town.users[key]},
            )


def merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    headers = {**one.get("headers", {}), **other.get("headers", {})}
    return {**one, **other, "headers": headers}


class TestRefusals:
    @pytest.mark.parametrize("route", sorted(set(ROUTES) - PUBLIC))
    async def test_threat_49_nobody_is_let_in(self, anonymous: Client, route: str) -> None:
        answer = await send(anonymous, route, random_path(route))
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")

    async def test_threat_34_each_caller_passes_exactly_the_routes_of_his_rights(
        self, speakers: Speakers, context: Context
    ) -> None:
        context.settings.limits.failures = 10_000
        wrong = {}
        for who, (client, speaking) in speakers.items():
            for route, needs in ROUTES.items():
                if needs is Permission.PUBLIC or route == "DELETE /session":
                    continue
                answer = await send(client, route, random_path(route), **speaking)
                passed = not (
                    answer.status_code in (401, 403) and answer.json()["code"] == "forbidden"
                )
                if passed != (needs in MAY[who]) or answer.status_code >= 500:
                    wrong[who, route] = answer.status_code
        assert wrong == {}

    async def test_threat_34_an_administrator_passes_what_his_role_opens(
        self, administrator: ApiPerson
    ) -> None:
        for route, needs in ROUTES.items():
            if needs in MAY["tenant_admin"] and route != "DELETE /session":
                answer = await send(administrator.client, route, random_path(route))
                assert answer.status_code not in (401, 403), route
                assert answer.status_code < 500, route

    async def test_threat_33_no_route_gives_an_object_of_another_town(
        self, world: World, neighbour: World, anonymous: Client
    ) -> None:
        leaks = {}
        for route in WITH_OBJECT:
            if ROUTES[route] is Permission.PUBLIC or route.startswith(("GET /device", "POST /dev")):
                continue
            for who, client, speaking in callers(neighbour, anonymous):
                asker = neighbour.people[who if who in neighbour.people else "maire"]
                request = merged(body_of(route, world, asker), speaking)
                answer = await send(client, route, world.path(path_of(route)), **request)
                if answer.status_code != (404 if reaches(who, route) else 403):
                    leaks[who, route] = (answer.status_code, answer.text)
        assert leaks == {}

    async def test_threat_33_no_body_names_an_object_of_another_town(
        self, world: World, neighbour: World
    ) -> None:
        mayor, admin = neighbour.people["maire"], neighbour.people["administrateur"]
        body = body_of("POST /signature-sessions", world, mayor)
        asked = await mayor.client.post("/signature-sessions", **body)
        assert asked.status_code == 404
        drafted = await mayor.client.post(
            "/folders", json=mayor.draft("acts", subtype_id=str(world.town.subtypes["acts"]))
        )
        assert drafted.json()["code"] == "unknown_subtype"
        at_desk = await mayor.client.post(
            "/folders", json=mayor.draft("acts", desk_id=world.ids["desk_id"])
        )
        assert at_desk.status_code == 403
        held = await admin.client.post(
            f"/desks/{mayor.desk}/holders", json={"user_id": str(world.town.users["finances"])}
        )
        assert held.status_code == 404
        typed = await admin.client.post(
            "/folder-types",
            json={
                "name": "Vol",
                "protocol": "ACTES",
                "signature_format": "PADES",
                "connector_account_id": world.ids["account_id"],
            },
        )
        assert typed.json()["code"] == "unknown_account"
        drawn = await admin.client.post(
            "/workflows",
            json={
                "name": "Vol",
                "steps": [
                    {
                        "id": "visa",
                        "kind": "approval",
                        "name": "Visa",
                        "desk_ids": [world.ids["desk_id"]],
                    }
                ],
            },
        )
        assert drawn.json()["code"] == "unknown_desk"
        issued = await admin.client.post(
            "/api-tokens",
            json={
                "label": "Vol",
                "desk_ids": [world.ids["desk_id"]],
                "verbs": ["folder_read"],
                "expires_at": "2999-01-01T00:00:00Z",
            },
        )
        assert issued.json()["code"] == "unknown_desk"

    async def test_threat_33_no_list_holds_anything_of_another_town(
        self, world: World, neighbour: World
    ) -> None:
        admin, mayor = neighbour.people["administrateur"], neighbour.people["maire"]
        secret = {str(one) for one in world.ids.values() if len(str(one)) > 30}
        secret |= {str(one) for one in world.town.users.values()}
        lists = [one for one in ROUTES if one.startswith("GET ") and "{" not in one]
        for route in lists:
            for person in (admin, mayor):
                answer = await send(person.client, route, path_of(route))
                assert not [one for one in secret if one in answer.text], route

    async def test_threat_50_an_id_that_nothing_has_is_not_found(
        self, world: World, anonymous: Client, context: Context
    ) -> None:
        context.settings.limits.failures = 10_000
        wrong = {}
        for route in WITH_OBJECT:
            if ROUTES[route] is Permission.PUBLIC:
                continue
            for who, client, speaking in callers(world, anonymous):
                asker = world.people[who if who in world.people else "maire"]
                request = merged(body_of(route, world, asker), speaking)
                path = PATH_NAMES.sub(
                    lambda found: "7" if found[1] in ("n", "number") else str(random_id()),
                    path_of(route),
                )
                answer = await send(client, route, path, **request)
                if answer.status_code != (404 if reaches(who, route) else 403):
                    wrong[who, route] = (answer.status_code, answer.text)
        assert wrong == {}

    async def test_threat_50_a_malformed_id_is_refused_like_any_other(
        self, world: World, anonymous: Client, context: Context
    ) -> None:
        context.settings.limits.failures = 10_000
        wrong = {}
        for route in WITH_OBJECT:
            for who, client, speaking in callers(world, anonymous):
                if not reaches(who, route):
                    continue
                for malformed in MALFORMED:
                    for name in PATH_NAMES.findall(route):
                        path = path_of(route).replace(f"{{{name}}}", malformed)
                        asker = world.people[who if who in world.people else "maire"]
                        request = merged(body_of(route, world, asker), speaking)
                        answer = await send(client, route, world.path(path), **request)
                        if (
                            answer.status_code not in (401, 404, 405, 409, 422)
                            or not answer.json()["code"]
                        ):
                            wrong[who, route, malformed] = (answer.status_code, answer.text)
        assert wrong == {}

    async def test_threat_50_text_that_no_column_can_hold_is_refused(
        self, finances: ApiPerson, administrator: ApiPerson
    ) -> None:
        drafts: list[dict[str, Any]] = [
            finances.draft("letters", title="a\0b"),
            finances.draft("letters", metadata={"a": "\0"}),
            finances.draft("letters", metadata={"\0": "a"}),
        ]
        answers = [await finances.client.post("/folders", json=one) for one in drafts]
        answers.append(await finances.client.get("/folders", params={"status": "\0"}))
        answers.append(await administrator.client.post("/desks", json={"name": "\0"}))
        folder_id = await finances.create("letters")
        answers.append(
            await finances.client.post(
                f"/folders/{folder_id}/documents",
                params={"name": "a\0b"},
                content=b"%PDF-1.7",
                headers={"Content-Type": "application/pdf"},
            )
        )
        assert [one.status_code for one in answers] == [422] * len(answers)


def reaches(who: str, route: str) -> bool:
    """Whether the route's permission is one of this caller's."""
    kinds = {"administrateur": "tenant_admin", "program": "program", "device": "device"}
    may = MAY[kinds.get(who, "no role")]
    return ROUTES[route] is Permission.PUBLIC or ROUTES[route] in may


def callers(world: World, anonymous: Client) -> Iterator[tuple[str, Client, dict[str, Any]]]:
    for key in ("administrateur", "finances", "maire"):
        yield key, world.people[key].client, {}
    yield "program", anonymous, {"headers": bearer(world.token)}
    yield "device", anonymous, {"auth": world.agent.auth}


class TestTokens:
    async def test_threat_49_no_token_but_a_living_one_opens_anything(
        self,
        context: Context,
        anonymous: Client,
        administrator: ApiPerson,
        clock: DrivenClock,
    ) -> None:
        context.settings.limits.failures = 10_000
        soon = (clock() + timedelta(minutes=1)).isoformat()
        expired = (await issue_token(administrator, clock, expires_at=soon))["value"]
        clock.advance(minutes=1)
        revoked = await issue_token(administrator, clock)
        await administrator.client.delete(f"/api-tokens/{revoked['id']}")
        opened = {}
        for route in sorted(set(ROUTES) - PUBLIC):
            for value in ("", "pph_inconnu", expired, revoked["value"], "null", "é".encode()):
                raw = b"Bearer " + (value if isinstance(value, bytes) else value.encode())
                headers = {b"Authorization": raw}
                answer = await anonymous.request(
                    route.partition(" ")[0], random_path(route), headers=headers
                )
                if answer.status_code != 401:
                    opened[route, value] = answer.status_code
        assert opened == {}

    async def test_threat_24_a_forged_certificate_header_identifies_nobody(
        self, anonymous: Client
    ) -> None:
        forged = {
            "X-SSL-Client-Cert": "MIIB",
            "X-Client-Verify": "SUCCESS",
            "X-SSL-Client-Verify": "SUCCESS",
            "X-SSL-Client-S-DN": "CN=Camille Exemple",
            "X-Forwarded-User": "maire",
            "X-Forwarded-For": "127.0.0.1",
            "X-Remote-User": "maire",
        }
        for route in sorted(set(ROUTES) - PUBLIC):
            answer = await send(anonymous, route, random_path(route), headers=forged)
            assert answer.status_code == 401, route

    async def test_threat_51_another_origin_is_told_nothing(
        self, finances: ApiPerson, anonymous: Client
    ) -> None:
        headers = {"Origin": "https://ailleurs.test", "Access-Control-Request-Method": "POST"}
        preflight = await anonymous.options("/folders", headers=headers)
        simple = await finances.client.get("/folders", headers=headers)
        for answer in (preflight, simple):
            assert not [one for one in answer.headers if one.startswith("access-control")]
        assert preflight.status_code == 405


@pytest.fixture
async def unbreakable(context: Context) -> Client:
    """A client that shows the answer to an unexpected error instead of the error."""
    transport = httpx2.ASGITransport(app=build(context=context), raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url=f"{ORIGIN}/api/v1")


class TestFailures:
    """What a broken layer lets out: a problem, never a trace, a query or a path (threat 52)."""

    LEAKS = ("Traceback", "SELECT", "sqlalchemy", "psycopg", "/site-packages", ".py", "tmp")

    async def test_threat_52_a_table_that_is_gone(
        self, context: Context, unbreakable: Client, finances: ApiPerson, town: Town
    ) -> None:
        async with context.unit(town.tenant_id) as session:
            await session.execute(
                text("UPDATE folders SET status = status WHERE id = :id"), {"id": random_id()}
            )
        unbreakable.cookies = finances.client.cookies
        folder_id = await finances.create("letters")
        async with context.unit(town.tenant_id) as session:
            await session.execute(
                text("UPDATE folders SET act = '{\"forme\": 1}' WHERE id = :id"),
                {"id": folder_id},
            )
        answer = await unbreakable.get(f"/folders/{folder_id}")
        assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
        assert not [one for one in self.LEAKS if one in answer.text]

    async def test_threat_52_a_store_that_cannot_be_written(
        self, context: Context, unbreakable: Client, finances: ApiPerson
    ) -> None:
        unbreakable.cookies = finances.client.cookies
        folder_id = await finances.deposited("letters")
        (revision,) = (await finances.read(folder_id))["documents"][0]["revisions"]
        stored = context.store.local_path(revision["sha256"])
        assert stored is not None
        stored.unlink()
        answer = await unbreakable.get(f"/folders/{folder_id}/revisions/{revision['id']}/content")
        assert (answer.status_code, answer.json()["code"]) == (500, "blob_missing")
        assert not [one for one in self.LEAKS if one in answer.text]

    async def test_threat_52_a_database_that_is_away(
        self, context: Context, unbreakable: Client, clock: DrivenClock
    ) -> None:
        async with context.engine.connect() as held:
            await held.execute(text("LOCK TABLE login_handles IN SHARE ROW EXCLUSIVE MODE"))
            answer = await unbreakable.post(
                "/session", json={"login": "personne", "password": "un mot de passe"}
            )
        assert answer.status_code == 401
        assert not [one for one in self.LEAKS if one in answer.text]

    async def test_an_unknown_address_is_a_problem_too(self, anonymous: Client) -> None:
        answer = await anonymous.get("/nulle-part")
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert (answer.status_code, answer.json()["code"]) == (404, "http_404")

    async def test_threat_32_every_answer_carries_the_headers_of_safety(
        self, unbreakable: Client, finances: ApiPerson, context: Context, town: Town
    ) -> None:
        for answer in (
            await finances.client.get("/folders"),
            await unbreakable.get("/folders"),
            await unbreakable.get("/nulle-part"),
        ):
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
            assert answer.headers["Strict-Transport-Security"]
            assert "Server" not in answer.headers


Check = Callable[[SigningDevice], None]
