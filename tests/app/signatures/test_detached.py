"""Documents signed apart: from the deposit of any file to its detached signature."""

from __future__ import annotations

import json
import subprocess
import urllib.parse
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from asn1crypto import cms

from agent.protocol import JobItem, open_envelope, read_envelope
from agent.recompute import check_item
from app.catalog.formats import TypeFormat
from app.context import Context
from app.demo.town import Town
from app.documents.repository import DocumentRepository
from app.kit.threads import in_thread
from app.worker import drain
from signing.report import Verdict, VerificationReport
from signing.verification import verify
from tests.app.conftest import Client, PersonOf
from tests.app.signatures.test_service import the_trust
from tests.builders.administration import give
from tests.builders.papers import (
    BODIES,
    TEXT,
    XML,
    ZIP,
    add_papers,
    deposit,
    signature_of,
    submitted,
)
from tests.builders.people import PDF, ApiPerson, chained
from tests.builders.signatories import Signatory, newest
from tests.builders.signing_agents import (
    Order,
    SigningAgent,
    agent_of_delegate,
    b64,
    open_session,
)
from tests.builders.towns import DrivenClock, a_signer
from tests.builders.traces import journal_entry, journal_kinds


@pytest.fixture
async def papers(context: Context, town: Town) -> None:
    """A subtype AUTO that the mayor signs."""
    await add_papers(context, town, TypeFormat.AUTO)


async def to_sign(signatory: Signatory, *media_types: str) -> str:
    """A folder of these documents, offered to the mayor's agent; its id."""
    folder_id = await submitted(signatory.finances, *media_types)
    await signatory.open(folder_id)
    return folder_id


async def signed(signatory: Signatory, *media_types: str) -> str:
    folder_id = await to_sign(signatory, *media_types)
    await signatory.agent.sign()
    return folder_id


def as_agent(order: Order, agent: SigningAgent) -> tuple[JobItem, ...]:
    """The items as the program on the signer's desk reads them."""
    envelope = {"payload": b64(order.payload), "signature": b64(order.signature)}
    read = read_envelope(json.dumps(envelope).encode())
    return open_envelope(read, agent.server_key).items


async def judged(signature: bytes, content: bytes, clock: DrivenClock) -> VerificationReport:
    clock.advance(seconds=1)
    return await in_thread(
        lambda: verify(signature, trust=the_trust(), now=clock(), detached_content=content)
    )


def said_in(tbs: bytes) -> str:
    """The capacity that signed attributes claim."""
    (capacity,) = (
        one["values"][0].native["claimed_attributes"][0]["values"]
        for one in cms.CMSAttributes.load(tbs)
        if one["type"].native == "signer_attributes_v2"
    )
    return str(capacity[0])


@pytest.mark.usefixtures("papers")
class TestDeposit:
    @pytest.mark.parametrize("media_type", [ZIP, TEXT, XML, "image/png"])
    async def test_any_annex_type_is_a_main_document_with_nothing_to_read(
        self, finances: ApiPerson, media_type: str
    ) -> None:
        folder_id = await finances.create("papers")
        answer = await deposit(finances, folder_id, media_type)
        assert (answer.status_code, answer.json()["facts"]) == (201, None)
        assert (await finances.read(folder_id))["status"] == "draft"

    async def test_another_type_is_refused_by_its_name(self, finances: ApiPerson) -> None:
        folder_id = await finances.create("papers")
        refused = await finances.upload(folder_id, b"MZ", "application/x-msdownload")
        assert (refused.status_code, refused.json()["code"]) == (422, "media_type_refused")

    @pytest.mark.parametrize("subtype", ["letters", "acts"])
    async def test_a_type_that_signs_inside_takes_pdf_alone(
        self, finances: ApiPerson, subtype: str
    ) -> None:
        folder_id = await finances.create(subtype)
        refused = await deposit(finances, folder_id, TEXT)
        assert refused.json()["code"] == "media_type_refused"

    async def test_threat_18_a_file_that_is_not_as_declared_is_refused(
        self, finances: ApiPerson
    ) -> None:
        folder_id = await finances.create("papers")
        refused = await finances.upload(folder_id, b"not a zip", ZIP)
        assert refused.json()["code"] == "not_as_declared"


