"""After the end: a show's takes become a recording, in steps that a crash may fall between.

    takes    every take of the room is stored or has failed
    join     one manifest over the takes' segments
    poster   a keyframe that shows something
    duration length and codecs
    publish  ready; public if the policy says so

A step is done when its row is committed; what it stores has fixed names, so doing it again is no harm.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import av
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from infra.clock import Clock, to_ms
from infra.database import Database
from infra.errors import Unavailable
from infra.logs import get_logger
from infra.scope import TaskScope
from infra.storage import Storage
from infra.whose import HOUSE
from infra.whose import organisation as whose
from recordings.boxes import SOUND_CODEC
from recordings.capture import Captures
from recordings.catalogue import Recording, Recordings, publish_row
from recordings.manifest import Manifest, join, manifest_key, poster_key
from recordings.poster import first_picture, jpeg, worth
from recordings.tables import ArchiveStepRow, RecordingRow, TakeRow
from recordings.takes import SETTLED, TakeState

POSTER_TRIES = 8
"""Keyframes looked at for a poster, spread over the recording."""

log = get_logger("recordings.archive")


class NothingKept(Exception):
    """No take of the room left anything."""


async def _any(room: str) -> bool:
    return True


class Archive:
    """Makes recordings. `told` hears the name of each step when its row is committed."""

    def __init__(
        self,
        *,
        captures: Captures,
        database: Database,
        storage: Storage,
        clock: Clock,
        told: Callable[[str], None] = lambda step: None,
    ) -> None:
        self._captures = captures
        self._database = database
        self._storage = storage
        self._clock = clock
        self._told = told
        self._recordings = Recordings(database, storage, clock)
        self._locks: dict[str, asyncio.Lock] = {}
        self._tasks = TaskScope("archive")
        self._steps: dict[str, Callable[[RecordingRow], Awaitable[str]]] = {
            "takes": self._takes,
            "join": self._join,
            "poster": self._poster,
            "duration": self._duration,
        }

    async def run(self, room: str, organisation: str, policy: str) -> Recording | None:
        """Make the room's recording, or go on where it was left. None where nothing is kept.

        The policy is the one agreed before the doors; a recording that exists keeps its own.
        """
        async with self._locks.setdefault(room, asyncio.Lock()):
            if policy == "none":
                await self._erase(room, organisation)
                return None
            row = await self._begin(room, organisation, policy)
            if row.status == "making":
                await self._make(row)
            return await self._recordings.get(row.id)

    async def resume(self, mine: Callable[[str], Awaitable[bool]] = _any) -> None:
        """Go on with every recording that a crash left half made, of rooms that are `mine`: of several
        nodes one makes it. One that fails, or waits for its takes, is no harm to the others."""
        async with self._database.reading(HOUSE) as session:
            query = select(RecordingRow).where(RecordingRow.status == "making")
            rows = list(await session.scalars(query))
        going_on = [
            self._tasks.spawn(self._go_on(row, mine), name=f"resume:{row.id}")
            for row in rows
            if not self._tasks.closed
        ]
        if going_on:
            await asyncio.wait(going_on)

    async def close(self) -> None:
        """Leave what `resume` has under way; a step that is cut off is done again. Idempotent."""
        await self._tasks.close()

    async def _go_on(self, row: RecordingRow, mine: Callable[[str], Awaitable[bool]]) -> None:
        try:
            if not await mine(row.room):
                return
            await self.run(row.room, row.organisation, row.policy)
        except Exception:
            log.exception("recording not made", recording=row.id)

    async def _begin(self, room: str, organisation: str, policy: str) -> RecordingRow:
        async with self._database.unit_of_work(whose(organisation)) as session:
            row = await session.get(RecordingRow, room)
            if row is None:
                row = RecordingRow(
                    id=room,
                    organisation=organisation,
                    room=room,
                    policy=policy,
                    status="making",
                    created_ms=to_ms(self._clock.now()),
                )
                session.add(row)
            return row

    async def _make(self, row: RecordingRow) -> None:
        async with self._database.reading(whose(row.organisation)) as session:
            query = select(ArchiveStepRow.step).where(ArchiveStepRow.recording == row.id)
            done = set(await session.scalars(query))
        try:
            for step, work in self._steps.items():
                if step not in done:
                    result = await work(row)
                    async with self._database.unit_of_work(whose(row.organisation)) as session:
                        self._done(session, row, step, result)
                    self._told(step)
        except NothingKept:
            async with self._database.unit_of_work(whose(row.organisation)) as session:
                (await session.get_one(RecordingRow, row.id)).status = "failed"
            log.warning("nothing was recorded", room=row.room)
            return
        await self._publish(row)
        self._told("publish")

    def _done(self, session: AsyncSession, row: RecordingRow, step: str, result: str = "") -> None:
        log.info("archive step", recording=row.id, step=step)
        session.add(
            ArchiveStepRow(
                recording=row.id,
                organisation=row.organisation,
                step=step,
                done_ms=to_ms(self._clock.now()),
                result=result,
            )
        )

    async def _takes(self, row: RecordingRow) -> str:
        await self._captures.settle(row.room)
        async with self._database.reading(whose(row.organisation)) as session:
            query = select(TakeRow.id).where(
                TakeRow.room == row.room, TakeRow.state.not_in(SETTLED)
            )
            if (await session.scalars(query)).first() is not None:
                # Cut short by the server's end: the next start takes it up. Never half a recording.
                raise Unavailable("takes_unsettled", "a take is not stored yet")
        takes = await self._stored(row.room, row.organisation)
        if not takes:
            raise NothingKept
        return ",".join(take.id for take in takes)

    async def _join(self, row: RecordingRow) -> str:
        store = self._captures.store
        takes = await self._stored(row.room, row.organisation)
        lists = [await store.list(take.id, take.track) for take in takes]
        manifest = join(row.id, [refs for refs in lists if refs])
        if not manifest.entries:
            raise NothingKept
        await self._storage.put(manifest_key(row.id), manifest.dump())
        return str(len(manifest.entries))

    async def _poster(self, row: RecordingRow) -> str:
        manifest = await self._recordings.manifest(row.id)
        best: tuple[float, av.VideoFrame] | None = None
        for number in _spread(len(manifest.entries), POSTER_TRIES):
            entry = manifest.entries[number]
            init = await self._storage.get(manifest.keys[entry.init])
            segment = await self._storage.get(manifest.keys[entry.name])
            frame = await asyncio.to_thread(first_picture, init, segment)
            if frame is None:
                continue
            value = await asyncio.to_thread(worth, frame)
            if best is None or value > best[0]:
                best = (value, frame)
            if value >= 1:
                break
        if best is None:
            return "none"
        await self._storage.put(poster_key(row.id), await asyncio.to_thread(jpeg, best[1]))
        return "made"

    async def _duration(self, row: RecordingRow) -> str:
        manifest = await self._recordings.manifest(row.id)
        codecs = await self._codecs(manifest)
        duration_ms = round(manifest.duration_s * 1000)
        async with self._database.unit_of_work(whose(row.organisation)) as session:
            kept = await session.get_one(RecordingRow, row.id)
            kept.duration_ms, kept.codecs = duration_ms, codecs
        return str(duration_ms)

    async def _publish(self, row: RecordingRow) -> None:
        now_ms = to_ms(self._clock.now())
        async with self._database.unit_of_work(whose(row.organisation)) as session:
            kept = await session.get_one(RecordingRow, row.id, with_for_update=True)
            kept.status, kept.ready_ms = "ready", now_ms
            if kept.policy in ("at_once", "ticket_holders"):
                await publish_row(session, kept, now_ms)
            self._done(session, kept, "publish")

    async def _codecs(self, manifest: Manifest) -> str:
        """The widest profile and level of all init segments: a decoder for it plays them all."""
        widest = b""
        for name in dict.fromkeys(entry.init for entry in manifest.entries):
            init = await self._storage.get(manifest.keys[name])
            at = init.index(b"avcC") + 5
            found = init[at : at + 3]
            if not widest or (found[0], found[2]) > (widest[0], widest[2]):
                widest = found
        return f"avc1.{widest.hex()},{SOUND_CODEC}"

    async def _stored(self, room: str, organisation: str) -> Sequence[TakeRow]:
        async with self._database.reading(whose(organisation)) as session:
            query = select(TakeRow).where(TakeRow.room == room, TakeRow.state == TakeState.STORED)
            # Never by the wall clock, which may be set between two takes.
            query = query.order_by(TakeRow.fence, TakeRow.epoch, TakeRow.number)
            return list(await session.scalars(query))

    async def _erase(self, room: str, organisation: str) -> None:
        """Nothing was to be kept: nothing is."""
        await self._captures.settle(room)
        for take in await self._stored(room, organisation):
            await self._captures.store.erase(take.id)
            async with self._database.unit_of_work(whose(organisation)) as session:
                await session.delete(await session.get_one(TakeRow, take.id))


def _spread(count: int, tries: int) -> list[int]:
    """Places in a list of `count`, the first a little way in: shows begin with a dark stage."""
    places = [count * (2 * n + 1) // (2 * tries) for n in range(tries)]
    return list(dict.fromkeys([*places[1:], *places[:1]]))
