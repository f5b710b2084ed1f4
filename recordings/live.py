"""The last half minute of each room's air, in memory alone: what viewers by segments are given.

A window is fed from the recorder's thread and read from the loop. It knows whose air it holds, and shows
it to nobody who asks for another: a new phase or another artist begins with nothing.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field

from infra.logs import get_logger
from recordings.boxes import PICTURE, RATE, runs
from recordings.playlists import Entry, playlist
from recordings.recorder import Subject
from streaming.ports import FeedId

KEPT_S = 30.0
"""What a viewer may be behind before it has to jump."""
MOST_BYTES = 32 * 1024 * 1024
MOST_OPEN_BYTES = MOST_BYTES // 2
"""Of a segment that is not whole yet: an encoder without a further keyframe would never end it."""
TARGET_S = 4
"""Never changes while a show is live; a segment is cut at the first keyframe after 1.9 s."""
PLAYLIST = "live.m3u8"

log = get_logger("recordings.live")


@dataclass(slots=True)
class _Segment:
    """One segment; `data` is whole once it is in the window."""

    name: str
    init: str
    wall_s: float
    discontinuity: bool
    data: bytes = b""
    duration_s: float = 0.0
    chunks: list[bytes] = field(default_factory=list)


class LiveWindow:
    """One room's window. Numbers of segments and of breaks only grow, whoever is on the air."""

    dropped = 0
    """Segments that were longer or larger than a viewer is given."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._leg: _Leg | None = None
        self._segments: deque[_Segment] = deque()
        self._inits: dict[str, bytes] = {}
        self._next = self._next_init = 0
        self._breaks_before = 0

    def begin(self, feed: FeedId, epoch: int) -> _Leg:
        """A recorder begins. What another feed or another phase left is forgotten."""
        with self._lock:
            if self._leg is None or (self._leg.feed, self._leg.epoch) != (feed, epoch):
                self._forget()
            self._leg = _Leg(self, feed, epoch)
            return self._leg

    def clear(self) -> None:
        """Nobody is on the air any more; idempotent."""
        with self._lock:
            self._leg = None
            self._forget()

    def holds(self, feed: FeedId, epoch: int) -> bool:
        """Whether this is the air of that feed in that phase."""
        leg = self._leg
        return leg is not None and (leg.feed, leg.epoch) == (feed, epoch)

    def text(self) -> str:
        """The sliding playlist as it stands; without a segment before the first."""
        with self._lock:
            return playlist(
                [
                    Entry(s.name, s.init, s.duration_s, s.wall_s, s.discontinuity)
                    for s in self._segments
                ],
                ended=False,
                first=self._next - len(self._segments),
                # The first segment's own break has no tag of its own.
                breaks_before=self._breaks_before
                + sum(s.discontinuity for s in list(self._segments)[:1]),
                target_s=TARGET_S,
            )

    def get(self, name: str) -> bytes | None:
        """A segment or init segment of the window; None for anything else."""
        with self._lock:
            if name in self._inits:
                return self._inits[name]
            return next((s.data for s in self._segments if s.name == name), None)

    @property
    def size(self) -> int:
        """Bytes held, with what is not whole yet."""
        with self._lock:
            still_open = 0 if self._leg is None else self._leg.open_bytes
            return still_open + sum(len(s.data) for s in self._segments)

    # --- the recorder's side ----------------------------------------------------------------------

    def add_init(self, leg: _Leg, data: bytes) -> str | None:
        """Keep an init segment; its name, None where this leg is over."""
        with self._lock:
            if leg is not self._leg:
                return None
            name = f"init-{self._next_init:03}.mp4"
            self._next_init += 1
            self._inits[name] = data
            return name

    def add(self, leg: _Leg, segment: _Segment) -> None:
        """Add a whole segment, and let go of what is too old."""
        with self._lock:
            if leg is not self._leg:
                return
            segment.name = f"{self._next:06}.m4s"
            # The first of all begins the playlist; the first after something was forgotten does not.
            segment.discontinuity = segment.discontinuity and self._next > 0
            self._next += 1
            self._segments.append(segment)
            while len(self._segments) > 1 and self._too_much():
                self._drop_oldest()
            used = {s.init for s in self._segments} | set(leg.inits.values())
            for name in [name for name in self._inits if name not in used]:
                del self._inits[name]

    def _too_much(self) -> bool:
        oldest = self._segments[0]
        length = sum(s.duration_s for s in self._segments) - oldest.duration_s
        return length >= KEPT_S or sum(len(s.data) for s in self._segments) > MOST_BYTES

    def _drop_oldest(self) -> None:
        # A break stands before a segment: it is behind the list once that segment is.
        self._breaks_before += self._segments.popleft().discontinuity

    def _forget(self) -> None:
        while self._segments:
            self._drop_oldest()
        self._inits.clear()


class _Leg:
    """One recorder's way into a window: a `recordings.ports.Live`."""

    def __init__(self, window: LiveWindow, feed: FeedId, epoch: int) -> None:
        self.feed = feed
        self.epoch = epoch
        self.inits: dict[int, str] = {}
        self.open_bytes = 0
        self._window = window
        self._open: _Segment | None = None
        self._fresh = True

    def init(self, index: int, data: bytes) -> None:
        """Keep an init segment."""
        name = self._window.add_init(self, data)
        if name is not None:
            self.inits[index] = name

    def open(self, index: int, init: int, wall_s: float) -> None:
        """A segment begins."""
        name = self.inits.get(init)
        self.open_bytes = 0
        self._open = None if name is None else _Segment("", name, wall_s, self._fresh)

    def append(self, data: bytes) -> None:
        """A chunk of it."""
        if self._open is None:
            return
        self._open.chunks.append(data)
        self.open_bytes += len(data)
        if self.open_bytes > MOST_OPEN_BYTES:
            self._drop()

    def close(self) -> None:
        """It is whole: viewers may have it."""
        segment, self._open = self._open, None
        self.open_bytes = 0
        if segment is None:
            return
        segment.data = b"".join(segment.chunks)
        segment.chunks.clear()
        pictures = [run for run in runs(segment.data) if run.track == PICTURE]
        if not pictures:
            return
        ticks = max(run.end for run in pictures) - pictures[0].dts
        segment.duration_s = ticks / RATE[PICTURE]
        if segment.duration_s > KEPT_S:
            self._drop()
            return
        self._fresh = False
        self._window.add(self, segment)

    def ended(self) -> None:
        """What follows is of another timeline."""
        self._open = None
        self.open_bytes = 0
        self._fresh = True
        self.inits.clear()

    def _drop(self) -> None:
        """Let the segment go: what follows begins afresh at the next keyframe."""
        self._open = None
        self.open_bytes = 0
        self._fresh = True
        self._window.dropped += 1
        log.warning("live segment without end dropped", room=self.feed.room)


