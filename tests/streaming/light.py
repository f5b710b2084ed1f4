"""A light peer: one UDP socket, checks, DTLS and SRTP by hand, no codec. It sends what it is told to."""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
import struct
from collections.abc import Callable

from aioice import stun

from streaming import private, rtcp, sdp
from streaming.ports import FeedId, Grant, Negotiated, Want
from streaming.private import Certificate, Dtls, Inbound, Outbound
from streaming.relay import EmbeddedRelay

AUDIO_PT, VIDEO_PT, MID_EXTENSION = 111, 102, 4
_certificate: list[Certificate] = []


def certificate() -> Certificate:
    """One for all light peers: making one costs more than a handshake."""
    if not _certificate:
        _certificate.append(Certificate.generateCertificate())
    return _certificate[0]


def description(
    direction: str, ufrag: str, password: str, ssrcs: tuple[int, int], codec: str = "H264"
) -> str:
    """An offer of a sound and a picture."""
    lines = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0 1"]
    for index, (kind, number, encoding, fmtp) in enumerate(
        (
            ("audio", AUDIO_PT, "opus/48000/2", "minptime=10;useinbandfec=1"),
            (
                "video",
                VIDEO_PT,
                f"{codec}/90000",
                "packetization-mode=1;profile-level-id=42e01f;level-asymmetry-allowed=1",
            ),
        )
    ):
        lines += [
            f"m={kind} 9 UDP/TLS/RTP/SAVPF {number}",
            "c=IN IP4 0.0.0.0",
            f"a=mid:{index}",
            f"a={direction}",
            "a=rtcp-mux",
            f"a=ice-ufrag:{ufrag}",
            f"a=ice-pwd:{password}",
            f"a=fingerprint:sha-256 {certificate().fingerprint()}",
            "a=setup:actpass",
            f"a=rtpmap:{number} {encoding}",
            f"a=fmtp:{number} {fmtp}",
            f"a=rtcp-fb:{number} nack",
            f"a=rtcp-fb:{number} nack pli",
            f"a=extmap:{MID_EXTENSION} {sdp.MID}",
        ]
        if direction == "sendonly":
            lines.append(f"a=ssrc:{ssrcs[index]} cname:light")
    return "\r\n".join(lines) + "\r\n"


