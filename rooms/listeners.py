"""Listeners of one emitter: told in order; a failing one breaks neither the others nor the emitter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from infra.logs import get_logger

L = TypeVar("L", bound=Callable[..., None])

_log = get_logger("rooms.listeners")


class Listeners(Generic[L]):
    """Synchronous listeners. `kind` names them in the log."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._listeners: list[L] = []

    def add(self, listener: L) -> Callable[[], None]:
        """Hear from now on; returns the end of it (idempotent)."""
        mine = [listener]
        self._listeners.append(listener)

        def end() -> None:
            if mine:
                self._listeners.remove(mine.pop())

        return end

    def tell(self, *news: Any) -> None:
        """Tell all."""
        for listener in list(self._listeners):
            try:
                listener(*news)
            except Exception:
                _log.exception("listener failed", kind=self._kind)
