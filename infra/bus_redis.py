"""Bus, presence and leases of `ports.py` over Redis. Nothing here is the truth, nothing is kept for long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import suppress

from infra.bus_local import QUEUE_LIMIT, LocalBus, LocalLeases, LocalPresence
from infra.clock import Clock
from infra.ports import Gap, Lease, Message
from infra.redis_fences import end, read, stand
from infra.redis_link import Away, RedisLink
from infra.scope import TaskScope

_PRUNE_EVERY = 256
_SETTLING_S = 3.0
LEASE_TTL_MS = 8_000
RENEW_S = 2.0


class RedisBus:
    """`infra.ports.Bus` between processes.

    What this process publishes reaches its own subscribers at once, Redis or not. A subscriber hears
    `Gap` when Redis begins to send its topic and after each reconnection.
    """

    def __init__(self, link: RedisLink, queue_limit: int = QUEUE_LIMIT) -> None:
        self._link = link
        self._local = LocalBus(queue_limit)
        self._topics: dict[str, Callable[[], None]] = {}
        self._since_prune = 0

    async def publish(self, topic: str, body: str) -> None:
        """Tell whoever listens, here and elsewhere; never waits for Redis."""
        await self._local.publish(topic, body)
        self._link.publish(_channel(topic), f"{self._link.instance} {body}")

    def subscribe(self, *topics: str) -> AsyncIterator[Message | Gap]:
        """What is published from now on. Dropping the iterator ends the subscription."""
        self._since_prune += 1
        if self._since_prune >= _PRUNE_EVERY:
            self._prune()
        subscription = self._local.subscribe(*topics)
        for topic in topics:
            if topic not in self._topics:
                self._topics[topic] = self._link.listen(
                    _channel(topic), self._hear(topic), self._tell_gap(topic)
                )
        return subscription

    def _hear(self, topic: str) -> Callable[[str], None]:
        def heard(text: str) -> None:
            sender, _, body = text.partition(" ")
            if sender != self._link.instance:
                self._tell(topic, Message(topic, body))

        return heard

    def _tell_gap(self, topic: str) -> Callable[[], None]:
        return lambda: self._tell(topic, Gap())

    def _tell(self, topic: str, news: Message | Gap) -> None:
        if not self._local.tell(topic, news):
            self._topics.pop(topic, lambda: None)()

    def _prune(self) -> None:
        self._since_prune = 0
        for topic in list(self._topics):
            if not self._local.listened(topic):
                self._topics.pop(topic)()


def _channel(topic: str) -> str:
    return f"bus:{topic}"


_NOW = """
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
"""

_BEAT = f"""{_NOW}
for i = 2, #ARGV, 2 do
  if tonumber(ARGV[i + 1]) > 0 then
    redis.call('ZADD', KEYS[1], now + ARGV[i + 1], ARGV[i])
  else
    redis.call('ZREM', KEYS[1], ARGV[i])
  end
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local last = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
if last[2] then redis.call('PEXPIRE', KEYS[1], math.ceil(last[2] - now)) end
"""

_PRESENT = f"""{_NOW}
local found = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. now, '+inf', 'WITHSCORES')
for i = 2, #found, 2 do found[i] = math.ceil(found[i] - now) end
return found
"""


class RedisPresence:
    """`infra.ports.Presence` between processes. `await start()`, `await close()`.

    While Redis is away, and shortly after, the answer is what this process knows: its own seats and,
    until their beats run out, those it saw elsewhere. Once Redis is back, or has forgotten, this
    process writes its own seats again by itself.
    """

    def __init__(
        self, link: RedisLink, clock: Clock, moment_ms: Callable[[], float] | None = None
    ) -> None:
        """`moment_ms`: a clock that all processes share, in place of Redis' own."""
        self._link = link
        self._own = LocalPresence(clock)
        self._seen = LocalPresence(clock)
        self._moment_ms = moment_ms
        self._left: set[tuple[str, str]] = set()
        self._again: set[str] = set()
        self._scope = TaskScope("presence")
        link.on_restored(self._restore)

    async def close(self) -> None:
        """End what is under way; idempotent."""
        await self._scope.close()

    async def beat(self, room: str, seat: str, node: str, ttl_s: float) -> None:
        """The seat is here, and gone after `ttl_s` seconds without another beat."""
        await self.beat_all(room, (seat,), node, ttl_s)

    async def beat_all(self, room: str, seats: Iterable[str], node: str, ttl_s: float) -> None:
        """These seats are here, as by `beat`, told to Redis in one step."""
        seats = tuple(seats)
        if not seats:
            return
        await self._own.beat_all(room, seats, node, ttl_s)
        members = [_member(seat, node) for seat in seats]
        self._left.difference_update((room, member) for member in members)
        with suppress(Away):
            await self._write(room, [(member, ttl_s * 1000) for member in members])

    async def leave(self, room: str, seat: str, node: str) -> None:
        """The seat is gone from this node; idempotent."""
        await self._own.leave(room, seat, node)
        await self._seen.leave(room, seat, node)
        try:
            await self._write(room, [(_member(seat, node), 0)])
        except Away:
            self._left.add((room, _member(seat, node)))

    async def present(self, room: str) -> frozenset[str]:
        """Seats that are here now, on any node, as far as this one knows."""
        here = await self._own.present(room)
        try:
            found = await self._link.run(_PRESENT, [_presence_key(room)], [self._moment()])
        except Away:
            return here | await self._seen.present(room)
        if not self._link.settling(_SETTLING_S):
            self._seen.forget(room)
        for member, left_ms in zip(found[::2], found[1::2], strict=True):
            seat, _, node = member.partition(" ")
            await self._seen.beat(room, seat, node, int(left_ms) / 1000)
        return here | await self._seen.present(room)

    def _moment(self) -> str | float:
        return "" if self._moment_ms is None else self._moment_ms()

    async def _write(self, room: str, members: Iterable[tuple[str, float]]) -> None:
        flat = [part for member, ttl_ms in members for part in (member, round(ttl_ms))]
        await self._link.run(_BEAT, [_presence_key(room)], [self._moment(), *flat])

    def _restore(self) -> None:
        if not self._scope.closed:
            self._scope.spawn(self._write_again(), name="restore")

    async def _write_again(self) -> None:
        left, self._left = self._left, set()
        rooms = {*self._own.rooms(), *(room for room, _ in left)}
        for room in rooms:
            gone = [(member, 0.0) for where, member in left if where == room]
            here = [(_member(*who), ms) for who, ms in self._own.beats(room).items()]
            try:
                await self._write(room, gone + here)
            except Away:
                self._left |= left
                return


