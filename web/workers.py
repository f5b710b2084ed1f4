"""One worker a room: steps are done in order, and a failing one harms no other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from infra.errors import LampioError
from infra.logs import get_logger
from infra.scope import TaskScope

log = get_logger("reactions")

MOST_WAITING = 10_000

Step = Callable[[], Awaitable[None]]


class Workers:
    """The workers of all rooms; one begins when the first step of its room comes."""

    def __init__(self) -> None:
        self.tasks = TaskScope("reactions")
        self._queues: dict[str, tuple[asyncio.Queue[Step], asyncio.Task[None]]] = {}

    def later(self, room: str, step: Step) -> None:
        """Do the step when those before it are done."""
        self._queue(room).put_nowait(step)

    async def in_turn(self, room: str, step: Step) -> None:
        """As `later`; waits where too much waits already."""
        await self._queue(room).put(step)

    def at_once(self, room: str, cut: Coroutine[Any, Any, None]) -> None:
        """What ends a right waits for nothing else of its room, a slow disk's take least of all."""
        self.tasks.spawn(cut, name=f"cut:{room}")

    def rooms(self) -> frozenset[str]:
        """Rooms that have a worker."""
        return frozenset(self._queues)

    def let_go(self, room: str) -> None:
        """End the room's worker; what it had not begun is dropped."""
        queued = self._queues.pop(room, None)
        if queued is not None:
            queued[1].cancel()

    async def settled(self, room: str) -> None:
        """Wait until all that has been put down so far is done."""
        queued = self._queues.get(room)
        if queued is not None:
            await queued[0].join()

    async def close(self) -> None:
        """End all; idempotent."""
        await self.tasks.close()
        self._queues.clear()

    def _queue(self, room: str) -> asyncio.Queue[Step]:
        if room not in self._queues:
            queue: asyncio.Queue[Step] = asyncio.Queue(MOST_WAITING)
            self._queues[room] = (
                queue,
                self.tasks.spawn(self._work(room, queue), name=f"room:{room}"),
            )
        return self._queues[room][0]

    async def _work(self, room: str, queue: asyncio.Queue[Step]) -> None:
        while True:
            step = await queue.get()
            try:
                await step()
            except LampioError as error:
                log.warning("reaction refused", room=room, code=error.code)
            except Exception:
                log.exception("reaction failed", room=room)
            finally:
                queue.task_done()
