"""What those who are inside may send: streams without number, replays, pleas, lies about lengths."""

from __future__ import annotations

import asyncio
import random
import struct
import time
from collections.abc import Callable

import pytest

from streaming import peer as peer_module
from streaming import rtcp
from streaming.peer import CONTROL_A_SECOND, CONTROL_AT_ONCE
from streaming.ports import FeedId, FeedState, May, SeatId
from streaming.viewer import PLEAS_AT_ONCE, RESENDS
from tests.conftest import Figures
from tests.streaming.crowd import Crowd, crowd, resident_mb
from tests.streaming.house import ROOM, grant, until
from tests.streaming.light import VIDEO_PT, LightPeer
from tests.streaming.test_attack_garbage import tap


def rtp(payload_type: int, seq: int, ssrc: int, payload: bytes = b"x", first: int = 0x80) -> bytes:
    return struct.pack("!BBHII", first, payload_type, seq & 0xFFFF, 0, ssrc) + payload


def sealed(peer: LightPeer, plain: bytes) -> bytes:
    """What `send_rtp` would put on the wire."""
    found: list[bytes] = []
    send, peer._send = peer._send, found.append  # type: ignore[method-assign, assignment]  # to have it
    peer.send_rtp(plain)
    peer._send = send  # type: ignore[method-assign]  # given back
    return found[0]


async def test_twenty_thousand_streams_of_one_publisher_are_refused_in_the_clear(
    figures: Figures,
) -> None:
    async with crowd(4) as hall:
        transport, memory = hall.transport(hall.artist), resident_mb()
        for ssrc in range(50_000, 50_000 + 2 * peer_module.MAX_SSRCS):
            hall.artist.send_rtp(rtp(VIDEO_PT, 1, ssrc))
        await hall.settled()
        assert len(transport._ssrcs) == peer_module.MAX_SSRCS
        template = bytearray(sealed(hall.artist, rtp(VIDEO_PT, 2, 50_000)))
        before, numbers = hall.counters, iter(range(100_000, 120_000))

        def attack(step: int) -> None:
            for _ in range(100):
                template[8:12] = next(numbers).to_bytes(4, "big")
                hall.artist.sock.sendto(template, hall.artist._to)

        began = time.thread_time()
        await hall.play(200, attack)
        took = (time.thread_time() - began) * 1e6 / 20_000
        await hall.settled()
        after = hall.counters
        assert after["datagrams_foreign"] - before["datagrams_foreign"] == 20_000
        assert after["datagrams_forged"] == before["datagrams_forged"], "none was opened"
        figures.at_most("a packet of a stream too many, hall and peers included", took, 60, "µs")
        figures.at_most("20,000 streams: grown memory", resident_mb() - memory, 8, "MB")


async def test_replayed_and_strangers_media_reach_nobody() -> None:
    async with crowd(3) as hall:
        recorded: list[bytes] = []
        tap(hall.artist, recorded)
        await hall.play(20)
        replay = [data for data in recorded if data[0] >= 128]
        assert len(replay) == 40
        before = hall.counters
        other = hall.guests[0]

        def attack(step: int) -> None:
            for data in replay:
                hall.artist.sock.sendto(data, hall.artist._to)
                other.sock.sendto(data, other._to)  # media of a feed from one who only watches

        await hall.play(20, attack)
        await hall.settled()
        after = hall.counters
        assert after["datagrams_forged"] - before["datagrams_forged"] == 800
        assert after["datagrams_foreign"] - before["datagrams_foreign"] == 800


async def test_garbage_under_a_good_seal_breaks_nothing() -> None:
    async with crowd(3) as hall:
        chance = random.Random(5)
        liar = hall.guests[0]
        shapes = [
            rtcp.nack(1, liar.ssrcs[1], range(100)),
            rtcp.remb(1, 10**9, [1, 2, 3]),
            rtcp.sender_report(hall.artist.ssrcs[0], 4e9, 1, 1, 1),
            rtcp.names([(1, "x" * 200)]),
            rtcp.transport_cc(1, 2, 5, [1, None, 7], 1),
            rtcp.fir(1, [(2, 3)]),
        ]

        def lie() -> bytes:
            whole = bytearray(chance.choice(shapes))
            for _ in range(chance.randrange(1, 5)):
                whole[chance.randrange(2, len(whole))] = chance.randrange(256)
            whole[1] = chance.choice((200, 201, 202, 203, 204, 205, 206, 207))
            return bytes(whole)

        def attack(step: int) -> None:
            for peer in (liar, hall.artist):
                peer.send_rtcp(lie())

        await hall.play(150, attack)
        assert hall.relay.feeds(ROOM)[0].state is FeedState.LIVE


