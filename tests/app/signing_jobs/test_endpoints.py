"""Signature sessions and agents' jobs, from the gesture to the signed revision."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from sqlalchemy import text

from app.context import Context
from app.demo.acts import deliberation
from app.demo.town import Town
from app.kit.threads import in_thread
from app.tenants.schemas import TrustKind
from app.worker import drain
from signing.report import Chain, Verdict
from signing.trust import TrustMaterial
from signing.verification import verify
from tests.app.conftest import Client, PersonOf
from tests.builders.administration import give
from tests.builders.people import ApiPerson, approve, approved
from tests.builders.signing_agents import (
    SigningAgent,
    ask_to_sign,
    open_session,
    pair,
    to_sign,
)
from tests.builders.towns import DrivenClock, a_signer, certify, random_id, trust_of


def the_trust() -> TrustMaterial:
    given = trust_of(a_signer())
    return TrustMaterial(
        anchors=tuple(der for kind, der in given if kind is TrustKind.ANCHOR),
        intermediates=tuple(der for kind, der in given if kind is TrustKind.INTERMEDIATE),
        crls=tuple(der for kind, der in given if kind is TrustKind.CRL),
    )


def newest(folder: dict[str, Any], n: int = 0) -> dict[str, Any]:
    """The last revision of a document."""
    found: dict[str, Any] = folder["documents"][n]["revisions"][-1]
    return found


async def journal_kinds(context: Context, town: Town, folder_id: str) -> list[str]:
    async with context.unit(town.tenant_id) as session:
        rows = await session.execute(
            text("SELECT kind FROM audit_events WHERE folder_id = :id ORDER BY seq"),
            {"id": folder_id},
        )
        return list(rows.scalars())


async def told_of(context: Context, town: Town, kind: str) -> set[str]:
    """Who is owed a mail of this kind, once each."""
    async with context.unit(town.tenant_id) as session:
        rows = await session.execute(
            text("SELECT user_id FROM notifications WHERE kind = :kind"), {"kind": kind}
        )
        told = list(rows.scalars())
    keys = {key for key, user_id in town.users.items() if user_id in told}
    assert len(told) == len(keys)
    return keys


class TestJob:
    async def test_is_signed_by_the_key_that_the_pairing_gave(
        self, agent: SigningAgent, mayor: ApiPerson, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        await open_session(mayor, agent.issued, await approved(finances, direction))
        assert (await agent.job()).is_signed_by(agent.server_key)

    async def test_altered_by_one_byte_is_no_longer_signed(
        self, agent: SigningAgent, mayor: ApiPerson, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        await open_session(mayor, agent.issued, await approved(finances, direction))
        order = await agent.job()
        altered = type(order)(order.payload.replace(b"Saint", b"Sainf"), order.signature)
        with pytest.raises(InvalidSignature):
            altered.is_signed_by(agent.server_key)

    async def test_names_the_certificate_the_person_and_what_is_signed(
        self, agent: SigningAgent, mayor: ApiPerson, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        folder_id = await approved(finances, direction, "flows")
        await open_session(mayor, agent.issued, folder_id)
        body = (await agent.job()).body
        assert body["certificate_sha256"] == hashlib.sha256(agent.issued.der).hexdigest()
        assert body["user_name"] == "Camille Exemple"
        (item,) = body["items"]
        assert item["summary"]["slips"] == 1
        assert item["claimed_role"] == "Maire"
        assert item["policy"]["oid"].startswith("1.2.250.1.131")

    async def test_never_carries_what_only_the_server_resumes_with(
        self, agent: SigningAgent, mayor: ApiPerson, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        await open_session(mayor, agent.issued, await approved(finances, direction))
        (item,) = (await agent.job()).items
        assert "resume" not in item

    async def test_gives_the_exact_bytes_that_are_signed(
        self, agent: SigningAgent, mayor: ApiPerson, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        await open_session(mayor, agent.issued, await approved(finances, direction))
        order = await agent.accepted_job()
        document = await agent.document(order, 1)
        assert hashlib.sha256(document.content).hexdigest() == order.items[0]["download_sha256"]

    async def test_nothing_waits_for_an_agent_that_nobody_asked(self, agent: SigningAgent) -> None:
        assert await agent.look() is None

    async def test_is_not_offered_to_another_agent_of_the_same_person(
        self,
        agent: SigningAgent,
        anonymous: Client,
        mayor: ApiPerson,
        finances: ApiPerson,
        direction: ApiPerson,
        clock: DrivenClock,
    ) -> None:
        other = await pair(anonymous, mayor, clock, agent.issued)
        items = await to_sign(mayor, await approved(finances, direction))
        await ask_to_sign(mayor, agent.issued, items, device_id=agent.device_id)
        assert await other.look() is None
        assert await agent.look() is not None


class TestAccept:
    async def test_happens_once(
        self, agent: SigningAgent, mayor: ApiPerson, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        await open_session(mayor, agent.issued, await approved(finances, direction))
        order = await agent.accepted_job()
        again = await agent.accept(order)
        assert (again.status_code, again.json()["code"]) == (409, "job_not_available")

    async def test_needs_the_nonce_of_this_very_job(
        self, agent: SigningAgent, mayor: ApiPerson, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        await open_session(mayor, agent.issued, await approved(finances, direction))
        refused = await agent.accept(await agent.job(), nonce="un autre")
        assert (refused.status_code, refused.json()["code"]) == (409, "job_not_available")

    async def test_of_two_jobs_on_the_same_folders_neither_waits_for_the_other(
        self,
        agent: SigningAgent,
        anonymous: Client,
        mayor: ApiPerson,
        finances: ApiPerson,
        direction: ApiPerson,
        clock: DrivenClock,
    ) -> None:
        other = await pair(anonymous, mayor, clock, agent.issued)
        folders = [await approved(finances, direction) for _ in range(4)]
        items = [one for folder in folders for one in await to_sign(mayor, folder)]
        await ask_to_sign(mayor, agent.issued, items, device_id=agent.device_id)
        await ask_to_sign(mayor, agent.issued, items[::-1], device_id=other.device_id)
        orders = [await agent.job(), await other.job()]
        answers = await asyncio.gather(agent.accept(orders[0]), other.accept(orders[1]))
        assert [answer.status_code for answer in answers] == [200, 200]

    async def test_is_too_late_after_ten_minutes(
        self,
        context: Context,
        agent: SigningAgent,
        mayor: ApiPerson,
        finances: ApiPerson,
        direction: ApiPerson,
        clock: DrivenClock,
    ) -> None:
        await open_session(mayor, agent.issued, await approved(finances, direction))
        order = await agent.job()
        clock.advance(seconds=context.settings.signing.accept_s)
        assert (await agent.accept(order)).json()["code"] == "job_not_available"
        assert await agent.look() is None

    async def test_threat_54_is_refused_to_another_agent(
        self,
        agent: SigningAgent,
        anonymous: Client,
        mayor: ApiPerson,
        finances: ApiPerson,
        direction: ApiPerson,
        clock: DrivenClock,
    ) -> None:
        other = await pair(anonymous, direction, clock, agent.issued)
        await open_session(mayor, agent.issued, await approved(finances, direction))
        assert (await other.accept(await agent.job())).status_code == 404


class TestLease:
    async def test_is_kept_by_renewal_and_ends_two_hours_after_acceptance(
        self,
        context: Context,
        agent: SigningAgent,
        mayor: ApiPerson,
        finances: ApiPerson,
        direction: ApiPerson,
        clock: DrivenClock,
    ) -> None:
        await open_session(mayor, agent.issued, await approved(finances, direction))
        order = await agent.accepted_job()
        clocks = context.settings.signing
        for _ in range(clocks.work_s // (clocks.lease_s - 1)):
            clock.advance(seconds=clocks.lease_s - 1)
            assert (await agent.renew(order)).status_code == 200
        clock.advance(seconds=clocks.lease_s - 1)
        assert (await agent.renew(order)).json()["code"] == "job_lapsed"

    async def test_is_lost_when_it_is_not_renewed(
        self,
        context: Context,
        agent: SigningAgent,
        mayor: ApiPerson,
        finances: ApiPerson,
        direction: ApiPerson,
        clock: DrivenClock,
    ) -> None:
        await open_session(mayor, agent.issued, await approved(finances, direction))
        order = await agent.accepted_job()
        clock.advance(seconds=context.settings.signing.lease_s)
        assert (await agent.renew(order)).json()["code"] == "job_lapsed"
        assert (await agent.document(order, 1)).json()["code"] == "job_lapsed"
        assert (await agent.give(order, order.items[0])).json()["code"] == "job_lapsed"

    async def test_ends_with_the_job_and_again_changes_nothing(
        self, agent: SigningAgent, mayor: ApiPerson, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        await open_session(mayor, agent.issued, await approved(finances, direction))
        order = await agent.accepted_job()
        assert (await agent.end(order, "declined")).status_code == 204
        assert (await agent.end(order, "done")).status_code == 204
        assert (await agent.renew(order)).json()["code"] == "job_lapsed"

    async def test_says_why_the_agent_gave_up(
        self, agent: SigningAgent, mayor: ApiPerson, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        opened = await open_session(mayor, agent.issued, await approved(finances, direction))
        order = await agent.accepted_job()
        await agent.end(order, "failed", code="wrong_pin", detail="Le code est faux.")
        session = (await mayor.client.get(f"/signature-sessions/{opened['id']}")).json()
        assert session["items"][0]["state"] == "lapsed"
        assert session["items"][0]["failure"]["code"] == "wrong_pin"


class TestFinish:
    async def test_an_act_passes_to_its_transmission_signed(
        self, agent: SigningAgent, mayor: ApiPerson, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        folder_id = await approved(finances, direction)
        await open_session(mayor, agent.issued, folder_id)
        await agent.sign()
        folder = await finances.read(folder_id)
        assert folder["status"] == "awaiting_transmission"
        assert newest(folder)["origin"] == "signed"

    async def test_threat_57_a_signed_act_starts_with_the_deposited_bytes(
        self, agent: SigningAgent, mayor: ApiPerson, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        deposited = deliberation()
        folder_id = await finances.submitted("acts", deposited)
        await approve(direction, folder_id)
        await open_session(mayor, agent.issued, folder_id)
        await agent.sign()
        signed = await finances.content(folder_id, newest(await finances.read(folder_id)))
        assert signed.startswith(deposited)
        assert len(signed) > len(deposited)

    @pytest.mark.parametrize("subtype", ["acts", "flows"])
    async def test_gives_a_file_that_the_verifier_calls_valid(
        self,
        agent: SigningAgent,
        mayor: ApiPerson,
        finances: ApiPerson,
        direction: ApiPerson,
        clock: DrivenClock,
        subtype: str,
    ) -> None:
        folder_id = await approved(finances, direction, subtype)
        await open_session(mayor, agent.issued, folder_id)
        await agent.sign()
        signed = await finances.content(folder_id, newest(await finances.read(folder_id)))
        clock.advance(seconds=1)
        report = await in_thread(lambda: verify(signed, trust=the_trust(), now=clock()))
        assert report.verdict is Verdict.VALID
        assert [one.chain for one in report.signatures] == [Chain.TRUSTED]

    @pytest.mark.parametrize("subtype", ["acts", "flows"])
    async def test_the_full_report_follows_by_a_job(
        self,
        context: Context,
        agent: SigningAgent,
        mayor: ApiPerson,
        finances: ApiPerson,
        direction: ApiPerson,
        subtype: str,
    ) -> None:
        folder_id = await approved(finances, direction, subtype)
        await open_session(mayor, agent.issued, folder_id)
        await agent.sign()
        await drain(context)
        report = newest(await finances.read(folder_id))["report"]
        assert report["verdict"] == "valid"

    async def test_names_actor_certificate_and_document_in_the_journal(
        self,
        context: Context,
        town: Town,
        agent: SigningAgent,
        mayor: ApiPerson,
        finances: ApiPerson,
        direction: ApiPerson,
    ) -> None:
        folder_id = await approved(finances, direction)
        await open_session(mayor, agent.issued, folder_id)
        await agent.sign()
        signed = newest(await finances.read(folder_id))
        async with context.unit(town.tenant_id) as session:
            entry = await session.scalar(
                text(
                    "SELECT entry::jsonb FROM audit_events "
                    "WHERE folder_id = :id AND kind = 'folder.signed'"
                ),
                {"id": folder_id},
            )
        assert entry["actor"]["id"] == str(town.users["maire"])
        assert entry["document_sha256"] == signed["sha256"]
        assert entry["certificate_sha256"] == hashlib.sha256(agent.issued.der).hexdigest()

    async def test_the_same_values_given_again_are_taken_once(
        self, agent: SigningAgent, mayor: ApiPerson, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        folder_id = await approved(finances, direction)
        await open_session(mayor, agent.issued, folder_id)
        order = await agent.sign()
        version = (await finances.read(folder_id))["version"]
        again = await agent.give(order, order.items[0])
        assert (again.status_code, again.json()) == (200, {"state": "signed"})
        assert (await finances.read(folder_id))["version"] == version

    async def test_threat_7_a_wrong_value_changes_nothing_and_is_journaled(
        self,
        context: Context,
        town: Town,
        agent: SigningAgent,
        mayor: ApiPerson,
        finances: ApiPerson,
        direction: ApiPerson,
    ) -> None:
        folder_id = await approved(finances, direction)
        opened = await open_session(mayor, agent.issued, folder_id)
        before = await finances.read(folder_id)
        order = await agent.accepted_job()
        wrong = agent.values(order.items[0], issued=a_signer().issuer)
        refused = await agent.give(order, order.items[0], wrong)
        assert refused.status_code == 422
        assert await finances.read(folder_id) == before
        assert (await journal_kinds(context, town, folder_id))[-1] == "signature.refused"
        session = (await mayor.client.get(f"/signature-sessions/{opened['id']}")).json()
        assert session["items"][0]["state"] == "failed"
        assert session["items"][0]["failure"]["code"] == refused.json()["code"]

    async def test_threat_7_the_value_of_another_document_is_refused(
        self, agent: SigningAgent, mayor: ApiPerson, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        first, second = [await approved(finances, direction) for _ in range(2)]
        await open_session(mayor, agent.issued, first, second)
        order = await agent.accepted_job()
        one, other = order.items
        refused = await agent.give(order, one, agent.values(other))
        assert refused.status_code == 422
        assert (await finances.read(first))["waiting_kind"] == "signature"

    @pytest.mark.parametrize("values", [[], [{"id": "pdf", "value": ""}]])
    async def test_threat_7_no_value_is_refused(
        self,
        agent: SigningAgent,
        mayor: ApiPerson,
        finances: ApiPerson,
        direction: ApiPerson,
        values: list[dict[str, str]],
    ) -> None:
        await open_session(mayor, agent.issued, await approved(finances, direction))
        order = await agent.accepted_job()
        assert (await agent.give(order, order.items[0], values)).status_code == 422

    async def test_as_many_values_as_the_protocol_allows_are_read(
        self, agent: SigningAgent, mayor: ApiPerson, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        await open_session(mayor, agent.issued, await approved(finances, direction))
        order = await agent.accepted_job()
        (value,) = agent.values(order.items[0])
        many = [value | {"id": f"BORDEREAU{n:06d}"} for n in range(10_000)]
        assert (await agent.give(order, order.items[0], many)).status_code == 422

    async def test_threat_7_a_value_comes_only_through_the_job_that_was_accepted(
        self, agent: SigningAgent, mayor: ApiPerson, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        await open_session(mayor, agent.issued, await approved(finances, direction))
        order = await agent.job()
        assert (await agent.give(order, order.items[0])).json()["code"] == "job_lapsed"

    async def test_threat_7_a_value_is_refused_an_hour_after_the_preparation(
        self,
        context: Context,
        agent: SigningAgent,
        mayor: ApiPerson,
        finances: ApiPerson,
        direction: ApiPerson,
        clock: DrivenClock,
    ) -> None:
        folder_id = await approved(finances, direction)
        await open_session(mayor, agent.issued, folder_id)
        order = await agent.accepted_job()
        clocks = context.settings.signing
        for _ in range(clocks.prepared_s // (clocks.lease_s - 1) + 1):
            clock.advance(seconds=clocks.lease_s - 1)
            await agent.renew(order)
        refused = await agent.give(order, order.items[0])
        assert (refused.status_code, refused.json()["code"]) == (409, "preparation_too_old")

    async def test_threat_6_a_document_changed_on_the_disk_is_refused(
        self,
        context: Context,
        town: Town,
        agent: SigningAgent,
        mayor: ApiPerson,
        finances: ApiPerson,
        direction: ApiPerson,
    ) -> None:
        folder_id = await approved(finances, direction)
        await open_session(mayor, agent.issued, folder_id)
        order = await agent.accepted_job()
        stored = context.store.local_path(order.items[0]["download_sha256"])
        assert stored is not None
        stored.write_bytes(stored.read_bytes().replace(b"FICTIF", b"fictif"))
        refused = await agent.give(order, order.items[0])
        assert refused.json()["code"] == "blob_corrupted"
        assert (await finances.read(folder_id))["waiting_kind"] == "signature"
        kinds = await journal_kinds(context, town, folder_id)
        assert kinds[-2:] == ["folder.frozen", "signature.refused"]

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
        assert (await journal_kinds(context, town, folder_id))[-1] == "folder.unfrozen"
        assert await told_of(context, town, "folder_frozen") == {"administrateur"}

    async def test_threat_6_a_document_changed_before_the_preparation_is_never_offered(
        self,
        context: Context,
        agent: SigningAgent,
        mayor: ApiPerson,
        finances: ApiPerson,
        direction: ApiPerson,
    ) -> None:
        folder_id = await approved(finances, direction)
        stored = context.store.local_path(newest(await finances.read(folder_id))["sha256"])
        assert stored is not None
        stored.write_bytes(stored.read_bytes().replace(b"FICTIF", b"fictif"))
        opened = await open_session(mayor, agent.issued, folder_id)
        assert opened["items"][0]["failure"]["code"] == "blob_corrupted"
        assert await agent.look() is None

    async def test_an_agent_that_cannot_rebuild_a_document_says_so(
        self, agent: SigningAgent, mayor: ApiPerson, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        folder_id = await approved(finances, direction)
        opened = await open_session(mayor, agent.issued, folder_id)
        order = await agent.accepted_job()
        told = await agent.give_up(order, order.items[0], "digest_differs")
        assert told.json() == {"state": "failed"}
        session = (await mayor.client.get(f"/signature-sessions/{opened['id']}")).json()
        assert session["items"][0]["failure"]["code"] == "digest_differs"

    async def test_a_power_lost_between_the_two_phases_refuses_the_value(
        self,
        context: Context,
        town: Town,
        agent: SigningAgent,
        mayor: ApiPerson,
        finances: ApiPerson,
        direction: ApiPerson,
        clock: DrivenClock,
    ) -> None:
        folder_id = await approved(finances, direction)
        await open_session(mayor, agent.issued, folder_id)
        order = await agent.accepted_job()
        clock.advance(seconds=1)
        async with context.unit(town.tenant_id) as session:
            await session.execute(
                text("UPDATE desk_holders SET ends_at = :now WHERE user_id = :mayor"),
                {"now": clock(), "mayor": town.users["maire"]},
            )
        refused = await agent.give(order, order.items[0])
        assert (refused.status_code, refused.json()["code"]) == (403, "no_power")
        assert (await finances.read(folder_id))["waiting_kind"] == "signature"

    async def test_a_folder_rejected_meanwhile_refuses_the_value(
        self, agent: SigningAgent, mayor: ApiPerson, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        folder_id = await approved(finances, direction)
        await open_session(mayor, agent.issued, folder_id)
        order = await agent.accepted_job()
        assert (await mayor.act(folder_id, "reject", step="signature", reason="Non")).is_success
        assert (await agent.give(order, order.items[0])).status_code == 409
        assert (await finances.read(folder_id))["status"] == "rejected"

    async def test_two_main_documents_pass_the_step_once_both_have_their_value(
        self, agent: SigningAgent, mayor: ApiPerson, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        folder_id = await finances.submitted("letters", deliberation(), deliberation())
        await approve(direction, folder_id)
        await open_session(mayor, agent.issued, folder_id)
        order = await agent.accepted_job()
        one, other = order.items
        assert (await agent.give(order, one)).is_success
        assert (await finances.read(folder_id))["waiting_kind"] == "signature"
        assert (await agent.give(order, other)).is_success
        folder = await finances.read(folder_id)
        assert folder["status"] == "completed"
        assert [newest(folder, n)["origin"] for n in (0, 1)] == ["signed", "signed"]

    async def test_a_document_that_fails_holds_no_other_back(
        self, agent: SigningAgent, mayor: ApiPerson, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        folders = [await approved(finances, direction) for _ in range(3)]
        await open_session(mayor, agent.issued, *folders)
        order = await agent.accepted_job()
        first, second, third = order.items
        assert (await agent.give(order, first)).is_success
        assert (await agent.give(order, second, agent.values(first))).status_code == 422
        assert (await agent.give(order, third)).is_success
        states = [(await finances.read(one))["status"] for one in folders]
        assert states == ["awaiting_transmission", "pending", "awaiting_transmission"]


class TestSession:
    async def test_needs_a_certificate_registered_to_the_person(
        self, mayor: ApiPerson, finances: ApiPerson, direction: ApiPerson, agent: SigningAgent
    ) -> None:
        items = await to_sign(mayor, await approved(finances, direction))
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
        self, agent: SigningAgent, mayor: ApiPerson, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        opened = await open_session(mayor, agent.issued, await approved(finances, direction))
        answer = await direction.client.get(f"/signature-sessions/{opened['id']}")
        assert answer.status_code == 404
        resumed = await direction.client.post(f"/signature-sessions/{opened['id']}/resume")
        assert resumed.status_code == 404

    async def test_of_a_folder_whose_turn_has_not_come_prepares_nothing(
        self, agent: SigningAgent, mayor: ApiPerson, finances: ApiPerson
    ) -> None:
        opened = await open_session(mayor, agent.issued, await finances.submitted())
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

    async def test_prepares_what_it_can_when_a_document_cannot_be(
        self, agent: SigningAgent, mayor: ApiPerson, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        ready, early = await approved(finances, direction), await finances.submitted()
        opened = await open_session(mayor, agent.issued, early, ready)
        assert [one["state"] for one in opened["items"]] == ["failed", "prepared"]
        assert [one["n"] for one in (await agent.job()).items] == [2]

    async def test_of_a_document_of_another_folder_does_not_open(
        self, agent: SigningAgent, mayor: ApiPerson, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        first, second = [await approved(finances, direction) for _ in range(2)]
        (one,), (other,) = await to_sign(mayor, first), await to_sign(mayor, second)
        mixed = one | {"document_id": other["document_id"]}
        assert (await ask_to_sign(mayor, agent.issued, [mixed])).status_code == 404

    async def test_of_the_same_document_twice_is_refused(
        self, agent: SigningAgent, mayor: ApiPerson, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        (item,) = await to_sign(mayor, await approved(finances, direction))
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
        agent: SigningAgent,
        mayor: ApiPerson,
        finances: ApiPerson,
        direction: ApiPerson,
        clock: DrivenClock,
        person_of: PersonOf,
        town: Town,
    ) -> None:
        folder_id = await approved(finances, direction)
        clock.advance(days=366)
        again = await person_of(town, "maire")
        opened = await open_session(again, agent.issued, folder_id)
        assert opened["items"][0]["failure"]["code"] == "no_fit_certificate"
        assert opened["jobs"] == []


class TestSecondPreparation:
    """Two persons hold the mayor's desk; one pending preparation per document (DESIGN D8)."""

    @pytest.fixture
    async def deputy(
        self, context: Context, town: Town, direction: ApiPerson, administrator: ApiPerson
    ) -> ApiPerson:
        """The director holds the mayor's desk too, with the same certificate in her register."""
        held = await administrator.client.post(
            f"/desks/{town.desks['maire']}/holders", json={"user_id": str(town.users["direction"])}
        )
        assert held.status_code == 201
        signer = a_signer()
        await certify(context, town, "direction", signer.mayor.der, (signer.issuer.der,))
        return direction

    async def test_lapses_the_first_that_no_agent_accepted(
        self,
        agent: SigningAgent,
        anonymous: Client,
        mayor: ApiPerson,
        deputy: ApiPerson,
        finances: ApiPerson,
        clock: DrivenClock,
    ) -> None:
        folder_id = await approved(finances, deputy)
        opened = await open_session(mayor, agent.issued, folder_id)
        other = await pair(anonymous, deputy, clock, agent.issued)
        items = await to_sign(mayor, folder_id)
        second = (await ask_to_sign(deputy, agent.issued, items)).json()
        assert second["items"][0]["state"] == "prepared"
        first = (await mayor.client.get(f"/signature-sessions/{opened['id']}")).json()
        assert first["items"][0]["state"] == "lapsed"
        await other.sign()
        assert (await finances.read(folder_id))["status"] == "awaiting_transmission"

    async def test_waits_while_an_agent_works_on_the_first(
        self,
        agent: SigningAgent,
        anonymous: Client,
        mayor: ApiPerson,
        deputy: ApiPerson,
        finances: ApiPerson,
        clock: DrivenClock,
    ) -> None:
        folder_id = await approved(finances, deputy)
        await open_session(mayor, agent.issued, folder_id)
        await agent.accepted_job()
        await pair(anonymous, deputy, clock, agent.issued)
        second = (await ask_to_sign(deputy, agent.issued, await to_sign(mayor, folder_id))).json()
        assert second["items"][0]["failure"]["code"] == "document_being_signed"

    async def test_takes_over_from_an_agent_that_vanished(
        self,
        context: Context,
        agent: SigningAgent,
        anonymous: Client,
        mayor: ApiPerson,
        deputy: ApiPerson,
        finances: ApiPerson,
        clock: DrivenClock,
    ) -> None:
        folder_id = await approved(finances, deputy)
        await open_session(mayor, agent.issued, folder_id)
        await agent.accepted_job()
        await pair(anonymous, deputy, clock, agent.issued)
        clock.advance(seconds=context.settings.signing.lease_s)
        second = (await ask_to_sign(deputy, agent.issued, await to_sign(mayor, folder_id))).json()
        assert second["items"][0]["state"] == "prepared"


