"""Firefox sees and hears the show and plays the recording, after the same presses as everybody's."""

from __future__ import annotations

from pathlib import Path

import pytest

from rooms import orders
from rooms.phases import Phase, Role
from tests.conftest import Figures
from tests.evening import artist as desk
from tests.evening.browser import STOPWATCH, People
from tests.evening.firefox import opened_firefox
from tests.evening.guest import IN_THE_HALL
from tests.evening.house import TestHouse
from tests.evening.rung import (
    EARS,
    behind_s,
    hears_segments,
    picture_after_sound_ms,
    watches_segments,
)

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

SHOW = "viulu-ja-vanha-piano"
VIDEO = "document.querySelector('video')"


async def test_firefox_sees_and_hears_the_show_and_plays_the_recording(
    house: TestHouse, people: People, tmp_path: Path, figures: Figures
) -> None:
    await house.show(SHOW, Phase.LIVE)
    artist = await people.come("artist", width=1440, height=900)
    await desk.go_live(artist, house.link(await house.ticket(SHOW, Role.ARTIST, "Viena")))
    link = house.link(await house.ticket(SHOW, Role.GUEST, "Aune"))
    async with opened_firefox(tmp_path, STOPWATCH + EARS) as guest:
        await guest.open(link)
        await guest.press("Astukaa saliin")
        await guest.until(IN_THE_HALL, why="to be in the hall")
        await watches_segments(guest)
        figures.at_most(
            "Firefox: picture after the press",
            await guest.look("(segments.moved - measured.tap) / 1000"),
            6,
            "s",
        )
        await hears_segments(guest)
        offset = await picture_after_sound_ms(guest)
        figures.at_most("Firefox: picture and sound apart", abs(offset), 100, "ms")
        figures.at_most("Firefox: behind the stage", await behind_s(guest, artist), 6, "s")

        await orders.set_phase(house.database_url, SHOW, Phase.ENDED)
        await guest.press("Katson tallenteen", within_s=30)
        await guest.until("location.pathname.startsWith('/recordings/')")
        await guest.until(f"{VIDEO}.readyState > 0", why="the recording's first picture")
        await guest.press("Katson")
        await guest.until(f"{VIDEO}.readyState >= 3 && {VIDEO}.currentTime > 0")
        frames = f"{VIDEO}.getVideoPlaybackQuality().totalVideoFrames"
        clock, seen = await guest.look(f"[{VIDEO}.currentTime, {frames}]")
        await guest.until(
            f"{VIDEO}.currentTime > {clock} + 1 && {frames} > {seen} + 10",
            why="the recording plays",
        )
        await guest.until("segmentsLoudness(0, 440) > -70", why="the recording is heard")
        assert guest.problems == []
