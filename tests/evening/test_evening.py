"""The whole evening, from the link to the recording in the catalogue, as five people live it."""

from __future__ import annotations

import asyncio
import itertools
import json
import sqlite3
from statistics import median

import aiohttp
import pytest

from rooms.phases import Phase, Role
from tests.conftest import Figures
from tests.evening import artist as desk
from tests.evening import senses
from tests.evening.browser import People, Person
from tests.evening.house import TestHouse
from tests.evening.recorded import decoded, tenths_in

SHOW = "viulu-ja-vanha-piano"

# Notes when a page first shows a text: {words: time on the clock that all pages share}.
NOTICE = """
globalThis.noticed = {};
addEventListener('DOMContentLoaded', () => new MutationObserver((changes) => {
  for (const { addedNodes } of changes) for (const node of addedNodes) {
    for (const found of node.textContent.matchAll(/line-\\d+/g)) {
      noticed[found[0]] ??= performance.timeOrigin + performance.now();
    }
  }
}).observe(document.body, { childList: true, subtree: true }));
addEventListener('submit', () => { globalThis.sent = performance.timeOrigin + performance.now(); }, true);
"""


async def host_of(house: TestHouse, people: People) -> Person:
    host = await people.come("host", width=1440, height=900)
    await host.page.add_init_script(NOTICE)
    await host.open(house.link(await house.ticket(SHOW, Role.HOST, "Helena")))
    await host.tap("#door [data-part=enter]")
    await host.until("document.querySelector('#host').dataset.scene === 'room'")
    return host


async def set_phase(host: Person, phase: str) -> None:
    await host.tap(f"#phases [data-to={phase}]")
    if phase == "ended":
        await host.until("performance.now() > (globalThis.sure ??= performance.now() + 800)")
        await host.tap("#phases [data-part=yes]")
    await host.until(
        f"document.querySelector('#phases [data-phase={phase}]').hasAttribute('aria-current')"
    )


async def guest_in_hall(house: TestHouse, people: People, link: str, name: str = "guest") -> Person:
    guest = await people.come(name)
    await senses.wake(guest)
    await guest.page.add_init_script(NOTICE)
    await guest.open(link)
    await guest.tap("Astukaa saliin")
    await guest.until("measured.frame", within_s=10, why="the first frame")
    return guest


async def say(guest: Person, words: str) -> None:
    await guest.write("#talk-line", words)
    await guest.tap("#talk-form [type=submit]")


async def converse(guest: Person, host: Person, figures: Figures) -> None:
    """Lines there and back; the median of their ways."""
    await guest.tap("Kirjoitan")
    await guest.finds("#talk-line")
    await guest.look("(document.querySelector('#talk-name').value ||= 'Aune')")
    ways = []
    for number in range(6):
        await say(guest, f"line-{number}")
        at = await host.until(f"noticed['line-{number}']", why="the guest's line")
        ways.append(at - await guest.look("sent"))
    for number in range(6, 12):
        await host.write("#talk-text", f"line-{number}")
        await host.tap("#talk form [type=submit]")
        at = await guest.until(f"noticed['line-{number}']", why="the host's line")
        ways.append(at - await host.look("sent"))
    figures.at_most("a line's way between guest and host, median of 12", median(ways), 100, "ms")


async def watch_along(
    house: TestHouse, people: People, guest: Person, link: str, figures: Figures
) -> None:
    companion = await people.come("companion", width=390, height=844)
    await senses.wake(companion)
    await companion.open(link)
    await companion.tap("Pyydän päästä mukaan")
    await guest.sees("Liisa haluaisi katsoa esitystä kanssanne.")
    assert await senses.frames(companion) == 0
    await guest.until("performance.now() > (globalThis.calm ??= performance.now() + 900)")
    await guest.tap("#company-question [data-yes]")
    await companion.until("measured.frame", why="the companion's first frame")
    await guest.sees("Liisa on mukana.")
    await guest.sees("Liisa ei näe eikä kuule teitä.")
    await companion.until("senses.frames().then((n) => n > 20)", why="the same show")
    await guest.look(
        "document.querySelector('#company-bar button').addEventListener('click',"
        " () => { globalThis.cut = performance.timeOrigin + performance.now(); }, true)"
    )
    await companion.look(
        "(globalThis.last = 0, document.querySelector('video').requestVideoFrameCallback("
        "function each() { last = performance.timeOrigin + performance.now();"
        " document.querySelector('video')?.requestVideoFrameCallback(each); }))"
    )
    await guest.tap("Jatkan itsekseni")
    await companion.until("document.querySelector('#theatre').hidden", why="the hall is shut")
    after = await companion.look("last") - await guest.look("cut")
    figures.at_most("the companion's last frame after Jatkan itsekseni", after, 1000, "ms")
    seen = await senses.frames(companion)
    await guest.sees("Katsotte nyt itseksenne.")
    await companion.until("performance.now() > (globalThis.later ??= performance.now() + 1500)")
    assert await senses.frames(companion) in (0, seen)


async def hide_and_remove(house: TestHouse, people: People, guest: Person, host: Person) -> None:
    rude = await house.ticket(SHOW, Role.GUEST, "Ryppy")
    other = await guest_in_hall(house, people, house.link(rude), "other")
    await other.tap("Kirjoitan")
    await other.finds("#talk-line")
    await other.look("(document.querySelector('#talk-name').value ||= 'Ryppy')")
    await say(other, "line-99 jotakin rumaa")
    await guest.sees("jotakin rumaa")
    await host.sees("jotakin rumaa")
    await host.tap("#talk .line:last-child button")
    await guest.until("!document.body.innerText.includes('jotakin rumaa')", why="the line is gone")
    row = f"#here li:has(#who-{rude.seat})"
    await host.tap(f"{row} button")
    await host.until("performance.now() > (globalThis.out ??= performance.now() + 800)")
    await host.tap(f"{row} .sure .off")
    await other.sees("Ette ole enää salissa.")
    other.forgive("40[0-9]|410")
    await other.open(house.link(rude))
    await other.sees("Ette ole enää salissa.")


