"""Rows that cannot be read: left out, counted by table, and told once each in the log"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from sqlalchemy import JSON, Dialect
from sqlalchemy.types import TypeDecorator

from infra.logs import get_logger

_log = get_logger("infra.broken")

MOST_KNOWN = 10_000
"""Rows that are remembered as told; beyond it they are only counted, as often as they are met."""


class BrokenRows:
    """What one process met. A row is named by its table and its id, never by what stands in it."""

    def __init__(self) -> None:
        self._told: set[tuple[str, str]] = set()
        self._counts: Counter[tuple[str, ...]] = Counter()

    def note(self, table: str, row: str, error: Exception) -> None:
        """A row could not be read. The error's words are not told: they may quote the row."""
        if (table, row) in self._told:
            return
        self._counts[(table,)] += 1
        if len(self._told) < MOST_KNOWN:
            self._told.add((table, row))
            _log.error("row cannot be read", table=table, row=row, error=type(error).__name__)

    def counts(self) -> dict[tuple[str, ...], float]:
        """How many rows, by table."""
        return dict(self._counts)


BROKEN = BrokenRows()
"""Of this process: rows are read in many places, and each is told once wherever it is met."""


class ReadableJson(TypeDecorator[Any]):
    """A JSON column whose spoiled text reads as None: one row of a list does not hide the others."""

    impl = JSON
    cache_ok = True

    def result_processor(
        self, dialect: Dialect, coltype: object
    ) -> Callable[[Any | None], Any | None]:
        """As JSON's own, without its errors."""
        read = super().result_processor(dialect, coltype)

        def tolerant(value: Any | None) -> Any | None:
            try:
                return value if read is None else read(value)
            except ValueError:
                return None

        return tolerant
