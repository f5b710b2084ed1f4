"""SQLite as we use it: one writer at a time, durable, statements never left in the middle."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, TypeVar

import aiosqlite
from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

T = TypeVar("T")


def sqlite_engine(url: str, busy_s: float, *, references: bool = True) -> AsyncEngine:
    """Connections that wait `busy_s` for a writer; without `references` foreign keys are not held."""
    engine = create_async_engine(
        url, hide_parameters=True, connect_args={"timeout": busy_s, "async_creator_fn": _connect}
    )

    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions begin where `_begin` says, not by guess
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",  # what was acknowledged survives a power cut
            f"foreign_keys={'ON' if references else 'OFF'}",
            f"busy_timeout={round(busy_s * 1000)}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    event.listen(engine.sync_engine, "connect", prepare)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


_cut: ContextVar[list[None] | None] = ContextVar("cut", default=None)
"""Where a cancellation that came during a statement is noted until the unit of work has ended."""


@asynccontextmanager
async def uncut() -> AsyncIterator[None]:
    """Hold back cancellations that come during statements until the block has ended."""
    noted: list[None] = []
    outer = _cut.get()
    _cut.set(noted)
    try:
        yield
    except Exception as error:
        if noted:  # whoever was told to end ends, whatever else went wrong meanwhile
            raise asyncio.CancelledError from error
        raise
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


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN"))
