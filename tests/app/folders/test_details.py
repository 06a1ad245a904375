"""What is written beside the circuit: metadata, publication; and mentions."""

from __future__ import annotations

import json
import uuid
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select, text

from app.auth.principal import Permission, Role
from app.context import Context
from app.demo.town import Town
from app.folders.repository import FolderRepository
from app.folders.service import apply
from app.models import AuditEvent, Notification
from app.worker import drain
from signing import xml
from tests.app.conftest import Client, PersonOf
from tests.builders.administration import be_away, give, hold, made, said
from tests.builders.catalog import change, condition, row, table, visa
from tests.builders.people import ApiPerson, an_act, approve, approved
from tests.builders.principals import add_person, bearer, make_token
from tests.builders.reception import acknowledge
from tests.builders.signing_agents import agent_of_delegate, open_session
from tests.builders.subtypes import add_subtype, desk_of, step
from tests.builders.towns import DrivenClock
from workflows.actions import RecordOutside
from workflows.definition import Protocol, StepId

URGENT = {"key": "urgent", "label": "Urgent", "type": "boolean"}
COUNT = {"key": "lots", "label": "Lots", "type": "integer"}
AMOUNT = {"key": "montant", "label": "Montant", "type": "decimal"}


async def write(person: ApiPerson, folder_id: str, **values: Any) -> tuple[int, str | None]:
    answer = await person.client.patch(f"/folders/{folder_id}", json={"metadata": values})
    return said(answer)


