"""Two processes serve one room: who sits at the one and who sits at the other share the evening."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from rooms.phases import Phase, Role
from tests.conftest import Figures, free_port
from tests.evening.nodes import SHOW, Seen, Two, fronting, two_nodes, until
from tests.postgres import PostgresServer
from tests.web.test_whip import OFFER


@pytest.fixture
async def two(
    tmp_path: Path, postgres_server: PostgresServer, redis_server: str
) -> AsyncIterator[Two]:
    url = postgres_server.url(postgres_server.create())
    async with two_nodes(tmp_path, url, redis_server) as two:
        yield two


def lines(screen: Seen) -> list[str]:
    return [] if screen.state is None else [line.text for line in screen.state.lines]


async def leads_to_the_owner(two: Two) -> None:
    """WHIP and WHEP at the other node: 307 to the owner, followed by a client of the world's."""
    viewer = await two.a.ticket(SHOW, Role.GUEST, "Veikko")
    key = await two.a.key(viewer, "viewing")
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/sdp"}
    path = f"/whep/{SHOW}"
    async with two.http.post(
        two.b.url + path, data=b"v=0", headers=headers, allow_redirects=False
    ) as answer:
        assert answer.status == 307
        assert answer.headers["Location"] == two.a.url + path
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
    artist = await two.a.ticket(SHOW, Role.ARTIST, "Viena")
    followed = await asyncio.create_subprocess_exec(
        *("curl", "--silent", "--location-trusted", "--dump-header", "-", "--data-binary", OFFER),
        *("-H", f"Authorization: Bearer {await two.a.key(artist, 'broadcast')}"),
        *("-H", "Content-Type: application/sdp", f"{two.b.url}/whip/{SHOW}"),
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await followed.communicate()
    assert b" 307 " in told
    assert b" 201 " in told
    assert b"a=ice-lite" in told
    session = f"{path}/nosuchsession"
    async with two.http.delete(
        two.b.url + session, headers=headers, allow_redirects=False
    ) as answer:
        assert answer.status == 307
        assert answer.headers["Location"] == two.a.url + session
    async with two.http.post(two.b.url + path, data=b"v=0", allow_redirects=False) as answer:
        assert answer.status == 401


def reads(screen: Seen, text: str) -> bool:
    return text in lines(screen)


async def test_two_nodes_share_a_room_and_lead_media_to_its_owner(
    two: Two, figures: Figures
) -> None:
    await leads_to_the_owner(two)
    host = await two.sit(two.a, Role.HOST, "Helena")
    guest = await two.sit(two.b, Role.GUEST, "Aune")
    await until(lambda: host.presence and host.presence.heads == 1, why="the host sees the guest")
    address = await guest.ask_segments()
    assert address.startswith(f"{two.a.url}/live/")
    async with two.http.get(address) as answer:
        assert (answer.status, (await answer.text())[:7]) == (200, "#EXTM3U")
    ways = []
    for number in range(10):
        near, far = (guest, host) if number % 2 else (host, guest)
        text, began = f"rivi {number}", time.monotonic()
        await near.does("line.write", key=f"key-of-{number:04}", text=text)
        await until(partial(reads, far, text), why="the line at the other node")
        ways.append(time.monotonic() - began)
    figures.at_most("a line between two nodes, worst of 10", max(ways), 0.5, "s")
    await guest.ask("applaud", claps=3)
    await until(lambda: host.claps == guest.claps == 3, why="the hall hears the claps once")
    await host.does("phase.set", key="to-interval", phase="interval")
    await until(lambda: guest.state and guest.state.phase is Phase.INTERVAL, why="the phase")
    began = time.monotonic()
    await host.does("seat.remove", key="out-you-go", seat=guest.seat)
    await until(lambda: guest.bye, why="the removed guest's last word")
    figures.at_most("removal at the other node", time.monotonic() - began, 1.0, "s")
    async with two.http.get(address) as answer:
        assert answer.status == 404
    assert guest.bye is not None
    assert guest.bye.reason == "removed"


async def test_a_room_is_handed_over_at_once_and_adopted_when_its_owner_is_killed(
    tmp_path: Path, postgres_server: PostgresServer, redis_server: str, figures: Figures
) -> None:
    url = postgres_server.url(postgres_server.create())
    door = free_port()
    async with (
        two_nodes(tmp_path, url, redis_server, public_port=door) as two,
        fronting(door, two.a.port, two.b.port),
    ):
        house = replace(two.a, port=door)
        host = await two.sit(house, Role.HOST, "Helena")
        guest = await two.sit(house, Role.GUEST, "Aune")
        said: list[str] = []

        async def write(text: str) -> None:
            await host.does("line.write", key=f"key-of-{text}", text=text)
            said.append(text)
            await until(lambda: lines(guest) == said, why="the guest reads all")

        await write("ennen")
        stopping = asyncio.create_task(two.a.stop())
        figures.at_most("SIGTERM until the other has the room", await two.owned_by(two.b), 2, "s")
        await write("luovutettu")
        assert await stopping == 0
        await two.a.start()
        assert await two.owner() is two.b
        began = time.monotonic()
        await two.b.stop(signal.SIGKILL)
        writing = asyncio.create_task(write("odottava"))
        await two.owned_by(two.a)
        await writing
        figures.at_most("kill -9 until a line is taken again", time.monotonic() - began, 11, "s")
