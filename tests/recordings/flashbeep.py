"""A publisher's packets made here: each second a white flash and a 1 kHz beep on one clock.

The picture shows its own number as twelve bars of black and white, so that a decoded frame tells when
it was. Left is louder than right. Packets carry what a relay hands on: unwrapped numbers, arrival times,
sender reports.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache

import av
import numpy as np

from streaming import rtp
from streaming.ports import Batch, Packet, SenderReport, Track

WIDTH, HEIGHT, FPS, BITS = 320, 180, 20, 12
FLASH_S = BEEP_S = 0.1
NTP = 1_790_000_000.0
"""The publisher's clock at the source's zero: not ours."""
MTU = 1100
VIDEO = Track("1", "video", "H264", 96, 90_000)
AUDIO = Track("0", "audio", "opus", 111, 48_000)
FIRST_PICTURE, FIRST_SOUND = 2**32 - 90_000, 123_456
"""Timestamps of the source's zero; the picture's soon passes 32 bits, unwrapped."""


def frame_at(number: int) -> np.ndarray:
    """The picture with this number."""
    grey = np.full((HEIGHT, WIDTH), 90, np.uint8)
    grey[:, (number * 4) % WIDTH : (number * 4) % WIDTH + 12] = 140
    if (number % FPS) < FLASH_S * FPS:
        grey[:] = 235
    bar = WIDTH // BITS
    for bit in range(BITS):
        grey[HEIGHT - 40 :, bit * bar : (bit + 1) * bar] = 235 if number >> bit & 1 else 16
    return grey


def number_in(grey: np.ndarray) -> int:
    """The number that a decoded picture shows."""
    height, width = grey.shape
    bar = width // BITS
    row = grey[height - height // 9]
    return sum(1 << bit for bit in range(BITS) if row[bit * bar + bar // 2] > 128)


@lru_cache(maxsize=4)
def pictures(seconds: int, width: int = WIDTH, height: int = HEIGHT) -> tuple[bytes, ...]:
    """H.264 access units (annex B), a keyframe every 2 s."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height = width, height
    encoder.pix_fmt = "yuv420p"
    encoder.framerate = Fraction(FPS)
    encoder.time_base = Fraction(1, FPS)
    encoder.gop_size = 2 * FPS
    encoder.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "profile": "baseline",
        "crf": "28",
    }
    units: list[bytes] = []
    for number in range(seconds * FPS):
        frame = av.VideoFrame.from_ndarray(frame_at(number), format="gray")
        frame = frame.reformat(width=width, height=height, format="yuv420p")
        frame.pts = number
        units += map(bytes, encoder.encode(frame))
    units += map(bytes, encoder.encode(None))
    return tuple(units)


VP8 = Track("1", "video", "VP8", 97, 90_000)


@lru_cache(maxsize=2)
def vp8_pictures(seconds: int) -> tuple[bytes, ...]:
    """VP8 frames, a keyframe every 2 s."""
    encoder = av.CodecContext.create("libvpx", "w")
    encoder.width, encoder.height = WIDTH, HEIGHT
    encoder.pix_fmt = "yuv420p"
    encoder.framerate = Fraction(FPS)
    encoder.time_base = Fraction(1, FPS)
    encoder.bit_rate = 600_000
    encoder.options = {
        "deadline": "realtime",
        "cpu-used": "8",
        "g": str(2 * FPS),
        "lag-in-frames": "0",
    }
    units: list[bytes] = []
    for number in range(seconds * FPS):
        frame = av.VideoFrame.from_ndarray(frame_at(number), format="gray").reformat(
            format="yuv420p"
        )
        frame.pts = number
        units += map(bytes, encoder.encode(frame))
    units += map(bytes, encoder.encode(None))
    return tuple(units)


def vp8_source(seconds: int) -> Iterator[tuple[Track, Batch]]:
    """The same show from a publisher without H.264; descriptors with picture numbers (RFC 7741)."""
    video: list[tuple[Track, Batch]] = []
    number = 0
    for index, unit in enumerate(vp8_pictures(seconds)):
        stamp = FIRST_PICTURE + index * 90_000 // FPS
        pieces = [unit[at : at + MTU] for at in range(0, len(unit), MTU)]
        packets = []
        for place, piece in enumerate(pieces):
            head = bytes(
                [0x90 if place == 0 else 0x80, 0x80, 0x80 | index >> 8 & 0x7F, index & 0xFF]
            )
            last = place == len(pieces) - 1
            data = rtp.build(97, number, stamp, 1, head + piece, marker=last)
            arrival_ms = 1_000 + index * 1000 / FPS + 5
            packets.append(Packet(data, 12, number, stamp, last, arrival_ms))
            number += 1
        video.append((VP8, Batch(tuple(packets))))
    for track, batch in source(seconds):
        if track.kind == "audio":
            yield track, batch
        elif batch.packets:
            yield video.pop(0)
        else:
            yield VP8, batch


