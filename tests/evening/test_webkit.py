"""Safari's engine, which has no WebRTC here, sees and hears the show and plays the recording."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from rooms import orders
from rooms.phases import Phase, Role
from tests.conftest import Figures
from tests.evening import artist as desk
from tests.evening.browser import People
from tests.evening.house import TestHouse
from tests.evening.rung import EARS, hears_segments, watches_segments
from tests.evening.webkit import opened_webkit

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

SHOW = "viulu-ja-vanha-piano"
VIDEO = "document.querySelector('video')"


async def test_webkit_sees_and_hears_the_show_and_plays_the_recording(
    house: TestHouse, people: People, tmp_path: Path, figures: Figures
) -> None:
    await house.show(SHOW, Phase.LIVE)
    artist = await people.come("artist", width=1440, height=900)
    await desk.go_live(artist, house.link(await house.ticket(SHOW, Role.ARTIST, "Viena")))
    link = house.link(await house.ticket(SHOW, Role.GUEST, "Aune"))
    async with opened_webkit(tmp_path) as guest:
        await guest.open(link)
        await guest.run(EARS)
        pressed = time.monotonic()
        await guest.press("[data-enter]")
        await guest.until("!document.querySelector('#theatre').hidden", why="to be in the hall")
        await guest.until("segments.moved", why="the picture by segments")
        figures.at_most("WebKit: picture after the press", time.monotonic() - pressed, 6, "s")
        await watches_segments(guest)
        await hears_segments(guest)

        await orders.set_phase(house.database_url, SHOW, Phase.ENDED)
        await guest.press("#watch-recording", within_s=30)
        await guest.until("location.pathname.startsWith('/recordings/')")
        await guest.until(f"{VIDEO}.readyState > 0", why="the recording's first picture")
        await guest.run(EARS)
        await guest.press("[data-toggle]")
        await guest.until(f"{VIDEO}.readyState >= 3 && {VIDEO}.currentTime > 0")
        clock = await guest.look(f"{VIDEO}.currentTime")
        await guest.until(f"{VIDEO}.currentTime > {clock} + 1", why="the recording plays")
        assert await guest.look(f"{VIDEO}.getVideoPlaybackQuality().totalVideoFrames") > 10
        await guest.until("segmentsLoudness(0, 440) > -70", why="the recording is heard")
