"""Pairing of an agent: code, confirmation, what the table lets read, what slows guessing."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text

from app.context import Context
from app.devices.service import ALPHABET, MAX_REQUESTS
from tests.app.conftest import ORIGIN, Client
from tests.builders.applications import application
from tests.builders.people import ApiPerson
from tests.builders.signing_agents import DeviceAuth, ask_to_pair, b64, pair
from tests.builders.towns import DrivenClock, a_signer, random_id
from tests.builders.traces import journal_kinds

MACHINE = "poste du cabinet"


@pytest.fixture
def key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


async def asked(client: Client, key: Ed25519PrivateKey) -> dict[str, Any]:
    return await ask_to_pair(client, key, machine_name=MACHINE)


async def confirm(person: ApiPerson, code: str) -> httpx2.Response:
    return await person.client.post(f"/device-pairings/{code}/confirm")


class TestPairing:
    async def test_the_person_sees_which_machine_asks(
        self, anonymous: Client, mayor: ApiPerson, key: Ed25519PrivateKey
    ) -> None:
        code = (await asked(anonymous, key))["code"]
        shown = await mayor.client.get(f"/device-pairings/{code}")
        assert shown.json()["machine_name"] == MACHINE

    async def test_a_code_is_short_and_without_doubtful_letters(
        self, anonymous: Client, key: Ed25519PrivateKey
    ) -> None:
        code = (await asked(anonymous, key))["code"]
        assert len(code) == 9
        assert set(code) <= {*ALPHABET, "-"}
        assert not set(ALPHABET) & set("01IOL5SZ")

    async def test_a_code_is_read_in_any_case_with_or_without_its_hyphen(
        self, anonymous: Client, mayor: ApiPerson, key: Ed25519PrivateKey
    ) -> None:
        code = (await asked(anonymous, key))["code"].replace("-", "").lower()
        assert (await confirm(mayor, code)).status_code == 201

    async def test_confirmed_the_device_is_the_person_s(
        self, anonymous: Client, mayor: ApiPerson, finances: ApiPerson, key: Ed25519PrivateKey
    ) -> None:
        made = await confirm(mayor, (await asked(anonymous, key))["code"])
        his = await mayor.client.get("/devices")
        hers = await finances.client.get("/devices")
        assert [one["id"] for one in his.json()] == [made.json()["id"]]
        assert hers.json() == []

    async def test_the_agent_learns_the_key_of_the_server(
        self, context: Context, anonymous: Client, mayor: ApiPerson, clock: DrivenClock
    ) -> None:
        agent = await pair(anonymous, mayor, clock, a_signer().mayor)
        assert agent.server_key == context.keyring.job_key.public_key().public_bytes_raw()

    async def test_until_then_it_learns_nothing(
        self, anonymous: Client, key: Ed25519PrivateKey, clock: DrivenClock
    ) -> None:
        pairing = (await asked(anonymous, key))["pairing_id"]
        read = await anonymous.get(
            f"/agent/pairings/{pairing}", auth=DeviceAuth(pairing, key, clock)
        )
        assert read.json() == {
            "state": "pending",
            "device_id": None,
            "server_job_key": None,
            "tenant_name": None,
            "user_name": None,
        }

    async def test_it_is_journaled(
        self, anonymous: Client, mayor: ApiPerson, key: Ed25519PrivateKey
    ) -> None:
        await confirm(mayor, (await asked(anonymous, key))["code"])
        assert "device.paired" in await journal_kinds(mayor)


class TestFollowing:
    async def test_threat_28_only_the_key_that_asked_may_follow(
        self, anonymous: Client, key: Ed25519PrivateKey, clock: DrivenClock
    ) -> None:
        pairing = (await asked(anonymous, key))["pairing_id"]
        other = DeviceAuth(pairing, Ed25519PrivateKey.generate(), clock)
        answer = await anonymous.get(f"/agent/pairings/{pairing}", auth=other)
        assert (answer.status_code, answer.json()["code"]) == (401, "device_refused")

    async def test_threat_28_without_signature_nobody_follows(
        self, anonymous: Client, key: Ed25519PrivateKey
    ) -> None:
        pairing = (await asked(anonymous, key))["pairing_id"]
        assert (await anonymous.get(f"/agent/pairings/{pairing}")).status_code == 401

    async def test_threat_28_one_pairing_does_not_read_another(
        self, anonymous: Client, key: Ed25519PrivateKey, clock: DrivenClock
    ) -> None:
        first, second = await asked(anonymous, key), await asked(anonymous, key)
        auth = DeviceAuth(first["pairing_id"], key, clock)
        answer = await anonymous.get(f"/agent/pairings/{second['pairing_id']}", auth=auth)
        assert answer.status_code == 401

    async def test_threat_50_an_unknown_pairing_is_not_found(
        self, anonymous: Client, key: Ed25519PrivateKey, clock: DrivenClock
    ) -> None:
        unknown = str(random_id())
        answer = await anonymous.get(
            f"/agent/pairings/{unknown}", auth=DeviceAuth(unknown, key, clock)
        )
        assert answer.status_code == 404


class TestCode:
    async def test_threat_28_it_lives_ten_minutes(
        self, anonymous: Client, mayor: ApiPerson, key: Ed25519PrivateKey, clock: DrivenClock
    ) -> None:
        pairing = await asked(anonymous, key)
        clock.advance(minutes=10)
        answer = await confirm(mayor, pairing["code"])
        auth = DeviceAuth(pairing["pairing_id"], key, clock)
        read = await anonymous.get(f"/agent/pairings/{pairing['pairing_id']}", auth=auth)
        assert (answer.status_code, read.json()["state"]) == (404, "expired")

    async def test_threat_28_it_serves_once(
        self, anonymous: Client, mayor: ApiPerson, finances: ApiPerson, key: Ed25519PrivateKey
    ) -> None:
        code = (await asked(anonymous, key))["code"]
        first, second = await confirm(mayor, code), await confirm(finances, code)
        assert (first.status_code, second.status_code) == (201, 404)

    async def test_threat_28_used_it_names_the_machine_to_nobody(
        self, anonymous: Client, mayor: ApiPerson, finances: ApiPerson, key: Ed25519PrivateKey
    ) -> None:
        code = (await asked(anonymous, key))["code"]
        await confirm(mayor, code)
        shown = await finances.client.get(f"/device-pairings/{code}")
        assert (shown.status_code, MACHINE in shown.text) == (404, False)

    async def test_threat_43_guesses_are_slowed_then_even_the_right_code_waits(
        self, anonymous: Client, mayor: ApiPerson, key: Ed25519PrivateKey
    ) -> None:
        code = (await asked(anonymous, key))["code"]
        guesses = [(await confirm(mayor, f"AAAA-AAA{one}")).status_code for one in "ABCDEF"]
        answer = await confirm(mayor, code)
        assert guesses == [404] * 5 + [429]
        assert (answer.status_code, answer.json()["code"]) == (429, "too_many_failures")

    async def test_threat_43_looking_is_a_guess_too(self, mayor: ApiPerson) -> None:
        guesses = [
            (await mayor.client.get(f"/device-pairings/AAAA-AAA{one}")).status_code
            for one in "ABCDEF"
        ]
        assert guesses == [404] * 5 + [429]


class TestRequest:
    async def test_threat_43_an_address_does_not_ask_without_end(
        self, context: Context, key: Ed25519PrivateKey
    ) -> None:
        transport = httpx2.ASGITransport(app=application(context), client=("198.51.100.1", 1))
        async with httpx2.AsyncClient(transport=transport, base_url=f"{ORIGIN}/api/v1") as client:
            for _ in range(MAX_REQUESTS):
                await asked(client, key)
            answer = await client.post(
                "/agent/pairings",
                json={
                    "public_key": b64(key.public_key().public_bytes_raw()),
                    "machine_name": MACHINE,
                    "agent_version": "0.1.0",
                },
            )
        assert (answer.status_code, answer.json()["code"]) == (429, "too_many_failures")

    @pytest.mark.parametrize("public_key", [b"", b"x" * 31, b"x" * 33])
    async def test_a_key_of_another_size_is_refused(
        self, anonymous: Client, public_key: bytes
    ) -> None:
        answer = await anonymous.post(
            "/agent/pairings",
            json={
                "public_key": base64.b64encode(public_key).decode(),
                "machine_name": MACHINE,
                "agent_version": "0.1.0",
            },
        )
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_public_key")

    async def test_threat_33_neither_code_nor_machine_can_be_read_in_the_table(
        self, context: Context, anonymous: Client, key: Ed25519PrivateKey
    ) -> None:
        code = (await asked(anonymous, key))["code"].replace("-", "")
        async with context.unit() as session:
            kept = await session.scalar(
                text(
                    "SELECT string_agg(p::text || encode(sealed_machine_name, 'escape'), ' ')"
                    " FROM pairing_requests p"
                )
            )
        hidden = (code, MACHINE, MACHINE.encode().hex())
        assert [one for one in hidden if one in kept] == []


class TestRevocation:
    async def test_threat_33_nobody_revokes_the_device_of_somebody_else(
        self, anonymous: Client, mayor: ApiPerson, administrator: ApiPerson, clock: DrivenClock
    ) -> None:
        agent = await pair(anonymous, mayor, clock, a_signer().mayor)
        answer = await administrator.client.delete(f"/devices/{agent.device_id}")
        assert answer.status_code == 404

    async def test_revoked_it_stays_listed_with_its_date(
        self, anonymous: Client, mayor: ApiPerson, clock: DrivenClock
    ) -> None:
        agent = await pair(anonymous, mayor, clock, a_signer().mayor)
        revoked = await mayor.client.delete(f"/devices/{agent.device_id}")
        listed = await mayor.client.get("/devices")
        assert listed.json() == [revoked.json()]
        assert revoked.json()["revoked_at"] is not None


class TestCertificates:
    async def test_what_the_token_holds_is_judged(
        self, anonymous: Client, mayor: ApiPerson, clock: DrivenClock
    ) -> None:
        signer = a_signer()
        agent = await pair(anonymous, mayor, clock, signer.mayor)
        answer = await agent.report(signer.mayor, signer.issuer, chain=[signer.issuer])
        judged = {one["subject"]: one["fit"] for one in answer.json()["certificates"]}
        assert judged == {"Camille Exemple": True, "AC Signature de test": False}

    async def test_it_enters_the_register_of_the_agent_s_person_only(
        self, anonymous: Client, finances: ApiPerson, mayor: ApiPerson, clock: DrivenClock
    ) -> None:
        signer = a_signer()
        agent = await pair(anonymous, finances, clock, signer.mayor)
        await agent.report(signer.mayor, chain=[signer.issuer])
        hers = await finances.client.get("/certificates")
        assert {one["user_id"] for one in hers.json()} == {str(finances.town.users["finances"])}

    async def test_each_new_one_is_journaled(
        self,
        anonymous: Client,
        administrator: ApiPerson,
        finances: ApiPerson,
        clock: DrivenClock,
    ) -> None:
        signer = a_signer()
        agent = await pair(anonymous, finances, clock, signer.mayor)
        await agent.report(signer.mayor, chain=[signer.issuer])
        again = await agent.report(signer.mayor, chain=[signer.issuer])
        (reported,) = again.json()["certificates"]
        exported = (await administrator.client.get("/journal")).text.splitlines()
        (entry,) = [json.loads(one)["entry"] for one in exported if "certificate.registered" in one]
        assert entry["certificate_sha256"] == reported["sha256"]
        assert entry["details"] == {"person": str(finances.town.users["finances"])}
        assert entry["actor"] == {"kind": "device", "id": agent.device_id}

    async def test_what_is_no_certificate_is_refused(
        self, anonymous: Client, mayor: ApiPerson, clock: DrivenClock
    ) -> None:
        agent = await pair(anonymous, mayor, clock, a_signer().mayor)
        answer = await anonymous.put(
            "/agent/certificates",
            json={"certificates": [{"certificate": b64(b"pas un certificat")}]},
            auth=agent.auth,
        )
        assert answer.status_code == 422
