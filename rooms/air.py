"""Decide who is on air."""

from __future__ import annotations

from collections.abc import Sequence

from rooms.actors import Actor
from rooms.messages import AirLeft, AirTaken, Event, LeaveAir, Snapshot, TakeAir


def take(state: Snapshot, actor: Actor, command: TakeAir, now: int) -> Sequence[Event]:
    """This artist is on air; another one who was is no more."""
    return () if state.on_air == actor.seat else (AirTaken(seat=actor.seat),)


def leave(state: Snapshot, actor: Actor, command: LeaveAir, now: int) -> Sequence[Event]:
    """Off air; who is not on air changes nothing."""
    return (AirLeft(seat=actor.seat),) if state.on_air == actor.seat else ()
