"""So much at once, so much a second."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streaming.budget import Budget


def test_what_is_spent_comes_back_with_time_up_to_the_burst() -> None:
    budget = Budget(10, 3)
    assert [budget.take(1, 0.0) for _ in range(4)] == [True, True, True, False]
    assert budget.take(1, 100.0) and not budget.take(1, 100.0)
    assert [budget.take(1, 1e9) for _ in range(4)] == [True, True, True, False]
    assert not budget.take(1, 0.0), "a clock that goes back gives nothing"


@given(st.lists(st.tuples(st.floats(0, 50), st.floats(0, 500)), max_size=60))
def test_never_more_than_the_burst_and_the_rate(steps: list[tuple[float, float]]) -> None:
    budget, now_ms, spent = Budget(20, 30), 0.0, 0.0
    for amount, passed in steps:
        now_ms += passed
        if budget.take(amount, now_ms):
            spent += amount
    assert spent <= 30 + 20 * now_ms / 1000 + 1e-6
