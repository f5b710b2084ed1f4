"""A seal stands over place and text; a hint is heard once, in order, and soon or not at all."""

from __future__ import annotations

import pytest

from infra.clock import ManualClock
from infra.seal import FRESH_MS, Hints, Once, Seal

OLD, NEW, OTHER = (bytes([letter]) * 32 for letter in b"abc")


def test_the_first_key_seals_and_all_verify() -> None:
    before, during, after = Seal([OLD]), Seal([NEW, OLD]), Seal([NEW])
    assert during.holds(before.of("p", "t"), "p", "t")
    assert after.holds(during.of("p", "t"), "p", "t")
    assert not before.holds(during.of("p", "t"), "p", "t")
    assert not Seal([OTHER]).holds(during.of("p", "t"), "p", "t")


@pytest.mark.parametrize(
    ("place", "text"), [("p", "u"), ("q", "t"), ("pt", ""), ("", "pt"), ("p ", "t")]
)
def test_nothing_is_moved_or_changed(place: str, text: str) -> None:
    seal = Seal([OLD])
    assert not seal.holds(seal.of("p", "t"), place, text)


@pytest.mark.parametrize("given", ["", "x", "ä", "\ud800", "0" * 64])
def test_what_is_no_seal_does_not_hold(given: str) -> None:
    assert not Seal([OLD]).holds(given, "p", "t")


@pytest.mark.parametrize("keys", [[], [b""], [OLD, b""]])
def test_without_a_key_nothing_is_sealed(keys: list[bytes]) -> None:
    with pytest.raises(ValueError, match="without a key"):
        Seal(keys)


def _hints(clock: ManualClock, sender: str) -> Hints:
    return Hints(Seal([OLD]), sender, clock.monotonic_ms, clock.monotonic_ms)


def test_a_hint_is_heard_once_and_in_order(clock: ManualClock) -> None:
    near, far = _hints(clock, "n"), _hints(clock, "f")
    one, two, three = (near.close("p", f"{number} ä \n") for number in (1, 2, 3))
    assert far.open("p", one) == "1 ä \n"
    assert far.open("p", three) == "3 ä \n"
    assert [far.open("p", said) for said in (one, two, three)] == [None] * 3
    assert far.open("p", _hints(clock, "other").close("p", "")) == ""


def test_an_old_hint_counts_for_nothing_though_its_sender_is_forgotten(clock: ManualClock) -> None:
    near, far, late = _hints(clock, "n"), _hints(clock, "f"), _hints(clock, "l")
    said = near.close("p", "t")
    clock.advance(FRESH_MS)
    assert far.open("p", said) == "t"
    clock.advance(1)
    assert late.open("p", said) is None
    clock.advance(10 * FRESH_MS)
    assert far.open("p", near.close("p", "u")) == "u"
    assert far.open("p", said) is None


def test_what_was_there_is_known_until_its_time(clock: ManualClock) -> None:
    once = Once(clock.monotonic_ms)
    assert not once.again("a", 100)
    clock.advance(100)
    assert once.again("a", 100)
    clock.advance(1)
    assert not once.again("a", 100)
