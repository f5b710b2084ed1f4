"""The line to Redis: short calls, one reader, and what happens while it is away. Redis only carries.

Whatever was there may be gone and whatever was sent may be lost: after each reconnection, and when Redis
has forgotten its keys, those who listen are told of a gap and those who keep something write it again.
"""

from __future__ import annotations

import asyncio
import math
import random
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection

from infra.clock import Clock
from infra.logs import get_logger
from infra.redis_calls import FAILURES, RedisCalls, cut, options
from infra.scope import TaskScope
from infra.seal import Hints, Seal

_log = get_logger("infra.redis")

OUTGOING = 4096
"""Hints that may wait to be sent; more are dropped, and the others told of a gap."""
_BATCH = 128
_LONGEST_WAIT_S = 2.0
_NODE_TTL_MS = 15_000
_REFUSED_MS = 10_000
"""At most one line in this time says that something was refused."""

_BEAT = """
local had = redis.call('EXISTS', KEYS[1])
redis.call('SET', KEYS[1], 1, 'PX', ARGV[1])
local time = redis.call('TIME')
return {had, time[1] * 1000 + math.floor(time[2] / 1000)}
"""


class Away(Exception):
    """Redis is not there: nothing was sent."""


class Lost(Away):
    """The answer did not come: whether it was carried out is not known."""


class _Doubted(Exception):
    """A call has failed: the line is made anew."""


class Channel:
    """Who listens on one channel of Redis; `raw`: to what was not sealed by `publish`."""

    __slots__ = ("gap", "heard", "raw")

    def __init__(self, heard: Callable[[str], None], gap: Callable[[], None], *, raw: bool) -> None:
        self.heard = heard
        self.gap = gap
        self.raw = raw


