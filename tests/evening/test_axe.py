"""axe finds nothing on any page in any language; guests' pages also keep 7:1 and 44 px."""

from __future__ import annotations

import re

import pytest

from rooms.phases import Phase, Role
from tests.evening.browser import People, Person
from tests.evening.house import TestHouse
from tests.evening.reading import PUBLIC, in_language, put_on_shows, violations
from web.language import LANGUAGES, words

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

SIZES = ((390, 844), (1440, 900))
SHOW = "on-air"


def pressed(key: str, lang: str) -> str:
    """The words on a button, as the test's finger looks for them."""
    return words(lang).text(key).replace("\u00ad", "")


async def clean(person: Person, state: str, *, guest: bool) -> None:
    found = await violations(person, guest=guest)
    assert not found, f"{state}:\n" + "\n".join(found)


async def test_public_pages(house: TestHouse, people: People) -> None:
    await put_on_shows(house)
    for lang, width in (*((lang, 390) for lang in LANGUAGES), ("fi", 1440)):
        visitor = await people.come(f"visitor {lang} {width}", width=width, height=860)
        visitor.forgive("404")
        for path in PUBLIC:
            await visitor.open(house.url + in_language(path, lang))
            await clean(visitor, f"{path} {lang}", guest=True)


async def test_the_guests_pages(house: TestHouse, people: People) -> None:
    await put_on_shows(house)
    for lang in LANGUAGES:
        await a_guest(house, people, lang)


async def a_guest(house: TestHouse, people: People, lang: str) -> None:
    for phase, show in (("before", "coming"), ("doors", "doors"), ("over", "over")):
        guest = await people.come(phase, width=390, height=844)
        await guest.open(house.link(await house.ticket(show, Role.GUEST, "Aune")))
        await guest.open(in_language(str(guest.page.url), lang))
        await clean(guest, f"entrance, {phase}, {lang}", guest=True)
    for width, height in SIZES:
        guest = await people.come(f"guest {width}", width=width, height=height)
        await guest.open(house.link(await house.ticket(SHOW, Role.GUEST, "Aune")))
        await guest.open(in_language(str(guest.page.url), lang))
        await clean(guest, f"entrance, {lang}", guest=True)
        await guest.tap(pressed("step_in", lang))
        await guest.until("!document.querySelector('#theatre').hidden", why="the hall")
        await clean(guest, f"hall at {width}, {lang}", guest=True)
        await guest.tap("[data-write]")
        await clean(guest, f"conversation at {width}, {lang}", guest=True)
        await guest.open(str(guest.page.url))
        await guest.tap(pressed("step_in", lang))
        await guest.until("!document.querySelector('#theatre').hidden", why="the hall")
        await guest.tap(pressed("sound", lang))
        await guest.until("!document.querySelector('#sound-sheet').hidden", why="the sound sheet")
        await clean(guest, f"sound at {width}, {lang}", guest=True)


async def test_the_companions_page_and_the_guests_question(
    house: TestHouse, people: People
) -> None:
    await house.show(SHOW, Phase.LIVE)
    for lang in LANGUAGES:
        await a_pair(house, people, lang)


async def a_pair(house: TestHouse, people: People, lang: str) -> None:
    ticket = await house.ticket(SHOW, Role.GUEST, "Aune")
    guest = await people.come("guest", width=820, height=1180)
    await guest.open(house.link(ticket))
    await guest.open(in_language(str(guest.page.url), lang))
    await guest.tap(pressed("step_in", lang))
    companion = await people.come("companion", width=390, height=844)
    issued = await house.ticket(SHOW, Role.COMPANION, "Liisa", companion_of=ticket.ticket)
    await companion.open(house.link(issued))
    await companion.open(in_language(str(companion.page.url), lang))
    await clean(companion, f"companion's entrance, {lang}", guest=True)
    await companion.tap(pressed("comp_enter", lang))
    await guest.until("!document.querySelector('#company-question').hidden", why="the question")
    await clean(guest, f"the question, {lang}", guest=True)
    await clean(companion, f"companion waits, {lang}", guest=True)
    # The question is inert for 0.7 s, so that it never comes under a finger.
    await guest.until("performance.now() > (globalThis.ready ??= performance.now() + 800)")
    await guest.tap("[data-yes]")
    await guest.until("!document.querySelector('#company-bar').hidden", why="the bar")
    await companion.until("!document.querySelector('#theatre').hidden", why="the hall")
    await clean(guest, f"with company, {lang}", guest=True)
    await clean(companion, f"companion in the hall, {lang}", guest=True)


async def test_the_desks(house: TestHouse, people: People) -> None:
    await house.show(SHOW, Phase.LIVE)
    for lang in LANGUAGES:
        await staff_at_work(house, people, lang)


async def staff_at_work(house: TestHouse, people: People, lang: str) -> None:
    for role, root in ((Role.ARTIST, "#desk"), (Role.HOST, "#host")):
        staff = await people.come(role.value, width=1440, height=900)
        await staff.open(house.link(await house.ticket(SHOW, role, "Ritva")))
        await staff.open(in_language(str(staff.page.url), lang))
        await clean(staff, f"{role} at the door, {lang}", guest=False)
        await staff.tap("#door [data-part=enter]")
        await staff.until(f"document.querySelector('{root}').dataset.scene !== 'door'")
        await clean(staff, f"{role} inside, {lang}", guest=False)
        await staff.page.set_viewport_size({"width": 390, "height": 844})
        await clean(staff, f"{role} on a phone, {lang}", guest=False)


async def test_nothing_of_the_test_is_skipped(house: TestHouse, people: People) -> None:
    """A page with a known fault is found: axe runs, with the contrast and the target size we ask for."""
    visitor = await people.come("visitor")
    await visitor.open(f"{house.url}/privacy")
    await visitor.page.evaluate(
        "document.querySelector('main p').style.color = '#8a8090';"
        "document.querySelector('footer a').style.minHeight = '0'"
    )
    found = "\n".join(await violations(visitor, guest=True))
    assert re.search("color-contrast", found)
