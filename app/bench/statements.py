"""The SQL of one act, recorded once and executed again by a bare client on other folders."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.types.json import Jsonb
from sqlalchemy import event
from sqlalchemy.engine import Engine

BEGIN, COMMIT, ROLLBACK = "BEGIN", "COMMIT", "ROLLBACK"
# Written under the tenant's lock from what the head held: each act needs numbers of its own.
_NUMBERED = ("INSERT INTO audit_events", "INSERT INTO audit_values", "UPDATE audit_heads")
_JOB = "INSERT INTO jobs"


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL as the driver received it; `many`: parameters are a list of rows."""

    sql: str
    parameters: Any = None
    many: bool = False


@dataclass(slots=True)
class Recording:
    """Statements in their order, transaction borders among them."""

    statements: list[Statement] = field(default_factory=list)

    @property
    def queries(self) -> int:
        """How many are not borders of a transaction."""
        return sum(one.sql not in {BEGIN, COMMIT, ROLLBACK} for one in self.statements)

    @property
    def job_id(self) -> str:
        """The identifier of the one job row that the act adds."""
        (job,) = (one for one in self.statements if one.sql.startswith(_JOB))
        return str(job.parameters["id"])

    @property
    def numbers(self) -> tuple[int, ...]:
        """Places in the journal that the act took."""
        rows = (one for one in self.statements if one.sql.startswith("INSERT INTO audit_events"))
        return tuple(row["seq"] for one in rows for row in _rows(one))


@contextmanager
def recorded(engine: Engine) -> Iterator[Recording]:
    """All that the engine executes within the block."""
    recording = Recording()
    add = recording.statements.append

    def note(*given: Any) -> None:
        _, _, sql, parameters, _, many = given
        add(Statement(sql, parameters, many))

    listeners = {
        "before_cursor_execute": note,
        "begin": lambda _: add(Statement(BEGIN)),
        "commit": lambda _: add(Statement(COMMIT)),
        "rollback": lambda _: add(Statement(ROLLBACK)),
    }
    for name, listener in listeners.items():
        event.listen(engine, name, listener)
    try:
        yield recording
    finally:
        for name, listener in listeners.items():
            event.remove(engine, name, listener)


def aimed(
    recording: Recording, names: Mapping[str, str], numbers: Mapping[int, int]
) -> list[Statement]:
    """The same statements about other objects: identifiers are replaced wherever they stand, also
    within text and JSON; places in the journal only where it is written."""
    return [
        Statement(
            one.sql,
            _aimed(one.parameters, names, numbers if one.sql.startswith(_NUMBERED) else {}),
            one.many,
        )
        for one in recording.statements
    ]


def execute(connection: psycopg.Connection[Any], statements: Sequence[Statement]) -> None:
    """Executes them on a connection that begins no transaction of its own, and reads every row."""
    with connection.cursor() as cursor:
        for one in statements:
            if one.many:
                cursor.executemany(one.sql, one.parameters)
            else:
                cursor.execute(one.sql, one.parameters)
            if cursor.description is not None:
                cursor.fetchall()


def _rows(one: Statement) -> Sequence[Mapping[str, Any]]:
    return one.parameters if one.many else [one.parameters]


def _aimed(value: Any, names: Mapping[str, str], numbers: Mapping[int, int]) -> Any:
    match value:
        case dict():
            return {key: _aimed(each, names, numbers) for key, each in value.items()}
        case list() | tuple():
            return [_aimed(each, names, numbers) for each in value]
        case uuid.UUID():
            return uuid.UUID(names.get(str(value), str(value)))
        case str():
            return _renamed(value, names)
        case Jsonb():
            return Jsonb(json.loads(_renamed(json.dumps(value.obj), names)))
        case bool():
            return value
        case int():
            return numbers.get(value, value)
        case _:
            return value


def _renamed(text: str, names: Mapping[str, str]) -> str:
    for old, new in names.items():
        text = text.replace(old, new)
    return text
