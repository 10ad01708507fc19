"""Leases: this process renews its own, gives up the runs that it cannot renew, and takes over those of the dead.

The invariant: when another process may have taken a run over, this one has stopped working on it or cannot write for it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from functools import partial
from uuid import UUID

import structlog

from agent.context import Principal
from agent.errors import InterruptedRunError
from agent.events import AnyEvent, ErrorRaised, EventId, LogClosed, RunEnded, RunStarted, Usage
from agent.failpoints import failpoint
from agent.log.memory import RunKey
from agent.places import place_of
from agent.search import let_search_know
from agent.settings import Settings
from agent.snapshot import settled
from agent.store.deletion import purge_deleted
from agent.store.leases import RunName, abandoned_runs, fail_run, renew_leases, take_over
from agent.store.messages import run_messages
from agent.store.runs import Run, get_run
from agent.store.tool_calls import list_calls
from agent.work import HeldRun, Parts

logger = structlog.get_logger()

CHECKPOINT_EVERY_S = 1.0
"""How often SQLite's log of writes is looked at; nothing is done while it is short."""

WorkOn = Callable[[Principal, Run, Sequence[AnyEvent]], Awaitable[None]]
"""Begin to work on a run; its log goes on with these events."""


class Leases:
    """The leases of one worker."""

    def __init__(
        self,
        parts: Parts,
        held: Mapping[RunKey, HeldRun],
        *,
        worker_id: str,
        settings: Settings,
        offered: Callable[[RunKey], Principal | None],
        work_on: WorkOn,
    ) -> None:
        self._parts = parts
        self._held = held
        self._worker_id = worker_id
        self._settings = settings
        self._offered = offered
        self._work_on = work_on
        self._takes_over = True

    def upkeep(self) -> list[Coroutine[None, None, None]]:
        """Return what has to run for as long as the process does."""
        settings = self._settings
        return [
            self._repeat(self._renew, every_s=settings.renew_every_s),
            self._repeat(self._give_up_unrenewed, every_s=settings.reap_every_s),
            self._repeat(self._recover, every_s=settings.reap_every_s),
            self._repeat(self._purge, every_s=settings.purge_every_s),
            self._repeat(self._checkpoint, every_s=CHECKPOINT_EVERY_S),
            self._repeat(partial(let_search_know, self._parts.store), every_s=settings.search_index_every_s),
        ]

    def stop_taking_over(self) -> None:
        """Leave abandoned runs to others from now on."""
        self._takes_over = False

    async def _repeat(self, upkeep: Callable[[], Awaitable[None]], *, every_s: float) -> None:
        while True:
            try:
                await upkeep()
            except Exception as exc:  # noqa: BLE001 (the database may be away for a while; upkeep goes on)
                logger.error("upkeep_failed", error=type(exc).__name__, where=place_of(exc))
            await asyncio.sleep(every_s)

    async def _renew(self) -> None:
        """Renew this worker's leases; stop the runs that are no longer its own."""
        held = {RunName(*key): run for key, run in self._held.items() if not run.journal.ended}
        if not held:
            return
        asked_at = time.monotonic()
        lease_s = self._settings.lease_s
        # Not shorter: whoever gives up waiting for a busy database and asks again has lost its place in the queue.
        limit = asyncio.timeout(self._settings.lease_lost_after_s)
        async with limit, self._parts.store.write(is_urgent=True) as connection:
            own = await renew_leases(connection, held, worker_id=self._worker_id, lease_s=lease_s)
        for name, run in held.items():
            if name in own:
                run.leased_at = asked_at
            elif not run.journal.ended:
                run.stopper.stop("lost")

    async def _give_up_unrenewed(self) -> None:
        """Stop the runs whose lease could not be renewed for too long. It asks nobody: the database may hang."""
        earliest = time.monotonic() - self._settings.lease_lost_after_s
        for held in list(self._held.values()):
            if held.leased_at < earliest and not held.journal.ended:
                held.stopper.stop("lost")

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
        """Take over, or fail, the runs that nobody works on any more."""
        if not self._takes_over:
            return
        async with self._parts.store.read(by_key=True, is_urgent=True) as connection:
            abandoned = await abandoned_runs(connection)
        for name in abandoned:
            if RunKey(*name) not in self._held:
                await self._take_over(name)

    async def _take_over(self, name: RunName) -> None:
        most = self._settings.max_attempts
        key = RunKey(*name)
        async with self._parts.store.write(is_urgent=True) as connection:
            user_id = await take_over(
                connection, name, worker_id=self._worker_id, lease_s=self._settings.lease_s, most_attempts=most
            )
            failed = user_id is None and await fail_run(connection, name, code=InterruptedRunError.code, attempts=most)
            failpoint("takeover.before_commit")
        failpoint("takeover.after_commit")
        if failed:
            logger.warning("run_abandoned", tenant=name.tenant_id, run=str(name.run_id))
            await self._close_log(key)
        if user_id is not None:
            await self._pick_up(Principal(name.tenant_id, user_id), name.run_id)

    async def _pick_up(self, owner: Principal, run_id: UUID) -> None:
        """Begin the next attempt at a run: its log goes on with a snapshot of what is settled, then its work.

        It goes on with the token of a reader that waits for it, where that has the rights that it was begun with.
        """
        async with self._parts.store.read(by_key=True) as connection:
            run = await get_run(connection, owner, run_id)
            messages = await run_messages(connection, owner, run)
            calls = await list_calls(connection, owner, run_id)
        principal = run.starter(owner)
        offered = self._offered(RunKey(owner.tenant_id, run_id))
        if offered is not None and offered.has_rights_of(principal):
            principal = offered
        logger.warning("run_taken_over", tenant=principal.tenant_id, run=str(run_id), attempt=run.attempt)
        started = RunStarted(str(run.conversation_id), str(run.id), str(run.message_id))
        await self._work_on(principal, run, [started, *settled(run, messages, calls)])

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
