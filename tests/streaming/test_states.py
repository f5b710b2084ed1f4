"""The tables of session and feed."""

from __future__ import annotations

import pytest

from infra.errors import Conflict
from infra.machine import Machine
from streaming.ports import FeedState
from streaming.states import FEED_TABLE, SESSION_TABLE, SessionState


def test_every_state_has_a_row_and_every_session_can_be_closed() -> None:
    assert set(SESSION_TABLE) == set(SessionState) and set(FEED_TABLE) == set(FeedState)
    for state in SessionState:
        reached, todo = {state}, [state]
        while todo:
            for after in SESSION_TABLE[todo.pop()] - reached:
                reached.add(after)
                todo.append(after)
        assert SessionState.CLOSED in reached


def test_a_closed_session_stays_closed_and_a_feed_that_ended_may_live_again() -> None:
    session = Machine("session", SESSION_TABLE, SessionState.CLOSED)
    assert session.over and not session.report(SessionState.CONNECTED)
    with pytest.raises(Conflict):
        session.to(SessionState.CONNECTED)
    feed = Machine("feed", FEED_TABLE, FeedState.ENDED)
    assert feed.to(FeedState.LIVE)
    assert not Machine("feed", FEED_TABLE, FeedState.IDLE).report(FeedState.STALLED)
