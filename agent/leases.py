"""The lease of this process: it is renewed, what it lost is stopped, and what nobody works on is taken over.

The invariant: when another process may have taken a run over, this one begins nothing with side effects for it, and what
it writes is refused. A stall of its own is no death: a run that nobody took goes on as if nothing had been.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import Protocol
from uuid import UUID

import structlog

from agent.context import Principal
from agent.errors import InterruptedRunError
from agent.events import AnyEvent, ErrorRaised, EventId, LogClosed, RunEnded, RunStarted, Usage
from agent.failpoints import failpoint
from agent.log.memory import RunKey
from agent.places import place_of
from agent.roster import Roster
from agent.search import let_search_know
from agent.settings import RuntimeSettings
from agent.snapshot import settled
from agent.store.deletion import purge_deleted
from agent.store.messages import run_messages
from agent.store.runs import Run, get_run
from agent.store.tool_calls import list_calls
from agent.store.workers import (
    RunName,
    abandoned_runs,
    end_lease,
    fail_run,
    forget_the_dead,
    own_runs,
    renew_lease,
    take_over,
)
from agent.tenure import Tenure
from agent.work import Parts

logger = structlog.get_logger()

CHECKPOINT_EVERY_S = 1.0
"""How often SQLite's log of writes is looked at; nothing is done while it is short."""
FREE_RETRIES = 3
"""How often, for each attempt that a run may have, its own living process takes it up again without counting that: enough
for a database that comes and goes, and not for ever for a run that can never be stored."""
FORGET_EVERY_S = 60.0


class WorkOn(Protocol):
    """Begins to work on a run; its log goes on with these events."""

    async def __call__(
        self, principal: Principal, run: Run, events: Sequence[AnyEvent], *, counts_attempt: bool = True
    ) -> None: ...


