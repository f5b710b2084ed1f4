"""Real packets of a browser, kept as files: kind u8, monotonic time ns u64, length u16, bytes."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from streaming import rtcp, rtp
from streaming.ports import Batch, Kind, Packet, SenderReport

RTP, RTCP, SESSION = 1, 2, 9
CLOCK_RATE: dict[Kind, int] = {"video": 90_000, "audio": 48_000}


def records(path: Path) -> Iterator[tuple[int, int, bytes]]:
    """The records of a trace: kind, time in ns, bytes."""
    data, at = path.read_bytes(), 0
    while at + 11 <= len(data):
        kind, ns, size = struct.unpack_from(">BQH", data, at)
        yield kind, ns, data[at + 11 : at + 11 + size]
        at += 11 + size


def batches(path: Path, types: dict[int, Kind]) -> Iterator[list[tuple[Kind, Batch]]]:
    """One list of batches for each session in a trace, as a relay would hand them on."""
    session: list[tuple[Kind, Batch]] = []
    streams: dict[int, tuple[Kind, rtp.Unwrapper, rtp.Unwrapper]] = {}
    for kind, ns, data in records(path):
        arrival_ms = ns / 1e6
        if kind == SESSION:
            if session:
                yield session
            session, streams = [], {}
        elif kind == RTP:
            header = rtp.parse(data)
            if header.payload_type not in types:
                continue
            media = types[header.payload_type]
            if header.ssrc not in streams:
                streams[header.ssrc] = (media, rtp.Unwrapper(16), rtp.Unwrapper(32))
            _, numbers, timestamps = streams[header.ssrc]
            packet = Packet(
                data[: header.payload_end],
                header.payload_at,
                numbers(header.seq),
                timestamps(header.timestamp),
                header.marker,
                arrival_ms,
            )
            session.append((media, Batch((packet,))))
        elif kind == RTCP:
            for report in rtcp.parse(data):
                if isinstance(report, rtcp.SenderInfo) and report.ssrc in streams:
                    media, _, timestamps = streams[report.ssrc]
                    at = timestamps.peek(report.rtp_timestamp)
                    session.append(
                        (media, Batch((), (SenderReport(report.ntp_s, at, arrival_ms),)))
                    )
    if session:
        yield session
