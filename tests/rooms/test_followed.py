"""Rooms of another node: read once, gone on with, and let go."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from infra.bus_local import LocalBus
from infra.clock import ManualClock
from infra.database import Database
from infra.ports import Logged
from rooms.followed import Followed
from rooms.messages import Named
from rooms.phases import Phase
from rooms.shows import Shows
from rooms.store import Log, Owners
from tests.rooms.conftest import ROOM, TURKU, organisation, plan, until


class CountedLog(Log):
    """The log, and from where it was read."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        super().__init__(database, LocalBus(), clock)
        self.read_after: list[int] = []

    async def read(self, room: str, after: int, limit: int = 500) -> Sequence[Logged]:
        self.read_after.append(after)
        return await super().read(room, after, limit)


@pytest.mark.one_database  # what is read is tried on both in test_store.py
async def test_a_look_reads_what_is_new_and_a_room_nobody_looks_at_is_let_go(
    database: Database, clock: ManualClock
) -> None:
    shows = Shows(database, clock)
    await shows.add_organisation(organisation("Turku"))
    await shows.plan(TURKU, plan(clock), phase=Phase.DRAFT)
    log = CountedLog(database, clock)
    fence = await Owners(database).claim(ROOM, "one")
    aune = Named(seat="aune", name="Aune").model_dump_json()
    await log.append(ROOM, fence, [aune])

    followed = Followed(log)
    for _ in range(2):
        assert (await followed.whole(ROOM))[0] == 1
    assert log.read_after == [0, 1, 1], "the second look goes on from the first"
    assert followed.rooms == {ROOM}
    followed.forget(ROOM)
    assert followed.rooms == set()

    brief = Followed(log, kept_s=0.0)
    await brief.whole(ROOM)
    await until(lambda: brief.rooms == set())
    await log.append(ROOM, fence, [aune])
    assert (await brief.whole(ROOM))[0] == 2, "whole again at the next look"
