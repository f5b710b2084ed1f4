"""The desks at work, in each scene and language: readable, whole, and reached by the keyboard."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from rooms.phases import Phase, Role
from tests.evening import artist as desk
from tests.evening.browser import People, Person
from tests.evening.house import TestHouse
from tests.evening.reading import CLIPPED, SMALL, in_language, scrolls_sideways, violations

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

SHOW = "viulu-ja-vanha-piano"
# Every control of a desk is at least 48 px high; text links and the page's own feet are not desks.
LOW = """
[...document.querySelectorAll('main button, main select, main input')]
  .filter((e) => e.checkVisibility() && e.getBoundingClientRect().height < 47.5)
  .map((e) => e.outerHTML.slice(0, 80))
"""


async def clean(person: Person, state: str) -> None:
    found = [
        *await violations(person, guest=False),
        *(f"cut off: {what}" for what in await person.look(CLIPPED)),
        *(f"under 18 px: {what}" for what in await person.look(SMALL)),
        *(f"under 48 px: {what}" for what in await person.look(LOW)),
        *(["scrolls sideways"] if await scrolls_sideways(person) else []),
    ]
    assert not found, f"{person.name}, {state}:\n" + "\n".join(found)


async def come(house: TestHouse, people: People, role: Role, lang: str, width: int) -> Person:
    person = await people.come(role.value, width=width, height=900)
    if role is Role.ARTIST:
        await person.page.add_init_script(desk.SOURCE)
    await person.open(house.link(await house.ticket(SHOW, role, "Viena Vesiputous")))
    await person.open(in_language(str(person.page.url), lang))
    await person.tap("#door [data-part=enter]")
    await inside(person)
    return person


async def inside(person: Person) -> None:
    await person.until(
        "!['', 'door'].includes(document.querySelector('#desk, #host').dataset.scene)"
    )


@pytest.mark.parametrize(("lang", "width"), [("fi", 1440), ("sv", 390), ("en", 820)])
async def test_each_scene_reads_well(
    house: TestHouse, people: People, lang: str, width: int
) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    await house.show(SHOW, Phase.REHEARSAL, doors_at=later)
    host = await come(house, people, Role.HOST, lang, width)
    artist = await come(house, people, Role.ARTIST, lang, width)
    await artist.finds("#self [data-part=open]")
    await clean(artist, "devices closed")
    await artist.tap("#self [data-part=open]")
    await clean(artist, "checking")
    await desk.go_on(artist)
    await desk.at(artist, "at_edge")
    await clean(artist, "at the edge")

    await host.tap("#phases [data-to=doors]")
    await host.tap("#phases [data-to=live]")
    for name in ("Aune", "Toivo"):
        guest = await people.come(name)
        await guest.open(house.link(await house.ticket(SHOW, Role.GUEST, name)))
        await guest.tap("#entrance [data-enter]")
        await guest.tap("#ask-help")
    await house.ticket(SHOW, Role.GUEST, "Eila Saarinen")
    await artist.write("#talk [data-part=text]", "Kiitos, kun tulitte.")
    await artist.tap("#talk [type=submit]")
    await desk.on_air(artist)
    await clean(artist, "on air")
    await artist.tap("#end [data-part=stop]")
    await clean(artist, "asked about the end")

    await host.finds("#talk .line button")
    await host.finds("#help .rows button")
    await clean(host, "live")
    await host.tap("#here li:last-child .quiet")
    await host.tap("#phases [data-to=ended]")
    await clean(host, "asked about the end")
    await host.until("performance.now() > (globalThis.second ??= performance.now() + 750)")
    await host.tap("#phases [data-part=yes]")
    await artist.until("document.querySelector('#desk').dataset.scene === 'over'")
    await clean(artist, "over")
    await clean(host, "over")


@pytest.mark.parametrize(("width", "text"), [(320, 100), (390, 200)])
async def test_small_windows_and_large_text_lose_nothing(
    house: TestHouse, people: People, width: int, text: int
) -> None:
    await house.show(SHOW, Phase.DOORS)
    for role in (Role.HOST, Role.ARTIST):
        person = await come(house, people, role, "sv", width)
        await person.open(in_language(str(person.page.url), "sv", text=text))
        await inside(person)
        await clean(person, f"{width} px, {text} %")


async def test_the_keyboard_alone_goes_live_and_ends_it(house: TestHouse, people: People) -> None:
    await house.show(SHOW, Phase.LIVE)
    artist = await people.come("artist", width=1440, height=900)
    await artist.page.add_init_script(desk.SOURCE)
    await artist.open(house.link(await house.ticket(SHOW, Role.ARTIST, "Viena")))
    await press(artist, "#door [data-part=enter]")
    await artist.finds("#self [data-part=open]")
    await press(artist, "#self [data-part=open]")
    await artist.finds("#go [data-part=go]:not([disabled])")
    await press(artist, "#go [data-part=go]")
    await desk.on_air(artist)
    await artist.until(
        "document.activeElement === document.querySelector('#banner h1')", why="the focus"
    )
    await press(artist, "#end [data-part=stop]")
    assert await artist.look("document.activeElement.dataset.part") == "yes"
    await artist.until("performance.now() > (globalThis.second ??= performance.now() + 750)")
    await artist.page.keyboard.press("Enter")
    await artist.until("document.querySelector('#desk').dataset.scene === 'check'")


async def press(person: Person, selector: str, *, tabs: int = 25) -> None:
    """Tab to a control and press Enter."""
    for _ in range(tabs):
        if await person.look(f"document.activeElement.matches({selector!r})"):
            await person.page.keyboard.press("Enter")
            return
        await person.page.keyboard.press("Tab")
    raise AssertionError(f"{selector} is not reached in {tabs} presses of Tab")
