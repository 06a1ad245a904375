"""What a signature made on paper must be, beside the rights that the engine judges: its day."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import Unprocessable
from app.folders.facts import Situation
from app.models import Folder
from app.tenants.service import timezone_of
from workflows.actions import SignOnPaper
from workflows.engine import decide
from workflows.errors import Refused
from workflows.periods import next_day, start_of_day
from workflows.turning_points import turning_points_at


async def refuse_paper(
    session: AsyncSession, folder: Folder, judged: Situation, action: SignOnPaper, now: datetime
) -> None:
    """Raises Unprocessable (`paper_signature_date`, `paper_signature_power`) for a day on which
    this could not be signed, or not by him; the engine accepted the act in that situation."""
    zone = await timezone_of(session)
    _refuse_date(folder, action.signed_on, zone, now)
    _refuse_power(judged, action, zone, now)


def _refuse_date(folder: Folder, signed_on: date, zone: ZoneInfo, now: datetime) -> None:
    """What is signed on paper exists: an act from its decision on, another folder from its
    creation on, both counted in the days of the tenant."""
    first = folder.created_at.astimezone(zone).date()
    if folder.act is not None:
        first = date.fromisoformat(folder.act["decided_on"])
    if not first <= signed_on <= now.astimezone(zone).date():
        raise Unprocessable(
            f"La date de la signature sur papier se place entre le {first:%d/%m/%Y} et "
            "aujourd'hui : corrigez-la.",
            code="paper_signature_date",
        )


def _refuse_power(judged: Situation, action: SignOnPaper, zone: ZoneInfo, now: datetime) -> None:
    """Whoever signed on paper could sign on that day, at some instant of it. Before the first power
    registered at the desk nothing is known: powers are older than the register of a new tenant."""
    register, desk = judged.register, action.actor.desk
    first, after = (
        start_of_day(one, zone) for one in (action.signed_on, next_day(action.signed_on))
    )
    known = (
        *(one.period.start for one in register.holders if one.desk == desk),
        *(one.period.start for one in register.grants if one.office == desk),
    )
    if min(known, default=now) >= after:
        return
    points = (one for one in turning_points_at(register, desk) if first < one < now)
    able = next((one for one in (first, *points) if _may_sign(judged, action, one)), now)
    if able < after:
        return
    raise Unprocessable(
        f"Le {action.signed_on:%d/%m/%Y}, vous n'aviez pas le pouvoir de signer à cette étape : la "
        f"première date possible ensuite est le {able.astimezone(zone):%d/%m/%Y}. Corrigez la date "
        "ou, si une autre personne a signé, laissez-la enregistrer sa signature.",
        code="paper_signature_power",
    )


def _may_sign(judged: Situation, action: SignOnPaper, instant: datetime) -> bool:
    """Whether the act, which the engine accepts now, would have been at the instant."""
    try:
        decide(judged.state, action, judged.register, judged.facts, instant)
    except Refused:
        return False
    return True
