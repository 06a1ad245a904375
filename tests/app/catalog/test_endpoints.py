"""Circuits, types, subtypes and TdT accounts: drafts say, activation refuses, secrets stay."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from app.catalog.service import seal_context
from app.context import Context
from app.demo import pki
from app.demo.town import Town
from app.kit.secrets import BadSecret, keyring_of, new_master_secret
from tests.app.conftest import PersonOf
from tests.builders.people import ApiPerson
from tests.builders.towns import random_id

Json = dict[str, Any]


def visa(town: Town, **overrides: Any) -> Json:
    desk = str(town.desks["direction"])
    return {"id": "visa", "kind": "approval", "name": "Visa", "desk_ids": [desk], **overrides}


def signature(town: Town, **overrides: Any) -> Json:
    desk = str(town.desks["maire"])
    step = {"id": "signature", "kind": "signature", "name": "Signature", "desk_ids": [desk]}
    return step | overrides


def sending(**overrides: Any) -> Json:
    return {"id": "envoi", "kind": "transmission", "name": "Envoi", **overrides}


async def draw(person: ApiPerson, *steps: Json, name: str = "Circuit d'essai") -> httpx2.Response:
    return await person.client.post("/workflows", json={"name": name, "steps": list(steps)})


async def activate(person: ApiPerson, workflow_id: str, number: int = 1) -> httpx2.Response:
    return await person.client.post(f"/workflows/{workflow_id}/versions/{number}/activate")


async def active(person: ApiPerson, *steps: Json, name: str = "Circuit d'essai") -> str:
    made = (await draw(person, *steps, name=name)).json()
    answer = await activate(person, made["id"])
    assert answer.status_code == 200, answer.text
    return str(made["id"])


async def make_type(
    person: ApiPerson, protocol: str, *, name: str = "Type d'essai", **more: Any
) -> httpx2.Response:
    form = "PES_V2" if protocol == "HELIOS" else "PADES"
    body = {"name": name, "protocol": protocol, "signature_format": form, **more}
    return await person.client.post("/folder-types", json=body)


async def bind(
    person: ApiPerson, type_id: str, workflow_id: str, *, name: str = "Sous-type", **more: Any
) -> httpx2.Response:
    body = {"type_id": type_id, "name": name, "workflow_id": workflow_id, **more}
    return await person.client.post("/folder-subtypes", json=body)


def told(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


class TestWorkflow:
    @pytest.mark.parametrize(
        ("steps", "code"),
        [
            ((), "workflow_empty"),
            (({"id": "visa", "kind": "approval", "name": "Visa"},), "step_without_actor"),
            ((sending(), sending(id="encore")), "transmission_repeated"),
        ],
        ids=["empty", "nobody", "sent twice"],
    )
    async def test_a_draft_is_kept_with_its_findings_and_not_activated(
        self, administrator: ApiPerson, steps: tuple[Json, ...], code: str
    ) -> None:
        made = await draw(administrator, *steps)
        findings = {one["code"] for one in made.json()["versions"][0]["findings"]}
        refused = await activate(administrator, made.json()["id"])
        assert made.status_code == 201
        assert code in findings
        assert told(refused) == (422, "workflow_has_errors")
        assert code in refused.json()["findings"]

    async def test_a_refused_activation_leaves_the_draft_a_draft(
        self, administrator: ApiPerson
    ) -> None:
        made = (await draw(administrator)).json()
        await activate(administrator, made["id"])
        listed = (await administrator.client.get("/workflows")).json()
        found = next(one for one in listed if one["id"] == made["id"])
        assert found["versions"][0]["activated_at"] is None

    async def test_versions_stay_as_they_were(self, administrator: ApiPerson) -> None:
        town = administrator.town
        made = (await draw(administrator, visa(town))).json()
        again = await administrator.client.post(
            f"/workflows/{made['id']}/versions", json={"steps": [visa(town), signature(town)]}
        )
        numbers = [(one["number"], len(one["steps"])) for one in again.json()["versions"]]
        assert numbers == [(2, 2), (1, 1)]

    async def test_editing_at_once_gives_each_its_number(self, administrator: ApiPerson) -> None:
        made = (await draw(administrator, visa(administrator.town))).json()
        path = f"/workflows/{made['id']}/versions"
        body: Json = {"steps": []}
        answers = await asyncio.gather(
            *(administrator.client.post(path, json=body) for _ in range(5))
        )
        listed = (await administrator.client.get("/workflows")).json()
        versions = next(one["versions"] for one in listed if one["id"] == made["id"])
        assert {one.status_code for one in answers} == {201}
        assert [one["number"] for one in versions] == [6, 5, 4, 3, 2, 1]

    @pytest.mark.parametrize("name", ["Circuit d'été", "CIRCUIT D'ÉTÉ", " circuit d'été "])
    async def test_a_name_is_taken_once_without_case(
        self, administrator: ApiPerson, name: str
    ) -> None:
        await draw(administrator, name="Circuit d'été")
        assert told(await draw(administrator, name=name)) == (409, "workflow_name_taken")

    async def test_threat_38_two_that_take_one_name_at_once_are_one_winner(
        self, administrator: ApiPerson
    ) -> None:
        answers = await asyncio.gather(*(draw(administrator, name="Ensemble") for _ in range(6)))
        assert sorted(one.status_code for one in answers) == [201, *[409] * 5]

    async def test_threat_33_a_desk_of_another_tenant_is_unknown(
        self, administrator: ApiPerson, other_town: Town
    ) -> None:
        for desk in (other_town.desks["maire"], random_id()):
            answer = await draw(administrator, visa(administrator.town, desk_ids=[str(desk)]))
            assert told(answer) == (422, "unknown_desk")

    async def test_a_version_that_does_not_exist_is_not_found(
        self, administrator: ApiPerson
    ) -> None:
        made = (await draw(administrator, visa(administrator.town))).json()
        assert (await activate(administrator, made["id"], 2)).status_code == 404

    async def test_the_latest_activated_version_is_in_force(
        self, context: Context, administrator: ApiPerson
    ) -> None:
        workflow_id = await active(administrator, visa(administrator.town))
        await administrator.client.post(
            f"/workflows/{workflow_id}/versions", json={"steps": [signature(administrator.town)]}
        )
        before = await _in_force(context, administrator.town, workflow_id)
        await activate(administrator, workflow_id, 2)
        assert (before, await _in_force(context, administrator.town, workflow_id)) == (1, 2)


async def _in_force(context: Context, town: Town, workflow_id: str) -> int | None:
    query = text(
        "SELECT number FROM workflow_versions WHERE workflow_id = :id"
        " AND activated_at IS NOT NULL ORDER BY activated_at DESC, number DESC LIMIT 1"
    )
    async with context.unit(town.tenant_id) as session:
        number: int | None = await session.scalar(query, {"id": workflow_id})
    return number


class TestType:
    @pytest.mark.parametrize(
        ("protocol", "form"), [("HELIOS", "PADES"), ("ACTES", "PES_V2"), ("NONE", "PES_V2")]
    )
    async def test_a_format_that_the_protocol_does_not_take_is_refused(
        self, administrator: ApiPerson, protocol: str, form: str
    ) -> None:
        answer = await make_type(administrator, protocol, signature_format=form)
        assert told(answer) == (422, "format_not_of_protocol")

    async def test_its_name_is_its_own(self, administrator: ApiPerson) -> None:
        assert told(await make_type(administrator, "NONE", name="Actes")) == (
            409,
            "type_name_taken",
        )

    async def test_threat_33_an_account_of_another_tenant_is_unknown(
        self, administrator: ApiPerson, other_town: Town, person_of: PersonOf
    ) -> None:
        neighbour = await person_of(other_town, "administrateur")
        account = (await neighbour.client.post("/connector-accounts", json=an_account())).json()
        answer = await make_type(administrator, "ACTES", connector_account_id=account["id"])
        assert told(answer) == (422, "unknown_account")


class TestSubtype:
    @pytest.fixture
    async def helios(self, administrator: ApiPerson) -> str:
        return str((await make_type(administrator, "HELIOS")).json()["id"])

    async def test_a_flow_subtype_says_what_it_takes(
        self, administrator: ApiPerson, helios: str
    ) -> None:
        town = administrator.town
        workflow_id = await active(administrator, visa(town), signature(town), sending())
        answer = await bind(administrator, helios, workflow_id)
        assert told(answer) == (422, "helios_intake_missing")

    async def test_flows_to_sign_have_exactly_one_signature(
        self, administrator: ApiPerson, helios: str
    ) -> None:
        town = administrator.town
        one = await active(administrator, signature(town), sending(), name="Une")
        none = await active(administrator, visa(town), sending(), name="Aucune")
        two = await active(
            administrator, signature(town), signature(town, id="autre"), sending(), name="Deux"
        )
        answers = [
            await bind(administrator, helios, each, name=each, helios_intake="to_sign")
            for each in (one, none, two)
        ]
        assert [one.status_code for one in answers] == [201, 422, 422]
        assert [one.json()["findings"] for one in answers[1:]] == [["helios_one_signature"]] * 2

    @pytest.mark.parametrize("intake", ["signed_elsewhere", "nothing_to_sign"])
    async def test_other_flows_are_not_signed_here(
        self, administrator: ApiPerson, helios: str, intake: str
    ) -> None:
        town = administrator.town
        signing = await active(administrator, signature(town), sending(), name="Signature")
        without = await active(administrator, visa(town), sending(), name="Visa seul")
        refused = await bind(administrator, helios, signing, helios_intake=intake)
        taken = await bind(administrator, helios, without, helios_intake=intake)
        assert refused.json()["findings"] == ["helios_signature_unexpected"]
        assert taken.status_code == 201

    @pytest.mark.parametrize("protocol", ["ACTES", "NONE"])
    async def test_only_flows_say_what_they_take(
        self, administrator: ApiPerson, protocol: str
    ) -> None:
        type_id = (await make_type(administrator, protocol)).json()["id"]
        workflow_id = await active(administrator, visa(administrator.town))
        answer = await bind(administrator, type_id, workflow_id, helios_intake="to_sign")
        assert told(answer) == (422, "intake_without_helios")

    async def test_a_draft_may_be_bound_then_is_judged_at_activation(
        self, administrator: ApiPerson, helios: str
    ) -> None:
        made = (await draw(administrator, visa(administrator.town), sending())).json()
        bound = await bind(administrator, helios, made["id"], helios_intake="to_sign")
        refused = await activate(administrator, made["id"])
        assert bound.status_code == 201
        assert refused.json()["findings"] == ["helios_one_signature"]

    async def test_a_circuit_in_use_is_judged_for_every_subtype(
        self, administrator: ApiPerson, helios: str
    ) -> None:
        town = administrator.town
        workflow_id = await active(administrator, signature(town), sending())
        await bind(administrator, helios, workflow_id, helios_intake="to_sign")
        await administrator.client.post(
            f"/workflows/{workflow_id}/versions", json={"steps": [visa(town), sending()]}
        )
        assert told(await activate(administrator, workflow_id, 2)) == (422, "workflow_has_errors")

    async def test_its_name_is_its_own_in_its_type(self, administrator: ApiPerson) -> None:
        type_id = (await make_type(administrator, "NONE")).json()["id"]
        workflow_id = await active(administrator, visa(administrator.town))
        answers = [await bind(administrator, type_id, workflow_id) for _ in range(2)]
        assert answers[0].status_code == 201
        assert told(answers[1]) == (409, "subtype_name_taken")

    async def test_threat_33_what_another_tenant_has_cannot_be_bound(
        self, administrator: ApiPerson, other_town: Town, person_of: PersonOf
    ) -> None:
        neighbour = await person_of(other_town, "administrateur")
        own_type = (await make_type(administrator, "NONE")).json()["id"]
        own_workflow = await active(administrator, visa(administrator.town))
        foreign_type = (await make_type(neighbour, "NONE")).json()["id"]
        foreign_workflow = await active(neighbour, visa(other_town))
        desk = str(other_town.desks["maire"])
        answers = [
            await bind(administrator, foreign_type, own_workflow),
            await bind(administrator, own_type, foreign_workflow),
            await bind(administrator, own_type, own_workflow, deposit_desk_ids=[desk]),
        ]
        assert [told(one) for one in answers] == [
            (404, "not_found"),
            (404, "not_found"),
            (422, "unknown_desk"),
        ]


_KEPT: list[tuple[pki.Issued, pki.Issued]] = []


def _chain() -> tuple[pki.Issued, pki.Issued]:
    if not _KEPT:
        validity = pki.valid_for(30)
        authority = pki.make_authority("AC fictive du TdT", validity=validity)
        client = pki.make_tls_client("Compte fictif", issuer=authority, validity=validity)
        _KEPT.append((authority, client))
    return _KEPT[0]


def an_account(**overrides: Any) -> Json:
    authority, client = _chain()
    return {
        "connector": "s2low",
        "label": "TdT fictif",
        "base_url": "https://tdt.test",
        "server_ca": authority.pem.decode(),
        "client_certificate": client.pem.decode(),
        "client_key": client.key_pem.decode(),
        "login": "compte",
        "password": "mot de passe du TdT",
        **overrides,
    }


class TestConnectorAccount:
    async def test_threat_23_no_answer_shows_a_secret(self, administrator: ApiPerson) -> None:
        made = await administrator.client.post("/connector-accounts", json=an_account())
        listed = await administrator.client.get("/connector-accounts")
        assert made.status_code == 201
        assert made.json() in listed.json()
        assert set(made.json()) == {
            "id",
            "connector",
            "label",
            "base_url",
            "login",
            "is_archivist",
        }

    async def test_threat_41_the_row_holds_none_of_them(
        self, context: Context, administrator: ApiPerson
    ) -> None:
        body = an_account()
        headers = {"Idempotency-Key": "compte-1"}
        await administrator.client.post("/connector-accounts", json=body, headers=headers)
        async with context.unit(administrator.town.tenant_id) as session:
            kept = await session.scalar(
                text(
                    "SELECT string_agg(a::text || encode(a.sealed, 'escape')"
                    " || encode(k.body, 'escape'), '')"
                    " FROM connector_accounts a, idempotency_keys k"
                )
            )
        lines = [line for line in body["client_key"].splitlines() if len(line) > 20]
        secrets = [*lines, "PRIVATE KEY", body["password"]]
        hidden = [one for one in secrets if one in kept or one.encode().hex() in kept]
        assert (len(lines) > 1, hidden) == (True, [])

    async def test_the_sealed_value_opens_for_its_row_under_this_key_only(
        self, context: Context, administrator: ApiPerson
    ) -> None:
        body = an_account()
        made = (await administrator.client.post("/connector-accounts", json=body)).json()
        async with context.unit(administrator.town.tenant_id) as session:
            sealed = await session.scalar(text("SELECT sealed FROM connector_accounts"))
        opened = context.keyring.unseal(sealed, context=seal_context(made["id"]))
        assert json.loads(opened)["client_key"] == body["client_key"].strip()
        with pytest.raises(BadSecret):
            context.keyring.unseal(sealed, context=seal_context(random_id()))
        with pytest.raises(BadSecret):
            keyring_of(new_master_secret()).unseal(sealed, context=seal_context(made["id"]))

    @pytest.mark.parametrize(
        ("overrides", "code"),
        [
            ({"connector": "inconnu"}, "unknown_connector"),
            ({"base_url": "http://tdt.test"}, "invalid_request"),
            ({"base_url": "file:///etc/passwd"}, "invalid_request"),
            ({"sealed": "x"}, "invalid_request"),
        ],
    )
    async def test_an_account_that_cannot_serve_is_refused(
        self, administrator: ApiPerson, overrides: Json, code: str
    ) -> None:
        answer = await administrator.client.post(
            "/connector-accounts", json=an_account(**overrides)
        )
        assert told(answer) == (422, code)

    async def test_threat_41_a_refusal_repeats_no_secret(self, administrator: ApiPerson) -> None:
        body = an_account(client_key=["PRIVATE KEY canari"], password={"x": "canari"})
        answer = await administrator.client.post("/connector-accounts", json=body)
        assert (answer.status_code, "canari" in answer.text) == (422, False)

    async def test_its_label_is_its_own(self, administrator: ApiPerson) -> None:
        for status in (201, 409):
            answer = await administrator.client.post("/connector-accounts", json=an_account())
            assert answer.status_code == status
