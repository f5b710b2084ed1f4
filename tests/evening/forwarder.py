"""A network of the test's own between one browser and the server: UDP and TCP pass through it, and it
can die and come back.

A dead network is silent: nothing is refused, closed or reset. What TCP had under way arrives later,
what UDP had is gone.

The browser is told nothing of it: Chromium's resolver leads the server's address to the TCP port
(`arguments`), and a script rewrites the candidates of the server's answers to the UDP port (`script`).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

HERE = "127.0.0.1"
CHUNK = 65_536

REWRITE = """
(() => {
  const take = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = function (description) {
    const sdp = description.sdp.replace(
      /^(a=candidate:\\S+ \\d+ udp \\d+) \\S+ \\d+ (typ host.*)$/gim,
      (_, head, tail) => `${head} 127.0.0.1 ${PORT} ${tail}`,
    );
    return take.call(this, { type: description.type, sdp });
  };
})();
"""


class _Outward(asyncio.DatagramProtocol):
    """The side towards the server, one socket for each address of the browser."""

    def __init__(self, forwarder: Forwarder, client: tuple[str, int]) -> None:
        self.forwarder = forwarder
        self.client = client

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self.client in self.forwarder.shut:
            return
        if self.forwarder.takes_udp and self.forwarder.udp is not None:
            self.forwarder.passed += 1
            self.forwarder.udp.sendto(data, self.client)


class _Inward(asyncio.DatagramProtocol):
    """The side towards the browser."""

    def __init__(self, forwarder: Forwarder) -> None:
        self.forwarder = forwarder
        self.waiting: dict[tuple[str, int], list[bytes]] = {}

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        forwarder = self.forwarder
        if not forwarder.takes_udp or addr in forwarder.shut:
            return
        outward = forwarder.outward.get(addr)
        if outward is not None:
            outward.sendto(data, (HERE, forwarder.media_port))
        elif addr in self.waiting:
            self.waiting[addr].append(data)
        else:
            self.waiting[addr] = [data]
            forwarder.spawn(self._open(addr))

    async def _open(self, addr: tuple[str, int]) -> None:
        forwarder = self.forwarder
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Outward(forwarder, addr), local_addr=(HERE, 0)
        )
        forwarder.outward[addr] = transport
        for data in self.waiting.pop(addr):
            transport.sendto(data, (HERE, forwarder.media_port))


@dataclass
class Forwarder:
    """Between a browser and the server on `http_port` and `media_port` of this machine."""

    http_port: int
    media_port: int
    tcp_port: int = 0
    udp_port: int = 0
    passed: int = 0
    udp_shut: bool = False
    """A network that takes no UDP, as some offices and hospitals have it."""
    udp: asyncio.DatagramTransport | None = None
    shut: set[tuple[str, int]] = field(default_factory=set)
    outward: dict[tuple[str, int], asyncio.DatagramTransport] = field(default_factory=dict)
    _open: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def alive(self) -> bool:
        """Does anything pass?"""
        return self._open.is_set()

    @property
    def takes_udp(self) -> bool:
        """Does UDP pass?"""
        return self.alive and not self.udp_shut

    @property
    def arguments(self) -> tuple[str, ...]:
        """For Chromium: the server's own address leads here."""
        return (f"--host-resolver-rules=MAP localhost:{self.http_port} {HERE}:{self.tcp_port}",)

    @property
    def script(self) -> str:
        """For the page, before its own scripts: the server's candidates lead here."""
        return REWRITE.replace("${PORT}", json.dumps(self.udp_port))

    def die(self) -> None:
        """From now on nothing passes, either way."""
        self._open.clear()

    def come_back(self) -> None:
        """Everything passes again."""
        self._open.set()

    def readdress(self) -> None:
        """The browser's address changes under way, as a router that forgets does it: from now on the
        server sees other ports, and what it sends to the old ones is gone."""
        for transport in self.outward.values():
            transport.close()
        self.outward.clear()

    def shut_out(self) -> None:
        """Nothing comes or goes by the addresses that the browser has now; others are open to it."""
        self.shut |= self.outward.keys()

    def spawn(self, work: object) -> None:
        """A task that ends with the forwarder."""
        assert asyncio.iscoroutine(work)
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One TCP connection, both ways, until either side ends it."""
        try:
            await self._open.wait()
            to_server = await asyncio.open_connection(HERE, self.http_port)
        except OSError:
            writer.close()
            return
        ways = [self._pump(reader, to_server[1]), self._pump(to_server[0], writer)]
        try:
            await asyncio.gather(*ways)
        finally:
            writer.close()
            to_server[1].close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                await self._open.wait()
                writer.write(data)
                await writer.drain()
        writer.close()

    async def close(self) -> None:
        """End all that passes."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for transport in (self.udp, *self.outward.values()):
            if transport is not None:
                transport.close()


@asynccontextmanager
async def forwarding(http_port: int, media_port: int | None = None) -> AsyncIterator[Forwarder]:
    """A forwarder that stands and lets everything pass; media is on the same number by default."""
    forwarder = Forwarder(http_port, media_port or http_port)
    forwarder.come_back()
    loop = asyncio.get_running_loop()
    udp, _ = await loop.create_datagram_endpoint(lambda: _Inward(forwarder), local_addr=(HERE, 0))
    forwarder.udp = udp
    forwarder.udp_port = udp.get_extra_info("sockname")[1]

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        forwarder.spawn(forwarder.carry(reader, writer))

    server = await asyncio.start_server(accept, HERE, 0)
    forwarder.tcp_port = server.sockets[0].getsockname()[1]
    try:
        yield forwarder
    finally:
        server.close()
        await forwarder.close()
        await server.wait_closed()
