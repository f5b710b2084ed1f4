"""A feed's packets → one take of CMAF segments.

Pure of clocks: time is what the packets carry (their timestamps and their times of arrival), so that an
hour can be driven through in a minute. What is written goes to a `SegmentWriter`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from recordings.card import card
from recordings.cutter import Cutter, SegmentWriter
from recordings.pictures import Picture, Pictures
from recordings.reorder import Reorder
from recordings.sound import RATE, Sound, TimelineBroken
from recordings.timebase import PATIENCE_MS, Timebase
from recordings.vp8 import Vp8Pictures
from streaming.ports import Batch, Kind, Packet

LEAD_S = 0.5
"""The timeline begins here, so that nothing on it is ever negative."""
STILL_S = 2.0
"""Where no picture comes, the last keyframe is set again this often."""
MISSING_S = 1.0
"""Sound this far past the last picture, or the other way round: it is not coming."""
BROKEN_S = 3.0
"""So long a picture that comes, but torn, is waited for: its next keyframe is on the way."""
QUIET_MS = 500.0
LAG_S = 0.3
GAP_LIMIT_S = 30.0
BACK_LIMIT_S = 2.0
_CLOCK_RATE: dict[Kind, int] = {"video": 90_000, "audio": RATE}


@dataclass(slots=True)
class _Running:
    """What exists from a take's first picture on; `epoch` is the timeline's zero on the common clock."""

    epoch: float
    sound: Sound

    @property
    def heard_s(self) -> float:
        return self.sound.counter / RATE


class Segmenter:
    """One take. Drive it with `push` in order of arrival, end it with `finish`.

    `picture` and `sound` say what the feed promises; a promised picture that does not come within four
    seconds is replaced by a card, sound that does not come by silence. `wall_offset_s` added to times of
    arrival (in seconds) gives UTC. Raises `TimelineBroken` where another take has to begin, and whatever
    the writer raises.
    """

    def __init__(
        self,
        writer: SegmentWriter,
        *,
        wall_offset_s: float,
        picture: bool = True,
        sound: bool = True,
        still: Callable[[], Picture] = card,
    ) -> None:
        self._time = Timebase(wall_offset_s)
        self._cutter = Cutter(writer, self._wall)
        self._expects_picture = picture
        self._still = still
        self._reorder: dict[Kind, Reorder] = {}
        promised: list[Kind] = ["video"] if picture else []
        if sound:
            promised.append("audio")
        for kind in promised:
            self._reorder[kind] = Reorder()
            self._time.add(kind, _CLOCK_RATE[kind])
        self._pictures: Pictures | Vp8Pictures = Pictures()
        self._video: deque[Picture] = deque()
        self._audio: deque[Packet] = deque()
        self._first_ms: float | None = None
        self._now_ms = self._picture_ms = 0.0
        self._running: _Running | None = None
        self._last_key: Picture | None = None
        self._wait_key = False
        self.has_picture = False
        """Whether a picture of the feed itself came, not only the card."""
        self.duration_s = 0.0
        """Length so far, from the first picture to the last; exact after `finish`."""

    @property
    def started(self) -> bool:
        """Whether the take has begun, i.e. something is written."""
        return self._running is not None

    @property
    def first_wall_s(self) -> float:
        """UTC seconds of the take's first picture, by the server's clock (once `started`)."""
        return self._wall(LEAD_S)

    @property
    def skipped(self) -> int:
        """Pictures left out because they, or what they build on, were incomplete."""
        return self._pictures.skipped

    def push(self, kind: Kind, batch: Batch, codec: str = "H264") -> None:
        """Take what one wake-up brought for one track; `codec` is the picture's, as in SDP."""
        if kind not in self._reorder:
            return
        if kind == "video" and codec.upper() == "VP8" and isinstance(self._pictures, Pictures):
            self._pictures = Vp8Pictures()
        for packet in batch.packets:
            if self._first_ms is None:
                self._first_ms = packet.arrival_ms
            self._now_ms = max(self._now_ms, packet.arrival_ms)
            if kind == "video":
                self._picture_ms = self._now_ms
            self._time.arrived(kind, packet.timestamp, packet.arrival_ms)
        for report in batch.reports:
            self._time.report(kind, report)
        self._reorder[kind].push(batch.packets)
        self._advance()

    def finish(self) -> None:
        """Write everything that is left; nothing may be pushed afterwards. Idempotent."""
        if self._first_ms is None:
            return
        self._first_ms = None
        with suppress(TimelineBroken):  # what came before the break is a take
            self._advance(last=True)
        if self._running is not None:
            sound = self._running.sound
            self._cutter.sound(sound.fill(round(self._cutter.last_end_s() * RATE)))
            self._cutter.sound(sound.flush())
            self.duration_s = self._cutter.finish() - LEAD_S

    def _wall(self, seconds: float) -> float:
        epoch = self._running.epoch if self._running is not None else 0.0
        return self._time.wall(epoch + seconds)

    def _advance(self, *, last: bool = False) -> None:
        now = float("inf") if last else self._now_ms
        for kind, reorder in self._reorder.items():
            for packet, lost in reorder.pop(now):
                if kind == "audio":
                    self._audio.append(packet)
                else:
                    self._video.extend(self._pictures.push(packet, lost))
        if not self._time.settled(now, last_call=last):
            return
        running = self._running or self._start(last)
        if running is None:
            return
        self._take_sound(running)
        self._take_pictures(running)
        self._mend(running)
        self.duration_s = max(0.0, (self._cutter.seen_s or 0.0) - LEAD_S)

    def _start(self, last: bool) -> _Running | None:
        """Begin at the first keyframe; where none comes, with the card at the first sound."""
        if self._video:
            first = self._time.seconds("video", self._video[0].timestamp)
        elif self._audio and (last or self._gave_up_on_picture()):
            first = self._time.seconds("audio", self._audio[0].timestamp)
        else:
            return None
        self._running = _Running(first - LEAD_S, Sound(round(LEAD_S * RATE)))
        if not self._video:
            self._last_key = self._still()
            self._cutter.picture(LEAD_S, self._last_key)
        return self._running

    def _gave_up_on_picture(self) -> bool:
        waited = self._first_ms is not None and self._now_ms - self._first_ms >= PATIENCE_MS
        return waited or not self._expects_picture

    def _take_sound(self, running: _Running) -> None:
        while self._audio:
            packet = self._audio.popleft()
            payload = packet.data[packet.payload_at :]
            if payload:
                at = (self._time.seconds("audio", packet.timestamp) - running.epoch) * RATE
                self._cutter.sound(running.sound.push(payload, packet.timestamp, at))

    def _take_pictures(self, running: _Running) -> None:
        while self._video:
            picture = self._video.popleft()
            seconds = self._time.seconds("video", picture.timestamp) - running.epoch
            self._bridge(seconds)
            if self._wait_key and not picture.key:
                continue
            self._wait_key = False
            self.has_picture = True
            if picture.key:
                self._last_key = picture
            self._cutter.picture(seconds, picture)

    def _bridge(self, seconds: float) -> None:
        """Set the last keyframe again over a hole, so that segments stay short."""
        seen = self._cutter.seen_s
        if seen is None:
            return
        if not -BACK_LIMIT_S < seconds - seen < GAP_LIMIT_S:
            raise TimelineBroken
        while seconds - seen > STILL_S + MISSING_S:
            seen += STILL_S
            self._repeat(seen)

    def _repeat(self, seconds: float) -> None:
        if self._last_key is not None:
            self._cutter.picture(seconds, self._last_key, cut=True)
            # What builds on the pictures before the repeated one cannot follow it.
            self._wait_key = True

    def _mend(self, running: _Running) -> None:
        """Keep picture and sound together where one of them stays away."""
        seen = self._cutter.seen_s
        if seen is None:
            return
        if seen - running.heard_s > MISSING_S:
            self._cutter.sound(running.sound.fill(round((seen - LAG_S) * RATE)))
        heard = running.heard_s
        quiet = self._now_ms - self._picture_ms > QUIET_MS
        limit_s = MISSING_S if quiet else BROKEN_S
        while heard - seen > limit_s and heard - self._cutter.segment_s >= STILL_S:
            start = self._cutter.segment_s
            far = heard - start >= STILL_S + MISSING_S
            seen = max(start + STILL_S if far else heard - LAG_S, seen + 0.001)
            self._repeat(seen)
        self._cutter.flush_sound(heard)
