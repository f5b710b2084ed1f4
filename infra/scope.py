"""Named tasks with an owner."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from infra.logs import get_logger

T = TypeVar("T")

_log = get_logger("infra.scope")


class TaskScope:
    """The tasks of one owner. One failure is logged and not spread; `close` leaves none behind."""

    __slots__ = ("_closed", "_name", "_tasks")

    def __init__(self, name: str) -> None:
        self._name = name
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closed = False

    def __len__(self) -> int:
        """How many of its tasks run."""
        return len(self._tasks)

    @property
    def closed(self) -> bool:
        """Whether `close` was called: nothing is started any more."""
        return self._closed

    def spawn(self, coro: Coroutine[Any, Any, T], *, name: str) -> asyncio.Task[T]:
        """Run `coro` as a task of this scope.

        Raises RuntimeError once the scope is closed (and closes the coroutine unrun).
        """
        if self._closed:
            coro.close()
            raise RuntimeError(f"scope {self._name} is closed")
        task = asyncio.create_task(coro, name=f"{self._name}:{name}")
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    async def close(self) -> None:
        """Cancel all tasks and wait until they are gone; idempotent.

        A task of the scope that calls this is not cancelled by it.
        """
        self._closed = True
        current = asyncio.current_task()
        while waiting := {task for task in self._tasks if task is not current and not task.done()}:
            for task in waiting:
                task.cancel()
            await asyncio.wait(waiting, timeout=5)
            slow = [task.get_name() for task in waiting if not task.done()]
            for name in slow:
                _log.warning("task does not end", task=name)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            _log.error(
                "task failed", task=task.get_name(), error=type(error).__name__, exc_info=error
            )
