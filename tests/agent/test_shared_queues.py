"""How many runs of a user and of a tenant may wait: over all processes, wherever they wait."""

from contextlib import AsyncExitStack
from typing import Any

from support.faults import until
from support.gate import Installation, Process
from support.redis import RedisServer

from agent.errors import RateLimitedError
from agent.principal import PUBLIC_TENANT
from agent.runs.admission import Place
from agent.runs.roster import Roster
from agent.runs.shares import MOST_KNOWN, Shares
from agent.settings import RuntimeSettings

LIMITS: dict[str, Any] = {
    "max_runs": 1,
    "max_queued_per_user": 3,
    "max_queued_per_tenant": 5,
    "max_runs_per_user": 9,
}


async def refusal(process: Process, tenant: str, user: str) -> str | None:
    """Let a message come to a process where nothing waits yet but what the gate knows; return why it may not wait."""
    roster = Roster(RuntimeSettings(_env_file=None, **LIMITS), process.admission)
    assert await process.admission.ask(tenant, user) is None
    try:
        roster.check(Place(tenant, user, None))
    except RateLimitedError as exc:
        return str(exc)
    return None


async def test_who_waits_at_one_process_counts_at_all(redis_server: RedisServer) -> None:
    """G346: until they wait no longer; another user, and another tenant, may wait."""
    async with AsyncExitStack() as stack:
        installation = Installation(redis_server.url, stack)
        first, second = [await installation.process(key=None, **LIMITS) for _ in range(2)]
        for process in (first, second):
            await process.arrive("rival", "eve")
        for _ in range(3):
            await first.arrive("acme", "ann")
        assert await refusal(second, "acme", "ann") == "Too many of your messages are waiting."
        assert await refusal(second, "acme", "ben") is None
        await first.arrive("acme", "cleo")
        await first.arrive(PUBLIC_TENANT, "visitor")
        await first.arrive("acme", "cleo")
        assert await refusal(second, "acme", "ben") == "Too many messages of your company are waiting."
        assert await refusal(second, "calm", "ben") is None
        assert await refusal(second, PUBLIC_TENANT, "visitor") is None
        next(iter(first.waiting)).cancel()
        await until(lambda: not first.admission._changes)

        async def may_wait() -> bool:
            return await refusal(second, "acme", "ann") is None

        await until(may_wait)


def test_what_is_known_of_others_is_bounded() -> None:
    shares = Shares(1, 1, settle_s=0)
    for number in range(4):
        shares.told(2, {(f"tenant {number % 3}", str(user)): (1, 1) for user in range(MOST_KNOWN + 1)})
    shares.told(2, {("tenant 2", "5"): (1, 1)})
    assert len(shares._elsewhere) == 1
    assert shares.elsewhere("tenant 2", "5") == (1, 1)
    shares.lose()
    assert shares.elsewhere("tenant 2", "5") == (0, 0)
