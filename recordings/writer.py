"""Where a recorder's bytes go: to the disk, where a show is kept, and to those who follow it live.

The two legs never hurt each other. A disk that is full ends a take and nothing else; a new take begins
by itself at a later segment, once there is room. All of it runs in the recorder's thread.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from infra.logs import get_logger
from recordings.ports import Live
from recordings.spool import TakeFolder

RETRY_MS = 2_000.0
"""After a write failed, so long (by the packets' clock) before a new take is tried."""

log = get_logger("recordings.writer")

News = Literal["began", "segment", "ended"]


class DiskLeg:
    """One take after another in folders of their own; it lives as long as its recorder.

    `make` makes a take's folder from the UTC seconds of its first picture and raises OSError where there
    is no room; `tell` hears what became of it; `now_ms` is the packets' clock.
    """

    def __init__(
        self,
        room: str,
        make: Callable[[float], TakeFolder],
        tell: Callable[[News, TakeFolder, str | None], None],
        now_ms: Callable[[], float],
    ) -> None:
        self._room = room
        self._make = make
        self._tell = tell
        self._now_ms = now_ms
        self._folder: TakeFolder | None = None
        self._inits: dict[int, bytes] = {}
        self._written: set[int] = set()
        self._not_before_ms = 0.0
        self.full = False
        """Whether the last try to write failed. Read from any thread."""

    def init(self, index: int, data: bytes) -> None:
        """Remembered until a take needs it."""
        self._inits[index] = data

    def open(self, index: int, init: int, wall_s: float) -> None:
        """A segment begins, and a take with it unless one goes on."""
        if self._now_ms() < self._not_before_ms:
            return
        try:
            new = self._folder is None
            folder = self._folder or self._make(wall_s)
            self._folder = folder
            if init not in self._written:
                folder.init(init, self._inits[init])
                self._written.add(init)
            folder.open(index, init, wall_s)
        except OSError as error:
            self._failed(error)
            return
        self.full = False
        if new:
            self._tell("began", folder, None)

    def append(self, data: bytes) -> None:
        """One chunk of the open segment."""
        if self._folder is None:
            return
        try:
            self._folder.append(data)
        except OSError as error:
            self._failed(error)

    def close(self) -> None:
        """The open segment is complete."""
        if self._folder is None:
            return
        try:
            self._folder.close()
        except OSError as error:
            self._failed(error)
        else:
            self._tell("segment", self._folder, None)

    def end(self, trouble: str | None = None) -> None:
        """The take is over; the next one is of another timeline. Never raises for the disk."""
        folder, self._folder = self._folder, None
        self._inits.clear()
        self._end(folder, trouble)

    def wait(self) -> None:
        """Begin no take for a while."""
        self._not_before_ms = self._now_ms() + RETRY_MS

    def _failed(self, error: OSError) -> None:
        log.error("take cannot be written", room=self._room, error=type(error).__name__)
        self.full = True
        self.wait()
        folder, self._folder = self._folder, None
        self._end(folder, "disk_full")

    def _end(self, folder: TakeFolder | None, trouble: str | None) -> None:
        self._written.clear()
        if folder is not None:
            folder.abandon()
            self._tell("ended", folder, trouble)


class TakeWriter:
    """The `SegmentWriter` of one timeline: what is kept, and what is followed live."""

    def __init__(self, disk: DiskLeg | None, live: Live | None) -> None:
        self._disk = disk
        self._live = live

    def init(self, index: int, data: bytes) -> None:
        """An init segment."""
        self._tell_live(lambda live: live.init(index, data))
        if self._disk is not None:
            self._disk.init(index, data)

    def open(self, index: int, init: int, wall_s: float) -> None:
        """A segment begins."""
        self._tell_live(lambda live: live.open(index, init, wall_s))
        if self._disk is not None:
            self._disk.open(index, init, wall_s)

    def append(self, data: bytes) -> None:
        """One chunk; live first, so that a slow disk costs those who watch nothing."""
        self._tell_live(lambda live: live.append(data))
        if self._disk is not None:
            self._disk.append(data)

    def close(self) -> None:
        """The segment is complete."""
        self._tell_live(lambda live: live.close())
        if self._disk is not None:
            self._disk.close()

    def end(self, trouble: str | None = None) -> None:
        """Nothing follows on this timeline."""
        self._tell_live(lambda live: live.ended())
        if self._disk is not None:
            self._disk.end(trouble)

    def _tell_live(self, tell: Callable[[Live], None]) -> None:
        if self._live is None:
            return
        try:
            tell(self._live)
        except Exception:  # those who follow live never cost the recording a segment
            log.exception("live leg failed")
            self._live = None
