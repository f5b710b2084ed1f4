"""The engine: every packet to every ready viewer once, numbered for it, in order."""

from __future__ import annotations

import asyncio
import struct

from pylibsrtp import Policy, Session

from streaming import burst
from streaming.burst import Outlet, PlainEngine, Target, Wire
from streaming.ice import Path
from streaming.private import Inbound, Outbound

PROFILE = Policy.SRTP_PROFILE_AEAD_AES_128_GCM


class Sent:
    """A sender that keeps what it was given, by port."""

    def __init__(self) -> None:
        self.by_port: dict[int, list[bytes]] = {}

    def send(self, data: bytes | memoryview, path: Path) -> None:
        self.by_port.setdefault(path.port, []).append(bytes(data))


def keys(number: int) -> tuple[Outbound, Inbound]:
    key = bytes([number % 256, number // 256]) * 14
    ends = [
        Session(Policy(key=key, ssrc_type=kind, srtp_profile=PROFILE))
        for kind in (Policy.SSRC_ANY_OUTBOUND, Policy.SSRC_ANY_INBOUND)
    ]
    return Outbound(ends[0]), Inbound(ends[1])


def viewer(sender: Sent, number: int) -> tuple[Target, Inbound]:
    outlet = Outlet(sender)
    outlet.keys, theirs = keys(number)
    outlet.path = Path(0, "192.0.2.1", 1000 + number)
    outlet.ready = True
    return Target(outlet, 7000 + number, 100 + number, 5000 + number), theirs


def wires(first: int, count: int) -> list[Wire]:
    head = struct.pack("!BBHII", 0x80, 102, 0, 0, 0)
    return [Wire(head + b"%d" % n, n, 3000 * n) for n in range(first, first + count)]


def read(theirs: Inbound, sealed: bytes) -> tuple[int, int, int, bytes]:
    plain = theirs.open(sealed)
    assert plain is not None
    seq, timestamp, ssrc = struct.unpack_from("!HII", plain, 2)
    return seq, timestamp, ssrc, plain[12:]


def test_each_viewer_gets_its_own_numbers_under_its_own_key() -> None:
    sender = Sent()
    engine = PlainEngine(sender)
    viewers = [viewer(sender, n) for n in range(3)]
    engine.share().send(wires(0x1FFFF, 2), [target for target, _ in viewers])
    for number, (target, theirs) in enumerate(viewers):
        got = [read(theirs, data) for data in sender.by_port[1000 + number]]
        assert got == [
            ((n + 100 + number) & 0xFFFF, 3000 * n + 5000 + number, 7000 + number, b"%d" % n)
            for n in (0x1FFFF, 0x20000)
        ]
        assert (target.packets, target.octets) == (2, 12)


def test_who_is_not_ready_gets_nothing_and_a_packet_too_long_costs_no_other() -> None:
    sender = Sent()
    engine = PlainEngine(sender)
    (target, _), (shut, _) = viewer(sender, 1), viewer(sender, 2)
    shut.outlet.ready = False
    long = Wire(bytes([0x80, 96]) + bytes(2100), 1, 1)
    engine.share().send([long, *wires(2, 1)], [target, shut])
    assert len(sender.by_port[1001]) == 1 and 1002 not in sender.by_port
    assert engine.refused_packets == 1 and shut.packets == 0


async def test_a_hall_is_served_in_slices_and_in_order() -> None:
    sender = Sent()
    engine = PlainEngine(sender).share()
    hall = [viewer(sender, n) for n in range(3 * burst.SLICE - 5)]
    targets = [target for target, _ in hall]
    engine.send(wires(1, 2), targets)
    engine.send(wires(3, 1), targets)
    engine.send(wires(4, 1), targets[:2])
    assert not sender.by_port, "not in the same turn of the loop"
    for _ in range(12):
        await asyncio.sleep(0)
    for number, (_, theirs) in enumerate(hall):
        texts = [read(theirs, data)[3] for data in sender.by_port[1000 + number]]
        assert texts == [b"1", b"2", b"3"] + ([b"4"] if number < 2 else [])


async def test_what_waits_is_bounded_and_can_be_forgotten() -> None:
    sender = Sent()
    engine = PlainEngine(sender)
    room = engine.share()
    targets = [viewer(sender, n)[0] for n in range(burst.SLICE + 1)]
    for number in range(burst.MAX_WAITING_JOBS + 3):
        room.send(wires(number, 1), targets)
    assert engine.dropped_jobs == 3
    room.drop_waiting()
    for _ in range(5):
        await asyncio.sleep(0)
    assert not sender.by_port


async def test_what_waits_is_a_rooms_own() -> None:
    sender = Sent()
    engine = PlainEngine(sender)
    crowded, quiet = engine.share(), engine.share()
    hall = [viewer(sender, n)[0] for n in range(burst.SLICE + 1)]
    neighbours = [viewer(sender, 500 + n)[0] for n in range(burst.SLICE + 1)]
    quiet.send(wires(7, 1), neighbours)
    for number in range(burst.MAX_WAITING_JOBS + 3):
        crowded.send(wires(number, 1), hall)
    crowded.drop_waiting()  # a change of phase there
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(sender.by_port) == len(neighbours), "and nobody of the crowded room"


async def test_rooms_take_turns() -> None:
    sender = Sent()
    engine = PlainEngine(sender)
    crowded, small = engine.share(), engine.share()
    hall = [viewer(sender, n)[0] for n in range(burst.SLICE + 1)]
    guests = [viewer(sender, 500 + n)[0] for n in range(burst.SLICE + 1)]
    for number in range(burst.MAX_WAITING_JOBS):
        crowded.send(wires(number, 1), hall)
    small.send(wires(1, 1), guests)
    for _ in range(5):
        await asyncio.sleep(0)
    assert 1500 + burst.SLICE in sender.by_port, "the small room did not wait for the hall's 64"
    crowded.drop_waiting()


def test_rtcp_leaves_sealed_and_only_where_there_is_a_way_out() -> None:
    sender = Sent()
    target, theirs = viewer(sender, 1)
    report = struct.pack("!BBHI", 0x80, 201, 1, 5)
    target.outlet.send_rtcp(report)
    assert theirs.open_rtcp(sender.by_port[1001][0]) == report
    target.outlet.path = None
    target.outlet.send_rtcp(report)
    assert len(sender.by_port[1001]) == 1
