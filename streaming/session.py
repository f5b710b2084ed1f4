"""One peer's media from offer to close: a publisher's feed, or a viewer's slots."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence

from infra.clock import Clock
from infra.machine import Machine
from streaming import rtcp, sdp
from streaming.burst import Outlet
from streaming.describe import Accepted, Stream
from streaming.feed import Feed, Source, SourceTrack
from streaming.generations import Generations
from streaming.ice import Path
from streaming.peer import PeerTransport
from streaming.ports import FeedId, Grant, Kind, May, Track, Want
from streaming.private import Certificate, Outbound
from streaming.states import SESSION_TABLE, SessionState
from streaming.udp import MediaPort
from streaming.viewer import MediaShape, Viewer

# Offers that were never answered, and peers that never came.
PATIENCE_MS = 30_000.0


class Session:
    """What publishing and viewing sessions have in common: grant, transport, life.

    `told` is called when the handshake is done (reason None) and when the session should end
    (a reason of `SessionDown`); the relay does the ending. `sections` are the agreed (kind, mid) in
    the bundle's order, `setup` is our DTLS setup in answers, `fingerprints` are the peer's.
    """

    publishes = False

    def __init__(
        self,
        grant: Grant,
        port: MediaPort,
        clock: Clock,
        certificate: Certificate,
        told: Callable[[Session, str | None], None],
    ) -> None:
        self.grant = grant
        self.clock = clock
        self.peer = PeerTransport(port, clock, self, certificate)
        self.machine = Machine(
            "session", SESSION_TABLE, SessionState.NEW, session=grant.session, room=grant.room
        )
        self.version = 1
        self.generations = Generations()
        self.sections: tuple[tuple[Kind, str], ...] = ()
        self.setup = ""
        self.fingerprints: frozenset[tuple[str, str]] = frozenset()
        self.open = False
        self._told = told
        self._keys: Outbound | None = None
        self._since_ms = clock.monotonic_ms()
        self._tag = secrets.token_hex(4)

    @property
    def etag(self) -> str:
        """The entity tag of the present negotiation (no quotes)."""
        return f"{self._tag}-{self.version}"

    def may(self, what: May, epoch: int) -> bool:
        """Whether the grant gives this right in the room's present epoch."""
        return what in self.grant.may and self.grant.epoch == epoch

    def accepts(self, ssrc: int, payload_type: int) -> bool:
        """No RTP is expected from a viewer."""
        return False

    def on_rtp(self, plain: bytes, now_ms: float) -> None:
        """Nothing, where none is expected."""

    def on_rtcp(self, plain: bytes, now_ms: float) -> None:
        """See the two kinds."""

    def on_heard(self, now_ms: float) -> None:
        """See the two kinds."""

    def on_path(self, path: Path | None) -> None:
        """See the two kinds."""

    def on_connected(self, keys: Outbound) -> None:
        """The handshake is done."""
        self._keys = keys
        if self.machine.report(SessionState.CONNECTED):
            self._told(self, None)

    def on_gone(self, reason: str) -> None:
        """The peer ended it, or never came to be."""
        if reason == "failed":
            self.machine.report(SessionState.FAILED)
        self._told(self, reason)

    def gate(self, epoch: int, *, fresh: bool = False) -> None:
        """Open or shut this session's media by its grant and the room's epoch.

        `fresh` says that the peer has sent nothing yet, so that nothing of before can be on its way.
        """

    def tick(self, now_ms: float) -> None:
        """Look at the clock: who never came, who is silent, whose right is over."""
        if self.clock.now().timestamp() >= self.grant.expires:
            self._told(self, "expired")
        elif not self.peer.connected:
            if now_ms - self._since_ms > PATIENCE_MS:
                self.on_gone("failed")
        elif self.peer.silent(now_ms):
            self._told(self, "vanished")

    def stats(self) -> dict[str, int | float]:
        """Plain counters."""
        peer = self.peer
        return {
            "received_packets": peer.received_packets,
            "received_bytes": peer.received_bytes,
            "unknown_ssrcs": peer.unknown_ssrcs,
            "forged": peer.forged,
            "rtt_ms": peer.ice.rtt_ms or 0.0,
        }

    async def close(self) -> None:
        """End it; idempotent."""
        if self.machine.over:
            return
        self.machine.report(SessionState.DRAINING)
        self.open = False
        await self.peer.close()
        self.machine.report(SessionState.CLOSED)


