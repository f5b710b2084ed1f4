"""Two real servers on one PostgreSQL and one Redis, and a front door before both."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from redis.asyncio import Redis

from infra.database import Database
from rooms.messages import (
    SERVER_MESSAGE,
    ApplauseMessage,
    Bye,
    MediaEnded,
    MediaSegmentsAt,
    PresenceMessage,
    StageMessage,
)
from rooms.phases import Phase, Role
from rooms.store import Owners
from tests.evening.house import TestHouse
from tests.evening.screen import Screen
from tests.web.conftest import Browser

SHOW = "viulu-ja-vanha-piano"
KEY = "a-key-that-both-nodes-of-this-test-share"


async def until(condition: Callable[[], Any], *, within_s: float = 20.0, why: str = "") -> Any:
    """Wait for something; returns it."""
    end = time.monotonic() + within_s
    while not (found := condition()):
        assert time.monotonic() < end, f"not within {within_s} s: {why}"
        await asyncio.sleep(0.01)
    return found


@dataclass
class Front:
    """A door that leads to the first of `ports` that opens, as a load balancer would."""

    port: int
    ports: list[int]
    writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Lead somebody in."""
        for port in list(self.ports):
            with suppress(OSError):
                there, back = await asyncio.open_connection("127.0.0.1", port)
                ends = {writer, back}
                self.writers |= ends
                await asyncio.gather(_pipe(reader, back), _pipe(there, writer))
                self.writers -= ends
                return
        writer.close()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    with suppress(OSError):
        writer.close()


@asynccontextmanager
async def fronting(port: int, *ports: int) -> AsyncIterator[Front]:
    """The door, open until the block ends."""
    front = Front(port, list(ports))
    server = await asyncio.start_server(front.take, "127.0.0.1", port)
    try:
        yield front
    finally:
        server.close()
        for writer in list(front.writers):
            writer.close()
        end = time.monotonic() + 5
        while front.writers and time.monotonic() < end:
            await asyncio.sleep(0.01)


class Seen(Screen):
    """A screen that also keeps what is no event: the last message of each kind."""

    def __init__(self, browser: Browser, seat: str) -> None:
        self.stage: StageMessage | None = None
        self.presence: PresenceMessage | None = None
        self.claps = 0
        self.ended: list[MediaEnded] = []
        self.bye: Bye | None = None
        self.segments: str | None = None
        super().__init__(browser, seat)

    async def ask_segments(self) -> str:
        """Where the show is by segments."""
        ws = await asyncio.shield(self._here)
        await ws.send_json({"type": "media.segments", "id": 900_000})
        return str(await until(lambda: self.segments, why="an address of segments"))

    def _hear(self, ws: aiohttp.ClientWebSocketResponse, text: str) -> None:
        match SERVER_MESSAGE.validate_json(text):
            case StageMessage() as told:
                self.stage = told
            case PresenceMessage() as told:
                self.presence = told
            case ApplauseMessage(claps=claps):
                self.claps += claps
            case MediaEnded() as told:
                self.ended.append(told)
            case MediaSegmentsAt(url=url):
                self.segments = url
            case Bye() as told:
                self.bye = told
        super()._hear(ws, text)


@dataclass
class Two:
    """Node `a` and node `b`; seats sit down at either."""

    a: TestHouse
    b: TestHouse
    http: aiohttp.ClientSession
    database: Database
    screens: list[Screen] = field(default_factory=list)

    async def sit(self, node: TestHouse, role: Role, name: str | None = None, **other: Any) -> Seen:
        """A seat of the show whose socket is at this node."""
        issued = await self.a.ticket(SHOW, role, name, **other)
        browser = Browser(node.url, self.http)
        screen = Seen(browser, await browser.enter(node.link(issued)))
        self.screens.append(screen)
        await until(lambda: screen.comings, why="to be greeted")
        return screen

    async def owner(self) -> TestHouse | None:
        """Which of the two has the show's room and lives."""
        owner = await Owners(self.database).owner(SHOW)
        for node in (self.a, self.b):
            if owner is not None and owner.url == node.url:
                return node
        return None

    async def owned_by(self, node: TestHouse, *, within_s: float = 20.0) -> float:
        """Wait until the node has the room; seconds it took."""
        began = time.monotonic()
        while await self.owner() is not node:
            assert time.monotonic() - began < within_s, "the room has no such owner"
            await asyncio.sleep(0.02)
        return time.monotonic() - began


@asynccontextmanager
async def two_nodes(
    folder: Path, database_url: str, redis_url: str, *, public_port: int | None = None
) -> AsyncIterator[Two]:
    """Both servers running, the show live at `a`. With `public_port` both are one address to browsers."""
    async with Redis.from_url(redis_url) as redis:
        await redis.flushall()  # the fences of another test's database
    nodes = []
    for name in ("a", "b"):
        (folder / name).mkdir()
        node = TestHouse(folder / name)
        node.database_url = database_url
        node.environment = {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "STORAGE_URL": str(folder / "media"),
            "SECRET_KEYS": KEY,
            "NODE_URL": node.url,
        }
        if public_port is not None:
            node.environment["PUBLIC_URL"] = f"http://localhost:{public_port}"
        nodes.append(node)
    a, b = nodes
    await a.prepare()
    await a.show(SHOW, Phase.LIVE)
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        )
        database = Database(database_url)
        stack.push_async_callback(database.close)
        two = Two(a, b, http, database)
        try:
            await a.start()
            await two.owned_by(a)
            await b.start()
            yield two
        finally:
            for screen in two.screens:
                await screen.close()
            for node in nodes:
                if node.process is not None and node.process.returncode is None:
                    node.process.send_signal(signal.SIGCONT)
                    await node.stop()
