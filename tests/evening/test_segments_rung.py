"""Whom WebRTC does not reach sees and hears the show by live segments, without a question; and the right
ends there as fast as elsewhere. One evening for all of these, in this order."""

from __future__ import annotations

import signal
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest
import pytest_asyncio

from rooms import orders
from rooms.phases import Phase, Role
from rooms.seats import Issued
from tests.conftest import Figures
from tests.evening import artist as desk
from tests.evening.browser import People, Person, opened_people
from tests.evening.guest import IN_THE_HALL
from tests.evening.house import TestHouse, opened_house
from tests.evening.rung import (
    CLOCK,
    EARS,
    SPARE,
    WITHOUT_H264,
    WITHOUT_PEERS,
    behind_s,
    hears_segments,
    picture_after_sound_ms,
    watches_segments,
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(180),
    pytest.mark.asyncio(loop_scope="module"),
]

SHOW = "viulu-ja-vanha-piano"
# The connections that the page makes, and ears behind its whole sound path.
BEHIND_ALL = """{
  globalThis.peers = [];
  const Peer = RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Peer {
    constructor(...given) { super(...given); peers.push(this); }
  };
  const connect = AudioNode.prototype.connect;
  AudioNode.prototype.connect = function (to, ...rest) {
    if (to === this.context.destination) {
      globalThis.split ??= this.context.createChannelSplitter(2);
      globalThis.ends ??= [0, 1].map((ear) => {
        const analyser = new AnalyserNode(this.context, {fftSize: 8192, smoothingTimeConstant: 0});
        connect.call(split, analyser, ear);
        return analyser;
      });
      connect.call(this, split);
    }
    return connect.call(this, to, ...rest);
  };
  globalThis.heard = (ear, hertz) => {
    const analyser = ends[ear];
    const bins = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(bins);
    return bins[Math.round(hertz * analyser.fftSize / analyser.context.sampleRate)];
  };
}"""
ASKED = "performance.getEntriesByType('resource').map((one) => one.name).filter((name) => name.includes('/live/'))"


@dataclass
class Evening:
    """A show that nobody may keep, its artist on the air."""

    house: TestHouse
    people: People
    artist: Person
    watcher: Person
    """A guest without peer connections who stays."""

    async def issued(self, name: str) -> Issued:
        """A guest's ticket."""
        return await self.house.ticket(SHOW, Role.GUEST, name)

    async def comes(self, link: str, script: str, press: str = "Astukaa saliin") -> Person:
        """From the link through the door by one tap, in a browser that `script` has changed."""
        guest = await self.people.come()
        await self.arrives(guest, link, script, press)
        return guest

    async def arrives(self, guest: Person, link: str, script: str, press: str) -> None:
        """As `comes`, in a window that is there."""
        guest.forgive("404|WebSocket|ERR_")
        await guest.page.add_init_script(EARS + script)
        await guest.open(link)
        await guest.tap(press)

    async def status(self, guest: Person) -> int:
        """What the guest's own address of the playlist answers now."""
        address = await guest.look(f"{ASKED}.findLast((name) => name.endsWith('.m3u8'))")
        async with aiohttp.ClientSession() as session, session.get(address) as answer:
            return answer.status


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def evening(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Evening]:
    async with opened_house(tmp_path_factory.mktemp("rung")) as house, opened_people() as people:
        await house.start()
        await house.show(SHOW, Phase.LIVE, recording_policy="none")
        artist = await people.come("artist", width=1440, height=900)
        artist.forgive("WebSocket|ERR_")
        await desk.go_live(artist, house.link(await house.ticket(SHOW, Role.ARTIST, "Viena")))
        watcher = await people.come("watcher")
        evening = Evening(house, people, artist, watcher)
        await evening.arrives(
            watcher, house.link(await evening.issued("Aune")), WITHOUT_PEERS, "Astukaa saliin"
        )
        yield evening


async def test_a_browser_without_peer_connections_sees_and_hears_the_show(
    evening: Evening, figures: Figures
) -> None:
    guest = evening.watcher
    await guest.until(IN_THE_HALL, why="to be in the hall")
    await watches_segments(guest)
    figures.at_most(
        "picture by segments after the tap, no peer connections",
        await guest.look("(segments.moved - measured.tap) / 1000"),
        6,
        "s",
    )
    await hears_segments(guest)
    figures.at_most(
        "by segments: picture after sound", abs(await picture_after_sound_ms(guest)), 100, "ms"
    )
    figures.at_most("by segments: behind the stage", await behind_s(guest, evening.artist), 6, "s")
    assert await guest.look("document.querySelector('#trouble').hidden")
    assert not list((evening.house.folder / "spool").rglob("*.m4s*")), (
        "nothing is kept of this show"
    )


