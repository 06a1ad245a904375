"""The journal of a town, written by the service and exported through the API (DESIGN D12)."""

from __future__ import annotations

import asyncio
import json
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import text

from app.audit.verification import JournalFault, load_checkpoint, verify_journal
from app.context import Context
from app.demo.town import Town
from app.kit.secrets import Keyring
from tests.app.conftest import PersonOf
from tests.builders.people import ApiPerson, approved
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
