"""Which rooms live in this process: lease, open, find, close; time and orders brought to them.

One failing room, order or listener touches no other. Everything that must survive is a row; what is
here is rebuilt from rows on whichever node asks next.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

from infra.bus_local import LocalBus, LocalCommands, LocalLeases
from infra.clock import Clock
from infra.database import Database
from infra.errors import Conflict, LampioError, Unavailable
from infra.logs import get_logger
from infra.ports import Bus, Commands, Lease, Leases, Logged
from infra.scope import TaskScope
from rooms.actors import Actor
from rooms.applause import Applause
from rooms.errands import ARCHIVED, Errands
from rooms.listeners import Listeners
from rooms.messages import CLIENT_MESSAGE, EVENT, Command, Event, Snapshot
from rooms.notices import Notices
from rooms.phases import RUNNING, Phase, Role
from rooms.replies import Reply, refused
from rooms.room import CLOSE_S, Room
from rooms.seats import Seats
from rooms.state import empty, project, reduce
from rooms.store import Log, Owners

__all__ = ["Actor", "House", "alone"]

_log = get_logger("rooms.house")

COMMAND_S = 10.0
"""How long a command's outcome is waited for."""

STOP_MS = 7_000
"""A node that could not beat for this long stops by its own clock, before others take over."""

