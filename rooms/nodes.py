"""This process among the others: its life is told, freed rooms are called out, others' rooms are known."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping

from infra.clock import Clock
from infra.logs import get_logger
from infra.ports import Bus
from rooms.phases import Phase
from rooms.store import Owner, Owners

FREED = "rooms/freed"
"""Where a node calls out that it gave rooms back."""

ELSEWHERE_S = 1.0
"""How long it is believed that another node has a room before the rows are asked again."""

STOP_MS = 7_000
"""A node that could not beat for this long stops by its own clock, before others take over."""

ALONE_MS = 600_000
"""As `STOP_MS` where no other lived at the last beat: one that started since may have the rooms."""

_log = get_logger("rooms.nodes")


class Nodes:
    """The node's own row, and what it knows of the others'."""

    def __init__(self, owners: Owners, bus: Bus, clock: Clock, node: str, url: str) -> None:
        self.node = node
        self._owners = owners
        self._bus = bus
        self._clock = clock
        self._url = url
        self._beaten_ms = clock.monotonic_ms()
        self._elsewhere: dict[str, float] = {}
        self.urls: frozenset[str] = frozenset()
        """Where clients reach each of the nodes that lived within a day, as of the last beat."""
        self._alone = False

    async def beat(self) -> Mapping[str, int]:
        """Tell that this node lives; the rooms that it owns, with their fences."""
        asked_ms = self._clock.monotonic_ms()
        await self._owners.beat(self.node, self._url)
        self._beaten_ms = asked_ms  # before the write: never later than what others read
        self.urls = await self._owners.urls()
        self._alone = await self._owners.alone(self.node)
        return await self._owners.fences(self.node)

    @property
    def silent(self) -> bool:
        """Whether others may believe by now that this node is dead.

        Where no other lived at the last beat, what is under way goes on, media too, though the rows cannot
        be reached: only a node that starts meanwhile, and reaches them, could take rooms over.
        """
        silent_ms = self._clock.monotonic_ms() - self._beaten_ms
        return silent_ms > (ALONE_MS if self._alone else STOP_MS)

    async def free(self, phases: Collection[Phase]) -> list[str]:
        """Rooms in these phases that nobody else who lives owns."""
        return await self._owners.free(phases, self.node)

    async def owner(self, room: str) -> Owner | None:
        """The living owner of a room."""
        return await self._owners.owner(room)

    # --- what is known of rooms that others have ----------------------------------------------

    def is_elsewhere(self, room: str) -> bool:
        """Whether another node had the room a moment ago."""
        return self._elsewhere.get(room, 0.0) > _now()

    def note_elsewhere(self, room: str) -> None:
        """Another node has the room."""
        now = _now()
        self._elsewhere = {known: at for known, at in self._elsewhere.items() if at > now}
        self._elsewhere[room] = now + ELSEWHERE_S

    def forget_elsewhere(self) -> None:
        """Rooms came free: ask the rows again."""
        self._elsewhere.clear()

    # --- giving rooms back --------------------------------------------------------------------

    async def release(self, room: str, fence: int) -> None:
        """Give a room up; where the rows cannot be reached it comes free when the beat is old."""
        try:
            await self._owners.release(room, self.node, fence)
        except Exception as error:
            _log.warning("room not released", room=room, error=type(error).__name__)

    async def leave(self) -> None:
        """This node ends: all its rooms are free, and the others hear of it; see `release`."""
        try:
            await self._owners.leave(self.node)
            await self._bus.publish(FREED, self.node)
        except Exception as error:
            _log.warning("node not left", node=self.node, error=type(error).__name__)


def _now() -> float:
    return asyncio.get_running_loop().time()
