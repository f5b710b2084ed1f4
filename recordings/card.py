"""The still picture that stands where a take has sound but no picture (camera off, codec we cannot keep)."""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import av
import numpy as np

from recordings.pictures import IDR, PPS, SPS, Picture

WIDTH, HEIGHT = 640, 360
_GROUND = (0x15, 0x0E, 0x1A)
"""The hall's own dark."""


def nal_units(annex_b: bytes) -> list[bytes]:
    """Split a byte stream at its start codes (H.264 annex B)."""
    parts = annex_b.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")
    return [part for part in parts if part]


@cache
def card() -> Picture:
    """One keyframe of the hall in the dark; encoded once a process, in the caller's (worker) thread."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height = WIDTH, HEIGHT
    encoder.pix_fmt = "yuv420p"
    encoder.framerate = Fraction(30)
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline"}
    pixels = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    pixels[:] = _GROUND
    frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="yuv420p")
    packets = [*encoder.encode(frame), *encoder.encode(None)]
    nals = [
        nal for nal in nal_units(b"".join(map(bytes, packets))) if nal[0] & 31 in (SPS, PPS, IDR)
    ]
    kinds = {nal[0] & 31: nal for nal in nals}
    data = b"".join(len(nal).to_bytes(4, "big") + nal for nal in nals)
    return Picture(0, 0.0, data, True, kinds[SPS], kinds[PPS])
