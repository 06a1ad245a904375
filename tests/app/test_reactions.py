"""What follows an event: who is told, once, and reminded in time."""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from app.catalog.formats import TypeFormat
from app.context import Context
from app.demo.town import Town
from app.models import Certificate, Notification
from app.worker import drain
from tests.app.conftest import PersonOf
from tests.builders.administration import be_away, give, hold, said
from tests.builders.catalog import activate, bound, visa
from tests.builders.pdf import CONTENT, appended, simple_pdf, stream
from tests.builders.people import ApiPerson, approve
from tests.builders.signed_pdf import signed_pdf
from tests.builders.signing_agents import SigningAgent, open_session
from tests.builders.subtypes import add_subtype, add_workflow, desk_of, step
from tests.builders.towns import DrivenClock
from tests.pki.tree import shared_tree


async def told(context: Context, town: Town) -> Counter[tuple[str, str]]:
    """Mails owed so far, once every due job has run: kind and reader."""
    await drain(context)
    keys = {user: key for key, user in town.users.items()}
    async with context.unit(town.tenant_id) as session:
        rows = await session.execute(select(Notification.kind, Notification.user_id))
        return Counter((kind, keys[user]) for kind, user in rows)


@pytest.fixture(scope="module")
def altered() -> list[bytes]:
    """Two PDFs that somebody signed, drawn otherwise since."""
    signed = [signed_pdf(simple_pdf(text), shared_tree().good) for text in (b"Un", b"Deux")]
    drawn = {CONTENT: stream(b"BT /F1 18 Tf 20 100 Td (Faux) Tj ET")}
    return [appended(one, drawn) for one in signed]


class TestReminders:
    async def test_come_after_working_days_to_whoever_still_has_the_step(
        self, context: Context, town: Town, finances: ApiPerson, clock: DrivenClock
    ) -> None:
        await add_subtype(context, town, visa(town, remind_after_days=2))
        await finances.submitted("essai")
        waits = ("reminder", "direction")
        clock.advance(hours=23)
        assert (await told(context, town))[waits] == 0
        clock.advance(days=6)
        assert (await told(context, town))[waits] == 1
        clock.advance(days=6)
        assert (await told(context, town))[waits] == 1

    async def test_do_not_come_once_the_step_is_passed_unless_that_is_taken_back(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        clock: DrivenClock,
        person_of: PersonOf,
    ) -> None:
        await add_subtype(
            context,
            town,
            visa(town, remind_after_days=2),
            step(town, "second", "approval", "maire"),
        )
        folder_id = await finances.submitted("essai")
        await told(context, town)
        await approve(direction, folder_id)
        clock.advance(days=8)
        assert (await told(context, town))["reminder", "direction"] == 0
        back = await person_of(town, "direction")
        for _ in range(2):
            await back.act(folder_id, "retract", step="visa")
            assert (await told(context, town))["reminder", "direction"] == 1
            await approve(back, folder_id)

    @pytest.mark.parametrize(("before", "after"), [(None, 2), (9, 2), (1, 2)])
    async def test_come_once_on_the_day_that_the_other_version_says(
        self,
        context: Context,
        town: Town,
        administrator: ApiPerson,
        finances: ApiPerson,
        clock: DrivenClock,
        before: int | None,
        after: int,
    ) -> None:
        approval = visa(town)
        workflow_id = await add_workflow(context, town, {**approval, "remind_after_days": before})
        town.subtypes["essai"] = uuid.UUID(await bound(administrator, workflow_id))
        await finances.submitted("essai")
        path = f"/workflows/{workflow_id}/versions"
        other = {"steps": [{**approval, "remind_after_days": after}]}
        await administrator.client.post(path, json=other)
        await activate(administrator, workflow_id, 2)
        await administrator.client.post(f"{path}/2/migrations", json={})
        waits, counts = ("reminder", "direction"), []
        # Whatever the hour and the day: two working days take more than one day, and less than six.
        for days in (1, 5, 14):
            clock.advance(days=days)
            counts.append((await told(context, town))[waits])
        assert counts == [0, 1, 1]

    async def test_may_come_years_later_as_may_the_end_of_the_time_allowed(
        self, context: Context, town: Town, finances: ApiPerson, clock: DrivenClock
    ) -> None:
        late = visa(town, due_in_days=1_000)
        await add_subtype(context, town, {**late, "remind_after_days": 1_000})
        folder_id = await finances.submitted("essai")
        assert (await told(context, town))["to_approve", "direction"] == 1
        due = datetime.fromisoformat((await finances.read(folder_id))["due_at"])
        assert 3.9 < (due - clock.now).days / 365 < 4.1
        clock.advance(seconds=(due - clock.now).total_seconds())
        assert (await told(context, town))["reminder", "direction"] == 1


