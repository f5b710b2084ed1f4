"""One slot of a viewing session: a sound and a picture, from whatever feed stands behind it.

The viewer sees one SSRC a stream, whose numbers and timestamps go on when the source changes. A number
is used once under the session's key; only the very bytes that went out under it go out again.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from infra.clock import Clock
from streaming import rtcp, rtp
from streaming.budget import Budget
from streaming.burst import Outlet, Target, Wire
from streaming.feed import Feed
from streaming.ports import Kind
from streaming.ring import VIDEO_PACKETS
from streaming.stream import RATES
from streaming.taps import Shape, Tap

REPORT_MS = 1000.0
SECOND_REPORT_MS = 200.0  # a receiver ties sound to picture by two reports of each, not by one
FIRST_NUMBERS = 0x4000  # a run begins low, so that SRTP's roll-over count begins at 0 on both sides
RESEND_MS = 30.0
OVERHEAD = 44  # bytes of a packet's seal, UDP and IP: small packets cost more than they say
# Bytes sent again (a second, at once), by kind: a quarter of a picture of 2.4 Mb/s; sound in full.
RESENDS: dict[Kind, tuple[float, float]] = {"audio": (16_000, 16_000), "video": (75_000, 150_000)}
# Keyframes one viewer may ask for: in trouble three at once, then what the feed's clock gives anyway.
PLEAS_A_SECOND, PLEAS_AT_ONCE = 0.2, 3.0
REMEMBERED_REPORTS = 8


@dataclass(frozen=True, slots=True)
class MediaShape:
    """A stream as this viewer negotiated it: its SSRC and name, and the payload type by codec."""

    kind: Kind
    ssrc: int
    cname: str
    payload_types: dict[str, int]
    mid: str = ""
    mid_extension: int | None = None


class Lane:
    """One stream of a slot (a `Taker`)."""

    def __init__(self, outlet: Outlet, shape: MediaShape, clock: Clock) -> None:
        self.outlet = outlet
        self.media = shape
        self.rate = RATES[shape.kind]
        self.feed: Feed | None = None
        self.tap: Tap | None = None
        self.fraction_lost = 0.0
        self.rtt_ms: float | None = None
        self.resent = 0
        self._clock = clock
        self._target: Target | None = None
        self._next: int | None = None
        self._stamp = 0
        self._stopped_ms = 0.0
        self._resent_ms: dict[int, float] = {}
        self._budget = Budget(*RESENDS[shape.kind])
        self._reported_ms: float | None = None
        self._told = 0
        self._version: tuple[int, int, bool] | None = None
        self._reports: dict[int, float] = {}

    # the stream's side --------------------------------------------------------------------------

    def shape(self, codec: str) -> Shape | None:
        """How this viewer wants a codec."""
        payload_type = self.media.payload_types.get(codec)
        if payload_type is None:
            return None
        return Shape(payload_type, self.media.mid, self.media.mid_extension)

    def begin(self, first: Wire) -> Target:
        """A new run: its numbers follow the last run's, its time goes on by what passed."""
        now_ms = self._clock.monotonic_ms()
        before = self._target
        if self._next is None:
            seq_offset = secrets.randbelow(FIRST_NUMBERS) - first.seq
            ts_offset = secrets.randbits(32)
        else:
            seq_offset = self._next - first.seq
            passed = max(1, round((now_ms - self._stopped_ms) * self.rate / 1000))
            ts_offset = self._stamp + passed - first.timestamp
        target = Target(self.outlet, self.media.ssrc, seq_offset, ts_offset)
        if before is not None:
            target.packets, target.octets = before.packets, before.octets
        self._target = target
        self._resent_ms.clear()
        self._told = 0
        self._report(now_ms)
        return target

    def end(self, last: Wire, at_ms: float) -> None:
        """The run is over: its numbers are spent."""
        target = self._target
        if target is None:
            return
        self._next = max(self._next or 0, last.seq + target.seq_offset + 1)
        self._stamp = last.timestamp + target.ts_offset
        self._stopped_ms = at_ms

    # the viewer's side --------------------------------------------------------------------------

    def join(self, feed: Feed) -> None:
        """Take this feed's stream."""
        self.feed, self.tap = feed, Tap(self)
        feed.join(self.media.kind, self.tap)

    def leave(self) -> None:
        """Take nothing any more; what was sent is not sent again."""
        if self.feed is not None and self.tap is not None:
            self.feed.leave(self.media.kind, self.tap)
        self.feed = self.tap = None

    def resend(self, numbers: Sequence[int]) -> None:
        """Answer a NACK (16-bit numbers): what is in the ring, once a round trip, within the budget."""
        feed, tap, target = self.feed, self.tap, self._target
        if feed is None or tap is None or target is None or tap.shaped is None:
            return
        last = tap.shaped.last
        if tap.target is not target or last is None:
            return
        now_ms = self._clock.monotonic_ms()
        pause = max(RESEND_MS, self.rtt_ms or 0.0)
        highest = last.seq + target.seq_offset
        stream = feed.streams[self.media.kind]
        if len(self._resent_ms) > VIDEO_PACKETS:
            young = now_ms - pause
            self._resent_ms = {n: at for n, at in self._resent_ms.items() if at > young}
        for number in numbers:
            own = rtp.unwrap(number, highest, 16) - target.seq_offset
            if now_ms - self._resent_ms.get(own, -1e9) < pause:
                continue
            wire = stream.kept(tap, own)
            if wire is None:
                continue
            if not self._budget.take(len(wire.data) + OVERHEAD, now_ms):
                self.outlet.counters.withheld += 1
                continue
            stream.resend(tap, wire)
            self._resent_ms[own] = now_ms
            self.resent += 1

    def received(self, block: rtcp.Block) -> None:
        """The viewer's report about this stream (RFC 3550 §6.4.1)."""
        self.fraction_lost = block.fraction / 256
        sent_ms = self._reports.get(block.last_sr)
        if block.last_sr and sent_ms is not None:
            rtt = self._clock.monotonic_ms() - sent_ms - block.since / 65.536
            self.rtt_ms = max(0.0, rtt)

    def tick(self, now_ms: float) -> None:
        """Tell the viewer the stream's time: each second, and at once where it leapt."""
        if self.feed is None or self.tap is None or self.tap.target is None:
            return
        pause = SECOND_REPORT_MS if self._told < 2 else REPORT_MS
        due = self._reported_ms is None or now_ms - self._reported_ms >= pause
        if due or self.feed.clock_version(self.media.kind) != self._version:
            self._report(now_ms)

    def _report(self, now_ms: float) -> None:
        feed, target = self.feed, self._target
        if feed is None or target is None:
            return
        clock = feed.clock_at(self.media.kind, now_ms)
        if clock is None:
            return
        ntp_s, timestamp = clock
        ssrc = self.media.ssrc
        self._reported_ms = now_ms
        self._told += 1
        self._version = feed.clock_version(self.media.kind)
        middle = rtcp.to_ntp(ntp_s) >> 16 & 0xFFFFFFFF
        self._reports[middle] = now_ms
        while len(self._reports) > REMEMBERED_REPORTS:
            del self._reports[next(iter(self._reports))]
        self.outlet.send_rtcp(
            rtcp.sender_report(
                ssrc, ntp_s, timestamp + target.ts_offset, target.packets, target.octets
            )
            + rtcp.names([(ssrc, self.media.cname)])
        )

    @property
    def sent(self) -> tuple[int, int]:
        """Packets and octets so far."""
        return (0, 0) if self._target is None else (self._target.packets, self._target.octets)


