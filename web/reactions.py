"""The only module where folders meet: what follows elsewhere when something happens in one.

    phase changed       → relay turns its epoch and asks for rights again → capture starts or stops → archive
    air taken or left   → viewers' slots and the capture follow
    company yes or end  → the companion's media begins or ends
    seat revoked        → sockets, sessions, WHIP and WHEP resources end
    feed live, stalled  → the hall is told; a lone publisher takes the air
    recording in trouble → hosts are told
    session up, down    → presence of viewers without a page; the page is told

One worker a room takes events in order; a failing reaction is logged and harms no other. Capture, rights
and stage are brought to the room as it stands then, not as it stood when the step was put down.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from infra.errors import Conflict, LampioError
from infra.logs import get_logger
from recordings.archive import Archive
from recordings.capture import Captures
from recordings.live import LiveWindows
from rooms.house import ADOPTED, Actor, House
from rooms.messages import (
    AirLeft,
    AirTaken,
    Bye,
    CompanyAnswered,
    CompanyEnded,
    Event,
    MediaEnded,
    MediaOffer,
    PhaseChanged,
    RecordingMessage,
    Snapshot,
    StageMessage,
    TakeAir,
)
from rooms.phases import RUNNING, Phase, Role
from rooms.seats import Seats
from rooms.shows import Shows
from streaming.ports import (
    FeedChanged,
    FeedId,
    FeedState,
    Gap,
    May,
    Relay,
    RelayEvent,
    RoomId,
    SeatId,
    SessionDown,
    SessionId,
    SessionUp,
)
from web.access import Access
from web.archiving import Archiving
from web.hubs import Hubs
from web.idle import let_go_regularly
from web.media_desk import MediaDesk
from web.room_media import stage_want
from web.voice import Voice
from web.workers import Latest, Workers

log = get_logger("reactions")

IDLE_S = 120.0
"""After how long a room is let go that nobody needs."""

COME_BACK = Bye(reason="restart", back_ms=500)


class Reactions:
    """Carries what happens in rooms and in the relay to everybody whom it concerns."""

    def __init__(
        self,
        *,
        house: House,
        shows: Shows,
        seats: Seats,
        relay: Relay,
        access: Access,
        hubs: Hubs,
        captures: Captures,
        windows: LiveWindows,
        archive: Archive,
        desk: MediaDesk,
        voice: Voice,
        idle_s: float = IDLE_S,
    ) -> None:
        """`idle_s` is after how long a room is let go that nobody needs."""
        self._house = house
        self._shows = shows
        self._seats = seats
        self._relay = relay
        self._access = access
        self._hubs = hubs
        self._captures = captures
        self._windows = windows
        self._desk = desk
        self._voice = voice
        self._idle_s = idle_s
        self._workers = Workers()
        self._tasks = self._workers.tasks
        self._open: set[str] = set()
        self._serving: dict[str, tuple[int, Callable[[], None]]] = {}
        self._archiving = Archiving(house, shows, archive, self._tasks)
        self._following, self._losing = Latest(), Latest()
        self._unsubscribe: list[Callable[[], None]] = []

    async def start(self) -> None:
        """Listen, and bring every running room's media to what its state says."""
        self._unsubscribe = [
            self._house.subscribe(self._on_event),
            self._house.subscribe_revocations(self._on_revoked),
            self._house.subscribe_ownership(self._on_ownership),
            self._captures.subscribe(self._on_recording),
        ]
        for room in self._house.rooms():
            self._on_ownership(room, self._house.fence(room))
        self._tasks.spawn(let_go_regularly(self._idle, self._let_go, self._idle_s), name="idle")

    async def ready(self, room: str) -> None:
        """The room's media stands as its state says; a room that runs already is left as it is, and
        one that another node has is that node's.

        Raises `Unknown` where there is no such show.
        """
        if room in self._open or not await self._house.here(room):
            return
        if await self._open_relay(room):
            self._workers.later(room, partial(self._tell_stage, room))
            self._workers.later(room, partial(self._capture, room))

    async def close(self) -> None:
        """Stop listening and finish nothing new; idempotent."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self._unsubscribe = []
        await self._workers.close()

    async def settled(self, room: str) -> None:
        """Wait until all that has happened so far has been carried on."""
        await self._workers.settled(room)

    # --- whose the room is ------------------------------------------------------------------------

    def _on_ownership(self, room: str, fence: int | None) -> None:
        had, end_serving = self._serving.pop(room, (0, lambda: None))
        end_serving()
        if fence is None:
            self._open.discard(room)
            self._voice.forget(room)
            sessions = [grant.session for grant in self._relay.grants(RoomId(room))]
            self._captures.cut(room)
            self._losing.note(room, self._workers.at_once(room, self._lost(room, had, sessions)))
            self._workers.at_once(room, self._air_gone(room))
        else:
            self._serving[room] = (fence, self._desk.serve(room, fence))
            self._workers.later(room, partial(self._taken, room))

    async def _taken(self, room: str) -> None:
        await self.ready(room)
        state = await self._now(room)
        if state.phase is Phase.ENDED:
            self._archiving.soon(room)

    async def _lost(self, room: str, fence: int, sessions: list[SessionId]) -> None:
        """Another node has the room: its pages go there by themselves."""
        for session in sessions:
            await self._relay.close(session, "vanished")
        with suppress(Conflict):  # it came back meanwhile
            await self._relay.close_room(RoomId(room), fence, "vanished")

    async def _air_gone(self, room: str) -> None:
        """Nothing of its air stays here, once its last take is finished."""
        await self._captures.finished(room)
        if room not in self._open:
            self._windows.forget(room)

    def _idle(self) -> set[str]:
        """Rooms that nobody needs now."""
        hubs = self._hubs.all()
        mine = self._house.rooms()
        busy = {room for room, phase in mine.items() if phase in ADOPTED} | self._archiving.rooms
        watched = {hub.room for hub in hubs if not hub.deserted}
        return {*mine, *self._workers.rooms(), *(hub.room for hub in hubs)} - busy - watched

    async def _let_go(self, room: str) -> None:
        self._workers.let_go(room)  # first: what comes in from now on is not dropped
        await self._hubs.let_go(room, COME_BACK)
        if self._house.rooms().get(room) not in ADOPTED:  # nobody put it live meanwhile
            await self._close_relay(room)
            await self._house.let_go(room)

    # --- what happens in rooms ------------------------------------------------------------------

    def _on_event(self, room: str, seq: int, event: Event, state: Snapshot) -> None:
        match event:
            case PhaseChanged():
                self._workers.at_once(room, self._turn_epoch(room))
                self._workers.later(room, partial(self._phase, room, state))
            case AirTaken() | AirLeft():
                self._workers.later(room, partial(self._air, room))
            case CompanyAnswered(answer="accepted", companion=companion):
                self._workers.later(room, partial(self._rights, room, companion))
            case CompanyAnswered(companion=companion) | CompanyEnded(companion=companion):
                self._workers.at_once(room, self._cut(room, companion))
            case _:
                pass

    def _on_revoked(self, room: str, seat: str, reason: str) -> None:
        self._workers.at_once(room, self._revoke(room, seat, reason))

    async def _phase(self, room: str, state: Snapshot) -> None:
        if state.phase in RUNNING:
            await self._open_relay(room)
        if room in self._open:
            await self._turn(room)
        if state.phase in (Phase.ENDED, Phase.CANCELLED):
            await self._end(room, state)

    async def _turn_epoch(self, room: str) -> None:
        """What was sent before a change of phase reaches nobody from now on."""
        state = await self._now(room)
        if room in self._open:  # twice is once: the state's epoch only grows
            await self._relay.open_room(RoomId(room), self._house.fence(room), state.epoch)

    async def _turn(self, room: str) -> None:
        """Media as the new phase wants it."""
        await self._turn_epoch(room)
        # Before the publisher's right is given anew: a take that ends has no frame of this phase, and one
        # that begins has its very first keyframe.
        await self._capture(room)
        for seat in {grant.seat for grant in self._relay.grants(RoomId(room))}:
            await self._rights(room, seat)
        await self._tell_stage(room)

    async def _open_relay(self, room: str) -> bool:
        """Open the room's media where its phase has any; whether it is open."""
        if (lost := self._losing.get(room)) is not None:
            await asyncio.wait({lost})  # what is closed yet is not the new room's
        state = await self._now(room)
        if room not in self._open and state.phase in RUNNING:
            await self._relay.open_room(RoomId(room), self._house.fence(room), state.epoch)
            self._open.add(room)
            if (before := self._following.get(room)) is not None:
                before.cancel()
            following = self._tasks.spawn(self._follow_relay(room), name=f"relay:{room}")
            self._following.note(room, following)
        if room in self._open:
            await self._hubs.hub(room)
        return room in self._open

    async def _end(self, room: str, state: Snapshot) -> None:
        await self._close_relay(room)
        self._workers.at_once(room, self._air_gone(room))
        if state.phase is Phase.ENDED:
            self._archiving.soon(room)

    async def _close_relay(self, room: str) -> None:
        if room in self._open:
            await self._relay.close_room(RoomId(room), self._house.fence(room), "room_closed")
            self._open.discard(room)

    async def _rights(self, room: str, seat_id: str) -> None:
        """Grants of a seat as they should be now."""
        seat = await self._seats.seat(seat_id)
        state = await self._now(room)
        for grant in self._relay.grants(RoomId(room)):
            if grant.seat == seat_id:
                await self._relay.regrant(
                    self._access.grant_in(state, seat, grant.session, sessions=grant.sessions)
                )

    async def _air(self, room: str) -> None:
        want = stage_want(await self._now(room))
        for grant in self._relay.grants(RoomId(room)):
            if May.PUBLISH in grant.may:
                continue
            offer = await self._relay.want(grant.session, want)
            if offer is not None:
                told = MediaOffer(id=None, session=offer.session, etag=offer.etag, sdp=offer.sdp)
                await self._voice.tell_seat(room, grant.seat, told)
        await self._tell_stage(room)
        await self._capture(room)

    async def _capture(self, room: str) -> None:
        show = await self._shows.get(room)
        state = await self._now(room)
        if room in self._open and state.phase is Phase.LIVE and state.on_air is not None:
            feed = FeedId(RoomId(room), SeatId(state.on_air))
            fence = self._house.fence(room)
            # Where nothing may be kept, it still runs for those who watch by segments, in memory alone.
            keep = show.recording_policy != "none"
            await self._captures.start(room, show.organisation, feed, state.epoch, fence, keep=keep)
        else:
            self._captures.cut(room)
            self._windows.clear(room)

    async def _cut(self, room: str, seat: str) -> None:
        await self._relay.close_seat(RoomId(room), SeatId(seat), "revoked")

    async def _revoke(self, room: str, seat: str, reason: str) -> None:
        if reason == "moved":
            await self._moved(room, seat)
            return
        await self._cut(room, seat)
        hub = self._hubs.known(room)
        if hub is not None:
            hub.dismiss(seat, Bye(reason="removed" if reason == "removed" else "revoked"))
            await hub.gone(seat)

    async def _moved(self, room: str, seat: str) -> None:
        hub = self._hubs.known(room)
        for listener in [] if hub is None else hub.of_seat(seat):
            if not await self._seats.holds(seat, listener.device):
                listener.say_bye(Bye(reason="moved"))

    # --- what happens in the relay ----------------------------------------------------------------

    async def _follow_relay(self, room: str) -> None:
        async for event in self._relay.events(RoomId(room)):
            # Waits its turn: what overflows meanwhile comes as a `Gap`.
            await self._workers.in_turn(room, partial(self._relay_event, room, event))

    async def _relay_event(self, room: str, event: RelayEvent) -> None:
        hub = await self._hubs.hub(room)
        match event:
            case FeedChanged(info=info):
                if info.state is FeedState.LIVE:
                    await self._air_for(room, info.feed)
                await self._tell_stage(room)
            case SessionUp(seat=seat):
                await hub.beat(seat)
            case SessionDown(seat=seat, session=session, reason=reason):
                ended = MediaEnded(session=session, reason=reason)
                await self._voice.tell_seat(room, seat, ended)
                if not hub.of_seat(seat) and not self._has_session(room, seat):
                    await hub.gone(seat)
            case Gap():
                for info in self._relay.feeds(RoomId(room)):
                    if info.state is FeedState.LIVE:
                        await self._air_for(room, info.feed)
                await self._tell_stage(room)

    def _has_session(self, room: str, seat: str) -> bool:
        return any(grant.seat == seat for grant in self._relay.grants(RoomId(room)))

    async def _air_for(self, room: str, feed: FeedId) -> None:
        """A publisher takes the air by herself when nobody's picture is on it."""
        state = await self._now(room)
        if state.on_air == feed.participant or state.phase not in RUNNING:
            return
        if state.on_air is not None and self._state_of(room, state.on_air) is not None:
            return
        actor = Actor(seat=feed.participant, role=Role.ARTIST, name=None)
        command = TakeAir(id=0, key=secrets.token_urlsafe(12))
        try:
            await self._house.submit(actor, room, command)
        except LampioError as error:
            log.info("air not taken", room=room, seat=feed.participant, code=error.code)

    def _state_of(self, room: str, seat: str) -> FeedState | None:
        """Live or stalled; None where the seat has no feed that could come back by itself."""
        for info in self._relay.feeds(RoomId(room)):
            if info.feed.participant == seat and info.state in (FeedState.LIVE, FeedState.STALLED):
                return info.state
        return None

    async def _tell_stage(self, room: str) -> None:
        state = await self._now(room)
        standing = None if state.on_air is None else self._state_of(room, state.on_air)
        if standing is None:
            stage = StageMessage(state="empty", seat=state.on_air)
        else:
            word = "live" if standing is FeedState.LIVE else "stalled"
            stage = StageMessage(state=word, seat=state.on_air)
        await self._voice.say(room, self._house.fence(room), stage=stage)

    def _on_recording(self, room: str) -> None:
        self._workers.later(room, partial(self._tell_recording, room))

    async def _tell_recording(self, room: str) -> None:
        if self._house.has(room):
            told = RecordingMessage(trouble=self._captures.trouble(room))
            await self._voice.say(room, self._house.fence(room), recording=told)

    async def _now(self, room: str) -> Snapshot:
        """The room as it stands; the hub's own state comes a moment later."""
        _, state = await self._house.whole(room)
        return state