class TestInformed:
    async def test_desks_are_told_at_a_step_and_at_the_end(
        self, context: Context, town: Town, finances: ApiPerson, direction: ApiPerson
    ) -> None:
        workflow = {"informed_at_end": [desk_of(town, "maire"), {"kind": "submitter"}]}
        await add_subtype(
            context, town, visa(town, informed=[desk_of(town, "maire")]), workflow=workflow
        )
        folder_id = await finances.submitted("essai")
        await approve(direction, folder_id)
        found = await told(context, town)
        assert found["informed", "maire"] == 1
        assert (found["ended", "maire"], found["ended", "finances"]) == (1, 1)


class TestOpinions:
    async def test_the_one_who_asked_hears_of_his_own_answer_only(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        mayor: ApiPerson,
    ) -> None:
        await add_subtype(context, town, visa(town, "direction", "maire", mode="all_of"))
        folder_id = await finances.submitted("essai")
        asked = {"step": "visa", "of_desk_id": finances.desk}
        await direction.act(folder_id, "ask_opinion", **asked, question="Le budget ?")
        await told(context, town)
        await finances.act(folder_id, "give_opinion", step="visa", answer="Suffisant")
        await mayor.act(folder_id, "ask_opinion", **asked, question="La date ?")
        await told(context, town)
        await finances.act(folder_id, "give_opinion", step="visa", answer="En mai")
        found = await told(context, town)
        assert found["opinion_asked", "finances"] == 2
        assert (found["opinion_given", "direction"], found["opinion_given", "maire"]) == (1, 1)

    async def test_the_replacement_of_an_absent_holder_is_asked_and_the_absent_one_left_alone(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        mayor: ApiPerson,
        administrator: ApiPerson,
    ) -> None:
        await be_away(administrator, "maire", "finances")
        folder_id = await finances.submitted("letters")
        question = {"of_desk_id": mayor.desk, "question": "Le budget ?"}
        await direction.act(folder_id, "ask_opinion", step="visa", **question)
        found = await told(context, town)
        assert (found["opinion_asked", "finances"], found["opinion_asked", "maire"]) == (1, 0)
        given = await finances.act(
            folder_id, "give_opinion", step="visa", desk_id=mayor.desk, answer="Suffisant"
        )
        assert given.status_code == 200