class TestMetadata:
    async def test_mandatory_at_the_deposit_takes_false_and_zero_for_values(
        self, context: Context, town: Town, finances: ApiPerson
    ) -> None:
        fields = [{**one, "required_at_deposit": True} for one in (URGENT, COUNT)]
        await add_subtype(context, town, visa(town), metadata_fields=fields)
        folder_id = await finances.deposited("essai")
        assert said(await finances.submit(folder_id)) == (422, "metadata_missing")
        assert await write(finances, folder_id, urgent=False) == (200, None)
        assert said(await finances.submit(folder_id)) == (422, "metadata_missing")
        assert await write(finances, folder_id, lots=0) == (200, None)
        sent = await finances.submit(folder_id)
        assert (sent.status_code, sent.json()["metadata"]) == (200, {"urgent": False, "lots": 0})

    async def test_kept_from_the_deposit_on_is_written_while_the_submitter_has_the_folder(
        self, context: Context, town: Town, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        fixed = {**COUNT, "editable": False, "required_at_deposit": True}
        await add_subtype(context, town, visa(town), metadata_fields=[fixed])
        folder_id = await finances.deposited("essai")
        assert said(await finances.submit(folder_id)) == (422, "metadata_missing")
        assert await write(finances, folder_id, lots=1) == (200, None)
        assert await write(finances, folder_id, lots=2) == (200, None)
        assert said(await finances.submit(folder_id)) == (200, None)
        assert await write(direction, folder_id, lots=3) == (422, "metadata_not_editable")
        assert await write(finances, folder_id, lots=3) == (422, "metadata_not_editable")
        await direction.act(folder_id, "reject", step="visa", reason="Un lot manque")
        assert await write(finances, folder_id, lots=3) == (200, None)

    async def test_kept_from_the_deposit_on_and_demanded_at_a_step_is_filled_there_once(
        self, context: Context, town: Town, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        await add_subtype(
            context,
            town,
            visa(town, required_to_pass=["lots"]),
            metadata_fields=[{**COUNT, "editable": False}],
        )
        folder_id = await finances.deposited("essai")
        await finances.submit(folder_id)
        refused = await direction.act(folder_id, "approve", step="visa")
        assert said(refused) == (422, "metadata_missing")
        assert "« Lots »" in refused.json()["detail"]
        assert await write(direction, folder_id, lots=0) == (200, None)
        assert await write(direction, folder_id, lots=1) == (422, "metadata_not_editable")
        assert said(await direction.act(folder_id, "approve", step="visa")) == (200, None)

    async def test_mandatory_to_approve_and_to_reject_at_a_step(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        mayor: ApiPerson,
    ) -> None:
        demands = {"required_to_pass": ["urgent"], "required_to_reject": ["lots"]}
        await add_subtype(context, town, visa(town, **demands), metadata_fields=[URGENT, COUNT])
        folder_id = await finances.submitted("essai")
        refusal = (422, "metadata_missing")
        assert said(await direction.act(folder_id, "approve", step="visa")) == refusal
        reject = {"step": "visa", "reason": "Non"}
        assert said(await direction.act(folder_id, "reject", **reject)) == refusal
        assert await write(direction, folder_id, lots=0) == (200, None)
        assert (await direction.act(folder_id, "reject", **reject)).status_code == 200
        assert (await finances.act(folder_id, "resubmit")).status_code == 200
        assert await write(direction, folder_id, urgent=False) == (200, None)
        passed = await direction.act(folder_id, "approve", step="visa")
        assert passed.json()["status"] == "completed"
        assert await write(finances, folder_id, lots=1) == (409, "folder_final")

    async def test_a_number_is_kept_with_the_figures_that_json_wrote(
        self, context: Context, town: Town, finances: ApiPerson
    ) -> None:
        amount = {"key": "montant", "label": "Montant", "type": "decimal"}
        await add_subtype(context, town, visa(town), metadata_fields=[amount])
        path = f"/folders/{await finances.create('essai', metadata={'montant': 1.5})}"
        kept = {}
        for number in ("12500.5", "0.1", "0.000001", "12.0", "123456789.123456", "NaN", "1e300"):
            answer = await finances.client.patch(
                path,
                content=f'{{"metadata": {{"montant": {number}}}}}',
                headers={"content-type": "application/json"},
            )
            kept[number] = answer.json().get("metadata", {}).get("montant")
        assert kept == {
            "12500.5": "12500.50",
            "0.1": "0.10",
            "0.000001": "0.000001",
            "12.0": "12.00",
            "123456789.123456": "123456789.123456",
            "NaN": None,
            "1e300": None,
        }

    async def test_a_value_of_another_type_is_refused_by_the_name_of_its_field(
        self, context: Context, town: Town, finances: ApiPerson
    ) -> None:
        await add_subtype(context, town, visa(town), metadata_fields=[COUNT])
        path = f"/folders/{await finances.create('essai')}"
        refused = await finances.client.patch(path, json={"metadata": {"lots": "douze"}})
        assert said(refused) == (422, "metadata_mistyped")
        assert "Lots" in refused.json()["detail"]

    async def test_threat_34_who_does_not_have_the_folder_writes_nothing(
        self, finances: ApiPerson, direction: ApiPerson, mayor: ApiPerson
    ) -> None:
        folder_id = await finances.submitted("letters")
        assert await write(mayor, folder_id) == (403, "folder_not_with_you")
        title = {"title": "Autre titre"}
        frozen = await direction.client.patch(f"/folders/{folder_id}", json=title)
        assert said(frozen) == (409, "title_frozen")

    async def test_threat_34_an_opinion_and_a_recusal_give_no_right_to_write(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        mayor: ApiPerson,
    ) -> None:
        await add_subtype(context, town, visa(town), metadata_fields=[COUNT])
        folder_id = await finances.submitted("essai")
        question = {"of_desk_id": mayor.desk, "question": "Combien de lots ?"}
        await direction.act(folder_id, "ask_opinion", step="visa", **question)
        assert await write(mayor, folder_id, lots=7) == (403, "folder_not_with_you")
        assert await write(direction, folder_id, lots=3) == (200, None)
        await direction.act(folder_id, "recuse", reason="Ma sœur dirige cette entreprise.")
        assert await write(direction, folder_id, lots=4) == (403, "person_recused")

    async def test_threat_36_a_delegate_writes_within_his_scope_only(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        administrator: ApiPerson,
        person_of: PersonOf,
    ) -> None:
        await add_subtype(context, town, visa(town), metadata_fields=[COUNT])
        for key, scope in (("flux", "flows"), ("essais", "essai")):
            await add_person(context, town, key)
            subtypes = [str(town.subtypes[scope])]
            await give(administrator, "direction", key, subtype_ids=subtypes)
        outside, inside = [await person_of(town, key) for key in ("flux", "essais")]
        folder_id = await finances.submitted("essai")
        assert await write(outside, folder_id, lots=1) == (403, "folder_not_with_you")
        assert await write(inside, folder_id, lots=2) == (200, None)
        draft = await direction.create("essai")
        for delegate in (outside, inside):
            renamed = await delegate.client.patch(f"/folders/{draft}", json={"title": "Le mien"})
            assert said(renamed) == (403, "folder_not_with_you")
            assert said(await delegate.upload(draft, b"%PDF-1.4")) == (403, "folder_not_with_you")

    async def test_a_program_writes_for_the_desks_of_its_token(
        self, context: Context, town: Town, anonymous: Client, finances: ApiPerson
    ) -> None:
        await add_subtype(context, town, visa(town), metadata_fields=[COUNT])
        folder_id = await finances.deposited("essai")
        for desk in ("finances", "direction"):
            _, value = await make_token(context, town, Permission.FOLDER_DEPOSIT, desk=desk)
            answer = await anonymous.patch(
                f"/folders/{folder_id}", json={"metadata": {"lots": 3}}, headers=bearer(value)
            )
            assert answer.status_code == 200, desk
            await finances.submit(folder_id)


class TestPreparation:
    async def test_corrects_the_amount_that_powers_have_a_ceiling_for(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        administrator: ApiPerson,
    ) -> None:
        await add_subtype(
            context,
            town,
            step(town, "montage", "approval", "finances", phase="preparation"),
            visa(town, "maire"),
            metadata_fields=[AMOUNT],
            amount_field="montant",
        )
        await give(administrator, "maire", "direction", ceiling_cents=100_000)
        folder_id = await finances.deposited("essai")
        assert await write(finances, folder_id, montant="10") == (200, None)
        await finances.submit(folder_id)
        assert await write(finances, folder_id, montant="5000") == (200, None)
        await finances.act(folder_id, "approve", step="montage")
        mayor = str(town.desks["maire"])
        refused = await direction.act(folder_id, "approve", step="visa", desk_id=mayor)
        assert said(refused) == (403, "out_of_scope")

    async def test_writes_nothing_by_which_the_rules_choose_another_circuit(
        self, context: Context, town: Town, finances: ApiPerson, administrator: ApiPerson
    ) -> None:
        await add_subtype(
            context,
            town,
            step(town, "montage", "approval", "finances", phase="preparation"),
            step(town, "visa", "approval", actors=[{"kind": "variable"}]),
            metadata_fields=[AMOUNT],
        )
        subtype = str(town.subtypes["essai"])
        bound = (await administrator.client.get(f"/folder-subtypes/{subtype}")).json()
        much = condition("montant", "at_least", "1000")
        rows = [
            row(bound["workflow_id"], *conditions, visa=str(town.desks[desk]))
            for conditions, desk in (((much,), "maire"), ((), "direction"))
        ]
        assert (await change(administrator, subtype, rule_table=table(*rows))).is_success
        folder_id = await finances.submitted("essai")
        assert await write(finances, folder_id, montant="1000") == (409, "workflow_outdated")
        assert await write(finances, folder_id, montant="999") == (200, None)
        passed = await finances.act(folder_id, "approve", step="montage")
        assert passed.json()["waiting_desk_ids"] == [str(town.desks["direction"])]


class TestFieldsThatRulesRead:
    @pytest.fixture
    async def folder_id(
        self, context: Context, town: Town, finances: ApiPerson, administrator: ApiPerson
    ) -> str:
        """Without its number of lots, which its visa demands: from 3 lots on the mayor gives it,
        else the direction."""
        visa = step(
            town, "visa", "approval", actors=[{"kind": "variable"}], required_to_pass=["lots"]
        )
        await add_subtype(context, town, visa, metadata_fields=[COUNT, URGENT])
        subtype = str(town.subtypes["essai"])
        bound = (await administrator.client.get(f"/folder-subtypes/{subtype}")).json()
        several = condition("lots", "at_least", 3)
        rows = [
            row(bound["workflow_id"], *conditions, visa=str(town.desks[desk]))
            for conditions, desk in (((several,), "maire"), ((), "direction"))
        ]
        assert (await change(administrator, subtype, rule_table=table(*rows))).is_success
        return await finances.submitted("essai")

    async def test_threat_36_are_never_written_so_that_another_desk_would_have_had_the_folder(
        self, folder_id: str, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        for person in (direction, finances):
            path = f"/folders/{folder_id}"
            refused = await person.client.patch(path, json={"metadata": {"lots": 3}})
            assert said(refused) == (409, "workflow_outdated")
            assert "« Lots »" in refused.json()["detail"]
        assert await write(direction, folder_id, lots=2, urgent=True) == (200, None)
        assert await write(direction, folder_id, lots=3, urgent=False) == (409, "workflow_outdated")
        assert await write(direction, folder_id, lots=1) == (200, None)
        assert said(await direction.act(folder_id, "approve", step="visa")) == (200, None)

    async def test_are_corrected_once_the_folder_is_back_and_choose_again(
        self, folder_id: str, town: Town, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        await direction.act(folder_id, "reject", step="visa", reason="Il y a trois lots")
        assert await write(finances, folder_id, lots=3) == (200, None)
        again = await finances.act(folder_id, "resubmit")
        assert again.json()["waiting_desk_ids"] == [str(town.desks["maire"])]


class TestFolderThatCameBack:
    @pytest.fixture
    async def folder_id(self, context: Context, town: Town, finances: ApiPerson) -> str:
        """Refused by the outside."""
        field = {"key": "montant", "label": "Montant", "type": "decimal"}
        answer = step(town, "reponse", "external")
        await add_subtype(
            context, town, answer, visa(town), metadata_fields=[field], amount_field="montant"
        )
        folder_id = await finances.submitted("essai")
        async with context.unit(town.tenant_id) as session:
            folder = await FolderRepository(session).lock(uuid.UUID(folder_id))
            assert folder is not None
            refused = RecordOutside(StepId("reponse"), accepted=False, reason="Montant faux")
            await apply(session, context, folder, refused)
        assert (await finances.read(folder_id))["status"] == "remote_refused"
        return folder_id

    async def test_is_corrected_whole(self, folder_id: str, finances: ApiPerson) -> None:
        new = {"title": "Autre titre", "metadata": {"montant": "12"}}
        answer = await finances.client.patch(f"/folders/{folder_id}", json=new)
        assert answer.status_code == 200, answer.text
        assert answer.json()["title"] == "Autre titre"
        assert answer.json()["metadata"] == {"montant": "12.00"}

    async def test_says_why_it_came_back_until_it_is_sent_again(
        self, folder_id: str, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        refused = {"code": "remote_refused", "detail": "Montant faux"}
        assert (await finances.read(folder_id))["refusal"] == refused
        await finances.act(folder_id, "resubmit")
        assert (await finances.read(folder_id))["refusal"] is None
        letter = await finances.submitted("letters")
        await direction.act(letter, "reject", step="visa", reason="Une page manque")
        rejected = {"code": "rejected", "detail": "Une page manque"}
        assert (await finances.read(letter))["refusal"] == rejected

    async def test_what_is_given_as_it_stands_is_taken_whoever_has_the_folder(
        self, folder_id: str, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        await finances.client.patch(f"/folders/{folder_id}", json={"metadata": {"montant": "12.5"}})
        await finances.act(folder_id, "resubmit")
        whole = await finances.read(folder_id)
        assert whole["status"] == "awaiting_outside"
        echoes: list[dict[str, Any]] = [
            {"title": whole["title"], "metadata": whole["metadata"]},
            {"metadata": {"montant": 12.5}},
            {"metadata": {"montant": " 12,50 "}},
        ]
        for echo in echoes:
            answer = await finances.client.patch(f"/folders/{folder_id}", json=echo)
            assert said(answer) == (200, None)
        other = {"metadata": {"montant": "12,51"}}
        refused = await finances.client.patch(f"/folders/{folder_id}", json=other)
        assert said(refused) == (409, "amount_frozen")

    async def test_threat_36_the_history_says_in_whose_name_it_was_corrected(
        self,
        folder_id: str,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        administrator: ApiPerson,
    ) -> None:
        substitution = {"kind": "substitution", "grantor_id": None}
        await give(administrator, "finances", "direction", **substitution)
        await be_away(administrator, "finances")
        assert await write(direction, folder_id, montant="12") == (200, None)
        line = (await direction.history(folder_id))[-1]
        names = str(town.users["direction"]), str(town.users["finances"])
        assert (line["kind"], line["power"]) == ("corrected", "substitution")
        assert (line["actor_id"], line["on_behalf_of"]) == names
        async with context.unit(town.tenant_id) as session:
            kind = AuditEvent.kind == "folder.corrected"
            (row,) = await session.scalars(select(AuditEvent).where(kind))
        entry = json.loads(row.entry)
        assert (entry["actor"]["id"], entry["on_behalf_of"]) == names

    async def test_the_journal_names_all_that_changed(
        self, folder_id: str, context: Context, town: Town, finances: ApiPerson
    ) -> None:
        new = {"title": "Autre titre", "metadata": {"montant": "12", "Tiers payeur": "SARL"}}
        answer = await finances.client.patch(f"/folders/{folder_id}", json=new)
        assert answer.status_code == 200, answer.text
        async with context.unit(town.tenant_id) as session:
            kind = AuditEvent.kind == "folder.updated"
            (row,) = await session.scalars(select(AuditEvent).where(kind))
        entry = json.loads(row.entry)
        assert entry["details"] == {"fields": 3}
        assert set(entry["commitments"]) == {"title", "metadata"}


class TestAct:
    @pytest.fixture
    async def folder_id(self, finances: ApiPerson, direction: ApiPerson) -> str:
        """Rejected, for the facts of its act."""
        folder_id = await finances.submitted("acts")
        await direction.act(folder_id, "reject", step="visa", reason="Mauvais objet")
        return folder_id

    async def test_is_corrected_while_its_submitter_has_the_folder(
        self, folder_id: str, context: Context, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        path, act = f"/folders/{folder_id}", an_act() | {"subject": "Tarifs de la cantine"}
        answer = await finances.client.patch(path, json={"act": act})
        assert (answer.status_code, answer.json()["act"]) == (200, act)
        too_late = await direction.act(folder_id, "retract", step="visa")
        assert said(too_late) == (409, "too_late_to_retract")
        found = await finances.client.get("/search", params={"text": "cantine"})
        assert [one["id"] for one in found.json()["items"]] == [folder_id]
        await finances.act(folder_id, "resubmit")
        echo = await direction.client.patch(path, json={"act": act})
        assert said(echo) == (200, None)
        frozen = await direction.client.patch(path, json={"act": an_act()})
        assert said(frozen) == (409, "act_frozen")

    async def test_given_again_as_it_was_leaves_the_rejection_to_be_taken_back(
        self, folder_id: str, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        whole = await finances.read(folder_id)
        same = {"title": whole["title"], "act": whole["act"]}
        echo = await finances.client.patch(f"/folders/{folder_id}", json=same)
        assert said(echo) == (200, None)
        assert said(await direction.act(folder_id, "retract", step="visa")) == (200, None)

    async def test_is_judged_as_at_the_deposit(self, folder_id: str, finances: ApiPerson) -> None:
        tomorrow = an_act() | {"decided_on": "2099-01-01"}
        refused = await finances.client.patch(f"/folders/{folder_id}", json={"act": tomorrow})
        assert said(refused) == (422, "act_decided_in_future")
        letter = await finances.create("letters")
        refused = await finances.client.patch(f"/folders/{letter}", json={"act": an_act()})
        assert said(refused) == (422, "act_mismatch")


class TestPublication:
    async def test_makes_an_act_executory_only_with_its_reception(
        self, context: Context, town: Town, finances: ApiPerson, mayor: ApiPerson
    ) -> None:
        signature = step(town, "signature", "signature", "maire")
        sending = step(town, "envoi", "transmission")
        await add_subtype(
            context,
            town,
            signature,
            sending,
            key="acts",
            protocol=Protocol.ACTES,
            paper_signature=True,
        )
        folder_id = await finances.submitted("acts")
        path = f"/folders/{folder_id}/publication"
        today = context.clock().date()

        async def publish(day: date) -> tuple[int, str | None]:
            return said(await finances.client.put(path, json={"published_on": str(day)}))

        assert await publish(today) == (409, "act_not_signed")
        await mayor.act(folder_id, "sign_on_paper", step="signature", signed_on=str(today))
        assert await publish(date(2026, 1, 14)) == (422, "publication_date")
        assert await publish(today.replace(year=today.year + 1)) == (422, "publication_date")
        assert await publish(date(2026, 1, 20)) == (200, None)
        assert (await finances.read(folder_id))["executory_on"] is None
        await acknowledge(context, town, folder_id, date(2026, 1, 22))
        received = await finances.read(folder_id)
        assert received["reception"] == "Reçu en préfecture le 22/01/2026"
        assert received["executory_on"] == "2026-01-22"
        assert await publish(date(2026, 1, 30)) == (200, None)
        assert (await finances.read(folder_id))["executory_on"] == "2026-01-30"
        async with context.unit(town.tenant_id) as session:
            kind = AuditEvent.kind == "folder.published"
            rows = await session.scalars(select(AuditEvent).where(kind).order_by(AuditEvent.seq))
            days = [json.loads(one.entry)["details"]["published_on"] for one in rows]
        assert days == ["2026-01-20", "2026-01-30"]

    async def test_is_recorded_by_the_desk_that_receives_the_folder_at_its_end(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        mayor: ApiPerson,
    ) -> None:
        steps = (step(town, "signature", "signature", "maire"), step(town, "envoi", "transmission"))
        protocol: dict[str, Any] = {"protocol": Protocol.ACTES, "paper_signature": True}
        end = {"final_desk": desk_of(town, "direction")}
        await add_subtype(context, town, *steps, key="acts", workflow=end, **protocol)
        folder_id = await finances.submitted("acts")
        today = str(context.clock().date())
        await mayor.act(folder_id, "sign_on_paper", step="signature", signed_on=today)
        await acknowledge(context, town, folder_id, date(2026, 1, 22))
        path = f"/folders/{folder_id}/publication"
        answer = await direction.client.put(path, json={"published_on": "2026-01-20"})
        assert said(answer) == (200, None)

    async def test_of_an_act_that_was_signed_is_refused_once_it_is_rejected(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        mayor: ApiPerson,
    ) -> None:
        signature = step(town, "signature", "signature", "maire")
        steps = (signature, visa(town), step(town, "envoi", "transmission"))
        protocol: dict[str, Any] = {"protocol": Protocol.ACTES, "paper_signature": True}
        await add_subtype(context, town, *steps, key="acts", **protocol)
        folder_id = await finances.submitted("acts")
        today = str(context.clock().date())
        await mayor.act(folder_id, "sign_on_paper", step="signature", signed_on=today)
        await direction.act(folder_id, "reject", step="visa", reason="Mauvais objet")
        path = f"/folders/{folder_id}/publication"
        refused = await finances.client.put(path, json={"published_on": "2026-01-20"})
        assert said(refused) == (409, "act_not_signed")

    async def test_threat_34_is_recorded_by_a_desk_that_deposited_or_acted(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        mayor: ApiPerson,
        administrator: ApiPerson,
        person_of: PersonOf,
    ) -> None:
        await add_person(context, town, "voirie", Role.WORKFLOW_ADMIN)
        desk = made(await administrator.client.post("/desks", json={"name": "Voirie"}))["id"]
        town.desks["voirie"] = uuid.UUID(desk)
        await hold(administrator, "voirie", "voirie")
        informed = {"informed": [desk_of(town, "voirie")]}
        signature = step(town, "signature", "signature", "maire")
        sending = step(town, "envoi", "transmission")
        steps = (visa(town, **informed), signature, sending)
        protocol: dict[str, Any] = {"protocol": Protocol.ACTES, "paper_signature": True}
        await add_subtype(context, town, *steps, key="acts", **protocol)
        await add_person(context, town, "flux")
        await give(administrator, "maire", "flux", subtype_ids=[str(town.subtypes["flows"])])
        folder_id = await finances.submitted("acts")
        await approve(direction, folder_id)
        today = str(context.clock().date())
        await mayor.act(folder_id, "sign_on_paper", step="signature", signed_on=today)

        async def publish(person: ApiPerson) -> tuple[int, str | None]:
            path = f"/folders/{folder_id}/publication"
            return said(await person.client.put(path, json={"published_on": "2026-01-20"}))

        for key in ("voirie", "flux"):
            assert await publish(await person_of(town, key)) == (403, "folder_not_with_you")
        for person in (finances, direction, mayor):
            assert await publish(person) == (200, None)

    async def test_is_not_recorded_by_who_stood_back(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        mayor: ApiPerson,
    ) -> None:
        signature = step(town, "signature", "signature", "maire")
        steps = (
            visa(town, "direction", "maire", mode="any_of"),
            signature,
            step(town, "envoi", "transmission"),
        )
        protocol: dict[str, Any] = {"protocol": Protocol.ACTES, "paper_signature": True}
        await add_subtype(context, town, *steps, key="acts", **protocol)
        folder_id = await finances.submitted("acts")
        await direction.act(folder_id, "recuse", reason="Ma sœur est concernée.")
        await approve(mayor, folder_id)
        today = str(context.clock().date())
        await mayor.act(folder_id, "sign_on_paper", step="signature", signed_on=today)
        path, body = f"/folders/{folder_id}/publication", {"published_on": today}
        assert said(await direction.client.put(path, json=body)) == (403, "person_recused")
        assert said(await mayor.client.put(path, json=body)) == (200, None)

    async def test_is_for_acts_only(self, finances: ApiPerson) -> None:
        folder_id = await finances.submitted("letters")
        refused = await finances.client.put(
            f"/folders/{folder_id}/publication", json={"published_on": "2026-01-20"}
        )
        assert said(refused) == (422, "not_an_act")


class TestMention:
    async def test_changelog_row_2_of_a_delegate_is_the_same_in_history_journal_mail_and_signature(
        self,
        context: Context,
        town: Town,
        anonymous: Client,
        finances: ApiPerson,
        direction: ApiPerson,
        administrator: ApiPerson,
        clock: DrivenClock,
    ) -> None:
        agent = await agent_of_delegate(context, town, anonymous, direction, clock)
        await give(administrator, "maire", "direction", capacity="la première adjointe")
        folder_id = await approved(finances, direction, "flows")
        mention = "Pour le Maire et par délégation, la première adjointe"
        assert await _mailed(context, town, "direction") == [mention]
        at_office = ApiPerson(context, direction.client, town, "maire")
        await open_session(at_office, agent.issued, folder_id)
        await agent.sign()
        (signed,) = [one for one in await finances.history(folder_id) if one["kind"] == "signed"]
        assert (signed["mention"], signed["power"]) == (mention, "signature_delegation")
        assert signed["on_behalf_of"] == str(town.users["maire"])
        whole = await finances.read(folder_id)
        assert whole["steps"][1]["acts"][0]["mention"] == mention
        content = await finances.content(folder_id, whole["documents"][0]["revisions"][-1])
        roles = [one.text for one in xml.parse(content).iter("{*}ClaimedRole")]
        assert roles == [mention]
        assert await _journaled(context, town, "folder.signed") == {mention}


async def _mailed(context: Context, town: Town, key: str) -> list[str | None]:
    """The capacities told to somebody who is asked to sign."""
    await drain(context)
    async with context.unit(town.tenant_id) as session:
        rows = await session.scalars(
            select(Notification.told).where(
                Notification.kind == "to_sign", Notification.user_id == town.users[key]
            )
        )
        return list(rows)


async def _journaled(context: Context, town: Town, kind: str) -> set[str]:
    """The mentions that stand beside these entries of the journal."""
    async with context.unit(town.tenant_id) as session:
        rows = await session.scalars(
            text(
                "SELECT v.value FROM audit_values v JOIN audit_events e ON e.seq = v.seq "
                "AND e.tenant_id = v.tenant_id WHERE e.kind = :kind AND v.field = 'mention'"
            ),
            {"kind": kind},
        )
        return set(rows)
