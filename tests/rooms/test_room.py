"""One room: each command is checked by what the database says of the seat, decided, stored, told."""

from __future__ import annotations

import asyncio
from typing import get_args

import pytest
from sqlalchemy import select

from infra.errors import BadInput, Conflict, Forbidden, Unavailable, Unknown
from infra.whose import HOUSE
from rooms.actors import Actor
from rooms.messages import (
    AirTaken,
    AnswerCompany,
    Applaud,
    AskCompany,
    ClientMessage,
    HandleHelp,
    Hello,
    HideLine,
    MediaStop,
    MediaView,
    RemoveSeat,
    SetName,
    SetPhase,
    TakeAir,
    WriteLine,
)
from rooms.phases import Phase, Role
from rooms.room import AUDITED, HANDLERS, QUEUE_LIMIT
from rooms.tables import AuditRow, SeatRow
from rooms.tickets import TicketStatus
from tests.rooms.conftest import ROOM, Evening, until

NOT_THE_ROOMS = {"hello", "applaud"}


def test_every_message_has_a_handler_or_is_not_the_rooms() -> None:
    handled = {kind.model_fields["type"].default for kind in HANDLERS}
    types = {model.model_fields["type"].default for model in get_args(get_args(ClientMessage)[0])}
    others = {name for name in types if name in NOT_THE_ROOMS or name.startswith("media.")}
    assert handled | others == types
    assert not handled & others
    assert set(AUDITED) <= set(HANDLERS)


@pytest.mark.parametrize(
    "command",
    [Hello(id=1), Applaud(id=1), MediaView(id=1), MediaStop(id=1, session="s")],
    ids=lambda command: command.type,
)
async def test_what_is_not_the_rooms_is_refused_there(evening: Evening, command: Hello) -> None:
    host = await evening.ticket(Role.HOST)
    with pytest.raises(BadInput):
        await evening.house.submit(Actor(host.seat, Role.HOST), ROOM, command)


async def test_the_role_comes_from_the_seat_whatever_the_asker_says(evening: Evening) -> None:
    guest = await evening.ticket(Role.GUEST)
    lying = Actor(guest.seat, Role.HOST, "Host")
    with pytest.raises(Forbidden) as refused:
        command = SetPhase(id=1, key="key-of-guest", phase=Phase.DOORS)
        await evening.house.submit(lying, ROOM, command)
    assert refused.value.code == "role"


async def test_a_seat_of_another_show_is_unknown_here(evening: Evening) -> None:
    guest = await evening.ticket(Role.GUEST)
    with pytest.raises(Unknown):
        await evening.do(guest.seat, WriteLine, room="kantele", text="Hei")
    with pytest.raises(Unknown):
        await evening.do("system", SetPhase, phase=Phase.DOORS)


async def test_a_command_outside_its_phase_is_refused_and_leaves_no_event(
    evening: Evening,
) -> None:
    guest = await evening.ticket(Role.GUEST, name="Aune")
    with pytest.raises(Conflict) as refused:
        await evening.do(guest.seat, WriteLine, text="Hei")
    assert refused.value.code == "phase"
    assert evening.heard == []


async def test_listeners_hear_in_order_right_after_the_commit(evening: Evening) -> None:
    await evening.phase(Phase.DOORS)
    guest = await evening.ticket(Role.GUEST, name="Aune")
    numbers = [await evening.do(guest.seat, WriteLine, text=f"rivi {n}") for n in range(10)]
    lines = [(seq, state.lines[-1].text) for _, seq, _, state in evening.heard[1:]]
    assert [seq for seq, _ in lines] == numbers
    assert [text for _, text in lines] == [f"rivi {n}" for n in range(10)]


async def test_a_failing_listener_stops_nothing(evening: Evening) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a listener's own fault")

    evening.house.subscribe(fail)
    await evening.phase(Phase.DOORS)
    assert evening.state().phase is Phase.DOORS


async def test_commands_of_many_are_carried_out_one_after_the_other(evening: Evening) -> None:
    await evening.phase(Phase.DOORS)
    seats = [(await evening.ticket(Role.GUEST, name=f"Guest {n}")).seat for n in range(8)]
    await asyncio.gather(*(evening.do(seat, WriteLine, text="Hei") for seat in seats * 3))
    assert [line.line for line in evening.state().lines] == list(range(1, 25))


async def test_the_same_key_again_changes_nothing_and_answers_alike(evening: Evening) -> None:
    await evening.phase(Phase.DOORS)
    aune = await evening.ticket(Role.GUEST, name="Aune")
    veikko = await evening.ticket(Role.GUEST, name="Veikko")
    first = await evening.do(aune.seat, WriteLine, text="Hei", key="one-intention")
    again = await evening.do(aune.seat, WriteLine, text="Hei", key="one-intention")
    assert first == again
    # The key is the seat's own: another's cannot swallow it.
    await evening.do(veikko.seat, WriteLine, text="Hei", key="one-intention")
    assert len(evening.state().lines) == 2


async def test_a_resend_is_answered_though_the_phase_has_gone_on(evening: Evening) -> None:
    host = await evening.ticket(Role.HOST)
    step = {"phase": Phase.DOORS, "key": "to-the-doors"}
    first = await evening.do(host.seat, SetPhase, **step)
    await evening.do(host.seat, SetPhase, phase=Phase.LIVE)
    assert await evening.do(host.seat, SetPhase, **step) == first
    assert evening.state().phase is Phase.LIVE


