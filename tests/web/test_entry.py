"""The way in: opening a link admits nobody; only the button in our own page does."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from rooms.phases import Phase, Role
from rooms.scope import Scope
from tests.evening.house import ORGANISATION
from tests.web.conftest import Browser, Site


async def status_of(site: Site, seat: str) -> str:
    return str((await site.parts.seats.seat(seat)).status)


async def test_opening_a_link_by_head_or_many_gets_takes_no_seat(site: Site) -> None:
    await site.show()
    issued = await site.ticket("show")
    path = f"/t/{issued.secret}"
    assert (await site.browser().head(path)).status == 303
    for _ in range(20):
        scanner = site.browser()
        seat = await scanner.open(site.link(issued))
        assert (await scanner.get(f"/r/{seat}")).status == 200
        assert (await scanner.head(f"/r/{seat}")).status == 200
    assert await status_of(site, issued.seat) == "issued"


async def test_the_redirect_hides_the_secret(site: Site) -> None:
    await site.show()
    issued = await site.ticket("show")
    answer = await site.browser().get(f"/t/{issued.secret}")
    assert issued.secret not in answer.headers["Location"]
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "noindex" in answer.headers["X-Robots-Tag"]


async def test_a_client_without_cookies_gets_a_page_that_tells_no_name(site: Site) -> None:
    await site.show()
    issued = await site.ticket("show", name="Aune Aallotar")
    answer = await site.browser().get(f"/r/{issued.seat}")
    text = await answer.text()
    assert answer.status == 200
    assert "Aune" not in text
    assert "09" in text
    unknown = await site.browser().get("/r/0000000000000000")
    assert unknown.status == 200  # the same page: an address tells nothing


async def test_five_links_opened_before_any_is_pressed_work_in_one_browser(site: Site) -> None:
    await site.show()
    guest = await site.ticket("show", name="Aune")
    issued = [
        guest,
        await site.ticket("show", name="Toivo"),
        await site.ticket("show", Role.COMPANION, name="Liisa", companion_of=guest.ticket),
        await site.ticket("show", Role.ARTIST, name="Viena"),
        await site.ticket("show", Role.HOST, name="Helena"),
    ]
    browser = site.browser()
    seats = [await browser.open(site.link(one)) for one in issued]
    for seat in seats:
        assert (await browser.press(seat)).status == 200
    for seat in seats:
        async with browser.socket(seat) as ws:
            await ws.send_json({"type": "hello", "id": 1})
            first = await ws.receive_json(timeout=15)
            assert first["type"] in ("snapshot", "waiting")


async def test_pressing_in_two_tabs_at_the_same_moment_seats_both(site: Site) -> None:
    await site.show()
    links = [site.link(await site.ticket("show")) for _ in range(2)]
    browser = site.browser()
    seats = [await browser.open(link) for link in links]
    answers = await asyncio.gather(*(browser.press(seat) for seat in seats))
    assert [answer.status for answer in answers] == [200, 200]
    for seat in seats:
        async with browser.socket(seat) as ws:
            await ws.send_json({"type": "hello", "id": 1})
            assert (await ws.receive_json(timeout=15))["type"] == "snapshot"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_foreign_page_cannot_press_the_button(site: Site, headers: dict[str, str]) -> None:
    await site.show()
    issued = await site.ticket("show")
    browser = site.browser()
    seat = await browser.open(site.link(issued))
    answer = await browser.post(f"/r/{seat}/enter", json={}, headers=headers)
    assert answer.status == 403
    assert await status_of(site, seat) == "issued"


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/json; charset=nope", b"{}", 400),
        ("application/json", b"\xff\xfe", 400),
        ("application/json", b"[" * 900, 400),
        ("application/json", b"[]", 400),
        ("application/json", b'{"move": 1}', 400),
        ("application/json", b" " * 1100, 413),
        ("text/plain", b"{}", 415),
    ],
)
async def test_what_the_button_never_sends_is_refused(
    site: Site, kind: str, body: bytes, status: int
) -> None:
    await site.show()
    browser = site.browser()
    seat = await browser.open(site.link(await site.ticket("show")))
    answer = await browser.post(f"/r/{seat}/enter", data=body, headers={"Content-Type": kind})
    assert answer.status == status
    assert await status_of(site, seat) == "issued"


async def test_without_the_link_nobody_takes_a_seat_by_its_address(site: Site) -> None:
    await site.show()
    issued = await site.ticket("show")
    other = await site.ticket("show")
    stranger = site.browser()
    await stranger.open(site.link(other))
    answer = await stranger.press(issued.seat)
    assert answer.status == 401
    assert await status_of(site, issued.seat) == "issued"


async def test_a_second_device_is_asked_and_then_takes_over(site: Site) -> None:
    await site.show()
    issued = await site.ticket("show")
    first, second = site.browser(), site.browser()
    seat = await first.enter(site.link(issued))
    async with first.socket(seat) as ws:
        await ws.send_json({"type": "hello", "id": 1})
        assert (await ws.receive_json(timeout=15))["type"] == "snapshot"
        await second.open(site.link(issued))
        asked = await second.press(seat)
        assert asked.status == 409
        problem = await asked.json(content_type="application/problem+json")
        assert problem["code"] == "seat_elsewhere"
        assert (await second.press(seat, move=True)).status == 200
        bye = await read_until(ws, "bye")
        assert bye["reason"] == "moved"
    async with second.socket(seat) as ws:
        await ws.send_json({"type": "hello", "id": 1})
        assert (await ws.receive_json(timeout=15))["type"] == "snapshot"
    assert await socket_status(first, seat) == 401


async def socket_status(browser: Browser, seat: str) -> int:
    """How the room's socket is refused."""
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with browser.socket(seat):
            pass
    return refused.value.status


