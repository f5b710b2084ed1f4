"""The artist's look in Chromium: from her desk to her recording, her yes, her no, and what others see."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from infra.clock import SystemClock
from infra.database import Database
from infra.storage import open_storage
from recordings.capture import Captures
from recordings.disk import Disk
from rooms.orders import set_phase
from rooms.phases import Phase, Role
from rooms.seats import Issued
from streaming.ports import FeedId, RoomId, SeatId
from tests.evening.browser import People, Person
from tests.evening.house import ORGANISATION, TestHouse
from tests.evening.reading import in_language, violations
from tests.recordings.flashbeep import source
from web.language import LANGUAGES

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


async def played(house: TestHouse, show: str) -> Issued:
    """A show that was played by one artist and is over; her ticket."""
    await house.show(show, Phase.LIVE, recording_policy="after_look")
    artist = await house.ticket(show, Role.ARTIST, "Viena")
    database = Database(house.database_url)
    taking = Captures(
        attach=lambda feed, sink: lambda: None,
        storage=open_storage(str(house.folder / "media")),
        database=database,
        clock=SystemClock(),
        disk=Disk(house.folder / "spool-of-the-test"),
    )
    feed = FeedId(RoomId(show), SeatId(artist.seats[0]))
    items = await asyncio.to_thread(list, source(8))
    await taking.record(show, ORGANISATION, feed, 1, items)
    await taking.settle(show)
    await taking.close()
    await database.close()
    await set_phase(house.database_url, show, Phase.ENDED)
    return artist


async def at_the_look(house: TestHouse, people: People, ticket: Issued) -> Person:
    """The artist comes back to her desk and goes to her recording."""
    artist = await people.come("artist", width=1280, height=900)
    await artist.open(house.link(ticket))
    await artist.tap("#door [data-part=enter]")
    await artist.sees("Saako tallenteen julkaista?")
    await artist.tap("#look a")
    await artist.finds("Katson")
    return artist


async def status(url: str) -> int:
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        return answer.status


async def test_an_artist_hears_her_recording_first_and_her_yes_and_no_decide(
    house: TestHouse, people: People
) -> None:
    artist = await at_the_look(house, people, await played(house, "viulu"))
    look = str(artist.page.url)
    guest = await people.come("guest", width=820, height=1180)
    guest.forgive("404")
    await guest.open(look)
    assert await status(look) == 404
    assert await status(f"{house.url}/recordings/viulu") == 404

    await artist.tap("Katson")
    await artist.until("document.querySelector('video').currentTime > 0.5", why="it plays")
    assert await artist.look("document.querySelector('video').webkitAudioDecodedByteCount") > 0
    await artist.tap("Kyllä, saa julkaista")
    await artist.sees("Tallenne on julkaistu")
    assert await artist.look("document.querySelector('video').currentTime") > 0.5, "it plays on"
    await guest.open(f"{house.url}/?when=recordings")
    await guest.until("document.querySelector('a[href*=\"viulu\"]') !== null", why="it is listed")
    await guest.open(f"{house.url}/recordings/viulu")
    await guest.finds("Katson")

    await artist.tap("Perun julkaisun")
    await artist.sees("Tallennetta ei julkaista")
    assert await status(f"{house.url}/recordings/viulu") == 404
    assert await artist.look("document.querySelector('#look [data-part=no]').hidden")
    await another_says_no(house, people)


async def another_says_no(house: TestHouse, people: People) -> None:
    """What nobody else gets to see, on a page that is readable for all."""
    artist = await at_the_look(house, people, await played(house, "piano"))
    look = str(artist.page.url)
    for lang in LANGUAGES:
        await artist.open(in_language(look, lang))
        for width, height in ((390, 844), (1280, 900)):
            await artist.page.set_viewport_size({"width": width, "height": height})
            found = await violations(artist, guest=True)
            assert not found, f"{lang} {width}:\n" + "\n".join(found)
    await artist.open(in_language(look, "fi"))
    await artist.tap("Ei saa julkaista")
    await artist.sees("Voit muuttaa mielesi")
    focused = "document.activeElement?.closest('#look') !== null"
    assert await artist.look(focused), "the focus stays in its place"
    assert await status(f"{house.url}/recordings/piano") == 404
    visitor = await people.come("visitor")
    await visitor.open(f"{house.url}/?when=recordings")
    assert not await visitor.look("document.querySelector('a[href*=\"/recordings/piano\"]')")
