"""What says who may do what is told with its old and new values, whoever writes it."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from sqlalchemy import LargeBinary, delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import TypeEngine

import app.models  # noqa: F401  declares the tables
from app.audit.chain import Occurrence
from app.audit.rows import WITHHELD
from app.audit.service import SYSTEM, record
from app.context import Context
from app.db.base import Base
from app.demo.town import Town
from app.models import AuditEvent, AuditValue, Desk, DeskHolder, User
from tests.builders.furnished import scoped_tables

KIND = "trial.told"
# What happens to folders and signatures, programs and machines, each told by entries of its own.
NOT_TOLD = {
    *("api_tokens", "audit_events", "audit_heads", "audit_values", "certificates", "documents"),
    *("folder_events", "folder_notes", "folders", "idempotency_keys", "inbox_entries"),
    *("login_sessions", "notifications", "orphan_blobs", "pes_references", "revisions"),
    *("signature_items", "signature_sessions", "signing_devices", "signing_jobs"),
    *("transmission_attempts", "transmission_receipts", "transmissions"),
}


class _Undone(Exception):
    """Ends a savepoint of these tests."""


async def _rows(context: Context, town: Town, kind: str = KIND) -> list[dict[str, Any]]:
    """What the entries of this kind tell of rows."""
    async with context.unit(town.tenant_id) as session:
        found = await session.scalars(
            select(AuditValue.value)
            .join(AuditEvent, AuditEvent.seq == AuditValue.seq)
            .where(AuditEvent.kind == kind, AuditValue.field == "rows")
            .order_by(AuditEvent.seq)
        )
        return [row for value in found for row in json.loads(value or "[]")]


def _tell(session: AsyncSession, context: Context) -> None:
    record(session, Occurrence(kind=KIND, actor=SYSTEM), at=context.clock())


class TestRows:
    async def test_what_changed_stands_beside_the_entry_with_the_whole_row(
        self, context: Context, town: Town
    ) -> None:
        async with context.unit(town.tenant_id) as session:
            desk = await session.get_one(Desk, town.desks["maire"])
            _tell(session, context)
            desk.capacity = "Maire de la commune"
        (row,) = await _rows(context, town)
        assert (row["table"], row["id"]) == ("desks", str(town.desks["maire"]))
        assert row["before"] == {"capacity": "Maire"}
        assert (row["after"]["capacity"], row["after"]["gender"]) == (
            "Maire de la commune",
            "masculine",
        )

    async def test_a_row_that_is_removed_without_being_read_is_told(
        self, context: Context, town: Town
    ) -> None:
        async with context.unit(town.tenant_id) as session:
            _tell(session, context)
            await session.execute(
                delete(DeskHolder).where(DeskHolder.desk_id == town.desks["maire"])
            )
        (row,) = await _rows(context, town)
        assert (row["before"]["user_id"], row["after"]) == (str(town.users["maire"]), None)

    async def test_what_nobody_told_makes_an_entry_by_itself(
        self, context: Context, town: Town
    ) -> None:
        async with context.unit(town.tenant_id) as session:
            (await session.get_one(User, town.users["maire"])).roles = ["auditor"]
        (row,) = await _rows(context, town, "rows.changed")
        assert (row["before"], row["after"]["roles"]) == ({"roles": []}, ["auditor"])

    async def test_what_a_savepoint_undoes_is_not_told(self, context: Context, town: Town) -> None:
        async with context.unit(town.tenant_id) as session:
            _tell(session, context)
            desk = await session.get_one(Desk, town.desks["maire"])
            with suppress(_Undone):
                async with session.begin_nested():
                    desk.capacity = "Autre"
                    await session.flush()
                    raise _Undone
        assert await _rows(context, town) == []


def _is_secret(name: str, kind: TypeEngine[Any]) -> bool:
    words = ("hash", "secret", "sealed", "password")
    return isinstance(kind, LargeBinary) or any(one in name for one in words)


class TestTold:
    def test_a_table_that_says_who_may_do_what_is_not_forgotten(self) -> None:
        told = {model.__tablename__ for model in WITHHELD} - {"tenants"}
        assert told | NOT_TOLD == {table.name for table in scoped_tables()}
        assert not told & NOT_TOLD

    @pytest.mark.parametrize("model", WITHHELD, ids=lambda one: one.__tablename__)
    def test_threat_41_no_secret_is_told(self, model: type[Base]) -> None:
        secret = {one.name for one in model.__table__.columns if _is_secret(one.name, one.type)}
        assert secret <= WITHHELD[model]

    async def test_threat_41_a_password_is_told_by_nobody(
        self, context: Context, town: Town
    ) -> None:
        async with context.unit(town.tenant_id) as session:
            _tell(session, context)
            (await session.get_one(User, town.users["maire"])).password_hash = "$argon2id$essai"
        assert await _rows(context, town) == []
