"""The recording's page in Chromium: it plays, seeks, obeys the keyboard, and says what is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from infra.clock import SystemClock
from infra.database import Database
from infra.storage import open_storage
from recordings.archive import Archive
from recordings.capture import Captures
from recordings.catalogue import Recordings
from recordings.disk import Disk
from rooms.phases import Phase
from streaming.ports import FeedId, RoomId, SeatId
from tests.evening.browser import People, Person, opened_people
from tests.evening.house import ORGANISATION, TestHouse, opened_house
from tests.evening.reading import in_language, violations
from tests.recordings.flashbeep import BITS, source

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

SHOW = "viulu-ja-vanha-piano"
STRETCHES = (14, 10)
"""Seconds of the two live stretches."""

NUMBER = f"""(() => {{
  const video = document.querySelector('video');
  const canvas = Object.assign(document.createElement('canvas'), {{width: 320, height: 180}});
  const draw = canvas.getContext('2d');
  draw.drawImage(video, 0, 0, 320, 180);
  const bar = Math.floor(320 / {BITS});
  let number = 0;
  for (let bit = 0; bit < {BITS}; bit += 1) {{
    const [grey] = draw.getImageData(bit * bar + bar / 2, 160, 1, 1).data;
    if (grey > 128) number += 2 ** bit;
  }}
  return number;
}})()"""
"""The number that the picture shows at this moment: twenty a second, from 0 in each stretch."""


async def prepare(folder: Path) -> None:
    """One archived show and its recording, made as the house makes them."""
    async with opened_house(folder) as house:
        await house.show(SHOW, Phase.ARCHIVED)
    database, clock = Database(house.database_url), SystemClock()
    storage = open_storage(str(folder / "media"))
    taking = Captures(
        attach=lambda feed, sink: lambda: None,
        storage=storage,
        database=database,
        clock=clock,
        disk=Disk(folder / "spool-demo"),
    )
    feed = FeedId(RoomId(SHOW), SeatId("artist0000000000"))
    for place, seconds in enumerate(STRETCHES):
        items = await asyncio.to_thread(list, source(seconds, start_ms=1e6 + place * 60_000))
        await taking.record(SHOW, ORGANISATION, feed, place + 1, items)
    archive = Archive(captures=taking, database=database, storage=storage, clock=clock)
    await archive.run(SHOW, ORGANISATION, "at_once")
    await taking.close()
    await database.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestHouse]:
    """One server for all of these, with one archived show and its recording."""
    folder = tmp_path_factory.mktemp("recorded")
    await prepare(folder)
    house = TestHouse(folder)
    await house.start()
    yield house
    await house.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def people() -> AsyncIterator[People]:
    """A real Chromium, and the people who come with it."""
    async with opened_people() as people:
        yield people


async def arrived(house: TestHouse, people: People, width: int = 1280, height: int = 900) -> Person:
    """Somebody on the recording's page, the picture not yet moving."""
    person = await people.come("visitor", width=width, height=height)
    await person.open(f"{house.url}/recordings/{SHOW}")
    await person.finds("Katson")
    return person


async def plays(person: Person) -> None:
    """Wait until time goes on and pictures are drawn."""
    await person.until("document.querySelector('video').readyState >= 3")
    await person.look(
        "globalThis.drawn = 0; { const video = document.querySelector('video');"
        " const count = () => { drawn += 1; video.requestVideoFrameCallback(count); };"
        " video.requestVideoFrameCallback(count); }"
    )
    before = await person.look("document.querySelector('video').currentTime")
    await person.until(
        f"drawn > 5 && document.querySelector('video').currentTime > {before} + 0.4",
        why="pictures that move",
    )


async def test_it_plays_after_one_press_and_tells_its_length_and_loudness_in_words(
    house: TestHouse, people: People
) -> None:
    person = await arrived(house, people)
    assert await person.look("document.querySelector('video').paused")
    length = await person.until("document.querySelector('video').duration")
    assert length == pytest.approx(sum(STRETCHES), abs=1)
    await person.sees("0.24")
    assert await person.until("document.querySelector('video').poster.includes('/media/')")
    await person.tap("Katson")
    await plays(person)
    first = await person.look(NUMBER)
    await person.until(f"{NUMBER} > {first} + 10", why="the picture's own clock going on")
    assert await person.look("document.querySelector('video').webkitAudioDecodedByteCount") > 0
    await person.tap("Tauko")
    await person.until("document.querySelector('video').paused")
    await person.finds("Jatkan")
    await person.tap("Hiljemmalle")
    await person.sees("Äänen voimakkuus 90 %")
    for _ in range(7):
        await person.tap("Kovemmalle")
    await person.sees("Äänen voimakkuus 150 %")


async def test_seeking_shows_the_picture_of_that_moment_and_the_interval_is_no_stop(
    house: TestHouse, people: People
) -> None:
    person = await arrived(house, people)
    await person.tap("Katson")
    await plays(person)
    await person.tap("Tauko")
    for moment, number in [(9.0, 180), (17.0, 60), (3.0, 60), (14.5, 10)]:
        await person.look(
            f"{{ const slider = document.querySelector('[data-position]'); slider.value = {moment};"
            " document.querySelector('video').currentTime = " + str(moment) + "; }"
        )
        await person.until(
            f"!document.querySelector('video').seeking && Math.abs({NUMBER} - {number}) <= 2",
            why=f"the picture of {moment} s",
        )
    await person.tap("Jatkan")
    await person.look("document.querySelector('video').currentTime = 12.8; globalThis.stops = 0;")
    await person.until("!document.querySelector('video').seeking")
    await person.look("document.querySelector('video').onwaiting = () => { stops += 1; }")
    await person.until("document.querySelector('video').currentTime > 15")
    assert await person.look("stops") == 0
    await person.until("document.querySelector('video').ended", within_s=20)
    await person.finds("Uudelleen")


