"""Opus packets → AAC-LC frames on an exact grid of samples.

The encoder's input is a counter of samples that never jumps. Holes are filled with exactly as much
silence as the RTP timestamps say; slow drift of the sender's clock is taken up by stretching a packet by
four samples, large errors by padding or dropping at once. Runs in a worker thread: 20 ms of sound cost
about half a millisecond.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator

import av
import numpy as np
from numpy.typing import NDArray

from recordings.boxes import SOUND_FLAGS, Sample

RATE = 48_000
FRAME = 1024
"""Samples of an AAC frame, and of the encoder's priming."""
BITRATE = 160_000
SLACK = 240
"""5 ms: an error below this is noise of the reports."""
AT_ONCE = 2_400
"""50 ms: above this nothing is stretched, it is padded or cut."""
STEP = 4
"""Samples by which a packet is stretched: 0.4 % of 20 ms, inaudible."""
SMOOTH = 0.02
FILL_LIMIT = 30 * RATE
"""More silence than this at one place is no loss but another timeline."""

Pcm = NDArray[np.float32]


class TimelineBroken(Exception):
    """Timestamps jumped so far that this is no longer the same take."""


class Sound:
    """One take's sound from `start`, in samples of the take's timeline."""

    def __init__(self, start: int, bitrate: int = BITRATE) -> None:
        self._decoder = av.CodecContext.create("libopus", "r")
        self._decoder.sample_rate = RATE
        self._decoder.layout = "stereo"
        self._encoder = av.CodecContext.create("aac", "w")
        self._encoder.sample_rate = RATE
        self._encoder.layout = "stereo"
        self._encoder.format = "fltp"
        self._encoder.bit_rate = bitrate
        self._encoder.open()
        self.counter = start
        """Where the next sample goes."""
        self._pending: list[Pcm] = []
        self._pending_size = 0
        self._out = start - FRAME
        self._fed = start
        self._expected: int | None = None
        self._error = 0.0

    def push(self, opus: bytes, timestamp: int, at: float) -> Iterator[Sample]:
        """Take one packet: its unwrapped RTP timestamp, and its place on the take's timeline in samples."""
        pcm = self._decode(opus)
        if pcm is None or not pcm.shape[1]:
            return
        size = pcm.shape[1]
        if self._expected is not None:
            missing = timestamp - self._expected
            if missing < 0:
                return
            if missing > FILL_LIMIT:
                raise TimelineBroken
            if missing:
                yield from self.fill(self.counter + missing, keep_clock=True)
        pcm = yield from self._place(pcm, at)
        self._expected = timestamp + size
        yield from self._append(pcm)

    def _place(self, pcm: Pcm, at: float) -> Generator[Sample, None, Pcm]:
        """Hold the packet against its true place; returns it corrected."""
        error = at - self.counter
        if self._expected is None or abs(error) > AT_ONCE:
            self._error = 0.0
            if error > FILL_LIMIT:
                raise TimelineBroken
            if error > 0:
                yield from self.fill(round(at), keep_clock=True)
            return pcm[:, max(0, round(-error)) :]
        self._error += (error - self._error) * SMOOTH
        if abs(self._error) <= SLACK:
            return pcm
        step = STEP if self._error > 0 else -STEP
        self._error -= step
        return _stretched(pcm, pcm.shape[1] + step)

    def fill(self, until: int, *, keep_clock: bool = False) -> Iterator[Sample]:
        """Silence up to this place; what comes next is placed anew unless `keep_clock`."""
        if not keep_clock:
            self._expected = None
        while self.counter < until:
            piece = min(FRAME * 16, until - self.counter)
            yield from self._append(np.zeros((2, piece), np.float32))

    def flush(self) -> Iterator[Sample]:
        """The last frames; nothing may be pushed afterwards."""
        if self._pending_size:
            yield from self._append(np.zeros((2, FRAME - self._pending_size), np.float32))
        for packet in self._encoder.encode(None):
            yield self._sample(bytes(packet))

    def _append(self, pcm: Pcm) -> Iterator[Sample]:
        self.counter += pcm.shape[1]
        self._pending.append(pcm)
        self._pending_size += pcm.shape[1]
        if self._pending_size < FRAME:
            return
        data = np.concatenate(self._pending, axis=1)
        whole = self._pending_size // FRAME * FRAME
        for at in range(0, whole, FRAME):
            yield from self._encode(data[:, at : at + FRAME])
        self._pending = [data[:, whole:]]
        self._pending_size -= whole

    def _encode(self, pcm: Pcm) -> Iterator[Sample]:
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(pcm), format="fltp", layout="stereo"
        )
        frame.sample_rate = RATE
        frame.pts = self._fed
        self._fed += FRAME
        for packet in self._encoder.encode(frame):
            yield self._sample(bytes(packet))

    def _sample(self, data: bytes) -> Sample:
        sample = Sample(self._out, FRAME, data, SOUND_FLAGS)
        self._out += FRAME
        return sample

    def _decode(self, opus: bytes) -> Pcm | None:
        try:
            frames = self._decoder.decode(av.Packet(opus))
        except av.FFmpegError:
            # A packet that is no Opus leaves a hole, which the next timestamp fills.
            return None
        parts = [_planar(frame) for frame in frames]
        return np.concatenate(parts, axis=1) if parts else None


def _planar(frame: av.AudioFrame) -> Pcm:
    """Samples as two rows of floats in -1…1, whatever layout the decoder gives."""
    data = frame.to_ndarray()
    channels = frame.layout.nb_channels
    if not frame.format.is_planar:
        data = data.reshape(-1, channels).T
    pcm = data.astype(np.float32)
    if data.dtype == np.int16:
        pcm /= 32768.0
    return np.repeat(pcm, 2, axis=0) if channels == 1 else pcm[:2]


def _stretched(pcm: Pcm, size: int) -> Pcm:
    """The same sound in `size` samples."""
    old = pcm.shape[1]
    places = np.linspace(0, old - 1, size)
    rows = [np.interp(places, np.arange(old), row) for row in pcm]
    return np.stack(rows).astype(np.float32)
