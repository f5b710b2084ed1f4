"""What bytes may do to the relay: targets that raise only where the relay is wrong."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

from OpenSSL import SSL

from infra.clock import ManualClock
from infra.errors import LampioError
from streaming import describe, fragment, ice, keyframes, rtcp, rtp, sdp
from streaming.describe import Ours, Stream
from streaming.ice import Credentials, IceLite, Path
from streaming.private import PROFILES, Certificate
from streaming.relay import EmbeddedRelay, RelayConfig
from streaming.whip import Whip
from tests.streaming.house import FEED, ROOM
from tests.streaming.studio import H264, PICTURE_SSRC, VIEWER_PT, Publisher, Studio
from tests.streaming.test_whip import Door

HERE, THERE = Path(0, "192.0.2.7", 40_000), Path(0, "198.51.100.9", 50_000)
OURS = Ours("ufrag", "password", ":".join(["AA"] * 32), (("192.0.2.1", 5000),))
STATUSES = {400, 406, 409, 413, 415, 422}


def _expected(error: LampioError) -> None:
    """A refusal is one that a peer can earn."""
    if error.status not in STATUSES:
        raise error


def stun(data: bytes) -> None:
    """A message is read or refused; without the password nothing is good, nothing moves."""
    message = ice.parse(data)
    if message is None:
        return
    mine = IceLite(Credentials(b"ours", b"p" * 48, b"them", b"q" * 24))
    mine.select(HERE)
    assert not mine.on_request(data, message, THERE, 0.0).good
    assert not mine.on_response(data, message, THERE, 0.0).good
    assert mine.selected == HERE and not mine.addresses


class _Handshake:
    """A server's half of a handshake in memory."""

    certificate: Certificate | None = None

    @classmethod
    def new(cls) -> SSL.Connection:
        if cls.certificate is None:
            cls.certificate = Certificate.generateCertificate()
        connection = SSL.Connection(cls.certificate._create_ssl_context(PROFILES))
        connection.set_accept_state()
        return connection


def dtls(data: bytes) -> None:
    """Records never finish a handshake, never raise but OpenSSL's own, and are answered by a flight or
    two at most. Several datagrams: each begins with its length in two bytes."""
    server, answered, at = _Handshake.new(), 0, 0
    while at + 2 <= len(data):
        size = int.from_bytes(data[at : at + 2], "big") % 1600
        record = data[at + 2 : at + 2 + size]
        at += 2 + size
        if not record or not 20 <= record[0] < 64:
            continue
        server.bio_write(record)
        for step in (server.do_handshake, lambda: server.recv(1500)):
            try:
                step()
            except SSL.Error:
                continue
        try:
            answered += len(server.bio_read(65_536))
        except SSL.WantReadError:
            continue
    assert answered <= 20 * (len(data) + 1000)


def rtp_packet(data: bytes) -> None:
    """A packet is read or refused with ValueError; in a running feed it costs at most itself."""
    try:
        header = rtp.parse(data)
        assert rtp.HEADER_SIZE <= header.payload_at <= header.payload_end <= len(data)
        for _, start, end in rtp.extensions(data, header):
            assert header.extension_at <= start <= end <= header.extension_end
    except ValueError:
        pass
    studio = Studio()
    publisher = studio.publisher()
    viewer = studio.guest()
    publisher.picture(key=True)
    studio.feed.flush()
    viewer.got("video")
    publisher.arrive(_aimed(data, publisher))
    studio.feed.flush()
    studio.pass_ms(1100)
    bent = viewer.got("video")
    assert all(payload is not None for _, _, payload in bent)
    publisher.seqs["video"] = (publisher.source.streams[1]._number.highest or 0) & 0xFFFF
    publisher.stamps["video"] = (publisher.source.streams[1]._timestamp.highest or 0) + 3600
    publisher.picture(key=True)
    studio.feed.flush()
    assert viewer.got("video"), "what comes after is seen"


def _aimed(data: bytes, publisher: Publisher) -> bytes:
    """The same packet, as of the publisher's picture: what is not never gets that far."""
    if len(data) < 12:
        return data
    return (
        data[:1]
        + bytes([data[1] & 0x80 | H264])
        + data[2:8]
        + PICTURE_SSRC.to_bytes(4, "big")
        + data[12:]
    )


