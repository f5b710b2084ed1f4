"""One contract over SQLite and PostgreSQL: the fence, keys, processes that race, tasks that are cancelled."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from sqlalchemy import select, text

from infra.bus_local import Fenced, LocalBus
from infra.clock import SystemClock
from infra.database import Database
from infra.errors import Forbidden
from infra.whose import HOUSE, NONE, PUBLIC
from rooms.messages import Named
from rooms.scope import of_room
from rooms.shows import Shows
from rooms.store import Log, Owners
from rooms.tables import RoomEventRow, RoomRow
from tests.rooms.conftest import ROOM, TURKU, organisation, plan

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def log(database: Database) -> Log:
    clock = SystemClock()
    shows = Shows(database, clock)
    await shows.add_organisation(organisation("Turku"))
    await shows.plan(TURKU, plan(clock))
    return Log(database, LocalBus(), clock)


def named(name: str) -> str:
    return Named(seat="seat", name=name).model_dump_json()


async def rows(database: Database) -> list[RoomEventRow]:
    async with database.reading(of_room(ROOM)) as session:
        query = select(RoomEventRow).order_by(RoomEventRow.seq)
        return list((await session.scalars(query)).all())


async def sequence(database: Database) -> int:
    async with database.reading(of_room(ROOM)) as session:
        return (await session.get_one(RoomRow, ROOM)).seq


async def test_of_two_owners_that_race_the_fenced_one_writes_nothing(
    log: Log, database: Database
) -> None:
    """The room changes hands twenty times while its owner of the moment before goes on writing."""
    owners = Owners(database)
    kept: list[tuple[int, str]] = []

    async def write(fence: int, count: int) -> None:
        for number in range(count):
            name = f"{fence}-{number}"
            try:
                numbers = await log.append(ROOM, fence, [named(name), named(name)], key=name)
            except Fenced:
                return
            kept.extend((seq, name) for seq in numbers)

    begun = await sequence(database)
    writing: list[asyncio.Task[None]] = []
    for _ in range(20):
        fence = await owners.claim(ROOM, "one")  # the same node's name: nothing has to grow old
        writing.append(asyncio.create_task(write(fence, 1000 if _ < 19 else 3)))
        await asyncio.sleep(0.005)
    await asyncio.gather(*writing)
    found = [row for row in await rows(database) if row.seq > begun]
    names = [(row.seq, Named.model_validate_json(row.body).name) for row in found]
    assert names == sorted(kept), "what was refused has left rows, or what was acknowledged none"
    assert [row.fence for row in found] == sorted(row.fence for row in found), "the old came later"
    assert await sequence(database) == begun + len(found), "numbers without gaps"


async def test_a_fenced_append_leaves_the_number_and_every_other_row_as_they_were(
    log: Log, database: Database
) -> None:
    fence = await Owners(database).claim(ROOM, "one")
    await Owners(database).claim(ROOM, "one")
    before = len(await rows(database))
    with pytest.raises(Fenced):
        await log.append(ROOM, fence, [named("late")], key="late")
    assert len(await rows(database)) == before == await sequence(database)
    assert await log.given(ROOM, "late") is None


async def test_the_same_key_of_many_tasks_is_one_event(log: Log, database: Database) -> None:
    fence = await Owners(database).claim(ROOM, "one")
    before = await sequence(database)
    given = await asyncio.gather(
        *(log.append(ROOM, fence, [named("once")], key="once") for _ in range(12))
    )
    assert {(numbers.start, numbers.stop) for numbers in given} == {(before + 1, before + 2)}
    assert await sequence(database) == before + 1


async def test_the_same_keys_of_two_processes_are_one_event_each(
    log: Log, database: Database, database_url: str
) -> None:
    fence = await Owners(database).claim(ROOM, "one")
    before = await sequence(database)
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.contract.appending", database_url, ROOM, str(fence), "25"),
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        for _ in range(2)
    ]
    for process in processes:  # all are ready, then all begin
        assert process.stdout is not None and await process.stdout.readline() == b"ready\n"
    told = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    assert [process.returncode for process in processes] == [0, 0]
    first, *others = [out for out, _ in told]
    assert len(first.splitlines()) == 25
    assert all(other == first for other in others), "each was told the same numbers"
    assert await sequence(database) == before + 25
    assert len(await rows(database)) == before + 25


async def test_a_task_cancelled_in_a_statement_leaves_no_connection_behind(
    log: Log, database: Database
) -> None:
    fence = await Owners(database).claim(ROOM, "one")
    for number in range(60):
        task = asyncio.create_task(log.append(ROOM, fence, [named("a")], key=f"key-{number}"))
        await asyncio.sleep(0.0004 * (number % 12))
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled() or task.exception() is None
    numbers = await log.append(ROOM, fence, [named("last")], key="last")
    kept = await rows(database)
    assert [row.seq for row in kept] == list(range(1, numbers.stop))
    assert database._engine.pool.checkedout() == 0  # type: ignore[attr-defined]  # QueuePool's


async def test_a_cancelled_task_is_cancelled_and_hears_no_error(database: Database) -> None:
    """Else a loop that goes on after errors would never end. Tried while connecting, asking, ending."""

    async def work() -> None:
        async with database.unit_of_work(NONE) as session:
            for _ in range(20):
                await session.execute(text("SELECT 1"))

    for step in range(40):
        task = asyncio.create_task(work())
        for _ in range(step):
            await asyncio.sleep(0)
        task.cancel()
        async with asyncio.timeout(5):
            await asyncio.wait({task})
        assert task.cancelled(), task.exception()
    await work()


async def test_nothing_is_written_in_the_publics_name(database: Database) -> None:
    with pytest.raises(Forbidden):
        async with database.unit_of_work(PUBLIC):
            pass


async def test_units_that_queue_under_one_name_run_one_after_another(database: Database) -> None:
    inside = 0

    async def one() -> None:
        nonlocal inside
        async with database.unit_of_work(HOUSE) as session:
            await database.queue(session, "tickets of a show")
            inside += 1
            assert inside == 1
            await session.execute(text("SELECT 1"))
            inside -= 1

    await asyncio.gather(*(one() for _ in range(8)))
