"""Files of every kind that a circuit signs, in subtypes that sign them apart."""

from __future__ import annotations

from typing import Any

import httpx2

from app.catalog.formats import TypeFormat
from app.context import Context
from app.demo.acts import deliberation
from app.demo.town import Town
from tests.builders.people import PDF, ApiPerson
from tests.builders.subtypes import add_subtype, step

Json = dict[str, Any]
ZIP, TEXT, XML = "application/zip", "text/plain", "application/xml"
BODIES = {
    ZIP: b"PK\x03\x04" + bytes(range(256)) * 40,
    TEXT: "Réponse à votre courrier.\r\nTexte fictif.\r\n".encode(),
    XML: "<?xml version='1.0'?><note>Fictive, à signer</note>".encode(),
    "image/png": b"\x89PNG\r\n\x1a\n" + b"\x00" * 64,
    PDF: deliberation(),
}


async def add_papers(
    context: Context,
    town: Town,
    form: TypeFormat,
    *signatories: str,
    key: str = "papers",
    **settings: Any,
) -> None:
    """A subtype of several documents whose circuit has one signature for each of these desks."""
    desks = signatories or ("maire",)
    steps = [step(town, f"signature-{n}", "signature", desk) for n, desk in enumerate(desks, 1)]
    await add_subtype(context, town, *steps, key=key, form=form, several_documents=True, **settings)


async def deposit(
    person: ApiPerson, folder_id: str, media_type: str, *, name: str = "note.txt"
) -> httpx2.Response:
    """One main document under a name of its own."""
    return await person.client.post(
        f"/folders/{folder_id}/documents",
        params={"name": name},
        content=BODIES[media_type],
        headers={"Content-Type": media_type},
    )


async def submitted(
    person: ApiPerson, *media_types: str, subtype: str = "papers", name: str = "note.txt"
) -> str:
    """A folder of these documents in its circuit; its id."""
    folder_id = await person.create(subtype)
    for media_type in media_types:
        answer = await deposit(person, folder_id, media_type, name=name)
        assert answer.status_code == 201, answer.text
    sent = await person.submit(folder_id)
    assert sent.status_code == 200, sent.text
    return folder_id


async def signature_of(person: ApiPerson, folder_id: str, revision: Json) -> httpx2.Response:
    """The answer to whoever asks for the signature beside a revision."""
    return await person.client.get(f"/folders/{folder_id}/revisions/{revision['id']}/signature")
