"""RTCP compounds, read (RFC 3550 §6, 4585 §6, 5104 §4.3, draft-alvestrand-rmcat-remb-03,
draft-holmer-rmcat-transport-wide-cc-extensions-01). Pure; raises nothing but ValueError."""

from __future__ import annotations

import struct

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
