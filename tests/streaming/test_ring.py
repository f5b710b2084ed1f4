"""The ring holds the last packets and never two contents under one number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.ring import Ring


@given(st.lists(st.integers(0, 300), max_size=200), st.integers(1, 40))
def test_ring_is_the_first_content_of_each_of_the_last_numbers(
    numbers: list[int], size: int
) -> None:
    ring: Ring[int] = Ring(size)
    model: dict[int, int] = {}
    highest = -1
    for place, number in enumerate(numbers):
        fits = number > highest - size and number not in model
        assert ring.add(number, place) is fits
        if fits:
            model[number] = place
            highest = max(highest, number)
            model = {n: p for n, p in model.items() if n > highest - size}
    for number in range(320):
        assert ring.get(number) == model.get(number)
    assert list(ring.since(0)) == sorted(model.items())
    assert list(ring.since(150)) == sorted((n, p) for n, p in model.items() if n >= 150)


def test_a_cleared_ring_is_empty() -> None:
    ring: Ring[str] = Ring(4)
    ring.add(70_000, "a")
    ring.clear()
    assert ring.get(70_000) is None
    assert list(ring.since(0)) == []
    assert ring.add(3, "b")


def test_a_ring_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Ring(0)
