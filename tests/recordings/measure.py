"""What a decoder sees and hears in a recording."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from io import BytesIO

import av
import numpy as np

from tests.recordings.flashbeep import number_in


@dataclass(frozen=True)
class Seen:
    """All times in seconds on the file's own timeline."""

    pictures: list[float]
    numbers: list[int]
    flashes: list[float]
    beeps: list[float]
    loudness: tuple[float, float]
    sound_s: float

    @property
    def offsets_ms(self) -> list[float]:
        """For each beep: the nearest flash minus the beep."""
        pairs = [min((f - b for f in self.flashes), key=abs) * 1000 for b in self.beeps]
        return [one for one in pairs if abs(one) < 400]


def look(data: bytes) -> Seen:
    """Decode a whole file of our own; raises if a decoder finds fault with it."""
    times: list[float] = []
    numbers: list[int] = []
    bright: list[bool] = []
    sound: list[tuple[float, np.ndarray]] = []
    with av.open(BytesIO(data), mode="r", format="mp4") as container:
        for stream in container.streams.video:
            stream.codec_context.options = {"err_detect": "explode"}
        last: dict[int, int] = {}
        for packet in container.demux():
            if packet.dts is None:
                continue
            index = packet.stream.index
            assert packet.dts > last.get(index, -1), "timestamps go back"
            last[index] = packet.dts
            for frame in packet.decode():
                if isinstance(frame, av.VideoFrame):
                    grey = frame.reformat(format="gray").to_ndarray()
                    times.append(float(frame.time or 0))
                    numbers.append(number_in(grey))
                    bright.append(float(grey[: grey.shape[0] // 2].mean()) > 180)
                elif isinstance(frame, av.AudioFrame):
                    sound.append((float(frame.time or 0), frame.to_ndarray()))
    flashes = [
        t for t, (was, now) in zip(times[1:], itertools.pairwise(bright), strict=True) if now > was
    ]
    if bright and bright[0]:
        flashes.insert(0, times[0])
    beeps, loudness, sound_s = _beeps(sound)
    return Seen(times, numbers, flashes, beeps, loudness, sound_s)


def _beeps(sound: list[tuple[float, np.ndarray]]) -> tuple[list[float], tuple[float, float], float]:
    if not sound:
        return [], (0.0, 0.0), 0.0
    pcm = np.concatenate([data for _, data in sound], axis=1)
    start = sound[0][0]
    step = 96  # 2 ms
    count = pcm.shape[1] // step
    power = np.sqrt((pcm[0, : count * step].reshape(count, step) ** 2).mean(axis=1))
    loud = power > 0.15
    onsets = np.flatnonzero(loud[1:] & ~loud[:-1]) + 1
    beeps: list[float] = []
    for onset in onsets:
        t = start + onset * step / 48_000
        if not beeps or t - beeps[-1] > 0.5:
            beeps.append(t)
    left, right = (float(np.sqrt((row**2).mean())) for row in pcm[:2])
    return beeps, (left, right), pcm.shape[1] / 48_000
