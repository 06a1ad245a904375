"""What changed between two revisions, asked over the API."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx2

from app.context import Context
from app.demo.acts import Act, deliberation
from app.demo.flows import Flow, make_pes
from app.demo.town import Town
from app.documents.schemas import Origin
from app.documents.service import add_revision
from tests.app.conftest import PersonOf
from tests.builders.people import ApiPerson
from tests.builders.towns import random_id

Json = dict[str, Any]


async def document_of(person: ApiPerson, folder_id: str) -> Json:
    (document,) = (await person.read(folder_id))["documents"]
    found: Json = document
    return found


async def changes(
    person: ApiPerson, folder_id: str, document_id: str, **named: str
) -> httpx2.Response:
    return await person.client.get(
        f"/folders/{folder_id}/documents/{document_id}/changes", params=named
    )


async def replaced(
    context: Context, person: ApiPerson, folder_id: str, content: bytes, origin: Origin
) -> str:
    """A new revision of the folder's only document; the document's id."""

    async def chunks() -> AsyncIterator[bytes]:
        yield content

    document = await document_of(person, folder_id)
    blob = await context.store.write(chunks(), limit_bytes=len(content))
    async with context.unit(person.town.tenant_id) as session:
        await add_revision(session, uuid.UUID(document["id"]), blob, origin, facts=None)
    return str(document["id"])


class TestChanges:
    async def test_of_a_flow_are_told_line_by_line(
        self, context: Context, finances: ApiPerson
    ) -> None:
        before = make_pes(Flow(number=77, items_per_slip=1, dematerialised=False))
        after = before.replace(b'<MtHT V="37.50"', b'<MtHT V="137.50"')
        folder_id = await finances.deposited("flows", before)
        await replaced(context, finances, folder_id, before, Origin.DEMATERIALISED)
        await replaced(context, finances, folder_id, after, Origin.DEPOSITED)
        document_id = await replaced(
            context, finances, folder_id, after + b"\n", Origin.DEMATERIALISED
        )
        told = (await changes(finances, folder_id, document_id)).json()
        assert (told["kind"], told["before"]["number"], told["after"]["number"]) == ("pes", 2, 4)
        (change,) = told["pes"]["changed"]
        assert told["summary"] == [change["summary"]]
        assert (change["place"]["item"], change["fields"][0]["after_cents"]) == ("1", 14500)

    async def test_of_a_pdf_are_told_page_by_page(
        self, context: Context, finances: ApiPerson
    ) -> None:
        folder_id = await finances.deposited("letters", deliberation(Act(pages=3)))
        after = deliberation(Act(pages=3, subject="Autre objet"))
        document_id = await replaced(context, finances, folder_id, after, Origin.DEPOSITED)
        told = (await changes(finances, folder_id, document_id)).json()
        assert (told["kind"], told["summary"]) == ("pdf", ["Page 1 modifiée."])
        assert (told["pdf"]["changed"], told["not_computed"]) == ([1], None)

    async def test_between_named_revisions(self, context: Context, finances: ApiPerson) -> None:
        folder_id = await finances.deposited("letters", deliberation(Act(number="1")))
        for number in ("2", "1"):
            await replaced(
                context, finances, folder_id, deliberation(Act(number=number)), Origin.DEPOSITED
            )
        document = await document_of(finances, folder_id)
        first, second, third = (one["id"] for one in document["revisions"])
        same = await changes(finances, folder_id, document["id"], before=first, after=third)
        assert (same.json()["identical"], same.json()["pdf"]) == (True, None)
        back = await changes(finances, folder_id, document["id"], before=third, after=second)
        assert (back.json()["before"]["number"], back.json()["after"]["number"]) == (3, 2)

    async def test_what_cannot_be_compared_says_why(
        self, context: Context, finances: ApiPerson
    ) -> None:
        folder_id = await finances.deposited("letters")
        document_id = await replaced(
            context, finances, folder_id, b"%PDF-1.7 rien", Origin.DEPOSITED
        )
        told = (await changes(finances, folder_id, document_id)).json()
        assert (told["pdf"], told["not_computed"]["code"]) == (None, "pdf_broken")
        assert told["summary"][-1] == told["not_computed"]["detail"]

    async def test_of_a_document_that_has_one_revision_are_refused(
        self, finances: ApiPerson
    ) -> None:
        folder_id = await finances.deposited("letters")
        document = await document_of(finances, folder_id)
        refused = await changes(finances, folder_id, document["id"])
        assert (refused.status_code, refused.json()["code"]) == (422, "nothing_to_compare")

    async def test_threat_33_of_another_folder_do_not_exist(
        self, finances: ApiPerson, mayor: ApiPerson, person_of: PersonOf, other_town: Town
    ) -> None:
        folder_id = await finances.deposited("letters")
        other_id = await finances.deposited("letters")
        document = await document_of(finances, folder_id)
        revision = document["revisions"][0]["id"]
        named = {"before": revision, "after": revision}
        stranger = await person_of(other_town, "finances")
        answers = [
            await changes(finances, other_id, document["id"], **named),
            await changes(mayor, folder_id, document["id"], **named),
            await changes(stranger, folder_id, document["id"], **named),
            await changes(finances, folder_id, document["id"], after=str(random_id())),
        ]
        assert [one.status_code for one in answers] == [404] * 4
        assert (await changes(finances, folder_id, document["id"], **named)).status_code == 200
