"""Two nodes, one database, and a Redis that goes and comes: the room goes on and nobody gains a right."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from redis.asyncio import Redis

from infra.carrier import Carrier, carrying
from infra.clock import SystemClock
from infra.database import Database
from infra.errors import LampioError
from rooms.actors import Actor
from rooms.house import House
from rooms.messages import SetPhase, WriteLine
from rooms.phases import Phase, Role
from rooms.replies import Reply
from rooms.seats import Seats
from rooms.shows import Shows
from rooms.store import Owners
from tests.conftest import Figures, free_port
from tests.contract.conftest import KEYS, stored
from tests.contract.redis_process import RedisProcess
from tests.rooms.conftest import ROOM, TURKU, organisation, plan, until

SAID = "Tunnistettava"


@dataclass
class Two:
    """`near` owns the room; `far` is where the guest's socket is."""

    near: House
    far: House
    carriers: tuple[Carrier, Carrier]
    guest: str
    removed: str
    device: str
    ticket: str
    seats: Seats
    redis: RedisProcess
    revoked: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict)
    _keys: itertools.count[int] = field(default_factory=itertools.count)

    async def write(self, house: House, seat: str, text: str) -> int | None:
        command = WriteLine(id=1, key=f"key-{next(self._keys):06}", text=text)
        return await house.submit(Actor(seat, Role.GUEST, device=self.device), ROOM, command)

    async def refused(self, house: House, seat: str) -> str:
        with pytest.raises(LampioError) as refused:
            await self.write(house, seat, "ei kuulu")
        return refused.value.code

    async def lines(self, house: House) -> list[str]:
        return [line.text for line in (await house.whole(ROOM))[1].lines]


@asynccontextmanager
async def _node(
    stack: AsyncExitStack, database: Database, url: str, name: str
) -> AsyncIterator[tuple[House, Carrier]]:
    clock = SystemClock()
    carrier = await stack.enter_async_context(carrying(url, clock, Owners(database).claim, KEYS))
    house = House(
        database=database,
        clock=clock,
        bus=carrier.bus,
        commands=carrier.commands,
        node=name,
        leases=carrier.leases,
        look_s=0.05,
        beat_s=0.2,
        patience_s=0.5,
    )
    await house.start()
    try:
        yield house, carrier
    finally:
        await house.close()


@pytest.fixture
async def two(database: Database, tmp_path: Path) -> AsyncIterator[Two]:
    redis = RedisProcess(free_port(), tmp_path)
    await redis.start()
    clock = SystemClock()
    shows, seats = Shows(database, clock), Seats(database, clock)
    await shows.add_organisation(organisation("Turku"))
    await shows.plan(TURKU, plan(clock))
    async with AsyncExitStack() as stack:
        stack.callback(redis.kill)
        near, first = await stack.enter_async_context(_node(stack, database, redis.url, "near"))
        far, second = await stack.enter_async_context(_node(stack, database, redis.url, "far"))
        await near.open(ROOM)
        host = await seats.issue(TURKU, ROOM, Role.HOST)
        for phase in (Phase.DOORS, Phase.LIVE):
            command = SetPhase(id=1, key=f"phase-{phase}", phase=phase)
            await near.submit(Actor(host.seat, Role.HOST), ROOM, command)
        guest, removed = [await seats.issue(TURKU, ROOM, Role.GUEST, name="Aune") for _ in "ab"]
        device, _ = await seats.new_device()
        for ticket in (guest, removed):
            await seats.enter(ticket.seat, device)
        here = Two(
            near,
            far,
            (first, second),
            guest.seat,
            removed.seat,
            device,
            removed.ticket,
            seats,
            redis,
        )
        for name, house in (("near", near), ("far", far)):
            heard = here.revoked.setdefault(name, [])
            house.subscribe_revocations(partial(_note, heard))
        yield here


def _note(heard: list[tuple[str, str, str]], *news: str) -> None:
    room, seat, reason = news
    heard.append((room, seat, reason))


async def _holds_without(two: Two, figures: Figures, what: str) -> None:
    """Redis is not there: the owner's node goes on, a right that ends does so everywhere in time."""
    assert await two.write(two.near, two.guest, f"{SAID} {what}") is not None
    await until(_both(two, f"{SAID} {what}"))
    assert await two.refused(two.far, two.guest) == "no_owner"
    begun = time.perf_counter()
    await two.seats.revoke(TURKU, two.ticket)
    for heard in two.revoked.values():
        await until(partial(_named, heard, two.removed))
    figures.at_most(
        f"a right ends on both nodes, Redis {what}", time.perf_counter() - begun, 1, "s"
    )
    assert (
        await two.refused(two.near, two.removed) != "no_owner"
    )  # refused by the owner, by the row
    assert await two.refused(two.far, two.removed) == "no_owner"


