"""The one port: what belongs to nobody is dropped, and answers leave from where they were asked."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
from aioice import stun
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.clock import ManualClock
from infra.errors import Unavailable
from streaming import ice, udp
from streaming.ice import IceLite, Path
from streaming.udp import MediaPort, host_addresses
from tests.streaming.house import until

PASSWORD = b"password-of-ours-22-bytes"


class Recorder:
    """A peer that keeps what it was handed, and answers good checks."""

    def __init__(self, port: MediaPort, ufrag: bytes = b"ours") -> None:
        self.port = port
        self.ice = IceLite(ice.Credentials(ufrag, PASSWORD, b"them", b"theirs"))
        self.media: list[tuple[bytes, Path]] = []
        self.dtls: list[bytes] = []
        self.gone: list[Path] = []
        port.peers[ufrag] = self

    def on_stun(self, data: bytes, message: ice.Stun, path: Path, now_ms: float) -> None:
        verdict = self.ice.on_request(data, message, path, now_ms)
        if verdict.answer is not None:
            self.port.send(verdict.answer, path)
        if verdict.good:
            self.port.own(path, self)

    def on_dtls(self, data: bytes, path: Path, now_ms: float) -> None:
        self.dtls.append(data)

    def on_media(self, data: bytes, path: Path, now_ms: float) -> None:
        if data[1:2] == b"!":
            raise RuntimeError("a fault of ours")
        self.media.append((data, path))

    def heard_lately(self, path: Path, now_ms: float, within_ms: float) -> bool:
        at = self.ice.addresses.get(path)
        return at is not None and now_ms - at <= within_ms

    def lost(self, path: Path) -> None:
        self.gone.append(path)
        self.ice.forget(path)


class Wakeups:
    """Counts the wake-ups of the socket."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, now_ms: float) -> None:
        self.count += 1


@pytest.fixture
async def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def port(clock: ManualClock) -> AsyncIterator[MediaPort]:
    made = MediaPort(clock, Wakeups(), addresses=["127.0.0.1", "127.0.0.2", "::1"])
    made.open()
    yield made
    made.close()
    made.close()


def client(host: str = "127.0.0.1") -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.bind((host, 0))
    sock.setblocking(False)
    return sock


def check(ufrag: str = "ours") -> bytes:
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    message.attributes["USERNAME"] = f"{ufrag}:them"
    message.add_message_integrity(PASSWORD)
    return bytes(message)


async def ask(sock: socket.socket, data: bytes, host: str, port: int) -> tuple[bytes, str]:
    loop = asyncio.get_running_loop()
    await loop.sock_sendto(sock, data, (host, port))
    async with asyncio.timeout(5):
        answer, address = await loop.sock_recvfrom(sock, 2048)
    return answer, address[0]


async def test_answers_leave_from_the_address_they_were_asked_at(port: MediaPort) -> None:
    Recorder(port)
    for host in ("127.0.0.1", "127.0.0.2", "::1"):
        with client("::1" if host == "::1" else "127.0.0.1") as sock:
            answer, source = await ask(sock, check(), host, port.port)
            assert source == host
            told = stun.parse_message(answer).attributes["XOR-MAPPED-ADDRESS"]
            assert told == sock.getsockname()[:2]


async def test_media_and_dtls_count_only_from_a_proved_address(port: MediaPort) -> None:
    peer = Recorder(port)
    with client() as sock:
        loop = asyncio.get_running_loop()
        for data in (b"\x80media", b"\x16dtls", b"", b"\x50x", b"\x00\x01garbage"):
            await loop.sock_sendto(sock, data, ("127.0.0.1", port.port))
        await until(lambda: port.counters.received == 5)
        assert not peer.media and not peer.dtls and port.counters.strangers == 4
        await ask(sock, check(), "127.0.0.1", port.port)
        for data in (b"\x80media", b"\x16dtls"):
            await loop.sock_sendto(sock, data, ("127.0.0.1", port.port))
        await until(lambda: peer.media and peer.dtls)


async def test_one_datagrams_fault_does_not_cost_the_others(port: MediaPort) -> None:
    peer = Recorder(port)
    with client() as sock:
        await ask(sock, check(), "127.0.0.1", port.port)
        for data in (b"\x80!", b"\x80good"):
            await asyncio.get_running_loop().sock_sendto(sock, data, ("127.0.0.1", port.port))
        await until(lambda: peer.media)
        assert port.counters.failed == 1


