"""The table of a take's states.

armed → capturing → finalising → stored, or failed. A take that was capturing when the process died is
taken up from what lies on disk: it goes on to finalising, never back to capturing.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from enum import StrEnum


class TakeState(StrEnum):
    """Where a take is in its life."""

    ARMED = "armed"
    """Subscribed; nothing decodable has come yet."""
    CAPTURING = "capturing"
    """Chunks are written to the spool."""
    FINALISING = "finalising"
    """No more media; what is in the spool is brought to storage."""
    STORED = "stored"
    FAILED = "failed"
    """Nothing usable came, or what came could not be kept."""


TABLE: Mapping[TakeState, frozenset[TakeState]] = {
    TakeState.ARMED: frozenset({TakeState.CAPTURING, TakeState.FINALISING, TakeState.FAILED}),
    TakeState.CAPTURING: frozenset({TakeState.FINALISING, TakeState.FAILED}),
    TakeState.FINALISING: frozenset({TakeState.STORED, TakeState.FAILED}),
    TakeState.STORED: frozenset(),
    TakeState.FAILED: frozenset(),
}

SETTLED = frozenset({TakeState.STORED, TakeState.FAILED})
"""Nothing more happens to such a take."""

_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


def may_follow(old: TakeState, new: TakeState) -> bool:
    """Whether the table lets `new` come after `old`."""
    return new in TABLE[old]


def new_id(length: int = 16) -> str:
    """A random id of small letters and digits: 5.17 bits a character."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