class RedisLink:
    """One process's line to Redis. `await start()`, `await close()`; nothing here raises before that.

    While it is away no call waits: `run` raises `Away` at once and `publish` drops. A task of its own
    tries again with backoff and jitter. There is one log line when it goes and one when it is back.
    """

    def __init__(
        self,
        url: str,
        clock: Clock,
        keys: Sequence[bytes],
        *,
        call_s: float = 1.0,
        beat_s: float = 1.0,
    ) -> None:
        """`keys`: the house's secret ones; `call_s`: how long an answer is waited for; `beat_s`: how
        often the line is tried."""
        self.instance = secrets.token_hex(8)
        """Names this process's line on the wire; new at each start."""
        self.reconnections = 0
        self.refused = 0
        """Messages and keys that were not the house's own."""
        self.seal = Seal(keys)
        self._hints = Hints(self.seal, self.instance, self.shared_ms, clock.monotonic_ms)
        self._refused_ms = -math.inf
        self._clock = clock
        self._call_s = call_s
        self._beat_s = beat_s
        self._calls = RedisCalls(url, call_s)
        # The reader waits for long: a client of its own, whose timeout is longer than a beat.
        self._reads = ConnectionPool.from_url(
            url, socket_timeout=beat_s + call_s, **options(call_s)
        )
        self.prefix = f"lampio:{self._calls.database}:"
        """Begins every key and channel. Channels know no database number, so it stands here."""
        self._channels: dict[str, Channel] = {}
        self._ending: dict[str, Channel] = {}
        self._changed = asyncio.Event()
        self._restored: list[Callable[[], None]] = []
        self._gone: list[Callable[[], None]] = []
        self._outgoing: deque[tuple[str, str]] = deque()
        self._to_send = asyncio.Event()
        self._dropped = False
        self._up = False
        self._told_away = False
        self._was_up = False
        self._away_since_ms = clock.monotonic_ms()
        self._back_ms = -math.inf
        self._line = 0
        self._attempt = 0
        self._doubt = asyncio.Event()
        self._first_try = asyncio.Event()
        self._offset_ms = 0.0
        self._scope = TaskScope("redis")
        self.listen("gap", self._others_gap, lambda: None)

    # --- life ---------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin; returns when Redis answered or did not. Its absence stops no start."""
        self._scope.spawn(self._live(), name="line")
        self._scope.spawn(self._send(), name="send")
        with suppress(TimeoutError):
            async with asyncio.timeout(4 * self._call_s):
                await self._first_try.wait()

    async def close(self) -> None:
        """End all tasks and connections; idempotent."""
        self._up = False
        await self._scope.close()
        await self._calls.close()
        await self._reads.disconnect()

    @property
    def up(self) -> bool:
        """Whether Redis answers, as far as this process knows."""
        return self._up

    def settling(self, within_s: float) -> bool:
        """Whether it is away, or was within the last `within_s` seconds: others may be missing yet."""
        return not self._up or self._clock.monotonic_ms() - self._back_ms < within_s * 1000

    def monotonic_ms(self) -> float:
        """This process's own clock."""
        return self._clock.monotonic_ms()

    def shared_ms(self) -> float:
        """The present moment by Redis' clock, in ms, as this process reckons it. For deadlines between
        processes alone; it may jump by what that machine's clock is set by."""
        return self._clock.monotonic_ms() + self._offset_ms

    def on_restored(self, listener: Callable[[], None]) -> None:
        """Have `listener` called whenever what this process wrote may be gone: write it again."""
        self._restored.append(listener)

    def on_away(self, listener: Callable[[], None]) -> None:
        """Have `listener` called when Redis goes away."""
        self._gone.append(listener)

    # --- use ----------------------------------------------------------------------------------

    async def run(self, script: str, keys: Sequence[str], args: Sequence[str | float]) -> Any:
        """Run a script atomically; it is never repeated. Keys get the prefix.

        Raises `Away` (not sent) or `Lost` (no answer).
        """
        if not self._up:
            raise Away
        line = self._line
        try:
            return await self._run(script, keys, args)
        except FAILURES as error:
            self._break(error, line)
            raise Lost from error

    def publish(self, channel: str, text: str) -> None:
        """Send a hint soon; never waits, never raises. While Redis is away it is dropped."""
        if not self._up or len(self._outgoing) >= OUTGOING:
            self._dropped = True
            return
        name = self.prefix + channel
        self._outgoing.append((name, self._hints.close(name, text)))
        self._to_send.set()

    def refuse(self, where: str) -> None:
        """Something there was not the house's own (its seal does not hold), or was said before."""
        self.refused += 1
        now = self._clock.monotonic_ms()
        if now - self._refused_ms >= _REFUSED_MS:
            self._refused_ms = now
            _log.warning("refused what is not our own in redis", topic=where)

    def listen(
        self,
        channel: str,
        heard: Callable[[str], None],
        gap: Callable[[], None],
        *,
        raw: bool = False,
    ) -> Callable[[], None]:
        """Have `heard` called with each text on the channel; one listener a channel. Returns the end.

        What the house did not publish is not heard; with `raw` all is, and the listener looks at its seal.

        `gap` is called each time that Redis begins to send (at first, and after each reconnection):
        what came before may be missing. What is on its way at the end is heard yet. `gap` may not raise.
        """
        mine = Channel(heard, gap, raw=raw)
        name = self.prefix + channel
        self._channels[name] = mine
        self._ending.pop(name, None)
        self._changed.set()

        def end() -> None:
            if self._channels.get(name) is mine:
                self._ending[name] = self._channels.pop(name)
                self._changed.set()

        return end

    # --- inside -------------------------------------------------------------------------------

    async def _run(self, script: str, keys: Sequence[str], args: Sequence[str | float]) -> Any:
        return await self._calls.run(script, [self.prefix + key for key in keys], args)

    async def _live(self) -> None:
        while True:
            connection: AbstractConnection = self._reads.make_connection()  # type: ignore[no-untyped-call]  # the library's
            self._doubt.clear()
            self._ending.clear()
            try:
                async with asyncio.timeout(2 * self._call_s):
                    await self._beat()
                    await cut(connection.connect())  # type: ignore[no-untyped-call]  # the library's
                async with asyncio.TaskGroup() as line:
                    line.create_task(self._read(connection), name="redis:read")
                    line.create_task(self._tend(connection), name="redis:tend")
                    line.create_task(self._doubted(), name="redis:doubted")
            except FAILURES as error:
                self._tell_away(error)
            except BaseExceptionGroup as errors:
                if errors.split((*FAILURES, _Doubted))[1] is not None:
                    _log.error("redis line failed", exc_info=errors)
                self._tell_away(errors.exceptions[0])
            finally:
                self._attempt += 1
                self._up = False
                with suppress(*FAILURES):
                    await connection.disconnect(nowait=True)
                    await self._calls.hang_up()
            self._first_try.set()
            if self._scope.closed:
                return  # a failure at the moment of closing hid the cancellation
            wait_s = min(_LONGEST_WAIT_S, 0.05 * 2 ** min(self._attempt, 10))
            await asyncio.sleep(wait_s * random.uniform(0.5, 1))

    async def _doubted(self) -> None:
        await self._doubt.wait()
        await self._calls.hang_up()  # who waits for an answer on the old line waits no longer
        raise _Doubted

    async def _beat(self) -> None:
        """Try the line, learn its clock and whether it has forgotten us."""
        asked = self._clock.monotonic_ms()
        had, now = await self._run(_BEAT, [f"node:{self.instance}"], [_NODE_TTL_MS])
        answered = self._clock.monotonic_ms()
        self._offset_ms = now - (asked + answered) / 2
        if self._up and not had:
            _log.warning("redis has forgotten its keys")
            self._back_ms = answered
            self._restore()
            for channel in list(self._channels.values()):
                channel.gap()

    async def _tend(self, connection: AbstractConnection) -> None:
        """Bring what Redis sends us in line with who listens, and try the line at each beat."""
        asked: set[str] = set()
        due = 0.0
        loop = asyncio.get_running_loop()
        while True:
            self._changed.clear()
            wanted = set(self._channels)
            if more := wanted - asked:
                await self._tell(connection, "SUBSCRIBE", *more)
            if fewer := asked - wanted:
                await self._tell(connection, "UNSUBSCRIBE", *fewer)
            asked = wanted
            if loop.time() >= due:
                due = loop.time() + self._beat_s
                await self._tell(connection, "PING")
                await self._beat()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(due):
                    await self._changed.wait()

    @staticmethod
    async def _tell(connection: AbstractConnection, *words: str) -> None:
        await cut(connection.send_command(*words, check_health=False))

    async def _read(self, connection: AbstractConnection) -> None:
        while True:
            kind, name, body = (*(await cut(connection.read_response())), None)[:3]
            channel = self._channels.get(name) or self._ending.get(name)
            if kind == "pong":
                if not self._up:  # it answers in order: all that was asked for comes from now on
                    self._come_back()
            elif channel is None:
                continue
            elif kind == "message":
                try:
                    self._hear(name, channel, body)
                except Exception:  # one who listens badly does not break the line of all
                    _log.exception("listener failed", topic=name)
            elif kind == "subscribe":
                channel.gap()
            elif kind == "unsubscribe":
                self._ending.pop(name, None)

    def _hear(self, name: str, channel: Channel, body: str) -> None:
        text = body if channel.raw else self._hints.open(name, body)
        if text is None:
            self.refuse(name)
        else:
            channel.heard(text)

    async def _send(self) -> None:
        while not self._scope.closed:
            await self._to_send.wait()
            self._to_send.clear()
            while self._up and (self._outgoing or self._dropped):
                count = min(_BATCH, len(self._outgoing))
                batch = [self._outgoing.popleft() for _ in range(count)]
                if self._dropped and not self._outgoing:
                    gap = self.prefix + "gap"
                    batch.append((gap, self._hints.close(gap, self.instance)))
                    self._dropped = False
                line = self._line
                try:
                    await self._calls.publish(batch)
                except FAILURES as error:
                    self._dropped = True
                    self._break(error, line)

    def _others_gap(self, instance: str) -> None:
        if instance != self.instance:
            for channel in list(self._channels.values()):
                channel.gap()

    def _break(self, error: BaseException, line: int) -> None:
        """A call on this line failed: until it is made anew nobody waits for it again."""
        if self._up and self._line == line:
            self._tell_away(error)
            self._doubt.set()

    def _tell_away(self, error: BaseException) -> None:
        if self._up or not self._told_away:
            self._away_since_ms = self._clock.monotonic_ms()
            self._told_away = True
            _log.warning("redis is away", error=type(error).__name__)
        was_up, self._up = self._up, False
        if self._outgoing:
            self._outgoing.clear()
            self._dropped = True
        for listener in self._gone if was_up else ():
            listener()

    def _come_back(self) -> None:
        now = self._clock.monotonic_ms()
        self._up = True
        self._line += 1
        self._attempt = 0
        if self._told_away:
            self._told_away = False
            _log.warning("redis is back", duration_ms=round(now - self._away_since_ms))
        if self._was_up:
            self.reconnections += 1
            self._back_ms = now
        self._was_up = True
        self._first_try.set()
        self._restore()
        self._to_send.set()

    def _restore(self) -> None:
        for listener in self._restored:
            listener()
