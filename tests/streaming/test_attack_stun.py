"""Checks by those who have no business here: no answer, no change, a count; and where media may go."""

from __future__ import annotations

import socket
import struct
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from aioice import stun

from infra.clock import ManualClock
from streaming import ice
from streaming.ice import Path
from streaming.peer import CONTROL_A_SECOND, CONTROL_AT_ONCE
from streaming.ports import SeatId, SessionDown, SessionId
from tests.conftest import Figures
from tests.streaming.crowd import Crowd, crowd
from tests.streaming.house import ROOM, WANT, event, guest, relay_on, until
from tests.streaming.light import LightPeer


@dataclass
class Aim:
    """Whose session is attacked, and by whom: names and passwords as each knows them."""

    ours: str
    theirs: str
    password: bytes
    foreign_ours: str
    foreign_password: bytes


def request(username: str, password: bytes | None, *, kind: int = 1, more: bytes = b"") -> bytes:
    """A nominating check by hand: a library would refuse to write what some of these are."""
    attributes = ice.attribute(ice.USERNAME, username.encode()) + more
    attributes += ice.attribute(ice.USE_CANDIDATE, b"")
    if password is not None:
        return ice.build(kind, bytes(12), attributes, password)
    return struct.pack("!HH", kind, len(attributes)) + ice.COOKIE + bytes(12) + attributes


def wrong_fingerprint(aim: Aim) -> bytes:
    good = request(f"{aim.ours}:{aim.theirs}", aim.password)
    return good[:-4] + struct.pack("!I", zlib.crc32(good) ^ 1)


def many_attributes(aim: Aim) -> bytes:
    more = b"".join(ice.attribute(0x8100 + n, b"") for n in range(60))
    return request(f"{aim.ours}:{aim.theirs}", aim.password, more=more)


def lying_length(aim: Aim) -> bytes:
    good = request(f"{aim.ours}:{aim.theirs}", aim.password)
    return good[:20] + struct.pack("!HH", ice.USERNAME, 0xFFFC) + good[24:]


HOSTILE: dict[str, Callable[[Aim], bytes]] = {
    "without integrity": lambda a: request(f"{a.ours}:{a.theirs}", None),
    "wrong integrity": lambda a: request(f"{a.ours}:{a.theirs}", b"a-password-nobody-has"),
    "another session's integrity": lambda a: request(f"{a.ours}:{a.theirs}", a.foreign_password),
    "empty integrity": lambda a: request(
        f"{a.ours}:{a.theirs}", None, more=ice.attribute(ice.MESSAGE_INTEGRITY, b"")
    ),
    "short integrity": lambda a: request(
        f"{a.ours}:{a.theirs}", None, more=ice.attribute(ice.MESSAGE_INTEGRITY, bytes(19))
    ),
    "spoofed ufrag of theirs": lambda a: request(f"{a.ours}:stranger", a.password),
    "no ufrag of theirs": lambda a: request(f"{a.ours}:", a.password),
    "ours alone": lambda a: request(a.ours, a.password),
    "more than two names": lambda a: request(f"{a.ours}:{a.theirs}:x", a.password),
    "unknown ufrag": lambda a: request(f"nobody:{a.theirs}", a.password),
    "another's ufrag with this password": lambda a: request(
        f"{a.foreign_ours}:{a.theirs}", a.password
    ),
    "two names, the second is right": lambda a: request(
        "nobody:x", a.password, more=ice.attribute(ice.USERNAME, f"{a.ours}:{a.theirs}".encode())
    ),
    "wrong fingerprint": wrong_fingerprint,
    "sixty attributes": many_attributes,
    "an attribute over the end": lying_length,
    "huge attribute": lambda a: request(
        f"{a.ours}:{a.theirs}", a.password, more=ice.attribute(0x8022, bytes(1300))
    ),
    "huge user name": lambda a: request("x" * 1000, a.password),
    "an indication": lambda a: request(f"{a.ours}:{a.theirs}", a.password, kind=0x0011),
    "another method": lambda a: request(f"{a.ours}:{a.theirs}", a.password, kind=0x0003),
    "an answer nobody asked for": lambda a: request(
        f"{a.ours}:{a.theirs}", a.password, kind=ice.SUCCESS
    ),
    "an error nobody asked for": lambda a: request(
        f"{a.ours}:{a.theirs}", a.password, kind=ice.ERROR
    ),
}


def aim_at(hall: Crowd, victim: LightPeer, other: LightPeer) -> Aim:
    mine = hall.transport(victim).ice.credentials
    foreign = hall.transport(other).ice.credentials
    return Aim(
        mine.ours.decode(),
        victim.ufrag,
        mine.our_password,
        foreign.ours.decode(),
        foreign.our_password,
    )


async def test_no_hostile_check_is_answered_or_changes_anything() -> None:
    async with crowd(2) as hall:
        victim, other = hall.guests
        aim = aim_at(hall, victim, other)
        owners = dict(hall.relay._port.owners)
        before = hall.counters
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.setblocking(False)
            for name, make in HOSTILE.items():
                stranger.sendto(make(aim), victim._to)
                other.sock.sendto(make(aim), victim._to)
                await hall.settled()
                assert hall.relay._port.owners == owners, name
                with pytest.raises(BlockingIOError):
                    stranger.recv(2048)
        after = hall.counters
        counted = sum(
            after[f"datagrams_{name}"] - before[f"datagrams_{name}"]
            for name in ("strangers", "malformed", "unproved")
        )
        assert counted == 2 * len(HOSTILE)
        for peer in hall.guests:
            assert hall.transport(peer).ice.selected == Path(0, *peer.sock.getsockname())
        await hall.play(5)


