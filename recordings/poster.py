"""A still of a recording: a keyframe that shows something, as JPEG. Blocks: for a worker thread."""

from __future__ import annotations

from io import BytesIO

import av
import numpy as np

DARK, FLAT = 28.0, 12.0
"""Mean and spread of brightness (0–255) below which a picture shows nothing."""
MOST_PIXELS = 1280 * 720


def first_picture(init: bytes, segment: bytes) -> av.VideoFrame | None:
    """The keyframe that a segment begins with; None if it cannot be decoded."""
    try:
        with av.open(BytesIO(init + segment), format="mp4", mode="r") as container:
            for frame in container.decode(video=0):
                return frame
    except (av.FFmpegError, IndexError, ValueError):
        pass
    return None


def worth(frame: av.VideoFrame) -> float:
    """How much a picture shows: its spread of brightness, nothing for a dark or flat one."""
    grey = frame.reformat(width=64, height=36, format="gray").to_ndarray()
    spread = float(np.std(grey))
    return spread if float(np.mean(grey)) > DARK and spread > FLAT else spread / 1000


def jpeg(frame: av.VideoFrame) -> bytes:
    """The picture as JPEG, at most 720p."""
    scale = min(1.0, (MOST_PIXELS / (frame.width * frame.height)) ** 0.5)
    width, height = (max(2, round(side * scale) // 2 * 2) for side in (frame.width, frame.height))
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height = width, height
    encoder.pix_fmt = "yuvj420p"
    encoder.qmin = encoder.qmax = 4
    picture = frame.reformat(width=width, height=height, format="yuvj420p")
    picture.pts = 0
    return b"".join(map(bytes, [*encoder.encode(picture), *encoder.encode(None)]))
