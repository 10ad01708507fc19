"""The lease of this process: it is renewed, what it lost is stopped, and what nobody works on is taken over.

The invariant: when another process may have taken a run over, this one begins nothing with side effects for it, and what
it writes is refused. A stall of its own is no death: a run that nobody took goes on as if nothing had been.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from uuid import UUID

import structlog

from agent.attempt.recording import renewed
from agent.attempt.snapshot import settled, started
from agent.attempt.tenure import Tenure
from agent.attempt.unheld import take_over
from agent.attempt.unheld_ends import fail_abandoned
from agent.principal import Principal, RunKey
from agent.runs.admission import HERE, Grant, Place
from agent.runs.chores import repeat
from agent.runs.executor import Executor
from agent.runs.roster import Roster
from agent.runtime import Runtime
from agent.settings import RuntimeSettings
from agent.store.audit import record
from agent.store.database import EVERY_TENANT
from agent.store.messages import run_messages
from agent.store.runs import get_run
from agent.store.tool_calls import list_calls
from agent.store.workers import (
    Abandoned,
    abandoned_runs,
    count_living,
    end_lease,
    forget_the_dead,
    own_runs,
    renew_lease,
)

logger = structlog.get_logger()

FREE_RETRIES = 3
"""How often, for each attempt that a run may have, its own living process takes it up again without counting that: enough
for a database that comes and goes, and not for ever for a run that can never be stored."""
FORGET_EVERY_S = 60.0
LOOKED_AT = 1000
"""How many of the runs that others left one look reads: each tenant's, and in it each user's, by turns."""


class Leases:
    """The lease of one worker, and the runs that it finds without one."""

    def __init__(
        self,
        runtime: Runtime,
        roster: Roster,
        tenure: Tenure,
        executor: Executor,
        *,
        worker_id: str,
        settings: RuntimeSettings,
    ) -> None:
        self._runtime = runtime
        self._roster = roster
        self._tenure = tenure
        self._worker_id = worker_id
        self._settings = settings
        self._executor = executor
        self.takes_over = True
        """Whether runs begin and go on here; not, while the server stops."""
        self._compare_soon = asyncio.Event()
        self._recover_soon = asyncio.Event()
        self._taken_up: Counter[RunKey] = Counter()
        self._forgot_at = tenure.now()

    @property
    def is_well(self) -> bool:
        """Whether the last renewal, which is a write, is not older than two of them should be. It asks nobody."""
        return self._tenure.age_s <= 2 * self._settings.renew_every_s

    def upkeep(self, *others: Callable[[], Awaitable[None]]) -> list[Coroutine[None, None, None]]:
        """Return what keeps the lease and looks for runs, until it is cancelled; `others` are done as often as runs are looked for."""
        settings = self._settings
        return [
            repeat(self.renew, every_s=settings.renew_every_s),
            repeat(self._compare, every_s=settings.renew_every_s, sooner=self._compare_soon),
            repeat(self._recover, every_s=settings.reap_every_s, sooner=self._recover_soon),
            *(repeat(one, every_s=settings.reap_every_s) for one in others),
        ]

    def stop_taking_over(self) -> None:
        """Leave abandoned runs to others from now on."""
        self.takes_over = False

    async def end(self) -> None:
        """Let others take over at once what is left."""
        async with self._runtime.store.write(EVERY_TENANT, is_urgent=True) as connection:
            await end_lease(connection, self._worker_id)

    async def renew(self) -> None:
        """Renew the lease, or begin it."""
        asked_at = self._tenure.now()
        async with self._runtime.store.write(EVERY_TENANT, is_urgent=True) as connection:
            await renew_lease(connection, self._worker_id, lease_s=self._settings.lease_s)
            await self._runtime.budgets.look(connection)
        await self._runtime.store.check_file()
        self._tenure.renewed(asked_at=asked_at)

    def compare_now(self) -> None:
        """Compare what this process holds with the rows at once: one of them changed."""
        self._compare_soon.set()

    def recover_now(self) -> None:
        """Look for runs that nobody works on at once: somebody left one."""
        self._recover_soon.set()

    async def _compare(self) -> None:
        """Compare what this process holds with the rows: stop what it lost, take up what it lost sight of."""
        held = [run for run in self._roster if not run.writer.ended]
        async with self._runtime.store.read(EVERY_TENANT, is_urgent=True) as connection:
            own = await own_runs(connection, self._worker_id)
            if self._roster.is_apart:
                self._roster.living(await count_living(connection))
        for run in held:
            row = own.get(run.key)
            if run.writer.ended:
                continue
            if row is None or row.attempt != run.run.attempt:
                run.stopper.stop("lost")
            elif row.is_cancel_requested:
                run.stopper.stop("cancelled")
        for key in [key for key in self._roster.left if key not in own]:
            self._roster.forget_left(key)  # over, or another's
        for key in [key for key in self._taken_up if key not in own]:
            del self._taken_up[key]
        for key in own:
            if self.takes_over and not self._roster.knows(key):
                await self._take_back(key)

    async def _recover(self) -> None:
        """Take over, or fail, the runs that nobody works on any more; but not while this worker may be one of the dead."""
        if not self.takes_over or self._tenure.in_doubt:
            return
        for key in list(self._roster.left):
            if self.takes_over and not self._roster.knows(key):
                await self._take_back(key)
        if self._roster.others_work:
            return
        async with self._runtime.store.read(EVERY_TENANT, is_urgent=True) as connection:
            abandoned = await abandoned_runs(connection, most=LOOKED_AT)
        for run in abandoned:
            if self.takes_over and not self._roster.knows(run.key):
                await self._take_in(run)
        if self._tenure.now() - self._forgot_at > FORGET_EVERY_S:
            self._forgot_at = self._tenure.now()
            async with self._runtime.store.write(EVERY_TENANT, is_urgent=True) as connection:
                await forget_the_dead(connection)

    async def _take_back(self, key: RunKey) -> None:
        """Go on with a run that this process let go of, or lost sight of. It had its place before, so it has it again.

        Its own process did not die, so that counts for nothing; but a run that can never be stored has to end, too.
        """
        with self._roster.arriving(key):
            is_free = self._taken_up[key] < FREE_RETRIES * self._settings.max_attempts
            most = None if is_free else self._settings.max_attempts
            user_id = await take_over(self._runtime.store, key, worker_id=self._worker_id, most_attempts=most)
            if user_id is None and not is_free:
                await self._fail(key)
            kept = self._roster.forget_left(key)
            if user_id is not None:
                _tell_taken(key)
                if is_free:
                    self._taken_up[key] += 1
                await self._pick_up(kept or Principal(key.tenant_id, user_id), key.run_id, counts_attempt=not is_free)

    async def _take_in(self, run: Abandoned) -> None:
        """Take over a run that another process left, if there is room for it; if not, it stays in its row until there is."""
        place = Place(run.tenant_id, run.user_id, run.conversation_id)
        most = self._settings.max_attempts
        if run.begun_attempts >= most:
            await self._fail(run.key)
            return
        room = await self._roster.make_room(run.key, place, is_first=run.is_first)
        if room is None:
            return
        is_held = False
        try:
            with self._roster.arriving(run.key):
                user_id = await take_over(self._runtime.store, run.key, worker_id=self._worker_id, most_attempts=most)
                if user_id is not None:
                    _tell_taken(run.key)
                    owner = Principal(run.tenant_id, user_id)
                    await self._pick_up(owner, run.run_id, grant=HERE if room == HERE else None)
                    is_held = True
        finally:
            if not is_held:
                self._roster.give_room_back(run.key, place, room)

    async def go_on(self, owner: Principal, run_id: UUID) -> None:
        """Go on with a run that waited for a person and is this worker's now."""
        logger.info("run_goes_on", tenant=owner.tenant_id, run=str(run_id))
        await self._pick_up(owner, run_id)

    async def _fail(self, key: RunKey) -> None:
        """Give a run up that has had all its attempts."""
        runtime, most = self._runtime, self._settings.max_attempts
        await fail_abandoned(runtime.store, runtime.log, key, worker_id=self._worker_id, attempts=most)

    async def _pick_up(
        self, owner: Principal, run_id: UUID, *, grant: Grant | None = None, counts_attempt: bool = True
    ) -> None:
        """Begin the next attempt at a run: its log goes on with a snapshot of what is settled, then its work.

        It goes on with the token that this process has, or of a reader that waits for it, where that has the rights that it
        was begun with and is not older.
        """
        key = RunKey(owner.tenant_id, run_id)
        self._roster.leave_behind(key, owner)  # until it is held: the database may go away again in between
        async with self._runtime.store.read(owner.tenant_id) as connection:
            run = await get_run(connection, owner, run_id)
            messages = await run_messages(connection, owner, run)
            calls = await list_calls(connection, owner, run_id)
        principal = owner if owner.credential is not None else run.starter(owner)
        offered = self._roster.offered(key)
        if offered is not None and offered.has_rights_of(principal):
            is_older = principal.credential is not None and offered.is_older_than(principal)
            principal = principal if is_older else offered
        if principal is not owner and principal.credential is not None:
            async with self._runtime.store.write(owner.tenant_id) as connection:
                await record(connection, principal, [renewed(principal, run)])
        events = [started(run), *settled(run, messages, calls)]
        self._executor.hold(principal, run, events, grant=grant, is_taken_over=True, counts_attempt=counts_attempt)
        self._roster.forget_left(key)


def _tell_taken(key: RunKey) -> None:
    logger.warning("run_taken_over", tenant=key.tenant_id, run=str(key.run_id))
