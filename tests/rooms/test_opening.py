"""Rooms that open slowly or not at all, and a house that closes without its rows: nothing else waits."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from infra.errors import Unavailable
from infra.ports import Logged
from rooms.nodes import Nodes
from rooms.phases import Phase
from rooms.store import Owners
from tests.rooms.conftest import ROOM, Evening


class SlowLog:
    """The house's log, of which one room's rows come only when `go` is set, and fail where they should."""

    def __init__(self, evening: Evening, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked, self.go = asyncio.Event(), asyncio.Event()
        self.fails = False
        self._read = evening.house._log.read
        monkeypatch.setattr(evening.house._log, "read", self.read)

    async def read(self, room: str, *more: Any, **others: Any) -> Sequence[Logged]:
        """As `Log.read`."""
        if room == ROOM:
            self.asked.set()
            await self.go.wait()
            if self.fails:
                raise OSError("the rows are away")
        return await self._read(room, *more, **others)


@pytest.fixture
def log(evening: Evening, monkeypatch: pytest.MonkeyPatch) -> SlowLog:
    return SlowLog(evening, monkeypatch)


async def test_a_room_that_opens_slowly_holds_up_no_other(evening: Evening, log: SlowLog) -> None:
    slow = asyncio.create_task(evening.house.open(ROOM))
    await log.asked.wait()
    async with asyncio.timeout(5):
        await evening.house.open("kantele")
    assert not slow.done()
    log.go.set()
    await slow
    assert set(evening.house.rooms()) == {ROOM, "kantele"}
    assert not evening.house._opening, "what nobody opens any more is forgotten"


@pytest.mark.parametrize("how", ["failed", "cancelled"])
async def test_a_room_that_was_not_opened_has_no_owner(
    how: str, evening: Evening, log: SlowLog
) -> None:
    opening = asyncio.create_task(evening.house.open(ROOM))
    await log.asked.wait()
    owner = await Owners(evening.database).owner(ROOM)
    assert owner is not None
    if how == "cancelled":
        opening.cancel()
    log.fails = True
    log.go.set()
    await asyncio.wait({opening})
    assert await Owners(evening.database).owner(ROOM) is None


async def test_a_room_that_opens_while_the_house_closes_is_given_back(
    evening: Evening, log: SlowLog
) -> None:
    opening = asyncio.create_task(evening.house.open(ROOM))
    await log.asked.wait()
    closing = asyncio.create_task(evening.house.close())
    while not evening.house._closed:
        await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await evening.house.open("kantele")
    log.go.set()
    await asyncio.wait({opening, closing})
    assert evening.house.rooms() == {}
    assert await Owners(evening.database).owner(ROOM) is None


async def test_a_house_closes_though_its_rows_cannot_be_reached(
    evening: Evening, monkeypatch: pytest.MonkeyPatch
) -> None:
    await evening.phase(Phase.DOORS)

    async def away(*_: Any) -> None:
        raise OSError("no database")

    for verb in ("release", "leave"):
        monkeypatch.setattr(evening.house._nodes._owners, verb, away)
    await evening.house.close()
    assert evening.house.rooms() == {}


@pytest.mark.parametrize(("others", "stops_ms"), [(True, 7_000), (False, 600_000)])
async def test_a_node_that_cannot_beat_stops_in_the_end_though_it_was_alone(
    others: bool, stops_ms: int, evening: Evening
) -> None:
    if others:
        await Owners(evening.database).beat("another")
    nodes = Nodes(Owners(evening.database), evening.bus, evening.clock, "one", "")
    await nodes.beat()
    evening.clock.advance(stops_ms)
    assert not nodes.silent
    evening.clock.advance(1)
    assert nodes.silent
