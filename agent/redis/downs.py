"""A model that is down, for all processes: one of them found it out, and one at a time looks whether it is back.

The invariant: the clock is Redis'. What nobody has asked for a while is forgotten, and asked as if it had always been well.
"""

from collections.abc import Sequence
from functools import partial
from typing import Final, NamedTuple

from agent.redis.client import RedisClient, Script
from agent.redis.errors import RedisAwayError
from agent.redis.reads import Reads

KEPT_S: Final = 600
"""How long it is known of something that it was down, after the last word of it."""

_CHOOSE = Script(
    """
-- KEYS: what all keys begin with. ARGV: for how many ms a look keeps others away, for how many s it is kept, then the keys' ends.
local time = redis.call('TIME')
local now, chosen, looks, others = time[1] * 1000 + math.floor(time[2] / 1000), 0, 0, 0
for i = 3, #ARGV do
  local key = KEYS[1] .. ARGV[i]
  local at = redis.call('GET', key)
  if not at or now >= tonumber(at) then
    if chosen > 0 then others = 1
    else
      chosen = i - 2
      if at then
        looks = 1
        redis.call('SET', key, now + ARGV[1], 'EX', ARGV[2])
      end
    end
  end
end
return {chosen, looks, others}
"""
)
_LEAVE = Script(
    """
-- KEYS: what all keys begin with. ARGV: a key's end, for how many ms it is left alone, for how many s that is kept.
local time = redis.call('TIME')
redis.call('SET', KEYS[1] .. ARGV[1], time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2], 'EX', ARGV[3])
return 1
"""
)


class Chosen(NamedTuple):
    """The first of several that may be asked. `has_others`: one behind it may be, too."""

    number: int
    looks: bool
    """Whether it is down, and this is the request that looks whether it is back."""
    has_others: bool


class Downs:
    """The models that are down, on one Redis. Names are short and say nothing: they are in keys."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client
        self._begin = f"{client.prefix}:{{places}}:down:"
        self._choose = Reads(partial(client.scripts, _CHOOSE))
        self._leave = Reads(partial(client.scripts, _LEAVE))

    async def choose(self, names: Sequence[str], *, look_s: float) -> Chosen | None:
        """Return the first that may be asked; None where all are down. A look keeps others away for `look_s`, or until its end is told.

        Raises:
            RedisAwayError: nobody knows.
        """
        if not self._client.is_well:
            raise RedisAwayError("it was away a moment ago, and others look whether it is back")
        [reply] = await self._choose.calls((self._begin, round(look_s * 1000), KEPT_S, *names))
        if not isinstance(reply, list):
            raise RedisAwayError("it does not understand")
        number, looks, others = map(int, reply)
        return Chosen(number - 1, bool(looks), bool(others)) if number else None

    async def leave(self, name: str, *, alone_s: float) -> None:
        """Note that a model is down, and that nobody looks whether it is back for so long; with 0 the next who asks may.

        Raises:
            RedisAwayError: nobody knows whether that was heard.
        """
        await self._leave.calls((self._begin, name, round(alone_s * 1000), KEPT_S))

    async def recover(self, name: str) -> None:
        """Note that a model is up again.

        Raises:
            RedisAwayError: nobody knows whether that was heard.
        """
        await self._client.call("DEL", self._begin + name)
