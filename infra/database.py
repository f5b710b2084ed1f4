"""Engine, units of work, the shared metadata, migrations."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, MetaData, make_url, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import DeclarativeBase

from infra.errors import Forbidden, Unavailable
from infra.postgres import enter, postgres_engine, queue_up
from infra.sqlite import sqlite_engine, uncut
from infra.whose import PUBLIC, Whose

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
        self._sqlite = _is_sqlite(url)
        self._engine = (sqlite_engine if self._sqlite else postgres_engine)(url, BUSY_S)
        # One view from the first statement on: SQLite's transactions have it, PostgreSQL is told.
        one_view = {} if self._sqlite else {"isolation_level": "REPEATABLE READ"}
        writing = self._engine.execution_options(sqlite_begin="BEGIN IMMEDIATE")
        self._write = async_sessionmaker(writing, expire_on_commit=False)
        self._read = async_sessionmaker(
            self._engine.execution_options(**one_view), expire_on_commit=False
        )
        # SQLite knows one writer. Its own waiting is by sleeping, unfair and up to 100 ms coarse;
        # within the process writers queue here instead. Between processes its lock still rules.
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def unit_of_work(self, whose: Whose) -> AsyncIterator[AsyncSession]:
        """A session in a transaction that writes: committed at the end, rolled back by an exception.

        `whose` rows it may touch, PostgreSQL holds to: others are not there for it. SQLite has one
        writer at a time; PostgreSQL has many, so what is decided on is locked (`with_for_update`,
        `queue`) or stands in the statement's WHERE. Keep it short and never open one inside another.

        On SQLite a task that is cancelled during a statement ends the unit first and is cancelled
        then; on PostgreSQL the unit is rolled back with its connection. Raises `Unavailable`: code
        `database_busy` when the turn does not come within `BUSY_S`, `database_away`.
        """
        if whose == PUBLIC:
            raise Forbidden("no_scope", "nothing is written in the public's name")
        if not self._sqlite:
            async with self._write() as session, session.begin():
                await enter(session, whose)
                yield session
            return
        try:
            async with asyncio.timeout(BUSY_S):
                await self._turn.acquire()
        except TimeoutError:
            raise Unavailable("database_busy", "no turn to write") from None
        try:
            async with uncut(), self._write() as session, session.begin():
                # The lock is taken at the first statement otherwise, after what it was decided on.
                await session.connection()
                yield session
        finally:
            self._turn.release()

    @asynccontextmanager
    async def reading(self, whose: Whose) -> AsyncIterator[AsyncSession]:
        """A session for one consistent view of these rows; what is written in it is not kept."""
        if not self._sqlite:
            async with self._read() as session:
                await enter(session, whose)
                yield session
            return
        async with uncut(), self._read() as session:
            yield session

    async def queue(self, session: AsyncSession, name: str) -> None:
        """Units of work that queue under one name run one after the other, as all do on SQLite."""
        if not self._sqlite:
            await queue_up(session, name)

    async def close(self) -> None:
        """Give all connections back; idempotent."""
        await self._engine.dispose()


async def migrate(url: str, modules: Sequence[str]) -> None:
    """Bring the database to the newest form; safe to repeat.

    `modules` are the names of the modules that declare tables on `Base`; they are imported by name
    because this folder knows nobody.
    """
    if _is_sqlite(url):
        path = make_url(url).database
        if path:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        # A table that is made anew would take along what refers to it.
        engine = sqlite_engine(url, BUSY_S, references=False)
    else:
        engine = postgres_engine(url, BUSY_S, migrating=True)
    try:
        async with engine.execution_options(sqlite_begin="BEGIN IMMEDIATE").begin() as connection:
            if not _is_sqlite(
                url
            ):  # of two that start together one migrates, the other finds it done
                await connection.execute(text("SELECT pg_advisory_xact_lock(7263)"))
            await connection.run_sync(_upgrade, modules)
            if _is_sqlite(url):
                broken = (await connection.execute(text("PRAGMA foreign_key_check"))).first()
                if broken is not None:
                    raise RuntimeError(f"the migration broke a reference: {broken[0]}")
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


def _is_sqlite(url: str) -> bool:
    return make_url(url).get_backend_name() == "sqlite"
