"""Single calls to Redis: never repeated, never longer than said, never deaf to a cancellation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError

from infra.scope import TaskScope

T = TypeVar("T")

# The last two are what the library says when its connection was closed under it.
FAILURES = (RedisError, OSError, TimeoutError, AttributeError, RuntimeError)
"""What a call may come to."""

_CONNECTIONS = 8


def options(call_s: float) -> dict[str, Any]:
    """How the library is told to behave: it repeats nothing, or one command would be carried out more
    than once."""
    return {
        "retry": None,
        "decode_responses": True,
        "encoding_errors": "replace",  # what is no text breaks no line: its seal does not hold
        "protocol": 2,
        "socket_connect_timeout": call_s,
    }


async def cut(work: Awaitable[T]) -> T:
    """The library's answer; a cancellation that was swallowed on the way is not lost (`asyncio.wait_for`
    of Python 3.11, which the library uses, forgets one that comes at the same moment as the answer)."""
    task = asyncio.current_task()
    assert task is not None
    before = task.cancelling()
    try:
        return await work
    finally:
        if task.cancelling() > before:
            raise asyncio.CancelledError


class RedisCalls:
    """Calls over a few connections. Each raises one of `FAILURES` within `call_s` seconds, or answers."""

    def __init__(self, url: str, call_s: float) -> None:
        self._call_s = call_s
        self._pool = BlockingConnectionPool.from_url(
            url,
            max_connections=_CONNECTIONS,
            timeout=call_s,
            socket_timeout=call_s,
            **options(call_s),
        )
        self._client: Redis = Redis(connection_pool=self._pool)
        self._scripts: dict[str, Any] = {}
        self._scope = TaskScope("redis_calls")

    @property
    def database(self) -> int:
        """The number of the database within the server."""
        return int(self._pool.connection_kwargs.get("db") or 0)

    async def run(self, script: str, keys: Sequence[str], args: Sequence[str | float]) -> Any:
        """Run a script atomically."""
        known = self._scripts.get(script)
        if known is None:
            known = self._scripts[script] = self._client.register_script(script)
        return await self._in_time(lambda: known(keys=keys, args=args))

    async def publish(self, batch: Sequence[tuple[str, str]]) -> None:
        """Send these (channel, text) in one step."""
        pipe = self._client.pipeline(transaction=False)
        for name, text in batch:
            pipe.publish(name, text)
        await self._in_time(pipe.execute)

    async def hang_up(self) -> None:
        """Close the connections: who waits for an answer on one waits no longer. New ones are made."""
        await self._pool.disconnect()

    async def close(self) -> None:
        """End all calls; idempotent."""
        await self._scope.close()
        await self._pool.disconnect()

    async def _in_time(self, work: Callable[[], Awaitable[T]]) -> T:
        """The library's answer within the time, though the library itself may be slow to give up."""
        asked = self._scope.spawn(_outcome(work), name="call")
        try:
            await asyncio.wait({asked}, timeout=self._call_s)
        finally:
            asked.cancel()
        if not asked.done() or asked.cancelled():
            raise TimeoutError
        answer = asked.result()
        if isinstance(answer, _Failed):
            raise answer.error
        return answer


class _Failed:
    """What a call came to when it did not answer."""

    __slots__ = ("error",)

    def __init__(self, error: Exception) -> None:
        self.error = error


async def _outcome(work: Callable[[], Awaitable[T]]) -> T | _Failed:
    """The answer, or the failure as a value: nobody may be left to retrieve an exception."""
    try:
        return await work()
    except Exception as error:
        return _Failed(error)