def _named(heard: list[tuple[str, str, str]], seat: str) -> bool:
    return any(named == seat for _, named, _ in heard)


def _both(two: Two, text: str) -> Callable[[], Awaitable[bool]]:
    async def heard() -> bool:
        return all([text in await two.lines(house) for house in (two.near, two.far)])

    return heard


async def _holds_again(two: Two) -> None:
    """Redis is there again, empty: all is as before, the removed one is still removed."""
    await until(lambda: all(carrier.up for carrier in two.carriers))
    await until(_writes(two), within_s=5)
    await until(_both(two, "takaisin"))
    code = await two.refused(two.near, two.removed)
    assert await two.refused(two.far, two.removed) == code != "no_owner"
    assert "ei kuulu" not in await two.lines(two.near)
    assert two.near.fence(ROOM) == 1
    async with Redis.from_url(two.redis.url, decode_responses=True) as client:
        assert not any(SAID in content for content, _ in (await stored(client)).values())


def _writes(two: Two) -> Callable[[], Awaitable[bool]]:
    async def wrote() -> bool:
        try:
            return await two.write(two.far, two.guest, "takaisin") is not None
        except LampioError:
            return False

    return wrote


async def test_a_guest_at_another_node_reaches_the_room(two: Two, figures: Figures) -> None:
    assert await two.write(two.far, two.guest, "Huhuu") is not None
    begun = time.perf_counter()
    assert await two.write(two.far, two.guest, "Hei") is not None
    figures.at_most("a line to the owner at another node", time.perf_counter() - begun, 0.25, "s")
    await until(_both(two, "Hei"))
    refused = await two.refused(two.far, "nobody")
    assert refused == await two.refused(two.near, "nobody")


@pytest.mark.one_database  # what Redis does is the same over both
@pytest.mark.parametrize("device", [{}, {"device": None}, {"device": ""}, {"device": "guessed"}])
async def test_who_can_speak_in_redis_acts_for_no_seat(
    two: Two, device: dict[str, str | None]
) -> None:
    raw = {
        "seat": two.guest,
        "command": {"type": "line.write", "id": 1, "key": "k" * 12, "text": "x"},
    }
    _, far = two.carriers
    said = await far.commands.call(ROOM, json.dumps(raw | device), key=None, timeout_s=2)
    refusal = Reply.model_validate_json(said).refusal
    assert refusal is not None
    assert refusal.code == ("no_seat" if device.get("device") else "bad_command")
    assert await two.lines(two.near) == []


@pytest.mark.one_database  # what Redis does is the same over both
async def test_a_device_that_the_seat_left_writes_no_more_from_a_node_that_did_not_hear_of_it(
    two: Two,
) -> None:
    assert await two.write(two.far, two.guest, "Hei") is not None
    elsewhere, _ = await two.seats.new_device()
    await two.seats.enter(two.guest, elsewhere, move=True)
    assert await two.refused(two.far, two.guest) == "no_seat"
    two.device = elsewhere
    assert await two.write(two.far, two.guest, "Muualta") is not None


async def test_redis_killed_and_restarted(two: Two, figures: Figures) -> None:
    two.redis.kill()
    await until(lambda: not any(carrier.up for carrier in two.carriers))
    await _holds_without(two, figures, "killed")
    await two.redis.start()
    await _holds_again(two)


@pytest.mark.one_database  # what Redis does is the same over both
async def test_redis_paused(two: Two, figures: Figures) -> None:
    async with two.redis.paused():
        await until(lambda: not any(carrier.up for carrier in two.carriers))
        await _holds_without(two, figures, "paused")
    await _holds_again(two)


@pytest.mark.soak
@pytest.mark.one_database  # what Redis does is the same over both
async def test_redis_paused_for_10_s(two: Two, figures: Figures) -> None:
    async with two.redis.paused():
        await until(lambda: not any(carrier.up for carrier in two.carriers))
        await _holds_without(two, figures, "paused for 10 s")
        await asyncio.sleep(10)
    await _holds_again(two)


@pytest.mark.one_database  # what Redis does is the same over both
async def test_redis_emptied(two: Two) -> None:
    await two.seats.revoke(TURKU, two.ticket)
    async with Redis.from_url(two.redis.url) as client:
        for _ in range(3):
            await client.flushall()
            assert await two.write(two.far, two.guest, SAID) is not None
    await _holds_again(two)