def rtcp_compound(data: bytes) -> None:
    """A compound is read or refused with ValueError, says a bounded lot, and harms no feed."""
    try:
        reports = rtcp.parse(data)
        assert len(reports) <= rtcp.MAX_REPORTS
        spoken = sum(
            len(r.numbers) if isinstance(r, rtcp.Nack) else len(r.arrivals)
            for r in reports
            if isinstance(r, rtcp.Nack | rtcp.TransportCc)
        )
        assert spoken <= rtcp.MAX_NUMBERS
    except ValueError:
        reports = []
    studio = Studio()
    publisher = studio.publisher()
    viewer = studio.guest()
    publisher.picture(key=True)
    studio.feed.flush()
    viewer.viewer.on_rtcp(reports)
    publisher.source.on_rtcp(data, studio.clock.monotonic_ms())
    studio.pass_ms(1100)
    viewer.viewer.tick(studio.clock.monotonic_ms())
    viewer.got("video")
    publisher.picture(key=True)
    studio.feed.flush()
    assert viewer.got("video")


def payload(data: bytes) -> None:
    """A picture's beginning is looked for and never found beyond the payload's end."""
    for codec in VIEWER_PT | {"VP8": 0}:
        found = keyframes.look(codec, data)
        for unit in (found.sps, found.pps):
            assert unit is None or unit in data
    sets = keyframes.ParameterSets()
    sets.note(keyframes.h264(data), 1)
    aggregate = sets.aggregate()
    assert aggregate is None or len(aggregate) < 1200


def description(data: bytes) -> None:
    """An offer is refused with an error of ours, or answered with clean lines."""
    text = data.decode("utf-8", "replace")
    for publishes in (True, False):
        try:
            offer = sdp.parse(text)
            if publishes:
                taken = describe.choose_published(offer)
                answer = describe.published_answer(offer, taken, OURS, "passive", 1)
            else:
                taken = describe.choose_viewed(offer, ["H264"])
                streams = {t.section.mid: Stream(1, "c", "g", "n") for t in taken}
                answer = describe.viewed_answer(offer, taken, streams, OURS, "passive", 1)
        except LampioError as error:
            _expected(error)
            continue
        assert answer.isascii()
        assert all(line.isprintable() for line in answer.split("\r\n"))


def trickle(data: bytes) -> None:
    """A fragment is read or refused with an error of ours."""
    try:
        found = fragment.parse(data.decode("utf-8", "replace"))
    except LampioError as error:
        _expected(error)
        return
    assert bool(found.ufrag) == bool(found.password)


class _Doors:
    """One relay without a socket, and its WHIP and WHEP."""

    _made: tuple[asyncio.AbstractEventLoop, EmbeddedRelay, Whip] | None = None
    numbers = itertools.count()

    @classmethod
    def open(cls) -> tuple[asyncio.AbstractEventLoop, EmbeddedRelay, Whip]:
        if cls._made is None:
            loop = asyncio.new_event_loop()
            relay = EmbeddedRelay(RelayConfig(), ManualClock())
            loop.run_until_complete(relay.open_room(ROOM, 1, 1))
            cls._made = loop, relay, Whip(relay, Door(), lambda room: FEED)
        return cls._made

    @classmethod
    def close(cls) -> None:
        """End what `open` made; idempotent."""
        if cls._made is not None:
            loop, relay, _ = cls._made
            loop.run_until_complete(relay.stop())
            loop.close()
            cls._made = None


close = _Doors.close


def whip_body(data: bytes) -> None:
    """A body makes a session of the one who may, or an error of ours; nothing stays behind."""
    loop, relay, whip = _Doors.open()

    async def post() -> None:
        for protocol, key in (("whip", "artist"), ("whep", "guest")):
            try:
                made = await whip.post(protocol, ROOM, key, "application/sdp", data)  # type: ignore[arg-type]  # one of two
            except LampioError as error:
                _expected(error)
                continue
            assert made.sdp.isascii()
            await whip.delete(protocol, ROOM, made.resource, key)  # type: ignore[arg-type]  # one of two
        assert not relay.grants(ROOM) and not relay._port.peers

    loop.run_until_complete(post())


TARGETS: dict[str, Callable[[bytes], None]] = {
    "stun": stun,
    "dtls": dtls,
    "rtp": rtp_packet,
    "rtcp": rtcp_compound,
    "payload": payload,
    "sdp": description,
    "trickle": trickle,
    "whip": whip_body,
}
