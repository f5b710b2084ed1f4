"""Tables of a session (one peer's media) and of a feed: from each state, where it may go."""

from __future__ import annotations

from enum import StrEnum

from streaming.ports import FeedState


class SessionState(StrEnum):
    """Where one peer's media is in its life."""

    NEW = "new"
    NEGOTIATING = "negotiating"
    CONNECTED = "connected"
    DRAINING = "draining"
    CLOSED = "closed"
    FAILED = "failed"


SESSION_TABLE: dict[SessionState, frozenset[SessionState]] = {
    SessionState.NEW: frozenset(
        {SessionState.NEGOTIATING, SessionState.DRAINING, SessionState.CLOSED, SessionState.FAILED}
    ),
    SessionState.NEGOTIATING: frozenset(
        {SessionState.CONNECTED, SessionState.DRAINING, SessionState.CLOSED, SessionState.FAILED}
    ),
    SessionState.CONNECTED: frozenset(
        {SessionState.DRAINING, SessionState.CLOSED, SessionState.FAILED}
    ),
    SessionState.DRAINING: frozenset({SessionState.CLOSED}),
    SessionState.CLOSED: frozenset(),
    SessionState.FAILED: frozenset({SessionState.DRAINING, SessionState.CLOSED}),
}

FEED_TABLE: dict[FeedState, frozenset[FeedState]] = {
    FeedState.IDLE: frozenset({FeedState.LIVE, FeedState.ENDED}),
    FeedState.LIVE: frozenset({FeedState.STALLED, FeedState.ENDED}),
    FeedState.STALLED: frozenset({FeedState.LIVE, FeedState.ENDED}),
    # the same feed lives again when its participant publishes again
    FeedState.ENDED: frozenset({FeedState.LIVE}),
}
