"""What nobody needs any more is let go: hubs, workers, rooms; what runs stays."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from infra.settings import Settings
from rooms.phases import Phase, Role
from rooms.shows import Organisation
from rooms.store import Owners
from tests.evening.house import ORGANISATION
from tests.web.conftest import STARTING_MS, Site
from web.idle import Idle, let_go_regularly
from web.main import serving

WORDS = {"fi": "Turku", "sv": "Åbo", "en": "Turku"}


def test_only_what_was_idle_without_a_break_is_due() -> None:
    idle = Idle(after_s=10)
    assert idle.due({"a", "b"}, 0) == []
    assert idle.due({"a"}, 6) == []
    assert idle.due({"a", "b"}, 10) == ["a"]
    assert sorted(idle.due({"a", "b"}, 20)) == ["a", "b"]
    assert idle.due(set(), 21) == []


async def test_one_that_somebody_came_to_while_others_were_let_go_stays() -> None:
    idle, gone = {"a", "b", "c"}, list[str]()

    async def let_go(one: str) -> None:
        gone.append(one)
        idle.difference_update({one, "b" if one != "b" else "c"})

    task = asyncio.create_task(let_go_regularly(lambda: idle, let_go, after_s=0.02))
    async with asyncio.timeout(5):
        while idle:
            await asyncio.sleep(0.005)
    task.cancel()
    assert len(gone) == 2


@pytest.fixture
async def hasty(settings: Settings) -> AsyncIterator[Site]:
    """A house that lets go after a moment."""
    jar = aiohttp.DummyCookieJar()
    async with (
        serving(settings, idle_s=1.0) as running,
        aiohttp.ClientSession(cookie_jar=jar) as session,
    ):
        await running.parts.shows.add_organisation(Organisation(ORGANISATION, WORDS, WORDS, WORDS))
        yield Site(running, settings.public_url, session)


@pytest.mark.one_database  # memory is the same on both
@pytest.mark.blocking_ms(STARTING_MS)
async def test_rooms_that_nobody_is_in_leave_no_trace_in_memory(hasty: Site) -> None:
    parts = hasty.parts
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    live = await hasty.show("live", Phase.LIVE)
    await parts.reactions.ready(live)
    before = len(asyncio.all_tasks())
    later = [f"later-{number}" for number in range(5)]
    for show in later:
        await hasty.show(show, Phase.SCHEDULED, starts_at=tomorrow, doors_at=tomorrow)
        host = await hasty.ticket(show, Role.HOST)
        browser = hasty.browser()
        seat = await browser.enter(hasty.link(host))
        async with browser.socket(seat) as ws:
            await ws.send_json({"type": "hello", "id": 1})
            async with asyncio.timeout(10):
                while (await ws.receive_json()).get("id") != 1:
                    pass
            assert parts.hubs.known(show) is not None
    async with asyncio.timeout(15):
        while set(parts.house.rooms()) != {live} or len(parts.hubs.all()) != 1:
            await asyncio.sleep(0.02)
    assert await Owners(parts.database).owner(later[0]) is None
    async with asyncio.timeout(15):
        while len(asyncio.all_tasks()) > before + 2:  # a client's connection may still be kept
            await asyncio.sleep(0.02)
    _, state = await parts.house.whole(later[0])
    assert state.phase is Phase.SCHEDULED