def _member(seat: str, node: str) -> str:
    return f"{seat} {node}"


def _presence_key(room: str) -> str:
    return f"{{room:{room}}}:presence"


_HELD = "return redis.call('GET', KEYS[1])"


class RedisLeases:
    """`infra.ports.Leases` between processes: who has a room is read from Redis where it knows.

    The fence comes from the database, and whether a room may be had is decided there (`claim`). Redis
    spares a room that is held elsewhere the asking, and tells where it is. A holder stops by its own
    clock when it cannot tell the database that it lives (`rooms.house`), whatever stands here.
    """

    def __init__(self, link: RedisLink, claim: Callable[[str, str], Awaitable[int | None]]) -> None:
        """`claim(room, node)`: see `infra.bus_local.LocalLeases`; it alone decides."""
        self._link = link
        self._local = LocalLeases(claim)
        self._held: dict[str, Lease] = {}
        self._scope = TaskScope("leases")
        link.on_restored(self._restore)

    async def acquire(self, room: str, node: str) -> Lease | None:
        """Own the room; the same node again gets the lease it has."""
        other = await self.owner(room)
        if other is not None and other != node:
            return None
        lease = await self._local.acquire(room, node)
        if lease is not None:
            self._held[room] = lease
            await self._hold(lease)
        return lease

    async def release(self, lease: Lease) -> None:
        """Give it up; idempotent, and no harm to a later owner's."""
        if self._held.get(lease.room) == lease:
            del self._held[lease.room]
        await self._local.release(lease)
        with suppress(Away):
            await end(self._link, _lease_key(lease.room), lease.fence, lease.node)

    async def owner(self, room: str) -> str | None:
        """The owning node, as far as Redis or this process knows."""
        try:
            held = await self._link.run(_HELD, [_lease_key(room)], [])
        except Away:
            held = None
        found = None if held is None else read(self._link, _lease_key(room), held)
        if found is not None:
            return found[1]
        if held is not None:
            self._link.refuse(_lease_key(room))
        return await self._local.owner(room)

    async def start(self) -> None:
        """Begin to tell which rooms are held."""
        self._scope.spawn(self._renew(), name="renew")

    async def close(self) -> None:
        """End what is under way; idempotent. Leases are released by their holders."""
        await self._scope.close()

    async def _hold(self, lease: Lease) -> None:
        with suppress(Away):
            key = _lease_key(lease.room)
            highest = await stand(self._link, key, lease.fence, lease.node, ttl_ms=LEASE_TTL_MS)
            if highest > lease.fence:
                # A later owner stands there: the database says so too, and our holder will hear it.
                await self._local.release(lease)
                self._held.pop(lease.room, None)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEW_S)
            await self._hold_all()

    async def _hold_all(self) -> None:
        for lease in list(self._held.values()):
            await self._hold(lease)

    def _restore(self) -> None:
        if not self._scope.closed:
            self._scope.spawn(self._hold_all(), name="restore")


def _lease_key(room: str) -> str:
    return f"{{room:{room}}}:lease"
