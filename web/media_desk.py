"""`media.*` messages of a seat's socket, answered by the node that has the room: here, or carried there.

What is carried names the seat and the device alone. What they are and may do, the owner reads from the
database, and checks the rule again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from infra.errors import BadInput, LampioError, Unauthorised, Unavailable
from infra.logs import get_logger
from infra.ports import Commands
from rooms.house import House
from rooms.messages import (
    CLIENT_MESSAGE,
    SERVER_MESSAGE,
    Ack,
    Command,
    MediaAccepted,
    MediaAnswer,
    MediaKeyframe,
    MediaOffer,
    MediaPublish,
    MediaRestart,
    MediaSegments,
    MediaSegmentsAt,
    MediaStop,
    MediaView,
    ServerMessage,
)
from rooms.permissions import check
from rooms.replies import Refusal, raised, refused
from rooms.seats import Seat, Seats, refuse_if_elsewhere, refuse_if_over
from rooms.state import accepted
from streaming.ports import Negotiated
from web.live import Live
from web.room_media import RoomMedia
from web.voice import Standing, Voice

log = get_logger("desk")

ANSWER_S = 5.0
"""How long the owner's answer is waited for."""

OF_A_SESSION = (MediaAnswer, MediaRestart, MediaKeyframe, MediaStop)
"""Messages about a session that the seat has: its grant stands in the relay, or is ended there."""

Answer = Callable[[Seat, str, Any], Awaitable[ServerMessage]]
"""(seat, device, message) → the reply, with the message's id."""


class Asked(BaseModel):
    """What is asked of a room's owner: how things stand, a seat's message, or the end of its sessions."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seat: str = ""
    device: str = ""
    message: dict[str, Any] | None = None
    end: str | None = None
    """Why all sessions of the seat end (it moved to another device)."""


class Answered(BaseModel):
    """The owner's reply on its way back."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    message: dict[str, Any] | None = None
    standing: Standing | None = None
    refusal: Refusal | None = None


def topic(room: str) -> str:
    """Under which the owner of a room answers for its media."""
    return f"media:{room}"


