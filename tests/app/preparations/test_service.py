"""Phase 1 of a signature: sessions, and each document prepared on its own."""

from __future__ import annotations

import asyncio

import pytest

from app.context import Context
from app.demo.acts import deliberation
from app.demo.town import Town
from app.worker import drain
from tests.app.conftest import Client, PersonOf
from tests.builders.administration import give, hold, said
from tests.builders.people import ApiPerson, approve, approved
from tests.builders.signatories import Signatory, newest
from tests.builders.signing_agents import SigningAgent, ask_to_sign, open_session, pair, to_sign
from tests.builders.towns import DrivenClock, a_signer, certify
from tests.builders.traces import journal_kinds, mailed


class TestSession:
    async def test_needs_a_certificate_registered_to_the_person(
        self, signatory: Signatory, mayor: ApiPerson
    ) -> None:
        items = await to_sign(mayor, await signatory.approved())
        refused = await ask_to_sign(mayor, a_signer().issuer, items)
        assert (refused.status_code, refused.json()["code"]) == (422, "unknown_certificate")

    async def test_threat_7_the_certificate_of_another_person_is_refused(
        self, direction: ApiPerson, finances: ApiPerson, agent: SigningAgent
    ) -> None:
        items = await to_sign(direction, await approved(finances, direction))
        refused = await ask_to_sign(direction, agent.issued, items)
        assert (refused.status_code, refused.json()["code"]) == (422, "unknown_certificate")

    async def test_needs_a_paired_agent(
        self, mayor: ApiPerson, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        items = await to_sign(mayor, await approved(finances, direction))
        refused = await ask_to_sign(mayor, a_signer().mayor, items)
        assert (refused.status_code, refused.json()["code"]) == (422, "no_device")

    async def test_refuses_the_agent_of_another_person(
        self,
        anonymous: Client,
        mayor: ApiPerson,
        finances: ApiPerson,
        direction: ApiPerson,
        clock: DrivenClock,
    ) -> None:
        other = await pair(anonymous, direction, clock, a_signer().mayor)
        items = await to_sign(mayor, await approved(finances, direction))
        refused = await ask_to_sign(mayor, a_signer().mayor, items, device_id=other.device_id)
        assert (refused.status_code, refused.json()["code"]) == (422, "no_device")

    async def test_does_not_exist_for_another_person(
        self, signatory: Signatory, direction: ApiPerson
    ) -> None:
        opened = await signatory.open(await signatory.approved())
        answer = await direction.client.get(f"/signature-sessions/{opened['id']}")
        assert answer.status_code == 404
        resumed = await direction.client.post(f"/signature-sessions/{opened['id']}/resume")
        assert resumed.status_code == 404

    async def test_of_a_folder_whose_turn_has_not_come_prepares_nothing(
        self, signatory: Signatory, finances: ApiPerson
    ) -> None:
        opened = await signatory.open(await finances.submitted())
        assert opened["items"][0]["failure"]["code"] == "wrong_step_kind"
        assert opened["jobs"] == []

    async def test_above_the_ceiling_of_a_delegate_names_the_slip_as_the_act_itself_would(
        self,
        context: Context,
        anonymous: Client,
        administrator: ApiPerson,
        mayor: ApiPerson,
        finances: ApiPerson,
        direction: ApiPerson,
        clock: DrivenClock,
    ) -> None:
        town, signer = administrator.town, a_signer()
        await give(administrator, "maire", "direction", ceiling_cents=1)
        await certify(context, town, "direction", signer.mayor.der, (signer.issuer.der,))
        await pair(anonymous, direction, clock, signer.mayor)
        items = await to_sign(mayor, await approved(finances, direction, "flows"))
        opened = (await ask_to_sign(direction, signer.mayor, items)).json()
        failure = opened["items"][0]["failure"]
        assert failure["code"] == "out_of_scope"
        assert "Le montant de « bordereau " in failure["detail"]
        assert "access.refused" in await journal_kinds(administrator)

    async def test_prepares_what_it_can_when_a_document_cannot_be(
        self, signatory: Signatory, agent: SigningAgent, finances: ApiPerson
    ) -> None:
        ready, early = await signatory.approved(), await finances.submitted()
        opened = await signatory.open(early, ready)
        assert [one["state"] for one in opened["items"]] == ["failed", "prepared"]
        assert [one["n"] for one in (await agent.job()).items] == [2]

    async def test_of_a_document_of_another_folder_does_not_open(
        self, signatory: Signatory, agent: SigningAgent, mayor: ApiPerson
    ) -> None:
        first, second = [await signatory.approved() for _ in range(2)]
        (one,), (other,) = await to_sign(mayor, first), await to_sign(mayor, second)
        mixed = one | {"document_id": other["document_id"]}
        assert (await ask_to_sign(mayor, agent.issued, [mixed])).status_code == 404

    async def test_of_the_same_document_twice_is_refused(
        self, signatory: Signatory, agent: SigningAgent, mayor: ApiPerson
    ) -> None:
        (item,) = await to_sign(mayor, await signatory.approved())
        refused = await ask_to_sign(mayor, agent.issued, [item, item])
        assert (refused.status_code, refused.json()["code"]) == (422, "document_twice")

    async def test_of_an_annex_signs_nothing(
        self, agent: SigningAgent, mayor: ApiPerson, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        folder_id = await finances.deposited()
        await finances.upload(folder_id, deliberation(), role="annex")
        await finances.submit(folder_id)
        await approve(direction, folder_id)
        annex = (await mayor.read(folder_id))["documents"][1]
        item = {"folder_id": folder_id, "document_id": annex["id"], "desk_id": mayor.desk}
        opened = (await ask_to_sign(mayor, agent.issued, [item])).json()
        assert opened["items"][0]["failure"]["code"] == "not_signable"

    async def test_of_an_expired_certificate_prepares_nothing(
        self,
        signatory: Signatory,
        agent: SigningAgent,
        clock: DrivenClock,
        person_of: PersonOf,
        town: Town,
    ) -> None:
        folder_id = await signatory.approved()
        clock.advance(days=366)
        again = await person_of(town, "maire")
        opened = await open_session(again, agent.issued, folder_id)
        assert opened["items"][0]["failure"]["code"] == "no_fit_certificate"
        assert opened["jobs"] == []


class TestAltered:
    """A document that is no longer what was deposited is never offered."""

    async def test_threat_06_a_folder_with_an_altered_document_is_frozen_until_it_is_restored(
        self,
        context: Context,
        town: Town,
        agent: SigningAgent,
        person_of: PersonOf,
        finances: ApiPerson,
        direction: ApiPerson,
        clock: DrivenClock,
    ) -> None:
        folder_id = await approved(finances, direction)
        stored = context.store.local_path(newest(await finances.read(folder_id))["sha256"])
        assert stored is not None
        sound = stored.read_bytes()
        stored.write_bytes(sound.replace(b"FICTIF", b"fictif"))
        mayor = await person_of(town, "maire")
        await open_session(mayor, agent.issued, folder_id)
        refused = await mayor.act(folder_id, "reject", step="signature", reason="Altéré")
        assert (refused.status_code, refused.json()["code"]) == (409, "folder_frozen")
        for is_frozen, content in ((True, None), (True, None), (False, sound)):
            stored.write_bytes(content or stored.read_bytes())
            await drain(context)
            mayor = await person_of(town, "maire")
            assert (not (await mayor.read(folder_id))["allowed_actions"]) is is_frozen
            clock.advance(minutes=61)
        assert (await journal_kinds(finances, folder_id))[-1] == "folder.unfrozen"
        assert await mailed(finances, folder_id, "folder_frozen") == ["administrateur"]

    async def test_threat_6_a_document_changed_before_the_preparation_is_never_offered(
        self, signatory: Signatory, context: Context, agent: SigningAgent, finances: ApiPerson
    ) -> None:
        folder_id = await signatory.approved()
        stored = context.store.local_path(newest(await finances.read(folder_id))["sha256"])
        assert stored is not None
        stored.write_bytes(stored.read_bytes().replace(b"FICTIF", b"fictif"))
        opened = await signatory.open(folder_id)
        assert opened["items"][0]["failure"]["code"] == "blob_corrupted"
        assert await agent.look() is None


class TestSecondPreparation:
    """Two persons hold the mayor's desk; one pending preparation per document (DESIGN D8)."""

    @pytest.fixture
    async def deputy(
        self,
        context: Context,
        anonymous: Client,
        finances: ApiPerson,
        direction: ApiPerson,
        administrator: ApiPerson,
        clock: DrivenClock,
    ) -> Signatory:
        """The director holds the mayor's desk too, with the same certificate in her register."""
        town, signer = administrator.town, a_signer()
        await hold(administrator, "maire", "direction")
        await certify(context, town, "direction", signer.mayor.der, (signer.issuer.der,))
        agent = await pair(anonymous, direction, clock, signer.mayor)
        at_office = ApiPerson(context, direction.client, town, "maire")
        return Signatory(at_office, agent, finances, direction)

    async def test_lapses_the_first_that_no_agent_accepted(
        self, signatory: Signatory, deputy: Signatory, finances: ApiPerson
    ) -> None:
        folder_id = await signatory.approved()
        opened = await signatory.open(folder_id)
        second = await deputy.open(folder_id)
        assert second["items"][0]["state"] == "prepared"
        (first,) = await signatory.items(opened)
        assert first["state"] == "lapsed"
        await deputy.agent.sign()
        assert (await finances.read(folder_id))["status"] == "awaiting_transmission"

    async def test_waits_while_an_agent_works_on_the_first(
        self, signatory: Signatory, deputy: Signatory
    ) -> None:
        folder_id = await signatory.offered()
        await signatory.agent.accepted_job()
        second = await deputy.open(folder_id)
        assert second["items"][0]["failure"]["code"] == "document_being_signed"

    async def test_takes_over_from_an_agent_that_vanished(
        self, signatory: Signatory, deputy: Signatory, context: Context, clock: DrivenClock
    ) -> None:
        folder_id = await signatory.offered()
        await signatory.agent.accepted_job()
        clock.advance(seconds=context.settings.signing.lease_s)
        second = await deputy.open(folder_id)
        assert second["items"][0]["state"] == "prepared"


class TestResume:
    async def test_offers_a_new_job_with_what_has_no_value(
        self, signatory: Signatory, agent: SigningAgent, finances: ApiPerson
    ) -> None:
        first, second = [await signatory.approved() for _ in range(2)]
        opened = await signatory.open(first, second)
        order = await agent.accepted_job()
        await agent.give(order, order.items[0])
        await agent.end(order, "failed", code="token_removed", detail="Clé retirée.")
        resumed = await signatory.resume(opened)
        assert [one["state"] for one in resumed["items"]] == ["signed", "prepared"]
        again = await agent.sign()
        assert again.id != order.id
        assert [one["n"] for one in again.items] == [2]
        assert (await finances.read(second))["status"] == "awaiting_transmission"

    async def test_follows_a_wrong_value(
        self, signatory: Signatory, agent: SigningAgent, finances: ApiPerson
    ) -> None:
        folder_id = await signatory.approved()
        opened = await signatory.open(folder_id)
        order = await agent.accepted_job()
        await agent.give(order, order.items[0], [])
        await agent.end(order, "failed")
        await signatory.resume(opened)
        await agent.sign()
        assert (await finances.read(folder_id))["status"] == "awaiting_transmission"

    async def test_takes_back_what_a_vanished_agent_had_accepted(
        self,
        signatory: Signatory,
        context: Context,
        agent: SigningAgent,
        finances: ApiPerson,
        clock: DrivenClock,
    ) -> None:
        folder_id = await signatory.approved()
        opened = await signatory.open(folder_id)
        await agent.accepted_job()
        clock.advance(seconds=context.settings.signing.lease_s)
        await signatory.resume(opened)
        await agent.sign()
        assert (await finances.read(folder_id))["status"] == "awaiting_transmission"

    async def test_leaves_an_agent_at_work_alone(
        self, signatory: Signatory, agent: SigningAgent
    ) -> None:
        opened = await signatory.open(await signatory.approved())
        order = await agent.accepted_job()
        resumed = await signatory.resume(opened)
        assert len(resumed["jobs"]) == 1
        assert (await agent.give(order, order.items[0])).is_success

    async def test_asked_several_times_at_once_offers_one_job(
        self, agent: SigningAgent, mayor: ApiPerson, signatory: Signatory
    ) -> None:
        opened = await open_session(mayor, agent.issued, await signatory.approved())
        path = f"/signature-sessions/{opened['id']}"
        asked = await asyncio.gather(*(mayor.client.post(f"{path}/resume") for _ in range(3)))
        assert [said(one) for one in asked] == [(200, None)] * 3
        jobs = (await mayor.client.get(path)).json()["jobs"]
        assert [one["state"] for one in jobs].count("offered") == 1
        await agent.sign()
        assert await agent.look() is None

    async def test_withdraws_the_job_that_nobody_accepted(
        self, signatory: Signatory, agent: SigningAgent, finances: ApiPerson, clock: DrivenClock
    ) -> None:
        folder_id = await signatory.approved()
        opened = await signatory.open(folder_id)
        stale = await agent.job()
        clock.advance(seconds=5)
        await signatory.resume(opened)
        assert (await agent.accept(stale)).json()["code"] == "job_not_available"
        await agent.sign()
        assert (await finances.read(folder_id))["status"] == "awaiting_transmission"
