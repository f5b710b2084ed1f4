"""A session that is being made while a right ends does not keep the right."""

from __future__ import annotations

import asyncio
from typing import Any

from rooms.phases import Phase, Role
from streaming.ports import Grant, Negotiated, RoomId, Want
from tests.web.conftest import Site
from web.room_media import RoomMedia


class SlowRelay:
    """The real relay, whose offers are late by as much as the test wants."""

    def __init__(self, relay: Any) -> None:
        self.relay = relay
        self.asked, self.go_on = asyncio.Event(), asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.relay, name)

    async def offer_view(self, grant: Grant, want: Want) -> Negotiated:
        self.asked.set()
        await self.go_on.wait()
        made: Negotiated = await self.relay.offer_view(grant, want)
        return made


async def test_a_phase_that_changes_while_an_offer_is_made_rules_the_session(site: Site) -> None:
    show = await site.show(phase=Phase.LIVE)
    seat = await site.parts.seats.seat((await site.ticket(show, Role.GUEST)).seat)
    await site.parts.reactions.ready(show)
    relay = SlowRelay(site.parts.relay)
    media = RoomMedia(relay, site.parts.house, site.parts.access)
    making = asyncio.create_task(media.view(seat))
    await relay.asked.wait()
    host = await site.ticket(show, Role.HOST)
    browser = site.browser()
    place = await browser.enter(site.link(host))
    async with browser.socket(place) as ws:
        await ws.send_json({"type": "hello", "id": 1})
        await ws.send_json(
            {"type": "phase.set", "id": 2, "key": "to-interval", "phase": "interval"}
        )
        async with asyncio.timeout(15):
            while (await ws.receive_json()).get("id") != 2:
                pass
    async with asyncio.timeout(15):
        while (
            site.parts.hubs.known(show) is None or site.parts.house.state(show).phase != "interval"
        ):
            await asyncio.sleep(0.01)
    relay.go_on.set()
    made = await making
    (grant,) = [g for g in site.parts.relay.grants(RoomId(show)) if g.session == made.session]
    assert grant.may == frozenset()
    assert grant.epoch == site.parts.house.state(show).epoch
