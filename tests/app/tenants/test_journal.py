"""The journal of a town, written by the service and exported through the API (DESIGN D12)."""

from __future__ import annotations

import asyncio
import json
import uuid
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import text

from app.audit.verification import JournalFault, load_checkpoint, verify_journal
from app.context import Context
from app.demo.town import Town
from app.kit.secrets import Keyring
from tests.app.conftest import PersonOf
from tests.builders.administration import give, made, said
from tests.builders.catalog import active, bound, condition, field, row, signature, table, visa
from tests.builders.people import ApiPerson, approve, approved, body_of
from tests.builders.signing_agents import SigningAgent, open_session
from tests.builders.towns import DrivenClock


async def exported(reader: ApiPerson) -> bytes:
    answer = await reader.client.get("/journal")
    assert answer.status_code == 200, answer.text
    return answer.content


def lines_of(journal: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in journal.splitlines()]


def key_of(keyring: Keyring) -> bytes:
    return keyring.journal_key.public_key().public_bytes_raw()


@pytest.fixture
async def life(finances: ApiPerson, direction: ApiPerson) -> str:
    """A folder deposited, approved, taken back and rejected; its id."""
    folder_id = await approved(finances, direction)
    await direction.act(folder_id, "retract", step="visa")
    await direction.act(folder_id, "reject", step="visa", reason="Pièce jointe illisible")
    return folder_id


class TestExport:
    async def test_is_verified_without_the_server(
        self, context: Context, administrator: ApiPerson, life: str
    ) -> None:
        journal = await exported(administrator)
        report = verify_journal(BytesIO(journal), key=key_of(context.keyring))
        assert report.ok, report.detail
        assert report.count == len(lines_of(journal)) - 1

    async def test_names_actor_power_and_document_of_each_act(
        self, town: Town, administrator: ApiPerson, finances: ApiPerson, life: str
    ) -> None:
        entries = [one["entry"] for one in lines_of(await exported(administrator))[:-1]]
        (approval,) = [one for one in entries if one["kind"] == "folder.approved"]
        document = (await finances.read(life))["documents"][0]
        assert approval["actor"] == {"kind": "person", "id": str(town.users["direction"])}
        assert (approval["folder"], approval["power"]) == (life, "holder")
        assert approval["document"] == document["id"]
        assert approval["document_sha256"] == document["revisions"][0]["sha256"]

    async def test_puts_names_titles_and_reasons_beside_the_chain(
        self, administrator: ApiPerson, life: str
    ) -> None:
        lines = lines_of(await exported(administrator))[:-1]
        chained = json.dumps([one["entry"] for one in lines], ensure_ascii=False)
        beside = json.dumps([one["values"] for one in lines], ensure_ascii=False)
        for personal in ("Dominique Modèle", "Dossier d'essai", "Pièce jointe illisible"):
            assert personal not in chained
            assert personal in beside

    async def test_ends_with_a_checkpoint_that_the_server_signed(
        self, context: Context, administrator: ApiPerson, clock: DrivenClock, life: str
    ) -> None:
        journal = await exported(administrator)
        signed = load_checkpoint(BytesIO(journal.splitlines(keepends=True)[-1]))
        assert signed.is_authentic()
        assert signed.public_key == key_of(context.keyring).hex()
        assert signed.checkpoint.at == clock()

    async def test_of_a_signature_names_the_certificate(
        self,
        administrator: ApiPerson,
        agent: SigningAgent,
        mayor: ApiPerson,
        finances: ApiPerson,
        direction: ApiPerson,
    ) -> None:
        await open_session(mayor, agent.issued, await approved(finances, direction))
        await agent.sign()
        entries = [one["entry"] for one in lines_of(await exported(administrator))[:-1]]
        kinds = [one["kind"] for one in entries]
        assert kinds[-2:] == ["folder.signed", "folder.step_started"]
        assert entries[-2]["certificate_sha256"] is not None

    async def test_holds_nothing_of_another_town(
        self, administrator: ApiPerson, life: str, other_town: Town, person_of: PersonOf
    ) -> None:
        other = await exported(await person_of(other_town, "administrateur"))
        assert life.encode() not in other
        assert verify_journal(BytesIO(other)).ok

    async def test_is_refused_to_who_does_not_read_journals(self, finances: ApiPerson) -> None:
        assert (await finances.client.get("/journal")).status_code == 403


