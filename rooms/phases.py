"""The table of the show: its phases, and who may be in, hear, see and speak in each."""

from __future__ import annotations

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
