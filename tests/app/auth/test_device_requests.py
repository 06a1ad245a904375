"""Requests of agents: each part of what is signed, the clock, the nonce, the device itself."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import update

from app.context import Context
from app.demo.town import Town
from app.models import User
from tests.app.conftest import Client
from tests.builders.people import ApiPerson
from tests.builders.principals import make_device
from tests.builders.signing_agents import DeviceAuth, b64
from tests.builders.towns import DrivenClock

REPORT: dict[str, list[str]] = {"certificates": []}
Headers = dict[str, str]


def signed(
    client: Client, device: DeviceAuth, method: str, path: str, body: bytes = b""
) -> httpx2.Request:
    """A request with its signature, not sent yet."""
    request = client.build_request(
        method, path, content=body, headers={"Content-Type": "application/json"}
    )
    request.headers.update(device.headers(request))
    return request


def resent(
    client: Client, request: httpx2.Request, method: str, path: str, body: bytes = b""
) -> httpx2.Request:
    """The headers of one request over another."""
    kept = {name: value for name, value in request.headers.items() if "parapheur" in name}
    headers = {"Content-Type": "application/json", **kept}
    return client.build_request(method, path, content=body, headers=headers)


@pytest.fixture
async def device(context: Context, town: Town) -> DeviceAuth:
    return await make_device(context, town)


async def test_a_signed_request_is_its_agent_s(anonymous: Client, device: DeviceAuth) -> None:
    answer = await anonymous.put("/agent/certificates", json=REPORT, auth=device)
    assert answer.status_code == 200


class TestAltered:
    async def refused(self, client: Client, request: httpx2.Request) -> None:
        answer = await client.send(request)
        assert (answer.status_code, answer.json()["code"]) == (401, "device_refused")

    async def test_threat_28_the_method_is_signed(
        self, anonymous: Client, device: DeviceAuth
    ) -> None:
        path = "/agent/jobs/next?wait_s=0"
        request = signed(anonymous, device, "POST", path)
        await self.refused(anonymous, resent(anonymous, request, "GET", path))

    async def test_threat_28_the_path_is_signed(
        self, anonymous: Client, device: DeviceAuth
    ) -> None:
        request = signed(anonymous, device, "GET", "/agent/jobs/other?wait_s=0")
        altered = resent(anonymous, request, "GET", "/agent/jobs/next?wait_s=0")
        await self.refused(anonymous, altered)

    async def test_threat_28_the_query_is_signed(
        self, anonymous: Client, device: DeviceAuth
    ) -> None:
        request = signed(anonymous, device, "GET", "/agent/jobs/next?wait_s=1")
        altered = resent(anonymous, request, "GET", "/agent/jobs/next?wait_s=0")
        await self.refused(anonymous, altered)

    async def test_threat_28_the_body_is_signed(
        self, anonymous: Client, device: DeviceAuth
    ) -> None:
        path = "/agent/certificates"
        request = signed(anonymous, device, "PUT", path, b'{"certificates": []}')
        altered = resent(anonymous, request, "PUT", path, b'{"certificates":[]}')
        await self.refused(anonymous, altered)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("Parapheur-Nonce", lambda: b64(secrets.token_bytes(16))),
            ("Parapheur-Nonce", lambda: ""),
            ("Parapheur-Date", lambda: ""),
            ("Parapheur-Date", lambda: "hier"),
            ("Parapheur-Date", lambda: "2026-01-15T10:00:00"),
            ("Parapheur-Signature", lambda: b64(secrets.token_bytes(64))),
            ("Parapheur-Signature", lambda: b64(b"court")),
            ("Parapheur-Signature", lambda: "pas du base64"),
            ("Parapheur-Signature", lambda: ""),
            ("Parapheur-Device", lambda: ""),
            ("Parapheur-Device", lambda: "inconnu"),
        ],
    )
    async def test_threat_28_each_header_counts(
        self, anonymous: Client, device: DeviceAuth, name: str, value: Callable[[], str]
    ) -> None:
        request = signed(anonymous, device, "GET", "/agent/jobs/next?wait_s=0")
        request.headers[name] = value()
        await self.refused(anonymous, request)

    async def test_threat_28_a_signature_that_is_not_ascii_is_refused(
        self, anonymous: Client, device: DeviceAuth
    ) -> None:
        path = "/agent/jobs/next?wait_s=0"
        request = signed(anonymous, device, "GET", path)
        raw = [
            (name, "é".encode("latin-1") * 88 if name.lower().endswith(b"signature") else value)
            for name, value in request.headers.raw
        ]
        await self.refused(anonymous, anonymous.build_request("GET", path, headers=raw))

    async def test_threat_28_the_date_is_signed(
        self, anonymous: Client, device: DeviceAuth, clock: DrivenClock
    ) -> None:
        request = signed(anonymous, device, "GET", "/agent/jobs/next?wait_s=0")
        clock.advance(seconds=10)
        request.headers["Parapheur-Date"] = clock().isoformat()
        await self.refused(anonymous, request)

    async def test_threat_28_another_key_does_not_speak_for_the_device(
        self, anonymous: Client, device: DeviceAuth, clock: DrivenClock
    ) -> None:
        stolen = DeviceAuth(device.device, Ed25519PrivateKey.generate(), clock)
        await self.refused(anonymous, signed(anonymous, stolen, "GET", "/agent/jobs/next"))

    async def test_threat_28_a_device_does_not_speak_for_another(
        self, context: Context, town: Town, anonymous: Client, device: DeviceAuth
    ) -> None:
        other = await make_device(context, town, "finances")
        request = signed(anonymous, other, "GET", "/agent/jobs/next")
        request.headers["Parapheur-Device"] = device.device
        await self.refused(anonymous, request)


class TestReplayed:
    async def test_threat_28_a_request_is_taken_once(
        self, anonymous: Client, device: DeviceAuth
    ) -> None:
        path = "/agent/jobs/next?wait_s=0"
        request = signed(anonymous, device, "GET", path)
        first = await anonymous.send(request)
        second = await anonymous.send(resent(anonymous, request, "GET", path))
        assert (first.status_code, second.status_code) == (204, 401)

    async def test_threat_28_nor_is_it_taken_once_its_nonce_is_forgotten(
        self, anonymous: Client, device: DeviceAuth, clock: DrivenClock
    ) -> None:
        path = "/agent/jobs/next?wait_s=0"
        request = signed(anonymous, device, "GET", path)
        await anonymous.send(request)
        clock.advance(minutes=16)
        await anonymous.send(signed(anonymous, device, "GET", path))
        answer = await anonymous.send(resent(anonymous, request, "GET", path))
        assert answer.status_code == 401

    async def test_two_devices_may_choose_the_same_nonce(
        self, context: Context, town: Town, anonymous: Client, device: DeviceAuth
    ) -> None:
        other = await make_device(context, town, "finances")
        statuses = []
        for one in (device, other):
            request = anonymous.build_request("GET", "/agent/jobs/next?wait_s=0")
            request.headers.update(with_nonce(one, request, "un nonce"))
            statuses.append((await anonymous.send(request)).status_code)
        assert statuses == [204, 204]


def with_nonce(device: DeviceAuth, request: httpx2.Request, nonce: str) -> Headers:
    """Signed with a chosen nonce."""
    headers = device.headers(request)
    lines = (
        "parapheur-device-request-v1",
        request.method,
        request.url.raw_path.decode(),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        nonce,
        headers["Parapheur-Date"],
    )
    signature = b64(device.key.sign("\n".join(lines).encode()))
    return {**headers, "Parapheur-Nonce": nonce, "Parapheur-Signature": signature}


class TestClock:
    @pytest.mark.parametrize("offset_s", [-301, 301])
    async def test_threat_28_a_date_more_than_five_minutes_off_is_refused(
        self, anonymous: Client, device: DeviceAuth, clock: DrivenClock, offset_s: int
    ) -> None:
        request = signed(anonymous, device, "GET", "/agent/jobs/next?wait_s=0")
        clock.advance(seconds=-offset_s)
        answer = await anonymous.send(request)
        assert (answer.status_code, answer.json()["code"]) == (401, "device_clock")

    @pytest.mark.parametrize("offset_s", [-299, 299])
    async def test_a_date_less_than_five_minutes_off_is_taken(
        self, anonymous: Client, device: DeviceAuth, clock: DrivenClock, offset_s: int
    ) -> None:
        request = signed(anonymous, device, "GET", "/agent/jobs/next?wait_s=0")
        clock.advance(seconds=-offset_s)
        assert (await anonymous.send(request)).status_code == 204


class TestDevice:
    async def test_threat_28_a_revoked_device_is_unknown_from_the_next_request(
        self, mayor: ApiPerson, anonymous: Client, device: DeviceAuth
    ) -> None:
        await mayor.client.delete(f"/devices/{device.device}")
        answer = await anonymous.get("/agent/jobs/next?wait_s=0", auth=device)
        assert (answer.status_code, answer.json()["code"]) == (401, "device_refused")

    async def test_threat_28_the_device_of_a_closed_account_is_unknown(
        self, context: Context, town: Town, anonymous: Client, device: DeviceAuth
    ) -> None:
        async with context.unit(town.tenant_id) as session:
            await session.execute(
                update(User).where(User.id == town.users["maire"]).values(is_active=False)
            )
        answer = await anonymous.get("/agent/jobs/next?wait_s=0", auth=device)
        assert (answer.status_code, answer.json()["code"]) == (401, "device_refused")

    async def test_threat_28_a_device_does_nothing_but_an_agent_s_work(
        self, anonymous: Client, device: DeviceAuth
    ) -> None:
        answers = [
            await anonymous.get("/folders", auth=device),
            await anonymous.get("/devices", auth=device),
            await anonymous.get("/session", auth=device),
        ]
        assert [one.status_code for one in answers] == [403, 403, 403]

    async def test_threat_28_a_refused_device_is_not_saved_by_a_good_session(
        self, mayor: ApiPerson
    ) -> None:
        answer = await mayor.client.get("/session", headers={"Parapheur-Device": "inconnu"})
        assert answer.status_code == 401
