"""The seams of `ports.py` within one process."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from weakref import WeakSet

from infra.clock import Clock
from infra.errors import Conflict, LampioError, Unavailable
from infra.logs import get_logger
from infra.ports import Gap, Lease, Message
from infra.scope import TaskScope

_log = get_logger("infra.bus_local")

QUEUE_LIMIT = 1024
"""Messages a subscriber may lie behind before it gets a `Gap` instead."""


class Fenced(Conflict):
    """Another owner has taken the room: what this one writes no longer counts."""

    code = "fenced"


class _Subscription(AsyncIterator[Message | Gap]):
    """A bounded queue of one subscriber; it ends by `aclose` or when nobody holds it any more."""

    def __init__(self, limit: int) -> None:
        self._waiting: deque[Message | Gap] = deque()
        self._limit = limit
        self._news = asyncio.Event()
        self._closed = False

    def put(self, message: Message | Gap) -> None:
        """Never blocks: one that lies behind loses what it had and is told so."""
        if self._closed or (
            isinstance(message, Gap) and self._waiting and self._waiting[-1] == message
        ):
            return
        if len(self._waiting) >= self._limit:
            self._waiting.clear()
            self._waiting.append(Gap())
        self._waiting.append(message)
        self._news.set()

    async def __anext__(self) -> Message | Gap:
        while not self._waiting:
            if self._closed:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        return self._waiting.popleft()

    async def aclose(self) -> None:
        """End the iteration."""
        self._closed = True
        self._waiting.clear()
        self._news.set()


class LocalBus:
    """`infra.ports.Bus` for one process."""

    def __init__(self, queue_limit: int = QUEUE_LIMIT) -> None:
        self._topics: dict[str, WeakSet[_Subscription]] = {}
        self._limit = queue_limit

    async def publish(self, topic: str, body: str) -> None:
        """Put the message into each subscriber's queue."""
        self.tell(topic, Message(topic, body))

    def tell(self, topic: str, news: Message | Gap) -> bool:
        """Put a message or a gap into each subscriber's queue; False where nobody listens any more."""
        subscribers = self._topics.get(topic)
        if subscribers is None:
            return False
        if not subscribers:
            del self._topics[topic]
            return False
        for subscriber in list(subscribers):
            subscriber.put(news)
        return True

    def listened(self, topic: str) -> bool:
        """Whether anybody listens on the topic."""
        return bool(self._topics.get(topic))

    def subscribe(self, *topics: str) -> AsyncIterator[Message | Gap]:
        """What is published from now on. Dropping the iterator ends the subscription."""
        subscription = _Subscription(self._limit)
        for topic in topics:
            self._topics.setdefault(topic, WeakSet()).add(subscription)
        return subscription


class LocalCommands:
    """`infra.ports.Commands` for one process.

    The handler runs to its end though the caller stops waiting. What it refuses (`LampioError`) reaches
    the caller; any other failure is logged and becomes `outcome_unknown`.
    """

    def __init__(self) -> None:
        self._serving: dict[str, tuple[int, Callable[[str, str | None], Awaitable[str]]]] = {}
        self._scope = TaskScope("commands")

    async def call(self, room: str, command: str, *, key: str | None, timeout_s: float) -> str:
        """Have the owner carry the command out; see the port for the errors."""
        serving = self._serving.get(room)
        if serving is None or self._scope.closed:
            raise Unavailable("no_owner", "nobody serves this room")
        outcome: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._scope.spawn(self._run(serving[1], command, key, outcome), name=room)
        try:
            async with asyncio.timeout(timeout_s):
                return await asyncio.shield(outcome)
        except TimeoutError:
            raise Unavailable("outcome_unknown", "the owner did not answer in time") from None

    def serve(
        self, room: str, fence: int, handler: Callable[[str, str | None], Awaitable[str]]
    ) -> Callable[[], None]:
        """Answer commands for the room; a higher fence takes over, a lower one is refused (`Fenced`)."""
        present = self._serving.get(room)
        if present is not None and present[0] > fence:
            raise Fenced(message="a later owner serves this room")
        mine = (fence, handler)
        self._serving[room] = mine

        def end() -> None:
            if self._serving.get(room) is mine:
                del self._serving[room]

        return end

    async def close(self) -> None:
        """End what is under way; idempotent."""
        self._serving.clear()
        await self._scope.close()

    @property
    def waiting(self) -> int:
        """How many commands are being carried out."""
        return len(self._scope)

    def fence(self, room: str) -> int | None:
        """The fence with which the room is served here, if it is."""
        serving = self._serving.get(room)
        return None if serving is None else serving[0]

    async def _run(
        self,
        handler: Callable[[str, str | None], Awaitable[str]],
        command: str,
        key: str | None,
        outcome: asyncio.Future[str],
    ) -> None:
        failure: LampioError = Unavailable("outcome_unknown", "the owner ended")
        try:
            reply = await handler(command, key)
            if not outcome.done():
                outcome.set_result(reply)
        except LampioError as refused:
            failure = refused
        except Exception:
            _log.exception("command failed")
        finally:
            if not outcome.done():
                outcome.set_exception(failure)
                outcome.exception()  # a caller that left has nobody to retrieve it


