"""Closing has an end: what hangs is left behind, and the next start makes good what a crash skips."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import Any

from infra.logs import get_logger

log = get_logger("closing")

HOUSE_S = 5.0
"""How long the rooms are given where their rows do not answer."""
ALL_S = 14.0
"""After SIGTERM the process has ended within 15 s."""


async def within(seconds: float, part: str, closing: Coroutine[Any, Any, None]) -> None:
    """Have a part close; an error or too long a wait is told, and takes no turn from the parts after it."""
    task = asyncio.create_task(closing, name=f"closing:{part}")
    await asyncio.wait({task}, timeout=seconds)
    if not task.done():
        task.cancel()  # not awaited: what hangs may not hear of it either
        log.error("not closed in time", step=part)
    elif not task.cancelled() and (error := task.exception()) is not None:
        log.error("not closed", step=part, error=type(error).__name__, exc_info=error)


def end_by(seconds: float) -> None:
    """End the process then with status 1, if it still runs: whatever thread or driver holds it."""
    last = threading.Timer(seconds, _end)
    last.daemon = True
    last.start()


def _end() -> None:
    log.error("ended before all was closed")
    os._exit(1)
