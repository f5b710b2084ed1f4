"""A real house over an SQLite file, two cities, and people with tickets."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from infra.bus_local import LocalBus, LocalCommands
from infra.clock import Clock, ManualClock
from infra.database import Database
from infra.whose import NONE
from rooms.actors import Actor
from rooms.house import House
from rooms.messages import Command, Event, SetPhase, Snapshot
from rooms.phases import Phase, Role
from rooms.scope import Scope
from rooms.seats import Issued, Seats
from rooms.shows import Organisation, ShowPlan, Shows
from rooms.tables import NodeRow

ROOM = "viulu"
TURKU, OULU = Scope("turku"), Scope("oulu")


def organisation(name: str) -> Organisation:
    """A city with the same words in three languages."""
    words = {"fi": name, "sv": name, "en": name}
    return Organisation(name.lower(), words, words, words)


def plan(clock: Clock, show: str = ROOM, city: str = "turku", **other: Any) -> ShowPlan:
    """A show that starts in an hour and opens its doors in 45 minutes."""
    fields: dict[str, Any] = {
        "id": show,
        "organisation": city,
        "city": city,
        "title": {"fi": "Viulu", "sv": "Fiol", "en": "Violin"},
        "description": {"fi": "Iltapäivä", "sv": "Eftermiddag", "en": "Afternoon"},
        "art_form": "chamber_music",
        "artists": ("Viena",),
        "languages": ("fi",),
        "accessibility": ("captions",),
        "price": {"kind": "free"},
        "starts_at": clock.now() + timedelta(minutes=60),
        "doors_at": clock.now() + timedelta(minutes=45),
        "duration_min": 60,
        "has_interval": True,
        "capacity_screens": 100,
        "recording_policy": "at_once",
    }
    return ShowPlan(**{**fields, **other})


async def until(condition: Callable[[], bool | Awaitable[bool]], *, within_s: float = 10.0) -> None:
    """Wait until the condition holds."""
    async with asyncio.timeout(within_s):
        while True:
            held = condition()
            if held if isinstance(held, bool) else await held:
                return
            await asyncio.sleep(0.005)


async def silent_for(database: Database, ms: int) -> None:
    """All nodes' last beats were so long before what they are."""
    async with database.unit_of_work(NONE) as session:
        await session.execute(update(NodeRow).values(seen_at_ms=NodeRow.seen_at_ms - ms))


@dataclass
class Evening:
    """A house with everything around it, and short words for what people do."""

    database: Database
    clock: ManualClock
    bus: LocalBus
    commands: LocalCommands
    house: House
    shows: Shows
    seats: Seats
    heard: list[tuple[str, int, Event, Snapshot]] = field(default_factory=list)
    revoked: list[tuple[str, str, str]] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    async def ticket(self, role: Role, **other: Any) -> Issued:
        """A ticket for the room of Turku."""
        return await self.seats.issue(TURKU, ROOM, role, **other)

    async def do(
        self, actor: str, kind: type[Command], /, room: str = ROOM, **fields: Any
    ) -> int | None:
        """Have a seat send a command, with a fresh key where it needs one."""
        number = next(self._numbers)
        if "key" in kind.model_fields:
            fields.setdefault("key", f"key-{number:06}")
        return await self.house.submit(Actor(actor, Role.GUEST), room, kind(id=number, **fields))

    async def phase(self, *phases: Phase) -> None:
        """Bring the room through these phases by a host."""
        from_host = await self.ticket(Role.HOST)
        for phase in phases:
            await self.do(from_host.seat, SetPhase, phase=phase)

    def state(self) -> Snapshot:
        """The room of Turku."""
        return self.house.state(ROOM)

    def kinds(self) -> list[str]:
        """The types of all events heard so far."""
        return [event.type for _, _, event, _ in self.heard]


@pytest.fixture
async def evening(database: Database, clock: ManualClock) -> AsyncIterator[Evening]:
    """A scheduled show in Turku, another in Oulu, and a house that runs."""
    bus, commands = LocalBus(), LocalCommands()
    shows, seats = Shows(database, clock), Seats(database, clock)
    for name in ("Turku", "Oulu"):
        await shows.add_organisation(organisation(name))
    await shows.plan(TURKU, plan(clock))
    await shows.plan(OULU, plan(clock, "kantele", "oulu"))
    house = House(
        database=database,
        clock=clock,
        bus=bus,
        commands=commands,
        node="one",
        look_s=0.02,
        beat_s=0.1,
        patience_s=0.1,
    )
    await house.start()
    here = Evening(database, clock, bus, commands, house, shows, seats)
    house.subscribe(lambda *news: here.heard.append(news))
    house.subscribe_revocations(lambda *news: here.revoked.append(news))
    yield here
    await house.close()
    await commands.close()
