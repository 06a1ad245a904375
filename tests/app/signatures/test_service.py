"""Phase 2 of a signature: values verified, documents assembled, the step passed."""

from __future__ import annotations

import asyncio
import hashlib
import json

import pytest
from sqlalchemy import text

from app.context import Context
from app.demo.acts import deliberation
from app.demo.town import Town
from app.kit.threads import in_thread
from app.tenants.schemas import TrustKind
from signing.report import Chain, Verdict
from signing.trust import TrustMaterial
from signing.verification import verify
from tests.builders.administration import said
from tests.builders.people import ApiPerson, approve
from tests.builders.signatories import Signatory, newest
from tests.builders.signing_agents import SigningAgent
from tests.builders.towns import DrivenClock, a_signer, trust_of
from tests.builders.traces import journal_entry, journal_kinds


def the_trust() -> TrustMaterial:
    given = trust_of(a_signer())
    return TrustMaterial(
        anchors=tuple(der for kind, der in given if kind is TrustKind.ANCHOR),
        intermediates=tuple(der for kind, der in given if kind is TrustKind.INTERMEDIATE),
        crls=tuple(der for kind, der in given if kind is TrustKind.CRL),
    )


class TestFinish:
    async def test_an_act_passes_to_its_transmission_signed(
        self, signatory: Signatory, finances: ApiPerson
    ) -> None:
        folder_id = await signatory.signed()
        folder = await finances.read(folder_id)
        assert folder["status"] == "awaiting_transmission"
        assert newest(folder)["origin"] == "signed"

    async def test_threat_57_a_signed_act_starts_with_the_deposited_bytes(
        self, signatory: Signatory, agent: SigningAgent, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        deposited = deliberation()
        folder_id = await finances.submitted("acts", deposited)
        await approve(direction, folder_id)
        await signatory.open(folder_id)
        await agent.sign()
        signed = await finances.content(folder_id, newest(await finances.read(folder_id)))
        assert signed.startswith(deposited)
        assert len(signed) > len(deposited)

    @pytest.mark.parametrize("subtype", ["acts", "flows"])
    async def test_gives_a_file_that_the_verifier_calls_valid(
        self, signatory: Signatory, finances: ApiPerson, clock: DrivenClock, subtype: str
    ) -> None:
        folder_id = await signatory.signed(subtype)
        signed = await finances.content(folder_id, newest(await finances.read(folder_id)))
        clock.advance(seconds=1)
        report = await in_thread(lambda: verify(signed, trust=the_trust(), now=clock()))
        assert report.verdict is Verdict.VALID
        assert [one.chain for one in report.signatures] == [Chain.TRUSTED]

    async def test_names_actor_certificate_and_document_in_the_journal(
        self, signatory: Signatory, town: Town, agent: SigningAgent, finances: ApiPerson
    ) -> None:
        folder_id = await signatory.signed()
        signed = newest(await finances.read(folder_id))
        entry = json.loads(await journal_entry(finances, "folder.signed", folder_id))
        assert entry["actor"]["id"] == str(town.users["maire"])
        assert entry["document_sha256"] == signed["sha256"]
        assert entry["certificate_sha256"] == hashlib.sha256(agent.issued.der).hexdigest()

    async def test_the_same_values_given_again_are_taken_once(
        self, signatory: Signatory, agent: SigningAgent, finances: ApiPerson
    ) -> None:
        folder_id = await signatory.offered()
        order = await agent.sign()
        version = (await finances.read(folder_id))["version"]
        again = await agent.give(order, order.items[0])
        assert (again.status_code, again.json()) == (200, {"state": "signed"})
        assert (await finances.read(folder_id))["version"] == version

    async def test_threat_38_the_same_values_given_at_once_are_taken_once_and_none_is_refused(
        self, signatory: Signatory, agent: SigningAgent, finances: ApiPerson
    ) -> None:
        """An agent that had no answer in time sends again what is still being looked at."""
        folder_id = await signatory.offered()
        order = await agent.accepted_job()
        answers = await asyncio.gather(*(agent.give(order, order.items[0]) for _ in range(3)))
        assert [said(one) for one in answers] == [(200, None)] * 3
        kinds = [one["kind"] for one in await finances.history(folder_id)]
        assert kinds.count("signed") == 1

    async def test_threat_7_a_wrong_value_changes_nothing_and_is_journaled(
        self, signatory: Signatory, agent: SigningAgent, finances: ApiPerson
    ) -> None:
        folder_id = await signatory.approved()
        opened = await signatory.open(folder_id)
        before = await finances.read(folder_id)
        order = await agent.accepted_job()
        wrong = agent.values(order.items[0], issued=a_signer().issuer)
        refused = await agent.give(order, order.items[0], wrong)
        assert refused.status_code == 422
        assert await finances.read(folder_id) == before
        assert (await journal_kinds(finances, folder_id))[-1] == "signature.refused"
        (item,) = await signatory.items(opened)
        assert item["state"] == "failed"
        assert item["failure"]["code"] == refused.json()["code"]

    async def test_threat_7_the_value_of_another_document_is_refused(
        self, signatory: Signatory, agent: SigningAgent, finances: ApiPerson
    ) -> None:
        first, second = [await signatory.approved() for _ in range(2)]
        await signatory.open(first, second)
        order = await agent.accepted_job()
        one, other = order.items
        refused = await agent.give(order, one, agent.values(other))
        assert refused.status_code == 422
        assert (await finances.read(first))["waiting_kind"] == "signature"

    @pytest.mark.parametrize("values", [[], [{"id": "pdf", "value": ""}]])
    async def test_threat_7_no_value_is_refused(
        self, signatory: Signatory, agent: SigningAgent, values: list[dict[str, str]]
    ) -> None:
        await signatory.offered()
        order = await agent.accepted_job()
        assert (await agent.give(order, order.items[0], values)).status_code == 422

    async def test_as_many_values_as_the_protocol_allows_are_read(
        self, signatory: Signatory, agent: SigningAgent
    ) -> None:
        await signatory.offered()
        order = await agent.accepted_job()
        (value,) = agent.values(order.items[0])
        many = [value | {"id": f"BORDEREAU{n:06d}"} for n in range(10_000)]
        assert (await agent.give(order, order.items[0], many)).status_code == 422

    async def test_threat_7_a_value_comes_only_through_the_job_that_was_accepted(
        self, signatory: Signatory, agent: SigningAgent
    ) -> None:
        await signatory.offered()
        order = await agent.job()
        assert (await agent.give(order, order.items[0])).json()["code"] == "job_lapsed"

    async def test_threat_7_a_value_is_refused_an_hour_after_the_preparation(
        self, signatory: Signatory, context: Context, agent: SigningAgent, clock: DrivenClock
    ) -> None:
        await signatory.offered()
        order = await agent.accepted_job()
        clocks = context.settings.signing
        for _ in range(clocks.prepared_s // (clocks.lease_s - 1) + 1):
            clock.advance(seconds=clocks.lease_s - 1)
            await agent.renew(order)
        refused = await agent.give(order, order.items[0])
        assert (refused.status_code, refused.json()["code"]) == (409, "preparation_too_old")

    async def test_threat_6_a_document_changed_on_the_disk_is_refused(
        self, signatory: Signatory, context: Context, agent: SigningAgent, finances: ApiPerson
    ) -> None:
        folder_id = await signatory.offered()
        order = await agent.accepted_job()
        stored = context.store.local_path(order.items[0]["download_sha256"])
        assert stored is not None
        stored.write_bytes(stored.read_bytes().replace(b"FICTIF", b"fictif"))
        refused = await agent.give(order, order.items[0])
        assert refused.json()["code"] == "blob_corrupted"
        assert (await finances.read(folder_id))["waiting_kind"] == "signature"
        kinds = await journal_kinds(finances, folder_id)
        assert kinds[-2:] == ["folder.frozen", "signature.refused"]

    async def test_an_agent_that_cannot_rebuild_a_document_says_so(
        self, signatory: Signatory, agent: SigningAgent
    ) -> None:
        opened = await signatory.open(await signatory.approved())
        order = await agent.accepted_job()
        told = await agent.give_up(order, order.items[0], "digest_differs")
        assert told.json() == {"state": "failed"}
        (item,) = await signatory.items(opened)
        assert item["failure"]["code"] == "digest_differs"

    async def test_a_power_lost_between_the_two_phases_refuses_the_value(
        self,
        signatory: Signatory,
        context: Context,
        town: Town,
        agent: SigningAgent,
        finances: ApiPerson,
        clock: DrivenClock,
    ) -> None:
        folder_id = await signatory.offered()
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
        self, signatory: Signatory, agent: SigningAgent, mayor: ApiPerson, finances: ApiPerson
    ) -> None:
        folder_id = await signatory.offered()
        order = await agent.accepted_job()
        assert (await mayor.act(folder_id, "reject", step="signature", reason="Non")).is_success
        assert (await agent.give(order, order.items[0])).status_code == 409
        assert (await finances.read(folder_id))["status"] == "rejected"

    async def test_two_main_documents_pass_the_step_once_both_have_their_value(
        self, signatory: Signatory, agent: SigningAgent, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        folder_id = await finances.submitted("letters", deliberation(), deliberation())
        await approve(direction, folder_id)
        await signatory.open(folder_id)
        order = await agent.accepted_job()
        one, other = order.items
        assert (await agent.give(order, one)).is_success
        assert (await finances.read(folder_id))["waiting_kind"] == "signature"
        assert (await agent.give(order, other)).is_success
        folder = await finances.read(folder_id)
        assert folder["status"] == "completed"
        assert [newest(folder, n)["origin"] for n in (0, 1)] == ["signed", "signed"]

    async def test_a_document_that_fails_holds_no_other_back(
        self, signatory: Signatory, agent: SigningAgent, finances: ApiPerson
    ) -> None:
        folders = [await signatory.approved() for _ in range(3)]
        await signatory.open(*folders)
        order = await agent.accepted_job()
        first, second, third = order.items
        assert (await agent.give(order, first)).is_success
        assert (await agent.give(order, second, agent.values(first))).status_code == 422
        assert (await agent.give(order, third)).is_success
        states = [(await finances.read(one))["status"] for one in folders]
        assert states == ["awaiting_transmission", "pending", "awaiting_transmission"]


class TestRetract:
    async def test_puts_the_previous_revision_back_and_keeps_the_signed_one_as_retracted(
        self, signatory: Signatory, mayor: ApiPerson, finances: ApiPerson
    ) -> None:
        folder_id = await signatory.signed()
        assert (await mayor.act(folder_id, "retract", step="signature")).is_success
        folder = await finances.read(folder_id)
        assert folder["waiting_kind"] == "signature"
        assert newest(folder)["retracted_at"] is not None

    async def test_leaves_the_document_to_be_signed_again_from_its_deposited_bytes(
        self, signatory: Signatory, agent: SigningAgent, mayor: ApiPerson, finances: ApiPerson
    ) -> None:
        folder_id = await signatory.approved()
        deposited = newest(await finances.read(folder_id))
        await signatory.open(folder_id)
        await agent.sign()
        await mayor.act(folder_id, "retract", step="signature")
        await signatory.open(folder_id)
        assert (await agent.sign()).items[0]["source_sha256"] == deposited["sha256"]
        folder = await finances.read(folder_id)
        assert folder["status"] == "awaiting_transmission"
        revisions = folder["documents"][0]["revisions"]
        assert [one["retracted_at"] is None for one in revisions] == [True, False, True]
