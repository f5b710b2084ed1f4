"""One room: a serial queue in which each command is checked, decided, stored, reduced and told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.bus_local import Fenced
from infra.clock import Clock, to_ms
from infra.errors import BadInput, Forbidden, LampioError, Unavailable, Unknown
from infra.logs import get_logger
from infra.scope import TaskScope
from rooms import air, chat, helping, hosting, together
from rooms.actors import Actor, Decider
from rooms.effects import NOBODY, Act, Because
from rooms.messages import (
    AnswerCompany,
    AskCompany,
    AskHelp,
    Command,
    EndCompany,
    Event,
    HandleHelp,
    HideLine,
    LeaveAir,
    RemoveSeat,
    SetName,
    SetPhase,
    Snapshot,
    TakeAir,
    WriteLine,
)
from rooms.permissions import check
from rooms.phases import Role
from rooms.reading import event_of
from rooms.seats import Seat, Seats, refuse_if_elsewhere, refuse_if_over
from rooms.state import accepted, empty, reduce
from rooms.store import Log

_log = get_logger("rooms.room")

QUEUE_LIMIT = 500
"""Commands that may wait in one room; beyond it the room says that it is busy."""

CLOSE_S = 5.0
"""How long a room may take to finish the command that is under way when it closes."""

HANDLERS: Mapping[type[Command], Decider] = {
    SetName: chat.set_name,
    WriteLine: chat.write,
    HideLine: chat.hide,
    AskHelp: helping.ask,
    HandleHelp: helping.handle,
    SetPhase: hosting.set_phase,
    RemoveSeat: hosting.remove,
    TakeAir: air.take,
    LeaveAir: air.leave,
    AskCompany: together.ask,
    AnswerCompany: together.answer,
    EndCompany: together.end,
}
"""Who decides about which command. What is not here is not the room's (media, applause, hello)."""

AUDITED: Mapping[type[Command], Callable[[Any], str]] = {
    HideLine: lambda command: str(command.line),
    HandleHelp: lambda command: str(command.request),
    SetPhase: lambda command: str(command.phase),
    RemoveSeat: lambda command: str(command.seat),
}
"""A host's acts, and whom or what each is about."""

Told = Callable[[str, int, Event, Snapshot], None]
"""(room, number, event, state after it): called in order, right after the commit."""

News = tuple[str, int, Event, Snapshot]
"""What `Told` is called with."""

Decision = Callable[[Snapshot, int], Sequence[Event]]
"""(state, now in ms) → events: what time or an order decides."""


@dataclass(slots=True)
class _Job:
    work: Callable[[], Awaitable[int | None]]
    outcome: asyncio.Future[int | None]


