"""Following a room: from the call on, bounded, and never blocking who tells."""

from __future__ import annotations

import asyncio

from streaming import listeners
from streaming.listeners import Listeners
from streaming.ports import Gap, RoomId, SeatId, SessionDown, SessionId


def down(number: int) -> SessionDown:
    return SessionDown(RoomId("r"), SeatId("s"), SessionId(str(number)), "closed")


async def test_what_is_told_after_the_call_is_heard_in_order() -> None:
    room = Listeners()
    room.tell(down(0))
    events = room.follow()
    room.tell(down(1))
    room.tell(down(2))
    assert [await anext(events), await anext(events)] == [down(1), down(2)]


async def test_a_slow_listener_gets_a_gap_instead_of_what_it_missed() -> None:
    room = Listeners()
    events = room.follow()
    for number in range(listeners.MAX_WAITING + 2):
        room.tell(down(number))
    assert await anext(events) == Gap()
    assert await anext(events) == down(listeners.MAX_WAITING + 1)


async def test_closing_ends_every_following_after_what_was_told() -> None:
    room = Listeners()
    events = room.follow()
    room.tell(down(1))
    room.close()
    assert [each async for each in events] == [down(1)]
    assert [each async for each in room.follow()] == []


async def test_a_cancelled_listener_is_forgotten() -> None:
    room = Listeners()
    events = room.follow()
    task = asyncio.ensure_future(anext(events))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert not room._followers
