"""Notes: who writes them, who sees them."""

from __future__ import annotations

import json
import uuid
from typing import Any

from app.auth.principal import Role
from app.context import Context
from app.demo.town import Town
from app.folders.acting import act
from app.folders.acts import ApproveAct
from app.folders.repository import FolderRepository
from app.folders.service import apply
from tests.app.conftest import PersonOf
from tests.builders.administration import give, said
from tests.builders.arrivals import principal_of
from tests.builders.catalog import visa
from tests.builders.people import ApiPerson, approve
from tests.builders.principals import add_person
from tests.builders.subtypes import add_subtype, step
from tests.builders.waiting import made_to_wait
from workflows.actions import RecordOutside
from workflows.definition import StepId


async def note(person: ApiPerson, folder_id: str, kind: str, **more: Any) -> Any:
    body = {"kind": kind, "desk_id": person.desk, "text": f"Note {kind}", **more}
    return await person.client.post(f"/folders/{folder_id}/notes", json=body)


async def seen(person: ApiPerson, folder_id: str) -> list[str]:
    answer = await person.client.get(f"/folders/{folder_id}/notes")
    assert answer.status_code == 200, answer.text
    return [one["kind"] for one in answer.json()]


async def answer(context: Context, town: Town, folder_id: str, *, accepted: bool) -> None:
    """The outside answers at the step that waits for it."""
    async with context.unit(town.tenant_id) as session:
        folder = await FolderRepository(session).lock(uuid.UUID(folder_id))
        assert folder is not None
        reply = RecordOutside(StepId("reponse"), accepted, None, "Réponse reçue")
        await apply(session, context, folder, reply)


