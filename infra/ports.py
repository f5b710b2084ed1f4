"""Seams that more than one machine needs, as protocols alone. A leaf.

Each has an in-process form (`bus_local.py`, rows in the database for the log) and later a distributed
one, under one contract test. Ids and values cross, never objects; every subscription can say `Gap`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """A hint on the bus. It carries no authority: rights are read from the database."""

    topic: str
    body: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Something was lost on the way: read the present state instead."""


class Bus(Protocol):
    """Hints between processes; they may be lost."""

    async def publish(self, topic: str, body: str) -> None:
        """Tell whoever listens; never blocks on a slow listener."""
        ...

    def subscribe(self, *topics: str) -> AsyncIterator[Message | Gap]:
        """What is published from the moment of this call (not of the first `anext`)."""
        ...


@dataclass(frozen=True, slots=True)
class Logged:
    """One event of a room: `body` is its JSON text, exactly as it goes on the wire; `at_ms` UTC."""

    seq: int
    body: str
    at_ms: int


class RoomLog(Protocol):
    """The room's numbered events. Gapless; an event is acknowledged when its row is committed."""

    async def append(
        self, room: str, fence: int, events: Sequence[str], *, key: str | None = None
    ) -> range:
        """Append after the fence was checked in the same statement; returns the numbers given.

        The same `key` a second time appends nothing and returns the first range.
        Raises `infra.bus_local.Fenced` (a `Conflict`) when another owner has taken the room.
        """
        ...

    async def read(self, room: str, after: int, limit: int = 500) -> Sequence[Logged]:
        """Events with a number above `after`, in order."""
        ...

    def follow(self, room: str, after: int) -> AsyncIterator[Logged]:
        """Events above `after`, then new ones as they come, on any node, without a gap."""
        ...


class Commands(Protocol):
    """Commands to a room's owner, wherever it runs."""

    async def call(self, room: str, command: str, *, key: str | None, timeout_s: float) -> str:
        """Have the owner carry out `command` (JSON) and return its reply (JSON).

        Raises `Unavailable` with code `no_owner` or `outcome_unknown`.
        """
        ...

    def serve(
        self, room: str, fence: int, handler: Callable[[str, str | None], Awaitable[str]]
    ) -> Callable[[], None]:
        """Answer commands for a room with this fence; returns the end of serving."""
        ...


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to own a room on one node. `fence` comes from the database."""

    room: str
    node: str
    fence: int


class Leases(Protocol):
    """Which node owns which room."""

    async def acquire(self, room: str, node: str) -> Lease | None:
        """Own the room, or None where another node holds it."""
        ...

    async def release(self, lease: Lease) -> None:
        """Give it up; idempotent."""
        ...

    async def owner(self, room: str) -> str | None:
        """The owning node."""
        ...


class Presence(Protocol):
    """Who is in a room, rebuilt by beats within one time to live."""

    async def beat(self, room: str, seat: str, node: str, ttl_s: float) -> None:
        """The seat is here."""
        ...

    async def beat_all(self, room: str, seats: Iterable[str], node: str, ttl_s: float) -> None:
        """These seats are here; the same as `beat` for each, in one step."""
        ...

    async def leave(self, room: str, seat: str, node: str) -> None:
        """The seat is gone from this node."""
        ...

    async def present(self, room: str) -> frozenset[str]:
        """Seats that are here now."""
        ...


class Limits(Protocol):
    """How often something may come."""

    async def hit(self, what: str, who: str, *, amount: int, per_s: float) -> bool:
        """Count one; False if more than `amount` came within `per_s`."""
        ...
