"""The whole house behind a real socket, in the test's own process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any

import aiohttp
import pytest
from yarl import URL

from infra.settings import Settings
from rooms.phases import Phase, Role
from rooms.scope import Scope
from rooms.seats import Issued
from rooms.shows import Organisation
from tests.evening.house import ORGANISATION, plan
from web.main import Running, serving
from web.parts import Parts

STARTING_MS = 1500
"""A start migrates the database on the loop, before anything is served."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that start a house may hold the loop as long as a start does."""
    for item in items:
        if "site" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.blocking_ms(STARTING_MS))


@dataclass
class Browser:
    """A client that keeps cookies as a browser does and sends what a page's fetch would send."""

    url: str
    session: aiohttp.ClientSession
    cookies: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str, **other: Any) -> aiohttp.ClientResponse:
        """Open an address; redirects are not followed."""
        return await self._ask("GET", path, **other)

    async def head(self, path: str) -> aiohttp.ClientResponse:
        """Ask for the head alone."""
        return await self._ask("HEAD", path)

    async def post(self, path: str, **other: Any) -> aiohttp.ClientResponse:
        """Post from our own page."""
        headers = {"Origin": self.url, "Sec-Fetch-Site": "same-origin", **other.pop("headers", {})}
        return await self._ask("POST", path, headers=headers, **other)

    async def open(self, link: str) -> str:
        """Open a ticket's link and follow it; returns the seat."""
        answer = await self.get(URL(link).path)
        assert answer.status == 303, await answer.text()
        return answer.headers["Location"].rsplit("/", 1)[-1]

    async def press(self, seat: str, *, move: bool = False) -> aiohttp.ClientResponse:
        """The button."""
        return await self.post(f"/r/{seat}/enter", json={"move": move})

    async def enter(self, link: str) -> str:
        """Open a link and press the button."""
        seat = await self.open(link)
        answer = await self.press(seat)
        assert answer.status == 200, await answer.text()
        return seat

    @asynccontextmanager
    async def socket(
        self, seat: str, **headers: str
    ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """The room's socket."""
        sent = {"Origin": self.url, "Cookie": self._cookie(), **headers}
        async with self.session.ws_connect(f"{self.url}/r/{seat}/ws", headers=sent) as ws:
            yield ws

    def _cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    async def _ask(self, method: str, path: str, **other: Any) -> aiohttp.ClientResponse:
        headers = {"Cookie": self._cookie(), "Accept": "text/html", **other.pop("headers", {})}
        answer = await self.session.request(
            method, self.url + path, headers=headers, allow_redirects=False, **other
        )
        await answer.read()
        for line in answer.headers.getall("Set-Cookie", []):
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0" or not morsel.value:
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        return answer


@dataclass
class Site:
    """A running house with one organisation."""

    running: Running
    url: str
    session: aiohttp.ClientSession

    @property
    def parts(self) -> Parts:
        """The parts behind it."""
        return self.running.parts

    def browser(self) -> Browser:
        """A browser without any cookie."""
        return Browser(self.url, self.session)

    async def show(self, show: str = "show", phase: Phase = Phase.LIVE, **other: Any) -> str:
        """A show in the catalogue."""
        await self.parts.shows.plan(Scope(ORGANISATION), plan(show, **other), phase=phase)
        return show

    async def ticket(self, show: str, role: Role = Role.GUEST, **other: Any) -> Issued:
        """A ticket for it."""
        return await self.parts.seats.issue(Scope(ORGANISATION), show, role, **other)

    def link(self, issued: Issued) -> str:
        """The address that opens a ticket."""
        return f"{self.url}/t/{issued.secret}"


@pytest.fixture
def settings(settings: Settings, database_url: str) -> Settings:
    """A house's settings with a database that has all its tables, of either kind."""
    return settings.model_copy(update={"database_url": database_url})


@pytest.fixture
async def site(settings: Settings) -> AsyncIterator[Site]:
    """A house that answers on a free port."""
    jar = aiohttp.DummyCookieJar()
    async with serving(settings) as running, aiohttp.ClientSession(cookie_jar=jar) as session:
        await running.parts.shows.add_organisation(
            Organisation(
                id=ORGANISATION,
                name={"fi": "Turun kaupunki", "sv": "Åbo stad", "en": "City of Turku"},
                city={"fi": "Turku", "sv": "Åbo", "en": "Turku"},
                city_in={"fi": "Turussa", "sv": "i Åbo", "en": "in Turku"},
            )
        )
        yield Site(running, settings.public_url, session)