class LiveWindows:
    """The windows of a process; called with what is recorded, it gives the recorder its way in."""

    def __init__(self) -> None:
        self._windows: dict[str, LiveWindow] = {}
        self._dropped = 0

    def __call__(self, subject: Subject) -> _Leg:
        """A recorder of this subject begins."""
        return self._windows.setdefault(subject.room, LiveWindow()).begin(
            subject.feed, subject.epoch
        )

    def of(self, feed: FeedId, epoch: int) -> LiveWindow | None:
        """The room's window while it holds the air of this feed in this phase."""
        window = self._windows.get(feed.room)
        return window if window is not None and window.holds(feed, epoch) else None

    def clear(self, room: str) -> None:
        """Nobody is on the air in this room; idempotent. Its numbers go on."""
        if room in self._windows:
            self._windows[room].clear()

    def forget(self, room: str) -> None:
        """The room is over; idempotent."""
        self.clear(room)
        window = self._windows.pop(room, None)
        if window is not None:
            self._dropped += window.dropped

    @property
    def dropped(self) -> int:
        """Segments that were let go because a keyframe did not come."""
        return self._dropped + sum(window.dropped for window in self._windows.values())

    @property
    def size(self) -> int:
        """Bytes held by all of them."""
        return sum(window.size for window in self._windows.values())
