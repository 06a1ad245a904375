"""The three database roles of DESIGN D13, and the empty database that they share."""

from __future__ import annotations

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

OWNER, APP, READ = "parapheur_owner", "parapheur_app", "parapheur_read"


def provision(superuser_url: str, *, database: str) -> None:
    """Creates roles and database where missing. `superuser_url` is used here and nowhere else."""
    engine = create_engine(make_url(superuser_url), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for role in (OWNER, APP, READ):
            known = connection.scalar(
                text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}
            )
            if known is None:
                connection.execute(
                    text(f"CREATE ROLE {role} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB")
                )
        known = connection.scalar(
            text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": database}
        )
        if known is None:
            connection.execute(text(f'CREATE DATABASE "{database}" OWNER {OWNER} ENCODING UTF8'))
            connection.execute(text(f'REVOKE ALL ON DATABASE "{database}" FROM PUBLIC'))
            connection.execute(text(f'GRANT CONNECT ON DATABASE "{database}" TO {APP}, {READ}'))
    engine.dispose()
