"""Who does something in a room, and the shape of every decision about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rooms.messages import Event, Snapshot
from rooms.phases import Role


@dataclass(frozen=True, slots=True)
class Actor:
    """A seat and what it is. `guest` is the guest's seat of a companion.

    `device` is the one that asks, and must hold the seat. None is this house itself, for the seat: never
    over the seam between nodes, where whoever can speak could say so.
    """

    seat: str
    role: Role
    name: str | None = None
    guest: str | None = None
    device: str | None = None


OPERATOR = Actor("operator", Role.HOST)
"""Who runs the command line."""

Decider = Callable[[Snapshot, Actor, Any, int], Sequence[Event]]
"""(state, actor, command, now in ms) → events, or an error of `infra.errors`. Pure; never awaits."""
