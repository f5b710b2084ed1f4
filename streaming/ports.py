"""The relay's seams: what others may ask of it and what it asks of others.

A leaf: it imports nothing of ours. Ids and values cross here, never objects with a life of their own
(the one exception, `PacketSink`, is what a subscriber hands in).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NewType, Protocol

RoomId = NewType("RoomId", str)
SeatId = NewType("SeatId", str)
SessionId = NewType("SessionId", str)

Kind = Literal["audio", "video"]


class May(StrEnum):
    """What a grant allows its session to do with media."""

    PUBLISH = "publish"
    VIEW = "view"


class Action(StrEnum):
    """What a bearer credential asks for."""

    PUBLISH = "publish"
    VIEW = "view"


@dataclass(frozen=True, slots=True)
class FeedId:
    """One source of one participant; `name` tells several sources of one participant apart."""

    room: RoomId
    participant: SeatId
    name: str = "main"


@dataclass(frozen=True, slots=True)
class Track:
    """One kind of media in a feed, as the publisher negotiated it.

    `codec` is the encoding name as in SDP ("H264", "VP8", "opus"); `clock_rate` in Hz;
    `layers` are the rids from lowest to highest, empty without simulcast.
    """

    mid: str
    kind: Kind
    codec: str
    payload_type: int
    clock_rate: int
    fmtp: str = ""
    layers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Want:
    """What a viewer would like: one slot (a sound and a picture) for each feed, in this order."""

    feeds: tuple[FeedId, ...]
    audio_first: bool = False


@dataclass(frozen=True, slots=True)
class Grant:
    """A right, decided outside and copied in; the relay never looks behind it.

    `epoch` is the room's phase number for which the right holds: media goes to a session only while
    its grant's epoch is the room's. `expires` is UTC in seconds since 1970.
    `sessions` is how many sessions of this seat may stand at once; the newest take the oldest's place.
    """

    session: SessionId
    room: RoomId
    seat: SeatId
    may: frozenset[May]
    expires: float
    epoch: int
    sessions: int = 1


@dataclass(frozen=True, slots=True)
class Refused:
    """The answer to a credential that gives no right now.

    `status` is 401 (no or unknown credential), 403 (known, but not for this), 404 (no such room) or
    409 (allowed, but the show is not in the right phase; `retry_after_s` says when to ask again).
    """

    status: int
    code: str
    retry_after_s: int | None = None


class Authorizer(Protocol):
    """Asked by `streaming`, answered in `web`. A right that ends is brought to the relay (`regrant`,
    `new_epoch`, `close_seat`) by whoever ends it."""

    async def grant(self, credential: str, room: RoomId, action: Action) -> Grant | Refused:
        """Decide what a bearer credential may do in a room; a fresh session id in each grant."""
        ...


@dataclass(slots=True)
class Packet:
    """One RTP packet of a publisher after decryption.

    `data` is the whole plaintext packet (RFC 3550) with the transport-cc extension's content removed
    and padding cut; `payload_at` is where its payload begins. `seq` and `timestamp` are unwrapped
    (they only grow by the publisher's order; RFC 3550 A.1), in packets and in units of the track's
    clock rate. `arrival_ms` is the server's monotonic clock. `starts_keyframe` is true for the first
    packet of a picture that can be decoded alone.
    """

    data: bytes
    payload_at: int
    seq: int
    timestamp: int
    marker: bool
    arrival_ms: float
    starts_keyframe: bool = False


@dataclass(frozen=True, slots=True)
class SenderReport:
    """The publisher's clock for a stream (RFC 3550 6.4.1): `ntp_s` in seconds since 1970 by her clock,
    the unwrapped RTP `timestamp` of the same moment, and when it came by our monotonic clock."""

    ntp_s: float
    timestamp: int
    arrival_ms: float


@dataclass(frozen=True, slots=True)
class Batch:
    """What one wake-up of the socket brought for one track: packets in order of arrival (late and
    resent ones included, duplicates not), and the sender reports that came with them."""

    packets: Sequence[Packet]
    reports: Sequence[SenderReport] = ()


class FeedState(StrEnum):
    """Where a feed is in its life."""

    IDLE = "idle"
    LIVE = "live"
    STALLED = "stalled"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class FeedInfo:
    """A feed as it stands: `generation` grows with each new publisher of the same feed."""

    feed: FeedId
    state: FeedState
    tracks: tuple[Track, ...]
    generation: int


class PacketSink(Protocol):
    """What a subscriber of a feed is: viewer batch, recorder, segment cutter, edge link."""

    def on_packets(self, track: Track, layer: str | None, batch: Batch) -> None:
        """Take packets of a track. Synchronous; must not block, keep `batch` or raise."""
        ...

    def on_feed(self, change: FeedInfo) -> None:
        """The feed went live, stalled, ended, or its codecs or layers changed. Same manners."""
        ...


@dataclass(frozen=True, slots=True)
class Negotiated:
    """One side of a negotiation: our SDP, the session it belongs to and its entity tag."""

    session: SessionId
    sdp: str
    etag: str


@dataclass(frozen=True, slots=True)
class SessionUp:
    """A session's DTLS handshake is done; media can flow."""

    room: RoomId
    seat: SeatId
    session: SessionId
    publishes: bool


@dataclass(frozen=True, slots=True)
class SessionDown:
    """A session is over.

    `reason` is one of `closed, replaced, revoked, expired, vanished, failed, room_closed`.
    """

    room: RoomId
    seat: SeatId
    session: SessionId
    reason: str


@dataclass(frozen=True, slots=True)
class FeedChanged:
    """A feed went live, stalled (nothing came for 3 s) or ended."""

    room: RoomId
    info: FeedInfo


@dataclass(frozen=True, slots=True)
class Gap:
    """Something was lost on the way to this listener: look at the present state instead."""


RelayEvent = SessionUp | SessionDown | FeedChanged | Gap


class Elsewhere(Exception):
    """The room's media lives on another node: `url` is where to ask (HTTP 307)."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.url = url


class Relay(Protocol):
    """Who gets what. `EmbeddedRelay` now; a fleet of owner and edges later."""

    async def open_room(self, room: RoomId, fence: int, epoch: int) -> None:
        """Make a room known; idempotent for the same fence, an older fence is refused."""
        ...

    async def close_room(self, room: RoomId, fence: int, reason: str) -> None:
        """End all sessions and feeds of a room; idempotent."""
        ...

    async def new_epoch(self, room: RoomId, epoch: int) -> None:
        """A new phase: rings and keyframe caches are emptied, and until they are regranted for this
        epoch sessions neither send nor get media. What publishers sent before this call reaches
        nobody after it: picture begins with a keyframe asked for after the call."""
        ...

    async def publish(self, grant: Grant, feed: FeedId, offer: str) -> Negotiated:
        """Answer a publisher's offer (WHIP, or the room's own). The newest publisher takes the feed.

        Raises errors of `infra.errors` with status 400, 406, 409 or 422 for an offer that cannot be served.
        """
        ...

    async def view(self, grant: Grant, want: Want, offer: str) -> Negotiated:
        """Answer a viewer's offer (WHEP). May raise `Elsewhere`."""
        ...

    async def offer_view(self, grant: Grant, want: Want) -> Negotiated:
        """Make an offer to a viewer (the room's own negotiation)."""
        ...

    async def answer(self, session: SessionId, sdp: str, etag: str) -> None:
        """Take the viewer's answer to the offer with this etag."""
        ...

    async def want(self, session: SessionId, want: Want) -> Negotiated | None:
        """Change what a viewer gets. Returns a new offer if more slots are needed than were offered,
        else None: sources behind existing slots change without negotiation."""
        ...

    async def restart(self, session: SessionId, offer: str | None = None) -> Negotiated:
        """Restart a session's ICE: answer a publisher's new `offer`, or, without one, make a new offer
        to a viewer. The old names count until the new are used; keys, numbers and the feed go on, and
        media moves only by a check. 422 for an offer that changes more than ICE."""
        ...

    async def patch(self, session: SessionId, fragment: str, *, restart: bool) -> Negotiated | None:
        """Take an SDP fragment (RFC 8840) of WHIP or WHEP: ours if it restarts ICE, None if it only
        tells candidates. `restart` says that the peer means to: the same fragment again, its names not
        used yet, then gets the same answer. Raises 400, 413, or 422 for one that cannot be."""
        ...

    def etag(self, session: SessionId) -> str | None:
        """The entity tag of a session's present negotiation (no quotes); None without the session."""
        ...

    async def regrant(self, grant: Grant) -> None:
        """Replace the grant of `grant.session`; a right that is gone ends its media at once."""
        ...

    async def request_keyframe(self, session: SessionId) -> None:
        """Ask the publishers behind a viewer's slots for a keyframe (at most one a second a feed)."""
        ...

    async def close(self, session: SessionId, reason: str) -> None:
        """End a session; idempotent, unknown ids are no error."""
        ...

    async def close_seat(self, room: RoomId, seat: SeatId, reason: str) -> None:
        """End every session of a seat in a room; idempotent."""
        ...

    def feeds(self, room: RoomId) -> tuple[FeedInfo, ...]:
        """The room's feeds as they stand."""
        ...

    def grants(self, room: RoomId) -> tuple[Grant, ...]:
        """The grants of the room's sessions as they stand (to be decided anew)."""
        ...

    def attach(self, feed: FeedId, sink: PacketSink) -> Callable[[], None]:
        """Subscribe to a feed behind the relay's NACK; returns the unsubscribe. The feed need not
        exist yet. While anything is attached the feed's keyframe clock runs at 2 s."""
        ...

    def events(self, room: RoomId) -> AsyncIterator[RelayEvent]:
        """What happens to the room's sessions and feeds, from now on; bounded, `Gap` if it overflowed."""
        ...
