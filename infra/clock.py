"""Time as a part that is handed in: the real one, and one that tests turn by hand."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Two kinds of time: one that only grows, for intervals; one that people read."""

    def monotonic_ms(self) -> float:
        """Milliseconds that only grow, from an arbitrary start. Never compare across processes."""
        ...

    def now(self) -> datetime:
        """Wall time, always in UTC. Never used for ordering."""
        ...


class SystemClock:
    """The machine's own clocks."""

    __slots__ = ()

    def monotonic_ms(self) -> float:
        """`time.monotonic` in milliseconds."""
        return time.monotonic_ns() / 1e6

    def now(self) -> datetime:
        """The present moment in UTC."""
        return datetime.now(UTC)


class ManualClock:
    """A clock that stands still until it is turned."""

    __slots__ = ("_monotonic_ms", "_now")

    def __init__(self, start: datetime | None = None) -> None:
        self._now = start or datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
        if self._now.tzinfo is None:
            raise ValueError("start needs a time zone")
        self._monotonic_ms = 1_000.0

    def monotonic_ms(self) -> float:
        """Milliseconds since an arbitrary start, as far as it was turned."""
        return self._monotonic_ms

    def now(self) -> datetime:
        """The moment it was turned to, in UTC."""
        return self._now

    def advance(self, ms: float) -> None:
        """Turn both clocks on by `ms` milliseconds (never back)."""
        if ms < 0:
            raise ValueError("time does not go back")
        self._monotonic_ms += ms
        self._now += timedelta(milliseconds=ms)

    def step(self, ms: float) -> None:
        """Set the wall clock on or back by `ms` milliseconds, as a person or a time server does; the
        monotonic one goes on."""
        self._now += timedelta(milliseconds=ms)


def to_ms(moment: datetime) -> int:
    """UTC milliseconds since 1970, as times stand on the wire."""
    return round(moment.timestamp() * 1000)


def from_ms(ms: int) -> datetime:
    """The moment of `ms` UTC milliseconds since 1970."""
    return datetime.fromtimestamp(ms / 1000, UTC)