@lru_cache(maxsize=4)
def sounds(seconds: int) -> tuple[bytes, ...]:
    """Opus packets of 20 ms, stereo."""
    t = np.arange(seconds * 48_000) / 48_000
    beep = np.where(t % 1 < BEEP_S, 0.5 * np.sin(2 * np.pi * 1000 * t), 0)
    hum = 0.02 * np.sin(2 * np.pi * 220 * t)
    pcm = np.stack([beep + hum, beep * 0.3 + hum * 0.3], axis=1).reshape(1, -1)
    samples = (pcm * 32767).astype(np.int16)
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "stereo", "s16"
    encoder.bit_rate = 96_000
    encoder.options = {"application": "audio", "frame_duration": "20"}
    packets: list[bytes] = []
    for at in range(0, samples.shape[1], 1920):
        frame = av.AudioFrame.from_ndarray(
            samples[:, at : at + 1920], format="s16", layout="stereo"
        )
        frame.sample_rate = 48_000
        frame.pts = at // 2
        packets += map(bytes, encoder.encode(frame))
    return tuple(packets)


def payloads(unit: bytes) -> list[bytes]:
    """RTP payloads of an access unit: STAP-A for the parameter sets, FU-A for what is too long."""
    nals = [n for n in unit.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1") if n]
    sets = [n for n in nals if n[0] & 31 in (7, 8)]
    out: list[bytes] = []
    if sets:
        out.append(b"\x78" + b"".join(len(n).to_bytes(2, "big") + n for n in sets))
    for nal in nals:
        if nal[0] & 31 not in (1, 5):
            continue
        if len(nal) <= MTU:
            out.append(nal)
            continue
        pieces = [nal[at : at + MTU] for at in range(1, len(nal), MTU)]
        for place, piece in enumerate(pieces):
            edge = (0x80 if place == 0 else 0) | (0x40 if place == len(pieces) - 1 else 0)
            out.append(bytes([nal[0] & 0xE0 | 28, edge | nal[0] & 31]) + piece)
    return out


def source(
    seconds: int,
    *,
    start_ms: float = 1_000.0,
    picture: bool = True,
    sound: bool = True,
    first_report_s: float = 0.3,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    ppm: float = 0.0,
) -> Iterator[tuple[Track, Batch]]:
    """What a relay hands on, in order of arrival. `ppm` is how much faster her sound card runs."""
    events: list[tuple[float, Track, Batch]] = []
    number = 0
    for index, unit in enumerate(pictures(seconds, *size) if picture else ()):
        t = index / FPS
        pieces = payloads(unit)
        stamp = FIRST_PICTURE + round(t * 90_000)
        packets = []
        for place, payload in enumerate(pieces):
            last = place == len(pieces) - 1
            data = rtp.build(96, number, stamp, 1, payload, marker=last)
            packets.append(Packet(data, 12, number, stamp, last, start_ms + t * 1000 + 5))
            number += 1
        events.append((t, VIDEO, Batch(tuple(packets))))
    for number, opus in enumerate(sounds(seconds) if sound else ()):
        t = number * 0.02 / (1 + ppm / 1e6)
        stamp = FIRST_SOUND + number * 960
        data = rtp.build(111, number, stamp, 2, opus, marker=False)
        packet = Packet(data, 12, number, stamp, False, start_ms + t * 1000 + 3)
        events.append((t, AUDIO, Batch((packet,))))
    for tick in range(seconds):
        t = tick + first_report_s
        rate = 48_000 * (1 + ppm / 1e6)
        stamps = {VIDEO: FIRST_PICTURE + round(t * 90_000), AUDIO: FIRST_SOUND + round(t * rate)}
        for track in ([VIDEO] if picture else []) + ([AUDIO] if sound else []):
            report = SenderReport(NTP + t, stamps[track], start_ms + t * 1000 + 4)
            events.append((t, track, Batch((), (report,))))
    events.sort(key=lambda event: event[0])
    for _, track, batch in events:
        yield track, batch
