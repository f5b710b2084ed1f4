"""Co-viewing in Chromium: asked, answered, seen, and ended by one tap within a second."""

from __future__ import annotations

import pytest

from rooms.phases import Phase, Role
from tests.evening import artist as desk
from tests.evening.browser import People, Person
from tests.evening.guest import PROBES, step_in, watches
from tests.evening.house import TestHouse

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

SHOW = "viulu-ja-vanha-piano"
SHEET = "document.querySelector('#company-question')"
TOLD = "frames.map((message) => message.type)"


async def pair(house: TestHouse, people: People) -> tuple[Person, Person]:
    """Aune in the hall, and Liisa before the button that asks."""
    issued = await house.ticket(SHOW, Role.GUEST, "Aune")
    invited = await house.ticket(SHOW, Role.COMPANION, "Liisa", companion_of=issued.ticket)
    guest, companion = await people.come("Aune"), await people.come("Liisa", width=390, height=844)
    await step_in(guest, house.link(issued))
    await companion.page.add_init_script(PROBES)
    await companion.open(house.link(invited))
    await companion.finds("Pyydän päästä mukaan")
    return guest, companion


async def artist_plays(house: TestHouse, people: People) -> None:
    artist = await people.come("artist", width=1440, height=900)
    await desk.go_live(artist, house.link(await house.ticket(SHOW, Role.ARTIST, "Viena")))


async def test_after_a_yes_both_see_the_same_and_one_tap_ends_it_within_a_second(
    house: TestHouse, people: People
) -> None:
    await house.show(SHOW, Phase.LIVE)
    await artist_plays(house, people)
    guest, companion = await pair(house, people)
    await watches(guest)
    await companion.tap("Pyydän päästä mukaan")
    await companion.sees("Kysyimme juuri")
    # Without a yes: no media and no event of the room.
    assert set(await companion.look(TOLD)) <= {"waiting", "ack"}
    assert (await companion.look("received()"))["packets"] == 0

    await guest.sees("Liisa haluaisi katsoa esitystä kanssanne.")
    await guest.until(f"!{SHEET}.inert")
    yes, no = await guest.look(
        "['yes', 'no'].map((which) => { const r = document.querySelector("
        "`#company-question [data-${which}]`).getBoundingClientRect(); return [r.width, r.height]; })"
    )
    assert yes == no
    await guest.tap("Kyllä")
    await guest.sees("Liisa ei näe eikä kuule teitä.")
    await companion.sees("Aune katsoo kanssanne.")
    await watches(companion)

    await companion.until(
        """(globalThis.cut = null, document.querySelector('video').srcObject !== null)"""
    )
    await guest.tap("Jatkan itsekseni")
    await companion.sees(
        "Aune jatkaa nyt itsekseen.", within_s=2
    )  # twice the figure: machines are noisy
    assert await companion.look("document.querySelector('video').srcObject === null")
    assert await guest.look("document.querySelector('#company-bar').hidden")
    await guest.sees("", within_s=2)
    # Nothing comes to the companion any more; the guest's own picture goes on.
    assert (await companion.look("received()"))["packets"] == 0
    await watches(guest)
    told = await companion.look(TOLD)
    assert "event" not in told[len(told) - told[::-1].index("waiting") :]


async def test_after_not_now_the_companion_reads_so_and_cannot_ask_again(
    house: TestHouse, people: People
) -> None:
    await house.show(SHOW, Phase.DOORS)
    guest, companion = await pair(house, people)
    await companion.tap("Pyydän päästä mukaan")
    await guest.until(f"!{SHEET}.hidden && !{SHEET}.inert")
    await guest.tap("Ei nyt")
    await companion.sees("Aune katsoo tällä kertaa itsekseen.")
    assert await companion.look("document.querySelector('#lobby [data-ask]').hidden")
    assert await guest.look(f"{SHEET}.hidden")


async def test_the_question_rises_under_no_finger_and_is_inert_at_first(
    house: TestHouse, people: People
) -> None:
    await house.show(SHOW, Phase.DOORS)
    guest, companion = await pair(house, people)
    point = {"x": 400, "y": 1000}
    await guest.cdp.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [point]})
    await companion.tap("Pyydän päästä mukaan")
    asked = "frames.some((message) => message.event?.type === 'company.asked')"
    await guest.until(asked)
    await companion.sees("Kysyimme juuri")
    assert await guest.look(f"{SHEET}.hidden")
    await guest.cdp.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    await guest.until(f"!{SHEET}.hidden")
    assert await guest.look(f"{SHEET}.inert")
    # A tap that was meant for what lay there before answers nothing.
    box = await guest.look(
        "(() => { const r = document.querySelector('#company-question [data-yes]')"
        ".getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()"
    )
    await guest.touch(*box)
    await guest.until(f"!{SHEET}.inert")
    assert not await guest.look(f"{SHEET}.hidden")


async def test_the_companion_may_leave_and_both_are_told(house: TestHouse, people: People) -> None:
    await house.show(SHOW, Phase.DOORS)
    guest, companion = await pair(house, people)
    await companion.tap("Pyydän päästä mukaan")
    await guest.until(f"!{SHEET}.hidden && !{SHEET}.inert")
    await guest.tap("Kyllä")
    await companion.tap("Poistun")
    await companion.sees("Lähditte esityksestä.")
    await guest.until("document.querySelector('#company-bar').hidden")
