"""Who listens to a room at this node: events and transient messages, framed once and written to many.

A hub follows the room's log and keeps the room's state beside it, so that a snapshot and the events
after it always fit together. A listener that reads too slowly is let go; nobody waits for it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from typing import Protocol

from pydantic import BaseModel

from infra.errors import Unavailable
from infra.logs import get_logger
from infra.ports import Bus, Gap, Logged, Presence
from infra.scope import TaskScope
from rooms.messages import (
    Bye,
    CompanyAnswered,
    CompanyAsked,
    CompanyEnded,
    Event,
    LineHidden,
    LineWritten,
    Person,
    PresenceMessage,
    RecordingMessage,
    Snapshot,
    SnapshotMessage,
    StageMessage,
    Waiting,
)
from rooms.phases import Role
from rooms.reading import event_of
from rooms.state import accepted, project, reduce, visible, waiting
from web.frames import event_frame, message_frame, text_frame

log = get_logger("hub")

PRESENCE_EVERY_S = 1.0
PRESENCE_TTL_S = 45.0
AGAIN_S = 0.5
"""After how long a hub begins again what failed."""
KEPT_EVENTS = 500
"""How many past events a hub keeps for those who come back within moments."""
MOST_MISSED_BYTES = 512 * 1024
"""Of what was missed; where it is more, a snapshot is shorter, and no socket is let go for it."""

AUDIENCE = (Role.GUEST, Role.COMPANION)


class Listener(Protocol):
    """One socket of a seat."""

    seat: str
    role: Role
    device: str
    admitted: bool
    """False for a companion without a yes: no event, presence or picture goes there."""

    def write(self, frame: bytes) -> None:
        """Write a prepared frame; a socket that reads too slowly is let go."""
        ...

    def say_bye(self, bye: Bye) -> None:
        """Send the last message and close."""
        ...


class Log(Protocol):
    """What a hub needs of the house."""

    async def whole(self, room: str) -> tuple[int, Snapshot]:
        """The room's number and whole state."""
        ...

    def events(self, room: str, after: int) -> AsyncIterator[Logged]:
        """The room's events, gapless."""
        ...


People = Callable[[str, frozenset[str]], Awaitable[list[Person]]]


