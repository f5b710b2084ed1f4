"""Decide about help: asked by a guest, dealt with by a host."""

from __future__ import annotations

from collections.abc import Sequence

from rooms.actors import Actor
from rooms.chat import name_of
from rooms.messages import AskHelp, Event, HandleHelp, HelpAsked, HelpHandled, Snapshot


def ask(state: Snapshot, actor: Actor, command: AskHelp, now: int) -> Sequence[Event]:
    """Call the host. While a request stands, another press changes nothing."""
    if any(item.seat == actor.seat for item in state.help):
        return ()
    # Numbered by time, so that a late "handled" for an old request never meets a new one.
    request = max([now, *(item.request + 1 for item in state.help)])
    name = name_of(state, actor) or ""
    return (HelpAsked(request=request, seat=actor.seat, name=name, at=now),)


def handle(state: Snapshot, actor: Actor, command: HandleHelp, now: int) -> Sequence[Event]:
    """A request has been dealt with; one that is handled already changes nothing."""
    return tuple(
        HelpHandled(request=item.request, seat=item.seat)
        for item in state.help
        if item.request == command.request
    )
