"""What is asked of a publisher, and when."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming import rtcp
from streaming.feedback import Ceiling, KeyframeClock, Losses, Reception, TransportWide


def test_a_loss_is_asked_for_at_once_again_after_a_round_trip_and_given_up() -> None:
    losses = Losses()
    for number in (65534, 65535, 65538):
        losses.arrived(number, 0)
    assert losses.due(0, 40) == [65536, 65537]
    assert losses.due(30, 40) == []
    losses.arrived(65536, 50)
    assert losses.due(60, 40) == [65537]
    assert losses.recovered == 1
    assert losses.due(1100, 40) == []
    assert (len(losses), losses.given_up) == (0, 1)


def test_a_loss_is_asked_for_only_so_often() -> None:
    losses = Losses()
    losses.arrived(1, 0)
    losses.arrived(3, 0)
    asked = sum(bool(losses.due(now, 0)) for now in range(0, 1000, 15))
    assert asked == 8


def test_a_break_is_not_asked_for_packet_by_packet() -> None:
    losses = Losses()
    losses.arrived(1, 0)
    losses.arrived(1000, 0)
    assert losses.due(0) == []
    assert losses.mended()
    assert not losses.mended()


@given(st.permutations(range(30)))
def test_what_came_is_never_asked_for(order: list[int]) -> None:
    losses = Losses()
    losses.arrived(0, 0)
    come = {0}
    for number in order:
        losses.arrived(number, 0)
        come.add(number)
        assert not come & set(losses.due(0))
    assert losses.due(500) == []


def test_keyframes_by_the_clock_and_at_most_one_a_second_beyond_it() -> None:
    clock = KeyframeClock(4000)
    assert clock.ask(0)
    clock.want()
    assert not clock.ask(500)
    clock.want()
    assert clock.ask(1000)  # both wants are one request
    clock.came()
    assert not clock.ask(4900)
    assert clock.ask(5000)


def test_a_keyframe_that_comes_answers_whoever_asked() -> None:
    clock = KeyframeClock(4000)
    clock.ask(0)
    clock.want()
    clock.came()
    assert not clock.ask(1500)


def test_a_lost_request_is_repeated_and_a_change_of_phase_passes_the_limit() -> None:
    clock = KeyframeClock(4000)
    clock.want()
    assert clock.ask(0)
    assert clock.ask(1000)  # still nothing came
    clock.want(urgent=True)
    assert clock.ask(1010)


def test_transport_reports_leave_nothing_out_and_say_nothing_twice() -> None:
    wide = TransportWide()
    for number, now in ((65530, 0.0), (65531, 1.0), (65533, 2.0)):
        wide.arrived(number, now)
    assert wide.report(2.0) == (65530, [0, 4, None, 8])
    assert wide.report(500.0) is None
    wide.arrived(65532, 510.0)  # was told as lost
    wide.arrived(65536, 511.0)
    assert wide.report(520.0) == (65536, [2044])


@given(st.lists(st.integers(0, 3), min_size=1, max_size=300), st.integers(1, 40))
def test_transport_reports_can_be_written(gaps: list[int], every: int) -> None:
    wide = TransportWide()
    told: dict[int, int] = {}
    number, now = 65_000, 0.0
    arrived = {}
    for place, gap in enumerate(gaps):
        number += 1 + gap
        now += 3.7
        wide.arrived(number, now)
        arrived[number] = round(now * 4)
        if place % every == 0 or place == len(gaps) - 1:
            report = wide.report(now)
            if report is None:
                continue
            base, arrivals = report
            (read,) = rtcp.parse(rtcp.transport_cc(1, 2, base, arrivals, wide.count))
            assert isinstance(read, rtcp.TransportCc)
            for at, arrival in enumerate(arrivals, base):
                assert at not in told
                told[at] = -1 if arrival is None else arrival
                assert arrival == arrived.get(at)


def test_a_receiver_report_counts_losses_since_the_last() -> None:
    reception = Reception(90_000)
    assert reception.block(7, 0) is None
    for number in (10, 11, 13, 14):
        reception.arrived(number, number * 3000, number * 1000 / 30)
    reception.sender_report(0xABCD, 1000)
    block = reception.block(7, 1500)
    assert block is not None
    assert (block.lost, block.highest, block.fraction) == (1, 14, 51)
    assert (block.last_sr, block.since) == (0xABCD, 32768)
    assert reception.jitter_ms < 1
    again = reception.block(7, 1600)
    assert again is not None
    assert (again.lost, again.fraction) == (1, 0)


def test_the_ceiling_follows_losses() -> None:
    ceiling = Ceiling()
    assert ceiling.due(0.0, 0) == 2_500_000
    assert ceiling.due(0.0, 400) is None
    assert ceiling.due(0.5, 500) == 1_875_000
    assert ceiling.due(0.0, 1000) == pytest.approx(1_968_750)
