"""Who is in a room, over all nodes: this node's seats tell that they are here, everybody hears the sum."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable

from infra.ports import Bus, Presence
from rooms.messages import Person

BEAT_EVERY_S = 4.0
TTL_S = 15.0
"""A seat whose node fell silent is gone after this."""
LEAST_PAUSE_S = 1.0
NAMES_EVERY = 5
"""After so many beats without news people are looked at all the same: names change, tickets come."""

People = Callable[[str, frozenset[str]], Awaitable[list[Person]]]


class RoomPresence:
    """The presence of one room as this node tells and hears it."""

    def __init__(
        self,
        room: str,
        *,
        presence: Presence,
        bus: Bus,
        topic: str,
        people: People,
        here: Callable[[], Iterable[str]],
        told: Callable[[list[Person]], None],
        node: str,
    ) -> None:
        """`here` lists this node's seats; `told` hears the room's people whenever they may have changed."""
        self._room = room
        self._presence = presence
        self._bus = bus
        self._topic = topic
        self._people = people
        self._here = here
        self._told = told
        self._node = node
        self._due = asyncio.Event()

    def look(self) -> None:
        """Something may have changed."""
        self._due.set()

    async def beat(self, seat: str) -> None:
        """The seat is here; told to all when that is new."""
        known = await self._presence.present(self._room)
        await self._presence.beat(self._room, seat, self._node, TTL_S)
        if seat not in known:
            await self._changed()

    async def gone(self, seat: str) -> None:
        """The seat has left this node."""
        await self._presence.leave(self._room, seat, self._node)
        await self._changed()

    async def run(self) -> None:
        """Beat and tell until cancelled."""
        known: frozenset[str] | None = None
        quiet = 0
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._due.wait(), BEAT_EVERY_S)
            due = self._due.is_set()
            self._due.clear()
            # Who has a socket or a media session here is here; a beat that stays out ends presence.
            await self._presence.beat_all(self._room, set(self._here()), self._node, TTL_S)
            present = await self._presence.present(self._room)
            quiet += 1
            if due or present != known or quiet >= NAMES_EVERY:
                self._told(await self._people(self._room, present))
                known, quiet = present, 0
            await asyncio.sleep(LEAST_PAUSE_S)

    async def _changed(self) -> None:
        self._due.set()
        await self._bus.publish(self._topic, self._node)
