"""What a transaction changes in the rows that say who may do what: their old and new values.

They stand beside the entry of the act that changed them (ADR 0022): some are personal.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Delete, Select, inspect, select
from sqlalchemy.orm import ORMExecuteState, Session

from app.audit.chain import instant_text
from app.db.base import Base
from app.models import (
    Absence,
    CertificateOrder,
    ConnectorAccount,
    CouncilInstallation,
    Desk,
    DeskHolder,
    DeskStaff,
    ElectedMandate,
    FolderSubtype,
    FolderType,
    Grant,
    Tenant,
    TrustAnchor,
    User,
    Workflow,
    WorkflowVersion,
)

_OMITTED: Final = frozenset({"id", "tenant_id"})
WITHHELD: Final[Mapping[type[Base], frozenset[str]]] = {
    Absence: frozenset(),
    CertificateOrder: frozenset(),
    ConnectorAccount: frozenset({"sealed"}),
    CouncilInstallation: frozenset(),
    Desk: frozenset(),
    DeskHolder: frozenset(),
    DeskStaff: frozenset(),
    ElectedMandate: frozenset(),
    FolderSubtype: frozenset(),
    FolderType: frozenset(),
    Grant: frozenset(),
    Tenant: frozenset(),
    TrustAnchor: frozenset({"content"}),
    User: frozenset({"password_hash"}),
    Workflow: frozenset(),
    WorkflowVersion: frozenset(),
}
"""The rows that are told, and of each the columns that never are: secrets, and bytes that another
column names by their SHA-256."""


@dataclass(frozen=True, slots=True)
class RowChange:
    """A row that was added (no `before`), removed (no `after`) or changed: `before` then holds
    what changed only, `after` the whole."""

    table: str
    id: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


def flushed(session: Session) -> Iterator[RowChange]:
    """What a flush has just written, asked before the session forgets it."""
    for row in session.new:
        if type(row) in WITHHELD:
            yield RowChange(*_name(row), None, _columns(row))
    for row in session.dirty:
        if type(row) in WITHHELD:
            yield from _changed(row)
    for row in session.deleted:
        if type(row) in WITHHELD:
            yield RowChange(*_name(row), _columns(row), None)


def about_to_go(state: ORMExecuteState) -> Iterator[RowChange]:
    """The rows that a DELETE will remove: no flush tells of them."""
    mapper = state.bind_mapper
    if not isinstance(state.statement, Delete) or mapper is None or mapper.class_ not in WITHHELD:
        return
    going: Select[Any] = select(mapper.class_)
    where = state.statement.whereclause
    rows = state.session.scalars(going if where is None else going.where(where))
    for row in rows:
        yield RowChange(*_name(row), _columns(row), None)


def as_value(changes: Sequence[RowChange]) -> str:
    """The text that stands beside the entry: JSON, in the order of the writings."""
    told = [
        {"table": one.table, "id": one.id, "before": one.before, "after": one.after}
        for one in changes
    ]
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"), default=_as_text)


def _as_text(value: object) -> str:
    return instant_text(value) if isinstance(value, datetime) else str(value)


def _changed(row: Any) -> Iterator[RowChange]:
    histories = {name: inspect(row).attrs[name].history for name in _told_columns(row)}
    before = {
        name: history.deleted[0] if history.deleted else None
        for name, history in histories.items()
        if history.has_changes()
    }
    if before:
        yield RowChange(*_name(row), before, _columns(row))


def _name(row: Any) -> tuple[str, str]:
    return row.__tablename__, str(row.id)


def _columns(row: Any) -> dict[str, Any]:
    """Nothing is loaded while the session flushes: what it does not hold is left out."""
    held = inspect(row).dict
    return {name: held[name] for name in _told_columns(row) if name in held}


def _told_columns(row: Any) -> list[str]:
    names = inspect(type(row)).column_attrs.keys()
    return [name for name in names if name not in _OMITTED | WITHHELD[type(row)]]
