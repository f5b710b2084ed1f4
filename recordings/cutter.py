"""Pictures and sound on one timeline → chunks of half a second in segments cut at keyframes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

from recordings.boxes import DELTA, KEY, PICTURE, RATE, SOUND, Sample, fragment, init_segment
from recordings.pictures import Picture

CUT_S = 1.9
"""A segment ends at the first keyframe this long after its start: a keyframe clock of 2 s meets it."""
CHUNK_S = 0.5
SOUND_CHUNK_S = 0.8
"""Sound that has waited this long is written without a picture: no crash may cost a second."""
FRAME_TICKS = 3000
"""Duration of a last picture whose successor never came, where nothing better is known."""

_V = RATE[PICTURE]
_A = RATE[SOUND]


class SegmentWriter(Protocol):
    """Where finished bytes go; may raise OSError, which ends the take."""

    def init(self, index: int, data: bytes) -> None:
        """An init segment, before the first segment that needs it."""
        ...

    def open(self, index: int, init: int, wall_s: float) -> None:
        """A segment begins; `wall_s` is UTC of its first picture by the server's clock."""
        ...

    def append(self, data: bytes) -> None:
        """One chunk (`moof` + `mdat`) of the open segment."""
        ...

    def close(self) -> None:
        """The open segment is complete."""
        ...


class Cutter:
    """One take's timeline; `wall` gives UTC seconds for a picture's time in seconds."""

    def __init__(self, writer: SegmentWriter, wall: Callable[[float], float]) -> None:
        self._writer = writer
        self._wall = wall
        self._heard: deque[Sample] = deque()
        self._seen: list[Sample] = []
        self._pending: Sample | None = None
        self._config = (b"", b"")
        self._inits: dict[tuple[bytes, bytes], int] = {}
        self._index = -1
        self._segment_start = 0
        self._chunk_start = 0
        self._fragments = 0

    @property
    def seen_s(self) -> float | None:
        """When the newest picture begins, in seconds; None before the first."""
        return None if self._pending is None else self._pending.dts / _V

    @property
    def segment_s(self) -> float:
        """When the open segment begins, in seconds."""
        return self._segment_start / _V

    def sound(self, samples: Iterable[Sample]) -> None:
        """Take sound in order; it is written with the pictures that it precedes."""
        self._heard.extend(samples)

    def picture(self, seconds: float, picture: Picture, *, cut: bool = False) -> None:
        """Set a picture on the timeline; the one before it is complete now.

        `cut` makes it the first of a segment in any case (it has to be a keyframe then).
        """
        dts = round(seconds * _V)
        pending = self._pending
        if pending is not None:
            dts = max(dts, pending.dts + 1)
            pending.duration = dts - pending.dts
            self._seen.append(pending)
        if picture.key:
            changed = (picture.sps, picture.pps) != self._config
            if cut or changed or dts - self._segment_start >= CUT_S * _V:
                self._cut(dts, picture)
        if dts - self._chunk_start >= CHUNK_S * _V:
            self._write(dts)
        self._pending = Sample(dts, 0, picture.data, KEY if picture.key else DELTA)

    def flush_sound(self, heard_s: float) -> None:
        """Write sound alone where it has waited too long for a picture."""
        if self._heard and heard_s - self._heard[0].dts / _A > SOUND_CHUNK_S:
            self._write(None)

    def last_end_s(self) -> float:
        """Where the newest picture will end if no other follows, by the mean of those before it."""
        if self._pending is None:
            return 0.0
        mean = FRAME_TICKS
        if self._seen:
            mean = (self._pending.dts - self._seen[0].dts) // len(self._seen)
        return (self._pending.dts + mean) / _V

    def finish(self) -> float:
        """Write what is left and close; returns where the timeline ends, in seconds."""
        pending = self._pending
        if pending is None:
            return 0.0
        # Picture and sound end together, so that takes can be set one after the other without a hole.
        heard_end = self._heard[-1].dts + self._heard[-1].duration if self._heard else 0
        end = max(round(self.last_end_s() * _V), -(-heard_end * _V // _A))
        pending.duration = end - pending.dts
        self._seen.append(pending)
        self._pending = None
        self._write(None)
        self._writer.close()
        return end / _V

    def _cut(self, dts: int, picture: Picture) -> None:
        if self._index >= 0:
            self._write(dts)
            self._writer.close()
        self._config = (picture.sps, picture.pps)
        if self._config not in self._inits:
            self._inits[self._config] = len(self._inits)
            self._writer.init(self._inits[self._config], init_segment(picture.sps, picture.pps))
        self._index += 1
        self._writer.open(self._index, self._inits[self._config], self._wall(dts / _V))
        self._segment_start = self._chunk_start = dts

    def _write(self, end: int | None) -> None:
        """Write the finished pictures and the sound that precedes `end` (all of it if None)."""
        sound: list[Sample] = []
        while self._heard and (end is None or self._heard[0].dts * _V < end * _A):
            sound.append(self._heard.popleft())
        if sound or self._seen:
            self._fragments += 1
            self._writer.append(fragment(self._fragments, [(PICTURE, self._seen), (SOUND, sound)]))
        self._seen = []
        if end is not None:
            self._chunk_start = end
