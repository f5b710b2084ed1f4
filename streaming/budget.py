"""So much at once and so much a second: what one peer may cost the house. Pure; time is an argument."""

from __future__ import annotations


class Budget:
    """A token bucket: `burst` at once, `per_s` in the long run, in any unit."""

    __slots__ = ("_at_ms", "_burst", "_left", "_per_ms")

    def __init__(self, per_s: float, burst: float) -> None:
        self._per_ms = per_s / 1000
        self._burst = self._left = burst
        self._at_ms: float | None = None

    def take(self, amount: float, now_ms: float) -> bool:
        """Whether so much is left; then it is spent."""
        if amount > self.left(now_ms):
            return False
        self._left -= amount
        return True

    def left(self, now_ms: float) -> float:
        """How much is left."""
        if self._at_ms is not None and now_ms > self._at_ms:
            self._left = min(self._burst, self._left + (now_ms - self._at_ms) * self._per_ms)
        self._at_ms = now_ms if self._at_ms is None else max(self._at_ms, now_ms)
        return self._left
