"""The tablet leaves one network for another: its address is gone, and the show goes on from the next."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from playwright.async_api import async_playwright

from rooms.phases import Phase, Role
from tests.conftest import Figures
from tests.evening import artist as desk
from tests.evening.browser import ARGUMENTS, CHROMIUM, People
from tests.evening.guest import step_in, watches
from tests.evening.house import opened_house

pytestmark = [
    pytest.mark.browser,
    pytest.mark.soak,
    pytest.mark.timeout(180),
    pytest.mark.skipif(
        os.geteuid() != 0 or shutil.which("ip") is None, reason="network namespaces need root"
    ),
]

SHOW = "viulu-ja-vanha-piano"
FRAMES = "document.querySelector('#picture video').getVideoPlaybackQuality().totalVideoFrames"
HOUSE, FIRST, SECOND = "10.77.31.1", "10.77.31.2", "10.77.31.3"


class Tablet:
    """A network of its own, one cable long, whose address can change."""

    def __init__(self) -> None:
        number = os.getpid()
        self.name, self._near, self._far = f"t{number}", f"n{number}", f"f{number}"

    def begin(self) -> None:
        """The cable is in, with the first address."""
        self._run("netns", "add", self.name)
        self._run("link", "add", self._near, "type", "veth", "peer", self._far, "netns", self.name)
        self._run("addr", "add", f"{HOUSE}/24", "dev", self._near)
        self._run("link", "set", self._near, "up")
        self._inside("addr", "add", f"{FIRST}/24", "dev", self._far)
        self._inside("link", "set", self._far, "up")
        self._inside("link", "set", "lo", "up")
        self._inside("route", "add", "default", "via", HOUSE)

    def moves(self) -> None:
        """The first address is gone, another is there."""
        self._inside("addr", "del", f"{FIRST}/24", "dev", self._far)
        self._inside("addr", "add", f"{SECOND}/24", "dev", self._far)
        self._inside("route", "add", "default", "via", HOUSE)

    def end(self) -> None:
        """All of it is gone."""
        subprocess.run(["ip", "netns", "del", self.name], check=False, capture_output=True)
        subprocess.run(["ip", "link", "del", self._near], check=False, capture_output=True)

    def _inside(self, *words: str) -> None:
        self._run("-n", self.name, *words)

    @staticmethod
    def _run(*words: str) -> None:
        subprocess.run(["ip", *words], check=True, capture_output=True)


@contextmanager
def tablet() -> Iterator[Tablet]:
    made = Tablet()
    try:
        made.begin()
        yield made
    finally:
        made.end()


@asynccontextmanager
async def people_on(tablet: Tablet, folder: Path, port: int) -> AsyncIterator[People]:
    script = folder / "chromium-inside"
    script.write_text(f'#!/bin/sh\nexec ip netns exec {tablet.name} {CHROMIUM} "$@"\n')
    script.chmod(0o755)
    leads = f"--host-resolver-rules=MAP localhost:{port} {HOUSE}:{port}"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=str(script), args=[*ARGUMENTS, leads]
        )
        people = People(browser)
        try:
            yield people
            people.check()
        finally:
            await browser.close()


async def test_the_show_goes_on_from_another_address_of_the_device(
    tmp_path: Path, people: People, figures: Figures
) -> None:
    with tablet() as device:
        async with (
            opened_house(tmp_path, HOST="0.0.0.0") as house,
            people_on(device, tmp_path, house.port) as home,
        ):
            await house.start()
            await house.show(SHOW, Phase.LIVE)
            artist = await people.come("artist", width=1440, height=900)
            await desk.go_live(artist, house.link(await house.ticket(SHOW, Role.ARTIST, "Viena")))
            guest = await home.come("guest")
            guest.forgive("WebSocket|ERR_")
            await step_in(guest, house.link(await house.ticket(SHOW, Role.GUEST, "Aune")))
            await watches(guest)
            await guest.look("globalThis.loaded = 'once'")
            start = await guest.look(FRAMES)
            device.moves()
            moved = time.monotonic()
            await guest.until(f"{FRAMES} > {start + 30}", within_s=30, why="the picture goes on")
            figures.at_most("another network: picture again", time.monotonic() - moved, 10, "s")
            assert await guest.look("globalThis.loaded") == "once"
