"""A command's way to the room's owner and its outcome's way back, over the seam between processes.

Between two owners it waits: what found nobody was surely not carried out, and what has a key changes
nothing the second time.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress

from infra.errors import Conflict, LampioError, Unavailable
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


async def ask(
    commands: Commands,
    find: Callable[[], Awaitable[object]],
    *,
    room: str,
    seat: str,
    command: Command,
    patience_s: float,
) -> int | None:
    """Have the owner carry the command out; the number of its last event, if any.

    `find` takes the room where nobody has it, and raises `Conflict` where another node does.
    """
    key = getattr(command, "key", None)
    body = json.dumps({"seat": seat, "command": command.model_dump(mode="json")})
    loop = asyncio.get_running_loop()
    until = loop.time() + patience_s
    while True:
        with suppress(Conflict):  # another node owns it: the seam finds that one
            await find()
        try:
            reply = await commands.call(
                room,
                body,
                key=None if key is None else f"{seat}:{key}",
                timeout_s=COMMAND_S,
            )
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
            asked = json.loads(body)
            command = CLIENT_MESSAGE.validate_python(asked["command"])
            reply = Reply(seq=await room.perform(asked["seat"], command, key))
        except LampioError as error:
            reply = refused(error)
        except Exception as error:
            _log.exception("command failed", room=room.id)
            reply = refused(error)
        return reply.model_dump_json()

    return handle
