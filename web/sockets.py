"""Every socket open at this node, from its handshake on, and how fast each seat may talk"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from aiohttp import web

from infra.clock import Clock
from infra.errors import TooMany
from infra.limits import LocalLimits
from rooms.messages import Bye

MESSAGES_PER_S = 20
BURST_S = 5.0
WRITTEN, WRITTEN_PER_S = 40, 30.0
"""Lines and names a seat may write within so many seconds: nobody writes a room's history away."""
HELLOS, HELLOS_PER_S = 30, 10.0
"""A snapshot is the one answer far larger than its question."""

MOST_OF_A_SEAT = 8
"""Sockets of one seat; a further one ends the oldest."""


class Open(Protocol):
    """A socket, said hello or not."""

    seat: str

    def say_bye(self, bye: Bye) -> None:
        """Send the last message and close."""
        ...


class Sockets:
    """One a node. Seats are counted here by this process alone: what they share are rooms, not doors."""

    def __init__(self, clock: Clock) -> None:
        self._limits = LocalLimits(clock)
        self._open: dict[str, list[Open]] = {}
        self._bye: Bye | None = None

    def __len__(self) -> int:
        """How many are open."""
        return sum(map(len, self._open.values()))

    def add(self, socket: Open) -> Callable[[], None]:
        """A socket has opened; returns what to call at its end."""
        of_seat = self._open.setdefault(socket.seat, [])
        of_seat.append(socket)
        for surplus in of_seat[:-MOST_OF_A_SEAT]:
            surplus.say_bye(Bye(reason="moved"))
        if self._bye is not None:
            socket.say_bye(self._bye)

        def forget() -> None:
            if socket in of_seat:
                of_seat.remove(socket)
            if not of_seat and self._open.get(socket.seat) is of_seat:
                del self._open[socket.seat]

        return forget

    def close(self, bye: Bye) -> None:
        """Say goodbye to all, to those without a hello and those who come later too; idempotent."""
        self._bye = bye
        for socket in [one for of_seat in self._open.values() for one in of_seat]:
            socket.say_bye(bye)

    async def pace(self, seat: str, what: str, amount: int, per_s: float) -> None:
        """Count one. Raises `TooMany` for more than `amount` within `per_s` seconds."""
        if not await self._limits.hit(what, seat, amount=amount, per_s=per_s):
            raise TooMany("too_many_messages", sentence="err_not_now", retry_after_s=1)


SOCKETS = web.AppKey("sockets", Sockets)