@pytest.mark.parametrize("kind", ["managed", "none"])
async def test_other_browsers_ways_are_taken(kind: str, house: TestHouse, people: People) -> None:
    """Apple's telephones have the managed kind alone; where there is neither, HLS is the last way."""
    person = await people.come("visitor")
    await person.page.add_init_script(
        {
            "managed": "globalThis.ManagedMediaSource = class extends MediaSource {};"
            " Object.defineProperty(globalThis, 'MediaSource', {value: undefined});",
            "none": "Object.defineProperty(globalThis, 'MediaSource', {value: undefined});",
        }[kind]
    )
    await person.open(f"{house.url}/recordings/{SHOW}")
    source = await person.until("document.querySelector('video').src")
    assert source.startswith("blob:") == (kind == "managed")
    await person.tap("Katson")
    await plays(person)
    if kind == "managed":
        assert await person.look("document.querySelector('video').disableRemotePlayback")
    else:
        assert source.endswith("/index.m3u8")


async def test_before_a_press_only_the_first_seconds_are_fetched(
    house: TestHouse, people: People
) -> None:
    person = await people.come("visitor")
    asked: list[str] = []
    person.page.on("request", lambda request: asked.append(request.url))
    await person.open(f"{house.url}/recordings/{SHOW}")
    await person.until("document.querySelector('video').readyState >= 3")
    assert sum(url.endswith(".m4s") for url in asked) <= 3
    await person.tap("Katson")
    await plays(person)
    await person.until("document.querySelector('video').buffered.end(0) > 12")


async def test_the_slider_listens_to_the_keys(house: TestHouse, people: People) -> None:
    person = await arrived(house, people)
    await person.until("document.querySelector('video').duration > 0")
    await person.look("document.querySelector('[data-position]').focus()")
    for key, moment in [("ArrowRight", 5), ("ArrowRight", 10), ("ArrowLeft", 5), ("PageUp", 23.5)]:
        await person.page.keyboard.press(key)
        await person.until(
            f"Math.abs(document.querySelector('video').currentTime - {moment}) < 0.6", why=key
        )
    await person.page.keyboard.press("Home")
    await person.until("document.querySelector('video').currentTime === 0")
    told = await person.look("document.querySelector('[data-position]').ariaValueText")
    assert told == "0.00, kesto 0.24"


async def test_a_server_that_is_away_is_told_in_one_sentence_and_one_press_goes_on(
    house: TestHouse, people: People
) -> None:
    person = await arrived(house, people)
    person.forgive("Failed to load resource|the recording does not go on|net::ERR")
    await person.page.route("**/media/**/*.m4s", lambda route: route.abort())
    await person.page.reload()
    await person.sees("Tallenne pysähtyi", within_s=20)
    await person.page.unroute("**/media/**/*.m4s")
    await person.tap("Yritän uudelleen")
    await plays(person)
    assert await person.look("document.querySelector('[data-note]').hidden")


async def test_every_control_is_there_at_every_size(house: TestHouse, people: People) -> None:
    person = await arrived(house, people)
    for width, height in [(320, 568), (390, 844), (820, 1180), (1440, 900)]:
        await person.page.set_viewport_size({"width": width, "height": height})
        await controls_fit(person, width)


async def controls_fit(person: Person, width: int) -> None:
    """Nothing scrolls sideways, and a finger finds every control."""
    wide = "document.scrollingElement.scrollWidth"
    assert await person.look(wide) <= width, "nothing scrolls sideways"
    sizes = await person.look(
        "[...document.querySelectorAll('#player button, #player input')]"
        ".filter((e) => e.getClientRects().length)"
        ".map((e) => [e.textContent || 'slider', e.offsetWidth, e.offsetHeight])"
    )
    assert len(sizes) >= 6
    for words, across, high in sizes:
        least = 72 if words == "Katson" else 56
        assert high >= least, (words, across, high)
        assert across >= 56, (words, across, high)


async def test_axe_finds_nothing_in_any_language(house: TestHouse, people: People) -> None:
    person = await people.come("visitor", width=390, height=844)
    for lang in ("fi", "sv", "en"):
        await person.open(house.url + in_language(f"/recordings/{SHOW}", lang))
        await person.until("document.querySelector('video').readyState > 0")
        assert not await violations(person, guest=True), lang


async def test_a_hidden_recording_is_gone_from_its_page_too(
    house: TestHouse, people: People
) -> None:
    database = Database(house.database_url)
    storage = open_storage(str(house.folder / "media"))
    await Recordings(database, storage, SystemClock()).hide(SHOW)
    await database.close()
    person = await people.come("visitor", width=800, height=600)
    person.forgive("404")
    answer = await person.page.goto(f"{house.url}/recordings/{SHOW}")
    assert answer is not None
    assert answer.status == 404
