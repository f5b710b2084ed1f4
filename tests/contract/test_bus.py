"""The bus between processes: each form keeps these rules."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from infra.bus_local import LocalBus
from infra.ports import Gap, Message
from tests.contract.conftest import Seams


async def test_each_subscriber_hears_what_is_published_on_its_topics(seams: Seams) -> None:
    both, one = await seams.listen("a", "b"), await seams.listen("c")
    await seams.near.bus.publish("b", "1")
    await seams.near.bus.publish("x", "2")
    await seams.near.bus.publish("a", "3 ä\n{}")
    await seams.near.bus.publish("c", "4")
    assert [await anext(both), await anext(both)] == [Message("b", "1"), Message("a", "3 ä\n{}")]
    assert await anext(one) == Message("c", "4")


async def test_within_a_process_a_subscription_begins_with_the_call(seams: Seams) -> None:
    heard = seams.near.bus.subscribe("a")
    await seams.near.bus.publish("a", "early")
    assert await anext(heard) == Message("a", "early")


async def test_from_the_call_on_a_subscriber_hears_it_or_is_told_of_a_gap(seams: Seams) -> None:
    heard = seams.far.bus.subscribe("a")
    await seams.near.bus.publish("a", "early")
    assert await asyncio.wait_for(anext(heard), 5) in (Message("a", "early"), Gap())


async def test_what_a_process_publishes_it_hears_once(seams: Seams) -> None:
    heard, marks = await seams.listen("a"), await seams.listen("mark")
    for number in range(3):
        await seams.far.bus.publish("a", str(number))
    await seams.near.bus.publish("mark", "")
    await anext(marks)
    assert [await anext(heard) for _ in range(3)] == [Message("a", str(n)) for n in range(3)]
    await seams.near.bus.publish("a", "last")
    assert await anext(heard) == Message("a", "last")


async def test_a_slow_listener_holds_nobody_up_and_is_told_of_its_gap(seams: Seams) -> None:
    slow, quick = await seams.listen("a"), seams.far.bus.subscribe("a")
    for number in range(6):
        await seams.near.bus.publish("a", str(number))
        assert await anext(quick) == Message("a", str(number))
    assert isinstance(await anext(slow), Gap)
    assert await anext(slow) == Message("a", "4")


async def test_publishing_where_nobody_listens_is_no_error(seams: Seams) -> None:
    await seams.near.bus.publish("nobody", "x")


async def test_a_waiting_listener_wakes(seams: Seams) -> None:
    heard = await seams.listen("a")
    waiting = asyncio.ensure_future(anext(heard))
    await asyncio.sleep(0)
    await seams.near.bus.publish("a", "x")
    assert await waiting == Message("a", "x")


async def test_a_listener_that_is_dropped_is_no_longer_heard_for(seams: Seams) -> None:
    heard, marks = await seams.listen("a"), await seams.listen("mark")
    del heard
    for _ in range(2):
        await seams.near.bus.publish("a", "x")
        await seams.near.bus.publish("mark", "")
        await anext(marks)
    again = await seams.listen("a")
    await seams.near.bus.publish("a", "y")
    assert await anext(again) == Message("a", "y")


async def test_the_local_bus_forgets_listeners_that_nobody_holds() -> None:
    bus = LocalBus()
    heard = bus.subscribe("a")
    del heard
    await bus.publish("a", "x")
    await bus.publish("a", "x")
    assert bus._topics == {}


async def test_a_closed_local_subscription_ends_its_iteration() -> None:
    heard = LocalBus().subscribe("a")
    reader = asyncio.ensure_future(_all(heard))
    await asyncio.sleep(0)
    await heard.aclose()  # type: ignore[attr-defined]  # the local form's own
    assert await reader == []


async def test_gaps_one_after_the_other_are_one() -> None:
    bus = LocalBus()
    heard = bus.subscribe("a")
    for _ in range(3):
        bus.tell("a", Gap())
    await bus.publish("a", "x")
    assert [await anext(heard), await anext(heard)] == [Gap(), Message("a", "x")]


async def _all(heard: AsyncIterator[Message | Gap]) -> list[Message | Gap]:
    return [one async for one in heard]