async def test_a_hosts_acts_are_kept_with_who_and_what(evening: Evening) -> None:
    host = await evening.ticket(Role.HOST)
    guest = await evening.ticket(Role.GUEST, name="Aune")
    await evening.do(host.seat, SetPhase, phase=Phase.DOORS)
    await evening.do(guest.seat, WriteLine, text="Hei")
    await evening.do(host.seat, HideLine, line=1)
    await evening.do(host.seat, RemoveSeat, seat=guest.seat)
    await evening.do(host.seat, HandleHelp, request=1)
    async with evening.database.reading(HOUSE) as session:
        rows = (await session.scalars(select(AuditRow).order_by(AuditRow.at_ms))).all()
    acts = {(row.actor, row.act, row.subject) for row in rows}
    assert acts == {
        (host.seat, "phase.set", "doors"),
        (host.seat, "line.hide", "1"),
        (host.seat, "seat.remove", guest.seat),
    }


async def test_a_removed_participant_cannot_come_back_on_that_ticket(evening: Evening) -> None:
    host = await evening.ticket(Role.HOST)
    guest = await evening.ticket(Role.GUEST, name="Aune", places=2)
    tablet, _ = await evening.seats.new_device()
    await evening.phase(Phase.DOORS)
    await evening.seats.enter(guest.seat, tablet)
    await evening.do(host.seat, RemoveSeat, seat=guest.seat)
    for seat in guest.seats:
        with pytest.raises(Forbidden) as refused:
            await evening.seats.enter(seat, tablet)
        assert (refused.value.code, refused.value.sentence) == ("removed", "err_removed")
        with pytest.raises(Forbidden):
            await evening.do(seat, WriteLine, text="Hei")
    found = await evening.seats.find(guest.secret, "link")
    assert found is not None
    assert found.status == TicketStatus.REMOVED
    await until(lambda: len(evening.revoked) == 2)
    assert (ROOM, guest.seat, "removed") in evening.revoked


async def test_a_host_takes_out_no_host_and_nobody_of_another_show(evening: Evening) -> None:
    host, second = await evening.ticket(Role.HOST), await evening.ticket(Role.HOST)
    with pytest.raises(Forbidden) as refused:
        await evening.do(host.seat, RemoveSeat, seat=second.seat)
    assert refused.value.code == "host_stays"
    with pytest.raises(Unknown):
        await evening.do(host.seat, RemoveSeat, seat="nobody")
    assert evening.heard == []


async def test_a_name_chosen_in_the_hall_is_the_seats_from_then_on(evening: Evening) -> None:
    await evening.phase(Phase.DOORS)
    guest = await evening.ticket(Role.GUEST)
    await evening.do(guest.seat, SetName, name="Aune")
    assert (await evening.seats.seat(guest.seat)).name == "Aune"
    await evening.do(guest.seat, WriteLine, text="Hei")
    assert evening.state().lines[0].name == "Aune"


async def test_a_companion_without_a_yes_may_ask_and_no_more(evening: Evening) -> None:
    await evening.phase(Phase.DOORS)
    guest = await evening.ticket(Role.GUEST, name="Aune")
    liisa = await evening.ticket(Role.COMPANION, companion_of=guest.ticket, name="Liisa")
    await evening.do(liisa.seat, AskCompany)
    with pytest.raises(Forbidden) as refused:
        await evening.house.snapshot(ROOM, liisa.seat, Role.COMPANION)
    assert refused.value.code == "no_company"
    await evening.do(guest.seat, AnswerCompany, companion=liisa.seat, yes=True)
    _, seen = await evening.house.snapshot(ROOM, liisa.seat, Role.COMPANION)
    assert [item.state for item in seen.company] == ["accepted"]


@pytest.mark.blocking_ms(1000)  # five hundred decisions that never wait, in one step
async def test_a_room_that_is_busy_says_so_and_recovers(evening: Evening) -> None:
    room = await evening.house.open(ROOM)
    flood = [room.decide(lambda state, now: ()) for _ in range(QUEUE_LIMIT + 5)]
    outcomes = await asyncio.gather(*flood, return_exceptions=True)
    busy = [one for one in outcomes if isinstance(one, Unavailable)]
    assert [one.code for one in busy] == ["busy"] * 5
    await evening.phase(Phase.DOORS)


async def test_an_artist_takes_the_air_in_rehearsal_and_keeps_it(evening: Evening) -> None:
    artist = await evening.ticket(Role.ARTIST)
    await evening.phase(Phase.REHEARSAL)
    await evening.do(artist.seat, TakeAir)
    await evening.phase(Phase.DOORS, Phase.LIVE)
    assert evening.state().on_air == artist.seat
    assert any(isinstance(event, AirTaken) for _, _, event, _ in evening.heard)


async def test_a_decision_that_fails_by_our_own_fault_ends_no_room(evening: Evening) -> None:
    room = await evening.house.open(ROOM)
    with pytest.raises(ZeroDivisionError):
        await room.decide(lambda state, now: [1 // 0])  # type: ignore[list-item]  # it never returns
    await evening.phase(Phase.DOORS)


async def test_a_closed_room_refuses_and_closes_again_without_harm(evening: Evening) -> None:
    room = await evening.house.open(ROOM)
    await room.close()
    await room.close()
    with pytest.raises(Unavailable):
        await room.perform("aune", Applaud(id=1), None, device=None)


async def test_the_seat_row_is_left_alone_by_a_refused_name(evening: Evening) -> None:
    guest = await evening.ticket(Role.GUEST)
    with pytest.raises(Conflict):
        await evening.do(guest.seat, SetName, name="Aune")
    async with evening.database.reading(HOUSE) as session:
        assert (await session.get_one(SeatRow, guest.seat)).name is None
