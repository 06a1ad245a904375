"""A tenant with at least one row in every scoped table, whatever tables there are."""

from __future__ import annotations

import secrets
import uuid
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Column, Table
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert
from sqlalchemy.types import (
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Integer,
    LargeBinary,
    String,
    Text,
    TypeEngine,
    Uuid,
)

import app.models  # noqa: F401  declares the tables
from app.context import Context
from app.db.base import Base
from app.demo.town import Town

Row = dict[str, Any]

_CHOSEN: dict[str, Row] = {
    "certificate_orders": {"usages": ["sign_act"], "rgs_level": 2, "state": "requested"},
}
"""What the constraints of a table ask beside the types of its columns."""


def scoped_tables() -> list[Table]:
    """Every table with a tenant that row-level security must guard, in the order of inserts."""
    outside = {"jobs", "login_handles", "pairing_requests"}
    return [
        table
        for table in Base.metadata.sorted_tables
        if "tenant_id" in table.columns and table.name not in outside
    ]


async def furnish(context: Context, town: Town) -> dict[str, Row]:
    """One new row per scoped table, as parapheur_app; the values by table name."""
    rows: dict[str, Row] = {"tenants": {"id": town.tenant_id}}
    async with context.unit(town.tenant_id) as session:
        for table in scoped_tables():
            rows[table.name] = _row(table, rows)
            # The head of the journal may be there already: one per tenant.
            await session.execute(insert(table).values(rows[table.name]).on_conflict_do_nothing())
    return rows


# Columns that are filled together or not at all.
TOGETHER = frozenset({"signature_sha256", "signature_size_bytes"})


def _row(table: Table, rows: dict[str, Row]) -> Row:
    needed = [
        column
        for column in table.columns
        if column.primary_key
        or column.name in TOGETHER
        or not (column.nullable or column.server_default is not None)
    ]
    made = {column.key: _value(column, rows) for column in needed}
    return made | _CHOSEN.get(table.name, {})


def _value(column: Column[Any], rows: dict[str, Row]) -> Any:
    for key in column.foreign_keys:
        return rows[key.column.table.name][key.column.key]
    return dummy(column.type)


def dummy(kind: TypeEngine[Any]) -> Any:
    """Something that a column of this type takes."""
    makers: dict[type[TypeEngine[Any]], Any] = {
        Uuid: uuid.uuid4,
        Boolean: lambda: False,
        BigInteger: lambda: secrets.randbelow(1 << 30),
        Integer: lambda: secrets.randbelow(1 << 30),
        DateTime: lambda: datetime.now(UTC),
        Date: lambda: date(2026, 1, 15),
        LargeBinary: lambda: b"x",
        JSONB: dict,
        ARRAY: list,
        Text: lambda: secrets.token_hex(4),
    }
    if isinstance(kind, String) and kind.length is not None:
        # A digest fills its column: the journal goes on from its head.
        return secrets.token_hex(32)[: kind.length]
    return next(make for one, make in makers.items() if isinstance(kind, one))()
