"""The events of a room that a hub keeps for those who come back within moments"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from rooms.messages import Event, LineHidden, LineWritten
from web.frames import event_frame

KEPT_EVENTS = 500
MOST_MISSED_BYTES = 512 * 1024
"""Of what was missed; where it is more, a snapshot is shorter, and no socket is let go for it."""


class Recent:
    """Numbered events with their frames, the newest last."""

    def __init__(self, since: int) -> None:
        """`since` is the number from which on all is kept."""
        self._since = since
        self._kept: deque[tuple[int, Event, bytes]] = deque(maxlen=KEPT_EVENTS)

    def add(self, seq: int, event: Event, frame: bytes) -> None:
        """One more. The words of a line that it hides are told to nobody any more."""
        if len(self._kept) == KEPT_EVENTS:
            self._since = self._kept[0][0]
        self._kept.append((seq, event, frame))
        if isinstance(event, LineHidden):
            self._forget_words(event.line)

    def missed(self, after: int, seen: Callable[[Event], bool]) -> list[bytes] | None:
        """The frames after a number that may be `seen`; None where a snapshot is what helps."""
        if after < self._since:
            return None
        found = [frame for seq, event, frame in self._kept if seq > after and seen(event)]
        return found if sum(map(len, found)) <= MOST_MISSED_BYTES else None

    def _forget_words(self, line: int) -> None:
        for index, (seq, event, _) in enumerate(self._kept):
            if isinstance(event, LineWritten) and event.line == line:
                bare = event.model_copy(update={"text": ""})
                self._kept[index] = (seq, bare, event_frame(seq, bare.model_dump_json()))
