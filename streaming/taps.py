"""Viewers at a stream: the shape they want packets in, and one viewer's place among the others.

A *shape* is a payload type and a mid: packets are made in it once for all who want it. A *tap* waits for
a keyframe (sound does not), then gets every packet from there on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from streaming import rtp
from streaming.burst import Target, Wire
from streaming.ports import Packet
from streaming.ring import Ring


@dataclass(frozen=True, slots=True)
class Shape:
    """What a packet looks like on the wire to a kind of viewers."""

    payload_type: int
    mid: str = ""
    mid_extension: int | None = None

    def wire(self, packet: Packet, timestamp: int) -> Wire:
        """A packet in this shape; number, timestamp and source are written for each viewer."""
        second = self.payload_type | (0x80 if packet.marker else 0)
        if self.mid_extension is None:
            data = bytes((0x80, second)) + packet.data[2:]
        else:
            data = rtp.build(
                self.payload_type,
                packet.seq,
                timestamp,
                0,
                packet.data[packet.payload_at :],
                marker=packet.marker,
                elements=((self.mid_extension, self.mid.encode()),),
            )
        return Wire(data, packet.seq, timestamp)


class Taker(Protocol):
    """A viewer's side of a tap. Nothing here may raise."""

    def shape(self, codec: str) -> Shape | None:
        """How it wants this codec; None if it cannot have it."""
        ...

    def begin(self, first: Wire) -> Target:
        """A run of packets begins with this one: a new target with its offsets."""
        ...

    def end(self, last: Wire, at_ms: float) -> None:
        """The run ended with this one, which came at that time."""
        ...


class Tap:
    """One viewer's place at a stream. `floor` is the first number of its present run."""

    __slots__ = ("floor", "shaped", "taker", "target")

    def __init__(self, taker: Taker) -> None:
        self.taker = taker
        self.shaped: Shaped | None = None
        self.target: Target | None = None
        self.floor = 0


class Shaped:
    """The stream in one shape: what was sent, for resends and replays, and who gets it."""

    __slots__ = ("last", "last_ms", "ring", "shape", "tapped", "targets", "waiting")

    def __init__(self, shape: Shape, size: int) -> None:
        self.shape = shape
        self.ring: Ring[Wire] = Ring(size)
        self.last: Wire | None = None
        self.last_ms = 0.0
        self.waiting: list[Tap] = []
        self.tapped: list[Tap] = []
        self.targets: list[Target] = []

    def keep(self, wire: Wire, at_ms: float) -> bool:
        """Put a packet into the ring; False if its number is there or too old."""
        if not self.ring.add(wire.seq, wire):
            return False
        if self.last is None or wire.seq > self.last.seq:
            self.last, self.last_ms = wire, at_ms
        return True
