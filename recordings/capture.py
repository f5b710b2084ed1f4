"""Takes from their start to storage: which feeds are recorded now, and what became of each take.

    start(room, feed) → a recorder subscribes → takes begin and end in its thread → rows follow
    stop(room)        → unsubscribed at once, the last take finished into the spool
    settle(room)      → and everything of the room brought to storage

A row can always be made anew from the folder; the folder is the truth until the take is stored.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy import func, select

from infra.clock import Clock, to_ms
from infra.database import Database
from infra.logs import get_logger
from infra.scope import TaskScope
from infra.storage import Storage
from recordings.disk import Disk
from recordings.ports import Live, SegmentRef
from recordings.recorder import Recorder, Subject, Told
from recordings.spool import TakeFolder
from recordings.store import RETRY_FROM_S, RETRY_TO_S, SpooledStore, manifest_of
from recordings.tables import TakeRow
from recordings.takes import SETTLED, TakeState, may_follow
from streaming.ports import Batch, FeedId, PacketSink, Track

Attach = Callable[[FeedId, PacketSink], Callable[[], None]]
Trouble = Literal["disk_full", "storage_away", "disk_low"]
"""What a host has to know of a show's recording, worst first."""

WATCH_S = 1.0
"""How often recorders and the disk are looked at."""
MOST_NEWS = 256
"""Takes whose row waits to be made; those beyond get theirs at their end."""

log = get_logger("recordings.capture")


@dataclass(slots=True)
class _Stretch:
    """One feed being recorded: from `start` to `stop`."""

    recorder: Recorder
    detach: Callable[[], None]


