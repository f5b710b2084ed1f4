"""Cookies that somebody had before, put into the browser of whoever presses next: a key to nothing."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from tests.web.conftest import Browser, Site
from tests.web.test_socket import Talker

DEVICE = "lampio_device"


async def sits(browser: Browser, seat: str) -> bool:
    """Whether the browser's page and socket are the seat's."""
    page = await browser.get(f"/r/{seat}", headers={"Accept": "application/json"})
    if page.status == 401:
        with pytest.raises(aiohttp.WSServerHandshakeError, match="401"):
            async with browser.socket(seat):
                pass
        return False
    assert page.status == 200
    async with browser.socket(seat) as ws:
        return bool((await Talker(ws, seat).say("hello"))["type"] == "ack")


async def with_links(site: Site, count: int = 2) -> list[str]:
    """The show, and links to its seats."""
    await site.show()
    return [site.link(await site.ticket("show")) for _ in range(count)]


@pytest.mark.parametrize("planted", ["device", "all"])
async def test_a_planted_unused_cookie_gives_nothing_of_who_presses_with_it(
    site: Site, planted: str
) -> None:
    mine, theirs = await with_links(site)
    planter, victim = site.browser(), site.browser()
    await planter.open(mine)
    known = dict(planter.cookies)
    victim.cookies |= {DEVICE: known[DEVICE]} if planted == "device" else known
    seat = await victim.open(theirs)
    assert victim.cookies[DEVICE] == known[DEVICE]
    assert (await victim.press(seat)).status == 200
    assert not await sits(planter, seat)
    for move in (False, True):
        told = await planter.press(seat, move=move)
        assert (told.status, told.headers.getall("Set-Cookie", [])) == (401, [])
    assert await sits(victim, seat)


@pytest.mark.parametrize("planter_first", [True, False])
async def test_who_presses_own_link_with_the_planted_cookie_is_another_device(
    site: Site, planter_first: bool
) -> None:
    mine, theirs = await with_links(site)
    planter, victim = site.browser(), site.browser()
    own = await planter.open(mine)
    victim.cookies |= planter.cookies
    seat = await victim.open(theirs)
    order = [(planter, own), (victim, seat)]
    for browser, pressed in order if planter_first else order[::-1]:
        assert (await browser.press(pressed)).status == 200
    assert await sits(planter, own)
    assert await sits(victim, seat)
    assert not await sits(planter, seat)


async def test_even_the_same_link_makes_no_two_browsers_one(site: Site) -> None:
    link, _ = await with_links(site)
    planter, victim = site.browser(), site.browser()
    await planter.open(link)
    victim.cookies |= planter.cookies
    seat = await victim.open(link)
    assert (await victim.press(seat)).status == 200
    assert (await planter.press(seat)).status == 409  # asked, as anybody with the link


async def test_a_dying_secret_mints_nothing_and_takes_no_other_seat(site: Site) -> None:
    mine, theirs = await with_links(site)
    planter, victim, third = site.browser(), site.browser(), site.browser()
    own = await planter.enter(mine)
    dying = planter.cookies[DEVICE]
    assert (await planter.press(own)).status == 200
    assert planter.cookies[DEVICE] != dying
    third.cookies[DEVICE] = dying
    told = await third.press(own)  # two minutes more it is in its seat, and gets nothing for later
    assert (told.status, told.headers.getall("Set-Cookie", [])) == (200, [])
    victim.cookies[DEVICE] = dying
    seat = await victim.open(theirs)
    assert (await victim.press(seat)).status == 200
    assert await sits(victim, seat)
    assert not await sits(planter, seat)
    assert not await sits(third, seat)


async def test_a_browser_that_sits_presses_in_more_tabs_at_once_and_keeps_all_seats(
    site: Site,
) -> None:
    first, *others = await with_links(site, 4)
    browser = site.browser()
    seats = [await browser.enter(first), *[await browser.open(link) for link in others]]
    answers = await asyncio.gather(*(browser.press(seat) for seat in seats))
    assert [answer.status for answer in answers] == [200] * 4
    assert [await sits(browser, seat) for seat in seats] == [True] * 4


async def test_an_answer_that_was_lost_is_made_good_by_pressing_again(site: Site) -> None:
    link, second = await with_links(site)
    browser = site.browser()
    seats = [await browser.open(link), await browser.open(second)]
    for seat in seats:
        before = browser.cookies[DEVICE]
        assert (await browser.press(seat)).status == 200
        browser.cookies[DEVICE] = before
        assert (await browser.press(seat)).status == 200
        assert browser.cookies[DEVICE] != before
    assert [await sits(browser, seat) for seat in seats] == [True] * 2
