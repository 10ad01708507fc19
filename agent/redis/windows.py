"""How often something was done lately, by anybody in any process: a list of times for each limit, in Redis, by its clock.

The invariant: what counts for several limits counts for all of them or, where one is used up, for none. No key holds a name, and
Redis removes each as soon as it counts for nothing.
"""

from collections.abc import Sequence
from functools import partial
from hashlib import blake2b
from typing import NamedTuple

from agent.redis.client import RedisClient, Script
from agent.redis.errors import RedisAwayError
from agent.redis.reads import Reads

_HIT = Script(
    """
-- KEYS: what all keys begin with. ARGV: of each limit its key's end, how often, and within how many ms.
local time, is_refused = redis.call('TIME'), false
local now, answer = time[1] * 1000 + math.floor(time[2] / 1000), {}
for i = 1, #ARGV, 3 do
  local key, most, window = KEYS[1] .. ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  local oldest = tonumber(redis.call('LINDEX', key, -1))
  while oldest and oldest <= now - window do
    redis.call('RPOP', key)
    oldest = tonumber(redis.call('LINDEX', key, -1))
  end
  local left = most - redis.call('LLEN', key)
  if left <= 0 then is_refused = true end
  answer[#answer + 1] = left
  answer[#answer + 1] = (oldest or now) + window - now
end
if not is_refused then
  for i = 1, #ARGV, 3 do
    redis.call('LPUSH', KEYS[1] .. ARGV[i], now)
    redis.call('PEXPIRE', KEYS[1] .. ARGV[i], ARGV[i + 2])
  end
end
return answer
"""
)


class Limit(NamedTuple):
    """So often within so long, for somebody. Equal keys are counted together."""

    key: str
    most: int
    window_s: float


class Left(NamedTuple):
    """How often a limit still allowed it, before it was counted; and when one that was counted counts no more."""

    left: int
    reset_s: float


class Windows:
    """The limits that are counted on one Redis."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client
        self._begin = f"{client.prefix}:{{places}}:rate:"
        self._reads = Reads(partial(client.scripts, _HIT))

    async def hit(self, limits: Sequence[Limit]) -> list[Left]:
        """Count for all limits if each has something left; return what was left of each before.

        Raises:
            RedisAwayError: nobody knows whether it was counted.
        """
        if not self._client.is_well:
            raise RedisAwayError("it was away a moment ago, and others look whether it is back")
        call: list[str | int] = [self._begin]
        for key, most, window_s in limits:
            call += (digest(key), most, round(window_s * 1000))
        [reply] = await self._reads.calls(call)
        if not isinstance(reply, list):
            raise RedisAwayError("it does not understand")
        return [Left(max(0, left), ms / 1000) for left, ms in zip(reply[::2], reply[1::2], strict=True)]


def digest(text: str) -> str:
    """Return what stands for a name in a key: of one length, without a sign that means something, and without the name."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
