"""The table of the companion: invited, asked, accepted, ended; silence is a no."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

ANSWER_WITHIN_MS = 60_000
"""Silence for this long is a no."""

MAX_ASKS = 3
"""How often a companion may ask in one show, the first time included."""


class CompanyState(StrEnum):
    """Where a companion stands with their guest."""

    INVITED = "invited"
    ASKED = "asked"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    SILENT = "silent"
    ENDED = "ended"


COMPANY: Mapping[CompanyState, frozenset[CompanyState]] = {
    CompanyState.INVITED: frozenset({CompanyState.ASKED}),
    CompanyState.ASKED: frozenset(
        {CompanyState.ACCEPTED, CompanyState.DECLINED, CompanyState.SILENT, CompanyState.ENDED}
    ),
    CompanyState.ACCEPTED: frozenset({CompanyState.ENDED}),
    CompanyState.DECLINED: frozenset(),  # after "Ei nyt" the same person asks no more in this show
    CompanyState.SILENT: frozenset({CompanyState.ASKED}),
    CompanyState.ENDED: frozenset({CompanyState.ASKED}),
}
"""Where a state may lead."""


def asks_left(state: CompanyState, asks: int) -> int:
    """How often a companion who has asked `asks` times may still ask from this state."""
    if CompanyState.ASKED not in COMPANY[state]:
        return 0
    return max(0, MAX_ASKS - asks)
