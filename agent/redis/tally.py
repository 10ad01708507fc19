"""How many of something everybody has in all processes together, as streams that are open: counted exactly, and gone with who dies.

The invariant: only its own process changes what Redis has of a process, and that is what this process has, or will be with the next
call; a call without an answer, one that comes twice, and a server that forgot, are followed by one that says all anew.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from secrets import token_hex
from types import TracebackType

from agent.redis.client import RedisClient, Script
from agent.redis.errors import RedisAwayError
from agent.redis.lasting import lasting
from agent.redis.windows import digest

AT_ONCE = 500
"""Of how many who ask one call decides."""
BEATS = 4
"""So often within its lease a process says that it is there."""
SOON_S = 0.05
"""How long what somebody has no more waits for others to be told with it."""

_TALLY = Script(
    """
-- KEYS: the set of processes; all other keys begin with it. ARGV: the process, its lease in ms, whether all is said anew, how many
-- changes there are, the call's number, then field and change of each; then of each who asks how many counts are asked for, and
-- field and limit of each. A call may come twice, where its answer was lost, or after a later one: then it changes nothing.
local all, me = KEYS[1], ARGV[1]
local function at(process) return all .. ':' .. process end
local number, heard = tonumber(ARGV[5]), tonumber(redis.call('HGET', at(me), '') or -1)
if heard > number then return {'again'} end
if ARGV[3] == '1' then redis.call('DEL', at(me))
elseif heard == -1 or heard == number then return {'again'} end
local function add(field, change)
  if redis.call('HINCRBY', at(me), field, change) <= 0 then redis.call('HDEL', at(me), field) end
end
redis.call('SADD', all, me)
redis.call('HSET', at(me), '', ARGV[5])  -- a key without fields is none, and would be taken for one that was forgotten
local i, last = 6, 5 + 2 * ARGV[4]
while i < last do add(ARGV[i], ARGV[i + 1]) i = i + 2 end
local processes = {}
for _, process in ipairs(redis.call('SMEMBERS', all)) do
  if redis.call('EXISTS', at(process)) == 1 then processes[#processes + 1] = process else redis.call('SREM', all, process) end
end
local function sum(field)
  local found = 0
  for _, process in ipairs(processes) do found = found + tonumber(redis.call('HGET', at(process), field) or 0) end
  return found
end
local answer = {'told'}
while i <= #ARGV do
  local number, full = tonumber(ARGV[i]), 0
  for k = 1, number do
    if full == 0 and sum(ARGV[i + 2 * k - 1]) >= tonumber(ARGV[i + 2 * k]) then full = k end
  end
  if full == 0 then for k = 1, number do add(ARGV[i + 2 * k - 1], 1) end end
  answer[#answer + 1] = full
  i = i + 1 + 2 * number
end
redis.call('PEXPIRE', at(me), ARGV[2])
redis.call('PEXPIRE', all, 600000)
return answer
"""
)
Wanted = Sequence[tuple[str, int]]
"""Counts, each with its limit."""


class Tally:
    """A tally of the counts that this process has, and asks for. Enter it once."""

    def __init__(self, client: RedisClient, *, lease_s: float) -> None:
        self._client = client
        self._key = f"{client.prefix}:{{places}}:held"
        self._me = token_hex(8)
        self._lease_s = lease_s
        self._has: Counter[str] = Counter()
        self._changes: Counter[str] = Counter()
        self._asked: list[tuple[Wanted, asyncio.Future[int]]] = []
        self._says_all = True
        self._calls = 0
        self._kick = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> "Tally":
        self._task = asyncio.get_running_loop().create_task(lasting(self._run, name="tally"))
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.wait([self._task])
        if self._timer is not None:
            self._timer.cancel()
        self._refuse(self._asked)
        with suppress(RedisAwayError):
            await self._client.calls([("DEL", f"{self._key}:{self._me}"), ("SREM", self._key, self._me)])

    async def take(self, wanted: Wanted) -> int | None:
        """Count one more of each and return None; where a limit is reached, count none and return the index of the first such.

        Raises:
            RedisAwayError: nobody knows what others have. Nothing was taken.
        """
        if not self._client.is_well:
            raise RedisAwayError("it was away a moment ago; the next beat looks whether it is back")
        wanted = [(digest(field), most) for field, most in wanted]
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._asked.append((wanted, answer))
        self._kick.set()
        try:
            full = await answer
        except asyncio.CancelledError:
            if answer.done() and not answer.cancelled() and not answer.exception() and not answer.result():
                self._count((field for field, _ in wanted), -1)  # given in the moment of the cancellation
            raise
        return full - 1 if full else None

    def add(self, fields: Sequence[str], change: int) -> None:
        """Change each count by so much, whatever its limit."""
        self._count(map(digest, fields), change)

    def _count(self, fields: Iterable[str], change: int) -> None:
        for field in fields:
            self._has[field] += change
            self._changes[field] += change
            if not self._has[field]:
                del self._has[field]
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SOON_S, self._is_due)

    def _is_due(self) -> None:
        self._timer = None
        self._kick.set()

    async def _run(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._lease_s / BEATS):
                    await self._kick.wait()
            self._kick.clear()
            await self._tell()

    async def _tell(self) -> None:
        """Say what changed, and hear what those get who ask."""
        asked, self._asked = self._asked[:AT_ONCE], self._asked[AT_ONCE:]
        says_all, self._says_all = self._says_all, True  # until it is known that this was heard
        changes, self._changes = (self._has if says_all else self._changes), Counter()
        self._calls += 1
        call: list[str | int] = [
            self._key,
            self._me,
            round(self._lease_s * 1000),
            int(says_all),
            len(changes),
            self._calls,
        ]
        for change in changes.items():
            call += change
        for wanted, _ in asked:
            call.append(len(wanted))
            for one in wanted:
                call += one
        try:
            [reply] = await self._client.scripts(_TALLY, [call])
            match reply:
                case [b"told", *given]:
                    self._give(asked, given)
                    self._says_all = False
                case [b"again"]:
                    asked, self._asked = [], asked + self._asked
        except RedisAwayError:
            pass  # as where it says something else
        finally:
            self._refuse(asked)  # whoever has no answer by now, whatever broke
        if self._asked:
            self._kick.set()

    def _give(self, asked: Sequence[tuple[Wanted, "asyncio.Future[int]"]], given: Sequence[int]) -> None:
        for (wanted, answer), full in zip(asked, given, strict=True):
            if full == 0:
                self._has.update(field for field, _ in wanted)
                if answer.done():  # given up meanwhile
                    self._count([field for field, _ in wanted], -1)
            if not answer.done():
                answer.set_result(full)

    def _refuse(self, asked: Sequence[tuple[Wanted, "asyncio.Future[int]"]]) -> None:
        for _, answer in asked:
            if not answer.done():
                answer.set_exception(RedisAwayError("nobody knows what others have"))
