"""Applause of all nodes: each gathers its own claps, the room's owner tells the hall.

A node that does not have the room sends its claps once a second to whoever has it. What is lost on the way is
lost: applause is never stored.
"""

from __future__ import annotations

from collections.abc import Callable

from pydantic import BaseModel, ConfigDict, ValidationError

from infra.clock import Clock
from infra.logs import get_logger
from infra.ports import Bus, Gap
from rooms.applause import Applause

CLAPS = "rooms/claps"
"""Where claps go from node to node."""

_log = get_logger("rooms.clapping")


class _Claps(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    room: str
    seats: dict[str, int]


class Clapping:
    """The applause of this node's listeners and, for rooms that are `here`, of all nodes."""

    def __init__(self, bus: Bus, clock: Clock, here: Callable[[str], bool]) -> None:
        self._bus = bus
        self._clock = clock
        self._here = here
        self._rooms: dict[str, Applause] = {}

    def clap(self, room: str, seat: str, claps: int) -> None:
        """Count claps of a seat."""
        self._rooms.setdefault(room, Applause()).clap(seat, claps)

    async def tell(self) -> None:
        """Tell what was clapped: the hall of a room that is here, the owner of another."""
        now = self._clock.monotonic_ms()
        for room, applause in list(self._rooms.items()):
            if self._here(room):
                message = applause.gather(now)
                if message is not None:
                    await self._bus.publish(f"room/{room}/transient", message.model_dump_json())
            elif seats := applause.take(now):
                await self._bus.publish(CLAPS, _Claps(room=room, seats=seats).model_dump_json())

    async def hear(self) -> None:
        """Count what other nodes send for rooms that are here; runs until it is cancelled."""
        async for hint in self._bus.subscribe(CLAPS):
            if isinstance(hint, Gap):
                continue
            try:
                claps = _Claps.model_validate_json(hint.body)
            except ValidationError:
                _log.warning("claps not understood")
                continue
            if self._here(claps.room):
                for seat, count in claps.seats.items():
                    self.clap(claps.room, seat, count)

    def forget(self, room: str) -> None:
        """Nobody claps there any more."""
        self._rooms.pop(room, None)
