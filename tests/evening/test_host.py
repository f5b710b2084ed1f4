"""The host's desk in Chromium: phases, help, conversation, and taking a participant out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from rooms.phases import Phase, Role
from tests.evening.browser import People, Person
from tests.evening.house import TestHouse

pytestmark = pytest.mark.browser

SHOW = "viulu-ja-vanha-piano"
SECOND_PRESS = "performance.now() > (globalThis.second ??= performance.now() + 750)"


async def host_of(house: TestHouse, people: People, phase: Phase) -> Person:
    later = datetime.now(UTC) + timedelta(hours=1)
    await house.show(SHOW, phase, doors_at=later)
    host = await people.come("host", width=1440, height=900)
    await host.open(house.link(await house.ticket(SHOW, Role.HOST, "Ritva")))
    await host.tap("#door [data-part=enter]")
    await stands(host, phase)
    return host


async def stands(host: Person, phase: Phase) -> None:
    await host.until(
        f"document.querySelector('#phases [data-phase={phase}]')?.hasAttribute('aria-current')",
        why=f"the strip to stand at {phase}",
    )


async def guest_of(house: TestHouse, people: People, name: str) -> tuple[Person, str]:
    link = house.link(await house.ticket(SHOW, Role.GUEST, name))
    guest = await people.come(name)
    await guest.open(link)
    await guest.tap("Astukaa saliin")
    await guest.finds("#applaud")
    return guest, link


async def write_line(guest: Person, words: str) -> None:
    await guest.tap("#talk [data-write]")
    await guest.write("#talk-name", guest.name)
    await guest.write("#talk-line", words)
    await guest.tap("#talk-form button[type=submit]")


async def test_the_next_step_is_one_press_and_the_end_is_two(
    house: TestHouse, people: People
) -> None:
    host = await host_of(house, people, Phase.REHEARSAL)
    for to in (Phase.DOORS, Phase.LIVE, Phase.INTERVAL, Phase.LIVE):
        await host.tap("#phases [data-part=steps] .main")
        await stands(host, to)
    # The interval has been: the end is the natural step now, and asked once more.
    await host.tap("#phases [data-part=steps] .main")
    await host.sees("Esitys päättyy kaikille.")
    await host.tap("#phases [data-part=no]")
    await stands(host, Phase.LIVE)
    await host.tap("#phases [data-part=steps] .main")
    await host.until(SECOND_PRESS)
    await host.tap("#phases [data-part=yes]")
    await stands(host, Phase.ENDED)
    assert await host.look("document.querySelectorAll('#phases [data-to]').length") == 0


async def test_help_asked_stands_on_top_until_it_is_handled(
    house: TestHouse, people: People
) -> None:
    host = await host_of(house, people, Phase.LIVE)
    guest, _ = await guest_of(house, people, "Toivo")
    await guest.tap("#ask-help")
    await host.sees("1 odottaa apua.")
    assert "Toivo" in await host.look("document.querySelector('#help .rows').innerText")
    await host.tap("#help .rows button")
    await host.sees("Kukaan ei ole pyytänyt apua.")


async def test_a_hidden_line_is_gone_from_every_page(house: TestHouse, people: People) -> None:
    host = await host_of(house, people, Phase.LIVE)
    guest, _ = await guest_of(house, people, "Aune")
    other, _ = await guest_of(house, people, "Seppo")
    await write_line(guest, "Soittakaa 044 555 0119")
    await host.sees("Soittakaa 044 555 0119")
    await other.until("document.querySelector('#talk-lines').textContent.includes('044 555')")
    await host.tap("#talk .line button")
    await host.sees("Piilotettu viesti")
    await other.until("!document.querySelector('#talk-lines').textContent.includes('044 555')")


async def test_one_taken_out_is_told_and_cannot_come_back_on_that_ticket(
    house: TestHouse, people: People
) -> None:
    host = await host_of(house, people, Phase.LIVE)
    guest, link = await guest_of(house, people, "Seppo")
    other, _ = await guest_of(house, people, "Aune")
    seat = await guest.look("JSON.parse(document.querySelector('#page-data').textContent).seat")
    row = f"#here li:has(#who-{seat})"
    await host.tap(f"{row} button")
    await host.sees("Seppo: lippu ei enää avaa ovea.")
    await host.until(SECOND_PRESS)
    await host.tap(f"{row} .sure .off")
    await host.sees("Seppo on poistettu salista.")
    await guest.sees("Ette ole enää salissa.")
    assert await host.look(f"document.querySelectorAll('{row}').length") == 0

    again = await people.come("again")
    again.forgive("40[0-9]|410")
    await again.open(link)
    if await again.look("!!document.querySelector('#entrance')"):
        await again.tap("Astukaa saliin")
    await again.sees("Ette ole enää salissa.")
    guest.forgive("40[0-9]|410")
    await guest.open(link)
    if await guest.look("!!document.querySelector('#entrance [data-when=open]:not([hidden])')"):
        await guest.tap("Astukaa saliin")
    await guest.sees("Ette ole enää salissa.")
    await other.finds("#applaud")


async def test_who_has_a_ticket_and_has_not_come_is_listed_until_they_come(
    house: TestHouse, people: People
) -> None:
    host = await host_of(house, people, Phase.DOORS)
    link = house.link(await house.ticket(SHOW, Role.GUEST, "Eila Saarinen"))
    aune, _ = await guest_of(house, people, "Aune")
    await host.until("document.querySelector('#here').innerText.includes('Aune')")
    await host.until("document.querySelector('#missing').innerText.includes('Eila Saarinen')")
    assert await host.look("document.querySelector('#missing').innerText.includes('Perun kutsun')")
    assert not await host.look("document.querySelector('#missing').innerText.includes('Poistan')")
    eila = await people.come("Eila")
    await eila.open(link)
    assert await host.look("document.querySelector('#missing').innerText.includes('Eila')")
    await eila.tap("Astukaa saliin")
    await host.until("document.querySelector('#here').innerText.includes('Eila Saarinen')")
    await host.sees("Kaikki ovat tulleet.")
    await aune.finds("#talk [data-write]")