async def test_a_thousand_pleas_a_second_are_a_few_at_the_artist(figures: Figures) -> None:
    async with crowd(4) as hall:
        liar = hall.guests[0]
        before, plis = hall.counters, hall.artist.plis
        media = stream_of(liar, VIDEO_PT)
        began = time.perf_counter()

        def attack(step: int) -> None:
            for _ in range(10):
                liar.send_rtcp(rtcp.pli(1, media))
            liar.send_rtcp(rtcp.fir(1, [(media, step & 0xFF)]))

        await hall.play(130, attack, pause_s=0.01)
        took = time.perf_counter() - began
        after = hall.counters
        cut = after["datagrams_excessive"] - before["datagrams_excessive"]
        assert cut >= 1430 - CONTROL_AT_ONCE - CONTROL_A_SECOND * took - 50
        assert after["datagrams_pleas"] > before["datagrams_pleas"]
        most = min(PLEAS_AT_ONCE, took + 1) + 1 + took / 4  # with the feed's own clock
        assert hall.artist.plis - plis <= most
        figures.note("1,430 pleas for a keyframe: asked of the artist", hall.artist.plis - plis, "")


def stream_of(peer: LightPeer, payload_type: int) -> int:
    """The SSRC under which a guest gets a kind."""
    return next(
        int(struct.unpack_from("!I", p, 8)[0]) for p in peer.received if p[1] & 0x7F == payload_type
    )


async def test_who_asks_for_everything_again_gets_a_bounded_part_and_harms_nobody(
    figures: Figures,
) -> None:
    async with crowd(4) as hall:
        greedy = hall.guests[0]
        await hall.play(30)
        media = stream_of(greedy, VIDEO_PT)
        await hall.settled()
        hall.guests[1].received.clear()
        got = 0
        send = greedy._one

        def count(data: bytes) -> None:
            nonlocal got
            got += len(data)
            send(data)

        greedy._one = count  # type: ignore[method-assign]  # resends are replays to the seal
        big = b"p" * 1100
        began = time.perf_counter()

        def attack(step: int) -> None:
            hall.artist.frame(big, hall.stamp)  # so that a resend is worth asking for
            newest = next(p for p in reversed(greedy.received) if p[1] & 0x7F == VIDEO_PT)
            last = int(struct.unpack_from("!H", newest, 2)[0])
            everything = [(last - 849 + n) & 0xFFFF for n in range(850)]
            greedy.send_rtcp(rtcp.nack(1, media, everything))

        hall.step()
        await until(lambda: greedy.texts("video"))
        sent = await plain_play(hall, 300, attack, but=greedy)
        took = time.perf_counter() - began
        lawful = sum(len(p) + 16 for p in hall.guests[1].received)
        rate, burst = RESENDS["video"]
        assert sent and hall.counters["datagrams_withheld"] > 0
        reports = 2000 * (took + 1)
        assert got - lawful <= burst + rate * took + reports + 20_000
        figures.note("everything asked for again: sent again", (got - lawful) / 1000, "kB")


async def plain_play(hall: Crowd, steps: int, attack: Callable[[int], None], but: LightPeer) -> int:
    """As `Crowd.play`, where the attack makes pictures of its own."""
    others = [g for g in hall.guests if g is not but]
    await hall.settled()
    before = {g: len(g.received) for g in others}
    for number in range(steps):
        hall.step()
        attack(number)
        await asyncio.sleep(0.001)
    await until(lambda: all(len(g.received) - before[g] == 3 * steps for g in others), 20)
    return steps


