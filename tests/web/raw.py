"""Bytes by hand: HTTP and WebSocket frames as no browser would send them."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.web.conftest import Browser

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
RSV1 = 0x40

KEY = "dGhlIHNhbXBsZSBub25jZQ=="


def frame(opcode: int, body: bytes, *, last: bool = True, bits: int = 0) -> bytes:
    """A masked frame; `bits` are reserved ones that are set."""
    mask = os.urandom(4)
    first = (0x80 if last else 0) | bits | opcode
    if len(body) < 126:
        head = struct.pack("!BB", first, 0x80 | len(body))
    elif len(body) < 65536:
        head = struct.pack("!BBH", first, 0x80 | 126, len(body))
    else:
        head = struct.pack("!BBQ", first, 0x80 | 127, len(body))
    repeated = mask * (len(body) // 4 + 1)
    return head + mask + bytes(a ^ b for a, b in zip(body, repeated, strict=False))


class RawSocket:
    """One connection, read and written by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.code: int | None = None
        """The status of the server's close frame."""

    async def send(self, *frames: bytes) -> None:
        """Write as it is."""
        self.writer.write(b"".join(frames))
        await self.writer.drain()

    async def say(self, message: dict[str, Any] | str) -> None:
        """A text message."""
        text = message if isinstance(message, str) else json.dumps(message)
        await self.send(frame(TEXT, text.encode()))

    async def read(self) -> tuple[int, bytes] | None:
        """The next frame's opcode and body, None at the end."""
        try:
            first, second = await self.reader.readexactly(2)
            size = second & 0x7F
            if size == 126:
                [size] = struct.unpack("!H", await self.reader.readexactly(2))
            elif size == 127:
                [size] = struct.unpack("!Q", await self.reader.readexactly(8))
            body = await self.reader.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        if first & 0x0F == CLOSE and size >= 2:
            [self.code] = struct.unpack("!H", body[:2])
        return first & 0x0F, body

    async def until(self, what: Any, within_s: float = 15) -> dict[str, Any] | None:
        """The next message that `what` accepts, None where the socket ends before."""
        async with asyncio.timeout(within_s):
            while (came := await self.read()) is not None:
                if came[0] == TEXT and what(message := json.loads(came[1])):
                    return dict(message)
        return None

    async def ended(self, within_s: float = 10) -> int | None:
        """Read to the end; the server's status, None where it said none."""
        async with asyncio.timeout(within_s):
            while await self.read() is not None:
                pass
        return self.code


async def answer(port: int, sent: bytes, within_s: float = 10) -> bytes:
    """What a server answers to bytes until it closes or says no more."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(sent)
        await writer.drain()
        async with asyncio.timeout(within_s):
            head = await reader.readuntil(b"\r\n\r\n")
            size = next(
                (
                    int(line[15:])
                    for line in head.split(b"\r\n")
                    if line.lower().startswith(b"content-length:")
                ),
                0,
            )
            return head + await reader.readexactly(size)
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        return getattr(error, "partial", b"")
    finally:
        writer.close()


def head(browser: Browser, seat: str, **headers: str) -> bytes:
    """The handshake of a room's socket; headers that are empty are left out."""
    lines = {
        "Host": browser.url.removeprefix("http://"),
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13",
        "Origin": browser.url,
        "Cookie": "; ".join(f"{name}={value}" for name, value in browser.cookies.items()),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    told = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value)
    return f"GET /r/{seat}/ws HTTP/1.1\r\n{told}\r\n".encode("utf-8", "surrogateescape")


@asynccontextmanager
async def raw_socket(
    browser: Browser,
    seat: str,
    *,
    hello: bool = True,
    receive_bytes: int | None = None,
    **headers: str,
) -> AsyncIterator[RawSocket]:
    """A room's socket by hand; with `receive_bytes` the system takes no more than about that unread."""
    port = int(browser.url.rsplit(":", 1)[1])
    plain = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if receive_bytes is not None:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    plain.setblocking(False)
    await asyncio.get_running_loop().sock_connect(plain, ("127.0.0.1", port))
    limit = 2**16 if receive_bytes is None else receive_bytes
    reader, writer = await asyncio.open_connection(sock=plain, limit=limit)
    try:
        writer.write(head(browser, seat, **headers))
        told = await reader.readuntil(b"\r\n\r\n")
        assert b" 101 " in told.split(b"\r\n")[0], told
        assert b"permessage-deflate" not in told.lower()
        one = RawSocket(reader, writer)
        if hello:
            await one.say({"type": "hello", "id": 1})
            assert await one.until(lambda m: m["type"] == "ack")
        yield one
    finally:
        writer.transport.abort()
