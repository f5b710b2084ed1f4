"""A real server in a process of its own: who reads nothing, who says nothing, who floods."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from rooms.messages import SERVER_MESSAGE, EventMessage, SnapshotMessage
from rooms.phases import Role
from rooms.state import reduce
from tests.conftest import Figures
from tests.evening.house import TestHouse
from tests.web.conftest import Browser
from tests.web.raw import TEXT, RawSocket, frame, raw_socket

pytestmark = [
    pytest.mark.one_database,  # nothing of it is about the database
    pytest.mark.xdist_group("evening"),  # figures of a process want the processor
]

KB, MB = 1024, 1024 * 1024
TICKS = os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> int:
    """What the process holds, in bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * KB for line in lines if line.startswith("VmRSS"))


def work(pid: int) -> float:
    """Seconds of the processor that the process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Crowd:
    """Browsers with seats in one show."""

    def __init__(self, house: TestHouse, session: aiohttp.ClientSession) -> None:
        self.house = house
        self.session = session

    async def comes(self, role: Role = Role.GUEST, **other: Any) -> tuple[Browser, str]:
        browser = Browser(self.house.url, self.session)
        issued = await self.house.ticket("show", role, **other)
        return browser, await browser.enter(f"{self.house.url}/t/{issued.secret}")


async def talk(speakers: list[RawSocket], until: asyncio.Event, words: str) -> int:
    """The room talks, each at a seat's pace; what was said is acknowledged. How many lines."""
    lines = 0

    async def speak(number: int, one: RawSocket) -> None:
        nonlocal lines
        for line in range(38):
            if until.is_set():
                return
            key = f"line-{number}-{line:04}"
            await one.say({"type": "line.write", "id": line, "key": key, "text": words})
            told = await one.until(lambda m, line=line: m.get("id") == line)
            assert told is not None and told["type"] == "ack", told
            lines += 1

    await asyncio.gather(*(speak(number, one) for number, one in enumerate(speakers)))
    return lines


def seen(browser_state: Any, raw: bytes) -> Any:
    """The room after one more message."""
    match SERVER_MESSAGE.validate_json(raw):
        case SnapshotMessage() as told:
            return told.seq, told.state
        case EventMessage() as told:
            return told.seq, reduce(browser_state[1], told.event)
    return browser_state


async def slow_reader(folder: Path, figures: Figures, speakers: int, readers: int) -> None:
    """`readers` screens read nothing while `speakers` fill the room with the longest lines."""
    house = TestHouse(folder)
    await house.prepare()
    await house.show("show")
    await house.start()
    try:
        jar = aiohttp.DummyCookieJar()
        async with aiohttp.ClientSession(cookie_jar=jar) as session, AsyncExitStack() as stack:
            crowd = Crowd(house, session)
            seats = [await crowd.comes(name=f"P{number}") for number in range(speakers + readers)]
            sockets = [
                await stack.enter_async_context(
                    raw_socket(*pair, receive_bytes=None if n < speakers else 4 * KB)
                )
                for n, pair in enumerate(seats)
            ]
            talking, slow = sockets[:speakers], sockets[speakers:]
            before, began = memory(house.pid), time.monotonic()
            lines = await talk(talking, asyncio.Event(), "🎻" * 1000)
            passed = time.monotonic() - began
            held = (memory(house.pid) - before) / MB
            figures.at_most(
                "a line among the talk while others read nothing", passed / lines * 1000, 50, "ms"
            )
            # at most 2 MB and 128 kB in the system for each that does not read, and the room's own history
            figures.at_most(f"held for {readers} who read nothing", held, 3 * readers + 12, "MB")
            for one in slow:
                assert await one.ended(15) is None  # let go: what was sent before is all there is
            browser, seat = seats[-1]
            async with browser.socket(seat) as ws:
                await ws.send_json({"type": "hello", "id": 1, "after": 1})
                state: Any = (0, None)
                while True:
                    raw = (await ws.receive(timeout=15)).data
                    if json.loads(raw)["type"] == "ack":
                        break
                    state = seen(state, raw)
            other, place = seats[0]
            async with other.socket(place) as ws:
                await ws.send_json({"type": "hello", "id": 1})
                fresh = SERVER_MESSAGE.validate_json((await ws.receive(timeout=15)).data)
            assert isinstance(fresh, SnapshotMessage)
            assert state[1].lines == fresh.state.lines  # nothing is lost
            assert len(fresh.state.lines) == min(200, lines)
    finally:
        await house.stop()


async def test_who_reads_nothing_costs_nobody_anything(tmp_path: Path, figures: Figures) -> None:
    await slow_reader(tmp_path, figures, speakers=16, readers=4)


@pytest.mark.soak
async def test_a_hall_where_forty_read_nothing(tmp_path: Path, figures: Figures) -> None:
    await slow_reader(tmp_path, figures, speakers=60, readers=40)


async def test_floods_use_little_and_silence_delays_no_end(
    tmp_path: Path, figures: Figures
) -> None:
    house = TestHouse(tmp_path)
    await house.prepare()
    await house.show("show")
    await house.start()
    try:
        jar = aiohttp.DummyCookieJar()
        async with aiohttp.ClientSession(cookie_jar=jar) as session, AsyncExitStack() as stack:
            crowd = Crowd(house, session)
            pair, staff = await crowd.comes(), await crowd.comes(Role.HOST)
            one = await stack.enter_async_context(raw_socket(*pair))
            reading = asyncio.ensure_future(one.ended(60))
            used, began = work(house.pid), time.monotonic()
            hundred = [frame(TEXT, b'{"type":"applaud","id":1}')] * 100
            while time.monotonic() - began < 2:  # 1,000 a second
                await one.send(*hundred)
                await asyncio.sleep(0.1)
            share = (work(house.pid) - used) / (time.monotonic() - began) * 100
            figures.at_most("processor for 1,000 messages/s of one seat", share, 25, "%")
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            # opened, but never a hello; and one that reads nothing, not even the goodbye
            silent = await stack.enter_async_context(raw_socket(*staff, hello=False))
            await stack.enter_async_context(raw_socket(*staff, hello=False, receive_bytes=4 * KB))
            ending, asked = asyncio.ensure_future(house.stop(signal.SIGTERM)), time.monotonic()
            bye = await silent.until(lambda m: m["type"] == "bye")
            assert bye is not None and (bye["reason"], bye["back_ms"]) == ("restart", 500)
            assert await ending == 0
            figures.at_most("end with sockets that say nothing", time.monotonic() - asked, 4, "s")
    finally:
        await house.stop()
