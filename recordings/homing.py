"""What becomes of finished takes: their rows, and the way from the spool to the storage.

A row can always be made anew from the folder; the folder is the truth until the take is stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from sqlalchemy import func, or_, select

from infra.clock import Clock, to_ms
from infra.database import Database
from infra.logs import get_logger
from infra.scope import TaskScope
from infra.whose import HOUSE, Whose, organisation
from recordings.ports import SegmentRef
from recordings.recorder import Told
from recordings.spool import TakeFolder
from recordings.store import RETRY_FROM_S, RETRY_TO_S, SpooledStore, manifest_of
from recordings.tables import TakeRow
from recordings.takes import SETTLED, TakeState, may_follow

log = get_logger("recordings.homing")


class Homing:
    """Brings takes home, each in a task of its own; `node` is whose spool it is."""

    def __init__(
        self, store: SpooledStore, database: Database, clock: Clock, node: str | None
    ) -> None:
        self.store = store
        self._database = database
        self._clock = clock
        self._node = node
        self._tasks = TaskScope("homing")
        self._under_way: dict[str, set[asyncio.Task[None]]] = {}

    @property
    def rooms(self) -> set[str]:
        """Rooms of which a finished take is not stored yet."""
        return set(self._under_way)

    @property
    def waiting(self) -> int:
        """How many finished takes are not stored yet."""
        return sum(map(len, self._under_way.values()))

    def bring(self, news: Told) -> None:
        """A take has ended."""
        if not self._tasks.closed:  # else the folder is the truth: the next start takes it up
            self._spawn(news.folder.info.room, news.folder.info.take, self._bring_home(news))

    async def settled(self, room: str) -> None:
        """Wait until every finished take of the room is stored or has failed."""
        while tasks := self._under_way.get(room):
            await asyncio.wait(set(tasks))

    async def close(self, within_s: float) -> None:
        """Give storage a little time, and end; what is missing is taken up at the next start."""
        pending = {task for tasks in self._under_way.values() for task in tasks}
        if pending:
            await asyncio.wait(pending, timeout=within_s)
        await self._tasks.close()

    async def recover(self) -> None:
        """Take up what a crash left in the spool, and tell the rows of takes that left nothing.

        Waits for the disk and the database, never for the storage.
        """
        folders = await asyncio.to_thread(lambda: list(TakeFolder.found(self.store.spool)))
        for folder in folders:
            try:
                await self.row(folder)  # in their order; one that fails is made on the way home
            except Exception:
                log.exception("take not told", take=folder.info.take)
            self.bring(Told("ended", folder))
        there = {folder.info.take for folder in folders}
        ours = or_(TakeRow.node.is_(None), TakeRow.node == self._node)
        query = select(TakeRow).where(TakeRow.state.not_in(SETTLED), ours)
        async with self._database.reading(HOUSE) as session:
            rows = list(await session.scalars(query))
        for row in rows:
            if row.id not in there:
                self._spawn(row.room, row.id, self._without_folder(row.id, row.track))

    async def row(self, folder: TakeFolder) -> None:
        """The take's row, made if there is none."""
        info = folder.info
        async with self._database.unit_of_work(organisation(info.organisation)) as session:
            await self._database.queue(session, f"takes of {info.room}")
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
                    node=self._node,
                    state=TakeState.CAPTURING,
                    started_ms=info.started_ms,
                )
            )

    def _spawn(self, room: str, take: str, work: Coroutine[Any, Any, None]) -> None:
        task = self._tasks.spawn(work, name=f"store:{take}")
        tasks = self._under_way.setdefault(room, set())
        tasks.add(task)

        def home(done: asyncio.Task[None]) -> None:
            tasks.discard(done)
            if not tasks and self._under_way.get(room) is tasks:
                del self._under_way[room]

        task.add_done_callback(home)

    async def _bring_home(self, news: Told) -> None:
        """Bring a finished take to storage."""
        take = news.folder.info.take
        refs: Sequence[SegmentRef] | None = None

        async def bring() -> None:
            nonlocal refs
            if refs is None:
                refs = await self._sealed(news)
            if refs:
                duration_ms = round(sum(ref.duration_s for ref in refs) * 1000)
                await self._note(news, TakeState.STORED, duration_ms=duration_ms)
                log.info("take stored", take=take, segments=len(refs), duration_ms=duration_ms)
            else:
                await self._note(news, TakeState.FAILED, trouble="no_media")

        await self._persist(take, bring)

    async def _persist(self, take: str, work: Callable[[], Awaitable[None]]) -> None:
        """Do what needs storage and database, however often that has to be tried."""
        pause_s = RETRY_FROM_S
        while True:
            try:
                return await work()
            except Exception as error:  # one of them is away: the spool keeps the take
                log.warning("take not stored yet", take=take, error=type(error).__name__)
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, RETRY_TO_S)

    async def _sealed(self, news: Told) -> Sequence[SegmentRef]:
        """The take's segments, all in storage and no longer in the spool."""
        info = news.folder.info
        await asyncio.to_thread(news.folder.mend)
        await self.row(news.folder)
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

        async def find() -> None:
            refs = await self.store.list(take, track)
            async with self._database.unit_of_work(Whose("take", take)) as session:
                row = await session.get_one(TakeRow, take)
                if refs:
                    row.state = TakeState.STORED
                    row.duration_ms = round(sum(ref.duration_s for ref in refs) * 1000)
                else:
                    row.state, row.trouble = TakeState.FAILED, "no_media"

        await self._persist(take, find)

    async def _note(
        self,
        news: Told,
        state: TakeState,
        *,
        duration_ms: int | None = None,
        trouble: str | None = None,
    ) -> None:
        async with self._database.unit_of_work(
            organisation(news.folder.info.organisation)
        ) as session:
            row = await session.get_one(TakeRow, news.folder.info.take, with_for_update=True)
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