class TestResume:
    async def test_offers_a_new_job_with_what_has_no_value(
        self, agent: SigningAgent, mayor: ApiPerson, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        first, second = [await approved(finances, direction) for _ in range(2)]
        opened = await open_session(mayor, agent.issued, first, second)
        order = await agent.accepted_job()
        await agent.give(order, order.items[0])
        await agent.end(order, "failed", code="token_removed", detail="Clé retirée.")
        resumed = await mayor.client.post(f"/signature-sessions/{opened['id']}/resume")
        assert [one["state"] for one in resumed.json()["items"]] == ["signed", "prepared"]
        again = await agent.sign()
        assert again.id != order.id
        assert [one["n"] for one in again.items] == [2]
        assert (await finances.read(second))["status"] == "awaiting_transmission"

    async def test_follows_a_wrong_value(
        self, agent: SigningAgent, mayor: ApiPerson, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        folder_id = await approved(finances, direction)
        opened = await open_session(mayor, agent.issued, folder_id)
        order = await agent.accepted_job()
        await agent.give(order, order.items[0], [])
        await agent.end(order, "failed")
        await mayor.client.post(f"/signature-sessions/{opened['id']}/resume")
        await agent.sign()
        assert (await finances.read(folder_id))["status"] == "awaiting_transmission"

    async def test_takes_back_what_a_vanished_agent_had_accepted(
        self,
        context: Context,
        agent: SigningAgent,
        mayor: ApiPerson,
        finances: ApiPerson,
        direction: ApiPerson,
        clock: DrivenClock,
    ) -> None:
        folder_id = await approved(finances, direction)
        opened = await open_session(mayor, agent.issued, folder_id)
        await agent.accepted_job()
        clock.advance(seconds=context.settings.signing.lease_s)
        await mayor.client.post(f"/signature-sessions/{opened['id']}/resume")
        await agent.sign()
        assert (await finances.read(folder_id))["status"] == "awaiting_transmission"

    async def test_leaves_an_agent_at_work_alone(
        self, agent: SigningAgent, mayor: ApiPerson, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        folder_id = await approved(finances, direction)
        opened = await open_session(mayor, agent.issued, folder_id)
        order = await agent.accepted_job()
        resumed = await mayor.client.post(f"/signature-sessions/{opened['id']}/resume")
        assert len(resumed.json()["jobs"]) == 1
        assert (await agent.give(order, order.items[0])).is_success

    async def test_withdraws_the_job_that_nobody_accepted(
        self,
        agent: SigningAgent,
        mayor: ApiPerson,
        finances: ApiPerson,
        direction: ApiPerson,
        clock: DrivenClock,
    ) -> None:
        folder_id = await approved(finances, direction)
        opened = await open_session(mayor, agent.issued, folder_id)
        stale = await agent.job()
        clock.advance(seconds=5)
        await mayor.client.post(f"/signature-sessions/{opened['id']}/resume")
        assert (await agent.accept(stale)).json()["code"] == "job_not_available"
        await agent.sign()
        assert (await finances.read(folder_id))["status"] == "awaiting_transmission"


class TestRetract:
    async def test_puts_the_previous_revision_back_and_keeps_the_signed_one_as_retracted(
        self, agent: SigningAgent, mayor: ApiPerson, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        folder_id = await approved(finances, direction)
        await open_session(mayor, agent.issued, folder_id)
        await agent.sign()
        assert (await mayor.act(folder_id, "retract", step="signature")).is_success
        folder = await finances.read(folder_id)
        assert folder["waiting_kind"] == "signature"
        assert newest(folder)["retracted_at"] is not None

    async def test_leaves_the_document_to_be_signed_again_from_its_deposited_bytes(
        self, agent: SigningAgent, mayor: ApiPerson, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        folder_id = await approved(finances, direction)
        deposited = newest(await finances.read(folder_id))
        await open_session(mayor, agent.issued, folder_id)
        await agent.sign()
        await mayor.act(folder_id, "retract", step="signature")
        await open_session(mayor, agent.issued, folder_id)
        assert (await agent.sign()).items[0]["source_sha256"] == deposited["sha256"]
        folder = await finances.read(folder_id)
        assert folder["status"] == "awaiting_transmission"
        revisions = folder["documents"][0]["revisions"]
        assert [one["retracted_at"] is None for one in revisions] == [True, False, True]


async def test_an_agent_of_another_town_sees_no_job(
    context: Context,
    agent: SigningAgent,
    anonymous: Client,
    mayor: ApiPerson,
    finances: ApiPerson,
    direction: ApiPerson,
    other_town: Town,
    person_of: PersonOf,
    clock: DrivenClock,
) -> None:
    await open_session(mayor, agent.issued, await approved(finances, direction))
    order = await agent.job()
    stranger = await pair(anonymous, await person_of(other_town, "maire"), clock, agent.issued)
    assert await stranger.look() is None
    assert (await stranger.accept(order)).status_code == 404
    assert (await stranger.give(order, order.items[0])).status_code == 404


async def test_values_sent_for_a_session_that_is_not_the_job_s_are_refused(
    agent: SigningAgent, mayor: ApiPerson, finances: ApiPerson, direction: ApiPerson
) -> None:
    await open_session(mayor, agent.issued, await approved(finances, direction))
    order = await agent.accepted_job()
    answer = await agent.client.put(
        f"/signature-sessions/{random_id()}/items/1",
        json={"job_id": order.id, "values": agent.values(order.items[0])},
        auth=agent.auth,
    )
    assert answer.status_code == 404
    assert base64.b64decode(agent.values(order.items[0])[0]["value"])
