"""A right that ends: what runs for the seat ends with it, whenever its socket came."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import aiohttp
import pytest

from rooms.phases import Role
from rooms.scope import Scope
from streaming.ports import RoomId
from tests.evening.house import ORGANISATION
from tests.web.conftest import Site
from tests.web.test_socket import Talker, talkers


async def last_words(ws: aiohttp.ClientWebSocketResponse) -> list[str]:
    """The kinds of messages until the socket's end, the last one with its reason."""
    heard = []
    async with asyncio.timeout(3):
        async for message in ws:
            said = message.json()
            heard.append(said["type"] + (f" {said['reason']}" if said["type"] == "bye" else ""))
    return heard


async def test_leaving_the_device_ends_its_sockets_and_its_media(site: Site) -> None:
    await site.show()
    browser = site.browser()
    seat = await browser.enter(site.link(await site.ticket("show")))
    async with browser.socket(seat) as ws:
        guest = Talker(ws, seat)
        await guest.say("hello", after=None)
        await guest.say("media.view")
        assert site.parts.relay.grants(RoomId("show"))
        assert (await browser.post("/leave")).status == 204
        assert site.parts.relay.grants(RoomId("show")) == ()
        assert (await last_words(ws))[-1] == "bye moved"


@pytest.mark.parametrize("how", ["removed", "revoked", "moved"])
async def test_a_socket_that_says_hello_after_its_right_ended_hears_nothing(
    site: Site, how: str
) -> None:
    async with AsyncExitStack() as stack:
        (host,) = await stack.enter_async_context(talkers(site, Role.HOST))
        ticket = await site.ticket("show")
        browser = site.browser()
        seat = await browser.enter(site.link(ticket))
        ws = await stack.enter_async_context(browser.socket(seat))
        if how == "removed":
            await host.write("seat.remove", seat=seat)
        elif how == "revoked":
            await site.parts.seats.revoke(Scope(ORGANISATION), ticket.ticket)
        else:
            other = site.browser()
            await other.open(site.link(ticket))
            assert (await other.press(seat, move=True)).status == 200
        await site.parts.reactions.settled("show")
        await ws.send_json({"type": "hello", "id": 1})
        assert await last_words(ws) == [f"bye {how}"]
