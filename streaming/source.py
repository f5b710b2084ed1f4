"""One publisher behind a feed: her streams told apart, losses asked for, reports written.

A thin shell around `feedback.py`: decrypted packets in, RTCP out. A new publisher is a new `Source`;
nothing a dead one still brings goes anywhere.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from streaming import rtcp, rtp
from streaming.feedback import Ceiling, Losses, Reception, TransportWide
from streaming.ports import SenderReport, Track
from streaming.timing import SourceClock

REPORT_MS = 1000.0
REBIND_MS = 1000.0


@dataclass(frozen=True, slots=True)
class SourceTrack:
    """A track as it was negotiated with its publisher.

    `ssrcs` as told in her description (media first; may be empty); `*_extension` are RTP header
    extension ids; `nack` and `remb` say which feedback she understands; `rtx_payload_type` only where
    RTX was accepted (RFC 4588).
    """

    track: Track
    ssrcs: tuple[int, ...] = ()
    mid_extension: int | None = None
    transport_cc_extension: int | None = None
    nack: bool = True
    remb: bool = False
    rtx_payload_type: int | None = None


@dataclass(slots=True)
class Incoming:
    """One packet of a stream: `number` and `timestamp` unwrapped, `payload` without padding."""

    payload: bytes
    number: int
    timestamp: int
    marker: bool
    arrival_ms: float


class SourceStream:
    """One media stream of a publisher: its numbers, what is missing, how it arrives."""

    def __init__(self, plan: SourceTrack, clock: SourceClock) -> None:
        self.plan = plan
        self.track = plan.track
        self._source_clock = clock
        self.ssrc: int | None = None
        self.last_ms = 0.0
        self.packets = 0
        self.octets = 0
        self.backward = 0
        self.life = 0
        self.clock = clock.stream(plan.track.clock_rate)
        self.begin()

    def begin(self) -> None:
        """A new SSRC: numbers, timestamps and clocks start anew; `life` tells them apart."""
        self.life += 1
        self._number = rtp.Unwrapper(16)
        self._timestamp = rtp.Unwrapper(32)
        self._newest: tuple[int, int] | None = None
        self.losses = Losses()
        self.reception = Reception(self.track.clock_rate)
        self._source_clock.forget(self.clock)
        self.clock = self._source_clock.stream(self.track.clock_rate)

    def arrived(self, packet: bytes, header: rtp.Header, now_ms: float) -> Incoming:
        """Count a packet of the media SSRC."""
        number = self._number(header.seq)
        timestamp = self._timestamp(header.timestamp)
        self.reception.arrived(number, timestamp, now_ms)
        self._source_clock.arrived(self.clock, timestamp, now_ms)
        payload = packet[header.payload_at : header.payload_end]
        if payload and (self._newest is None or number > self._newest[0]):
            if self._newest is not None and timestamp < self._newest[1]:
                self.backward += 1  # B-frames: the picture order is not the sending order
            self._newest = (number, timestamp)
        return self._take(payload, number, timestamp, header.marker, now_ms)

    def repaired(self, packet: bytes, header: rtp.Header, now_ms: float) -> Incoming | None:
        """Unpack RTX (RFC 4588 §4); None for probes, and before the first media packet."""
        at, end = header.payload_at, header.payload_end
        if end - at <= 2 or self._number.highest is None:
            return None
        number = self._number.peek(packet[at] << 8 | packet[at + 1])
        timestamp = self._timestamp.peek(header.timestamp)
        if number > self._number.highest:
            return None
        return self._take(packet[at + 2 : end], number, timestamp, header.marker, now_ms)

    def _take(
        self, payload: bytes, number: int, timestamp: int, marker: bool, now_ms: float
    ) -> Incoming:
        self.losses.arrived(number, now_ms)
        self.last_ms = now_ms
        self.packets += 1
        self.octets += len(payload)
        return Incoming(payload, number, timestamp, marker, now_ms)

    def reported(self, report: rtcp.SenderInfo, now_ms: float) -> SenderReport | None:
        """A sender report of this stream; None before its first packet (nothing to unwrap by)."""
        middle = rtcp.to_ntp(report.ntp_s) >> 16 & 0xFFFFFFFF
        self.reception.sender_report(middle, now_ms)
        if self._timestamp.highest is None:
            return None
        timestamp = self._timestamp.peek(report.rtp_timestamp)
        self.clock.report(report.ntp_s, timestamp)
        return SenderReport(report.ntp_s, timestamp, now_ms)


class Source:
    """All streams of one publishing session.

    `take` gets every packet of a stream, `report` every sender report, `broken` is called when asking
    for single packets no longer helps. None of them may raise.
    """

    def __init__(
        self,
        tracks: Sequence[SourceTrack],
        send_rtcp: Callable[[bytes], None],
        *,
        take: Callable[[SourceStream, Incoming], None],
        report: Callable[[SourceStream, SenderReport], None],
        broken: Callable[[], None],
        now_ms: float,
    ) -> None:
        self.clock = SourceClock()
        self.streams = [SourceStream(track, self.clock) for track in tracks]
        self.alive = True
        self.heard_ms = now_ms
        self.malformed = 0
        self.unknown = 0
        self._send_rtcp = send_rtcp
        self._take = take
        self._report = report
        self._broken = broken
        self._ssrc = secrets.randbits(32) or 1
        self._bound: dict[int, SourceStream] = {}
        self._rtx: dict[int, SourceStream] = {}
        for stream in self.streams:
            if stream.plan.ssrcs:
                self._bind(stream, stream.plan.ssrcs[0])
        self._wide = TransportWide()
        self._wide_number = rtp.Unwrapper(16)
        self._wide_media = 0
        self._ceiling = Ceiling()
        self._reported_ms: float | None = None

    def heard(self, now_ms: float) -> None:
        """Something authenticated came of her, STUN included: she has not vanished."""
        self.heard_ms = now_ms

    def resume(self) -> None:
        """Packets are listened to again after a time: what was missed meanwhile is not asked for."""
        for stream in self.streams:
            stream.losses = Losses()

    def on_rtp(self, plain: bytes, arrival_ms: float) -> None:
        """Take a decrypted packet; garbage is counted and dropped."""
        if not self.alive:
            return
        self.heard_ms = arrival_ms
        try:
            header = rtp.parse(plain)
            stream = self._stream_of(plain, header, arrival_ms)
            if stream is None:
                self.unknown += 1
                return
            self._count_wide(stream, plain, header, arrival_ms)
        except ValueError:
            self.malformed += 1
            return
        plan = stream.plan
        if header.payload_type == plan.track.payload_type:
            self._take(stream, stream.arrived(plain, header, arrival_ms))
        elif plan.rtx_payload_type is not None and header.payload_type == plan.rtx_payload_type:
            incoming = stream.repaired(plain, header, arrival_ms)
            if incoming is not None:
                self._take(stream, incoming)
        else:
            self.unknown += 1

    def on_rtcp(self, plain: bytes, arrival_ms: float) -> bool:
        """Take a decrypted compound; False once she said goodbye for all her streams."""
        if not self.alive:
            return True
        self.heard_ms = arrival_ms
        try:
            reports = rtcp.parse(plain)
        except ValueError:
            self.malformed += 1
            return True
        for report in reports:
            if isinstance(report, rtcp.SenderInfo):
                stream = self._bound.get(report.ssrc)
                clocked = stream.reported(report, arrival_ms) if stream is not None else None
                if stream is not None and clocked is not None:
                    self._report(stream, clocked)
            elif isinstance(report, rtcp.Bye):
                gone = [self._bound.pop(ssrc, None) for ssrc in report.ssrcs]
                if any(gone) and not self._bound:
                    return False
        return True

    def ask_keyframe(self) -> None:
        """Send a PLI for each picture."""
        for stream in self.streams:
            if stream.track.kind == "video" and stream.ssrc is not None:
                self._send(rtcp.pli(self._ssrc, stream.ssrc))

    def flush(self, now_ms: float) -> None:
        """End of a wake-up: ask for what it showed to be missing."""
        if not self.alive:
            return
        for stream in self.streams:
            if stream.ssrc is None or not stream.plan.nack:
                continue
            numbers = stream.losses.due(now_ms)
            if numbers:
                self._send(rtcp.nack(self._ssrc, stream.ssrc, numbers))
            if stream.losses.mended() and stream.track.kind == "video":
                self._broken()

    def tick(self, now_ms: float) -> None:
        """Every 50 ms or so: transport-cc, losses asked for again, receiver reports, REMB."""
        if not self.alive:
            return
        self.flush(now_ms)
        wide = self._wide.report(now_ms)
        if wide is not None:
            base, arrivals = wide
            self._send(
                rtcp.transport_cc(self._ssrc, self._wide_media, base, arrivals, self._wide.count)
            )
        if self._reported_ms is None or now_ms - self._reported_ms >= REPORT_MS:
            blocks = [
                block
                for stream in self.streams
                if stream.ssrc is not None
                and (block := stream.reception.block(stream.ssrc, now_ms)) is not None
            ]
            if blocks:
                self._reported_ms = now_ms
                self._send_rtcp(rtcp.receiver_report(self._ssrc, blocks))
        self._tell_ceiling(now_ms)

    def _tell_ceiling(self, now_ms: float) -> None:
        ssrcs = [s.ssrc for s in self.streams if s.plan.remb and s.ssrc is not None]
        if not ssrcs or self._wide.highest is not None:
            return
        lost = max(stream.reception.fraction_lost for stream in self.streams)
        bitrate = self._ceiling.due(lost, now_ms)
        if bitrate is not None:
            self._send(rtcp.remb(self._ssrc, bitrate, ssrcs))

    def _send(self, feedback: bytes) -> None:
        # aiortc and older stacks want a compound to begin with a report (RFC 3550 §6.1)
        self._send_rtcp(rtcp.receiver_report(self._ssrc) + feedback)

    def _count_wide(
        self, stream: SourceStream, plain: bytes, header: rtp.Header, arrival_ms: float
    ) -> None:
        number = stream.plan.transport_cc_extension
        if number is None:
            return
        content = rtp.extension(plain, header, number)
        if content is not None and len(content) == 2:
            self._wide_media = stream.ssrc or header.ssrc
            self._wide.arrived(self._wide_number(content[0] << 8 | content[1]), arrival_ms)

    def _stream_of(self, plain: bytes, header: rtp.Header, now_ms: float) -> SourceStream | None:
        stream = self._bound.get(header.ssrc) or self._rtx.get(header.ssrc)
        if stream is not None:
            return stream
        for stream in self.streams:
            plan = stream.plan
            if header.payload_type not in (plan.track.payload_type, plan.rtx_payload_type):
                continue
            if plan.mid_extension is not None:
                mid = rtp.extension(plain, header, plan.mid_extension)
                if mid is not None and mid != plan.track.mid.encode():
                    continue
            if header.payload_type == plan.rtx_payload_type:
                self._rtx[header.ssrc] = stream
                return stream
            if stream.ssrc is None or now_ms - stream.last_ms >= REBIND_MS:
                self._bind(stream, header.ssrc)
                return stream
        return None

    def _bind(self, stream: SourceStream, ssrc: int) -> None:
        if stream.ssrc is not None:
            self._bound.pop(stream.ssrc, None)
            stream.begin()
        stream.ssrc = ssrc
        self._bound[ssrc] = stream
