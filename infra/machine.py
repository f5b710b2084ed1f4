"""A transition table and its one setter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Generic, TypeVar

from infra.errors import Conflict
from infra.logs import get_logger

S = TypeVar("S", bound=StrEnum)
Table = Mapping[S, frozenset[S]]

_log = get_logger("infra.machine")


class Machine(Generic[S]):
    """The state of one thing: `table` says which states may follow each state.

    `to` is for commands: a step that the table does not have is refused and changes nothing. `report`
    is for what happened elsewhere: news that come late or point backwards are ignored. The same state
    again is no step. `ids` go into the log lines; `told` hears (old, new) after each step, and its
    failure does not undo the step.
    """

    __slots__ = ("_ids", "_name", "_state", "_table", "_told")

    def __init__(
        self,
        name: str,
        table: Table[S],
        initial: S,
        *,
        told: Callable[[S, S], None] | None = None,
        **ids: str | int,
    ) -> None:
        unknown = {new for after in table.values() for new in after if new not in table}
        if unknown or initial not in table:
            raise ValueError(f"{name}: states without a row: {sorted(unknown | {initial})}")
        self._name = name
        self._table = table
        self._state = initial
        self._told = told
        self._ids = ids

    @property
    def state(self) -> S:
        """Where it is now."""
        return self._state

    @property
    def over(self) -> bool:
        """Whether no further step is possible."""
        return not self._table[self._state]

    def may(self, new: S) -> bool:
        """Whether `to(new)` would be a step."""
        return new in self._table[self._state]

    def to(self, new: S, *, late_ok: bool = False) -> bool:
        """Step to `new`; True if the state changed. Raises `Conflict` (code `wrong_state`) if the table
        has no such step, unless `late_ok`."""
        if new == self._state:
            return False
        if not self.may(new):
            if late_ok:
                return False
            raise Conflict("wrong_state", f"{self._name}: {self._state} does not lead to {new}")
        old, self._state = self._state, new
        _log.info("state", machine=self._name, old=str(old), new=str(new), **self._ids)
        if self._told is not None:
            try:
                self._told(old, new)
            except Exception:
                _log.exception("listener failed", machine=self._name, **self._ids)
        return True

    def report(self, new: S) -> bool:
        """Step to `new` if the table has that step, else ignore the news; True if the state changed."""
        return self.to(new, late_ok=True)
