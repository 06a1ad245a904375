"""Copies of one folder as the product left it: the same history, identifiers of their own."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import astuple, dataclass

import psycopg

from app.db.session import TENANT_SETTING

_COPY = "INSERT INTO {table} SELECT (jsonb_populate_record(r, jsonb_build_object({new}))).* FROM "
_TABLES = {
    "folders": ("'id', c.folder", "id = %(folder)s"),
    "documents": ("'id', c.document, 'folder_id', c.folder", "id = %(document)s"),
    "revisions": ("'id', c.revision, 'document_id', c.document", "id = %(revision)s"),
    "folder_events": (
        "'folder_id', c.folder, 'payload', replace(replace(r.payload::text, "
        "%(document)s::text, c.document::text), %(revision)s::text, c.revision::text)::jsonb",
        "folder_id = %(folder)s",
    ),
    "inbox_entries": ("'folder_id', c.folder", "folder_id = %(folder)s"),
}


@dataclass(frozen=True, slots=True)
class Copy:
    """A folder with its one document and its one revision."""

    folder: uuid.UUID
    document: uuid.UUID
    revision: uuid.UUID

    def names_for(self, other: Copy) -> dict[str, str]:
        """What each identifier of this one is called in the other."""
        return {
            str(mine): str(its) for mine, its in zip(astuple(self), astuple(other), strict=True)
        }


def copies_of(
    owner_url: str, tenant_id: uuid.UUID, folder_id: uuid.UUID, wanted: int
) -> list[Copy]:
    """The folder itself, then `wanted` copies. `owner_url`: of the owner's role, for libpq."""
    with psycopg.connect(owner_url) as connection:
        connection.execute("SELECT set_config(%s, %s, true)", (TENANT_SETTING, str(tenant_id)))
        original = _original(connection, folder_id)
        copies = [Copy(uuid.uuid4(), uuid.uuid4(), uuid.uuid4()) for _ in range(wanted)]
        _write(connection, original, copies)
    with psycopg.connect(owner_url, autocommit=True) as connection:
        for table in _TABLES:
            connection.execute(f"ANALYZE {table}")
    return [original, *copies]


def _original(connection: psycopg.Connection, folder_id: uuid.UUID) -> Copy:
    row = connection.execute(
        "SELECT d.folder_id, d.id, r.id FROM documents d JOIN revisions r ON r.document_id = d.id "
        "WHERE d.folder_id = %s",
        (folder_id,),
    ).fetchone()
    assert row is not None
    return Copy(*row)


def _write(connection: psycopg.Connection, original: Copy, copies: Sequence[Copy]) -> None:
    connection.execute("CREATE TEMP TABLE copies (folder uuid, document uuid, revision uuid)")
    with connection.cursor().copy("COPY copies FROM STDIN") as rows:
        for one in copies:
            rows.write_row(astuple(one))
    values = {
        "folder": original.folder,
        "document": original.document,
        "revision": original.revision,
    }
    for table, (new, which) in _TABLES.items():
        source = f"{table} r CROSS JOIN copies c WHERE r.{which}"
        connection.execute(_COPY.format(table=table, new=new) + source, values)
