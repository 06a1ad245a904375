"""Every act of people over HTTP, beside approving, rejecting and retracting."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any
from zoneinfo import ZoneInfo

import httpx2
import pytest
from sqlalchemy import select

from app.auth.principal import Permission, Role
from app.context import Context
from app.db.session import make_engine, make_sessions
from app.demo.acts import Act, deliberation
from app.demo.town import Town
from app.models import AuditEvent, InboxEntry
from tests.app.conftest import ORIGIN, Client, Database, PersonOf
from tests.builders.administration import said
from tests.builders.applications import application
from tests.builders.catalog import visa
from tests.builders.damages import unreadable_event
from tests.builders.people import ApiPerson, approve, approved
from tests.builders.principals import add_person, bearer, make_token, session_headers
from tests.builders.subtypes import add_subtype, desk_of, step
from tests.builders.towns import DrivenClock


async def entries(context: Context, town: Town, kind: str) -> list[dict[str, Any]]:
    """What the journal says of that kind, oldest first."""
    async with context.unit(town.tenant_id) as session:
        rows = await session.scalars(
            select(AuditEvent).where(AuditEvent.kind == kind).order_by(AuditEvent.seq)
        )
        return [json.loads(row.entry) for row in rows]


class TestSeveralDesks:
    async def test_all_of_two_desks_waits_for_the_second(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        mayor: ApiPerson,
    ) -> None:
        await add_subtype(context, town, visa(town, "direction", "maire", mode="all_of"))
        folder_id = await finances.submitted("essai")
        after = (await direction.act(folder_id, "approve", step="visa")).json()
        assert after["waiting_desk_ids"] == [mayor.desk]
        assert said(await direction.act(folder_id, "approve", step="visa"))[0] == 409
        assert (await mayor.act(folder_id, "approve", step="visa")).json()["status"] == "completed"

    async def test_a_transfer_moves_the_turn_and_says_so(
        self, finances: ApiPerson, direction: ApiPerson, mayor: ApiPerson
    ) -> None:
        folder_id = await finances.submitted("letters")
        moved = await direction.act(
            folder_id, "transfer", step="visa", to_desk_id=mayor.desk, reason="Absente demain"
        )
        assert moved.json()["waiting_desk_ids"] == [mayor.desk]
        assert said(await direction.act(folder_id, "approve", step="visa"))[0] == 403
        await approve(mayor, folder_id)
        (line,) = [one for one in await finances.history(folder_id) if one["kind"] == "transferred"]
        assert line["payload"]["reason"] == "Absente demain"

    async def test_an_opinion_is_asked_and_given_while_the_step_stays(
        self, finances: ApiPerson, direction: ApiPerson, mayor: ApiPerson
    ) -> None:
        folder_id = await finances.submitted("letters")
        asked = await direction.act(
            folder_id, "ask_opinion", step="visa", of_desk_id=finances.desk, question="Budget ?"
        )
        assert set(asked.json()["waiting_desk_ids"]) == {direction.desk, finances.desk}
        given = await finances.act(folder_id, "give_opinion", step="visa", answer="Il reste 3 000")
        assert given.json()["waiting_desk_ids"] == [direction.desk]
        assert given.json()["opinions"][0]["answer"] == "Il reste 3 000"
        again = await finances.act(folder_id, "give_opinion", step="visa", answer="Encore")
        assert said(again) == (409, "no_opinion_asked")
        await approve(direction, folder_id)


class TestAddStep:
    async def test_comes_right_after_where_the_step_allows_it(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        mayor: ApiPerson,
    ) -> None:
        await add_subtype(context, town, visa(town, may_add_steps=True))
        folder_id = await finances.submitted("essai")
        added = {"step": "visa", "id": "relecture", "kind": "approval", "name": "Relecture"}
        answer = await direction.act(folder_id, "add_step", **added, desk_ids=[mayor.desk])
        assert [one["id"] for one in answer.json()["steps"]] == ["visa", "relecture"]
        await approve(direction, folder_id)
        after = await mayor.act(folder_id, "approve", step="relecture")
        assert after.json()["status"] == "completed"

    async def test_is_refused_elsewhere(self, finances: ApiPerson, direction: ApiPerson) -> None:
        folder_id = await finances.submitted("letters")
        added = {"step": "visa", "id": "relecture", "kind": "approval", "name": "Relecture"}
        refused = await direction.act(folder_id, "add_step", **added, desk_ids=[direction.desk])
        assert said(refused) == (422, "step_not_addable")


class TestRecuse:
    async def test_a_person_who_stood_back_acts_no_more_and_is_no_longer_asked(
        self, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        folder_id = await finances.submitted("letters")
        stood = await direction.act(folder_id, "recuse", reason="Un proche est concerné")
        assert stood.status_code == 200
        offered = {one["action"] for one in stood.json()["allowed_actions"]}
        assert offered.isdisjoint({"approve", "reject", "recuse"})
        refused = await direction.act(folder_id, "approve", step="visa")
        assert said(refused) == (403, "person_recused")
        to_do = (await direction.client.get("/inbox/to_do")).json()["items"]
        assert to_do == []


class TestAdministrator:
    async def test_skips_an_approval_with_a_reason_without_seeing_the_documents(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        mayor: ApiPerson,
        direction: ApiPerson,
        person_of: PersonOf,
    ) -> None:
        await add_person(context, town, "workflow_admin", Role.WORKFLOW_ADMIN)
        workflow_admin = await person_of(town, "workflow_admin")
        folder_id = await finances.submitted("letters")
        skip = {"step": "visa", "desk_id": direction.desk}
        blank = await workflow_admin.act(folder_id, "skip_step", **skip, reason=" ")
        assert said(blank) == (422, "reason_missing")
        passed = await workflow_admin.act(folder_id, "skip_step", **skip, reason="Poste vacant")
        assert passed.json()["waiting_desk_ids"] == [mayor.desk]
        assert (passed.json()["documents"], passed.json()["metadata"]) == ([], {})
        whole = await finances.read(folder_id)
        revision_id = whole["documents"][0]["revisions"][0]["id"]
        path = f"/folders/{folder_id}/revisions/{revision_id}/content"
        assert (await workflow_admin.client.get(path)).status_code == 404
        (entry,) = await entries(context, town, "folder.step_skipped")
        assert entry["actor"]["id"] == str(town.users["workflow_admin"])
        assert entry["power"] == "administrator"

    async def test_never_skips_a_signature(
        self,
        finances: ApiPerson,
        direction: ApiPerson,
        mayor: ApiPerson,
        administrator: ApiPerson,
    ) -> None:
        folder_id = await approved(finances, direction, "letters")
        skip = {"step": "signature", "desk_id": mayor.desk, "reason": "Pressé"}
        refused = await administrator.act(folder_id, "skip_step", **skip)
        assert said(refused) == (422, "step_not_skippable")

    async def test_of_listed_desks_does_not_meet_the_folders_of_others(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        person_of: PersonOf,
    ) -> None:
        await add_person(context, town, "bureaux", Role.DESK_ADMIN)
        nobody = await person_of(town, "bureaux")
        folder_id = await finances.submitted("letters")
        skip = {"step": "visa", "desk_id": direction.desk, "reason": "Poste vacant"}
        assert (await nobody.act(folder_id, "skip_step", **skip)).status_code == 404


class TestOutside:
    @pytest.fixture
    async def waiting(self, context: Context, town: Town, finances: ApiPerson) -> str:
        """A folder whose step waits for the outside."""
        first = step(town, "reponse", "external")
        await add_subtype(context, town, first, visa(town))
        return await finances.submitted("essai")

    async def test_changelog_row_9_a_stuck_step_is_forced_by_an_administrator_with_a_reason(
        self,
        context: Context,
        town: Town,
        waiting: str,
        finances: ApiPerson,
        direction: ApiPerson,
        administrator: ApiPerson,
    ) -> None:
        assert (await finances.read(waiting))["status"] == "awaiting_outside"
        force = {"step": "reponse", "desk_id": direction.desk, "reason": "Sans réponse"}
        refused = await direction.act(waiting, "force_step", **force)
        assert refused.status_code in (403, 404)
        forced = await administrator.act(waiting, "force_step", **force)
        assert forced.json()["waiting_desk_ids"] == [direction.desk]
        (entry,) = await entries(context, town, "folder.step_forced")
        assert entry["actor"]["id"] == str(town.users["administrateur"])

    @pytest.mark.parametrize(("accepted", "status"), [(True, "pending"), (False, "remote_refused")])
    async def test_a_program_with_the_verb_records_the_answer(
        self,
        context: Context,
        town: Town,
        anonymous: Client,
        waiting: str,
        accepted: bool,
        status: str,
    ) -> None:
        bearers = [
            bearer((await make_token(context, town, Permission.FOLDER_READ, *verbs))[1])
            for verbs in ((), (Permission.OUTSIDE_ANSWER,))
        ]
        body = {"step": "reponse", "accepted": accepted, "reference": "R-1", "reason": "Vu"}
        path = f"/folders/{waiting}/outside-answer"
        refused = await anonymous.post(path, json=body, headers=bearers[0])
        assert refused.status_code == 403
        answer = await anonymous.post(path, json=body, headers=bearers[1])
        assert (answer.status_code, answer.json()["status"]) == (200, status)
        (entry,) = await entries(context, town, "folder.outside_answered")
        assert entry["actor"]["kind"] == "program"


class TestOnPaper:
    async def test_a_paper_signature_passes_the_step_without_certificate(
        self, context: Context, town: Town, finances: ApiPerson, mayor: ApiPerson
    ) -> None:
        signature = step(town, "signature", "signature", "maire")
        await add_subtype(context, town, signature, paper_signature=True)
        folder_id = await finances.submitted("essai")
        day = str(context.clock().astimezone(ZoneInfo("Europe/Paris")).date())
        answer = await mayor.act(folder_id, "sign_on_paper", step="signature", signed_on=day)
        assert answer.json()["status"] == "completed"
        assert answer.json()["steps"][0]["acts"][0]["kind"] == "sign_on_paper"

    async def test_is_refused_where_the_subtype_does_not_allow_it(
        self, finances: ApiPerson, direction: ApiPerson, mayor: ApiPerson
    ) -> None:
        folder_id = await approved(finances, direction, "letters")
        refused = await mayor.act(
            folder_id, "sign_on_paper", step="signature", signed_on="2026-01-15"
        )
        assert said(refused) == (422, "paper_refused")


class TestWaysBack:
    async def test_a_refusal_returns_to_an_earlier_step(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        mayor: ApiPerson,
    ) -> None:
        second = step(town, "second", "approval", "maire", may_return=True)
        await add_subtype(context, town, visa(town), second)
        folder_id = await finances.submitted("essai")
        await approve(direction, folder_id)
        back = {"step": "second", "reason": "À relire", "return_to": "visa"}
        answer = await mayor.act(folder_id, "reject", **back)
        assert answer.json()["waiting_desk_ids"] == [direction.desk]
        assert answer.json()["status"] == "pending"

    @pytest.mark.parametrize(("stands", "waits"), [(True, "maire"), (False, "direction")])
    async def test_approvals_stand_for_unchanged_documents_where_the_subtype_says_so(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        mayor: ApiPerson,
        stands: bool,
        waits: str,
    ) -> None:
        second = step(town, "second", "approval", "maire")
        await add_subtype(context, town, visa(town), second, approvals_stand=stands)
        folder_id = await finances.submitted("essai")
        await approve(direction, folder_id)
        await mayor.act(folder_id, "reject", step="second", reason="Précisez")
        again = await finances.act(folder_id, "resubmit")
        assert again.json()["waiting_desk_ids"] == [str(town.desks[waits])]

    async def test_a_replaced_revision_is_approved_anew_and_the_earlier_one_stays(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        mayor: ApiPerson,
    ) -> None:
        second = step(town, "second", "approval", "maire")
        await add_subtype(context, town, visa(town), second, approvals_stand=True)
        folder_id = await finances.submitted("essai")
        await approve(direction, folder_id)
        await mayor.act(folder_id, "reject", step="second", reason="Une faute")
        (document,) = (await finances.read(folder_id))["documents"]
        replaced = await replace(finances, folder_id, document["id"], deliberation(Act(number="9")))
        assert replaced.status_code == 201
        again = await finances.act(folder_id, "resubmit")
        assert again.json()["waiting_desk_ids"] == [direction.desk]
        (document,) = again.json()["documents"]
        assert [one["number"] for one in document["revisions"]] == [1, 2]

    async def test_changelog_row_8_a_submission_is_retracted_and_documents_change_again(
        self, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        folder_id = await finances.submitted("letters")
        (document,) = (await finances.read(folder_id))["documents"]
        frozen = await replace(finances, folder_id, document["id"], deliberation())
        assert said(frozen) == (409, "documents_frozen")
        await finances.act(folder_id, "retract")
        changed = await replace(finances, folder_id, document["id"], deliberation(Act(number="8")))
        assert changed.status_code == 201
        assert (await finances.submit(folder_id)).json()["waiting_desk_ids"] == [direction.desk]


async def replace(person: ApiPerson, folder_id: str, document_id: str, content: bytes) -> Any:
    """A new revision of a PDF."""
    return await person.client.post(
        f"/folders/{folder_id}/documents/{document_id}/revisions",
        params={"name": "document corrigé"},
        content=content,
        headers={"Content-Type": "application/pdf"},
    )


class TestVariableDesk:
    async def test_is_chosen_at_the_submission_among_those_allowed(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        mayor: ApiPerson,
    ) -> None:
        actor = {"kind": "variable", "choices": [direction.desk]}
        await add_subtype(context, town, step(town, "visa", "approval", actors=[actor]))
        folder_id = await finances.deposited("essai")
        assert said(await finances.submit(folder_id)) == (422, "variable_desk_missing")

        async def submit(desk: str) -> Any:
            return await finances.client.post(
                f"/folders/{folder_id}/submit",
                params={"desk_id": finances.desk},
                json={"chosen_desks": [{"step": "visa", "desk_id": desk}]},
            )

        assert said(await submit(mayor.desk)) == (422, "variable_desk_refused")
        assert (await submit(direction.desk)).json()["waiting_desk_ids"] == [direction.desk]

    async def test_does_not_agree_for_two(
        self, context: Context, town: Town, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        actors = [{"kind": "desk", "desk_id": direction.desk}, {"kind": "variable"}]
        both = step(town, "visa", "approval", actors=actors, mode="all_of")
        await add_subtype(context, town, both)
        folder_id = await finances.deposited("essai")

        async def submit(desk: str) -> Any:
            return await finances.client.post(
                f"/folders/{folder_id}/submit",
                params={"desk_id": finances.desk},
                json={"chosen_desks": [{"step": "visa", "desk_id": desk}]},
            )

        refused = await submit(direction.desk)
        assert said(refused) == (422, "variable_desk_repeated")
        assert "« visa »" in refused.json()["detail"].lower()
        waiting = (await submit(finances.desk)).json()["waiting_desk_ids"]
        assert set(waiting) == {direction.desk, finances.desk}

    async def test_is_given_by_the_rule_table_from_the_metadata(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        mayor: ApiPerson,
        administrator: ApiPerson,
    ) -> None:
        visa = step(town, "visa", "approval", actors=[{"kind": "variable"}])
        field = {"key": "montant", "label": "Montant", "type": "decimal"}
        await add_subtype(context, town, visa, metadata_fields=[field])
        subtype_id = town.subtypes["essai"]
        bound = (await administrator.client.get(f"/folder-subtypes/{subtype_id}")).json()
        workflow_id = bound["workflow_id"]

        def row(desk: str, *conditions: dict[str, Any]) -> dict[str, Any]:
            desks = [{"step": "visa", "desk_id": desk}]
            return {"conditions": list(conditions), "workflow_id": workflow_id, "desks": desks}

        large = {"fact": "montant", "operator": "at_least", "values": ["1000"]}
        table = {"rows": [row(mayor.desk, large), row(direction.desk)]}
        changed = await administrator.client.patch(
            f"/folder-subtypes/{subtype_id}", json={"rule_table": table}
        )
        assert changed.status_code == 200, changed.text
        for amount, desk in (("999.99", direction.desk), ("1000", mayor.desk)):
            folder_id = await finances.deposited("essai")
            path = f"/folders/{folder_id}"
            written = await finances.client.patch(path, json={"metadata": {"montant": amount}})
            assert written.status_code == 200, written.text
            assert (await finances.submit(folder_id)).json()["waiting_desk_ids"] == [desk]


class TestEnd:
    async def test_the_final_desk_archives_the_folder(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        mayor: ApiPerson,
    ) -> None:
        workflow = {"final_desk": desk_of(town, "maire")}
        await add_subtype(
            context, town, visa(town), step(town, "fin", "archive"), workflow=workflow
        )
        folder_id = await finances.submitted("essai")
        await approve(direction, folder_id)
        assert said(await finances.act(folder_id, "archive", step="fin"))[0] == 403
        done = await mayor.act(folder_id, "archive", step="fin")
        assert done.json()["status"] == "completed"

    async def test_due_date_counts_working_days_and_makes_the_folder_late(
        self, context: Context, town: Town, clock: DrivenClock, person_of: PersonOf
    ) -> None:
        clock.now = clock.now.replace(year=2027, month=4, day=30, hour=8)
        finances, direction = [await person_of(town, key) for key in ("finances", "direction")]
        await add_subtype(context, town, visa(town, due_in_days=2))
        folder_id = await finances.submitted("essai")
        # Friday 30 April 2027; Saturday 1 May is a holiday anyway: Tuesday evening is the end.
        due_at = (await direction.read(folder_id))["due_at"]
        assert due_at.startswith("2027-05-04T")

        async def late() -> list[str]:
            listed = (await direction.client.get("/inbox/late")).json()["items"]
            return [one["folder"]["id"] for one in listed]

        assert await late() == []
        clock.now = clock.now.replace(month=5, day=5)
        _, direction = [await person_of(town, key) for key in ("finances", "direction")]
        assert await late() == [folder_id]


class TestTitle:
    @pytest.mark.parametrize(
        ("title", "kept"),
        [
            ("Marché n° 12 : lots 1, 2/3", "Marché n° 12 : lots 1, 2/3"),
            ("Délibération\nde l'été\r\n", "Délibération de l'été"),
            ("Œuvre d’art « à cœur »", "Œuvre d’art « à cœur »"),
        ],
        ids=["punctuation", "newline", "accents"],
    )
    async def test_changelog_row_6_is_kept_as_written_on_one_line(
        self, finances: ApiPerson, title: str, kept: str
    ) -> None:
        folder_id = await finances.create("letters", title=title)
        assert (await finances.read(folder_id))["title"] == kept
        found = (await finances.client.get("/search", params={"text": kept})).json()["items"]
        assert [one["id"] for one in found] == [folder_id]


class TestBulk:
    async def test_threat_38_changelog_row_4_each_folder_has_its_own_outcome(
        self, context: Context, town: Town, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        field = {"key": "note", "label": "Note", "type": "integer"}
        await add_subtype(
            context,
            town,
            visa(town, required_to_pass=["note"]),
            mandatory_reading=True,
            metadata_fields=[field],
        )
        ready, unread, unfilled = [await finances.submitted("essai") for _ in range(3)]
        plain = await finances.submitted("letters")
        for one in (ready, unread):
            await direction.client.patch(f"/folders/{one}", json={"metadata": {"note": 0}})
        for one in (ready, unfilled):
            await open_first(direction, one)
        act = {"action": "approve", "desk_id": direction.desk, "step": "visa"}
        unknown = str(uuid.uuid4())
        items = [
            {"folder_id": one, "act": act} for one in (ready, unread, unfilled, unknown, plain)
        ]
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        answer = await direction.client.post(
            "/folder-actions", json={"items": items}, headers=headers
        )
        outcomes = answer.json()["outcomes"]
        assert [(one["done"], one["code"]) for one in outcomes] == [
            (True, None),
            (False, "reading_missing"),
            (False, "metadata_missing"),
            (False, "not_found"),
            (True, None),
        ]
        again = await direction.client.post(
            "/folder-actions", json={"items": items}, headers=headers
        )
        assert again.json() == answer.json()

    async def test_one_that_others_hold_too_long_holds_no_other_back(
        self, context: Context, hurried: Context, town: Town, finances: ApiPerson, mayor: ApiPerson
    ) -> None:
        first, held, last = [await finances.submitted("letters") for _ in range(3)]
        desk = str(town.desks["direction"])
        act = {"action": "approve", "desk_id": desk, "step": "visa"}
        asked = {"items": [{"folder_id": one, "act": act} for one in (first, held, last)]}
        headers = await session_headers(context, town, "direction")
        headers["Idempotency-Key"] = str(uuid.uuid4())
        async with served(hurried) as client, holding_entries(context, town, held):
            answer = await client.post("/folder-actions", json=asked, headers=headers)
            again = await client.post("/folder-actions", json=asked, headers=headers)
        assert [(one["done"], one["code"]) for one in answer.json()["outcomes"]] == [
            (True, None),
            (False, "busy_try_again"),
            (True, None),
        ]
        assert again.json() == answer.json()
        assert [(await finances.read(one))["waiting_desk_ids"] for one in (first, held, last)] == [
            [mayor.desk],
            [desk],
            [mayor.desk],
        ]

    async def test_one_that_cannot_be_read_holds_no_other_back(
        self, context: Context, town: Town, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        damaged, sound = [await finances.submitted("letters") for _ in range(2)]
        async with context.unit(town.tenant_id) as session:
            session.add(unreadable_event(town, damaged))
        act = {"action": "approve", "desk_id": direction.desk, "step": "visa"}
        items = [{"folder_id": one, "act": act} for one in (damaged, sound)]
        answer = await direction.client.post("/folder-actions", json={"items": items})
        outcomes = answer.json()["outcomes"]
        assert [(one["done"], one["code"]) for one in outcomes] == [
            (False, "internal_error"),
            (True, None),
        ]

    async def test_is_bounded(self, direction: ApiPerson) -> None:
        act = {"action": "cancel", "desk_id": direction.desk}
        items = [{"folder_id": str(uuid.uuid4()), "act": act}] * 201
        for wrong in ([], items):
            refused = await direction.client.post("/folder-actions", json={"items": wrong})
            assert refused.status_code == 422


@pytest.fixture
async def hurried(context: Context, database: Database) -> AsyncIterator[Context]:
    """A service whose database ends a statement that waits, soon."""
    engine = make_engine(database.app, statement_timeout_ms=300)
    yield dataclasses.replace(context, engine=engine, sessions=make_sessions(engine))
    await engine.dispose()


def served(context: Context) -> Client:
    """A client of a service with this context."""
    transport = httpx2.ASGITransport(app=application(context))
    return httpx2.AsyncClient(transport=transport, base_url=f"{ORIGIN}/api/v1")


@contextlib.asynccontextmanager
async def holding_entries(context: Context, town: Town, folder_id: str) -> AsyncIterator[None]:
    """Another connection holds the places of this folder, which every act on it writes."""
    async with context.unit(town.tenant_id) as session:
        entries = select(InboxEntry).where(InboxEntry.folder_id == uuid.UUID(folder_id))
        assert (await session.scalars(entries.with_for_update())).all()
        yield


async def open_first(person: ApiPerson, folder_id: str) -> None:
    """Downloads the main document."""
    whole = await person.read(folder_id)
    await person.content(folder_id, whole["documents"][0]["revisions"][-1])
