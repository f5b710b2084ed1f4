"""A feed without a network: a publisher made of packets, viewers with real keys, time turned by hand."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from pylibsrtp import Policy, Session

from infra.clock import ManualClock
from streaming import rtcp, rtp
from streaming.burst import Outlet, PlainEngine
from streaming.feed import Feed
from streaming.ice import Path
from streaming.ports import Batch, FeedId, FeedInfo, Kind, RoomId, SeatId, Track
from streaming.private import Inbound, Outbound
from streaming.source import Source, SourceTrack
from streaming.viewer import MediaShape, Viewer

H264, VP8, OPUS = 102, 96, 111
WIDE = 5
IDR, SLICE = b"\x65", b"\x41"
SETS = b"\x78\x00\x04\x67\x42\xc0\x1f\x00\x02\x68\xce"
SOUND_SSRC, PICTURE_SSRC = 11, 22
VIEWER_PT = {"H264": 120, "opus": 109}
FEED = FeedId(RoomId("sali"), SeatId("artist0000000000"))
PROFILE = Policy.SRTP_PROFILE_AEAD_AES_128_GCM

_keys = itertools.count(1)


def tracks(codec: str = "H264", payload_type: int = H264) -> list[SourceTrack]:
    """A sound and a picture as a browser negotiates them."""
    sound = Track("0", "audio", "opus", OPUS, 48_000)
    picture = Track("1", "video", codec, payload_type, 90_000)
    return [
        SourceTrack(sound, (SOUND_SSRC,), transport_cc_extension=WIDE),
        SourceTrack(picture, (PICTURE_SSRC,), transport_cc_extension=WIDE),
    ]


class Publisher:
    """One publisher of a feed; every packet it sends has a content of its own."""

    _contents = itertools.count(1)

    def __init__(self, feed: Feed, clock: ManualClock, seq: int = 100, stamp: int = 5000) -> None:
        self.feed, self.clock = feed, clock
        self.sent: list[rtcp.Report] = []
        self.seqs = {"audio": seq, "video": seq}
        self.stamps = {"audio": stamp, "video": stamp}
        self.base = stamp
        self.wide = itertools.count(0)
        self.source: Source = feed.open_source(tracks(), self._told)

    def _told(self, plain: bytes) -> None:
        self.sent += rtcp.parse(plain)

    def asked(self, kind: type) -> list[rtcp.Report]:
        """What was asked of it, by kind of report."""
        return [report for report in self.sent if isinstance(report, kind)]

    def packet(self, kind: Kind, seq: int, payload: bytes, *, marker: bool = False) -> bytes:
        """A packet with the present timestamp."""
        ssrc, pt = (SOUND_SSRC, OPUS) if kind == "audio" else (PICTURE_SSRC, H264)
        wide = next(self.wide).to_bytes(4, "big")[2:]
        return rtp.build(
            pt, seq, self.stamps[kind], ssrc, payload, marker=marker, elements=((WIDE, wide),)
        )

    def unique(self, head: bytes) -> bytes:
        """A payload that was never sent before."""
        return head + next(self._contents).to_bytes(4, "big")

    def arrive(self, plain: bytes) -> None:
        """A packet reaches the relay now."""
        self.source.on_rtp(plain, self.clock.monotonic_ms())

    def send(self, kind: Kind, payload: bytes, *, marker: bool = False) -> bytes:
        """Send the next packet of a stream; returns it."""
        self.seqs[kind] += 1
        plain = self.packet(kind, self.seqs[kind], payload, marker=marker)
        self.arrive(plain)
        return plain

    def sound(self) -> bytes:
        """20 ms of sound."""
        self.stamps["audio"] += 960
        return self.send("audio", self.unique(b"\xfc"))

    def picture(self, *, key: bool = False, packets: int = 2, sets: bool = True) -> list[bytes]:
        """One picture; a keyframe with its parameter sets before it unless told otherwise."""
        self.stamps["video"] += 3600
        sent = [self.send("video", SETS)] if key and sets else []
        for place in range(packets):
            head = IDR if key else SLICE
            sent.append(self.send("video", self.unique(head), marker=place == packets - 1))
        return sent

    def report(self, kind: Kind, ntp_s: float, stamp: int | None = None) -> None:
        """A sender report."""
        ssrc = SOUND_SSRC if kind == "audio" else PICTURE_SSRC
        stamp = self.stamps[kind] if stamp is None else stamp
        plain = rtcp.sender_report(ssrc, ntp_s, stamp, 1, 1)
        self.source.on_rtcp(plain, self.clock.monotonic_ms())


class Air:
    """What left the house, by port."""

    def __init__(self) -> None:
        self.sent: dict[int, list[bytes]] = {}

    def send(self, data: bytes | memoryview, path: Path) -> None:
        """Keep it."""
        self.sent.setdefault(path.port, []).append(bytes(data))


def key_pair() -> tuple[Outbound, Inbound]:
    """Keys that nobody else has, from both sides."""
    key = next(_keys).to_bytes(28, "big")
    ends = []
    for kind in (Policy.SSRC_ANY_OUTBOUND, Policy.SSRC_ANY_INBOUND):
        policy = Policy(key=key, ssrc_type=kind, srtp_profile=PROFILE)
        policy.allow_repeat_tx = True
        policy.window_size = 1024
        ends.append(Session(policy))
    out, back = ends
    return Outbound(out), Inbound(back)


class Guest:
    """A viewing session: one slot, real keys, and what its player would see."""

    _ports = itertools.count(1000)

    def __init__(self, air: Air, clock: ManualClock, keys: Outbound, theirs: Inbound) -> None:
        self.port = next(self._ports)
        self.ssrcs: dict[Kind, int] = {"audio": 2 * self.port, "video": 2 * self.port + 1}
        self.outlet = Outlet(air)
        self.outlet.keys = keys
        self.outlet.path = Path(0, "192.0.2.1", self.port)
        self.outlet.ready = True
        shapes = [
            MediaShape(kind, ssrc, "cname", dict(VIEWER_PT)) for kind, ssrc in self.ssrcs.items()
        ]
        self.viewer = Viewer(self.outlet, shapes, clock)
        self._air = air
        self._theirs = theirs

    def got(self, kind: Kind) -> list[tuple[int, int, bytes]]:
        """(number, timestamp, payload) of what came since the last call, resends included."""
        found = []
        kept = []
        for data in self._air.sent.pop(self.port, []):
            ssrc = int.from_bytes(data[8:12], "big")
            if rtp.is_rtcp(data) or ssrc != self.ssrcs[kind]:
                kept.append(data)
                continue
            plain = self._theirs.open(data)
            if plain is None:
                continue  # a repeat: the player's replay list refuses it
            header = rtp.parse(plain)
            found.append((header.seq, header.timestamp, plain[header.payload_at :]))
        self._air.sent[self.port] = kept
        return found

    def reports(self) -> list[rtcp.SenderInfo]:
        """The sender reports that came since the last call."""
        found: list[rtcp.SenderInfo] = []
        for data in self._air.sent.pop(self.port, []):
            if rtp.is_rtcp(data):
                plain = self._theirs.open_rtcp(data)
                assert plain is not None
                found += [r for r in rtcp.parse(plain) if isinstance(r, rtcp.SenderInfo)]
        return found


class Studio:
    """A feed, its engine and a clock."""

    def __init__(self, *, first: int = 0) -> None:
        self.clock = ManualClock()
        self.air = Air()
        self.engine = PlainEngine(self.air).share()
        self.told: list[FeedInfo] = []
        self.feed = Feed(FEED, self.clock, self.engine, self.told.append, first=first)

    def publisher(self, *, open_: bool = True, seq: int = 100, stamp: int = 5000) -> Publisher:
        """A new publisher takes the feed."""
        made = Publisher(self.feed, self.clock, seq, stamp)
        if open_:
            self.feed.open(None, fresh=True)
        return made

    def guest(self, *, watching: bool = True) -> Guest:
        """A viewer with keys of its own."""
        guest = Guest(self.air, self.clock, *key_pair())
        if watching:
            guest.viewer.watch(self.feed)
            guest.viewer.resume()
        return guest

    def pass_ms(self, ms: float) -> None:
        """Time passes, and the feed notices."""
        self.clock.advance(ms)
        self.feed.tick(self.clock.monotonic_ms())


class Sink:
    """A recorder-like subscriber."""

    def __init__(self) -> None:
        self.batches: list[tuple[Track, Batch]] = []
        self.infos: list[FeedInfo] = []

    def on_packets(self, track: Track, layer: str | None, batch: Batch) -> None:
        """Keep what came (a test may)."""
        self.batches.append((track, batch))

    def on_feed(self, change: FeedInfo) -> None:
        """Keep it."""
        self.infos.append(change)

    def seqs(self, kind: Kind) -> list[int]:
        """The numbers of a kind's packets."""
        return [p.seq for t, batch in self.batches if t.kind == kind for p in batch.packets]


def payloads(got: Sequence[tuple[int, int, bytes]]) -> list[bytes]:
    """The contents alone."""
    return [payload for _, _, payload in got]
