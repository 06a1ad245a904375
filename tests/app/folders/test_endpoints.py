"""What people do to folders, and what they may see of them."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from app.context import Context
from app.demo.acts import deliberation
from app.demo.town import Town
from tests.app.conftest import PersonOf
from tests.builders.catalog import visa
from tests.builders.people import ApiPerson, approve, approved
from tests.builders.subtypes import add_subtype, desk_of
from tests.builders.towns import DrivenClock
from tests.builders.traces import journal_kinds


async def count_of(context: Context, town: Town, query: str, **values: object) -> int:
    async with context.unit(town.tenant_id) as session:
        return int(await session.scalar(text(query), values) or 0)


class TestApprove:
    async def test_passes_the_turn_to_the_next_desk(
        self, finances: ApiPerson, direction: ApiPerson, mayor: ApiPerson
    ) -> None:
        folder_id = await approved(finances, direction)
        folder = await mayor.read(folder_id)
        assert folder["waiting_desk_ids"] == [mayor.desk]
        assert [one["state"] for one in folder["steps"]] == ["done", "current", "waiting"]

    async def test_again_is_a_conflict(self, finances: ApiPerson, direction: ApiPerson) -> None:
        folder_id = await approved(finances, direction)
        again = await direction.act(folder_id, "approve", step="visa")
        assert (again.status_code, again.json()["code"]) == (409, "step_already_passed")

    async def test_is_refused_before_the_submission(
        self, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        folder_id = await finances.deposited()
        refused = await finances.act(folder_id, "approve", step="visa")
        assert refused.status_code in (409, 422)
        assert (await direction.client.get(f"/folders/{folder_id}")).status_code == 404

    async def test_at_the_desk_of_another_is_forbidden(
        self, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        folder_id = await finances.submitted()
        refused = await finances.act(folder_id, "approve", step="visa", desk_id=direction.desk)
        assert (refused.status_code, refused.json()["code"]) == (403, "no_power")

    async def test_through_a_desk_that_is_not_of_the_step_is_forbidden(
        self, finances: ApiPerson
    ) -> None:
        folder_id = await finances.submitted()
        refused = await finances.act(folder_id, "approve", step="visa")
        assert (refused.status_code, refused.json()["code"]) == (403, "desk_not_concerned")

    async def test_of_a_signature_step_is_not_a_signature(
        self, finances: ApiPerson, direction: ApiPerson, mayor: ApiPerson
    ) -> None:
        folder_id = await approved(finances, direction)
        refused = await mayor.act(folder_id, "approve", step="signature")
        assert (refused.status_code, refused.json()["code"]) == (409, "wrong_step_kind")

    async def test_of_an_unknown_step_is_refused(
        self, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        refused = await direction.act(await finances.submitted(), "approve", step="inconnue")
        assert (refused.status_code, refused.json()["code"]) == (422, "unknown_step")

    async def test_names_its_actor_in_the_history(
        self, finances: ApiPerson, direction: ApiPerson, town: Town
    ) -> None:
        folder_id = await approved(finances, direction)
        (line,) = [one for one in await finances.history(folder_id) if one["kind"] == "approved"]
        assert line["actor_id"] == str(town.users["direction"])
        assert line["power"] == "holder"


class TestReject:
    async def test_sends_the_folder_back_with_its_reason(
        self, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        folder_id = await finances.submitted()
        answer = await direction.act(folder_id, "reject", step="visa", reason="Montant faux")
        assert (answer.status_code, answer.json()["status"]) == (200, "rejected")
        assert (await finances.history(folder_id))[-1]["payload"]["reason"] == "Montant faux"

    @pytest.mark.parametrize("reason", ["", "   "])
    async def test_without_reason_is_refused(
        self, finances: ApiPerson, direction: ApiPerson, reason: str
    ) -> None:
        folder_id = await finances.submitted()
        refused = await direction.act(folder_id, "reject", step="visa", reason=reason)
        assert (refused.status_code, refused.json()["code"]) == (422, "reason_missing")

    async def test_keeps_its_reason_out_of_the_chained_entry(
        self, context: Context, town: Town, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        folder_id = await finances.submitted()
        await direction.act(folder_id, "reject", step="visa", reason="Le motif en clair")
        chained = "SELECT count(*) FROM audit_events WHERE entry LIKE '%motif en clair%'"
        beside = "SELECT count(*) FROM audit_values WHERE value = 'Le motif en clair'"
        assert await count_of(context, town, chained) == 0
        assert await count_of(context, town, beside) == 1

    async def test_is_followed_by_a_new_round(
        self, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        folder_id = await finances.submitted()
        await direction.act(folder_id, "reject", step="visa", reason="À revoir")
        resubmitted = await finances.act(folder_id, "resubmit")
        assert resubmitted.status_code == 200
        assert resubmitted.json()["waiting_desk_ids"] == [direction.desk]


class TestRetract:
    async def test_takes_a_visa_back_until_the_next_person_acts(
        self, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        folder_id = await approved(finances, direction)
        answer = await direction.act(folder_id, "retract", step="visa")
        assert answer.json()["waiting_desk_ids"] == [direction.desk]

    async def test_comes_too_late_after_the_next_person(
        self, finances: ApiPerson, direction: ApiPerson, mayor: ApiPerson
    ) -> None:
        folder_id = await approved(finances, direction)
        await mayor.act(folder_id, "reject", step="signature", reason="Non")
        refused = await direction.act(folder_id, "retract", step="visa")
        assert refused.status_code == 409

    async def test_takes_a_submission_back(self, finances: ApiPerson) -> None:
        folder_id = await finances.submitted()
        answer = await finances.act(folder_id, "retract")
        assert (answer.status_code, answer.json()["status"]) == (200, "draft")

    async def test_of_somebody_else_s_visa_is_forbidden(
        self, finances: ApiPerson, direction: ApiPerson, mayor: ApiPerson
    ) -> None:
        folder_id = await approved(finances, direction)
        refused = await mayor.act(folder_id, "retract", step="visa")
        assert (refused.status_code, refused.json()["code"]) == (403, "not_your_act")


class TestCancel:
    async def test_ends_a_draft_for_good(self, finances: ApiPerson) -> None:
        folder_id = await finances.deposited()
        assert (await finances.act(folder_id, "cancel")).json()["status"] == "cancelled"
        refused = await finances.submit(folder_id)
        assert (refused.status_code, refused.json()["code"]) == (409, "folder_final")

    async def test_of_a_folder_in_its_circuit_is_a_conflict(self, finances: ApiPerson) -> None:
        refused = await finances.act(await finances.submitted(), "cancel")
        assert (refused.status_code, refused.json()["code"]) == (409, "not_cancellable")


class TestSubmit:
    async def test_without_document_is_refused(self, finances: ApiPerson) -> None:
        refused = await finances.submit(await finances.create())
        assert (refused.status_code, refused.json()["code"]) == (422, "no_main_document")

    async def test_again_is_a_conflict(self, finances: ApiPerson) -> None:
        refused = await finances.submit(await finances.submitted())
        assert refused.status_code == 409

    async def test_freezes_the_documents(self, finances: ApiPerson) -> None:
        folder_id = await finances.submitted()
        refused = await finances.upload(folder_id, deliberation(), role="annex")
        assert (refused.status_code, refused.json()["code"]) == (409, "documents_frozen")

    async def test_pins_the_version_in_force(
        self, finances: ApiPerson, direction: ApiPerson, administrator: ApiPerson
    ) -> None:
        folder_id = await finances.submitted("letters")
        before = (await finances.read(folder_id))["steps"]
        workflows = (await administrator.client.get("/workflows")).json()
        (used,) = [one for one in workflows if one["name"] == "Visa, signature"]
        steps = used["versions"][0]["steps"]
        added = [{**steps[0], "id": "second", "name": "Second visa"}, *steps]
        path = f"/workflows/{used['id']}/versions"
        assert (await administrator.client.post(path, json={"steps": added})).is_success
        assert (await administrator.client.post(f"{path}/2/activate")).is_success
        assert (await finances.read(folder_id))["steps"] == before
        await approve(direction, folder_id)
        assert len((await finances.read(await finances.submitted("letters")))["steps"]) == 3


class TestRaces:
    async def test_threat_38_fifty_identical_calls_give_one_transition(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        scaled: Callable[[int, int], int],
    ) -> None:
        for _ in range(scaled(200, 2)):
            folder_id = await finances.submitted()
            answers = await asyncio.gather(
                *(direction.act(folder_id, "approve", step="visa") for _ in range(50))
            )
            statuses = Counter(one.status_code for one in answers)
            assert statuses == {200: 1, 409: 49}
            journaled = (
                "SELECT count(*) FROM audit_events WHERE folder_id = :id "
                "AND kind = 'folder.approved'"
            )
            happened = (
                "SELECT count(*) FROM folder_events WHERE folder_id = :id AND kind = 'approved'"
            )
            assert await count_of(context, town, journaled, id=folder_id) == 1
            assert await count_of(context, town, happened, id=folder_id) == 1

    async def test_threat_38_approval_and_rejection_together_give_one_outcome(
        self, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        folder_id = await finances.submitted()
        answers = await asyncio.gather(
            *(direction.act(folder_id, "approve", step="visa") for _ in range(5)),
            *(direction.act(folder_id, "reject", step="visa", reason="Non") for _ in range(5)),
        )
        assert Counter(one.status_code for one in answers) == {200: 1, 409: 9}

    async def test_threat_38_every_event_has_its_entry_in_the_journal(
        self, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        folder_id = await approved(finances, direction)
        await direction.act(folder_id, "retract", step="visa")
        await direction.act(folder_id, "reject", step="visa", reason="Non")
        events = Counter(f"folder.{one['kind']}" for one in await finances.history(folder_id))
        kinds = await journal_kinds(finances, folder_id)
        assert Counter(one for one in kinds if one.startswith("folder.")) == events

    async def test_threat_39_the_same_key_gives_the_same_answer_once(
        self, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        folder_id = await finances.submitted()
        body = {"action": "approve", "desk_id": direction.desk, "step": "visa"}
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        path = f"/folders/{folder_id}/actions"
        first = await direction.client.post(path, json=body, headers=headers)
        second = await direction.client.post(path, json=body, headers=headers)
        assert (second.status_code, second.json()) == (200, first.json())
        assert second.headers["Idempotency-Replayed"] == "true"

    async def test_threat_39_the_same_key_with_another_body_is_refused(
        self, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        folder_id = await finances.submitted()
        body = {"action": "approve", "desk_id": direction.desk, "step": "visa"}
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        path = f"/folders/{folder_id}/actions"
        await direction.client.post(path, json=body, headers=headers)
        other = {"action": "retract", "desk_id": direction.desk, "step": "visa"}
        refused = await direction.client.post(path, json=other, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")

    async def test_threat_39_concurrent_twins_act_once(
        self, context: Context, town: Town, finances: ApiPerson
    ) -> None:
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        body = finances.draft("letters")
        answers = await asyncio.gather(
            *(finances.client.post("/folders", json=body, headers=headers) for _ in range(20))
        )
        assert {one.status_code for one in answers} <= {201, 409}
        assert len({one.json().get("id") for one in answers if one.status_code == 201}) == 1
        assert await count_of(context, town, "SELECT count(*) FROM folders") == 1

    async def test_threat_39_a_refused_call_leaves_its_key_free(
        self, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        folder_id = await finances.submitted()
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        body = {"action": "approve", "desk_id": direction.desk, "step": "inconnue"}
        path = f"/folders/{folder_id}/actions"
        for _ in range(2):
            refused = await direction.client.post(path, json=body, headers=headers)
            assert refused.json()["code"] == "unknown_step"

    async def test_threat_39_two_persons_may_use_the_same_key(
        self, finances: ApiPerson, mayor: ApiPerson
    ) -> None:
        headers = {"Idempotency-Key": "1"}
        for person in (finances, mayor):
            answer = await person.client.post(
                "/folders", json=person.draft("letters"), headers=headers
            )
            assert answer.status_code == 201


class TestList:
    async def test_pages_never_repeat_nor_skip_a_folder(
        self, finances: ApiPerson, clock: DrivenClock
    ) -> None:
        made = []
        for n in range(7):
            clock.now += timedelta(seconds=n % 3 == 0)
            made.append(await finances.create("letters"))
        seen, cursor = [], None
        while True:
            params = {"size": 2} | ({"cursor": cursor} if cursor else {})
            page = (await finances.client.get("/folders", params=params)).json()
            seen += [one["id"] for one in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert sorted(seen) == sorted(made)
        assert len(seen) == len(made)

    async def test_a_folder_made_meanwhile_does_not_move_the_next_page(
        self, finances: ApiPerson, clock: DrivenClock
    ) -> None:
        made = []
        for _ in range(4):
            clock.advance(seconds=1)
            made.append(await finances.create("letters"))
        first = (await finances.client.get("/folders", params={"size": 2})).json()
        clock.advance(seconds=1)
        await finances.create("letters")
        second = await finances.client.get("/folders", params={"cursor": first["next_cursor"]})
        assert [one["id"] for one in second.json()["items"]] == [made[1], made[0]]

    @pytest.mark.parametrize("cursor", ["x", "Zm9v", "", "MjAyNi0wMS0wMXx4", "é"])
    async def test_a_cursor_that_we_did_not_make_is_refused(
        self, finances: ApiPerson, cursor: str
    ) -> None:
        refused = await finances.client.get("/folders", params={"cursor": cursor})
        assert (refused.status_code, refused.json()["code"]) == (422, "bad_cursor")

    async def test_waiting_holds_only_what_one_s_own_desk_must_do(
        self, finances: ApiPerson, direction: ApiPerson, mayor: ApiPerson
    ) -> None:
        for_visa, for_signature = (
            await finances.submitted(),
            await approved(finances, direction),
        )
        lists = [
            [
                one["id"]
                for one in (await person.client.get("/folders", params={"waiting": True})).json()[
                    "items"
                ]
            ]
            for person in (finances, direction, mayor)
        ]
        assert lists == [[], [for_visa], [for_signature]]

    async def test_may_be_narrowed_to_a_status(self, finances: ApiPerson) -> None:
        draft = await finances.create()
        await finances.submitted()
        found = (await finances.client.get("/folders", params={"status": "draft"})).json()
        assert [one["id"] for one in found["items"]] == [draft]

    async def test_holds_nothing_of_another_desk_nor_of_another_town(
        self,
        finances: ApiPerson,
        mayor: ApiPerson,
        other_town: Town,
        person_of: PersonOf,
    ) -> None:
        await finances.create()
        stranger = await person_of(other_town, "administrateur")
        assert (await mayor.client.get("/folders")).json()["items"] == []
        assert (await stranger.client.get("/folders")).json()["items"] == []

    async def test_of_the_administrator_holds_every_folder_of_his_town(
        self, finances: ApiPerson, administrator: ApiPerson
    ) -> None:
        folder_id = await finances.create()
        found = (await administrator.client.get("/folders")).json()
        assert [one["id"] for one in found["items"]] == [folder_id]


class TestRead:
    async def test_another_desk_does_not_find_it(
        self, finances: ApiPerson, mayor: ApiPerson
    ) -> None:
        folder_id = await finances.deposited()
        for path in ("", "/history"):
            answer = await mayor.client.get(f"/folders/{folder_id}{path}")
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")

    async def test_says_what_the_reader_may_do_now(
        self, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        folder_id = await finances.submitted()
        offered = [one["action"] for one in (await direction.read(folder_id))["allowed_actions"]]
        assert offered[:2] == ["approve", "reject"]
        own = [one["action"] for one in (await finances.read(folder_id))["allowed_actions"]]
        assert own == ["retract", "read"]

    async def test_offers_a_signature_only_to_who_holds_a_fit_certificate(
        self, finances: ApiPerson, direction: ApiPerson, mayor: ApiPerson, clock: DrivenClock
    ) -> None:
        folder_id = await approved(finances, direction)
        offered = [one["action"] for one in (await mayor.read(folder_id))["allowed_actions"]]
        assert "sign" in offered

    async def test_names_the_desk_that_receives_it_at_the_end(
        self, context: Context, town: Town, finances: ApiPerson, mayor: ApiPerson
    ) -> None:
        await add_subtype(
            context, town, visa(town), workflow={"final_desk": desk_of(town, "maire")}
        )
        folder_id = await finances.deposited("essai")
        assert (await finances.read(folder_id))["final_desk_id"] is None
        sent = await finances.submit(folder_id)
        assert sent.json()["final_desk_id"] == mayor.desk

    async def test_history_tells_the_whole_life_in_order(
        self, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        history = await finances.history(await approved(finances, direction))
        assert [one["seq"] for one in history] == list(range(1, len(history) + 1))
        assert [one["kind"] for one in history] == [
            "created",
            "submitted",
            "step_started",
            "approved",
            "step_started",
        ]


class TestContent:
    async def test_threat_18_is_always_an_attachment_that_no_browser_interprets(
        self, finances: ApiPerson
    ) -> None:
        folder_id = await finances.deposited()
        (revision,) = (await finances.read(folder_id))["documents"][0]["revisions"]
        answer = await finances.client.get(
            f"/folders/{folder_id}/revisions/{revision['id']}/content"
        )
        assert answer.content == deliberation()
        assert answer.headers["Content-Type"] == "application/pdf"
        assert answer.headers["Content-Disposition"].startswith("attachment;")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert answer.headers["ETag"] == f'"{revision["sha256"]}"'

    async def test_threat_31_a_name_with_line_breaks_adds_no_header(
        self, finances: ApiPerson
    ) -> None:
        folder_id = await finances.create()
        await finances.client.post(
            f"/folders/{folder_id}/documents",
            params={"name": 'a"\r\nSet-Cookie: vol=1'},
            content=deliberation(),
            headers={"Content-Type": "application/pdf"},
        )
        (revision,) = (await finances.read(folder_id))["documents"][0]["revisions"]
        answer = await finances.client.get(
            f"/folders/{folder_id}/revisions/{revision['id']}/content"
        )
        assert answer.status_code == 200
        assert "Set-Cookie" not in answer.headers

    async def test_of_a_revision_of_another_folder_is_not_found(self, finances: ApiPerson) -> None:
        one, other = await finances.deposited(), await finances.deposited()
        (revision,) = (await finances.read(other))["documents"][0]["revisions"]
        answer = await finances.client.get(f"/folders/{one}/revisions/{revision['id']}/content")
        assert answer.status_code == 404

    async def test_of_somebody_else_s_folder_is_not_found(
        self, finances: ApiPerson, mayor: ApiPerson
    ) -> None:
        folder_id = await finances.deposited()
        (revision,) = (await finances.read(folder_id))["documents"][0]["revisions"]
        answer = await mayor.client.get(f"/folders/{folder_id}/revisions/{revision['id']}/content")
        assert answer.status_code == 404
