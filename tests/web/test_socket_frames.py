"""Frames that no browser sends: each ends at most its own socket, with the right code."""

from __future__ import annotations

import asyncio
import json
import struct

import pytest

from rooms.phases import Role
from tests.web.conftest import Browser, Site
from tests.web.raw import (
    BINARY,
    PING,
    PONG,
    RSV1,
    TEXT,
    RawSocket,
    answer,
    frame,
    head,
    raw_socket,
)
from tests.web.test_socket import talkers
from web.sockets import BURST_S, MESSAGES_PER_S, MOST_OF_A_SEAT

pytestmark = pytest.mark.one_database  # nothing of it is about the database

BURST = int(MESSAGES_PER_S * BURST_S)
HELLO = b'{"type":"hello","id":9}'
PROTOCOL, NO_BINARY, NO_TEXT, TOO_BIG = 1002, 1003, 1007, 1009

ENDS: dict[str, tuple[list[bytes], int]] = {
    "compressed": ([frame(TEXT, HELLO, bits=RSV1)], PROTOCOL),
    "reserved bits": ([frame(TEXT, HELLO, bits=0x30)], PROTOCOL),
    "reserved opcode": ([frame(3, HELLO)], PROTOCOL),
    "binary": ([frame(BINARY, HELLO)], NO_BINARY),
    "no UTF-8": ([frame(TEXT, b'{"type":"hello","id":\xff}')], NO_TEXT),
    "surrogate in UTF-8": ([frame(TEXT, b'{"type":"\xed\xa0\x80"}')], NO_TEXT),
    "a ping in parts": ([frame(PING, b"x", last=False)], PROTOCOL),
    "a large ping": ([frame(PING, b"x" * 126)], PROTOCOL),
    "the middle of nothing": ([frame(0, HELLO)], PROTOCOL),
    "a message within a message": ([frame(TEXT, b"{", last=False), frame(TEXT, b"}")], PROTOCOL),
    "too large": ([frame(TEXT, b'"' + b"x" * 70_000 + b'"')], TOO_BIG),
    "too large by its word": ([struct.pack("!BBQ", 0x81, 0xFF, 2**62) + b"mask"], TOO_BIG),
    "longer than numbers go": ([struct.pack("!BBQ", 0x81, 0xFF, 2**64 - 1) + b"mask"], TOO_BIG),
    "too large in parts": (
        [frame(TEXT, b'"', last=False), *[frame(0, b"x" * 9_000, last=False)] * 8],
        TOO_BIG,
    ),
}


async def seated(site: Site, role: Role = Role.GUEST) -> tuple[Browser, str]:
    browser = site.browser()
    return browser, await browser.enter(site.link(await site.ticket("show", role)))


async def test_a_broken_frame_ends_its_own_socket_with_the_reason(site: Site) -> None:
    async with talkers(site, Role.GUEST) as (other,):
        browser, seat = await seated(site)
        for name, (frames, code) in ENDS.items():
            async with raw_socket(browser, seat) as one:
                await one.send(*frames)
                assert (name, await one.ended()) == (name, code)
        assert (await other.write("line.write", text="Täällä"))["type"] == "ack"


async def test_parts_and_an_offer_of_compression_are_understood(site: Site) -> None:
    await site.show()
    browser, seat = await seated(site)
    offered = "permessage-deflate; client_max_window_bits"
    async with raw_socket(browser, seat, hello=False, Sec_WebSocket_Extensions=offered) as one:
        parts = [frame(TEXT, HELLO[:5], last=False), frame(PING, b"still?"), frame(0, HELLO[5:])]
        await one.send(*parts)
        assert await one.read() == (PONG, b"still?")
        assert await one.until(lambda m: m["type"] == "ack" and m["id"] == 9)


async def test_a_flood_of_pings_is_not_answered_ping_by_ping(site: Site) -> None:
    await site.show()
    browser, seat = await seated(site, Role.HOST)
    async with raw_socket(browser, seat) as one:
        await one.send(*[frame(PING, b"?")] * 1500)
        await one.say("no json")  # all of them have gone through before this one is answered
        pongs = 0
        async with asyncio.timeout(10):
            while (came := await one.read()) is not None and b'"error"' not in came[1]:
                pongs += came == (PONG, b"?")
        assert BURST - 1 <= pongs <= BURST + 5 * MESSAGES_PER_S


