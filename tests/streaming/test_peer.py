"""One peer's transport: its life, its streams' number, and where its media may go."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aioice import stun

from infra.clock import ManualClock
from infra.scope import TaskScope
from streaming import peer as peer_module
from streaming import private
from streaming.ice import Path
from streaming.peer import MAX_SSRCS, PeerTransport
from streaming.private import Certificate, Dtls, Inbound, Outbound, Role
from streaming.udp import MediaPort
from tests.streaming.house import until

THEIRS, THEIR_PASSWORD = "them", "their-password-of-24-byte"


class Owner:
    """A session that keeps what it is told."""

    def __init__(self) -> None:
        self.rtp: list[bytes] = []
        self.rtcp: list[bytes] = []
        self.paths: list[Path | None] = []
        self.keys: Outbound | None = None
        self.gone: list[str] = []
        self.heard = 0

    def accepts(self, ssrc: int, payload_type: int) -> bool:
        return payload_type == 96

    def on_rtp(self, plain: bytes, now_ms: float) -> None:
        self.rtp.append(plain)

    def on_rtcp(self, plain: bytes, now_ms: float) -> None:
        self.rtcp.append(plain)

    def on_heard(self, now_ms: float) -> None:
        self.heard += 1

    def on_path(self, path: Path | None) -> None:
        self.paths.append(path)

    def on_connected(self, keys: Outbound) -> None:
        self.keys = keys

    def on_gone(self, reason: str) -> None:
        self.gone.append(reason)


class Client:
    """The other end, by hand: checks of aioice, DTLS of aiortc, one UDP socket."""

    def __init__(self, peer: PeerTransport, to: tuple[str, int], role: Role = "client") -> None:
        self.peer = peer
        self.to = to
        self.certificate = Certificate.generateCertificate()
        self.sockets: list[socket.socket] = []
        self.sock = self.new_socket()
        self.dtls = Dtls(self.certificate, role, lambda data: self.send(data))
        self.keys: tuple[Inbound, Outbound] | None = None
        self.answers: list[stun.Message] = []
        self.asked: list[stun.Message] = []
        self.media: list[tuple[int, bytes]] = []
        self.dtls_came = 0
        self.answer_checks = True

    def new_socket(self) -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        sock.bind(("127.0.0.1", 0))
        asyncio.get_running_loop().add_reader(sock, self._read, sock)
        self.sockets.append(sock)
        return sock

    def send(self, data: bytes, sock: socket.socket | None = None) -> None:
        (sock or self.sock).sendto(data, self.to)

    def check(self, sock: socket.socket | None = None, nominate: bool = True) -> None:
        ours = self.peer.ice.credentials
        message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        message.attributes["USERNAME"] = f"{ours.ours.decode()}:{THEIRS}"
        message.attributes["PRIORITY"] = 1
        if nominate:
            message.attributes["USE-CANDIDATE"] = None
        message.add_message_integrity(ours.our_password)
        self.send(bytes(message), sock)

    def _read(self, sock: socket.socket) -> None:
        data = sock.recv(2048)
        if data[0] < 4:
            message = stun.parse_message(data)
            if message.message_class != stun.Class.REQUEST:
                self.answers.append(message)
                return
            self.asked.append(message)
            if self.answer_checks:
                answer = stun.Message(
                    stun.Method.BINDING, stun.Class.RESPONSE, message.transaction_id
                )
                answer.add_message_integrity(THEIR_PASSWORD.encode())
                self.send(bytes(answer), sock)
        elif data[0] < 64:
            self.dtls_came += 1
            self.dtls.put(data)
        else:
            self.media.append((sock.getsockname()[1], data))

    async def connect(self) -> None:
        self.check()
        await until(lambda: self.answers)
        ours = self.peer.certificate.fingerprint()
        self.keys = await self.dtls.handshake([("sha-256", ours)], lambda: None)

    def rtp(self, ssrc: int, seq: int, payload_type: int = 96) -> bytes:
        assert self.keys is not None
        plain = struct.pack("!BBHII", 0x80, payload_type, seq, 0, ssrc) + b"payload"
        private.OUT[: len(plain)] = plain
        return bytes(private.OUT[: self.keys[1].seal(len(plain))])

    async def close(self) -> None:
        await self.dtls.close()


@asynccontextmanager
async def pair(
    role: Role = "server", gate: asyncio.Semaphore | None = None
) -> AsyncIterator[tuple[PeerTransport, Owner, Client, ManualClock]]:
    clock, owner, scope = ManualClock(), Owner(), TaskScope("test")
    port = MediaPort(clock, lambda now: None, addresses=["127.0.0.1"])
    port.open()
    peer = PeerTransport(port, clock, owner, Certificate.generateCertificate())
    client = Client(peer, ("127.0.0.1", port.port), role="client" if role == "server" else "server")
    prints = [("sha-256", client.certificate.fingerprint())]
    peer.start(THEIRS, THEIR_PASSWORD, prints, role, scope, gate)
    try:
        yield peer, owner, client, clock
    finally:
        await client.close()
        await peer.close()
        await scope.close()
        port.close()
        for sock in client.sockets:
            asyncio.get_running_loop().remove_reader(sock)
            sock.close()


@pytest.mark.parametrize("role", ["server", "client"])
async def test_media_flows_both_ways_whoever_begins_the_handshake(role: Role) -> None:
    async with pair(role) as (peer, owner, client, _):
        await client.connect()
        await until(lambda: owner.keys)
        assert owner.paths == [Path(0, *client.sock.getsockname())]
        client.send(client.rtp(7, 1))
        await until(lambda: owner.rtp)
        assert owner.rtp[0].endswith(b"payload")
        assert owner.keys is not None
        peer.send_rtcp(owner.keys, struct.pack("!BBHI", 0x80, 201, 1, 9))
        await until(lambda: client.media)
        assert client.keys is not None
        assert client.keys[0].open_rtcp(client.media[0][1]) == struct.pack("!BBHI", 0x80, 201, 1, 9)


async def test_unknown_payload_types_forged_and_too_many_streams_are_dropped() -> None:
    async with pair() as (peer, owner, client, _):
        await client.connect()
        await until(lambda: owner.keys)
        client.send(client.rtp(7, 1, payload_type=97))
        client.send(client.rtp(7, 2)[:-1] + b"x")
        for ssrc in range(100, 100 + MAX_SSRCS + 5):
            client.send(client.rtp(ssrc, 1))
        await until(lambda: peer.unknown_ssrcs == 6)
        assert peer.forged == 1 and len(owner.rtp) == MAX_SSRCS
        client.send(client.rtp(100, 2))
        await until(lambda: len(owner.rtp) == MAX_SSRCS + 1)


async def test_media_moves_only_when_the_new_address_answers_us() -> None:
    async with pair() as (peer, owner, client, clock):
        await client.connect()
        await until(lambda: owner.keys)
        elsewhere = client.new_socket()
        client.answer_checks = False
        client.check(elsewhere)
        await until(lambda: any("ICE-CONTROLLED" in m.attributes for m in client.asked))
        first = Path(0, *client.sock.getsockname())
        assert peer.ice.selected == first
        client.answer_checks = True
        clock.advance(1_000)
        client.check(elsewhere)
        await until(lambda: peer.ice.selected != first)
        assert owner.paths[-1] == Path(0, *elsewhere.getsockname())


async def test_silence_is_noticed_after_30_s_and_a_check_ends_it() -> None:
    async with pair() as (peer, owner, client, clock):
        await client.connect()
        await until(lambda: owner.keys)
        clock.advance(29_000)
        assert not peer.silent(clock.monotonic_ms())
        clock.advance(2_000)
        assert peer.silent(clock.monotonic_ms())
        client.check()
        await until(lambda: not peer.silent(clock.monotonic_ms()))


async def test_the_peers_goodbye_is_told_once() -> None:
    async with pair() as (_, owner, client, _clock):
        await client.connect()
        await until(lambda: owner.keys)
        await client.close()
        await until(lambda: owner.gone)
        assert owner.gone == ["closed"]


async def test_a_handshake_that_stays_away_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer_module, "HANDSHAKE_S", 0.05)
    async with pair() as (_, owner, client, _clock):
        client.check()
        await until(lambda: client.answers)
        client.send(b"\x16\xfe\xff" + bytes(30))
        await until(lambda: owner.gone)
        assert owner.gone == ["failed"]


async def test_handshakes_wait_for_their_turn_and_closing_ends_the_waiting() -> None:
    gate = asyncio.Semaphore(0)
    async with pair(gate=gate) as (peer, owner, client, _):
        task = asyncio.create_task(client.connect())
        await until(lambda: gate.locked() and gate._waiters)
        assert owner.keys is None and not peer.connected
        gate.release()
        await task
        await until(lambda: owner.keys)


async def test_who_begins_a_handshake_and_stays_away_holds_up_nobody() -> None:
    gate = asyncio.Semaphore(1)
    async with (
        pair(gate=gate) as (_, idle, idler, _clock),
        pair(gate=gate) as (_, owner, client, _),
    ):
        idler.dtls.put = lambda data: None  # type: ignore[method-assign]  # he hears our flight and says nothing more
        stalled = asyncio.create_task(idler.connect())
        await until(lambda: idler.dtls_came)
        async with asyncio.timeout(3):
            await client.connect()
            await until(lambda: owner.keys)
        assert idle.gone == [], "it has its ten seconds all the same"
        stalled.cancel()
        await asyncio.gather(stalled, return_exceptions=True)
    assert gate._value == 1


async def test_an_address_whose_media_comes_is_heard_though_it_does_not_check() -> None:
    async with pair() as (peer, owner, client, clock):
        await client.connect()
        await until(lambda: owner.keys)
        path = Path(0, *client.sock.getsockname())
        clock.advance(20_000)
        assert not peer.heard_lately(path, clock.monotonic_ms(), 5_000)
        client.send(client.rtp(7, 1))
        await until(lambda: owner.rtp)
        assert peer.heard_lately(path, clock.monotonic_ms(), 5_000)
        assert not peer.heard_lately(Path(0, "192.0.2.9", 1), clock.monotonic_ms(), 5_000)


async def test_closing_before_anything_came_leaves_nothing() -> None:
    async with pair() as (peer, owner, _client, _):
        await peer.close()
        await peer.close()
        assert owner.gone == []
