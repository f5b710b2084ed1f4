"""The table of the show: its phases, and who may enter, view, publish and write in each."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Phase(StrEnum):
    """Where a show is in its life."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    REHEARSAL = "rehearsal"
    DOORS = "doors"
    LIVE = "live"
    INTERVAL = "interval"
    ENDED = "ended"
    ARCHIVED = "archived"
    CANCELLED = "cancelled"


class Role(StrEnum):
    """What a seat's holder is in the room."""

    GUEST = "guest"
    COMPANION = "companion"
    ARTIST = "artist"
    HOST = "host"


class Right(StrEnum):
    """What a role may do while a phase lasts."""

    ENTER = "enter"
    """Be in the room: take the seat, get its events."""
    VIEW = "view"
    """Hear and see what is on air."""
    PUBLISH = "publish"
    """Send picture and sound."""
    WRITE = "write"
    """Speak in the conversation."""


_BEFORE_END = (Phase.CANCELLED,)

TRANSITIONS: Mapping[Phase, frozenset[Phase]] = {
    Phase.DRAFT: frozenset({Phase.SCHEDULED, *_BEFORE_END}),
    # Doors open by their time even when nobody rehearsed.
    Phase.SCHEDULED: frozenset({Phase.REHEARSAL, Phase.DOORS, *_BEFORE_END}),
    Phase.REHEARSAL: frozenset({Phase.DOORS, *_BEFORE_END}),
    Phase.DOORS: frozenset({Phase.LIVE, *_BEFORE_END}),
    Phase.LIVE: frozenset({Phase.INTERVAL, Phase.ENDED, *_BEFORE_END}),
    Phase.INTERVAL: frozenset({Phase.LIVE, Phase.ENDED, *_BEFORE_END}),
    Phase.ENDED: frozenset({Phase.ARCHIVED}),
    Phase.ARCHIVED: frozenset(),
    Phase.CANCELLED: frozenset(),
}
"""Where a phase may lead."""

RUNNING = frozenset({Phase.REHEARSAL, Phase.DOORS, Phase.LIVE, Phase.INTERVAL})
"""Phases in which media may come in."""

_IN = frozenset({Right.ENTER})
_TALK = _IN | {Right.WRITE}
_WATCH = _IN | {Right.VIEW}
_WATCH_TALK = _TALK | {Right.VIEW}
_PLAY = _WATCH | {Right.PUBLISH}
_PLAY_TALK = _PLAY | {Right.WRITE}
_NONE: frozenset[Right] = frozenset()

# Nobody writes before the doors: guests would read it in the history afterwards.
RIGHTS: Mapping[Phase, Mapping[Role, frozenset[Right]]] = {
    Phase.DRAFT: {
        Role.GUEST: _NONE,
        Role.COMPANION: _NONE,
        Role.ARTIST: _NONE,
        Role.HOST: _IN,
    },
    Phase.SCHEDULED: {
        Role.GUEST: _NONE,
        Role.COMPANION: _NONE,
        Role.ARTIST: _IN,
        Role.HOST: _IN,
    },
    Phase.REHEARSAL: {
        Role.GUEST: _NONE,
        Role.COMPANION: _NONE,
        Role.ARTIST: _PLAY,
        Role.HOST: _WATCH,
    },
    Phase.DOORS: {
        Role.GUEST: _TALK,
        Role.COMPANION: _IN,
        Role.ARTIST: _PLAY_TALK,
        Role.HOST: _WATCH_TALK,
    },
    Phase.LIVE: {
        Role.GUEST: _WATCH_TALK,
        Role.COMPANION: _WATCH,
        Role.ARTIST: _PLAY_TALK,
        Role.HOST: _WATCH_TALK,
    },
    Phase.INTERVAL: {
        Role.GUEST: _TALK,
        Role.COMPANION: _IN,
        Role.ARTIST: _PLAY_TALK,
        Role.HOST: _WATCH_TALK,
    },
    Phase.ENDED: {
        Role.GUEST: _TALK,
        Role.COMPANION: _IN,
        Role.ARTIST: _TALK,
        Role.HOST: _TALK,
    },
    Phase.ARCHIVED: {
        Role.GUEST: _NONE,
        Role.COMPANION: _NONE,
        Role.ARTIST: _IN,
        Role.HOST: _IN,
    },
    Phase.CANCELLED: {
        Role.GUEST: _NONE,
        Role.COMPANION: _NONE,
        Role.ARTIST: _IN,
        Role.HOST: _IN,
    },
}
"""Who may do what in each phase. A companion's rights hold only after the guest's yes."""


def rights(role: Role, phase: Phase) -> frozenset[Right]:
    """What the role may do while the phase lasts."""
    return RIGHTS[phase][role]
