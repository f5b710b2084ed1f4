"""How often an address, a ticket, a kind of message may come: a sliding window, exact."""

from __future__ import annotations

from collections import deque

from infra.clock import Clock

_SWEEP_EVERY = 4096


class LocalLimits:
    """`infra.ports.Limits` for one process.

    At most `amount` moments are kept for each (what, who), and those whose window has passed are swept,
    so that a flood of different askers does not grow it without end.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._hits: dict[tuple[str, str], tuple[float, deque[float]]] = {}
        self._since_sweep = 0

    async def hit(self, what: str, who: str, *, amount: int, per_s: float) -> bool:
        """Count one; False (and nothing counted) if `amount` came within the last `per_s` seconds."""
        now = self._clock.monotonic_ms()
        self._since_sweep += 1
        if self._since_sweep >= _SWEEP_EVERY:
            self._sweep(now)
        moments = self._within(what, who, per_s, now)
        if len(moments) >= amount:
            return False
        moments.append(now)
        self._hits[(what, who)] = (now + per_s * 1000, moments)
        return True

    def full(self, what: str, who: str, *, amount: int, per_s: float) -> bool:
        """Whether a hit would be refused now; counts nothing."""
        return len(self._within(what, who, per_s, self._clock.monotonic_ms())) >= amount

    def _within(self, what: str, who: str, per_s: float, now: float) -> deque[float]:
        _, moments = self._hits.get((what, who), (0.0, deque[float]()))
        while moments and moments[0] <= now - per_s * 1000:
            moments.popleft()
        return moments

    def _sweep(self, now: float) -> None:
        self._since_sweep = 0
        for asker in [asker for asker, (until, _) in self._hits.items() if until <= now]:
            del self._hits[asker]
