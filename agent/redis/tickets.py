"""Tickets, known to all processes: each opens something once, sealed, by the user whose it is, and is gone when it opens nothing.

The invariant: of all who use one at the same time, wherever, one is the first. What is sealed is opened with what stands in no key.
"""

from collections.abc import Collection
from typing import Any, NamedTuple

from agent.redis.client import RedisClient, Script
from agent.redis.errors import RedisAwayError

_COMMON = """
-- KEYS: the tickets of a user: of each its use ('n' none, 'u' used), until when it is fresh, until when it can be good, its run or
-- '-', and what it is for. What is sealed has a key of its own, which is gone with the time of its ticket. Times are in ms, by
-- this server's clock.
local kept, time = KEYS[1], redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function parse(said)
  local use, fresh, void, run, what = string.match(said or '', '^(%a) (%d+) (%d+) (%S+) (.*)$')
  return use, tonumber(fresh), tonumber(void), run, what
end
local function sealed(id) return kept .. ':sealed:' .. id end
local function forget(id) redis.call('HDEL', kept, id) redis.call('DEL', sealed(id)) end
local function keep(ms) redis.call('PEXPIRE', kept, string.format('%.0f', math.max(ms, redis.call('PTTL', kept), 1))) end
"""
_PUT = Script(
    _COMMON
    + """
-- ARGV: the ticket, for how long it is fresh, for how long it can be good, how long one that is used waits for its run, how many
-- there may be, what it is for, and what is sealed.
local count, oldest, oldest_at, all = 0, nil, nil, redis.call('HGETALL', kept)
for i = 1, #all, 2 do
  local use, fresh, void, run = parse(all[i + 1])
  if not use or now > (use == 'u' and run ~= '-' and void or fresh + (use == 'u' and ARGV[4] or 0)) then forget(all[i])
  else
    count = count + 1
    if use == 'u' and (not oldest or fresh < oldest_at) then oldest, oldest_at = all[i], fresh end
  end
end
if count >= tonumber(ARGV[5]) then
  if not oldest then return 0 end
  forget(oldest)
end
local until_fresh, until_void = now + ARGV[2], now + ARGV[3]
redis.call('HSET', kept, ARGV[1], string.format('n %.0f %.0f - %s', until_fresh, until_void, ARGV[6]))
redis.call('SET', sealed(ARGV[1]), ARGV[7], 'PX', string.format('%.0f', math.max(ARGV[2], 1)))
keep(ARGV[2] + ARGV[4])
return 1
"""
)
_USE = Script(
    _COMMON
    + """
-- ARGV: the ticket, what it is used for, how long one that is used waits for its run, and whether it opens that again.
local use, fresh, void, run, what = parse(redis.call('HGET', kept, ARGV[1]))
if not use or what ~= ARGV[2] then return {} end
local content = redis.call('GET', sealed(ARGV[1]))
if use == 'u' then
  if not content or now > (run == '-' and fresh + ARGV[3] or void) then forget(ARGV[1]) return {} end
  return {content, 0, run}
end
if not content or now > fresh or ARGV[4] == '0' then forget(ARGV[1]) end
if not content or now > fresh then return {} end
if ARGV[4] == '1' then
  local left = math.max(void, fresh + ARGV[3]) - now
  redis.call('HSET', kept, ARGV[1], string.format('u %.0f %.0f - %s', fresh, void, what))
  redis.call('PEXPIRE', sealed(ARGV[1]), string.format('%.0f', math.max(left, 1)))
  keep(left)
end
return {content, 1, '-'}
"""
)
_BIND = Script(
    _COMMON
    + """
-- ARGV: the ticket, and the run that its first use came to.
local use, fresh, void, run, what = parse(redis.call('HGET', kept, ARGV[1]))
if use ~= 'u' then return '' end
if run == '-' then
  run = ARGV[2]
  redis.call('HSET', kept, ARGV[1], string.format('u %.0f %.0f %s %s', fresh, void, run, what))
end
return run
"""
)
_OWNS = Script(
    """
-- KEYS: the owners of a tenant's tickets, with until when they may have some. ARGV: one of them, and for how many ms.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[1], 'GT', string.format('%.0f', now + ARGV[2]), ARGV[1])
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.max(ARGV[2], redis.call('PTTL', KEYS[1]), 1)))
return 1
"""
)
_FORGET_ALL = Script(
    _COMMON
    + """
for _, id in ipairs(redis.call('HKEYS', kept)) do redis.call('DEL', sealed(id)) end
redis.call('DEL', kept)
return 1
"""
)
NO_RUN = b"-"


