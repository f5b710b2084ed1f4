"""Which form of the seams a process uses, and what its figures say of it."""

from __future__ import annotations

from infra.bus_local import LocalBus, LocalCommands, LocalLeases, LocalPresence
from infra.bus_redis import RedisBus, RedisLeases, RedisPresence
from infra.carrier import carrying
from infra.clock import SystemClock
from infra.commands_redis import RedisCommands
from infra.limits import LocalLimits
from infra.limits_redis import RedisLimits


async def _claim(_room: str, _node: str) -> int | None:
    return 1


async def _echo(command: str, _key: str | None) -> str:
    return command


async def test_without_a_url_all_stays_within_the_process() -> None:
    async with carrying("", SystemClock(), _claim, (b"k" * 32,)) as carrier:
        parts = (carrier.bus, carrier.presence, carrier.limits, carrier.commands, carrier.leases)
        kinds = (LocalBus, LocalPresence, LocalLimits, LocalCommands, LocalLeases)
        assert tuple(map(type, parts)) == kinds
        assert (carrier.up, carrier.reconnections, carrier.waiting) == (None, 0, 0)
        carrier.commands.serve("r", 1, _echo)
        assert await carrier.commands.call("r", "c", key=None, timeout_s=1) == "c"


async def test_with_a_url_all_of_them_go_over_redis(redis_server: str) -> None:
    async with carrying(redis_server, SystemClock(), _claim, (b"k" * 32,)) as carrier:
        parts = (carrier.bus, carrier.presence, carrier.limits, carrier.commands, carrier.leases)
        kinds = (RedisBus, RedisPresence, RedisLimits, RedisCommands, RedisLeases)
        assert tuple(map(type, parts)) == kinds
        assert (carrier.up, carrier.reconnections, carrier.waiting) == (True, 0, 0)
    assert carrier.up is False
