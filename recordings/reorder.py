"""Packets in order of arrival → packets in order of number, with what was lost between them.

The relay's NACK brings most lost packets back within two or three round trips; a hole is therefore
waited for, but only so long. Pure: the clock is the packets' own time of arrival.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from streaming.ports import Packet

HOLD_MS = 250.0
"""How long a hole is waited for: two to three rounds of NACK at 60 ms."""
MOST_WAITING = 4096
"""Packets kept behind a hole; beyond it the hole counts as lost whatever the time is."""


@dataclass(order=True, slots=True)
class _Waiting:
    seq: int
    packet: Packet = field(compare=False)


class Reorder:
    """One stream's packets put in order."""

    def __init__(self, hold_ms: float = HOLD_MS) -> None:
        self._hold_ms = hold_ms
        self._heap: list[_Waiting] = []
        self._held: set[int] = set()
        self._next: int | None = None

    def push(self, packets: Iterable[Packet]) -> None:
        """Take packets in any order; those that come after their turn are forgotten."""
        for packet in packets:
            late = self._next is not None and packet.seq < self._next
            if late or packet.seq in self._held:
                continue
            self._held.add(packet.seq)
            heapq.heappush(self._heap, _Waiting(packet.seq, packet))

    def pop(self, now_ms: float) -> Iterator[tuple[Packet, int]]:
        """The packets whose turn it is, each with the number of packets lost before it."""
        while self._heap:
            head = self._heap[0].packet
            lost = 0 if self._next is None else head.seq - self._next
            waited = now_ms - head.arrival_ms > self._hold_ms
            if lost and not waited and len(self._heap) <= MOST_WAITING:
                return
            heapq.heappop(self._heap)
            self._held.discard(head.seq)
            self._next = head.seq + 1
            yield head, lost

    def drain(self) -> Iterator[tuple[Packet, int]]:
        """Everything that is left; nothing more will come."""
        return self.pop(float("inf"))
