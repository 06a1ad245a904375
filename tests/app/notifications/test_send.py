"""Mails through a real relay: what they say, and that an event sends one."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from email.message import EmailMessage

import pytest
from sqlalchemy import select

from app.context import Context
from app.demo.town import Town
from app.folders.repository import FolderRepository
from app.jobs import LostClaim
from app.models import Notification
from app.notifications import service
from app.notifications.recipients import administrators, submitters, those_able
from app.notifications.schemas import NotificationKind
from app.notifications.service import EXPIRES_AFTER, SEND, News, notify
from connectors.errors import Unreachable
from tests.app.conftest import ORIGIN
from tests.builders.catalog import visa
from tests.builders.mailboxes import CUT, Mailbox, hand_to_relay
from tests.builders.people import ApiPerson
from tests.builders.subtypes import add_subtype, step
from tests.builders.towns import DrivenClock, a_town
from tests.builders.transmissions import (
    Waiting,
    act,
    approve,
    at_desk,
    claim_job,
    events_of,
    jobs_of,
    make_pending,
    make_waiting,
    work,
)
from workflows.actions import (
    ClaimTransmission,
    RecordAcknowledged,
    RecordRemoteRefusal,
    RecordTransmissionError,
    RecordTransmitted,
    RefusedBy,
    Reject,
)
from workflows.definition import Protocol, StepId
from workflows.folder import TransmissionId

_TRANSMISSION = TransmissionId("une-transmission")


async def _tell(
    context: Context, waiting: Waiting, kind: NotificationKind, event: str, to: str = "finances"
) -> None:
    """Owes a mail about the last event of that name."""
    rows = [row.seq for row in await events_of(context, waiting) if row.kind == event]
    async with context.unit(waiting.town.tenant_id) as session:
        seq = rows[-1] if rows else 0
        users = [waiting.town.users[to]]
        await notify(session, context, News(waiting.folder_id, seq, kind), users)


async def _sent(context: Context, mailbox: Mailbox, waiting: Waiting) -> EmailMessage:
    await work(context, waiting.town, SEND)
    return mailbox.received[-1]


async def _rows(context: Context, waiting: Waiting) -> list[Notification]:
    async with context.unit(waiting.town.tenant_id) as session:
        rows = await session.scalars(
            select(Notification).where(Notification.folder_id == waiting.folder_id)
        )
        return list(rows)


async def _to_approve(context: Context, town: Town, title: str | None = None) -> Waiting:
    waiting = await make_pending(context, town, Protocol.ACTES, title=title)
    await _tell(context, waiting, NotificationKind.TO_APPROVE, "step_started", to="direction")
    return waiting


class TestContent:
    async def test_a_folder_to_approve_is_announced_with_its_link(
        self, context: Context, town: Town, mailbox: Mailbox
    ) -> None:
        waiting = await _to_approve(context, town, "Budget 2026")
        mail = await _sent(context, mailbox, waiting)
        assert (mail["To"], mail["Subject"]) == (town.logins["direction"], "À viser : Budget 2026")
        assert f"{ORIGIN}/folders/{waiting.folder_id}" in mail.get_content()

    async def test_a_folder_to_sign_says_so(
        self, context: Context, town: Town, mailbox: Mailbox
    ) -> None:
        waiting = await make_pending(context, town, Protocol.ACTES, title="Budget 2026")
        await approve(context, waiting)
        await _tell(context, waiting, NotificationKind.TO_SIGN, "step_started", to="maire")
        assert (await _sent(context, mailbox, waiting))["Subject"] == "À signer : Budget 2026"

    async def test_a_rejection_names_its_author_and_reason(
        self, context: Context, town: Town, mailbox: Mailbox
    ) -> None:
        waiting = await make_pending(context, town, Protocol.ACTES)
        actor = at_desk(town, "direction")
        await act(context, waiting, Reject(actor, StepId("visa"), "Montant faux\nligne 3"))
        await _tell(context, waiting, NotificationKind.REJECTED, "rejected")
        text = (await _sent(context, mailbox, waiting)).get_content()
        assert "rejeté par Dominique Modèle" in text
        assert "Motif : Montant faux\r\nligne 3" in text

    async def test_a_return_to_an_earlier_step_names_it_its_author_and_reason(
        self, context: Context, town: Town, mailbox: Mailbox, finances: ApiPerson
    ) -> None:
        second = step(town, "second", "approval", "maire", may_return=True)
        await add_subtype(context, town, visa(town), second)
        folder_id = await finances.submitted("essai")
        waiting = Waiting(town, uuid.UUID(folder_id), "", b"")
        await approve(context, waiting)
        back = Reject(at_desk(town, "maire"), StepId("second"), "À relire", StepId("visa"))
        await act(context, waiting, back)
        await _tell(context, waiting, NotificationKind.RETURNED, "rejected")
        text = (await _sent(context, mailbox, waiting)).get_content()
        assert "à l'étape « Visa »" in text
        assert "Motif : À relire" in text

    @pytest.mark.parametrize(
        ("protocol", "received_on", "sentence"),
        [
            (Protocol.ACTES, date(2026, 3, 5), "Reçu en préfecture le 05/03/2026"),
            (Protocol.HELIOS, None, "Acquitté par la trésorerie"),
        ],
    )
    async def test_an_acknowledgement_says_what_the_answer_allows(
        self,
        context: Context,
        town: Town,
        mailbox: Mailbox,
        protocol: Protocol,
        received_on: date | None,
        sentence: str,
    ) -> None:
        waiting = await make_waiting(context, town, protocol)
        await act(
            context,
            waiting,
            ClaimTransmission(_TRANSMISSION),
            RecordTransmitted(_TRANSMISSION, "1"),
            RecordAcknowledged(_TRANSMISSION, "999", received_on),
        )
        await _tell(context, waiting, NotificationKind.ACKNOWLEDGED, "acknowledged")
        mail = await _sent(context, mailbox, waiting)
        assert mail["Subject"].startswith(f"{sentence} : ")
        assert "exécutoire" not in mail.get_content()

    @pytest.mark.parametrize(
        ("protocol", "refused_by", "refuser"),
        [
            (Protocol.ACTES, RefusedBy.RECIPIENT, "la préfecture"),
            (Protocol.HELIOS, RefusedBy.RECIPIENT, "la trésorerie"),
            (
                Protocol.ACTES,
                RefusedBy.TRANSMISSION_OPERATOR,
                "la plateforme de télétransmission",
            ),
        ],
    )
    async def test_a_refusal_of_the_outside_names_who_refused_and_why(
        self,
        context: Context,
        town: Town,
        mailbox: Mailbox,
        protocol: Protocol,
        refused_by: RefusedBy,
        refuser: str,
    ) -> None:
        waiting = await make_waiting(context, town, protocol)
        await act(
            context,
            waiting,
            ClaimTransmission(_TRANSMISSION),
            RecordRemoteRefusal(_TRANSMISSION, refused_by, "Compte inconnu (4001)"),
        )
        await _tell(context, waiting, NotificationKind.REMOTE_REFUSED, "remote_refused")
        text = (await _sent(context, mailbox, waiting)).get_content()
        assert f"refusé par {refuser}" in text
        assert "Compte inconnu (4001)" in text

    async def test_a_transmission_given_up_says_why(
        self, context: Context, town: Town, mailbox: Mailbox
    ) -> None:
        waiting = await make_waiting(context, town, Protocol.ACTES)
        failure = RecordTransmissionError(_TRANSMISSION, "La signature n'est pas valide.")
        await act(context, waiting, ClaimTransmission(_TRANSMISSION), failure)
        await _tell(context, waiting, NotificationKind.TRANSMISSION_FAILED, "transmission_failed")
        mail = await _sent(context, mailbox, waiting)
        assert "La signature n'est pas valide." in mail.get_content()

    async def test_a_refused_inspection_repeats_its_sentence(
        self, context: Context, town: Town, mailbox: Mailbox
    ) -> None:
        waiting = await make_pending(context, town, Protocol.HELIOS)
        async with context.unit(town.tenant_id) as session:
            folder = await FolderRepository(session).lock(waiting.folder_id)
            assert folder is not None
            folder.refusal = {"code": "pes_dtd", "detail": "Le flux contient un DOCTYPE."}
        await _tell(context, waiting, NotificationKind.INSPECTION_REFUSED, "aucun")
        mail = await _sent(context, mailbox, waiting)
        assert "Le flux contient un DOCTYPE." in mail.get_content()

    async def test_nobody_able_says_what_is_missing(
        self, context: Context, mailbox: Mailbox
    ) -> None:
        town = await a_town(context, certified=False)
        waiting = await make_pending(context, town, Protocol.ACTES)
        await approve(context, waiting)
        await _tell(context, waiting, NotificationKind.NOBODY_ABLE, "step_started")
        mail = await _sent(context, mailbox, waiting)
        told = " ".join(mail.get_content().split())
        assert "Aucun signataire habilité" in told
        assert "n'a pas de certificat apte à cette signature (Camille Exemple)" in told

    async def test_lists_of_a_town_share_an_identifier(
        self, context: Context, town: Town, mailbox: Mailbox
    ) -> None:
        mail = await _sent(context, mailbox, await _to_approve(context, town))
        assert mail["List-Id"] == f"<{town.tenant_id}.ville.test>"

    async def test_threat_31_a_title_with_line_breaks_adds_no_header(
        self, context: Context, town: Town, mailbox: Mailbox
    ) -> None:
        waiting = await _to_approve(context, town, "Budget\r\nBcc: tiers@ailleurs.test")
        mail = await _sent(context, mailbox, waiting)
        assert (mail["Bcc"], mail["Subject"]) == (None, "À viser : Budget Bcc: tiers@ailleurs.test")

    async def test_threat_55_no_document_content_leaves(
        self, context: Context, town: Town, mailbox: Mailbox
    ) -> None:
        waiting = await _to_approve(context, town)
        mail = await _sent(context, mailbox, waiting)
        assert not mail.is_multipart()
        assert waiting.content.decode().strip() not in mail.get_content()


class TestOnce:
    async def test_an_event_told_twice_sends_one_mail(
        self, context: Context, town: Town, mailbox: Mailbox
    ) -> None:
        waiting = await _to_approve(context, town)
        await _tell(context, waiting, NotificationKind.TO_APPROVE, "step_started", to="direction")
        await work(context, town, SEND)
        assert len(mailbox.received) == 1

    async def test_the_row_says_when_it_left(
        self, context: Context, town: Town, mailbox: Mailbox, clock: DrivenClock
    ) -> None:
        waiting = await _to_approve(context, town)
        await _sent(context, mailbox, waiting)
        row = (await _rows(context, waiting))[0]
        assert (row.state, row.sent_at) == ("sent", clock())

    async def test_a_worker_killed_after_the_relay_took_it_repeats_the_same_message(
        self, context: Context, town: Town, mailbox: Mailbox, clock: DrivenClock
    ) -> None:
        waiting = await _to_approve(context, town)
        await _killed_before_its_record(context, waiting)
        clock.advance(seconds=context.settings.worker.lease_s)
        await work(context, town, SEND)
        first, second = (mail["Message-ID"] for mail in mailbox.received)
        assert first == second

    async def test_a_step_passed_meanwhile_is_no_news(
        self, context: Context, town: Town, mailbox: Mailbox
    ) -> None:
        waiting = await _to_approve(context, town)
        await approve(context, waiting)
        await work(context, town, SEND)
        assert ([row.state for row in await _rows(context, waiting)], mailbox.received) == (
            ["superseded"],
            [],
        )


class TestFailure:
    async def test_without_a_relay_the_mail_waits_an_hour(
        self, context: Context, town: Town, clock: DrivenClock
    ) -> None:
        context.settings.smtp.host = None
        waiting = await _to_approve(context, town)
        await work(context, town, SEND)
        job = (await jobs_of(context, town, SEND))[0]
        state = (await _rows(context, waiting))[0].state
        assert (state, job.run_after) == ("waiting", clock() + timedelta(hours=1))

    async def test_a_relay_that_is_down_is_tried_again(
        self, context: Context, town: Town, mailbox: Mailbox, clock: DrivenClock
    ) -> None:
        mailbox.answers.append("451 later")
        waiting = await _to_approve(context, town)
        await work(context, town, SEND)
        assert (await _rows(context, waiting))[0].state == "waiting"
        clock.advance(seconds=30)
        await work(context, town, SEND)
        assert (await _rows(context, waiting))[0].state == "sent"

    async def test_a_refused_mail_is_not_tried_again(
        self, context: Context, town: Town, mailbox: Mailbox
    ) -> None:
        mailbox.answers.append("554 no")
        waiting = await _to_approve(context, town)
        await work(context, town, SEND)
        row = (await _rows(context, waiting))[0]
        jobs = [job.state for job in await jobs_of(context, town, SEND)]
        assert (row.state, jobs) == ("refused", ["done"])

    async def test_a_line_cut_after_the_text_repeats_the_message_once(
        self, context: Context, town: Town, mailbox: Mailbox, clock: DrivenClock
    ) -> None:
        mailbox.answers.extend([CUT, CUT])
        waiting = await _to_approve(context, town)
        for _ in range(4):
            await work(context, town, SEND)
            clock.advance(hours=1)
        identifiers = {mail["Message-ID"] for mail in mailbox.received}
        state = (await _rows(context, waiting))[0].state
        assert (state, len(mailbox.received), len(identifiers)) == ("unknown", 2, 1)

    async def test_old_news_is_dropped(
        self, context: Context, town: Town, mailbox: Mailbox, clock: DrivenClock
    ) -> None:
        waiting = await _to_approve(context, town)
        clock.advance(seconds=EXPIRES_AFTER.total_seconds())
        await work(context, town, SEND)
        assert ((await _rows(context, waiting))[0].state, mailbox.received) == ("expired", [])

    async def test_a_worker_that_lost_its_lease_records_nothing(
        self, context: Context, town: Town, mailbox: Mailbox, clock: DrivenClock
    ) -> None:
        waiting = await _to_approve(context, town)
        job = await claim_job(context, town, SEND)
        clock.advance(seconds=context.settings.worker.lease_s)
        await _sent(context, mailbox, waiting)
        with pytest.raises(LostClaim):
            async with context.unit(town.tenant_id) as session:
                await service.record_failure(session, job, Unreachable("tard"), now=clock())

    async def test_the_pause_grows_to_an_hour_as_long_as_the_relay_is_down(
        self, context: Context, town: Town, mailbox: Mailbox, clock: DrivenClock
    ) -> None:
        mailbox.answers.extend(["451 later"] * 9)
        waiting = await _to_approve(context, town)
        pauses = []
        for _ in range(9):
            await work(context, town, SEND)
            later = (await jobs_of(context, town, SEND))[0].run_after
            pauses.append((later - clock()).total_seconds())
            clock.now = later
        assert pauses == [30, 30, 60, 120, 240, 480, 960, 1920, 3600]
        await work(context, town, SEND)
        assert (await _rows(context, waiting))[0].state == "sent"


class TestRecipients:
    async def test_those_able_to_approve_hold_the_desk(self, context: Context, town: Town) -> None:
        waiting = await make_pending(context, town, Protocol.ACTES)
        async with context.unit(town.tenant_id) as session:
            able = await those_able(session, context, waiting.folder_id)
        assert able is not None
        assert [one.person for one in able.able] == [str(town.users["direction"])]

    async def test_the_submitter_is_the_person_who_submitted(
        self, context: Context, town: Town
    ) -> None:
        waiting = await make_pending(context, town, Protocol.ACTES)
        async with context.unit(town.tenant_id) as session:
            found = await submitters(session, context, waiting.folder_id)
        assert found == {town.users["finances"]}

    async def test_administrators_may_give_a_step_somebody_able(
        self, context: Context, town: Town
    ) -> None:
        async with context.unit(town.tenant_id) as session:
            assert await administrators(session) == {town.users["administrateur"]}


async def _killed_before_its_record(context: Context, waiting: Waiting) -> None:
    """The relay took the mail; the worker never said so."""
    job = await claim_job(context, waiting.town, SEND)
    async with context.unit(waiting.town.tenant_id) as session:
        mail = await service.owed(session, context, job)
    assert mail is not None
    await hand_to_relay(context, mail)