def live_stretches(house: TestHouse) -> list[float]:
    """Seconds of each live stretch by the room's own log."""
    with sqlite3.connect(house.folder / "lampio.sqlite3") as rows:
        events = [
            json.loads(body)
            for (body,) in rows.execute(
                "SELECT body FROM room_event WHERE room = ? ORDER BY seq", (SHOW,)
            )
        ]
    phases = [event for event in events if event["type"] == "phase.changed"]
    return [
        (after["at"] - before["at"]) / 1000
        for before, after in itertools.pairwise(phases)
        if before["phase"] == "live"
    ]


async def recording_stands(house: TestHouse, figures: Figures) -> None:
    """Wait for the recording; how long it took from the end."""
    start = asyncio.get_running_loop().time()
    async with aiohttp.ClientSession() as session, asyncio.timeout(30):
        while True:
            async with session.get(f"{house.url}/recordings/{SHOW}") as answer:
                if answer.status == 200 and "data-playlist" in await answer.text():
                    break
            await asyncio.sleep(0.1)
    took = asyncio.get_running_loop().time() - start
    figures.at_most("from the end to the recording in the catalogue", took, 10, "s")


async def watch_recording(people: People, house: TestHouse, length_s: float) -> None:
    viewer = await people.come("viewer", width=1440, height=900)
    await viewer.open(f"{house.url}/recordings/{SHOW}")
    await viewer.tap("[data-toggle]")
    clock = "document.querySelector('video').currentTime"
    await viewer.until(f"{clock} > 1", why="the recording plays")
    await viewer.look(
        "(() => { const slider = document.querySelector('[data-position]');"
        f" slider.value = {length_s - 4}; slider.dispatchEvent(new Event('input', {{bubbles: true}}));"
        " slider.dispatchEvent(new Event('change', {bubbles: true})); })()"
    )
    await viewer.until(f"{clock} > {length_s - 5}", why="it seeks")
    before = await viewer.look(
        "document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames"
    )
    await viewer.until(f"{clock} > {length_s - 3}", why="and goes on from there")
    after = await viewer.look(
        "document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames"
    )
    assert after > before + 15


@pytest.mark.measure
@pytest.mark.timeout(240)
async def test_the_whole_evening(house: TestHouse, people: People, figures: Figures) -> None:
    await house.show(SHOW, Phase.DOORS)
    guest_ticket = await house.ticket(SHOW, Role.GUEST, "Aune")
    companion_ticket = await house.ticket(
        SHOW, Role.COMPANION, "Liisa", companion_of=guest_ticket.ticket
    )
    host = await host_of(house, people)
    artist = await people.come("artist", width=1440, height=900)
    artist_ticket = await house.ticket(SHOW, Role.ARTIST, "Viena")
    await desk.prepare(artist, house.link(artist_ticket))
    await desk.go_on(artist)
    await set_phase(host, "live")
    await desk.on_air(artist)

    guest = await guest_in_hall(house, people, house.link(guest_ticket))
    first = await guest.look("measured.frame - measured.tap")
    figures.at_most("first frame after the one tap", first, 1000, "ms")
    await senses.listen_and_look(guest)
    rate = await senses.frames_per_s(guest, 10)
    figures.at_least("frames decoded over 10 s", rate, 20, "a second")
    left_440, right_440 = await senses.ears(guest, 440)
    left_554, right_554 = await senses.ears(guest, 554.37)
    assert left_440 > right_440 + 15
    assert right_554 > left_554 + 15
    offset = await senses.picture_after_sound_ms(guest)
    figures.at_most("picture against sound at the guest's", abs(offset), 60, "ms")

    await converse(guest, host, figures)
    await guest.tap("Taputan")
    await host.until(
        "!document.querySelector('#stage [data-part=claps]').textContent.includes('hiljaa')",
        why="applause at the host's",
    )
    await watch_along(house, people, guest, house.link(companion_ticket), figures)
    await hide_and_remove(house, people, guest, host)

    await set_phase(host, "interval")
    await guest.until("document.querySelector('#stage').dataset.scene === 'interval'")
    await set_phase(host, "live")
    await guest.until("document.querySelector('#stage').dataset.scene === 'play'")
    seen = await senses.frames(guest)
    await guest.until(f"senses.frames().then((n) => n > {seen} + 60)", why="pictures go on")
    await set_phase(host, "ended")
    await guest.sees("Esitys on päättynyt. Kiitos, että olitte mukana.")

    await recording_stands(house, figures)
    stretches = live_stretches(house)
    assert len(stretches) == 2
    recorded = await decoded(house.url, SHOW)
    assert len(recorded) == 2
    lengths = [part.pictures[-1] - part.pictures[0] for part in recorded]
    length = sum(lengths)
    figures.note("live in all", sum(stretches), "s")
    figures.note("recorded in all", length, "s")
    for live_s, part, length_s in zip(stretches, recorded, lengths, strict=True):
        assert abs(length_s - live_s) <= 1
        clock = [tenths_in(grey) for grey in (part.first, part.last)]
        assert clock[1] - clock[0] == pytest.approx(length_s * 10, abs=5)
        assert min(part.loudness) > 0.01
    offset = median([one for part in recorded for one in part.offsets_ms])
    figures.at_most("picture against sound in the recording", abs(offset), 60, "ms")
    await watch_recording(people, house, length)
