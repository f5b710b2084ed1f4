"""A crash in one room, one session, one listener, one archive job never touches another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from rooms.phases import Phase, Role
from rooms.seats import Issued
from tests.web.conftest import Site
from tests.web.test_socket import Talker

pytestmark = pytest.mark.one_database  # what fails here is no query's matter


@asynccontextmanager
async def talker(site: Site, issued: Issued) -> AsyncIterator[Talker]:
    """Whoever has the ticket, in the room."""
    browser = site.browser()
    seat = await browser.enter(site.link(issued))
    async with browser.socket(seat) as ws:
        await ws.send_json({"type": "hello", "id": 1})
        talking = Talker(ws, seat)
        await talking.until(lambda m: m["type"] == "ack" and m["id"] == 1)
        yield talking


class Broken:
    """A listener whose connection fails in a way that nobody foresaw."""

    role = Role.GUEST
    device = "device"
    admitted = True
    seat = "broken"

    def write(self, frame: bytes) -> None:
        raise RuntimeError("no such transport")

    def say_bye(self, bye: object) -> None:
        """Nobody is there."""


async def line(near: Talker, far: Talker, text: str) -> None:
    """A line goes from one to the other."""
    assert (await near.write("line.write", text=text))["type"] == "ack"
    await far.until(lambda m: m["type"] == "event" and m["event"].get("text") == text)


async def test_a_listener_that_fails_takes_no_event_from_the_others(site: Site) -> None:
    show = await site.show()
    async with (
        talker(site, await site.ticket(show, Role.GUEST, name="Aune")) as guest,
        talker(site, await site.ticket(show, Role.HOST, name="Helena")) as host,
    ):
        hub = await site.parts.hubs.hub(show)
        for _ in range(3):
            hub.join(Broken(), None)
        await line(guest, host, "Hei")
        await line(host, guest, "Tervetuloa")
        assert hub.of_seat("broken") == []


async def test_a_reaction_that_fails_in_one_room_stops_neither_it_nor_another(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = site.parts.captures.cut
    failed: list[str] = []

    def cutting(room: str) -> None:
        if room == "one":
            failed.append(room)
            raise RuntimeError("the disk of one")
        cut(room)

    monkeypatch.setattr(site.parts.captures, "cut", cutting)
    for show in ("one", "two"):
        await site.show(show)
        host = await site.ticket(show, Role.HOST, name="Helena")
        async with talker(site, host) as at_desk:
            assert (await at_desk.write("phase.set", phase="interval"))["type"] == "ack"
            await at_desk.event("phase.changed")
            await site.parts.reactions.settled(show)
            assert (await at_desk.say("media.view"))["type"] == "media.offer"
            assert (await at_desk.write("line.write", text="Jatkuu"))["type"] == "ack"
    assert failed


async def test_a_session_that_fails_is_its_own_seats_matter(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    show = await site.show()
    unlucky = await site.ticket(show, Role.GUEST, name="Aune")
    lucky = await site.ticket(show, Role.GUEST, name="Veikko")
    offer = site.parts.relay.offer_view

    async def offering(grant: Any, want: Any) -> Any:
        if grant.seat == unlucky.seat:
            raise RuntimeError("this one session")
        return await offer(grant, want)

    monkeypatch.setattr(site.parts.relay, "offer_view", offering)
    async with talker(site, unlucky) as one, talker(site, lucky) as other:
        refused = await one.say("media.view")
        assert (refused["type"], refused["status"]) == ("error", 500)
        assert (await other.say("media.view"))["type"] == "media.offer"
        await line(one, other, "Kuulen silti")


async def test_an_archive_job_that_fails_holds_up_no_other(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = site.parts.archive.run

    async def running(room: str, *others: Any) -> Any:
        if room == "one":
            raise RuntimeError("its takes")
        return await run(room, *others)

    monkeypatch.setattr(site.parts.archive, "run", running)
    for show in ("one", "two"):
        await site.show(show, Phase.ENDED, recording_policy="none")
        await site.parts.reactions.ready(show)
    async with asyncio.timeout(15):
        while (await site.parts.shows.get("two")).phase is not Phase.ARCHIVED:
            await asyncio.sleep(0.01)
    assert (await site.parts.shows.get("one")).phase is Phase.ENDED
