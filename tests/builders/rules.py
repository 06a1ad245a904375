"""Random rule tables over a few facts, with constants close enough to meet each other."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from hypothesis import strategies as st

from workflows.definition import ChosenDesk, DeskId, StepId
from workflows.metadata import FieldType
from workflows.rules import Condition, FactValue, Operator, RuleRow, RuleTable, WorkflowRef

FACTS: Mapping[str, FieldType] = {
    "service": FieldType.TEXT,
    "date": FieldType.DATE,
    "lots": FieldType.INTEGER,
    "montant": FieldType.DECIMAL,
    "urgent": FieldType.BOOLEAN,
}
CONSTANTS: Mapping[str, tuple[FactValue, ...]] = {
    "service": ("Écoles", "Finances"),
    "date": ("2026-02-28", "2026-03-01", "2026-03-02"),
    "lots": (1, 2, 4),
    "montant": (Decimal("1.00"), Decimal("1.50"), 2),
    "urgent": (False, True),
}
# Everything that can make a difference to conditions on these constants.
VALUES: Mapping[str, tuple[FactValue | None, ...]] = {
    "service": (None, "Écoles", "Finances", "Voirie"),
    "date": (None, "2026-02-27", "2026-02-28", "2026-03-01", "2026-03-02", "2026-03-03"),
    "lots": (None, 0, 1, 2, 3, 4, 5),
    "montant": (None, *(Decimal(quarters) / 4 for quarters in range(3, 10))),
    "urgent": (None, False, True),
}
_EQUALITIES = (Operator.EQUALS, Operator.DIFFERS, Operator.ONE_OF)
_ORDERS = (Operator.LESS_THAN, Operator.AT_MOST, Operator.MORE_THAN, Operator.AT_LEAST)
_BARE = (Operator.IS_SET, Operator.IS_UNSET)


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    """A condition that makes sense of one of the facts."""
    fact = draw(st.sampled_from(sorted(FACTS)))
    has_order = FACTS[fact] not in (FieldType.TEXT, FieldType.BOOLEAN)
    operator = draw(st.sampled_from((*_EQUALITIES, *_BARE, *(_ORDERS if has_order else ()))))
    if operator in _BARE:
        return Condition(fact, operator)
    most = 2 if operator is Operator.ONE_OF else 1
    constants = st.lists(st.sampled_from(CONSTANTS[fact]), min_size=1, max_size=most)
    return Condition(fact, operator, tuple(draw(constants)))


def rows() -> st.SearchStrategy[RuleRow]:
    """A row of up to three conditions."""
    return st.builds(
        RuleRow,
        st.lists(conditions(), max_size=3).map(tuple),
        st.sampled_from((WorkflowRef("court"), WorkflowRef("long"))),
        st.sampled_from(((), (ChosenDesk(StepId("visa"), DeskId("finances")),))),
    )


def tables() -> st.SearchStrategy[RuleTable]:
    """A table of up to six rows, a last one without condition or not."""
    return st.builds(RuleTable, st.lists(rows(), max_size=6).map(tuple))


def facts() -> st.SearchStrategy[dict[str, FactValue | None]]:
    """What a folder may say of these facts, some absent."""
    return st.fixed_dictionaries(
        {}, optional={fact: st.sampled_from(values) for fact, values in VALUES.items()}
    )
