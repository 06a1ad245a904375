"""Every route of the API against one hand-written table: who passes, who does not, what is said.

A route that is not in the table fails the run (threats 33, 34, 49 and 50)."""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import pytest
from fastapi.responses import StreamingResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError

from app.auth.principal import Permission, Role
from app.auth.schemas import Input
from app.context import Context
from app.db.base import Base
from app.db.session import make_engine, make_sessions
from app.demo.acts import deliberation
from app.demo.town import Town
from app.main import build
from tests.app.conftest import ORIGIN, Client
from tests.builders.acknowledgements import make_acquit
from tests.builders.applications import application
from tests.builders.furnished import furnish
from tests.builders.principals import (
    add_person,
    bearer,
    make_device,
    make_token,
    session_headers,
)
from tests.builders.routes import Declared, body_models, declared_routes
from tests.builders.signing_agents import DeviceAuth
from tests.builders.towns import DrivenClock

Json = dict[str, Any]

PUBLIC = {
    "GET /health",
    "GET /openapi.json",
    "POST /session",
    "POST /agent/pairings",
    "GET /agent/pairings/{pairing_id}",  # signed by the key that the agent announced
}

PEOPLE = frozenset({"person", *(role.value for role in Role)})
ADMIN = frozenset({"tenant_admin"})
WORKFLOW_ADMINS = ADMIN | {"workflow_admin"}
HOLDERS = WORKFLOW_ADMINS | {"desk_admin"}
HOST = frozenset({"host_admin"})
TRUST = ADMIN | {"certificate_manager"}
JOURNAL = ADMIN | {"auditor"}
DEPOSIT = PEOPLE | {"depositing_program"}
READ = PEOPLE | {"reading_program"}
CATALOG = PEOPLE | {"cataloguing_program"}
OUTSIDE = frozenset({"answering_program"})
AGENT = frozenset({"agent"})
EVERYBODY = PEOPLE | DEPOSIT | READ | CATALOG | OUTSIDE | AGENT


@dataclasses.dataclass(frozen=True)
class Row:
    """A route, its permission, who passes; a body and a query that would be taken."""

    method: str
    path: str
    permission: Permission
    passes: frozenset[str]
    json: Json | None = None
    query: str = ""
    content: bytes | None = None

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def objects(self) -> list[str]:
        """The names of its path parameters."""
        return [part[1:-1] for part in self.path.split("/") if part.startswith("{")]


