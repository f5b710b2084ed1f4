"""Pages stay whole: small windows, large text, wide spacing, forced colours, a television."""

from __future__ import annotations

from itertools import product

import pytest

from rooms.phases import Phase, Role
from tests.evening.browser import People, Person
from tests.evening.house import TestHouse
from tests.evening.reading import (
    CLIPPED,
    PUBLIC,
    SMALL,
    SPACING,
    in_language,
    put_on_shows,
    scrolls_sideways,
)
from tests.evening.test_axe import pressed

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

WINDOWS = ((320, 256, 100), (390, 844, 150), (390, 844, 200), (820, 1180, 200), (1920, 1080, 100))


async def whole(person: Person, state: str) -> None:
    assert not await scrolls_sideways(person), f"{state}: wider than its window"
    assert await person.look(CLIPPED) == [], state
    assert await person.look(SMALL) == [], f"{state}: text under 18 px"


async def test_public_pages_stay_whole(house: TestHouse, people: People) -> None:
    await put_on_shows(house)
    for width, height, step in WINDOWS:
        visitor = await people.come("visitor", width=width, height=height)
        visitor.forgive("404")
        for lang, path in product(("fi", "sv"), PUBLIC):
            await visitor.open(house.url + in_language(path, lang, text=step))
            await whole(visitor, f"{path} {lang} {width} px {step} %")


async def test_public_pages_stand_a_readers_own_spacing(house: TestHouse, people: People) -> None:
    await put_on_shows(house)
    visitor = await people.come("visitor", width=390, height=844)
    visitor.forgive("404")
    for path in PUBLIC:
        await visitor.open(house.url + in_language(path, "fi"))
        await visitor.look(SPACING)
        await whole(visitor, path)


async def test_the_guests_pages_stay_whole(house: TestHouse, people: People) -> None:
    await house.show("on-air", Phase.LIVE)
    for (width, height, step), lang in product(WINDOWS, ("fi", "sv")):
        state = f"{lang} {width} px {step} %"
        guest = await people.come("guest", width=width, height=height)
        await guest.open(house.link(await house.ticket("on-air", Role.GUEST, "Aune")))
        await guest.open(in_language(str(guest.page.url), lang, text=step))
        await whole(guest, f"entrance {state}")
        await guest.tap(pressed("step_in", lang))
        await guest.until("!document.querySelector('#theatre').hidden", why="the hall")
        await whole(guest, f"hall {state}")
        await guest.context.close()


async def test_a_focus_is_never_hidden_under_the_foot(house: TestHouse, people: People) -> None:
    await put_on_shows(house)
    visitor = await people.come("visitor", width=390, height=700)
    await visitor.open(f"{house.url}/")
    for _ in range(40):
        await visitor.page.keyboard.press("Tab")
        hidden = await visitor.look(
            "(() => { const e = document.activeElement, r = e.getBoundingClientRect();"
            " const foot = document.querySelector('.help');"
            " if (e === document.body || foot.contains(e)) return false;"
            " return r.top >= foot.getBoundingClientRect().top || r.bottom <= 0; })()"
        )
        assert not hidden, await visitor.look("document.activeElement.outerHTML")


async def test_forced_colours_keep_lamps_buttons_and_focus(
    house: TestHouse, people: People
) -> None:
    await put_on_shows(house)
    visitor = await people.come("visitor", forced_colors="active")
    await visitor.open(f"{house.url}/shows/on-air")
    for selector in (".lamp", ".button", ".ticket"):
        width = await visitor.look(
            f"parseFloat(getComputedStyle(document.querySelector('{selector}')).borderTopWidth)"
        )
        assert width >= 2, selector
    await visitor.page.keyboard.press("Tab")
    assert await visitor.look("getComputedStyle(document.activeElement).outlineStyle") == "solid"


async def test_less_motion_means_no_movement(house: TestHouse, people: People) -> None:
    await put_on_shows(house)
    visitor = await people.come("visitor", reduced_motion="reduce")
    await visitor.open(f"{house.url}/shows/on-air")
    slow = await visitor.look(
        "[...document.querySelectorAll('*')].filter((e) =>"
        " parseFloat(getComputedStyle(e).transitionDuration) > .01).length"
    )
    assert slow == 0


async def test_larger_text_without_a_new_page_and_remembered(
    house: TestHouse, people: People
) -> None:
    visitor = await people.come("visitor")
    await visitor.open(f"{house.url}/privacy")
    await visitor.look("globalThis.same = true")
    for step in ("125", "150", "200"):
        await visitor.tap("[data-textsize] button")
        await visitor.until(f"document.documentElement.dataset.text === '{step}'")
    assert await visitor.look("globalThis.same")
    assert await visitor.look("getComputedStyle(document.body).fontSize") == "40px"
    await visitor.open(f"{house.url}/accessibility")
    assert await visitor.look("document.documentElement.dataset.text") == "200"
    await visitor.tap("[data-textsize] button")
    await visitor.until("document.documentElement.dataset.text === undefined")