class Leases:
    """The lease of one worker, and the runs that it finds without one."""

    def __init__(
        self,
        parts: Parts,
        roster: Roster,
        tenure: Tenure,
        *,
        worker_id: str,
        settings: RuntimeSettings,
        offered: Callable[[RunKey], Principal | None],
        work_on: WorkOn,
    ) -> None:
        self._parts = parts
        self._roster = roster
        self._tenure = tenure
        self._worker_id = worker_id
        self._settings = settings
        self._offered = offered
        self._work_on = work_on
        self._takes_over = True
        self._left: dict[RunKey, Principal] = {}
        """Runs that this process let go of without an end, with the credential they had."""
        self._taken_up: Counter[RunKey] = Counter()
        self._forgot_at = tenure.now()

    @property
    def is_well(self) -> bool:
        """Whether the last renewal, which is a write, is not older than two of them should be. It asks nobody."""
        return self._tenure.age_s <= 2 * self._settings.renew_every_s

    def upkeep(self) -> list[Coroutine[None, None, None]]:
        """Return what has to run for as long as the process does."""
        settings = self._settings
        return [
            self._repeat(self.renew, every_s=settings.renew_every_s),
            self._repeat(self._compare, every_s=settings.renew_every_s),
            self._repeat(self._recover, every_s=settings.reap_every_s),
            self._repeat(self._purge, every_s=settings.purge_every_s),
            self._repeat(self._checkpoint, every_s=CHECKPOINT_EVERY_S),
            self._repeat(partial(let_search_know, self._parts.store), every_s=settings.search_index_every_s),
        ]

    def stop_taking_over(self) -> None:
        """Leave abandoned runs to others from now on."""
        self._takes_over = False

    def leave(self, key: RunKey, principal: Principal) -> None:
        """Take a run up again that this process lets go of without an end, with the credential it has in memory.

        That is as soon as the database allows, unless another worker has the run by then.
        """
        self._left[key] = principal

    async def end(self) -> None:
        """Let others take over at once what is left."""
        async with self._parts.store.write(is_urgent=True) as connection:
            await end_lease(connection, self._worker_id)

    async def renew(self) -> None:
        """Renew the lease, or begin it."""
        asked_at = self._tenure.now()
        async with self._parts.store.write(is_urgent=True) as connection:
            await renew_lease(connection, self._worker_id, lease_s=self._settings.lease_s)
        await self._parts.store.check_file()
        self._tenure.renewed(asked_at=asked_at)

    async def _repeat(self, upkeep: Callable[[], Awaitable[None]], *, every_s: float) -> None:
        while True:
            try:
                await upkeep()
            except Exception as exc:  # noqa: BLE001 (the database may be away for a while; upkeep goes on)
                logger.error("upkeep_failed", error=type(exc).__name__, where=place_of(exc))
            await asyncio.sleep(every_s)

    async def _compare(self) -> None:
        """Compare what this process holds with the rows: stop what it lost, take up what it lost sight of."""
        held = [run for run in self._roster.held.values() if not run.journal.ended]
        async with self._parts.store.read(by_key=True, is_urgent=True) as connection:
            own = await own_runs(connection, self._worker_id)
        for run in held:
            if own.get(RunName(*run.key)) != run.run.attempt and not run.journal.ended:
                run.stopper.stop("lost")
        for kept in (self._left, self._taken_up):
            for key in [key for key in kept if RunName(*key) not in own]:
                del kept[key]  # over, or another's: its credential is not kept longer
        for name in own:
            if self._takes_over and not self._is_known(RunKey(*name)):
                await self._take(name, is_own=True)

    async def _purge(self) -> None:
        """Remove the rows of deleted conversations."""
        forget = self._parts.log.forget
        await purge_deleted(
            self._parts.store, most_rows=self._settings.purge_rows, gone=lambda *name: forget(RunKey(*name))
        )

    async def _checkpoint(self) -> None:
        """Keep SQLite's log of writes short."""
        await self._parts.store.checkpoint(most_bytes=self._settings.wal_bytes)

    async def _recover(self) -> None:
        """Take over, or fail, the runs that nobody works on any more; but not while this worker may be one of the dead."""
        if not self._takes_over or self._tenure.in_doubt:
            return
        async with self._parts.store.read(by_key=True, is_urgent=True) as connection:
            abandoned = await abandoned_runs(connection)
        left = [RunName(*key) for key in self._left]
        for name in [*left, *abandoned]:
            if not self._is_known(RunKey(*name)):
                await self._take(name, is_own=name in left)
        if self._tenure.now() - self._forgot_at > FORGET_EVERY_S:
            self._forgot_at = self._tenure.now()
            async with self._parts.store.write(is_urgent=True) as connection:
                await forget_the_dead(connection)

    def _is_known(self, key: RunKey) -> bool:
        return key in self._roster.held or key in self._roster.arriving

    async def _take(self, name: RunName, *, is_own: bool) -> None:
        """Make a run this worker's and begin its next attempt, or fail it; one at a time for each run."""
        key = RunKey(*name)
        self._roster.arriving.add(key)
        try:
            # Its own process did not die, so that counts for nothing; but a run that can never be stored has to end, too.
            is_free = is_own and self._taken_up[key] < FREE_RETRIES * self._settings.max_attempts
            user_id = await self._take_over(name, is_free=is_free)
            kept = self._left.pop(key, None)
            if user_id is not None:
                if is_free:
                    self._taken_up[key] += 1
                owner = kept or Principal(name.tenant_id, user_id)
                await self._pick_up(owner, name.run_id, counts_attempt=not is_free)
        finally:
            self._roster.arriving.discard(key)

    async def _take_over(self, name: RunName, *, is_free: bool) -> str | None:
        """Make a run this worker's and return its user; None where it is another's, or was failed for good."""
        most = self._settings.max_attempts
        async with self._parts.store.write(is_urgent=True) as connection:
            user_id = await take_over(
                connection, name, worker_id=self._worker_id, most_attempts=None if is_free else most
            )
            failed = user_id is None and await fail_run(
                connection, name, worker_id=self._worker_id, code=InterruptedRunError.code, attempts=most
            )
            failpoint("takeover.before_commit")
        failpoint("takeover.after_commit")
        if failed:
            logger.warning("run_abandoned", tenant=name.tenant_id, run=str(name.run_id))
            await self._close_log(RunKey(*name))
        return user_id

    async def _pick_up(self, owner: Principal, run_id: UUID, *, counts_attempt: bool) -> None:
        """Begin the next attempt at a run: its log goes on with a snapshot of what is settled, then its work.

        It goes on with the token that this process has, or of a reader that waits for it, where that has the rights that it
        was begun with and is not older.
        """
        key = RunKey(owner.tenant_id, run_id)
        self._left[key] = owner  # until it is held: the database may go away again in between
        async with self._parts.store.read(by_key=True) as connection:
            run = await get_run(connection, owner, run_id)
            messages = await run_messages(connection, owner, run)
            calls = await list_calls(connection, owner, run_id)
        principal = owner if owner.credential is not None else run.starter(owner)
        offered = self._offered(key)
        if offered is not None and offered.has_rights_of(principal):
            is_older = principal.credential is not None and offered.is_older_than(principal)
            principal = principal if is_older else offered
        logger.warning("run_taken_over", tenant=principal.tenant_id, run=str(run_id), attempt=run.attempt)
        started = RunStarted(str(run.conversation_id), str(run.id), str(run.message_id))
        events = [started, *settled(run, messages, calls)]
        await self._work_on(principal, run, events, counts_attempt=counts_attempt)
        self._left.pop(key, None)

    async def _close_log(self, key: RunKey) -> None:
        """Send home the readers of a run that was given up, if its log is here."""
        last = self._parts.log.last(key)
        if last is None:
            self._parts.log.leave(key)  # those who wait for it read the transcript
            return
        error = InterruptedRunError()
        events: tuple[AnyEvent, ...] = (
            ErrorRaised(error.code, error.public, recoverable=error.recoverable),
            RunEnded("failed", "error", Usage()),
            LogClosed(),
        )
        for n, event in enumerate(events, start=1):
            await self._parts.log.append(key, EventId(last.attempt, last.n + n), event)
