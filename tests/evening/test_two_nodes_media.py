"""The media of a room stays with its owner: who sits at another node sees and hears it all the same."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from infra.whose import HOUSE
from rooms.phases import Phase, Role
from tests.conftest import Figures, free_port
from tests.evening import artist as desk
from tests.evening.browser import People
from tests.evening.guest import scene, step_in, watches
from tests.evening.house import TestHouse
from tests.evening.nodes import SHOW, Two, fronting, two_nodes, until
from tests.postgres import PostgresServer


async def sessions(two: Two, node: TestHouse, kind: str) -> int:
    """Media sessions of a kind at a node."""
    async with two.http.get(f"{node.ops_url}/metrics") as answer:
        told = await answer.text()
    found = re.search(rf'lampio_sessions{{kind="{kind}"}} (\d+)', told)
    assert found, told
    return int(found[1])


async def have(two: Two, node: TestHouse, *, publishing: int, viewing: int) -> None:
    """Wait until the node has so many media sessions."""
    end = time.monotonic() + 20
    while True:
        found = (await sessions(two, node, "publishing"), await sessions(two, node, "viewing"))
        if found == (publishing, viewing):
            return
        assert time.monotonic() < end, found
        await asyncio.sleep(0.02)


@pytest.mark.timeout(120)
async def test_a_guest_at_the_other_node_watches_and_is_cut_off_within_a_second(
    tmp_path: Path,
    postgres_server: PostgresServer,
    redis_server: str,
    people: People,
    figures: Figures,
) -> None:
    url = postgres_server.url(postgres_server.create())
    async with two_nodes(tmp_path, url, redis_server) as two:
        artist = await people.come("artist", width=1440, height=900)
        viena = await two.a.ticket(SHOW, Role.ARTIST, "Viena")
        await desk.go_live(artist, two.b.link(viena))
        aune = await two.a.ticket(SHOW, Role.GUEST, "Aune")
        guest = await people.come("Aune")
        began = time.monotonic()
        await step_in(guest, two.b.link(aune))
        await watches(guest)
        figures.note(
            "from the link to a moving picture over two nodes", time.monotonic() - began, "s"
        )
        host = await two.sit(two.a, Role.HOST, "Helena")
        await until(lambda: host.stage and host.stage.state == "live", why="the owner's stage")
        await have(two, two.a, publishing=1, viewing=1)
        await have(two, two.b, publishing=0, viewing=0)
        await host.does("phase.set", key="to-interval", phase="interval")
        await scene(guest, "interval")
        await host.does("phase.set", key="and-back-again", phase="live")
        await scene(guest, "play")
        await watches(guest)
        began = time.monotonic()
        await host.does("seat.remove", key="out-you-go", seat=aune.seat)
        await have(two, two.a, publishing=1, viewing=0)
        figures.at_most(
            "removal until the owner's media is cut", time.monotonic() - began, 1.0, "s"
        )
        await guest.sees("Ette ole enää salissa.")
        assert host.state is not None
        assert host.state.phase is Phase.LIVE
        figures.at_most(
            "removal until the page at the other node says so", time.monotonic() - began, 1.0, "s"
        )
        guest.forgive("40[0-9]|410|WebSocket")


@pytest.mark.soak
@pytest.mark.timeout(300)
async def test_pages_find_the_new_owner_by_themselves_and_a_node_that_slept_sends_and_writes_nothing(
    tmp_path: Path,
    postgres_server: PostgresServer,
    redis_server: str,
    people: People,
    figures: Figures,
) -> None:
    url = postgres_server.url(postgres_server.create())
    door = free_port()
    async with (
        two_nodes(tmp_path, url, redis_server, public_port=door) as two,
        fronting(door, two.a.port, two.b.port) as front,
    ):
        public = f"http://localhost:{door}"
        artist = await people.come("artist", width=1440, height=900)
        viena = await two.a.ticket(SHOW, Role.ARTIST, "Viena")
        await desk.go_live(artist, f"{public}/t/{viena.secret}")
        aune = await two.a.ticket(SHOW, Role.GUEST, "Aune")
        guest = await people.come("Aune")
        front.ports.reverse()
        await step_in(guest, f"{public}/t/{aune.secret}")
        await watches(guest)
        for person in (artist, guest):
            person.forgive("ERR_|WebSocket|50[0-9]")

        began = time.monotonic()
        await two.a.stop(signal.SIGKILL)
        await two.owned_by(two.b)
        figures.at_most("kill -9 until another has the room", time.monotonic() - began, 11, "s")
        await have(two, two.b, publishing=1, viewing=1)
        await watches(guest)
        figures.at_most(
            "kill -9 of the owner until the picture moves", time.monotonic() - began, 16, "s"
        )

        await two.a.start()
        os.kill(two.b.pid, signal.SIGSTOP)
        front.ports.reverse()
        began = time.monotonic()
        await two.owned_by(two.a)
        assert time.monotonic() - began < 2 * 11
        os.kill(two.b.pid, signal.SIGCONT)
        began = time.monotonic()
        await have(two, two.b, publishing=0, viewing=0)
        figures.at_most(
            "waking until all media of the lost room is closed", time.monotonic() - began, 2, "s"
        )
        await have(two, two.a, publishing=1, viewing=1)
        await watches(guest)
        async with two.database.reading(HOUSE) as session:
            rows = (await session.execute(text("SELECT fence FROM room_event ORDER BY seq"))).all()
        fences = [row.fence for row in rows]
        assert fences == sorted(fences)
        assert await two.owner() is two.a