class TestReturnToAnEarlierStep:
    async def test_informs_the_submitter_and_calls_the_desk_that_gets_the_folder_again_once(
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
        before = await told(context, town)
        await mayor.act(folder_id, "reject", step="second", reason="À relire", return_to="visa")
        since = await told(context, town) - before
        assert since == Counter({("returned", "finances"): 1, ("to_approve", "direction"): 1})


class TestNobodyAble:
    async def test_is_reported_when_a_first_approval_bars_the_only_person_left(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        mayor: ApiPerson,
        administrator: ApiPerson,
    ) -> None:
        await hold(administrator, "maire", "direction")
        await be_away(administrator, "maire")
        duty = {"kind": "distinct_persons", "steps": ["visa", "second"]}
        second = step(town, "second", "approval", "finances")
        await add_subtype(
            context,
            town,
            visa(town, "direction", "maire", mode="all_of"),
            second,
            workflow={"duties": [duty]},
        )
        folder_id = await finances.submitted("essai")
        stuck = ("nobody_able", "administrateur"), ("nobody_able", "finances")
        before = await told(context, town)
        assert [before[one] for one in stuck] == [0, 0]
        await direction.act(folder_id, "approve", step="visa")
        found = await told(context, town)
        assert [found[one] for one in stuck] == [1, 1]
        refused = await direction.act(folder_id, "approve", step="visa", desk_id=mayor.desk)
        assert said(refused) == (403, "duty_conflict")

    async def test_is_reported_when_an_act_is_taken_back_by_somebody_who_is_away_since(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        administrator: ApiPerson,
    ) -> None:
        folder_id = await finances.submitted("letters")
        await approve(direction, folder_id)
        await be_away(administrator, "direction")
        assert (await told(context, town))["nobody_able", "finances"] == 0
        await direction.act(folder_id, "retract", step="visa")
        assert (await told(context, town))["nobody_able", "finances"] == 1

    async def test_is_reported_for_each_desk_to_which_a_stuck_step_is_transferred(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        mayor: ApiPerson,
        administrator: ApiPerson,
    ) -> None:
        await be_away(administrator, "direction")
        await be_away(administrator, "maire")
        folder_id = await finances.submitted("letters")
        assert (await told(context, town))["nobody_able", "finances"] == 1
        await direction.act(folder_id, "transfer", step="visa", to_desk_id=mayor.desk, reason="!")
        assert (await told(context, town))["nobody_able", "finances"] == 2

    async def test_is_not_reported_again_by_acts_that_change_nothing_of_it(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        mayor: ApiPerson,
        administrator: ApiPerson,
    ) -> None:
        await add_subtype(
            context,
            town,
            visa(town, "direction", "maire", mode="all_of"),
            step(town, "second", "approval", "finances"),
        )
        await be_away(administrator, "maire")
        await told(context, town)
        folder_id = await finances.submitted("essai")
        await told(context, town)
        question = {"of_desk_id": finances.desk, "question": "Le budget ?"}
        await direction.act(folder_id, "ask_opinion", step="visa", **question)
        await direction.act(folder_id, "approve", step="visa")
        assert (await told(context, town))["nobody_able", "finances"] == 1


class TestInvalidSignatures:
    """What the report of a document signed here condemns, and no transmission tells."""

    @pytest.mark.parametrize("form", [TypeFormat.PADES, TypeFormat.PKCS7])
    async def test_are_told_to_the_submitter_and_to_the_administrators_once_for_each_document(
        self,
        form: TypeFormat,
        context: Context,
        town: Town,
        finances: ApiPerson,
        mayor: ApiPerson,
        agent: SigningAgent,
        altered: list[bytes],
    ) -> None:
        signature = step(town, "signature", "signature", "maire")
        await add_subtype(context, town, signature, form=form, several_documents=True)
        folder_id = await finances.submitted("essai", *altered)
        await open_session(mayor, agent.issued, folder_id)
        await agent.sign()
        assert (await finances.read(folder_id))["status"] == "completed"
        for _ in range(2):
            found = await told(context, town)
            about = {key: count for key, count in found.items() if key[0] == "signature_invalid"}
            readers = ("administrateur", "finances")
            assert about == {("signature_invalid", reader): 2 for reader in readers}

    async def test_are_left_to_the_transmission_that_they_prevent(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        mayor: ApiPerson,
        agent: SigningAgent,
        altered: list[bytes],
    ) -> None:
        folder_id = await finances.submitted("acts", altered[0])
        await approve(direction, folder_id)
        await open_session(mayor, agent.issued, folder_id)
        await agent.sign()
        assert "signature_invalid" not in {kind for kind, _ in await told(context, town)}
        folder = await finances.read(folder_id)
        assert folder["status"] == "awaiting_transmission"
        assert folder["documents"][0]["revisions"][-1]["report"]["verdict"] == "invalid"

    async def test_valid_ones_are_no_news(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        mayor: ApiPerson,
        agent: SigningAgent,
    ) -> None:
        await add_subtype(context, town, step(town, "signature", "signature", "maire"))
        folder_id = await finances.submitted("essai")
        await open_session(mayor, agent.issued, folder_id)
        await agent.sign()
        assert "signature_invalid" not in {kind for kind, _ in await told(context, town)}
        assert (await finances.read(folder_id))["documents"][0]["revisions"][-1]["report"]


class TestChangingPowers:
    async def test_an_absence_that_starts_tells_the_replacement_of_what_waits(
        self, context: Context, town: Town, finances: ApiPerson, administrator: ApiPerson
    ) -> None:
        await finances.submitted("letters")
        await told(context, town)
        await be_away(administrator, "direction", "maire")
        assert (await told(context, town))["to_approve", "maire"] == 1

    async def test_an_absence_that_leaves_nobody_able_is_reported_once_and_not_silent(
        self, context: Context, town: Town, finances: ApiPerson, administrator: ApiPerson
    ) -> None:
        await finances.submitted("letters")
        await told(context, town)
        await be_away(administrator, "direction")
        for _ in range(2):
            found = await told(context, town)
            assert found["nobody_able", "administrateur"] == 1
            assert found["nobody_able", "finances"] == 1

    async def test_a_folder_that_arrives_calls_the_replacement_and_not_the_one_who_is_away(
        self, context: Context, town: Town, finances: ApiPerson, administrator: ApiPerson
    ) -> None:
        await be_away(administrator, "direction", "maire")
        await finances.submitted("letters")
        found = await told(context, town)
        assert (found["to_approve", "maire"], found["to_approve", "direction"]) == (1, 0)

    @pytest.mark.parametrize("kind", ["seal", "archive"])
    async def test_steps_that_are_neither_approved_nor_signed_are_reported_and_called_for_as_well(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        administrator: ApiPerson,
        clock: DrivenClock,
        kind: str,
    ) -> None:
        await add_subtype(
            context, town, visa(town, "finances"), step(town, "fin", kind, "direction")
        )
        folder_id = await finances.submitted("essai")
        await finances.act(folder_id, "approve", step="visa")
        await told(context, town)
        clock.advance(minutes=1)
        await be_away(administrator, "direction")
        assert (await told(context, town))["nobody_able", "finances"] == 1
        clock.advance(minutes=1)
        await hold(administrator, "direction", "maire")
        assert (await told(context, town))[f"to_{kind}", "maire"] == 1

    async def test_a_planned_absence_is_reported_when_it_starts(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        administrator: ApiPerson,
        clock: DrivenClock,
    ) -> None:
        await finances.submitted("letters")
        start = clock() + timedelta(days=3)
        await be_away(administrator, "direction", period={"starts_at": start.isoformat()})
        stuck = ("nobody_able", "administrateur")
        assert (await told(context, town))[stuck] == 0
        clock.advance(days=3)
        assert (await told(context, town))[stuck] == 1

    async def test_a_delegation_repealed_is_reported_where_it_was_the_only_power(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        administrator: ApiPerson,
        clock: DrivenClock,
    ) -> None:
        await be_away(administrator, "direction")
        grant = await give(administrator, "direction", "maire")
        await finances.submitted("letters")
        stuck = ("nobody_able", "administrateur")
        assert (await told(context, town))[stuck] == 0
        clock.advance(minutes=1)
        repealed = await administrator.client.post(f"/grants/{grant['id']}/repeal")
        assert repealed.status_code == 200, repealed.text
        assert (await told(context, town))[stuck] == 1

    async def test_a_certificate_that_expires_is_reported_where_its_owner_alone_may_sign(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        administrator: ApiPerson,
        clock: DrivenClock,
    ) -> None:
        await give(administrator, "maire", "direction")
        await approve(direction, await finances.submitted("acts"))
        stuck = ("nobody_able", "administrateur"), ("nobody_able", "finances")
        before = await told(context, town)
        assert [before[one] for one in stuck] == [0, 0]
        async with context.unit(town.tenant_id) as session:
            expiry = await session.scalar(select(Certificate.not_after))
        assert expiry is not None
        clock.advance(seconds=(expiry - clock()).total_seconds() + 1)
        found = await told(context, town)
        assert [found[one] for one in stuck] == [1, 1]

    async def test_where_all_must_pass_those_able_are_told_although_a_desk_has_nobody(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        administrator: ApiPerson,
    ) -> None:
        await add_subtype(context, town, visa(town, "direction", "maire", mode="all_of"))
        await be_away(administrator, "direction")
        # Nothing waited there: what is told from here on is told by the arrival itself.
        assert not await told(context, town)
        await finances.submitted("essai")
        found = await told(context, town)
        assert found["to_approve", "maire"] == 1
        assert found["nobody_able", "administrateur"] == 1
        assert found["nobody_able", "finances"] == 1

    async def test_a_power_given_to_somebody_who_is_away_calls_nobody(
        self, context: Context, town: Town, finances: ApiPerson, administrator: ApiPerson
    ) -> None:
        await finances.submitted("letters")
        await be_away(administrator, "maire")
        await told(context, town)
        await give(administrator, "direction", "maire")
        assert (await told(context, town))["to_approve", "maire"] == 0
