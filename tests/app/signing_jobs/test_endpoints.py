"""Signing jobs, from what an agent is offered to the end of its lease."""

from __future__ import annotations

import asyncio
import base64
import hashlib

import pytest
from cryptography.exceptions import InvalidSignature

from app.context import Context
from app.demo.town import Town
from tests.app.conftest import Client, PersonOf
from tests.builders.people import ApiPerson
from tests.builders.signatories import Signatory
from tests.builders.signing_agents import SigningAgent, ask_to_sign, pair, to_sign
from tests.builders.towns import DrivenClock, random_id


class TestJob:
    async def test_is_signed_by_the_key_that_the_pairing_gave(
        self, signatory: Signatory, agent: SigningAgent
    ) -> None:
        await signatory.offered()
        assert (await agent.job()).is_signed_by(agent.server_key)

    async def test_altered_by_one_byte_is_no_longer_signed(
        self, signatory: Signatory, agent: SigningAgent
    ) -> None:
        await signatory.offered()
        order = await agent.job()
        altered = type(order)(order.payload.replace(b"Saint", b"Sainf"), order.signature)
        with pytest.raises(InvalidSignature):
            altered.is_signed_by(agent.server_key)

    async def test_names_the_certificate_the_person_and_what_is_signed(
        self, signatory: Signatory, agent: SigningAgent
    ) -> None:
        await signatory.offered("flows")
        body = (await agent.job()).body
        assert body["certificate_sha256"] == hashlib.sha256(agent.issued.der).hexdigest()
        assert body["user_name"] == "Camille Exemple"
        (item,) = body["items"]
        assert item["summary"]["slips"] == 1
        assert item["claimed_role"] == "Maire"
        assert item["policy"]["oid"].startswith("1.2.250.1.131")

    async def test_never_carries_what_only_the_server_resumes_with(
        self, signatory: Signatory, agent: SigningAgent
    ) -> None:
        await signatory.offered()
        (item,) = (await agent.job()).items
        assert "resume" not in item

    async def test_gives_the_exact_bytes_that_are_signed(
        self, signatory: Signatory, agent: SigningAgent
    ) -> None:
        await signatory.offered()
        order = await agent.accepted_job()
        document = await agent.document(order, 1)
        assert hashlib.sha256(document.content).hexdigest() == order.items[0]["download_sha256"]

    async def test_nothing_waits_for_an_agent_that_nobody_asked(self, agent: SigningAgent) -> None:
        assert await agent.look() is None

    async def test_is_not_offered_to_another_agent_of_the_same_person(
        self,
        signatory: Signatory,
        agent: SigningAgent,
        anonymous: Client,
        mayor: ApiPerson,
        clock: DrivenClock,
    ) -> None:
        other = await pair(anonymous, mayor, clock, agent.issued)
        items = await to_sign(mayor, await signatory.approved())
        await ask_to_sign(mayor, agent.issued, items, device_id=agent.device_id)
        assert await other.look() is None
        assert await agent.look() is not None

    async def test_is_offered_no_more_once_each_of_its_documents_lapsed(
        self,
        signatory: Signatory,
        agent: SigningAgent,
        anonymous: Client,
        mayor: ApiPerson,
        clock: DrivenClock,
    ) -> None:
        other = await pair(anonymous, mayor, clock, agent.issued)
        folders = [await signatory.approved() for _ in range(2)]
        items = [one for folder in folders for one in await to_sign(mayor, folder)]
        await ask_to_sign(mayor, agent.issued, items, device_id=agent.device_id)
        seen = await agent.job()
        offered = []
        for one in items:
            await ask_to_sign(mayor, agent.issued, [one], device_id=other.device_id)
            offered.append(await agent.look() is not None)
        assert offered == [True, False]
        late = await agent.accept(seen)
        assert (late.status_code, late.json()["code"]) == (409, "job_not_available")


