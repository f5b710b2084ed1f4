"""One clock for sound and picture, from reports that jitter, lie, or do not come."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recordings.timebase import PATIENCE_MS, Timebase
from streaming.ports import SenderReport

NTP = 2_000_000_000.0


def heard(
    base: Timebase, kind: str, rate: int, t: float, *, first: int = 0, ntp_s: float | None = None
) -> None:
    """A packet of second `t`, and a report unless it is None."""
    stamp = first + round(t * rate)
    base.arrived(kind, stamp, t * 1000 + 5)
    if ntp_s is not None:
        base.report(kind, SenderReport(ntp_s, stamp, t * 1000 + 6))


def session() -> Timebase:
    base = Timebase(1_700_000_000.0)
    base.add("video", 90_000)
    base.add("audio", 48_000)
    return base


def test_times_are_told_only_when_every_stream_has_reported() -> None:
    base = session()
    heard(base, "video", 90_000, 0.5, ntp_s=NTP + 0.5)
    assert not base.settled(500)
    heard(base, "audio", 48_000, 2.1, first=777, ntp_s=NTP + 2.1)
    assert base.settled(2_100)
    assert base.seconds("video", 90_000) == pytest.approx(NTP + 1)
    assert base.seconds("audio", 777 + 48_000) == pytest.approx(NTP + 1)


def test_after_four_seconds_without_reports_arrival_has_to_do() -> None:
    base = session()
    for step in range(200):
        heard(base, "video", 90_000, step / 50)
        heard(base, "audio", 48_000, step / 50, first=9_999)
    assert not base.settled(PATIENCE_MS)
    assert base.settled(PATIENCE_MS + 5)
    assert base.seconds("video", 0) == pytest.approx(base.seconds("audio", 9_999))


@given(st.randoms(use_true_random=False))
def test_the_median_keeps_one_wild_report_out(chance: random.Random) -> None:
    base = session()
    wild = chance.randrange(5)
    for second in range(5):
        error = 0.04 if second == wild else chance.uniform(-0.002, 0.002)
        heard(base, "audio", 48_000, second, ntp_s=NTP + second + error)
        heard(base, "video", 90_000, second, ntp_s=NTP + second)
    assert base.settled(5_000)
    assert abs(base.seconds("audio", 0) - base.seconds("video", 0)) < 0.0025


def test_a_clock_that_is_set_in_the_middle_moves_nothing() -> None:
    base = session()
    for second in range(20):
        jump = 31.5 if second > 8 else 0.0
        heard(base, "video", 90_000, second, ntp_s=NTP + second + jump)
        heard(base, "audio", 48_000, second, ntp_s=NTP + second + jump)
        if base.settled(second * 1000.0):
            assert base.seconds("video", second * 90_000) == pytest.approx(NTP + second)
            assert base.seconds("audio", second * 48_000) == pytest.approx(NTP + second)


def test_reports_that_cannot_be_true_are_not_believed() -> None:
    base = session()
    for second in range(6):
        heard(base, "video", 90_000, second, ntp_s=NTP + second)
        heard(base, "audio", 48_000, second, ntp_s=NTP + second + 3_600)
    assert base.settled(6_000)
    assert base.seconds("video", 0) == pytest.approx(base.seconds("audio", 0))


def test_reports_that_come_late_do_not_make_the_picture_jump() -> None:
    base = session()
    for second in range(6):
        heard(base, "video", 90_000, second)
        heard(base, "audio", 48_000, second)
    assert base.settled(6_000)
    before = base.seconds("video", 6 * 90_000)
    heard(base, "video", 90_000, 6, ntp_s=NTP + 6)
    heard(base, "audio", 48_000, 6, ntp_s=NTP + 6)
    assert base.seconds("video", 6 * 90_000) == pytest.approx(before)


def test_the_wall_clock_is_ours_by_the_fastest_report() -> None:
    base = session()
    for second, delay_ms in enumerate([80, 6, 40]):
        stamp = second * 90_000
        base.arrived("video", stamp, second * 1000.0 + delay_ms)
        base.report("video", SenderReport(NTP + second, stamp, second * 1000.0 + delay_ms))
        heard(base, "audio", 48_000, second, ntp_s=NTP + second)
    assert base.settled(3_000)
    wall = base.wall(base.seconds("video", 90_000))
    assert wall == pytest.approx(1_700_000_000.0 + 1.006, abs=0.001)
