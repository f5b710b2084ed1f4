"""The demo's artist is a polite publisher: there when nobody else is, gone when told or orphaned."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from rooms.phases import Role
from streaming.ports import Negotiated, SessionId
from tests.conftest import Figures
from tests.evening.house import ROOT, TestHouse
from tests.streaming.light import LightPeer, description

SHOWS = ("viulu", "yhteislaulu")
QUIET = {**os.environ, "LOG_LEVEL": "warning"}


async def figure(house: TestHouse, name: str) -> float:
    """A value of the operations page."""
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{house.ops_url}/metrics") as response,
    ):
        found = re.search(rf"^{re.escape(name)} (\S+)$", await response.text(), re.MULTILINE)
    assert found is not None, name
    return float(found[1])


async def figures_say(house: TestHouse, name: str, value: float, timeout_s: float = 30) -> None:
    """Wait until it is so."""
    async with asyncio.timeout(timeout_s):
        while await figure(house, name) != value:
            await asyncio.sleep(0.1)


LIVE = 'lampio_feeds{state="live"}'
ENDED = 'lampio_feeds{state="ended"}'


async def targets(house: TestHouse) -> list[dict[str, str]]:
    """Both shows, live, with a broadcast key each."""
    found = []
    for show in SHOWS:
        await house.show(show)
        key = await house.key(await house.ticket(show, Role.ARTIST, "Viena"), "broadcast")
        found.append({"show": show, "url": f"{house.url}/whip/{show}", "bearer": key})
    return found


@asynccontextmanager
async def artist(wish: list[dict[str, str]]) -> AsyncIterator[asyncio.subprocess.Process]:
    """The process, told its targets as the demo does."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "web.demo_artist", cwd=ROOT, env=QUIET, stdin=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(wish).encode())
    process.stdin.close()
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            await asyncio.wait_for(process.wait(), 20)


async def come(http: aiohttp.ClientSession, wish: dict[str, str]) -> tuple[LightPeer, str]:
    """Somebody else publishes with the same key, as the artist's own browser does."""
    peer = LightPeer()
    offer = description("sendonly", peer.ufrag, peer.password, peer.ssrcs)
    headers = {"Authorization": f"Bearer {wish['bearer']}", "Content-Type": "application/sdp"}
    async with http.post(wish["url"], data=offer, headers=headers) as response:
        assert response.status == 201, await response.text()
        answer, where = await response.text(), response.headers["Location"]
    await peer.connect(Negotiated(SessionId(where), answer, ""))
    return peer, where


@pytest.mark.timeout(120)
async def test_one_artist_plays_two_shows_and_takes_leave_at_sigterm(house: TestHouse) -> None:
    async with artist(await targets(house)) as process:
        await figures_say(house, LIVE, 2)
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 20) == 0
        await figures_say(house, ENDED, 2, 3)


@pytest.mark.timeout(120)
async def test_the_artist_gives_way_and_comes_back_when_the_feed_is_free(house: TestHouse) -> None:
    wishes = (await targets(house))[:1]
    async with artist(wishes), aiohttp.ClientSession() as http:
        await figures_say(house, LIVE, 1)
        peer, where = await come(http, wishes[0])
        try:
            for turn in range(300):  # the other one's sound, for as long as two tries take
                peer.sound(b"x", turn * 960)
                await asyncio.sleep(0.02)
            assert not peer.closed_by_relay, "the artist took the feed from who was on the air"
            await figures_say(house, 'lampio_sessions{kind="publishing"}', 1, 1)
            headers = {"Authorization": f"Bearer {wishes[0]['bearer']}"}
            async with http.delete(house.url + where, headers=headers) as response:
                assert response.status == 200
        finally:
            await peer.close()
        await figures_say(house, LIVE, 1)


@pytest.mark.timeout(60)
async def test_the_artist_ends_with_its_parent(house: TestHouse, tmp_path: Path) -> None:
    wish = tmp_path / "wish.json"
    wish.write_text(json.dumps((await targets(house))[:1]))
    parent = await asyncio.create_subprocess_exec(
        "sh", "-c", f"{sys.executable} -m web.demo_artist < {wish} & wait", cwd=ROOT, env=QUIET
    )
    await figures_say(house, LIVE, 1)
    parent.kill()
    await parent.wait()
    await figures_say(house, ENDED, 1, 15)


@pytest.mark.timeout(60)
async def test_the_artist_is_back_soon_after_the_house_was_killed(
    house: TestHouse, figures: Figures
) -> None:
    async with artist((await targets(house))[:1]):
        await figures_say(house, LIVE, 1)
        await asyncio.sleep(2)  # a report or two, from which on silence tells
        killed = time.monotonic()
        await house.stop(signal.SIGKILL)
        await house.start()
        await figures_say(house, LIVE, 1)
        figures.at_most("demo artist back after kill -9", time.monotonic() - killed, 10, "s")