class LightPeer:
    """One session with a relay on `host`. `received` holds decrypted RTP in order of arrival."""

    _names = itertools.count(1)

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.host = host
        self.ufrag = f"light{next(self._names)}"
        self.password = os.urandom(12).hex()
        self.ssrcs = (1000 + next(self._names), 2000 + next(self._names))
        self.received: list[bytes] = []
        self.reports: list[rtcp.Report] = []
        self.answers = 0
        self.session = ""
        self.closed_by_relay = False
        self.keep_answering = True
        self.drop: Callable[[bytes], bool] = lambda plain: False
        self._numbers = [0, 0]
        self._keys: tuple[Inbound, Outbound] | None = None
        self._early: list[bytes] = []
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.sock.bind(("::1" if ":" in host else "127.0.0.1", 0))
        self.port: int = self.sock.getsockname()[1]
        self._dtls = Dtls(certificate(), "client", self._send)
        asyncio.get_running_loop().add_reader(self.sock, self._readable)

    # negotiation --------------------------------------------------------------------------------

    async def publish(self, relay: EmbeddedRelay, grant: Grant, codec: str = "H264") -> Negotiated:
        """Publish, and be connected."""
        offer = description("sendonly", self.ufrag, self.password, self.ssrcs, codec)
        made = await relay.publish(grant, FeedId(grant.room, grant.seat), offer)
        await self.connect(made)
        return made

    async def view(self, relay: EmbeddedRelay, grant: Grant, want: Want) -> Negotiated:
        """View as WHEP does, and be connected."""
        offer = description("recvonly", self.ufrag, self.password, self.ssrcs)
        made = await relay.view(grant, want, offer)
        await self.connect(made)
        return made

    async def connect(self, made: Negotiated) -> None:
        """Checks and handshake with the relay whose answer this is."""
        self.session = made.session
        answer = sdp.parse(made.sdp)
        candidate = next(x for x in made.sdp.split("\r\n") if x.startswith("a=candidate:"))
        self._to = (self.host, int(candidate.split()[5]))
        self._theirs = (answer.ufrag, answer.password)
        self.check()
        async with asyncio.timeout(10):
            while not self.answers:
                await asyncio.sleep(0.002)
            self._keys = await self._dtls.handshake(answer.fingerprints, self._relay_closed)
        assert self._keys is not None
        for data in self._early:  # the relay may send before we know the keys
            self._one(data)
        self._early.clear()

    def _relay_closed(self) -> None:
        self.closed_by_relay = True

    def check(self) -> None:
        """A nominating Binding request."""
        message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        message.attributes["USERNAME"] = f"{self._theirs[0]}:{self.ufrag}"
        message.attributes["PRIORITY"] = 1
        message.attributes["ICE-CONTROLLING"] = 1
        message.attributes["USE-CANDIDATE"] = None
        message.add_message_integrity(self._theirs[1].encode())
        self._send(bytes(message))

    async def reached(self) -> None:
        """Wait until the relay has read all that was sent so far."""
        answers = self.answers
        self.check()
        async with asyncio.timeout(10):
            while self.answers == answers:
                await asyncio.sleep(0.002)

    # packets ------------------------------------------------------------------------------------

    def _send(self, data: bytes) -> None:
        if self.sock.fileno() >= 0:
            self.sock.sendto(data, self._to)

    def _readable(self) -> None:
        for _ in range(200):
            try:
                data = self.sock.recv(2048)
            except BlockingIOError:
                return
            self._one(data)

    def _one(self, data: bytes) -> None:
        if data[0] < 4:
            message = stun.parse_message(data)
            if message.message_class == stun.Class.RESPONSE:
                self.answers += 1
            elif message.message_class == stun.Class.REQUEST and self.keep_answering:
                answer = stun.Message(
                    stun.Method.BINDING, stun.Class.RESPONSE, message.transaction_id
                )
                answer.add_message_integrity(self.password.encode())
                self._send(bytes(answer))
        elif data[0] < 64:
            self._dtls.put(data)
        elif self._keys is None:
            self._early.append(data)
        else:
            if 192 <= data[1] < 224:
                plain = self._keys[0].open_rtcp(data)
                if plain is not None:
                    self.reports += rtcp.parse(plain)
            else:
                plain = self._keys[0].open(data)
                if plain is not None and not self.drop(plain):
                    self.received.append(plain)

    def send_rtp(self, plain: bytes) -> None:
        """Seal and send a whole RTP packet."""
        assert self._keys is not None
        private.OUT[: len(plain)] = plain
        self._send(bytes(private.OUT[: self._keys[1].seal(len(plain))]))

    def send_rtcp(self, plain: bytes) -> None:
        """Seal and send compound RTCP."""
        assert self._keys is not None
        self._send(self._keys[1].seal_rtcp(plain))

    def sound(self, text: bytes, timestamp: int) -> None:
        """One packet of sound."""
        self._rtp(0, AUDIO_PT, text, timestamp, True)

    def frame(self, text: bytes, timestamp: int, key: bool = False) -> None:
        """One frame in one packet: an IDR with its parameter sets (STAP-A), or a slice."""
        if key:
            units = (b"\x67\x42\xe0\x1f\x8c", b"\x68\xce\x3c\x80", b"\x65" + text)
            payload = b"\x78" + b"".join(struct.pack("!H", len(u)) + u for u in units)
        else:
            payload = b"\x41" + text
        self._rtp(1, VIDEO_PT, payload, timestamp, True)

    def _rtp(self, kind: int, number: int, payload: bytes, timestamp: int, marker: bool) -> None:
        seq = self._numbers[kind] = (self._numbers[kind] + 1) & 0xFFFF
        head = struct.pack(
            "!BBHII", 0x80, number | marker << 7, seq, timestamp & 0xFFFFFFFF, self.ssrcs[kind]
        )
        self.send_rtp(head + payload)

    def texts(self, kind: str) -> list[bytes]:
        """The payloads that came of a kind, in order, each with what `sound` or `frame` was given."""
        wanted = AUDIO_PT if kind == "audio" else VIDEO_PT
        return [_payload(p) for p in self.received if p[1] & 0x7F == wanted]

    @property
    def plis(self) -> int:
        """How often a keyframe was asked of us."""
        return sum(isinstance(r, rtcp.Pli) for r in self.reports)

    async def close(self) -> None:
        """Say goodbye and let the socket go."""
        await self._dtls.close()
        self.vanish()

    def vanish(self) -> None:
        """Be gone without a word; idempotent. `close` is still to be called."""
        if self.sock.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self.sock)
            self.sock.close()


def _payload(packet: bytes) -> bytes:
    at = 12
    if packet[0] & 0x10:
        at += 4 + 4 * int(struct.unpack_from("!H", packet, 14)[0])
    return packet[at:]
