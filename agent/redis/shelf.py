"""Context that several processes share: texts of an owner in one hash, each with the time until when it counts.

The invariant: what is of a user stands below their tenant, so that both can be forgotten without looking for keys. Redis may be
away: then nothing is found, and nothing kept.
"""

from hashlib import sha256

from redis.exceptions import ResponseError

from agent.redis.client import RedisClient, Script
from agent.redis.errors import RedisAwayError

GONE_MS = 60_000
"""How long it is known that an owner was forgotten: longer than any process still fetches what it began before."""
MOST = 200
"""Texts of one owner: past them all go, and come again as they are asked for."""
_NOW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
"""
_FIND = Script(
    _NOW
    + """
-- KEYS: an owner's texts. ARGV: which one.
local kept = redis.call('HGET', KEYS[1], ARGV[1])
local ends, text = string.match(kept or '', '^(%d+) (.*)$')
if ends and tonumber(ends) > now then return text end
return false
"""
)
_PUT = Script(
    _NOW
    + """
-- KEYS: an owner's texts. ARGV: which one, for how many ms, the text, how many there may be, how many ms ago it was asked for,
-- and the key of the texts of their tenant; and whose they are among its users, where they are a user's.
for _, key in ipairs({KEYS[1], ARGV[6]}) do
  local gone = redis.call('GET', key .. ':gone')
  if gone and tonumber(gone) >= now - ARGV[5] then return 0 end
end
if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[4]) then redis.call('DEL', KEYS[1]) end
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f %s', now + ARGV[2], ARGV[3]))
local function keep(key) redis.call('PEXPIRE', key, string.format('%.0f', math.max(ARGV[2], redis.call('PTTL', key), 1))) end
keep(KEYS[1])
if ARGV[7] then
  redis.call('SADD', ARGV[6] .. ':users', ARGV[7])
  keep(ARGV[6] .. ':users')
end
return 1
"""
)
_FORGET = Script(
    _NOW
    + """
-- KEYS: an owner's texts, below which, where they are a tenant's, its users' are. ARGV: for how many ms it is known that they
-- went: what was asked for before is not kept.
for _, user in ipairs(redis.call('SMEMBERS', KEYS[1] .. ':users')) do redis.call('DEL', KEYS[1] .. ':' .. user) end
redis.call('DEL', KEYS[1], KEYS[1] .. ':users')
redis.call('SET', KEYS[1] .. ':gone', string.format('%.3f', now), 'PX', ARGV[1])
return 1
"""
)


class RedisShelf:
    """Keeps texts in Redis, by its clock. All keys of a tenant are in one slot of a Cluster."""

    def __init__(self, client: RedisClient) -> None:
        self._client = client

    async def find(self, owner: tuple[str, str | None], key: str) -> str | None:
        """Return a text that is not too old; None also while Redis is away."""
        try:
            [found] = await self._client.scripts(_FIND, [(self._key(*owner), key)])
        except RedisAwayError:
            return None
        return found.decode() if isinstance(found, bytes) else None

    async def put(self, owner: tuple[str, str | None], key: str, text: str, *, ttl_s: float, age_s: float) -> None:
        """Keep a text for so long; not, while Redis is away, and not where its owner was forgotten since it was asked for."""
        tenant_id, user_id = owner
        users = () if user_id is None else (_name(user_id),)
        times = round(ttl_s * 1000), text, MOST, f"{age_s * 1000:.3f}"
        call = self._key(*owner), key, *times, self._key(tenant_id, None), *users
        try:
            await self._client.scripts(_PUT, [call])
        except RedisAwayError:
            return

    async def forget(self, tenant_id: str, user_id: str | None) -> None:
        """Keep nothing of a user, or with None of a whole tenant.

        Raises:
            RedisAwayError: nobody knows whether it was done.
        """
        [done] = await self._client.scripts(_FORGET, [(self._key(tenant_id, user_id), GONE_MS)])
        if isinstance(done, ResponseError):
            raise RedisAwayError("it does not understand")

    def close(self) -> None:
        """Do nothing: who opened the client closes it."""

    def _key(self, tenant_id: str, user_id: str | None) -> str:
        own = "" if user_id is None else f":{_name(user_id)}"
        return f"{self._client.prefix}:{{{tenant_id}}}:context{own}"


def _name(user_id: str) -> str:
    """Return what stands for a user: ids hold what no key should."""
    return sha256(user_id.encode()).hexdigest()
