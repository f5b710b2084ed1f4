"""A change of phase: what was sent before it reaches nobody after it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from infra.clock import ManualClock
from streaming import rtcp
from streaming.ports import SessionId
from tests.streaming.house import ROOM, artist, guest, relay_on, until
from tests.streaming.light import LightPeer
from tests.streaming.test_relay import House


@pytest.fixture
async def house() -> AsyncIterator[House]:
    clock = ManualClock()
    async with relay_on(clock=clock) as relay:
        made = House(relay, clock)
        yield made
        for peer in made.peers:
            await peer.close()


def seen(peer: LightPeer) -> bytes:
    return b"|".join([*peer.texts("video"), *peer.texts("audio")])


async def test_rehearsals_frames_reach_no_guest_who_joins_right_after_the_change(
    house: House,
) -> None:
    right = artist()
    performer = await house.publisher(right)
    performer.frame(b"rehearsal", 0, key=True)
    performer.sound(b"rehearsal", 0)
    await performer.reached()

    await house.relay.new_epoch(ROOM, 2)
    performer.frame(b"rehearsal", 1, key=True)
    performer.sound(b"rehearsal", 1)
    await performer.reached()
    asked = performer.plis
    await house.relay.regrant(replace(right, epoch=2))
    newcomer = await house.viewer(guest(epoch=2))
    # still on their way when the change came
    performer.frame(b"rehearsal", 2, key=True)
    performer.sound(b"rehearsal", 2)
    await performer.reached()
    house.clock.advance(200)
    await until(lambda: performer.plis > asked)
    performer.frame(b"rehearsal", 3)
    await performer.reached()
    performer.frame(b"live", 4, key=True)
    performer.sound(b"live", 4)
    await until(lambda: b"live" in newcomer.texts("audio"))
    await until(lambda: any(b"live" in t for t in newcomer.texts("video")))
    assert b"rehearsal" not in seen(newcomer)


async def test_a_guest_gets_nothing_while_the_right_is_of_another_epoch(house: House) -> None:
    performer, right = await house.publisher(), guest()
    watching = await house.viewer(right)
    performer.frame(b"one", 0, key=True)
    performer.sound(b"one", 0)
    await until(lambda: b"one" in watching.texts("audio"))
    await house.relay.new_epoch(ROOM, 2)
    await house.relay.regrant(replace(house.relay.grants(ROOM)[0], epoch=2))
    house.clock.advance(200)
    performer.frame(b"two", 1, key=True)
    performer.sound(b"two", 1)
    await performer.reached()
    assert b"two" not in seen(watching)
    before = len(watching.received)
    await house.relay.regrant(replace(right, epoch=2))
    performer.sound(b"three", 2)
    performer.frame(b"three", 2, key=True)
    await until(lambda: b"three" in watching.texts("audio"))
    sound = [p for p in watching.received[before:] if p[1] & 0x7F == 111]
    numbers = [int.from_bytes(p[2:4]) for p in watching.received if p[1] & 0x7F == 111]
    assert sound and len(set(numbers)) == len(numbers)


async def test_a_publisher_without_a_right_of_this_epoch_is_heard_by_nobody(house: House) -> None:
    performer, watching = await house.publisher(artist(epoch=7)), await house.viewer()
    performer.frame(b"early", 0, key=True)
    performer.sound(b"early", 0)
    await performer.reached()
    assert not watching.received
    right = house.relay.grants(ROOM)[0]
    await house.relay.regrant(replace(right, epoch=1))
    house.clock.advance(200)
    performer.sound(b"now", 1)
    await until(lambda: watching.texts("audio") == [b"now"])
    await house.relay.regrant(replace(right, epoch=1, may=frozenset()))
    performer.sound(b"no more", 2)
    await performer.reached()
    assert watching.texts("audio") == [b"now"]
    assert house.relay._sessions[SessionId(performer.session)].peer.connected


async def test_a_publisher_who_has_the_new_right_before_the_change_is_heard_after_it(
    house: House,
) -> None:
    performer, watching = await house.publisher(artist(epoch=2)), await house.viewer(guest(epoch=2))
    await house.relay.new_epoch(ROOM, 2)
    house.clock.advance(200)
    performer.sound(b"now", 0)
    await until(lambda: watching.texts("audio") == [b"now"])
    # the room asks for all rights anew after a change: those that stand are left as they are
    for right in house.relay.grants(ROOM):
        await house.relay.regrant(right)
    performer.sound(b"still", 1)
    await until(lambda: watching.texts("audio") == [b"now", b"still"])


async def test_after_a_change_nothing_of_before_is_sent_again(house: House) -> None:
    right, viewing = artist(), guest()
    performer, watching = await house.publisher(right), await house.viewer(viewing)
    watching.drop = lambda plain: True
    performer.sound(b"old", 0)
    performer.sound(b"old", 1)
    await performer.reached()
    session = house.relay._sessions[SessionId(watching.session)]
    await house.relay.new_epoch(ROOM, 2)
    for each in (right, viewing):
        await house.relay.regrant(replace(each, epoch=2))
    house.clock.advance(200)
    watching.drop = lambda plain: False
    performer.sound(b"new", 2)
    await until(lambda: watching.texts("audio") == [b"new"])
    packet = watching.received[0]
    number, ssrc = int.from_bytes(packet[2:4]), int.from_bytes(packet[8:12])
    sent = session.stats()["received_packets"]
    watching.send_rtcp(rtcp.nack(1, ssrc, [number - 1, number - 2]))
    await until(lambda: session.stats()["received_packets"] > sent)
    await watching.reached()
    assert watching.texts("audio") == [b"new"]
