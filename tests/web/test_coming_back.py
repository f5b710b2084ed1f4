"""A room that this node loses and takes back at once: what was before ends first, and is followed once."""

from __future__ import annotations

import asyncio

import pytest

from rooms.phases import Role
from streaming.ports import RoomId, SessionId
from tests.web.conftest import Site
from tests.web.test_isolation import talker


@pytest.mark.one_database  # what is closed is the relay's
async def test_what_is_told_in_a_room_that_comes_back_at_once_is_heard_once(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    show, relay, house = await site.show(), site.parts.relay, site.parts.house
    close, asked, goes_on = relay.close, asyncio.Event(), asyncio.Event()

    async def slowly(session: SessionId, reason: str) -> None:
        asked.set()
        await goes_on.wait()
        await close(session, reason)

    async with talker(site, await site.ticket(show, Role.GUEST, name="Aune")) as guest:
        assert (await guest.say("media.view"))["type"] == "media.offer"
        monkeypatch.setattr(relay, "close", slowly)
        await house.close_room(show)
        await asked.wait()
        await house.open(show)
        ready = asyncio.create_task(site.parts.reactions.ready(show))
        for _ in range(20):
            await asyncio.sleep(0)
        early = ready.done()
        goes_on.set()
        assert not early
        async with asyncio.timeout(10):
            await ready
            await site.parts.reactions.settled(show)
        assert len(relay._rooms[RoomId(show)].listeners._followers) == 1
        assert relay._rooms[RoomId(show)].fence == house.fence(show)
        assert relay.grants(RoomId(show)) == ()