EventListener = Callable[[str, int, Event, Snapshot], None]
RevocationListener = Callable[[str, str, str], None]


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
        leases: Leases | None = None,
        adopt: bool = True,
        look_s: float = 0.25,
        beat_s: float = 2.0,
    ) -> None:
        """`node` names this process; a stable name takes its rooms back at once after a crash.
        With `adopt` it opens the rooms that run by itself, else only those that are asked for.
        `look_s` and `beat_s` are how often rows are looked at and the node's life is told."""
        self._clock = clock
        self._bus = bus
        self._commands = commands
        self._node = node
        self._owners = Owners(database, clock)
        self._leases = leases or LocalLeases(self._owners.claim)
        self._log = Log(database, bus, clock)
        self._seats = Seats(database, clock)
        self._adopt = adopt
        self._look_s = look_s
        self._beat_s = beat_s
        self._rooms: dict[str, tuple[Room, Lease, Callable[[], None]]] = {}
        self._heard: dict[str, int] = {}  # what listeners know of a room, kept while others have it
        self._opening = asyncio.Lock()
        self._tasks = TaskScope("house")
        self._steps: list[asyncio.Task[None]] = []
        self._stop = asyncio.Event()
        self._closed = False
        self._beaten_ms = clock.monotonic_ms()
        self._applause: dict[str, Applause] = {}
        self._listeners: Listeners[EventListener] = Listeners("events")
        self._revoked: Listeners[RevocationListener] = Listeners("revocations")
        self._errands = Errands(
            Notices(database, clock), self._seats, self.open, self._tasks, self._revoked
        )

    # --- life ---------------------------------------------------------------------------------

    async def start(self) -> None:
        """Tell that this node lives, open the rooms that run, begin to look at rows."""
        await self._owners.beat(self._node)
        self._beaten_ms = self._clock.monotonic_ms()
        await self._errands.start()
        await self._open_running()
        self._steps = [
            self._tasks.spawn(self._every(seconds, step), name=name)
            for name, seconds, step in (
                ("beat", self._beat_s, self._beat),
                ("look", self._look_s, self._errands.look),
                ("applause", self._look_s, self._tell_applause),
            )
        ]

    async def close(self) -> None:
        """Finish what is under way, give all rooms back; idempotent."""
        if self._closed:
            return
        self._closed = True
        # Not cancelled at first: a step that writes is let finish rather than broken off.
        self._stop.set()
        if self._steps:
            await asyncio.wait(self._steps, timeout=CLOSE_S)
        await self._errands.finish(CLOSE_S)
        await self._tasks.close()
        async with self._opening:
            for room in list(self._rooms):
                await self.close_room(room)
        await self._owners.leave(self._node)

    async def open(self, room: str) -> Room:
        """The room, taken over and rebuilt from its log if it is not open here.

        Raises `Unknown` without such a room, `Conflict` (`held`) where another living node owns it.
        """
        held = self._rooms.get(room)
        if held is not None and not held[0].closed:
            return held[0]
        async with self._opening:
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
        await opened.close()
        await self._leases.release(lease)
        try:
            await self._owners.release(room, self._node, lease.fence)
        except Exception as error:  # the room comes free when this node's beat is old
            _log.warning("room not released", room=room, error=type(error).__name__)

    # --- what happens -------------------------------------------------------------------------

    async def submit(self, actor: Actor, room: str, command: Command) -> int | None:
        """Have the room's owner carry the command out; the number of its last event, if any.

        Only the actor's seat counts: what it is and may do, the owner reads from the database. Raises
        the errors of `infra.errors`.
        """
        try:
            await self.open(room)
        except Conflict:
            pass  # another node owns it: the seam finds that one
        key = getattr(command, "key", None)
        reply = await self._commands.call(
            room,
            json.dumps({"seat": actor.seat, "command": command.model_dump(mode="json")}),
            key=None if key is None else f"{actor.seat}:{key}",
            timeout_s=COMMAND_S,
        )
        return Reply.model_validate_json(reply).outcome()

    def applaud(self, room: str, seat: str, claps: int) -> None:
        """Count claps; the hall hears of them within a second or so, at most once a second."""
        self._applause.setdefault(room, Applause()).clap(seat, claps)

    async def archived(self, room: str) -> None:
        """The recording is made: an ended show goes into the archive. Others stay as they are."""
        await (await self.open(room)).decide(ARCHIVED)

    # --- what is ------------------------------------------------------------------------------

    async def whole(self, room: str) -> tuple[int, Snapshot]:
        """The number of the last event and the whole state, from here or from the log."""
        try:
            opened = await self.open(room)
        except Conflict:
            return await self._read(room)
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

    def last_event(self, room: str) -> int:
        """The number of the last event of a room that is open here."""
        return self._here(room).seq

    async def rooms_running(self) -> list[str]:
        """Rooms of this node in which media may come in."""
        return sorted(r.id for r, _, _ in self._rooms.values() if r.state.phase in RUNNING)

    def phases(self) -> dict[Phase, int]:
        """How many rooms are open here, by phase."""
        found = dict.fromkeys(Phase, 0)
        for room, _, _ in self._rooms.values():
            found[room.state.phase] += 1
        return found

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

    # --- inside -------------------------------------------------------------------------------

    def _here(self, room: str) -> Room:
        held = self._rooms.get(room)
        if held is None:
            raise Unavailable("no_owner", "the room is not open here", sentence="err_not_now")
        return held[0]

    async def _take_over(self, room: str) -> Room:
        await self.close_room(room)  # what is left of one that another owner took
        lease = await self._leases.acquire(room, self._node)
        if lease is None:
            raise Conflict("held", "another node owns the room", sentence="err_not_now")
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
            raise
        end_serving = self._commands.serve(room, lease.fence, self._handler(opened))
        self._rooms[room] = (opened, lease, end_serving)
        self._heard[room] = opened.seq
        for news in missed:
            self._tell(*news)
        return opened

    def _handler(self, room: Room) -> Callable[[str, str | None], Awaitable[str]]:
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

    def _tell(self, room: str, seq: int, event: Event, state: Snapshot) -> None:
        self._heard[room] = max(seq, self._heard.get(room, 0))
        self._listeners.tell(room, seq, event, state)
        if event.type == "seat.removed":
            self._errands.hurry()

    async def _read(self, room: str) -> tuple[int, Snapshot]:
        seq, state = 0, empty(room)
        while rows := await self._log.read(room, seq):
            for row in rows:
                seq, state = row.seq, reduce(state, EVENT.validate_json(row.body))
        return seq, state

    async def _every(self, seconds: float, step: Callable[[], Awaitable[None]]) -> None:
        failing = False
        while not await self._stopped_within(seconds):
            try:
                await step()
                failing = False
            except Exception:
                if not failing:  # told once, not at every look while the cause lasts
                    _log.exception("step failed", node=self._node)
                failing = True

    async def _stopped_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._stop.wait()
        except TimeoutError:
            return False
        return True

    async def _beat(self) -> None:
        asked_ms = self._clock.monotonic_ms()
        try:
            await self._owners.beat(self._node)
            self._beaten_ms = asked_ms  # before the write: never later than what others read
            fences = await self._owners.fences(self._node)
        except Exception:
            if self._clock.monotonic_ms() - self._beaten_ms > STOP_MS:
                await self._close_but({})
            raise
        await self._close_but(fences)
        await self._open_running()

    async def _close_but(self, fences: Mapping[str, int]) -> None:
        """Close the rooms that this node does not own any more."""
        for room, (opened, _, _) in list(self._rooms.items()):
            if opened.closed or fences.get(room) != opened.fence:
                await self.close_room(room)

    async def _open_running(self) -> None:
        """Those that run and that nobody who lives owns: after a crash their media must come back."""
        for room in await self._owners.rooms(RUNNING) if self._adopt else ():
            try:
                await self.open(room)
            except Conflict:
                continue
            except LampioError as error:
                _log.warning("room not opened", room=room, code=error.code)
            except Exception:
                _log.exception("room not opened", room=room)

    async def _tell_applause(self) -> None:
        now = self._clock.monotonic_ms()
        for room, applause in list(self._applause.items()):
            message = applause.gather(now)
            if message is not None:
                await self._bus.publish(f"room/{room}/transient", message.model_dump_json())


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
