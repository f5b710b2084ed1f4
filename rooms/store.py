"""The log of rooms over the database, and who owns a room: fence, node, beat.

An event is acknowledged when its row is committed; the fence stands in the statement that gives the
number, so a process that lost its room writes nothing more, however late it learns of it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, exists, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from infra.bus_local import Fenced
from infra.clock import Clock, to_ms
from infra.database import Database
from infra.errors import Conflict, Unknown
from infra.moment import Moment
from infra.ports import Bus, Gap, Logged, Message
from infra.whose import HOUSE, NONE
from rooms.effects import NOBODY, Because, apply, record
from rooms.messages import EVENT
from rooms.phases import Phase
from rooms.scope import of_room
from rooms.tables import NodeRow, RoomEventRow, RoomRow

NODE_TTL_MS = 8_000
"""A node that has not beaten for this long owns nothing any more, by the database's own clock."""

KNOWN_MS = 24 * 3600 * 1000
"""How long the address of a node that lives no more is still told to pages."""

HEAL_S = 1.0
"""A lost hint is made good by looking after this time."""


def topic(room: str) -> str:
    """Where hints of new events go."""
    return f"room/{room}/log"


class Log:
    """`infra.ports.RoomLog` over the database."""

    def __init__(
        self, database: Database, bus: Bus, clock: Clock, *, heal_s: float = HEAL_S
    ) -> None:
        self._database = database
        self._bus = bus
        self._clock = clock
        self._heal_s = heal_s

    async def append(
        self,
        room: str,
        fence: int,
        events: Sequence[str],
        *,
        key: str | None = None,
        because: Because = NOBODY,
    ) -> range:
        """Append after the fence was checked in the same statement; returns the numbers given.

        The same `key` a second time appends nothing and returns the first range. What the events
        change in other rows is written with them. Raises `Fenced`, or `Unknown` without such a room.
        """
        try:
            async with self._database.unit_of_work(of_room(room)) as session:
                if key is not None and (given := await _given(session, room, key)) is not None:
                    return given
                numbers = await append_in(
                    session, room, fence, events, to_ms(self._clock.now()), key, because
                )
        except IntegrityError:
            # Where writers do not queue, the same key may have won meanwhile.
            given = await self.given(room, key) if key is not None else None
            if given is None:
                raise
            return given
        if numbers:
            await self._bus.publish(topic(room), str(numbers[-1]))
        return numbers

    async def given(self, room: str, key: str) -> range | None:
        """The numbers that a command with this key got, if it was carried out before."""
        async with self._database.reading(of_room(room)) as session:
            return await _given(session, room, key)

    async def read(self, room: str, after: int, limit: int = 500) -> Sequence[Logged]:
        """Events with a number above `after`, in order."""
        query = (
            select(RoomEventRow.seq, RoomEventRow.body, RoomEventRow.at_ms)
            .where(RoomEventRow.room == room, RoomEventRow.seq > after)
            .order_by(RoomEventRow.seq)
            .limit(limit)
        )
        async with self._database.reading(of_room(room)) as session:
            return [Logged(*row) for row in (await session.execute(query)).all()]

    async def follow(self, room: str, after: int) -> AsyncIterator[Logged]:
        """Events above `after`, then new ones as they come, without a gap.

        The hint only wakes; what is told is read from the database, so a lost hint costs time alone.
        """
        hints = self._bus.subscribe(topic(room))
        hint: asyncio.Future[Message | Gap] | None = None
        try:
            while True:
                rows = await self.read(room, after)
                for row in rows:
                    after = row.seq
                    yield row
                if rows:
                    continue
                hint = hint or asyncio.ensure_future(anext(hints))
                done, _ = await asyncio.wait({hint}, timeout=self._heal_s)
                if done:
                    hint.result()
                    hint = None
        finally:
            if hint is not None:
                hint.cancel()
                with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
                    await hint


@dataclass(frozen=True, slots=True)
class Owner:
    """A node that owns a room; clients reach exactly it at `url` (empty: only by the public address)."""

    node: str
    url: str