class Times(NamedTuple):
    """For how long a ticket is fresh, can be good once it is used, and waits then for its run, in seconds."""

    fresh_s: float
    void_s: float
    wait_s: float


class Used(NamedTuple):
    """A ticket as a use found it. `run` is None where it is not known yet."""

    sealed: bytes
    is_first: bool
    run: str | None


class TicketShelf:
    """The tickets of an installation. Their keys tell nothing of tenants, owners or tickets; every call may raise RedisAwayError."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client

    async def put(
        self, owner: str, ticket: str, sealed: bytes, *, tenant: str, what: str, times: Times, most: int
    ) -> bool:
        """Keep a ticket of an owner in a tenant; False where they have too many that nobody has used."""
        fresh, void, wait = (round(one * 1000) for one in times)
        length_ms = max(fresh + wait, void)
        [noted] = await self._client.scripts(_OWNS, [(self._owners(tenant), owner, length_ms)])
        _checked(noted, int)  # before it is there: whoever forgets all of a tenant's finds it
        [reply] = await self._client.scripts(_PUT, [(self._key(owner), ticket, fresh, void, wait, most, what, sealed)])
        return bool(_checked(reply, int))

    async def use(self, owner: str, ticket: str, *, what: str, wait_s: float, opens_again: bool) -> Used | None:
        """Use a ticket; None where it opens nothing, or not this."""
        call = self._key(owner), ticket, what, round(wait_s * 1000), int(opens_again)
        [reply] = await self._client.scripts(_USE, [call])
        if not _checked(reply, list):
            return None
        sealed, is_first, run = reply
        return Used(sealed, bool(is_first), None if run == NO_RUN else run.decode())

    async def bind(self, owner: str, ticket: str, run: str) -> str | None:
        """Let a used ticket open this run from now on, if none is known; return the one that it opens."""
        [reply] = await self._client.scripts(_BIND, [(self._key(owner), ticket, run)])
        return _checked(reply, bytes).decode() or None

    async def run_of(self, owner: str, ticket: str) -> str | None:
        """Return the run that a used ticket opens, `-` while it is not known; None where the ticket is gone."""
        said = await self._client.call("HGET", self._key(owner), ticket)
        return None if said is None else str(said.split(b" ")[3].decode())

    async def forget(self, owner: str, ticket: str) -> None:
        """Let a ticket open nothing any more."""
        key = self._key(owner)
        await self._client.calls([("HDEL", key, ticket), ("DEL", f"{key}:sealed:{ticket}")])

    async def forget_all(self, owners: Collection[str]) -> None:
        """Keep no ticket of these owners."""
        if owners:
            for reply in await self._client.scripts(_FORGET_ALL, [(self._key(owner),) for owner in owners]):
                _checked(reply, int)

    async def forget_tenant(self, tenant: str) -> None:
        """Keep no ticket of any owner in a tenant."""
        owners = [one.decode() for one in await self._client.call("ZRANGE", self._owners(tenant), 0, -1)]
        await self.forget_all(owners)
        if owners:  # who has come since then stays known
            await self._client.call("ZREM", self._owners(tenant), *owners)

    def _owners(self, tenant: str) -> str:
        return f"{self._client.prefix}:{{{tenant}}}:tickets:owners"

    def _key(self, owner: str) -> str:
        return f"{self._client.prefix}:{{{owner}}}:tickets"


def _checked(reply: object, kind: type) -> Any:
    """Return a reply of the kind that it should be.

    Raises:
        RedisAwayError: it is an error.
    """
    if not isinstance(reply, kind):
        raise RedisAwayError("it does not understand")
    return reply
