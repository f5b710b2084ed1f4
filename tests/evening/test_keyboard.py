"""An evening without a pointer: everything a guest and a companion do, by keyboard, the focus always seen."""

from __future__ import annotations

import json

import pytest

from rooms.phases import Phase, Role
from tests.evening.browser import People, Person
from tests.evening.house import TestHouse

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

SHOW = "viulu-ja-vanha-piano"
MOST_PRESSES = 25

# The element that has the focus is on the screen, unhidden, and has a ring that can be seen.
FOCUS_SEEN = """(() => {
  const e = document.activeElement;
  if (!e || e === document.body) return 'nothing has the focus';
  if (!e.checkVisibility({visibilityProperty: true, opacityProperty: true})) return 'it is hidden';
  const box = e.getBoundingClientRect();
  if (box.bottom <= 0 || box.top >= innerHeight) return 'it is off the screen';
  const style = getComputedStyle(e);
  const ring = (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 3)
    || style.boxShadow !== 'none';
  return ring ? '' : 'it has no ring';
})()"""


async def press(person: Person, key: str) -> None:
    await person.page.keyboard.press(key)


async def reach(person: Person, selector: str, most: int = MOST_PRESSES) -> int:
    """Go on by Tab until this has the focus; every stop on the way is seen. How many presses it took."""
    await person.finds(selector)
    for presses in range(most + 1):
        if await person.look(f"!!document.activeElement.matches({json.dumps(selector)})"):
            return presses
        await press(person, "Tab")
        # A sheet that rises is not there at once; the page's end gives the focus to the browser.
        await person.until(
            f"['', 'nothing has the focus'].includes({FOCUS_SEEN})",
            within_s=3,
            why=f"the focus is seen on the way to {selector}",
        )
    raise AssertionError(f"{person.name}: {selector} is not reached in {most} presses of Tab")


async def does(person: Person, selector: str, key: str = "Enter") -> None:
    """Reach it and press."""
    await reach(person, selector)
    await press(person, key)


async def keeps_focus(person: Person, why: str) -> None:
    """After something went away the focus has a place."""
    main = "document.activeElement.id === 'main'"  # where reading goes on, without a ring
    await person.until(f"{main} || ({FOCUS_SEEN}) === ''", within_s=5, why=why)


async def enters(person: Person, link: str) -> None:
    """From the link through the door: at most twelve presses of Tab."""
    await person.open(link)
    assert await reach(person, "[data-enter]", most=12) <= 12
    await press(person, "Enter")


async def test_a_guest_lives_the_evening_by_keyboard(house: TestHouse, people: People) -> None:
    await house.show(SHOW, Phase.LIVE)
    ticket = await house.ticket(SHOW, Role.GUEST, "Aune")
    guest = await people.come("Aune", width=1280, height=800)
    await enters(guest, house.link(ticket))
    await guest.until("!document.querySelector('#theatre').hidden", why="the hall")

    await does(guest, "#applaud", "Space")
    await does(guest, "#sound")
    await guest.until("!document.querySelector('#sound-sheet').hidden", why="the sound sheet")
    before = await guest.look("document.querySelector('#sound-sheet [data-level]').textContent")
    await does(guest, "[data-quieter]", "Space")
    await guest.until(
        f"document.querySelector('#sound-sheet [data-level]').textContent !== {json.dumps(before)}",
        why="quieter",
    )
    await press(guest, "Escape")
    await guest.until("document.querySelector('#sound-sheet').hidden", why="Escape shuts the sheet")
    await keeps_focus(guest, "the focus goes back into the hall")

    await does(guest, "[data-write]")
    await reach(guest, "#talk-name")
    await guest.page.keyboard.type("Aune")
    await reach(guest, "#talk-line")
    await guest.page.keyboard.type("hyvää iltaa")
    await press(guest, "Enter")
    await guest.until(
        "document.querySelector('#talk-lines').textContent.includes('hyvää iltaa')",
        why="her line is said",
    )
    await does(guest, "#ask-help")
    await guest.until("!document.querySelector('#help-note').hidden", why="the note about help")
    await does(guest, "#help-note [data-close]")
    await keeps_focus(guest, "the focus does not go away with the note")


async def test_company_is_asked_answered_and_ended_by_keyboard(
    house: TestHouse, people: People
) -> None:
    await house.show(SHOW, Phase.DOORS)
    ticket = await house.ticket(SHOW, Role.GUEST, "Aune")
    invited = await house.ticket(SHOW, Role.COMPANION, "Liisa", companion_of=ticket.ticket)
    guest = await people.come("Aune", width=1280, height=800)
    await enters(guest, house.link(ticket))
    await guest.until("!document.querySelector('#theatre').hidden", why="the hall")
    companion = await people.come("Liisa", width=1280, height=800)
    await enters(companion, house.link(invited))

    sheet = "document.querySelector('#company-question')"
    await guest.until(f"!{sheet}.hidden && !{sheet}.inert", why="the question")
    await does(guest, "[data-yes]")
    await guest.until(f"{sheet}.hidden")
    await keeps_focus(guest, "the focus does not go away with the question")
    await companion.until("!document.querySelector('#theatre').hidden", why="the hall")
    await does(guest, "#company-bar button")
    await guest.until("document.querySelector('#company-bar').hidden", why="alone again")
    await keeps_focus(guest, "the focus does not go away with the bar")
    await companion.sees("Aune jatkaa nyt itsekseen.")
    await does(companion, "#lobby [data-ask]:not([hidden]), #door-help")
