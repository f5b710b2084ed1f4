"""Which process has a room, and that nothing is lost when it changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from infra.bus_local import LocalBus, LocalCommands
from infra.clock import ManualClock
from infra.database import Database
from infra.errors import Conflict, Unavailable, Unknown
from infra.ports import Message
from rooms.actors import Actor
from rooms.house import House
from rooms.messages import SERVER_MESSAGE, ApplauseMessage, SetPhase, WriteLine
from rooms.phases import Phase, Role
from rooms.store import NODE_TTL_MS, Owners
from tests.rooms.conftest import ROOM, TURKU, Evening, plan, until


@asynccontextmanager
async def another(database: Database, clock: ManualClock, node: str) -> AsyncIterator[House]:
    """A house in another process, as far as rows can tell."""
    commands = LocalCommands()
    house = House(
        database=database,
        clock=clock,
        bus=LocalBus(),
        commands=commands,
        node=node,
        look_s=0.01,
        beat_s=0.02,
        patience_s=0.1,
    )
    await house.start()
    try:
        yield house
    finally:
        await house.close()
        await commands.close()


async def write(house: House, seat: str, text: str, key: str) -> int | None:
    command = WriteLine(id=1, key=key, text=text)
    return await house.submit(Actor(seat, Role.GUEST), ROOM, command)


async def test_a_room_is_rebuilt_from_its_log_alone(evening: Evening) -> None:
    await evening.phase(Phase.DOORS, Phase.LIVE)
    guest = await evening.ticket(Role.GUEST, name="Aune")
    await evening.do(guest.seat, WriteLine, text="Hei")
    before = await evening.house.whole(ROOM)
    await evening.house.close_room(ROOM)
    assert await evening.house.whole(ROOM) == before


async def test_each_taking_over_raises_the_fence(evening: Evening) -> None:
    await evening.house.open(ROOM)
    first = evening.house.fence(ROOM)
    await evening.house.close_room(ROOM)
    await evening.house.open(ROOM)
    assert evening.house.fence(ROOM) == first + 1


async def test_many_who_come_at_once_open_a_room_once(evening: Evening) -> None:
    rooms = await asyncio.gather(*(evening.house.open(ROOM) for _ in range(10)))
    assert len({id(room) for room in rooms}) == 1


async def test_while_a_process_lives_no_other_takes_its_room(evening: Evening) -> None:
    guest = await evening.ticket(Role.GUEST, name="Aune")
    await evening.phase(Phase.DOORS)
    async with another(evening.database, evening.clock, "two") as other:
        with pytest.raises(Conflict):
            await other.open(ROOM)
        with pytest.raises(Unavailable) as refused:
            await write(other, guest.seat, "Hei", "key-other")
        assert refused.value.code == "no_owner"
        assert await other.whole(ROOM) == await evening.house.whole(ROOM)
    assert await evening.do(guest.seat, WriteLine, text="Hei") is not None


async def test_a_process_that_fell_silent_loses_its_room_and_notices(
    evening: Evening, monkeypatch: pytest.MonkeyPatch
) -> None:
    guest = await evening.ticket(Role.GUEST, name="Aune")
    await evening.phase(Phase.DOORS)
    first = await write(evening.house, guest.seat, "Hei", "key-before")
    # Another node of which the database believes that the first one died.
    monkeypatch.setattr(evening.house, "_adopt", False)
    await Owners(evening.database).leave("one")
    async with another(evening.database, evening.clock, "two") as other:
        await until(lambda: _running(other, [ROOM]))
        assert await write(other, guest.seat, "Hei", "key-before") == first
        await write(other, guest.seat, "Täällä taas", "key-after")
        lines = [line.text for line in other.state(ROOM).lines]
        assert lines == ["Hei", "Täällä taas"]
        with pytest.raises(Unavailable):
            await evening.do(guest.seat, WriteLine, text="myöhässä")
        await until(lambda: _running(evening.house, []))


async def test_what_others_did_while_they_had_the_room_is_told_when_it_comes_back(
    evening: Evening, monkeypatch: pytest.MonkeyPatch
) -> None:
    await evening.phase(Phase.DOORS)
    monkeypatch.setattr(evening.house, "_adopt", False)
    await Owners(evening.database).leave("one")
    async with another(evening.database, evening.clock, "two") as other:
        await until(lambda: _running(other, [ROOM]))
        await until(lambda: _running(evening.house, []))
        before = len(evening.heard)
        host = await evening.ticket(Role.HOST)
        command = SetPhase(id=1, key="key-live", phase=Phase.LIVE)
        await other.submit(Actor(host.seat, Role.HOST), ROOM, command)
    monkeypatch.setattr(evening.house, "_adopt", True)
    await until(lambda: _running(evening.house, [ROOM]))
    news = [(event.type, state.phase) for _, _, event, state in evening.heard[before:]]
    assert news == [("phase.changed", Phase.LIVE)]


async def _running(house: House, rooms: list[str]) -> bool:
    return await house.rooms_running() == rooms


async def test_a_node_that_could_not_beat_stops_by_its_own_clock(
    evening: Evening, monkeypatch: pytest.MonkeyPatch
) -> None:
    await evening.phase(Phase.DOORS)
    await Owners(evening.database).beat("another")
    await until(lambda: not evening.house._nodes._alone)

    async def fail(*_: str) -> None:
        raise OSError("no database")

    monkeypatch.setattr(evening.house._nodes._owners, "beat", fail)
    monkeypatch.setattr(evening.house, "_adopt", False)
    evening.clock.advance(NODE_TTL_MS - 500)
    await until(lambda: _running(evening.house, []))


async def test_running_rooms_open_by_themselves_when_their_owner_is_gone(
    evening: Evening,
) -> None:
    await evening.shows.plan(TURKU, plan(evening.clock, "toinen"), phase=Phase.LIVE)
    await until(lambda: _running(evening.house, ["toinen"]))
    async with another(evening.database, evening.clock, "two") as other:
        assert await other.rooms_running() == []
        await evening.house.close()
        await until(lambda: _running(other, ["toinen"]))


async def test_events_are_followed_on_any_node(evening: Evening) -> None:
    await evening.house.open(ROOM)
    async with another(evening.database, evening.clock, "two") as other:
        following = asyncio.create_task(_first(other))
        await evening.phase(Phase.DOORS)
        async with asyncio.timeout(5):
            assert '"phase":"doors"' in await following


async def _first(house: House) -> str:
    seq, _ = await house.whole(ROOM)
    events = house.events(ROOM, seq)
    row = await anext(events)
    await events.aclose()  # type: ignore[attr-defined]  # it is a generator
    return row.body


async def test_a_room_that_is_not_there_is_unknown(evening: Evening) -> None:
    with pytest.raises(Unknown):
        await evening.house.whole("nowhere")
    with pytest.raises(Unavailable):
        evening.house.state("nowhere")


async def test_one_rooms_failure_touches_no_other(evening: Evening) -> None:
    await evening.phase(Phase.DOORS)
    broken = await evening.house.open("kantele")
    await broken.close()
    guest = await evening.ticket(Role.GUEST, name="Aune")
    assert await evening.do(guest.seat, WriteLine, text="Hei") is not None
    assert (await evening.house.open("kantele")) is not broken


async def test_applause_comes_at_most_once_a_second(evening: Evening) -> None:
    await evening.house.open(ROOM)
    heard = evening.bus.subscribe(f"room/{ROOM}/transient")
    evening.house.applaud(ROOM, "aune", 3)
    first = await anext(heard)
    assert isinstance(first, Message)
    message = SERVER_MESSAGE.validate_json(first.body)
    assert message == ApplauseMessage(claps=3, seats=1)
    for _ in range(5):
        evening.house.applaud(ROOM, "veikko", 1)
    coming = asyncio.ensure_future(anext(heard))
    done, _ = await asyncio.wait({coming}, timeout=0.1)
    assert not done
    evening.clock.advance(1000)
    second = await coming
    assert isinstance(second, Message)
    assert SERVER_MESSAGE.validate_json(second.body) == ApplauseMessage(claps=5, seats=1)


async def test_the_archive_follows_the_end_and_nothing_else(evening: Evening) -> None:
    await evening.phase(Phase.DOORS, Phase.LIVE)
    await evening.house.archived(ROOM)
    assert evening.state().phase is Phase.LIVE
    await evening.phase(Phase.ENDED)
    await evening.house.archived(ROOM)
    assert evening.state().phase is Phase.ARCHIVED


async def test_the_rooms_that_a_node_has_are_listed_with_their_phases(evening: Evening) -> None:
    await evening.phase(Phase.DOORS)
    await evening.house.open("kantele")
    assert evening.house.rooms() == {ROOM: Phase.DOORS, "kantele": Phase.SCHEDULED}


async def test_a_house_closes_twice_and_then_takes_nothing(evening: Evening) -> None:
    host = await evening.ticket(Role.HOST)
    await evening.phase(Phase.DOORS)
    await evening.house.close()
    await evening.house.close()
    command = SetPhase(id=1, key="key-too-late", phase=Phase.LIVE)
    with pytest.raises(Unavailable):
        await evening.house.submit(Actor(host.seat, Role.HOST), ROOM, command)
    assert (await evening.shows.get(ROOM)).phase is Phase.DOORS
