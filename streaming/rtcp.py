"""RTCP compounds, read and written (RFC 3550 §6, 4585 §6, 5104 §4.3, draft-alvestrand-rmcat-remb-03,
draft-holmer-rmcat-transport-wide-cc-extensions-01). Pure; reading raises nothing but ValueError."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

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

NTP_EPOCH = 2_208_988_800  # seconds from 1900 to 1970
MAX_NUMBERS = 1024  # in one compound, of NACKs and of transport-cc: more is an attack, not a loss
MAX_REPORTS = 64  # in one compound

SR, RR, SDES, BYE, RTPFB, PSFB = 200, 201, 202, 203, 205, 206


def parse(data: bytes) -> list[Report]:
    """Read a compound (reduced size too, RFC 5506). Kinds we do not know are skipped.

    ValueError for anything whose lengths do not add up, and for a compound that says more than any
    honest one does: sixteen bytes of transport-cc could otherwise stand for 65,535 packets.
    """
    found: list[Report] = []
    at = count = 0
    left = MAX_NUMBERS
    size = len(data)
    if size < 4:
        raise ValueError("RTCP packet is shorter than its header")
    while at < size:
        if at + 4 > size:
            raise ValueError("RTCP header is cut short")
        first, kind, words = _HEAD.unpack_from(data, at)
        if first >> 6 != 2:
            raise ValueError("RTCP version is not 2")
        end = at + 4 + 4 * words
        if end > size:
            raise ValueError("RTCP packet is longer than the datagram")
        body = data[at + 4 : end]
        if first & 0x20:
            if not body or not 0 < body[-1] <= len(body):
                raise ValueError("RTCP padding is longer than the packet")
            body = body[: -body[-1]]
        count += 1
        report = _parse_one(kind, first & 0x1F, body, left)
        if report is not None:
            found.append(report)
            if isinstance(report, Nack):
                left -= len(report.numbers)
            elif isinstance(report, TransportCc):
                left -= len(report.arrivals)
        if count > MAX_REPORTS or left < 0:
            raise ValueError("RTCP compound says too much")
        at = end
    return found


def _parse_one(kind: int, count: int, body: bytes, left: int) -> Report | None:
    if kind == SR:
        _need(body, 24 + 24 * count)
        ssrc, ntp, timestamp, packets, octets = _SENDER.unpack_from(body)
        ntp_s = (ntp >> 32) - NTP_EPOCH + (ntp & 0xFFFFFFFF) / 2**32
        return SenderInfo(ssrc, ntp_s, timestamp, packets, octets, _blocks(body, 24, count))
    if kind == RR:
        _need(body, 4 + 24 * count)
        return ReceiverInfo(_U32.unpack_from(body)[0], _blocks(body, 4, count))
    if kind == SDES:
        return _parse_names(body, count)
    if kind == BYE:
        _need(body, 4 * count)
        return Bye(struct.unpack_from(f"!{count}I", body))
    if kind in (RTPFB, PSFB):
        _need(body, 8)
        ssrc, media = _PAIR.unpack_from(body)
        return _parse_feedback(kind, count, ssrc, media, body[8:], left)
    return None


def _parse_feedback(
    kind: int, form: int, ssrc: int, media: int, fci: bytes, left: int
) -> Report | None:
    if kind == RTPFB and form == 1:
        return Nack(ssrc, media, _parse_nack(fci, left))
    if kind == RTPFB and form == 15:
        return _parse_transport_cc(ssrc, media, fci, left)
    if kind == PSFB and form == 1:
        return Pli(ssrc, media)
    if kind == PSFB and form == 4:
        if len(fci) % 8:
            raise ValueError("FIR is cut short")
        return Fir(ssrc, tuple((s, n >> 24) for s, n in _PAIR.iter_unpack(fci)))
    if kind == PSFB and form == 15 and fci[:4] == b"REMB":
        _need(fci, 8)
        count, exponent, mantissa = fci[4], fci[5] >> 2, (fci[5] & 3) << 16 | fci[6] << 8 | fci[7]
        _need(fci, 8 + 4 * count)
        return Remb(ssrc, mantissa << exponent, struct.unpack_from(f"!{count}I", fci, 8))
    return None


def _need(body: bytes, size: int) -> None:
    if len(body) < size:
        raise ValueError("RTCP packet is cut short")


def _blocks(body: bytes, at: int, count: int) -> tuple[Block, ...]:
    blocks = []
    for i in range(count):
        ssrc, loss, highest, jitter, last_sr, since = _BLOCK.unpack_from(body, at + 24 * i)
        lost = loss & 0xFFFFFF
        if lost & 0x800000:
            lost -= 1 << 24
        blocks.append(Block(ssrc, loss >> 24, lost, highest, jitter, last_sr, since))
    return tuple(blocks)


def _parse_names(body: bytes, count: int) -> Names:
    names: list[tuple[int, str]] = []
    at = 0
    for _ in range(count):
        if at + 4 > len(body):
            raise ValueError("SDES is cut short")
        ssrc = _U32.unpack_from(body, at)[0]
        at += 4
        while at < len(body) and body[at]:
            if at + 2 > len(body) or at + 2 + body[at + 1] > len(body):
                raise ValueError("SDES item is cut short")
            if body[at] == 1:
                text = body[at + 2 : at + 2 + body[at + 1]]
                names.append((ssrc, text.decode("utf-8", "replace")))
            at += 2 + body[at + 1]
        at += 4 - at % 4  # the ending zero, up to the next word
    return Names(tuple(names))


def _parse_nack(fci: bytes, left: int) -> tuple[int, ...]:
    if len(fci) % 4:
        raise ValueError("NACK is cut short")
    numbers: list[int] = []
    for pid, mask in struct.iter_unpack("!HH", fci):
        numbers.append(pid)
        numbers += [(pid + 1 + bit) & 0xFFFF for bit in range(16) if mask >> bit & 1]
        if len(numbers) > left:
            raise ValueError("NACK asks for too much")
    return tuple(numbers)


def _parse_transport_cc(ssrc: int, media: int, fci: bytes, left: int) -> TransportCc:
    _need(fci, 8)
    base, count, reference = struct.unpack_from("!HHI", fci)
    if count > left:
        raise ValueError("transport-cc tells of too much")
    symbols: list[int] = []
    at = 8
    while len(symbols) < count:
        _need(fci, at + 2)
        chunk = fci[at] << 8 | fci[at + 1]
        at += 2
        if not chunk & 0x8000:
            symbols += [chunk >> 13 & 3] * min(chunk & 0x1FFF, count - len(symbols))
            if not chunk & 0x1FFF:
                raise ValueError("transport-cc run of nothing")
        elif chunk & 0x4000:
            symbols += [chunk >> shift & 3 for shift in range(12, -1, -2)]
        else:
            symbols += [chunk >> shift & 1 for shift in range(13, -1, -1)]
    signed = reference >> 8
    if signed & 0x800000:
        signed -= 1 << 24
    now = signed * 256
    arrivals: list[int | None] = []
    for symbol in symbols[:count]:
        if symbol == 0:
            arrivals.append(None)
            continue
        if symbol == 3:
            raise ValueError("transport-cc symbol is reserved")
        _need(fci, at + symbol)
        delta = fci[at] if symbol == 1 else int.from_bytes(fci[at : at + 2], "big", signed=True)
        at += symbol
        now += delta
        arrivals.append(now)
    return TransportCc(ssrc, media, base, signed, reference & 0xFF, tuple(arrivals))


# writing -------------------------------------------------------------------------------------------


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