async def test_who_never_says_hello_is_sent_away_however_much_is_said(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.socket.HELLO_WITHIN_S", 0.5)
    monkeypatch.setattr("web.socket.CLOSE_S", 0.2)
    await site.show()
    browser, seat = await seated(site)

    async def chatter(one: RawSocket) -> None:
        while True:
            await one.say({"type": "applaud", "id": 1})
            await asyncio.sleep(0.1)

    async with raw_socket(browser, seat, hello=False) as silent:
        assert await silent.ended(5) == PROTOCOL
    async with raw_socket(browser, seat, hello=False) as one:
        chatting = asyncio.ensure_future(chatter(one))
        try:
            assert await one.ended(5) == PROTOCOL
        finally:
            chatting.cancel()
            await asyncio.gather(chatting, return_exceptions=True)


async def test_who_answers_no_ping_is_let_go_and_who_does_stays(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.socket.HEARTBEAT_S", 0.6)
    await site.show()
    quiet, alive = await seated(site), await seated(site)
    async with raw_socket(*quiet) as one, raw_socket(*alive) as other:

        async def answering() -> None:
            while (came := await other.read()) is not None:
                if came[0] == PING:
                    await other.send(frame(PONG, came[1]))

        answers = asyncio.ensure_future(answering())
        assert await one.ended(8) is None  # nothing was said, nobody was there to hear it
        hub = site.parts.hubs.known("show")
        assert hub is not None
        async with asyncio.timeout(5):
            while hub.of_seat(quiet[1]):
                await asyncio.sleep(0.01)
        assert hub.of_seat(alive[1])
        answers.cancel()
        await asyncio.gather(answers, return_exceptions=True)


async def test_a_hundred_sockets_of_one_seat_are_few_and_the_newest_works(site: Site) -> None:
    async with talkers(site, Role.GUEST) as (other,):
        browser, seat = await seated(site, Role.HOST)
        port = int(site.url.rsplit(":", 1)[1])
        opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(100)]
        try:
            for reader, writer in opened:
                writer.write(head(browser, seat))
                assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
            ended = [RawSocket(*pair).ended() for pair in opened[:-MOST_OF_A_SEAT]]
            assert set(await asyncio.gather(*ended)) == {1000}
            newest = RawSocket(*opened[-1])
            await newest.say({"type": "hello", "id": 2})
            assert await newest.until(lambda m: m.get("id") == 2 and m["type"] == "ack")
        finally:
            for _, writer in opened:
                writer.transport.abort()
        assert (await other.write("line.write", text="Täällä"))["type"] == "ack"


async def test_half_a_goodbye_is_a_goodbye(site: Site) -> None:
    async with talkers(site, Role.HOST) as (host,):
        browser, seat = await seated(site)
        hub = site.parts.hubs.known("show")
        assert hub is not None
        async with raw_socket(browser, seat) as one:
            assert hub.of_seat(seat)
            one.writer.write_eof()
            await one.ended(5)
            async with asyncio.timeout(5):
                while hub.of_seat(seat):
                    await asyncio.sleep(0.01)
        assert (await host.write("line.write", text="Täällä"))["type"] == "ack"


async def test_only_our_own_page_gets_a_socket(site: Site) -> None:
    await site.show()
    browser, seat = await seated(site)
    stranger, other_seat = await seated(site)
    port = int(site.url.rsplit(":", 1)[1])
    host = site.url.removeprefix("http://")
    refused = {
        "missing": "",
        "null": "null",
        "foreign": "https://evil.example",
        "another port": f"http://localhost:{port + 1}",
        "no port": "http://localhost",
        "another scheme": f"https://{host}",
        "upper case": site.url.upper(),
        "a path": site.url + "/",
        "more digits": site.url + "0",
        "a longer host": f"{site.url}.evil.example",
        "somebody at ours": f"http://evil@{host}",
        "ours as somebody": f"http://{host}@evil.example",
        "two in one": f"{site.url} https://evil.example",
        "the same place by number": f"http://127.0.0.1:{port}",
        "no ASCII": "http://lоcalhost:" + str(port),
    }
    for name, origin in refused.items():
        told = await answer(port, head(browser, seat, Origin=origin))
        assert (name, told.split()[1]) == (name, b"403")
        assert b"Sec-WebSocket-Accept" not in told
    spoilt = {
        "a site of its own": {"Sec_Fetch_Site": "cross-site"},
        "a host that agrees": {"Host": "evil.example", "Origin": "http://evil.example"},
        "forwarded": {"Origin": "http://evil.example", "X_Forwarded_Host": "evil.example"},
    }
    for name, headers in spoilt.items():
        told = await answer(port, head(browser, seat, **headers))
        assert (name, told.split()[1]) == (name, b"403")
    twice = head(browser, seat, Origin="").replace(
        b"\r\n\r\n", f"\r\nOrigin: {site.url}\r\nOrigin: http://evil.example\r\n\r\n".encode()
    )
    assert (await answer(port, twice)).split()[1] in (b"400", b"403")
    # a page of ours, but another's seat or nobody's
    for told in (head(stranger, seat), head(browser, other_seat), head(browser, seat, Cookie="")):
        assert (await answer(port, told)).split()[1] == b"401"
    # what Host says is believed by nobody: neither does it harm
    async with raw_socket(browser, seat, Host="evil.example"):
        pass


async def test_a_flood_slows_its_sender_and_nobody_else(site: Site, figures) -> None:  # type: ignore[no-untyped-def]  # the fixture of tests/conftest.py
    async with talkers(site, Role.GUEST, Role.HOST) as (other, _):
        browser, seat = await seated(site)
        loop = asyncio.get_running_loop()
        async with raw_socket(browser, seat) as one:

            async def flood() -> None:
                for hundred in range(12):  # 1,000 a second
                    await one.send(
                        *(
                            frame(
                                TEXT,
                                json.dumps({"type": "applaud", "id": hundred * 100 + n}).encode(),
                            )
                            for n in range(100)
                        )
                    )
                    await asyncio.sleep(0.1)

            flooding = asyncio.ensure_future(flood())
            waits = []
            while not flooding.done():
                asked = loop.time()
                assert (await other.say("applaud", claps=1))["type"] == "ack"
                waits.append((loop.time() - asked) * 1000)
                await asyncio.sleep(0.06)
            await flooding
            replies = [
                await one.until(lambda m: m["type"] in ("ack", "error")) for _ in range(1200)
            ]
            codes = {reply["code"] for reply in replies if reply and reply["type"] == "error"}
            taken = sum(reply is not None and reply["type"] == "ack" for reply in replies)
            assert codes == {"too_many_messages"}
            assert BURST - 1 <= taken <= BURST + 10 * MESSAGES_PER_S
            async with asyncio.timeout(15):  # and when it has calmed down it is served again
                number = 3000
                while not await said(one, number):
                    number += 1
                    await asyncio.sleep(0.2)
        waits.sort()
        figures.at_most(
            "another's answer beside 1,000 messages/s, 95 %",
            waits[len(waits) * 95 // 100],
            50,
            "ms",
        )


async def said(one: RawSocket, number: int) -> bool:
    await one.say({"type": "applaud", "id": number})
    reply = await one.until(lambda m: m.get("id") == number)
    return reply is not None and reply["type"] == "ack"


async def test_one_socket_that_breaks_is_let_go_and_the_others_hear(site: Site) -> None:
    async with talkers(site, Role.GUEST, Role.GUEST, Role.HOST) as (broken, fine, host):
        hub = site.parts.hubs.known("show")
        assert hub is not None
        [listener] = hub.of_seat(broken.seat)

        class Torn:
            """A transport in whose way everything is."""

            def is_closing(self) -> bool:
                return False

            def write(self, frame: bytes) -> None:
                raise RuntimeError("torn")

            def abort(self) -> None:
                listener._transport = whole  # type: ignore[attr-defined]  # of a socket, not of any listener
                whole.abort()

        whole = listener._transport  # type: ignore[attr-defined]
        listener._transport = Torn()  # type: ignore[attr-defined]
        await host.write("line.write", text="Kuuletteko?")
        assert (await fine.event("line.written"))["text"] == "Kuuletteko?"
        async with asyncio.timeout(5):
            while hub.of_seat(broken.seat):
                await asyncio.sleep(0.01)