class PublishSession(Session):
    """A publisher: what she sends goes into her feed while `open`."""

    publishes = True

    def __init__(
        self,
        grant: Grant,
        port: MediaPort,
        clock: Clock,
        certificate: Certificate,
        told: Callable[[Session, str | None], None],
        feed: Feed,
        feed_id: FeedId,
        taken: Sequence[Accepted],
        touched: set[Feed],
    ) -> None:
        super().__init__(grant, port, clock, certificate, told)
        self._touched = touched
        self.feed = feed
        self.feed_id = feed_id
        self.source: Source | None = None
        self._tracks = [_source_track(accepted) for accepted in taken]
        self._payload_types = {t.track.payload_type for t in self._tracks}

    def agrees(self, taken: Sequence[Accepted]) -> bool:
        """Whether these are the very tracks that were agreed on."""
        return self._tracks == [_source_track(accepted) for accepted in taken]

    def take_feed(self) -> None:
        """Become the feed's source."""
        self.source = self.feed.open_source(self._tracks, self._send_rtcp)
        self.source.heard(self.clock.monotonic_ms())

    def leave_feed(self, ended: bool) -> None:
        """No longer be its source; `ended` if she said so."""
        if self.source is not None:
            self.feed.close_source(self.source, ended)
            self.source = None

    def _send_rtcp(self, plain: bytes) -> None:
        if self._keys is not None:
            self.peer.send_rtcp(self._keys, plain)

    def accepts(self, ssrc: int, payload_type: int) -> bool:
        """Only the payload types that were agreed on."""
        return payload_type in self._payload_types

    def on_rtp(self, plain: bytes, now_ms: float) -> None:
        """Into the feed."""
        if self.source is not None and self.open:
            self.source.on_rtp(plain, now_ms)
            self._touched.add(self.feed)

    def on_rtcp(self, plain: bytes, now_ms: float) -> None:
        """Her reports; a BYE of everything ends the session."""
        if self.source is None:
            return
        self._touched.add(self.feed)
        if not self.source.on_rtcp(plain, now_ms):
            self._told(self, "closed")

    def on_heard(self, now_ms: float) -> None:
        """Vanished means that no packet of any kind came."""
        if self.source is not None:
            self.source.heard(now_ms)

    def gate(self, epoch: int, *, fresh: bool = False) -> None:
        """While shut, what she sends reaches nobody; opening asks for a picture from now on."""
        allowed = self.source is not None and self.may(May.PUBLISH, epoch)
        if allowed and not self.open:
            self.open = True
            self.feed.open(self.peer.ice.rtt_ms, fresh=fresh)
        elif not allowed and self.source is not None and (self.open or fresh):
            self.open = False
            self.feed.shut()


