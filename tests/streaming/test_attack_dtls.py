"""Handshakes that stall, records of others and of before, and a door that stays open meanwhile."""

from __future__ import annotations

import asyncio
import gc
import socket
import time
from itertools import pairwise

import pytest

from streaming import peer as peer_module
from streaming.ice import Path
from streaming.ports import Grant, May, Negotiated, SeatId, SessionDown, SessionId
from streaming.private import Dtls
from streaming.relay import EmbeddedRelay
from tests.conftest import Figures
from tests.streaming.crowd import crowd, resident_mb
from tests.streaming.house import ROOM, WANT, event, grant, guest, relay_on, until
from tests.streaming.light import LightPeer, certificate, description
from tests.streaming.test_attack_garbage import tap
from tests.streaming.test_attack_stun import request
from tests.streaming.test_peer import pair

HALF_OPEN = 200

CLOSE_NOTIFY = bytes.fromhex("15fefd0000000000000000000201" + "00")
FATAL = bytes.fromhex("15fefd000000000000000000020228")


async def test_records_of_before_and_of_others_end_no_session() -> None:
    async with crowd(3) as hall:
        first, second, _ = hall.guests
        records: list[bytes] = []
        newcomer = LightPeer()
        tap(newcomer, records)
        newcomer._dtls = Dtls(certificate(), "client", newcomer._send)
        await newcomer.view(hall.relay, guest(seat=SeatId("newcomer00000000")), WANT)
        await until(lambda: newcomer.texts("audio") or not hall.step())
        replayed = tuple(records)
        assert len(replayed) >= 2
        forged = [CLOSE_NOTIFY, FATAL, b"\x16", b"\x14\xfe\xfd", bytes([63]) * 1400]

        def attack(step: int) -> None:
            for data in (*replayed, *forged):
                newcomer.sock.sendto(data, first._to)  # its own
                first.sock.sendto(data, first._to)  # another's, on a bound address
                second.sock.sendto(data, second._to)

        await hall.play(20, attack)
        await hall.settled()
        assert not newcomer.closed_by_relay
        newcomer.received.clear()
        hall.step()
        await until(lambda: newcomer.texts("audio"))
        await newcomer.close()


async def test_a_last_record_under_a_strangers_address_does_not_point_the_stream_at_him() -> None:
    async with pair() as (_, owner, client, _clock):
        stranger = client.new_socket()  # a ticket holder can check under any address
        client.answer_checks = False  # and he there answers nothing
        client.check(stranger)
        await until(lambda: client.answers)
        flights = 0

        def send(data: bytes) -> None:
            nonlocal flights
            flights += data[0] == 22 and data[13] == 1  # ClientHello
            client.send(data, None if flights and data[13] == 1 else stranger)

        client.dtls = Dtls(client.certificate, "client", send)
        await client.connect()
        await until(lambda: owner.keys)
        assert owner.paths == [Path(0, *client.sock.getsockname())]


async def test_a_handshake_that_goes_on_elsewhere_is_followed_once_that_answers() -> None:
    async with pair() as (peer, owner, client, clock):
        moved = client.new_socket()
        client.check(moved)
        await until(lambda: client.answers)
        hello = True

        def send(data: bytes) -> None:
            nonlocal hello
            client.send(data, client.sock if hello else moved)
            hello = False

        client.dtls = Dtls(client.certificate, "client", send)
        await client.connect()
        await until(lambda: owner.keys)
        clock.advance(1_000)
        client.check(moved)
        there = Path(0, *moved.getsockname())
        await until(lambda: peer.ice.selected == there)


class Stalled:
    """Somebody with a ticket who says hello and then nothing, from a port of his own."""

    hello: bytes = b""

    def __init__(self, number: int) -> None:
        self.right: Grant = grant(SeatId(f"stalled{number:09}"), May.VIEW)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setblocking(False)

    async def begin(self, relay: EmbeddedRelay) -> None:
        offer = description("recvonly", "stalled", "p" * 24, (1, 2))
        made: Negotiated = await relay.view(self.right, WANT, offer)
        ours = relay._sessions[SessionId(made.session)].peer.ice.credentials
        to = ("127.0.0.1", relay.port)
        self.sock.sendto(request(f"{ours.ours.decode()}:stalled", ours.our_password), to)
        self.sock.sendto(self.hello, to)


