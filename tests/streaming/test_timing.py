"""A publisher's clocks set against ours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.timing import LeastOf, SourceClock


@given(st.lists(st.tuples(st.integers(0, 900), st.floats(-100, 100)), min_size=1, max_size=60))
def test_least_of_knows_the_last_span(steps: list[tuple[int, float]]) -> None:
    least = LeastOf(1000)
    now = 0
    seen: list[tuple[int, float]] = []
    for step, value in steps:
        now += step
        least.add(value, now)
        seen.append((now, value))
        found = least.value()
        assert found is not None
        assert found <= min(v for t, v in seen if t > now - 1)
        assert found in [v for _, v in seen]


def test_sound_and_picture_of_one_moment_get_one_time() -> None:
    clock = SourceClock()
    sound, picture = clock.stream(48_000), clock.stream(90_000)
    # captured at her second 100 + t; sound is 20 ms on its way, picture 60
    for tick in range(200):
        t = tick / 50
        clock.arrived(sound, round(7_000 + t * 48_000), 1000 * (5 + t + 0.020))
        clock.arrived(picture, round(99 + t * 90_000), 1000 * (5 + t + 0.060))
        if tick == 10:
            assert not clock.settled
            sound.report(100 + t, round(7_000 + t * 48_000))
            picture.report(100 + t, round(99 + t * 90_000))
    assert clock.settled
    now_ms = 1000 * (5 + 2.0)
    ours = clock.timestamp_at(sound, now_ms), clock.timestamp_at(picture, now_ms)
    assert ours[0] is not None
    assert ours[1] is not None
    # both point at the same moment of hers: two seconds in, less the least delay of all
    assert (ours[0] - 7_000) / 48_000 == pytest.approx(1.98, abs=1e-3)
    assert (ours[1] - 99) / 90_000 == pytest.approx(1.98, abs=1e-3)


def test_arrival_stands_in_until_both_have_reported() -> None:
    clock = SourceClock()
    sound, picture = clock.stream(48_000), clock.stream(90_000)
    assert clock.timestamp_at(sound, 0) is None
    clock.arrived(sound, 48_000, 3_000)
    clock.arrived(picture, 0, 3_000)
    sound.report(50.0, 48_000)
    clock.arrived(sound, 48_960, 3_020)
    assert clock.timestamp_at(sound, 3_500) == pytest.approx(72_000)


def test_one_wild_report_of_five_moves_nothing() -> None:
    clock = SourceClock()
    sound = clock.stream(48_000)
    for second, error in enumerate((0, 0, -0.021, 0.003, 0)):
        sound.report(1000 + second + error, second * 48_000)
    assert sound.offset_s == pytest.approx(1000)


def test_a_frame_that_was_held_up_is_known_by_its_delay() -> None:
    clock = SourceClock()
    picture = clock.stream(90_000)
    for tick in range(30):
        clock.arrived(picture, tick * 3000, 1000 + tick * 1000 / 30)
    assert picture.delay_ms(30 * 3000, 2000) == pytest.approx(0, abs=1e-6)
    assert picture.delay_ms(30 * 3000, 2250) == pytest.approx(250)
