"""Alembic environment: one transaction per run, as parapheur_owner."""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine, pool
from sqlalchemy.engine import Connection

import app.models  # noqa: F401  declares the schema that autogenerate and check compare
from app.db.base import Base

config = context.config


def _is_ours(name: str | None, kind: str, _parents: object) -> bool:
    """The search text is out of the service's reach, so no model declares it (DESIGN D13)."""
    return kind != "table" or name != "folder_search"


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_server_default=False,
        include_name=_is_ours,
    )
    with context.begin_transaction():
        context.run_migrations()


def run_online() -> None:
    """Uses the connection handed over by `app.db.migrate`, else the URL of the configuration."""
    handed = config.attributes.get("connection")
    if handed is not None:
        _run(handed)
        return
    engine = create_engine(config.get_main_option("sqlalchemy.url", ""), poolclass=pool.NullPool)
    with engine.begin() as connection:
        _run(connection)


run_online()
