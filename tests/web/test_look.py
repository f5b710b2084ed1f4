"""The artist's look: who may see her recording before it is public, and what her yes and no do."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select

from infra.whose import HOUSE
from rooms.house import Actor
from rooms.messages import SetPhase
from rooms.phases import Phase, Role
from rooms.tables import AuditRow
from streaming.ports import FeedId, RoomId, SeatId
from tests.evening.house import ORGANISATION
from tests.recordings.flashbeep import source
from tests.web.conftest import Browser, Site


@dataclass
class Looked:
    """A show that is over, with its recording, and those who were there."""

    site: Site
    show: str
    artist: Browser
    host: Browser
    guest: Browser
    seats: dict[Role, str]

    @property
    def look(self) -> str:
        return f"/r/{self.seats[Role.ARTIST]}/look"

    async def say(self, answer: str, browser: Browser | None = None) -> tuple[int, dict[str, str]]:
        said = await (browser or self.artist).post(self.look, json={"answer": answer})
        return said.status, await said.json()

    async def prefix(self) -> str | None:
        return (await self.site.parts.recordings.get(self.show)).prefix


@pytest.fixture
async def looked(site: Site) -> Looked:
    return await look_at(site)


async def look_at(site: Site, policy: str = "after_look", show: str = "show") -> Looked:
    await site.show(show, Phase.LIVE, recording_policy=policy)
    browsers, seats = {}, {}
    for role in (Role.ARTIST, Role.HOST, Role.GUEST):
        browsers[role] = site.browser()
        seats[role] = await browsers[role].enter(site.link(await site.ticket(show, role)))
    feed = FeedId(RoomId(show), SeatId(seats[Role.ARTIST]))
    items = await asyncio.to_thread(list, source(4))
    await site.parts.captures.record(show, ORGANISATION, feed, 1, items)
    host = Actor(seat=seats[Role.HOST], role=Role.HOST, name=None)
    ended = SetPhase(id=0, key="end-of-the-show", phase=Phase.ENDED)
    await site.parts.house.submit(host, show, ended)
    async with asyncio.timeout(20):
        while True:
            recording = await site.parts.recordings.of_room(show)
            if recording is not None and recording.status == "ready":
                break
            await asyncio.sleep(0.02)
    return Looked(
        site, show, browsers[Role.ARTIST], browsers[Role.HOST], browsers[Role.GUEST], seats
    )


async def test_before_her_yes_the_artist_and_her_host_hear_it_and_nobody_else(
    looked: Looked,
) -> None:
    page = await looked.artist.get(looked.look)
    assert page.status == 200
    assert page.headers["Cache-Control"] == "no-store"
    assert "noindex" in page.headers["X-Robots-Tag"]
    text = await page.text()
    assert "Saako tallenteen julkaista?" in text
    assert 'data-part="yes">Kyllä, saa julkaista' in text
    playlist = await looked.artist.get(f"{looked.look}/index.m3u8")
    assert (playlist.status, playlist.headers["Cache-Control"]) == (200, "private, no-store")
    names = [line for line in (await playlist.text()).splitlines() if line.endswith(".m4s")]
    ours = [f"{looked.look}/{name}" for name in ("poster.jpg", "init-000.mp4", *names)]
    for address in ours:
        assert (await looked.artist.get(address)).status == 200, address
    assert (await looked.artist.get(f"{looked.look}/nothing.m4s")).status == 404

    hosts = f"/r/{looked.seats[Role.HOST]}/look"
    text = await (await looked.host.get(hosts)).text()
    assert "Esiintyjä vastaa" in text
    assert 'data-part="yes" hidden' in text
    assert 'data-part="no" hidden' in text
    assert (await looked.host.get(f"{hosts}/{names[0]}")).status == 200
    assert (await looked.host.post(hosts, json={"answer": "yes"})).status == 404

    other = await look_at(looked.site, show="another")
    strangers = (looked.guest, looked.host, other.artist, looked.site.browser())
    for stranger in strangers:
        for address in (looked.look, *ours, f"{looked.look}/index.m3u8"):
            assert (await stranger.get(address)).status == 404, address
        assert (await looked.say("yes", stranger))[0] == 404
    guests = f"/r/{looked.seats[Role.GUEST]}/look"
    assert (await looked.guest.get(guests)).status == 404
    assert (await looked.guest.get(f"{guests}/{names[0]}")).status == 404
    assert (await looked.guest.post(guests, json={"answer": "yes"})).status == 404
    assert (await looked.guest.get(f"/recordings/{looked.show}")).status == 404
    assert await looked.prefix() is None


@pytest.mark.one_database  # one browser's requests; what they write is tried in tests/recordings
async def test_only_the_pages_own_post_answers(looked: Looked) -> None:
    wrong: list[tuple[dict[str, Any], int]] = [
        ({"headers": {"Origin": "https://evil.example"}, "json": {"answer": "yes"}}, 403),
        ({"headers": {"Sec-Fetch-Site": "cross-site"}, "json": {"answer": "yes"}}, 403),
        ({"data": {"answer": "yes"}}, 415),
        ({"data": b"{", "headers": {"Content-Type": "application/json"}}, 400),
        ({"json": ["yes"]}, 400),
        ({"json": {"answer": "maybe"}}, 400),
        ({"json": {"answer": "yes", "more": "x" * 300}}, 413),
    ]
    for sent, status in wrong:
        assert (await looked.artist.post(looked.look, **sent)).status == status, sent
    for address in (looked.look, f"{looked.look}?answer=yes"):
        assert (await looked.artist.get(address)).status == 200
        assert (await looked.artist.head(address)).status == 200
    assert await looked.prefix() is None, "nothing was answered"


async def test_a_yes_shows_it_to_everybody_and_a_no_takes_it_away_for_good(looked: Looked) -> None:
    recording = f"/recordings/{looked.show}"
    status, told = await looked.say("yes")
    assert (status, told["state"], told["no"]) == (200, "published", "Perun julkaisun")
    first = await looked.prefix()
    assert first is not None
    assert (await looked.guest.get(recording)).status == 200
    assert recording in await (await looked.guest.get("/")).text()
    public = f"/media/{first}/index.m3u8"
    assert (await looked.guest.get(public)).status == 200
    status, told = await looked.say("no")
    assert (status, told["state"], told["yes"]) == (200, "no", "Saa julkaista sittenkin")
    assert (await looked.guest.get(public)).status == 404
    assert (await looked.guest.get(recording)).status == 404
    assert recording not in await (await looked.guest.get("/")).text()
    assert (await looked.artist.get(f"{looked.look}/index.m3u8")).status == 200
    await looked.say("yes")
    assert await looked.prefix() not in (None, first)
    assert (await looked.guest.get(public)).status == 404, "an address never comes back"
    async with looked.site.parts.database.reading(HOUSE) as session:
        rows = await session.scalars(select(AuditRow).where(AuditRow.act.like("recording.%")))
        acts = [(row.actor, row.act, row.subject) for row in rows]
    seat = looked.seats[Role.ARTIST]
    assert sorted(acts) == sorted(
        (seat, f"recording.{answer}", looked.show) for answer in ("yes", "no", "yes")
    )


@pytest.mark.one_database  # words
async def test_the_page_asks_in_each_language_and_the_desk_tells_how_it_stands(
    looked: Looked,
) -> None:
    words = {
        "fi": "Saako tallenteen julkaista?",
        "sv": "Får inspelningen publiceras?",
        "en": "May the recording be published?",
    }
    for lang, heading in words.items():
        page = await looked.artist.get(f"{looked.look}?lang={lang}")
        assert heading in await page.text()
    desk = f"/r/{looked.seats[Role.ARTIST]}"
    accept = {"Accept": "application/json"}
    told = await (await looked.artist.get(desk, headers=accept)).json()
    assert (told["urls"]["look"], told["look"]) == (looked.look, words["en"])
    hosts = await (await looked.host.get(f"/r/{looked.seats[Role.HOST]}", headers=accept)).json()
    assert (hosts["urls"]["look"], hosts["look"]) == (None, None)

    await looked.site.parts.recordings.hide(looked.show)
    text = await (await looked.artist.get(f"{looked.look}?lang=fi")).text()
    assert "Talo on piilottanut tallenteen." in text
    assert 'data-part="no">Ei saa julkaista' in text
    status, told = await looked.say("yes")
    assert (status, told["state"], told["no"]) == (200, "hidden", "Perun julkaisun")
    assert await looked.prefix() is None


@pytest.mark.one_database  # no answer is written
@pytest.mark.parametrize("policy", ["ticket_holders", "at_once"])
async def test_where_no_look_was_agreed_there_is_no_such_page(policy: str, site: Site) -> None:
    looked = await look_at(site, policy)
    assert (await looked.artist.get(looked.look)).status == 404
    assert (await looked.say("no"))[0] == 404
    assert await looked.prefix() is not None