class ViewSession(Session):
    """A viewer: one slot (a sound and a picture) for each feed it wants."""

    def __init__(
        self,
        grant: Grant,
        port: MediaPort,
        clock: Clock,
        certificate: Certificate,
        told: Callable[[Session, str | None], None],
    ) -> None:
        super().__init__(grant, port, clock, certificate, told)
        self.outlet = Outlet(port, port.counters)
        self.offered = False
        self.want = Want(())
        self.slots: list[dict[Kind, Stream]] = []
        self.viewers: list[Viewer] = []
        self.cname = secrets.token_hex(8)
        self._feeds: tuple[Feed, ...] = ()
        self._path: Path | None = None

    def add_slot(self) -> dict[Kind, Stream]:
        """One more sound and picture, with numbers of their own under this session's key."""
        index = len(self.slots)
        used = {stream.ssrc for slot in self.slots for stream in slot.values()}
        slot: dict[Kind, Stream] = {}
        kinds: tuple[Kind, Kind] = ("audio", "video")
        for kind in kinds:
            ssrc = _fresh_ssrc(used)
            used.add(ssrc)
            slot[kind] = Stream(ssrc, self.cname, f"slot-{index}", f"{kind}-{index}")
        self.slots.append(slot)
        return slot

    def agreed(self, slot: int, shapes: Sequence[MediaShape]) -> None:
        """The peer told its numbers for a slot (in order): its viewer begins."""
        if slot != len(self.viewers):
            return
        viewer = Viewer(self.outlet, shapes, self.clock)
        self.viewers.append(viewer)
        if slot < len(self._feeds):
            viewer.watch(self._feeds[slot])
        if self.outlet.ready:
            viewer.resume()

    def watch(self, want: Want, feeds: Sequence[Feed]) -> None:
        """Put these feeds behind the slots."""
        self.want = want
        self._feeds = tuple(feeds)
        for index, viewer in enumerate(self.viewers):
            viewer.watch(self._feeds[index] if index < len(self._feeds) else None)

    def keyframes(self) -> None:
        """Ask for a keyframe behind each slot."""
        for viewer in self.viewers:
            viewer.ask_keyframe()

    def on_rtcp(self, plain: bytes, now_ms: float) -> None:
        """What the viewer misses, and how it fares."""
        try:
            reports = rtcp.parse(plain)
        except ValueError:
            return
        for viewer in self.viewers:
            viewer.on_rtcp(reports)

    def on_path(self, path: Path | None) -> None:
        """Where its packets go."""
        self._path = path
        self.outlet.path = path

    def on_connected(self, keys: Outbound) -> None:
        """The keys are there."""
        self.outlet.keys = keys
        super().on_connected(keys)

    def gate(self, epoch: int, *, fresh: bool = False) -> None:
        """While shut, nothing leaves, and nothing of before is ever sent again."""
        allowed = self.may(May.VIEW, epoch) and self.peer.connected and self.outlet.path is not None
        if allowed and not self.open:
            self.open = self.outlet.ready = True
            for viewer in self.viewers:
                viewer.resume()
        elif not allowed and self.open:
            for viewer in self.viewers:
                viewer.pause()
            self.open = self.outlet.ready = False

    def tick(self, now_ms: float) -> None:
        """Reports of the slots, then the common things."""
        if self.open:
            for viewer in self.viewers:
                viewer.tick(now_ms)
        super().tick(now_ms)

    async def close(self) -> None:
        """End it; idempotent."""
        self.outlet.ready = False
        for viewer in self.viewers:
            viewer.close()
        await super().close()


def _fresh_ssrc(used: set[int]) -> int:
    while True:
        ssrc = secrets.randbits(32)
        if ssrc and ssrc not in used:
            return ssrc


def _source_track(accepted: Accepted) -> SourceTrack:
    codec, section = accepted.codecs[0], accepted.section
    feedback = codec.feedback
    wide = accepted.extensions.get(sdp.TRANSPORT_CC) if "transport-cc" in feedback else None
    track = Track(
        mid=section.mid,
        kind=accepted.kind,
        codec=_CANONICAL.get(codec.name.lower(), codec.name),
        payload_type=codec.payload_type,
        clock_rate=codec.clock_rate,
        fmtp=codec.fmtp,
    )
    return SourceTrack(
        track=track,
        ssrcs=tuple(s for s in section.ssrcs if s not in section.rtx_ssrcs),
        mid_extension=accepted.extensions.get(sdp.MID),
        transport_cc_extension=wide,
        nack=True,
        remb=wide is None and "goog-remb" in feedback,
    )


_CANONICAL = {"h264": "H264", "vp8": "VP8", "opus": "opus"}


def shape_of(
    kind: Kind,
    stream: Stream,
    mid: str,
    codecs: Sequence[sdp.Codec],
    mid_extension: int | None,
) -> MediaShape:
    """The wire shape a viewer agreed to: payload types by our codec names."""
    payload_types: dict[str, int] = {}
    for codec in codecs:
        name = _CANONICAL.get(codec.name.lower())
        if name is not None:
            payload_types.setdefault(name, codec.payload_type)
    return MediaShape(
        kind=kind,
        ssrc=stream.ssrc,
        cname=stream.cname,
        payload_types=payload_types,
        mid=mid,
        mid_extension=mid_extension,
    )
