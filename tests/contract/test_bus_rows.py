"""Leases, presence and limits between processes: each form keeps these rules."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from infra.clock import ManualClock
from infra.limits import LocalLimits
from infra.limits_redis import RedisLimits
from infra.redis_fences import written
from tests.contract.conftest import Rows, Seams, close, redis_side

# --- leases ----------------------------------------------------------------------------------


async def test_one_node_owns_a_room(seams: Seams) -> None:
    first = await seams.near.leases.acquire("r", "n1")
    assert first is not None
    assert await seams.far.leases.acquire("r", "n2") is None
    assert await seams.near.leases.acquire("r", "n1") == first
    assert await seams.near.leases.owner("r") == "n1"
    assert await seams.far.leases.owner("r") == "n1"


async def test_of_many_who_ask_at_once_one_gets_it(seams: Seams) -> None:
    sides = (seams.near, seams.far)
    answers = await asyncio.gather(
        *(sides[number % 2].leases.acquire("r", f"n{number}") for number in range(6))
    )
    assert sum(answer is not None for answer in answers) == 1


async def test_a_fence_only_grows_and_an_old_lease_frees_nothing(seams: Seams) -> None:
    first = await seams.near.leases.acquire("r", "n1")
    assert first is not None
    for _ in range(2):
        await seams.near.leases.release(first)
        seams.rows.release("r")
    second = await seams.far.leases.acquire("r", "n2")
    assert second is not None
    assert second.fence > first.fence
    await seams.near.leases.release(first)
    assert await seams.near.leases.owner("r") == "n2"


async def test_a_room_held_by_another_process_is_not_given(seams: Seams) -> None:
    assert await seams.near.leases.acquire("elsewhere", "n1") is None
    assert await seams.near.leases.owner("elsewhere") is None


@pytest.mark.parametrize("seams", ["redis"], indirect=True)
async def test_what_redis_has_forgotten_the_database_still_decides(
    seams: Seams, redis_server: str
) -> None:
    assert await seams.near.leases.acquire("r", "n1") is not None
    async with Redis.from_url(redis_server) as redis:
        await redis.flushall()
    assert await seams.far.leases.acquire("r", "n2") is None


@pytest.mark.parametrize("seams", ["redis"], indirect=True)
async def test_a_lower_fence_never_replaces_a_higher_one(seams: Seams, redis_server: str) -> None:
    async with Redis.from_url(redis_server, decode_responses=True) as redis:
        assert seams.near.link is not None
        higher = written(seams.near.link, "{room:r}:lease", 99, "n1")
        await redis.set("lampio:0:{room:r}:lease", higher, px=8_000)
        await seams.near.leases.acquire("r", "n1")  # the database's answer is old: fence 1
        assert await redis.get("lampio:0:{room:r}:lease") == higher


# --- presence --------------------------------------------------------------------------------


async def test_a_seat_is_present_as_long_as_it_beats(seams: Seams, clock: ManualClock) -> None:
    await seams.near.presence.beat("r", "s1", "n1", 10)
    clock.advance(5_000)
    await seams.far.presence.beat("r", "s2", "n2", 10)
    clock.advance(5_000)
    for side in (seams.near, seams.far):
        assert await side.presence.present("r") == {"s2"}
    clock.advance(5_000)
    for side in (seams.near, seams.far):
        assert await side.presence.present("r") == frozenset()
    assert await seams.far.presence.present("other") == frozenset()


async def test_leaving_one_node_is_not_leaving_the_room(seams: Seams) -> None:
    await seams.near.presence.beat("r", "s", "n1", 10)
    await seams.far.presence.beat("r", "s", "n2", 10)
    await seams.near.presence.leave("r", "s", "n1")
    await seams.near.presence.leave("r", "s", "n1")
    assert await seams.near.presence.present("r") == {"s"}
    await seams.far.presence.leave("r", "s", "n2")
    for side in (seams.far, seams.near):
        assert await side.presence.present("r") == frozenset()


async def test_many_seats_beat_in_one_step(seams: Seams) -> None:
    seats = [f"s{number}" for number in range(50)]
    await seams.near.presence.beat_all("r", iter(seats), "n1", 10)
    await seams.near.presence.beat_all("r", [], "n1", 10)
    assert await seams.far.presence.present("r") == frozenset(seats)


# --- limits ----------------------------------------------------------------------------------


async def test_so_many_may_come_over_all_processes(seams: Seams, clock: ManualClock) -> None:
    sides = (seams.near, seams.far)

    async def hit(number: int, who: str = "a") -> bool:
        return await sides[number % 2].limits.hit("wrong", who, amount=4, per_s=10)

    assert [await hit(number) for number in range(6)] == [True] * 4 + [False] * 2
    assert await hit(0, "b")
    clock.advance(9_999)
    assert not await hit(0)
    clock.advance(1)
    assert await hit(1)


async def test_who_come_at_once_do_not_slip_through(seams: Seams) -> None:
    sides = (seams.near, seams.far)
    let = await asyncio.gather(
        *(sides[n % 2].limits.hit("wrong", "a", amount=7, per_s=10) for n in range(40))
    )
    assert sum(let) == 7


@given(
    st.integers(1, 4),
    st.lists(st.tuples(st.integers(0, 2_500), st.booleans()), min_size=1, max_size=30),
)
@settings(max_examples=40)
async def test_both_forms_let_through_the_same(
    redis_server: str, amount: int, steps: list[tuple[int, bool]]
) -> None:
    clock = ManualClock()
    one = LocalLimits(clock)
    async with Redis.from_url(redis_server) as redis:
        await redis.flushall()
    sides = [await redis_side(redis_server, clock, Rows()) for _ in range(2)]
    try:
        for step_ms, far in steps:
            clock.advance(step_ms)
            expected = await one.hit("x", "y", amount=amount, per_s=2)
            assert await sides[far].limits.hit("x", "y", amount=amount, per_s=2) == expected
    finally:
        for side in sides:
            await close(side)


async def test_by_redis_own_clock_the_window_passes_and_a_clock_set_back_opens_nothing(
    redis_server: str, clock: ManualClock
) -> None:
    side = await redis_side(redis_server, clock, Rows())
    assert side.link is not None
    try:
        # Each asker below is a process of its own that has counted nothing yet.
        def limits(moment_ms: float | None = None) -> RedisLimits:
            assert side.link is not None
            given_ms = None if moment_ms is None else (lambda: moment_ms)
            return RedisLimits(side.link, LocalLimits(clock), given_ms)

        async def hit(moment_ms: float | None, who: str) -> bool:
            return await limits(moment_ms).hit("x", who, amount=2, per_s=10)

        assert [await hit(None, "own clock") for _ in range(3)] == [True, True, False]
        hour = 3_600_000.0
        assert [await hit(2 * hour, "a"), await hit(2 * hour + 9_000, "a")] == [True, True]
        assert not await hit(hour, "a")
        assert not await hit(hour + 999, "a")
        assert await hit(hour + 1_000, "a")
        assert not await hit(hour + 9_000, "a")
    finally:
        await close(side)
