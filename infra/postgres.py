"""PostgreSQL as we use it: bounded waits, errors as the house's own, and rows by whose they are.

Every table with an organisation has a policy (see `infra/migrations/rows.py`), and policies bind even
owners. Only superusers and roles with BYPASSRLS would pass them by: their connections take on the role
`lampio_rows`, which cannot log in and has no right beyond the rows.
"""

from __future__ import annotations

from typing import Any

import asyncpg
from sqlalchemy import event, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from infra.errors import Unavailable
from infra.whose import Whose

ROWS_ROLE = "lampio_rows"
CONNECT_S = 5.0
POOL = 10
"""Connections that are kept; as many more come and go with the need."""

_BUSY = frozenset({"40001", "40P01", "55P03", "53300"})
"""Serialisation, deadlock, a lock that did not come, too many connections."""
_AWAY = ("08", "57P")
"""Classes of SQLSTATE: the connection is gone, the server is going or coming."""

_ENTER = text("SELECT lampio_enter(:kind, :key)")
_QUEUE = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
_WHO = """
SELECT rolsuper OR rolbypassrls, EXISTS (SELECT FROM pg_roles WHERE rolname = $1)
FROM pg_roles WHERE rolname = current_user
"""


def postgres_engine(url: str, busy_s: float, *, migrating: bool = False) -> AsyncEngine:
    """Connections that never wait longer than `busy_s` for a statement, a lock or each other.

    With `migrating` they keep the URL's role, see all rows, and statements take their time.
    """
    connect_args: dict[str, Any] = {
        "async_creator_fn": _connect_migrating if migrating else _connect,
        "timeout": CONNECT_S,
        "server_settings": {"application_name": "lampio"},
    }
    if not migrating:
        connect_args["command_timeout"] = busy_s
        connect_args["server_settings"]["lock_timeout"] = f"{round(busy_s * 1000)}"
    engine = create_async_engine(
        url,
        pool_pre_ping=True,
        pool_size=POOL,
        max_overflow=POOL,
        pool_timeout=busy_s,
        hide_parameters=True,
        connect_args=connect_args,
    )
    event.listen(engine.sync_engine, "handle_error", _told, retval=True)
    return engine


async def enter(session: AsyncSession, whose: Whose) -> None:
    """Begin a unit of work on these rows. Raises `Unavailable`."""
    try:
        await session.execute(_ENTER, {"kind": whose.kind, "key": whose.key})
    except PoolTimeout:
        raise Unavailable("database_busy", "no connection came free") from None


async def queue_up(session: AsyncSession, name: str) -> None:
    """Wait until no other unit of work has queued up under this name; held to the unit's end."""
    await session.execute(_QUEUE, {"name": name})


async def _connect(*args: Any, **options: Any) -> asyncpg.Connection:
    connection = await _reached(*args, **options)
    try:
        passes_by, known = await connection.fetchrow(_WHO, ROWS_ROLE)
        if passes_by:
            if not known:
                raise Unavailable(
                    "database_role", f"the database has no role {ROWS_ROLE}: migrate it"
                )
            await connection.execute(f"SET ROLE {ROWS_ROLE}")
    except BaseException:
        connection.terminate()
        raise
    return connection


async def _connect_migrating(*args: Any, **options: Any) -> asyncpg.Connection:
    connection = await _reached(*args, **options)
    await connection.execute("SET lampio.whose = '*'")
    return connection


async def _reached(*args: Any, **options: Any) -> asyncpg.Connection:
    try:
        return await asyncpg.connect(*args, **options)
    except (OSError, TimeoutError, asyncpg.InterfaceError) as error:
        raise _away(error) from error
    except asyncpg.PostgresError as error:
        if error.sqlstate in _BUSY or error.sqlstate.startswith(_AWAY):
            raise _away(error) from error
        raise  # a wrong name or password, which no waiting mends


def _told(context: ExceptionContext) -> BaseException | None:
    """Errors that are the server's state and not ours, as what clients are told."""
    error = context.original_exception
    if not isinstance(error, Exception):
        return None  # a cancelled task stays one; the connection it let go of is given up
    state = getattr(error, "sqlstate", None) or ""
    if context.is_disconnect or isinstance(error, OSError) or state.startswith(_AWAY):
        context.is_disconnect = True  # TimeoutError too: whatever it still does, it does alone
        return _away(error)
    if state in _BUSY:
        return Unavailable("database_busy", f"not now: {state}", retry_after_s=1)
    return None


def _away(error: BaseException) -> Unavailable:
    return Unavailable(
        "database_away", f"the database cannot be reached: {type(error).__name__}", retry_after_s=2
    )