class TestNotes:
    async def test_a_private_note_is_for_its_author_and_the_next_desk(
        self,
        finances: ApiPerson,
        direction: ApiPerson,
        mayor: ApiPerson,
        administrator: ApiPerson,
    ) -> None:
        folder_id = await finances.submitted("letters")
        for kind in ("public", "private"):
            assert (await note(direction, folder_id, kind)).status_code == 201
        await approve(direction, folder_id)
        assert await seen(direction, folder_id) == ["public", "private"]
        assert await seen(mayor, folder_id) == ["public", "private"]
        assert await seen(finances, folder_id) == ["public"]
        assert await seen(administrator, folder_id) == ["public"]

    async def test_a_desk_that_handed_its_step_over_still_writes(
        self, finances: ApiPerson, direction: ApiPerson, mayor: ApiPerson
    ) -> None:
        folder_id = await finances.submitted("letters")
        moved = await direction.act(
            folder_id, "transfer", step="visa", to_desk_id=mayor.desk, reason="Absente demain"
        )
        assert moved.status_code == 200, moved.text
        assert said(await note(direction, folder_id, "public"))[0] == 201

    async def test_none_is_added_to_a_folder_that_is_just_ending(
        self, context: Context, town: Town, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        await add_subtype(context, town, step(town, "visa", "approval", "direction"))
        folder_id = await finances.submitted("essai")
        body = {"kind": "public", "desk_id": finances.desk, "text": "Trop tard"}
        async with context.unit(town.tenant_id) as session:
            last = ApproveAct(action="approve", desk_id=town.desks["direction"], step="visa")
            by = principal_of(town, "direction")
            await act(session, context, by, uuid.UUID(folder_id), last, None)
            await session.flush()
            asked = await made_to_wait(
                context, finances.client, ("POST", f"/folders/{folder_id}/notes", body)
            )
        assert said(await asked) == (409, "folder_final")

    async def test_a_private_note_waits_for_the_next_desk_beyond_an_answer_of_the_outside(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        mayor: ApiPerson,
    ) -> None:
        steps = (
            visa(town),
            step(town, "reponse", "external"),
            step(town, "fin", "approval", "maire"),
        )
        await add_subtype(context, town, *steps)
        folder_id = await finances.submitted("essai")
        await note(direction, folder_id, "private")
        await approve(direction, folder_id)
        assert await seen(mayor, folder_id) == []
        await answer(context, town, folder_id, accepted=True)
        assert await seen(mayor, folder_id) == ["private"]
        assert await seen(finances, folder_id) == []

    async def test_a_private_note_is_for_the_submitter_to_whom_the_outside_returns_the_folder(
        self, context: Context, town: Town, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        await add_subtype(context, town, visa(town), step(town, "reponse", "external"))
        folder_id = await finances.submitted("essai")
        await note(direction, folder_id, "private")
        await approve(direction, folder_id)
        await answer(context, town, folder_id, accepted=False)
        assert await seen(finances, folder_id) == ["private"]

    async def test_a_private_note_goes_back_with_the_folder_to_an_earlier_step(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        mayor: ApiPerson,
    ) -> None:
        steps = (
            visa(town),
            step(town, "second", "approval", "maire", may_return=True),
            step(town, "fin", "approval", "finances"),
        )
        await add_subtype(context, town, *steps)
        folder_id = await finances.submitted("essai")
        await approve(direction, folder_id)
        await note(mayor, folder_id, "private")
        await mayor.act(folder_id, "reject", step="second", reason="À relire", return_to="visa")
        assert await seen(direction, folder_id) == ["private"]
        assert await seen(finances, folder_id) == []

    async def test_a_private_note_is_for_the_submitter_when_the_folder_is_rejected(
        self, finances: ApiPerson, direction: ApiPerson, mayor: ApiPerson
    ) -> None:
        folder_id = await finances.submitted("letters")
        await note(direction, folder_id, "private")
        assert await seen(finances, folder_id) == []
        await direction.act(folder_id, "reject", step="visa", reason="À revoir")
        assert await seen(finances, folder_id) == ["private"]
        await finances.act(folder_id, "resubmit")
        await approve(direction, folder_id)
        assert await seen(mayor, folder_id) == []

    async def test_a_private_note_is_for_the_desk_to_which_the_step_is_transferred(
        self, finances: ApiPerson, direction: ApiPerson, mayor: ApiPerson
    ) -> None:
        folder_id = await finances.submitted("letters")
        await note(direction, folder_id, "private")
        transfer = {"to_desk_id": finances.desk, "reason": "De votre ressort"}
        await direction.act(folder_id, "transfer", step="visa", **transfer)
        assert await seen(finances, folder_id) == ["private"]
        await approve(finances, folder_id)
        assert await seen(mayor, folder_id) == []

    async def test_a_private_note_is_for_whoever_takes_the_folder_back(
        self, finances: ApiPerson, direction: ApiPerson, mayor: ApiPerson
    ) -> None:
        folder_id = await finances.submitted("letters")
        await approve(direction, folder_id)
        await note(mayor, folder_id, "private")
        await direction.act(folder_id, "retract", step="visa")
        assert await seen(direction, folder_id) == ["private"]

    async def test_a_private_note_of_a_draft_is_for_the_first_desk(
        self, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        folder_id = await finances.deposited("letters")
        await note(finances, folder_id, "private")
        await finances.submit(folder_id)
        assert await seen(direction, folder_id) == ["private"]

    async def test_a_page_note_stands_on_a_page_that_exists(
        self, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        folder_id = await finances.submitted("letters")
        other = await finances.submitted("letters")
        document = (await finances.read(folder_id))["documents"][0]["id"]
        foreign = (await finances.read(other))["documents"][0]["id"]
        place = {"document_id": document, "page": 1, "x": 500, "y": 0}
        made = await note(direction, folder_id, "page", **place)
        assert (made.status_code, made.json()["page"], made.json()["x"]) == (201, 1, 500)
        for wrong, refusal in (
            ({"page": 9_999}, (422, "no_such_page")),
            ({"document_id": foreign}, (404, "not_found")),
            ({"x": 1_001}, (422, "invalid_request")),
        ):
            assert said(await note(direction, folder_id, "page", **{**place, **wrong})) == refusal

    async def test_threat_34_only_those_of_a_desk_that_takes_part_write(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        person_of: PersonOf,
        other_town: Town,
    ) -> None:
        folder_id = await finances.submitted("letters")
        elsewhere = await note(direction, folder_id, "public", desk_id=finances.desk)
        assert said(elsewhere) == (403, "note_not_yours")
        await add_person(context, town, "passant", Role.WORKFLOW_ADMIN)
        for stranger in (await person_of(town, "passant"), await person_of(other_town, "maire")):
            body = {"kind": "public", "desk_id": direction.desk, "text": "Non"}
            refused = await stranger.client.post(f"/folders/{folder_id}/notes", json=body)
            assert refused.status_code == 404
            assert (await stranger.client.get(f"/folders/{folder_id}/notes")).status_code == 404

    async def test_threat_36_a_private_note_is_not_for_a_delegate_whose_scope_leaves_the_folder_out(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        administrator: ApiPerson,
        person_of: PersonOf,
    ) -> None:
        for key, scope in (("flux", "flows"), ("courrier", "letters")):
            await add_person(context, town, key)
            subtypes = [str(town.subtypes[scope])]
            await give(administrator, "maire", key, subtype_ids=subtypes)
        folder_id = await finances.submitted("letters")
        await note(direction, folder_id, "private")
        await approve(direction, folder_id)
        assert await seen(await person_of(town, "flux"), folder_id) == []
        assert await seen(await person_of(town, "courrier"), folder_id) == ["private"]

    async def test_who_stood_back_from_the_folder_writes_none(
        self, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        folder_id = await finances.submitted("letters")
        await direction.act(folder_id, "recuse", reason="Un proche est concerné.")
        for kind in ("public", "private"):
            assert said(await note(direction, folder_id, kind)) == (403, "person_recused")

    async def test_the_journal_has_the_text_of_a_public_note_and_the_length_of_a_private_one(
        self, finances: ApiPerson, direction: ApiPerson, administrator: ApiPerson
    ) -> None:
        folder_id = await finances.submitted("letters")
        await note(direction, folder_id, "public", text="Lu et relu.")
        await note(direction, folder_id, "private", text="Pour vous seul.")
        exported = (await administrator.client.get("/journal")).text
        assert "Lu et relu." in exported
        assert "Pour vous seul." not in exported
        lines = [json.loads(line) for line in exported.splitlines()]
        (private,) = (
            one["entry"]["details"]
            for one in lines
            if one.get("entry", {}).get("details", {}).get("note_kind") == "private"
        )
        assert private["characters"] == len("Pour vous seul.")

    async def test_an_ended_folder_takes_no_more(self, finances: ApiPerson) -> None:
        folder_id = await finances.create("letters")
        await finances.act(folder_id, "cancel")
        assert said(await note(finances, folder_id, "public")) == (409, "folder_final")
