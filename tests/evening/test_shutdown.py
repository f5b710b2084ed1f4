"""A server that is told to go says goodbye, finishes what it records, and goes on afterwards."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from rooms.phases import Phase, Role
from tests.conftest import Figures
from tests.evening.house import ROOT, TestHouse
from tests.evening.recorded import decoded
from tests.web.conftest import Browser


@asynccontextmanager
async def publishing(house: TestHouse, bearer: str) -> AsyncIterator[None]:
    """The demo's artist on the air, as a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "web.demo_artist"),
        *("--whip", f"{house.url}/whip/show", "--bearer", bearer),
        cwd=ROOT,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _until(ws: aiohttp.ClientWebSocketResponse, want: Callable[[Any], bool]) -> Any:
    """The next message that is wanted; the socket's end is one of them (None)."""
    async with asyncio.timeout(30):
        while True:
            message = await ws.receive()
            if message.type is not aiohttp.WSMsgType.TEXT:
                return None
            if want(found := message.json()):
                return found


def _takes(house: TestHouse) -> list[tuple[str, int]]:
    with sqlite3.connect(house.folder / "lampio.sqlite3") as connection:
        rows = connection.execute("SELECT state, duration_ms FROM take ORDER BY number").fetchall()
    connection.close()
    return rows


async def _spooled(house: TestHouse, segments: int) -> None:
    """Wait until so many segments of the running take lie on the disk."""
    async with asyncio.timeout(30):
        while len(list(house.folder.rglob("spool/*/*.m4s"))) < segments:
            await asyncio.sleep(0.05)


@pytest.mark.measure
@pytest.mark.blocking_ms(3000)  # the recording is decoded here, in the test's own loop
async def test_sigterm_says_goodbye_finishes_the_take_and_the_show_goes_on_after_the_start(
    house: TestHouse, figures: Figures
) -> None:
    await house.show("show", Phase.LIVE)
    artist = await house.ticket("show", Role.ARTIST)
    bearer = await house.key(artist, "broadcast")
    guest = house.link(await house.ticket("show", Role.GUEST, "Aune"))
    host = house.link(await house.ticket("show", Role.HOST, "Helena"))
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(cookie_jar=jar) as session, publishing(house, bearer):
        browser = Browser(house.url, session)
        seat = await browser.enter(guest)
        async with browser.socket(seat) as ws:
            await ws.send_json({"type": "hello", "id": 1})
            await _until(ws, lambda m: m["type"] == "stage" and m["state"] == "live")
            await _spooled(house, 2)
            asked = time.monotonic()
            ending = asyncio.create_task(house.stop())
            bye = await _until(ws, lambda m: m["type"] == "bye")
            told_s = time.monotonic() - asked
            assert bye["reason"] == "restart"
            assert bye["back_ms"] is not None
            assert await _until(ws, lambda _: True) is None
        assert await ending == 0
        figures.at_most("SIGTERM to goodbye", told_s, 1, "s")
        figures.at_most("SIGTERM to the end, while recording", time.monotonic() - asked, 5, "s")
        first = _takes(house)
        assert [state for state, _ in first] == ["stored"] or first[0][1] > 3000
        assert not list(house.folder.rglob("*.part"))

        await house.start()
        async with browser.socket(seat) as ws:
            await ws.send_json({"type": "hello", "id": 1})
            await _until(ws, lambda m: m["type"] == "stage" and m["state"] == "live")
            await _spooled(house, 2)
        keys = await browser.enter(host)
        async with browser.socket(keys) as ws:
            await ws.send_json({"type": "hello", "id": 1})
            await ws.send_json({"type": "phase.set", "phase": "ended", "id": 2, "key": "the-end-1"})
            await _until(
                ws,
                lambda m: (
                    m["type"] == "event"
                    and m["event"]["type"] == "phase.changed"
                    and m["event"]["phase"] == "archived"
                ),
            )
    takes = _takes(house)
    assert len(takes) == 2
    stretches = await decoded(house.url, "show")
    assert len(stretches) == 2
    for (_, duration_ms), stretch in zip(takes, stretches, strict=True):
        assert duration_ms > 3000
        assert abs(stretch.pictures[-1] - stretch.pictures[0] - duration_ms / 1000) < 1
