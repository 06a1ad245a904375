"""Many folders at once: what lists, counters and search read of them, without their history."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass

import psycopg
from psycopg import sql

from app.db.session import TENANT_SETTING
from app.demo.people import Town

# Two of these desks are measured, the others only bear their share.
SHARES = 5
OTHERS = 40
UNDER_WAY, REJECTED = 200, 20
FEW_OPEN, MANY_OPEN = 50, 5_000
FEW, MANY = "direction", "maire"
COMMON_WORD = "voirie"
_LIMIT_MS = 90_000
_LETTERS = str.maketrans("0123456789", "ghijklmnop")
_TABLES = ("folders", "inbox_entries", "folder_search")

_OTHERS = """
INSERT INTO desks (id, tenant_id, name)
SELECT gen_random_uuid(), %(tenant)s, 'Bureau ' || n FROM generate_series(1, %(others)s) n
"""
# `rank` counts back from the newest folder of the desk: open work is recent, and does not grow
# with what is finished.
_PLAN = """
CREATE TEMP TABLE plan AS
WITH others AS (SELECT array_agg(id ORDER BY id) AS ids FROM desks WHERE name LIKE 'Bureau %%'),
numbered AS (
  SELECT n, n %% %(shares)s AS share, (%(folders)s - n) / %(shares)s AS rank,
    now() - make_interval(secs => 30 * (%(folders)s - n + 1)) AS at
  FROM generate_series(1, %(folders)s) n
),
ranked AS (
  SELECT *, CASE share WHEN 0 THEN %(few_open)s WHEN 1 THEN %(many_open)s ELSE %(few_open)s END
    AS open FROM numbered
)
SELECT n, at,
  (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7'
    || substr(md5(n::text), 1, 3) || '8' || substr(md5(n::text), 5, 15))::uuid AS folder,
  ids[1 + n %% %(others)s] AS submitter,
  CASE share WHEN 0 THEN %(few)s WHEN 1 THEN %(many)s ELSE ids[1 + n / 7 %% %(others)s] END
    AS holder,
  CASE WHEN rank < open THEN 'to_do' WHEN rank < open + %(under_way)s THEN 'under_way'
    WHEN rank < open + %(under_way)s + %(rejected)s THEN 'rejected' ELSE 'finished' END AS place,
  'Dossier ' || lpad(n::text, 7, '0') || ' '
    || (ARRAY['voirie', 'écoles', 'marchés', 'personnel', 'urbanisme'])[1 + n / 5 %% 5] AS title
FROM ranked, others
"""
_FOLDERS = """
INSERT INTO folders (id, tenant_id, subtype_id, title, status, version, submitter_kind,
  submitter_id, submitter_desk_id, waiting_desk_ids, participant_desk_ids, waiting_kind,
  waiting_since, metadata, created_at, updated_at)
SELECT folder, %(tenant)s, %(subtype)s, title,
  CASE place WHEN 'finished' THEN 'completed' WHEN 'rejected' THEN 'rejected' ELSE 'pending' END,
  3, 'person', %(person)s, submitter,
  CASE WHEN place = 'to_do' THEN ARRAY[holder] ELSE '{}' END, ARRAY[submitter, holder],
  CASE WHEN place = 'to_do' THEN 'approval' END, CASE WHEN place = 'to_do' THEN at END, '{}',
  at, at
FROM plan
"""
_ENTRIES = """
INSERT INTO inbox_entries
  (tenant_id, folder_id, desk_id, place, kind, subtype_id, due_at, since)
SELECT %(tenant)s, folder, holder, place, CASE WHEN place = 'to_do' THEN 'approval' END,
  %(subtype)s, CASE WHEN place = 'to_do' AND n %% 2 = 0 THEN at + interval '10 days' END, at
FROM plan
UNION ALL
SELECT %(tenant)s, folder, submitter, CASE place WHEN 'to_do' THEN 'under_way' ELSE place END,
  NULL, %(subtype)s, NULL, at
FROM plan WHERE submitter <> holder
"""
_SEARCH = """
INSERT INTO folder_search (tenant_id, folder_id, folded)
SELECT %(tenant)s, folder, replace(lower(title), 'é', 'e') || ' '
  || translate(substr(md5(n::text), 1, 8), '0123456789', 'ghijklmnop') FROM plan
"""


@dataclass(frozen=True, slots=True)
class DataSet:
    """What was made, and what it cost."""

    folders: int
    seconds: float
    bytes: int

    @property
    def number(self) -> str:
        """That of one folder; its neighbours are made of the same digits."""
        return f"{self.folders // 2:07d}"

    @property
    def name(self) -> str:
        """That of the third party of one folder."""
        digest = hashlib.md5(str(self.folders // 2).encode(), usedforsecurity=False)
        return digest.hexdigest()[:8].translate(_LETTERS)


def fill(superuser_url: str, town: Town, folders: int) -> DataSet:
    """Folders of a town, newest last, with their places in lists and their search text.

    Indexes are built after the rows and references are not checked row by row: a superuser's
    connection, for libpq, on a database that lasts one run."""
    start = time.perf_counter()
    values: dict[str, object] = {
        "tenant": town.tenant_id,
        "subtype": town.subtypes["letters"],
        "person": town.users["finances"],
        "few": town.desks[FEW],
        "many": town.desks[MANY],
        "folders": folders,
        "shares": SHARES,
        "others": OTHERS,
        "few_open": FEW_OPEN,
        "many_open": MANY_OPEN,
        "under_way": UNDER_WAY,
        "rejected": REJECTED,
    }
    with psycopg.connect(superuser_url) as connection:
        connection.execute(f"SET LOCAL statement_timeout = {_LIMIT_MS}")
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute("SET LOCAL maintenance_work_mem = '512MB'")
        connection.execute("SELECT set_config(%s, %s, true)", (TENANT_SETTING, str(town.tenant_id)))
        rebuild = _drop_indexes(connection)
        for statement in (_OTHERS, _PLAN, _FOLDERS, _ENTRIES, _SEARCH):
            connection.execute(statement, values)
        for definition in rebuild:
            connection.execute(definition)
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        connection.execute(f"VACUUM (ANALYZE) {', '.join(_TABLES)}, desks")
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    assert row is not None
    return DataSet(folders, time.perf_counter() - start, int(row[0]))


def _drop_indexes(connection: psycopg.Connection) -> list[str]:
    """Those that no constraint holds; the statements that make them again."""
    rows = connection.execute(
        "SELECT c.relname, pg_get_indexdef(c.oid) FROM pg_index i "
        "JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid "
        "WHERE t.relname = ANY (%s) AND NOT i.indisunique ORDER BY c.relname",
        (list(_TABLES),),
    ).fetchall()
    for name, _ in rows:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    return [definition for _, definition in rows]
