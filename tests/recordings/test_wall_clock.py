"""The wall clock is set an hour on and back during a show: takes, limits and presence go on as if not."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path

import pytest

from infra.bus_local import LocalPresence
from infra.clock import ManualClock
from infra.database import Database
from infra.limits import LocalLimits
from infra.storage import open_storage
from recordings.archive import Archive
from recordings.capture import Captures
from recordings.catalogue import Recordings
from recordings.disk import Disk
from tests.recordings.flashbeep import source
from tests.recordings.taking import FEED
from tests.recordings.test_capture import Feeds, takes

HOUR_MS = 3_600_000


@pytest.mark.one_database  # its rows' order is tried on both in test_archive
@pytest.mark.parametrize("step_ms", [HOUR_MS, -HOUR_MS])
async def test_takes_keep_length_order_and_times_when_the_clock_is_set(
    step_ms: int, database: Database, tmp_path: Path
) -> None:
    clock, feeds, storage = ManualClock(), Feeds(), open_storage("memory:///")
    taking = Captures(
        attach=feeds.attach,
        storage=storage,
        database=database,
        clock=clock,
        disk=Disk(tmp_path / "spool"),
    )
    began_s = clock.now().timestamp()
    items = await asyncio.to_thread(list, source(8, start_ms=clock.monotonic_ms()))
    await taking.start("hall", "helsinki", FEED, 1)
    for place, (track, batch) in enumerate(items):
        if place == len(items) // 2:
            clock.step(step_ms)
        feeds.send(track, batch)
    clock.advance(8_000)
    # The second stretch begins after the clock was set: its times are the new clock's.
    await taking.start("hall", "helsinki", FEED, 3)
    later = clock.monotonic_ms() + 5_000
    for track, batch in await asyncio.to_thread(list, source(4, start_ms=later)):
        feeds.send(track, batch)
    clock.advance(9_000)
    await taking.settle("hall")
    found = await takes(database)
    assert [(take.number, take.epoch) for take in found] == [(1, 1), (2, 3)]
    assert [take.duration_ms for take in found] == [
        pytest.approx(8_000, abs=100),
        pytest.approx(4_000, abs=100),
    ]
    assert found[0].started_ms / 1000 == pytest.approx(began_s, abs=0.2)
    assert found[1].started_ms / 1000 == pytest.approx(began_s + 13 + step_ms / 1000, abs=0.2)
    archive = Archive(captures=taking, database=database, storage=storage, clock=clock)
    made = await archive.run("hall", "helsinki", "at_once")
    assert made is not None
    assert made.duration_ms == pytest.approx(12_000, abs=200)
    entries = (await Recordings(database, storage, clock).manifest("hall")).entries
    assert [entry.discontinuity for entry in entries].count(True) == 2
    assert entries[0].wall_s == pytest.approx(began_s, abs=0.2), "the first stretch comes first"
    first = entries[:4]
    for one, after in pairwise(first):
        assert after.wall_s - one.wall_s == pytest.approx(one.duration_s, abs=0.02)
    await taking.close()


async def test_limits_and_presence_do_not_notice() -> None:
    clock = ManualClock()
    limits, presence = LocalLimits(clock), LocalPresence(clock)
    await presence.beat("hall", "seat", "node", 45.0)
    for step_ms in (HOUR_MS, -2 * HOUR_MS):
        assert await limits.hit("wrong secret", str(step_ms), amount=1, per_s=60)
        clock.step(step_ms)
        assert not await limits.hit("wrong secret", str(step_ms), amount=1, per_s=60)
        assert await presence.present("hall") == {"seat"}
    clock.advance(46_000)
    assert await presence.present("hall") == frozenset()
