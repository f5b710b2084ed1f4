"""Who gets what: takeover, vanishing, epochs, rights and room, with light peers and a clock by hand."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from infra.clock import ManualClock
from infra.errors import BadInput, Conflict, Forbidden, Unknown
from streaming import rtcp
from streaming.ports import (
    FeedChanged,
    FeedId,
    FeedState,
    Grant,
    May,
    RelayEvent,
    RoomId,
    SeatId,
    SessionDown,
    SessionId,
    Want,
)
from streaming.relay import EmbeddedRelay
from tests.streaming.house import FEED, ROOM, WANT, artist, event, guest, relay_on, until
from tests.streaming.light import LightPeer


class House:
    """A relay, its clock, and light peers that are closed at the end."""

    def __init__(self, relay: EmbeddedRelay, clock: ManualClock) -> None:
        self.relay = relay
        self.clock = clock
        self.events = relay.events(ROOM)
        self.peers: list[LightPeer] = []

    async def publisher(self, right: Grant | None = None) -> LightPeer:
        peer = LightPeer()
        self.peers.append(peer)
        await peer.publish(self.relay, right or artist())
        await self.settled(peer)
        return peer

    async def viewer(self, right: Grant | None = None, want: Want = WANT) -> LightPeer:
        peer = LightPeer()
        self.peers.append(peer)
        await peer.view(self.relay, right or guest(), want)
        await self.settled(peer)
        return peer

    async def settled(self, peer: LightPeer) -> None:
        """The relay knows of the handshake's end."""
        session = self.relay._sessions[SessionId(peer.session)]
        await until(lambda: session.peer.connected)

    async def state(self, state: FeedState) -> None:
        while True:
            told: FeedChanged = await event(self.events, FeedChanged)
            if told.info.state is state:
                return

    async def down(self) -> SessionDown:
        told: SessionDown = await event(self.events, SessionDown)
        return told


@pytest.fixture
async def house() -> AsyncIterator[House]:
    clock = ManualClock()
    async with relay_on(clock=clock) as relay:
        made = House(relay, clock)
        yield made
        for peer in made.peers:
            await peer.close()


def numbers(peer: LightPeer, payload_type: int) -> list[int]:
    return [struct.unpack_from("!H", p, 2)[0] for p in peer.received if p[1] & 0x7F == payload_type]


async def test_a_viewer_sees_from_the_keyframe_on_and_hears_at_once(house: House) -> None:
    artist_, guest_ = await house.publisher(), await house.viewer()
    artist_.sound(b"s1", 0)
    artist_.frame(b"too early", 0)
    artist_.frame(b"key", 3000, key=True)
    artist_.frame(b"next", 6000)
    await until(lambda: any(b"next" in t for t in guest_.texts("video")))
    assert guest_.texts("audio") == [b"s1"]
    assert not any(b"too early" in t for t in guest_.texts("video"))


async def test_packets_of_1400_bytes_pass_whole(house: House) -> None:
    artist_, guest_ = await house.publisher(), await house.viewer()
    artist_.frame(b"key", 0, key=True)
    artist_.frame(b"x" * 1387, 3000)
    await until(lambda: [t for t in guest_.texts("video") if len(t) == 1388])


async def test_a_lost_packet_is_sent_again_with_the_same_bytes(house: House) -> None:
    artist_, guest_ = await house.publisher(), await house.viewer()
    for n in range(5):
        artist_.sound(b"s%d" % n, 960 * n)
    await until(lambda: len(guest_.received) == 5)
    lost = guest_.received[2]
    number, ssrc = struct.unpack_from("!H", lost, 2)[0], struct.unpack_from("!I", lost, 8)[0]
    house.clock.advance(100)
    # libsrtp refuses what came before, so the resend is caught before it is opened
    sealed: list[bytes] = []
    read = guest_._one
    guest_._one = lambda data: sealed.append(data) if data[0] >= 128 else read(data)  # type: ignore[method-assign]  # a look at the wire
    guest_.send_rtcp(rtcp.nack(1, ssrc, [number]))
    await until(lambda: [d for d in sealed if d[2:12] == lost[2:12]])


async def test_the_newest_publisher_takes_the_feed_and_numbers_go_on(house: House) -> None:
    first, guest_ = await house.publisher(), await house.viewer()
    first.sound(b"a", 0)
    first.frame(b"a", 0, key=True)
    await until(lambda: len(guest_.received) >= 2)
    second = await house.publisher()
    assert (await house.down()).reason == "replaced"
    await until(lambda: first.closed_by_relay)
    before = numbers(guest_, 111)
    second.sound(b"b", 777)
    second.frame(b"b", 777, key=True)
    await until(lambda: b"b" in guest_.texts("audio"))
    await until(lambda: any(t.endswith(b"\x65b") for t in guest_.texts("video")))
    assert numbers(guest_, 111) == [before[-1], before[-1] + 1]
    assert {struct.unpack_from("!I", p, 8)[0] for p in guest_.received if p[1] & 0x7F == 111} == {
        struct.unpack_from("!I", guest_.received[0], 8)[0]
    }
    assert house.relay.feeds(ROOM)[0].generation == 2
    assert [g.session for g in house.relay.grants(ROOM)] == [guest_.session, second.session]


