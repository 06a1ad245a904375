"""TdT accounts: secrets are sealed, and no answer shows them."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text

from app.catalog.service import seal_context
from app.context import Context
from app.demo.pki import make_authority, make_tls_client, valid_for
from app.kit.secrets import BadSecret, keyring_of, new_master_secret
from tests.builders.accounts import an_account
from tests.builders.catalog import Json, told
from tests.builders.people import ApiPerson
from tests.builders.towns import random_id


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

    @pytest.mark.parametrize(
        ("overrides", "code", "named"),
        [
            ({"server_ca": "x"}, "server_ca_unreadable", "« server_ca »"),
            ({"client_key": "z"}, "client_pair_unreadable", "« client_key »"),
            ({"client_certificate": "y"}, "client_pair_unreadable", "« client_certificate »"),
        ],
    )
    async def test_what_is_no_pem_is_refused_by_its_name(
        self, administrator: ApiPerson, overrides: Json, code: str, named: str
    ) -> None:
        answer = await administrator.client.post(
            "/connector-accounts", json=an_account(**overrides)
        )
        assert (*told(answer), named in answer.json()["detail"]) == (422, code, True)

    async def test_the_key_of_another_certificate_is_refused(
        self, administrator: ApiPerson
    ) -> None:
        other = make_tls_client(
            "Un autre compte",
            issuer=make_authority("AC fictive", validity=valid_for(30)),
            validity=valid_for(30),
        )
        answer = await administrator.client.post(
            "/connector-accounts", json=an_account(client_key=other.key_pem.decode())
        )
        assert told(answer) == (422, "client_pair_unreadable")

    async def test_threat_41_a_refusal_repeats_no_secret(self, administrator: ApiPerson) -> None:
        body = an_account(client_key=["PRIVATE KEY canari"], password={"x": "canari"})
        answer = await administrator.client.post("/connector-accounts", json=body)
        assert (answer.status_code, "canari" in answer.text) == (422, False)

    async def test_its_label_is_its_own(self, administrator: ApiPerson) -> None:
        for status in (201, 409):
            answer = await administrator.client.post("/connector-accounts", json=an_account())
            assert answer.status_code == status
