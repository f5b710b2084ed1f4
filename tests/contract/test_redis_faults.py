"""Redis killed, paused, emptied: nothing opens, nobody waits, gaps are told, and all heals by itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis.asyncio import Redis

from infra.carrier import Carrier, carrying
from infra.clock import SystemClock
from infra.errors import Unavailable
from infra.ports import Gap, Message
from infra.redis_link import RedisLink
from tests.conftest import Figures, free_port
from tests.contract.conftest import KEYS, Rows, until
from tests.contract.redis_process import RedisProcess, took

TTL_S = 45


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[RedisProcess]:
    server = RedisProcess(free_port(), tmp_path)
    await server.start()
    yield server
    server.kill()


@dataclass(frozen=True)
class House:
    """Two processes over one Redis, with a show under way: `near` owns the room."""

    near: Carrier
    far: Carrier
    heard: tuple[AsyncIterator[Message | Gap], ...]

    async def ask(self, side: Carrier, command: str = "c") -> str:
        return await side.commands.call("r", command, key=None, timeout_s=10)

    async def code(self, side: Carrier) -> str:
        with pytest.raises(Unavailable) as refused:
            await self.ask(side)
        return refused.value.code

    async def wrong_secret(self, side: Carrier) -> bool:
        return await side.limits.hit("wrong secret", "192.0.2.7", amount=3, per_s=600)

    def up(self) -> bool:
        return bool(self.near.up and self.far.up)

    def down(self) -> bool:
        return not self.near.up and not self.far.up

    async def gaps(self) -> None:
        """Each subscriber hears a gap (and what was said before it), and hears on afterwards."""
        for heard in self.heard:
            while await asyncio.wait_for(anext(heard), 5) != Gap():
                pass
        for index, heard in enumerate(self.heard):
            await (self.far, self.near)[index % 2].bus.publish(f"t{index}", "on")
            while await asyncio.wait_for(anext(heard), 5) != Message(f"t{index}", "on"):
                pass

    async def whole(self) -> bool:
        """Whether each process knows who is there."""
        return all([await s.presence.present("r") == {"a", "b"} for s in (self.near, self.far)])


@pytest.fixture
async def house(redis: RedisProcess) -> AsyncIterator[House]:
    rows, clock = Rows(), SystemClock()
    async with (
        carrying(redis.url, clock, rows.claim, KEYS) as near,
        carrying(redis.url, clock, rows.claim, KEYS) as far,
    ):
        heard = tuple((near, far)[index % 2].bus.subscribe(f"t{index}") for index in range(4))

        async def answer(command: str, _key: str | None) -> str:
            return f"near {command}"

        near.commands.serve("r", 1, answer)
        assert await near.leases.acquire("r", "n1") is not None
        await near.presence.beat("r", "a", "n1", TTL_S)
        await far.presence.beat("r", "b", "n2", TTL_S)
        standing = House(near, far, heard)
        assert await standing.whole()
        assert await standing.ask(far) == "near c"
        assert [await standing.wrong_secret(near) for _ in range(4)] == [True] * 3 + [False]
        for one in heard:
            assert await asyncio.wait_for(anext(one), 5) == Gap()
        yield standing


async def _goes_on(house: House, figures: Figures) -> None:
    """With Redis away: the room's own process misses nothing, nobody waits, nothing opens."""
    assert await house.ask(house.near, "own") == "near own"
    assert await house.code(house.far) == "no_owner"
    assert await house.whole()  # as far as each knew
    assert not await house.wrong_secret(house.near)
    # What this process has not counted itself, it counts for itself: never more than its own three.
    assert sum([await house.wrong_secret(house.far) for _ in range(5)]) <= 3
    assert await house.far.leases.acquire("r", "n2") is None  # the database decides
    heard = house.near.bus.subscribe("own")
    await house.near.bus.publish("own", "x")
    assert await anext(heard) == Message("own", "x")

    async def everything() -> None:
        for side in (house.near, house.far):
            await side.bus.publish("t0", "lost")
            await side.presence.beat("r", "a" if side is house.near else "b", "n", TTL_S)
            await side.presence.present("r")
            await side.limits.hit("other", "x", amount=1, per_s=1)

    figures.at_most("Redis away: eight calls", await took(everything) * 1000, 20, "ms")


