"""The room's WebSocket: receive, validate, check the rule, carry out, answer.

`docs/protocol.md` describes the wire. Frames to many are made once (`web/frames.py`) and written to the
transport; a client that does not read is let go at a bound.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import WSMsgType, web
from pydantic import ValidationError

from infra.errors import BadInput, LampioError, TooMany
from infra.logs import get_logger
from rooms.house import Actor
from rooms.messages import (
    CLIENT_MESSAGE,
    Ack,
    Applaud,
    Bye,
    ClientMessage,
    Command,
    ErrorMessage,
    Hello,
    MediaAccepted,
    MediaOffer,
    SetName,
    WriteLine,
)
from rooms.permissions import check
from rooms.phases import Role
from rooms.seats import Seat
from rooms.tickets import OVER, TicketStatus
from web.frames import message_frame, pong_frame
from web.hub import AUDIENCE, RoomHub
from web.language import language_of, words
from web.parts import PARTS, Parts
from web.sockets import (
    BURST_S,
    HELLOS,
    HELLOS_PER_S,
    MESSAGES_PER_S,
    SOCKETS,
    WRITTEN,
    WRITTEN_PER_S,
    Sockets,
)

log = get_logger("socket")

LARGEST_MESSAGE = 64 * 1024
MOST_UNREAD_BYTES = 2 * 1024 * 1024
"""More than a snapshot of the longest lines: who comes into such a room is no slow reader yet."""
SEND_BUFFER_BYTES = 128 * 1024
"""What the system holds for a socket beside that; by itself it would hold megabytes for who reads nothing."""
HEARTBEAT_S = 15.0
HELLO_WITHIN_S = 10.0
CLOSE_S = 2.0
"""How long the other side may take to say goodbye as well, and to read what was said last."""
PAUSE_EVERY, PAUSE_S = 10, 0.01
"""Of what a flooding seat says, a thousand messages a second are answered; the rest waits in its line."""
LARGEST_ID = 2**53
SHORT = 1024
"""Characters of a surplus message that is still looked into for its number."""

Handle = Callable[[Any], Awaitable[None]]


class RoomSocket:
    """One socket of a seat: a listener of the room's hub and the sender of its commands."""

    def __init__(
        self,
        parts: Parts,
        seat: Seat,
        device: str,
        hub: RoomHub,
        ws: web.WebSocketResponse,
        language: str,
        sockets: Sockets,
    ) -> None:
        self.seat = seat.id
        self.device = device
        self.role: Role = seat.role
        self.admitted = seat.role is not Role.COMPANION
        self._parts = parts
        self._seat = seat
        self._hub = hub
        self._ws = ws
        self._language = language
        self._sockets = sockets
        self._surplus = 0
        self._transport: asyncio.Transport | None = None
        self._said_bye = False
        self._joined = False
        self._actor = Actor(seat=seat.id, role=seat.role, name=seat.name, device=device)
        self._handlers: dict[type, Handle] = {
            Hello: self._hello,
            Applaud: self._applaud,
        }

    # --- as a listener --------------------------------------------------------------------------

    def write(self, frame: bytes) -> None:
        """Write a prepared frame; a socket that does not read is let go."""
        transport = self._transport
        if transport is None or transport.is_closing() or self._said_bye:
            return
        try:
            transport.write(frame)
            if transport.get_write_buffer_size() <= MOST_UNREAD_BYTES:
                return
            log.info("socket does not read", seat=self.seat)
        except Exception:  # whoever tells many goes on with the next
            log.exception("socket cannot be written to", seat=self.seat)
        self._said_bye = True
        transport.abort()

    def say_bye(self, bye: Bye) -> None:
        """Send the last message and close."""
        if self._said_bye or self._transport is None:
            return
        self.write(message_frame(bye))
        self._said_bye = True
        if self._parts.tasks.closed:
            self._transport.abort()
        else:
            self._parts.tasks.spawn(self._close(self._transport), name=f"bye:{self.seat}")

    async def _close(self, transport: asyncio.Transport) -> None:
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._ws.close(code=1000)
        except TimeoutError:
            transport.abort()

    # --- the conversation -------------------------------------------------------------------------

    async def run(self, request: web.Request) -> None:
        """Serve the socket until it ends."""
        transport = request.transport
        if transport is None:
            return
        self._transport = transport
        held = transport.get_extra_info("socket")
        held.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        log.info("socket open", seat=self.seat, role=self.role.value, room=self._hub.room)
        forget = self._sockets.add(self)
        try:
            await self._serve()
        finally:
            forget()
            # What is not read within moments is not waited for: a closing socket would keep it.
            asyncio.get_running_loop().call_later(CLOSE_S, transport.abort)
            self._hub.leave(self)
            if self._joined and not self._hub.of_seat(self.seat):
                await self._hub.gone(self.seat)
            log.info("socket closed", seat=self.seat, room=self._hub.room)

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + HELLO_WITHIN_S
        while not self._said_bye:
            wait = None if self._joined else max(0.0, until - loop.time())
            try:
                message = await self._ws.receive(timeout=wait)
            except TimeoutError:
                await self._ws.close(code=1002, message=b"no hello")
                return
            if message.type is WSMsgType.TEXT:
                await self._message(message.data)
            elif message.type is WSMsgType.PING:
                await self._ping(message.data)
            elif message.type is not WSMsgType.PONG:
                if message.type is WSMsgType.BINARY:
                    await self._ws.close(code=1003)
                return

    async def _ping(self, data: bytes) -> None:
        """Answered here and not by the library, which would answer a flood of them."""
        try:
            await self._pace()
        except TooMany:
            await self._rest()
        else:
            self.write(pong_frame(data))

    async def _message(self, text: str) -> None:
        number: int | None = None
        try:
            await self._pace()
        except TooMany as error:
            self._refuse(_number_of(text) if len(text) < SHORT else None, error)
            await self._rest()
            return
        try:
            number = _number_of(text)
            command = _read(text)
            number = command.id
            state = self._hub.state
            check(command.type, self.role, state.phase, accepted=self.admitted)
            if isinstance(command, WriteLine | SetName):
                await self._sockets.pace(self.seat, "written", WRITTEN, WRITTEN_PER_S)
            if not self._joined and not isinstance(command, Hello):
                raise BadInput("hello_first")
            handler = self._handlers.get(type(command))
            if handler is not None:
                await handler(command)
            elif self._parts.desk.answers(command):
                await self._media(command)
            else:
                seq = await self._parts.house.submit(self._actor, self._hub.room, command)
                self.write(message_frame(Ack(id=command.id, seq=seq)))
        except LampioError as error:
            self._refuse(number, error)
        except Exception:
            log.exception("command failed", seat=self.seat, room=self._hub.room)
            self._refuse(number, LampioError())

    async def _pace(self) -> None:
        await self._sockets.pace(self.seat, "message", int(MESSAGES_PER_S * BURST_S), BURST_S)

    async def _rest(self) -> None:
        """After what was too much: reading slowly, so that the surplus waits at its sender's."""
        self._surplus += 1
        await asyncio.sleep(PAUSE_S if self._surplus % PAUSE_EVERY == 0 else 0)

    def _refuse(self, number: int | None, error: LampioError) -> None:
        text = words(self._language).text(error.sentence, phone=self._parts.settings.help_phone)
        self.write(
            message_frame(ErrorMessage(id=number, code=error.code, status=error.status, text=text))
        )

    # --- what the socket itself answers -------------------------------------------------------------

    async def _hello(self, command: Hello) -> None:
        await self._sockets.pace(self.seat, "hello", HELLOS, HELLOS_PER_S)
        if self._joined:
            self._hub.resume(self, command.after)
        elif (over := await self._over()) is not None:
            self.say_bye(over)
            return
        else:
            self._joined = True
            if self.role in AUDIENCE:
                # one screen a seat: two windows of one browser would take the picture from each other
                await self._hub.make_way(self.seat, Bye(reason="moved"))
            self._hub.join(self, command.after)
            if (over := await self._over_meanwhile()) is not None:
                self.say_bye(over)
                return
        await self._hub.beat(self.seat)
        self.write(message_frame(Ack(id=command.id)))

    async def _over_meanwhile(self) -> Bye | None:
        """As `_over`: what ended between that look and the joining was told to nobody here. Where it cannot
        be known, the socket has not joined."""
        try:
            return await self._over()
        except BaseException:
            self._hub.leave(self)
            self._joined = False
            raise

    async def _over(self) -> Bye | None:
        """The last word where the seat's right ended before the hub knew of this socket."""
        seat = await self._parts.seats.seat(self.seat)
        if seat.status in OVER:
            removed = seat.status is TicketStatus.REMOVED
            return Bye(reason="removed" if removed else "revoked")
        return None if seat.device == self.device else Bye(reason="moved")

    async def _applaud(self, command: Applaud) -> None:
        self._parts.house.applaud(self._hub.room, self.seat, command.claps)
        self.write(message_frame(Ack(id=command.id)))

    async def _media(self, command: Command) -> None:
        """By the room's owner, wherever that is."""
        reply = await self._parts.desk.ask(self._seat, self.device, command)
        if isinstance(reply, MediaOffer | MediaAccepted):
            self._hub.carried(self.seat, reply.session)
        self.write(message_frame(reply))


