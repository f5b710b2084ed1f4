"""A server killed at random moments of a live show: everybody is back by themselves and sees it go on,
nothing acknowledged is lost, and the recording has every part of it."""

from __future__ import annotations

import asyncio
import itertools
import random
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field

import aiohttp
import pytest

from rooms.messages import Snapshot
from rooms.orders import set_phase
from rooms.phases import Phase, Role
from rooms.seats import Issued
from tests.conftest import Figures
from tests.evening import artist as desk
from tests.evening.browser import People, Person
from tests.evening.guest import PROBES, step_in, watches
from tests.evening.house import TestHouse
from tests.evening.recorded import decoded, tenths_in
from tests.evening.screen import Screen
from tests.web.conftest import Browser

SHOW = "viulu-ja-vanha-piano"
HELD_S = 4.5
"""A take's first seconds are held back for the sender reports: from then on a second may be lost."""

PACE_S = 0.5
"""Slower than what one seat may write for long."""
BACK_S = 10.0
LOST_S = 1.0


@dataclass
class Evening:
    """Who is there: three windows, and a host who talks and counts what was acknowledged."""

    house: TestHouse
    artist: Person
    guest: Person
    companion: Person
    host: Screen
    given: dict[str, int] = field(default_factory=dict)
    kills_at: list[float] = field(default_factory=list)
    """The artist's clock at each kill, in seconds."""

    async def talk(self) -> None:
        """Line after line, each once the one before is acknowledged."""
        for number in itertools.count():
            text = f"rivi {number}"
            seq = await self.host.does("line.write", key=f"key-of-{number:04}", text=text)
            assert seq is not None
            self.given[text] = seq
            await asyncio.sleep(PACE_S)

    async def killed(self, after_s: float) -> float:
        """Kill the server so long after the take began, start it, wait until all see; seconds it took."""
        began = takes(self.house)
        await asyncio.sleep(after_s)
        self.kills_at.append(await self.artist.look("artistClock()"))
        asked = time.monotonic()
        assert await self.house.stop(signal.SIGKILL) == -signal.SIGKILL
        await self.house.start()
        await asyncio.gather(watches(self.guest), watches(self.companion), desk.on_air(self.artist))
        took_s = time.monotonic() - asked
        async with asyncio.timeout(20):
            while not takes(self.house) - began:
                await asyncio.sleep(0.05)
        return took_s


def takes(house: TestHouse) -> set[str]:
    """Takes of which something is on the disk, stored ones included."""
    found = [*house.folder.glob("spool/*/*.m4s*"), *house.folder.glob("media/takes/*/*/*.m4s")]
    return {
        path.parent.name if "spool" in path.parts else path.parent.parent.name for path in found
    }


async def begun(house: TestHouse, people: People, http: aiohttp.ClientSession) -> Evening:
    """The show is live, the guest watches with a companion, the host is in the room."""
    await house.show(SHOW, Phase.LIVE)
    artist = await people.come("artist", width=1440, height=900)
    await desk.go_live(artist, house.link(await house.ticket(SHOW, Role.ARTIST, "Viena")))
    aune = await house.ticket(SHOW, Role.GUEST, "Aune")
    guest = await people.come("Aune")
    await step_in(guest, house.link(aune))
    companion = await joined(house, people, aune, guest)
    browser = Browser(house.url, http)
    host = Screen(browser, await browser.enter(house.link(await house.ticket(SHOW, Role.HOST))))
    for person in (artist, guest, companion):
        person.forgive("ERR_CONNECTION|WebSocket")
    return Evening(house, artist, guest, companion, host)


async def joined(house: TestHouse, people: People, aune: Issued, guest: Person) -> Person:
    """Liisa watches along, with Aune's yes."""
    invited = await house.ticket(SHOW, Role.COMPANION, "Liisa", companion_of=aune.ticket)
    companion = await people.come("Liisa", width=390, height=844)
    await companion.page.add_init_script(PROBES)
    await companion.open(house.link(invited))
    await companion.tap("Pyydän päästä mukaan")
    sheet = "document.querySelector('#company-question')"
    await guest.until(f"!{sheet}.hidden && !{sheet}.inert")
    await guest.tap("Kyllä")
    await watches(companion)
    return companion


async def survived(
    house: TestHouse, people: People, figures: Figures, kills: int, seed: int
) -> None:
    """An evening with so many kills; every promise is checked at its end."""
    moments = random.Random(seed)
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(cookie_jar=jar) as http:
        evening = await begun(house, people, http)
        talking = asyncio.create_task(evening.talk())
        try:
            back = [await evening.killed(HELD_S + moments.uniform(0, 2)) for _ in range(kills)]
            await asyncio.sleep(HELD_S)
            figures.at_most(
                f"kill -9 until all see again, worst of {kills}", max(back), BACK_S, "s"
            )
            assert not talking.done(), talking
        finally:
            talking.cancel()
            with suppress(asyncio.CancelledError):
                await talking
        whole = await fresh(evening)
        assert whole.phase is Phase.LIVE
        assert [one.state for one in whole.company] == ["accepted"]
        texts = [line.text for line in whole.lines]
        # The last one may have been written and its acknowledgement not yet heard.
        assert texts[: len(evening.given)] == sorted(evening.given, key=lambda t: evening.given[t])
        assert len(texts) <= len(evening.given) + 1
        assert len(set(texts)) == len(texts)
        await evening.host.close()
    await set_phase(house.database_url, SHOW, Phase.ENDED)
    await recorded(house, evening, figures)


async def fresh(evening: Evening) -> Snapshot:
    """The room as it is told to who comes anew."""
    anew = Screen(evening.host.browser, evening.host.seat)
    try:
        async with asyncio.timeout(20):
            while anew.state is None:
                await asyncio.sleep(0.01)
        return anew.state
    finally:
        await anew.close()


async def recorded(house: TestHouse, evening: Evening, figures: Figures) -> None:
    """Each part of the show is in the recording, up to a second before its kill."""
    async with aiohttp.ClientSession() as http, asyncio.timeout(40):
        while True:
            async with http.get(f"{house.url}/recordings/{SHOW}") as answer:
                if answer.status == 200 and "data-playlist" in await answer.text():
                    break
            await asyncio.sleep(0.1)
    parts = await decoded(house.url, SHOW)
    assert len(parts) == len(evening.kills_at) + 1
    lost = [
        at - tenths_in(part.last) / 10 for at, part in zip(evening.kills_at, parts, strict=False)
    ]
    figures.at_most("recording lost before a kill, worst", max(lost), LOST_S, "s")
    for part in parts:
        assert min(part.loudness) > 0.01
        assert part.pictures[-1] - part.pictures[0] > 2


@pytest.mark.timeout(240)
@pytest.mark.blocking_ms(3000)  # the recording is decoded here, in the test's own loop
async def test_after_three_kills_at_random_moments_the_evening_goes_on_as_if_nothing_was(
    house: TestHouse, people: People, figures: Figures
) -> None:
    await survived(house, people, figures, kills=3, seed=1809)


@pytest.mark.soak
@pytest.mark.timeout(1200)
@pytest.mark.blocking_ms(10_000)
async def test_after_twenty_kills_at_random_moments_the_evening_goes_on_as_if_nothing_was(
    house: TestHouse, people: People, figures: Figures
) -> None:
    await survived(house, people, figures, kills=20, seed=time.time_ns())
