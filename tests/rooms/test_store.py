"""The log: numbers without a gap, one owner at a time, the same key once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from infra.bus_local import Fenced, LocalBus
from infra.clock import ManualClock
from infra.database import Database
from infra.errors import Conflict, Unknown
from infra.ports import Gap, Logged, Message
from infra.whose import HOUSE
from rooms.effects import Act, Because
from rooms.house import House, alone
from rooms.messages import CompanyAnswered, CompanyAsked, Event, Named, PhaseChanged
from rooms.phases import Phase
from rooms.shows import Shows
from rooms.store import KNOWN_MS, NODE_TTL_MS, Log, Owners
from rooms.tables import AuditRow, DueRow, RoomEventRow, RoomRow, ShowRow
from tests.rooms.conftest import ROOM, TURKU, organisation, plan, silent_for, until


class DeafBus:
    """A bus that loses every hint."""

    async def publish(self, topic: str, body: str) -> None:
        pass

    def subscribe(self, *topics: str) -> AsyncIterator[Message | Gap]:
        return LocalBus().subscribe(*topics)


@pytest.fixture
async def owners(database: Database, clock: ManualClock) -> Owners:
    shows = Shows(database, clock)
    await shows.add_organisation(organisation("Turku"))
    await shows.plan(TURKU, plan(clock), phase=Phase.DRAFT)
    return Owners(database)


@pytest.fixture
def log(database: Database, clock: ManualClock, owners: Owners) -> Log:
    return Log(database, LocalBus(), clock)


def named(name: str = "Aune") -> str:
    return body(Named(seat="aune", name=name))


def body(event: Event) -> str:
    return event.model_dump_json()


async def names(log: Log, after: int = 0) -> list[tuple[int, str]]:
    return [(row.seq, row.body) for row in await log.read(ROOM, after)]


async def test_events_get_numbers_without_a_gap(log: Log, owners: Owners) -> None:
    fence = await owners.claim(ROOM, "one")
    assert await log.append(ROOM, fence, [named("a"), named("b")]) == range(1, 3)
    assert await log.append(ROOM, fence, [named("c")]) == range(3, 4)
    assert [seq for seq, _ in await names(log)] == [1, 2, 3]
    assert await names(log, after=2) == [(3, named("c"))]


async def test_numbers_stay_without_a_gap_when_many_write_at_once(log: Log, owners: Owners) -> None:
    fence = await owners.claim(ROOM, "one")
    given = await asyncio.gather(*(log.append(ROOM, fence, [named(str(n))]) for n in range(20)))
    assert sorted(numbers.start for numbers in given) == list(range(1, 21))


async def test_the_same_key_again_appends_nothing_and_answers_alike(
    log: Log, owners: Owners
) -> None:
    fence = await owners.claim(ROOM, "one")
    first = await log.append(ROOM, fence, [named("a"), named("b")], key="k")
    assert await log.append(ROOM, fence, [named("x")], key="k") == first == range(1, 3)
    assert await log.given(ROOM, "k") == first
    assert await log.given(ROOM, "other") is None
    assert len(await names(log)) == 2


async def test_an_owner_whose_room_was_taken_writes_nothing_more(
    log: Log, owners: Owners, clock: ManualClock
) -> None:
    old = await owners.claim(ROOM, "one")
    new = await owners.claim(ROOM, "two")
    assert new > old
    with pytest.raises(Fenced):
        await log.append(ROOM, old, [named()])
    assert await log.append(ROOM, new, [named()]) == range(1, 2)


async def test_a_room_that_is_not_there_is_unknown(log: Log, owners: Owners) -> None:
    with pytest.raises(Unknown):
        await log.append("nowhere", 1, [named()])
    with pytest.raises(Unknown):
        await owners.claim("nowhere", "one")


async def test_what_fails_in_the_middle_leaves_no_event_and_no_number(
    log: Log, owners: Owners
) -> None:
    fence = await owners.claim(ROOM, "one")
    with pytest.raises(ValueError, match="Input tag"):
        await log.append(ROOM, fence, [named("a"), '{"type": "nothing"}'])
    assert await names(log) == []
    assert await log.append(ROOM, fence, [named("b")]) == range(1, 2)


async def test_events_and_what_they_change_are_written_together(
    log: Log, owners: Owners, database: Database
) -> None:
    fence = await owners.claim(ROOM, "one")
    changed = PhaseChanged(phase=Phase.DOORS, epoch=1, at=5)
    act = Act("helena", "phase.set", "doors")
    await log.append(ROOM, fence, [body(changed)], because=Because((act,)))
    async with database.reading(HOUSE) as session:
        room = await session.get_one(RoomRow, ROOM)
        assert (room.phase, room.epoch, room.phase_at_ms) == ("doors", 1, 5)
        assert (await session.get_one(ShowRow, ROOM)).touched
        audit = (await session.scalars(select(AuditRow))).one()
        assert (audit.actor, audit.act, audit.subject) == ("helena", "phase.set", "doors")
        event = (await session.scalars(select(RoomEventRow))).one()
        assert (event.organisation, event.fence) == ("turku", fence)
        assert (await session.scalars(select(DueRow))).all() == []


async def test_what_nobody_did_touches_no_show(
    log: Log, owners: Owners, database: Database
) -> None:
    fence = await owners.claim(ROOM, "one")
    await log.append(ROOM, fence, [body(PhaseChanged(phase=Phase.DOORS, epoch=1, at=5))])
    async with database.reading(HOUSE) as session:
        assert not (await session.get_one(ShowRow, ROOM)).touched
        assert (await session.scalars(select(AuditRow))).all() == []


async def follow(log: Log, after: int, count: int) -> list[Logged]:
    found = []
    async with aclosing(log.follow(ROOM, after)) as events:  # type: ignore[type-var]  # it is a generator
        async for row in events:
            found.append(row)
            if len(found) == count:
                break
    return found


async def test_who_follows_gets_what_was_and_what_comes(log: Log, owners: Owners) -> None:
    fence = await owners.claim(ROOM, "one")
    await log.append(ROOM, fence, [named("a"), named("b")])
    following = asyncio.create_task(follow(log, 1, 3))
    await asyncio.sleep(0)
    for name in "cd":
        await log.append(ROOM, fence, [named(name)])
    assert [row.seq for row in await following] == [2, 3, 4]


async def test_a_lost_hint_costs_a_second_and_no_event(
    database: Database, clock: ManualClock, owners: Owners
) -> None:
    deaf = Log(database, DeafBus(), clock, heal_s=0.02)
    fence = await owners.claim(ROOM, "one")
    following = asyncio.create_task(follow(deaf, 0, 2))
    await deaf.append(ROOM, fence, [named("a")])
    await deaf.append(ROOM, fence, [named("b")])
    async with asyncio.timeout(5):
        assert [row.seq for row in await following] == [1, 2]
    assert Log(database, DeafBus(), clock)._heal_s <= 1.0


async def test_a_long_log_is_followed_page_by_page(log: Log, owners: Owners) -> None:
    fence = await owners.claim(ROOM, "one")
    await log.append(ROOM, fence, [named(str(n)) for n in range(501)])
    assert len(await log.read(ROOM, 0)) == 500
    assert [row.seq for row in await follow(log, 0, 501)] == list(range(1, 502))


async def test_a_living_nodes_room_is_not_taken(owners: Owners, database: Database) -> None:
    await owners.beat("one")
    await owners.claim(ROOM, "one")
    await silent_for(database, NODE_TTL_MS // 2)
    with pytest.raises(Conflict) as refused:
        await owners.claim(ROOM, "two")
    assert refused.value.code == "held"
    await silent_for(database, NODE_TTL_MS // 2)
    assert await owners.claim(ROOM, "two") == 2


@pytest.mark.parametrize("hours", [-1, 1])
async def test_a_nodes_clock_that_steps_an_hour_neither_loses_nor_keeps_a_room(
    hours: int, owners: Owners, database: Database
) -> None:
    await owners.beat("one")
    await owners.claim(ROOM, "one")
    elsewhen = ManualClock(datetime.now(UTC) + timedelta(hours=hours))
    house = alone(database, elsewhen, "two")
    with pytest.raises(Conflict):
        await owners.claim(ROOM, "two")
    await house.start()
    with pytest.raises(Conflict):
        await house.open(ROOM)
    assert await owners.anybody()
    await silent_for(database, NODE_TTL_MS)
    await until(lambda: takes(house))
    await house.close()


async def takes(house: House) -> bool:
    try:
        return bool(await house.open(ROOM))
    except Conflict:
        return False


@pytest.mark.parametrize("hours", [-1, 1])
async def test_after_the_databases_own_clock_stepped_a_dead_node_keeps_nothing(
    hours: int, owners: Owners, database: Database
) -> None:
    await owners.beat("one")
    await owners.claim(ROOM, "one")
    await silent_for(database, hours * 3600 * 1000)
    assert not await owners.anybody()
    assert await owners.claim(ROOM, "two") == 2


async def test_a_node_that_comes_back_under_its_name_takes_its_rooms_at_once(
    owners: Owners,
) -> None:
    await owners.beat("one")
    assert await owners.claim(ROOM, "one") == 1
    assert await owners.claim(ROOM, "one") == 2


async def test_a_late_release_frees_nobody_elses_room(owners: Owners) -> None:
    await owners.beat("two")
    old = await owners.claim(ROOM, "one")
    await owners.claim(ROOM, "two")
    await owners.release(ROOM, "one", old)
    assert set(await owners.fences("two")) == {ROOM}


async def test_a_node_that_leaves_frees_all_its_rooms(owners: Owners) -> None:
    await owners.beat("one")
    await owners.claim(ROOM, "one")
    assert await owners.anybody()
    await owners.leave("one")
    assert not await owners.anybody()
    assert await owners.fences("one") == {}


@pytest.mark.parametrize("how", ["left", "died"])
async def test_the_address_of_a_node_that_starts_again_is_known_meanwhile(
    how: str, owners: Owners, database: Database
) -> None:
    await owners.beat("one", "https://one.example")
    await owners.beat("errand")
    if how == "left":
        await owners.leave("one")
        await owners.leave("errand")
    else:
        await silent_for(database, NODE_TTL_MS)
    assert not await owners.anybody()
    assert await owners.urls() == {"https://one.example"}
    await owners.beat("one", "https://one.example")
    assert await owners.anybody()
    await silent_for(database, KNOWN_MS)
    assert await owners.urls() == frozenset()


async def test_an_ask_that_is_answered_is_due_no_more(
    log: Log, owners: Owners, database: Database
) -> None:
    fence = await owners.claim(ROOM, "one")
    asked = CompanyAsked(companion="liisa", guest="aune", name="Liisa", at=1, until=61)
    answered = CompanyAnswered(companion="liisa", guest="aune", answer="declined")

    async def due() -> list[tuple[str, str, int]]:
        async with database.reading(HOUSE) as session:
            rows = (await session.scalars(select(DueRow))).all()
        return [(row.what, row.ref, row.at_ms) for row in rows]

    await log.append(ROOM, fence, [body(asked)])
    assert await due() == [("silence", "liisa", 61)]
    await log.append(ROOM, fence, [body(answered)])
    assert await due() == []
