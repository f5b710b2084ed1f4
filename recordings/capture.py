"""Takes from their start to storage: which feeds are recorded now, and what became of each take.

    start(room, feed) → a recorder subscribes → takes begin and end in its thread → rows follow
    cut(room)         → unsubscribed at once; the last take is finished meanwhile, the next one after it
    stop(room)        → the same, and the last take finished into the spool
    settle(room)      → and everything of the room brought to storage

A row can always be made anew from the folder; the folder is the truth until the take is stored.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from infra.clock import Clock
from infra.database import Database
from infra.logs import get_logger
from infra.scope import TaskScope
from infra.storage import Storage
from recordings.disk import Disk
from recordings.homing import Homing
from recordings.ports import Live
from recordings.recorder import Recorder, Subject, Told
from recordings.spool import TakeFolder
from recordings.store import SpooledStore
from streaming.ports import Batch, FeedId, PacketSink, Track

Attach = Callable[[FeedId, PacketSink], Callable[[], None]]
Trouble = Literal["disk_full", "storage_away", "disk_low"]
"""What a host has to know of a show's recording, worst first."""

WATCH_S = 1.0
"""How often recorders and the disk are looked at."""
UPLOAD_S = 5.0
"""How long storage is given at the end of the process."""
MOST_NEWS = 256
"""Takes whose row waits to be made; those beyond get theirs at their end."""

log = get_logger("recordings.capture")


@dataclass(slots=True)
class _Stretch:
    """One feed being recorded: from `start` to `stop`."""

    recorder: Recorder
    detach: Callable[[], None]
    starting: asyncio.Task[None] | None = None
    """Its thread begins when the room's take before it is finished; until then it only collects."""


