"""What a visible signature says: who signs, by which power, when and where."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.folder_types import stamp_of
from app.catalog.schemas import StampPosition
from app.catalog.service import Resolved
from app.kit.days import day_in_words
from app.tenants.service import timezone_of
from signing.types import SignatureParameters, Stamp


async def stamp_for(
    session: AsyncSession, resolved: Resolved, parameters: SignatureParameters
) -> Stamp | None:
    """The stamp that the type asks of its signatures; None where they are invisible."""
    position = stamp_of(resolved.type)
    return stamp_at(position, parameters, await timezone_of(session)) if position else None


def stamp_at(position: StampPosition, parameters: SignatureParameters, zone: ZoneInfo) -> Stamp:
    """The first line is the capacity that the signature states, to the letter; the date is that of
    the signature where the tenant is."""
    day = parameters.signing_time.astimezone(zone).date()
    return Stamp(
        lines=(
            parameters.claimed_role,
            parameters.signer_name,
            f"Le {day_in_words(day)}, à {parameters.place.city}",
        ),
        page=position.page,
        x=position.x,
        y=position.y,
    )
