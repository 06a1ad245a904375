"""What is still news when the mail leaves, after acts were taken back."""

from __future__ import annotations

import pytest

from app.context import Context
from app.demo.town import Town
from app.worker import drain
from tests.builders.administration import be_away, hold, made
from tests.builders.catalog import visa
from tests.builders.mailboxes import Mailbox
from tests.builders.people import ApiPerson, approve
from tests.builders.subtypes import add_subtype, step
from tests.builders.towns import DrivenClock


async def delivered(context: Context, mailbox: Mailbox) -> list[tuple[str, str]]:
    """Reader and subject of the mails that left since the last look."""
    await drain(context)
    left = [(mail["To"], mail["Subject"].partition(" : ")[0]) for mail in mailbox.received]
    mailbox.received.clear()
    return sorted(left)


@pytest.fixture
async def taken_back(
    context: Context,
    town: Town,
    finances: ApiPerson,
    direction: ApiPerson,
    mailbox: Mailbox,
    clock: DrivenClock,
) -> str:
    """A folder at its first step again, whose approval was taken back; all that was told is."""
    await add_subtype(context, town, visa(town), step(town, "second", "approval", "maire"))
    folder_id = await finances.submitted("essai")
    await approve(direction, folder_id)
    clock.advance(minutes=1)
    await drain(context)
    made(await direction.act(folder_id, "retract", step="visa"))
    clock.advance(minutes=1)
    await delivered(context, mailbox)
    return folder_id


class TestAfterARetraction:
    async def test_whom_the_step_is_transferred_to_is_told(
        self,
        context: Context,
        town: Town,
        direction: ApiPerson,
        finances: ApiPerson,
        mailbox: Mailbox,
        taken_back: str,
    ) -> None:
        given = {"to_desk_id": finances.desk, "reason": "Pour vous."}
        made(await direction.act(taken_back, "transfer", step="visa", **given))
        assert await delivered(context, mailbox) == [(town.logins["finances"], "À viser")]

    async def test_the_replacement_of_who_leaves_is_told(
        self,
        context: Context,
        town: Town,
        administrator: ApiPerson,
        mailbox: Mailbox,
        taken_back: str,
    ) -> None:
        await be_away(administrator, "direction", "finances")
        assert await delivered(context, mailbox) == [(town.logins["finances"], "À viser")]

    async def test_whoever_is_asked_hears_the_question_of_the_step_and_not_of_the_one_undone(
        self,
        context: Context,
        town: Town,
        finances: ApiPerson,
        direction: ApiPerson,
        mayor: ApiPerson,
        administrator: ApiPerson,
        mailbox: Mailbox,
        clock: DrivenClock,
        taken_back: str,
    ) -> None:
        asked = {"of_desk_id": finances.desk}
        made(await direction.act(taken_back, "ask_opinion", step="visa", **asked, question="Un ?"))
        await approve(direction, taken_back)
        made(await mayor.act(taken_back, "ask_opinion", step="second", **asked, question="Deux ?"))
        made(await direction.act(taken_back, "retract", step="visa"))
        clock.advance(minutes=1)
        await delivered(context, mailbox)
        await be_away(administrator, "finances", "maire")
        assert await delivered(context, mailbox) == [(town.logins["maire"], "Votre avis")]


async def test_who_may_act_no_more_when_the_relay_is_up_again_is_told_nothing(
    context: Context,
    town: Town,
    administrator: ApiPerson,
    finances: ApiPerson,
    mailbox: Mailbox,
    clock: DrivenClock,
) -> None:
    relay, context.settings.smtp.host = context.settings.smtp.host, None
    await finances.submitted("letters")
    await drain(context)
    held = await hold(administrator, "direction", "finances")
    path = f"/desks/{held['id']}/holders/{held['holders'][0]['id']}"
    made(await administrator.client.patch(path, json={}))
    await drain(context)
    context.settings.smtp.host = relay
    clock.advance(hours=2)
    assert await delivered(context, mailbox) == [(town.logins["finances"], "À viser")]


async def test_a_rejection_taken_back_is_no_news(
    context: Context,
    town: Town,
    finances: ApiPerson,
    direction: ApiPerson,
    mailbox: Mailbox,
    clock: DrivenClock,
) -> None:
    folder_id = await finances.submitted()
    await delivered(context, mailbox)
    reader = (town.logins["finances"], "Dossier rejeté")
    mailbox.answers.append("451 later")
    made(await direction.act(folder_id, "reject", step="visa", reason="À revoir"))
    assert await delivered(context, mailbox) == []
    made(await direction.act(folder_id, "retract", step="visa"))
    clock.advance(minutes=1)
    assert reader not in await delivered(context, mailbox)
    made(await direction.act(folder_id, "reject", step="visa", reason="À revoir"))
    assert await delivered(context, mailbox) == [reader]


async def test_the_desk_hears_of_a_rejection_where_the_account_of_the_submitter_is_closed(
    context: Context,
    town: Town,
    finances: ApiPerson,
    direction: ApiPerson,
    administrator: ApiPerson,
    mailbox: Mailbox,
) -> None:
    folder_id = await finances.submitted()
    await hold(administrator, "finances", "maire")
    closed = await administrator.client.patch(
        f"/users/{town.users['finances']}", json={"is_active": False}
    )
    made(closed)
    await delivered(context, mailbox)
    made(await direction.act(folder_id, "reject", step="visa", reason="À revoir"))
    assert await delivered(context, mailbox) == [(town.logins["maire"], "Dossier rejeté")]
