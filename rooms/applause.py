"""Applause: gathered, never stored; at most one message a second for a room."""

from __future__ import annotations

from rooms.messages import ApplauseMessage

EVERY_MS = 1000
"""The least time between two messages."""

CLAPS_MAX = 20
"""Claps of one seat that count within one message."""


class Applause:
    """What one hall claps. Time is an argument, in ms of a monotonic clock."""

    def __init__(self) -> None:
        self._claps: dict[str, int] = {}
        self._last_ms = float("-inf")

    def clap(self, seat: str, claps: int) -> None:
        """Count a seat's claps, up to the most that one pair of hands can do."""
        self._claps[seat] = min(CLAPS_MAX, self._claps.get(seat, 0) + max(0, claps))

    def gather(self, now_ms: float) -> ApplauseMessage | None:
        """What was clapped since the last message, None if nothing was or it is too early."""
        claps = self.take(now_ms)
        if not claps:
            return None
        return ApplauseMessage(claps=sum(claps.values()), seats=len(claps))

    def take(self, now_ms: float) -> dict[str, int]:
        """The claps of each seat since the last time, empty if nothing was or it is too early."""
        if not self._claps or now_ms - self._last_ms < EVERY_MS:
            return {}
        taken, self._claps = self._claps, {}
        self._last_ms = now_ms
        return taken
