"""How long a client may take: connections that ask nothing are let go, a body has its time.

Without it a few hundred lines that never end hold a descriptor each for as long as they like. Downloads are
not meant: whoever reads slowly is bounded by what is written ahead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from infra.clock import Clock
from infra.errors import LampioError, Unacceptable

HEAD_S = 15.0
"""From the connection to the whole head of its first request."""
BODY_S = 20.0
"""For a request's whole body; what the house then does with it has its own bounds."""
IDLE_S = 75.0
"""Between two requests of one connection; longer than proxies keep theirs."""
LINGER_S = 2.0
"""For the rest of a body that was answered before it was whole."""
LOOK_EVERY_S = 2.0

WITH_BODY = frozenset({"POST", "PUT", "PATCH", "DELETE"})

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Connection = RequestHandler


class Patience:
    """The connections of one server, and which of them have asked for anything yet."""

    def __init__(self, clock: Clock, head_s: float = HEAD_S) -> None:
        self._clock = clock
        self._head_ms = head_s * 1000
        self._asked: set[Connection] = set()
        self._since: dict[Connection, float] = {}

    def note(self, request: web.Request) -> None:
        """This connection has asked."""
        self._asked.add(request.protocol)

    def look(self, server: web.Server) -> None:
        """Let those go that have asked nothing for too long."""
        now = self._clock.monotonic_ms()
        standing = server.connections
        self._asked.intersection_update(standing)
        self._since = {
            connection: self._since.get(connection, now)
            for connection in standing
            if connection not in self._asked
        }
        for connection, since in self._since.items():
            if now - since > self._head_ms:
                connection.force_close()

    async def look_always(self, server: web.Server) -> None:
        """`look` every two seconds, until cancelled."""
        while True:
            self.look(server)
            await asyncio.sleep(LOOK_EVERY_S)


PATIENCE = web.AppKey("patience", Patience)


@web.middleware
async def patience(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Note that the connection asked; give a body its time, and take none that is packed."""
    request.app[PATIENCE].note(request)
    if request.method not in WITH_BODY:
        return await handler(request)
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Unacceptable("packed_body", status=415)
    try:
        async with asyncio.timeout(BODY_S) as time:

            def whole() -> None:
                with suppress(RuntimeError):  # its time is over, or the answer did not wait for it
                    time.reschedule(None)

            request.content.on_eof(whole)
            return await handler(request)
    except TimeoutError:
        if not time.expired():
            raise
        raise LampioError("too_slow", "a body that does not come", status=408) from None
