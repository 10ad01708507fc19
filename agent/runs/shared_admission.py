"""The gate of all processes: limits of tenants and users over all of them, and a free place anywhere for whoever has the fewest.

The invariant: what Redis has of this process is what this process says, and nothing is taken there that it was not told of. While
Redis is away each process has its share of the limits, and its own places only.
"""

import asyncio
import time
from collections import Counter
from contextlib import suppress

import structlog

from agent.redis.errors import RedisAwayError
from agent.runs.admission import HERE, Admission, Grant, add
from agent.runs.offers import Cluster
from agent.runs.places import Places, Told, Works
from agent.runs.shares import ALONE_S, Shares, Solitude
from agent.settings import RuntimeSettings

logger = structlog.get_logger()

WAITING_TICK_S = 0.5
"""How often a process with runs that wait asks again, where nobody calls it."""
SAY_ALL_EVERY_S = 10.0
"""How often all is said anew: a call that had no answer in time may be done after the next one."""


class SharedAdmission(Admission):
    """The gate. `run` has to go on meanwhile."""

    def __init__(self, cluster: Cluster, settings: RuntimeSettings, *, worker_id: str) -> None:
        limits = settings.max_runs_per_tenant, settings.max_runs_per_user
        self._shares = Shares(*limits, settle_s=settings.renew_every_s + WAITING_TICK_S)
        super().__init__(
            most=settings.max_runs,
            most_per_tenant=settings.max_runs_per_tenant,
            most_per_user=settings.max_runs_per_user,
        )
        self._places = Places(cluster.client, cluster.keys, settings, worker_id=worker_id)
        self._worker_id = worker_id
        self._tick_s = settings.renew_every_s
        self._executes = settings.execute
        self._is_draining = self._hears = False
        self._solitude = Solitude()
        self._changes: Counter[tuple[str, str, str]] = Counter()
        self._on_their_way: Counter[Grant] = Counter()
        self._says_all = True
        self._said_all_at = 0.0
        self._working = 0
        self._kick = asyncio.Event()
        self._next = asyncio.Event()
        """Set when what was asked by now is answered."""
        cluster.subscriber.add(self._places.channel, self)

    @property
    def is_apart(self) -> bool:
        return not self._shares.is_shared

    @property
    def processes(self) -> int:
        return self._shares.living

    def elsewhere(self, tenant_id: str, user_id: str) -> tuple[int, int]:
        return self._shares.elsewhere(tenant_id, user_id)

    @property
    def others_work(self) -> bool:
        return not self._executes and self._shares.is_shared and self._working > 0

    def living(self, processes: int) -> None:
        """Note how many processes there are, where Redis cannot say it."""
        self._shares.counted(processes)
        if not self._shares.is_shared:
            self._share_out()

    async def run(self) -> None:
        """Tell Redis what changes, and hear what may begin, until cancelled."""
        while True:
            await self._due()
            self._kick.clear()
            answered, self._next = self._next, asyncio.Event()
            try:
                await self.tell()
            finally:
                answered.set()

    def drain(self) -> None:
        """Take nothing of others any more, and leave to them what has not begun."""
        self._is_draining = True
        self._kick.set()

    async def end(self) -> None:
        """Take this process out of what Redis knows, and let nobody wait for an answer any more."""
        self._shares.lose()
        self._next.set()
        await self._places.leave()

    def try_enter(self, tenant_id: str, user_id: str) -> bool:
        """Enter within what this process knows by itself."""
        if not super().try_enter(tenant_id, user_id):
            return False
        self._change("a", tenant_id, user_id, 1)
        return True

    async def ask(self, tenant_id: str, user_id: str, *, here: bool = False) -> Grant | None:
        if not self._shares.is_shared:
            return HERE if self.try_enter(tenant_id, user_id) else None
        place = self._wait(tenant_id, user_id)
        answered = self._next
        try:
            await answered.wait()
        except asyncio.CancelledError:
            self._give_up(tenant_id, user_id, place)
            raise
        if not place.done():
            self._forget(tenant_id, user_id, place)
            return None
        grant = place.result()
        return self._settle(tenant_id, user_id, grant) if here and grant != HERE else grant

    def leave(self, tenant_id: str, user_id: str, grant: Grant = HERE) -> None:
        self._change("a", tenant_id, user_id, -1)
        self._arrived(grant)
        super().leave(tenant_id, user_id, grant)

    def keep(self, tenant_id: str, user_id: str, grant: Grant, *, is_silent: bool = False) -> None:
        """Take the place here for a run that its place elsewhere did not take, however many work here.

        Where the worker of the grant `is_silent`, nobody offers it anything until it says something again.
        """
        self._arrived(grant)
        self._inside += 1
        if is_silent:
            self._changes["s", grant, ""] = 1
            self._solitude.waited()

    def accept(self, tenant_id: str, user_id: str) -> bool:
        """Take a place for a run of another process that was let in; False where none is free here."""
        if self._works != "all" or self._inside >= self._most:
            return False
        self._take(tenant_id, user_id)
        self._change("a", tenant_id, user_id, 1)
        return True

    async def told(self) -> None:
        """Return when Redis was told what changed by now, or is away."""
        if self._shares.is_shared:
            self._kick.set()
            await self._next.wait()

    def hear(self, message: bytes) -> None:
        if message == self._worker_id.encode():
            self._kick.set()

    def heard_from_now_on(self) -> None:
        self._hears, self._says_all = True, True  # it may be another server, or have forgotten
        self._kick.set()

    def deaf(self) -> None:
        self._hears = False  # and can be sent no letter
        self._shares.settle()
        self._kick.set()

    @property
    def _works(self) -> Works:
        if self._executes and self._hears and not self._is_draining:
            return "all"
        return "own" if self._executes or self._solitude.is_long else "none"

    def _wait(self, tenant_id: str, user_id: str) -> asyncio.Future[Grant]:
        self._change("w", tenant_id, user_id, 1)
        return super()._wait(tenant_id, user_id)

    def _forget(self, tenant_id: str, user_id: str, place: asyncio.Future[Grant]) -> None:
        self._change("w", tenant_id, user_id, -1)
        super()._forget(tenant_id, user_id, place)

    def _enters_now(self, tenant_id: str, user_id: str) -> bool:
        return not self._shares.is_shared and self.try_enter(tenant_id, user_id)

    def _settle(self, tenant_id: str, user_id: str, grant: Grant) -> Grant | None:
        """Take a place here in place of one elsewhere, if there is one."""
        if self._inside >= self._most:
            self.leave(tenant_id, user_id, grant)
            return None
        self.keep(tenant_id, user_id, grant)
        return HERE

    def _let_in_all(self) -> None:
        """Let in who is next, where this process decides by itself."""
        while not self._shares.is_shared and self._inside < self._most and (following := self._following()) is not None:
            if self._give(*following, HERE):
                self._change("w", *following, -1)
                self._change("a", *following, 1)

    def _give(self, tenant_id: str, user_id: str, grant: Grant) -> bool:
        """Give a place to whoever of a user waits longest; False where all have given up."""
        users = self._waiting[tenant_id]
        places, taker = users[user_id], None
        while places and taker is None:
            place = places.popleft()
            taker = None if place.cancelled() else place
        users.move_to_end(user_id)
        self._waiting.move_to_end(tenant_id)
        self._clear(tenant_id, user_id)
        if taker is None:
            return False
        self._take(tenant_id, user_id, grant)
        taker.set_result(grant)
        return True

    def _take(self, tenant_id: str, user_id: str, grant: Grant = HERE) -> None:
        super()._take(tenant_id, user_id, grant)
        self._on_their_way[grant] += grant != HERE

    def _arrived(self, grant: Grant) -> None:
        """Count a run as on its way to another worker no longer."""
        if grant != HERE:
            add(self._on_their_way, grant, -1)
            self._change("d", grant, "", -1)

    def _change(self, kind: str, first: str, second: str, change: int) -> None:
        self._changes[kind, first, second] += change
        self._kick.set()

    async def _due(self) -> None:
        """Return when there is something to say, or to ask again."""
        tick_s = min(self._tick_s, WAITING_TICK_S) if self._waiting or not self._shares.is_shared else self._tick_s
        with suppress(TimeoutError):
            async with asyncio.timeout(tick_s):
                # Where nobody waits for an answer, it is only looked whether Redis is there.
                await (self._kick if self._shares.is_shared else asyncio.Event()).wait()

    async def tell(self) -> None:
        """Tell Redis what changed, and let in whom it lets in; where it does not answer, decide here from now on."""
        told: Told | None = None
        try:
            while told is None or told.has_more:
                if time.monotonic() - self._said_all_at > SAY_ALL_EVERY_S:
                    self._says_all = True
                says_all, self._says_all = self._says_all, True  # until it is known that this was heard
                changes, self._changes = self._all() if says_all else self._changes, Counter()
                told = await self._places.tell(
                    changes,
                    says_all=says_all,
                    inside=self._inside,
                    works=self._works,
                    limits=self._shares.most_of_each,
                )
                if says_all:
                    self._said_all_at = time.monotonic()
                self._says_all = told is None
                if told is None:
                    self._shares.settle()
                else:
                    self._is_told(told)
        except RedisAwayError:
            self._away()

    def _all(self) -> Counter[tuple[str, str, str]]:
        """Return all that there is to say."""
        every = Counter({("a", *who): number for who, number in self._of_user.items()})
        every.update({("d", worker, ""): number for worker, number in self._on_their_way.items()})
        for tenant_id, users in self._waiting.items():
            every.update({("w", tenant_id, user_id): len(places) for user_id, places in users.items()})
        return every

    def _is_told(self, told: Told) -> None:
        if not self._shares.is_shared:
            logger.info("places_shared", processes=told.living)
        self._shares.told(told.living, told.elsewhere)
        self._working = told.working
        self._most_per_tenant, self._most_per_user = self._shares.most_of_each
        if self._solitude.told(told.is_alone):
            asyncio.get_running_loop().call_later(ALONE_S + 0.01, self._kick.set)
        for tenant_id, user_id, worker_id in told.granted:
            self._grant(tenant_id, user_id, HERE if worker_id == self._worker_id else worker_id)

    def _grant(self, tenant_id: str, user_id: str, grant: Grant) -> None:
        """Give a place that Redis gave; back, where nobody waits for it any more."""
        if user_id in self._waiting.get(tenant_id, {}) and self._give(tenant_id, user_id, grant):
            return
        self._change("w", tenant_id, user_id, 1)  # that nobody waits is to be said yet, and is by this
        self._take(tenant_id, user_id, grant)
        self.leave(tenant_id, user_id, grant)

    def _away(self) -> None:
        """Decide here from now on, until Redis answers again."""
        if self._shares.is_shared:
            logger.warning("places_not_shared", processes=self._shares.living)
        self._shares.lose()
        self._says_all = True
        self._share_out()
        answered, self._next = self._next, asyncio.Event()
        answered.set()

    def _share_out(self) -> None:
        self._most_per_tenant, self._most_per_user = self._shares.most_of_each
        self._let_in_all()
