"""The one UDP port: a socket for each address of the host, so that answers leave from where they were asked.

The first byte tells the kind (RFC 7983), the ufrag or the bound address the session. What belongs to
nobody is counted and dropped before any parsing; one datagram's exception never costs the others.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections import deque
from collections.abc import Callable, Sequence
from ipaddress import IPv6Address, ip_address
from typing import Protocol

import ifaddr

from infra.clock import Clock
from infra.errors import Unavailable
from infra.logs import get_logger
from streaming import ice
from streaming.counters import Counters, Faults
from streaming.ice import Path

_log = get_logger("streaming.udp")

BUFFER_BYTES = 4 * 1024 * 1024
# What is drained in one wake-up; the rest is read in the next, so that the loop gets its turn.
READ_AT_ONCE = 256
# EAGAIN belongs to the socket: about 50 ms of a full hall, then the oldest are dropped.
MAX_WAITING = 2000
MAX_WAIT_MS = 50.0
# While its owner was heard this lately, an address is not given to another session.
OWNED_MS = 5_000.0
_FORCE = {socket.SO_RCVBUF: 33, socket.SO_SNDBUF: 32}  # SO_RCVBUFFORCE, SO_SNDBUFFORCE (Linux)


class Peer(Protocol):
    """What the socket hands datagrams to: a session."""

    def on_stun(self, data: bytes, message: ice.Stun, path: Path, now_ms: float) -> None:
        """A STUN message for this session's ufrag, or an answer from an address of its own."""
        ...

    def on_dtls(self, data: bytes, path: Path, now_ms: float) -> None:
        """A DTLS datagram from an address bound to this session."""
        ...

    def on_media(self, data: bytes, path: Path, now_ms: float) -> None:
        """SRTP or SRTCP from an address bound to this session."""
        ...

    def heard_lately(self, path: Path, now_ms: float, within_ms: float) -> bool:
        """Whether a good check came from this address within this time."""
        ...

    def lost(self, path: Path) -> None:
        """The address belongs to another session now."""
        ...


def host_addresses() -> list[str]:
    """All IPv4 and IPv6 addresses of this host but link-local ones; loopback last."""
    found: list[str] = []
    for adapter in ifaddr.get_adapters():
        for ip in adapter.ips:
            host = ip.ip if isinstance(ip.ip, str) else ip.ip[0]
            if not ip_address(host).is_link_local and host not in found:
                found.append(host)
    return sorted(found, key=lambda host: (ip_address(host).is_loopback, ":" in host))


class _Socket:
    """One local address."""

    def __init__(self, index: int, host: str, port: int) -> None:
        self.index = index
        self.host = host
        self.v6 = ":" in host
        self.sock = socket.socket(
            socket.AF_INET6 if self.v6 else socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK
        )
        self.waiting: deque[tuple[bytes, tuple[str, int] | tuple[str, int, int, int], float]] = (
            deque()
        )
        try:
            if self.v6:
                self.sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            self.sock.bind((host, port))
        except OSError:
            self.sock.close()
            raise
        self.large = all([self._enlarge(socket.SO_RCVBUF), self._enlarge(socket.SO_SNDBUF)])

    def _enlarge(self, option: int) -> bool:
        self.sock.setsockopt(socket.SOL_SOCKET, option, BUFFER_BYTES)
        if self.sock.getsockopt(socket.SOL_SOCKET, option) < BUFFER_BYTES:
            try:
                self.sock.setsockopt(socket.SOL_SOCKET, _FORCE[option], BUFFER_BYTES)
            except OSError:
                return False
        return self.sock.getsockopt(socket.SOL_SOCKET, option) >= BUFFER_BYTES