class TestAccept:
    async def test_happens_once(self, signatory: Signatory, agent: SigningAgent) -> None:
        await signatory.offered()
        order = await agent.accepted_job()
        again = await agent.accept(order)
        assert (again.status_code, again.json()["code"]) == (409, "job_not_available")

    async def test_needs_the_nonce_of_this_very_job(
        self, signatory: Signatory, agent: SigningAgent
    ) -> None:
        await signatory.offered()
        refused = await agent.accept(await agent.job(), nonce="un autre")
        assert (refused.status_code, refused.json()["code"]) == (409, "job_not_available")

    async def test_of_two_jobs_on_the_same_folders_neither_waits_for_the_other(
        self,
        signatory: Signatory,
        agent: SigningAgent,
        anonymous: Client,
        mayor: ApiPerson,
        clock: DrivenClock,
    ) -> None:
        other = await pair(anonymous, mayor, clock, agent.issued)
        folders = [await signatory.approved() for _ in range(4)]
        items = [one for folder in folders for one in await to_sign(mayor, folder)]
        await ask_to_sign(mayor, agent.issued, items, device_id=agent.device_id)
        first = await agent.job()
        await ask_to_sign(mayor, agent.issued, items[:0:-1], device_id=other.device_id)
        second = await other.job()
        answers = await asyncio.gather(agent.accept(first), other.accept(second))
        assert [answer.status_code for answer in answers] == [200, 200]

    async def test_is_too_late_after_ten_minutes(
        self, signatory: Signatory, context: Context, agent: SigningAgent, clock: DrivenClock
    ) -> None:
        await signatory.offered()
        order = await agent.job()
        clock.advance(seconds=context.settings.signing.accept_s)
        assert (await agent.accept(order)).json()["code"] == "job_not_available"
        assert await agent.look() is None

    async def test_threat_54_is_refused_to_another_agent(
        self,
        signatory: Signatory,
        agent: SigningAgent,
        anonymous: Client,
        direction: ApiPerson,
        clock: DrivenClock,
    ) -> None:
        other = await pair(anonymous, direction, clock, agent.issued)
        await signatory.offered()
        assert (await other.accept(await agent.job())).status_code == 404


class TestLease:
    async def test_is_kept_by_renewal_and_ends_two_hours_after_acceptance(
        self, signatory: Signatory, context: Context, agent: SigningAgent, clock: DrivenClock
    ) -> None:
        await signatory.offered()
        order = await agent.accepted_job()
        clocks = context.settings.signing
        for _ in range(clocks.work_s // (clocks.lease_s - 1)):
            clock.advance(seconds=clocks.lease_s - 1)
            assert (await agent.renew(order)).status_code == 200
        clock.advance(seconds=clocks.lease_s - 1)
        assert (await agent.renew(order)).json()["code"] == "job_lapsed"

    async def test_is_lost_when_it_is_not_renewed(
        self, signatory: Signatory, context: Context, agent: SigningAgent, clock: DrivenClock
    ) -> None:
        await signatory.offered()
        order = await agent.accepted_job()
        clock.advance(seconds=context.settings.signing.lease_s)
        assert (await agent.renew(order)).json()["code"] == "job_lapsed"
        assert (await agent.document(order, 1)).json()["code"] == "job_lapsed"
        assert (await agent.give(order, order.items[0])).json()["code"] == "job_lapsed"

    async def test_ends_with_the_job_and_again_changes_nothing(
        self, signatory: Signatory, agent: SigningAgent
    ) -> None:
        await signatory.offered()
        order = await agent.accepted_job()
        assert (await agent.end(order, "declined")).status_code == 204
        assert (await agent.end(order, "done")).status_code == 204
        assert (await agent.renew(order)).json()["code"] == "job_lapsed"

    async def test_says_why_the_agent_gave_up(
        self, signatory: Signatory, agent: SigningAgent
    ) -> None:
        opened = await signatory.open(await signatory.approved())
        order = await agent.accepted_job()
        await agent.end(order, "failed", code="wrong_pin", detail="Le code est faux.")
        (item,) = await signatory.items(opened)
        assert item["state"] == "lapsed"
        assert item["failure"]["code"] == "wrong_pin"


async def test_an_agent_of_another_town_sees_no_job(
    signatory: Signatory,
    agent: SigningAgent,
    anonymous: Client,
    other_town: Town,
    person_of: PersonOf,
    clock: DrivenClock,
) -> None:
    await signatory.offered()
    order = await agent.job()
    stranger = await pair(anonymous, await person_of(other_town, "maire"), clock, agent.issued)
    assert await stranger.look() is None
    assert (await stranger.accept(order)).status_code == 404
    assert (await stranger.give(order, order.items[0])).status_code == 404


async def test_values_sent_for_a_session_that_is_not_the_job_s_are_refused(
    signatory: Signatory, agent: SigningAgent
) -> None:
    await signatory.offered()
    order = await agent.accepted_job()
    answer = await agent.client.put(
        f"/signature-sessions/{random_id()}/items/1",
        json={"job_id": order.id, "values": agent.values(order.items[0])},
        auth=agent.auth,
    )
    assert answer.status_code == 404
    assert base64.b64decode(agent.values(order.items[0])[0]["value"])
