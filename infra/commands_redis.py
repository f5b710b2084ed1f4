"""Commands of `ports.py` over Redis: sent on to whoever serves the room, never stored.

A command and its reply are only published, under the house's seal. What is kept is which fence serves a
room, so that of two owners the later carries the command out. Rooms that this process serves need no Redis.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

from pydantic import BaseModel, ValidationError

from infra.bus_local import LocalCommands
from infra.errors import (
    BadInput,
    Conflict,
    Forbidden,
    LampioError,
    TooLarge,
    TooMany,
    Unacceptable,
    Unauthorised,
    Unavailable,
    Unknown,
)
from infra.logs import get_logger
from infra.redis_fences import end as end_fence
from infra.redis_fences import read, stand
from infra.redis_link import Away, Lost, RedisLink
from infra.scope import TaskScope
from infra.seal import Once

_log = get_logger("infra.commands")

LONGEST = 512 * 1024
"""Characters of a command or a reply that travels."""
WAITING = 2048
"""Commands of other processes that may be under way here at once."""
SERVING_TTL_MS = 30_000
_RENEW_S = 10.0
_NOBODY_S = (0.05, 0.1, 0.2)
"""A room is served a moment after it was taken: nobody at first is asked for again after these."""
_SETTLE_S = 0.05
_LONGEST_MS = 60_000
"""No command is carried out later than this after it was sent: so long one can be said again, and is known."""
_SKEW_MS = 500
"""By so much the clock that processes share may differ from one to the other."""

_CALL = """
local fence = string.match(redis.call('GET', KEYS[1]) or '', '^%d+:%x+:$') or '0'
return redis.call('PUBLISH', ARGV[1], fence .. ' ' .. ARGV[2])
"""

Handler = Callable[[str, str | None], Awaitable[str]]


class _Call(BaseModel):
    id: str
    to: str
    at_ms: float
    until_ms: float
    key: str | None
    command: str


class _Reply(BaseModel):
    id: str
    by: str
    mine: bool = True
    """False: whoever heard it does not serve the room, and has done nothing."""
    reply: str | None = None
    code: str = ""
    status: int = 500
    sentence: str | None = None
    retry_after_s: int | None = None

    def outcome(self) -> str:
        """The reply, or what the owner raised."""
        if self.reply is not None:
            return self.reply
        raise _TREE.get(self.status, LampioError)(
            self.code, status=self.status, sentence=self.sentence, retry_after_s=self.retry_after_s
        )


_KINDS: tuple[type[LampioError], ...] = (
    BadInput,
    Unknown,
    Unauthorised,
    Forbidden,
    Conflict,
    TooLarge,
    Unacceptable,
    TooMany,
    Unavailable,
)
_TREE = {kind.status: kind for kind in _KINDS} | {406: Unacceptable, 415: Unacceptable}


class _Asked:
    """A command on its way: who heard it, how many of them declined, and the outcome (None: all did)."""

    def __init__(self) -> None:
        self.outcome: asyncio.Future[_Reply | None] = asyncio.get_running_loop().create_future()
        self._heard_by: int | None = None
        self._declined: set[str] = set()

    def heard_by(self, count: int) -> None:
        """So many processes got it."""
        self._heard_by = count
        self._look()

    def take(self, reply: _Reply) -> None:
        """One of them answered."""
        if reply.mine and not self.outcome.done():
            self.outcome.set_result(reply)
        if not reply.mine:
            self._declined.add(reply.by)
        self._look()

    def lose(self) -> None:
        """Answers may have passed by."""
        if not self.outcome.done():
            self.outcome.set_exception(Unavailable("outcome_unknown", "the line broke"))
            self.outcome.exception()  # one that left has nobody to retrieve it

    def _look(self) -> None:
        if len(self._declined) == self._heard_by and not self.outcome.done():
            self.outcome.set_result(None)


class RedisCommands:
    """`infra.ports.Commands` between processes. `await start()`, `await close()`."""

    def __init__(self, link: RedisLink) -> None:
        self._link = link
        self._local = LocalCommands()
        self._asked: dict[str, _Asked] = {}
        self._ends: dict[str, tuple[int, Callable[[], None]]] = {}
        self._wanted: dict[str, tuple[int, Handler]] = {}
        self._heard = Once(link.monotonic_ms)
        self._scope = TaskScope("commands_redis")
        self._to = f"replies:{link.instance}"
        self._end_replies = link.listen(self._to, self._hear_reply, self._replies_lost)
        link.on_restored(self._restore)
        link.on_away(self._replies_lost)

    async def start(self) -> None:
        """Begin to tell which rooms are served."""
        self._scope.spawn(self._renew(), name="renew")

    async def close(self) -> None:
        """End what is under way; idempotent."""
        self._end_replies()
        for room in list(self._ends):
            self._end(room)
        await self._local.close()
        await self._scope.close()
        self._replies_lost()

    @property
    def waiting(self) -> int:
        """Commands whose outcome is waited for here, or that are being carried out here."""
        return self._local.waiting + len(self._asked)

    def fence(self, room: str) -> int | None:
        """The fence with which the room is served in this process, if it is."""
        return self._local.fence(room)

    async def call(self, room: str, command: str, *, key: str | None, timeout_s: float) -> str:
        """Have the owner carry the command out; see the port for the errors."""
        if self._local.fence(room) is not None or self._scope.closed:
            return await self._local.call(room, command, key=key, timeout_s=timeout_s)
        if len(command) > LONGEST:
            raise TooLarge("command_too_large")
        now = self._link.shared_ms()
        call = _Call(
            id="",
            to=self._to,
            at_ms=now,
            until_ms=now + min(timeout_s * 1000, _LONGEST_MS),
            key=key,
            command=command,
        )
        try:
            async with asyncio.timeout(timeout_s):
                return (await self._ask(room, call)).outcome()
        except TimeoutError:
            raise Unavailable("outcome_unknown", "the owner did not answer in time") from None

    def serve(self, room: str, fence: int, handler: Handler) -> Callable[[], None]:
        """Answer commands for the room, from every process; a higher fence takes over, wherever it is."""
        self._begin(room, fence, handler)
        self._wanted[room] = mine = (fence, handler)

        def end() -> None:
            if self._wanted.get(room) is mine:
                del self._wanted[room]
                if room in self._ends:
                    self._end(room)
                self._spawn(self._forget(room, fence), name=f"end:{room}")

        return end

    def _begin(self, room: str, fence: int, handler: Handler) -> None:
        end_local = self._local.serve(room, fence, handler)
        since_ms = self._link.monotonic_ms()
        end_listening = self._link.listen(
            _channel(room),
            lambda text: self._hear_call(room, fence, since_ms, text),
            lambda: None,
            raw=True,
        )

        def both() -> None:
            end_local()
            end_listening()

        self._ends[room] = (fence, both)
        self._spawn(self._register(room, fence), name=f"serve:{room}")

    # --- asking -------------------------------------------------------------------------------

    async def _ask(self, room: str, call: _Call) -> _Reply:
        """Send it until somebody takes it on. Raises `Unavailable`."""
        channel = self._link.prefix + _channel(room)
        for wait_s in (0.0, *_NOBODY_S):
            await asyncio.sleep(wait_s)
            one = secrets.token_hex(16)  # each attempt is a command of its own: none is heard twice
            now = {"id": one, "at_ms": self._link.shared_ms()}
            body = call.model_copy(update=now).model_dump_json()
            sealed = f"{self._link.seal.of(channel, body)} {body}"
            asked = self._asked[one] = _Asked()
            try:
                asked.heard_by(await self._link.run(_CALL, [_fence_key(room)], [channel, sealed]))
                reply = await asked.outcome
            except Lost:
                raise Unavailable("outcome_unknown", "the line broke") from None
            except Away:
                break
            finally:
                del self._asked[one]
            if reply is not None:
                return reply
        raise Unavailable("no_owner", "nobody serves this room")

    def _hear_reply(self, text: str) -> None:
        with suppress(ValidationError):
            reply = _Reply.model_validate_json(text)
            asked = self._asked.get(reply.id)
            if asked is not None:
                asked.take(reply)

    def _replies_lost(self) -> None:
        for asked in self._asked.values():
            asked.lose()

    # --- serving ------------------------------------------------------------------------------

    def _hear_call(self, room: str, fence: int, since_ms: float, text: str) -> None:
        highest, call = self._opened(room, text)
        if call is None:
            return
        now = self._link.shared_ms()
        left_ms, age_ms = call.until_ms - now, now - call.at_ms
        if left_ms > _LONGEST_MS + _SKEW_MS or self._heard.again(call.id, 2 * _LONGEST_MS):
            self._link.refuse(_channel(room))
        elif left_ms <= 0:
            pass  # the asker was told that the outcome is unknown, and may have asked again
        elif age_ms > self._link.monotonic_ms() - since_ms + _SKEW_MS:
            self._decline(call)  # it was sent to an owner before this one, who may have done it
        elif highest > fence or self._local.fence(room) != fence:
            self._decline(call)
            self._superseded(room, fence, by=highest)
        elif self._local.waiting >= WAITING:
            self._reply(call, TooMany("too_many_commands", sentence="err_not_now"))
        else:
            known = highest == fence
            self._spawn(self._carry_out(room, fence, call, known=known), name=room)

    def _opened(self, room: str, text: str) -> tuple[int, _Call | None]:
        """The highest fence of the house that Redis knew (0: none) and the command, if they are ours."""
        mark, _, sealed = text.partition(" ")
        seal, _, body = sealed.partition(" ")
        if not self._link.seal.holds(seal, self._link.prefix + _channel(room), body):
            self._link.refuse(_channel(room))
            return 0, None
        found = read(self._link, _fence_key(room), mark)
        try:
            return found[0] if found else 0, _Call.model_validate_json(body)
        except ValidationError:
            _log.warning("command not understood", room=room)
            return 0, None

    async def _carry_out(self, room: str, fence: int, call: _Call, *, known: bool) -> None:
        if not known and not await self._is_highest(room, fence):
            self._decline(call)
            return
        left_s = (call.until_ms - self._link.shared_ms()) / 1000
        if left_s <= 0:
            return  # the asker was told that the outcome is unknown, and may have asked again
        try:
            reply = await self._local.call(room, call.command, key=call.key, timeout_s=left_s)
        except LampioError as error:
            self._reply(call, error)
        else:
            self._reply(call, reply)

    def _decline(self, call: _Call) -> None:
        self._link.publish(call.to, _Reply(id=call.id, by=self._to, mine=False).model_dump_json())

    def _reply(self, call: _Call, outcome: str | LampioError) -> None:
        if isinstance(outcome, str) and len(outcome) > LONGEST:
            outcome = TooLarge("reply_too_large")
        if isinstance(outcome, str):
            reply = _Reply(id=call.id, by=self._to, reply=outcome)
        else:
            reply = _Reply(
                id=call.id,
                by=self._to,
                code=outcome.code,
                status=outcome.status,
                sentence=outcome.sentence,
                retry_after_s=outcome.retry_after_s,
            )
        self._link.publish(call.to, reply.model_dump_json())

    async def _is_highest(self, room: str, fence: int) -> bool:
        """Whether no later owner serves; asked where Redis did not know of us (it may have forgotten)."""
        if not await self._register(room, fence):
            return False
        await asyncio.sleep(_SETTLE_S)
        return await self._register(room, fence)

    async def _register(self, room: str, fence: int) -> bool:
        if self._local.fence(room) != fence:
            return False
        try:
            highest = await stand(self._link, _fence_key(room), fence, ttl_ms=SERVING_TTL_MS)
        except Away:
            return False  # it is told again as soon as Redis is back
        self._superseded(room, fence, by=highest)
        return highest == fence

    async def _forget(self, room: str, fence: int) -> None:
        with suppress(Away):
            await end_fence(self._link, _fence_key(room), fence)

    def _superseded(self, room: str, fence: int, *, by: int) -> None:
        if by > fence and self._ends.get(room, (None,))[0] == fence:
            _log.info("a later owner serves the room", room=room, fence=fence)
            self._end(room)

    def _end(self, room: str) -> None:
        self._ends.pop(room)[1]()

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(_RENEW_S)
            await self._register_all()

    async def _register_all(self) -> None:
        for room, (fence, _) in list(self._ends.items()):
            await self._register(room, fence)
        await self._serve_again()

    async def _serve_again(self) -> None:
        """Rooms that another seemed to have taken, and whose owner here still says that they are its own:
        what Redis knew may have been of a database before this one, and is forgotten by and by."""
        for room, (fence, handler) in list(self._wanted.items()):
            if room in self._ends:
                continue
            with suppress(Away):
                highest = await stand(self._link, _fence_key(room), fence, ttl_ms=SERVING_TTL_MS)
                if highest == fence and self._wanted.get(room) == (fence, handler):
                    self._begin(room, fence, handler)

    def _restore(self) -> None:
        self._spawn(self._register_all(), name="restore")

    def _spawn(self, work: Coroutine[Any, Any, object], *, name: str) -> None:
        if self._scope.closed:
            work.close()
        else:
            self._scope.spawn(work, name=name)


def _channel(room: str) -> str:
    return f"{{room:{room}}}:commands"


def _fence_key(room: str) -> str:
    return f"{{room:{room}}}:fence"