async def test_a_publisher_that_vanishes_is_told_and_viewers_go_on_when_she_is_back(
    house: House,
) -> None:
    first, guest_ = await house.publisher(), await house.viewer()
    first.sound(b"a", 0)
    first.frame(b"a", 0, key=True)
    await house.state(FeedState.LIVE)
    await until(lambda: len(guest_.received) >= 2)
    first.vanish()
    house.clock.advance(2_900)
    await asyncio.sleep(0.1)
    assert house.relay.feeds(ROOM)[0].state is FeedState.LIVE
    house.clock.advance(200)
    await house.state(FeedState.STALLED)
    guest_.check()
    house.clock.advance(5_000)
    second = await house.publisher()
    second.sound(b"b", 500_000)
    second.frame(b"b", 500_000, key=True)
    await house.state(FeedState.LIVE)
    await until(lambda: b"b" in guest_.texts("audio"))
    assert numbers(guest_, 111)[-1] == numbers(guest_, 111)[0] + 1


async def test_who_stays_away_ends_after_30_s_and_a_goodbye_ends_at_once(house: House) -> None:
    first = await house.publisher()
    first.sound(b"a", 0)
    await house.state(FeedState.LIVE)
    first.vanish()
    house.clock.advance(3_100)
    await house.state(FeedState.STALLED)
    house.clock.advance(30_100)
    await house.state(FeedState.ENDED)
    assert (await house.down()).reason == "vanished"
    second = await house.publisher()
    second.sound(b"b", 0)
    await house.state(FeedState.LIVE)
    await second.close()
    await house.state(FeedState.ENDED)
    assert (await house.down()).reason == "closed"


async def test_muted_is_not_vanished(house: House) -> None:
    artist_ = await house.publisher()
    artist_.sound(b"a", 0)
    await house.state(FeedState.LIVE)
    for _ in range(4):
        house.clock.advance(2_000)
        await artist_.reached()
    assert house.relay.feeds(ROOM)[0].state is FeedState.LIVE


async def test_rights_are_looked_at_before_anything(house: House) -> None:
    relay = house.relay
    for refused, call in (
        (Forbidden, relay.publish(guest(), FEED, "v=0")),
        (Forbidden, relay.publish(artist(), FeedId(ROOM, SeatId("other")), "v=0")),
        (Unknown, relay.view(replace(guest(), room=RoomId("closed")), WANT, "v=0")),
        (BadInput, relay.view(guest(), WANT, "v=0")),
        (BadInput, relay.offer_view(guest(), Want((FeedId(RoomId("else"), SeatId("x")),)))),
        (BadInput, relay.offer_view(guest(), Want((FEED,) * 9))),
        (Unknown, relay.answer(SessionId("none"), "v=0", "x")),
        (Unknown, relay.want(SessionId("none"), WANT)),
    ):
        with pytest.raises(refused):
            await call
    assert relay.grants(ROOM) == ()


async def test_a_viewer_may_be_connected_before_the_right_comes(house: House) -> None:
    artist_, right = await house.publisher(), replace(guest(), may=frozenset())
    early = await house.viewer(right)
    artist_.sound(b"not yet", 0)
    artist_.frame(b"not yet", 0, key=True)
    await until(lambda: house.relay.feeds(ROOM)[0].state is FeedState.LIVE)
    assert not early.received
    await house.relay.regrant(replace(right, may=frozenset({May.VIEW})))
    artist_.sound(b"now", 1)
    await until(lambda: b"now" in early.texts("audio"))


async def test_the_newest_sessions_of_a_seat_take_the_oldest_ones_place(house: House) -> None:
    rights = [guest(sessions=2) for _ in range(3)]
    for right in rights:
        await house.relay.offer_view(right, WANT)
    assert [g.session for g in house.relay.grants(ROOM)] == [r.session for r in rights[1:]]
    assert (await house.down()).session == rights[0].session


async def test_a_right_that_expires_ends_its_session(house: House) -> None:
    soon = replace(guest(), expires=house.clock.now().timestamp() + 60)
    await house.viewer(soon)
    house.clock.advance(61_000)
    assert (await house.down()).reason == "expired"


async def test_a_removed_seat_loses_all_its_sessions_and_closing_twice_is_no_error(
    house: House,
) -> None:
    guest_ = await house.viewer()
    await house.relay.close_seat(ROOM, guest().seat, "revoked")
    assert (await house.down()).reason == "revoked"
    await until(lambda: guest_.closed_by_relay)
    await house.relay.close(SessionId(guest_.session), "closed")
    assert house.relay.grants(ROOM) == ()


async def test_an_answer_must_name_the_newest_offer(house: House) -> None:
    made = await house.relay.offer_view(guest(), WANT)
    more = await house.relay.want(made.session, Want((FEED, FeedId(ROOM, SeatId("second")))))
    assert more is not None and more.sdp.count("m=video") == 2
    with pytest.raises(Conflict):
        await house.relay.answer(made.session, "v=0", made.etag)
    with pytest.raises(BadInput):
        await house.relay.answer(made.session, "v=0", more.etag)
    assert await house.relay.want(made.session, WANT) is None


async def test_an_older_fence_is_refused(house: House) -> None:
    await house.relay.open_room(ROOM, 2, 1)
    with pytest.raises(Conflict):
        await house.relay.open_room(ROOM, 1, 1)
    with pytest.raises(Conflict):
        await house.relay.close_room(ROOM, 1, "closed")
    await house.relay.close_room(ROOM, 2, "closed")
    await house.relay.close_room(ROOM, 2, "closed")
    assert house.relay.feeds(ROOM) == ()


async def test_closing_a_room_says_goodbye_and_ends_its_events(house: House) -> None:
    guest_ = await house.viewer()
    followed: list[RelayEvent] = []

    async def follow() -> None:
        async for each in house.events:
            followed.append(each)

    task = asyncio.create_task(follow())
    await house.relay.close_room(ROOM, 1, "closed")
    await asyncio.wait_for(task, 5)
    assert isinstance(followed[-1], SessionDown) and followed[-1].reason == "room_closed"
    await until(lambda: guest_.closed_by_relay)
