"""What a scope leaves out of a folder, and whether two scopes meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from workflows.register import Facts, NamedAmount, Scope, SubtypeId, TypeId


class Beyond(StrEnum):
    """In what a folder is outside a scope."""

    TYPE = "type"
    AMOUNT_UNKNOWN = "amount_unknown"
    CEILING = "ceiling"


@dataclass(frozen=True, slots=True)
class Excess:
    """What of the folder the scope does not cover; `detail` says it in French, without an end."""

    beyond: Beyond
    detail: str


def excess(scope: Scope, facts: Facts) -> Excess | None:
    """What the scope does not cover, None where it covers the folder.

    Amounts are compared one by one, never added; with a ceiling, no amount known is not covered.
    """
    if not _covers_type(scope, facts):
        return Excess(Beyond.TYPE, "la délégation ne couvre pas ce type de dossier")
    if scope.ceiling_cents is None:
        return None
    ceiling = in_euros(scope.ceiling_cents)
    if not facts.amounts:
        return Excess(
            Beyond.AMOUNT_UNKNOWN,
            f"la délégation a un plafond ({ceiling}) et le montant du dossier n'est pas connu",
        )
    largest = max(facts.amounts, key=_cents)
    if largest.cents <= scope.ceiling_cents:
        return None
    return Excess(
        Beyond.CEILING,
        f"le montant de « {largest.label} » ({in_euros(largest.cents)}) dépasse le plafond de la "
        f"délégation ({ceiling})",
    )


def overlap(one: Scope, other: Scope, type_of: Mapping[SubtypeId, TypeId]) -> bool:
    """Whether a folder could be covered by both. Ceilings do not part scopes: a small amount is
    under both. A subtype whose type is not told may belong to any."""
    if _is_whole(one) or _is_whole(other):
        return True
    if one.types & other.types or one.subtypes & other.subtypes:
        return True
    return _below(one.subtypes, other.types, type_of) or _below(other.subtypes, one.types, type_of)


def in_euros(cents: int) -> str:
    """An amount as French readers write it: « 12 345,60 € », with narrow no-break spaces."""
    sign = "-" if cents < 0 else ""
    euros, rest = divmod(abs(cents), 100)
    return f"{sign}{euros:,}".replace(",", "\u202f") + f",{rest:02d}\u00a0€"


def _cents(amount: NamedAmount) -> int:
    return amount.cents


def _is_whole(scope: Scope) -> bool:
    return not scope.types and not scope.subtypes


def _covers_type(scope: Scope, facts: Facts) -> bool:
    return _is_whole(scope) or facts.type in scope.types or facts.subtype in scope.subtypes


def _below(
    subtypes: frozenset[SubtypeId],
    types: frozenset[TypeId],
    type_of: Mapping[SubtypeId, TypeId],
) -> bool:
    return bool(types) and any(one not in type_of or type_of[one] in types for one in subtypes)
