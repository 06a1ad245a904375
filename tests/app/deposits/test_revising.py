"""Documents that change after their deposit: in a preparation circuit, and in what came back."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from app.context import Context
from app.demo.acts import Act, deliberation
from app.demo.flows import Flow, make_pes
from app.demo.town import Town
from app.models import InboxEntry, Notification
from app.worker import drain
from tests.app.conftest import PersonOf
from tests.builders.administration import give, hold, said
from tests.builders.catalog import change, visa
from tests.builders.people import PDF, XML, ApiPerson, a_flow, approve
from tests.builders.pes import sign_flow
from tests.builders.principals import add_person
from tests.builders.reception import acknowledge
from tests.builders.subtypes import Json, add_subtype, step
from tests.builders.towns import DrivenClock
from workflows.definition import Protocol


async def revise(person: ApiPerson, folder_id: str, content: bytes, media_type: str = PDF) -> int:
    """A new revision of the first document; the status."""
    whole = await person.read(folder_id)
    answer = await person.client.post(
        f"/folders/{folder_id}/documents/{whole['documents'][0]['id']}/revisions",
        params={"name": "corrigé"},
        content=content,
        headers={"Content-Type": media_type},
    )
    return answer.status_code


class TestPreparation:
    @pytest.fixture
    async def letter(self, context: Context, town: Town, finances: ApiPerson) -> str:
        """A folder that the direction prepares before the mayor's visa."""
        prepare = step(town, "montage", "approval", "direction", phase="preparation")
        await add_subtype(context, town, prepare, visa(town, "maire"), several_documents=True)
        return await finances.submitted("essai")

    async def test_documents_are_added_replaced_and_removed_by_the_desk_whose_turn_it_is(
        self, letter: str, finances: ApiPerson, direction: ApiPerson, mayor: ApiPerson
    ) -> None:
        added = await direction.upload(letter, deliberation(Act(number="2")), role="annex")
        assert added.status_code == 201
        assert (await direction.read(letter))["status"] == "pending"
        assert await revise(direction, letter, deliberation(Act(number="3"))) == 201
        annex = added.json()["document_id"]
        note = {"kind": "page", "desk_id": direction.desk, "text": "Floue", "x": 1, "y": 1}
        await direction.client.post(
            f"/folders/{letter}/notes", json={**note, "document_id": annex, "page": 1}
        )
        removed = await direction.client.delete(f"/folders/{letter}/documents/{annex}")
        assert removed.status_code == 204
        after = (await direction.act(letter, "approve", step="montage")).json()
        assert after["waiting_desk_ids"] == [mayor.desk]
        (document,) = after["documents"]
        assert [one["number"] for one in document["revisions"]] == [1, 2]
        frozen = await direction.upload(letter, deliberation(), role="annex")
        assert said(frozen) == (409, "documents_frozen")
        seen = (await finances.history(letter))[-2]
        assert seen["kind"] == "validation_started"
        assert (
            seen["payload"]["documents"][0]["revision"]["sha256"]
            == (document["revisions"][1]["sha256"])
        )

    async def test_threat_34_no_other_desk_changes_them(
        self, letter: str, finances: ApiPerson
    ) -> None:
        refused = await finances.upload(letter, deliberation(), role="annex")
        assert said(refused) == (403, "folder_not_with_you")
        assert await revise(finances, letter, deliberation()) == 403

    async def test_threat_34_nor_does_a_desk_that_is_only_asked_for_an_opinion(
        self, letter: str, direction: ApiPerson, mayor: ApiPerson
    ) -> None:
        question = {"of_desk_id": mayor.desk, "question": "Est-ce complet ?"}
        await direction.act(letter, "ask_opinion", step="montage", **question)
        (document,) = (await mayor.read(letter))["documents"]
        path = f"/folders/{letter}/documents/{document['id']}"
        added = await mayor.upload(letter, deliberation(), role="annex")
        removed = await mayor.client.delete(path)
        assert [said(one) for one in (added, removed)] == [(403, "folder_not_with_you")] * 2
        assert await revise(mayor, letter, deliberation(Act(number="7"))) == 403

    async def test_threat_36_nor_does_a_delegate_whose_scope_leaves_the_folder_out(
        self,
        context: Context,
        town: Town,
        letter: str,
        administrator: ApiPerson,
        person_of: PersonOf,
    ) -> None:
        await add_person(context, town, "flux")
        subtypes = [str(town.subtypes["flows"])]
        await give(administrator, "direction", "flux", subtype_ids=subtypes)
        delegate = await person_of(town, "flux")
        added = await delegate.upload(letter, deliberation(), role="annex")
        assert said(added) == (403, "folder_not_with_you")
        assert await revise(delegate, letter, deliberation(Act(number="7"))) == 403

    async def test_threat_34_nor_does_a_person_who_stood_back(
        self, letter: str, direction: ApiPerson
    ) -> None:
        await direction.act(letter, "recuse", reason="Ma sœur dirige cette entreprise.")
        (document,) = (await direction.read(letter))["documents"]
        path = f"/folders/{letter}/documents/{document['id']}"
        added = await direction.upload(letter, deliberation(), role="annex")
        removed = await direction.client.delete(path)
        assert [said(one) for one in (added, removed)] == [(403, "person_recused")] * 2
        assert await revise(direction, letter, deliberation(Act(number="7"))) == 403

    async def test_its_end_without_main_document_is_refused(
        self, letter: str, direction: ApiPerson
    ) -> None:
        (document,) = (await direction.read(letter))["documents"]
        await direction.client.delete(f"/folders/{letter}/documents/{document['id']}")
        refused = await direction.act(letter, "approve", step="montage")
        assert said(refused) == (422, "no_main_document")

    async def test_a_second_main_document_is_refused_where_a_folder_has_one(
        self, context: Context, town: Town, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        prepare = step(town, "montage", "approval", "direction", phase="preparation")
        await add_subtype(context, town, prepare, visa(town, "maire"))
        folder_id = await finances.submitted("essai")
        refused = await direction.upload(folder_id, deliberation(Act(number="2")))
        assert said(refused) == (409, "one_main_document")
        annex = await direction.upload(folder_id, deliberation(Act(number="2")), role="annex")
        assert annex.status_code == 201

    async def test_its_end_with_a_main_document_too_many_is_refused(
        self, letter: str, administrator: ApiPerson, direction: ApiPerson, mayor: ApiPerson
    ) -> None:
        second = await direction.upload(letter, deliberation(Act(number="2")))
        assert second.status_code == 201
        subtype = str(administrator.town.subtypes["essai"])
        assert (await change(administrator, subtype, several_documents=False)).is_success
        early = await mayor.act(letter, "approve", step="montage")
        assert early.status_code == 403
        refused = await direction.act(letter, "approve", step="montage")
        assert said(refused) == (422, "one_main_document")
        await direction.client.delete(f"/folders/{letter}/documents/{second.json()['document_id']}")
        passed = await direction.act(letter, "approve", step="montage")
        assert passed.json()["waiting_desk_ids"] == [mayor.desk]

    async def test_the_flow_is_marked_when_it_ends(
        self, context: Context, town: Town, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        prepare = step(town, "montage", "approval", "direction", phase="preparation")
        signature = step(town, "signature", "signature", "maire")
        sending = step(town, "envoi", "transmission")
        await add_subtype(
            context,
            town,
            prepare,
            signature,
            sending,
            key="prepared_flows",
            protocol=Protocol.HELIOS,
            helios_intake="to_sign",
        )
        folder_id = await finances.submitted("prepared_flows", a_flow(dematerialised=False))
        replaced = a_flow(dematerialised=False, items_per_slip=3)
        assert await revise(direction, folder_id, replaced, XML) == 201
        origins = [one["origin"] for one in await _revisions(direction, folder_id)]
        assert origins == ["deposited", "deposited"]
        await direction.act(folder_id, "approve", step="montage")
        *_, marked = await _revisions(direction, folder_id)
        assert marked["origin"] == "dematerialised"
        (started,) = [
            one for one in await finances.history(folder_id) if one["kind"] == "validation_started"
        ]
        assert started["payload"]["documents"][0]["revision"]["sha256"] == marked["sha256"]

    async def test_the_amount_of_a_replaced_flow_reaches_the_lists(
        self, context: Context, town: Town, finances: ApiPerson
    ) -> None:
        folder_id = await finances.deposited("flows", a_flow())
        before = await _amounts(context, town)
        assert await revise(finances, folder_id, a_flow(items_per_slip=5), XML) == 201
        after = await _amounts(context, town)
        assert len(before) == len(after) == 1
        assert before != after


class TestLargeRevision:
    """A flow that a job reads, in a preparation circuit."""

    @pytest.fixture
    async def prepared(self, context: Context, town: Town) -> str:
        """A subtype of signed flows that the direction prepares."""
        prepare = step(town, "montage", "approval", "direction", phase="preparation")
        await add_subtype(
            context,
            town,
            prepare,
            visa(town, "maire"),
            step(town, "envoi", "transmission"),
            key="prepared_flows",
            protocol=Protocol.HELIOS,
            helios_intake="signed_elsewhere",
        )
        return "prepared_flows"

    @pytest.fixture
    async def waiting(self, context: Context, finances: ApiPerson, prepared: str) -> str:
        """A folder with the direction; flows that arrive from now on are large."""
        folder_id = await finances.submitted(prepared, _signed(990_040))
        context.settings.limits.inline_pes_bytes = 100
        return folder_id

    async def test_refused_leaves_the_folder_with_the_flow_it_had_and_its_name(
        self, context: Context, finances: ApiPerson, direction: ApiPerson, waiting: str
    ) -> None:
        assert await revise(direction, waiting, _forged(990_041), XML) == 202
        await drain(context)
        whole = await direction.read(waiting)
        assert (whole["status"], whole["refusal"]["code"]) == ("pending", "pes_invalid_signature")
        assert len(whole["documents"][0]["revisions"]) == 1
        again = await finances.create("signed_flows")
        assert said(await finances.upload(again, _signed(990_040), XML)) == (
            409,
            "pes_file_name_used",
        )
        assert (await finances.upload(again, _signed(990_041), XML)).status_code == 202
        assert (await direction.act(waiting, "approve", step="montage")).is_success

    async def test_refused_leaves_nothing_of_a_document_that_it_alone_made(
        self, context: Context, finances: ApiPerson, direction: ApiPerson, waiting: str
    ) -> None:
        (document,) = (await direction.read(waiting))["documents"]
        await direction.client.delete(f"/folders/{waiting}/documents/{document['id']}")
        assert (await direction.upload(waiting, _forged(990_042), XML)).status_code == 202
        await drain(context)
        assert (await direction.read(waiting))["documents"] == []
        refused = await direction.act(waiting, "approve", step="montage")
        assert said(refused) == (422, "no_main_document")
        again = await finances.create("signed_flows")
        assert (await finances.upload(again, _signed(990_042), XML)).status_code == 202


def _signed(number: int) -> bytes:
    return sign_flow(make_pes(Flow(number=number)))


def _forged(number: int) -> bytes:
    return _signed(number).replace(b"PAPETERIE EXEMPLE", b"PAPETERIE FORGEES")


async def _revisions(person: ApiPerson, folder_id: str) -> list[dict[str, str]]:
    (document,) = (await person.read(folder_id))["documents"]
    found: list[dict[str, str]] = document["revisions"]
    return found


async def _amounts(context: Context, town: Town) -> list[int | None]:
    async with context.unit(town.tenant_id) as session:
        return list(await session.scalars(select(InboxEntry.amount_cents)))


class TestFolderThatCameBack:
    @pytest.fixture
    async def rejected(self, finances: ApiPerson, direction: ApiPerson) -> str:
        """An act that the direction rejected for an annex that it lacks."""
        folder_id = await finances.submitted("acts")
        await direction.act(folder_id, "reject", step="visa", reason="Il manque la facture")
        return folder_id

    async def test_takes_the_annex_that_it_lacked(
        self, rejected: str, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        added = await finances.upload(rejected, deliberation(Act(number="2")), role="annex")
        assert (added.status_code, added.json()["folder_status"]) == (201, "rejected")
        too_late = await direction.act(rejected, "retract", step="visa")
        assert said(too_late) == (409, "too_late_to_retract")
        sent = await finances.act(rejected, "resubmit")
        assert [one["kind"] for one in sent.json()["documents"]] == ["main_document", "annex"]
        (entered,) = [
            one for one in await finances.history(rejected) if one["kind"] == "resubmitted"
        ]
        assert [one["role"] for one in entered["payload"]["documents"]] == [
            "main_document",
            "annex",
        ]

    async def test_gives_back_only_what_nobody_acted_upon(
        self, rejected: str, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        (act,) = (await finances.read(rejected))["documents"]
        added = await finances.upload(rejected, deliberation(Act(number="2")), role="annex")
        path = f"/folders/{rejected}/documents"
        removed = await finances.client.delete(f"{path}/{added.json()['document_id']}")
        assert removed.status_code == 204
        refused = await finances.client.delete(f"{path}/{act['id']}")
        assert said(refused) == (409, "document_acted_upon")
        assert (await finances.read(rejected))["status"] == "rejected"

    async def test_a_document_taken_out_ends_the_time_to_retract_the_rejection(
        self, context: Context, town: Town, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        prepare = step(town, "montage", "approval", "direction", phase="preparation")
        await add_subtype(context, town, prepare, visa(town, "maire"))
        folder_id = await finances.submitted("essai")
        added = await direction.upload(folder_id, deliberation(Act(number="2")), role="annex")
        await direction.act(folder_id, "reject", step="montage", reason="À refaire")
        removed = await finances.client.delete(
            f"/folders/{folder_id}/documents/{added.json()['document_id']}"
        )
        assert removed.status_code == 204
        too_late = await direction.act(folder_id, "retract", step="montage")
        assert said(too_late) == (409, "too_late_to_retract")

    async def test_threat_34_takes_nothing_of_another_desk(
        self, rejected: str, direction: ApiPerson
    ) -> None:
        refused = await direction.upload(rejected, deliberation(), role="annex")
        assert said(refused) == (403, "folder_not_with_you")

    async def test_has_one_main_document_still(self, rejected: str, finances: ApiPerson) -> None:
        refused = await finances.upload(rejected, deliberation(Act(number="2")))
        assert said(refused) == (409, "one_main_document")


class TestWhoDeposits:
    """A person of two desks, and a circuit in which who deposits neither approves nor signs."""

    REFUSED = (403, "duty_conflict")

    @pytest.fixture(autouse=True)
    async def two_desks(self, administrator: ApiPerson, clock: DrivenClock) -> None:
        """The direction deposits for the finances too."""
        await hold(administrator, "finances", "direction")
        clock.advance(seconds=1)

    @staticmethod
    async def subtype(context: Context, town: Town, *steps: Json, **settings: Any) -> None:
        names = ("submitter_does_not_approve", "submitter_does_not_sign")
        duties = {"duties": [{"kind": one} for one in names]}
        await add_subtype(context, town, *steps, workflow=duties, **settings)

    async def test_threat_37_who_brings_the_document_of_a_draft_does_not_sign_it(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        clock: DrivenClock,
    ) -> None:
        signature = step(town, "signature", "signature", "direction")
        await self.subtype(context, town, signature, paper_signature=True)
        folder_id = await finances.create("essai")
        assert (await direction.upload(folder_id, deliberation())).status_code == 201
        second = await direction.upload(folder_id, deliberation(Act(number="2")), role="annex")
        assert second.status_code == 201
        await drain(context)
        kinds = [one["kind"] for one in await finances.history(folder_id)]
        assert kinds == ["created", "corrected"]
        assert await _told(context, town) == []
        assert (await finances.submit(folder_id)).is_success
        paper = {"step": "signature", "signed_on": clock.now.date().isoformat()}
        assert said(await direction.act(folder_id, "sign_on_paper", **paper)) == self.REFUSED

    @pytest.mark.parametrize("way", ["replaced", "taken out", "renamed"])
    async def test_threat_37_who_changes_the_draft_of_a_colleague_does_not_approve_it(
        self, way: str, context: Context, town: Town, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        await self.subtype(context, town, visa(town), several_documents=True)
        contents = [deliberation(Act(number=one)) for one in ("1", "2")]
        folder_id = await finances.deposited("essai", *contents)
        assert [one["kind"] for one in await finances.history(folder_id)] == ["created"]
        whole = await direction.read(folder_id)
        path = f"/folders/{folder_id}"
        if way == "replaced":
            assert await revise(direction, folder_id, deliberation(Act(number="3"))) == 201
        elif way == "taken out":
            document = f"{path}/documents/{whole['documents'][0]['id']}"
            assert (await direction.client.delete(document)).is_success
        else:
            assert (await direction.client.patch(path, json={"title": "Autre"})).is_success
        assert (await finances.submit(folder_id)).is_success
        assert said(await direction.act(folder_id, "approve", step="visa")) == self.REFUSED

    async def test_threat_37_who_replaces_it_in_a_preparation_passes_that_alone(
        self, context: Context, town: Town, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        prepare = step(town, "montage", "approval", "direction", phase="preparation")
        await self.subtype(context, town, prepare, visa(town, "direction", "maire"))
        folder_id = await finances.submitted("essai")
        written = await direction.client.patch(
            f"/folders/{folder_id}", json={"metadata": {"note": "à relire"}}
        )
        assert written.is_success
        assert "corrected" not in {one["kind"] for one in await finances.history(folder_id)}
        assert await revise(direction, folder_id, deliberation(Act(number="3"))) == 201
        assert (await direction.act(folder_id, "approve", step="montage")).is_success
        assert said(await direction.act(folder_id, "approve", step="visa")) == self.REFUSED

    async def test_what_a_colleague_writes_meanwhile_ends_no_inspection(
        self, context: Context, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        folder_id = await finances.submitted("flows", a_flow(dematerialised=False))
        await direction.act(folder_id, "reject", step="visa", reason="Montant faux")
        context.settings.limits.inline_pes_bytes = 100
        assert await revise(finances, folder_id, a_flow(), XML) == 202
        written = await direction.client.patch(
            f"/folders/{folder_id}", json={"metadata": {"note": "à relire"}}
        )
        assert (written.status_code, written.json()["status"]) == (200, "inspecting")
        await drain(context)
        assert (await finances.read(folder_id))["status"] == "rejected"
        *_, inspected = await _revisions(finances, folder_id)
        assert "slips" in inspected["facts"]


async def _told(context: Context, town: Town) -> list[str]:
    async with context.unit(town.tenant_id) as session:
        return list(await session.scalars(select(Notification.kind)))


class TestRemoval:
    @pytest.fixture
    async def letter(self, context: Context, town: Town, finances: ApiPerson) -> str:
        """A folder that the direction approves before the mayor."""
        steps = (
            visa(town),
            step(town, "fin", "approval", "maire"),
        )
        await add_subtype(context, town, *steps, several_documents=True)
        return await finances.submitted("essai")

    async def test_a_document_that_was_approved_stays_in_a_draft(
        self, letter: str, finances: ApiPerson, direction: ApiPerson, mayor: ApiPerson
    ) -> None:
        await approve(direction, letter)
        await mayor.act(letter, "reject", step="fin", reason="À compléter")
        await finances.act(letter, "resubmit")
        taken_back = await finances.act(letter, "retract")
        assert taken_back.json()["status"] == "draft"
        (approved,) = taken_back.json()["documents"]
        added = await finances.upload(letter, deliberation(Act(number="2")), role="annex")
        path = f"/folders/{letter}/documents"
        refused = await finances.client.delete(f"{path}/{approved['id']}")
        assert said(refused) == (409, "document_acted_upon")
        removed = await finances.client.delete(f"{path}/{added.json()['document_id']}")
        assert removed.status_code == 204
        assert await revise(finances, letter, deliberation(Act(number="3"))) == 201

    async def test_a_document_that_nobody_acted_upon_leaves_a_draft_taken_back(
        self, letter: str, finances: ApiPerson
    ) -> None:
        (document,) = (await finances.act(letter, "retract")).json()["documents"]
        removed = await finances.client.delete(f"/folders/{letter}/documents/{document['id']}")
        assert removed.status_code == 204

    async def test_one_that_a_preparation_alone_approved_leaves_it(
        self, context: Context, town: Town, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        preparing = [
            step(town, name, "approval", "direction", phase="preparation")
            for name in ("montage", "relecture")
        ]
        await add_subtype(context, town, *preparing, visa(town, "maire"))
        folder_id = await finances.submitted("essai")
        passed = await direction.act(folder_id, "approve", step="montage")
        (document,) = passed.json()["documents"]
        removed = await direction.client.delete(f"/folders/{folder_id}/documents/{document['id']}")
        assert removed.status_code == 204


class TestRetiredSubtype:
    async def test_still_takes_the_corrections_of_its_folders(
        self, town: Town, finances: ApiPerson, direction: ApiPerson, administrator: ApiPerson
    ) -> None:
        folder_id = await finances.submitted("flows", a_flow(dematerialised=False))
        await direction.act(folder_id, "reject", step="visa", reason="Montant faux")
        path = f"/folder-subtypes/{town.subtypes['flows']}"
        await administrator.client.patch(path, json={"is_active": False})
        corrected = a_flow(dematerialised=False, items_per_slip=2)
        assert await revise(finances, folder_id, corrected, XML) == 201
        sent = await finances.submit(folder_id)
        assert sent.json()["waiting_desk_ids"] == [direction.desk]
        assert (await _revisions(finances, folder_id))[-1]["origin"] == "dematerialised"


class TestChain:
    async def test_an_ended_folder_is_followed_by_another_with_its_documents(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        clock: DrivenClock,
    ) -> None:
        await add_subtype(context, town, visa(town))
        folder_id = await finances.submitted("essai")
        body = {"subtype_id": str(town.subtypes["letters"]), "desk_id": finances.desk}
        path = f"/folders/{folder_id}/chain"
        early = await finances.client.post(path, json=body)
        assert said(early) == (409, "not_ended")
        await approve(direction, folder_id)
        clock.advance(minutes=1)
        made = await finances.client.post(path, json=body)
        assert (made.status_code, made.json()["chained_from_id"]) == (201, folder_id)
        ended = await finances.read(folder_id)
        assert ended["chained_to_id"] == made.json()["id"]
        digests = [one["documents"][0]["revisions"][-1]["sha256"] for one in (ended, made.json())]
        assert digests[0] == digests[1]
        assert said(await finances.client.post(path, json=body)) == (409, "already_chained")
        sent = await finances.submit(made.json()["id"])
        assert sent.json()["waiting_desk_ids"] == [direction.desk]

    async def test_a_document_that_the_next_subtype_does_not_take_is_refused_whole(
        self, context: Context, town: Town, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        await add_subtype(context, town, visa(town))
        folder_id = await finances.submitted("essai")
        await approve(direction, folder_id)
        body = {"subtype_id": str(town.subtypes["flows"]), "desk_id": finances.desk}
        refused = await finances.client.post(f"/folders/{folder_id}/chain", json=body)
        assert said(refused) == (422, "media_type_refused")
        assert (await finances.read(folder_id))["chained_to_id"] is None
        assert len((await finances.client.get("/folders")).json()["items"]) == 1

    async def test_a_signed_flow_is_never_signed_again(
        self, context: Context, town: Town, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        flow = sign_flow(make_pes(Flow(number=990_400)))
        folder_id = await finances.submitted("signed_flows", flow)
        await approve(direction, folder_id)
        await acknowledge(context, town, folder_id, context.clock().date())
        path = f"/folders/{folder_id}/chain"
        body = {"subtype_id": str(town.subtypes["flows"]), "desk_id": finances.desk}
        refused = await finances.client.post(path, json=body)
        assert said(refused) == (422, "chained_flow_signed")
        body["subtype_id"] = str(town.subtypes["attachments"])
        refused = await finances.client.post(path, json=body)
        assert said(refused) == (422, "pes_wrong_intake")
        body["subtype_id"] = str(town.subtypes["signed_flows"])
        made = await finances.client.post(path, json=body)
        assert made.status_code == 201, made.text
        sent = await finances.submit(made.json()["id"])
        assert sent.json()["waiting_desk_ids"] == [direction.desk]
