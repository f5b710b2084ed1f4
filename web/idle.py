"""What nobody has needed for a while is let go, so that memory is bounded by what is used."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable

from infra.logs import get_logger

log = get_logger("idle")

LOOK_S = 15.0


class Idle:
    """Notes since when things are idle; what was idle for `after_s` without a break is due."""

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._since: dict[str, float] = {}

    def due(self, idle: Iterable[str], now_s: float) -> list[str]:
        """All that is idle now is given; returns what may be let go. Time is an argument."""
        self._since = {one: self._since.get(one, now_s) for one in idle}
        return [one for one, since in self._since.items() if now_s - since >= self._after_s]


async def let_go_regularly(
    idle: Callable[[], Collection[str]], let_go: Callable[[str], Awaitable[None]], after_s: float
) -> None:
    """Let rooms go that were idle for so long; runs until it is cancelled."""
    noted = Idle(after_s)
    while True:
        await asyncio.sleep(min(LOOK_S, after_s / 2))
        for room in noted.due(idle(), asyncio.get_running_loop().time()):
            try:
                if room in idle():  # one that somebody came to while others were let go stays
                    await let_go(room)
            except Exception:
                log.exception("room not let go", room=room)
