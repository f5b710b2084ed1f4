"""Bytes that are no HTTP, or could be two requests: a plain sentence, no version, nobody is harmed."""

from __future__ import annotations

import asyncio

import pytest

from tests.web.conftest import Site
from tests.web.raw import answer

pytestmark = pytest.mark.one_database  # nothing of it is about the database

GET = b"GET / HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /leave HTTP/1.1\r\nHost: x\r\n"
SMUGGLED = b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"

MALFORMED: dict[str, bytes] = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "no method": b"FLY ME TO THE MOON\r\n\r\n",
    "another version": b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
    "a control sign in the path": b"GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
    "NUL in a field": GET + b"X: a\x00b\r\n\r\n",
    "a space before the colon": GET + b"Content-Length : 5\r\n\r\n",
    "a folded line": GET + b"X: a\r\n b\r\n\r\n",
    "a lone line end": GET + b"X: a\nY: b\rZ: c\r\n\r\n",
    "length and chunks": POST
    + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    + SMUGGLED,
    "chunks and length": POST
    + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"
    + SMUGGLED,
    "two lengths": POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    "a signed length": POST + b"Content-Length: +5\r\n\r\nabcde",
    "a negative length": POST + b"Content-Length: -5\r\n\r\n",
    "chunked twice": POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n" + SMUGGLED,
    "chunked in disguise": POST + b"Transfer-Encoding: xchunked\r\n\r\n" + SMUGGLED,
    "chunked, not last": POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n" + SMUGGLED,
    "a long path": b"GET /t/" + b"x" * 10_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "a long field": GET + b"X: " + b"x" * 10_000 + b"\r\n\r\n",
    "many fields": GET + b"".join(b"X%d: y\r\n" % n for n in range(2000)) + b"\r\n",
}


async def test_what_is_no_request_is_told_plainly(site: Site) -> None:
    port = int(site.url.rsplit(":", 1)[1])
    for name, sent in MALFORMED.items():
        told = await answer(port, sent)
        head, _, body = told.partition(b"\r\n\r\n")
        status = int(head.split()[1])
        assert (name, status) == (name, 431 if name in ("a long path", "a long field") else 400)
        lower = head.lower()
        assert b"aiohttp" not in told.lower() and b"python" not in told.lower()
        assert b"server: lampio" in lower
        assert b"connection: close" in lower or lower.startswith(b"http/1.0")
        assert b"09 555 0100" in body and b"Traceback" not in told
        assert len(body.decode().splitlines()) == 3  # in each of our languages
    assert (await site.browser().get("/healthz")).status == 200


async def test_nothing_is_smuggled_behind_another_request(site: Site) -> None:
    port = int(site.url.rsplit(":", 1)[1])
    for name in ("length and chunks", "chunks and length", "chunked twice", "chunked in disguise"):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            async with asyncio.timeout(10):
                writer.write(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
                assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
                writer.write(MALFORMED[name])
                told = await reader.read()  # to the end: the connection is closed
        finally:
            writer.close()
        assert (name, told.split()[1], told.count(b"HTTP/1.")) == (name, b"400", 1)


async def test_whose_address_a_request_names_is_believed_by_nobody(site: Site) -> None:
    port = int(site.url.rsplit(":", 1)[1])
    for sent in (
        b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"GET http://evil.example:80@localhost/ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: evil.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: evil.example\r\n\r\n",
        b"GET //evil.example/ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /\\evil.example HTTP/1.1\r\nHost: x\r\n\r\n",
    ):
        told = await answer(port, sent)
        assert told.split()[1] in (b"200", b"400", b"404")
        assert b"evil.example" not in told
    for sent in (
        b"CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n",
    ):
        told = await answer(port, sent)
        assert told.split()[1] in (b"400", b"404", b"405")
        assert b"evil.example" not in told and b"aiohttp" not in told.lower()


async def test_no_answer_names_the_servers_version(site: Site) -> None:
    port = int(site.url.rsplit(":", 1)[1])
    for path in (b"/", b"/healthz", b"/static/none", b"/none", b"/r/none/ws", b"/api/shows"):
        told = await answer(port, b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"aiohttp" not in told.lower() and b"python" not in told.lower()
