"""One feed's recorder: a sink of the relay, a bounded queue, and a thread that writes.

The sink's side never blocks and never raises; decoding, encoding, writing and `fdatasync` happen in the
thread. A failing disk ends a take, never the show (`writer.py`).
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from infra.logs import get_logger
from recordings.disk import Disk
from recordings.ports import Live
from recordings.segments import Segmenter
from recordings.sound import TimelineBroken
from recordings.spool import TakeFolder, TakeInfo
from recordings.takes import new_id
from recordings.writer import RETRY_MS, DiskLeg, News, TakeWriter
from streaming.ports import Batch, FeedId, FeedInfo, FeedState, Track

MOST_WAITING = 4_000
"""Batches that wait for the thread: about ten seconds of a feed."""
STOP_S = 10.0
"""A thread that a hanging disk holds is waited for no longer; the take is taken up at the next start."""

CODECS = frozenset({"H264", "VP8"})
"""Pictures that can be kept; the second is encoded anew."""

log = get_logger("recordings.recorder")

_Item = tuple[Track, Batch] | FeedInfo | None


@dataclass(frozen=True, slots=True)
class Told:
    """What the thread tells: a take began, finished a segment, or ended."""

    what: News
    folder: TakeFolder
    has_picture: bool = False
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """What is recorded, and for whom."""

    room: str
    organisation: str
    feed: FeedId
    epoch: int
    fence: int


class Recorder:
    """A `PacketSink`. `told` is called from the thread; `wall_offset_s` + arrival gives UTC seconds.

    Kept are takes below `disk`'s folder; without a disk nothing is. `live` makes a follower for each
    timeline.
    """

    def __init__(
        self,
        subject: Subject,
        disk: Disk | None,
        wall_offset_s: float,
        told: Callable[[Told], None],
        live: Callable[[Subject], Live] | None = None,
    ) -> None:
        self.subject = subject
        self._disk = disk
        self._live = live
        self._leg = None
        if disk is not None:
            self._leg = DiskLeg(subject.room, self._make, self._tell, lambda: self._newest_ms)
        self._wall_offset_s = wall_offset_s
        self._told = told
        self._queue: queue.Queue[_Item] = queue.Queue(MOST_WAITING)
        self._thread: threading.Thread | None = None
        self._info: FeedInfo | None = None
        self._generation: int | None = None
        self._segmenter: Segmenter | None = None
        self._writer: TakeWriter | None = None
        self._newest_ms = self._not_before_ms = 0.0
        self.overruns = 0
        """Batches dropped because the thread could not follow."""

    @property
    def keeps(self) -> bool:
        """Whether anything is written."""
        return self._leg is not None

    @property
    def disk_full(self) -> bool:
        """Whether what comes now is not kept, because the last try to write failed."""
        return self._leg is not None and self._leg.full

    @property
    def alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread is not None and self._thread.is_alive()

    # --- the relay's side -------------------------------------------------------------------------

    def start(self) -> None:
        """Start the thread."""
        name = f"recorder:{self.subject.room}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def on_packets(self, track: Track, layer: str | None, batch: Batch) -> None:
        """Take packets of a track; of several layers only the highest."""
        if layer is not None and track.layers and layer != track.layers[-1]:
            return
        try:
            self._queue.put_nowait((track, Batch(tuple(batch.packets), tuple(batch.reports))))
        except queue.Full:
            self.overruns += 1

    def on_feed(self, change: FeedInfo) -> None:
        """A new publisher or the end of one ends the take."""
        try:
            self._queue.put_nowait(change)
        except queue.Full:
            self.overruns += 1

    def stop(self) -> None:
        """Finish what was handed in and end the thread; blocks until it has ended, or `STOP_S` where
        the disk holds it. Idempotent."""
        thread, self._thread = self._thread, None
        deadline = time.monotonic() + STOP_S
        while thread is not None and thread.is_alive() and time.monotonic() < deadline:
            try:
                self._queue.put(None, timeout=0.1)
            except queue.Full:
                continue  # the thread works it off, or is dead and never will
            thread.join(max(0.0, deadline - time.monotonic()))
            return

    def drive(self, source: Iterable[tuple[Track, Batch]]) -> None:
        """Record a whole source as fast as it can be read, in the caller's thread."""
        for track, batch in source:
            self._take(track, batch)
        self._end()

    # --- the thread's side ------------------------------------------------------------------------

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            try:
                if isinstance(item, FeedInfo):
                    self._feed(item)
                else:
                    self._take(*item)
            except Exception:  # one bad packet must not end the recording of a show
                log.exception("recorder failed", room=self.subject.room)
                self._not_before_ms = self._newest_ms + RETRY_MS
                self._end("failed")
        self._end()

    def _feed(self, info: FeedInfo) -> None:
        over = info.state in (FeedState.IDLE, FeedState.ENDED)
        if (
            over
            or (self._generation is not None and info.generation != self._generation)
            or (self._info is not None and info.tracks != self._info.tracks)
        ):
            self._end()
        self._info = info
        self._generation = info.generation

    def _take(self, track: Track, batch: Batch) -> None:
        if track.kind == "video" and track.codec.upper() not in CODECS:
            return  # sound is kept, with a card in the picture's place
        if batch.packets:
            self._newest_ms = batch.packets[-1].arrival_ms
        if self._segmenter is None:
            if not batch.packets or self._newest_ms < self._not_before_ms:
                return
            self._begin()
        segmenter = self._segmenter
        if segmenter is None:
            return
        try:
            segmenter.push(track.kind, batch, track.codec)
        except TimelineBroken:
            self._end()

    def _begin(self) -> None:
        tracks = self._info.tracks if self._info is not None else ()
        picture = any(t.kind == "video" and t.codec.upper() in CODECS for t in tracks)
        live = None if self._live is None else self._live(self.subject)
        self._writer = TakeWriter(self._leg, live)
        self._segmenter = Segmenter(
            self._writer,
            wall_offset_s=self._wall_offset_s,
            picture=picture or not tracks,
            sound=not tracks or any(t.kind == "audio" for t in tracks),
        )

    def _make(self, wall_s: float) -> TakeFolder:
        disk, subject = self._disk, self.subject
        if disk is None:
            raise OSError("nothing is kept")
        disk.demand()
        info = TakeInfo(
            take=new_id(),
            room=subject.room,
            organisation=subject.organisation,
            participant=subject.feed.participant,
            feed=subject.feed.name,
            epoch=subject.epoch,
            fence=subject.fence,
            started_ms=round(wall_s * 1000),
        )
        return TakeFolder.create(disk.folder, info)

    def _end(self, trouble: str | None = None) -> None:
        segmenter, writer = self._segmenter, self._writer
        if segmenter is None or writer is None:
            return
        try:
            if trouble is None:
                segmenter.finish()
        except Exception:  # what is written already stays a take
            log.exception("take ends torn", room=self.subject.room)
            trouble = "failed"
        finally:
            writer.end(trouble or ("overrun" if self.overruns else None))
            self._segmenter = self._writer = None

    def _tell(self, what: News, folder: TakeFolder, trouble: str | None) -> None:
        seen = self._segmenter is not None and self._segmenter.has_picture
        self._told(Told(what, folder, seen, trouble))
