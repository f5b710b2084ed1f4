"""What of recordings is not kept: takes that nobody may see, and recordings with a no.

A recording is a list over its takes, so takes live as long as a recording that consists of them may be
seen. A recording that is erased leaves its row, which says so; the row comes first and the objects
after it, so that a sweep that breaks off anywhere is gone on with by the next.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime, timedelta

from sqlalchemy import exists, or_, select

from infra.clock import Clock, to_ms
from infra.database import Database
from infra.logs import get_logger
from infra.storage import Storage
from infra.whose import HOUSE
from recordings.catalogue import latest_answers
from recordings.look import AFTER_LOOK, LOOK, everybody_said_yes
from recordings.manifest import folder_key
from recordings.store import SpooledStore
from recordings.tables import PublicationRow, RecordingRow, TakeRow
from recordings.takes import SETTLED

RAW = timedelta(days=30)
"""How long a take is kept that no recording consists of, and a recording that was withdrawn."""

EVERY_S = 3600.0

log = get_logger("recordings.retention")


class Retention:
    """Erases; `sweep` may be called at any time and as often as one likes."""

    def __init__(
        self, *, database: Database, storage: Storage, store: SpooledStore, clock: Clock
    ) -> None:
        self._database = database
        self._storage = storage
        self._store = store
        self._clock = clock

    async def sweep_regularly(self) -> None:
        """Sweep now and every hour, until cancelled; a sweep that fails is tried again then."""
        while True:
            try:
                gone = await self.sweep()
            except Exception:
                log.exception("old recordings not erased")
            else:
                told = " ".join(f"{what}={count}" for what, count in sorted(gone.items()))
                log.info("old recordings erased", total=sum(gone.values()), kind=told)
            await asyncio.sleep(EVERY_S)

    async def sweep(self) -> Counter[str]:
        """Erase what has been kept long enough; how many recordings and takes."""
        now, gone = self._clock.now(), Counter[str]()
        for recording in await self._over(now):
            if await self._mark(recording, now):
                gone["recording"] += 1
        for take in await self._old_takes(now):
            try:
                await self._store.erase(take)
                async with self._database.unit_of_work(HOUSE) as session:
                    row = await session.get(TakeRow, take)
                    if row is not None:
                        await session.delete(row)
            except Exception as error:  # one that cannot be erased now keeps no other
                log.warning("take not erased", take=take, error=type(error).__name__)
            else:
                gone["take"] += 1
        await self._empty()
        return +gone

    async def _empty(self) -> None:
        """Delete what erased recordings had of their own; without codecs none is left."""
        query = select(RecordingRow.id).where(
            RecordingRow.status == "erased", RecordingRow.codecs != ""
        )
        async with self._database.reading(HOUSE) as session:
            erased = list(await session.scalars(query))
        for recording in erased:
            try:
                await self._storage.delete(folder_key(recording))
                async with self._database.unit_of_work(HOUSE) as session:
                    (await session.get_one(RecordingRow, recording)).codecs = ""
            except Exception as error:  # one that cannot be erased now keeps no other
                log.warning(
                    "recording not emptied", recording=recording, error=type(error).__name__
                )

    async def _over(self, now: datetime) -> list[str]:
        """Ready recordings that nobody may see now, and perhaps never again."""
        standing = exists().where(
            PublicationRow.recording == RecordingRow.id, PublicationRow.withdrawn_ms.is_(None)
        )
        query = select(RecordingRow.id).where(
            RecordingRow.status == "ready",
            RecordingRow.ready_ms < to_ms(now - LOOK),
            ~standing,
        )
        async with self._database.reading(HOUSE) as session:
            return list(await session.scalars(query))

    async def _mark(self, recording: str, now: datetime) -> bool:
        """Whether it was erased: after the look a no or silence, after a hiding thirty days."""
        async with self._database.unit_of_work(HOUSE) as session:
            query = select(RecordingRow).where(RecordingRow.id == recording).with_for_update()
            row = await session.scalar(query)
            if row is None or row.status != "ready":
                return False
            lives = list(
                await session.scalars(
                    select(PublicationRow).where(PublicationRow.recording == recording)
                )
            )
            ends = [life.withdrawn_ms for life in lives]
            if None in ends:
                return False  # published meanwhile
            said = await latest_answers(session, recording)
            silent = not lives and not await everybody_said_yes(session, row, said)
            refused = row.policy == AFTER_LOOK and ("no" in said.values() or silent)
            ends += [row.hidden_ms]  # also where it never was public
            hidden_ms = max((end for end in ends if end is not None), default=row.ready_ms or 0)
            if not refused and hidden_ms >= to_ms(now - RAW):
                return False
            row.status = "erased"
            return True

    async def _old_takes(self, now: datetime) -> list[str]:
        of_room = RecordingRow.room == TakeRow.room
        needed = exists().where(of_room, RecordingRow.status.in_(("making", "ready")))
        unneeded = exists().where(of_room, RecordingRow.status == "erased")
        old = TakeRow.started_ms < to_ms(now - RAW)
        # A failed take is in no recording, whatever became of the room's.
        useless = old & (~needed | (TakeRow.state == "failed"))
        query = select(TakeRow.id).where(TakeRow.state.in_(SETTLED), or_(unneeded, useless))
        async with self._database.reading(HOUSE) as session:
            return list(await session.scalars(query))
