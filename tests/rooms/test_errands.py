"""Time and other processes come to rooms as rows: doors, silence, orders, revocations."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from infra.errors import Conflict, Unknown
from infra.whose import HOUSE
from rooms.messages import AnswerCompany, AskCompany, PhaseChanged
from rooms.notices import Notices, PhaseOrder, RevokeOrder
from rooms.orders import place
from rooms.phases import Phase, Role
from rooms.tables import DueRow, RoomOrderRow
from rooms.tickets import TicketStatus
from tests.rooms.conftest import ROOM, TURKU, Evening, plan, until

MINUTE_MS = 60_000


async def due(evening: Evening) -> list[str]:
    async with evening.database.reading(HOUSE) as session:
        rows = await session.scalars(select(DueRow).where(DueRow.room == ROOM))
        return [row.what for row in rows.all()]


async def phase_is(evening: Evening, phase: Phase) -> bool:
    return (await evening.shows.get(ROOM)).phase is phase


async def answered(notices: Notices, order: str) -> bool:
    return await notices.reply(order) is not None


async def test_the_doors_open_at_their_time_and_not_before(evening: Evening) -> None:
    evening.clock.advance(45 * MINUTE_MS - 1)
    await asyncio.sleep(0.1)
    assert await phase_is(evening, Phase.SCHEDULED)
    evening.clock.advance(1)
    await until(lambda: phase_is(evening, Phase.DOORS))
    await until(lambda: evening.kinds() == ["phase.changed"])
    assert await due(evening) == []
    assert not (await evening.shows.get(ROOM)).touched


async def test_doors_that_a_host_opened_are_not_due_any_more(evening: Evening) -> None:
    assert await due(evening) == ["doors"]
    await evening.phase(Phase.REHEARSAL)
    assert await due(evening) == ["doors"]
    await evening.phase(Phase.DOORS)
    assert await due(evening) == []
    assert (await evening.shows.get(ROOM)).touched


async def test_a_draft_has_no_doors_until_it_is_published(evening: Evening) -> None:
    async def waits() -> int:
        async with evening.database.reading(HOUSE) as session:
            rows = await session.scalars(select(DueRow).where(DueRow.room == "luonnos"))
            return len(rows.all())

    await evening.shows.plan(TURKU, plan(evening.clock, "luonnos"), phase=Phase.DRAFT)
    assert await waits() == 0
    order = PhaseOrder(phase=Phase.SCHEDULED)
    await place(evening.database, evening.clock, "luonnos", order)
    assert await waits() == 1


async def test_a_new_time_for_the_doors_replaces_the_old_one(evening: Evening) -> None:
    later = plan(evening.clock, doors_at=None)
    await evening.shows.plan(TURKU, later)
    assert await due(evening) == []
    evening.clock.advance(60 * MINUTE_MS)
    await asyncio.sleep(0.1)
    assert await phase_is(evening, Phase.SCHEDULED)


async def test_silence_for_a_minute_is_a_no(evening: Evening) -> None:
    await evening.phase(Phase.DOORS, Phase.LIVE)
    guest = await evening.ticket(Role.GUEST)
    liisa = await evening.ticket(Role.COMPANION, companion_of=guest.ticket, name="Liisa")
    await evening.do(liisa.seat, AskCompany)
    assert await due(evening) == ["silence"]
    evening.clock.advance(MINUTE_MS)
    await until(lambda: evening.state().company[0].state == "silent")
    with pytest.raises(Conflict):
        await evening.do(guest.seat, AnswerCompany, companion=liisa.seat, yes=True)
    assert await due(evening) == []


async def test_company_that_was_accepted_is_not_silenced(evening: Evening) -> None:
    await evening.phase(Phase.DOORS, Phase.LIVE)
    guest = await evening.ticket(Role.GUEST)
    liisa = await evening.ticket(Role.COMPANION, companion_of=guest.ticket, name="Liisa")
    await evening.do(liisa.seat, AskCompany)
    await evening.do(guest.seat, AnswerCompany, companion=liisa.seat, yes=True)
    evening.clock.advance(5 * MINUTE_MS)
    await asyncio.sleep(0.1)
    assert evening.state().company[0].state == "accepted"


async def test_a_companions_link_on_another_device_needs_a_new_yes(evening: Evening) -> None:
    await evening.phase(Phase.DOORS, Phase.LIVE)
    guest = await evening.ticket(Role.GUEST)
    liisa = await evening.ticket(Role.COMPANION, companion_of=guest.ticket, name="Liisa")
    first, second = [(await evening.seats.new_device())[0] for _ in range(2)]
    await evening.seats.enter(liisa.seat, first)
    await evening.do(liisa.seat, AskCompany)
    await evening.do(guest.seat, AnswerCompany, companion=liisa.seat, yes=True)
    await evening.seats.enter(liisa.seat, second, move=True)
    await until(lambda: evening.state().company[0].state == "ended")


async def test_a_guest_who_moves_to_another_device_keeps_their_company(evening: Evening) -> None:
    await evening.phase(Phase.DOORS, Phase.LIVE)
    guest = await evening.ticket(Role.GUEST)
    liisa = await evening.ticket(Role.COMPANION, companion_of=guest.ticket, name="Liisa")
    first, second = [(await evening.seats.new_device())[0] for _ in range(2)]
    await evening.seats.enter(guest.seat, first)
    await evening.do(liisa.seat, AskCompany)
    await evening.do(guest.seat, AnswerCompany, companion=liisa.seat, yes=True)
    await evening.seats.enter(guest.seat, second, move=True)
    await until(lambda: (ROOM, guest.seat, "moved") in evening.revoked)
    assert evening.state().company[0].state == "accepted"


async def test_an_order_is_carried_out_and_answered(evening: Evening) -> None:
    notices = Notices(evening.database, evening.clock)
    order = await notices.place(ROOM, PhaseOrder(phase=Phase.DOORS))
    await until(lambda: answered(notices, order))
    reply = await notices.reply(order)
    assert reply is not None
    assert reply.outcome() == evening.house.last_event(ROOM)
    assert (await evening.shows.get(ROOM)).touched


async def test_an_order_against_the_table_is_answered_with_its_refusal(evening: Evening) -> None:
    notices = Notices(evening.database, evening.clock)
    order = await notices.place(ROOM, PhaseOrder(phase=Phase.LIVE))
    await until(lambda: answered(notices, order))
    reply = await notices.reply(order)
    assert reply is not None
    with pytest.raises(Conflict) as refused:
        reply.outcome()
    assert refused.value.code == "phase_order"


async def test_an_order_that_cannot_be_read_blocks_no_other(evening: Evening) -> None:
    notices = Notices(evening.database, evening.clock)
    broken = await notices.place(ROOM, PhaseOrder(phase=Phase.DOORS))
    async with evening.database.unit_of_work(HOUSE) as session:
        row = await session.get(RoomOrderRow, broken)
        if row is not None and row.done_at_ms is None:
            row.body = "nothing"
    good = await notices.place("kantele", PhaseOrder(phase=Phase.DOORS))
    await until(lambda: answered(notices, good))
    await until(lambda: answered(notices, broken))
    assert (await evening.shows.get("kantele")).phase is Phase.DOORS


async def test_a_revoked_ticket_takes_its_seats_out_of_the_room(evening: Evening) -> None:
    await evening.phase(Phase.DOORS)
    guest = await evening.ticket(Role.GUEST, places=2)
    notices = Notices(evening.database, evening.clock)
    order = await notices.place(ROOM, RevokeOrder(ticket=guest.ticket))
    await until(lambda: answered(notices, order))
    assert set(evening.state().removed) == set(guest.seats)
    assert (await evening.seats.seat(guest.seat)).status == TicketStatus.REVOKED
    await until(lambda: len(evening.revoked) == 2)
    assert {reason for _, _, reason in evening.revoked} == {"revoked"}


async def test_a_revocation_is_told_once(evening: Evening) -> None:
    guest = await evening.ticket(Role.GUEST)
    await evening.seats.revoke(TURKU, guest.ticket)
    await until(lambda: bool(evening.revoked))
    await asyncio.sleep(0.1)
    assert evening.revoked == [(ROOM, guest.seat, "revoked")]


async def test_an_order_for_no_room_is_refused_at_once(evening: Evening) -> None:
    notices = Notices(evening.database, evening.clock)
    with pytest.raises(Unknown):
        await notices.place("nowhere", PhaseOrder(phase=Phase.DOORS))


async def test_an_order_that_was_withdrawn_is_not_carried_out(evening: Evening) -> None:
    await evening.house.close()
    notices = Notices(evening.database, evening.clock)
    order = await notices.place(ROOM, PhaseOrder(phase=Phase.DOORS))
    assert await notices.withdraw(order)
    assert not await notices.withdraw(order)
    assert (await notices.look()).orders == []


async def test_doors_that_opened_are_an_event_of_nobodys(evening: Evening) -> None:
    evening.clock.advance(45 * MINUTE_MS)
    await until(lambda: bool(evening.heard))
    _, _, event, state = evening.heard[0]
    assert event == PhaseChanged(phase=Phase.DOORS, epoch=state.epoch, at=state.phase_at)
