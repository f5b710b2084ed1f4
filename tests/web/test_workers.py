"""A room's steps: what the room decides goes before what the relay tells, and is never dropped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from web import workers as module
from web.workers import Latest, Step, Workers

ROOM = "room"


@pytest.fixture
async def workers() -> AsyncIterator[Workers]:
    made = Workers()
    yield made
    await made.close()


def noting(done: list[str], word: str) -> Step:
    async def step() -> None:
        done.append(word)

    return step


async def test_what_the_room_decides_waits_for_nothing_of_the_relay_and_is_never_dropped(
    workers: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 3)
    done: list[str] = []
    for number in range(3):
        await workers.in_turn(ROOM, noting(done, f"relay {number}"))
    fourth = asyncio.create_task(workers.in_turn(ROOM, noting(done, "relay 3")))
    for number in range(10):
        workers.later(ROOM, noting(done, f"phase {number}"))
    assert not done
    await fourth
    await workers.settled(ROOM)
    assert done == [f"phase {n}" for n in range(10)] + [f"relay {n}" for n in range(4)]


async def test_a_worker_that_is_let_go_ends_though_a_driver_swallows_it(workers: Workers) -> None:
    done: list[str] = []
    began, let_go = asyncio.Event(), asyncio.Event()

    async def swallowing() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            let_go.set()

    workers.later(ROOM, swallowing)
    workers.later(ROOM, noting(done, "dropped"))
    await began.wait()
    settled = asyncio.create_task(workers.settled(ROOM))
    await asyncio.sleep(0)
    workers.let_go(ROOM)
    workers.later(ROOM, noting(done, "fresh"))
    async with asyncio.timeout(5):
        await let_go.wait()
        await workers.settled(ROOM)
        await settled
        while len(workers.tasks) > 1:
            await asyncio.sleep(0)
    assert done == ["fresh"]


async def test_only_the_newest_task_is_known_and_none_that_has_ended() -> None:
    latest = Latest()
    first, second = (asyncio.create_task(asyncio.sleep(0)) for _ in range(2))
    latest.note(ROOM, first)
    latest.note(ROOM, second)
    assert latest.get(ROOM) is second
    await asyncio.wait({first, second})
    await asyncio.sleep(0)
    assert latest.get(ROOM) is None
