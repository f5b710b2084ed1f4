"""Decide what a host does with the evening: the next phase, a participant taken out."""

from __future__ import annotations

from collections.abc import Sequence

from infra.errors import Conflict
from rooms.actors import Actor
from rooms.messages import (
    AirLeft,
    Event,
    HelpHandled,
    PhaseChanged,
    RemoveSeat,
    SeatRemoved,
    SetPhase,
    Snapshot,
)
from rooms.phases import TRANSITIONS, Phase
from rooms.together import part

_OFF_AIR = frozenset({Phase.ENDED, Phase.ARCHIVED, Phase.CANCELLED})


def set_phase(state: Snapshot, actor: Actor, command: SetPhase, now: int) -> Sequence[Event]:
    """The next phase, by the table. Raises `Conflict` (`phase_order`) for a step it does not have."""
    if command.phase == state.phase:
        return ()
    if command.phase not in TRANSITIONS[state.phase]:
        raise Conflict(
            "phase_order", f"{state.phase} does not lead to {command.phase}", sentence="err_not_now"
        )
    return enter(state, command.phase, now)


def enter(state: Snapshot, phase: Phase, now: int) -> Sequence[Event]:
    """The events of a phase that begins, whatever was before."""
    changed = PhaseChanged(phase=phase, epoch=state.epoch + 1, at=now)
    if phase in _OFF_AIR and state.on_air is not None:
        return (changed, AirLeft(seat=state.on_air))
    return (changed,)


def open_doors(state: Snapshot, now: int) -> Sequence[Event]:
    """The doors' time has come; a show that is past them, or cancelled, stays as it is."""
    if Phase.DOORS not in TRANSITIONS[state.phase]:
        return ()
    return enter(state, Phase.DOORS, now)


def remove(state: Snapshot, actor: Actor, command: RemoveSeat, now: int) -> Sequence[Event]:
    """Take a participant out, with all that hangs on them."""
    return take_out(state, command.seat)


def take_out(state: Snapshot, *seats: str) -> Sequence[Event]:
    """The events of seats that end here; one that is out already adds none."""
    events: list[Event] = []
    for seat in seats:
        if seat in state.removed:
            continue
        events += part(state, seat)
        if state.on_air == seat:
            events.append(AirLeft(seat=seat))
        events += [
            HelpHandled(request=item.request, seat=seat) for item in state.help if item.seat == seat
        ]
        events.append(SeatRemoved(seat=seat))
    return tuple(events)
