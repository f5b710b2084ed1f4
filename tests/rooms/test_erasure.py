"""What a table promises not to keep is gone in time, and nothing before it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import func, insert, select, update

from infra.clock import to_ms
from infra.database import Base, Database
from infra.errors import Unknown
from infra.whose import HOUSE
from rooms import erasure
from rooms.erasure import erase_old, erase_regularly
from rooms.house import House, alone
from rooms.messages import (
    AirLeft,
    AnswerCompany,
    AskCompany,
    AskHelp,
    HideLine,
    RemoveSeat,
    SetName,
    Snapshot,
    TakeAir,
    WriteLine,
)
from rooms.notices import Notices, PhaseOrder
from rooms.phases import Phase, Role
from rooms.seats import Issued
from rooms.tables import NodeRow, RevocationRow
from tests.rooms.conftest import OULU, ROOM, Evening, plan

DAY_MS = 24 * 3600 * 1000

TO_THE_END = (Phase.REHEARSAL, Phase.DOORS, Phase.LIVE, Phase.ENDED, Phase.ARCHIVED)

KEPT_WITH_THE_SHOW = {"organisation", "show", "room", "room_event"}


async def rows(database: Database) -> dict[str, int]:
    """How many rows each of our tables has, those with none left out."""
    async with database.reading(HOUSE) as session:
        found = {
            name: await session.scalar(select(func.count()).select_from(table)) or 0
            for name, table in Base.metadata.tables.items()
        }
    return {name: count for name, count in found.items() if count}


async def played(evening: Evening) -> Issued:
    """An evening in which everything happens that leaves a row; returns the guest's ticket."""
    guest, other = await evening.ticket(Role.GUEST, name="Aune"), await evening.ticket(Role.GUEST)
    companion = await evening.ticket(Role.COMPANION, companion_of=guest.ticket)
    artist, host = await evening.ticket(Role.ARTIST), await evening.ticket(Role.HOST)
    device, _ = await evening.seats.new_device()
    await evening.seats.enter(guest.seat, device)
    tablet, _ = await evening.seats.new_device()
    await evening.seats.enter(guest.seat, tablet, move=True)
    await evening.seats.rotate(tablet)
    await evening.phase(*TO_THE_END[:3])
    await evening.do(artist.seat, TakeAir)
    await evening.do(guest.seat, SetName, name="Aune K")
    await evening.do(guest.seat, WriteLine, text='"type":"phase.changed"')
    await evening.do(guest.seat, WriteLine, text="Kaunista.")
    await evening.do(host.seat, HideLine, line=2)
    await evening.do(guest.seat, AskHelp)
    await evening.do(companion.seat, AskCompany)
    await evening.do(guest.seat, AnswerCompany, companion=companion.seat, yes=True)
    await evening.do(host.seat, RemoveSeat, seat=other.seat)
    notices = Notices(evening.database, evening.clock)
    order = await notices.place(ROOM, PhaseOrder(phase=Phase.LIVE))
    async with asyncio.timeout(10):
        while await notices.reply(order) is None:
            await asyncio.sleep(0.005)
    async with evening.database.unit_of_work(HOUSE) as session:
        gone = {"id": "gone", "seen_at_ms": to_ms(evening.clock.now())}
        await session.execute(insert(NodeRow).values(gone))
        # Revocations stand at the database's moment, and this evening at its own.
        await session.execute(update(RevocationRow).values(at_ms=to_ms(evening.clock.now())))
    return guest


async def ended(evening: Evening) -> Issued:
    """The same, brought into the archive two hours later."""
    guest = await played(evening)
    evening.clock.advance(2 * 3600 * 1000)
    await evening.phase(*TO_THE_END[3:])
    await evening.house.close()
    return guest


@asynccontextmanager
async def next_house(evening: Evening) -> AsyncIterator[House]:
    """A house that knows of the room what the rows say."""
    house = alone(evening.database, evening.clock, "next")
    try:
        yield house
    finally:
        await house.close()


async def reread(evening: Evening) -> tuple[int, Snapshot]:
    """The room as it is loaded from its rows."""
    async with next_house(evening) as house:
        return await house.whole(ROOM)


async def erased_after(evening: Evening, days: float) -> Mapping[str, int]:
    """What goes when the clock is turned on so far."""
    evening.clock.advance(days * DAY_MS)
    return await erase_old(evening.database, evening.clock.now())


async def test_nothing_young_goes(evening: Evening) -> None:
    await ended(evening)
    before = await rows(evening.database)
    assert await erased_after(evening, 13.9) == {}
    assert await rows(evening.database) == before


async def test_help_and_technical_facts_go_after_fourteen_days_and_the_rest_stays(
    evening: Evening,
) -> None:
    await ended(evening)
    before = await reread(evening)
    gone = await erased_after(evening, 14.1)
    assert set(gone) == {"room_event", "revocation", "room_order", "node"}
    assert gone["room_event"] == 1
    _, state = await reread(evening)
    assert before[1].help
    assert state == before[1].model_copy(update={"help": ()})


