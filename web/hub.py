"""Who listens to a room at this node: events and transient messages, framed once and written to many.

A hub follows the room's log and keeps the room's state beside it, so that a snapshot and the events
after it always fit together. A listener that reads too slowly is let go; nobody waits for it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from typing import Protocol

from pydantic import BaseModel, ValidationError

from infra.logs import get_logger
from infra.ports import Bus, Gap, Logged, Message, Presence
from infra.scope import TaskScope
from rooms.messages import (
    ApplauseMessage,
    Bye,
    CompanyAnswered,
    CompanyAsked,
    CompanyEnded,
    MediaEnded,
    Person,
    PresenceMessage,
    Snapshot,
    SnapshotMessage,
    StageMessage,
    Waiting,
)
from rooms.phases import Role
from rooms.reading import event_of
from rooms.state import accepted, project, reduce, visible, waiting
from web.frames import event_frame, message_frame
from web.presence import People, RoomPresence
from web.recent import Recent
from web.voice import Standing, ToSeat, topics

log = get_logger("hub")

AGAIN_S = 0.5
"""After how long a hub begins again what failed."""
LONGEST_TRANSIENT = 256
"""Characters of a transient message for the hall: applause is the only one."""
SESSIONS_KEPT = 3
"""Of a seat: those that its page may still be using."""

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
        standing: Callable[[str], Awaitable[Standing]],
        now_ms: Callable[[], int],
        node: str,
    ) -> None:
        """`people` lists a room's seats, `connected` those with a media session at this node;
        `standing` asks the room's owner how things stand."""
        self.room = room
        self._standing = Standing()
        self._house = house
        self._bus = bus
        self._connected = connected
        self._ask_standing = standing
        self._now_ms = now_ms
        self._node = node
        self._listeners: set[Listener] = set()
        self._tasks = TaskScope(f"hub:{room}")
        self._topics = topics(room)
        self._presence = RoomPresence(
            room,
            presence=presence,
            bus=bus,
            topic=self._topics["presence"],
            people=people,
            here=self._here,
            told=self._tell_people,
            node=node,
        )
        self._sessions: dict[str, deque[str]] = {}
        self._last_presence: tuple[PresenceMessage, PresenceMessage] | None = None
        self._recent = Recent(0)
        self._seq = 0
        self._state: Snapshot | None = None
        self._bye: Bye | None = None

    async def start(self) -> None:
        """Read the room's state and follow its log from there."""
        self._seq, self._state = await self._house.whole(self.room)
        self._recent = Recent(self._seq)
        for work, name in (
            (self._follow, "follow"),
            (self._hear, "hear"),
            (self._presence.run, "presence"),
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
    def stage(self) -> StageMessage:
        """What the hall sees."""
        return self._standing.stage

    @property
    def listeners(self) -> int:
        """How many sockets listen here."""
        return len(self._listeners)

    @property
    def deserted(self) -> bool:
        """Whether nobody is here, neither with a socket nor for media."""
        return not self._here()

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
            self._write(listener, message_frame(self._waiting(listener.seat)))

    def leave(self, listener: Listener) -> None:
        """Forget a listener; idempotent."""
        self._listeners.discard(listener)
        if not self.of_seat(listener.seat):
            self._sessions.pop(listener.seat, None)

    def resume(self, listener: Listener, after: int | None) -> None:
        """Tell a listener that is here already what it says it missed."""
        if listener.admitted:
            self._bring_up(listener, after)

    def of_seat(self, seat: str) -> list[Listener]:
        """The sockets of a seat at this node."""
        return [listener for listener in self._listeners if listener.seat == seat]

    async def beat(self, seat: str) -> None:
        """The seat is here; told to the room when that is new."""
        await self._presence.beat(seat)

    async def gone(self, seat: str) -> None:
        """The seat has left this node."""
        await self._presence.gone(seat)

    async def make_way(self, seat: str, bye: Bye) -> None:
        """End the seat's sockets, at other nodes too: the next one takes their place."""
        self.dismiss(seat, bye)
        note = ToSeat(node=self._node, seat=seat, word=bye)
        await self._bus.publish(self._topics["seat"], note.model_dump_json())

    def carried(self, seat: str, session: str) -> None:
        """A media session was made for the seat by the owner; told to have ended when the owner has."""
        self._sessions.setdefault(seat, deque(maxlen=SESSIONS_KEPT)).append(session)

    # --- telling ------------------------------------------------------------------------------

    def tell_seat(self, seat: str, message: BaseModel) -> None:
        """A message to one seat's sockets."""
        for listener in self.of_seat(seat):
            self._write(listener, message_frame(message))

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
                self._write(listener, frame)
        else:
            self._write(listener, message_frame(self._snapshot(listener)))
        self._write(listener, message_frame(self._standing.stage))
        if listener.role is Role.HOST:
            self._write(listener, message_frame(self._standing.recording))
        if self._last_presence is not None:
            for_all, for_hosts = self._last_presence
            self._write(
                listener, message_frame(for_hosts if listener.role is Role.HOST else for_all)
            )

    def _missed(self, listener: Listener, after: int | None) -> list[bytes] | None:
        if after is None or after > self._seq:
            return None
        state = self.state
        return self._recent.missed(
            after, lambda event: visible(event, state, listener.seat, listener.role)
        )

    def _write(self, listener: Listener, frame: bytes) -> None:
        """Write to one; who cannot be written to is no listener any more, and no harm to the next."""
        try:
            listener.write(frame)
        except Exception:
            log.exception("listener failed", room=self.room, seat=listener.seat)
            self._listeners.discard(listener)

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
        told = ""
        while self._bye is None:
            try:
                await work()
            except Exception as error:
                if told != type(error).__name__:  # told once, not at each attempt while it lasts
                    log.exception("hub failed", room=self.room, task=name)
                told = type(error).__name__
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
            self._recent.add(logged.seq, event, frame)
            for listener in self._admitted():
                if visible(event, self.state, listener.seat, listener.role):
                    self._write(listener, frame)
            if isinstance(event, CompanyAsked | CompanyAnswered | CompanyEnded):
                self._company_changed(event.companion)

    def _company_changed(self, companion: str) -> None:
        admitted = accepted(self.state, companion)
        for listener in self.of_seat(companion):
            was, listener.admitted = listener.admitted, admitted
            if admitted and not was:
                self._bring_up(listener, None)
            elif not admitted:
                self._write(listener, message_frame(self._waiting(companion)))
        self._presence.look()

    # --- what other nodes say -------------------------------------------------------------------

    async def _hear(self) -> None:
        hints = self._bus.subscribe(*self._topics.values())
        self._stand(await self._ask_standing(self.room))
        async for hint in hints:
            if isinstance(hint, Gap):
                self._presence.look()
                self._stand(await self._ask_standing(self.room))
                continue
            try:
                self._take(hint)
            except ValidationError:
                log.warning("hint not understood", room=self.room)

    def _take(self, hint: Message) -> None:
        if hint.topic == self._topics["transient"]:
            if len(hint.body) > LONGEST_TRANSIENT:
                log.warning("hint not understood", room=self.room)
                return
            self._write_all(message_frame(ApplauseMessage.model_validate_json(hint.body)))
        elif hint.topic == self._topics["presence"]:
            self._presence.look()
        elif hint.topic == self._topics["standing"]:
            self._stand(Standing.model_validate_json(hint.body))
        else:
            note = ToSeat.model_validate_json(hint.body)
            if not isinstance(note.word, Bye):
                self.tell_seat(note.seat, note.word)
            elif note.node != self._node:
                self.dismiss(note.seat, note.word)

    def _stand(self, now: Standing) -> None:
        """How things stand, if that is news."""
        before = self._standing
        if not now.after(before):
            return
        self._standing = now
        if before.fence and now.fence != before.fence:
            # What the owner before had made is gone with it: pages need not find out by themselves.
            lost, self._sessions = self._sessions, {}
            for seat, sessions in lost.items():
                for session in sessions:
                    self.tell_seat(seat, MediaEnded(session=session, reason="vanished"))
        if now.stage != before.stage:
            self._write_all(message_frame(now.stage))
        if now.recording != before.recording:
            frame = message_frame(now.recording)
            for listener in self._admitted():
                if listener.role is Role.HOST:
                    self._write(listener, frame)

    def _write_all(self, frame: bytes) -> None:
        for listener in self._admitted():
            self._write(listener, frame)

    # --- who is here ------------------------------------------------------------------------------

    def _here(self) -> set[str]:
        return {listener.seat for listener in self._listeners} | set(self._connected(self.room))

    def _tell_people(self, people: list[Person]) -> None:
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
                self._write(listener, whole if listener.role is Role.HOST else plain)