@pytest.mark.usefixtures("papers")
class TestAuto:
    async def test_a_pdf_is_signed_inside_and_another_file_apart_with_one_agreement(
        self, signatory: Signatory, agent: SigningAgent, finances: ApiPerson, clock: DrivenClock
    ) -> None:
        folder_id = await to_sign(signatory, PDF, ZIP, XML)
        order = await agent.sign()
        folder = await finances.read(folder_id)
        made = [newest(folder, n) for n in range(3)]
        assert [one["format"] for one in order.items] == ["PADES", "PKCS7", "PKCS7"]
        assert folder["status"] == "completed"
        assert [one["signature"] is None for one in made] == [True, False, False]
        kinds = [one["kind"] for one in await finances.history(folder_id)]
        assert kinds.count("signed") == 1
        inside = await finances.content(folder_id, made[0])
        assert (await judged(inside, b"", clock)).verdict is Verdict.VALID

    @pytest.mark.parametrize("media_type", [ZIP, TEXT, XML, "image/png"])
    async def test_the_signature_made_apart_is_valid_over_the_deposited_bytes(
        self, signatory: Signatory, finances: ApiPerson, clock: DrivenClock, media_type: str
    ) -> None:
        folder_id = await signed(signatory, media_type)
        revision = newest(await finances.read(folder_id))
        content = await finances.content(folder_id, revision)
        answer = await signature_of(finances, folder_id, revision)
        report = await judged(answer.content, content, clock)
        assert content == BODIES[media_type]
        assert (report.verdict, report.signatures[0].level) == (
            Verdict.VALID,
            "CAdES-BASELINE-B",
        )

    async def test_openssl_accepts_what_is_downloaded(
        self,
        signatory: Signatory,
        finances: ApiPerson,
        tmp_path: Path,
        require_tool: Callable[[str], str],
    ) -> None:
        folder_id = await signed(signatory, ZIP)
        revision = newest(await finances.read(folder_id))
        files = {
            "doc": await finances.content(folder_id, revision),
            "doc.p7s": (await signature_of(finances, folder_id, revision)).content,
            "root.pem": a_signer().root.pem,
        }
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
        command = (
            f"{require_tool('openssl')} cms -verify -binary -cades -inform DER -in doc.p7s "
            "-content doc -purpose any -CAfile root.pem -out verified"
        )
        done = await in_thread(
            lambda: subprocess.run(
                command.split(), cwd=tmp_path, capture_output=True, text=True, check=False
            )
        )
        assert done.returncode == 0, done.stderr

    async def test_threat_28_the_agent_rebuilds_what_it_is_asked_to_sign(
        self, signatory: Signatory, agent: SigningAgent
    ) -> None:
        await to_sign(signatory, PDF, ZIP, TEXT)
        order = await agent.accepted_job()
        for item in as_agent(order, agent):
            document = await agent.document(order, item.n)
            check_item(item, document.content, certificate=agent.issued.der)

    async def test_the_agent_downloads_the_deposited_bytes(
        self, signatory: Signatory, agent: SigningAgent
    ) -> None:
        await to_sign(signatory, ZIP)
        order = await agent.accepted_job()
        (item,) = order.items
        assert item["source_sha256"] == item["download_sha256"]
        assert (await agent.document(order, 1)).content == BODIES[ZIP]

    async def test_the_report_of_the_signature_follows_by_a_job(
        self, signatory: Signatory, context: Context, finances: ApiPerson
    ) -> None:
        folder_id = await signed(signatory, ZIP, PDF)
        await drain(context)
        folder = await finances.read(folder_id)
        reports = [newest(folder, n)["report"] for n in (0, 1)]
        assert [one["verdict"] for one in reports] == ["valid", "valid"]
        assert [one["format"] for one in reports] == ["CMS", "PDF"]


