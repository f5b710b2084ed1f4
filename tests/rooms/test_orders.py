"""The command line's orders: to the process that lives, or by a house of their own."""

from __future__ import annotations

import asyncio
import time

import pytest
from sqlalchemy import insert

from infra.clock import ManualClock
from infra.database import Database
from infra.errors import Conflict, Unavailable, Unknown
from infra.moment import Moment
from infra.whose import HOUSE
from rooms import orders
from rooms.notices import Notices, PhaseOrder
from rooms.phases import Phase, Role
from rooms.seats import Seats
from rooms.shows import Shows
from rooms.store import NODE_TTL_MS, Owners
from rooms.tables import NodeRow
from tests.rooms.conftest import ROOM, TURKU, Evening, organisation, plan, silent_for


@pytest.fixture
async def shows(database: Database, clock: ManualClock) -> Shows:
    shows = Shows(database, clock)
    await shows.add_organisation(organisation("Turku"))
    await shows.plan(TURKU, plan(clock, doors_at=None))
    return shows


async def test_where_no_server_runs_the_order_is_carried_out_by_itself(
    database_url: str, database: Database, shows: Shows
) -> None:
    assert await orders.set_phase(database_url, ROOM, Phase.DOORS) == 2
    show = await shows.get(ROOM)
    assert (show.phase, show.touched) == (Phase.DOORS, True)
    assert not await Owners(database).anybody()


async def test_a_ticket_is_revoked_without_a_server(
    database_url: str, database: Database, clock: ManualClock, shows: Shows
) -> None:
    seats = Seats(database, clock)
    guest = await seats.issue(TURKU, ROOM, Role.GUEST)
    await orders.revoke(database_url, guest.ticket)
    assert (await seats.seat(guest.seat)).status == "revoked"
    with pytest.raises(Unknown):
        await orders.revoke(database_url, "no-such-ticket")


async def test_a_refusal_reaches_who_ordered(database_url: str, shows: Shows) -> None:
    with pytest.raises(Conflict) as refused:
        await orders.set_phase(database_url, ROOM, Phase.ENDED)
    assert refused.value.code == "phase_order"
    with pytest.raises(Unknown):
        await orders.set_phase(database_url, "nowhere", Phase.DOORS)


async def test_a_running_server_carries_it_out_and_its_listeners_hear(evening: Evening) -> None:
    begun = time.monotonic()
    seq = await orders.place(evening.database, evening.clock, ROOM, PhaseOrder(phase=Phase.DOORS))
    assert time.monotonic() - begun < 2.0
    assert seq == evening.house.last_event(ROOM)
    assert evening.kinds() == ["phase.changed"]


async def test_two_orders_at_once_are_both_carried_out(evening: Evening) -> None:
    evening.house.subscribe(lambda *_: None)
    both = [
        orders.place(evening.database, evening.clock, room, PhaseOrder(phase=Phase.DOORS))
        for room in (ROOM, "kantele")
    ]
    assert None not in await asyncio.gather(*both)


async def test_without_an_answer_the_order_is_taken_back(
    database: Database, clock: ManualClock, shows: Shows
) -> None:
    async with database.unit_of_work(HOUSE) as session:  # a server that lives, and does nothing
        await session.execute(insert(NodeRow).values(id="deaf", seen_at_ms=Moment()))
    order = PhaseOrder(phase=Phase.DOORS)
    with pytest.raises(Unavailable) as refused:
        await orders.place(database, clock, ROOM, order, wait_s=0.2)
    assert refused.value.code == "no_answer"
    assert (await Notices(database, clock).look()).orders == []
    assert orders.WAIT_S <= 5.0


async def test_a_dead_servers_rooms_are_ours_once_its_beat_is_old(
    database: Database, clock: ManualClock, shows: Shows
) -> None:
    owners = Owners(database)
    await owners.beat("dead")
    await owners.claim(ROOM, "dead")
    await silent_for(database, NODE_TTL_MS)
    assert await orders.place(database, clock, ROOM, PhaseOrder(phase=Phase.DOORS)) == 2
