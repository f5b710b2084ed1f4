"""A guest's network, tablet or sound goes away for a while: told by name, the picture stands, nobody presses
anything."""

from __future__ import annotations

import asyncio
import time

import pytest

from rooms.phases import Phase, Role
from tests.conftest import Figures
from tests.evening import artist as desk
from tests.evening.asleep import Sleeper
from tests.evening.browser import People, Person, opened_people
from tests.evening.forwarder import Forwarder, forwarding
from tests.evening.guest import step_in, watches
from tests.evening.house import TestHouse

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

SHOW = "viulu-ja-vanha-piano"
FRAMES = "document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames"
STANDS = (
    "document.querySelector('video').videoWidth > 0 || !document.querySelector('.still').hidden"
)
PLACE = """JSON.stringify([
  loaded, document.querySelector('#theatre').hidden, document.querySelector('#stage').dataset.scene,
  document.querySelector('#sound-sheet [data-level]').textContent,
])"""
# Beyond the half minute after which the server lets go of who is not heard.
ASLEEP_S = 32.0
LONG_ASLEEP_S = 120.0


async def on_stage(house: TestHouse, people: People) -> None:
    await house.show(SHOW, Phase.LIVE)
    artist = await people.come("artist", width=1440, height=900)
    await desk.go_live(artist, house.link(await house.ticket(SHOW, Role.ARTIST, "Viena")))


async def seated(house: TestHouse, home: People, network: Forwarder | None = None) -> Person:
    """A guest who watches, with the sound a step louder than usual."""
    guest = await home.come("guest")
    guest.forgive("WebSocket|ERR_")
    if network is not None:
        await guest.page.add_init_script(network.script)
    await step_in(guest, house.link(await house.ticket(SHOW, Role.GUEST, "Aune")))
    await watches(guest)
    await guest.tap("#sound")
    await guest.tap("[data-louder]")
    await guest.tap("#sound-sheet [data-close]")
    await guest.look("globalThis.loaded = 'once'")
    return guest


async def passes(guest: Person, s: float) -> None:
    """So much of the page's time passes."""
    end = await guest.look(f"performance.now() + {s * 1000}")
    await guest.until(f"performance.now() >= {end}", within_s=s + 5)


async def dies_and_comes_back(house: TestHouse, figures: Figures) -> None:
    async with (
        forwarding(house.port) as network,
        opened_people(*network.arguments) as home,
    ):
        guest = await seated(house, home, network)
        place = await guest.look(PLACE)
        assert network.passed > 0, "the guest's media goes through the test's network"

        network.die()
        died = time.monotonic()
        await guest.sees("Yhteys katkesi.", within_s=8)
        figures.at_most("own network lost: guest told", time.monotonic() - died, 3, "s")
        assert await guest.look(STANDS), "the last frame stays"
        await passes(guest, 10 - (time.monotonic() - died))
        network.come_back()
        back = time.monotonic()
        await watches(guest, within_s=20)
        figures.at_most("network gone for 10 s: picture after it", time.monotonic() - back, 3, "s")
        await guest.sees("Yhteys palasi.")
        await guest.until("document.querySelector('#trouble').hidden", within_s=8)
        assert await guest.look("document.querySelector('.still').hidden")
        assert await guest.look(PLACE) == place

        network.die()
        await guest.sees("Soittakaa, niin autamme: 09 555 0100", within_s=32)
        assert await guest.look(STANDS), "the last frame still stays"
        network.come_back()
        back = time.monotonic()
        await watches(guest, within_s=20)
        figures.at_most("network gone for 20 s: picture after it", time.monotonic() - back, 10, "s")
        assert await guest.look(PLACE) == place


async def sleeps_and_wakes(house: TestHouse, figures: Figures, asleep_s: float) -> None:
    sleeper = Sleeper()
    async with opened_people(sleeper.argument) as home:
        guest = await seated(house, home)
        place = await guest.look(PLACE)
        sleeper.sleep()
        try:
            await asyncio.sleep(asleep_s)  # nothing of the device can be asked meanwhile
        finally:
            sleeper.wake()
        awake = time.monotonic()
        await watches(guest, within_s=30)
        name = f"tablet slept for {asleep_s:.0f} s: picture after it"
        figures.at_most(name, time.monotonic() - awake, 5, "s")
        assert await guest.look(PLACE) == place
        await guest.until("loudness(0, 440) > -60", why="the sound is back")


async def test_networks_die_and_tablets_sleep_and_the_hall_comes_back_by_itself(
    house: TestHouse, people: People, figures: Figures
) -> None:
    await on_stage(house, people)
    async with asyncio.TaskGroup() as both:
        both.create_task(dies_and_comes_back(house, figures))
        both.create_task(sleeps_and_wakes(house, figures, ASLEEP_S))


@pytest.mark.soak
async def test_a_tablet_that_slept_for_two_minutes_is_back_in_its_place(
    house: TestHouse, people: People, figures: Figures
) -> None:
    await on_stage(house, people)
    await sleeps_and_wakes(house, figures, LONG_ASLEEP_S)


async def test_another_address_or_app_takes_the_show_away_for_a_moment_only(
    house: TestHouse, people: People, figures: Figures
) -> None:
    await on_stage(house, people)
    async with (
        forwarding(house.port) as network,
        opened_people(*network.arguments) as home,
    ):
        guest = await seated(house, home, network)
        place, sessions = await guest.look(PLACE), await guest.look("peers.length")

        start = await guest.look(FRAMES)
        network.readdress()
        changed = time.monotonic()
        await guest.until(f"{FRAMES} > {start + 15}", within_s=15, why="the picture goes on")
        figures.at_most("another address: picture after it", time.monotonic() - changed, 3.5, "s")
        assert await guest.look("peers.length") == sessions, "no new session"

        for taken in ("ears[0].context.suspend()", "document.querySelector('video').pause()"):
            start = await guest.look(FRAMES)
            await guest.look(f"void {taken}")
            lost = time.monotonic()
            await guest.until(
                f"ears[0].context.state === 'running' && {FRAMES} > {start + 5}"
                " && loudness(0, 440) > -60",
                why=taken,
            )
            figures.at_most(f"{taken}: back after", time.monotonic() - lost, 2, "s")

        await guest.cdp.send("Page.setWebLifecycleState", {"state": "frozen"})
        await asyncio.sleep(3)  # a page that was put away has no clock to ask
        await guest.cdp.send("Page.setWebLifecycleState", {"state": "active"})
        start = await guest.look(FRAMES)
        await guest.until(f"{FRAMES} > {start + 10}", within_s=5, why="the picture moves again")

        # Where the system does not let it, one sentence and one button.
        await guest.look(
            "globalThis.may = AudioContext.prototype.resume;"
            "AudioContext.prototype.resume = () => Promise.reject(new Error('not now'));"
            "void ears[0].context.suspend()"
        )
        await guest.sees("Painakaa, niin ääni palaa.", within_s=8)
        await guest.look("void (AudioContext.prototype.resume = globalThis.may)")
        await guest.tap("#trouble [data-action]")
        await guest.until("loudness(0, 440) > -60", why="the sound is back")
        await guest.until("document.querySelector('#trouble').hidden")
        assert await guest.look(PLACE) == place
        assert await guest.look("peers.length") == sessions
