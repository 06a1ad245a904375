"""What a visible signature says, and that it is what is signed, told and journaled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader
from sqlalchemy import select

from app.catalog.schemas import StampPosition
from app.context import Context
from app.demo.town import Town
from app.kit.days import day_in_words
from app.models import AuditValue
from app.preparations.stamping import stamp_at
from signing.types import Stamp
from tests.app.conftest import Client
from tests.builders.administration import give
from tests.builders.people import ApiPerson, approved
from tests.builders.signatories import Signatory, newest
from tests.builders.signed_pdf import parameters
from tests.builders.signing_agents import agent_of_delegate, open_session
from tests.builders.stamps import text_seen, widgets
from tests.builders.towns import DrivenClock
from tests.pki.tree import shared_tree

MENTION = "Pour le Maire et par délégation, la première adjointe"
POSITION = StampPosition(page=-2, x=30, y=40)


class TestStampAt:
    def test_says_the_capacity_that_is_signed_then_the_name_the_day_and_the_city(self) -> None:
        asked = parameters(shared_tree().good, claimed_role=MENTION)
        asked = replace(asked, signing_time=datetime(2026, 9, 1, 9, 0, tzinfo=UTC))
        assert stamp_at(POSITION, asked, ZoneInfo("Europe/Paris")) == Stamp(
            (MENTION, "Camille EXEMPLE", "Le 1er septembre 2026, à Saint-Modèle"), -2, 30, 40
        )

    @pytest.mark.parametrize(
        ("zone", "day"),
        [("Europe/Paris", "1er janvier 2027"), ("America/Cayenne", "31 décembre 2026")],
    )
    def test_the_day_is_that_of_the_tenant(self, zone: str, day: str) -> None:
        night = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
        asked = replace(parameters(shared_tree().good), signing_time=night)
        assert stamp_at(POSITION, asked, ZoneInfo(zone)).lines[2] == f"Le {day}, à Saint-Modèle"


class TestSigned:
    async def test_changelog_row_2_the_stamp_of_a_delegate_is_its_reason_its_history_its_journal(
        self,
        context: Context,
        town: Town,
        anonymous: Client,
        finances: ApiPerson,
        direction: ApiPerson,
        administrator: ApiPerson,
        clock: DrivenClock,
        tmp_path: Path,
        require_tool: Callable[[str], str],
    ) -> None:
        agent = await agent_of_delegate(context, town, anonymous, direction, clock)
        await give(administrator, "maire", "direction", capacity="la première adjointe")
        folder_id = await approved(finances, direction, "acts")
        at_office = ApiPerson(context, direction.client, town, "maire")
        await open_session(at_office, agent.issued, folder_id)
        await agent.sign()
        signed = await finances.content(folder_id, newest(await finances.read(folder_id)))
        day = day_in_words(clock().astimezone(ZoneInfo("Europe/Paris")).date())
        told = f"{MENTION} Dominique Modèle Le {day}, à Saint-Exemple"
        assert told in text_seen(signed, tmp_path, require_tool("pdftotext"))
        (signature,) = PdfFileReader(BytesIO(signed)).embedded_signatures
        assert str(signature.sig_object["/Reason"]) == MENTION
        (act,) = [one for one in await finances.history(folder_id) if one["kind"] == "signed"]
        assert act["mention"] == MENTION
        async with context.unit(town.tenant_id) as session:
            kept = select(AuditValue.value).where(AuditValue.field == "mention")
            assert set(await session.scalars(kept)) == {MENTION}

    async def test_a_type_without_stamp_signs_invisibly(
        self, signatory: Signatory, finances: ApiPerson
    ) -> None:
        folder_id = await signatory.signed("letters")
        signed = await finances.content(folder_id, newest(await finances.read(folder_id)))
        (field,) = widgets(PdfFileReader(BytesIO(signed)))
        assert "/AP" not in field

    async def test_what_the_type_says_when_a_document_is_prepared_counts(
        self, signatory: Signatory, finances: ApiPerson, administrator: ApiPerson
    ) -> None:
        listed = (await administrator.client.get("/folder-types")).json()
        (acts,) = [one for one in listed if one["name"] == "Actes"]
        moved = {"stamp": {"page": 1, "x": 300, "y": 400}}
        await administrator.client.patch(f"/folder-types/{acts['id']}", json=moved)
        folder_id = await signatory.signed("acts")
        signed = await finances.content(folder_id, newest(await finances.read(folder_id)))
        (field,) = widgets(PdfFileReader(BytesIO(signed)))
        assert [float(side) for side in field["/Rect"]] == [300, 400, 500, 470]
