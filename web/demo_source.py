"""A synthetic show, encoded once: packets of picture and sound on one clock.

What `Synthetic` makes is ordinary H.264 (constrained baseline, a keyframe a second, no B-frames) and
ordinary Opus (stereo, 128 kb/s); what carries it further cannot tell it from a camera's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Literal

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from web.demo_picture import HEIGHT, PALETTES, RATE, WIDTH, Stage
from web.demo_sound import LOOP_S, SCORES, SOUND_RATE, compose

STEP_MS = 20
SAMPLES = SOUND_RATE * STEP_MS // 1000
STEPS_A_FRAME = 1000 // RATE // STEP_MS
VIDEO_CLOCK = 90_000
FLASH_FRAMES = 2  # 80 ms, as near to the beep's 60 as whole frames come
OPUS_DELAY = 312  # samples by which the encoder looks ahead: the loop is read that much earlier


@dataclass(frozen=True, slots=True)
class Made:
    """One encoded packet: `time` in units of the kind's clock since the source began."""

    kind: Literal["audio", "video"]
    data: bytes
    time: int
    keyframe: bool = False


class Synthetic:
    """One show's picture and sound. `name` decides its colours and its key.

    `began` must be a full second of the clock that is to be seen: flash and beep fall on each of its
    seconds. Not safe to use from two threads at once.
    """

    def __init__(self, name: str, began: datetime) -> None:
        choice = hashlib.sha256(name.encode()).digest()
        self._began = began
        self._stage = Stage(PALETTES[choice[3] % len(PALETTES)])
        self._loop = compose(SCORES[choice[2] % len(SCORES)])
        self._opus = _opus()
        self._h264 = _h264()

    def step(self, number: int) -> Iterator[Made]:
        """The packets of the 20 ms that begin `number` × 20 ms after the start. Steps may be left out
        (a machine that slept), never repeated or taken backwards."""
        if number % STEPS_A_FRAME == 0:
            yield from self._picture(number // STEPS_A_FRAME)
        yield from self._sound(number)

    def _picture(self, number: int) -> Iterator[Made]:
        moment = self._began + timedelta(seconds=number / RATE)
        frame = self._stage.frame(moment, number, flash=number % RATE < FLASH_FRAMES)
        frame.pts, frame.time_base = number, Fraction(1, RATE)
        frame.pict_type = PictureType.I if number % RATE == 0 else PictureType.NONE
        for packet in self._h264.encode(frame):
            yield Made("video", bytes(packet), number * VIDEO_CLOCK // RATE, packet.is_keyframe)

    def _sound(self, number: int) -> Iterator[Made]:
        at = number * SAMPLES + OPUS_DELAY
        place = np.arange(at, at + SAMPLES) % (LOOP_S * SOUND_RATE)
        samples = np.ascontiguousarray(self._loop[place]).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="stereo")
        frame.sample_rate = SOUND_RATE
        frame.pts, frame.time_base = number * SAMPLES, Fraction(1, SOUND_RATE)
        for packet in self._opus.encode(frame):
            yield Made("audio", bytes(packet), number * SAMPLES)


def _h264() -> VideoCodecContext:
    codec = av.CodecContext.create("libx264", "w")
    codec.width, codec.height, codec.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    codec.framerate, codec.time_base = Fraction(RATE, 1), Fraction(1, RATE)
    codec.bit_rate = 600_000
    codec.gop_size, codec.max_b_frames, codec.thread_count = RATE, 0, 1
    codec.options = {
        "preset": "superfast",
        "tune": "zerolatency",
        "profile": "baseline",
        "level": "3.1",
        "x264-params": "scenecut=0:rc-lookahead=0:sliced-threads=0:vbv-maxrate=900:vbv-bufsize=600",
    }
    return codec


def _opus() -> AudioCodecContext:
    codec = av.CodecContext.create("libopus", "w")
    codec.format, codec.layout, codec.sample_rate = "s16", "stereo", SOUND_RATE
    codec.time_base = Fraction(1, SOUND_RATE)
    codec.bit_rate = 128_000
    codec.options = {"application": "audio", "frame_duration": "20"}
    return codec
