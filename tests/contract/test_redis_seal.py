"""What the house did not say itself is not believed, whoever can speak in Redis or write its keys."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from redis.asyncio import Redis

from infra.bus_redis import RedisBus
from infra.clock import SystemClock
from infra.commands_redis import RedisCommands, _Call
from infra.errors import Unavailable
from infra.ports import Message
from infra.redis_link import RedisLink
from tests.contract.conftest import Seams, until

pytestmark = pytest.mark.parametrize("seams", ["redis"], indirect=True)

CALLS = "lampio:0:{room:r}:commands"


class Owner:
    """Serves the room and counts."""

    def __init__(self) -> None:
        self.ran: list[str] = []

    async def __call__(self, command: str, _key: str | None) -> str:
        self.ran.append(command)
        return "done"


@asynccontextmanager
async def _spy(url: str) -> AsyncIterator[tuple[Redis, list[tuple[str, str]]]]:
    """An attacker: speaks, and hears every channel."""
    caught: list[tuple[str, str]] = []
    async with Redis.from_url(url, decode_responses=True) as redis, redis.pubsub() as pubsub:
        await pubsub.psubscribe("lampio:0:*")

        async def hear() -> None:
            async for news in pubsub.listen():
                if news["type"] == "pmessage":
                    caught.append((news["channel"], news["data"]))

        task = asyncio.create_task(hear())
        try:
            yield redis, caught
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def _link(seams: Seams) -> RedisLink:
    assert seams.far.link is not None
    return seams.far.link


def _raw_call(**other: Any) -> str:
    call = {"id": "x", "to": "replies:nobody", "at_ms": 0, "until_ms": 9e15, "key": None}
    return json.dumps(call | {"command": "forged"} | other)


async def _ask(seams: Seams) -> str:
    return await seams.near.commands.call("r", "c", key=None, timeout_s=5)


async def _refused(seams: Seams, count: int) -> None:
    await until(lambda: _link(seams).refused >= count, 5)


async def test_what_is_forged_in_any_channel_does_nothing(
    seams: Seams, redis_server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    owner = Owner()
    topics = [f"room/r/{kind}" for kind in ("transient", "seat", "standing")]
    heard = [await seams.listen(topic) for topic in topics]
    seams.far.commands.serve("r", 1, owner)
    assert await _ask(seams) == "done"
    far = _link(seams)
    bodies: list[str | bytes] = [
        "",
        "x",
        "{}",
        f"{'0' * 64} evil 1 1 attacker {{}}",
        'attacker {"fence":99}',
        b"\xff",
    ]
    async with Redis.from_url(redis_server) as redis:
        for body in bodies:
            for topic in topics:
                await redis.publish(f"lampio:0:bus:{topic}", body)
            await redis.publish("lampio:0:gap", body)
            await redis.publish(f"lampio:0:replies:{far.instance}", body)
        for fence in ("0", "1", "999999999", f"9:{'0' * 64}:"):
            await redis.publish(CALLS, f"{fence} {_raw_call()}")
            await redis.publish(CALLS, f"{fence} {'0' * 64} {_raw_call()}")
    await _refused(seams, 5 * len(bodies) + 8)
    assert await _ask(seams) == "done"
    assert owner.ran == ["c", "c"]
    for topic, one in zip(topics, heard, strict=True):
        await seams.near.bus.publish(topic, "own")
        assert await anext(one) == Message(topic, "own"), "nothing else came before"
    assert far.reconnections == 0
    said = capsys.readouterr().err
    assert said.count("refused what is not our own in redis") <= 2, "each process says it once"


async def test_a_command_said_again_is_not_carried_out_again(
    seams: Seams, redis_server: str
) -> None:
    owner = Owner()
    end = seams.far.commands.serve("r", 1, owner)
    async with _spy(redis_server) as (redis, caught):
        assert await _ask(seams) == "done"
        await until(lambda: any(channel == CALLS for channel, _ in caught), 5)
        captured = [text for channel, text in caught if channel == CALLS]
        for text in captured:
            await redis.publish(CALLS, text)
        await _refused(seams, len(captured))
        end()
        seams.far.commands.serve("r", 2, owner)  # nor by the same process under a later fence
        assert await _ask(seams) == "done"
        before = _link(seams).refused
        for text in captured:
            await redis.publish(CALLS, text)
        await _refused(seams, before + len(captured))
    assert owner.ran == ["c", "c"]


async def test_what_an_owner_before_was_told_is_declined_by_the_next(
    seams: Seams, redis_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.commands_redis._SKEW_MS", 0)
    first, second = Owner(), Owner()
    end = seams.far.commands.serve("r", 1, first)
    async with _spy(redis_server) as (redis, caught):
        assert await _ask(seams) == "done"
        await until(lambda: any(channel == CALLS for channel, _ in caught), 5)
        captured = next(text for channel, text in caught if channel == CALLS)
        end()
        end_of_second = seams.near.commands.serve("r", 2, second)
        await until(lambda: _served(redis, 1), 5)
        caught.clear()
        await redis.publish(CALLS, captured)
        await until(lambda: any('"mine":false' in text for _, text in caught), 5)
        end_of_second()
    assert (first.ran, second.ran) == (["c"], [])


async def _served(redis: Redis, count: int) -> bool:
    return dict(await redis.pubsub_numsub(CALLS)) == {CALLS: count}


async def test_a_command_for_longer_than_is_remembered_is_not_carried_out(
    seams: Seams, redis_server: str
) -> None:
    owner, link = Owner(), _link(seams)
    seams.far.commands.serve("r", 1, owner)
    assert await _ask(seams) == "done"
    async with Redis.from_url(redis_server) as redis:
        body = _Call.model_validate_json(_raw_call(at_ms=link.shared_ms())).model_dump_json()
        await redis.publish(CALLS, f"0 {link.seal.of(CALLS, body)} {body}")
    await _refused(seams, 1)
    assert await _ask(seams) == "done"
    assert owner.ran == ["c", "c"]


async def test_a_hint_said_again_or_elsewhere_is_not_heard(seams: Seams, redis_server: str) -> None:
    heard, other = await seams.listen("a"), await seams.listen("b")
    async with _spy(redis_server) as (redis, caught):
        await seams.near.bus.publish("a", "1")
        assert await anext(heard) == Message("a", "1")
        await until(lambda: len(caught) == 1, 5)
        await redis.publish("lampio:0:bus:a", caught[0][1])
        await redis.publish("lampio:0:bus:b", caught[0][1])
        await _refused(seams, 2)
        for topic, one in (("a", heard), ("b", other)):
            await seams.near.bus.publish(topic, "2")
            assert await anext(one) == Message(topic, "2")


@pytest.mark.parametrize("mark", ["999999", f"9:{'0' * 64}:", "9 9", "x", ""])
async def test_a_forged_fence_ends_no_owner_and_gives_no_room_away(
    seams: Seams, redis_server: str, mark: str
) -> None:
    owner = Owner()
    lease = await seams.far.leases.acquire("r", "n1")
    seams.far.commands.serve("r", 1, owner)
    assert await _ask(seams) == "done"
    async with Redis.from_url(redis_server, decode_responses=True) as redis:
        await redis.set("lampio:0:{room:r}:fence", mark)
        await redis.set("lampio:0:{room:r}:lease", f"{mark} evil")
        assert await _ask(seams) == "done"
        assert seams.far.commands.fence("r") == 1
        assert str(await redis.get("lampio:0:{room:r}:fence")).startswith("1:"), "written over"
    assert await seams.far.leases.owner("r") == "n1"
    assert await seams.near.leases.owner("r") is None
    assert await seams.far.leases.acquire("r", "n1") == lease


async def test_who_declines_twice_counts_once(seams: Seams, redis_server: str) -> None:
    """A reply is for one asked id, and of one process."""
    go_on, begun = asyncio.Event(), asyncio.Event()

    ran: list[str] = []

    async def slow(command: str, _key: str | None) -> str:
        ran.append(command)
        begun.set()
        await go_on.wait()
        return "done"

    seams.far.commands.serve("r", 1, slow)
    near = seams.near.link
    assert near is not None
    async with _spy(redis_server) as (_, caught):
        asked = asyncio.ensure_future(_ask(seams))
        await asyncio.wait_for(begun.wait(), 5)
        call = json.loads(caught[0][1].split(" ", 2)[2])
        for name in (call["id"], call["id"], "other"):
            body = json.dumps({"id": name, "by": "one", "mine": False})
            _link(seams).publish(f"replies:{near.instance}", body)
        await until(lambda: len(caught) >= 4, 5)
        go_on.set()
        assert await asked == "done"
    assert ran == ["c"], "nobody believed that all had declined, and asked again"


async def test_two_houses_of_different_keys_do_not_hear_each_other(
    seams: Seams, redis_server: str
) -> None:
    owner = Owner()
    heard = await seams.listen("a")
    seams.far.commands.serve("r", 1, owner)
    stranger = RedisLink(redis_server, SystemClock(), (b"stranger" * 4,))
    await stranger.start()
    commands = RedisCommands(stranger)
    try:
        with pytest.raises(Unavailable, match=r"did not answer|line broke"):
            await commands.call("r", "c", key=None, timeout_s=0.3)
        await RedisBus(stranger).publish("a", "strange")
        await _refused(seams, 2)
    finally:
        await commands.close()
        await stranger.close()
    await seams.near.bus.publish("a", "own")
    assert await anext(heard) == Message("a", "own")
    assert owner.ran == []