class Owners:
    """Which node owns which room, in the database; the fence grows with every claim."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, room: str, node: str) -> int:
        """Take the room with the next fence, if nobody who lives owns it.

        The same node's name takes over at once (a restart after a crash). Raises `Conflict` (`held`)
        or `Unknown`.
        """
        async with self._database.unit_of_work(of_room(room)) as session:
            return await claim_in(session, room, node)

    async def release(self, room: str, node: str, fence: int) -> None:
        """Give the room up; no harm to a later owner's."""
        async with self._database.unit_of_work(of_room(room)) as session:
            await release_in(session, room, node, fence)

    async def beat(self, node: str, url: str = "") -> None:
        """The node lives; clients reach exactly it at `url`."""
        async with self._database.unit_of_work(NONE) as session:
            beaten = await session.scalar(
                update(NodeRow)
                .where(NodeRow.id == node)
                .values(seen_at_ms=Moment(), url=url)
                .returning(NodeRow.id)
            )
            if beaten is None:
                row = insert(NodeRow).values(id=node, seen_at_ms=Moment(), url=url)
                await session.execute(row)

    async def alone(self, node: str) -> bool:
        """Whether no other node lives."""
        query = select(~exists().where(_lives(), NodeRow.id != node))
        async with self._database.reading(NONE) as session:
            return bool(await session.scalar(query))

    async def owner(self, room: str) -> Owner | None:
        """The node that owns the room and lives."""
        query = (
            select(NodeRow.id, NodeRow.url)
            .join(RoomRow, RoomRow.owner == NodeRow.id)
            .where(RoomRow.id == room, _lives())
        )
        async with self._database.reading(of_room(room)) as session:
            row = (await session.execute(query)).first()
        return None if row is None else Owner(row.id, row.url or "")

    async def urls(self) -> frozenset[str]:
        """Where clients reach each of the nodes that lived within a day: one that starts again is as it
        was for pages that were loaded meanwhile."""
        known = NodeRow.seen_at_ms >= Moment() - KNOWN_MS
        async with self._database.reading(NONE) as session:
            urls = await session.scalars(select(NodeRow.url).where(known).distinct())
            return frozenset(url for url in urls if url)

    async def leave(self, node: str) -> None:
        """The node ends: all its rooms are free. Its address stays known."""
        async with self._database.unit_of_work(HOUSE) as session:
            await session.execute(update(RoomRow).where(RoomRow.owner == node).values(owner=None))
            mine, dead = NodeRow.id == node, Moment() - NODE_TTL_MS - 1
            await session.execute(update(NodeRow).where(mine).values(seen_at_ms=dead))
            await session.execute(delete(NodeRow).where(mine, func.coalesce(NodeRow.url, "") == ""))

    async def fences(self, node: str) -> dict[str, int]:
        """The rooms that the node owns, with their fences."""
        query = select(RoomRow.id, RoomRow.fence).where(RoomRow.owner == node)
        async with self._database.reading(HOUSE) as session:
            rows = (await session.execute(query)).all()
        return {row.id: row.fence for row in rows}

    async def free(self, phases: Collection[Phase], node: str) -> list[str]:
        """Rooms in these phases that no other node owns which lives."""
        query = (
            select(RoomRow.id).where(RoomRow.phase.in_(phases), _free(node)).order_by(RoomRow.id)
        )
        async with self._database.reading(HOUSE) as session:
            return list((await session.scalars(query)).all())

    async def anybody(self) -> bool:
        """Whether any node lives."""
        query = select(exists().where(_lives()))
        async with self._database.reading(NONE) as session:
            return bool(await session.scalar(query))


async def append_in(
    session: AsyncSession,
    room: str,
    fence: int,
    events: Sequence[str],
    now_ms: int,
    key: str | None = None,
    because: Because = NOBODY,
) -> range:
    """The fenced append inside a transaction of the caller's."""
    taken = (
        await session.execute(
            update(RoomRow)
            .where(RoomRow.id == room, RoomRow.fence == fence)
            .values(seq=RoomRow.seq + len(events))
            .returning(RoomRow.seq, RoomRow.organisation)
        )
    ).first()
    if taken is None:
        if await session.get(RoomRow, room) is None:
            raise Unknown("no_room", "no such room", sentence="err_not_found")
        raise Fenced(message="another owner has taken the room")
    last, organisation = taken
    numbers = range(last - len(events) + 1, last + 1)
    for seq, body in zip(numbers, events, strict=True):
        first = seq == numbers.start
        await session.execute(
            insert(RoomEventRow).values(
                room=room,
                seq=seq,
                organisation=organisation,
                fence=fence,
                body=body,
                at_ms=now_ms,
                key=key if first else None,
                span=len(events) if first else 1,
            )
        )
        event = EVENT.validate_json(body)
        await apply(session, room, organisation, event, because, now_ms)
    if events:
        await record(session, room, organisation, because, now_ms)
    return numbers


async def claim_in(session: AsyncSession, room: str, node: str) -> int:
    """As `Owners.claim`, inside a transaction of the caller's."""
    fence: int | None = await session.scalar(
        update(RoomRow)
        .where(RoomRow.id == room, _free(node))
        .values(fence=RoomRow.fence + 1, owner=node)
        .returning(RoomRow.fence)
    )
    if fence is not None:
        return fence
    if await session.scalar(select(RoomRow.id).where(RoomRow.id == room)) is None:
        raise Unknown("no_room", "no such room", sentence="err_not_found")
    raise Conflict("held", "another node owns the room", sentence="err_not_now")


def _lives() -> ColumnElement[bool]:
    """A node that was seen a moment ago. One seen later than now was seen before the database's clock
    was set back: it counts as living no longer than if that were now."""
    return NodeRow.seen_at_ms.between(Moment() - NODE_TTL_MS, Moment() + NODE_TTL_MS)


def _free(node: str) -> ColumnElement[bool]:
    living = select(NodeRow.id).where(_lives())
    return or_(RoomRow.owner.is_(None), RoomRow.owner == node, RoomRow.owner.not_in(living))


async def release_in(session: AsyncSession, room: str, node: str, fence: int) -> None:
    """As `Owners.release`, inside a transaction of the caller's."""
    await session.execute(
        update(RoomRow)
        .where(RoomRow.id == room, RoomRow.owner == node, RoomRow.fence == fence)
        .values(owner=None)
    )


async def _given(session: AsyncSession, room: str, key: str) -> range | None:
    row = (
        await session.execute(
            select(RoomEventRow.seq, RoomEventRow.span).where(
                RoomEventRow.room == room, RoomEventRow.key == key
            )
        )
    ).first()
    return None if row is None else range(row.seq, row.seq + row.span)
