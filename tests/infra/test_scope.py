"""Tasks have an owner; one failure is told and not spread; close leaves none behind."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from infra.scope import TaskScope


async def test_close_cancels_and_awaits() -> None:
    scope = TaskScope("room")
    ended = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append(True)

    scope.spawn(work(), name="a")
    scope.spawn(work(), name="b")
    await asyncio.sleep(0)
    await scope.close()
    await scope.close()
    assert ended == [True, True]
    assert len(scope) == 0


async def test_a_failure_is_told_and_the_others_go_on() -> None:
    scope = TaskScope("room")
    go_on = asyncio.Event()

    async def fail() -> None:
        raise ValueError("x")

    async def work() -> str:
        await go_on.wait()
        return "done"

    with capture_logs() as lines:
        failed = scope.spawn(fail(), name="fails")
        other = scope.spawn(work(), name="works")
        await asyncio.wait([failed])
        go_on.set()
        assert await other == "done"
        await scope.close()
    assert [(line["event"], line["task"]) for line in lines] == [("task failed", "room:fails")]


async def test_nothing_is_started_after_close() -> None:
    scope = TaskScope("room")
    await scope.close()

    async def work() -> None: ...

    with pytest.raises(RuntimeError):
        scope.spawn(work(), name="late")


async def test_a_task_may_close_its_own_scope() -> None:
    scope = TaskScope("room")

    async def last() -> str:
        await scope.close()
        return "closed"

    assert await scope.spawn(last(), name="last") == "closed"


async def test_a_task_that_swallows_its_cancellation_is_cancelled_again() -> None:
    scope = TaskScope("room")

    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            pass
        await asyncio.sleep(0)

    scope.spawn(stubborn(), name="stubborn")
    await asyncio.sleep(0)
    await scope.close()
    assert len(scope) == 0
