"""Applause is gathered: at most one message a second, and one pair of hands counts as one."""

from __future__ import annotations

from rooms.applause import CLAPS_MAX, EVERY_MS, Applause
from rooms.messages import ApplauseMessage


def test_silence_tells_nothing() -> None:
    assert Applause().gather(0) is None


def test_claps_of_all_seats_come_as_one_message() -> None:
    hall = Applause()
    hall.clap("aune", 3)
    hall.clap("veikko", 2)
    hall.clap("aune", 1)
    assert hall.gather(10) == ApplauseMessage(claps=6, seats=2)
    assert hall.gather(5000) is None


def test_there_is_at_most_one_message_a_second() -> None:
    hall, told = Applause(), []
    for now in range(0, 10_000, 100):
        hall.clap("aune", 1)
        if hall.gather(now) is not None:
            told.append(now)
    assert told == list(range(0, 10_000, EVERY_MS))


def test_what_came_too_early_is_told_later_and_not_lost() -> None:
    hall = Applause()
    hall.clap("aune", 1)
    assert hall.gather(0) is not None
    hall.clap("aune", 2)
    assert hall.gather(999) is None
    assert hall.gather(1000) == ApplauseMessage(claps=2, seats=1)


def test_a_flood_counts_as_one_pair_of_hands() -> None:
    hall = Applause()
    for _ in range(1000):
        hall.clap("aune", 20)
    hall.clap("veikko", -5)
    assert hall.gather(0) == ApplauseMessage(claps=CLAPS_MAX, seats=2)
