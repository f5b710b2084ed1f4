"""RTP packets, read and patched in place (RFC 3550 §5.1, extensions RFC 8285). Pure."""

from __future__ import annotations

import struct
from dataclasses import dataclass

_HEADER = struct.Struct("!BBHII")
_U16 = struct.Struct("!H")
_U32 = struct.Struct("!I")

HEADER_SIZE = 12
_ONE_BYTE = 0xBEDE
_TWO_BYTE = 0x1000  # the low four bits are "appbits" (RFC 8285 §4.3)


@dataclass(slots=True)
class Header:
    """Where things lie in one RTP packet. Offsets count from the packet's first byte.

    The payload is `data[payload_at:payload_end]`, padding already left out; the extension's elements
    are `data[extension_at:extension_end]` and `extension_profile` says how to read them (0: none).
    """

    payload_type: int
    marker: bool
    seq: int
    timestamp: int
    ssrc: int
    payload_at: int
    payload_end: int
    extension_profile: int = 0
    extension_at: int = 0
    extension_end: int = 0


def parse(data: bytes) -> Header:
    """Read a header; ValueError if the packet is cut short or says untruths about its lengths."""
    size = len(data)
    if size < HEADER_SIZE:
        raise ValueError("RTP packet is shorter than its header")
    first, second, seq, timestamp, ssrc = _HEADER.unpack_from(data)
    if first >> 6 != 2:
        raise ValueError("RTP version is not 2")
    at = HEADER_SIZE + 4 * (first & 0x0F)
    profile = extension_at = 0
    if first & 0x10:
        if at + 4 > size:
            raise ValueError("RTP extension header is cut short")
        profile = _U16.unpack_from(data, at)[0]
        extension_at = at + 4
        at = extension_at + 4 * _U16.unpack_from(data, at + 2)[0]
    if at > size:
        raise ValueError("RTP header is longer than the packet")
    end = size
    if first & 0x20:
        padding = data[-1]
        if padding == 0 or padding > size - at:
            raise ValueError("RTP padding is longer than the payload")
        end = size - padding
    return Header(
        payload_type=second & 0x7F,
        marker=bool(second & 0x80),
        seq=seq,
        timestamp=timestamp,
        ssrc=ssrc,
        payload_at=at,
        payload_end=end,
        extension_profile=profile,
        extension_at=extension_at,
        extension_end=at if profile or extension_at else 0,
    )


def is_rtcp(data: bytes) -> bool:
    """Whether a datagram of a multiplexed transport is RTCP (RFC 5761 §4)."""
    return len(data) >= 2 and 192 <= data[1] <= 223


def extensions(data: bytes, header: Header) -> list[tuple[int, int, int]]:
    """All header extension elements as (id, start, end); ValueError if one runs over the end.

    Element id 15 of the one-byte form ends the list (RFC 8285 §4.2); padding bytes are skipped.
    """
    found: list[tuple[int, int, int]] = []
    at, end = header.extension_at, header.extension_end
    if header.extension_profile == _ONE_BYTE:
        while at < end:
            byte = data[at]
            at += 1
            if byte == 0:
                continue
            if byte >> 4 == 15:
                break
            length = (byte & 0x0F) + 1
            if at + length > end:
                raise ValueError("RTP extension element runs over the end")
            found.append((byte >> 4, at, at + length))
            at += length
    elif header.extension_profile & 0xFFF0 == _TWO_BYTE:
        while at < end:
            number = data[at]
            at += 1
            if number == 0:
                continue
            if at >= end or at + 1 + data[at] > end:
                raise ValueError("RTP extension element runs over the end")
            found.append((number, at + 1, at + 1 + data[at]))
            at += 1 + data[at]
    return found


def extension(data: bytes, header: Header, number: int) -> bytes | None:
    """The content of the extension element with this id, or None. ValueError as `extensions`."""
    for found, start, end in extensions(data, header):
        if found == number:
            return data[start:end]
    return None


def build(
    payload_type: int,
    seq: int,
    timestamp: int,
    ssrc: int,
    payload: bytes,
    *,
    marker: bool = False,
    elements: tuple[tuple[int, bytes], ...] = (),
) -> bytes:
    """A whole packet without CSRCs or padding. `elements` are header extensions (id, content).

    Numbers are cut to their width. ValueError for an id or length that neither form can carry.
    """
    head = _HEADER.pack(
        0x90 if elements else 0x80,
        payload_type & 0x7F | (0x80 if marker else 0),
        seq & 0xFFFF,
        timestamp & 0xFFFFFFFF,
        ssrc & 0xFFFFFFFF,
    )
    return head + (_extension_block(elements) if elements else b"") + payload


def _extension_block(elements: tuple[tuple[int, bytes], ...]) -> bytes:
    short = all(1 <= number <= 14 and 1 <= len(content) <= 16 for number, content in elements)
    body = b""
    for number, content in elements:
        if not 1 <= number <= 255 or len(content) > 255:
            raise ValueError("no such RTP extension element")
        if short:
            body += bytes([number << 4 | len(content) - 1]) + content
        else:
            body += bytes([number, len(content)]) + content
    body += bytes(-len(body) % 4)
    return _U16.pack(_ONE_BYTE if short else _TWO_BYTE) + _U16.pack(len(body) // 4) + body


def patch(data: bytearray, seq: int, timestamp: int, ssrc: int) -> None:
    """Write number, timestamp and source into a packet in place; each is cut to its width."""
    _U16.pack_into(data, 2, seq & 0xFFFF)
    _U32.pack_into(data, 4, timestamp & 0xFFFFFFFF)
    _U32.pack_into(data, 8, ssrc & 0xFFFFFFFF)


def unwrap(value: int, near: int, bits: int) -> int:
    """The integer congruent to `value` modulo 2**bits that lies nearest to `near`."""
    size = 1 << bits
    ahead = (value - near) & (size - 1)
    return near + ahead if ahead < size >> 1 else near + ahead - size


class Unwrapper:
    """Makes growing integers of numbers that wrap (16 or 32 bits), by the nearest neighbour.

    A late number gives its own, lower integer and moves nothing. The first value is taken as it is.
    """

    __slots__ = ("_bits", "highest")

    def __init__(self, bits: int) -> None:
        self._bits = bits
        self.highest: int | None = None

    def __call__(self, value: int) -> int:
        """The unwrapped number, taken in."""
        if self.highest is None:
            self.highest = value
            return value
        number = unwrap(value, self.highest, self._bits)
        if number > self.highest:
            self.highest = number
        return number

    def peek(self, value: int) -> int:
        """What the value would become, without taking it in."""
        return value if self.highest is None else unwrap(value, self.highest, self._bits)
