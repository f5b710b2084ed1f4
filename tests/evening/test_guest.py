"""The guest's evening in Chromium: one tap in, everything by itself, the place never lost."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Error

from rooms import orders
from rooms.phases import Phase, Role
from tests.conftest import Figures
from tests.evening import artist as desk
from tests.evening.browser import People, Person
from tests.evening.guest import scene, step_in, watches
from tests.evening.house import TestHouse

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

SHOW = "viulu-ja-vanha-piano"
WEIGHT_LIMIT_KB = 150


async def guest_link(house: TestHouse, name: str = "Aune") -> str:
    return house.link(await house.ticket(SHOW, Role.GUEST, name))


async def artist_plays(house: TestHouse, people: People) -> Person:
    artist = await people.come("artist", width=1440, height=900)
    await desk.go_live(artist, house.link(await house.ticket(SHOW, Role.ARTIST, "Viena")))
    return artist


async def crash(person: Person) -> None:
    """The tab dies at once, and everything in it with it: nothing says goodbye."""
    with contextlib.suppress(Error, TimeoutError):
        await asyncio.wait_for(person.cdp.send("Page.crash"), 1)


async def set_phase(house: TestHouse, phase: Phase) -> None:
    await orders.set_phase(house.database_url, SHOW, phase)


async def test_one_tap_brings_picture_and_stereo_sound(house: TestHouse, people: People) -> None:
    await house.show(SHOW, Phase.LIVE)
    await artist_plays(house, people)
    guest = await people.come()
    await step_in(guest, await guest_link(house))
    await watches(guest)
    assert await guest.look("document.querySelector('video').muted")
    # Left hums at 440 Hz, right at 554: each ear hears its own.
    await guest.until("loudness(0, 440) > -70 && loudness(1, 554) > -70", why="sound in both ears")
    await guest.until("loudness(0, 440) > loudness(0, 554) + 12", why="left is left")
    await guest.until("loudness(1, 554) > loudness(1, 440) + 12", why="right is right")
    # Nobody asked for a camera, and one page serves door and hall.
    assert await guest.look("performance.getEntriesByType('navigation').length") == 1


@pytest.mark.measure
async def test_first_frame_within_300_ms_of_the_tap(
    house: TestHouse, people: People, figures: Figures
) -> None:
    await house.show(SHOW, Phase.LIVE)
    await artist_plays(house, people)
    waits: list[float] = []
    for number in range(10):
        guest = await people.come(f"guest {number}")
        await guest.open(await guest_link(house, f"Aune {number}"))
        # People read before they press; by then the page has warmed up.
        await guest.until("performance.now() > 1200 && document.readyState === 'complete'")
        await guest.tap("[data-enter]")
        await guest.until("measured.frame", why="a first frame")
        waits.append(await guest.look("measured.frame - measured.tap"))
        await guest.context.close()
    figures.at_most("first frame after the tap, median of 10", statistics.median(waits), 300, "ms")


async def test_the_guests_page_weighs_little(
    house: TestHouse, people: People, figures: Figures
) -> None:
    await house.show(SHOW, Phase.LIVE)
    guest = await people.come()
    transfers: list[float] = []
    guest.cdp.on(
        "Network.loadingFinished", lambda done: transfers.append(done["encodedDataLength"])
    )
    await guest.cdp.send("Network.enable")
    await step_in(guest, await guest_link(house))
    await scene(guest, "soon")
    await guest.page.wait_for_load_state("networkidle")
    figures.at_most(
        "the guest's page before the media", sum(transfers) / 1000, WEIGHT_LIMIT_KB, "kB"
    )
    assert sum(transfers) / 1000 <= WEIGHT_LIMIT_KB


async def test_the_door_opens_by_itself_and_leads_through_the_evening(
    house: TestHouse, people: People
) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=2)
    await house.show(SHOW, Phase.SCHEDULED, doors_at=soon, starts_at=soon + timedelta(minutes=30))
    guest = await people.come()
    link = await guest_link(house)
    await guest.open(link)
    await guest.sees("Tulitte hyvissä ajoin.")
    assert not await guest.look("!!document.querySelector('[data-enter]').getClientRects().length")
    await guest.tap("Astukaa saliin", within_s=15)
    await scene(guest, "foyer")
    await guest.sees("Esitys alkaa")
    await set_phase(house, Phase.LIVE)
    await scene(guest, "soon")
    await artist_plays(house, people)
    await scene(guest, "play")
    await guest.until("measured.frame", why="the picture")
    await set_phase(house, Phase.INTERVAL)
    await scene(guest, "interval")
    await guest.sees("Väliaika")
    await set_phase(house, Phase.LIVE)
    await scene(guest, "play")
    await set_phase(house, Phase.ENDED)
    await scene(guest, "ended")
    await guest.sees("Esitys on päättynyt. Kiitos, että olitte mukana.")
    await guest.finds("#leave-hall")
    await guest.tap("#talk [data-write]")
    await guest.finds("#leave-hall")  # the conversation goes on, and the way out stays
    await guest.finds("Katson tallenteen", within_s=30)
    await guest.tap("Katson tallenteen")
    await guest.until("location.pathname.startsWith('/recordings/')")


async def test_at_the_shut_door_one_may_try_the_sound(house: TestHouse, people: People) -> None:
    later = datetime.now(UTC) + timedelta(hours=2)
    await house.show(SHOW, Phase.SCHEDULED, doors_at=later, starts_at=later)
    guest = await people.come()
    await guest.open(await guest_link(house))
    await guest.tap("Ääni päälle")
    await guest.sees("Kuuletteko musiikin?")
    await guest.tap("En kuule")
    await guest.sees("Painakaa laitteen ääni kovemmalle ja kokeilkaa uudelleen.")
    assert await guest.look("document.querySelector('[data-answer] a').href") == "tel:095550100"
    await guest.tap("Ääni päälle")
    await guest.tap("Kuulen")
    await guest.sees("Hyvä. Ääni on valmiina.")


async def test_a_part_that_fails_leaves_the_evening_alive(house: TestHouse, people: People) -> None:
    await house.show(SHOW, Phase.LIVE)
    await artist_plays(house, people)
    guest = await people.come()
    guest.forgive("did not start")
    await guest.page.add_init_script(
        "new MutationObserver(() => document.querySelectorAll('[data-write], [data-mono], [data-yes]')"
        ".forEach((part) => part.remove())).observe(document, {childList: true, subtree: true});"
    )
    await step_in(guest, await guest_link(house))
    await watches(guest)
    broken = " ".join(guest.problems)
    assert "#talk did not start" in broken
    assert "#sound-sheet did not start" in broken
    assert "#company-question did not start" in broken
    await guest.tap("Pyydän apua")
    await guest.sees("Pyyntönne tuli perille.")


async def test_guests_talk_and_the_log_leaves_readers_alone(
    house: TestHouse, people: People
) -> None:
    await house.show(SHOW, Phase.LIVE)
    aune, toivo = await people.come("Aune"), await people.come("Toivo")
    await step_in(aune, await guest_link(house))
    await step_in(toivo, await guest_link(house, "Toivo"))
    await aune.tap("Kirjoitan")
    await aune.sees("Millä nimellä haluatte kirjoittaa?")
    await aune.write("#talk-name", "Aune K.")
    await aune.write("#talk-line", "Tämä soi meidän häissämme.")
    await aune.tap("Lähetän")
    await toivo.sees("Aune K.: Tämä soi meidän häissämme.")
    await toivo.tap("Kirjoitan")
    await toivo.write("#talk-name", "Toivo")
    focused = "document.activeElement.id"
    for number in range(12):
        await aune.write("#talk-line", f"Rivi {number}")
        await aune.tap("Lähetän")
        await toivo.until(
            f"document.querySelector('#talk-lines').textContent.includes('Rivi {number}')"
        )
    assert await toivo.look(focused) == "talk-name"
    assert await aune.look("document.querySelector('[data-name]').hidden"), "asked once only"
    # Who has scrolled up stays there, and is told that there is more.
    log = "document.querySelector('#talk-lines')"
    await toivo.until(f"{log}.scrollHeight > {log}.clientHeight + 100")
    await toivo.look(f"{log}.scrollTop = 0")
    await aune.write("#talk-line", "Viimeinen")
    await aune.tap("Lähetän")
    await toivo.finds("Uusimmat viestit")
    assert await toivo.look(f"{log}.scrollTop") == 0
    await toivo.tap("Uusimmat viestit")
    await toivo.until(f"{log}.scrollTop > 0")


async def test_applause_is_felt_at_once_and_lights_the_whole_hall(
    house: TestHouse, people: People
) -> None:
    await house.show(SHOW, Phase.LIVE)
    aune, toivo = await people.come("Aune"), await people.come("Toivo")
    await step_in(aune, await guest_link(house))
    await step_in(toivo, await guest_link(house, "Toivo"))
    level = "Number(document.querySelector('#stage .footlights').dataset.level)"
    await toivo.until("frames.some((message) => message.type === 'snapshot')")
    assert await toivo.look(level) == 0
    await aune.tap("Taputan")
    await aune.until(f"{level} > 0", within_s=0.5)
    for _ in range(5):
        await aune.tap("Taputan")
    await toivo.until(f"{level} > 0", within_s=3)
    await toivo.until(f"{level} === 0", within_s=10, why="the lights fade")


async def test_help_is_asked_by_one_tap_and_answered(house: TestHouse, people: People) -> None:
    await house.show(SHOW, Phase.LIVE)
    guest, host = await people.come(), await people.come("host", width=1440, height=900)
    await host.open(house.link(await house.ticket(SHOW, Role.HOST, "Ritva")))
    await host.tap("#door [data-part=enter]")
    await step_in(guest, await guest_link(house))
    await guest.tap("Pyydän apua")
    await guest.sees("Pyyntönne tuli perille. Vahtimestari auttaa pian.")
    assert await guest.look("document.querySelector('#help-note a').href") == "tel:095550100"
    await host.tap("#help [data-part=list] button")
    await guest.sees("Vahtimestari on hoitanut pyyntönne.")


async def test_a_second_device_is_asked_and_the_first_one_is_told(
    house: TestHouse, people: People
) -> None:
    await house.show(SHOW, Phase.DOORS)
    link = await guest_link(house)
    tablet, phone = await people.come("tablet"), await people.come("phone", width=390, height=844)
    phone.forgive("409")
    await step_in(tablet, link)
    await phone.open(link)
    await phone.tap("Astukaa saliin")
    await phone.sees("Jatketaanko tällä laitteella?")
    await phone.tap("Jatkan toisella")
    await phone.sees("Esitys näkyy toisella laitteella.")
    assert not await phone.look("!document.querySelector('#theatre').hidden")
    await phone.tap("Jatkan tällä")
    await scene(phone, "foyer")
    await tablet.sees("Esitys näkyy nyt toisella laitteella tai toisessa ikkunassa.")
    # And back again, by the button that says so.
    tablet.forgive("409")
    await tablet.tap("Jatkan tällä")
    await tablet.tap("Astukaa saliin")
    await tablet.tap("Jatkan tällä")
    await scene(tablet, "foyer")


async def test_after_a_reload_the_same_button_leads_back(house: TestHouse, people: People) -> None:
    await house.show(SHOW, Phase.LIVE)
    await artist_plays(house, people)
    guest = await people.come()
    await step_in(guest, await guest_link(house))
    await watches(guest)
    await guest.page.reload()
    await guest.tap("Astukaa saliin")
    await watches(guest)


async def test_a_lost_connection_is_told_and_heals_without_the_door(
    house: TestHouse, people: People
) -> None:
    await house.show(SHOW, Phase.DOORS)
    guest = await people.come()
    guest.forgive("ERR_|WebSocket")
    await step_in(guest, await guest_link(house))
    await scene(guest, "foyer")
    await house.stop()
    await guest.sees("Yhteys katkesi.", within_s=10)
    await house.start()
    await guest.sees("Yhteys palasi.", within_s=20)
    await guest.until("document.querySelector('#trouble').hidden", within_s=10)
    assert await guest.look("!document.querySelector('#theatre').hidden")
    await set_phase(house, Phase.LIVE)
    await artist_plays(house, people)
    await watches(guest, within_s=15)


async def test_the_artists_loss_keeps_the_last_frame_under_a_sentence(
    house: TestHouse, people: People
) -> None:
    await house.show(SHOW, Phase.LIVE)
    artist = await artist_plays(house, people)
    guest = await people.come()
    await step_in(guest, await guest_link(house))
    await watches(guest)
    link = artist.page.url
    await crash(artist)
    await guest.sees("Esiintyjän yhteys katkesi.", within_s=8)
    assert await guest.look(
        "document.querySelector('video').videoWidth > 0 || !document.querySelector('.still').hidden"
    ), "the last frame stays"
    assert await guest.look("document.querySelector('#stage').dataset.scene") == "play"
    again = await people.tab("artist again", artist.context)
    # Her seat is still hers: no door, only the devices and the one step on.
    await again.page.add_init_script(desk.SOURCE)
    await again.open(link)
    await again.tap("#self [data-part=open]")
    await desk.go_on(again)
    await guest.until("document.querySelector('#trouble').hidden", within_s=10)
    await watches(guest)


async def test_a_removed_guest_is_told_and_cannot_come_back(
    house: TestHouse, people: People
) -> None:
    await house.show(SHOW, Phase.LIVE)
    guest = await people.come()
    guest.forgive("40[13]")
    issued = await house.ticket(SHOW, Role.GUEST, "Aune")
    await step_in(guest, house.link(issued))
    await scene(guest, "soon")
    await orders.revoke(house.database_url, issued.ticket)
    await guest.sees("Tämä lippu on peruttu. Soittakaa", within_s=3)
    await guest.open(house.link(issued))
    await guest.sees("peruttu")
    assert not await guest.look("!!document.querySelector('[data-enter]')?.getClientRects().length")


async def test_the_hall_is_walked_by_keyboard(house: TestHouse, people: People) -> None:
    await house.show(SHOW, Phase.LIVE)
    guest = await people.come(width=1440, height=900)
    await guest.open(await guest_link(house))
    presses = 0

    async def tab_to(selector: str) -> None:
        nonlocal presses
        while not await guest.look(f"document.activeElement.matches({selector!r})"):
            await guest.page.keyboard.press("Tab")
            presses += 1
            assert presses <= 12, f"{selector} is too far away"

    await tab_to("[data-enter]")
    await guest.page.keyboard.press("Enter")
    await scene(guest, "soon")
    await tab_to("#sound")
    await guest.page.keyboard.press("Enter")
    await guest.sees("Voimakkuus 70 %")
    await tab_to("[data-louder]")
    await guest.page.keyboard.press("Enter")
    await guest.sees("Voimakkuus 80 %")
    await guest.page.keyboard.press("Escape")
    assert await guest.look("document.activeElement.id") == "sound"


@pytest.mark.parametrize("size", [(320, 256), (390, 844), (820, 1180), (1180, 820), (1920, 1080)])
async def test_nothing_runs_out_of_the_screen_and_controls_are_large(
    house: TestHouse, people: People, size: tuple[int, int]
) -> None:
    await house.show(SHOW, Phase.LIVE)
    guest = await people.come(width=size[0], height=size[1])
    await step_in(guest, await guest_link(house))
    await scene(guest, "soon")
    for text in ("100", "200"):
        await guest.look(f"document.documentElement.dataset.text = {text!r}")
        for opener, closer in (
            (None, None),
            ("#sound", "Takaisin saliin"),
            ("[data-write]", "[data-write]"),
        ):
            if opener:
                await guest.tap(opener)
            await asyncio.sleep(0)
            assert await guest.look("document.documentElement.scrollWidth - innerWidth") <= 0
            small = await guest.look(
                "[...document.querySelectorAll('#theatre button, #theatre a.button')]"
                ".filter((e) => e.getClientRects().length)"
                ".filter((e) => { const r = e.getBoundingClientRect();"
                " return r.width < 56 || r.height < 56 || e.scrollWidth > e.clientWidth + 1; })"
                ".map((e) => e.textContent.trim())"
            )
            assert small == []
            if closer:
                await guest.tap(closer)
