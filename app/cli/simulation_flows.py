"""The slips of a deposit to simulate: those of a real flow, or amounts taken one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from app.documents.service import refuse_other_kind
from app.errors import Unprocessable
from signing import pes
from signing.errors import SigningError
from signing.facts import SlipKind
from workflows.definition import HeliosIntake, Protocol

_BLOCK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Slip:
    """What rules and powers read of a slip; euros, tax included."""

    number: str
    kind: SlipKind
    amount_incl_tax: Decimal


@dataclass(frozen=True, slots=True)
class Taken:
    """What a subtype takes: flows of one kind, in the encoding of the place, or no flow."""

    reference: str
    protocol: Protocol
    intake: HeliosIntake | None
    requires_latin1: bool


def slips_of(
    taken: Taken, flow: Path | None, amounts: Sequence[Decimal], kind: SlipKind
) -> tuple[Slip, ...]:
    """Those of the flow, as its deposit would read them, else one slip of this kind by amount;
    none in a subtype that takes no flow.

    Raises Unprocessable: `flow_unreadable`, `flow_not_expected`, `pes_wrong_intake`, and the codes
    of `signing.pes.inspect`."""
    if flow is not None:
        return _read(taken, flow)
    if taken.protocol is not Protocol.HELIOS:
        return ()
    return tuple(Slip(str(number), kind, one) for number, one in enumerate(amounts, start=1))


def _read(taken: Taken, flow: Path) -> tuple[Slip, ...]:
    if taken.intake is None:
        raise Unprocessable(
            f"Le sous-type « {taken.reference} » ne prend pas de flux PES : choisissez-en un "
            "autre, ou donnez un montant.",
            code="flow_not_expected",
        )
    try:
        with flow.open("rb") as stream:
            blocks = iter(lambda: stream.read(_BLOCK), b"")
            facts = pes.inspect(blocks, require_latin1=taken.requires_latin1)
    except OSError as e:
        raise Unprocessable(
            f"Le flux « {flow} » ne peut pas être lu : vérifiez son chemin et ses droits.",
            code="flow_unreadable",
        ) from e
    except SigningError as e:
        raise Unprocessable(
            f"Le flux « {flow} » serait refusé au dépôt. {e.detail}", code=e.code
        ) from e
    refuse_other_kind(pes.intake_kind(facts), taken.intake)
    return tuple(Slip(one.number, one.kind, one.amount_incl_tax) for one in facts.slips)