async def a_hello() -> bytes:
    """A ClientHello as a browser's: OpenSSL's own."""
    sent: list[bytes] = []
    dtls = Dtls(certificate(), "client", sent.append)
    task = asyncio.create_task(dtls.handshake([("sha-256", "AA")], lambda: None))
    await until(lambda: sent)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await dtls.close()
    return sent[0]


async def test_hundreds_of_half_open_handshakes_leave_the_door_open(
    figures: Figures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peer_module, "HANDSHAKE_S", 3.0)
    Stalled.hello = await a_hello()
    # a session's own states are told, attacked or not
    async with crowd(4, most_lines=50 + 5 * HALF_OPEN) as hall:
        gc.collect()
        memory, tasks = resident_mb(), len(asyncio.all_tasks())
        crowd_at_door = [Stalled(number) for number in range(HALF_OPEN)]
        for each in crowd_at_door:
            await each.begin(hall.relay)
        times: list[float] = []
        beat = asyncio.create_task(heartbeat(times))
        began = time.perf_counter()
        real = LightPeer()
        await real.view(hall.relay, guest(seat=SeatId("real000000000000")), WANT)
        took = time.perf_counter() - began
        await hall.play(20)
        beat.cancel()
        latest = max((b - a for a, b in pairwise(times)), default=0.0) * 1000
        assert hall.relay._negotiation._gate._value > 0, "who stalls holds no turn"
        grown = resident_mb() - memory
        await until(lambda: len(hall.relay.grants(ROOM)) == 1 + 4 + 1, 15)
        await real.close()
        await until(lambda: len(asyncio.all_tasks()) <= tasks)
        for each in crowd_at_door:
            each.sock.close()
        figures.at_most(f"joining behind {HALF_OPEN} half-open handshakes", took * 1000, 1000, "ms")
        figures.at_most("the loop's longest beat meanwhile", latest, 30, "ms")
        figures.at_most("a half-open handshake", grown * 1000 / HALF_OPEN, 250, "kB")


async def heartbeat(times: list[float]) -> None:
    while True:
        times.append(time.thread_time())  # what others take of the processor is not the loop's
        await asyncio.sleep(0)


async def test_hellos_from_ports_nobody_proved_begin_nothing() -> None:
    hello = await a_hello()
    async with crowd(1) as hall:
        before = hall.counters["datagrams_strangers"]
        sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(100)]
        for each in sockets:
            each.sendto(hello, hall.artist._to)
        await hall.settled()
        assert hall.counters["datagrams_strangers"] - before == 100
        for each in sockets:
            each.setblocking(False)
            with pytest.raises(BlockingIOError):
                each.recv(100)
            each.close()


async def test_a_wrong_certificate_and_a_stalled_handshake_end_their_own_session_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(peer_module, "HANDSHAKE_S", 0.3)
    async with relay_on() as relay:
        events = relay.events(ROOM)
        liar = LightPeer()
        offer = description("recvonly", liar.ufrag, liar.password, liar.ssrcs)
        offer = offer.replace(certificate().fingerprint(), ":".join(["AB"] * 32))
        made = await relay.view(guest(), WANT, offer)
        task = asyncio.create_task(liar.connect(made))
        assert (await event(events, SessionDown)).reason == "failed"
        await asyncio.gather(task, return_exceptions=True)
        await liar.close()
        Stalled.hello = await a_hello()
        stalled = Stalled(1)
        await stalled.begin(relay)
        assert (await event(events, SessionDown)).reason == "failed"
        assert not relay._port.peers and not relay._port.owners and not relay.grants(ROOM)
        stalled.sock.close()
