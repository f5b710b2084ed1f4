"""A real server in a process of its own, with shows and tickets, for tests that use it as people do."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from infra.clock import SystemClock
from infra.database import Database, migrate
from rooms.phases import Phase, Role
from rooms.scope import Scope
from rooms.seats import Issued, Seats
from rooms.shows import Organisation, ShowPlan, Shows
from tests.conftest import free_port
from tests.evening.forked import NURSERY, Forked
from web.main import TABLES

ROOT = Path(__file__).parents[2]
ORGANISATION = "turku"


def plan(show: str, **other: Any) -> ShowPlan:
    """A show that begins now; `other` replaces fields."""
    fields: dict[str, Any] = {
        "id": show,
        "organisation": ORGANISATION,
        "city": ORGANISATION,
        "title": {"fi": "Viulu ja vanha piano", "sv": "Fiol och piano", "en": "Violin and piano"},
        "description": {"fi": "Salonkimusiikkia.", "sv": "Salongsmusik.", "en": "Salon music."},
        "art_form": "chamber_music",
        "artists": ("Viena Vesiputous",),
        "languages": ("fi",),
        "accessibility": (),
        "price": {"kind": "free"},
        "starts_at": datetime.now(UTC) - timedelta(minutes=5),
        "doors_at": datetime.now(UTC) - timedelta(minutes=20),
        "duration_min": 45,
        "has_interval": True,
        "capacity_screens": 100,
        "recording_policy": "at_once",
        "series": None,
    }
    return ShowPlan(**{**fields, **other})


@dataclass
class TestHouse:
    """The server, its address, and rows put into its database beside it."""

    __test__ = False

    folder: Path
    port: int = field(default_factory=free_port)
    ops_port: int = field(default_factory=free_port)
    environment: dict[str, str] = field(default_factory=dict)
    process: asyncio.subprocess.Process | Forked | None = None

    def __post_init__(self) -> None:
        self.database_url = self.environment.get(
            "DATABASE_URL", f"sqlite+aiosqlite:///{self.folder / 'lampio.sqlite3'}"
        )
        self.log_path = self.folder / "server.log"

    @property
    def url(self) -> str:
        """The public address."""
        return f"http://localhost:{self.port}"

    @property
    def ops_url(self) -> str:
        """The operations address."""
        return f"http://127.0.0.1:{self.ops_port}"

    @property
    def pid(self) -> int:
        """The server's process."""
        assert self.process is not None
        return self.process.pid

    async def prepare(self) -> None:
        """An empty database with one organisation."""
        await migrate(self.database_url, TABLES)
        async with self._shows() as shows:
            await shows.add_organisation(
                Organisation(
                    id=ORGANISATION,
                    name={"fi": "Turun kaupunki", "sv": "Åbo stad", "en": "City of Turku"},
                    city={"fi": "Turku", "sv": "Åbo", "en": "Turku"},
                    city_in={"fi": "Turussa", "sv": "i Åbo", "en": "in Turku"},
                )
            )

    async def start(self) -> None:
        """Start the server and wait until it is ready."""
        environment = {
            **{k: v for k, v in os.environ.items() if k not in ("PORT", "DATA_DIR")},
            "PORT": str(self.port),
            "OPS_PORT": str(self.ops_port),
            "HOST": "127.0.0.1",
            "DATA_DIR": str(self.folder),
            "LOG_LEVEL": "info",
            "PYTHONUNBUFFERED": "1",
            **self.environment,
        }
        self.process = await self._process(environment)
        async with aiohttp.ClientSession() as session, asyncio.timeout(30):
            while True:
                if self.process.returncode is not None:
                    raise AssertionError(self.log_path.read_text())
                try:
                    async with session.get(f"{self.ops_url}/readyz") as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.05)

    async def _process(self, environment: dict[str, str]) -> asyncio.subprocess.Process | Forked:
        if "PYTHONPATH" not in self.environment:
            return await asyncio.to_thread(NURSERY.fork, environment, self.log_path)
        # What is to be imported before all else asks for an interpreter of its own.
        with self.log_path.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "web.cli", "serve"),
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
            )

    async def stop(self, number: int = signal.SIGTERM) -> int:
        """End the server with a signal; returns its exit code."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(number)
        try:
            return await asyncio.wait_for(self.process.wait(), 20)
        except TimeoutError:
            self.process.kill()
            raise

    async def show(self, show: str, phase: Phase = Phase.LIVE, **other: Any) -> None:
        """Put a show into the catalogue, its room in `phase`."""
        async with self._shows() as shows:
            await shows.plan(Scope(ORGANISATION), plan(show, **other), phase=phase)

    async def ticket(
        self, show: str, role: Role, name: str | None = None, companion_of: str | None = None
    ) -> Issued:
        """A ticket; `link(issued)` is its address."""
        async with self._seats() as seats:
            return await seats.issue(
                Scope(ORGANISATION), show, role, name=name, companion_of=companion_of
            )

    async def key(self, issued: Issued, kind: str) -> str:
        """A broadcast or viewing key of a ticket."""
        async with self._seats() as seats:
            return await seats.add_secret(Scope(ORGANISATION), issued.ticket, kind)

    def link(self, issued: Issued) -> str:
        """The address that opens a ticket."""
        return f"{self.url}/t/{issued.secret}"

    @asynccontextmanager
    async def _shows(self) -> AsyncIterator[Shows]:
        database = Database(self.database_url)
        try:
            yield Shows(database, SystemClock())
        finally:
            await database.close()

    @asynccontextmanager
    async def _seats(self) -> AsyncIterator[Seats]:
        database = Database(self.database_url)
        try:
            yield Seats(database, SystemClock())
        finally:
            await database.close()


@asynccontextmanager
async def opened_house(folder: Path, **environment: str) -> AsyncIterator[TestHouse]:
    """A prepared house; started by its user (`await house.start()`), ended here."""
    house = TestHouse(folder, environment=environment)
    await house.prepare()
    try:
        yield house
    finally:
        if house.process is not None:
            await house.stop()
