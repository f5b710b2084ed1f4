"""A server killed in the middle of a live show: the recording has what came before and what came after."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path

import aiohttp
import pytest

from rooms.orders import set_phase
from rooms.phases import Phase, Role
from tests.evening.house import TestHouse
from tests.evening.recorded import decoded
from tests.evening.test_no_codecs import SHOW, demo_artist

AFTER_S = 4.0
"""A take's first seconds are held back for the sender reports: only from then on nothing is lost."""


def takes(house: TestHouse) -> set[str]:
    """The takes in the spool of which something is written."""
    spool = Path(house.folder) / "spool"
    return {path.parent.name for path in spool.glob("*/*.m4s*") if path.stat().st_size}


async def another(house: TestHouse, than: set[str]) -> None:
    """Wait until a take begins that was not there before."""
    async with asyncio.timeout(60):
        while not takes(house) - than:
            await asyncio.sleep(0.05)


@pytest.mark.blocking_ms(1000)
async def test_a_show_whose_server_is_killed_is_recorded_on_both_sides(house: TestHouse) -> None:
    await house.show(SHOW, Phase.LIVE)
    artist = await house.ticket(SHOW, Role.ARTIST, "Viena")
    async with demo_artist(house, await house.key(artist, "broadcast")):
        await another(house, set())
        await asyncio.sleep(AFTER_S)
        before = takes(house)
        assert await house.stop(signal.SIGKILL) == -signal.SIGKILL
        await house.start()
        await another(house, before)
        await asyncio.sleep(AFTER_S)
        await set_phase(house.database_url, SHOW, Phase.ENDED)
        ended = time.monotonic()
        async with aiohttp.ClientSession() as http, asyncio.timeout(20):
            while True:
                async with http.get(f"{house.url}/recordings/{SHOW}") as answer:
                    if answer.status == 200:
                        break
                await asyncio.sleep(0.05)
        assert time.monotonic() - ended < 10
    stretches = await decoded(house.url, SHOW)
    assert len(stretches) == 2
    for stretch in stretches:
        assert stretch.seen.pictures[-1] - stretch.seen.pictures[0] > AFTER_S - 1
        assert min(stretch.loudness) > 0
