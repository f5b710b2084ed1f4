"""The artist's network dies for eight seconds and comes back: nobody presses anything."""

from __future__ import annotations

import time

import pytest

from rooms.phases import Phase, Role
from tests.conftest import Figures
from tests.evening import artist as desk
from tests.evening.browser import People, Person, opened_people
from tests.evening.forwarder import forwarding
from tests.evening.house import TestHouse

pytestmark = pytest.mark.browser

SHOW = "viulu-ja-vanha-piano"
DEAD_S = 8
BACK_WITHIN_S = 16  # her socket waits up to eight seconds between its tries, then a second or two
FRAMES = "document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames"


async def frames_advance(guest: Person, *, within_s: float = 10) -> None:
    start = await guest.look(FRAMES)
    await guest.until(f"{FRAMES} > {start + 10}", within_s=within_s, why="the picture to move")


async def test_viewers_see_the_still_frame_and_a_sentence_and_go_on_without_a_reload(
    house: TestHouse, people: People, figures: Figures
) -> None:
    await house.show(SHOW, Phase.LIVE)
    link = house.link(await house.ticket(SHOW, Role.ARTIST, "Viena"))
    guest = await people.come("guest")
    await guest.open(house.link(await house.ticket(SHOW, Role.GUEST, "Aune")))
    await guest.tap("Astukaa saliin")
    async with (
        forwarding(house.port) as network,
        opened_people(*network.arguments) as backstage,
    ):
        artist = await backstage.come("artist", width=1440, height=900)
        artist.forgive("WebSocket|ERR_")
        await artist.page.add_init_script(network.script)
        await desk.go_live(artist, link)
        await frames_advance(guest)
        assert network.passed > 0, "her media goes through the test's network"
        for person in (guest, artist):
            await person.look("globalThis.loaded = 'once'; 1")

        network.die()
        died = time.monotonic()
        await guest.sees("Esiintyjän yhteys katkesi.", within_s=7)
        told_s = time.monotonic() - died
        assert await guest.look("document.querySelector('video').videoWidth") > 0
        assert await guest.look("document.querySelector('video').readyState") >= 2
        still = await guest.look(FRAMES)
        await desk.at(artist, "healing", within_s=DEAD_S)
        assert await artist.look("document.querySelector('#self video').paused") is False
        await guest.until(f"performance.now() > {await guest.look('performance.now()')} + 500")
        assert await guest.look(FRAMES) == still, "the last frame stands"
        left_ms = max(0.0, DEAD_S - (time.monotonic() - died)) * 1000
        await guest.until(
            f"performance.now() > (globalThis.gapEnds ??= performance.now() + {left_ms})",
            within_s=DEAD_S + 2,
        )

        network.come_back()
        back = time.monotonic()
        await desk.on_air(artist, within_s=BACK_WITHIN_S)
        await frames_advance(guest, within_s=BACK_WITHIN_S)
        figures.at_most("artist lost: viewers told", told_s, 4.5, "s")
        figures.at_most("artist lost: picture after the network", time.monotonic() - back, 10, "s")
        await guest.until("!document.body.innerText.includes('Esiintyjän yhteys katkesi.')")
        for person in (guest, artist):
            assert await person.look("globalThis.loaded") == "once"


@pytest.mark.parametrize("break_off_ms", [300])
async def test_a_short_gap_is_no_trouble(house: TestHouse, break_off_ms: int) -> None:
    await house.show(SHOW, Phase.LIVE)
    link = house.link(await house.ticket(SHOW, Role.ARTIST, "Viena"))
    async with (
        forwarding(house.port) as network,
        opened_people(*network.arguments) as backstage,
    ):
        artist = await backstage.come("artist")
        await artist.page.add_init_script(network.script)
        await desk.go_live(artist, link)
        network.die()
        await artist.until(
            f"performance.now() > (globalThis.gapEnds ??= performance.now() + {break_off_ms})"
        )
        network.come_back()
        await artist.until("performance.now() > (globalThis.laterOn ??= performance.now() + 3500)")
        assert await artist.look("document.querySelector('#banner').dataset.lit") == "yes"
