"""Live segments over HTTP: a token is one seat's, is asked about at every request, and ends with the right."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from recordings.recorder import Subject
from rooms.house import Actor
from rooms.messages import AnswerCompany, AskCompany, EndCompany, SetPhase, TakeAir
from rooms.phases import Phase, Role
from rooms.scope import Scope
from rooms.seats import Issued
from streaming.ports import FeedId, RoomId, SeatId
from tests.evening.house import ORGANISATION
from tests.recordings.test_live import air, names
from tests.web.conftest import Browser, Site

# One kind of database is enough for what its rows say here; the evenings ask the whole way.
pytestmark = pytest.mark.one_database


@dataclass
class Hall:
    """A live show with somebody on the air, and three segments of it in the window."""

    site: Site
    artist: str
    guest: Issued
    browser: Browser
    seat: str

    async def address(self, browser: Browser | None = None, seat: str = "") -> str:
        """The address that a page is given for its segments."""
        async with (browser or self.browser).socket(seat or self.seat) as ws:
            await ws.send_json({"type": "hello", "id": 1})
            await ws.send_json({"type": "media.segments", "id": 2})
            async with asyncio.timeout(10):
                while True:
                    message = await ws.receive_json()
                    if message.get("id") == 2:
                        assert message["type"] == "media.segments", message
                        return str(message["url"])

    async def get(self, address: str, **headers: str) -> aiohttp.ClientResponse:
        """Ask without any cookie, as another node's page does."""
        answer = await self.site.session.get(self.site.url + address, headers=headers)
        await answer.read()
        return answer

    async def does(self, seat: str, role: Role, command: type, **fields: object) -> None:
        """A command in the room."""
        key = f"key-{command.__name__}-{len(str(fields))}"
        await self.site.parts.house.submit(
            Actor(seat=seat, role=role, name=None), "show", command(id=1, key=key, **fields)
        )

    async def fill(self, segments: int = 3) -> None:
        """Segments of whoever is on the air in this phase."""
        _, state = await self.site.parts.house.whole("show")
        assert state.on_air
        feed = FeedId(RoomId("show"), SeatId(state.on_air))
        windows = self.site.parts.live.windows
        windows(Subject("show", ORGANISATION, feed, state.epoch, 1))
        window = windows.of(feed, state.epoch)
        assert window is not None
        air(window, segments, feed, state.epoch)


@pytest.fixture
async def hall(site: Site) -> Hall:
    await site.show("show", Phase.LIVE)
    artist = await site.browser().enter(site.link(await site.ticket("show", Role.ARTIST)))
    guest = await site.ticket("show")
    browser = site.browser()
    hall = Hall(site, artist, guest, browser, await browser.enter(site.link(guest)))
    await hall.does(artist, Role.ARTIST, TakeAir)
    await site.parts.reactions.settled("show")
    await hall.fill()
    return hall


async def test_a_page_is_given_an_address_that_needs_no_cookie_and_is_kept_by_nobody(
    hall: Hall, tmp_path: Path
) -> None:
    address = await hall.address()
    token = re.fullmatch(r"/live/([\w-]{32})/live\.m3u8", address)
    assert token, "192 bits"
    answer = await hall.get(address, Origin="https://elsewhere.example")
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("application/vnd.apple.mpegurl")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    text = await answer.text()
    folder = address.removesuffix("live.m3u8")
    for name in [*names(text), *re.findall(r'MAP:URI="([^"]+)"', text)]:
        piece = await hall.get(folder + name)
        assert piece.status == 200, name
        assert piece.headers["Cache-Control"] == "no-store"
        assert piece.headers["Content-Type"] == "video/mp4"
    assert (await hall.get(folder + "999999.m4s")).status == 404
    assert (await hall.get(folder + "..%2f..%2fhealthz")).status == 404


