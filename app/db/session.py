"""Sessions: one transaction per request or job, the tenant set at each transaction's start."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import Session, SessionTransaction
from sqlalchemy.pool import ConnectionPoolEntry

TENANT_SETTING = "parapheur.tenant"
_SET_CONFIG = text("SELECT set_config(:name, :value, true)")
_TENANT_KEY = "tenant_id"
STATEMENT_TIMEOUT_MS = 5_000
_RESTS_SINCE = "rests_since"
_TRUSTED_S = 1.0


class UnsafeRole(Exception):
    """The database role could read past row-level security: the server must not start."""


def make_engine(
    url: str, *, pool_size: int = 10, statement_timeout_ms: int = STATEMENT_TIMEOUT_MS
) -> AsyncEngine:
    """An engine whose statements end after five seconds (threat 48), those that wait for what
    others do a little sooner, so that they are told apart, and whose errors never quote the values
    of a statement (threat 41)."""
    waits_ms = statement_timeout_ms * 4 // 5
    options = (
        f"-c statement_timeout={statement_timeout_ms} -c lock_timeout={waits_ms} -c timezone=UTC"
    )
    engine = create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        hide_parameters=True,
        connect_args={"options": options},
    )
    _ping_after_idleness(engine.sync_engine)
    return engine


def _ping_after_idleness(engine: Engine) -> None:
    """A connection that rested is tried before it is lent: the server may have closed it. One
    that was used a moment ago is not, which `pool_pre_ping` would do at every transaction."""

    @event.listens_for(engine, "checkin")
    def _note(_connection: Any, record: ConnectionPoolEntry) -> None:
        record.info[_RESTS_SINCE] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _try(connection: DBAPIConnection, record: ConnectionPoolEntry, _proxy: Any) -> None:
        since = record.info.get(_RESTS_SINCE)
        if since is None or time.monotonic() - since < _TRUSTED_S:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as e:
            raise DisconnectionError from e


def make_sessions(engine: AsyncEngine) -> async_sessionmaker[AsyncSession]:
    """The session factory; a session sees nothing until `set_tenant` names a tenant."""
    return async_sessionmaker(engine, expire_on_commit=False, autoflush=False)


@event.listens_for(Session, "after_begin")
def _announce_tenant(
    session: Session, _transaction: SessionTransaction, connection: Connection
) -> None:
    tenant_id = session.info.get(_TENANT_KEY)
    if tenant_id is not None:
        _set_config(connection, tenant_id)


def _set_config(connection: Connection, tenant_id: uuid.UUID) -> None:
    connection.execute(_SET_CONFIG, {"name": TENANT_SETTING, "value": str(tenant_id)})


async def set_tenant(session: AsyncSession, tenant_id: uuid.UUID) -> None:
    """Binds the session to a tenant: this transaction and the following ones."""
    session.sync_session.info[_TENANT_KEY] = tenant_id
    connection = await session.connection()
    await connection.run_sync(_set_config, tenant_id)


def tenant_of(session: AsyncSession) -> uuid.UUID:
    """The tenant this session is bound to; KeyError is a programming error."""
    return bound_tenant(session.sync_session)


def bound_tenant(session: Session) -> uuid.UUID:
    """The same, for what listens to a session."""
    tenant_id: Any = session.info[_TENANT_KEY]
    assert isinstance(tenant_id, uuid.UUID)
    return tenant_id


@asynccontextmanager
async def unit_of_work(
    sessions: async_sessionmaker[AsyncSession], tenant_id: uuid.UUID | None = None
) -> AsyncIterator[AsyncSession]:
    """One transaction: committed at the end, rolled back on any exception."""
    async with sessions() as session, session.begin():
        if tenant_id is not None:
            # No connection is open yet: the transaction announces the tenant as it gets one.
            session.sync_session.info[_TENANT_KEY] = tenant_id
        yield session


async def refuse_unsafe_role(engine: AsyncEngine) -> None:
    """Raises UnsafeRole under a superuser, a BYPASSRLS role or the owner of a table, and under a
    role that may become one of them (D13)."""
    async with engine.connect() as connection:
        row = (
            await connection.execute(
                text(
                    "SELECT current_user AS name, EXISTS (SELECT 1 FROM pg_roles r "
                    "WHERE (r.rolsuper OR r.rolbypassrls) "
                    "AND pg_has_role(current_user, r.oid, 'MEMBER')) AS bypasses, "
                    "EXISTS (SELECT 1 FROM pg_class c WHERE c.relkind IN ('r', 'p') "
                    "AND pg_has_role(current_user, c.relowner, 'MEMBER')) AS owns"
                )
            )
        ).one()
    if row.bypasses or row.owns:
        raise UnsafeRole(
            f"Le rôle de base de données « {row.name} » peut contourner le cloisonnement : "
            "connectez le service avec parapheur_app."
        )