class Viewer:
    """One slot. Nothing goes out before `resume`; `watch` before it is only remembered.

    It originates nothing but reports: packets go out through the feed's streams.
    """

    def __init__(self, outlet: Outlet, shapes: Sequence[MediaShape], clock: Clock) -> None:
        self.lanes = [Lane(outlet, shape, clock) for shape in shapes]
        self._outlet = outlet
        self._clock = clock
        self._feed: Feed | None = None
        self._running = False
        self._pleas = Budget(PLEAS_A_SECOND, PLEAS_AT_ONCE)

    def watch(self, feed: Feed | None) -> None:
        """Put another feed behind this slot (None: nobody)."""
        if feed is self._feed:
            return
        self._feed = feed
        for lane in self.lanes:
            lane.leave()
            if feed is not None and self._running:
                lane.join(feed)

    def resume(self) -> None:
        """The way out is open: sound at once, picture from a young keyframe or a new one. Idempotent."""
        if self._running:
            return
        self._running = True
        if self._feed is not None:
            for lane in self.lanes:
                lane.join(self._feed)

    def pause(self) -> None:
        """The way out is shut; what went before is never sent again. Idempotent."""
        self._running = False
        for lane in self.lanes:
            lane.leave()

    def on_rtcp(self, reports: Sequence[rtcp.Report]) -> None:
        """What the viewer said; only what names this slot's streams counts."""
        for report in reports:
            if isinstance(report, rtcp.SenderInfo | rtcp.ReceiverInfo):
                for block in report.blocks:
                    for lane in self.lanes:
                        if lane.media.ssrc == block.ssrc:
                            lane.received(block)
            elif isinstance(report, rtcp.Nack):
                for lane in self.lanes:
                    if lane.media.ssrc == report.media_ssrc:
                        lane.resend(report.numbers)
            elif isinstance(report, rtcp.Pli):
                self._keyframe({report.media_ssrc})
            elif isinstance(report, rtcp.Fir):
                self._keyframe({ssrc for ssrc, _ in report.entries})

    def _keyframe(self, ssrcs: set[int]) -> None:
        if self._feed is None or not self._running:
            return
        if any(lane.media.ssrc in ssrcs and lane.media.kind == "video" for lane in self.lanes):
            self.ask_keyframe()

    def ask_keyframe(self) -> None:
        """Ask for a keyframe. One viewer, however bad its network or its will, does not make everyone's
        picture a row of keyframes."""
        if self._feed is None or not self._running:
            return
        if self._pleas.take(1, self._clock.monotonic_ms()):
            self._feed.request_keyframe()
        else:
            self._outlet.counters.pleas += 1

    def tick(self, now_ms: float) -> None:
        """Every 50 ms or so: sender reports."""
        if self._running:
            for lane in self.lanes:
                lane.tick(now_ms)

    def close(self) -> None:
        """No more; idempotent."""
        self.pause()
        self._feed = None

    def stats(self) -> dict[str, int | float]:
        """Plain counters."""
        found: dict[str, int | float] = {}
        for lane in self.lanes:
            kind = lane.media.kind
            found[f"{kind}_packets"], found[f"{kind}_octets"] = lane.sent
            found[f"{kind}_resent"] = lane.resent
            found[f"{kind}_fraction_lost"] = lane.fraction_lost
            if lane.rtt_ms is not None:
                found["rtt_ms"] = lane.rtt_ms
        return found