async def test_after_thirty_days_only_the_show_its_phases_and_the_acts_are_left(
    evening: Evening,
) -> None:
    guest = await ended(evening)
    show = await evening.shows.get(ROOM)
    _, before = await reread(evening)
    assert before.lines[0].text == '"type":"phase.changed"'
    await erased_after(evening, 30.1)
    assert set(await rows(evening.database)) == KEPT_WITH_THE_SHOW | {"audit"}
    _, state = await reread(evening)
    assert (state.phase, state.epoch, state.phase_at) == (
        Phase.ARCHIVED,
        before.epoch,
        before.phase_at,
    )
    assert (state.lines, state.names, state.company, state.removed) == ((), {}, (), ())
    assert await evening.shows.get(ROOM) == show
    with pytest.raises(Unknown):
        await evening.seats.seat(guest.seat)


async def test_acts_go_after_two_years(evening: Evening) -> None:
    await ended(evening)
    await erased_after(evening, 729)
    assert (await rows(evening.database))["audit"]
    assert set(await erased_after(evening, 2)) == {"audit"}
    assert set(await rows(evening.database)) == KEPT_WITH_THE_SHOW


async def test_a_second_sweep_finds_nothing(evening: Evening) -> None:
    await ended(evening)
    assert await erased_after(evening, 800)
    assert await erased_after(evening, 0) == {}


async def test_more_than_a_portion_goes_in_one_sweep(
    evening: Evening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "PORTION", 2)
    await ended(evening)
    await erased_after(evening, 800)
    assert set(await rows(evening.database)) == KEPT_WITH_THE_SHOW


@pytest.mark.parametrize("what", ["a ticket", "an event"])
async def test_a_room_in_which_something_happens_is_left_alone_however_old_its_date(
    evening: Evening, what: str
) -> None:
    guest = await played(evening)
    await evening.house.close()
    evening.clock.advance(29 * DAY_MS)
    if what == "a ticket":
        await evening.ticket(Role.GUEST)
    else:
        async with next_house(evening) as house:
            room = await house.open(ROOM)
            await room.decide(lambda state, now: (AirLeft(seat=guest.seat),))
    before = await reread(evening)
    assert before[1].lines
    gone = await erased_after(evening, 13)
    assert not set(gone) & {"room_event", "ticket", "seat", "secret", "audit"}
    assert await reread(evening) == before


async def test_a_show_that_nobody_brought_to_its_end_is_over_all_the_same(
    evening: Evening,
) -> None:
    await played(evening)
    await evening.house.close()
    await erased_after(evening, 31)
    assert set(await rows(evening.database)) == KEPT_WITH_THE_SHOW | {"audit"}
    assert (await reread(evening))[1].phase is Phase.LIVE


async def test_a_device_that_sits_at_a_later_show_stays(evening: Evening) -> None:
    device, secret = await evening.seats.new_device()
    first = await evening.ticket(Role.GUEST, name="Aune")
    await evening.seats.enter(first.seat, device)
    await ended(evening)
    evening.clock.advance(20 * DAY_MS)
    await evening.shows.plan(OULU, plan(evening.clock, "huilu", "oulu", doors_at=None))
    later = await evening.seats.issue(OULU, "huilu", Role.GUEST, name="Aune")
    await evening.seats.enter(later.seat, device)
    await erased_after(evening, 15)
    assert await evening.seats.holds(later.seat, device)
    assert await evening.seats.device(secret) == device
    with pytest.raises(Unknown):
        await evening.seats.seat(first.seat)


async def test_numbers_go_on_where_they_were_when_the_last_events_are_gone(
    evening: Evening,
) -> None:
    guest = await played(evening)
    await evening.phase(Phase.ENDED)
    await evening.do(guest.seat, WriteLine, text="Kiitos!")
    last = evening.house.last_event(ROOM)
    await evening.house.close()
    await erased_after(evening, 31)
    async with next_house(evening) as house:
        assert (await house.whole(ROOM))[0] < last
        await house.archived(ROOM)
        assert house.last_event(ROOM) == last + 1
        assert house.state(ROOM).phase is Phase.ARCHIVED
    assert (await reread(evening))[0] == last + 1


async def test_the_server_sweeps_at_once_and_a_failing_sweep_ends_nothing(
    evening: Evening, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ended(evening)
    evening.clock.advance(800 * DAY_MS)
    monkeypatch.setattr(erasure, "EVERY_S", 0.0)
    swept = asyncio.Event()
    failures = iter([RuntimeError("the disk is away")])

    async def sweep(database: Database, now: object) -> dict[str, int]:
        for failure in failures:
            raise failure
        gone = await erase_old(database, evening.clock.now())
        swept.set()
        return gone

    monkeypatch.setattr(erasure, "erase_old", sweep)
    sweeping = asyncio.create_task(erase_regularly(evening.database, evening.clock))
    async with asyncio.timeout(10):
        await swept.wait()
    sweeping.cancel()
    await asyncio.gather(sweeping, return_exceptions=True)
    assert set(await rows(evening.database)) == KEPT_WITH_THE_SHOW
