"""Links as mail programs spoil them, as others guess them, and as foreign pages plant them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import pytest
from sqlalchemy import text
from yarl import URL

from infra.whose import HOUSE
from rooms.phases import Role
from rooms.scope import Scope
from tests.evening.house import ORGANISATION
from tests.web.conftest import Browser, Site
from tests.web.raw import answer
from tests.web.test_socket import Talker, talkers

pytestmark = pytest.mark.one_database  # nothing of it is about the database

SCOPE = Scope(ORGANISATION)
PHONE = "09\u00a0555\u00a00100"

TYPED = (
    *("{}.", "{},", "{};", "{}!", "{})", "{}]", "{}>", "{}%3E", "{}%22", "{}%E2%80%9D", "{}'"),
    *("{}%20", "{}%0D%0A", "{}%00", "{}%C2%A0", "{}%E2%80%8B", "{}.%20", "{}%252E", "{}%253E%2520"),
    *("{}/", "{}//", "{}/.", "<{}>", "%3C{}%3E", "%22{}%22", "%E2%80%8B{}", "({})"),
    *("{}?utm_source=letter", "{}.?fbclid=1", "{}&utm_medium=mail", "{}%3Futm_source=x", "{}?"),
)


async def opened(site: Site, path: str) -> tuple[int, str]:
    """Status and place of an address that is sent as it stands."""
    port = int(site.url.rsplit(":", 1)[1])
    sent = f"GET /t/{path} HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\nConnection: close\r\n\r\n"
    told = (await answer(port, sent.encode())).decode("utf-8", "replace")
    place = [line for line in told.split("\r\n") if line.lower().startswith("location: ")]
    return int(told.split()[1]), place[0][10:] if place else told


async def test_what_programs_add_to_a_link_takes_nothing_from_it(site: Site) -> None:
    await site.show()
    issued = await site.ticket("show")
    for form in TYPED:
        assert (form, await opened(site, form.format(issued.secret))) == (
            *(form,),
            (303, f"/r/{issued.seat}"),
        )


async def test_a_link_that_leads_nowhere_is_told_kindly_with_the_number_to_call(site: Site) -> None:
    await site.show()
    secret = (await site.ticket("show")).secret
    other = await site.parts.seats.add_secret(
        SCOPE, (await site.ticket("show", Role.ARTIST)).ticket, "broadcast"
    )
    for spoilt in (
        *(
            secret.upper(),
            secret[:-1],
            secret + "A",
            secret[::-1],
            "x" * 32,
            "%00",
            "%FF%FE",
            "...",
        ),
        *("x" * 4000, "../../etc/passwd", "%2e%2e%2f", other, "%F0%9F%8E%BB", f"a/{secret}"),
    ):
        status, page = await opened(site, spoilt)
        assert (spoilt[:40], status) == (spoilt[:40], 404)
        assert PHONE in page
        assert secret not in page


async def test_a_link_whose_time_is_over_says_why_and_admits_nobody(site: Site) -> None:
    await site.show()
    long_ago = datetime.now(UTC) - timedelta(days=400)
    await site.show("old", starts_at=long_ago, doors_at=None)
    revoked, expired = await site.ticket("show"), await site.ticket("old")
    await site.parts.seats.revoke(SCOPE, revoked.ticket)
    async with site.parts.database.unit_of_work(HOUSE) as session:
        ms = int(long_ago.timestamp() * 1000)
        query = text("UPDATE ticket SET issued_at_ms = :ms WHERE id = :id")
        await session.execute(query, {"ms": ms, "id": expired.ticket})
    for issued in (revoked, expired):
        browser = site.browser()
        seat = await browser.open(site.link(issued))
        page = await browser.get(f"/r/{seat}")
        assert page.status == 403
        assert PHONE in await page.text()
        assert (await browser.press(seat)).status == 403
    # a ticket of one show opens no other: its place is its own show's
    assert (await site.parts.seats.seat(expired.seat)).show == "old"


async def test_an_opened_link_ends_with_its_secret(site: Site) -> None:
    await site.show()
    issued = await site.ticket("show", name="Aune Aallotar")
    letter = await site.parts.seats.add_secret(SCOPE, issued.ticket, "link", "letter")
    browser, sitter = site.browser(), site.browser()
    seat = await browser.open(f"{site.url}/t/{letter}")
    await sitter.enter(site.link(issued))
    assert "Aune" in await (await browser.get(f"/r/{seat}")).text()
    await site.parts.seats.revoke_secret(SCOPE, letter)
    page = await (await browser.get(f"/r/{seat}")).text()
    assert "Aune" not in page
    assert PHONE in page
    assert (await browser.press(seat, move=True)).status == 401
    assert (await sitter.press(seat)).status == 200  # who sits there by another link stays


async def test_a_groups_link_opened_by_all_before_anybody_presses_seats_all(site: Site) -> None:
    await site.show()
    group = await site.ticket("show", places=3)
    browsers = [site.browser() for _ in range(4)]
    shown = [await one.open(site.link(group)) for one in browsers]
    assert len(set(shown)) == 1
    answers = await asyncio.gather(
        *(one.press(seat) for one, seat in zip(browsers, shown, strict=True))
    )
    assert sorted(one.status for one in answers) == [200, 200, 200, 409]
    taken = {}
    for browser, told in zip(browsers, answers, strict=True):
        if told.status == 200:
            taken[(await told.json())["seat"]] = browser
    assert set(taken) == set(group.seats)
    for seat, browser in taken.items():
        assert (await browser.press(shown[0])).status == 200  # again: everybody stays in place
        async with browser.socket(seat) as ws:
            assert (await Talker(ws, seat).say("hello"))["type"] == "ack"


async def test_wrong_links_wait_and_right_ones_never(site: Site) -> None:
    await site.show()
    residents = [await site.ticket("show") for _ in range(8)]
    statuses = [(await opened(site, f"wrong{number}"))[0] for number in range(70)]
    assert statuses == [404] * 60 + [429] * 10
    page = await site.browser().get("/t/wrong")
    assert (page.status, page.headers["Retry-After"]) == (429, "10")
    assert PHONE in await page.text()
    # a head of its own does not make it another's
    for forged in ("203.0.113.7", "::1", "unknown, 10.0.0.1", "' OR 1=1"):
        told = await site.browser().get("/t/wrong", headers={"X-Forwarded-For": forged})
        assert told.status == 429
    for issued in residents:
        await site.browser().enter(site.link(issued))


async def test_behind_our_proxy_each_address_counts_for_itself(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.guesses.WRONG_PER_ADDRESS", 3)
    monkeypatch.setattr(
        site.parts.access, "_proxies", [ip_network("127.0.0.1/32"), ip_network("10.0.0.0/8")]
    )
    browser = site.browser()

    async def wrong(*forwarded: str) -> int:
        headers = [("X-Forwarded-For", one) for one in forwarded]
        got = await browser.session.get(f"{site.url}/t/wrong", headers=headers)
        return got.status

    assert [await wrong("198.51.100.1") for _ in range(4)] == [404, 404, 404, 429]
    assert await wrong("198.51.100.2") == 404
    # what a client puts before the proxy's word changes nothing, in one line or in two
    assert await wrong("203.0.113.9, 198.51.100.1") == 429
    assert await wrong("203.0.113.9", "198.51.100.1, 10.1.2.3") == 429
    assert await wrong("::ffff:198.51.100.1") == 429
    # a household's IPv6 is one, however many of its addresses it uses
    told = [await wrong(f"2001:db8:1:2::{number}") for number in range(4)]
    assert told == [404, 404, 404, 429]
    assert await wrong("2001:db8:1:3::1") == 404


async def test_wrong_keys_of_a_show_wait_and_the_right_one_publishes(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.guesses.WRONG_PER_ADDRESS", 1000)
    monkeypatch.setattr("web.guesses.WRONG_PER_SHOW", 5)
    await site.show()
    artist = await site.ticket("show", Role.ARTIST)
    key = await site.parts.seats.add_secret(SCOPE, artist.ticket, "broadcast")

    async def send(bearer: str, show: str = "show") -> int:
        told = await site.browser().session.post(
            f"{site.url}/whip/{show}",
            data=b"v=0",
            headers={"Authorization": f"Bearer {bearer}", "Content-Type": "application/sdp"},
        )
        if told.status == 429:
            assert int(told.headers["Retry-After"]) > 0
        return told.status

    assert [await send(f"wrong{number}") for number in range(7)] == [401] * 5 + [429] * 2
    assert await send("wrong", "another") in (401, 404)
    assert await send(key) == 400  # the key is right: it is the offer that says nothing


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "none"},
    ],
)
async def test_a_foreign_page_plants_no_seat(site: Site, headers: dict[str, str]) -> None:
    await site.show()
    planted = await site.ticket("show", name="Vieras")
    victim = site.browser()
    own = await victim.enter(site.link(await site.ticket("show", name="Aune")))
    device = victim.cookies["lampio_device"]
    # the foreign page can have its link opened here: that changes nothing of whom the browser is
    seat = await victim.open(site.link(planted))
    assert victim.cookies["lampio_device"] == device
    sent = {"Content-Type": "application/json", **headers}
    for path in (f"/r/{seat}/enter", "/leave"):
        told = await victim.post(path, data=b'{"move":true}', headers=sent)
        assert told.status in ((403, 415) if path != "/leave" else (403, 204))
        if path == "/leave":
            assert (told.status == 204) == ("Content-Type" in headers)
    assert (await site.parts.seats.seat(planted.seat)).status == "issued"
    if "Content-Type" not in headers:
        async with victim.socket(own) as ws:
            assert (await Talker(ws, own).say("hello"))["type"] == "ack"


async def test_anothers_pending_cookie_is_no_more_than_a_link(site: Site) -> None:
    await site.show()
    issued = await site.ticket("show")
    first, thief, forger = site.browser(), site.browser(), site.browser()
    seat = await first.enter(site.link(issued))
    name = f"lampio_link_{seat}"
    await thief.open(site.link(await site.ticket("show")))
    thief.cookies[name] = first.cookies[name]
    assert (
        await thief.press(seat)
    ).status == 409  # asked, as with the link itself; nobody is moved
    forger.cookies |= {name: first.cookies[name][:-1] + "0", "lampio_device": "me." + "0" * 64}
    assert (await forger.press(seat, move=True)).status == 401
    handle = first.cookies[name].split(".")[0]
    for value in (handle, handle + ".", "9999999999-" + "0" * 64 + "." + "0" * 64):
        forger.cookies[name] = value
        assert (await forger.press(seat, move=True)).status == 401
    async with first.socket(seat) as ws:
        assert (await Talker(ws, seat).say("hello"))["type"] == "ack"


async def test_a_companions_link_on_another_device_moves_only_when_asked_and_needs_a_new_yes(
    site: Site,
) -> None:
    async with talkers(site, Role.GUEST) as (guest,):
        guests = (await site.parts.seats.seat(guest.seat)).ticket
        issued = await site.ticket("show", Role.COMPANION, name="Liisa", companion_of=guests)
        devices: list[Browser] = [site.browser() for _ in range(3)]
        seat = await devices[0].enter(site.link(issued))
        async with devices[0].socket(seat) as ws:
            first = Talker(ws, seat)
            await first.say("hello")
            await first.write("company.ask")
            await guest.event("company.asked")
            await guest.write("company.answer", companion=seat, yes=True)
            await first.until(lambda m: m["type"] == "snapshot")
            for other in devices[1:]:
                await other.open(site.link(issued))
                assert (await other.press(seat)).status == 409
            assert (await first.say("applaud", claps=1))["type"] == "ack"  # sits on undisturbed
            assert (await devices[2].press(seat, move=True)).status == 200
            bye = await first.until(lambda m: m["type"] == "bye")
            assert (bye["reason"], bye["back_ms"]) == ("moved", None)
        assert (await guest.event("company.ended"))["companion"] == seat
        async with devices[2].socket(seat) as ws:
            third = Talker(ws, seat)
            await third.say("hello")
            assert third.heard[0]["type"] == "waiting"


async def test_a_mistyped_path_around_a_link_tells_no_secret(site: Site) -> None:
    for path in ("/t/", "/t", "/T/abc", "/r/", "/r/abc/enter/x"):
        page = await site.browser().get(URL(path, encoded=True).path)
        assert page.status == 404
        assert PHONE in await page.text()
