"""The seams between processes: each form keeps these rules. The in-process form is the first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from infra.bus_local import Fenced, LocalBus, LocalCommands, LocalLeases, LocalPresence
from infra.clock import ManualClock
from infra.errors import Conflict, Unavailable
from infra.ports import Bus, Commands, Gap, Leases, Message, Presence

# --- bus -------------------------------------------------------------------------------------


@pytest.fixture(params=["local"])
def bus() -> Bus:
    return LocalBus(queue_limit=4)


async def test_each_subscriber_hears_what_is_published_on_its_topics(bus: Bus) -> None:
    both, one = bus.subscribe("a", "b"), bus.subscribe("a")
    await bus.publish("b", "1")
    await bus.publish("a", "2")
    assert [await anext(both), await anext(both)] == [Message("b", "1"), Message("a", "2")]
    assert await anext(one) == Message("a", "2")


async def test_a_subscription_begins_with_the_call_not_with_the_first_step(bus: Bus) -> None:
    heard = bus.subscribe("a")
    await bus.publish("a", "early")
    assert await anext(heard) == Message("a", "early")


async def test_a_slow_listener_holds_nobody_up_and_is_told_of_its_gap(bus: Bus) -> None:
    slow, quick = bus.subscribe("a"), bus.subscribe("a")
    for number in range(6):
        await bus.publish("a", str(number))
        assert await anext(quick) == Message("a", str(number))
    assert isinstance(await anext(slow), Gap)
    assert await anext(slow) == Message("a", "4")


async def test_publishing_where_nobody_listens_is_no_error(bus: Bus) -> None:
    await bus.publish("nobody", "x")


async def test_a_waiting_listener_wakes(bus: Bus) -> None:
    heard = bus.subscribe("a")
    waiting = asyncio.ensure_future(anext(heard))
    await asyncio.sleep(0)
    await bus.publish("a", "x")
    assert await waiting == Message("a", "x")


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


async def _all(heard: AsyncIterator[Message | Gap]) -> list[Message | Gap]:
    return [one async for one in heard]


# --- commands --------------------------------------------------------------------------------


@pytest.fixture(params=["local"])
async def commands() -> AsyncIterator[Commands]:
    opened = LocalCommands()
    yield opened
    await opened.close()
    await opened.close()


async def _echo(command: str, key: str | None) -> str:
    return f"{command} {key}"


async def test_a_command_reaches_its_owner_with_its_key(commands: Commands) -> None:
    commands.serve("r", 1, _echo)
    assert await commands.call("r", "c", key="k", timeout_s=1) == "c k"


async def test_a_room_that_nobody_serves_has_no_owner(commands: Commands) -> None:
    end = commands.serve("r", 1, _echo)
    end()
    end()
    with pytest.raises(Unavailable) as refused:
        await commands.call("r", "c", key=None, timeout_s=1)
    assert refused.value.code == "no_owner"


async def test_a_later_owner_takes_over_and_an_earlier_one_is_fenced(commands: Commands) -> None:
    async def later(_command: str, _key: str | None) -> str:
        return "later"

    end_of_first = commands.serve("r", 1, _echo)
    commands.serve("r", 2, later)
    end_of_first()
    assert await commands.call("r", "c", key=None, timeout_s=1) == "later"
    with pytest.raises(Fenced):
        commands.serve("r", 1, _echo)


async def test_who_stops_waiting_does_not_stop_the_work(commands: Commands) -> None:
    go_on, done = asyncio.Event(), asyncio.Event()

    async def slow(_command: str, _key: str | None) -> str:
        await go_on.wait()
        done.set()
        return "late"

    commands.serve("r", 1, slow)
    with pytest.raises(Unavailable) as refused:
        await commands.call("r", "c", key="k", timeout_s=0.01)
    assert refused.value.code == "outcome_unknown"
    go_on.set()
    await asyncio.wait_for(done.wait(), 1)


async def test_what_the_owner_refuses_reaches_the_caller(commands: Commands) -> None:
    async def refuse(_command: str, _key: str | None) -> str:
        raise Conflict("wrong_phase")

    commands.serve("r", 1, refuse)
    with pytest.raises(Conflict) as refused:
        await commands.call("r", "c", key=None, timeout_s=1)
    assert refused.value.code == "wrong_phase"


async def test_a_failing_owner_leaves_the_outcome_unknown(commands: Commands) -> None:
    async def fail(_command: str, _key: str | None) -> str:
        raise ZeroDivisionError

    commands.serve("r", 1, fail)
    with pytest.raises(Unavailable) as refused:
        await commands.call("r", "c", key=None, timeout_s=1)
    assert refused.value.code == "outcome_unknown"


async def test_closing_answers_those_who_wait() -> None:
    commands = LocalCommands()

    async def never(_command: str, _key: str | None) -> str:
        await asyncio.Event().wait()
        return ""

    commands.serve("r", 1, never)
    waiting = asyncio.ensure_future(commands.call("r", "c", key=None, timeout_s=60))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await commands.close()
    with pytest.raises(Unavailable):
        await waiting


# --- leases ----------------------------------------------------------------------------------


@pytest.fixture(params=["local"])
def leases() -> Leases:
    fences = iter(range(1, 100))

    async def claim(room: str, _node: str) -> int | None:
        await asyncio.sleep(0)
        return None if room == "elsewhere" else next(fences)

    return LocalLeases(claim)


async def test_one_node_owns_a_room(leases: Leases) -> None:
    first = await leases.acquire("r", "n1")
    assert first is not None
    assert await leases.acquire("r", "n2") is None
    assert await leases.acquire("r", "n1") == first
    assert await leases.owner("r") == "n1"


async def test_of_many_who_ask_at_once_one_gets_it(leases: Leases) -> None:
    answers = await asyncio.gather(*(leases.acquire("r", f"n{number}") for number in range(5)))
    assert sum(answer is not None for answer in answers) == 1


async def test_a_fence_only_grows_and_an_old_lease_frees_nothing(leases: Leases) -> None:
    first = await leases.acquire("r", "n1")
    assert first is not None
    await leases.release(first)
    await leases.release(first)
    second = await leases.acquire("r", "n2")
    assert second is not None
    assert second.fence > first.fence
    await leases.release(first)
    assert await leases.owner("r") == "n2"


async def test_a_room_held_by_another_process_is_not_given(leases: Leases) -> None:
    assert await leases.acquire("elsewhere", "n1") is None
    assert await leases.owner("elsewhere") is None


# --- presence --------------------------------------------------------------------------------


@pytest.fixture(params=["local"])
def presence(clock: ManualClock) -> Presence:
    return LocalPresence(clock)


async def test_a_seat_is_present_as_long_as_it_beats(
    presence: Presence, clock: ManualClock
) -> None:
    await presence.beat("r", "s1", "n1", 10)
    clock.advance(5_000)
    await presence.beat("r", "s2", "n1", 10)
    clock.advance(5_000)
    assert await presence.present("r") == {"s2"}
    clock.advance(5_000)
    assert await presence.present("r") == frozenset()
    assert await presence.present("other") == frozenset()


async def test_leaving_one_node_is_not_leaving_the_room(presence: Presence) -> None:
    await presence.beat("r", "s", "n1", 10)
    await presence.beat("r", "s", "n2", 10)
    await presence.leave("r", "s", "n1")
    await presence.leave("r", "s", "n1")
    assert await presence.present("r") == {"s"}
    await presence.leave("r", "s", "n2")
    assert await presence.present("r") == frozenset()
