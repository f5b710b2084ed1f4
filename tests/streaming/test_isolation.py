"""One who breaks, stalls or cannot be reached costs nobody else a packet."""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import Any

import pytest
from structlog.testing import capture_logs

from infra.logs import get_logger
from streaming.counters import Faults
from streaming.ports import Batch, FeedInfo, Packet, RelayEvent, RoomId, Track
from tests.streaming.crowd import crowd
from tests.streaming.house import FEED, ROOM, until
from tests.streaming.studio import Sink


class Broken:
    """A sink that raises whatever it is given."""

    def __init__(self) -> None:
        self.asked = 0

    def on_packets(self, track: Track, layer: str | None, batch: Batch) -> None:
        self.asked += 1
        raise RuntimeError("a sink broke")

    def on_feed(self, change: FeedInfo) -> None:
        raise RuntimeError("a sink broke")


async def test_a_sink_that_raises_costs_the_recorder_and_the_hall_nothing() -> None:
    async with crowd(3, faults=1) as hall:
        broken, recorder = Broken(), Sink()
        detach = [hall.relay.attach(FEED, broken), hall.relay.attach(FEED, recorder)]
        await hall.play(50)
        pictures: list[Packet] = [
            p for t, batch in recorder.batches if t.kind == "video" for p in batch.packets
        ]
        assert len(pictures) == 50 and broken.asked >= 50
        for each in detach:
            each()


async def test_a_listener_that_raises_and_one_that_never_reads_cost_the_others_nothing() -> None:
    async with crowd(2) as hall:
        heard: list[RelayEvent] = []
        idle = hall.relay.events(ROOM)

        async def raises() -> None:
            async for _ in hall.relay.events(ROOM):
                raise RuntimeError("a listener broke")

        async def listens() -> None:
            async for each in hall.relay.events(ROOM):
                heard.append(each)

        tasks = [asyncio.create_task(each()) for each in (raises, listens)]
        await asyncio.sleep(0)
        room = hall.relay._rooms[RoomId(ROOM)]
        for _ in range(300):
            hall.relay._feed_changed(room.feeds[FEED].info)
            await asyncio.sleep(0)
        await hall.play(10)
        assert len(heard) == 300
        assert len(idle._waiting) <= 256  # type: ignore[attr-defined]  # bounded, and told of its gap
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(results[0], RuntimeError)


class Faulty:
    """A socket that fails for one address, each time in the same way."""

    def __init__(self, real: socket.socket, port: int, error: int) -> None:
        self._real, self._port, self._error = real, port, error

    def sendto(self, data: bytes, address: tuple[str, int]) -> int:
        if address[1] == self._port:
            raise OSError(self._error, "no way there")
        return self._real.sendto(data, address)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


@pytest.mark.parametrize("code", ["EMSGSIZE", "ENOBUFS", "EPERM", "EHOSTUNREACH", "EINVAL"])
async def test_a_viewer_that_cannot_be_sent_to_costs_the_others_nothing(code: str) -> None:
    async with crowd(3) as hall:
        lost = hall.guests[1]
        each = hall.relay._port._sockets[0]
        real = each.sock
        each.sock = Faulty(real, lost.port, getattr(errno, code))  # type: ignore[assignment]  # the real one behind it
        before = hall.counters["datagrams_refused"]
        sent = [hall.step() for _ in range(40)]
        others = [g for g in hall.guests if g is not lost]
        await until(lambda: all(g.texts("audio")[-1:] == [sent[-1][1]] for g in others))
        assert all(g.texts("audio")[-40:] == [sound for _, sound in sent] for g in others)
        assert hall.counters["datagrams_refused"] - before >= 80, "counted, never silent"
        each.sock = real
        await hall.play(10)


async def test_a_full_socket_loses_nothing_and_keeps_the_order() -> None:
    async with crowd(3) as hall:
        each = hall.relay._port._sockets[0]
        real, full = each.sock, 0

        class Full(Faulty):
            """Every seventh datagram finds the socket full."""

            def sendto(self, data: bytes, address: tuple[str, int]) -> int:
                nonlocal full
                full += 1
                if full % 7 == 0:
                    raise BlockingIOError(errno.EAGAIN, "full")
                return self._real.sendto(data, address)

        each.sock = Full(real, 0, 0)  # type: ignore[assignment]  # the real one behind it
        before = hall.counters
        await hall.play(60)
        after = hall.counters
        assert after["datagrams_queued"] > before["datagrams_queued"]
        assert after["datagrams_dropped"] == before["datagrams_dropped"]
        each.sock = real


async def test_a_session_whose_steps_fail_costs_no_other_and_fills_no_log() -> None:
    async with crowd(3, faults=2) as hall:
        victim = hall.guests[0]
        owner: Any = hall.transport(victim)._owner

        def fail(*_: object) -> None:
            raise RuntimeError("a step broke")

        owner.tick = owner.on_heard = fail  # breaks from here on
        for _ in range(100):
            hall.relay.tick()
            victim.check()
        await until(lambda: hall.counters["datagrams_failed"] >= 100)
        del owner.tick, owner.on_heard
        await hall.play(10)


def test_a_fault_is_told_once_and_then_counted() -> None:
    faults = Faults(get_logger("test"))
    with capture_logs() as lines:
        for number in range(1000):
            faults.tell("datagram failed", ValueError("x"), number * 25.0)
        faults.tell("datagram failed", TypeError("x"), 0.0)
    assert [line["count"] for line in lines] == [1, 400, 400, 1]