class MediaDesk:
    """One desk a node. Who adds a `media.*` message adds it to the table `_answers`."""

    def __init__(
        self,
        *,
        house: House,
        seats: Seats,
        media: RoomMedia,
        live: Live,
        commands: Commands,
        voice: Voice,
        ready: Callable[[str], Awaitable[None]],
        url: str,
        public_url: str,
    ) -> None:
        """`ready(room)` returns when the relay has the room that is owned here; `url` is where pages reach
        exactly this node, where the segments are; `public_url` is what they call the house."""
        self._house = house
        self._seats = seats
        self._media = media
        self._live = live
        self._commands = commands
        self._voice = voice
        self._ready = ready
        self._url = url
        # Behind one address for all, a page's next request may reach any node.
        self._near = "" if url == public_url else url
        self._answers: Mapping[type[Command], Answer] = {
            MediaView: self._view,
            MediaAnswer: self._answer,
            MediaPublish: self._publish,
            MediaRestart: self._restart,
            MediaSegments: self._segments,
            MediaStop: self._stop,
            MediaKeyframe: self._keyframe,
        }

    def answers(self, message: Command) -> bool:
        """Whether this is a message for the desk."""
        return type(message) in self._answers

    async def ask(self, seat: Seat, device: str, message: Command) -> ServerMessage:
        """The owner's reply. Raises the errors of `infra.errors`; `no_owner` while nobody has the room."""
        if await self._house.here(seat.show):
            try:
                seat = await self._allowed(seat.show, seat.id, device, message)
            except (
                Unavailable
            ):  # while the rows are away, what is under way goes on; nothing begins
                if not isinstance(message, OF_A_SESSION):
                    raise
            return _at(self._near, await self._reply(seat, device, message))
        asked = Asked(seat=seat.id, device=device, message=message.model_dump(mode="json"))
        answered = await self._call(seat.show, asked)
        return SERVER_MESSAGE.validate_python(answered.message)

    async def end_seat(self, seat: Seat, reason: str) -> None:
        """End all sessions of a seat that moved to another device, wherever they are."""
        if await self._house.here(seat.show):
            await self._media.end_seat(seat, reason)
        else:
            await self._call(seat.show, Asked(seat=seat.id, end=reason))

    async def standing(self, room: str) -> Standing:
        """How things stand in the room, as its owner knows; between two owners nothing stands."""
        if self._house.has(room):
            return self._voice.standing(room)
        try:
            answered = await self._call(room, Asked())
        except Unavailable:
            return Standing()
        return answered.standing or Standing()

    async def _call(self, room: str, asked: Asked) -> Answered:
        body = await self._commands.call(
            topic(room), asked.model_dump_json(), key=None, timeout_s=ANSWER_S
        )
        answered = Answered.model_validate_json(body)
        if answered.refusal is not None:
            raise raised(answered.refusal)
        return answered

    def serve(self, room: str, fence: int) -> Callable[[], None]:
        """Answer for a room that is owned here; returns the end of it."""

        async def handle(body: str, key: str | None) -> str:
            try:
                answered = await self._carried(room, Asked.model_validate_json(body))
            except LampioError as error:
                answered = Answered(refusal=refused(error).refusal)
            except Exception as error:
                log.exception("media message failed", room=room)
                answered = Answered(refusal=refused(error).refusal)
            return answered.model_dump_json()

        return self._commands.serve(topic(room), fence, handle)

    # --- at the owner -----------------------------------------------------------------------------

    async def _carried(self, room: str, asked: Asked) -> Answered:
        if not asked.seat:
            return Answered(standing=self._voice.standing(room))
        if asked.end is not None:
            await self._media.end_seat(await self._seat(room, asked.seat), asked.end)
            return Answered()
        message = CLIENT_MESSAGE.validate_python(asked.message)
        seat = await self._allowed(room, asked.seat, asked.device, message)
        reply = _at(self._url, await self._reply(seat, asked.device, message))
        return Answered(message=reply.model_dump(mode="json"))

    async def _allowed(self, room: str, seat_id: str, device: str, message: Command) -> Seat:
        """The seat as it is now: what its socket read when it was opened may have ended since."""
        seat = await self._seat(room, seat_id)
        refuse_if_over(seat)
        refuse_if_elsewhere(seat, device)
        _, state = await self._house.whole(room)
        check(
            str(getattr(message, "type", "")),
            seat.role,
            state.phase,
            accepted=accepted(state, seat.id),
        )
        return seat

    async def _seat(self, room: str, seat_id: str) -> Seat:
        seat = await self._seats.seat(seat_id)
        if seat.show != room:
            raise Unauthorised("no_seat", sentence="err_no_seat")
        return seat

    async def _reply(self, seat: Seat, device: str, message: Command) -> ServerMessage:
        answer = self._answers.get(type(message))
        if answer is None:
            raise BadInput("not_for_media")
        await self._ready(seat.show)
        return await answer(seat, device, message)

    async def _view(self, seat: Seat, device: str, message: MediaView) -> ServerMessage:
        return _offer(message, await self._media.view(seat))

    async def _answer(self, seat: Seat, device: str, message: MediaAnswer) -> ServerMessage:
        await self._media.answer(seat, message.session, message.etag, message.sdp)
        return Ack(id=message.id)

    async def _publish(self, seat: Seat, device: str, message: MediaPublish) -> ServerMessage:
        return _accepted(message, await self._media.publish(seat, message.sdp))

    async def _restart(self, seat: Seat, device: str, message: MediaRestart) -> ServerMessage:
        made = await self._media.restart(seat, message.session, message.sdp)
        return (_offer if message.sdp is None else _accepted)(message, made)

    async def _segments(self, seat: Seat, device: str, message: MediaSegments) -> ServerMessage:
        return MediaSegmentsAt(id=message.id, url=self._live.open(seat, device))

    async def _stop(self, seat: Seat, device: str, message: MediaStop) -> ServerMessage:
        await self._media.stop(seat, message.session)
        return Ack(id=message.id)

    async def _keyframe(self, seat: Seat, device: str, message: MediaKeyframe) -> ServerMessage:
        await self._media.keyframe(seat, message.session)
        return Ack(id=message.id)


def _at(node: str, reply: ServerMessage) -> ServerMessage:
    """The reply; where it names a path, at this node."""
    if isinstance(reply, MediaSegmentsAt):
        return reply.model_copy(update={"url": f"{node}{reply.url}"})
    return reply


def _offer(message: Command, made: Negotiated) -> ServerMessage:
    return MediaOffer(id=message.id, session=made.session, etag=made.etag, sdp=made.sdp)


def _accepted(message: Command, made: Negotiated) -> ServerMessage:
    return MediaAccepted(id=message.id, session=made.session, sdp=made.sdp)
