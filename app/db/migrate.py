"""Runs the Alembic migrations from the service's own commands."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
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
