"""Numbers and timestamps of a relayed stream across losses, padding, new publishers and switches. Pure.

A decoder behind the relay sees one stream: numbers without holes other than packets really lost, and
timestamps that go on by the time that passed. Every (number, content) pair is given out once.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

REMEMBERED_CUTS = 256  # shifts kept for late packets; older late packets are refused


@dataclass(frozen=True, slots=True)
class Given:
    """The relay's own number and timestamp for a publisher's packet (both unwrapped)."""

    number: int
    timestamp: int


class Rewrite:
    """Maps one publisher's unwrapped (number, timestamp) to the relay's own, and goes on seamlessly
    with the next publisher after `switch`.

    `first` is the first number given out, `clock_rate` in Hz is used only for the step over a switch.
    """

    __slots__ = (
        "_at_ms",
        "_cuts",
        "_floor",
        "_rate",
        "_shift",
        "_shifts",
        "_source_highest",
        "_stamp_shift",
        "highest",
        "timestamp",
    )

    def __init__(self, clock_rate: int, first: int = 0, timestamp: int = 0) -> None:
        self._rate = clock_rate
        self.highest = first - 1
        self.timestamp = timestamp
        self._at_ms: float | None = None
        self._begin()

    def _begin(self) -> None:
        # From source number _cuts[i] on, own number = source number + _shifts[i]; None: has none.
        self._cuts: list[int] = []
        self._shifts: list[int | None] = []
        self._shift = 0
        self._floor: int | None = None
        self._source_highest: int | None = None
        self._stamp_shift: int | None = None

    @property
    def stamp_shift(self) -> int | None:
        """Own timestamp minus the publisher's, once her first packet came."""
        return self._stamp_shift

    def switch(self) -> None:
        """Another publisher, or the same anew: her first packet takes the next number."""
        self._begin()

    def is_next(self, number: int) -> bool:
        """Whether this source number is above all that came: only then can anything be set before it."""
        return self._source_highest is None or number > self._source_highest

    def give(self, number: int, timestamp: int, now_ms: float) -> Given | None:
        """The own number and timestamp of a packet; None if it is older than the stream remembers."""
        if self._source_highest is None:
            self._start(number, timestamp, now_ms)
        elif self._floor is None or number < self._floor:
            return None
        shift = self._shift_at(number)
        if shift is None:
            return None
        own = Given(number + shift, timestamp + (self._stamp_shift or 0))
        if self._source_highest is None or number > self._source_highest:
            self._source_highest = number
        if own.number > self.highest:
            self.highest = own.number
        if own.timestamp > self.timestamp or self._at_ms is None:
            self.timestamp = own.timestamp
            self._at_ms = now_ms
        return own

    def drop(self, number: int) -> bool:
        """Take a packet out of the numbering (padding only). False if it came too late for that: higher
        numbers are out already, so it must be passed on empty, else its hole would never be filled."""
        if self._source_highest is None:
            return True  # before the first media packet nothing is numbered
        if number <= self._source_highest:
            return False
        self._source_highest = number
        shift = self._shift
        self._cut(number, None)  # were it to come again with a content, it has no number
        self._cut(number + 1, shift - 1)
        return True

    def insert(self, number: int, timestamp: int, now_ms: float) -> Given | None:
        """An own number for a packet of ours set right before source packet `number`, which must be
        the next one; None if it is not."""
        if not self.is_next(number):
            return None
        if self._source_highest is None:
            self._start(number, timestamp, now_ms)
        given = Given(number + self._shift, timestamp + (self._stamp_shift or 0))
        self._cut(number, self._shift + 1)
        self._source_highest = number - 1
        self.highest = max(self.highest, given.number)
        return given

    def _start(self, number: int, timestamp: int, now_ms: float) -> None:
        self._floor = number
        self._shift = self.highest + 1 - number
        self._cuts, self._shifts = [number], [self._shift]
        if self._at_ms is None:
            self._stamp_shift = self.timestamp - timestamp
            return
        # At least one step: two pictures never share a timestamp.
        passed = max(1, round((now_ms - self._at_ms) * self._rate / 1000))
        self._stamp_shift = self.timestamp + passed - timestamp

    def _cut(self, number: int, shift: int | None) -> None:
        if shift is not None:
            self._shift = shift
        if self._cuts and self._cuts[-1] == number:
            self._shifts[-1] = shift
            return
        self._cuts.append(number)
        self._shifts.append(shift)
        if len(self._cuts) > REMEMBERED_CUTS:
            del self._cuts[0], self._shifts[0]

    def _shift_at(self, number: int) -> int | None:
        place = bisect_right(self._cuts, number) - 1
        return self._shifts[place] if place >= 0 else None
