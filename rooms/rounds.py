"""What a house does again and again, until it stops: steps at intervals, and work that never ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from infra.logs import get_logger
from infra.scope import TaskScope
from rooms.asking import AGAIN_S

_log = get_logger("rooms.house")


class Rounds:
    """The rounds of one node, as tasks of `tasks`; a failing one goes on."""

    def __init__(self, tasks: TaskScope, node: str) -> None:
        self._tasks = tasks
        self._node = node
        self._steps: list[asyncio.Task[None]] = []
        self._stop = asyncio.Event()

    def every(self, seconds: float, step: Callable[[], Awaitable[None]], name: str) -> None:
        """Do the step at this interval; the first time after it."""
        self._steps.append(self._tasks.spawn(self._every(seconds, step), name=name))

    def always(self, work: Callable[[], Awaitable[None]], name: str) -> None:
        """Do the work, and begin anew where it ends or fails."""
        self._tasks.spawn(self._always(work), name=name)

    async def stop(self, within_s: float) -> None:
        """Begin nothing more. Steps under way are let finish rather than broken off, so long."""
        self._stop.set()
        if self._steps:
            await asyncio.wait(self._steps, timeout=within_s)

    async def _every(self, seconds: float, step: Callable[[], Awaitable[None]]) -> None:
        failing = False
        while not await self._stopped_within(seconds):
            try:
                await step()
                failing = False
            except Exception:
                if not failing:  # told once, not at every look while the cause lasts
                    _log.exception("step failed", node=self._node)
                failing = True

    async def _stopped_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._stop.wait()
        except TimeoutError:
            return False
        return True

    async def _always(self, work: Callable[[], Awaitable[None]]) -> None:
        while not self._stop.is_set():  # a driver may swallow the cancellation
            try:
                await work()
            except Exception:
                _log.exception("step failed", node=self._node)
            await asyncio.sleep(AGAIN_S)