async def test_an_address_passes_to_another_session_only_when_its_owner_is_silent(
    port: MediaPort, clock: ManualClock
) -> None:
    first, second = Recorder(port, b"one"), Recorder(port, b"two")
    loop = asyncio.get_running_loop()
    with client() as sock:
        await ask(sock, check("one"), "127.0.0.1", port.port)
        await loop.sock_sendto(sock, check("two"), ("127.0.0.1", port.port))
        await until(lambda: port.counters.strangers == 1)
        assert not first.gone and not second.ice.addresses
        clock.advance(6_000)
        await ask(sock, check("two"), "127.0.0.1", port.port)
        assert len(first.gone) == 1 and not first.ice.addresses
        await loop.sock_sendto(sock, b"\x80media", ("127.0.0.1", port.port))
        await until(lambda: second.media)
        assert not first.media


async def test_one_wakeup_hands_out_all_that_came_and_then_tells_once(port: MediaPort) -> None:
    peer = Recorder(port)
    with client() as sock:
        await ask(sock, check(), "127.0.0.1", port.port)
        wakeups = port._after_wakeup
        assert isinstance(wakeups, Wakeups)
        before = wakeups.count
        for number in range(20):
            sock.sendto(b"\x80" + bytes([number]), ("127.0.0.1", port.port))
        await until(lambda: len(peer.media) == 20)
        assert wakeups.count == before + 1


async def test_a_forgotten_session_gets_nothing_more(port: MediaPort) -> None:
    peer = Recorder(port)
    with client() as sock:
        await ask(sock, check(), "127.0.0.1", port.port)
        port.forget(peer, b"ours", list(peer.ice.addresses))
        assert not port.peers and not port.owners
        for data in (b"\x80media", check()):
            await asyncio.get_running_loop().sock_sendto(sock, data, ("127.0.0.1", port.port))
        await until(lambda: port.counters.strangers == 2)
        assert not peer.media


async def test_a_taken_port_is_told_with_a_code(clock: ManualClock, port: MediaPort) -> None:
    second = MediaPort(clock, Wakeups(), port=port.port, addresses=["127.0.0.1"])
    with pytest.raises(Unavailable) as error:
        second.open()
    assert error.value.code == "media_port"


async def test_a_full_socket_queues_a_bounded_moment_and_drops_the_oldest(
    clock: ManualClock,
) -> None:
    port = MediaPort(clock, Wakeups(), addresses=["127.0.0.1"])
    port.open()
    real = port._sockets[0].sock

    class Full:
        """A socket whose send buffer is full."""

        full = True

        def sendto(self, data: bytes, address: tuple[str, int]) -> int:
            if self.full:
                raise BlockingIOError
            return real.sendto(data, address)

        def fileno(self) -> int:
            return real.fileno()

        def close(self) -> None:
            real.close()

    with client() as sock:
        path = Path(0, *sock.getsockname())
        full = Full()
        port._sockets[0].sock = full  # type: ignore[assignment]  # the real one behind it
        port.send(b"old", path)
        clock.advance(60)
        for number in range(3):
            port.send(b"new%d" % number, path)
        assert port.counters.queued == 4 and port.counters.dropped == 1
        full.full = False
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(5):
            got = [await loop.sock_recv(sock, 100) for _ in range(3)]
        assert got == [b"new0", b"new1", b"new2"]
    port.close()


async def test_an_address_that_the_host_gains_is_bound_on_the_same_number(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(udp, "host_addresses", lambda: ["127.0.0.1"])
    port = MediaPort(clock, Wakeups())
    port.open()
    Recorder(port)
    monkeypatch.setattr(udp, "host_addresses", lambda: ["127.0.0.1", "127.0.0.3", "192.0.2.99"])
    port.rescan()
    assert set(port.hosts) == {"127.0.0.1", "127.0.0.3"}
    with client() as sock:
        assert (await ask(sock, check(), "127.0.0.3", port.port))[1] == "127.0.0.3"
    port.close()


def test_all_addresses_of_the_host_are_told_with_loopback_last() -> None:
    hosts = host_addresses()
    assert "127.0.0.1" in hosts
    assert not any(host.startswith("fe80") for host in hosts)
    loopback = [host.startswith("127.") or host == "::1" for host in hosts]
    assert loopback == sorted(loopback)


@settings(max_examples=200)
@given(st.binary(max_size=1500))
def test_no_datagram_of_a_stranger_raises(data: bytes) -> None:
    port = MediaPort(ManualClock(), Wakeups())
    Recorder(port)
    port._one(data, Path(0, "192.0.2.1", 5), 0.0)
    assert not port.owners