class Captures:
    """All recorders of a process. `attach` is the relay's; `disk` has the spool, a folder that no
    other process uses; `live` makes a follower for each timeline of a
    feed, in the recorder's thread; `node` is whose spool it is, where several share a database."""

    def __init__(
        self,
        *,
        attach: Attach,
        storage: Storage,
        database: Database,
        clock: Clock,
        disk: Disk,
        live: Callable[[Subject], Live] | None = None,
        node: str | None = None,
    ) -> None:
        self.store = SpooledStore(storage, disk.folder)
        self.disk = disk
        self._attach = attach
        self._homing = Homing(self.store, database, clock, node)
        self._clock = clock
        self._live = live
        self._tasks = TaskScope("captures")
        self._running: dict[str, _Stretch] = {}
        self._ends: dict[str, asyncio.Task[None]] = {}
        self._news: asyncio.Queue[TakeFolder] = asyncio.Queue(MOST_NEWS)
        self._begun = False
        self._troubles: dict[str, Trouble] = {}
        self._listeners: list[Callable[[str], None]] = []
        self.overruns = 0
        """Batches dropped since the start because a disk or the processor could not follow."""

    @property
    def active(self) -> int:
        """How many feeds are being recorded."""
        return len(self._running)

    @property
    def waiting(self) -> int:
        """How many finished takes are not in the storage yet."""
        return self._homing.waiting

    def trouble(self, room: str) -> Trouble | None:
        """What is wrong with the room's recording now."""
        return self._troubles.get(room)

    def troubles(self) -> Counter[str]:
        """How many rooms have which trouble."""
        return Counter(self._troubles.values())

    def subscribe(self, listener: Callable[[str], None]) -> Callable[[], None]:
        """Have `listener` told the room whose trouble has changed; returns the end of that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def start(
        self,
        room: str,
        organisation: str,
        feed: FeedId,
        epoch: int,
        fence: int = 1,
        *,
        keep: bool = True,
    ) -> None:
        """Record this feed from now on; another feed or epoch of the room ends first. Idempotent.

        Without `keep` nothing is written anywhere: the feed only reaches those who follow it live.
        """
        running = self._running.get(room)
        if running is not None:
            known = running.recorder
            if (known.subject.feed, known.subject.epoch, known.keeps) == (feed, epoch, keep):
                return
            self.cut(room)
        self._begin(Subject(room, organisation, feed, epoch, fence), keep)

    def cut(self, room: str) -> None:
        """Record this room no longer: nothing sent after this call is kept. Waits for nothing; the take is
        finished meanwhile (`finished`). Idempotent."""
        stretch = self._running.pop(room, None)
        if stretch is not None:
            stretch.detach()
            end = self._tasks.spawn(self._finish(room, stretch), name=f"finish:{room}")
            self._ends[room] = end
            end.add_done_callback(lambda _: self._ended(room, end))

    async def finished(self, room: str) -> None:
        """Wait until what was cut off is whole in the spool, or the disk holds it for too long."""
        end = self._ends.get(room)
        if end is not None:
            await asyncio.wait({end})
            await self._told_all()

    async def stop(self, room: str) -> None:
        """As `cut`, and returns when the take is whole in the spool. Idempotent."""
        self.cut(room)
        await self.finished(room)

    async def record(
        self,
        room: str,
        organisation: str,
        feed: FeedId,
        epoch: int,
        source: Iterable[tuple[Track, Batch]],
        fence: int = 1,
    ) -> None:
        """Record a whole source, as fast as it can be read: time is the packets' own.

        `source` is iterated in a worker thread; its `arrival_ms` count on the clock's monotonic time.
        """
        recorder = self._recorder(Subject(room, organisation, feed, epoch, fence), keep=True)
        await asyncio.to_thread(recorder.drive, source)
        await self._told_all()

    async def settle(self, room: str) -> None:
        """Stop, and wait until every take of the room is stored or has failed."""
        await self.stop(room)
        await self._told_all()
        await self._homing.settled(room)

    async def recover(self) -> None:
        """Take up what a crash left in the spool, and tell the rows of takes that left nothing.

        Waits for the disk and the database, never for the storage.
        """
        await self._homing.recover()

    async def close(self) -> None:
        """Finish all takes into the spool, give storage a little time, and end. Idempotent."""
        await asyncio.gather(*map(self.stop, {*self._running, *self._ends}))
        await self._homing.close(UPLOAD_S)
        await self._tasks.close()
        await self.store.close()

    # --- recorders --------------------------------------------------------------------------------

    def _begin(self, subject: Subject, keep: bool) -> None:
        recorder = self._recorder(subject, keep)
        detach = self._attach(subject.feed, recorder)
        stretch = self._running[subject.room] = _Stretch(recorder, detach)
        before = self._ends.get(subject.room)
        if before is None:
            recorder.start()
        else:
            stretch.starting = self._tasks.spawn(_start_after(before, recorder), name="start")

    async def _finish(self, room: str, stretch: _Stretch) -> None:
        if stretch.starting is not None:
            await asyncio.wait({stretch.starting})
        await asyncio.to_thread(stretch.recorder.stop)
        self.overruns += stretch.recorder.overruns
        # What the thread told before it ended is heard with the loop's next turn.
        await asyncio.sleep(0)
        self._judge(room)

    def _ended(self, room: str, end: asyncio.Task[None]) -> None:
        if self._ends.get(room) is end:
            del self._ends[room]

    def _recorder(self, subject: Subject, keep: bool) -> Recorder:
        if not self._begun:
            self._begun = True
            self._tasks.spawn(self._make_rows(), name="news")
            self._tasks.spawn(self._watch(), name="watch")
        loop = asyncio.get_running_loop()
        offset_s = self._clock.now().timestamp() - self._clock.monotonic_ms() / 1000

        def told(news: Told) -> None:
            loop.call_soon_threadsafe(self._hear, news)

        return Recorder(subject, self.disk if keep else None, offset_s, told, self._live)

    async def _watch(self) -> None:
        """See what hosts have to know, and begin anew what has died."""
        while True:
            await asyncio.to_thread(self.disk.look)
            for room, stretch in list(self._running.items()):
                starting = stretch.starting is not None and not stretch.starting.done()
                if not stretch.recorder.alive and not starting:
                    log.error("recorder died", room=room)
                    self._running.pop(room)
                    stretch.detach()
                    self._begin(stretch.recorder.subject, stretch.recorder.keeps)
            for room in {*self._running, *self._homing.rooms, *self._troubles}:
                self._judge(room)
            await asyncio.sleep(WATCH_S)

    def _judge(self, room: str) -> None:
        trouble = self._trouble_now(room)
        if self._troubles.get(room) == trouble:
            return
        self._troubles.pop(room, None)
        if trouble is not None:
            self._troubles[room] = trouble
            log.warning("recording in trouble", room=room, reason=trouble)
        for listener in list(self._listeners):
            listener(room)

    def _trouble_now(self, room: str) -> Trouble | None:
        stretch = self._running.get(room)
        keeps = stretch is not None and stretch.recorder.keeps
        if stretch is not None and stretch.recorder.disk_full:
            return "disk_full"
        if self.store.away and (keeps or room in self._homing.rooms):
            return "storage_away"
        return "disk_low" if keeps and self.disk.low else None

    # --- what recorders tell ----------------------------------------------------------------------

    async def _told_all(self) -> None:
        # What the thread told before it ended is heard with the loop's next turn.
        await asyncio.sleep(0)
        await self._news.join()

    def _hear(self, news: Told) -> None:
        if self._tasks.closed:
            return  # the folder is the truth: the next start takes it up
        if news.what == "began":
            self.store.adopt(news.folder)
            with suppress(asyncio.QueueFull):  # its row is made at its end
                self._news.put_nowait(news.folder)
        elif news.what == "segment":
            self.store.wake(news.folder.info.take)
        else:
            self._homing.bring(news)

    async def _make_rows(self) -> None:
        while True:
            folder = await self._news.get()
            try:
                await self._homing.row(folder)
            except Exception:  # the row is made at the take's end if it could not be made now
                log.exception("take not told", take=folder.info.take)
            finally:
                self._news.task_done()


async def _start_after(before: asyncio.Task[None], recorder: Recorder) -> None:
    await asyncio.wait({before})
    recorder.start()
