"""One worker a room: steps are done one after the other, and a failing one harms no other."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any

from infra.errors import LampioError
from infra.logs import get_logger
from infra.scope import TaskScope

log = get_logger("reactions")

MOST_WAITING = 10_000
"""Steps of a room that wait in turn; what the room itself decides is bounded by its own log."""

_FIRST, _IN_TURN = 0, 1

Step = Callable[[], Awaitable[None]]


class Workers:
    """The workers of all rooms; one begins when the first step of its room comes."""

    def __init__(self) -> None:
        self.tasks = TaskScope("reactions")
        self._rooms: dict[str, _Worker] = {}

    def later(self, room: str, step: Step) -> None:
        """Do the step when those before it are done, and before those that came `in_turn`."""
        self._worker(room).put(_FIRST, step)

    async def in_turn(self, room: str, step: Step) -> None:
        """Do the step when nothing else is to be done; waits where too much waits already."""
        worker = self._worker(room)
        await worker.places.acquire()
        worker.put(_IN_TURN, step)

    def at_once(self, room: str, cut: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """What ends a right waits for nothing else of its room, a slow disk's take least of all."""
        return self.tasks.spawn(cut, name=f"cut:{room}")

    def rooms(self) -> frozenset[str]:
        """Rooms that have a worker."""
        return frozenset(self._rooms)

    def let_go(self, room: str) -> None:
        """End the room's worker; what it had not begun is dropped."""
        worker = self._rooms.pop(room, None)
        if worker is not None:
            worker.drop()

    async def settled(self, room: str) -> None:
        """Wait until all that has been put down so far is done."""
        worker = self._rooms.get(room)
        if worker is not None:
            await worker.queue.join()

    async def close(self) -> None:
        """End all; idempotent."""
        await self.tasks.close()
        self._rooms.clear()

    def _worker(self, room: str) -> _Worker:
        if room not in self._rooms:
            worker = self._rooms[room] = _Worker()
            worker.task = self.tasks.spawn(self._work(room, worker), name=f"room:{room}")
        return self._rooms[room]

    async def _work(self, room: str, worker: _Worker) -> None:
        # Asked each time: a driver may swallow the cancellation.
        while self._rooms.get(room) is worker:
            rank, _, step = await worker.queue.get()
            try:
                await step()
            except LampioError as error:
                log.warning("reaction refused", room=room, code=error.code)
            except Exception:
                log.exception("reaction failed", room=room)
            finally:
                worker.done(rank)


class Latest:
    """The newest task of a kind in each room; one that has ended is forgotten."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def note(self, room: str, task: asyncio.Task[None]) -> None:
        """This is the newest."""
        self._tasks[room] = task
        task.add_done_callback(partial(self._ended, room))

    def get(self, room: str) -> asyncio.Task[None] | None:
        """The newest, unless it has ended."""
        return self._tasks.get(room)

    def _ended(self, room: str, task: asyncio.Task[None]) -> None:
        if self._tasks.get(room) is task:
            del self._tasks[room]


class _Worker:
    """One room's steps: a queue by rank, then by when they came."""

    def __init__(self) -> None:
        self.queue: asyncio.PriorityQueue[tuple[int, int, Step]] = asyncio.PriorityQueue()
        self.places = asyncio.Semaphore(MOST_WAITING)
        self.task: asyncio.Task[None] | None = None
        self._numbers = itertools.count()

    def put(self, rank: int, step: Step) -> None:
        self.queue.put_nowait((rank, next(self._numbers), step))

    def done(self, rank: int) -> None:
        self.queue.task_done()
        if rank == _IN_TURN:
            self.places.release()

    def drop(self) -> None:
        while not self.queue.empty():
            self.done(self.queue.get_nowait()[0])
        if self.task is not None:
            self.task.cancel()