async def test_nothing_but_a_token_of_ours_opens_anything(hall: Hall) -> None:
    address = await hall.address()
    for wrong in (address.swapcase(), "/live/" + "A" * 32 + "/live.m3u8", "/live/x/live.m3u8"):
        answer = await hall.get(wrong)
        assert answer.status == 404
        assert answer.headers.get("Cache-Control", "no-store") == "no-store"


async def test_a_seat_has_a_few_tokens_and_the_oldest_gives_way(hall: Hall) -> None:
    addresses = [await hall.address() for _ in range(4)]
    statuses = [(await hall.get(address)).status for address in addresses]
    assert statuses == [404, 200, 200, 200]


async def test_who_comes_for_segments_is_present_without_a_socket(hall: Hall) -> None:
    address = await hall.address()
    presence = hall.site.parts.carrier.presence
    async with asyncio.timeout(5):
        while hall.seat in await presence.present("show"):  # the socket has just gone
            await asyncio.sleep(0.02)
    assert list(hall.site.parts.live.watching("show")) == []
    await hall.get(address)
    assert hall.seat in await presence.present("show")
    assert list(hall.site.parts.live.watching("show")) == [hall.seat]


async def test_a_revoked_seat_and_a_moved_one_see_nothing_more(hall: Hall) -> None:
    address = await hall.address()
    other = hall.site.browser()
    seat = await other.open(hall.site.link(hall.guest))
    assert (await other.press(seat, move=True)).status == 200
    assert (await hall.get(address)).status == 404, "moved to another device"
    again = await hall.address(other, seat)
    assert (await hall.get(again)).status == 200
    await hall.site.parts.seats.revoke(Scope(ORGANISATION), hall.guest.ticket)
    assert (await hall.get(again)).status == 404, "revoked"


async def test_a_companion_sees_from_the_yes_to_the_end_of_company(hall: Hall) -> None:
    invited = await hall.site.ticket("show", Role.COMPANION, companion_of=hall.guest.ticket)
    browser = hall.site.browser()
    liisa = await browser.enter(hall.site.link(invited))
    await hall.does(liisa, Role.COMPANION, AskCompany)
    await hall.does(hall.seat, Role.GUEST, AnswerCompany, companion=liisa, yes=True)
    async with asyncio.timeout(5):
        while True:
            try:
                address = await hall.address(browser, liisa)
                break
            except AssertionError:  # the hub has not heard of the yes yet
                await asyncio.sleep(0.02)
    assert (await hall.get(address)).status == 200
    await hall.does(hall.seat, Role.GUEST, EndCompany, companion=liisa)
    assert (await hall.get(address)).status == 404


async def test_no_frame_of_another_phase_or_artist_is_served(hall: Hall) -> None:
    host = await hall.site.browser().enter(
        hall.site.link(await hall.site.ticket("show", Role.HOST))
    )
    address = await hall.address()
    folder = address.removesuffix("live.m3u8")
    first = names(await (await hall.get(address)).text())[0]
    await hall.does(host, Role.HOST, SetPhase, phase=Phase.INTERVAL)
    assert (await hall.get(address)).status == 404
    assert (await hall.get(folder + first)).status == 404
    await hall.does(host, Role.HOST, SetPhase, phase=Phase.LIVE)
    text = await (await hall.get(address)).text()
    assert names(text) == [], "the new phase has no picture yet"
    assert (await hall.get(folder + first)).status == 404
    await hall.site.parts.reactions.settled("show")
    await hall.fill(2)
    assert len(names(await (await hall.get(address)).text())) == 2
    second = await hall.site.browser().enter(
        hall.site.link(await hall.site.ticket("show", Role.ARTIST))
    )
    await hall.does(second, Role.ARTIST, TakeAir)
    assert names(await (await hall.get(address)).text()) == [], "another artist's air"


async def test_behind_one_address_for_all_nodes_the_page_is_sent_to_this_one(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hall.site.parts.desk, "_near", "https://b.example")
    assert (await hall.address()).startswith("https://b.example/live/")
