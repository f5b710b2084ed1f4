"""A screen that speaks the room's protocol as a page does: comes back by itself, sends again by key."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import aiohttp

from rooms.messages import (
    SERVER_MESSAGE,
    Ack,
    ErrorMessage,
    EventMessage,
    Snapshot,
    SnapshotMessage,
    Waiting,
)
from rooms.state import reduce
from tests.web.conftest import Browser

BACK_S = 0.05
"""How soon it knocks again; a page waits longer."""


class Screen:
    """One seat's socket. `state` is what the snapshots and events given so far make of the room."""

    def __init__(self, browser: Browser, seat: str) -> None:
        self.browser = browser
        self.seat = seat
        self.state: Snapshot | None = None
        self.waiting: Waiting | None = None
        self.after: int | None = None
        self.comings = 0
        """How often it was greeted."""
        self._loop = asyncio.get_running_loop()
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Ack | ErrorMessage]] = {}
        self._here: asyncio.Future[aiohttp.ClientWebSocketResponse] = self._absent()
        self._listening = asyncio.create_task(self._come_back_always())

    async def close(self) -> None:
        """Leave for good."""
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)

    async def ask(self, type: str, **fields: Any) -> Ack | ErrorMessage:
        """Send a command until it is answered, over as many sockets as it takes."""
        while True:
            ws = await asyncio.shield(self._here)
            number = next(self._numbers)
            answer: asyncio.Future[Ack | ErrorMessage] = self._loop.create_future()
            self._answers[number] = answer
            try:
                await ws.send_json({"type": type, "id": number, **fields})
                return await answer
            except ConnectionError:
                if self._here.done() and self._here.result() is ws:
                    self._here = self._absent()
            finally:
                del self._answers[number]

    async def does(self, type: str, **fields: Any) -> int | None:
        """As `ask`, for what must not be refused; the number of the event."""
        answer = await self.ask(type, **fields)
        assert isinstance(answer, Ack), answer
        return answer.seq

    def _absent(self) -> asyncio.Future[aiohttp.ClientWebSocketResponse]:
        return self._loop.create_future()

    async def _come_back_always(self) -> None:
        while True:
            try:
                async with self.browser.socket(self.seat) as ws:
                    await ws.send_json({"type": "hello", "id": 0, "after": self.after})
                    async for message in ws:
                        self._hear(ws, message.data)
            except (aiohttp.ClientError, ConnectionError):
                pass
            if self._here.done():
                self._here = self._absent()
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(ConnectionError("the socket is gone"))
            await asyncio.sleep(BACK_S)

    def _hear(self, ws: aiohttp.ClientWebSocketResponse, text: str) -> None:
        match SERVER_MESSAGE.validate_json(text):
            case Ack(id=0):
                self.comings += 1
                if not self._here.done():
                    self._here.set_result(ws)
            case (Ack() | ErrorMessage()) as answer if answer.id in self._answers:
                if not self._answers[answer.id].done():
                    self._answers[answer.id].set_result(answer)
            case SnapshotMessage() as told:
                self.after, self.state, self.waiting = told.seq, told.state, None
            case EventMessage() as told:
                assert self.state is not None
                assert self.after is not None
                assert told.seq > self.after, "numbers grow"
                self.after, self.state = told.seq, reduce(self.state, told.event)
            case Waiting() as told:
                self.waiting = told
            case _:
                pass