async def _heals(
    house: House, redis: RedisProcess, figures: Figures, what: str, since_s: float
) -> None:
    """All is as before within the figure, counted from the `perf_counter` at which Redis was there."""
    await until(house.up, 20)
    async with Redis.from_url(redis.url, decode_responses=True) as client:

        async def written() -> bool:
            found = await client.zrange("lampio:0:{room:r}:presence", 0, -1)
            return {str(member).partition(" ")[0] for member in found} == {"a", "b"}

        await until(written, 20)
    figures.at_most(
        f"presence is whole after Redis was {what}", time.perf_counter() - since_s, 10, "s"
    )
    await house.gaps()
    assert await house.whole()
    assert await house.ask(house.far) == "near c"
    assert await house.far.leases.owner("r") == "n1"
    assert not await house.wrong_secret(house.near)
    assert sum([await house.wrong_secret(house.far) for _ in range(5)]) <= 3


def _told(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The log lines since the last look, in short; a traceback would be among them."""
    lines = capsys.readouterr().err.splitlines()
    return [line.partition("] ")[2].partition("  ")[0] if "] " in line else line for line in lines]


async def test_redis_killed_and_restarted(
    house: House, redis: RedisProcess, figures: Figures, capsys: pytest.CaptureFixture[str]
) -> None:
    redis.kill()
    await until(house.down, 5)
    await _goes_on(house, figures)
    await redis.start()
    await _heals(house, redis, figures, "killed", time.perf_counter())
    assert sorted(_told(capsys)) == ["redis is away"] * 2 + ["redis is back"] * 2
    assert (house.near.reconnections, house.far.reconnections) == (1, 1)


async def _pause(
    house: House,
    redis: RedisProcess,
    figures: Figures,
    capsys: pytest.CaptureFixture[str],
    s: float,
) -> None:
    async with redis.paused():
        begun = time.monotonic()
        # Nobody knows yet: the first who ask wait for a second at most, and all others with them.
        asks = [house.wrong_secret(house.far) for _ in range(20)]
        first = await took(lambda: asyncio.gather(*asks, house.far.presence.present("r")))
        figures.at_most("Redis paused: the first calls wait", first, 1.2, "s")
        assert await took(lambda: house.near.bus.publish("t0", "x")) < 0.1
        await until(house.down, 5)
        await _goes_on(house, figures)
        await asyncio.sleep(max(0.0, s - (time.monotonic() - begun)))
        assert house.down()
    await _heals(house, redis, figures, f"paused for {s:g} s", time.perf_counter())
    told = _told(capsys)
    assert sorted({*told}) in (
        ["redis is away", "redis is back"],
        ["redis has forgotten its keys", "redis is away", "redis is back"],
    )
    assert told.count("redis is away") == told.count("redis is back") == 2


async def test_redis_paused(
    house: House, redis: RedisProcess, figures: Figures, capsys: pytest.CaptureFixture[str]
) -> None:
    await _pause(house, redis, figures, capsys, 3)


@pytest.mark.soak
@pytest.mark.parametrize("s", [10.0, 30.0])
async def test_redis_paused_for_long(
    house: House,
    redis: RedisProcess,
    figures: Figures,
    capsys: pytest.CaptureFixture[str],
    s: float,
) -> None:
    await _pause(house, redis, figures, capsys, s)


async def test_redis_emptied(house: House, redis: RedisProcess, figures: Figures) -> None:
    async with Redis.from_url(redis.url) as client:
        await client.flushall()
    since_s = time.perf_counter()
    assert not await house.wrong_secret(house.near)
    assert await house.ask(house.far) == "near c"
    await _heals(house, redis, figures, "emptied", since_s)
    assert house.near.reconnections == house.far.reconnections == 0


async def test_a_line_that_breaks_is_a_gap_for_the_others_too(
    house: House, redis: RedisProcess
) -> None:
    """What one process could not send, the others are told they missed; their own lines stand."""
    async with Redis.from_url(redis.url, decode_responses=True) as client:
        own = {int(found["id"]) for found in await client.client_list(_type="pubsub")}
        extra = RedisLink(redis.url, SystemClock(), KEYS)
        await extra.start()
        news = {int(found["id"]) for found in await client.client_list(_type="pubsub")} - own
        for each in news:
            await client.client_kill_filter(_id=str(each))
        await until(lambda: not extra.up, 5)
        extra.publish("bus:t1", "lost")
        await until(lambda: extra.reconnections == 1, 10)
    for heard in house.heard:
        assert await asyncio.wait_for(anext(heard), 5) == Gap()
    assert house.near.reconnections == house.far.reconnections == 0
    await extra.close()


async def test_who_waits_for_an_answer_is_not_left_waiting(
    house: House, redis: RedisProcess
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_command: str, _key: str | None) -> str:
        begun.set()
        await go_on.wait()
        return "done"

    house.near.commands.serve("slow", 1, slow)
    asked = asyncio.ensure_future(house.far.commands.call("slow", "c", key="k", timeout_s=60))
    await asyncio.wait_for(begun.wait(), 5)
    redis.kill()
    with pytest.raises(Unavailable) as refused:
        await asyncio.wait_for(asked, 5)
    assert refused.value.code == "outcome_unknown"
    go_on.set()
    await until(lambda: house.near.waiting == 0, 5)


async def test_a_redis_that_takes_nothing_more_counts_as_away(
    house: House, redis: RedisProcess, figures: Figures
) -> None:
    async with Redis.from_url(redis.url) as client:
        await client.config_set("maxmemory", 1)
        await until(house.down, 5)
        await _goes_on(house, figures)
        await client.config_set("maxmemory", 0)
    await _heals(house, redis, figures, "full", time.perf_counter())


async def test_a_house_starts_without_redis_and_finds_it_later(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    redis = RedisProcess(free_port(), tmp_path)
    try:
        async with carrying(redis.url, SystemClock(), Rows().claim, KEYS) as carrier:
            assert not carrier.up
            heard = carrier.bus.subscribe("t")
            await carrier.bus.publish("t", "own")
            assert await anext(heard) == Message("t", "own")
            await redis.start()
            await until(lambda: bool(carrier.up), 10)
            assert await asyncio.wait_for(anext(heard), 5) == Gap()
            assert carrier.reconnections == 0
    finally:
        redis.kill()
    assert _told(capsys) == ["redis is away", "redis is back"]


async def test_the_password_stands_in_no_line_and_a_wrong_one_stops_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    redis = RedisProcess(free_port(), tmp_path, "--requirepass", "right-hush")
    await redis.start()
    try:
        for user in ("", "lampio"):
            url = redis.url.replace("//", f"//{user}:wrong-hush@")
            async with carrying(url, SystemClock(), Rows().claim, KEYS) as carrier:
                assert not carrier.up
        url = redis.url.replace("//", "//:right-hush@")
        async with carrying(url, SystemClock(), Rows().claim, KEYS) as carrier:
            assert carrier.up
            assert "hush" not in repr(carrier)
    finally:
        redis.kill()
    said = capsys.readouterr().err
    assert "AuthenticationError" in said
    assert "hush" not in said


async def test_more_hints_than_the_line_carries_are_dropped_and_told(
    redis: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.redis_link.OUTGOING", 8)
    near, far = (RedisLink(redis.url, SystemClock(), KEYS) for _ in range(2))
    heard: list[str] = []
    end = far.listen("many", heard.append, lambda: heard.append("gap"))
    try:
        await near.start()
        await far.start()
        for number in range(20):
            near.publish("many", str(number))
        await until(lambda: len(heard) == 10, 5)
        assert heard == ["gap", *map(str, range(8)), "gap"]
        end()
    finally:
        await near.close()
        await far.close()


async def test_killed_again_and_again_it_is_found_as_soon_each_time(
    house: House, redis: RedisProcess, figures: Figures
) -> None:
    longest = 0.0
    for _ in range(6):
        redis.kill()
        await until(house.down, 5)
        await redis.start()
        begun = time.perf_counter()
        await until(house.up, 10)
        longest = max(longest, time.perf_counter() - begun)
    figures.at_most("Redis is found again, at the sixth time too", longest, 0.5, "s")


async def test_one_who_listens_badly_breaks_the_line_of_nobody(redis: RedisProcess) -> None:
    link = RedisLink(redis.url, SystemClock(), KEYS)
    heard: list[str] = []

    def fail(_text: str) -> None:
        raise AttributeError

    link.listen("bad", fail, lambda: None)
    link.listen("good", heard.append, lambda: None)
    try:
        await link.start()
        link.publish("bad", "x")
        link.publish("good", "y")
        await until(lambda: heard == ["y"], 5)
        assert link.reconnections == 0
    finally:
        await link.close()
