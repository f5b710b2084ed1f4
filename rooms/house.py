"""Which rooms live in this process: lease, open, find, close; time and orders brought to them.

One failing room, order or listener touches no other. Everything that must survive is a row; what is
here is rebuilt from rows on whichever node asks next.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from weakref import WeakValueDictionary

from infra.bus_local import LocalBus, LocalCommands, LocalLeases
from infra.clock import Clock
from infra.database import Database
from infra.errors import Conflict, LampioError, Unavailable
from infra.logs import get_logger
from infra.ports import Bus, Commands, Lease, Leases, Logged
from infra.scope import TaskScope
from rooms.actors import Actor
from rooms.asking import answering, ask
from rooms.clapping import Clapping
from rooms.errands import ARCHIVED, Errands
from rooms.followed import Followed
from rooms.listeners import Listeners
from rooms.messages import Command, Event, Snapshot
from rooms.nodes import FREED, Nodes
from rooms.notices import Notices
from rooms.phases import RUNNING, Phase, Role
from rooms.room import CLOSE_S, Room
from rooms.rounds import Rounds
from rooms.seats import Seats
from rooms.state import project
from rooms.store import Log, Owner, Owners

__all__ = ["Actor", "House", "alone"]

_log = get_logger("rooms.house")

ADOPTED = RUNNING | {Phase.ENDED}
"""Phases in which a room must have an owner though nobody asks: media comes in, or its takes go into
the archive."""

EventListener = Callable[[str, int, Event, Snapshot], None]
RevocationListener = Callable[[str, str, str], None]
OwnershipListener = Callable[[str, int | None], None]


class House:
    """The rooms of one node. `await start()`, `await close()`; the database outlives it."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        bus: Bus,
        commands: Commands,
        node: str,
        url: str = "",
        leases: Leases | None = None,
        adopt: bool = True,
        look_s: float = 0.25,
        beat_s: float = 2.0,
        patience_s: float = 12.0,
    ) -> None:
        """`node` names this process; a stable name takes its rooms back at once after a crash. `url` is
        where clients reach exactly this process. With `adopt` it opens the rooms that run by itself,
        else only those that are asked for. `look_s` and `beat_s` are how often rows are looked at and
        the node's life is told; `patience_s` how long a command waits for a room between two owners."""
        self._clock = clock
        self._bus = bus
        self._commands = commands
        owners = Owners(database)
        self._nodes = Nodes(owners, bus, clock, node, url)
        self._leases = leases or LocalLeases(owners.claim)
        self._log = Log(database, bus, clock)
        self._seats = Seats(database, clock)
        self._adopt = adopt
        self._look_s = look_s
        self._beat_s = beat_s
        self._patience_s = patience_s
        self._rooms: dict[str, tuple[Room, Lease, Callable[[], None]]] = {}
        self._heard: dict[str, int] = {}  # what listeners know of a room, kept while others have it
        self._opening: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._tasks = TaskScope("house")
        self._rounds = Rounds(self._tasks, node)
        self._closed = False
        self._followed = Followed(self._log)
        self._clapping = Clapping(bus, clock, self.has)
        self._listeners: Listeners[EventListener] = Listeners("events")
        self._revoked: Listeners[RevocationListener] = Listeners("revocations")
        self._owned: Listeners[OwnershipListener] = Listeners("ownership")
        self._errands = Errands(
            Notices(database, clock), self._seats, self.open, self._tasks, self._revoked
        )

    # --- life ---------------------------------------------------------------------------------

    async def start(self) -> None:
        """Tell that this node lives, open the rooms that run, begin to look at rows."""
        await self._nodes.beat()
        await self._errands.start()
        await self._adopt_free()
        self._rounds.always(self._hear_freed, "freed")
        self._rounds.always(self._clapping.hear, "claps")
        self._rounds.every(self._beat_s, self._beat, "beat")
        self._rounds.every(self._look_s, self._errands.look, "look")
        self._rounds.every(self._look_s, self._clapping.tell, "applause")

    async def close(self) -> None:
        """Finish what is under way, give all rooms back; idempotent."""
        if self._closed:
            return
        self._closed = True
        await self._rounds.stop(CLOSE_S)
        await self._errands.finish(CLOSE_S)
        await self._tasks.close()
        rooms = {*self._rooms, *self._opening}
        ends = await asyncio.gather(*map(self._shut, rooms), return_exceptions=True)
        for error in filter(None, ends):
            _log.warning("room not closed", error=type(error).__name__)
        await self._nodes.leave()

    async def open(self, room: str) -> Room:
        """The room, taken over and rebuilt from its log if it is not open here.

        Raises `Unknown` without such a room, `Conflict` (`held`) where another living node owns it.
        """
        held = self._rooms.get(room)
        if held is not None and not held[0].closed:
            return held[0]
        if self._nodes.is_elsewhere(room):
            raise _held()
        async with self._lock(room):
            held = self._rooms.get(room)
            if held is not None and not held[0].closed:
                return held[0]
            if self._closed:
                raise Unavailable("no_owner", "the house is closed", sentence="err_not_now")
            return await self._take_over(room)

    async def close_room(self, room: str) -> None:
        """Close the room here and free it for others; idempotent."""
        held = self._rooms.pop(room, None)
        if held is None:
            return
        opened, lease, end_serving = held
        end_serving()
        if not self._closed:  # a house that closes is taken down in its own order
            self._owned.tell(room, None)
        await opened.close()
        await self._leases.release(lease)
        await self._nodes.release(room, lease.fence)

    async def let_go(self, room: str) -> None:
        """Nobody here asks for the room any more: nothing of it stays in memory."""
        await self.close_room(room)
        self._followed.forget(room)
        self._clapping.forget(room)
        self._heard.pop(room, None)

    # --- what happens -------------------------------------------------------------------------

    async def submit(self, actor: Actor, room: str, command: Command) -> int | None:
        """Have the room's owner carry the command out; the number of its last event, if any.

        Only the actor's seat and device count: what they are and may do, the owner reads from the database.
        Raises the errors of `infra.errors`.
        """
        return await ask(
            self._commands,
            lambda: self.open(room),
            room=room,
            seat=actor.seat,
            device=actor.device,
            command=command,
            patience_s=self._patience_s,
        )

    def applaud(self, room: str, seat: str, claps: int) -> None:
        """Count claps; the hall hears of them within a second or so, at most once a second."""
        self._clapping.clap(room, seat, claps)

    async def archived(self, room: str) -> None:
        """The recording is made: an ended show goes into the archive. Others stay as they are."""
        await (await self.open(room)).decide(ARCHIVED)

    # --- what is ------------------------------------------------------------------------------

    @property
    def urls(self) -> frozenset[str]:
        """Where clients reach each of the nodes that lived within a day."""
        return self._nodes.urls

    async def here(self, room: str) -> bool:
        """Whether this node has the room; one that nobody who lives has is taken. Raises `Unknown`."""
        try:
            await self.open(room)
        except Conflict:
            return False
        return True

    def has(self, room: str) -> bool:
        """Whether this node has the room at this moment; nothing is taken."""
        held = self._rooms.get(room)
        return held is not None and not held[0].closed

    async def elsewhere(self, room: str) -> Owner | None:
        """Which other node has the room, None where it is this one.

        Raises `Unknown` without such a room, `Unavailable` (`no_owner`) between two owners.
        """
        if await self.here(room):
            return None
        owner = await self._nodes.owner(room)
        if owner is None or owner.node == self._nodes.node:
            raise Unavailable("no_owner", sentence="err_not_now", retry_after_s=1)
        return owner

    async def whole(self, room: str) -> tuple[int, Snapshot]:
        """The number of the last event and the whole state, from here or from the log."""
        try:
            opened = await self.open(room)
        except Conflict:
            return await self._followed.whole(room)
        return opened.seq, opened.state

    async def snapshot(self, room: str, seat: str, role: Role) -> tuple[int, Snapshot]:
        """As `whole`, for one viewer. Raises `Forbidden` (`no_company`), see `rooms.state.project`."""
        seq, state = await self.whole(room)
        return seq, project(state, seat, role)

    def state(self, room: str) -> Snapshot:
        """The whole state of a room that is open here. Raises `Unavailable` for others."""
        return self._here(room).state

    def fence(self, room: str) -> int:
        """The fence with which this node owns the room. Raises `Unavailable` where it does not."""
        return self._here(room).fence

    async def rooms_running(self) -> list[str]:
        """Rooms of this node in which media may come in."""
        return sorted(r.id for r, _, _ in self._rooms.values() if r.state.phase in RUNNING)

    def last_event(self, room: str) -> int:
        """The number of the last event of a room that is open here."""
        return self._here(room).seq

    def rooms(self) -> dict[str, Phase]:
        """The rooms that this node has, with their phases."""
        return {room: opened.state.phase for room, (opened, _, _) in self._rooms.items()}

    def events(self, room: str, after: int) -> AsyncIterator[Logged]:
        """The room's events above `after`, gapless, on any node."""
        return self._log.follow(room, after)

    def subscribe(self, listener: EventListener) -> Callable[[], None]:
        """Hear (room, number, event, state after) in order, right after each commit of this node; what
        others wrote while they had the room is told when it is taken back.

        Returns the end of it. A failing listener is logged and breaks nothing.
        """
        return self._listeners.add(listener)

    def subscribe_revocations(self, listener: RevocationListener) -> Callable[[], None]:
        """Hear (room, seat, reason) within half a second, whichever process ended the right."""
        return self._revoked.add(listener)

    def subscribe_ownership(self, listener: OwnershipListener) -> Callable[[], None]:
        """Hear (room, fence) when this node has taken a room, (room, None) when it has it no more."""
        return self._owned.add(listener)

    # --- inside -------------------------------------------------------------------------------

    def _lock(self, room: str) -> asyncio.Lock:
        """Held while a room is opened; one that nobody holds or waits for is forgotten."""
        return self._opening.setdefault(room, asyncio.Lock())

    async def _shut(self, room: str) -> None:
        async with self._lock(room):  # one that is being opened is closed right after
            await self.close_room(room)

    def _here(self, room: str) -> Room:
        held = self._rooms.get(room)
        if held is None:
            raise Unavailable("no_owner", "the room is not open here", sentence="err_not_now")
        return held[0]

    async def _take_over(self, room: str) -> Room:
        await self.close_room(room)  # what is left of one that another owner took
        try:
            lease = await self._leases.acquire(room, self._nodes.node)
        except Conflict:
            lease = None
        if lease is None:
            self._nodes.note_elsewhere(room)
            raise _held()
        opened = Room(
            room,
            lease.fence,
            log=self._log,
            seats=self._seats,
            clock=self._clock,
            told=self._tell,
        )
        try:
            missed = await opened.open(self._heard.get(room))
        except BaseException:
            await opened.close()
            await self._leases.release(lease)
            await self._nodes.release(room, lease.fence)
            raise
        end_serving = self._commands.serve(room, lease.fence, answering(opened))
        self._rooms[room] = (opened, lease, end_serving)
        self._heard[room] = opened.seq
        self._followed.forget(room)
        self._owned.tell(room, lease.fence)
        for news in missed:
            self._tell(*news)
        return opened

    def _tell(self, room: str, seq: int, event: Event, state: Snapshot) -> None:
        self._heard[room] = max(seq, self._heard.get(room, 0))
        self._listeners.tell(room, seq, event, state)
        if event.type == "seat.removed":
            self._errands.hurry()

    async def _beat(self) -> None:
        try:
            fences = await self._nodes.beat()
        except Exception:
            if self._nodes.silent:
                await self._close_but({})
            raise
        await self._close_but(fences)
        await self._adopt_free()

    async def _close_but(self, fences: Mapping[str, int]) -> None:
        """Close the rooms that this node does not own any more."""
        for room, (opened, _, _) in list(self._rooms.items()):
            if opened.closed or fences.get(room) != opened.fence:
                await self.close_room(room)

    async def _adopt_free(self) -> None:
        """Rooms that must have an owner and that nobody who lives owns: after a crash, say."""
        for room in await self._nodes.free(ADOPTED) if self._adopt else ():
            try:
                await self.open(room)
            except Conflict:
                continue
            except LampioError as error:
                _log.warning("room not opened", room=room, code=error.code)
            except Exception:
                _log.exception("room not opened", room=room)

    async def _hear_freed(self) -> None:
        """Another node gave rooms back: they need not wait for the next beat."""
        async for _ in self._bus.subscribe(FREED):
            self._nodes.forget_elsewhere()
            await self._adopt_free()


def _held() -> Conflict:
    return Conflict("held", "another node owns the room", sentence="err_not_now")


def alone(database: Database, clock: Clock, node: str) -> House:
    """A house for one errand, with nobody beside it in its process."""
    return House(
        database=database,
        clock=clock,
        bus=LocalBus(),
        commands=LocalCommands(),
        node=node,
        adopt=False,
    )
