"""What a person says or holds gets nowhere but where it belongs: an evening with canaries."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from rooms.phases import Phase, Role
from tests.evening.house import TestHouse
from tests.web.conftest import Browser

SAID = {
    "name": "Kanarialintu",
    "line": "canary-in-a-line",
    "unknown link": "canary-unknown-link",
    "unknown bearer": "canary-unknown-bearer",
    "offer": "canary-in-an-offer",
    "message": "canary-in-a-message",
    "query": "canary-in-a-query",
    "agent": "canary-agent",
    "path": "canary-in-a-path",
}
COMMANDS: list[dict[str, Any]] = [
    {"type": "hello"},
    {"type": "name.set", "name": SAID["name"], "key": "first-key-1"},
    {"type": "line.write", "text": SAID["line"], "key": "second-key-2"},
    {"type": "help.ask", "key": "third-key-3"},
    {"type": "media.answer", "session": "x", "etag": "y", "sdp": SAID["offer"]},
    {"type": SAID["message"]},
    {"type": "line.write", "text": SAID["message"], SAID["message"]: 1},
]


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(
        cookie_jar=jar, headers={"User-Agent": SAID["agent"]}
    ) as opened:
        yield opened


async def _reply(ws: aiohttp.ClientWebSocketResponse, number: int | None) -> dict[str, Any]:
    """The answer to a command, whatever else comes before it."""
    async with asyncio.timeout(5):
        while True:
            message = await ws.receive_json()
            if message["type"] in ("ack", "error") and message["id"] == number:
                return dict(message)


async def play(house: TestHouse, session: aiohttp.ClientSession) -> dict[str, str]:
    """Everything that takes words or secrets, the wrong way too; returns the secrets."""
    await house.show("show", Phase.LIVE)
    guest = await house.ticket("show", Role.GUEST, SAID["name"])
    artist = await house.ticket("show", Role.ARTIST, SAID["name"])
    broadcast = await house.key(artist, "broadcast")
    viewing = await house.key(guest, "viewing")
    browser = Browser(house.url, session)
    seat = await browser.enter(house.link(guest))
    async with browser.socket(seat) as ws:
        for number, command in enumerate(COMMANDS):
            await ws.send_json({"id": number, **command})
            await _reply(ws, number)
        await ws.send_str("{" + SAID["message"])
        await _reply(ws, None)
    await browser.get(f"/t/{SAID['unknown link']}")
    await browser.get(f"/?q={SAID['query']}&token={SAID['query']}")
    await browser.get(f"/{SAID['path']}")
    await browser.get(f"/static/{SAID['path']}.js")
    await browser.get(f"/media/{SAID['path']}/index.m3u8")
    await browser.get(f"/shows/{SAID['path']}")
    for protocol, key in (("whip", broadcast), ("whep", viewing), ("whip", SAID["unknown bearer"])):
        await browser.post(
            f"/{protocol}/show",
            data=f"v=0\r\ns={SAID['offer']}\r\n",
            headers={"Authorization": f"Bearer {key}", "Content-Type": "application/sdp"},
        )
    cookies = {f"cookie {name}": value for name, value in browser.cookies.items()}
    device = next(value for name, value in cookies.items() if "device" in name)
    return {
        "link": guest.secret,
        "broadcast key": broadcast,
        "viewing key": viewing,
        "device": device.rpartition(".")[0],
        **cookies,
    }


async def test_an_evening_leaves_no_secret_and_no_words_where_they_do_not_belong(
    house: TestHouse, session: aiohttp.ClientSession
) -> None:
    secrets = await play(house, session)
    async with session.get(f"{house.ops_url}/metrics") as answer:
        metrics = await answer.text()
    await house.stop()
    log = house.log_path.read_text(encoding="utf-8")
    every = {**SAID, **secrets}
    assert {what for what, text in every.items() if text in log} == set()
    assert {what for what, text in every.items() if text in metrics} == set()
    # What is kept hashed stands nowhere as it was; names and lines stand in the database alone.
    for path in house.folder.rglob("*"):
        if path.is_file() and path != house.log_path:
            data = path.read_bytes()
            found = {what for what, text in secrets.items() if text.encode() in data}
            assert (path.name, found) == (path.name, set())
            if not path.name.startswith("lampio.sqlite3"):
                assert {what for what, text in SAID.items() if text.encode() in data} == set()


async def test_access_lines_write_the_routes_pattern_and_one_line_opens_and_closes_a_socket(
    house: TestHouse, session: aiohttp.ClientSession
) -> None:
    await play(house, session)
    await house.stop()
    lines = [json.loads(line) for line in house.log_path.read_text("utf-8").splitlines()]
    routes = {line["route"] for line in lines if line["event"] == "request"}
    assert {"/t/{secret}", "/r/{seat}/enter", "/r/{seat}/ws", "/whip/{show}"} <= routes
    assert all("canary" not in route for route in routes)
    assert [line["event"] for line in lines if line["event"].startswith("socket")] == [
        "socket open",
        "socket closed",
    ]
    assert not [line for line in lines if "dropped" in line]
    assert not [line for line in lines if line["level"] == "error"]
