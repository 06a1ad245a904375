"""How a folder comes in through the API: what is kept, what is refused, what a job decides."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from app.context import Context
from app.demo.acts import deliberation
from app.demo.flows import Body, Flow, make_pes
from app.demo.town import Town
from app.folders.repository import FolderRepository
from app.folders.service import apply
from app.worker import drain
from tests.app.conftest import Client
from tests.builders.catalog import change
from tests.builders.damages import file_of
from tests.builders.pdf import encrypted_pdf, pdf_with_cyclic_kids
from tests.builders.people import PDF, XML, ApiPerson, a_flow, approve
from tests.builders.pes import sign_flow
from tests.builders.towns import DrivenClock
from tests.builders.traces import journal_entry
from workflows.actions import (
    Action,
    ClaimTransmission,
    RecordRemoteRefusal,
    RecordTransmissionError,
    RecordTransmitted,
    RefusedBy,
)
from workflows.folder import TransmissionId

FORM = "multipart/form-data; boundary=limite"
DOCTYPE = b'<!DOCTYPE n:PES_Aller [<!ENTITY a "x">]>'
LAUGHS = b"<!DOCTYPE n:PES_Aller [" + b"".join(
    b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10 if n else b"ha") for n in range(10)
)


def after_prolog(content: bytes, insertion: bytes) -> bytes:
    prolog, _, rest = content.partition(b"?>")
    return prolog + b"?>" + insertion + rest


def with_entities(content: bytes) -> bytes:
    return after_prolog(content, LAUGHS + b"]>").replace(b"DEMONSTRATION", b"&l9;")


def nested(content: bytes) -> bytes:
    deep = b"<a>" * 100_000 + b"</a>" * 100_000
    return content.replace(b"</n:PES_Aller>", deep + b"</n:PES_Aller>")


def twice_the_same_id(content: bytes) -> bytes:
    return content.replace(b"<Enveloppe>", b'<Enveloppe Id="FLUX%s">' % number_of(content))


def number_of(content: bytes) -> bytes:
    return content.partition(b' Id="FLUX')[2].partition(b'"')[0]


def digest_header(content: bytes) -> dict[str, str]:
    value = base64.b64encode(hashlib.sha256(content).digest()).decode()
    return {"Content-Digest": f"sha-256=:{value}:"}


def kept_files(directory: Path) -> list[Path]:
    return [one for one in directory.rglob("*") if one.is_file()]


async def rows(context: Context, town: Town, table: str) -> int:
    async with context.unit(town.tenant_id) as session:
        return int(await session.scalar(text(f"SELECT count(*) FROM {table}")) or 0)


REFUSED_ACTS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "empty_file"),
    "not a PDF": (b"<html><script>alert(1)</script></html>", "not_as_declared"),
    "a PDF that starts with HTML": (b"<html>" + deliberation(), "not_as_declared"),
    "cut in the middle": (deliberation()[:900], "pdf_broken"),
    "encrypted": (encrypted_pdf(), "pdf_encrypted"),
    "cyclic": (pdf_with_cyclic_kids(), "pdf_broken"),
}
REFUSED_FLOWS: dict[str, tuple[bytes, int, str]] = {
    "empty": (b"", 422, "empty_file"),
    "not XML": (deliberation(), 422, "pes_encoding"),
    "cut in the middle": (a_flow()[:2000], 422, "xml_not_well_formed"),
    "another root": (b'<?xml version="1.0" encoding="ISO-8859-1"?><a/>', 422, "pes_unknown_root"),
    "document type": (after_prolog(a_flow(), DOCTYPE), 422, "xml_doctype"),
    "billion laughs": (with_entities(a_flow()), 422, "xml_doctype"),
    "100 000 nested elements": (nested(a_flow()), 422, "xml_too_deep"),
    "duplicate Ids": (twice_the_same_id(a_flow()), 422, "pes_duplicate_id"),
    "UTF-8 prolog": (a_flow(encoding="UTF-8"), 422, "pes_encoding"),
    "no NomFic": (a_flow().replace(b"<NomFic ", b"<AutreNom "), 422, "pes_missing_field"),
    "nothing to sign": (a_flow(expense_slips=0, attachments=1), 422, "pes_wrong_intake"),
    "already signed": (sign_flow(make_pes(Flow(number=990_001))), 422, "pes_wrong_intake"),
}


class TestRefusals:
    """Each with its code and a French sentence; nothing is kept."""

    async def refused(
        self, finances: ApiPerson, subtype: str, content: bytes, media_type: str
    ) -> dict[str, Any]:
        folder_id = await finances.create(subtype)
        answer = await finances.upload(folder_id, content, media_type)
        assert 400 <= answer.status_code < 500, answer.text
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert (await finances.read(folder_id))["documents"] == []
        found: dict[str, Any] = answer.json()
        return found

    @pytest.mark.parametrize("case", REFUSED_ACTS)
    async def test_an_act(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        no_residue: Path,
        case: str,
    ) -> None:
        content, code = REFUSED_ACTS[case]
        problem = await self.refused(finances, "acts", content, PDF)
        assert problem["code"] == code
        assert problem["detail"].endswith(".")
        assert kept_files(no_residue) == []
        assert await rows(context, town, "documents") == 0

    @pytest.mark.parametrize("case", REFUSED_FLOWS)
    async def test_a_flow(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        no_residue: Path,
        case: str,
    ) -> None:
        content, status, code = REFUSED_FLOWS[case]
        problem = await self.refused(finances, "flows", content, XML)
        assert (problem["status"], problem["code"]) == (status, code)
        assert problem["detail"]
        assert kept_files(no_residue) == []
        assert await rows(context, town, "pes_references") == 0

    async def test_a_flow_of_another_kind_names_both(self, finances: ApiPerson) -> None:
        problem = await self.refused(finances, "signed_flows", a_flow(), XML)
        assert problem["code"] == "pes_wrong_intake"
        assert "« à signer »" in problem["detail"]
        assert "« déjà signé »" in problem["detail"]

    async def test_a_flow_signed_elsewhere_whose_signature_is_invalid(
        self, finances: ApiPerson, no_residue: Path
    ) -> None:
        signed = sign_flow(make_pes(Flow(number=990_002)))
        problem = await self.refused(
            finances,
            "signed_flows",
            signed.replace(b"PAPETERIE EXEMPLE", b"PAPETERIE FORGEES"),
            XML,
        )
        assert problem["code"] == "pes_invalid_signature"
        assert "Signature du bordereau « BORDDEP99000201 » : le contenu signé" in problem["detail"]
        assert kept_files(no_residue) == []

    async def test_a_type_that_the_subtype_does_not_take(self, finances: ApiPerson) -> None:
        problem = await self.refused(finances, "acts", a_flow(), XML)
        assert problem["code"] == "media_type_refused"

    @pytest.mark.parametrize("media_type", ["text/html", "image/svg+xml", "", "application/x-sh"])
    async def test_an_annex_of_a_dangerous_type(self, finances: ApiPerson, media_type: str) -> None:
        folder_id = await finances.deposited()
        refused = await finances.upload(folder_id, b"<svg/>", media_type, role="annex")
        assert (refused.status_code, refused.json()["code"]) == (422, "media_type_refused")

    async def test_an_unknown_subtype(self, finances: ApiPerson) -> None:
        body = finances.draft("acts", subtype_id=str(uuid.uuid4()))
        refused = await finances.client.post("/folders", json=body)
        assert (refused.status_code, refused.json()["code"]) == (422, "unknown_subtype")

    @pytest.mark.parametrize("in_pieces", [False, True])
    async def test_more_than_the_limit_while_streaming(
        self, context: Context, finances: ApiPerson, no_residue: Path, in_pieces: bool
    ) -> None:
        context.settings.limits.folder_bytes = 1000
        folder_id = await finances.create()
        content = deliberation()
        refused = await finances.upload(folder_id, pieces(content) if in_pieces else content)
        assert (refused.status_code, refused.json()["code"]) == (413, "too_large")
        assert kept_files(no_residue) == []

    async def test_more_than_the_limit_of_a_flow(
        self, context: Context, finances: ApiPerson, no_residue: Path
    ) -> None:
        context.settings.limits.pes_bytes = 1000
        folder_id = await finances.create("flows")
        refused = await finances.upload(folder_id, a_flow(), XML)
        assert (refused.status_code, refused.json()["code"]) == (413, "too_large")
        assert kept_files(no_residue) == []

    async def test_more_than_the_limit_of_the_folder_with_its_annexes(
        self, context: Context, finances: ApiPerson
    ) -> None:
        content = deliberation()
        context.settings.limits.folder_bytes = len(content) * 2 - 1
        folder_id = await finances.deposited("acts", content)
        refused = await finances.upload(folder_id, content, role="annex")
        assert refused.status_code == 413

    async def test_annexes_sent_together_do_not_pass_the_limit_together(
        self, context: Context, finances: ApiPerson
    ) -> None:
        content = deliberation()
        context.settings.limits.folder_bytes = len(content) * 2
        folder_id = await finances.deposited("acts", content)
        answers = await asyncio.gather(
            *(finances.upload(folder_id, content, role="annex") for _ in range(4))
        )
        assert sorted(one.status_code for one in answers) == [201, 413, 413, 413]

    async def test_another_digest_than_the_announced_one(
        self, finances: ApiPerson, no_residue: Path
    ) -> None:
        folder_id = await finances.create()
        refused = await finances.upload(
            folder_id, deliberation(), headers=digest_header(b"autre chose")
        )
        assert (refused.status_code, refused.json()["code"]) == (422, "digest_mismatch")
        assert kept_files(no_residue) == []

    @pytest.mark.parametrize("value", ["", "md5=:eA==:", "sha-256=:eA==:", "sha-256=abc", "é"])
    async def test_an_announcement_that_nobody_can_read(
        self, finances: ApiPerson, value: str
    ) -> None:
        folder_id = await finances.create()
        headers = {b"Content-Digest": value.encode(), b"Content-Type": PDF.encode()}
        refused = await finances.client.post(
            f"/folders/{folder_id}/documents",
            params={"name": "x"},
            content=deliberation(),
            headers=headers,
        )
        assert (refused.status_code, refused.json()["code"]) == (422, "bad_digest_header")

    async def test_an_act_without_what_legality_control_needs(self, finances: ApiPerson) -> None:
        body = finances.draft("acts")
        del body["act"]
        refused = await finances.client.post("/folders", json=body)
        assert (refused.status_code, refused.json()["code"]) == (422, "act_mismatch")

    async def test_an_act_decided_tomorrow_in_the_town_s_own_time(
        self, finances: ApiPerson, clock: DrivenClock
    ) -> None:
        body = finances.draft("acts")
        body["act"]["decided_on"] = "2999-01-01"
        refused = await finances.client.post("/folders", json=body)
        assert (refused.status_code, refused.json()["code"]) == (422, "act_decided_in_future")

    async def test_a_desk_that_is_not_the_caller_s(
        self, finances: ApiPerson, mayor: ApiPerson
    ) -> None:
        body = finances.draft("acts", desk_id=mayor.desk)
        refused = await finances.client.post("/folders", json=body)
        assert (refused.status_code, refused.json()["code"]) == (403, "no_power")


async def counted(read: Counter[str]) -> AsyncIterator[bytes]:
    """A body that tells whether anybody asked for it."""
    read["pieces"] += 1
    yield b"--limite--"


async def pieces(content: bytes, size: int = 500) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


class TestAccepted:
    async def test_an_act_gives_its_facts_and_its_digest(self, finances: ApiPerson) -> None:
        content = deliberation()
        answer = await finances.upload(await finances.create(), content)
        receipt = answer.json()
        assert answer.status_code == 201
        assert receipt["sha256"] == hashlib.sha256(content).hexdigest()
        assert receipt["size_bytes"] == len(content)
        assert receipt["facts"]["page_count"] == 1

    async def test_a_flow_gives_its_slips(self, finances: ApiPerson) -> None:
        answer = await finances.upload(await finances.create("flows"), a_flow(expense_slips=3), XML)
        receipt = answer.json()
        assert (answer.status_code, receipt["folder_status"]) == (201, "draft")
        assert len(receipt["facts"]["slips"]) == 3

    async def test_the_announced_digest_is_checked_and_passes(self, finances: ApiPerson) -> None:
        content = deliberation()
        answer = await finances.upload(
            await finances.create(), content, headers=digest_header(content)
        )
        assert answer.status_code == 201

    async def test_a_body_of_unknown_length_passes(self, finances: ApiPerson) -> None:
        content = deliberation()
        answer = await finances.upload(await finances.create(), pieces(content))
        assert answer.json()["sha256"] == hashlib.sha256(content).hexdigest()

    async def test_a_utf_8_flow_where_the_town_takes_it_and_its_bytes_stay(
        self, context: Context, town: Town, finances: ApiPerson
    ) -> None:
        async with context.unit(town.tenant_id) as session:
            await session.execute(text("UPDATE tenants SET requires_latin1_pes = false"))
        content = a_flow(encoding="UTF-8")
        folder_id = await finances.deposited("flows", content)
        (revision,) = (await finances.read(folder_id))["documents"][0]["revisions"]
        assert await finances.content(folder_id, revision) == content

    async def test_a_flow_signed_elsewhere_is_reported_and_never_changed(
        self, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        content = sign_flow(make_pes(Flow(number=990_003)))
        folder_id = await finances.submitted("signed_flows", content)
        await approve(direction, folder_id)
        (revision,) = (await finances.read(folder_id))["documents"][0]["revisions"]
        assert revision["report"]["verdict"] == "cannot_vouch"
        assert await finances.content(folder_id, revision) == content

    async def test_a_flow_with_nothing_to_sign_is_never_changed(self, finances: ApiPerson) -> None:
        content = a_flow(expense_slips=0, attachments=2)
        folder_id = await finances.submitted("attachments", content)
        (revision,) = (await finances.read(folder_id))["documents"][0]["revisions"]
        assert await finances.content(folder_id, revision) == content

    async def test_a_name_is_data_and_nothing_is_stored_under_it(
        self, finances: ApiPerson, no_residue: Path
    ) -> None:
        folder_id = await finances.create()
        for name in ("../../etc/passwd", "C:\\CON", "NUL.pdf", "/x", "a" * 255):
            answer = await finances.client.post(
                f"/folders/{folder_id}/documents",
                params={"name": name, "role": "annex"},
                content=deliberation(),
                headers={"Content-Type": PDF},
            )
            assert answer.status_code == 201
        names = [one["name"] for one in (await finances.read(folder_id))["documents"]]
        assert names[0] == "../../etc/passwd"
        assert {one.parts[-3] for one in kept_files(no_residue)} == {"sha256"}


class TestFileName:
    """NomFic of a SIREN and a CodCol is used once (issue of the treasury: duplicates)."""

    async def deposit(self, finances: ApiPerson, content: bytes) -> tuple[str, int, str | None]:
        folder_id = await finances.create("flows")
        answer = await finances.upload(folder_id, content, XML)
        return folder_id, answer.status_code, answer.json().get("code")

    async def test_is_refused_whatever_the_age_of_the_other_folder(
        self, finances: ApiPerson, clock: DrivenClock, no_residue: Path, context: Context
    ) -> None:
        await finances.submitted("flows", a_flow(number=7001))
        kept = kept_files(no_residue)
        context.settings.limits.idle_session_s = 10**9
        async with context.unit(finances.town.tenant_id) as session:
            await session.execute(text("UPDATE login_sessions SET expires_at = '2999-01-01'"))
        clock.advance(days=3650)
        _, status, code = await self.deposit(finances, a_flow(number=7001, items_per_slip=3))
        assert (status, code) == (409, "pes_file_name_used")
        assert kept_files(no_residue) == kept

    async def test_of_another_body_is_another_name(self, finances: ApiPerson) -> None:
        await finances.submitted("flows", a_flow(number=7002))
        for body in (Body(code="124"), Body(siret="21350001600017")):
            _, status, _ = await self.deposit(finances, a_flow(number=7002, body=body))
            assert status == 201

    async def test_of_another_town_is_not_looked_at(
        self, finances: ApiPerson, other_town: Town, person_of: Any
    ) -> None:
        await finances.submitted("flows", a_flow(number=7003))
        elsewhere = await person_of(other_town, "finances")
        assert (await self.deposit(elsewhere, a_flow(number=7003)))[1] == 201

    async def test_is_taken_by_one_of_two_concurrent_deposits(self, finances: ApiPerson) -> None:
        answers = await asyncio.gather(
            *(self.deposit(finances, a_flow(number=7004, items_per_slip=n)) for n in (1, 2, 3))
        )
        assert sorted(status for _, status, _ in answers) == [201, 409, 409]

    async def test_is_free_again_after_a_rejection(
        self, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        folder_id = await finances.submitted("flows", a_flow(number=7005))
        await direction.act(folder_id, "reject", step="visa", reason="Montant faux")
        assert (await self.deposit(finances, a_flow(number=7005)))[1] == 201

    async def test_taken_by_another_folder_refuses_the_resubmission(
        self, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        folder_id = await finances.submitted("flows", a_flow(number=7006))
        await direction.act(folder_id, "reject", step="visa", reason="Montant faux")
        await self.deposit(finances, a_flow(number=7006))
        refused = await finances.act(folder_id, "resubmit")
        assert (refused.status_code, refused.json()["code"]) == (409, "pes_file_name_used")

    async def test_is_taken_again_by_the_resubmission(
        self, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        folder_id = await finances.submitted("flows", a_flow(number=7007))
        await direction.act(folder_id, "reject", step="visa", reason="Montant faux")
        assert (await finances.act(folder_id, "resubmit")).is_success
        assert (await self.deposit(finances, a_flow(number=7007)))[1:] == (
            409,
            "pes_file_name_used",
        )

    async def test_is_free_again_after_a_cancellation(self, finances: ApiPerson) -> None:
        folder_id = await finances.deposited("flows", a_flow(number=7008))
        await finances.act(folder_id, "cancel")
        assert (await self.deposit(finances, a_flow(number=7008)))[1] == 201

    @pytest.mark.parametrize("ending", ["refused", "error"])
    async def test_is_free_again_after_an_error_of_the_tdt(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        ending: str,
    ) -> None:
        content = sign_flow(make_pes(Flow(number=990_010 + len(ending))))
        folder_id = await finances.submitted("signed_flows", content)
        await approve(direction, folder_id)
        await ended_outside(context, town, folder_id, ending)
        again = await finances.create("signed_flows")
        assert (await finances.upload(again, content, XML)).status_code == 201

    async def test_stays_taken_once_transmitted(
        self, context: Context, town: Town, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        content = sign_flow(make_pes(Flow(number=990_020)))
        folder_id = await finances.submitted("signed_flows", content)
        await approve(direction, folder_id)
        await ended_outside(context, town, folder_id, "transmitted")
        again = await finances.create("signed_flows")
        refused = await finances.upload(again, content, XML)
        assert (refused.status_code, refused.json()["code"]) == (409, "pes_file_name_used")


async def ended_outside(context: Context, town: Town, folder_id: str, ending: str) -> None:
    """What a transmission records, without one."""
    given = TransmissionId(str(uuid.uuid4()))
    endings: dict[str, list[Action]] = {
        "refused": [RecordRemoteRefusal(given, RefusedBy.TRANSMISSION_OPERATOR, "Refusé.")],
        "error": [RecordTransmissionError(given, "Panne.")],
        "transmitted": [RecordTransmitted(given, "12")],
    }
    for action in (ClaimTransmission(given), *endings[ending]):
        async with context.unit(town.tenant_id) as session:
            folder = await FolderRepository(session).lock(uuid.UUID(folder_id))
            assert folder is not None
            await apply(session, context, folder, action)


class TestSecondDocument:
    async def test_a_second_flow_is_refused_in_the_same_folder(self, finances: ApiPerson) -> None:
        folder_id = await finances.deposited("flows")
        refused = await finances.upload(folder_id, a_flow(), XML)
        assert (refused.status_code, refused.json()["code"]) == (409, "one_main_document")

    async def test_a_second_act_is_refused_in_the_same_folder(self, finances: ApiPerson) -> None:
        folder_id = await finances.deposited("acts")
        refused = await finances.upload(folder_id, deliberation())
        assert (refused.status_code, refused.json()["code"]) == (409, "one_main_document")

    async def test_two_documents_are_refused_at_submission_where_the_subtype_takes_one_since(
        self, town: Town, finances: ApiPerson, administrator: ApiPerson
    ) -> None:
        folder_id = await finances.deposited("letters", deliberation(), deliberation())
        await change(administrator, str(town.subtypes["letters"]), several_documents=False)
        refused = await finances.submit(folder_id)
        assert (refused.status_code, refused.json()["code"]) == (422, "one_main_document")


class TestDematerialisation:
    """InfoDematerialisee is written once, when the circuit starts (DESIGN D9)."""

    async def test_gives_a_revision_with_its_own_digest(self, finances: ApiPerson) -> None:
        content = a_flow(dematerialised=False)
        folder_id = await finances.submitted("flows", content)
        first, second = (await finances.read(folder_id))["documents"][0]["revisions"]
        assert (first["origin"], second["origin"]) == ("deposited", "dematerialised")
        marked = await finances.content(folder_id, second)
        assert hashlib.sha256(marked).hexdigest() == second["sha256"] != first["sha256"]
        assert marked == content.replace(
            b'<InfoDematerialisee V="0"/>', b'<InfoDematerialisee V="1"/>'
        )

    async def test_leaves_the_deposited_original_to_be_downloaded(
        self, finances: ApiPerson
    ) -> None:
        content = a_flow(dematerialised=False)
        folder_id = await finances.submitted("flows", content)
        first, _ = (await finances.read(folder_id))["documents"][0]["revisions"]
        assert await finances.content(folder_id, first) == content

    async def test_is_journaled_with_both_digests(self, finances: ApiPerson) -> None:
        folder_id = await finances.submitted("flows", a_flow(dematerialised=False))
        first, second = (await finances.read(folder_id))["documents"][0]["revisions"]
        entry = json.loads(await journal_entry(finances, "document.dematerialised"))
        assert entry["document_sha256"] == second["sha256"]
        assert entry["details"]["source_sha256"] == first["sha256"]

    async def test_changes_nothing_where_the_flow_says_so_already(
        self, finances: ApiPerson
    ) -> None:
        folder_id = await finances.submitted("flows", a_flow(dematerialised=True))
        assert len((await finances.read(folder_id))["documents"][0]["revisions"]) == 1

    async def test_happens_once_over_several_rounds(
        self, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        folder_id = await finances.submitted("flows", a_flow(dematerialised=False))
        await direction.act(folder_id, "reject", step="visa", reason="À revoir")
        assert (await finances.submit(folder_id)).is_success
        assert len((await finances.read(folder_id))["documents"][0]["revisions"]) == 2


class TestLargeFlow:
    """Above the limit of settings, slips and signatures are read by a job (DESIGN D17)."""

    @pytest.fixture(autouse=True)
    def _everything_is_large(self, context: Context) -> None:
        context.settings.limits.inline_pes_bytes = 100

    async def test_is_acknowledged_before_it_was_read(self, finances: ApiPerson) -> None:
        answer = await finances.upload(await finances.create("flows"), a_flow(), XML)
        assert answer.status_code == 202
        assert answer.json()["folder_status"] == "inspecting"
        assert answer.json()["facts"] is None

    async def test_cannot_start_its_circuit_meanwhile(self, finances: ApiPerson) -> None:
        folder_id = await finances.create("flows")
        await finances.upload(folder_id, a_flow(), XML)
        refused = await finances.submit(folder_id)
        assert (refused.status_code, refused.json()["code"]) == (409, "folder_inspecting")

    async def test_takes_no_other_document_meanwhile(self, finances: ApiPerson) -> None:
        folder_id = await finances.create("flows")
        await finances.upload(folder_id, a_flow(), XML)
        refused = await finances.upload(folder_id, deliberation(), role="annex")
        assert (refused.status_code, refused.json()["code"]) == (409, "folder_inspecting")

    async def test_is_a_draft_again_with_its_facts_once_read(
        self, context: Context, finances: ApiPerson
    ) -> None:
        folder_id = await finances.create("flows")
        await finances.upload(folder_id, a_flow(expense_slips=2), XML)
        await drain(context)
        folder = await finances.read(folder_id)
        assert folder["status"] == "draft"
        assert len(folder["documents"][0]["revisions"][0]["facts"]["slips"]) == 2
        assert (await finances.submit(folder_id)).is_success

    async def test_whose_slips_are_wrong_loses_its_documents_and_says_why(
        self, context: Context, town: Town, finances: ApiPerson
    ) -> None:
        folder_id = await finances.create("signed_flows")
        signed = sign_flow(make_pes(Flow(number=990_030)))
        answer = await finances.upload(
            folder_id, signed.replace(b"PAPETERIE EXEMPLE", b"PAPETERIE FORGEES"), XML
        )
        assert answer.status_code == 202
        await drain(context)
        folder = await finances.read(folder_id)
        assert folder["status"] == "inspection_refused"
        assert folder["refusal"]["code"] == "pes_invalid_signature"
        assert folder["refusal"]["detail"].endswith(".")
        assert folder["documents"] == []
        assert await rows(context, town, "pes_references") == 0

    async def test_refused_once_may_be_deposited_corrected(
        self, context: Context, finances: ApiPerson
    ) -> None:
        folder_id = await finances.create("signed_flows")
        signed = sign_flow(make_pes(Flow(number=990_031)))
        await finances.upload(
            folder_id, signed.replace(b"PAPETERIE EXEMPLE", b"PAPETERIE FORGEES"), XML
        )
        await drain(context)
        assert (await finances.submit(folder_id)).json()["code"] == "folder_inspection_refused"
        assert (await finances.upload(folder_id, signed, XML)).status_code == 202
        await drain(context)
        folder = await finances.read(folder_id)
        assert (folder["status"], folder["refusal"]) == ("draft", None)

    async def test_refused_once_may_be_cancelled_by_who_deposited_it(
        self, context: Context, finances: ApiPerson
    ) -> None:
        folder_id = await finances.create("signed_flows")
        signed = sign_flow(make_pes(Flow(number=990_032)))
        await finances.upload(
            folder_id, signed.replace(b"PAPETERIE EXEMPLE", b"PAPETERIE FORGEES"), XML
        )
        await drain(context)
        offered = (await finances.read(folder_id))["allowed_actions"]
        assert [one["action"] for one in offered] == ["cancel"]
        ended = await finances.act(folder_id, "cancel")
        assert (ended.status_code, ended.json()["status"]) == (200, "cancelled")

    @pytest.mark.parametrize("harm", ["blob_missing", "blob_corrupted"])
    async def test_whose_bytes_are_lost_or_altered_before_it_was_read_may_be_deposited_again(
        self, context: Context, finances: ApiPerson, no_residue: Path, harm: str
    ) -> None:
        folder_id = await finances.create("flows")
        answer = await finances.upload(folder_id, a_flow(), XML)
        stored = file_of(no_residue, answer.json()["sha256"])
        stored.unlink()
        if harm == "blob_corrupted":
            stored.write_bytes(b"rien de tel")
        await drain(context)
        folder = await finances.read(folder_id)
        assert (folder["status"], folder["refusal"]["code"]) == ("inspection_refused", harm)
        again = await finances.upload(folder_id, a_flow(), XML)
        assert again.status_code == 202, again.text
        await drain(context)
        assert (await finances.read(folder_id))["status"] == "draft"

    async def test_is_refused_at_once_for_what_the_streaming_pass_sees(
        self, finances: ApiPerson, no_residue: Path
    ) -> None:
        folder_id = await finances.create("flows")
        refused = await finances.upload(folder_id, with_entities(a_flow()), XML)
        assert (refused.status_code, refused.json()["code"]) == (422, "xml_doctype")
        assert kept_files(no_residue) == []

    async def test_deposited_whole_stays_inspecting(
        self, context: Context, finances: ApiPerson
    ) -> None:
        answer = await whole(finances, "flows", a_flow(), XML)
        assert (answer.status_code, answer.json()["status"]) == (201, "inspecting")
        await drain(context)
        assert (await finances.submit(answer.json()["id"])).is_success


async def whole(
    finances: ApiPerson,
    subtype: str,
    content: bytes,
    media_type: str = PDF,
    *,
    annexes: tuple[bytes, ...] = (),
    headers: dict[str, str] | None = None,
    draft: dict[str, Any] | None = None,
    name: str = "document.pdf",
) -> Any:
    files: list[tuple[str, Any]] = [("document", (name, content, media_type))]
    files += [("annexes", (f"annexe-{n}.pdf", one, PDF)) for n, one in enumerate(annexes)]
    return await finances.client.post(
        "/folders/deposit",
        data={"folder": json.dumps(draft or finances.draft(subtype))},
        files=files,
        headers=headers,
    )


class TestWholeDeposit:
    async def test_an_act_with_an_annex_enters_its_circuit(
        self, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        answer = await whole(finances, "acts", deliberation(), annexes=(deliberation(),))
        folder = answer.json()
        assert (answer.status_code, folder["status"]) == (201, "pending")
        assert folder["waiting_desk_ids"] == [direction.desk]
        assert [one["kind"] for one in folder["documents"]] == ["main_document", "annex"]

    async def test_a_flow_is_marked_on_the_way(self, finances: ApiPerson) -> None:
        answer = await whole(finances, "flows", a_flow(dematerialised=False), XML)
        revisions = answer.json()["documents"][0]["revisions"]
        assert [one["origin"] for one in revisions] == ["deposited", "dematerialised"]

    async def test_is_all_or_nothing(
        self, context: Context, town: Town, finances: ApiPerson
    ) -> None:
        refused = await whole(finances, "acts", deliberation(), annexes=(encrypted_pdf(),))
        assert (refused.status_code, refused.json()["code"]) == (422, "pdf_encrypted")
        assert await rows(context, town, "folders") == 0

    async def test_does_not_pass_the_limit_with_its_annexes(
        self, context: Context, finances: ApiPerson
    ) -> None:
        content = deliberation()
        context.settings.limits.folder_bytes = 2 * len(content) - 1
        refused = await whole(finances, "acts", content, annexes=(content,))
        assert refused.status_code == 413

    async def test_of_a_form_that_nobody_can_read_is_refused(self, finances: ApiPerson) -> None:
        draft = finances.draft("acts") | {"status": "signed"}
        refused = await whole(finances, "acts", deliberation(), draft=draft)
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")

    async def test_names_each_field_of_its_folder_that_is_wrong(self, finances: ApiPerson) -> None:
        draft = finances.draft("acts")
        draft["act"]["number"] = "2026/114"
        refused = await whole(finances, "acts", deliberation(), draft=draft)
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
        (fault,) = refused.json()["faults"]
        assert fault["field"] == "body.folder.act.number"
        assert fault["field"] in refused.json()["detail"]

    async def test_threat_48_is_not_read_from_somebody_unknown(
        self, anonymous: Client, context: Context
    ) -> None:
        read = Counter[str]()
        answer = await anonymous.post(
            "/folders/deposit", content=counted(read), headers={"Content-Type": FORM}
        )
        assert (answer.status_code, read["pieces"]) == (401, 0)

    async def test_threat_48_without_its_length_is_not_read(self, finances: ApiPerson) -> None:
        read = Counter[str]()
        answer = await finances.client.post(
            "/folders/deposit", content=counted(read), headers={"Content-Type": FORM}
        )
        assert (answer.json()["code"], read["pieces"]) == ("length_required", 0)

    async def test_threat_48_longer_than_anything_kept_is_not_read(
        self, context: Context, finances: ApiPerson
    ) -> None:
        read = Counter[str]()
        answer = await finances.client.post(
            "/folders/deposit",
            content=counted(read),
            headers={"Content-Type": FORM, "Content-Length": str(10**12)},
        )
        assert (answer.status_code, read["pieces"]) == (413, 0)

    async def test_with_a_name_too_long_is_refused(self, finances: ApiPerson) -> None:
        refused = await whole(finances, "acts", deliberation(), name="a" * 300)
        assert refused.status_code == 422

    async def test_threat_39_sent_again_with_its_key_gives_the_same_folder(
        self, context: Context, town: Town, finances: ApiPerson
    ) -> None:
        draft, headers = finances.draft("acts"), {"Idempotency-Key": str(uuid.uuid4())}
        answers = [
            await whole(finances, "acts", deliberation(), draft=draft, headers=headers)
            for _ in range(2)
        ]
        assert answers[0].json() == answers[1].json()
        assert await rows(context, town, "folders") == 1

    async def test_threat_39_another_file_under_the_same_key_is_refused(
        self, finances: ApiPerson
    ) -> None:
        draft, headers = finances.draft("letters"), {"Idempotency-Key": str(uuid.uuid4())}
        await whole(finances, "letters", deliberation(), draft=draft, headers=headers)
        other = deliberation() + b"\n%"
        refused = await whole(finances, "letters", other, draft=draft, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")


async def test_threat_48_a_device_cannot_have_a_document_read_before_it_is_known(
    anonymous: Client,
) -> None:
    read = Counter[str]()
    answer = await anonymous.post(
        f"/folders/{uuid.uuid4()}/documents?name=x",
        content=counted(read),
        headers={"Content-Type": PDF, "Parapheur-Device": str(uuid.uuid4())},
    )
    assert (answer.status_code, read["pieces"]) == (403, 0)


class TestStreamedBodyUnderAKey:
    async def test_threat_39_sent_again_adds_no_document(self, finances: ApiPerson) -> None:
        folder_id = await finances.create()
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        answers = [
            await finances.upload(folder_id, pieces(deliberation()), headers=headers)
            for _ in range(2)
        ]
        assert answers[0].json() == answers[1].json()
        assert len((await finances.read(folder_id))["documents"]) == 1

    async def test_threat_39_another_body_under_the_same_key_is_refused(
        self, finances: ApiPerson
    ) -> None:
        folder_id = await finances.create()
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        await finances.upload(folder_id, deliberation(), headers=headers)
        refused = await finances.upload(folder_id, deliberation() + b"\n%", headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")

    async def test_threat_39_a_flow_sent_again_after_a_lost_answer_is_not_a_duplicate(
        self, finances: ApiPerson
    ) -> None:
        folder_id = await finances.create("flows")
        headers, content = {"Idempotency-Key": str(uuid.uuid4())}, a_flow()
        answers = [
            await finances.upload(folder_id, content, XML, headers=headers) for _ in range(2)
        ]
        assert [one.status_code for one in answers] == [201, 201]
        assert answers[0].json() == answers[1].json()
