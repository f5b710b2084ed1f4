"""Who gets what: rooms, their feeds and sessions, over one port. The embedded form of `ports.Relay`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from infra.clock import Clock
from infra.errors import BadInput, Conflict, Forbidden, Unacceptable, Unavailable, Unknown
from infra.logs import get_logger
from infra.scope import TaskScope
from streaming.burst import PlainEngine, Share
from streaming.counters import Faults
from streaming.feed import Feed
from streaming.listeners import Listeners
from streaming.negotiation import Negotiation, RelayConfig
from streaming.ports import (
    FeedChanged,
    FeedId,
    FeedInfo,
    Grant,
    May,
    Negotiated,
    PacketSink,
    RelayEvent,
    RoomId,
    SeatId,
    SessionDown,
    SessionId,
    SessionUp,
    Want,
)
from streaming.session import PublishSession, Session, ViewSession
from streaming.udp import MediaPort

__all__ = ["EmbeddedRelay", "RelayConfig"]

_log = get_logger("streaming.relay")

TICK_S = 0.05
RESCAN_TICKS = 300
MAX_SLOTS = 8
MAX_FEEDS_A_ROOM = 256
MAX_SESSIONS_A_ROOM = 5000


@dataclass(slots=True)
class _Room:
    id: RoomId
    fence: int
    epoch: int
    engine: Share
    feeds: dict[FeedId, Feed] = field(default_factory=dict)
    sessions: dict[SessionId, Session] = field(default_factory=dict)
    listeners: Listeners = field(default_factory=Listeners)


class EmbeddedRelay:
    """The relay in this process. `start`, then what `ports.Relay` says, then `stop`."""

    def __init__(self, config: RelayConfig, clock: Clock) -> None:
        self._clock = clock
        self._port = MediaPort(
            clock, self._after_wakeup, port=config.port, addresses=config.addresses
        )
        self._engine = PlainEngine(self._port)
        self._rooms: dict[RoomId, _Room] = {}
        self._sessions: dict[SessionId, Session] = {}
        self._touched: set[Feed] = set()
        self._scope = TaskScope("relay")
        self._negotiation = Negotiation(
            config, self._port, clock, self._told, self._touched, self._scope
        )
        self._faults = Faults(_log)
        self._closing = False

    # -- life -------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Bind the port and begin to tick. Raises `Unavailable` (code `media_port`)."""
        self._port.open()
        self._scope.spawn(self._ticking(), name="tick")

    async def stop(self) -> None:
        """Say goodbye to every peer and close the port; idempotent."""
        if self._closing:
            return
        self._closing = True
        for room in list(self._rooms.values()):
            await self.close_room(room.id, room.fence, "closed")
        await self._scope.close()
        self._port.close()

    @property
    def port(self) -> int:
        """The UDP port's number."""
        return self._port.port

    async def _ticking(self) -> None:
        ticks = 0
        while True:
            await asyncio.sleep(TICK_S)
            self.tick()
            ticks += 1
            if ticks % RESCAN_TICKS == 0:
                self._port.rescan()

    def tick(self) -> None:
        """What is due by the clock: feedback, reports, stalls, goodbyes. Called every 50 ms."""
        now_ms = self._clock.monotonic_ms()
        for room in list(self._rooms.values()):
            for feed in list(room.feeds.values()):
                self._guarded(partial(feed.tick, now_ms), room.id)
            for session in list(room.sessions.values()):
                self._guarded(partial(session.tick, now_ms), room.id)

    def _after_wakeup(self, now_ms: float) -> None:
        if self._touched:
            touched = tuple(self._touched)
            self._touched.clear()
            for feed in touched:
                self._guarded(feed.flush, feed.id.room)

    def _guarded(self, step: Callable[[], None], room: RoomId) -> None:
        """One feed's or session's fault never costs the others."""
        try:
            step()
        except Exception as error:
            self._faults.tell("step failed", error, self._clock.monotonic_ms(), room=room)

    # -- rooms ------------------------------------------------------------------------------------

    async def open_room(self, room: RoomId, fence: int, epoch: int) -> None:
        """As in `ports.Relay`. Raises `Conflict` (code `fenced`)."""
        known = self._rooms.get(room)
        if known is None:
            self._rooms[room] = _Room(room, fence, epoch, self._engine.share())
        elif fence < known.fence:
            raise Conflict("fenced")
        else:
            known.fence = fence
            if epoch != known.epoch:
                await self.new_epoch(room, epoch)

    async def close_room(self, room: RoomId, fence: int, reason: str) -> None:
        """As in `ports.Relay`; an older fence closes nothing."""
        known = self._rooms.get(room)
        if known is None:
            return
        if fence < known.fence:
            raise Conflict("fenced")
        while known.sessions:  # those that came while others were closed, too
            await self.close(next(iter(known.sessions)), "room_closed")
        self._rooms.pop(room, None)
        known.listeners.close()

    async def new_epoch(self, room: RoomId, epoch: int) -> None:
        """As in `ports.Relay`."""
        known = self._room(room)
        known.epoch = epoch
        known.engine.drop_waiting()
        # Feeds first: a session that has the right for this epoch already opens its feed again.
        for feed in known.feeds.values():
            feed.shut()
        for session in known.sessions.values():
            session.gate(epoch)

    def _room(self, room: RoomId) -> _Room:
        try:
            return self._rooms[room]
        except KeyError:
            raise Unknown("room") from None

    def _feed(self, room: _Room, feed: FeedId) -> Feed:
        known = room.feeds.get(feed)
        if known is None:
            if len(room.feeds) >= MAX_FEEDS_A_ROOM:
                raise Unavailable("too_many_feeds")
            known = Feed(feed, self._clock, room.engine, self._feed_changed)
            room.feeds[feed] = known
        return known

    def _feed_changed(self, info: FeedInfo) -> None:
        room = self._rooms.get(info.feed.room)
        if room is not None:
            room.listeners.tell(FeedChanged(room.id, info))

    # -- negotiation ------------------------------------------------------------------------------

    async def publish(self, grant: Grant, feed: FeedId, offer: str) -> Negotiated:
        """As in `ports.Relay`. The feed is taken over when the new publisher is connected."""
        room = self._admit(grant, May.PUBLISH)
        if feed.room != room.id or feed.participant != grant.seat:
            raise Forbidden("not_your_feed")
        session, made = self._negotiation.published(grant, self._feed(room, feed), feed, offer)
        self._add(room, session)
        for other in self._of_seat(room, grant.seat, publishes=True):
            if other is not session and not other.peer.connected:
                await self.close(other.grant.session, "replaced")
        return made

    async def view(self, grant: Grant, want: Want, offer: str) -> Negotiated:
        """As in `ports.Relay`; one slot, for the first feed wanted."""
        room = self._admit(grant, May.VIEW)
        feeds = self._wanted(room, Want(want.feeds[:1]))
        session, made = self._negotiation.viewed(grant, want, feeds, offer)
        self._add(room, session)
        await self._make_place(room, session)
        return made

    async def offer_view(self, grant: Grant, want: Want) -> Negotiated:
        """As in `ports.Relay`. Section 2i is the sound, 2i + 1 the picture of slot i."""
        room = self._admit(grant, May.VIEW)
        feeds = self._wanted(room, want)
        session, made = self._negotiation.offered(grant, want, feeds)
        self._add(room, session)
        await self._make_place(room, session)
        return made

    async def answer(self, session: SessionId, sdp: str, etag: str) -> None:
        """As in `ports.Relay`. Raises `Unknown`, `Conflict` (code `stale_offer`), `BadInput`."""
        known = self._viewing(session)
        if etag != known.etag:
            raise Conflict("stale_offer")
        self._negotiation.answered(known, sdp)

    async def want(self, session: SessionId, want: Want) -> Negotiated | None:
        """As in `ports.Relay`."""
        known = self._viewing(session)
        known.watch(want, self._wanted(self._room(known.grant.room), want))
        return self._negotiation.offered_more(known, len(want.feeds))

    async def restart(self, session: SessionId, offer: str | None = None) -> Negotiated:
        """As in `ports.Relay`. Raises `Unknown`, and `Unacceptable` (code `not_a_restart`)."""
        known = self._sessions.get(session)
        if known is None:
            raise Unknown("session")
        if isinstance(known, PublishSession) and offer is not None:
            return self._negotiation.reanswered(known, offer)
        if isinstance(known, ViewSession) and known.offered and offer is None:
            return self._negotiation.reoffered(known)
        raise Unacceptable("not_a_restart", "who offered restarts by offering")

    async def patch(self, session: SessionId, fragment: str, *, restart: bool) -> Negotiated | None:
        """As in `ports.Relay`. Raises `Unknown`."""
        known = self._sessions.get(session)
        if known is None:
            raise Unknown("session")
        return self._negotiation.patched(known, fragment, restart=restart)

    def etag(self, session: SessionId) -> str | None:
        """As in `ports.Relay`."""
        known = self._sessions.get(session)
        return None if known is None else known.etag

    def _viewing(self, session: SessionId) -> ViewSession:
        known = self._sessions.get(session)
        if not isinstance(known, ViewSession):
            raise Unknown("session")
        return known

    def _wanted(self, room: _Room, want: Want) -> list[Feed]:
        if len(want.feeds) > MAX_SLOTS or any(feed.room != room.id for feed in want.feeds):
            raise BadInput("want")
        return [self._feed(room, feed) for feed in want.feeds]

    def _admit(self, grant: Grant, what: May) -> _Room:
        if self._closing:
            raise Unavailable("closing")
        room = self._room(grant.room)
        # a viewer may come before the right does: its session stands, and the gate keeps media from it
        if what is May.PUBLISH and what not in grant.may:
            raise Forbidden("no_such_right")
        if grant.session in self._sessions:
            raise Conflict("session_exists")
        if len(room.sessions) >= MAX_SESSIONS_A_ROOM:
            raise Unavailable("room_full")
        return room

    def _of_seat(self, room: _Room, seat: SeatId, *, publishes: bool) -> list[Session]:
        return [
            s for s in room.sessions.values() if s.grant.seat == seat and s.publishes == publishes
        ]

    async def _make_place(self, room: _Room, newest: Session) -> None:
        standing = self._of_seat(room, newest.grant.seat, publishes=False)
        for oldest in standing[: -max(1, newest.grant.sessions)]:
            await self.close(oldest.grant.session, "replaced")

    def _add(self, room: _Room, session: Session) -> None:
        room.sessions[session.grant.session] = session
        self._sessions[session.grant.session] = session

    # -- sessions ---------------------------------------------------------------------------------

    def _told(self, session: Session, reason: str | None) -> None:
        """A session is connected (None), or should end for this reason."""
        grant = session.grant
        if reason is not None:
            with suppress(RuntimeError):  # the relay itself is closing
                self._scope.spawn(self.close(grant.session, reason), name="goodbye")
            return
        room = self._rooms.get(grant.room)
        if room is None or grant.session not in room.sessions:
            return
        if isinstance(session, PublishSession):
            session.take_feed()
            for other in list(room.sessions.values()):
                if (
                    isinstance(other, PublishSession)
                    and other is not session
                    and other.feed_id == session.feed_id
                ):
                    other.source = None
                    self._told(other, "replaced")
        session.gate(room.epoch, fresh=True)
        room.listeners.tell(SessionUp(room.id, grant.seat, grant.session, session.publishes))

    async def regrant(self, grant: Grant) -> None:
        """As in `ports.Relay`; unknown sessions are no error."""
        session = self._sessions.get(grant.session)
        if session is None:
            return
        room = self._room(session.grant.room)
        session.grant = grant
        session.gate(room.epoch)

    async def request_keyframe(self, session: SessionId) -> None:
        """As in `ports.Relay`; unknown sessions are no error."""
        known = self._sessions.get(session)
        if isinstance(known, ViewSession):
            known.keyframes()

    async def close(self, session: SessionId, reason: str) -> None:
        """As in `ports.Relay`."""
        known = self._sessions.pop(session, None)
        if known is None:
            return
        grant = known.grant
        room = self._rooms.get(grant.room)
        if room is not None:
            room.sessions.pop(session, None)
        if isinstance(known, PublishSession):
            known.leave_feed(ended=reason not in ("vanished", "failed", "replaced"))
        await known.close()
        if room is not None:
            room.listeners.tell(SessionDown(room.id, grant.seat, session, reason))

    async def close_seat(self, room: RoomId, seat: SeatId, reason: str) -> None:
        """As in `ports.Relay`."""
        known = self._rooms.get(room)
        if known is not None:
            for session in list(known.sessions.values()):
                if session.grant.seat == seat:
                    await self.close(session.grant.session, reason)

    # -- looking and listening --------------------------------------------------------------------

    def feeds(self, room: RoomId) -> tuple[FeedInfo, ...]:
        """As in `ports.Relay`; empty for an unknown room."""
        known = self._rooms.get(room)
        return () if known is None else tuple(f.info for f in known.feeds.values())

    def grants(self, room: RoomId) -> tuple[Grant, ...]:
        """As in `ports.Relay`."""
        known = self._rooms.get(room)
        return () if known is None else tuple(s.grant for s in known.sessions.values())

    def attach(self, feed: FeedId, sink: PacketSink) -> Callable[[], None]:
        """As in `ports.Relay`. Raises `Unknown` where the room is not open."""
        return self._feed(self._room(feed.room), feed).attach(sink)

    def events(self, room: RoomId) -> AsyncIterator[RelayEvent]:
        """As in `ports.Relay`. Raises `Unknown` where the room is not open."""
        return self._room(room).listeners.follow()

    def stats(self) -> dict[str, int]:
        """Counters of the process for the metrics: they only grow."""
        port, engine = self._port.counters, self._engine
        return {
            **port.told(),
            "packets_sent": engine.sent_packets,
            "packets_refused": engine.refused_packets,
            "batches_dropped": engine.dropped_jobs,
        }
