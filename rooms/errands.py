"""What time and other processes want of rooms, brought to them: due times, orders, revocations.

Each errand is a task of its own, so that one slow or failing room delays no other's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from infra.errors import Conflict, LampioError
from infra.logs import get_logger
from infra.scope import TaskScope
from rooms.actors import OPERATOR
from rooms.effects import DOORS, SILENCE, Act, Because
from rooms.hosting import enter, open_doors, set_phase, take_out
from rooms.listeners import Listeners
from rooms.messages import Event, SetPhase, Snapshot
from rooms.notices import ORDER, Due, Notices, PhaseOrder, Placed, Revocation
from rooms.phases import Phase
from rooms.replies import Reply, refused
from rooms.room import Decision, Room
from rooms.seats import Seats
from rooms.tickets import TicketStatus
from rooms.together import passed_on, silence

_log = get_logger("rooms.errands")


def _archive(state: Snapshot, now: int) -> Sequence[Event]:
    return enter(state, Phase.ARCHIVED, now) if state.phase is Phase.ENDED else ()


ARCHIVED: Decision = _archive
"""An ended show goes into the archive."""


class Errands:
    """`look` is called a few times a second. `revoked` hears (room, seat, reason) of new revocations."""

    def __init__(
        self,
        notices: Notices,
        seats: Seats,
        opened: Callable[[str], Awaitable[Room]],
        tasks: TaskScope,
        revoked: Listeners[Callable[[str, str, str], None]],
    ) -> None:
        self._notices = notices
        self._seats = seats
        self._opened = opened
        self._tasks = tasks
        self._revoked = revoked
        self._under_way: dict[object, asyncio.Task[None]] = {}
        self._known: set[str] = set()
        self._ending = False
        self._looking = asyncio.Lock()

    async def start(self) -> None:
        """What was revoked before has nobody here to cut."""
        self._known = {notice.id for notice in (await self._notices.look()).revocations}

    async def look(self) -> None:
        """See what is new and send it on its way."""
        async with self._looking:
            news = await self._notices.look()
            self._tell(news.revocations)
        for due in news.due:
            self._send(due, partial(self._happen, due), due.room)
        for order in news.orders:
            self._send(order.id, partial(self._carry_out, order), order.room)

    def hurry(self) -> None:
        """A seat was just removed here: its revocation need not wait for the next look."""
        self._send("hurry", self.look, "")

    async def finish(self, within_s: float) -> None:
        """Wait for what is under way; take nothing new."""
        self._ending = True
        if self._under_way:
            await asyncio.wait(list(self._under_way.values()), timeout=within_s)

    def _send(self, what: object, errand: Callable[[], Awaitable[None]], room: str) -> None:
        if what in self._under_way or self._ending:
            return

        async def run() -> None:
            try:
                await errand()
            except Conflict:
                pass  # another node owns the room and does it
            except LampioError as error:
                _log.warning("errand refused", room=room, code=error.code)
            except Exception:
                _log.exception("errand failed", room=room)
            finally:
                del self._under_way[what]

        self._under_way[what] = self._tasks.spawn(run(), name=f"errand:{room}")

    async def _happen(self, due: Due) -> None:
        room = await self._opened(due.room)
        if due.what == DOORS:
            await room.decide(open_doors)
        elif due.what == SILENCE:
            await room.decide(lambda state, now: silence(state, due.ref, now))
        await self._notices.settle(due)

    async def _carry_out(self, placed: Placed) -> None:
        room = await self._opened(placed.room)
        try:
            reply = Reply(seq=await self._obey(room, placed))
        except LampioError as error:
            reply = refused(error)
        except Exception as error:
            _log.exception("order failed", room=placed.room)
            reply = refused(error)
        await self._notices.done(placed.id, reply)

    async def _obey(self, room: Room, placed: Placed) -> int | None:
        order, key = ORDER.validate_json(placed.body), f"order:{placed.id}"
        if isinstance(order, PhaseOrder):
            command = SetPhase(id=0, key=key.replace(":", "-"), phase=order.phase)
            act = Act(OPERATOR.seat, command.type, order.phase)
            return await room.decide(
                lambda state, now: set_phase(state, OPERATOR, command, now), Because((act,)), key
            )
        seats = [seat.id for seat in await self._seats.of_ticket(order.ticket)]
        because = Because(
            (Act(OPERATOR.seat, "ticket.revoke", order.ticket),), TicketStatus.REVOKED
        )
        return await room.decide(lambda state, _: take_out(state, *seats), because, key)

    def _tell(self, found: Sequence[Revocation]) -> None:
        new = [notice for notice in found if notice.id not in self._known]
        self._known = {notice.id for notice in found}
        for notice in new:
            self._revoked.tell(notice.room, notice.seat, notice.reason)
            if notice.reason == "moved":
                self._send(notice.id, partial(self._part, notice), notice.room)

    async def _part(self, notice: Revocation) -> None:
        room = await self._opened(notice.room)
        await room.decide(lambda state, _: passed_on(state, notice.seat))
