"""The room's own negotiation: a seat's connections to the relay, asked for over its socket."""

from __future__ import annotations

from infra.errors import Conflict, Forbidden, Unknown
from rooms.house import House
from rooms.messages import Snapshot
from rooms.phases import RUNNING, Phase, Role
from rooms.seats import Seat
from rooms.state import accepted
from streaming.ports import FeedId, Grant, May, Negotiated, Relay, RoomId, SeatId, SessionId, Want
from web.access import Access

AUDIENCE_PHASES = frozenset({Phase.DOORS, Phase.LIVE, Phase.INTERVAL})


def stage_want(state: Snapshot) -> Want:
    """What everybody in the hall wants: the feed of whoever is on air."""
    if state.on_air is None:
        return Want(feeds=())
    return Want(feeds=(FeedId(RoomId(state.show), SeatId(state.on_air)),))


class RoomMedia:
    """Sessions of seats; what a session gets is decided by its grant, again at each change."""

    def __init__(self, relay: Relay, house: House, access: Access) -> None:
        self._relay = relay
        self._house = house
        self._access = access

    async def view(self, seat: Seat) -> Negotiated:
        """An offer to receive the stage. In a phase without a picture the connection is made ready."""
        _, state = await self._house.whole(seat.show)
        phases = AUDIENCE_PHASES if seat.role in (Role.GUEST, Role.COMPANION) else RUNNING
        if state.phase not in phases:
            raise Conflict("not_in_this_phase")
        if seat.role is Role.COMPANION and not accepted(state, seat.id):
            raise Forbidden("no_company")
        grant = self._access.grant_in(state, seat)
        return await self._settled(
            seat, grant, await self._relay.offer_view(grant, stage_want(state))
        )

    async def answer(self, seat: Seat, session: str, etag: str, sdp: str) -> None:
        """The page's answer to an offer of ours."""
        await self._relay.answer(self._own(seat, session), sdp, etag)

    async def publish(self, seat: Seat, sdp: str) -> Negotiated:
        """The page's offer to send; the newest connection takes the feed."""
        _, state = await self._house.whole(seat.show)
        grant = self._access.grant_in(state, seat)
        if May.PUBLISH not in grant.may:
            raise Conflict("not_in_this_phase")
        feed = FeedId(grant.room, grant.seat)
        return await self._settled(seat, grant, await self._relay.publish(grant, feed, sdp))

    async def restart(self, seat: Seat, session: str, sdp: str | None) -> Negotiated:
        """Our offer, or our answer to the page's `sdp`, that restarts ICE of a session of this seat."""
        return await self._relay.restart(self._own(seat, session), sdp)

    async def stop(self, seat: Seat, session: str) -> None:
        """End a session of this seat."""
        await self._relay.close(self._own(seat, session), "closed")

    async def keyframe(self, seat: Seat, session: str) -> None:
        """Ask for a keyframe for a session of this seat."""
        await self._relay.request_keyframe(self._own(seat, session))

    async def end_seat(self, seat: Seat, reason: str) -> None:
        """End all sessions of a seat (it moved to another device)."""
        await self._relay.close_seat(RoomId(seat.show), SeatId(seat.id), reason)

    async def _settled(self, seat: Seat, given: Grant, made: Negotiated) -> Negotiated:
        """A session that was being made while rights changed was not among those asked about then."""
        _, state = await self._house.whole(seat.show)
        now = self._access.grant_in(state, seat, made.session)
        if (now.epoch, now.may) != (given.epoch, given.may):
            await self._relay.regrant(now)
        return made

    def _own(self, seat: Seat, session: str) -> SessionId:
        if any(grant.session == session for grant in self._of_seat(seat)):
            return SessionId(session)
        raise Unknown("no_such_session")

    def _of_seat(self, seat: Seat) -> list[Grant]:
        return [g for g in self._relay.grants(RoomId(seat.show)) if g.seat == seat.id]