SOME_ID = str(uuid.UUID(int=1))
P = Permission
TABLE = (
    Row("GET", "/session", P.SESSION, PEOPLE),
    Row("DELETE", "/session", P.SESSION, PEOPLE),
    Row(
        "PUT",
        "/session/password",
        P.SESSION,
        PEOPLE,
        {"current": "celui d'avant, oublié", "new": "une phrase assez longue"},
    ),
    Row(
        "POST",
        "/api-tokens",
        P.TOKEN_ADMIN,
        ADMIN,
        {
            "label": "Finances",
            "desk_ids": [SOME_ID],
            "verbs": ["folder_read"],
            "expires_at": "2099-01-01T00:00:00Z",
        },
    ),
    Row("GET", "/api-tokens", P.TOKEN_ADMIN, ADMIN),
    Row("DELETE", "/api-tokens/{token_id}", P.TOKEN_ADMIN, ADMIN),
    Row("GET", "/tenant", P.CATALOG_READ, CATALOG),
    Row("PATCH", "/tenant", P.TENANT_ADMIN, ADMIN, {"city": "Saint-Exemple"}),
    Row(
        "POST",
        "/trust-anchors",
        P.TRUST_ADMIN,
        TRUST,
        {"kind": "anchor", "label": "Racine", "content": "AAAA"},
    ),
    Row("GET", "/trust-anchors", P.TRUST_ADMIN, TRUST),
    Row("GET", "/journal", P.JOURNAL_READ, JOURNAL),
    Row(
        "POST",
        "/users",
        P.USER_ADMIN,
        ADMIN,
        {"login": "a", "email": "a@b.test", "first_name": "A", "last_name": "B"},
    ),
    Row("GET", "/users", P.USER_ADMIN, ADMIN),
    Row(
        "PUT",
        "/users/{user_id}/password",
        P.USER_ADMIN,
        ADMIN,
        {"password": "une phrase assez longue"},
    ),
    Row("PATCH", "/users/{user_id}", P.USER_ADMIN, ADMIN, {"first_name": "Sacha"}),
    Row("GET", "/people", P.SESSION, PEOPLE),
    # Those of others are for administrators and auditors: nobody else learns who exists.
    Row("GET", "/people/{user_id}/powers", P.SESSION, WORKFLOW_ADMINS | JOURNAL),
    Row("GET", "/certificates", P.SESSION, PEOPLE),
    Row("POST", "/desks", P.DESK_ADMIN, WORKFLOW_ADMINS, {"name": ""}),
    Row("GET", "/desks", P.CATALOG_READ, CATALOG),
    Row("GET", "/desks/hierarchy", P.CATALOG_READ, CATALOG),
    Row("PATCH", "/desks/{desk_id}", P.DESK_ADMIN, WORKFLOW_ADMINS, {"name": "Bureau"}),
    Row("DELETE", "/desks/{desk_id}", P.DESK_ADMIN, WORKFLOW_ADMINS),
    Row("POST", "/desks/{desk_id}/holders", P.HOLDER_ADMIN, HOLDERS, {"user_id": SOME_ID}),
    Row("PATCH", "/desks/{desk_id}/holders/{holder_id}", P.HOLDER_ADMIN, HOLDERS, {}),
    Row(
        "POST",
        "/desks/{desk_id}/staff",
        P.DESK_ADMIN,
        WORKFLOW_ADMINS,
        {"user_id": SOME_ID, "role": "assistant"},
    ),
    Row("DELETE", "/desks/{desk_id}/staff/{staff_id}", P.DESK_ADMIN, WORKFLOW_ADMINS),
    Row("POST", "/absences", P.ABSENCE_DECLARE, PEOPLE, {"user_id": SOME_ID, "period": {}}),
    Row("GET", "/absences", P.ABSENCE_DECLARE, PEOPLE),
    Row("PATCH", "/absences/{absence_id}", P.ABSENCE_DECLARE, PEOPLE, {"ends_now": True}),
    Row("DELETE", "/absences/{absence_id}", P.ABSENCE_DECLARE, PEOPLE),
    Row("GET", "/absences/{absence_id}/effects", P.ABSENCE_DECLARE, PEOPLE),
    Row(
        "POST",
        "/grants",
        P.POWER_ADMIN,
        WORKFLOW_ADMINS,
        {
            "kind": "substitution",
            "office_desk_id": SOME_ID,
            "grantee_id": SOME_ID,
            "capacity": "premier adjoint",
            "period": {},
        },
    ),
    Row("GET", "/grants", P.POWER_ADMIN, WORKFLOW_ADMINS),
    Row(
        "PATCH",
        "/grants/{grant_id}",
        P.POWER_ADMIN,
        WORKFLOW_ADMINS,
        {"executory_at": "2026-01-06T08:00:00Z"},
    ),
    Row("POST", "/grants/{grant_id}/repeal", P.POWER_ADMIN, WORKFLOW_ADMINS),
    Row(
        "POST",
        "/mandates",
        P.POWER_ADMIN,
        WORKFLOW_ADMINS,
        {"user_id": SOME_ID, "body": "Conseil", "function": "Maire", "starts_on": "2026-03-22"},
    ),
    Row("GET", "/mandates", P.POWER_ADMIN, WORKFLOW_ADMINS),
    Row("PATCH", "/mandates/{mandate_id}", P.POWER_ADMIN, WORKFLOW_ADMINS, {"function": "Maire"}),
    Row("DELETE", "/mandates/{mandate_id}", P.POWER_ADMIN, WORKFLOW_ADMINS),
    Row(
        "POST",
        "/council-installations",
        P.POWER_ADMIN,
        WORKFLOW_ADMINS,
        {
            "label": "Conseil",
            "offices": [
                {"desk_id": SOME_ID, "outgoing_id": SOME_ID, "ends_at": "2099-03-28T09:00:00Z"}
            ],
        },
    ),
    Row("GET", "/council-installations", P.POWER_ADMIN, WORKFLOW_ADMINS),
    Row("GET", "/council-installations/{installation_id}", P.POWER_ADMIN, WORKFLOW_ADMINS),
    Row("POST", "/council-installations/{installation_id}/apply", P.POWER_ADMIN, WORKFLOW_ADMINS),
    Row("POST", "/council-installations/{installation_id}/cancel", P.POWER_ADMIN, WORKFLOW_ADMINS),
    Row(
        "POST",
        "/certificate-orders",
        P.CERTIFICATE_ORDER_ADMIN,
        TRUST,
        {"user_id": SOME_ID, "usages": ["sign_act"], "rgs_level": 2},
    ),
    Row("GET", "/certificate-orders", P.CERTIFICATE_ORDER_ADMIN, TRUST),
    Row("GET", "/certificate-orders/{order_id}", P.CERTIFICATE_ORDER_ADMIN, TRUST),
    Row(
        "POST",
        "/certificate-orders/{order_id}/order",
        P.CERTIFICATE_ORDER_ADMIN,
        TRUST,
        {"supplier": "Autorité fictive"},
    ),
    Row(
        "POST",
        "/certificate-orders/{order_id}/deliver",
        P.CERTIFICATE_ORDER_ADMIN,
        TRUST,
        {"certificate_sha256": "0" * 64},
    ),
    Row(
        "POST",
        "/certificate-orders/{order_id}/cancel",
        P.CERTIFICATE_ORDER_ADMIN,
        TRUST,
        {"reason": "La personne quitte la collectivité."},
    ),
    Row("GET", "/members", P.HOST_ADMIN, HOST),
    Row("GET", "/members/certificate-orders", P.HOST_ADMIN, HOST),
    Row("GET", "/members/{tenant_id}/settings", P.HOST_ADMIN, HOST),
    Row("GET", "/members/{tenant_id}/certificate-orders", P.HOST_ADMIN, HOST),
    Row("GET", "/device-pairings/{code}", P.DEVICE_PAIR, PEOPLE),
    Row("POST", "/device-pairings/{code}/confirm", P.DEVICE_PAIR, PEOPLE),
    Row("GET", "/devices", P.DEVICE_PAIR, PEOPLE),
    Row("DELETE", "/devices/{device_id}", P.DEVICE_PAIR, PEOPLE),
    Row("PUT", "/agent/certificates", P.AGENT, AGENT, {"certificates": []}),
    Row("POST", "/workflows", P.CATALOG_ADMIN, WORKFLOW_ADMINS, {"name": "", "steps": []}),
    Row("GET", "/workflows", P.CATALOG_READ, CATALOG),
    Row(
        "POST", "/workflows/{workflow_id}/versions", P.CATALOG_ADMIN, WORKFLOW_ADMINS, {"steps": []}
    ),
    Row(
        "POST",
        "/workflows/{workflow_id}/versions/{number}/activate",
        P.CATALOG_ADMIN,
        WORKFLOW_ADMINS,
    ),
    Row("GET", "/workflows/{workflow_id}", P.CATALOG_READ, CATALOG),
    Row(
        "PATCH", "/workflows/{workflow_id}", P.CATALOG_ADMIN, WORKFLOW_ADMINS, {"name": "Autre nom"}
    ),
    Row("DELETE", "/workflows/{workflow_id}", P.CATALOG_ADMIN, WORKFLOW_ADMINS),
    Row("GET", "/workflows/{workflow_id}/versions/{number}/differences", P.CATALOG_READ, CATALOG),
    Row(
        "GET", "/workflows/{workflow_id}/versions/{number}/impact", P.CATALOG_ADMIN, WORKFLOW_ADMINS
    ),
    Row(
        "POST",
        "/workflows/{workflow_id}/versions/{number}/migrations",
        P.CATALOG_ADMIN,
        WORKFLOW_ADMINS,
        {"folder_ids": [SOME_ID]},
    ),
    Row(
        "POST",
        "/workflows/{workflow_id}/versions/{number}/migrations/undo",
        P.CATALOG_ADMIN,
        WORKFLOW_ADMINS,
        {"folder_ids": [SOME_ID]},
    ),
    Row(
        "PATCH", "/folder-types/{type_id}", P.CATALOG_ADMIN, WORKFLOW_ADMINS, {"name": "Autre nom"}
    ),
    Row("DELETE", "/folder-types/{type_id}", P.CATALOG_ADMIN, WORKFLOW_ADMINS),
    Row("GET", "/folder-subtypes/{subtype_id}", P.CATALOG_READ, CATALOG),
    Row(
        "PATCH",
        "/folder-subtypes/{subtype_id}",
        P.CATALOG_ADMIN,
        WORKFLOW_ADMINS,
        {"name": "Autre"},
    ),
    Row("DELETE", "/folder-subtypes/{subtype_id}", P.CATALOG_ADMIN, WORKFLOW_ADMINS),
    Row(
        "POST",
        "/folder-subtypes/{subtype_id}/rules/try",
        P.CATALOG_ADMIN,
        WORKFLOW_ADMINS,
        {"rule_table": {"rows": [{"workflow_id": SOME_ID}]}, "samples": [{}]},
    ),
    Row(
        "POST",
        "/folder-types",
        P.CATALOG_ADMIN,
        WORKFLOW_ADMINS,
        {"name": "", "protocol": "NONE", "signature_format": "PADES"},
    ),
    Row("GET", "/folder-types", P.CATALOG_READ, CATALOG),
    Row(
        "POST",
        "/folder-subtypes",
        P.CATALOG_ADMIN,
        WORKFLOW_ADMINS,
        {"type_id": SOME_ID, "name": "Lettres", "workflow_id": SOME_ID},
    ),
    Row("GET", "/folder-subtypes", P.CATALOG_READ, CATALOG),
    Row(
        "POST",
        "/folder-subtypes/{subtype_id}/simulate",
        P.FOLDER_DEPOSIT,
        DEPOSIT,
        {"desk_id": SOME_ID},
    ),
    Row(
        "POST",
        "/connector-accounts",
        P.CONNECTOR_ADMIN,
        ADMIN,
        {
            "connector": "nowhere",
            "label": "TdT",
            "base_url": "https://tdt.test",
            "server_ca": "",
            "client_certificate": "",
            "client_key": "",
        },
    ),
    Row("GET", "/connector-accounts", P.CONNECTOR_ADMIN, ADMIN),
    Row("POST", "/connector-accounts/{account_id}/check", P.CONNECTOR_ADMIN, ADMIN),
    Row(
        "POST",
        "/folders",
        P.FOLDER_DEPOSIT,
        DEPOSIT,
        {"subtype_id": SOME_ID, "desk_id": SOME_ID, "title": "Essai"},
    ),
    Row(
        "POST",
        "/folders/{folder_id}/documents",
        P.FOLDER_DEPOSIT,
        DEPOSIT,
        query="?name=acte.pdf",
        content=deliberation(),
    ),
    Row(
        "POST",
        "/folders/{folder_id}/submit",
        P.FOLDER_DEPOSIT,
        DEPOSIT,
        query=f"?desk_id={SOME_ID}",
    ),
    Row("POST", "/folders/deposit", P.FOLDER_DEPOSIT, DEPOSIT),
    Row("GET", "/folders", P.FOLDER_READ, READ),
    Row("GET", "/folders/{folder_id}", P.FOLDER_READ, READ),
    Row(
        "POST",
        "/folders/{folder_id}/actions",
        P.FOLDER_ACT,
        PEOPLE,
        {"action": "approve", "desk_id": SOME_ID, "step": "visa"},
    ),
    Row(
        "POST",
        "/folder-actions",
        P.FOLDER_ACT,
        PEOPLE,
        {
            "items": [
                {"folder_id": SOME_ID, "act": {"action": "cancel", "desk_id": SOME_ID}},
            ]
        },
    ),
    Row("PATCH", "/folders/{folder_id}", P.FOLDER_DEPOSIT, DEPOSIT, {"title": "Autre titre"}),
    Row(
        "PUT",
        "/folders/{folder_id}/publication",
        P.FOLDER_DEPOSIT,
        DEPOSIT,
        {"published_on": "2026-01-20"},
    ),
    Row(
        "POST",
        "/folders/{folder_id}/outside-answer",
        P.OUTSIDE_ANSWER,
        OUTSIDE,
        {"step": "reponse", "accepted": True},
    ),
    Row(
        "POST",
        "/folders/{folder_id}/documents/{document_id}/revisions",
        P.FOLDER_DEPOSIT,
        DEPOSIT,
        query="?name=acte.pdf",
        content=deliberation(),
    ),
    Row("DELETE", "/folders/{folder_id}/documents/{document_id}", P.FOLDER_DEPOSIT, DEPOSIT),
    Row(
        "POST",
        "/folders/{folder_id}/chain",
        P.FOLDER_DEPOSIT,
        DEPOSIT,
        {"subtype_id": SOME_ID, "desk_id": SOME_ID},
    ),
    Row(
        "POST",
        "/folders/{folder_id}/notes",
        P.FOLDER_ACT,
        PEOPLE,
        {"kind": "public", "desk_id": SOME_ID, "text": "Vu"},
    ),
    Row("GET", "/folders/{folder_id}/notes", P.FOLDER_READ, READ),
    Row("GET", "/inbox", P.FOLDER_READ, READ),
    Row("GET", "/inbox/{list_name}", P.FOLDER_READ, READ),
    Row("GET", "/search", P.FOLDER_READ, READ, query="?text=budget"),
    Row("GET", "/folders/{folder_id}/history", P.FOLDER_READ, READ),
    Row("GET", "/folders/{folder_id}/revisions/{revision_id}/content", P.FOLDER_READ, READ),
    Row("GET", "/folders/{folder_id}/revisions/{revision_id}/signature", P.FOLDER_READ, READ),
    Row("GET", "/folders/{folder_id}/documents/{document_id}/changes", P.FOLDER_READ, READ),
    Row(
        "POST",
        "/signature-sessions",
        P.FOLDER_SIGN,
        PEOPLE,
        {
            "certificate_sha256": "0" * 64,
            "items": [{"folder_id": SOME_ID, "document_id": SOME_ID, "desk_id": SOME_ID}],
        },
    ),
    Row("POST", "/signature-sessions/{session_id}/resume", P.FOLDER_SIGN, PEOPLE),
    Row("GET", "/signature-sessions/{session_id}", P.FOLDER_SIGN, PEOPLE),
    Row(
        "PUT",
        "/signature-sessions/{session_id}/items/{n}",
        P.AGENT,
        AGENT,
        {"job_id": SOME_ID, "failure": {"code": "token_lost", "detail": "Support retiré."}},
    ),
    Row("GET", "/agent/jobs/next", P.AGENT, AGENT, query="?wait_s=0"),
    Row("POST", "/agent/jobs/{job_id}/accept", P.AGENT, AGENT, {"nonce": "x"}),
    Row("POST", "/agent/jobs/{job_id}/renew", P.AGENT, AGENT),
    Row("GET", "/agent/jobs/{job_id}/items/{n}/document", P.AGENT, AGENT),
    Row("POST", "/agent/jobs/{job_id}/end", P.AGENT, AGENT, {"outcome": "done"}),
    Row("GET", "/folders/{folder_id}/transmissions", P.FOLDER_READ, READ),
    Row(
        "GET",
        "/transmissions/{transmission_id}/receipts/{receipt_id}/content",
        P.FOLDER_READ,
        READ,
    ),
    Row("GET", "/transmissions", P.TRANSMISSION_ADMIN, ADMIN),
    Row(
        "POST",
        "/transmissions/{transmission_id}/remote-id",
        P.TRANSMISSION_ADMIN,
        ADMIN,
        {"remote_id": "1077"},
    ),
    Row(
        "POST",
        "/transmissions/{transmission_id}/acknowledgement",
        P.TRANSMISSION_ADMIN,
        ADMIN,
        content=make_acquit(),
    ),
    Row(
        "POST",
        "/transmissions/{transmission_id}/retry",
        P.TRANSMISSION_ADMIN,
        ADMIN,
        {"reason": "Le compte est corrigé."},
    ),
    Row("GET", "/configuration", P.CATALOG_ADMIN, WORKFLOW_ADMINS),
    Row("GET", "/configuration/templates", P.CATALOG_ADMIN, WORKFLOW_ADMINS),
    Row("GET", "/configuration/templates/{name}", P.CATALOG_ADMIN, WORKFLOW_ADMINS),
    Row(
        "POST", "/configuration/validate", P.CATALOG_ADMIN, WORKFLOW_ADMINS, content=b"version: 1\n"
    ),
    Row(
        "POST", "/configuration/dry-run", P.CATALOG_ADMIN, WORKFLOW_ADMINS, content=b"version: 1\n"
    ),
    Row("POST", "/configuration/apply", P.TENANT_ADMIN, ADMIN, content=b"version: 1\n"),
)
NUMBERS = {"n", "number"}
TABLE_OF = {
    "account_id": "connector_accounts",
    "job_id": "signing_jobs",
    "staff_id": "desk_staff",
    "tenant_id": "tenants",
} | {
    f"{name}_id": f"{table}s"
    for name, table in (
        ("token", "api_token"),
        ("desk", "desk"),
        ("user", "user"),
        ("holder", "desk_holder"),
        ("absence", "absence"),
        ("grant", "grant"),
        ("mandate", "elected_mandate"),
        ("installation", "council_installation"),
        ("order", "certificate_order"),
        ("device", "signing_device"),
        ("workflow", "workflow"),
        ("type", "folder_type"),
        ("subtype", "folder_subtype"),
        ("folder", "folder"),
        ("revision", "revision"),
        ("document", "document"),
        ("session", "signature_session"),
        ("transmission", "transmission"),
        ("receipt", "transmission_receipt"),
    )
}
ROUTES = tuple(declared_routes())
WITH_ID = tuple(row for row in TABLE if any(name in TABLE_OF for name in row.objects))
every_api_route = pytest.mark.parametrize(
    "declared",
    [one for one in ROUTES if isinstance(one.route, APIRoute)],
    ids=lambda one: one.name,
)