@pytest.mark.usefixtures("papers")
class TestSignatureFile:
    async def test_is_named_after_the_document_the_rank_and_the_signer(
        self, signatory: Signatory, finances: ApiPerson
    ) -> None:
        folder_id = await signed(signatory, TEXT)
        revision = newest(await finances.read(folder_id))
        answer = await signature_of(finances, folder_id, revision)
        assert revision["signature"]["name"] == "note-1-Camille Exemple.p7s"
        assert revision["signature"]["size_bytes"] == len(answer.content)
        assert answer.headers["ETag"] == f'"{revision["signature"]["sha256"]}"'
        assert answer.headers["Content-Type"] == "application/pkcs7-signature"

    async def test_threat_18_its_name_carries_nothing_but_safe_characters(
        self, signatory: Signatory, finances: ApiPerson
    ) -> None:
        hostile = '../a"\r\nSet-Cookie: x=1\r\n\u202e;é\\b.zip'
        folder_id = await submitted(finances, ZIP, name=hostile)
        await signatory.open(folder_id)
        await signatory.agent.sign()
        revision = newest(await finances.read(folder_id))
        answer = await signature_of(finances, folder_id, revision)
        disposition = answer.headers["Content-Disposition"]
        name = "_a___Set-Cookie_ x_1____é_b-1-Camille Exemple.p7s"
        assert disposition == f"attachment; filename*=UTF-8''{urllib.parse.quote(name, safe='')}"
        assert "Set-Cookie" not in answer.headers
        assert answer.headers["X-Content-Type-Options"] == "nosniff"

    async def test_does_not_exist_beside_what_nobody_signed_apart(
        self, signatory: Signatory, finances: ApiPerson
    ) -> None:
        folder_id = await signed(signatory, ZIP, PDF)
        documents = (await finances.read(folder_id))["documents"]
        unsigned, inside = documents[0]["revisions"][0], documents[1]["revisions"][-1]
        answers = [await signature_of(finances, folder_id, one) for one in (unsigned, inside)]
        assert [one.status_code for one in answers] == [404, 404]

    async def test_threat_33_is_read_by_whoever_reads_the_folder_alone(
        self,
        signatory: Signatory,
        finances: ApiPerson,
        other_town: Town,
        person_of: PersonOf,
    ) -> None:
        folder_id = await signed(signatory, ZIP)
        other = await submitted(finances, ZIP)
        revision = newest(await finances.read(folder_id))
        neighbour = await person_of(other_town, "finances")
        elsewhere = await signature_of(finances, other, revision)
        abroad = await signature_of(neighbour, folder_id, revision)
        assert (elsewhere.status_code, abroad.status_code) == (404, 404)

    async def test_the_journal_ties_it_to_the_act_and_to_the_document(
        self, signatory: Signatory, context: Context, finances: ApiPerson
    ) -> None:
        folder_id = await signed(signatory, ZIP)
        await drain(context)
        revision = newest(await finances.read(folder_id))
        for kind in ("folder.signed", "signature.verified"):
            entry = json.loads(await journal_entry(finances, kind, folder_id))
            assert entry["document_sha256"] == revision["sha256"]
            assert entry["details"]["signature_sha256"] == revision["signature"]["sha256"]

    async def test_its_bytes_belong_to_the_folder(
        self, signatory: Signatory, context: Context, town: Town, finances: ApiPerson
    ) -> None:
        folder_id = await signed(signatory, ZIP)
        revision = newest(await finances.read(folder_id))
        digests = {revision["sha256"], revision["signature"]["sha256"]}
        async with context.unit(town.tenant_id) as session:
            repository = DocumentRepository(session)
            assert set(await repository.digests(uuid.UUID(folder_id))) == digests
            assert await repository.named_blobs(sorted(digests)) == digests


