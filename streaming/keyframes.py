"""Where a picture that can be decoded alone begins, in H.264 (RFC 6184) and VP8 (RFC 7741). Pure.

Never raises: a payload that cannot be understood simply starts no keyframe.
"""

from __future__ import annotations

from dataclasses import dataclass

_IDR, _SPS, _PPS = 5, 7, 8
_STAP_A, _FU_A = 24, 28
MAX_SET_BYTES = 512  # real ones are below 100; two longer ones would not fit into a packet of ours


@dataclass(frozen=True, slots=True)
class Contents:
    """What the first bytes of a payload tell: whether an IDR or VP8 key frame *starts* here, and the
    parameter sets that lie in it whole (H.264 only)."""

    key: bool = False
    sps: bytes | None = None
    pps: bytes | None = None

    @property
    def opens(self) -> bool:
        """Whether a decoder may begin with this packet: a keyframe or the SPS that precedes one."""
        return self.key or self.sps is not None


_NOTHING = Contents()


def h264(payload: bytes) -> Contents:
    """Look into an H.264 payload: single NAL unit, STAP-A, or the start of an FU-A."""
    if not payload:
        return _NOTHING
    kind = payload[0] & 0x1F
    if kind == _IDR:
        return Contents(key=True)
    if kind == _SPS:
        return Contents(sps=bytes(payload))
    if kind == _PPS:
        return Contents(pps=bytes(payload))
    if kind == _FU_A:
        if len(payload) < 2:
            return _NOTHING
        starts = bool(payload[1] & 0x80)
        return Contents(key=starts and payload[1] & 0x1F == _IDR)
    if kind == _STAP_A:
        return _stap(payload)
    return _NOTHING


def _stap(payload: bytes) -> Contents:
    key = False
    sps: bytes | None = None
    pps: bytes | None = None
    at = 1
    while at + 2 < len(payload):
        size = payload[at] << 8 | payload[at + 1]
        unit = payload[at + 2 : at + 2 + size]
        if size == 0 or len(unit) < size:
            break
        kind = unit[0] & 0x1F
        if kind == _IDR:
            key = True
        elif kind == _SPS:
            sps = bytes(unit)
        elif kind == _PPS:
            pps = bytes(unit)
        at += 2 + size
    return Contents(key, sps, pps)


def vp8(payload: bytes) -> Contents:
    """Look into a VP8 payload: start of partition 0 with the key frame bit clear."""
    size = len(payload)
    if not size:
        return _NOTHING
    first = payload[0]
    if not first & 0x10 or first & 0x07:
        return _NOTHING
    at = 1
    if first & 0x80:
        if at >= size:
            return _NOTHING
        optional = payload[at]
        at += 1
        if optional & 0x80:
            if at >= size:
                return _NOTHING
            at += 2 if payload[at] & 0x80 else 1
        if optional & 0x40:
            at += 1
        if optional & 0x30:
            at += 1
    return Contents(key=at < size and not payload[at] & 1)


def look(codec: str, payload: bytes) -> Contents:
    """Look into a payload of a codec by its SDP name; another codec never has keyframes."""
    name = codec.upper()
    if name == "H264":
        return h264(payload)
    if name == "VP8":
        return vp8(payload)
    return _NOTHING


class ParameterSets:
    """The newest SPS and PPS of an H.264 stream, and whether a picture came with its own."""

    __slots__ = ("_timestamp", "pps", "sps")

    def __init__(self) -> None:
        self.sps: bytes | None = None
        self.pps: bytes | None = None
        self._timestamp: int | None = None

    def note(self, contents: Contents, timestamp: int) -> None:
        """Keep what a packet of the picture with this timestamp brought."""
        if contents.pps is not None and len(contents.pps) <= MAX_SET_BYTES:
            self.pps = contents.pps
        if contents.sps is not None:
            if len(contents.sps) <= MAX_SET_BYTES:
                self.sps = contents.sps
            self._timestamp = timestamp

    def came_with(self, timestamp: int) -> bool:
        """Whether the picture with this timestamp brought its own SPS."""
        return self._timestamp == timestamp

    def aggregate(self) -> bytes | None:
        """A STAP-A of both, to be set before an IDR that lacks them; None until both are known."""
        if self.sps is None or self.pps is None:
            return None
        header = bytes([max(self.sps[0] & 0x60, self.pps[0] & 0x60) | _STAP_A])
        return header + b"".join(
            len(unit).to_bytes(2, "big") + unit for unit in (self.sps, self.pps)
        )