class TestErasure:
    async def test_threat_40_of_a_personal_value_leaves_the_chain_verifiable(
        self, context: Context, town: Town, administrator: ApiPerson, life: str
    ) -> None:
        async with context.unit(town.tenant_id) as session:
            await session.execute(
                text("UPDATE audit_values SET salt = NULL, value = NULL WHERE field = 'actor_name'")
            )
        journal = await exported(administrator)
        assert verify_journal(BytesIO(journal), key=key_of(context.keyring)).ok
        assert "Dominique Modèle".encode() not in journal

    async def test_threat_40_of_a_value_that_was_replaced_is_found(
        self, context: Context, town: Town, administrator: ApiPerson, life: str
    ) -> None:
        async with context.unit(town.tenant_id) as session:
            await session.execute(
                text("UPDATE audit_values SET value = 'Motif récrit' WHERE field = 'reason'")
            )
        report = verify_journal(BytesIO(await exported(administrator)))
        assert report.code is JournalFault.WRONG_VALUE


class TestAlteration:
    async def test_threat_40_a_line_left_out_is_named(
        self, administrator: ApiPerson, life: str
    ) -> None:
        lines = (await exported(administrator)).splitlines(keepends=True)
        report = verify_journal(BytesIO(b"".join(lines[:2] + lines[3:])))
        assert (report.ok, report.first_bad_line) == (False, 3)

    async def test_threat_40_an_earlier_checkpoint_shows_that_the_chain_grew_and_was_not_remade(
        self, administrator: ApiPerson, finances: ApiPerson, life: str
    ) -> None:
        earlier = load_checkpoint(
            BytesIO((await exported(administrator)).splitlines(keepends=True)[-1])
        )
        await finances.submitted("letters")
        later = await exported(administrator)
        assert verify_journal(BytesIO(later), since=earlier).ok
        cut = b"".join(later.splitlines(keepends=True)[: earlier.checkpoint.count - 1])
        assert not verify_journal(BytesIO(cut), since=earlier).ok

    async def test_threat_40_a_head_moved_back_in_the_database_does_not_fork_the_chain(
        self, context: Context, town: Town, finances: ApiPerson, life: str
    ) -> None:
        async with context.unit(town.tenant_id) as session:
            await session.execute(text("UPDATE audit_heads SET count = count - 1"))
        refused = await finances.client.post("/folders", json=finances.draft("letters"))
        assert refused.status_code == 409


async def test_writers_of_a_town_take_turns(
    context: Context, administrator: ApiPerson, finances: ApiPerson
) -> None:
    await asyncio.gather(*(finances.create("letters") for _ in range(12)))
    report = verify_journal(BytesIO(await exported(administrator)))
    assert report.ok, report.detail


@dataclass(frozen=True, slots=True)
class Auditor:
    """Answers years later: he has the lines of an export, and nothing else."""

    lines: list[dict[str, Any]]

    def entry(self, kind: str, folder_id: str | None = None) -> dict[str, Any]:
        """The last one of that kind."""
        found = [one["entry"] for one in self._of(kind, folder_id)]
        last: dict[str, Any] = found[-1]
        return last

    def value(self, kind: str, name: str, folder_id: str | None = None) -> Any:
        """What stands beside it."""
        text = self._of(kind, folder_id)[-1]["values"][name]["value"]
        return json.loads(text) if text.startswith(("{", "[")) else text

    def row(self, row_id: str, *, until: int) -> tuple[dict[str, Any], str]:
        """A row as it stood at that entry, and who had brought it there."""
        stood: tuple[dict[str, Any], str] | None = None
        for one in self.lines[: until - 1]:
            told = json.loads(one["values"].get("rows", {}).get("value", "[]"))
            for change in told:
                if change["id"] == row_id:
                    stood = change["after"], one["entry"]["actor"]["id"]
        assert stood is not None
        return stood

    def _of(self, kind: str, folder_id: str | None) -> list[dict[str, Any]]:
        return [
            one
            for one in self.lines
            if one["entry"]["kind"] == kind and folder_id in (None, one["entry"]["folder"])
        ]


async def _auditor(reader: ApiPerson) -> Auditor:
    return Auditor(lines_of(await exported(reader))[:-1])