class Room:
    """The owner's side of one room. `told` hears every event. It closes by itself when another owner has
    taken the room."""

    def __init__(
        self,
        room: str,
        fence: int,
        *,
        log: Log,
        seats: Seats,
        clock: Clock,
        told: Told,
    ) -> None:
        self.id = room
        self.fence = fence
        self.state = empty(room)
        self.seq = 0
        self._log = log
        self._seats = seats
        self._clock = clock
        self._told = told
        self._queue: asyncio.Queue[_Job | None] = asyncio.Queue(QUEUE_LIMIT)
        self._tasks = TaskScope(f"room:{room}")
        self._worker: asyncio.Task[None] | None = None
        self._closed = False
        self._doubtful = False

    @property
    def closed(self) -> bool:
        """Whether it takes no commands any more."""
        return self._closed

    async def open(self, known: int | None = None) -> Sequence[News]:
        """Rebuild the state from the log and begin to work.

        Returns what was written after number `known`: by others, while this node had the room not.
        """
        missed: list[News] = []

        def note(room: str, seq: int, event: Event, state: Snapshot) -> None:
            if known is not None and seq > known:
                missed.append((room, seq, event, state))

        await self._catch_up(note)
        self._worker = self._tasks.spawn(self._work(), name="queue")
        _log.info("room opened", room=self.id, fence=self.fence, seq=self.seq)
        return missed

    async def close(self) -> None:
        """Finish the command under way, refuse those that wait; idempotent."""
        first = not self._closed
        self._closed = True
        if first and self._worker is not None:
            self._refuse_waiting()
            self._queue.put_nowait(None)
            await asyncio.wait({self._worker}, timeout=CLOSE_S)
        await self._tasks.close()
        self._refuse_waiting()
        if first:
            _log.info("room closed", room=self.id, fence=self.fence, seq=self.seq)

    async def perform(
        self, seat: str, command: Command, key: str | None, *, device: str | None
    ) -> int | None:
        """Carry a seat's command out; the number of its last event, None if nothing had to change.

        What the seat is and may do is read from the database, never from who asks, and that the `device`
        holds it; None is the house itself.
        """
        return await self._run(
            lambda: self._once(lambda: self._decided(seat, device, command), key)
        )

    async def decide(
        self, decision: Decision, because: Because = NOBODY, key: str | None = None
    ) -> int | None:
        """Carry out what time or an order decides; no rule is asked."""

        async def decided() -> tuple[Sequence[Event], Because]:
            return decision(self.state, self._now()), because

        return await self._run(lambda: self._once(decided, key))

    # --- the queue ----------------------------------------------------------------------------

    async def _run(self, work: Callable[[], Awaitable[int | None]]) -> int | None:
        if self._closed:
            raise _closed()
        job = _Job(work, asyncio.get_running_loop().create_future())
        try:
            self._queue.put_nowait(job)
        except asyncio.QueueFull:
            raise Unavailable(
                "busy", "too many commands wait", retry_after_s=1, sentence="err_not_now"
            ) from None
        return await job.outcome

    async def _work(self) -> None:
        while (job := await self._queue.get()) is not None:
            if job.outcome.done():  # whoever asked has left before it was begun
                continue
            try:
                if self._doubtful:
                    await self._catch_up(self._told)
                seq = await job.work()
            except asyncio.CancelledError:
                self._settle(
                    job,
                    Unavailable("outcome_unknown", "the room was closed", sentence="err_not_now"),
                )
                raise
            except Exception as error:
                self._settle(job, error)
            else:
                if not job.outcome.done():
                    job.outcome.set_result(seq)

    def _settle(self, job: _Job, error: Exception) -> None:
        if not job.outcome.done():
            job.outcome.set_exception(error)
            job.outcome.exception()  # a caller that left has nobody to retrieve it

    def _refuse_waiting(self) -> None:
        while not self._queue.empty():
            job = self._queue.get_nowait()
            if job is not None:
                self._settle(job, _closed())

    # --- one command --------------------------------------------------------------------------

    async def _once(
        self, decide: Callable[[], Awaitable[tuple[Sequence[Event], Because]]], key: str | None
    ) -> int | None:
        """Decide and commit; a key that was carried out before is answered as it was then.

        That key is looked for where it matters alone: the append looks itself, so only what would be
        refused now, or would change nothing, asks for what came of it before.
        """
        try:
            events, because = await decide()
        except LampioError:
            given = await self._given(key)
            if given is None:
                raise
            return given
        if not events:
            return await self._given(key)
        return await self._commit(events, key, because)

    async def _decided(
        self, seat_id: str, device: str | None, command: Command
    ) -> tuple[Sequence[Event], Because]:
        decide = HANDLERS.get(type(command))
        if decide is None:
            raise BadInput("not_for_room", "this message is not for the room")
        name = str(getattr(command, "type", ""))
        actor = _actor(await self._sitting(seat_id, device))
        company = accepted(self.state, actor.seat)
        check(name, actor.role, self.state.phase, accepted=company)
        if isinstance(command, RemoveSeat):
            await self._removable(command.seat)
        subject = AUDITED.get(type(command))
        because = NOBODY if subject is None else Because((Act(seat_id, name, subject(command)),))
        return decide(self.state, actor, command, self._now()), because

    async def _sitting(self, seat_id: str, device: str | None) -> Seat:
        seat = await self._seat(seat_id)
        refuse_if_over(seat)
        if device is not None:
            refuse_if_elsewhere(seat, device)
        return seat

    async def _removable(self, seat_id: str) -> None:
        if (await self._seat(seat_id)).role is Role.HOST:
            raise Forbidden("host_stays", "hosts are not taken out", sentence="err_not_now")

    async def _seat(self, seat_id: str) -> Seat:
        seat = await self._seats.seat(seat_id)
        if seat.show != self.id:
            raise Unknown("no_seat", "no such seat in this room", sentence="err_no_seat")
        return seat

    async def _given(self, key: str | None) -> int | None:
        if key is None:
            return None
        given = await self._log.given(self.id, key)
        return None if given is None else given[-1]

    async def _commit(self, events: Sequence[Event], key: str | None, because: Because) -> int:
        bodies = [event.model_dump_json() for event in events]
        self._doubtful = True  # until the answer is here, the rows may be written or not
        try:
            numbers = await self._log.append(self.id, self.fence, bodies, key=key, because=because)
        except Fenced:
            self._give_up()
            raise _closed("another owner has taken the room") from None
        if numbers.start != self.seq + 1:
            await self._catch_up(self._told)
        else:
            self._doubtful = False
            for seq, event in zip(numbers, events, strict=True):
                self._take(seq, event, self._told)
        return numbers[-1]

    async def _catch_up(self, told: Told) -> None:
        while rows := await self._log.read(self.id, self.seq):
            for row in rows:
                event = event_of(self.id, row)
                if event is None:
                    self.seq = row.seq
                else:
                    self._take(row.seq, event, told)
        self._doubtful = False

    def _take(self, seq: int, event: Event, told: Told) -> None:
        self.state = reduce(self.state, event)
        self.seq = seq
        told(self.id, seq, event, self.state)

    def _give_up(self) -> None:
        _log.warning("room lost", room=self.id, fence=self.fence, seq=self.seq)
        self._closed = True
        self._refuse_waiting()
        self._queue.put_nowait(None)

    def _now(self) -> int:
        return to_ms(self._clock.now())


def _closed(why: str = "the room is closed") -> Unavailable:
    return Unavailable("no_owner", why, sentence="err_not_now")


def _actor(seat: Seat) -> Actor:
    return Actor(seat.id, seat.role, seat.name, seat.companion_of_seat)
