"""Engine, units of work, the shared metadata, migrations."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, MetaData, event, make_url
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase

from infra.errors import Unavailable

T = TypeVar("T")

BUSY_S = 10
"""Seconds that a writer waits for the others before it gives up."""

_MIGRATIONS = Path(__file__).parent / "migrations"


class Base(DeclarativeBase):
    """Base of all tables. Each table says how long its rows may stay: `info={"retention": "…"}`."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Database:
    """The truth. One instance a process; `await close()` at the end."""

    def __init__(self, url: str) -> None:
        """`url` is SQLAlchemy's, with an async driver (sqlite+aiosqlite, postgresql+asyncpg)."""
        self._engine = _engine(url)
        self._sqlite = self._engine.dialect.name == "sqlite"
        writing = self._engine.execution_options(sqlite_begin="BEGIN IMMEDIATE")
        self._write = async_sessionmaker(writing, expire_on_commit=False)
        self._read = async_sessionmaker(self._engine, expire_on_commit=False)
        # SQLite knows one writer. Its own waiting is by sleeping, unfair and up to 100 ms coarse;
        # within the process writers queue here instead. Between processes its lock still rules.
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def unit_of_work(self) -> AsyncIterator[AsyncSession]:
        """A session in a transaction that writes: committed at the end, rolled back by an exception.

        Keep it short and never open one inside another. A task that is cancelled during a statement
        ends the unit first and is cancelled then. Raises `Unavailable` (code `database_busy`) when the
        turn does not come within `BUSY_S`.
        """
        if not self._sqlite:
            async with self._write() as session, session.begin():
                yield session
            return
        try:
            async with asyncio.timeout(BUSY_S):
                await self._turn.acquire()
        except TimeoutError:
            raise Unavailable("database_busy", "no turn to write") from None
        try:
            async with _uncut(), self._write() as session, session.begin():
                # The lock is taken at the first statement otherwise, after what it was decided on.
                await session.connection()
                yield session
        finally:
            self._turn.release()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A session for one consistent view; what is written in it is not kept."""
        async with _uncut(), self._read() as session:
            yield session

    async def close(self) -> None:
        """Give all connections back; idempotent."""
        await self._engine.dispose()


async def migrate(url: str, modules: Sequence[str]) -> None:
    """Bring the database to the newest form; safe to repeat.

    `modules` are the names of the modules that declare tables on `Base`; they are imported by name
    because this folder knows nobody.
    """
    path = make_url(url).database
    if url.startswith("sqlite") and path:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    engine = _engine(url).execution_options(sqlite_begin="BEGIN IMMEDIATE")
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade, modules)
    finally:
        await engine.dispose()


def alembic_config(modules: Sequence[str]) -> Config:
    """Alembic's configuration without an ini file."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["modules"] = tuple(modules)
    return config


def _upgrade(connection: Connection, modules: Sequence[str]) -> None:
    config = alembic_config(modules)
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


_cut: ContextVar[list[None] | None] = ContextVar("cut", default=None)
"""Where a cancellation that came during a statement is noted until the unit of work has ended."""


@asynccontextmanager
async def _uncut() -> AsyncIterator[None]:
    """Hold back cancellations that come during statements until the block has ended."""
    noted: list[None] = []
    outer = _cut.get()
    _cut.set(noted)
    try:
        yield
    finally:
        _cut.set(outer)
    if noted:
        raise asyncio.CancelledError


async def _whole(step: Awaitable[T]) -> T:
    """Wait for a step of the connection's thread to its end, though the task be cancelled."""
    running = asyncio.ensure_future(step)
    cancelled = False
    while not running.done():
        try:
            await asyncio.wait({running})
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        noted = _cut.get()
        if noted is None:
            running.exception()  # it ends with the cancellation, whatever came of the step
            raise asyncio.CancelledError
        noted.append(None)
    return running.result()


class _Uncut(aiosqlite.Connection):
    """A connection whose statements are never left in the middle.

    A statement runs in a thread that knows nothing of a cancelled task. Letting go of it there would
    leave a connection at work that everybody believes free, and the file locked.
    """

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        # Its author left this one method without types.
        return await _whole(super()._execute(fn, *args, **kwargs))  # type: ignore[no-untyped-call]

    async def _connect(self) -> aiosqlite.Connection:
        return await _whole(super()._connect())

    async def close(self) -> None:
        await _whole(super().close())


def _connect(path: str, **options: Any) -> aiosqlite.Connection:
    connection = _Uncut(partial(sqlite3.connect, path, **options), iter_chunk_size=64)
    connection._thread.daemon = True  # noqa: SLF001  # else a hard exit would wait for it
    return connection


def _engine(url: str) -> AsyncEngine:
    if not url.startswith("sqlite"):
        return create_async_engine(url, pool_pre_ping=True, hide_parameters=True)
    engine = create_async_engine(
        url, hide_parameters=True, connect_args={"timeout": BUSY_S, "async_creator_fn": _connect}
    )
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin where `_begin_sqlite` says, not by guess
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",  # what was acknowledged survives a power cut
        "foreign_keys=ON",
        f"busy_timeout={BUSY_S * 1000}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))