def ids_in(rows: dict[str, Json], row: Row) -> dict[str, str]:
    """The identifiers that a row's path needs, among these objects."""
    return {name: str(rows[TABLE_OF[name]]["id"]) for name in row.objects if name in TABLE_OF}


class Door:
    """Sends a row's request as somebody."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def knock(
        self,
        row: Row,
        who: dict[str, str] | DeviceAuth,
        ids: dict[str, str] | None = None,
        *,
        json: Json | None = None,
    ) -> httpx2.Response:
        named = {name: "1" if name in NUMBERS else str(uuid.uuid4()) for name in row.objects}
        path = row.path.format(**(named | (ids or {})))
        headers = {} if isinstance(who, DeviceAuth) else dict(who)
        if row.content is not None:
            headers["Content-Type"] = "application/pdf"
        request = self._client.build_request(
            row.method,
            path + row.query,
            json=json or row.json,
            content=row.content,
            headers=headers,
        )
        if isinstance(who, DeviceAuth):
            return await self._client.send(request, auth=who)
        return await self._client.send(request)


@pytest.fixture
async def door(context: Context) -> AsyncIterator[Door]:
    transport = httpx2.ASGITransport(app=application(context))
    async with httpx2.AsyncClient(transport=transport, base_url=f"{ORIGIN}/api/v1") as client:
        yield Door(client)


PROGRAMS = {
    "depositing_program": P.FOLDER_DEPOSIT,
    "reading_program": P.FOLDER_READ,
    "cataloguing_program": P.CATALOG_READ,
    "answering_program": P.OUTSIDE_ANSWER,
}


async def identity(context: Context, town: Town, key: str) -> dict[str, str] | DeviceAuth:
    """Somebody with no more rights than his name says."""
    if key == "agent":
        return await make_device(context, town)
    if key in PROGRAMS:
        _, value = await make_token(context, town, PROGRAMS[key])
        return bearer(value)
    await add_person(context, town, key, *([] if key == "person" else [Role(key)]))
    return await session_headers(context, town, key)


@dataclasses.dataclass(frozen=True)
class Almighty:
    """Somebody with every role, a program and an agent: together every right of a town."""

    person: dict[str, str]
    program: dict[str, str]
    agent: DeviceAuth

    @classmethod
    async def of(cls, context: Context, town: Town) -> Almighty:
        await add_person(context, town, "everything", *Role)
        person = await session_headers(context, town, "everything")
        _, value = await make_token(context, town, P.OUTSIDE_ANSWER)
        return cls(person, bearer(value), await make_device(context, town, "everything"))

    def behind(self, row: Row) -> dict[str, str] | DeviceAuth:
        known: dict[Permission, dict[str, str] | DeviceAuth] = {
            P.AGENT: self.agent,
            P.OUTSIDE_ANSWER: self.program,
        }
        return known.get(row.permission, self.person)


class TestTable:
    def test_threat_34_every_route_declares_exactly_one_permission(self) -> None:
        bare = [one.name for one in ROUTES if len(one.permissions) != 1]
        assert bare == ["GET /openapi.json"]

    def test_threat_34_every_route_that_is_not_public_stands_in_the_table(self) -> None:
        assert {one.name for one in ROUTES} - PUBLIC == {row.name for row in TABLE}

    def test_public_routes_are_those_of_the_list(self) -> None:
        public = {one.name for one in ROUTES if one.permissions in {(), (P.PUBLIC.value,)}}
        assert public == PUBLIC

    def test_each_route_demands_the_permission_of_the_table(self) -> None:
        declared = {one.name: one.permissions for one in ROUTES if one.name not in PUBLIC}
        assert declared == {row.name: (row.permission.value,) for row in TABLE}

    def test_the_table_names_only_known_identities(self) -> None:
        assert all(row.passes <= EVERYBODY for row in TABLE)

    def test_every_identifier_in_a_path_is_of_a_known_kind(self) -> None:
        names = {name for row in TABLE for name in row.objects}
        assert names == set(TABLE_OF) | NUMBERS | {"code", "name", "list_name"}


class TestDescription:
    @every_api_route
    def test_a_route_says_what_it_does(self, declared: Declared) -> None:
        route = declared.api
        assert route.summary
        assert route.endpoint.__doc__
        assert route.tags or declared.path == "/health"

    @every_api_route
    def test_a_route_says_what_it_answers(self, declared: Declared) -> None:
        route = declared.api
        assert (
            route.response_model is not None
            or route.response_class is StreamingResponse
            or route.status_code == 204
        )

    @every_api_route
    def test_a_route_documents_its_refusals(self, declared: Declared) -> None:
        answers = _operation(declared)["responses"]
        wanted = set() if declared.name in PUBLIC else {"401", "403"}
        if "_id}" in declared.path:
            wanted |= {"404", "422"}
        assert wanted <= set(answers)

    @every_api_route
    def test_every_refusal_is_a_problem(self, declared: Declared) -> None:
        refusals = [
            answer
            for status, answer in _operation(declared)["responses"].items()
            if status.startswith(("4", "5"))
        ]
        schemas = {
            content["schema"]["$ref"] for one in refusals for content in one["content"].values()
        }
        assert schemas == {"#/components/schemas/Problem"}

    def test_operation_ids_are_unique(self) -> None:
        described = _description()["paths"].values()
        ids = [operation["operationId"] for path in described for operation in path.values()]
        assert len(ids) == len(set(ids))

    def test_bodies_of_two_kinds_do_not_share_a_name(self) -> None:
        """Where they do, clients are given the names of our modules."""
        assert [name for name in _description()["components"]["schemas"] if "__" in name] == []


@functools.cache
def _description() -> Json:
    return build().openapi()


def _operation(declared: Declared) -> Json:
    found: Json = _description()["paths"][f"/api/v1{declared.path}"][declared.method.lower()]
    return found


def said(answer: httpx2.Response) -> tuple[int, str | None]:
    """The status, and the code of a refusal."""
    return answer.status_code, answer.json()["code"] if answer.is_error else None


class TestWithoutIdentity:
    async def test_threat_49_nobody_passes(self, door: Door) -> None:
        answers = {row.name: said(await door.knock(row, {})) for row in TABLE}
        assert answers == {row.name: (401, "unauthenticated") for row in TABLE}

    async def test_threat_49_tokens_that_are_not_good_any_more_open_nothing(
        self, context: Context, clock: DrivenClock, town: Town, door: Door
    ) -> None:
        every = (P.FOLDER_DEPOSIT, P.FOLDER_READ, P.CATALOG_READ)
        _, short = await make_token(context, town, *every, days=1)
        revoked_id, revoked = await make_token(context, town, *every, days=300)
        administrator = await session_headers(context, town, "administrateur")
        revocation = next(row for row in TABLE if row.name == "DELETE /api-tokens/{token_id}")
        await door.knock(revocation, administrator, {"token_id": revoked_id})
        clock.advance(days=2)
        context.settings.limits.failures = 10_000
        values = {"expired": short, "revoked": revoked, "unknown": f"{short[:-1]}!", "empty": ""}
        opened = [
            (row.name, kind)
            for row in TABLE
            for kind, value in values.items()
            if said(await door.knock(row, bearer(value))) != (401, "unauthenticated")
        ]
        assert opened == []


class TestRights:
    @pytest.mark.parametrize("key", sorted(EVERYBODY))
    async def test_threat_34_one_passes_where_the_table_says_and_nowhere_else(
        self, context: Context, town: Town, door: Door, key: str
    ) -> None:
        who = await identity(context, town, key)
        # Closing the session comes last: nobody stands behind it afterwards.
        rows = sorted(TABLE, key=lambda row: row.name == "DELETE /session")
        statuses = {row.name: (await door.knock(row, who)).status_code for row in rows}
        refused = {name for name, status in statuses.items() if status == 403}
        assert refused == {row.name for row in TABLE if key not in row.passes}
        assert [one for one in statuses.items() if one[1] == 401 or one[1] >= 500] == []


class TestObjects:
    async def test_threat_33_what_another_tenant_has_does_not_exist(
        self, context: Context, town: Town, other_town: Town, door: Door
    ) -> None:
        rows, mighty = await furnish(context, other_town), await Almighty.of(context, town)
        answers = {
            row.name: said(await door.knock(row, mighty.behind(row), ids_in(rows, row)))
            for row in WITH_ID
        }
        assert answers == {row.name: (404, "not_found") for row in WITH_ID}

    async def test_threat_50_what_does_not_exist_is_said_in_the_same_words(
        self, context: Context, town: Town, other_town: Town, door: Door
    ) -> None:
        rows, mighty = await furnish(context, other_town), await Almighty.of(context, town)
        told_apart = []
        for row in WITH_ID:
            foreign = await door.knock(row, mighty.behind(row), ids_in(rows, row))
            random = await door.knock(row, mighty.behind(row))
            if (random.status_code, random.content) != (foreign.status_code, foreign.content):
                told_apart.append(row.name)
        assert told_apart == []

    @pytest.mark.parametrize("malformed", ["x", "0", "%00", "%F0%9F", "' OR 1=1--"])
    async def test_threat_50_a_malformed_identifier_is_refused(
        self, context: Context, town: Town, door: Door, malformed: str
    ) -> None:
        mighty = await Almighty.of(context, town)
        # An agent signs the address as it reads: one that is encoded otherwise is not its own.
        is_plain = malformed.isalnum()
        rows = [row for row in WITH_ID if is_plain or row.permission is not P.AGENT]
        answers = {
            row.name: said(
                await door.knock(
                    row,
                    mighty.behind(row),
                    {name: malformed for name in row.objects if name in TABLE_OF},
                )
            )
            for row in rows
        }
        assert answers == {row.name: (422, "invalid_request") for row in rows}

    @pytest.mark.parametrize("number", ["x", "-1", "0", str(1 << 31), str(1 << 63), "9" * 40])
    async def test_threat_50_a_number_out_of_range_is_refused(
        self, context: Context, town: Town, door: Door, number: str
    ) -> None:
        rows, mighty = await furnish(context, town), await Almighty.of(context, town)
        answers = {
            row.name: await door.knock(
                row,
                mighty.behind(row),
                ids_in(rows, row) | {name: number for name in row.objects if name in NUMBERS},
            )
            for row in TABLE
            if NUMBERS & set(row.objects)
        }
        assert {one.status_code for one in answers.values()} <= {404, 422}

    async def test_threat_49_a_token_of_another_tenant_reads_nothing_here(
        self, context: Context, town: Town, other_town: Town, door: Door
    ) -> None:
        rows = await furnish(context, town)
        _, value = await make_token(
            context, other_town, P.FOLDER_DEPOSIT, P.FOLDER_READ, P.CATALOG_READ
        )
        answers = {
            row.name: await door.knock(row, bearer(value), ids_in(rows, row)) for row in WITH_ID
        }
        assert [one for one in answers.items() if one[1].status_code not in {403, 404}] == []


def _inputs(annotation: Any) -> Iterator[Any]:
    """The models inside an annotation, unions and lists opened."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from _inputs(field.annotation)
        return
    if isinstance(annotation, types.UnionType) or typing.get_args(annotation):
        for part in typing.get_args(annotation):
            yield from _inputs(part)


