"""Which form of the seams a process uses: its own, or Redis where `REDIS_URL` names one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from infra.bus_local import LocalBus, LocalCommands, LocalLeases, LocalPresence
from infra.bus_redis import RedisBus, RedisLeases, RedisPresence
from infra.clock import Clock
from infra.commands_redis import RedisCommands
from infra.limits import LocalLimits
from infra.limits_redis import RedisLimits
from infra.ports import Bus, Leases, Limits, Presence
from infra.redis_link import RedisLink

Claim = Callable[[str, str], Awaitable[int | None]]


@dataclass(frozen=True)
class Carrier:
    """The seams of one process, in one form; read at a scrape: `up`, `reconnections`, `waiting`."""

    bus: Bus
    presence: Presence
    limits: Limits
    """Over all processes: for doors. What concerns one socket alone is counted by a `LocalLimits`."""
    commands: LocalCommands | RedisCommands
    leases: Leases
    link: RedisLink | None = None

    @property
    def up(self) -> bool | None:
        """Whether Redis answers; None where there is none to answer."""
        return None if self.link is None else self.link.up

    @property
    def reconnections(self) -> int:
        """How often the line to Redis was made anew."""
        return 0 if self.link is None else self.link.reconnections

    @property
    def refused(self) -> int:
        """How much came through Redis that the house did not send."""
        return 0 if self.link is None else self.link.refused

    @property
    def waiting(self) -> int:
        """Commands under way: carried out here, or waited for from elsewhere."""
        return self.commands.waiting


@asynccontextmanager
async def carrying(
    url: str, clock: Clock, claim: Claim, keys: Sequence[bytes]
) -> AsyncIterator[Carrier]:
    """The seams, started, until the block ends. An empty `url` means within this process.

    `keys` are the house's secret ones: what goes through Redis is sealed with the first.

    `claim(room, node)` takes a room in the database; see `infra.bus_local.LocalLeases`.
    """
    async with AsyncExitStack() as stack:
        own = LocalLimits(clock)
        if not url:
            commands = LocalCommands()
            stack.push_async_callback(commands.close)
            yield Carrier(LocalBus(), LocalPresence(clock), own, commands, LocalLeases(claim))
            return
        link = RedisLink(url, clock, keys)
        stack.push_async_callback(link.close)
        presence = RedisPresence(link, clock)
        stack.push_async_callback(presence.close)
        leases = RedisLeases(link, claim)
        stack.push_async_callback(leases.close)
        sent = RedisCommands(link)
        stack.push_async_callback(sent.close)
        await link.start()
        await leases.start()
        await sent.start()
        yield Carrier(RedisBus(link), presence, RedisLimits(link, own), sent, leases, link)
