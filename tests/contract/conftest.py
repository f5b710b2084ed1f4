"""The seams as two processes see them: one form within a process, one over a real Redis."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from redis.asyncio import Redis

from infra.bus_local import LocalBus, LocalCommands, LocalLeases, LocalPresence
from infra.bus_redis import RedisBus, RedisLeases, RedisPresence
from infra.clock import ManualClock, SystemClock
from infra.commands_redis import RedisCommands
from infra.limits import LocalLimits
from infra.limits_redis import RedisLimits
from infra.ports import Bus, Gap, Leases, Limits, Message, Presence
from infra.redis_link import RedisLink

KEYS = (b"house" * 8,)
"""The secret keys of the tests' house."""


@dataclass
class Rows:
    """What the database says of who has a room: `claim` gives the next fence, or None."""

    owners: dict[str, str] = field(default_factory=dict)
    last: int = 0

    async def claim(self, room: str, node: str) -> int | None:
        await asyncio.sleep(0)
        if room == "elsewhere" or self.owners.get(room, node) != node:
            return None
        self.owners[room] = node
        self.last += 1
        return self.last

    def release(self, room: str) -> None:
        self.owners.pop(room, None)


@dataclass(frozen=True)
class Side:
    """One process."""

    bus: Bus
    commands: LocalCommands | RedisCommands
    presence: Presence
    limits: Limits
    leases: Leases
    link: RedisLink | None = None


@dataclass(frozen=True)
class Seams:
    """Two processes; within one process they are the same."""

    near: Side
    far: Side
    rows: Rows

    async def listen(self, *topics: str) -> AsyncIterator[Message | Gap]:
        """Subscribe at the far side, and wait until what is published at the near one comes there."""
        heard = self.far.bus.subscribe(*topics)
        if self.far.link is not None:
            assert await anext(heard) == Gap()
        return heard


async def until(holds: Callable[[], Awaitable[bool]] | Callable[[], bool], within_s: float) -> None:
    """Wait until it holds; fails when it does not within the time."""
    end = time.monotonic() + within_s
    while True:
        found = holds()
        if found if isinstance(found, bool) else await found:
            return
        assert time.monotonic() < end, "it did not come to hold in time"
        await asyncio.sleep(0.01)


async def redis_side(url: str, clock: ManualClock, rows: Rows) -> Side:
    """A process's seams over Redis, started; presence and limits go by the test's clock."""
    link = RedisLink(url, SystemClock(), KEYS)
    shared = clock.monotonic_ms
    side = Side(
        RedisBus(link, queue_limit=4),
        RedisCommands(link),
        RedisPresence(link, clock, shared),
        RedisLimits(link, LocalLimits(clock), shared),
        RedisLeases(link, rows.claim),
        link,
    )
    await link.start()
    assert link.up
    return side


async def close(side: Side) -> None:
    """Close a process's seams, twice."""
    for _ in range(2):
        await side.commands.close()
        if side.link is not None:
            assert isinstance(side.presence, RedisPresence)
            assert isinstance(side.leases, RedisLeases)
            await side.leases.close()
            await side.presence.close()
            await side.link.close()


async def stored(redis: Redis) -> dict[str, tuple[str, int]]:
    """All that Redis keeps: each key with its content as text and its ms to live (-1: for ever)."""
    found = {}
    for key in map(str, await redis.keys("*")):
        kind = await redis.type(key)
        content: object
        if kind == "string":
            content = await redis.get(key)
        elif kind == "list":
            content = await redis.lrange(key, 0, -1)
        else:
            content = await redis.zrange(key, 0, -1)
        found[key] = (str(content), int(await redis.pttl(key)))
    return found


@pytest.fixture(params=["local", "redis"])
async def seams(request: pytest.FixtureRequest, clock: ManualClock) -> AsyncIterator[Seams]:
    """Both forms."""
    rows = Rows()
    if request.param == "local":
        one = Side(
            LocalBus(queue_limit=4),
            LocalCommands(),
            LocalPresence(clock),
            LocalLimits(clock),
            LocalLeases(rows.claim),
        )
        near, far = one, one
    else:
        url = request.getfixturevalue("redis_server")
        async with Redis.from_url(url) as redis:
            await redis.flushall()
        near, far = [await redis_side(url, clock, rows) for _ in range(2)]
    yield Seams(near, far, rows)
    await close(near)
    await close(far)
