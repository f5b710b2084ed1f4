"""Time is a part that is handed in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from infra.clock import ManualClock, SystemClock, from_ms, to_ms


def test_the_manual_clock_stands_until_it_is_turned_and_turns_both_times() -> None:
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    before = clock.monotonic_ms()
    assert clock.monotonic_ms() == before
    clock.advance(1500)
    assert clock.monotonic_ms() - before == 1500
    assert clock.now() == datetime(2026, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)


def test_time_does_not_go_back() -> None:
    with pytest.raises(ValueError, match="back"):
        ManualClock().advance(-1)


def test_a_start_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        ManualClock(datetime(2026, 1, 1))  # noqa: DTZ001  # that is what is refused


def test_the_system_clock_grows_and_tells_utc() -> None:
    clock = SystemClock()
    assert clock.monotonic_ms() <= clock.monotonic_ms()
    assert clock.now().utcoffset() == timedelta(0)


def test_milliseconds_on_the_wire_are_utc() -> None:
    moment = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)
    assert to_ms(moment) == 1_795_546_800_000
    assert from_ms(to_ms(moment)) == moment


def test_a_step_of_the_wall_clock_leaves_the_monotonic_one_alone() -> None:
    clock = ManualClock()
    before, monotonic = clock.now(), clock.monotonic_ms()
    clock.step(-3_600_000)
    assert (before - clock.now()).total_seconds() == 3600
    assert clock.monotonic_ms() == monotonic
