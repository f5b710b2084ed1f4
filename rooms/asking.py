"""A command's way to the room's owner and its outcome's way back, over the seam between processes.

Between two owners it waits: what found nobody was surely not carried out, and what has a key changes
nothing the second time. Over the seam each command names the device that asks: whoever can speak there
acts for no seat whose device it does not know, and a device that the seat left acts no more, though its node
has not heard of that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from infra.errors import BadInput, Conflict, LampioError, Unavailable
from infra.logs import get_logger
from infra.ports import Commands
from rooms.messages import CLIENT_MESSAGE, Command
from rooms.replies import Reply, refused
from rooms.room import Room

COMMAND_S = 10.0
"""How long a command's outcome is waited for."""

AGAIN_S = 0.25
"""After how long a command that found no owner looks for one again."""

_log = get_logger("rooms.asking")


class Asked(BaseModel):
    """A seat's command on its way to the owner."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    seat: str
    device: str = Field(min_length=1)
    command: dict[str, Any]


async def ask(
    commands: Commands,
    find: Callable[[], Awaitable[Room]],
    *,
    room: str,
    seat: str,
    device: str | None,
    command: Command,
    patience_s: float,
) -> int | None:
    """Have the owner carry the command out; the number of its last event, if any.

    `find` takes the room where nobody has it, and raises `Conflict` where another node does. Without a
    `device` the command is this house's own: carried out where the room is here, else `no_owner`.
    """
    key = getattr(command, "key", None)
    own = None if key is None else f"{seat}:{key}"
    loop = asyncio.get_running_loop()
    until = loop.time() + patience_s
    while True:
        here: Room | None = None
        with suppress(Conflict):  # another node owns it: the seam finds that one
            here = await find()
        try:
            if device is None:
                return (await _done(_open(here), seat, None, command, own)).outcome()
            asked = Asked(seat=seat, device=device, command=command.model_dump(mode="json"))
            reply = await commands.call(room, asked.model_dump_json(), key=own, timeout_s=COMMAND_S)
            return Reply.model_validate_json(reply).outcome()
        except Unavailable as error:
            again = error.code == "no_owner" or (error.code == "outcome_unknown" and key)
            if not again or loop.time() + AGAIN_S > until:
                raise
        await asyncio.sleep(AGAIN_S)


def answering(room: Room) -> Callable[[str, str | None], Awaitable[str]]:
    """What the owner does with a command that comes over the seam."""

    async def handle(body: str, key: str | None) -> str:
        try:
            asked = Asked.model_validate_json(body)
            command = CLIENT_MESSAGE.validate_python(asked.command)
        except ValidationError:
            reply = refused(BadInput("bad_command", "no command of a seat and its device"))
        else:
            reply = await _done(room, asked.seat, asked.device, command, key)
        return reply.model_dump_json()

    return handle


def _open(room: Room | None) -> Room:
    if room is None:
        raise Unavailable("no_owner", "the room is not here", sentence="err_not_now")
    return room


async def _done(
    room: Room, seat: str, device: str | None, command: Command, key: str | None
) -> Reply:
    try:
        return Reply(seq=await room.perform(seat, command, key, device=device))
    except LampioError as error:
        return refused(error)
    except Exception as error:
        _log.exception("command failed", room=room.id)
        return refused(error)
