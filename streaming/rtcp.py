"""RTCP compounds, written (RFC 3550 §6, 4585 §6, 5104 §4.3, draft-alvestrand-rmcat-remb-03,
draft-holmer-rmcat-transport-wide-cc-extensions-01), and what reads them. Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

from streaming.compounds import (
    BYE,
    MAX_NUMBERS,
    MAX_REPORTS,
    NTP_EPOCH,
    PSFB,
    RR,
    RTPFB,
    SDES,
    SR,
    parse,
)
from streaming.reports import (
    Block,
    Bye,
    Fir,
    Nack,
    Names,
    Pli,
    ReceiverInfo,
    Remb,
    Report,
    SenderInfo,
    TransportCc,
)

__all__ = [
    "MAX_NUMBERS",
    "MAX_REPORTS",
    "NTP_EPOCH",
    "Block",
    "Bye",
    "Fir",
    "Nack",
    "Names",
    "Pli",
    "ReceiverInfo",
    "Remb",
    "Report",
    "SenderInfo",
    "TransportCc",
    "bye",
    "fir",
    "nack",
    "names",
    "parse",
    "pli",
    "receiver_report",
    "remb",
    "sender_report",
    "to_ntp",
    "transport_cc",
]

_HEAD = struct.Struct("!BBH")
_U32 = struct.Struct("!I")
_PAIR = struct.Struct("!II")
_SENDER = struct.Struct("!IQIII")
_BLOCK = struct.Struct("!IIIIII")


def _packet(kind: int, count: int, body: bytes) -> bytes:
    return _HEAD.pack(0x80 | count, kind, len(body) // 4) + body


def _pack_block(block: Block) -> bytes:
    lost = max(-0x800000, min(0x7FFFFF, block.lost)) & 0xFFFFFF
    return _BLOCK.pack(
        block.ssrc,
        (block.fraction & 0xFF) << 24 | lost,
        block.highest & 0xFFFFFFFF,
        block.jitter & 0xFFFFFFFF,
        block.last_sr & 0xFFFFFFFF,
        block.since & 0xFFFFFFFF,
    )


def to_ntp(ntp_s: float) -> int:
    """Seconds since 1970 as the 64-bit NTP timestamp."""
    whole = int(ntp_s // 1)
    return (whole + NTP_EPOCH & 0xFFFFFFFF) << 32 | int((ntp_s - whole) * 2**32) & 0xFFFFFFFF


def sender_report(
    ssrc: int,
    ntp_s: float,
    rtp_timestamp: int,
    packets: int,
    octets: int,
    blocks: Sequence[Block] = (),
) -> bytes:
    """An SR; at most 31 blocks, counters are cut to their width."""
    body = _SENDER.pack(
        ssrc,
        to_ntp(ntp_s),
        rtp_timestamp & 0xFFFFFFFF,
        packets & 0xFFFFFFFF,
        octets & 0xFFFFFFFF,
    )
    return _packet(SR, len(blocks), body + b"".join(map(_pack_block, blocks)))


def receiver_report(ssrc: int, blocks: Sequence[Block] = ()) -> bytes:
    """An RR; at most 31 blocks."""
    return _packet(RR, len(blocks), _U32.pack(ssrc) + b"".join(map(_pack_block, blocks)))


def names(cnames: Iterable[tuple[int, str]]) -> bytes:
    """SDES with one CNAME for each source."""
    body = b""
    count = 0
    for ssrc, cname in cnames:
        text = cname.encode()[:255]
        chunk = _U32.pack(ssrc) + bytes([1, len(text)]) + text
        body += chunk + bytes(4 - len(chunk) % 4)
        count += 1
    return _packet(SDES, count, body)


def bye(ssrcs: Sequence[int]) -> bytes:
    """BYE for these sources."""
    return _packet(BYE, len(ssrcs), struct.pack(f"!{len(ssrcs)}I", *ssrcs))


def nack(ssrc: int, media_ssrc: int, numbers: Iterable[int]) -> bytes:
    """A NACK. `numbers` may be unwrapped integers in growing order; they are cut to 16 bits.

    Order matters at the wrap: 65535 is followed by 0 in one entry (RFC 4585 §6.2.1).
    """
    entries: list[list[int]] = []
    for number in numbers:
        if entries and 0 < (distance := (number - entries[-1][0]) & 0xFFFF) <= 16:
            entries[-1][1] |= 1 << distance - 1
        elif not entries or number & 0xFFFF != entries[-1][0]:
            entries.append([number & 0xFFFF, 0])
    fci = b"".join(struct.pack("!HH", pid, mask) for pid, mask in entries)
    return _packet(RTPFB, 1, _PAIR.pack(ssrc, media_ssrc) + fci)


def pli(ssrc: int, media_ssrc: int) -> bytes:
    """Ask for a keyframe."""
    return _packet(PSFB, 1, _PAIR.pack(ssrc, media_ssrc))


def fir(ssrc: int, entries: Sequence[tuple[int, int]]) -> bytes:
    """Demand a keyframe of each (ssrc, command number)."""
    fci = b"".join(_PAIR.pack(media, (number & 0xFF) << 24) for media, number in entries)
    return _packet(PSFB, 4, _PAIR.pack(ssrc, 0) + fci)


def remb(ssrc: int, bitrate: int, ssrcs: Sequence[int]) -> bytes:
    """An estimate of `bitrate` bit/s; rounded down to 18 significant bits."""
    exponent = max(0, bitrate.bit_length() - 18)
    mantissa = bitrate >> exponent
    head = (
        b"REMB"
        + bytes([len(ssrcs), exponent << 2 | mantissa >> 16])
        + struct.pack("!H", mantissa & 0xFFFF)
    )
    return _packet(PSFB, 15, _PAIR.pack(ssrc, 0) + head + struct.pack(f"!{len(ssrcs)}I", *ssrcs))


def transport_cc(
    ssrc: int,
    media_ssrc: int,
    base: int,
    arrivals: Sequence[int | None],
    count: int,
) -> bytes:
    """Transport-wide feedback for the numbers from `base` on.

    `arrivals` in units of 250 µs on any clock, None for what has not come. ValueError if nothing came
    or if two neighbours lie more than 8 s apart (cut the report there).
    """
    first = next((arrival for arrival in arrivals if arrival is not None), None)
    if first is None:
        raise ValueError("transport-cc feedback about nothing")
    reference = first // 256
    now = reference * 256
    symbols: list[int] = []
    deltas = b""
    for arrival in arrivals:
        if arrival is None:
            symbols.append(0)
            continue
        delta = arrival - now
        if not -0x8000 <= delta <= 0x7FFF:
            raise ValueError("transport-cc arrivals lie too far apart")
        if 0 <= delta <= 0xFF:
            symbols.append(1)
            deltas += bytes([delta])
        else:
            symbols.append(2)
            deltas += delta.to_bytes(2, "big", signed=True)
        now = arrival
    body = _PAIR.pack(ssrc, media_ssrc) + struct.pack(
        "!HHI", base & 0xFFFF, len(symbols), (reference & 0xFFFFFF) << 8 | count & 0xFF
    )
    body += _status_chunks(symbols) + deltas
    padding = -len(body) % 4
    if padding:
        body += bytes(padding - 1) + bytes([padding])
    packet = _packet(RTPFB, 15, body)
    return bytes([packet[0] | 0x20]) + packet[1:] if padding else packet


def _status_chunks(symbols: Sequence[int]) -> bytes:
    """Run lengths where they pay, else vectors of seven two-bit symbols."""
    chunks = b""
    at = 0
    while at < len(symbols):
        run = 1
        while at + run < len(symbols) and run < 0x1FFF and symbols[at + run] == symbols[at]:
            run += 1
        if run >= 7 or at + run == len(symbols):
            chunks += struct.pack("!H", symbols[at] << 13 | run)
            at += run
            continue
        word = 0xC000
        for i, symbol in enumerate(symbols[at : at + 7]):
            word |= symbol << 12 - 2 * i
        chunks += struct.pack("!H", word)
        at += 7
    return chunks