class Captures:
    """All recorders of a process. `attach` is the relay's; `spool` is a folder on the local disk that
    no other process uses, `disk` how its room is judged; `live` makes a follower for each timeline of a
    feed, in the recorder's thread."""

    def __init__(
        self,
        *,
        attach: Attach,
        storage: Storage,
        database: Database,
        clock: Clock,
        spool: Path,
        disk: Disk | None = None,
        live: Callable[[Subject], Live] | None = None,
    ) -> None:
        self.store = SpooledStore(storage, spool)
        self.disk = disk or Disk(spool)
        self._attach = attach
        self._database = database
        self._clock = clock
        self._live = live
        self._tasks = TaskScope("captures")
        self._running: dict[str, _Stretch] = {}
        self._finalising: dict[str, set[asyncio.Task[None]]] = {}
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
        return sum(map(len, self._finalising.values()))

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
            await self.stop(room)
        self._begin(Subject(room, organisation, feed, epoch, fence), keep)

    async def stop(self, room: str) -> None:
        """Record this room no longer: nothing sent after this call is kept. Returns when the take is
        whole in the spool. Idempotent."""
        stretch = self._running.pop(room, None)
        self._judge(room)
        if stretch is not None:
            stretch.detach()
            await asyncio.to_thread(stretch.recorder.stop)
            self.overruns += stretch.recorder.overruns
            await self._told_all()

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
        while tasks := self._finalising.get(room):
            await asyncio.wait(set(tasks))

    async def recover(self) -> None:
        """Take up what a crash left in the spool, and tell the rows of takes that left nothing."""
        folders = await asyncio.to_thread(lambda: list(TakeFolder.found(self.disk.folder)))
        for folder in folders:
            self._finalise(Told("ended", folder))
        there = {folder.info.take for folder in folders}
        async with self._database.reading() as session:
            rows = await session.scalars(select(TakeRow).where(TakeRow.state.not_in(SETTLED)))
            lost = [(row.id, row.track) for row in rows if row.id not in there]
        for take, track in lost:
            await self._without_folder(take, track)

    async def close(self) -> None:
        """Finish all takes into the spool, give storage a little time, and end. Idempotent."""
        await asyncio.gather(*(self.stop(room) for room in list(self._running)))
        pending = {task for tasks in self._finalising.values() for task in tasks}
        if pending:
            await asyncio.wait(pending, timeout=5)
        await self._tasks.close()
        await self.store.close()

    # --- recorders --------------------------------------------------------------------------------

    def _begin(self, subject: Subject, keep: bool) -> None:
        recorder = self._recorder(subject, keep)
        detach = self._attach(subject.feed, recorder)
        recorder.start()
        self._running[subject.room] = _Stretch(recorder, detach)

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
                if not stretch.recorder.alive:
                    log.error("recorder died", room=room)
                    self._running.pop(room)
                    stretch.detach()
                    self._begin(stretch.recorder.subject, stretch.recorder.keeps)
            for room in {*self._running, *self._finalising, *self._troubles}:
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
        if self.store.away and (keeps or room in self._finalising):
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
            self._finalise(news)

    async def _make_rows(self) -> None:
        while True:
            folder = await self._news.get()
            try:
                await self._row(folder)
            except Exception:  # the row is made at the take's end if it could not be made now
                log.exception("take not told", take=folder.info.take)
            finally:
                self._news.task_done()

    async def _row(self, folder: TakeFolder) -> None:
        """The take's row, made if there is none."""
        info = folder.info
        async with self._database.unit_of_work() as session:
            if await session.get(TakeRow, info.take) is not None:
                return
            number = await session.scalar(
                select(func.coalesce(func.max(TakeRow.number), 0)).where(TakeRow.room == info.room)
            )
            session.add(
                TakeRow(
                    id=info.take,
                    organisation=info.organisation,
                    room=info.room,
                    number=(number or 0) + 1,
                    participant=info.participant,
                    feed=info.feed,
                    track=info.track,
                    epoch=info.epoch,
                    fence=info.fence,
                    state=TakeState.CAPTURING,
                    started_ms=info.started_ms,
                )
            )

    def _finalise(self, news: Told) -> None:
        room = news.folder.info.room
        task = self._tasks.spawn(self._bring_home(news), name=f"store:{news.folder.info.take}")
        tasks = self._finalising.setdefault(room, set())
        tasks.add(task)

        def home(done: asyncio.Task[None]) -> None:
            tasks.discard(done)
            if not tasks and self._finalising.get(room) is tasks:
                del self._finalising[room]

        task.add_done_callback(home)

    async def _bring_home(self, news: Told) -> None:
        """Bring a finished take to storage, however often that has to be tried."""
        take, pause_s = news.folder.info.take, RETRY_FROM_S
        refs: Sequence[SegmentRef] | None = None
        while True:
            try:
                if refs is None:
                    refs = await self._sealed(news)
                duration_ms = round(sum(ref.duration_s for ref in refs) * 1000)
                if refs:
                    await self._note(news, TakeState.STORED, duration_ms=duration_ms)
                else:
                    await self._note(news, TakeState.FAILED, trouble="no_media")
            except Exception as error:  # storage or database away: the spool keeps the take
                log.warning("take not stored yet", take=take, error=type(error).__name__)
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, RETRY_TO_S)
                continue
            log.info("take stored", take=take, segments=len(refs), duration_ms=duration_ms)
            return

    async def _sealed(self, news: Told) -> Sequence[SegmentRef]:
        """The take's segments, all in storage and no longer in the spool."""
        info = news.folder.info
        await asyncio.to_thread(news.folder.mend)
        await self._row(news.folder)
        await self._note(news, TakeState.FINALISING)
        self.store.adopt(news.folder)
        refs = await self.store.list(info.take, info.track)
        if refs:
            await self.store.seal(info.take, manifest_of(refs))
        else:
            await self.store.erase(info.take)
        return refs

    async def _without_folder(self, take: str, track: str) -> None:
        """A take whose folder is gone: sealed just before the crash, or never anything on disk."""
        refs = await self.store.list(take, track)
        async with self._database.unit_of_work() as session:
            row = await session.get_one(TakeRow, take)
            if refs:
                row.state = TakeState.STORED
                row.duration_ms = round(sum(ref.duration_s for ref in refs) * 1000)
            else:
                row.state, row.trouble = TakeState.FAILED, "no_media"

    async def _note(
        self,
        news: Told,
        state: TakeState,
        *,
        duration_ms: int | None = None,
        trouble: str | None = None,
    ) -> None:
        async with self._database.unit_of_work() as session:
            row = await session.get_one(TakeRow, news.folder.info.take)
            old = TakeState(row.state)
            if old == state or not may_follow(old, state):
                return
            row.state = state
            row.has_picture = row.has_picture or news.has_picture
            row.trouble = trouble or news.trouble or row.trouble
            if state is TakeState.FINALISING:
                row.ended_ms = to_ms(self._clock.now())
            if duration_ms is not None:
                row.duration_ms = duration_ms