async def test_a_goodbye_for_others_is_nobodys_goodbye() -> None:
    async with crowd(3) as hall:
        seat = SeatId("second0000000000")
        second = LightPeer()
        from_second = FeedId(ROOM, seat)
        await second.publish(hall.relay, grant(seat, May.PUBLISH))
        theirs = [*hall.artist.ssrcs, stream_of(hall.guests[1], VIDEO_PT)]

        def attack(step: int) -> None:
            for peer in (second, hall.guests[0]):
                peer.send_rtcp(rtcp.receiver_report(1) + rtcp.bye(theirs))
            second.sound(b"x", step * 960)

        await hall.play(20, attack)
        await hall.settled()
        assert not second.closed_by_relay
        states = {info.feed: info.state for info in hall.relay.feeds(ROOM)}
        assert states[from_second] is FeedState.LIVE
        await second.close()


LIES = {
    "extension over the end": rtp(VIDEO_PT, 0, 0, b"\xbe\xde\x40\x00abc", 0x90),
    "extension element over the end": rtp(VIDEO_PT, 0, 0, b"\xbe\xde\x00\x01\x1fabcxx", 0x90),
    "padding of 0": rtp(VIDEO_PT, 0, 0, b"abc\x00", 0xA0),
    "padding of 255": rtp(VIDEO_PT, 0, 0, b"abc\xff", 0xA0),
    "nothing but padding": rtp(VIDEO_PT, 0, 0, b"\x00\x00\x00\x04", 0xA0),
    "fifteen sources that are not there": rtp(VIDEO_PT, 0, 0, b"abc", 0x8F),
    "fifteen sources": rtp(VIDEO_PT, 0, 0, bytes(60) + b"\x41abc", 0x8F),
    "no payload": rtp(VIDEO_PT, 0, 0, b""),
    "STAP-A that lies": rtp(VIDEO_PT, 0, 0, b"\x78\xff\xff\x67"),
    "STAP-A of nothing": rtp(VIDEO_PT, 0, 0, b"\x78\x00\x00\x00\x00"),
    "STAP-A cut": rtp(VIDEO_PT, 0, 0, b"\x78\x00"),
    "FU-A cut": rtp(VIDEO_PT, 0, 0, b"\x7c"),
    "FU-A that starts and ends": rtp(VIDEO_PT, 0, 0, b"\x7c\xc5"),
}


@pytest.mark.parametrize("name", LIES)
async def test_a_packet_that_lies_costs_only_itself(name: str) -> None:
    async with crowd(1) as hall:
        (viewer,) = hall.guests
        transport = hall.transport(hall.artist)
        plain = bytearray(LIES[name])
        plain[8:12] = hall.artist.ssrcs[1].to_bytes(4, "big")
        hall.artist._numbers[1] += 1
        plain[2:4] = hall.artist._numbers[1].to_bytes(2, "big")
        # a seal of good form is more than some of these get: past it, they must not matter either
        transport._owner.on_rtp(bytes(plain), hall.relay._clock.monotonic_ms())
        sent = [hall.step() for _ in range(5)]
        await until(lambda: viewer.texts("audio")[-1:] == [sent[-1][1]])
        await until(lambda: viewer.texts("video")[-1:] == [b"\x41" + sent[-1][0]])


async def test_numbers_that_leap_at_random_cost_little_and_stay_with_their_feed(
    figures: Figures,
) -> None:
    async with crowd(4) as hall:
        chance, memory = random.Random(6), resident_mb()
        owner, clock = hall.transport(hall.artist)._owner, hall.relay._clock
        began = time.thread_time()
        for number in range(5000):
            payload = b"\x65" if number % 2 else b"\x41"
            packet = rtp(VIDEO_PT, chance.randrange(1 << 16), hall.artist.ssrcs[1], payload)
            owner.on_rtp(packet, clock.monotonic_ms())
            if number % 16 == 0:
                hall.relay._after_wakeup(clock.monotonic_ms())
        took = (time.thread_time() - began) * 1e6 / 5000
        await hall.settled()
        figures.at_most("a packet whose number leapt, with 4 viewers", took, 120, "µs")
        figures.at_most("leaping numbers: grown memory", resident_mb() - memory, 8, "MB")
        for each in hall.guests:
            seqs = [p[2:4] for p in each.received if p[1] & 0x7F == VIDEO_PT]
            assert len(seqs) == len(set(seqs)), "no number twice"
