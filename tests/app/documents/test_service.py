"""PDFs that arrive with signatures: judged at the deposit, and told to whoever brings them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pyhanko.sign.fields import MDPPerm

from app.context import Context
from app.worker import drain
from tests.builders.administration import made
from tests.builders.library_pdf import certified
from tests.builders.pdf import CONTENT, appended, simple_pdf, stream, with_catalog
from tests.builders.people import PDF, XML, ApiPerson, a_flow, an_act, approve
from tests.builders.signatories import Signatory
from tests.builders.signed_pdf import signed_pdf
from tests.builders.stamps import PDF_A, xmp
from tests.pki.tree import shared_tree

SOUND = signed_pdf(simple_pdf(), shared_tree().good)
ARCHIVED = with_catalog(
    b"/Metadata 9 0 R", {9: stream(xmp(PDF_A), b"/Type /Metadata /Subtype /XML")}
)
CERTIFIED = certified(simple_pdf(), shared_tree(), MDPPerm.FILL_FORMS)
CHANGED = appended(SOUND, {CONTENT: stream(b"BT /F1 18 Tf 20 100 Td (Faux) Tj ET")})


def warnings(revision: dict[str, Any]) -> dict[str, str]:
    return {one["code"]: one["detail"] for one in revision["facts"]["findings"]}


async def revisions(person: ApiPerson, folder_id: str) -> list[dict[str, Any]]:
    documents = (await person.read(folder_id))["documents"]
    return [one for document in documents for one in document["revisions"]]


@pytest.fixture
def is_large(context: Context) -> None:
    """Every file is, from now on."""
    context.settings.limits.inline_pes_bytes = 100


class TestSignedPdf:
    async def test_threat_03_one_changed_since_is_taken_with_a_warning_that_names_it(
        self, finances: ApiPerson
    ) -> None:
        folder_id = await finances.create()
        answer = await finances.upload(folder_id, CHANGED)
        assert (answer.status_code, answer.json()["report"]["verdict"]) == (201, "invalid")
        told = warnings(answer.json())["pdf_signature_invalid"]
        assert "Signature « Signature1 » : le document a été modifié après" in told
        assert (await finances.submit(folder_id)).status_code == 200

    async def test_a_sound_one_has_its_report_and_no_warning(self, finances: ApiPerson) -> None:
        receipt = (await finances.upload(await finances.create(), SOUND)).json()
        assert receipt["report"]["verdict"] == "cannot_vouch"
        assert set(warnings(receipt)) == {"pdf_already_signed"}

    @pytest.mark.usefixtures("is_large")
    async def test_a_large_one_is_judged_by_a_job_before_it_may_be_sent(
        self, context: Context, finances: ApiPerson
    ) -> None:
        folder_id = await finances.create()
        answer = await finances.upload(folder_id, CHANGED)
        assert (answer.status_code, answer.json()["report"]) == (202, None)
        assert (await finances.submit(folder_id)).json()["code"] == "folder_inspecting"
        await drain(context)
        (revision,) = await revisions(finances, folder_id)
        assert revision["report"]["verdict"] == "invalid"
        assert "pdf_signature_invalid" in warnings(revision)
        assert (await finances.submit(folder_id)).status_code == 200

    @pytest.mark.usefixtures("is_large")
    async def test_a_large_annex_is_left_to_its_readers(self, finances: ApiPerson) -> None:
        folder_id = await finances.deposited()
        answer = await finances.upload(folder_id, CHANGED, role="annex")
        assert (answer.status_code, answer.json()["report"]) == (201, None)
        assert "pdf_signatures_unjudged" in warnings(answer.json())


class TestStamp:
    """Who deposits a document that takes no stamp is told so, where its type has one."""

    @pytest.mark.parametrize("document", [ARCHIVED, CERTIFIED], ids=["pdf-a", "certified"])
    async def test_is_told_to_be_left_out(self, finances: ApiPerson, document: bytes) -> None:
        folder_id = await finances.create("acts")
        answer = await finances.upload(folder_id, document)
        told = warnings(answer.json())["pdf_stamp_left_out"]
        assert "Il sera signé sans tampon" in told
        assert (await finances.submit(folder_id)).status_code == 200

    @pytest.mark.parametrize("document", [ARCHIVED, CERTIFIED], ids=["pdf-a", "certified"])
    async def test_is_not_spoken_of_where_the_type_has_none(
        self, finances: ApiPerson, document: bytes
    ) -> None:
        answer = await finances.upload(await finances.create("letters"), document)
        assert "pdf_stamp_left_out" not in warnings(answer.json())

    async def test_nor_about_an_annex(self, finances: ApiPerson) -> None:
        folder_id = await finances.deposited("acts")
        answer = await finances.upload(folder_id, ARCHIVED, role="annex")
        assert "pdf_stamp_left_out" not in warnings(answer.json())

    async def test_nor_about_an_ordinary_document(self, finances: ApiPerson) -> None:
        answer = await finances.upload(await finances.create("acts"), simple_pdf())
        assert warnings(answer.json()) == {}

    async def test_is_told_of_what_follows_in_a_type_that_has_one(
        self, signatory: Signatory, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        ended = await finances.submitted("letters", ARCHIVED)
        await approve(direction, ended)
        await signatory.open(ended)
        await signatory.agent.sign()
        target = {"subtype_id": str(finances.town.subtypes["acts"]), "desk_id": finances.desk}
        follower = made(
            await finances.client.post(f"/folders/{ended}/chain", json=target | {"act": an_act()})
        )
        (revision,) = await revisions(finances, follower["id"])
        assert list(warnings(revision)) == ["pdf_stamp_left_out"]


@pytest.mark.usefixtures("is_large")
@pytest.mark.parametrize(
    ("subtype", "content", "media_type"),
    [
        pytest.param("acts", CHANGED, PDF, id="signed pdf"),
        pytest.param("flows", a_flow(), XML, id="flow"),
    ],
)
async def test_a_whole_deposit_whose_main_document_is_large_keeps_its_annexes(
    context: Context, finances: ApiPerson, subtype: str, content: bytes, media_type: str
) -> None:
    files = [
        ("document", ("document", content, media_type)),
        ("annexes", ("annexe.pdf", simple_pdf(), PDF)),
    ]
    data = {"folder": json.dumps(finances.draft(subtype))}
    answer = await finances.client.post("/folders/deposit", data=data, files=files)
    assert (answer.status_code, answer.json().get("status")) == (201, "inspecting")
    await drain(context)
    assert (await finances.read(answer.json()["id"]))["status"] == "draft"
    assert len(await revisions(finances, answer.json()["id"])) == 2
