"""What a sequence parameter set says: picture size and the codec's name (ITU-T H.264 7.3.2.1.1)."""

from __future__ import annotations

from dataclasses import dataclass

_HIGH = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}
_MOST_BITS = 32


class _Bits:
    """Bits of an RBSP, with the emulation prevention bytes taken out."""

    def __init__(self, nal: bytes) -> None:
        self._data = nal.replace(b"\x00\x00\x03", b"\x00\x00")
        self._at = 0

    def take(self, count: int) -> int:
        value = 0
        for _ in range(count):
            byte, bit = divmod(self._at, 8)
            if byte >= len(self._data):
                raise ValueError("parameter set ends too early")
            value = value << 1 | self._data[byte] >> (7 - bit) & 1
            self._at += 1
        return value

    def ue(self) -> int:
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > _MOST_BITS:
                raise ValueError("not an Exp-Golomb number")
        return (1 << zeros) - 1 + self.take(zeros)

    def se(self) -> int:
        value = self.ue()
        return (value + 1) // 2 if value % 2 else -(value // 2)

    def skip_scaling_list(self, size: int) -> None:
        last = following = 8
        for _ in range(size):
            if following:
                following = (last + self.se()) % 256
            last = following or last


@dataclass(frozen=True, slots=True)
class SpsInfo:
    """Size in pixels after cropping, and the RFC 6381 name of the codec."""

    width: int
    height: int
    codec: str


def read_sps(nal: bytes) -> SpsInfo:
    """Read an SPS NAL unit, header byte included. Raises ValueError for anything else."""
    if len(nal) < 4 or nal[0] & 31 != 7:
        raise ValueError("not a sequence parameter set")
    bits = _Bits(nal[1:])
    profile = bits.take(8)
    bits.take(16)
    bits.ue()
    chroma, separate = 1, 0
    if profile in _HIGH:
        chroma = bits.ue()
        if chroma == 3:
            separate = bits.take(1)
        bits.ue()
        bits.ue()
        bits.take(1)
        if bits.take(1):
            for index in range(8 if chroma != 3 else 12):
                if bits.take(1):
                    bits.skip_scaling_list(16 if index < 6 else 64)
    bits.ue()
    order = bits.ue()
    if order == 0:
        bits.ue()
    elif order == 1:
        bits.take(1)
        bits.se()
        bits.se()
        for _ in range(bits.ue()):
            bits.se()
    bits.ue()
    bits.take(1)
    width = (bits.ue() + 1) * 16
    rows = bits.ue() + 1
    frame_only = bits.take(1)
    height = rows * 16 * (2 - frame_only)
    if not frame_only:
        bits.take(1)
    bits.take(1)
    if bits.take(1):
        step_x = 1 if separate or chroma in (0, 3) else 2
        step_y = (2 if chroma == 1 and not separate else 1) * (2 - frame_only)
        left, right, top, bottom = bits.ue(), bits.ue(), bits.ue(), bits.ue()
        width -= (left + right) * step_x
        height -= (top + bottom) * step_y
    if width <= 0 or height <= 0:
        raise ValueError("cropped to nothing")
    return SpsInfo(width, height, "avc1." + nal[1:4].hex())
