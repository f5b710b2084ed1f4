"""One network, with and without UDP: the show changes its way under the guest's eyes and never goes black."""

from __future__ import annotations

import pytest

from rooms.phases import Phase, Role
from tests.conftest import Figures
from tests.evening import artist as desk
from tests.evening.browser import People, opened_people
from tests.evening.forwarder import forwarding
from tests.evening.guest import IN_THE_HALL, PROBES, watches
from tests.evening.house import TestHouse
from tests.evening.rung import EARS, SPARE, hears_segments, watches_segments

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

SHOW = "viulu-ja-vanha-piano"
# What is on the stage, asked at each frame of the page: how often it was black after the first picture.
BLACK = """{
  globalThis.black = 0;
  addEventListener('DOMContentLoaded', () => {
    const pen = Object.assign(document.createElement('canvas'), {width: 8, height: 8})
      .getContext('2d', {willReadFrequently: true});
    const bright = (seen) => {
      pen.clearRect(0, 0, 8, 8);
      pen.drawImage(seen, 0, 0, 8, 8);
      return pen.getImageData(0, 0, 8, 8).data.some((value, at) => at % 4 < 3 && value > 20);
    };
    let begun = false;
    const look = () => {
      const shown = [...document.querySelectorAll('#picture > *')].filter((one) => !one.hidden);
      const light = shown.some((one) => (one.videoWidth || one.tagName === 'CANVAS') && bright(one));
      if (light) begun = true;
      else if (begun) black += 1;
      requestAnimationFrame(look);
    };
    look();
  });
}"""


async def test_without_udp_the_show_comes_by_segments_with_it_by_webrtc_and_never_black(
    house: TestHouse, people: People, figures: Figures
) -> None:
    await house.show(SHOW, Phase.LIVE)
    artist = await people.come("artist", width=1440, height=900)
    await desk.go_live(artist, house.link(await house.ticket(SHOW, Role.ARTIST, "Viena")))
    async with (
        forwarding(house.port) as network,
        opened_people(*network.arguments) as home,
    ):
        network.udp_shut = True
        guest = await home.come("guest")
        await guest.page.add_init_script(PROBES + EARS + BLACK + network.script)
        await guest.open(house.link(await house.ticket(SHOW, Role.GUEST, "Aune")))
        await guest.tap("Astukaa saliin")
        await guest.until(IN_THE_HALL, why="to be in the hall")
        await guest.sees("Kuva on tulossa.", within_s=6)
        await watches_segments(guest)
        tap_to_picture = await guest.look("(segments.moved - measured.tap) / 1000")
        figures.at_most("UDP shut: picture after the tap", tap_to_picture, 6, "s")
        assert tap_to_picture > 3, "the better way has its three seconds"
        await hears_segments(guest)
        await guest.until("document.querySelector('#trouble').hidden")

        network.udp_shut = False
        await guest.until(f"{SPARE}.readyState === 0", within_s=45, why="WebRTC takes over")
        await watches(guest)
        await guest.until("loudness(0, 440) > -70", why="the sound comes with it")

        network.udp_shut = True
        await guest.look("globalThis.lost = performance.now(), segments.moved = null")
        await watches_segments(guest)
        await hears_segments(guest)
        assert await guest.look("document.querySelector('.still').hidden")
        assert await guest.look("black") == 0