INPUTS = sorted(
    {model for one in ROUTES for body in body_models(one) for model in _inputs(body)},
    key=lambda model: str(model.__name__),
)
COLUMNS = sorted({column.key for table in Base.metadata.sorted_tables for column in table.columns})


class TestInputs:
    def test_threat_35_inputs_were_found(self) -> None:
        assert {"FolderCreate", "ActInput", "ApproveAct", "StepInput", "ItemCreate"} <= {
            model.__name__ for model in INPUTS
        }

    @pytest.mark.parametrize("model", INPUTS, ids=lambda model: model.__name__)
    def test_threat_35_an_input_refuses_every_column_that_is_not_its_own(
        self, model: type[BaseModel]
    ) -> None:
        foreign = {name: "x" for name in [*COLUMNS, "role"] if name not in model.model_fields}
        with pytest.raises(ValidationError) as refused:
            model.model_validate(foreign)
        extra = {
            one["loc"][0] for one in refused.value.errors() if one["type"] == "extra_forbidden"
        }
        assert issubclass(model, Input)
        assert extra == set(foreign)

    @pytest.mark.parametrize("member", ["state", "tenant_id", "signed_at", "created_by"])
    async def test_threat_35_a_member_too_many_is_refused(
        self, context: Context, town: Town, door: Door, member: str
    ) -> None:
        mighty = await Almighty.of(context, town)
        taken = []
        for row in TABLE:
            if row.json is None:
                continue
            answer = await door.knock(row, mighty.behind(row), json={**row.json, member: SOME_ID})
            faults = answer.json()["faults"] if answer.status_code == 422 else []
            if not any(one["field"].endswith(member) for one in faults):
                taken.append(row.name)
        assert taken == []


