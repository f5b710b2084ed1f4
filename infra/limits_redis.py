"""How often something may come, counted over all processes: the window of `limits.py` in Redis."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b

from infra.limits import LocalLimits
from infra.redis_link import Away, RedisLink

# The moments stand in a list, oldest first, at most as many as are allowed. Where Redis' clock was set
# back they are moved back with it: time stands still for nobody and no window opens.
_HIT = """
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + time[2] / 1000
end
local amount, window = tonumber(ARGV[2]), tonumber(ARGV[3])
local last = tonumber(redis.call('LINDEX', KEYS[1], -1) or now)
if last > now then
  for i, moment in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
    redis.call('LSET', KEYS[1], i - 1, string.format('%.3f', moment - (last - now)))
  end
end
while true do
  local first = redis.call('LINDEX', KEYS[1], 0)
  if not first or tonumber(first) > now - window then break end
  redis.call('LPOP', KEYS[1])
end
local allowed = redis.call('LLEN', KEYS[1]) < amount
if allowed then redis.call('RPUSH', KEYS[1], string.format('%.3f', now)) end
redis.call('PEXPIRE', KEYS[1], math.ceil(window) + 10000)
return allowed and 1 or 0
"""


class RedisLimits:
    """`infra.ports.Limits` over all processes.

    Each process counts beside Redis what it let through, and that count holds alone while Redis is
    away or has forgotten: never more than each process would let through by itself.
    """

    def __init__(
        self, link: RedisLink, own: LocalLimits, moment_ms: Callable[[], float] | None = None
    ) -> None:
        """`moment_ms`: a clock that all processes share, in place of Redis' own."""
        self._link = link
        self._own = own
        self._moment_ms = moment_ms

    async def hit(self, what: str, who: str, *, amount: int, per_s: float) -> bool:
        """Count one; False (and nothing counted) if `amount` came within the last `per_s` seconds."""
        if self._own.full(what, who, amount=amount, per_s=per_s):
            return False
        moment = "" if self._moment_ms is None else self._moment_ms()
        try:
            allowed = await self._link.run(
                _HIT, [_key(what, who)], [moment, amount, round(per_s * 1000)]
            )
        except Away:
            allowed = True
        return bool(allowed) and await self._own.hit(what, who, amount=amount, per_s=per_s)


def _key(what: str, who: str) -> str:
    """Who asks may be an address: it is not written as it is."""
    return f"limit:{blake2b(f'{what} {who}'.encode(), digest_size=16).hexdigest()}"
