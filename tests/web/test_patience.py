"""A client that takes its time holds nothing up: silent connections, slow heads and bodies, packed ones."""

from __future__ import annotations

import asyncio
import gzip

import pytest

from rooms.phases import Role
from rooms.seats import Seat
from tests.web.conftest import Site
from tests.web.test_whip import key
from web import patience


async def _said(site: Site, *pieces: bytes) -> bytes:
    """What comes back once these pieces have been sent and nothing more is."""
    reader, writer = await asyncio.open_connection("localhost", site.running.port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        async with asyncio.timeout(20):
            return await reader.read()
    finally:
        writer.close()


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in {"HEAD_S": 0.4, "BODY_S": 0.5, "LOOK_EVERY_S": 0.1}.items():
        monkeypatch.setattr(patience, name, seconds)
    monkeypatch.setattr(patience.Patience.__init__, "__defaults__", (0.4,))


@pytest.mark.one_database  # nothing is asked of it
async def test_who_asks_nothing_or_never_ends_the_head_is_let_go(site: Site) -> None:
    assert await _said(site) == b""
    assert await _said(site, b"GET / HTTP/1.1\r\nHost: local", b"host\r\nX-Slow: ") == b""
    answer = await site.browser().get("/healthz")
    assert answer.status == 200


@pytest.mark.one_database  # nothing is asked of it
async def test_a_body_that_does_not_come_is_refused_in_its_time(site: Site) -> None:
    await site.show()
    bearer = await key(site, Role.ARTIST, "broadcast")
    head = (
        "POST /whip/show HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/sdp\r\n"
        f"Authorization: Bearer {bearer}\r\nContent-Length: 100\r\n\r\n"
    ).encode()
    said = await _said(site, head, b"v=0")
    assert said.startswith(b"HTTP/1.1 408 ")
    assert b'"too_slow"' in said


@pytest.mark.one_database  # a statement waits for a lock
async def test_a_slow_house_is_not_told_to_who_sent_a_whole_body(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What takes long is ours: the client is not told that its body did not come."""
    past = asyncio.Event()
    seat = site.parts.seats.seat

    async def slow(seat_id: str) -> Seat:
        asyncio.get_running_loop().call_later(0.15, past.set)
        await past.wait()
        return await seat(seat_id)

    guest = site.browser()
    await site.show()
    own = await guest.enter(site.link(await site.ticket("show")))
    monkeypatch.setattr(patience, "BODY_S", 0.05)
    monkeypatch.setattr(site.parts.seats, "seat", slow)
    answer = await guest.post(f"/r/{own}/look", json={"answer": "yes"})
    assert past.is_set()
    assert answer.status == 404, "a guest has no look; but it was read"


@pytest.mark.one_database  # nothing is asked of it
async def test_a_packed_body_is_not_unpacked(site: Site) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    for path in ("/whip/show", "/r/aaaaaaaaaaaaaaaa/enter", "/leave"):
        answer = await site.browser().post(
            path, data=bomb, headers={"Content-Encoding": "gzip", "Authorization": "Bearer x"}
        )
        assert answer.status == 415, path


@pytest.mark.one_database  # nothing is asked of it
async def test_the_public_port_tells_no_figures(site: Site) -> None:
    for path in ("/metrics", "/livez", "/readyz"):
        assert (await site.browser().get(path)).status == 404
    answer = await site.browser().get("/healthz")
    assert (await answer.text()).strip() == "ok"