class RoomHub:
    """The listeners of one room at this node."""

    def __init__(
        self,
        room: str,
        *,
        house: Log,
        bus: Bus,
        presence: Presence,
        people: People,
        connected: Callable[[str], Iterable[str]],
        now_ms: Callable[[], int],
        node: str,
    ) -> None:
        """`people` lists a room's seats, `connected` those with a media session at this node."""
        self.room = room
        self.stage = StageMessage(state="empty")
        self.recording = RecordingMessage(trouble=None)
        self._house = house
        self._bus = bus
        self._presence = presence
        self._people = people
        self._connected = connected
        self._now_ms = now_ms
        self._node = node
        self._listeners: set[Listener] = set()
        self._tasks = TaskScope(f"hub:{room}")
        self._presence_due = asyncio.Event()
        self._last_presence: tuple[PresenceMessage, PresenceMessage] | None = None
        self._recent: deque[tuple[int, Event, bytes]] = deque(maxlen=KEPT_EVENTS)
        self._recent_from = 0
        self._seq = 0
        self._state: Snapshot | None = None
        self._bye: Bye | None = None

    async def start(self) -> None:
        """Read the room's state and follow its log from there."""
        self._seq, self._state = await self._house.whole(self.room)
        self._recent_from = self._seq
        for work, name in (
            (self._follow, "follow"),
            (self._transient, "transient"),
            (self._tell_presence, "presence"),
        ):
            self._tasks.spawn(self._always(work, name), name=name)

    async def close(self, bye: Bye) -> None:
        """Say goodbye to everybody, to those who come later too, and stop following."""
        self._bye = bye
        for listener in list(self._listeners):
            listener.say_bye(bye)
        await self._tasks.close()

    @property
    def state(self) -> Snapshot:
        """The room's whole state as this node knows it."""
        if self._state is None:
            raise RuntimeError("the hub has not started")
        return self._state

    @property
    def listeners(self) -> int:
        """How many sockets listen here."""
        return len(self._listeners)

    # --- coming and going ---------------------------------------------------------------------

    def join(self, listener: Listener, after: int | None) -> None:
        """Add a listener; it is told the room (or what it missed since `after`) and then all that comes."""
        if self._bye is not None:
            listener.say_bye(self._bye)
            return
        self._listeners.add(listener)
        if listener.role is Role.COMPANION:
            listener.admitted = accepted(self.state, listener.seat)
        if listener.admitted:
            self._bring_up(listener, after)
        else:
            listener.write(message_frame(self._waiting(listener.seat)))

    def leave(self, listener: Listener) -> None:
        """Forget a listener; idempotent."""
        self._listeners.discard(listener)

    def resume(self, listener: Listener, after: int | None) -> None:
        """Tell a listener that is here already what it says it missed."""
        if listener.admitted:
            self._bring_up(listener, after)

    def of_seat(self, seat: str) -> list[Listener]:
        """The sockets of a seat at this node."""
        return [listener for listener in self._listeners if listener.seat == seat]

    async def beat(self, seat: str) -> None:
        """The seat is here; told to the room when that is new."""
        known = await self._presence.present(self.room)
        await self._presence.beat(self.room, seat, self._node, PRESENCE_TTL_S)
        if seat not in known:
            self._presence_due.set()

    async def gone(self, seat: str) -> None:
        """The seat has left this node."""
        await self._presence.leave(self.room, seat, self._node)
        self._presence_due.set()

    # --- telling ------------------------------------------------------------------------------

    def tell(self, message: BaseModel) -> None:
        """A transient message to everybody who is admitted."""
        frame = message_frame(message)
        for listener in self._admitted():
            listener.write(frame)

    def tell_seat(self, seat: str, message: BaseModel) -> None:
        """A message to one seat's sockets."""
        for listener in self.of_seat(seat):
            listener.write(message_frame(message))

    def set_stage(self, stage: StageMessage) -> None:
        """What the hall sees has changed."""
        if stage != self.stage:
            self.stage = stage
            self.tell(stage)

    def set_recording(self, recording: RecordingMessage) -> None:
        """What hosts have to know of the recording has changed."""
        if recording != self.recording:
            self.recording = recording
            frame = message_frame(recording)
            for listener in self._admitted():
                if listener.role is Role.HOST:
                    listener.write(frame)

    def dismiss(self, seat: str, bye: Bye) -> None:
        """End a seat's sockets with a last word."""
        for listener in self.of_seat(seat):
            listener.say_bye(bye)

    # --- inside ---------------------------------------------------------------------------------

    def _admitted(self) -> Iterator[Listener]:
        return (listener for listener in list(self._listeners) if listener.admitted)

    def _bring_up(self, listener: Listener, after: int | None) -> None:
        missed = self._missed(listener, after)
        if missed is not None:
            for frame in missed:
                listener.write(frame)
        else:
            listener.write(message_frame(self._snapshot(listener)))
        listener.write(message_frame(self.stage))
        if listener.role is Role.HOST:
            listener.write(message_frame(self.recording))
        if self._last_presence is not None:
            for_all, for_hosts = self._last_presence
            listener.write(message_frame(for_hosts if listener.role is Role.HOST else for_all))

    def _missed(self, listener: Listener, after: int | None) -> list[bytes] | None:
        """The events since `after`; None where a snapshot is what helps."""
        if after is None or not self._recent_from <= after <= self._seq:
            return None
        missed = [
            frame
            for seq, event, frame in self._recent
            if seq > after and visible(event, self.state, listener.seat, listener.role)
        ]
        return missed if sum(map(len, missed)) <= MOST_MISSED_BYTES else None

    def _snapshot(self, listener: Listener) -> SnapshotMessage:
        return SnapshotMessage(
            seq=self._seq,
            now=self._now_ms(),
            you=listener.seat,
            role=listener.role,
            state=project(self.state, listener.seat, listener.role),
        )

    def _waiting(self, seat: str) -> Waiting:
        return waiting(self.state, seat, self._now_ms())

    async def _always(self, work: Callable[[], Awaitable[None]], name: str) -> None:
        """Begin again what failed (a database that was away, say): nobody is left behind for good."""
        while True:
            try:
                await work()
            except Exception:
                log.exception("hub failed", room=self.room, task=name)
            await asyncio.sleep(AGAIN_S)

    async def _follow(self) -> None:
        async for logged in self._house.events(self.room, self._seq):
            event = event_of(self.room, logged)
            self._seq = logged.seq
            if event is None:
                continue
            self._state = reduce(self.state, event)
            # As we understood it, not as the row spells it: pages read what the snapshot is made of.
            frame = event_frame(logged.seq, event.model_dump_json())
            if len(self._recent) == KEPT_EVENTS:
                self._recent_from = self._recent[0][0]
            self._recent.append((logged.seq, event, frame))
            if isinstance(event, LineHidden):
                self._forget_words(event.line)
            for listener in self._admitted():
                if visible(event, self.state, listener.seat, listener.role):
                    listener.write(frame)
            if isinstance(event, CompanyAsked | CompanyAnswered | CompanyEnded):
                self._company_changed(event.companion)

    def _forget_words(self, line: int) -> None:
        """A hidden line's words are told to nobody any more, who catches up included."""
        for index, (seq, event, _) in enumerate(self._recent):
            if isinstance(event, LineWritten) and event.line == line:
                bare = event.model_copy(update={"text": ""})
                self._recent[index] = (seq, bare, event_frame(seq, bare.model_dump_json()))

    async def _beat_all(self) -> None:
        """Who has a socket or a media session here is here; a beat that stays out ends presence."""
        seats = {listener.seat for listener in self._listeners} | set(self._connected(self.room))
        for seat in seats:
            await self._presence.beat(self.room, seat, self._node, PRESENCE_TTL_S)

    def _company_changed(self, companion: str) -> None:
        admitted = accepted(self.state, companion)
        for listener in self.of_seat(companion):
            was, listener.admitted = listener.admitted, admitted
            if admitted and not was:
                self._bring_up(listener, None)
            elif not admitted:
                listener.write(message_frame(self._waiting(companion)))
        self._presence_due.set()

    async def _transient(self) -> None:
        async for hint in self._bus.subscribe(f"room/{self.room}/transient"):
            if not isinstance(hint, Gap):
                frame = text_frame(hint.body.encode())
                for listener in self._admitted():
                    listener.write(frame)

    async def _tell_presence(self) -> None:
        while True:
            # Not `wait_for`: in Python 3.11 it may swallow the end of this task.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PRESENCE_TTL_S / 2):
                    await self._presence_due.wait()
            self._presence_due.clear()
            await self._beat_all()
            people = await self._people(self.room, await self._presence.present(self.room))
            heads = sum(
                p.here and (p.role is Role.GUEST or accepted(self.state, p.seat))
                for p in people
                if p.role in AUDIENCE
            )
            for_all = PresenceMessage(heads=heads)
            for_hosts = PresenceMessage(heads=heads, people=tuple(people))
            if self._last_presence != (for_all, for_hosts):
                self._last_presence = (for_all, for_hosts)
                plain, whole = message_frame(for_all), message_frame(for_hosts)
                for listener in self._admitted():
                    listener.write(whole if listener.role is Role.HOST else plain)
            await asyncio.sleep(PRESENCE_EVERY_S)


