"""What a room's owner says to listeners at every node: how things stand, and a word to one seat.

Both go over the bus and carry no authority. How things stand is numbered under the owner's fence: what an
earlier owner says late, or an answer that was overtaken, counts for nothing.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from infra.logs import get_logger
from infra.ports import Bus
from rooms.messages import Bye, MediaEnded, MediaOffer, RecordingMessage, StageMessage

log = get_logger("voice")

SeatWord = MediaOffer | MediaEnded | Bye


class _Note(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Standing(_Note):
    """How things stand in a room that are not events; (fence, number) only grows."""

    fence: int = 0
    number: int = 0
    stage: StageMessage = StageMessage(state="empty")
    recording: RecordingMessage = RecordingMessage(trouble=None)

    def after(self, other: Standing) -> bool:
        """Whether this was said after the other."""
        return (self.fence, self.number) > (other.fence, other.number)


class ToSeat(_Note):
    """A word to a seat's sockets; a `Bye` is not for those at the node that says it."""

    node: str
    seat: str
    word: SeatWord


def topics(room: str) -> dict[str, str]:
    """Where listeners of a room hear what: by the kind of news."""
    return {kind: f"room/{room}/{kind}" for kind in ("transient", "standing", "seat", "presence")}


class Voice:
    """The voice of this node's rooms."""

    def __init__(self, bus: Bus, node: str) -> None:
        self._bus = bus
        self._node = node
        self._standing: dict[str, Standing] = {}

    def standing(self, room: str) -> Standing:
        """What was said last about a room that this node has."""
        return self._standing.get(room, Standing())

    async def say(self, room: str, fence: int, **news: Any) -> None:
        """Things stand otherwise now: `stage` or `recording`. What is no news under this fence is not
        said."""
        before = self.standing(room)
        now = before.model_copy(update={**news, "fence": fence})
        if now != before:
            now = now.model_copy(update={"number": before.number + 1})
            self._standing[room] = now
            await self._bus.publish(topics(room)["standing"], now.model_dump_json())

    async def tell_seat(self, room: str, seat: str, word: SeatWord) -> None:
        """A word to the seat's sockets, wherever they are."""
        note = ToSeat(node=self._node, seat=seat, word=word)
        await self._bus.publish(topics(room)["seat"], note.model_dump_json())

    def forget(self, room: str) -> None:
        """This node has the room no more."""
        self._standing.pop(room, None)