@pytest.mark.usefixtures("papers")
class TestFinish:
    async def test_the_same_value_given_again_is_taken_once(
        self, signatory: Signatory, agent: SigningAgent, finances: ApiPerson
    ) -> None:
        folder_id = await to_sign(signatory, ZIP)
        order = await agent.sign()
        before = await finances.read(folder_id)
        again = await agent.give(order, order.items[0])
        assert (again.status_code, again.json()) == (200, {"state": "signed"})
        assert await finances.read(folder_id) == before

    async def test_threat_7_a_wrong_value_changes_nothing_and_is_journaled(
        self, signatory: Signatory, agent: SigningAgent, finances: ApiPerson
    ) -> None:
        folder_id = await to_sign(signatory, ZIP)
        before = await finances.read(folder_id)
        order = await agent.accepted_job()
        wrong = agent.values(order.items[0], issued=a_signer().issuer)
        refused = await agent.give(order, order.items[0], wrong)
        assert refused.status_code == 422
        assert await finances.read(folder_id) == before
        assert (await journal_kinds(finances, folder_id))[-1] == "signature.refused"

    async def test_threat_7_the_value_of_another_document_is_refused(
        self, signatory: Signatory, agent: SigningAgent, finances: ApiPerson
    ) -> None:
        folder_id = await to_sign(signatory, ZIP, TEXT)
        order = await agent.accepted_job()
        one, other = order.items
        assert (await agent.give(order, one, agent.values(other))).status_code == 422
        assert (await finances.read(folder_id))["waiting_kind"] == "signature"


@pytest.mark.usefixtures("papers")
class TestRetract:
    async def test_the_unsigned_revision_is_back_and_the_signature_is_kept_as_retracted(
        self, context: Context, town: Town, signatory: Signatory, finances: ApiPerson
    ) -> None:
        await add_papers(context, town, TypeFormat.AUTO, "maire", "direction", key="two")
        folder_id = await submitted(finances, ZIP, subtype="two")
        await signatory.open(folder_id)
        await signatory.agent.sign()
        took = await signatory.person.act(folder_id, "retract", step="signature-1")
        assert took.status_code == 200, took.text
        folder = await finances.read(folder_id)
        assert folder["waiting_kind"] == "signature"
        assert newest(folder)["retracted_at"] is not None
        kept = await signature_of(finances, folder_id, newest(folder))
        assert kept.status_code == 200
        await signatory.open(folder_id)
        assert (await signatory.agent.sign()).items[0]["source_sha256"] == newest(folder)["sha256"]
        again = newest(await finances.read(folder_id))
        assert again["retracted_at"] is None
        assert again["signature"]["name"] == "note-2-Camille Exemple.p7s"


