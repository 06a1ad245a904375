"""Copies of a town: founded once through the service, then its rows again under new identifiers.

Founding a town takes a hundred statements; copying one takes a dozen. The journal is not copied:
its chain is bound to identifiers, so that a copy begins with an empty one.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import reduce

from sqlalchemy import Table, text

import app.models  # noqa: F401  declares the tables
from app.auth.service import LOGIN
from app.context import Context
from app.db.base import Base
from app.demo.people import Town, read_town
from app.kit.ids import new_id

_NOT_COPIED = {"audit_events", "audit_heads", "audit_values", "jobs"}


@dataclass(frozen=True, slots=True)
class Founding:
    """What is proper to a town and to the moment it was founded."""

    siret: str
    domain: str
    moment: datetime

    def words(self, context: Context, people: Iterable[str]) -> list[str]:
        """Its own words, as they stand in rows."""
        logins = [f"{key}@{self.domain}" for key in people]
        digests = [context.keyring.handle(LOGIN, login) for login in logins]
        return [self.siret, self.domain, self.moment.isoformat(), *digests]


@dataclass(frozen=True, slots=True)
class Template:
    """A town's rows as JSON text by table, and the words to change in a copy."""

    town: Town
    rows: Mapping[str, str]
    ids: tuple[str, ...]
    words: tuple[str, ...]


async def template_of(context: Context, town: Town, founding: Founding) -> Template:
    """Reads a town that was just founded."""
    rows: dict[str, str] = {}
    async with context.unit(town.tenant_id) as session:
        for table in _tables():
            found = await session.scalar(text(_read(table)), {"tenant": town.tenant_id})
            if found is not None:
                rows[table.name] = found
    ids = {one["id"] for told in rows.values() for one in json.loads(told) if "id" in one}
    words = founding.words(context, town.users)
    return Template(town, rows, tuple(sorted(ids)), tuple(words))


async def copy_of(context: Context, template: Template, founding: Founding) -> Town:
    """The same town with identifiers, SIRET and log-ins of its own, founded at this moment."""
    # In the same order: rows sort by identifier.
    ids = sorted(str(new_id()) for _ in template.ids)
    words = founding.words(context, template.town.users)
    changes = dict(zip([*template.ids, *template.words], [*ids, *words], strict=True))
    written = _changed(json.dumps(dataclasses.asdict(template.town), default=str), changes)
    town = read_town(json.loads(written))
    async with context.unit(town.tenant_id) as session:
        for name, rows in template.rows.items():
            await session.execute(text(_WRITE[name]), {"rows": _changed(rows, changes)})
    return town


def _changed(told: str, changes: Mapping[str, str]) -> str:
    return reduce(lambda one, change: one.replace(*change), changes.items(), told)


def _tables() -> list[Table]:
    return [
        table
        for table in Base.metadata.sorted_tables
        if table.name not in _NOT_COPIED and (_tenant_column(table) is not None)
    ]


def _tenant_column(table: Table) -> str | None:
    if table.name == "tenants":
        return "id"
    return "tenant_id" if "tenant_id" in table.columns else None


def _read(table: Table) -> str:
    rows = f"SELECT * FROM {table.name} WHERE {_tenant_column(table)} = :tenant"
    return f"SELECT json_agg(one)::text FROM ({rows}) AS one"


def _write(table: Table) -> str:
    rows = f"json_populate_recordset(NULL::{table.name}, CAST(:rows AS json))"
    return f"INSERT INTO {table.name} SELECT * FROM {rows}"


_WRITE = {table.name: _write(table) for table in _tables()}
