"""A task that is told to end while a statement runs ends, whatever the statement or the block comes to."""

from __future__ import annotations

import asyncio

import pytest

from infra.sqlite import _whole, uncut


class Refused(Exception):
    """What a statement or the block itself may raise."""


@pytest.mark.parametrize("where", ["in the statement", "after it"])
async def test_a_cancellation_during_a_statement_is_heard_though_an_error_follows(
    where: str,
) -> None:
    asked, answered = asyncio.Event(), asyncio.Event()

    async def statement() -> None:
        asked.set()
        await answered.wait()
        if where == "in the statement":
            raise Refused

    async def work() -> None:
        async with uncut():
            await _whole(statement())
            raise Refused

    task = asyncio.create_task(work())
    await asked.wait()
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done(), "a statement is never left in the middle"
    answered.set()
    await asyncio.wait({task})
    assert task.cancelled()


async def test_an_error_that_nobody_cancelled_stays_what_it_is() -> None:
    with pytest.raises(Refused):
        async with uncut():
            raise Refused