SECRET_SENTENCE = "SELECT password_hash FROM users -- /srv/parapheur/app/main.py"
TELLTALES = (
    "Traceback",
    'File "',
    ".py",
    "SELECT",
    "INSERT",
    "sqlalchemy",
    "psycopg",
    "password_hash",
    "/srv",
    "Error:",
)


class Broken(Exception):
    """What no handler knows."""


def _broken_clock() -> Any:
    raise Broken(SECRET_SENTENCE)


def client_of(context: Context) -> Client:
    transport = httpx2.ASGITransport(app=application(context), raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url=f"{ORIGIN}/api/v1")


def assert_says_nothing(answer: httpx2.Response) -> None:
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert [one for one in TELLTALES if one in answer.text] == []


class TestForcedFailures:
    async def test_threat_52_an_unforeseen_error_is_a_plain_500(
        self, context: Context, town: Town
    ) -> None:
        who = await session_headers(context, town, "administrateur")
        async with client_of(dataclasses.replace(context, clock=_broken_clock)) as client:
            answer = await client.get("/users", headers=who)
        assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
        assert_says_nothing(answer)

    async def test_threat_32_an_unforeseen_error_carries_the_headers_of_every_answer(
        self, context: Context, town: Town
    ) -> None:
        who = await session_headers(context, town, "administrateur")
        async with client_of(dataclasses.replace(context, clock=_broken_clock)) as client:
            failed, worked = (
                await client.get("/users", headers=who),
                await client.get("/openapi.json"),
            )
        names = {"Content-Security-Policy", "X-Content-Type-Options", "Strict-Transport-Security"}
        assert {name: failed.headers.get(name) for name in names} == {
            name: worked.headers[name] for name in names
        }

    async def test_threat_52_a_database_that_does_not_answer_is_a_503(
        self, context: Context
    ) -> None:
        engine = make_engine("postgresql+psycopg://nobody@/none?host=/nonexistent")
        lost = dataclasses.replace(context, engine=engine, sessions=make_sessions(engine))
        async with client_of(lost) as client:
            answer = await client.get("/health")
        assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
        assert_says_nothing(answer)

    @pytest.mark.parametrize(
        ("method", "path", "body", "status"),
        [
            ("POST", "/desks", b'{"name": "\\u0000"}', 422),
            ("POST", "/desks", b'{"name": "\\ud800"}', 422),
            ("POST", "/desks", b'{"name": ', 422),
            ("POST", "/desks", b"\xff\xfe", 422),
            ("POST", "/desks", b"[" * 100_000, 400),
            ("GET", "/folders?status=%00", b"", 422),
            ("GET", "/folders?cursor=%F0%9F", b"", 422),
            ("GET", "/device-pairings/%00", b"", 404),
            ("GET", "/nothing-here", b"", 404),
            ("GET", "/desks/", b"", 404),
            ("PATCH", "/desks", b"", 405),
        ],
    )
    async def test_threat_52_a_request_that_cannot_be_read_is_a_plain_refusal(
        self, context: Context, town: Town, method: str, path: str, body: bytes, status: int
    ) -> None:
        who = await session_headers(context, town, "administrateur")
        who["Content-Type"] = "application/json"
        async with client_of(context) as client:
            answer = await client.request(method, path, content=body, headers=who)
        assert answer.status_code == status
        assert_says_nothing(answer)

    async def test_threat_48_a_body_is_bounded_before_anybody_is_known(
        self, context: Context
    ) -> None:
        async with client_of(context) as client:
            answer = await client.post(
                "/session", content=b" " * (1 << 21), headers={"Content-Type": "application/json"}
            )
        assert answer.status_code == 413

    async def test_threat_51_no_other_site_is_told_that_it_may_read(
        self, context: Context, town: Town
    ) -> None:
        who = await session_headers(context, town, "administrateur")
        who["Origin"] = "https://ailleurs.test"
        async with client_of(context) as client:
            answers = [
                await client.get("/users", headers=who),
                await client.options(
                    "/users", headers={**who, "Access-Control-Request-Method": "POST"}
                ),
            ]
        shown = [name for one in answers for name in one.headers if "access-control" in name]
        assert shown == []

    async def test_threat_31_no_answer_repeats_the_host_of_the_request(
        self, context: Context, town: Town
    ) -> None:
        who = await session_headers(context, town, "administrateur")
        who["Host"] = "mechant.test"
        async with client_of(context) as client:
            answer = await client.get("/users/", headers=who)
        assert "mechant.test" not in answer.text + str(answer.headers)
