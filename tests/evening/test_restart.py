"""A way that is shut is left for another: new ICE names, the same session, the same feed."""

from __future__ import annotations

import time

import pytest

from rooms.phases import Phase, Role
from tests.conftest import Figures
from tests.evening import artist as desk
from tests.evening.browser import Person, opened_people
from tests.evening.forwarder import forwarding
from tests.evening.guest import PROBES, step_in, watches
from tests.evening.house import TestHouse

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

SHOW = "viulu-ja-vanha-piano"
FRAMES = "document.querySelector('#picture video').getVideoPlaybackQuality().totalVideoFrames"
NOTED = (
    """frames.map((message) => message.type).filter((type) => type.startsWith('media.')).join()"""
)


async def goes_on(guest: Person, *, within_s: float = 15) -> float:
    """Seconds until the picture has advanced by more than what was on its way."""
    start, begun = await guest.look(FRAMES), time.monotonic()
    await guest.until(f"{FRAMES} > {start + 30}", within_s=within_s, why="the picture goes on")
    return time.monotonic() - begun


async def test_guest_and_artist_find_another_way_within_their_sessions(
    house: TestHouse, figures: Figures
) -> None:
    await house.show(SHOW, Phase.LIVE)
    async with (
        forwarding(house.port) as hers,
        forwarding(house.port) as theirs,
        opened_people(*hers.arguments) as backstage,
        opened_people(*theirs.arguments) as home,
    ):
        artist = await backstage.come("artist", width=1440, height=900)
        await artist.page.add_init_script(hers.script)
        await artist.page.add_init_script(PROBES)
        await desk.go_live(artist, house.link(await house.ticket(SHOW, Role.ARTIST, "Viena")))
        guest = await home.come("guest")
        await guest.page.add_init_script(theirs.script)
        await step_in(guest, house.link(await house.ticket(SHOW, Role.GUEST, "Aune")))
        await watches(guest)
        had = [await person.look("peers.length") for person in (guest, artist)]

        theirs.shut_out()
        figures.at_most("guest's way shut: picture again", await goes_on(guest), 5, "s")
        hers.shut_out()
        figures.at_most("artist's way shut: picture again", await goes_on(guest), 5, "s")
        await desk.on_air(artist)
        assert had == [await person.look("peers.length") for person in (guest, artist)]
        assert "media.ended" not in await guest.look(NOTED)
