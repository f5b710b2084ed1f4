"""One feed's recorder: a sink of the relay, a bounded queue, and a thread that writes.

The sink's side never blocks and never raises; decoding, encoding, writing and `fdatasync` happen in the
thread. A failing disk ends a take, never the show: the next one is tried a little later.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from infra.logs import get_logger
from recordings.segments import Segmenter
from recordings.sound import TimelineBroken
from recordings.spool import TakeFolder, TakeInfo
from recordings.takes import new_id
from streaming.ports import Batch, FeedId, FeedInfo, FeedState, Track

MOST_WAITING = 4_000
"""Batches that wait for the thread: about ten seconds of a feed."""
RETRY_MS = 2_000.0
"""After a write failed, so long (by the packets' clock) before a new take is tried."""

CODECS = frozenset({"H264", "VP8"})
"""Pictures that can be kept; the second is encoded anew."""

log = get_logger("recordings.recorder")

News = Literal["began", "segment", "ended"]
_Item = tuple[Track, Batch] | FeedInfo | None


@dataclass(frozen=True, slots=True)
class Told:
    """What the thread tells: a take began, finished a segment, or ended."""

    what: News
    folder: TakeFolder
    duration_s: float = 0.0
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


class _Writer:
    """The take being written; its folder comes into being with the first init segment."""

    def __init__(self, make: Callable[[], TakeFolder], tell: Callable[[News, TakeFolder], None]):
        self._make = make
        self._tell = tell
        self.folder: TakeFolder | None = None

    def init(self, index: int, data: bytes) -> None:
        if self.folder is None:
            self.folder = self._make()
            self.folder.init(index, data)
            self._tell("began", self.folder)
        else:
            self.folder.init(index, data)

    def open(self, index: int, init: int, wall_s: float) -> None:
        if self.folder is not None:
            self.folder.open(index, init, wall_s)

    def append(self, data: bytes) -> None:
        if self.folder is not None:
            self.folder.append(data)

    def close(self) -> None:
        if self.folder is not None:
            self.folder.close()
            self._tell("segment", self.folder)


class Recorder:
    """A `PacketSink`. `told` is called from the thread; `wall_offset_s` + arrival gives UTC seconds."""

    def __init__(
        self,
        subject: Subject,
        spool: Path,
        wall_offset_s: float,
        told: Callable[[Told], None],
    ) -> None:
        self.subject = subject
        self._spool = spool
        self._wall_offset_s = wall_offset_s
        self._told = told
        self._queue: queue.Queue[_Item] = queue.Queue(MOST_WAITING)
        self._thread: threading.Thread | None = None
        self._info: FeedInfo | None = None
        self._generation: int | None = None
        self._segmenter: Segmenter | None = None
        self._writer: _Writer | None = None
        self._newest_ms = self._not_before_ms = 0.0
        self.overruns = 0
        """Batches dropped because the thread could not follow."""

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
        """Finish what was handed in and end the thread; blocks until it has ended. Idempotent."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._queue.put(None)
            thread.join()

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
        except OSError as error:
            log.error("take cannot be written", room=self.subject.room, error=type(error).__name__)
            self._not_before_ms = self._newest_ms + RETRY_MS
            self._end("disk_full")

    def _begin(self) -> None:
        tracks = self._info.tracks if self._info is not None else ()
        picture = any(t.kind == "video" and t.codec.upper() in CODECS for t in tracks)
        self._writer = _Writer(self._make, lambda what, folder: self._told(Told(what, folder)))
        self._segmenter = Segmenter(
            self._writer,
            wall_offset_s=self._wall_offset_s,
            picture=picture or not tracks,
            sound=not tracks or any(t.kind == "audio" for t in tracks),
        )

    def _make(self) -> TakeFolder:
        subject = self.subject
        segmenter = self._segmenter
        first_s = segmenter.first_wall_s if segmenter is not None else 0.0
        info = TakeInfo(
            take=new_id(),
            room=subject.room,
            organisation=subject.organisation,
            participant=subject.feed.participant,
            feed=subject.feed.name,
            epoch=subject.epoch,
            fence=subject.fence,
            started_ms=round(first_s * 1000),
        )
        return TakeFolder.create(self._spool, info)

    def _end(self, trouble: str | None = None) -> None:
        segmenter, writer = self._segmenter, self._writer
        self._segmenter = self._writer = None
        if segmenter is None or writer is None:
            return
        if trouble is None:
            try:
                segmenter.finish()
            except OSError as error:
                log.error("take ends torn", room=self.subject.room, error=type(error).__name__)
                trouble = "disk_full"
        if writer.folder is None:
            return
        writer.folder.abandon()
        self._told(
            Told(
                "ended",
                writer.folder,
                segmenter.duration_s,
                segmenter.has_picture,
                trouble or ("overrun" if self.overruns else None),
            )
        )
