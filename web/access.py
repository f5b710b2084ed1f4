"""Who may do what: the bearer of a key or the holder of a seat → a grant, from the database each time.

Implements the relay's `Authorizer`. Who ends a right tells the relay itself (`web/reactions.py`).
"""

from __future__ import annotations

import secrets
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from aiohttp import web

from infra.clock import Clock
from infra.errors import Forbidden, Unauthorised
from infra.settings import Settings
from recordings.catalogue import Recording
from rooms.house import House
from rooms.messages import Snapshot
from rooms.phases import Phase, Right, Role, rights
from rooms.seats import Seat, Seats, refuse_if_over
from rooms.state import accepted
from rooms.tickets import OVER
from streaming.ports import (
    Action,
    Grant,
    May,
    Refused,
    RoomId,
    SeatId,
    SessionId,
)
from web.cookies import Cookies

RETRY_AFTER_S = 5

KIND_OF = {Action.PUBLISH: "broadcast", Action.VIEW: "viewing"}
RIGHT_OF = {Action.PUBLISH: Right.PUBLISH, Action.VIEW: Right.VIEW}
PAST = frozenset({Phase.ENDED, Phase.ARCHIVED, Phase.CANCELLED})


class Access:
    """Decides and tells about rights."""

    def __init__(
        self, seats: Seats, house: House, cookies: Cookies, clock: Clock, settings: Settings
    ) -> None:
        self._seats = seats
        self._house = house
        self._cookies = cookies
        self._clock = clock
        self._public_url = settings.public_url
        self._proxies = settings.trusted_proxies
        self._viewing_sessions = settings.viewing_sessions

    # --- the relay asks -------------------------------------------------------------------------

    async def grant(self, credential: str, room: RoomId, action: Action) -> Grant | Refused:
        """Decide what a bearer credential may do in a room."""
        if not credential:
            return Refused(401, "unauthorised")
        seat = await self._seats.find(credential, KIND_OF[action])
        if seat is None:
            return Refused(401, "unauthorised")
        if seat.show != room:
            return Refused(403, "forbidden")
        if seat.status in OVER:
            return Refused(403, seat.status)
        _, state = await self._house.whole(room)
        if RIGHT_OF[action] not in rights(seat.role, state.phase):
            retry = None if state.phase in PAST else RETRY_AFTER_S
            return Refused(409, "not_in_this_phase", retry)
        many = self._viewing_sessions if action is Action.VIEW else 1
        return self.grant_in(state, seat, sessions=many)

    def grant_in(
        self, state: Snapshot, seat: Seat, session: str | None = None, *, sessions: int = 1
    ) -> Grant:
        """The media rights of a seat in a room as it stands; a new session id unless one is given.

        `may` is empty where the seat may be in the room but neither send nor receive now.
        """
        allowed = rights(seat.role, state.phase)
        uninvited = seat.role is Role.COMPANION and not accepted(state, seat.id)
        if uninvited or seat.id in state.removed:
            allowed = frozenset()
        may = {may for may, right in MAY if right in allowed}
        return Grant(
            session=SessionId(session or secrets.token_urlsafe(16)),
            room=RoomId(state.show),
            seat=SeatId(seat.id),
            may=frozenset(may),
            expires=seat.expires_at.timestamp(),
            epoch=state.epoch,
            sessions=sessions,
        )

    # --- pages and sockets ask ------------------------------------------------------------------

    def same_origin(self, request: web.Request) -> None:
        """Refuse what does not come from our own pages (exact Origin of `PUBLIC_URL`)."""
        origins = request.headers.getall("Origin", [])
        site = request.headers.get("Sec-Fetch-Site", "same-origin")
        if origins != [self._public_url] or site != "same-origin":
            raise Forbidden("foreign_origin")

    async def device(self, request: web.Request) -> str | None:
        """The device that this browser is, if it holds any seat."""
        secret = self._cookies.device(request)
        return None if secret is None else await self._seats.device(secret)

    async def holds(self, request: web.Request, seat: str) -> bool:
        """Whether this browser sits in the seat."""
        device = await self.device(request)
        return device is not None and await self._seats.holds(seat, device)

    async def sitting(self, request: web.Request, seat_id: str) -> tuple[Seat, str]:
        """The seat of this address and the device (this browser) that sits there.

        Raises `Unauthorised` where another or nobody sits there, `Forbidden` where it admits no more.
        """
        device = await self.device(request)
        if device is None or not await self._seats.holds(seat_id, device):
            raise Unauthorised("no_seat", sentence="err_no_seat")
        seat = await self._seats.seat(seat_id)
        refuse_if_over(seat)
        return seat, device

    async def may_watch(self, request: web.Request, recording: Recording) -> bool:
        """Whether this browser may see the recording: all a public one; who sat in the show one for
        ticket holders; until its publication the show's artists and hosts."""
        if recording.published_at is not None and recording.policy != "ticket_holders":
            return True
        device = await self.device(request)
        if device is None:
            return False
        roles = {
            seat.role
            for seat in await self._seats.of_device(device)
            if seat.show == recording.room and seat.status not in OVER
        }
        if recording.policy == "ticket_holders" and recording.published_at is not None:
            return bool(roles)
        return bool(roles & {Role.ARTIST, Role.HOST})

    def client_address(self, request: web.Request) -> str:
        """Whom to count wrong secrets for: an IPv4 address or an IPv6 /64.

        `X-Forwarded-For` counts only behind `TRUSTED_PROXIES`, all its lines as one, read from the end:
        what stands before the last proxy's own word may be anybody's.
        """
        address = request.remote or ""
        forwarded = ",".join(request.headers.getall("X-Forwarded-For", []))
        for hop in reversed([part.strip() for part in forwarded.split(",") if part.strip()]):
            if not self._trusted(address):
                break
            address = hop
        parsed = _address(address)
        if isinstance(parsed, IPv6Address):
            return str(ip_network((parsed, 64), strict=False))
        return "unknown" if parsed is None else str(parsed)

    def _trusted(self, address: str) -> bool:
        parsed = _address(address)
        return parsed is not None and any(parsed in network for network in self._proxies)


MAY = ((May.PUBLISH, Right.PUBLISH), (May.VIEW, Right.VIEW))


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """An address; IPv4 in IPv6's clothes, as a socket for both tells it, is IPv4."""
    try:
        parsed = ip_address(text)
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return mapped or parsed


def bearer(request: web.Request) -> str:
    """The bearer token of a request (RFC 6750 2.1), empty if there is none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    # Bytes that are no text come as surrogates, which no key of ours has and no digest takes.
    return token.strip() if scheme.lower() == "bearer" and token.isascii() else ""
