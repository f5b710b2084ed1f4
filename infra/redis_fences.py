"""Which fence stands at a key of Redis: written with the house's seal, and believed with it alone."""

from __future__ import annotations

from infra.redis_link import RedisLink

_STAND = """
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[4] and tonumber(string.match(held, '^%d+') or '0') > tonumber(ARGV[1]) then
  return held
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return ''
"""
_END = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"
_ATTEMPTS = 3


def written(link: RedisLink, key: str, fence: int, who: str = "") -> str:
    """A fence and whose it is, as it stands at this key."""
    return f"{fence}:{link.seal.of(link.prefix + key, f'{fence} {who}')}:{who}"


def read(link: RedisLink, key: str, value: str) -> tuple[int, str] | None:
    """The fence and whose it is; None where the house has not written it there."""
    fence, _, rest = value.partition(":")
    seal, _, who = rest.partition(":")
    if not link.seal.holds(seal, link.prefix + key, f"{fence} {who}"):
        return None
    return int(fence), who


async def stand(link: RedisLink, key: str, fence: int, who: str = "", *, ttl_ms: int) -> int:
    """Write it where no higher one of the house stands; returns the highest. Raises `Away`.

    What stands there and is not the house's is written over.
    """
    value, false = written(link, key, fence, who), ""
    for _ in range(_ATTEMPTS):
        held = await link.run(_STAND, [key], [fence, value, ttl_ms, false])
        if not held:
            break
        found = read(link, key, held)
        if found is not None:
            return found[0]
        link.refuse(key)
        false = held
    return fence


async def end(link: RedisLink, key: str, fence: int, who: str = "") -> None:
    """Take away what this one wrote; no harm to a later one's. Raises `Away`."""
    await link.run(_END, [key], [written(link, key, fence, who)])