class MediaPort:
    """The house's UDP port.

    `peers` maps our ufrags, `owners` proved addresses to sessions. `after_wakeup` is called once when
    what a wake-up brought has been handed out: batches are formed there.
    """

    def __init__(
        self,
        clock: Clock,
        after_wakeup: Callable[[float], None],
        *,
        port: int = 0,
        addresses: Sequence[str] | None = None,
    ) -> None:
        self._clock = clock
        self._after_wakeup = after_wakeup
        self._wanted_port = port
        self._addresses = addresses
        self._sockets: list[_Socket] = []
        self.port = 0
        self.peers: dict[bytes, Peer] = {}
        self.owners: dict[Path, Peer] = {}
        self.counters = Counters()
        self._faults = Faults(_log)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The local addresses that are bound, the most useful first."""
        return tuple(s.host for s in self._sockets)

    def open(self) -> None:
        """Bind all addresses on one number. Raises `Unavailable` (code `media_port`) if it cannot."""
        hosts = list(self._addresses) if self._addresses is not None else host_addresses()
        for _ in range(1 if self._wanted_port else 20):
            try:
                self._bind(hosts)
                break
            except OSError as error:
                self._shut()
                last = error
        else:
            raise Unavailable("media_port", f"UDP port {self._wanted_port}: {last.strerror}")
        loop = asyncio.get_running_loop()
        for each in self._sockets:
            loop.add_reader(each.sock.fileno(), self._readable, each)
        if not all(s.large for s in self._sockets):
            _log.warning("socket buffers smaller than 4 MB: raise net.core.rmem_max and wmem_max")
        _log.info("media port open", port=self.port, count=len(self._sockets))

    def _bind(self, hosts: Sequence[str]) -> None:
        port = self._wanted_port
        for host in hosts:
            try:
                each = _Socket(len(self._sockets), host, port)
            except OSError as error:
                # an address that went away meanwhile, or IPv6 switched off
                if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                    continue
                raise
            port = each.sock.getsockname()[1]
            self._sockets.append(each)
        if not self._sockets:
            raise OSError(errno.EADDRNOTAVAIL, "no address could be bound")
        self.port = port

    def rescan(self) -> None:
        """Bind addresses that the host gained since; those it lost stay, and send nowhere."""
        if self._addresses is not None or not self._sockets:
            return
        loop = asyncio.get_running_loop()
        for host in set(host_addresses()) - set(self.hosts):
            try:
                each = _Socket(len(self._sockets), host, self.port)
            except OSError as error:
                _log.warning("address not bound", error=type(error).__name__)
                continue
            self._sockets.append(each)
            loop.add_reader(each.sock.fileno(), self._readable, each)
            _log.info("address bound", port=self.port, count=len(self._sockets))

    def close(self) -> None:
        """Close all sockets; idempotent."""
        if self._sockets:
            loop = asyncio.get_running_loop()
            for each in self._sockets:
                loop.remove_reader(each.sock.fileno())
                loop.remove_writer(each.sock.fileno())
        self._shut()

    def _shut(self) -> None:
        for each in self._sockets:
            each.sock.close()
        self._sockets.clear()

    # -- in ---------------------------------------------------------------------------------------

    def _readable(self, each: _Socket) -> None:
        counters, index, receive = self.counters, each.index, each.sock.recvfrom
        now_ms = self._clock.monotonic_ms()
        for _ in range(READ_AT_ONCE):
            try:
                data, address = receive(2048)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:
                counters.failed += 1
                break
            counters.received += 1
            try:
                self._one(data, Path(index, *_plain(address)), now_ms)
            except Exception as error:
                counters.failed += 1
                self._faults.tell("datagram failed", error, now_ms)
        self._after_wakeup(now_ms)

    def _one(self, data: bytes, path: Path, now_ms: float) -> None:
        first = data[0] if data else 255
        if first < 4:
            self._stun(data, path, now_ms)
            return
        peer = self.owners.get(path)
        if peer is None:
            self.counters.strangers += 1
        elif 128 <= first < 192:
            peer.on_media(data, path, now_ms)
        elif 20 <= first < 64:
            peer.on_dtls(data, path, now_ms)
        else:
            self.counters.malformed += 1

    def _stun(self, data: bytes, path: Path, now_ms: float) -> None:
        message = ice.parse(data)
        if message is None:
            self.counters.malformed += 1
            return
        if message.kind == ice.REQUEST:
            peer = self.peers.get(message.username.partition(b":")[0])
            owner = self.owners.get(path)
            # NATs reuse ports; but nobody may take an address from one who is there
            if (
                owner is not None
                and owner is not peer
                and owner.heard_lately(path, now_ms, OWNED_MS)
            ):
                peer = None
        else:
            peer = self.owners.get(path)
        if peer is None:
            self.counters.strangers += 1
            return
        peer.on_stun(data, message, path, now_ms)

    # -- whose ------------------------------------------------------------------------------------

    def own(self, path: Path, peer: Peer) -> None:
        """A good check proved that this address is the peer's."""
        before = self.owners.get(path)
        if before is not peer:
            self.owners[path] = peer
            if before is not None:
                before.lost(path)

    def disown(self, path: Path, peer: Peer) -> None:
        """The address is the peer's no more; nothing happens if it is another's."""
        if self.owners.get(path) is peer:
            del self.owners[path]

    def forget(self, peer: Peer, ufrag: bytes, paths: Sequence[Path]) -> None:
        """The session with this ufrag and these addresses is over."""
        if self.peers.get(ufrag) is peer:
            del self.peers[ufrag]
        for path in paths:
            self.disown(path, peer)

    # -- out --------------------------------------------------------------------------------------

    def send(self, data: bytes | memoryview, path: Path) -> None:
        """Send a datagram from the address it belongs to. Never raises, never blocks."""
        if path.local >= len(self._sockets):
            return
        each = self._sockets[path.local]
        address = (path.host, path.port, 0, path.scope) if each.v6 else (path.host, path.port)
        if each.waiting:
            self._wait(each, bytes(data), address)
            return
        try:
            each.sock.sendto(data, address)
            self.counters.sent += 1
        except (BlockingIOError, InterruptedError):
            self._wait(each, bytes(data), address)
            asyncio.get_running_loop().add_writer(each.sock.fileno(), self._writable, each)
        except OSError:
            # unreachable, or an ICMP answer to an earlier datagram: this peer's matter, not the next's
            self.counters.refused += 1

    def _wait(
        self,
        each: _Socket,
        data: bytes,
        address: tuple[str, int] | tuple[str, int, int, int],
    ) -> None:
        now_ms = self._clock.monotonic_ms()
        waiting = each.waiting
        waiting.append((data, address, now_ms))
        self.counters.queued += 1
        while len(waiting) > MAX_WAITING or now_ms - waiting[0][2] > MAX_WAIT_MS:
            waiting.popleft()
            self.counters.dropped += 1

    def _writable(self, each: _Socket) -> None:
        while each.waiting:
            data, address, _ = each.waiting[0]
            try:
                each.sock.sendto(data, address)
                self.counters.sent += 1
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                self.counters.refused += 1
            each.waiting.popleft()
        asyncio.get_running_loop().remove_writer(each.sock.fileno())


def _plain(address: tuple[str, int] | tuple[str, int, int, int]) -> tuple[str, int, int]:
    """Host, port and scope as `Path` has them; an IPv4 address mapped into IPv6 becomes IPv4."""
    host, port = address[0], address[1]
    scope = address[3] if len(address) == 4 else 0
    if host.startswith("::ffff:"):
        mapped = IPv6Address(host).ipv4_mapped
        if mapped is not None:
            host = str(mapped)
    return host, port, scope