async def read_until(ws, kind: str) -> dict[str, object]:  # type: ignore[no-untyped-def]  # aiohttp's client socket
    async with asyncio.timeout(15):
        while True:
            message = await ws.receive_json()
            if message["type"] == kind:
                return dict(message)


async def test_pressing_again_changes_nothing(site: Site) -> None:
    await site.show()
    browser = site.browser()
    seat = await browser.enter(site.link(await site.ticket("show")))
    assert (await browser.press(seat)).status == 200
    assert await status_of(site, seat) == "admitted"


async def test_each_entry_gives_the_browser_a_new_secret(site: Site) -> None:
    await site.show()
    browser = site.browser()
    seat = await browser.open(site.link(await site.ticket("show")))
    before = browser.cookies["lampio_device"]
    await browser.press(seat)
    assert browser.cookies["lampio_device"] != before


async def test_a_revoked_ticket_is_told_and_admits_nobody(site: Site) -> None:
    await site.show()
    issued = await site.ticket("show")
    browser = site.browser()
    seat = await browser.open(site.link(issued))
    await site.parts.seats.revoke(Scope(ORGANISATION), issued.ticket)
    answer = await browser.press(seat)
    assert answer.status == 403
    assert (await answer.json(content_type="application/problem+json"))["code"] == "revoked"


async def test_several_secrets_lead_to_one_ticket_and_end_alone(site: Site) -> None:
    await site.show()
    issued = await site.ticket("show")
    scope = Scope(ORGANISATION)
    letter = await site.parts.seats.add_secret(scope, issued.ticket, "link", "letter")
    assert await site.browser().open(f"{site.url}/t/{letter}") == issued.seat
    await site.parts.seats.revoke_secret(scope, letter)
    assert (await site.browser().get(f"/t/{letter}")).status == 404
    assert await site.browser().open(site.link(issued)) == issued.seat


@pytest.mark.parametrize(
    "spoil", [str.upper, lambda s: s[:-1], lambda s: s + "A", lambda s: "x" * 32]
)
async def test_a_spoiled_link_is_told_in_words(site: Site, spoil) -> None:  # type: ignore[no-untyped-def]  # a lambda
    await site.show()
    issued = await site.ticket("show")
    answer = await site.browser().get(f"/t/{spoil(issued.secret)}")
    assert answer.status == 404
    assert "09" in await answer.text()


async def test_a_link_with_tracking_or_a_full_stop_behind_it_still_opens(site: Site) -> None:
    await site.show()
    issued = await site.ticket("show")
    for tail in (".", "?utm_source=letter", ".?fbclid=1"):
        assert await site.browser().open(site.link(issued) + tail) == issued.seat


async def test_a_broadcast_key_is_no_link(site: Site) -> None:
    await site.show()
    artist = await site.ticket("show", Role.ARTIST)
    key = await site.parts.seats.add_secret(Scope(ORGANISATION), artist.ticket, "broadcast")
    assert (await site.browser().get(f"/t/{key}")).status == 404


async def test_leaving_the_device_gives_up_its_seats_here(site: Site) -> None:
    await site.show()
    browser = site.browser()
    seat = await browser.enter(site.link(await site.ticket("show")))
    answer = await browser.post("/leave")
    assert answer.status == 204
    assert "cookies" in answer.headers["Clear-Site-Data"]
    assert await socket_status(browser, seat) == 401


async def test_before_the_doors_the_page_opens_and_the_button_waits(site: Site) -> None:
    opens = datetime.now(UTC) + timedelta(hours=1)  # else the house opens them while we look
    await site.show(phase=Phase.SCHEDULED, doors_at=opens, starts_at=opens)
    browser = site.browser()
    seat = await browser.open(site.link(await site.ticket("show")))
    assert (await browser.get(f"/r/{seat}")).status == 200
    assert (await browser.press(seat)).status == 409
