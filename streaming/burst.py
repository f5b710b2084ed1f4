"""Seal and send: one rewritten packet to many viewers.

The engine is one interface with, now, one plain form: copy, number, seal in place, `sendto`. A compiled
one takes its place behind the same interface later.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Protocol

from streaming.counters import Counters
from streaming.ice import Path
from streaming.private import MAX_PACKET_BYTES, OUT, Outbound

_NUMBERS = Struct("!HII")
# A slice holds the loop for about 1.5 ms with a frame of eight packets.
SLICE = 64
MAX_WAITING_JOBS = 64


class Sender(Protocol):
    """What puts a datagram on its way."""

    def send(self, data: bytes | memoryview, path: Path) -> None:
        """Send it now, or keep it for a moment in a bounded queue."""
        ...


class Outlet:
    """A viewing session's way out: its keys, its address, and whether anything may leave now.

    `ready` is false until the keys are there and the address is proved, while the grant is of another
    epoch than the room's, and while nothing was heard of the peer for 30 s. `counters` are the house's.
    """

    __slots__ = ("_sender", "counters", "keys", "path", "ready", "sent_bytes", "sent_packets")

    def __init__(self, sender: Sender, counters: Counters | None = None) -> None:
        self._sender = sender
        self.counters = counters or Counters()
        self.keys: Outbound | None = None
        self.path: Path | None = None
        self.ready = False
        self.sent_packets = 0
        self.sent_bytes = 0

    def send_rtcp(self, plain: bytes) -> None:
        """Seal a compound RTCP packet and send it; nothing happens while there is no way out."""
        if self.keys is None or self.path is None:
            return
        data = self.keys.seal_rtcp(plain)
        if data:
            self._sender.send(data, self.path)


@dataclass(slots=True)
class Wire:
    """A packet rewritten for a wire shape: payload type, marker and extensions are set.

    Bytes 2–11 (number, timestamp, SSRC) are written for each viewer; `seq` and `timestamp` are the
    feed's own, unwrapped.
    """

    data: bytes
    seq: int
    timestamp: int


@dataclass(slots=True, eq=False)
class Target:
    """One stream to one viewer. Replaced, never changed, when the source behind it changes.

    On the wire a packet is numbered (wire.seq + seq_offset) mod 2**16, its time is
    (wire.timestamp + ts_offset) mod 2**32. `packets` and `octets` (less the fixed header) are counted
    for the sender reports.
    """

    outlet: Outlet
    ssrc: int
    seq_offset: int
    ts_offset: int
    packets: int = 0
    octets: int = 0


class Engine(Protocol):
    """What sends a batch to its viewers."""

    def send(self, packets: Sequence[Wire], targets: Sequence[Target]) -> None:
        """Send every packet to every target that is ready. Synchronous; never raises."""
        ...


class PlainEngine:
    """One `sendto` a packet and viewer; more than a slice of viewers is served in turns of the loop.

    A `Share` of it is one room's: what waits there is that room's alone, and rooms take turns.
    """

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._waiting: deque[Share] = deque()
        self._scheduled = False
        self.sent_packets = 0
        self.refused_packets = 0
        self.dropped_jobs = 0

    def share(self) -> Share:
        """A way in for one room."""
        return Share(self)

    def wait(self, share: Share) -> None:
        """Something waits in this share: it gets its turn."""
        if share not in self._waiting:
            self._waiting.append(share)
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._scheduled = False
        if not self._waiting:
            return
        share = self._waiting.popleft()
        if share.jobs:
            packets, targets, at = share.jobs.popleft()
            self.slice(packets, targets, at)
            if at + SLICE < len(targets):
                share.jobs.appendleft((packets, targets, at + SLICE))
        if share.jobs:
            self._waiting.append(share)
        if self._waiting:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._turn)

    def slice(self, packets: Sequence[Wire], targets: Sequence[Target], at: int) -> None:
        """Send to a slice of the targets, from the one at `at` on."""
        send = self._sender.send
        out = OUT
        patch = _NUMBERS.pack_into
        for target in targets[at : at + SLICE]:
            outlet = target.outlet
            keys, path = outlet.keys, outlet.path
            if not outlet.ready or keys is None or path is None:
                continue
            ssrc, seq_offset, ts_offset = target.ssrc, target.seq_offset, target.ts_offset
            for packet in packets:
                data = packet.data
                length = len(data)
                if length > MAX_PACKET_BYTES:
                    self.refused_packets += 1
                    continue
                out[:length] = data
                patch(
                    out,
                    2,
                    (packet.seq + seq_offset) & 0xFFFF,
                    (packet.timestamp + ts_offset) & 0xFFFFFFFF,
                    ssrc,
                )
                sealed = keys.seal(length)
                if not sealed:
                    self.refused_packets += 1
                    continue
                send(out[:sealed], path)
                target.packets += 1
                target.octets += length - 12
                outlet.sent_packets += 1
                outlet.sent_bytes += sealed
                self.sent_packets += 1


class Share:
    """One room's part of the engine (an `Engine`)."""

    def __init__(self, engine: PlainEngine) -> None:
        self._engine = engine
        self.jobs: deque[tuple[Sequence[Wire], Sequence[Target], int]] = deque()

    def send(self, packets: Sequence[Wire], targets: Sequence[Target]) -> None:
        """As the protocol says. Order is kept: what waits goes before what comes later."""
        if not packets or not targets:
            return
        if not self.jobs and len(targets) <= SLICE:
            self._engine.slice(packets, targets, 0)
            return
        if len(self.jobs) >= MAX_WAITING_JOBS:
            self.jobs.popleft()
            self._engine.dropped_jobs += 1
        self.jobs.append((packets, tuple(targets), 0))
        self._engine.wait(self)

    def drop_waiting(self) -> None:
        """Forget what waits for its turn: after a change of phase it may reach nobody."""
        self.jobs.clear()
