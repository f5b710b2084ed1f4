"""Rooms that another node has, read from the log: each look reads only what is new."""

from __future__ import annotations

from rooms.messages import Snapshot
from rooms.reading import state_after
from rooms.state import empty
from rooms.store import Log


class Followed:
    """The whole state of rooms, kept between looks until it is forgotten."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._known: dict[str, tuple[int, Snapshot]] = {}

    async def whole(self, room: str) -> tuple[int, Snapshot]:
        """The number of the last committed event and the state after it."""
        seq, state = self._known.get(room, (0, empty(room)))
        while rows := await self._log.read(room, seq):
            for row in rows:
                seq, state = row.seq, state_after(state, room, row)
        # Whoever looked at the same time may have come further.
        if seq >= self._known.get(room, (0, state))[0]:
            self._known[room] = (seq, state)
        return seq, state

    def forget(self, room: str) -> None:
        """Nobody here asks for it any more."""
        self._known.pop(room, None)
