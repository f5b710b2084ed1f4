"""From the log's rows to the room's state; a row that cannot be read is left out and the rest goes on"""

from __future__ import annotations

from infra.broken import BROKEN
from infra.ports import Logged
from rooms.messages import EVENT, Event, Snapshot
from rooms.state import reduce


def event_of(room: str, row: Logged) -> Event | None:
    """The event of a row; None for one that is no event of ours (spoiled, or of a newer version).

    Its number counts all the same: numbers of a client may jump, so nobody asks for it again.
    """
    try:
        return EVENT.validate_json(row.body)
    except ValueError as error:
        BROKEN.note("room_event", f"{room}:{row.seq}", error)
        return None


def state_after(state: Snapshot, room: str, row: Logged) -> Snapshot:
    """The state after the row's event, if it is one."""
    event = event_of(room, row)
    return state if event is None else reduce(state, event)