async def test_who_thinks_itself_controlled_is_told_so_and_bound_nowhere() -> None:
    async with crowd(2) as hall:
        victim, other = hall.guests
        aim = aim_at(hall, victim, other)
        more = ice.attribute(ice.ICE_CONTROLLED, bytes(8))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.settimeout(0)
            stranger.sendto(
                request(f"{aim.ours}:{aim.theirs}", aim.password, more=more), victim._to
            )
            await hall.settled()
            assert stun.parse_message(stranger.recv(2048)).attributes["ERROR-CODE"][0] == 487
            assert Path(0, *stranger.getsockname()) not in hall.relay._port.owners


async def test_a_stream_cannot_be_pointed_at_a_stranger() -> None:
    async with crowd(2) as hall:
        thief, other = hall.guests
        aim = aim_at(hall, thief, other)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as victim:
            victim.bind(("127.0.0.1", 0))
            victim.setblocking(False)
            # as if under the victim's address: a ticket holder knows every name and password
            for _ in range(20):
                victim.sendto(request(f"{aim.ours}:{aim.theirs}", aim.password), thief._to)
                await hall.play(2)
            got = []
            while True:
                try:
                    got.append(victim.recv(2048))
                except BlockingIOError:
                    break
        assert got and all(data[0] < 4 for data in got), "answers and questions, never media"
        asked = [data for data in got if data[:2] == b"\x00\x01"]
        assert 1 <= len(asked) <= 2, "asked at most twice a second"
        # no more than came, but for the questions
        assert len(got) - len(asked) == 20


async def test_nine_addresses_leave_eight_and_the_one_in_use() -> None:
    async with crowd(1) as hall:
        (peer,) = hall.guests
        mine = hall.transport(peer).ice
        aim = aim_at(hall, peer, peer)
        sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(30)]
        for each in sockets:
            each.sendto(request(f"{aim.ours}:{aim.theirs}", aim.password), peer._to)
            await peer.reached()
        in_use = Path(0, *peer.sock.getsockname())
        assert len(mine.addresses) == 8 and in_use in mine.addresses
        assert len(hall.relay._port.owners) == 1 + 8
        await hall.play(3)
        for each in sockets:
            each.close()


async def test_a_flood_of_forged_checks_costs_little_and_nobody_a_packet(figures: Figures) -> None:
    async with crowd(4) as hall:
        aim = aim_at(hall, hall.guests[0], hall.guests[1])
        forged = request(f"{aim.ours}:{aim.theirs}", b"a-password-nobody-has")
        before = hall.counters["datagrams_unproved"]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:

            def attack(step: int) -> None:
                for _ in range(50):
                    stranger.sendto(forged, hall.artist._to)

            await hall.play(100, attack)
            await hall.settled()
            assert hall.counters["datagrams_unproved"] - before == 5000
            port, path = hall.relay._port, Path(0, *stranger.getsockname())
            began = time.thread_time()
            for _ in range(2000):
                port._one(forged, path, 0.0)
            took = (time.thread_time() - began) * 1e6 / 2000
        figures.at_most("a forged check", took, 40, "µs")


async def test_after_30_s_without_a_word_from_where_media_goes_nothing_more_is_sent() -> None:
    clock = ManualClock()
    async with relay_on(clock=clock) as relay:
        events = relay.events(ROOM)
        there, gone = LightPeer(), LightPeer()
        await there.view(relay, guest(seat=SeatId("there00000000000")), WANT)
        await gone.view(relay, guest(seat=SeatId("gone000000000000")), WANT)
        mine = relay._sessions[SessionId(gone.session)].peer.ice.credentials
        name = f"{mine.ours.decode()}:{gone.ufrag}"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as elsewhere:
            elsewhere.connect(gone._to)
            elsewhere.settimeout(0)
            for _ in range(7):
                clock.advance(5_000)
                await there.reached()
                # good checks from elsewhere are answered, and yet keep no stream where it goes
                elsewhere.send(request(name, mine.our_password))
                await until(lambda: ready(elsewhere))
            down = await event(events, SessionDown)
        assert (down.session, down.reason) == (gone.session, "vanished")
        assert not any(path.port == gone.port for path in relay._port.owners)
        assert [g.session for g in relay.grants(ROOM)] == [there.session]
        for peer in (there, gone):
            await peer.close()


def ready(sock: socket.socket) -> bool:
    try:
        sock.recv(2048)
    except BlockingIOError:
        return False
    return True


async def test_a_ticket_holders_flood_of_good_checks_and_records_is_cut_to_a_budget(
    figures: Figures,
) -> None:
    async with crowd(4) as hall:
        liar, other = hall.guests[0], hall.guests[1]
        aim = aim_at(hall, liar, other)
        good, record = (
            request(f"{aim.ours}:{aim.theirs}", aim.password),
            b"\x16\xfe\xfd" + bytes(60),
        )
        before = hall.counters

        def attack(step: int) -> None:
            for _ in range(20):
                liar.sock.sendto(good, liar._to)
                liar.sock.sendto(record, liar._to)

        began = time.perf_counter()
        await hall.play(100, attack, but=(liar,))
        took = time.perf_counter() - began
        after = hall.counters
        cut = after["datagrams_excessive"] - before["datagrams_excessive"]
        lawful = 2 * (CONTROL_AT_ONCE + CONTROL_A_SECOND * took)
        assert 4000 - lawful - 100 <= cut <= 4000
        figures.note("4,000 good checks and records of one session: looked at", 4000 - cut, "")
