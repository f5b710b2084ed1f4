"""A process that is killed in the middle: what it acknowledged is there, once, and the room goes on."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from infra.bus_local import LocalBus, LocalCommands
from infra.clock import SystemClock
from infra.database import Database
from rooms.actors import Actor
from rooms.house import House
from rooms.messages import LineWritten, WriteLine
from rooms.phases import Phase, Role
from rooms.seats import Seats
from rooms.shows import Shows
from rooms.store import Log
from tests.rooms.conftest import ROOM, TURKU, organisation, plan

ROOT = Path(__file__).parents[2]
ACKNOWLEDGED = 60


async def killed_while_writing(url: str, seat: str) -> dict[int, int]:
    """Which line got which number, as far as it was acknowledged before the kill."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.rooms.writer",
        url,
        ROOM,
        seat,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    given: dict[int, int] = {}
    async with asyncio.timeout(60):
        while len(given) < ACKNOWLEDGED:
            line = await process.stdout.readline()
            assert line, "the writer ended by itself"
            number, seq = map(int, line.split())
            given[number] = seq
        process.kill()
        rest = await process.stdout.read()
        await process.wait()
    # The last line may be cut, its acknowledgement then reached nobody.
    for line in rest.splitlines(keepends=True):
        if line.endswith(b"\n"):
            number, seq = map(int, line.split())
            given[number] = seq
    return given


async def test_what_was_acknowledged_before_the_kill_is_there_once(
    database_url: str, database: Database
) -> None:
    clock = SystemClock()
    shows, seats = Shows(database, clock), Seats(database, clock)
    await shows.add_organisation(organisation("Turku"))
    await shows.plan(TURKU, plan(clock), phase=Phase.DOORS)
    guest = await seats.issue(TURKU, ROOM, Role.GUEST, name="Aune")
    given = await killed_while_writing(database_url, guest.seat)

    bus, commands = LocalBus(), LocalCommands()
    house = House(database=database, clock=clock, bus=bus, commands=commands, node="killed")
    await house.start()
    try:
        seq, state = await house.whole(ROOM)
        rows = await Log(database, bus, clock).read(ROOM, 0, limit=10_000)
        assert [row.seq for row in rows] == list(range(1, seq + 1))
        bodies = {row.seq: row.body for row in rows}
        for number, at in given.items():
            assert LineWritten.model_validate_json(bodies[at]).text == f"rivi {number}"
        assert len({line.line for line in state.lines}) == len(state.lines)
        # Sent again after the crash, as a page does: the same number, and no second line.
        last = max(given)
        again = WriteLine(id=1, key=f"key-{last:08}", text=f"rivi {last}")
        assert await house.submit(Actor(guest.seat, Role.GUEST), ROOM, again) == given[last]
        assert (await house.whole(ROOM))[0] == seq
    finally:
        await house.close()
        await commands.close()