class Hubs:
    """The hubs of this node, made when the first listener of a room comes."""

    def __init__(self, make: Callable[[str], RoomHub]) -> None:
        self._make = make
        self._hubs: dict[str, asyncio.Task[RoomHub]] = {}
        self._standing: dict[str, RoomHub] = {}
        self._tasks = TaskScope("hubs")

    async def hub(self, room: str) -> RoomHub:
        """The room's hub, started; a failed start is tried anew by the next caller.

        Raises `Unavailable` once the house closes.
        """
        if self._tasks.closed:
            raise Unavailable("closing", sentence="err_not_now")
        task = self._hubs.get(room)
        if task is None or (task.done() and task.exception() is not None):
            task = self._tasks.spawn(self._start(room), name=f"start:{room}")
            self._hubs[room] = task
        return await asyncio.shield(task)

    def known(self, room: str) -> RoomHub | None:
        """The room's hub if it stands already."""
        return self._standing.get(room)

    def all(self) -> tuple[RoomHub, ...]:
        """The hubs that stand."""
        return tuple(self._standing.values())

    async def close(self, bye: Bye) -> None:
        """Close every hub with this last word; idempotent."""
        await self._tasks.close()  # none begins any more
        standing, self._standing = list(self._standing.values()), {}
        for hub in standing:
            await hub.close(bye)

    async def _start(self, room: str) -> RoomHub:
        hub = self._make(room)
        await hub.start()
        self._standing[room] = hub
        return hub
