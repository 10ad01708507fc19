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
from agent.errors import RETRY_AFTER_S, DatabaseError, FrontdeskError, OverloadedError, RateLimitedError, RequestError
from agent.events import START, AnyEvent, EventId, LoggedEvent, RunStarted
from agent.failpoints import failpoint
from agent.graph import build_loop
from agent.journal import Journal
from agent.leases import Leases
from agent.log.memory import MemoryLog, RunKey
from agent.models.catalog import Catalog
from agent.places import place_of
from agent.presence import Absences
from agent.readers import Readers, read_run
from agent.roster import Place, Roster
from agent.settings import RuntimeSettings
from agent.start import RunRequest, Started, Starts
from agent.stop import StoppedError, StopReason
from agent.store.database import Store, new_id
from agent.store.deletion import hide_conversation
from agent.store.runs import (
    UNFINISHED,
    Run,
    cancel_run,
    claim_run,
    resume_run,
)
from agent.tenure import Tenure
from agent.toolkit import Tool
from agent.turn import Transcript
from agent.work import HeldRun, Parts, bring_to_end, end_stopped

logger = structlog.get_logger()

STOP_WAIT_S = 10.0
"""How long a cancel waits for the run's end before it answers with the run as it is."""
RELEASE_WAIT_S = 0.5
OTHER_PROCESS_POLL_S = 0.5
"""How often a run looks again when an earlier turn of its conversation is with another process."""


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
        settings: RuntimeSettings,
    ) -> None:
        self._parts = Parts(store, log, catalog, assistant, tools, build_loop(), is_traced=settings.tracing)
        self._store = store
        self._log = log
        self._settings = settings
        self._worker_id = uuid4().hex
        self._admission = Admission(
            most=settings.max_runs,
            most_per_tenant=settings.max_runs_per_tenant,
            most_per_user=settings.max_runs_per_user,
        )
        self._roster = Roster(settings)
        self._held = self._roster.held
        self._absences = Absences(wait_s=settings.auth_wait_s)
        self._tenure = Tenure(lost_after_s=settings.lease_lost_after_s, is_shared=store.is_shared)
        self._starts = Starts(self._parts, settings, self._roster.queue, worker_id=self._worker_id)
        self._readers = Readers(self._parts, self._held, self._absences, recovery_wait_s=settings.recovery_wait_s)
        self._leases = Leases(
            self._parts,
            self._roster,
            self._tenure,
            worker_id=self._worker_id,
            settings=settings,
            offered=self._readers.offered,
            work_on=self._work_on,
        )
        self._tasks = asyncio.TaskGroup()
        self._upkeep: list[asyncio.Task[None]] = []
        self._draining = False

    async def __aenter__(self) -> "Runner":
        await self._leases.renew()  # before there is a run: one whose worker has no lease is anybody's
        await self._tasks.__aenter__()
        self._upkeep = [self._tasks.create_task(upkeep) for upkeep in self._leases.upkeep()]
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.drain()
        await self._tasks.__aexit__(exc_type, exc, traceback)

    @property
    def is_ready(self) -> bool:
        """Whether messages can be taken: no shutdown is under way, and the last renewals were written. It asks nobody."""
        return not self._draining and self._leases.is_well

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
            RateLimitedError: too many runs of the conversation, the user or the tenant wait.
            OverloadedError: too many runs wait, or the server is stopping.
        """
        if self._draining:
            raise OverloadedError("The server is restarting.", retry_after_s=RETRY_AFTER_S)
        self._absences.end(principal.tenant_id, principal.user_id)
        model = self._parts.catalog.resolve(self._parts.assistant, request.model)
        is_admitted = self._admission.try_enter(principal.tenant_id, principal.user_id)
        if not is_admitted:
            try:
                self._roster.queue.check(Place(principal.tenant_id, principal.user_id, request.conversation_id))
            except (RateLimitedError, OverloadedError):
                if (equal := await self._starts.find(principal, request)) is not None:
                    return equal
                raise
        return await self._start(principal, request, model, is_admitted=is_admitted)

    async def _start(self, principal: Principal, request: RunRequest, model: str, *, is_admitted: bool) -> Run:
        """Store and begin a run that has its place at work already where it `is_admitted`."""
        key = RunKey(principal.tenant_id, new_id())
        self._roster.arriving.add(key)
        started: Started | None = None
        try:
            started = await self._starts.commit(principal, request, model, run_id=key.run_id, may_begin=is_admitted)
            failpoint("start.after_commit")
        except BaseException as exc:
            if isinstance(exc, DatabaseError) or not isinstance(exc, RequestError):
                self._leases.leave(key, principal)  # if it was stored after all; what was refused was not
            raise
        finally:
            if is_admitted and (started is None or not started.is_claimed):
                self._admission.leave(principal.tenant_id, principal.user_id)
            if started is None:
                self._roster.queue.leave(key)
                self._roster.arriving.discard(key)
        try:
            if started.is_new:
                await self._begin(principal, started)
        finally:
            self._roster.arriving.discard(key)
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
        if not self._held:
            await self._end_lease()

    def release(self) -> None:
        """End the grace time of `drain`: leave all runs to the next process now."""
        self._stop_all("released")

    async def _wait_until_idle(self, timeout_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self._held:
                    await next(iter(self._held.values())).over.wait()

    async def _end_lease(self) -> None:
        """Let the next process take over at once what is left. Where the database is away, the lease runs out."""
        with suppress(TimeoutError, DatabaseError):
            async with asyncio.timeout(RELEASE_WAIT_S):
                await self._leases.end()

    def _stop_all(self, reason: StopReason) -> None:
        for held in list(self._held.values()):
            held.stopper.stop(reason)

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
        self,
        principal: Principal,
        run: Run,
        events: Sequence[AnyEvent],
        *,
        transcript: Transcript | None = None,
        counts_attempt: bool = True,
    ) -> None:
        """Hold a run from now on: its log goes on with these events, then its work begins.

        One that comes with its transcript is claimed and admitted already.
        """
        absence = self._absences.of(principal.tenant_id, principal.user_id) if principal.credential is None else None
        held = HeldRun(
            RunPrincipal(principal, wait_s=self._settings.auth_wait_s, absence=absence),
            run,
            Journal(self._store, self._log, self._tenure, principal=principal, run=run),
            is_admitted=transcript is not None,
            transcript=transcript,
            counts_attempt=counts_attempt,
        )
        self._roster.add(held)
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
            except DatabaseError as exc:
                self._leave(held, exc)
            except FrontdeskError as exc:
                logger.warning("run_lost", reason=type(exc).__name__)
                self._log.leave(held.key)
            except StoppedError:
                pass  # it was stopped while it waited, and is dealt with
            except Exception as exc:  # noqa: BLE001 (the run's boundary: one run must not take others with it)
                self._leave(held, exc)
            finally:
                self._let_go(held)

    def _leave(self, held: HeldRun, exc: Exception) -> None:
        """Leave a run without an end, because the database did not take what came next. It is taken up again."""
        logger.error("run_end_failed", error=type(exc).__name__, where=place_of(exc))
        self._leases.leave(held.key, held.principal.current)
        self._log.leave(held.key)

    def _let_go(self, held: HeldRun) -> None:
        if held.is_admitted:
            self._admission.leave(held.key.tenant_id, held.principal.current.user_id)
        if held.unread is not None:
            held.unread.cancel()
        metrics.runs_active.dec()
        self._roster.remove(held)

    async def _wait_and_claim(self, held: HeldRun) -> None:
        """Return when the run is claimed and admitted.

        Raises:
            StoppedError: it was stopped meanwhile; its end is written.
        """
        place = held.key.tenant_id, held.principal.current.user_id
        try:
            while not held.is_admitted:
                with held.stopper.stoppable():
                    # Each waits for the one right before it, so an end wakes one run, however many wait behind.
                    while (earlier := self._roster.before(held)) is not None:
                        await earlier.over.wait()
                    await self._admission.enter(*place)
                    self._roster.admit(held)
                if not await self._claim(held):
                    self._admission.leave(*place)
                    self._roster.wait(held)
                    with held.stopper.stoppable():
                        await asyncio.sleep(OTHER_PROCESS_POLL_S)
        except StoppedError as stopped:
            await end_stopped(self._parts, held, stopped.reason)
            raise

    async def _claim(self, held: HeldRun) -> bool:
        async with self._store.write() as connection:
            if held.run.state == "running":  # it was at work before
                claimed = await resume_run(connection, *held.key, attempt=held.run.attempt, counts=held.counts_attempt)
            else:
                claimed = await claim_run(connection, *held.key, worker_id=self._worker_id)
            failpoint("claim.before_commit")
        failpoint("claim.after_commit")
        return claimed
