"""A server that is killed in the middle of an evening: what it acknowledged is there, once, and people
come back by themselves."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

import aiohttp

from rooms.messages import Snapshot
from rooms.phases import Phase, Role
from rooms.seats import Issued
from tests.evening.house import TestHouse
from tests.evening.screen import Screen
from tests.web.conftest import Browser

SHOW = "show"
LINES = 24
"""Lines of each speaker between two kills: within what one seat may send in five seconds."""


async def until(condition: Callable[[], bool], *, within_s: float = 20) -> None:
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.005)


@dataclass
class Hall:
    """The screens of an evening, and every line with the number that it was acknowledged with."""

    house: TestHouse
    session: aiohttp.ClientSession
    stack: AsyncExitStack
    given: dict[str, int] = field(default_factory=dict)

    async def screen(self, ticket: Issued) -> Screen:
        """A new browser takes the seat."""
        browser = Browser(self.house.url, self.session)
        screen = Screen(browser, await browser.enter(self.house.link(ticket)))
        self.stack.push_async_callback(screen.close)
        return screen

    async def speak(self, screen: Screen, act: int) -> None:
        """Write line after line; each goes on only once the one before is acknowledged."""
        for number in range(LINES):
            text = f"{screen.seat} {act} {number}"
            seq = await screen.does("line.write", key=text.replace(" ", "-"), text=text)
            assert seq is not None
            self.given[text] = seq

    async def killed_while(self, speakers: list[Screen], act: int, after: int) -> None:
        """Kill the server once so many lines are acknowledged, start it again, hear all to the end."""
        enough = len(self.given) + after
        async with asyncio.TaskGroup() as speaking:
            for screen in speakers:
                speaking.create_task(self.speak(screen, act))
            await until(lambda: len(self.given) >= enough)
            assert await self.house.stop(signal.SIGKILL) == -signal.SIGKILL
            assert len(self.given) < enough - after + LINES * len(speakers), "killed too late"
            await self.house.start()

    async def fresh(self, screen: Screen) -> Snapshot:
        """The room as the seat is told it when it comes anew."""
        anew = Screen(screen.browser, screen.seat)
        try:
            await until(lambda: anew.state is not None)
            assert anew.state is not None
            return anew.state
        finally:
            await anew.close()


def _has_heard_all(screen: Screen, fresh: Snapshot) -> bool:
    return screen.state == fresh


@asynccontextmanager
async def filled(house: TestHouse) -> AsyncIterator[Hall]:
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(cookie_jar=jar) as session, AsyncExitStack() as stack:
        yield Hall(house, session, stack)


async def test_nothing_that_was_acknowledged_is_lost_or_doubled_and_everybody_comes_back(
    house: TestHouse,
) -> None:
    moments = random.Random(1918)
    await house.show(SHOW, Phase.DOORS)
    async with filled(house) as hall:
        ticket = await house.ticket(SHOW, Role.GUEST)
        aune = await hall.screen(ticket)
        veikko = await hall.screen(await house.ticket(SHOW, Role.GUEST, "Veikko"))
        helena = await hall.screen(await house.ticket(SHOW, Role.HOST, "Helena"))
        liisa, matti = [
            await hall.screen(await house.ticket(SHOW, Role.COMPANION, name, ticket.ticket))
            for name in ("Liisa", "Matti")
        ]
        speakers, everybody = [aune, veikko, helena], [aune, veikko, helena, liisa, matti]

        await aune.does("name.set", key="name-of-aune", name="Aune K")
        await liisa.does("company.ask", key="ask-of-liisa")
        await aune.does("company.answer", key="yes-to-liisa", companion=liisa.seat, yes=True)
        await helena.does("phase.set", key="now-it-is-live", phase="live")
        await hall.killed_while(speakers, 1, moments.randrange(10, 40))

        await matti.does("company.ask", key="ask-of-matti")
        await helena.does("phase.set", key="now-the-interval", phase="interval")
        await hall.killed_while(speakers, 2, moments.randrange(10, 40))
        # An ask that was open when the server died may still be answered.
        await aune.does("company.answer", key="not-now-matti", companion=matti.seat, yes=False)

        await until(lambda: all(screen.comings >= 3 for screen in everybody))
        whole = await hall.fresh(helena)
        assert (whole.phase, whole.epoch) == (Phase.INTERVAL, 3)
        assert whole.names == {aune.seat: "Aune K"}
        assert {(c.companion, c.state) for c in whole.company} == {
            (liisa.seat, "accepted"),
            (matti.seat, "declined"),
        }
        texts = [line.text for line in whole.lines]
        assert len(texts) == len(set(texts)) == len(hall.given) == 2 * LINES * len(speakers)
        assert sorted(hall.given, key=lambda text: hall.given[text]) == texts
        assert [line.line for line in whole.lines] == list(range(1, len(texts) + 1))

        # Snapshot and events, over three sockets, are the snapshot of who comes anew.
        for screen in (aune, veikko, helena, liisa):
            await until(partial(_has_heard_all, screen, await hall.fresh(screen)))
        assert matti.state is None
        assert matti.waiting is not None
        assert matti.waiting.state == "declined"

        # The seat is hers: another device is asked first, and hers needs no button.
        stranger = Browser(house.url, hall.session)
        assert await stranger.open(house.link(ticket)) == aune.seat
        assert (await stranger.press(aune.seat)).status == 409
