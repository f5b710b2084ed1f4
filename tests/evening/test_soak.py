"""Half an hour of comings and goings, with a kill every five minutes: nothing grows.

`SOAK_S` is how long in seconds (1800 unless given), `SOAK_LIFE_S` how long the server lives between two
kills (300).
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import signal
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import pytest

from rooms.phases import Role
from tests.conftest import Figures
from tests.evening.house import TestHouse, opened_house
from tests.evening.screen import Screen
from tests.evening.test_no_codecs import SHOW, demo_artist, watch
from tests.streaming.light import LightPeer
from tests.web.conftest import Browser

SOAK_S = float(os.environ.get("SOAK_S", "1800"))
LIFE_S = float(os.environ.get("SOAK_LIFE_S", "300"))
WARM_S = 25.0
STAY_S = (2.0, 25.0)
EACH_S = 1.0
SEATS = 31
"""More than come by a page within the longest stay, so that nobody's seat is taken from him."""


@dataclass(frozen=True)
class Weight:
    """What a server holds, with nobody but the artist there."""

    memory_mb: float
    descriptors: float
    tasks: float


@dataclass
class Crowd:
    """People who come each second and stay a while: one with a picture, one with a page's socket."""

    house: TestHouse
    http: aiohttp.ClientSession
    viewing: str
    links: list[str]
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    came: int = 0
    refused: list[str] = field(default_factory=list)
    """What the button was answered instead of the hall; a person would press again."""
    gave_up: int = 0

    async def churn(self, seconds: float) -> None:
        """Comings each second for so long; returns when the last has left."""
        end = asyncio.get_running_loop().time() + seconds
        async with asyncio.TaskGroup() as visits:
            for number in itertools.count():
                if asyncio.get_running_loop().time() > end:
                    return
                visits.create_task(self._visit(number))
                await asyncio.sleep(EACH_S)

    async def _visit(self, number: int) -> None:
        """By WHEP or by a socket; half of those by WHEP vanish without a word."""
        self.came += 1
        stay_s = self.chance.uniform(*STAY_S)
        async with AsyncExitStack() as stack:
            if number % 3 == 2:
                browser = Browser(self.house.url, self.http)
                seat = await browser.open(self.links[number % len(self.links)])
                answer = await browser.press(seat, move=True)
                if answer.status != 200:
                    self.refused.append(await answer.text())
                    return
                screen = Screen(browser, seat)
                stack.push_async_callback(screen.close)
                await asyncio.sleep(stay_s)
                return
            peer = await watch(self.house, self.http, self.viewing)
            stack.push_async_callback(peer.close)
            await asyncio.sleep(stay_s)
            self._heard(peer)
            if number % 3:
                peer.vanish()

    def _heard(self, peer: LightPeer) -> None:
        if not peer.texts("audio") or not peer.texts("video"):
            self.gave_up += 1


async def gauges(house: TestHouse, http: aiohttp.ClientSession) -> dict[str, float]:
    """The server's figures by name and labels."""
    async with http.get(f"{house.ops_url}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return {k: float(v) for k, v in (x.rsplit(" ", 1) for x in lines if x and x[0] != "#")}


async def on_air(house: TestHouse, http: aiohttp.ClientSession) -> None:
    """Wait until the artist is (back) on the air."""
    async with asyncio.timeout(60):
        while not (await gauges(house, http)).get('lampio_feeds{state="live"}'):
            await asyncio.sleep(0.2)


async def weighed(house: TestHouse, http: aiohttp.ClientSession) -> Weight:
    """The server's weight once all who left are forgotten."""
    async with asyncio.timeout(90):
        while True:
            now = await gauges(house, http)
            if not now['lampio_sessions{kind="viewing"}'] and not now["lampio_sockets"]:
                break
            await asyncio.sleep(0.5)
    process = Path(f"/proc/{house.pid}")
    pages = int((process / "statm").read_text().split()[1])
    return Weight(
        pages * os.sysconf("SC_PAGE_SIZE") / 2**20,
        len(list((process / "fd").iterdir())),
        now["lampio_tasks"],
    )


@pytest.mark.soak
@pytest.mark.timeout(SOAK_S * 2 + 600)
async def test_nothing_grows_in_half_an_hour_of_comings_and_goings(
    tmp_path: Path, figures: Figures
) -> None:
    jar = aiohttp.DummyCookieJar()
    async with (
        opened_house(tmp_path, VIEWING_SESSIONS="200") as house,
        aiohttp.ClientSession(cookie_jar=jar) as http,
    ):
        await house.show(SHOW)
        artist = await house.ticket(SHOW, Role.ARTIST, "Viena")
        guest = await house.ticket(SHOW, Role.GUEST, "Aune")
        links = [house.link(await house.ticket(SHOW, Role.GUEST)) for _ in range(SEATS)]
        crowd = Crowd(house, http, await house.key(guest, "viewing"), links)
        await house.start()
        async with demo_artist(house, await house.key(artist, "broadcast")):
            for life in range(max(1, round(SOAK_S / LIFE_S))):
                if life:
                    assert await house.stop(signal.SIGKILL) == -signal.SIGKILL
                    await house.start()
                await on_air(house, http)
                await crowd.churn(WARM_S)
                before = await weighed(house, http)
                await crowd.churn(LIFE_S)
                after = await weighed(house, http)
                for what, unit in (("memory_mb", "MB"), ("descriptors", ""), ("tasks", "")):
                    figures.note(f"life {life + 1}, {what} before", getattr(before, what), unit)
                    figures.note(f"life {life + 1}, {what} after", getattr(after, what), unit)
                figures.at_most(
                    "memory grown in a life", after.memory_mb - before.memory_mb, 16, "MB"
                )
                figures.at_most("descriptors grown", after.descriptors - before.descriptors, 6, "")
                figures.at_most("tasks grown", after.tasks - before.tasks, 6, "")
        figures.note("visits", crowd.came, "")
        assert len(crowd.refused) <= crowd.came / 100, crowd.refused
        figures.at_most("visits without sound or picture", crowd.gave_up / crowd.came, 0.02, "")
