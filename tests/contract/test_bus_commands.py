"""Commands to a room's owner: each form keeps these rules, wherever the owner runs."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from redis.asyncio import Redis

from infra.bus_local import Fenced, LocalCommands
from infra.commands_redis import LONGEST, RedisCommands
from infra.errors import Conflict, LampioError, TooLarge, TooMany, Unavailable
from infra.redis_fences import written
from tests.contract.conftest import Seams, stored, until


async def _echo(command: str, key: str | None) -> str:
    return f"{command} {key}"


async def _later(_command: str, _key: str | None) -> str:
    return "later"


async def _answer(seams: Seams, timeout_s: float = 5) -> str:
    return await seams.near.commands.call("r", "c", key=None, timeout_s=timeout_s)


async def _refusal(seams: Seams, timeout_s: float = 5) -> LampioError:
    with pytest.raises(LampioError) as refused:
        await _answer(seams, timeout_s)
    return refused.value


async def test_a_command_reaches_its_owner_with_its_key(seams: Seams) -> None:
    seams.far.commands.serve("r", 1, _echo)
    for key in ("k", None, "ä b\n"):
        assert await seams.near.commands.call("r", "c", key=key, timeout_s=5) == f"c {key}"


async def test_a_room_that_nobody_serves_has_no_owner(seams: Seams) -> None:
    end = seams.far.commands.serve("r", 1, _echo)
    assert await _answer(seams) == "c None"
    end()
    end()
    refused = await _refusal(seams)
    assert (type(refused), refused.code) == (Unavailable, "no_owner")


async def test_a_later_owner_takes_over_and_an_earlier_one_is_fenced(seams: Seams) -> None:
    end_of_first = seams.far.commands.serve("r", 1, _echo)
    seams.far.commands.serve("r", 2, _later)
    end_of_first()
    assert await _answer(seams) == "later"
    with pytest.raises(Fenced):
        seams.far.commands.serve("r", 1, _echo)


async def test_of_two_owners_the_later_serves_though_the_earlier_came_after(seams: Seams) -> None:
    ran: list[int] = []

    async def first(_command: str, _key: str | None) -> str:
        ran.append(1)
        return "first"

    seams.far.commands.serve("r", 2, _later)
    assert await _answer(seams) == "later"
    if seams.near is seams.far:
        with pytest.raises(Fenced):
            seams.near.commands.serve("r", 1, first)
    else:
        seams.near.commands.serve("r", 1, first)
        await until(lambda: seams.near.commands.fence("r") is None, 5)
    assert await _answer(seams) == "later"
    assert ran == []


async def test_who_stops_waiting_does_not_stop_the_work(seams: Seams) -> None:
    go_on, done = asyncio.Event(), asyncio.Event()

    async def slow(_command: str, _key: str | None) -> str:
        await go_on.wait()
        done.set()
        return "late"

    seams.far.commands.serve("r", 1, slow)
    assert (await _refusal(seams, 0.3)).code == "outcome_unknown"
    go_on.set()
    await asyncio.wait_for(done.wait(), 5)
    await until(lambda: seams.near.commands.waiting == 0, 5)


async def test_what_the_owner_refuses_reaches_the_caller(seams: Seams) -> None:
    async def refuse(_command: str, _key: str | None) -> str:
        raise Conflict("wrong_phase", sentence="err_link", retry_after_s=7)

    seams.far.commands.serve("r", 1, refuse)
    refused = await _refusal(seams)
    assert isinstance(refused, Conflict)
    assert (refused.code, refused.status) == ("wrong_phase", 409)
    assert (refused.sentence, refused.retry_after_s) == ("err_link", 7)


async def test_a_failing_owner_leaves_the_outcome_unknown(seams: Seams) -> None:
    async def fail(_command: str, _key: str | None) -> str:
        raise ZeroDivisionError

    seams.far.commands.serve("r", 1, fail)
    assert (await _refusal(seams)).code == "outcome_unknown"


async def test_an_owner_that_closes_answers_those_who_wait(seams: Seams) -> None:
    asked = asyncio.Event()

    async def never(_command: str, _key: str | None) -> str:
        asked.set()
        await asyncio.Event().wait()
        return ""

    seams.far.commands.serve("r", 1, never)
    waiting = asyncio.ensure_future(_refusal(seams, 2))
    await asyncio.wait_for(asked.wait(), 5)
    assert seams.near.commands.waiting == 1
    await seams.far.commands.close()
    assert (await waiting).code == "outcome_unknown"


async def test_many_commands_at_once_get_each_their_own_answer(seams: Seams) -> None:
    seams.far.commands.serve("r", 1, _echo)
    calls = [seams.near.commands.call("r", str(n), key=f"k{n}", timeout_s=10) for n in range(100)]
    assert await asyncio.gather(*calls) == [f"{n} k{n}" for n in range(100)]


async def test_a_closed_one_serves_and_asks_no_more() -> None:
    commands = LocalCommands()
    commands.serve("r", 1, _echo)
    await commands.close()
    with pytest.raises(Unavailable):
        await commands.call("r", "c", key=None, timeout_s=1)


# --- over Redis alone ------------------------------------------------------------------------


@pytest.mark.parametrize("seams", ["redis"], indirect=True)
async def test_the_own_process_is_asked_without_redis(seams: Seams) -> None:
    seams.near.commands.serve("r", 1, _echo)
    assert seams.near.link is not None
    await seams.near.link.close()
    assert await _answer(seams) == "c None"
    with pytest.raises(Unavailable) as refused:
        await seams.near.commands.call("other", "c", key=None, timeout_s=5)
    assert refused.value.code == "no_owner"


@pytest.mark.parametrize("seams", ["redis"], indirect=True)
async def test_nothing_of_what_was_said_stays_and_every_key_ends(
    seams: Seams, redis_server: str
) -> None:
    said = "Tunnistettava lause, 040 1234567"
    heard = await seams.listen("room/r/transient")
    seams.far.commands.serve("r", 1, _echo)
    await seams.near.commands.call("r", said, key="k", timeout_s=5)
    await seams.near.bus.publish("room/r/transient", said)
    await anext(heard)
    await seams.near.presence.beat("r", "seat", "node", 15)
    await seams.near.limits.hit("wrong secret", "192.0.2.7", amount=3, per_s=30)
    assert await seams.near.leases.acquire("r", "node") is not None
    async with Redis.from_url(redis_server, decode_responses=True) as redis:
        found = await stored(redis)
    kinds = sorted(key.rpartition(":")[2] for key in found if "room:r" in key)
    assert kinds == ["fence", "lease", "presence"]
    assert len(found) == 3 + 2 + 1  # each process's own sign of life, and what was counted
    for key, (content, ms) in found.items():
        assert 0 < ms <= 60_000, key
        assert not any(word in key + content for word in ("lause", "040", "192.0.2.7")), key


@pytest.mark.parametrize("seams", ["redis"], indirect=True)
async def test_what_is_too_large_travels_neither_way(seams: Seams) -> None:
    async def talk(_command: str, _key: str | None) -> str:
        return "x" * (LONGEST + 1)

    seams.far.commands.serve("r", 1, talk)
    assert isinstance(await _refusal(seams), TooLarge)
    with pytest.raises(TooLarge):
        await seams.near.commands.call("r", "x" * (LONGEST + 1), key=None, timeout_s=5)


@pytest.mark.parametrize("seams", ["redis"], indirect=True)
async def test_an_owner_with_too_much_to_do_says_so(
    seams: Seams, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.commands_redis.WAITING", 2)
    go_on = asyncio.Event()

    async def slow(_command: str, _key: str | None) -> str:
        await go_on.wait()
        return "done"

    seams.far.commands.serve("r", 1, slow)
    first = [asyncio.ensure_future(_answer(seams)) for _ in range(2)]
    await until(lambda: seams.far.commands.waiting == 2, 5)
    assert isinstance(await _refusal(seams), TooMany)
    go_on.set()
    assert await asyncio.gather(*first) == ["done", "done"]


@pytest.mark.parametrize("seams", ["redis"], indirect=True)
async def test_a_command_that_comes_too_late_is_not_carried_out(seams: Seams) -> None:
    ran: list[str] = []

    async def note(command: str, _key: str | None) -> str:
        ran.append(command)
        return ""

    link = seams.far.link
    assert link is not None
    seams.far.commands.serve("r", 1, note)
    assert await _answer(seams) == ""
    link._offset_ms += 60_000  # as if it had been on its way for a minute
    assert (await _refusal(seams, 0.3)).code == "outcome_unknown"
    assert ran == ["c"]


@pytest.mark.parametrize("seams", ["redis"], indirect=True)
async def test_what_nobody_of_ours_sent_is_left_alone(seams: Seams, redis_server: str) -> None:
    seams.far.commands.serve("r", 1, _echo)
    assert await _answer(seams) == "c None"
    assert seams.near.link is not None
    async with Redis.from_url(redis_server) as redis:
        for text in ("", "x", "1 {}", "x {}", "1 " + "[" * 100_000, "1 \x00"):
            await redis.publish("lampio:0:{room:r}:commands", text)
            await redis.publish(f"lampio:0:replies:{seams.near.link.instance}", text)
            await redis.publish("lampio:0:bus:a", text)
            await redis.publish("lampio:0:gap", text)
    assert await _answer(seams) == "c None"
    assert seams.near.link.reconnections == 0


@pytest.mark.parametrize("seams", ["redis"], indirect=True)
async def test_a_fence_of_a_database_before_this_one_does_not_outlive_its_time(
    seams: Seams, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = seams.far.link
    assert link is not None
    monkeypatch.setattr("infra.commands_redis._RENEW_S", 0.05)
    far = RedisCommands(link)
    await far.start()
    key = "{room:old}:fence"
    script = "return redis.call('SET', KEYS[1], ARGV[1], 'PX', 400)"
    await link.run(script, [key], [written(link, key, 99)])
    end = far.serve("old", 1, _echo)
    try:
        with pytest.raises(Unavailable):
            await seams.near.commands.call("old", "c", key=None, timeout_s=1)

        async def answered() -> bool:
            with suppress(Unavailable):
                return await seams.near.commands.call("old", "c", key=None, timeout_s=1) == "c None"
            return False

        await until(answered, within_s=5)
    finally:
        end()
        await far.close()