async def test_a_browser_without_h264_hears_at_once_and_sees_by_segments(
    evening: Evening, figures: Figures
) -> None:
    guest = await evening.comes(
        evening.house.link(await evening.issued("Toivo")), WITHOUT_H264 + BEHIND_ALL
    )
    await watches_segments(guest)
    figures.at_most(
        "picture by segments after the tap, no H.264",
        await guest.look("(segments.moved - measured.tap) / 1000"),
        6,
        "s",
    )
    await hears_segments(guest)
    assert await guest.look("peers.every((peer) => peer.connectionState === 'closed')")
    # The page's own sound path: silence and one sound for both ears are the same as by WebRTC.
    await guest.tap("#sound")
    await guest.tap("[data-mono]")
    await guest.until("heard(0, 554) > -70 && heard(1, 440) > -70", why="one sound for both ears")
    await guest.tap("[data-mute]")
    await guest.until("heard(0, 440) < -100", why="silence")
    await guest.context.close()


async def test_where_there_is_no_media_source_the_browsers_own_hls_is_the_last_way(
    evening: Evening,
) -> None:
    bare = "Object.defineProperty(globalThis, 'MediaSource', {value: undefined});"
    guest = await evening.comes(
        evening.house.link(await evening.issued("Eino")), WITHOUT_PEERS + bare
    )
    await watches_segments(guest)
    assert await guest.look(f"{SPARE}.currentSrc.endsWith('/live.m3u8')")
    assert await guest.look(f"{SPARE}.webkitAudioDecodedByteCount") > 0
    await guest.tap("#sound")
    await guest.tap("[data-mute]")
    assert await guest.look(f"{SPARE}.muted"), "its sound is its own, and obeys all the same"
    await guest.context.close()


async def test_the_guest_ends_company_and_the_companions_segments_end_within_a_second(
    evening: Evening, figures: Figures
) -> None:
    aune = await evening.issued("Aune")
    invited = await evening.house.ticket(SHOW, Role.COMPANION, "Liisa", companion_of=aune.ticket)
    guest = await evening.comes(evening.house.link(aune), WITHOUT_PEERS)
    liisa = await evening.comes(evening.house.link(invited), WITHOUT_PEERS, "Pyydän päästä mukaan")
    sheet = "document.querySelector('#company-question')"
    await guest.until(f"!{sheet}.hidden && !{sheet}.inert", why="the question")
    await guest.tap("Kyllä")
    await watches_segments(liisa)
    assert await evening.status(liisa) == 200
    start = time.monotonic()
    await guest.tap("Jatkan itsekseni")
    while await evening.status(liisa) != 404:
        assert time.monotonic() - start < 2
    await liisa.until(f"!{SPARE}.currentSrc || {SPARE}.readyState === 0", within_s=2)
    figures.at_most("company ended: segments gone after", time.monotonic() - start, 1, "s")
    await watches_segments(guest)
    await liisa.context.close()

    start = time.monotonic()
    await orders.revoke(evening.house.database_url, aune.ticket)
    while await evening.status(guest) != 404:
        assert time.monotonic() - start < 2
    figures.at_most("seat revoked: segments gone after", time.monotonic() - start, 1, "s")
    await guest.sees("Tämä lippu on peruttu. Soittakaa", within_s=3)
    await guest.until(f"{SPARE}.readyState === 0", within_s=2)
    await guest.context.close()


async def test_who_watches_by_segments_is_not_stopped(evening: Evening, figures: Figures) -> None:
    watcher = evening.watcher
    await watcher.until("performance.now() - segments.moved > 20_000", within_s=30)
    await watches_segments(watcher)
    figures.at_most("by segments: stops in 20 s", await watcher.look("segments.stops"), 1, "")


@pytest.mark.measure
async def test_a_killed_server_is_back_within_ten_seconds(
    evening: Evening, figures: Figures
) -> None:
    guest = await evening.comes(evening.house.link(await evening.issued("Helmi")), WITHOUT_PEERS)
    await watches_segments(guest)
    before = await guest.look(f"{ASKED}.length")
    await evening.house.stop(signal.SIGKILL)
    start = time.monotonic()
    await evening.house.start()
    await guest.until(
        f"{ASKED}.slice({before}).some((name) => name.endsWith('.m4s')"
        f" && !name.includes({ASKED}[0].split('/live/')[1].slice(0, 32)))",
        within_s=30,
        why="segments of the new server",
    )
    await guest.look(f"globalThis.old = {CLOCK}")
    await watches_segments(guest)
    figures.at_most("server killed: segments again after", time.monotonic() - start, 10, "s")