class TestSeveralSignatories:
    async def test_each_signs_the_same_bytes_in_a_file_of_his_own(
        self,
        context: Context,
        town: Town,
        anonymous: Client,
        signatory: Signatory,
        direction: ApiPerson,
        finances: ApiPerson,
        clock: DrivenClock,
    ) -> None:
        second = await agent_of_delegate(context, town, anonymous, direction, clock)
        await add_papers(context, town, TypeFormat.PKCS7, "maire", "direction")
        folder_id = await submitted(finances, PDF, name="contrat.pdf")
        await signatory.open(folder_id)
        await signatory.agent.sign()
        await open_session(direction, second.issued, folder_id)
        await second.sign()
        folder = await finances.read(folder_id)
        revisions = folder["documents"][0]["revisions"]
        assert folder["status"] == "completed"
        assert {one["sha256"] for one in revisions} == {revisions[0]["sha256"]}
        names = [one["signature"] and one["signature"]["name"] for one in revisions]
        assert names == [
            None,
            "contrat-1-Camille Exemple.p7s",
            "contrat-2-Dominique Modèle.p7s",
        ]
        for one in revisions[1:]:
            answer = await signature_of(finances, folder_id, one)
            report = await judged(answer.content, BODIES[PDF], clock)
            assert report.verdict is Verdict.VALID

    async def test_a_delegate_signs_under_the_mention_of_the_power(
        self,
        context: Context,
        town: Town,
        anonymous: Client,
        administrator: ApiPerson,
        direction: ApiPerson,
        finances: ApiPerson,
        clock: DrivenClock,
    ) -> None:
        await add_papers(context, town, TypeFormat.AUTO)
        await give(administrator, "maire", "direction")
        delegate = await agent_of_delegate(context, town, anonymous, direction, clock)
        folder_id = await submitted(finances, TEXT)
        at_office = ApiPerson(context, direction.client, town, "maire")
        await open_session(at_office, delegate.issued, folder_id)
        order = await delegate.sign()
        (item,) = order.items
        (entry,) = as_agent(order, delegate)
        mention = item["mention"]
        assert mention
        assert said_in(entry.to_sign[0].tbs) == mention == item["claimed_role"]
        await drain(context)
        report = newest(await finances.read(folder_id))["report"]
        assert report["signatures"][0]["claimed_role"] == mention

    async def test_threat_7_a_signature_of_one_step_is_never_that_of_the_next(
        self,
        context: Context,
        town: Town,
        signatory: Signatory,
        finances: ApiPerson,
        clock: DrivenClock,
    ) -> None:
        """The bytes are the same at both steps: what stands beside them is not."""
        await add_papers(context, town, TypeFormat.AUTO, "maire", "maire")
        folder_id = await submitted(finances, ZIP, TEXT)
        agent = signatory.agent
        half = await signatory.open(folder_id)
        order = await agent.accepted_job()
        assert (await agent.give(order, order.items[0])).is_success
        await agent.end(order)
        clock.advance(seconds=1)
        await signatory.open(folder_id)
        await agent.sign()
        assert (await finances.read(folder_id))["waiting_kind"] == "signature"
        clock.advance(seconds=1)
        await signatory.resume(half)
        later = await agent.accepted_job()
        (left,) = later.items
        refused = await agent.give(later, left)
        assert (refused.status_code, refused.json()["code"]) == (422, "documents_mismatch")
        assert (await finances.read(folder_id))["waiting_kind"] == "signature"


class TestRevised:
    async def test_a_file_that_a_pdf_replaces_is_signed_inside(
        self, context: Context, town: Town, signatory: Signatory, finances: ApiPerson
    ) -> None:
        await add_papers(context, town, TypeFormat.AUTO)
        folder_id = await finances.create("papers")
        document_id = (await deposit(finances, folder_id, ZIP)).json()["document_id"]
        replaced = await finances.client.post(
            f"/folders/{folder_id}/documents/{document_id}/revisions",
            params={"name": "note.pdf"},
            content=BODIES[PDF],
            headers={"Content-Type": PDF},
        )
        assert replaced.status_code == 201, replaced.text
        assert (await finances.submit(folder_id)).is_success
        await signatory.open(folder_id)
        order = await signatory.agent.sign()
        assert [one["format"] for one in order.items] == ["PADES"]


class TestChain:
    async def test_the_signature_follows_its_document_and_the_next_one_is_made_apart_too(
        self,
        context: Context,
        town: Town,
        signatory: Signatory,
        finances: ApiPerson,
        clock: DrivenClock,
    ) -> None:
        await add_papers(context, town, TypeFormat.PKCS7)
        await add_papers(context, town, TypeFormat.AUTO, key="after")
        ended = await signed(signatory, PDF)
        follower = await chained(finances, ended, "after")
        (copy,) = (await finances.read(follower))["documents"][0]["revisions"]
        assert (
            copy["signature"]["sha256"]
            == (newest(await finances.read(ended))["signature"]["sha256"])
        )
        assert (await finances.submit(follower)).is_success
        clock.advance(seconds=1)
        await signatory.open(follower)
        order = await signatory.agent.sign()
        await drain(context)
        last = newest(await finances.read(follower))
        assert [one["format"] for one in order.items] == ["PKCS7"]
        assert last["signature"]["name"] == "note-2-Camille Exemple.p7s"
        assert last["report"]["verdict"] == "valid"
