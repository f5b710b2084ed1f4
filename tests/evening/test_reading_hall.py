"""The hall stays whole for guest and companion: small windows, large text, a reader's own spacing, forced
colours, less motion."""

from __future__ import annotations

import pytest

from rooms.phases import Phase, Role
from tests.evening.browser import People, Person
from tests.evening.house import TestHouse
from tests.evening.reading import SPACING
from tests.evening.test_reading import whole

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

SHOW = "viulu-ja-vanha-piano"
IN_THE_HALL = "!document.querySelector('#theatre').hidden"
WINDOWS = ((320, 256, 100), (390, 844, 200))

CONTROLS = "#applaud, #sound, #ask-help, #company-bar button"
REACHED = """((controls) => {
  const bad = [];
  for (const e of document.querySelectorAll(controls)) {
    if (!e.checkVisibility()) continue;
    e.scrollIntoView({block: 'nearest'});
    const box = e.getBoundingClientRect();
    const hit = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    if (!hit || !(e === hit || e.contains(hit))) bad.push(e.textContent.trim());
  }
  return bad;
})"""
CONTROLS_REACHED = f"{REACHED}('{CONTROLS}')"
FOOT_CLEAR = """(() => {
  const foot = document.querySelector('#sound-sheet .foot').getBoundingClientRect();
  const inner = document.querySelector('#sound-sheet .inner').getBoundingClientRect();
  return inner.bottom <= foot.top + 1 && foot.bottom <= innerHeight + 1;
})()"""


async def together(house: TestHouse, people: People, **options: object) -> tuple[Person, Person]:
    """Guest and companion in the hall, with company's bar above."""
    ticket = await house.ticket(SHOW, Role.GUEST, "Aune")
    invited = await house.ticket(SHOW, Role.COMPANION, "Liisa", companion_of=ticket.ticket)
    guest, companion = await people.come("Aune", **options), await people.come("Liisa", **options)  # type: ignore[arg-type]  # a window's size or a browser's option
    await guest.open(house.link(ticket))
    await guest.tap("[data-enter]")
    await guest.until(IN_THE_HALL)
    await companion.open(house.link(invited))
    await companion.tap("[data-enter]")
    sheet = "document.querySelector('#company-question')"
    await guest.until(f"!{sheet}.hidden && !{sheet}.inert", why="the question")
    await guest.tap("[data-yes]")
    await companion.until(IN_THE_HALL)
    await guest.until("!document.querySelector('#company-bar').hidden")
    return guest, companion


@pytest.mark.parametrize(("width", "height", "step"), WINDOWS)
async def test_the_hall_with_company_stays_whole(
    house: TestHouse, people: People, width: int, height: int, step: int
) -> None:
    await house.show(SHOW, Phase.LIVE)
    for person in await together(house, people, width=width, height=height):
        if step != 100:
            await person.look(f"document.documentElement.dataset.text = '{step}'")
        await whole(person, f"{person.name} at {width} px, {step} %")
        assert await person.look(CONTROLS_REACHED) == [], person.name
        await person.tap("#sound")
        await person.until("!document.querySelector('#sound-sheet').hidden")
        await whole(person, f"{person.name}'s sound sheet at {width} px")
        await person.tap("#sound-sheet [data-close]")


async def test_the_hall_stands_a_readers_own_spacing(house: TestHouse, people: People) -> None:
    await house.show(SHOW, Phase.LIVE)
    for person in await together(house, people, width=390, height=844):
        await person.look(SPACING)
        await whole(person, person.name)
        assert await person.look(CONTROLS_REACHED) == [], person.name
        await person.tap("#sound")
        await person.until("!document.querySelector('#sound-sheet').hidden")
        await whole(person, f"{person.name}'s sound sheet")


async def test_the_hall_in_forced_colours_and_with_less_motion(
    house: TestHouse, people: People
) -> None:
    await house.show(SHOW, Phase.LIVE)
    options = {"forced_colors": "active", "reduced_motion": "reduce"}
    for person in await together(house, people, **options):
        for selector in ("#applaud", "#sound", "#ask-help"):
            if await person.look(f"!document.querySelector('{selector}').checkVisibility()"):
                continue
            width = await person.look(
                f"parseFloat(getComputedStyle(document.querySelector('{selector}')).borderTopWidth)"
            )
            assert width >= 2, f"{person.name}: {selector} has no border"
        moving = await person.look(
            "document.getAnimations().filter((a) => {"
            " const t = a.effect.getComputedTiming(); return t.duration > 10; })"
            ".map((a) => a.effect.target?.className?.baseVal ?? a.effect.target?.className)"
        )
        assert moving == [], f"{person.name}: something moves"
        await person.page.keyboard.press("Tab")
        style = await person.look("getComputedStyle(document.activeElement).outlineStyle")
        assert style == "solid", person.name


@pytest.mark.parametrize(("width", "height", "step"), [(390, 844, 125), (820, 1180, 100)])
async def test_all_of_the_sound_sheet_and_of_the_writing_is_reached(
    house: TestHouse, people: People, width: int, height: int, step: int
) -> None:
    await house.show(SHOW, Phase.LIVE)
    guest = await people.come("Aune", width=width, height=height)
    await guest.open(house.link(await house.ticket(SHOW, Role.GUEST, "Aune")))
    await guest.tap("[data-enter]")
    await guest.until(IN_THE_HALL)
    if step != 100:
        await guest.look(f"document.documentElement.dataset.text = '{step}'")
    await guest.tap("#sound")
    await guest.until("!document.querySelector('#sound-sheet').hidden")
    await guest.until("!document.getAnimations().some((a) => a.playState === 'running')")
    assert await guest.look(FOOT_CLEAR)
    assert await guest.look(f"{REACHED}('#sound-sheet button')") == []
    await guest.tap("#sound-sheet [data-close]")
    await guest.tap("#talk [data-write]")
    assert await guest.look(f"{REACHED}('#talk button, #talk input')") == []
    box = "document.querySelector('#talk [data-write]').getBoundingClientRect()"
    await guest.look("scrollTo(0, 0)")
    assert await guest.look(f"{box}.bottom <= innerHeight")
