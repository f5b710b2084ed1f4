"""Rooms that another node has, read from the log: each look reads only what is new."""

from __future__ import annotations

import asyncio

from rooms.messages import Snapshot
from rooms.reading import state_after
from rooms.state import empty
from rooms.store import Log

KEPT_S = 60.0
"""How long what was said in a room stays here after the last look at it."""


class Followed:
    """The whole state of rooms, kept between looks until it is forgotten or nobody looks any more."""

    def __init__(self, log: Log, *, kept_s: float = KEPT_S) -> None:
        self._log = log
        self._kept_s = kept_s
        self._known: dict[str, tuple[int, Snapshot]] = {}
        self._ends: dict[str, asyncio.TimerHandle] = {}

    @property
    def rooms(self) -> set[str]:
        """The rooms that are known now."""
        return set(self._known)

    async def whole(self, room: str) -> tuple[int, Snapshot]:
        """The number of the last committed event and the state after it."""
        seq, state = self._known.get(room, (0, empty(room)))
        while rows := await self._log.read(room, seq):
            for row in rows:
                seq, state = row.seq, state_after(state, room, row)
        # Whoever looked at the same time may have come further.
        if seq >= self._known.get(room, (0, state))[0]:
            self._known[room] = (seq, state)
        self._end_later(room)
        return seq, state

    def forget(self, room: str) -> None:
        """Nobody here asks for it any more."""
        self._known.pop(room, None)
        end = self._ends.pop(room, None)
        if end is not None:
            end.cancel()

    def _end_later(self, room: str) -> None:
        end = self._ends.pop(room, None)
        if end is not None:
            end.cancel()
        loop = asyncio.get_running_loop()
        self._ends[room] = loop.call_later(self._kept_s, self.forget, room)
