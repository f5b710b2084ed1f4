"""A guest whom WebRTC does not reach sees and hears the show by live segments, without a question."""

from __future__ import annotations

import pytest

from rooms.phases import Phase, Role
from tests.conftest import Figures
from tests.evening import artist as desk
from tests.evening.browser import People, Person
from tests.evening.guest import IN_THE_HALL
from tests.evening.house import TestHouse
from tests.evening.rung import EARS, WITHOUT_PEERS, hears_segments, watches_segments

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

SHOW = "viulu-ja-vanha-piano"


async def artist_plays(house: TestHouse, people: People) -> Person:
    artist = await people.come("artist", width=1440, height=900)
    await desk.go_live(artist, house.link(await house.ticket(SHOW, Role.ARTIST, "Viena")))
    return artist


async def comes(guest: Person, link: str, script: str) -> None:
    """From the link through the door by one tap, in a browser that `script` has changed."""
    await guest.page.add_init_script(EARS + script)
    await guest.open(link)
    await guest.tap("Astukaa saliin")
    await guest.until(IN_THE_HALL, why="to be in the hall")


async def test_a_browser_without_peer_connections_sees_and_hears_the_show(
    house: TestHouse, people: People, figures: Figures
) -> None:
    await house.show(SHOW, Phase.LIVE, recording_policy="none")
    await artist_plays(house, people)
    guest = await people.come()
    await comes(guest, house.link(await house.ticket(SHOW, Role.GUEST, "Aune")), WITHOUT_PEERS)
    await watches_segments(guest)
    figures.at_most(
        "picture by segments after the tap, no peer connections",
        await guest.look("(segments.moved - measured.tap) / 1000"),
        6,
        "s",
    )
    await hears_segments(guest)
    assert not list((house.folder / "spool").rglob("*.m4s*")), "nothing is kept of this show"
