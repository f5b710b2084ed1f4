"""How often something may come, by a window that slides."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from infra import limits as module
from infra.clock import ManualClock
from infra.limits import LocalLimits


async def test_so_many_may_come_and_no_more_until_the_window_has_passed(clock: ManualClock) -> None:
    limits = LocalLimits(clock)
    assert [await limits.hit("line", "a", amount=2, per_s=10) for _ in range(3)] == [
        True,
        True,
        False,
    ]
    assert await limits.hit("line", "b", amount=2, per_s=10)
    assert await limits.hit("other", "a", amount=2, per_s=10)
    clock.advance(9_999)
    assert not await limits.hit("line", "a", amount=2, per_s=10)
    clock.advance(1)
    assert await limits.hit("line", "a", amount=2, per_s=10)


async def test_a_refused_one_is_not_counted(clock: ManualClock) -> None:
    limits = LocalLimits(clock)
    assert await limits.hit("line", "a", amount=1, per_s=1)
    for _ in range(5):
        clock.advance(150)
        assert not await limits.hit("line", "a", amount=1, per_s=1)
    clock.advance(250)
    assert await limits.hit("line", "a", amount=1, per_s=1)


async def test_a_flood_of_askers_is_forgotten(clock: ManualClock) -> None:
    limits = LocalLimits(clock)
    for number in range(module._SWEEP_EVERY - 1):
        await limits.hit("wrong secret", str(number), amount=3, per_s=1)
    clock.advance(1_000)
    await limits.hit("wrong secret", "last", amount=3, per_s=1)
    assert len(limits._hits) == 1


@given(
    st.integers(1, 5),
    st.lists(st.floats(0, 3_000, allow_nan=False), max_size=40),
)
async def test_no_window_ever_holds_more(amount: int, steps: list[float]) -> None:
    clock = ManualClock()
    limits = LocalLimits(clock)
    let_through: list[float] = []
    for step in steps:
        clock.advance(step)
        now = clock.monotonic_ms()
        allowed = await limits.hit("x", "y", amount=amount, per_s=1)
        recent = sum(1 for moment in let_through if moment > now - 1_000)
        assert allowed == (recent < amount)
        if allowed:
            let_through.append(now)
