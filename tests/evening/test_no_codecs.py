"""The relay decodes and encodes nothing: twenty viewers cost no more codecs than one."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from rooms.phases import Role
from streaming.ports import Negotiated, SessionId
from tests.evening.codecs import CountedCodecs, threads
from tests.evening.house import ROOT, TestHouse, opened_house
from tests.streaming.house import until
from tests.streaming.light import LightPeer, description

SHOW = "viulu"
VIEWERS = 20
PACKETS = 100  # of each viewer before anything is counted: a second and more


@asynccontextmanager
async def demo_artist(house: TestHouse, key: str) -> AsyncIterator[None]:
    """The demo's artist on the air, a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "web.demo_artist",
        "--whip",
        f"{house.url}/whip/{SHOW}",
        "--bearer",
        key,
        cwd=ROOT,
        env={**os.environ, "LOG_LEVEL": "warning"},
    )
    try:
        yield
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 20)


async def watch(house: TestHouse, http: aiohttp.ClientSession, key: str) -> LightPeer:
    """A viewer by WHEP that decodes nothing; as long as nobody is on the air it asks again."""
    peer = LightPeer()
    offer = description("recvonly", peer.ufrag, peer.password, peer.ssrcs)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/sdp"}
    async with asyncio.timeout(60):
        while True:
            url = f"{house.url}/whep/{SHOW}"
            async with http.post(url, data=offer, headers=headers) as response:
                answer = await response.text()
                if response.status == 201:
                    break
                assert response.status == 409, answer
            await asyncio.sleep(0.2)
    session = SessionId(response.headers["Location"].rsplit("/", 1)[-1])
    await peer.connect(Negotiated(session, answer, ""))
    return peer


def gets_both(peer: LightPeer) -> bool:
    return min(len(peer.texts("audio")), len(peer.texts("video"))) >= PACKETS


@pytest.mark.timeout(180)
async def test_with_1_and_with_20_viewers_the_same_number_of_codecs_runs(tmp_path: Path) -> None:
    counted = CountedCodecs(tmp_path)
    async with opened_house(
        tmp_path, VIEWING_SESSIONS=str(2 * VIEWERS), **counted.environment
    ) as house:
        await house.show(SHOW)
        artist = await house.ticket(SHOW, Role.ARTIST, "Viena")
        guest = await house.ticket(SHOW, Role.GUEST, "Aune")
        broadcast = await house.key(artist, "broadcast")
        viewing = await house.key(guest, "viewing")
        await house.start()
        peers: list[LightPeer] = []
        async with demo_artist(house, broadcast), aiohttp.ClientSession() as http:
            try:
                peers.append(await watch(house, http, viewing))
                await until(lambda: gets_both(peers[0]), 60)
                codecs_of_one, threads_of_one = counted.made(), threads(house.pid)
                while len(peers) < VIEWERS:
                    peers.append(await watch(house, http, viewing))
                await until(lambda: all(map(gets_both, peers)), 60)
                codecs_of_many, threads_of_many = counted.made(), threads(house.pid)
            finally:
                for peer in peers:
                    await peer.close()
        assert codecs_of_many == codecs_of_one
        # Pools (the loop's, the database's) may have warmed up by a few; a viewer has no thread.
        assert len(threads_of_many) - len(threads_of_one) <= 4
        # the recorder's own, in its own thread, and nobody else's
        assert codecs_of_one, "the counter counts nothing"
        assert {module.partition(".")[0] for module in codecs_of_one} == {"recordings"}
