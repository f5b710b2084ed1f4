"""PostgreSQL restarted and gone in the middle of a show: told in words, nothing acknowledged lost."""

from __future__ import annotations

import asyncio
import itertools
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from infra.bus_local import LocalBus, LocalCommands
from infra.clock import ManualClock
from infra.database import Database, migrate
from infra.errors import LampioError, Unavailable
from rooms.actors import Actor
from rooms.house import House
from rooms.messages import LineWritten, WriteLine
from rooms.phases import Phase, Role
from rooms.seats import Seats
from rooms.shows import Shows
from rooms.store import Log
from tests.conftest import TABLES, free_port
from tests.postgres import PostgresServer
from tests.rooms.conftest import ROOM, TURKU, organisation, plan, until

KEEPS = {"synchronous_commit": "on"}
"""A commit is told when it would survive the server's crash, as by default."""


class Hall:
    """A guest in a live show, who writes without end; what was acknowledged is counted."""

    def __init__(self, database: Database, clock: ManualClock, house: House, seat: str) -> None:
        self.database, self.clock, self.house, self.seat = database, clock, house, seat
        self.given: dict[str, int] = {}
        self.refused: list[LampioError] = []
        self._numbers = itertools.count()

    async def write(self) -> None:
        """One line; sent again under the same key until it is acknowledged, as a page does."""
        text = f"rivi {next(self._numbers)}"
        command = WriteLine(id=1, key=f"key-{text[5:]:0>8}", text=text)
        while True:
            try:
                seq = await self.house.submit(Actor(self.seat, Role.GUEST), ROOM, command)
            except LampioError as error:
                self.refused.append(error)
                await asyncio.sleep(0.02)
            else:
                assert seq is not None
                self.given[text] = seq
                return

    async def write_on(self) -> None:
        """Line after line."""
        while True:
            await self.write()

    async def check(self) -> None:
        """What was acknowledged is there, once, under its number; refusals were in words."""
        rows = await Log(self.database, LocalBus(), self.clock).read(ROOM, 0, limit=10_000)
        assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
        lines = {
            row.seq: LineWritten.model_validate_json(row.body).text
            for row in rows
            if '"line.written"' in row.body
        }
        assert {text: seq for seq, text in lines.items() if text in self.given} == self.given
        assert len(set(lines.values())) == len(lines)
        assert all(isinstance(error, Unavailable) for error in self.refused), self.refused


@asynccontextmanager
async def hall(server: PostgresServer, clock: ManualClock) -> AsyncIterator[Hall]:
    url = server.url(server.create())
    await migrate(url, TABLES)
    database = Database(url)
    shows, seats = Shows(database, clock), Seats(database, clock)
    await shows.add_organisation(organisation("Turku"))
    await shows.plan(TURKU, plan(clock), phase=Phase.LIVE)
    guest = await seats.issue(TURKU, ROOM, Role.GUEST, name="Aune")
    commands = LocalCommands()
    house = House(
        database=database,
        clock=clock,
        bus=LocalBus(),
        commands=commands,
        node="one",
        look_s=0.02,
        beat_s=0.1,
        patience_s=0.2,
    )
    await house.start()
    try:
        yield Hall(database, clock, house, guest.seat)
    finally:
        await house.close()
        await commands.close()
        await database.close()


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """One of this file's own, to be stopped."""
    own = PostgresServer(free_port())
    try:
        own.start(**KEEPS)
        yield own
    finally:
        own.remove()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["restarted", "crashed"])
async def test_a_server_that_restarts_in_a_show_costs_nothing_that_was_acknowledged(
    how: signal.Signals, server: PostgresServer, clock: ManualClock
) -> None:
    async with hall(server, clock) as here:
        writing = [asyncio.create_task(here.write_on()) for _ in range(4)]
        await until(lambda: len(here.given) >= 20)
        await asyncio.to_thread(server.stop, how)
        await until(lambda: len(here.refused) >= 4)
        before = len(here.given)
        await asyncio.to_thread(lambda: server.start(**KEEPS))
        await until(lambda: len(here.given) >= before + 20)
        for task in writing:
            task.cancel()
        await asyncio.wait(writing)
        await here.check()


async def test_twenty_seconds_without_the_database_close_no_room_where_nobody_could_take_it(
    server: PostgresServer, clock: ManualClock
) -> None:
    async with hall(server, clock) as here:
        await here.write()
        owned: list[int | None] = []
        here.house.subscribe_ownership(lambda _, fence: owned.append(fence))
        await asyncio.to_thread(server.stop)
        writing = asyncio.create_task(here.write())
        for _ in range(20):
            clock.advance(1000)
            await asyncio.sleep(0.02)
        await until(lambda: bool(here.refused))
        assert here.house.state(ROOM).phase is Phase.LIVE
        assert await here.house.rooms_running() == [ROOM]
        assert owned == [], "media hangs on it"
        await asyncio.to_thread(lambda: server.start(**KEEPS))
        async with asyncio.timeout(10):
            await writing
        assert owned == []
        await here.check()
