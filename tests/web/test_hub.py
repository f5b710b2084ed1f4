"""The hub: who is here stays here while a socket or a media session stands."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from infra.bus_local import LocalBus, LocalPresence
from infra.clock import ManualClock
from infra.errors import Unavailable
from infra.ports import Logged
from rooms.messages import ApplauseMessage, Bye, Person, PhaseChanged, Snapshot
from rooms.phases import Phase, Role
from rooms.state import empty
from tests.web.conftest import Site
from tests.web.test_socket import talkers
from web.frames import message_frame
from web.hub import RoomHub
from web.hubs import Hubs
from web.presence import TTL_S
from web.voice import Standing


class StillLog:
    """A room where nothing happens."""

    async def whole(self, room: str) -> tuple[int, Snapshot]:
        return 0, empty(room)

    async def events(self, room: str, after: int) -> AsyncIterator[Logged]:
        await asyncio.Event().wait()
        yield Logged(0, "", 0)


class FailingLog(StillLog):
    """The database is away at the first look; the show goes live meanwhile."""

    looks = 0

    async def events(self, room: str, after: int) -> AsyncIterator[Logged]:
        self.looks += 1
        if self.looks == 1:
            raise OSError("away")
        live = PhaseChanged(phase=Phase.LIVE, epoch=1, at=0)
        yield Logged(after + 1, live.model_dump_json(), 0)
        await asyncio.Event().wait()


async def nothing_said(room: str) -> Standing:
    return Standing()


class Quiet:
    """A listener that reads nothing."""

    role = Role.GUEST
    device = "device"
    admitted = True

    def __init__(self, seat: str) -> None:
        self.seat = seat
        self.frames = 0
        self.byes: list[Bye] = []

    def write(self, frame: bytes) -> None:
        self.frames += 1

    def say_bye(self, bye: Bye) -> None:
        self.frames += 1
        self.byes.append(bye)


async def test_presence_outlives_its_beats_while_somebody_is_connected(clock: ManualClock) -> None:
    presence, connected = LocalPresence(clock), {"onstage"}

    async def people(room: str, present: frozenset[str]) -> list[Person]:
        return [Person(seat=s, role=Role.GUEST, name="", here=True) for s in sorted(present)]

    hub = RoomHub(
        "room",
        house=StillLog(),
        bus=LocalBus(),
        presence=presence,
        people=people,
        connected=lambda room: connected,
        standing=nothing_said,
        now_ms=lambda: 0,
        node="node",
    )
    await hub.start()
    listener = Quiet("guest")
    hub.join(listener, None)
    await hub.beat("guest")

    async def present(seats: set[str]) -> None:
        async with asyncio.timeout(15):
            while await presence.present("room") != seats:
                await hub.gone("nobody")  # somebody's leaving makes the hub look around
                await asyncio.sleep(0.01)

    await present({"guest", "onstage"})
    clock.advance(TTL_S * 1000 + 1)
    await present({"guest", "onstage"})
    hub.leave(listener)
    connected.clear()
    clock.advance(TTL_S * 1000 + 1)
    assert await presence.present("room") == frozenset()
    await hub.close(Bye(reason="restart"))


async def test_a_hub_goes_on_after_a_failure(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.hub.AGAIN_S", 0.01)
    asked = 0

    async def people(room: str, present: frozenset[str]) -> list[Person]:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise OSError("away")
        return [Person(seat=s, role=Role.GUEST, name="", here=True) for s in sorted(present)]

    hub = RoomHub(
        "room",
        house=FailingLog(),
        bus=LocalBus(),
        presence=LocalPresence(clock),
        people=people,
        connected=lambda room: (),
        standing=nothing_said,
        now_ms=lambda: 0,
        node="node",
    )
    await hub.start()
    listener = Quiet("guest")
    hub.join(listener, None)
    await hub.beat("guest")
    async with asyncio.timeout(15):
        while hub.state.phase is not Phase.LIVE or asked < 2:
            await hub.gone("nobody")
            await asyncio.sleep(0.01)
    assert listener.frames > 1
    await hub.close(Bye(reason="restart"))


async def test_a_hidden_lines_words_are_not_told_to_who_catches_up(site: Site) -> None:
    async with talkers(site, Role.GUEST, Role.HOST) as (guest, host):
        await guest.write("line.write", text="Ensin")
        first = await host.until(lambda m: m["type"] == "event")
        await guest.write("line.write", text="Tämä piilotetaan")
        line = await host.event("line.written")
        await host.write("line.hide", line=line["line"])
        await host.event("line.hidden")
        host.heard.clear()
        await host.say("hello", after=first["seq"])
        told = [m["event"] for m in host.heard if m["type"] == "event"]
        assert [event["type"] for event in told] == ["line.written", "line.hidden"]
        assert told[0] == {**line, "text": ""}


async def test_who_comes_while_the_house_closes_is_sent_away_too(clock: ManualClock) -> None:
    async def people(room: str, present: frozenset[str]) -> list[Person]:
        return []

    def make(room: str) -> RoomHub:
        return RoomHub(
            room,
            house=StillLog(),
            bus=LocalBus(),
            presence=LocalPresence(clock),
            people=people,
            connected=lambda room: (),
            standing=nothing_said,
            now_ms=lambda: 0,
            node="node",
        )

    hubs, bye = Hubs(make), Bye(reason="restart", back_ms=500)
    hub, listener, late = await hubs.hub("room"), Quiet("guest"), Quiet("late")
    hub.join(listener, None)
    await hubs.close(bye)
    hub.join(late, None)
    assert listener.byes == late.byes == [bye]
    with pytest.raises(Unavailable):
        await hubs.hub("another")
    await hubs.close(bye)
    assert hubs.all() == ()


async def test_of_transient_messages_applause_alone_reaches_the_hall(clock: ManualClock) -> None:
    async def people(room: str, present: frozenset[str]) -> list[Person]:
        return []

    bus, written = LocalBus(), asyncio.Queue[bytes]()
    hub = RoomHub(
        "room",
        house=StillLog(),
        bus=bus,
        presence=LocalPresence(clock),
        people=people,
        connected=lambda room: (),
        standing=nothing_said,
        now_ms=lambda: 0,
        node="node",
    )
    await hub.start()
    listener = Quiet("guest")
    hub.join(listener, None)
    listener.write = written.put_nowait  # type: ignore[method-assign,assignment]  # it reads now
    line = {"type": "line.written", "line": 1, "seat": "x", "role": "host", "text": "call me"}
    applause = ApplauseMessage(claps=3, seats=2)
    try:
        for body in (
            json.dumps({"type": "event", "seq": 9, "event": line}),
            json.dumps({"type": "applause", "claps": 1, "seats": 1, "text": "call me"}),
            f'{{"type":"applause","claps":1,{" " * 300}"seats":1}}',
            "x",
            applause.model_dump_json(),
        ):
            async with asyncio.timeout(5):
                while not bus.listened("room/room/transient"):
                    await asyncio.sleep(0)
            await bus.publish("room/room/transient", body)
        heard = [await asyncio.wait_for(written.get(), 5)]
        while not written.empty():
            heard.append(written.get_nowait())
    finally:
        await hub.close(Bye(reason="restart"))
    assert message_frame(applause) in heard
    assert not any(b"call me" in frame or b'"claps":1' in frame for frame in heard)
