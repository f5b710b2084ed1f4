"""Decide about the conversation: a name, a line, a line hidden."""

from __future__ import annotations

from collections.abc import Sequence

from infra.errors import Conflict, Unknown
from rooms.actors import Actor
from rooms.messages import (
    Event,
    HideLine,
    LineHidden,
    LineWritten,
    Named,
    SetName,
    Snapshot,
    WriteLine,
)
from rooms.phases import Role


def name_of(state: Snapshot, actor: Actor) -> str | None:
    """The name the actor writes under: their own choice, else the ticket's."""
    return state.names.get(actor.seat) or actor.name


def set_name(state: Snapshot, actor: Actor, command: SetName, now: int) -> Sequence[Event]:
    """Write under this name from now on; earlier lines keep theirs."""
    if state.names.get(actor.seat) == command.name:
        return ()
    return (Named(seat=actor.seat, name=command.name),)


def write(state: Snapshot, actor: Actor, command: WriteLine, now: int) -> Sequence[Event]:
    """A line for all. Raises `Conflict` (`no_name`) for a guest who has no name yet."""
    name = name_of(state, actor)
    if name is None and actor.role is Role.GUEST:
        raise Conflict("no_name", "a guest writes under a name", sentence="your_name")
    return (
        LineWritten(
            line=state.lines[-1].line + 1 if state.lines else 1,
            seat=actor.seat,
            role=actor.role,
            name=name or "",
            text=command.text,
            at=now,
        ),
    )


def hide(state: Snapshot, actor: Actor, command: HideLine, now: int) -> Sequence[Event]:
    """Hide a line for everybody. Raises `Unknown` (`no_line`) for one that is not in the hall."""
    for line in state.lines:
        if line.line == command.line:
            return () if line.hidden else (LineHidden(line=line.line),)
    raise Unknown("no_line", "no such line", sentence="err_not_now")
