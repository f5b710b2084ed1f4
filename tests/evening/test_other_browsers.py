"""Firefox, which decodes no H.264 by WebRTC, and Safari's engine, which has no WebRTC here, see and hear
the show and play the recording, after the same presses as everybody's. One evening, in this order."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from rooms import orders
from rooms.phases import Phase, Role
from tests.conftest import Figures
from tests.evening import artist as desk
from tests.evening.browser import STOPWATCH, Person, opened_people
from tests.evening.firefox import Firefox, opened_firefox
from tests.evening.guest import IN_THE_HALL
from tests.evening.house import TestHouse, opened_house
from tests.evening.rung import (
    EARS,
    Viewer,
    behind_s,
    hears_segments,
    picture_after_sound_ms,
    watches_segments,
)
from tests.evening.webkit import WebKit, opened_webkit

pytestmark = [
    pytest.mark.browser,
    pytest.mark.soak,  # Firefox, driven so, stops answering now and then: not for every change
    pytest.mark.timeout(180),
    pytest.mark.asyncio(loop_scope="module"),
]

SHOW = "viulu-ja-vanha-piano"
VIDEO = "document.querySelector('video')"
FRAMES = f"{VIDEO}.getVideoPlaybackQuality().totalVideoFrames"


@dataclass
class Evening:
    """A show on the air, and a window of each browser."""

    house: TestHouse
    artist: Person
    firefox: Firefox
    webkit: WebKit

    async def link(self, name: str) -> str:
        """A guest's link."""
        return self.house.link(await self.house.ticket(SHOW, Role.GUEST, name))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def evening(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Evening]:
    folders = [tmp_path_factory.mktemp(name) for name in ("house", "firefox", "webkit")]
    async with (
        opened_house(folders[0]) as house,
        opened_people() as people,
        opened_firefox(folders[1], STOPWATCH + EARS) as firefox,
        opened_webkit(folders[2]) as webkit,
    ):
        await house.start()
        await house.show(SHOW, Phase.LIVE)
        artist = await people.come("artist", width=1440, height=900)
        await desk.go_live(artist, house.link(await house.ticket(SHOW, Role.ARTIST, "Viena")))
        yield Evening(house, artist, firefox, webkit)


async def test_firefox_sees_and_hears_the_show(evening: Evening, figures: Figures) -> None:
    guest = evening.firefox
    await guest.open(await evening.link("Aune"))
    await guest.press("Astukaa saliin")
    await guest.until(IN_THE_HALL, why="to be in the hall")
    await watches_segments(guest)
    wait_s = await guest.look("(segments.moved - measured.tap) / 1000")
    figures.at_most("Firefox: picture after the press", wait_s, 6, "s")
    await hears_segments(guest)
    offset = await picture_after_sound_ms(guest, beeps=4)
    figures.at_most("Firefox: picture and sound apart", abs(offset), 100, "ms")
    figures.at_most("Firefox: behind the stage", await behind_s(guest, evening.artist), 6, "s")


async def test_webkit_sees_and_hears_the_show(evening: Evening, figures: Figures) -> None:
    guest = evening.webkit
    await guest.open(await evening.link("Toivo"))
    await guest.run(EARS)
    pressed = time.monotonic()
    await guest.press("[data-enter]")
    await guest.until(IN_THE_HALL, why="to be in the hall")
    await watches_segments(guest)
    figures.at_most("WebKit: picture moves after the press", time.monotonic() - pressed, 6, "s")
    await hears_segments(guest)


async def test_both_play_the_recording(evening: Evening) -> None:
    await orders.set_phase(evening.house.database_url, SHOW, Phase.ENDED)
    await evening.firefox.press("#watch-recording", within_s=30)
    await evening.webkit.press("#watch-recording", within_s=30)
    for guest in (evening.firefox, evening.webkit):
        await guest.until("location.pathname.startsWith('/recordings/')")
        await guest.until(f"{VIDEO}?.readyState > 0", why="the recording's first picture")
    await evening.webkit.run(EARS)
    await evening.firefox.press("[data-toggle]")
    await plays(evening.firefox)
    await evening.webkit.press("[data-toggle]")
    await plays(evening.webkit)
    assert evening.firefox.problems == []


async def plays(guest: Viewer) -> None:
    """Wait until the recording's clock goes on, pictures are decoded and its sound is heard."""
    await guest.until(f"{VIDEO}.readyState >= 3 && {VIDEO}.currentTime > 0")
    clock = await guest.look(f"{VIDEO}.currentTime")
    await guest.until(f"{VIDEO}.currentTime > {clock} + 1", why="the recording plays")
    assert await guest.look(FRAMES) > 10
    await guest.until("segmentsLoudness(0, 440) > -70", why="the recording is heard")
