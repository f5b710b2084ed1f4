"""Five links in five tabs of one browser: all opened before any is pressed, each in its own role."""

from __future__ import annotations

from rooms.phases import Phase, Role
from tests.evening.browser import People
from tests.evening.house import TestHouse

SHOW = "viulu-ja-vanha-piano"


async def test_five_links_opened_before_any_is_pressed_work_in_five_tabs(
    house: TestHouse, people: People
) -> None:
    await house.show(SHOW, Phase.LIVE)
    aune = await house.ticket(SHOW, Role.GUEST, "Aune")
    toivo = await house.ticket(SHOW, Role.GUEST, "Toivo")
    liisa = await house.ticket(SHOW, Role.COMPANION, "Liisa", companion_of=aune.ticket)
    viena = await house.ticket(SHOW, Role.ARTIST, "Viena")
    helena = await house.ticket(SHOW, Role.HOST, "Helena")
    tabs = {"Aune": await people.come("Aune", width=1180, height=820)}
    for name in ("Toivo", "Liisa", "Viena", "Helena"):
        tabs[name] = await people.tab(name, tabs["Aune"].context)
    for name, ticket in zip(tabs, (aune, toivo, liisa, viena, helena), strict=True):
        await tabs[name].open(house.link(ticket))

    for name, press in {
        "Helena": "#door [data-part=enter]",
        "Viena": "#door [data-part=enter]",
        "Toivo": "Astukaa saliin",
        "Aune": "Astukaa saliin",
        "Liisa": "Pyydän päästä mukaan",
    }.items():
        await tabs[name].page.bring_to_front()
        await tabs[name].tap(press)

    await tabs["Helena"].until("document.querySelector('#host').dataset.scene === 'room'")
    await tabs["Viena"].until("document.querySelector('#desk').dataset.scene === 'check'")
    await tabs["Toivo"].until("!document.querySelector('#theatre').hidden")
    await tabs["Aune"].sees("Liisa haluaisi katsoa esitystä kanssanne.")
    await tabs["Liisa"].sees("Kysyimme juuri")
    for name in ("Aune", "Toivo"):
        await tabs["Helena"].until(
            f"document.querySelector('#here').innerText.includes('{name}')", why=f"{name} is here"
        )