def _number_of(text: str) -> int | None:
    """The `id` of a message that may be malformed otherwise, so that its sender finds the error."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    number = value.get("id") if isinstance(value, dict) else None
    return number if type(number) is int and 0 <= number <= LARGEST_ID else None


def _read(text: str) -> ClientMessage:
    try:
        return CLIENT_MESSAGE.validate_json(text)
    except ValidationError as error:
        kinds = {problem["type"] for problem in error.errors(include_input=False)}
        unknown = kinds & {"union_tag_invalid", "union_tag_not_found"}
        raise BadInput("unknown_type" if unknown else "bad_message") from None


async def room_socket(request: web.Request) -> web.StreamResponse:
    """`/r/{seat}/ws`: exact Origin, and the browser must hold the seat."""
    parts = request.app[PARTS]
    parts.access.same_origin(request)
    seat, device = await parts.access.sitting(request, request.match_info["seat"])
    await parts.reactions.ready(seat.show)
    hub = await parts.hubs.hub(seat.show)
    ws = web.WebSocketResponse(
        heartbeat=HEARTBEAT_S,
        max_msg_size=LARGEST_MESSAGE,
        compress=False,
        timeout=CLOSE_S,
        autoping=False,
    )
    await ws.prepare(request)
    made = RoomSocket(parts, seat, device, hub, ws, language_of(request), request.app[SOCKETS])
    await made.run(request)
    return ws
