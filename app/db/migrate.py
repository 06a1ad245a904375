"""Runs the Alembic migrations from the service's own commands."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, pool

_ROOT = Path(__file__).resolve().parents[2]


def configuration(url: str) -> Config:
    """The configuration of `[tool.alembic]` in pyproject.toml, for this database."""
    config = Config(toml_file=_ROOT / "pyproject.toml")
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


def upgrade(owner_url: str, revision: str = "head") -> None:
    """Brings the schema to `revision`, as parapheur_owner, in one transaction."""
    engine = create_engine(owner_url, poolclass=pool.NullPool)
    with engine.begin() as connection:
        config = configuration(owner_url)
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


def downgrade(owner_url: str, revision: str) -> None:
    """Takes the schema back to `revision`, in one transaction."""
    engine = create_engine(owner_url, poolclass=pool.NullPool)
    with engine.begin() as connection:
        config = configuration(owner_url)
        config.attributes["connection"] = connection
        command.downgrade(config, revision)
    engine.dispose()


def go_to(owner_url: str, revision: str) -> tuple[str | None, str | None]:
    """Brings the schema to `revision`, forward or back; the revisions before and after.

    Raises alembic's CommandError for a revision that does not exist."""
    before = current_revision(owner_url)
    script = ScriptDirectory.from_config(configuration(owner_url))
    earlier = {one.revision for one in script.iterate_revisions(before, "base")} if before else ()
    wanted = script.get_revision(revision) if revision != "base" else None
    if revision == "base" or (wanted and wanted.revision in earlier and wanted.revision != before):
        downgrade(owner_url, revision)
    else:
        upgrade(owner_url, revision)
    return before, current_revision(owner_url)


def current_revision(url: str) -> str | None:
    """The revision of the schema, None for an empty database."""
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    engine.dispose()
    return found


def last_revision() -> str | None:
    """The newest revision that this release brings."""
    return ScriptDirectory.from_config(configuration("postgresql://")).get_current_head()