class LocalLeases:
    """`infra.ports.Leases` for one process; the fence comes from the database."""

    def __init__(self, claim: Callable[[str, str], Awaitable[int | None]]) -> None:
        """`claim(room, node)` raises the room's fence in the database and returns it, or None where
        another living node (a command line, say) has the room."""
        self._claim = claim
        self._held: dict[str, Lease] = {}
        self._one_at_a_time = asyncio.Lock()

    async def acquire(self, room: str, node: str) -> Lease | None:
        """Own the room; the same node again gets the lease it has."""
        async with self._one_at_a_time:
            held = self._held.get(room)
            if held is not None:
                return held if held.node == node else None
            fence = await self._claim(room, node)
            if fence is None:
                return None
            lease = Lease(room, node, fence)
            self._held[room] = lease
            return lease

    async def release(self, lease: Lease) -> None:
        """Give it up; idempotent, and no harm to a later owner's."""
        if self._held.get(lease.room) == lease:
            del self._held[lease.room]

    async def owner(self, room: str) -> str | None:
        """The owning node."""
        held = self._held.get(room)
        return None if held is None else held.node


class LocalPresence:
    """`infra.ports.Presence` for one process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rooms: dict[str, dict[tuple[str, str], float]] = {}

    async def beat(self, room: str, seat: str, node: str, ttl_s: float) -> None:
        """The seat is here, and gone after `ttl_s` seconds without another beat."""
        await self.beat_all(room, (seat,), node, ttl_s)

    async def beat_all(self, room: str, seats: Iterable[str], node: str, ttl_s: float) -> None:
        """These seats are here, as by `beat`."""
        until = self._clock.monotonic_ms() + ttl_s * 1000
        for seat in seats:
            self._rooms.setdefault(room, {})[(seat, node)] = until

    async def leave(self, room: str, seat: str, node: str) -> None:
        """The seat is gone from this node; idempotent."""
        self._rooms.get(room, {}).pop((seat, node), None)

    async def present(self, room: str) -> frozenset[str]:
        """Seats that are here now, on any node."""
        return frozenset(seat for seat, _ in self.beats(room))

    def beats(self, room: str) -> dict[tuple[str, str], float]:
        """(seat, node) that are here now, each with the ms that it stays without another beat."""
        beats = self._rooms.get(room)
        if beats is None:
            return {}
        now = self._clock.monotonic_ms()
        for gone in [who for who, until in beats.items() if until <= now]:
            del beats[gone]
        if not beats:
            del self._rooms[room]
        return {who: until - now for who, until in beats.items()}

    def forget(self, room: str) -> None:
        """Nobody is in the room as far as is known here."""
        self._rooms.pop(room, None)

    def rooms(self) -> list[str]:
        """Rooms in which somebody may be."""
        return list(self._rooms)
