"""Cameras and microphones that are refused, come loose or speak another codec."""

from __future__ import annotations

import pytest

from rooms.phases import Phase, Role
from tests.evening import artist as desk
from tests.evening.browser import People, Person
from tests.evening.house import TestHouse

pytestmark = pytest.mark.browser

SHOW = "viulu-ja-vanha-piano"
FRAMES = "document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames"
REFUSES = """
(() => {
  const opens = navigator.mediaDevices.getUserMedia;
  navigator.mediaDevices.getUserMedia = async (wish) => {
    if (globalThis.refusal) throw new DOMException("no", globalThis.refusal);
    return opens.call(navigator.mediaDevices, wish);
  };
})();
"""
NO_H264 = """
(() => {
  const all = RTCRtpSender.getCapabilities;
  RTCRtpSender.getCapabilities = (kind) => {
    const { codecs, ...rest } = all.call(RTCRtpSender, kind);
    return { ...rest, codecs: codecs.filter(({ mimeType }) => mimeType !== "video/H264") };
  };
})();
"""


async def link_of(house: TestHouse, phase: Phase = Phase.LIVE) -> str:
    await house.show(SHOW, phase)
    return house.link(await house.ticket(SHOW, Role.ARTIST, "Viena"))


async def guest_of(house: TestHouse, people: People) -> Person:
    guest = await people.come("guest")
    await guest.open(house.link(await house.ticket(SHOW, Role.GUEST, "Aune")))
    await guest.tap("Astukaa saliin")
    return guest


async def frames_advance(guest: Person) -> None:
    start = await guest.look(FRAMES)
    await guest.until(f"{FRAMES} > {start + 15}", within_s=15, why="the picture to move")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("NotAllowedError", "Selain ei antanut lupaa kameraan ja mikrofoniin."),
        ("NotFoundError", "Kameraa tai mikrofonia ei löytynyt."),
        ("NotReadableError", "Kamera tai mikrofoni on toisen ohjelman käytössä."),
    ],
)
async def test_a_refused_device_is_told_in_words_and_asked_for_again_by_the_same_button(
    house: TestHouse, people: People, name: str, words: str
) -> None:
    artist = await people.come("artist")
    await artist.page.add_init_script(desk.SOURCE)
    await artist.page.add_init_script(REFUSES)
    await artist.open(await link_of(house))
    await artist.tap("#door [data-part=enter]")
    await artist.finds("#self [data-part=open]")
    await artist.look(f"globalThis.refusal = {name!r}")
    await artist.tap("#self [data-part=open]")
    await artist.sees(words)
    assert await artist.look("document.querySelector('#go [data-part=go]').disabled")
    await artist.look("globalThis.refusal = ''")
    await artist.tap("#self [data-part=open]")
    await artist.finds("#go [data-part=go]:not([disabled])")
    assert await artist.look("document.querySelector('#device-trouble').textContent") == ""


async def test_a_camera_that_comes_loose_on_air_is_taken_again_without_a_press(
    house: TestHouse, people: People
) -> None:
    artist = await people.come("artist")
    await artist.page.add_init_script(desk.SOURCE)
    await artist.page.add_init_script(REFUSES)
    await desk.go_live(artist, await link_of(house))
    guest = await guest_of(house, people)
    await frames_advance(guest)

    await artist.look("globalThis.refusal = 'NotFoundError'")
    await artist.look(
        "(() => { const [track] = document.querySelector('#self video').srcObject.getVideoTracks();"
        " track.stop(); track.dispatchEvent(new Event('ended')); })()"
    )
    await artist.sees("Kamera tai mikrofoni irtosi.")
    await artist.look("globalThis.refusal = ''")
    await artist.look("navigator.mediaDevices.dispatchEvent(new Event('devicechange')); 1")
    await artist.until("document.querySelector('#device-trouble').textContent === ''")
    await frames_advance(guest)
    await desk.on_air(artist)


async def test_a_browser_without_h264_is_told_beforehand_and_sends_vp8(
    house: TestHouse, people: People
) -> None:
    artist = await people.come("artist")
    await artist.page.add_init_script(desk.SOURCE)
    await artist.page.add_init_script(NO_H264)
    await desk.prepare(artist, await link_of(house))
    await artist.sees("Tästä selaimesta kuva tulee osalle katsomosta hieman myöhemmin.")
    await desk.go_on(artist)
    await desk.on_air(artist)
    guest = await guest_of(house, people)
    await frames_advance(guest)