class TestAuditor:
    """Each question is answered by the export alone."""

    @pytest.fixture
    async def markets(self, town: Town, administrator: ApiPerson) -> str:
        """A subtype whose rules choose between two circuits; its id."""
        small = await active(administrator, visa(town), signature(town), name="Petits marchés")
        large = await active(administrator, visa(town), name="Grands marchés")
        subtype_id = await bound(
            administrator,
            small,
            metadata_fields=[field("montant", "decimal")],
            amount_field="montant",
            paper_signature=True,
            rule_table=table(row(large, condition("montant", "more_than", "5000")), row(small)),
        )
        town.subtypes["markets"] = uuid.UUID(subtype_id)
        return subtype_id

    async def _sent(self, submitter: ApiPerson, amount: str) -> str:
        folder_id = await submitter.create("markets", metadata={"montant": amount})
        content, media_type = body_of("letters")
        assert (await submitter.upload(folder_id, content, media_type)).status_code == 201
        assert said(await submitter.submit(folder_id)) == (200, None)
        return folder_id

    async def test_by_which_order_somebody_signed_and_who_recorded_it(
        self,
        town: Town,
        clock: DrivenClock,
        administrator: ApiPerson,
        finances: ApiPerson,
        direction: ApiPerson,
        mayor: ApiPerson,
        markets: str,
    ) -> None:
        order = {"number": "2026-017", "signed_on": "2026-01-05", "published_on": "2026-01-06"}
        grant = await give(
            administrator,
            "maire",
            "direction",
            document=order,
            subtype_ids=[markets],
            ceiling_cents=90_000,
        )
        folder_id = await self._sent(finances, "900")
        await approve(direction, folder_id)
        paper = {"step": "signature", "signed_on": clock().date().isoformat()}
        made(await direction.act(folder_id, "sign_on_paper", desk_id=mayor.desk, **paper))
        made(await administrator.client.post(f"/grants/{grant['id']}/repeal"))

        auditor = await _auditor(administrator)
        signed = auditor.entry("folder.signed_on_paper", folder_id)
        assert signed["on_behalf_of"] == str(town.users["maire"])
        assert (signed["details"]["by_desk"], signed["details"]["signed_on"]) == (
            mayor.desk,
            paper["signed_on"],
        )
        power, recorded_by = auditor.row(signed["details"]["power_id"], until=signed["seq"])
        assert recorded_by == str(town.users["administrateur"])
        assert power == power | {
            "document_number": "2026-017",
            "document_signed_on": "2026-01-05",
            "document_published_on": "2026-01-06",
            "executory_at": "2026-01-06T08:00:00.000000Z",
            "subtype_ids": [markets],
            "ceiling_cents": 90_000,
            "repealed_at": None,
        }
        (repeal,) = auditor.value("grant.repealed", "rows")
        assert repeal["before"] == {"repealed_at": None}
        assert repeal["after"]["document_number"] == "2026-017"

    async def test_which_row_chose_the_circuit_upon_what_and_what_the_circuit_was(
        self, town: Town, administrator: ApiPerson, finances: ApiPerson, markets: str
    ) -> None:
        path = f"/folder-subtypes/{markets}"
        small = made(await administrator.client.get(path))["workflow_id"]
        folder_id = await self._sent(finances, "5000.01")
        made(await administrator.client.patch(path, json={"rule_table": table(row(small))}))

        auditor = await _auditor(administrator)
        chosen = auditor.entry("workflow.chosen", folder_id)
        assert chosen["details"]["rule_row"] == 1
        assert auditor.value("workflow.chosen", "facts", folder_id)["montant"] == "5000.01"
        then, _ = auditor.row(markets, until=chosen["seq"])
        assert then["rule_table"]["rows"][0]["conditions"][0]["fact"] == "montant"
        drawn, _ = auditor.row(chosen["details"]["workflow_version"], until=chosen["seq"])
        assert drawn["definition"]["workflow"]["name"] == "Grands marchés"
        assert drawn["activated_at"] is not None
        followed = auditor.value("folder.submitted", "event", folder_id)["steps"]
        assert [one["id"] for one in followed] == ["visa"]
        (change,) = auditor.value("folder_subtype.changed", "rows")
        assert change["before"]["rule_table"] == then["rule_table"]

    async def test_what_each_act_changed(
        self,
        finances: ApiPerson,
        direction: ApiPerson,
        mayor: ApiPerson,
        administrator: ApiPerson,
    ) -> None:
        folder_id = await approved(finances, direction, "letters")
        made(await direction.act(folder_id, "retract", step="visa"))
        auditor = await _auditor(administrator)
        assert auditor.entry("folder.retracted", folder_id)["details"]["act"] == "approve"
        started = auditor.value("folder.step_started", "event", folder_id)
        assert started == {"desks": [mayor.desk]}

    async def test_which_bytes_were_read_before_they_were_signed(
        self,
        administrator: ApiPerson,
        agent: SigningAgent,
        mayor: ApiPerson,
        finances: ApiPerson,
        direction: ApiPerson,
    ) -> None:
        folder_id = await approved(finances, direction, "letters")
        await open_session(mayor, agent.issued, folder_id)
        await agent.sign()
        auditor = await _auditor(administrator)
        (change,) = auditor.value("folder.signed", "event", folder_id)["changes"]
        read = auditor.entry("folder.approved", folder_id)["document_sha256"]
        assert change["before"]["sha256"] == read
        assert (
            change["after"]["sha256"]
            == auditor.entry("folder.signed", folder_id)["document_sha256"]
        )
