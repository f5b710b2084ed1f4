"""The hubs of this node: made when the first listener of a room comes, let go when nobody is left"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from infra.errors import Unavailable
from infra.scope import TaskScope
from rooms.messages import Bye
from web.hub import RoomHub


class Hubs:
    """One hub a room."""

    def __init__(self, make: Callable[[str], RoomHub]) -> None:
        self._make = make
        self._hubs: dict[str, asyncio.Task[RoomHub]] = {}
        self._standing: dict[str, RoomHub] = {}
        self._tasks = TaskScope("hubs")

    async def hub(self, room: str) -> RoomHub:
        """The room's hub, started; a failed start is tried anew by the next caller.

        Raises `Unavailable` once the house closes.
        """
        if self._tasks.closed:
            raise Unavailable("closing", sentence="err_not_now")
        task = self._hubs.get(room)
        if task is None or (task.done() and task.exception() is not None):
            task = self._tasks.spawn(self._start(room), name=f"start:{room}")
            self._hubs[room] = task
        return await asyncio.shield(task)

    def known(self, room: str) -> RoomHub | None:
        """The room's hub if it stands already."""
        return self._standing.get(room)

    def all(self) -> tuple[RoomHub, ...]:
        """The hubs that stand."""
        return tuple(self._standing.values())

    async def let_go(self, room: str, bye: Bye) -> None:
        """Nobody listens there any more; who comes in that very moment is told `bye`."""
        hub = self._standing.pop(room, None)
        if hub is not None:
            self._hubs.pop(room, None)
            await hub.close(bye)

    async def close(self, bye: Bye) -> None:
        """Close every hub with this last word; idempotent."""
        await self._tasks.close()  # none begins any more
        standing, self._standing = list(self._standing.values()), {}
        for hub in standing:
            await hub.close(bye)

    async def _start(self, room: str) -> RoomHub:
        hub = self._make(room)
        await hub.start()
        self._standing[room] = hub
        return hub
