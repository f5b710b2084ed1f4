"""The guest's own network dies and comes back; the page is left alone or put away and taken up again."""

from __future__ import annotations

import time

import pytest

from rooms.phases import Phase, Role
from tests.conftest import Figures
from tests.evening import artist as desk
from tests.evening.browser import People, opened_people
from tests.evening.forwarder import forwarding
from tests.evening.guest import step_in, watches
from tests.evening.house import TestHouse

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

SHOW = "viulu-ja-vanha-piano"
FRAMES = "document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames"
STANDS = (
    "document.querySelector('video').videoWidth > 0 || !document.querySelector('.still').hidden"
)


async def on_stage(house: TestHouse, people: People) -> None:
    await house.show(SHOW, Phase.LIVE)
    artist = await people.come("artist", width=1440, height=900)
    await desk.go_live(artist, house.link(await house.ticket(SHOW, Role.ARTIST, "Viena")))


async def test_a_dead_network_is_told_then_the_phone_and_the_hall_comes_back_by_itself(
    house: TestHouse, people: People, figures: Figures
) -> None:
    await on_stage(house, people)
    async with (
        forwarding(house.port) as network,
        opened_people(*network.arguments) as home,
    ):
        guest = await home.come("guest")
        guest.forgive("WebSocket|ERR_")
        await guest.page.add_init_script(network.script)
        await step_in(guest, house.link(await house.ticket(SHOW, Role.GUEST, "Aune")))
        await watches(guest)
        await guest.look("globalThis.loaded = 'once'")

        assert network.passed > 0, "the guest's media goes through the test's network"

        network.die()
        died = time.monotonic()
        await guest.sees("Yhteys katkesi.", within_s=8)
        figures.at_most("own network lost: guest told", time.monotonic() - died, 3, "s")
        assert await guest.look(STANDS), "the last frame stays"
        await guest.sees("Soittakaa, niin autamme: 09 555 0100", within_s=22)
        assert await guest.look(STANDS), "the last frame still stays"

        network.come_back()
        back = time.monotonic()
        await watches(guest, within_s=20)
        figures.at_most("own network lost: picture after it", time.monotonic() - back, 10, "s")
        await guest.sees("Yhteys palasi.")
        await guest.until("document.querySelector('#trouble').hidden", within_s=8)
        assert await guest.look("document.querySelector('.still').hidden")
        assert await guest.look("globalThis.loaded") == "once"


async def test_a_page_that_was_put_away_plays_on_when_it_is_taken_up_again(
    house: TestHouse, people: People
) -> None:
    await on_stage(house, people)
    guest = await people.come("guest")
    await step_in(guest, house.link(await house.ticket(SHOW, Role.GUEST, "Aune")))
    await watches(guest)
    await guest.cdp.send("Page.setWebLifecycleState", {"state": "frozen"})
    thawed_at = time.monotonic() + 5
    other = await people.come("other")
    await step_in(other, house.link(await house.ticket(SHOW, Role.GUEST, "Toivo")))
    await watches(other)
    await other.until(f"performance.now() > {max(0.0, thawed_at - time.monotonic()) * 1000}")
    await guest.cdp.send("Page.setWebLifecycleState", {"state": "active"})
    start = await guest.look(FRAMES)
    await guest.until(f"{FRAMES} > {start + 10}", within_s=5, why="the picture moves again")
    await guest.tap("Taputan")
    await other.until(
        "Number(document.querySelector('#stage .footlights').dataset.level) > 0", within_s=5
    )
