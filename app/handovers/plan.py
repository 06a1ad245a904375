"""A plan as `workflows.handover` reads it, as the table keeps it, and what it decides."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.handovers.schemas import OfficeInput
from app.register.service import as_desk, as_person
from workflows.actions import Reject, Transfer
from workflows.definition import DeskId, StepId
from workflows.handover import (
    Bridging,
    Handover,
    OfficeHandover,
    PendingFolders,
    leaves_at,
)
from workflows.periods import Period
from workflows.register import PersonAtDesk, PersonId

_REASON = "Installation du conseil : le titulaire de ce bureau a changé."


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of each folder that waits at an office at the instant when its holder leaves,
    and which administrator decided so."""

    office: DeskId
    at: datetime
    administrator: PersonId
    pending: PendingFolders
    transfer_to: DeskId | None

    def action_at(self, step: StepId) -> Reject | Transfer | None:
        """The act on one folder; None where it stays for whoever may act there."""
        actor = PersonAtDesk(self.administrator, self.office)
        if self.pending is PendingFolders.RETURN:
            return Reject(actor, step, _REASON)
        if self.pending is PendingFolders.TRANSFER and self.transfer_to is not None:
            return Transfer(actor, step, self.transfer_to, _REASON)
        return None


def written(offices: Sequence[OfficeInput]) -> list[Any]:
    """The offices as JSON for the table."""
    return [one.model_dump(mode="json") for one in offices]


def offices_in(stored: Sequence[Any]) -> list[OfficeInput]:
    """The offices that `written` wrote."""
    return [
        OfficeInput.model_validate({key: one[key] for key in OfficeInput.model_fields})
        for one in stored
    ]


def handover_of(offices: Sequence[OfficeInput]) -> Handover:
    """The plan as the core judges it. PeriodReversed for a bridging that ends before it starts."""
    return Handover(tuple(_office(one) for one in offices))


def _office(one: OfficeInput) -> OfficeHandover:
    return OfficeHandover(
        office=as_desk(one.desk_id),
        outgoing=as_person(one.outgoing_id),
        incoming=as_person(one.incoming_id) if one.incoming_id else None,
        starts_at=one.starts_at,
        ends_at=one.ends_at,
        bridging=_bridging(one),
        pending=one.pending,
        transfer_to=as_desk(one.transfer_desk_id) if one.transfer_desk_id else None,
    )


def _bridging(one: OfficeInput) -> Bridging | None:
    if one.bridging is None:
        return None
    period = Period(one.bridging.starts_at, one.bridging.ends_at)
    return Bridging(as_person(one.bridging.user_id), period)


def persons_of(offices: Sequence[OfficeInput]) -> frozenset[uuid.UUID]:
    """Those who come: the new holders and those who bridge."""
    coming = {one.incoming_id for one in offices if one.incoming_id is not None}
    return frozenset(coming | {one.bridging.user_id for one in offices if one.bridging})


def decision_of(office: OfficeHandover, administrator: PersonId) -> Decision:
    """What the plan says of the folders that wait at an office."""
    return Decision(
        office.office, leaves_at(office), administrator, office.pending, office.transfer_to
    )
