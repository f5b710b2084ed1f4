"""A mail scanner with a browser of its own: it opens the link, runs the page and presses nothing."""

from __future__ import annotations

import sqlite3

import pytest

from rooms.phases import Phase, Role
from tests.evening.browser import People
from tests.evening.guest import step_in
from tests.evening.house import TestHouse

pytestmark = pytest.mark.browser

SHOW = "viulu-ja-vanha-piano"


def taken(house: TestHouse) -> list[tuple[str, bool]]:
    """The status of each ticket, and whether anybody sits in its seat."""
    with sqlite3.connect(house.folder / "lampio.sqlite3") as rows:
        found = rows.execute(
            "SELECT ticket.status, seat.device IS NOT NULL FROM seat"
            " JOIN ticket ON ticket.id = seat.ticket"
        ).fetchall()
    rows.close()
    return [(status, bool(sits)) for status, sits in found]


async def test_a_browser_that_does_not_press_takes_no_seat(
    house: TestHouse, people: People
) -> None:
    await house.show(SHOW, Phase.LIVE)
    link = house.link(await house.ticket(SHOW, Role.GUEST, "Aune"))
    for number in range(2):
        scanner = await people.come(f"scanner {number}")
        await scanner.open(link)
        await scanner.finds("[data-enter]")
        await scanner.page.reload()
        await scanner.page.wait_for_load_state("networkidle")
        await scanner.page.mouse.wheel(0, 400)
        await scanner.finds("[data-enter]")
    assert taken(house) == [("issued", False)]
    guest = await people.come("guest")
    await step_in(guest, link)
    assert taken(house) == [("admitted", True)]
