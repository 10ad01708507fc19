"""Runs from start to end: start, follow, cancel, drain. The only place that starts tasks.

A run belongs to this server, not to the socket that asked for it: readers come and go, the run goes on. And it does not
belong to this process alone: when a process dies, another one, or its own successor, takes its runs over.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from uuid import UUID, uuid4

import structlog

from agent import metrics
from agent.admission import Admission
from agent.assistant import Assistant
from agent.context import Principal
from agent.credentials import RunPrincipal
from agent.errors import (
    FrontdeskError,
    OverloadedError,
)
from agent.events import START, AnyEvent, EventId, LoggedEvent, RunStarted
from agent.failpoints import failpoint
from agent.graph import build_loop
from agent.journal import Journal
from agent.leases import Leases
from agent.log.memory import MemoryLog, RunKey
from agent.models.catalog import Catalog
from agent.places import place_of
from agent.readers import Readers, read_run
from agent.settings import Settings
from agent.start import RunRequest, Started, Starts
from agent.stop import StoppedError, StopReason
from agent.store.database import Store
from agent.store.deletion import hide_conversation
from agent.store.runs import (
    UNFINISHED,
    Run,
    cancel_run,
    claim_run,
    resume_run,
)
from agent.toolkit import Tool
from agent.turn import Transcript
from agent.work import HeldRun, Parts, bring_to_end, end_stopped

logger = structlog.get_logger()

STOP_WAIT_S = 10.0
"""How long a cancel waits for the run's end before it answers with the run as it is."""
RELEASE_WAIT_S = 0.5
OTHER_PROCESS_POLL_S = 0.5
"""How often a run looks again when an earlier turn of its conversation is with another process."""
RETRY_AFTER_S = 5


