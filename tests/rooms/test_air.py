"""One is on air at a time, and only who is on air leaves it."""

from __future__ import annotations

from rooms import air
from rooms.messages import AirLeft, AirTaken, LeaveAir, TakeAir
from rooms.state import empty, reduce
from tests.rooms.evenings import KEY, ONNI, VIENA

EMPTY = empty("viulu")
TAKE, LEAVE = TakeAir(id=1, key=KEY), LeaveAir(id=1, key=KEY)


def test_the_newest_takes_the_air_from_the_one_before() -> None:
    state = reduce(EMPTY, AirTaken(seat="viena"))
    assert air.take(state, VIENA, TAKE, 1) == ()
    assert air.take(state, ONNI, TAKE, 1) == (AirTaken(seat="onni"),)


def test_only_who_is_on_air_leaves_it() -> None:
    state = reduce(EMPTY, AirTaken(seat="viena"))
    assert air.leave(state, ONNI, LEAVE, 1) == ()
    assert air.leave(state, VIENA, LEAVE, 1) == (AirLeft(seat="viena"),)


def test_one_who_left_after_another_took_over_does_not_empty_the_air() -> None:
    state = reduce(EMPTY, AirTaken(seat="onni"))
    assert reduce(state, AirLeft(seat="viena")).on_air == "onni"
