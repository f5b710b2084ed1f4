"""VP8 packets → H.264 pictures, for publishers who have no H.264 (RFC 7741).

No player takes VP8 in segments, so such a feed is encoded anew, once, in the recorder's own thread: about
a fifth of a core at 720p, and only for these publishers. A keyframe stays a keyframe.
"""

from __future__ import annotations

from fractions import Fraction

import av
from av.video.frame import PictureType

from recordings.card import nal_units
from recordings.pictures import IDR, MOST_PIXELS, PPS, SPS, Picture
from streaming.ports import Packet

OPTIONS = {
    "preset": "superfast",
    "tune": "zerolatency",
    "profile": "main",
    "crf": "23",
    "maxrate": "3M",
    "bufsize": "3M",
    "forced-idr": "1",
    "g": "9999",  # keyframes are the publisher's: the keyframe clock asks for them
}


def descriptor(payload: bytes) -> tuple[int, bool]:
    """Where the codec's own bytes begin, and whether a frame begins here. Raises ValueError."""
    try:
        first, at = payload[0], 1
        if first & 0x80:
            more = payload[at]
            at += 1
            if more & 0x80:
                at += 2 if payload[at] & 0x80 else 1
            at += bool(more & 0x40) + bool(more & 0x30)
    except IndexError:
        raise ValueError("VP8 descriptor is cut short") from None
    if at >= len(payload):
        raise ValueError("VP8 payload is empty")
    return at, bool(first & 0x10) and not first & 0x07


class Vp8Pictures:
    """The same as `pictures.Pictures`, for VP8."""

    def __init__(self) -> None:
        self.broken = True
        """Nothing is passed on until a keyframe comes."""
        self.skipped = 0
        self._pieces: list[bytes] = []
        self._timestamp: int | None = None
        self._arrival_ms = 0.0
        self._torn = False
        self._count = 0
        self._decoder = av.CodecContext.create("vp8", "r")
        self._encoder: av.VideoCodecContext | None = None

    def push(self, packet: Packet, lost: int) -> list[Picture]:
        """Take the next packet, `lost` packets being missing before it; returns finished pictures."""
        done: list[Picture] = []
        payload = packet.data[packet.payload_at :]
        if lost:
            self.broken = self._torn = True
        if not payload:
            return done
        if packet.timestamp != self._timestamp:
            if self._pieces and not lost:
                done += self._finish()
            self._pieces.clear()
            self._timestamp, self._arrival_ms = packet.timestamp, packet.arrival_ms
            self._torn = False
        try:
            at, starts = descriptor(payload)
        except ValueError:
            self._torn = True
            return done
        if not self._pieces and not starts:
            self._torn = True
        self._pieces.append(payload[at:])
        if packet.marker:
            done += self._finish()
        return done

    def _finish(self) -> list[Picture]:
        frame = b"".join(self._pieces)
        self._pieces.clear()
        key = bool(frame) and not frame[0] & 1
        unfit = key and not 0 < _pixels(frame) <= MOST_PIXELS
        if self._torn or unfit or (self.broken and not key) or self._timestamp is None:
            self.broken = True
            self.skipped += 1
            return []
        try:
            made = [
                picture
                for decoded in self._decoder.decode(av.Packet(frame))
                for picture in self._encode(decoded, key)
            ]
        except av.FFmpegError:
            self.broken = True
            self.skipped += 1
            return []
        self.broken = False
        return made

    def _encode(self, frame: av.VideoFrame, key: bool) -> list[Picture]:
        width, height = frame.width // 2 * 2, frame.height // 2 * 2
        encoder = self._encoder
        if encoder is None or (encoder.width, encoder.height) != (width, height):
            encoder = self._encoder = _encoder(width, height)
            key = True
        if (frame.width, frame.height) != (width, height) or frame.format.name != "yuv420p":
            frame = frame.reformat(width=width, height=height, format="yuv420p")
        self._count += 1
        frame.pts, frame.time_base = self._count, Fraction(1, 30)
        frame.pict_type = PictureType.I if key else PictureType.NONE
        return [
            picture for packet in encoder.encode(frame) for picture in self._picture(bytes(packet))
        ]

    def _picture(self, annex_b: bytes) -> list[Picture]:
        nals = [nal for nal in nal_units(annex_b) if nal[0] & 31 in (1, IDR, SPS, PPS)]
        kinds = {nal[0] & 31: nal for nal in nals}
        if not nals or self._timestamp is None:
            return []
        data = b"".join(len(nal).to_bytes(4, "big") + nal for nal in nals)
        key = IDR in kinds
        sets = (kinds.get(SPS, b""), kinds.get(PPS, b"")) if key else (b"", b"")
        return [Picture(self._timestamp, self._arrival_ms, data, key, *sets)]


def _pixels(frame: bytes) -> int:
    """How many pixels a keyframe claims to have (RFC 6386 9.1); 0 if it is none."""
    if frame[3:6] != b"\x9d\x01\x2a" or len(frame) < 10:
        return 0
    width, height = (int.from_bytes(frame[at : at + 2], "little") & 0x3FFF for at in (6, 8))
    return width * height


def _encoder(width: int, height: int) -> av.VideoCodecContext:
    encoder = av.VideoCodecContext.create("libx264", "w")
    encoder.width, encoder.height = width, height
    encoder.pix_fmt = "yuv420p"
    encoder.framerate = Fraction(30)
    encoder.time_base = Fraction(1, 30)
    encoder.thread_count = 1
    encoder.options = dict(OPTIONS)
    return encoder