class Runner:
    """All runs of this process. Enter it once, in the app's lifespan."""

    def __init__(
        self,
        *,
        store: Store,
        log: MemoryLog,
        catalog: Catalog,
        assistant: Assistant,
        tools: Mapping[str, Tool],
        settings: Settings,
    ) -> None:
        self._parts = Parts(store, log, catalog, assistant, tools, build_loop(), is_traced=settings.tracing)
        self._store = store
        self._log = log
        self._settings = settings
        self._worker_id = uuid4().hex
        self._admission = Admission(most=settings.max_runs, most_per_tenant=settings.max_runs_per_tenant)
        self._held: dict[RunKey, HeldRun] = {}
        self._starts = Starts(self._parts, settings, worker_id=self._worker_id, check_queue=self._check_queue)
        self._readers = Readers(self._parts, self._held, recovery_wait_s=settings.recovery_wait_s)
        self._leases = Leases(
            self._parts,
            self._held,
            worker_id=self._worker_id,
            settings=settings,
            offered=self._readers.offered,
            work_on=self._work_on,
        )
        self._tasks = asyncio.TaskGroup()
        self._upkeep: list[asyncio.Task[None]] = []
        self._draining = False

    async def __aenter__(self) -> "Runner":
        await self._tasks.__aenter__()
        self._upkeep = [self._tasks.create_task(upkeep) for upkeep in self._leases.upkeep()]
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.drain()
        await self._tasks.__aexit__(exc_type, exc, traceback)

    @property
    def draining(self) -> bool:
        """Whether the server is stopping and takes no new runs."""
        return self._draining

    async def start(self, principal: Principal, request: RunRequest) -> Run:
        """Store the message and its run in one transaction, start the run, and return it.

        An equal request with the same idempotency key gets the run that exists.

        Raises:
            InvalidRequestError: the model is not one of the assistant's.
            NotFoundError: the principal has no such conversation, or it has no such message to replace.
            SupersededError: that message was replaced before.
            RunActiveError: the conversation has an active run, and the policy is to refuse.
            IdempotencyMismatchError: the key was used for another request.
            OverloadedError: too many runs wait, or the server is stopping.
        """
        if self._draining:
            raise OverloadedError("The server is restarting.", retry_after_s=RETRY_AFTER_S)
        model = self._parts.catalog.resolve(self._parts.assistant, request.model)
        tenant_id = principal.tenant_id
        is_admitted = self._admission.try_enter(tenant_id)
        started: Started | None = None
        try:
            if not is_admitted:
                self._check_queue()
            started = await self._starts.commit(principal, request, model, may_begin=is_admitted)
        finally:
            if is_admitted and (started is None or not started.is_claimed):
                self._admission.leave(tenant_id)
        failpoint("start.after_commit")
        if started.is_new:
            await self._begin(principal, started)
        return started.run

    def follow(self, principal: Principal, run: Run, *, after: EventId = START) -> AsyncGenerator[list[LoggedEvent]]:
        """Return a reader of a run that was just read or started as the principal's; see `Readers.follow`."""
        return self._readers.follow(principal, run, after=after)

    async def renew_credential(self, principal: Principal, run_id: UUID) -> Run:
        """Let a run go on with this principal's credential; see `Readers.renew_credential`."""
        return await self._readers.renew_credential(principal, run_id)

    @property
    def reader_count(self) -> int:
        """How many readers this process has."""
        return self._readers.count

    async def cancel(self, principal: Principal, run_id: UUID) -> Run:
        """Stop a run, keep what it said, and return it as it is then. Stopping one that is over changes nothing.

        Raises:
            NotFoundError: the principal has no such run.
        """
        run = await read_run(self._store, principal, run_id)
        key = RunKey(principal.tenant_id, run_id)
        if (held := self._held.get(key)) is not None:
            held.stopper.stop("cancelled")
            with suppress(TimeoutError):
                async with asyncio.timeout(STOP_WAIT_S):
                    await held.over.wait()
            run = await read_run(self._store, principal, run_id)
        if run.state in UNFINISHED and key not in self._held:
            await self._cancel_elsewhere(principal, run_id)
            run = await read_run(self._store, principal, run_id)
        return run

    async def delete_conversation(self, principal: Principal, conversation_id: UUID) -> None:
        """Let a conversation and all that belongs to it be there no more, and stop what runs in it.

        From the commit on nobody sees any of it; upkeep removes the rows.

        Raises:
            NotFoundError: the principal has no such conversation.
        """
        async with self._store.write() as connection:
            ended = await hide_conversation(connection, principal, conversation_id)
        here = []
        for key in (RunKey(principal.tenant_id, run_id) for run_id in ended):
            metrics.runs_ended.labels("cancelled", "").inc()
            if (held := self._held.get(key)) is not None:
                held.stopper.stop("deleted")
                here.append(held)
            else:
                self._log.leave(key)
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_WAIT_S):
                for held in here:
                    await held.over.wait()

    async def drain(self) -> None:
        """Take no new runs, give the ones at work their grace time, then leave the rest to the next process."""
        if self._draining:
            return
        self._draining = True
        self._leases.stop_taking_over()
        await self._wait_until_idle(self._settings.shutdown_grace_s)
        if self._held:
            logger.warning("runs_released_at_shutdown", runs=len(self._held))
        self._stop_all("released")
        await self._wait_until_idle(RELEASE_WAIT_S)
        self._log.leave_all()
        for task in self._upkeep:
            task.cancel()

    def release(self) -> None:
        """End the grace time of `drain`: leave all runs to the next process now."""
        self._stop_all("released")

    async def _wait_until_idle(self, timeout_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self._held:
                    await next(iter(self._held.values())).over.wait()

    def _stop_all(self, reason: StopReason) -> None:
        for held in list(self._held.values()):
            held.stopper.stop(reason)

    def _check_queue(self) -> None:
        waiting = sum(not held.is_admitted for held in self._held.values())
        if waiting >= self._settings.max_queued_runs:
            raise OverloadedError("Too many messages are waiting to be answered.", retry_after_s=RETRY_AFTER_S)

    async def _cancel_elsewhere(self, principal: Principal, run_id: UUID) -> None:
        """End a run that this process does not hold: its own died, or will find out at its next write."""
        async with self._store.write() as connection:
            cancelled = await cancel_run(connection, principal, run_id)
        if cancelled:
            metrics.runs_ended.labels("cancelled", "").inc()
            self._log.leave(RunKey(principal.tenant_id, run_id))

    async def _begin(self, principal: Principal, started: Started) -> None:
        """Take a new run into this process: its log begins, then its work."""
        run = started.run
        event = RunStarted(str(run.conversation_id), str(run.id), str(run.message_id))
        await self._work_on(principal, run, [event], transcript=started.transcript)
        for run_id in started.earlier:
            if (earlier := self._held.get(RunKey(principal.tenant_id, run_id))) is not None:
                earlier.stopper.stop("cancelled")
            else:
                await self._cancel_elsewhere(principal, run_id)

    async def _work_on(
        self, principal: Principal, run: Run, events: Sequence[AnyEvent], *, transcript: Transcript | None = None
    ) -> None:
        """Hold a run from now on: its log goes on with these events, then its work begins.

        One that comes with its transcript is claimed and admitted already.
        """
        run_principal = RunPrincipal(principal, wait_s=self._settings.auth_wait_s)
        journal = Journal(self._store, self._log, principal, run)
        held = HeldRun(run_principal, run, journal, is_admitted=transcript is not None, transcript=transcript)
        self._held[held.key] = held
        metrics.runs_active.inc()
        for event in events:
            await held.journal.emit(event)
        self._tasks.create_task(self._live(held))
        self._readers.watch(held.key)

    async def _live(self, held: HeldRun) -> None:
        """Wait for the run's turn, bring it to its end, let it go."""
        with structlog.contextvars.bound_contextvars(tenant=held.key.tenant_id, run=str(held.run.id)):
            try:
                await self._wait_and_claim(held)
                await bring_to_end(self._parts, held)
            except FrontdeskError as exc:
                logger.warning("run_lost", reason=type(exc).__name__)
                self._log.leave(held.key)
            except StoppedError:
                pass  # it was stopped while it waited, and is dealt with
            except Exception as exc:  # noqa: BLE001 (the run's boundary: one run must not take others with it)
                # The database did not take the end. The lease runs out, and the run is taken over or failed.
                logger.error("run_end_failed", error=type(exc).__name__, where=place_of(exc))
                self._log.leave(held.key)
            finally:
                self._let_go(held)

    def _let_go(self, held: HeldRun) -> None:
        if held.is_admitted:
            self._admission.leave(held.key.tenant_id)
        self._held.pop(held.key, None)
        if held.unread is not None:
            held.unread.cancel()
        metrics.runs_active.dec()
        held.over.set()

    async def _wait_and_claim(self, held: HeldRun) -> None:
        """Return when the run is claimed and admitted.

        Raises:
            StoppedError: it was stopped meanwhile; its end is written.
        """
        tenant_id = held.key.tenant_id
        try:
            while not held.is_admitted:
                with held.stopper.stoppable():
                    await self._wait_for_earlier(held)
                    await self._admission.enter(tenant_id)
                    held.is_admitted = True
                if not await self._claim(held):
                    self._admission.leave(tenant_id)
                    held.is_admitted = False
                    with held.stopper.stoppable():
                        await asyncio.sleep(OTHER_PROCESS_POLL_S)
        except StoppedError as stopped:
            await end_stopped(self._parts, held, stopped.reason)
            raise

    async def _wait_for_earlier(self, held: HeldRun) -> None:
        """Wait until this process holds no earlier turn of the same conversation."""
        while True:
            earlier = [
                other
                for other in self._held.values()
                if other.run.conversation_id == held.run.conversation_id and other.run.turn < held.run.turn
            ]
            if not earlier:
                return
            await earlier[0].over.wait()

    async def _claim(self, held: HeldRun) -> bool:
        async with self._store.write() as connection:
            if held.run.state == "running":  # it was at work when its process died
                claimed = await resume_run(connection, *held.key, attempt=held.run.attempt)
            else:
                claimed = await claim_run(connection, *held.key, worker_id=self._worker_id)
            failpoint("claim.before_commit")
        failpoint("claim.after_commit")
        return claimed
