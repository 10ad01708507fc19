"""The door to runs: start, follow, cancel, delete, drain.

A run belongs to this server, not to the socket that asked for it: readers come and go, the run goes on. And it does not
belong to this process alone: when a process dies, another one, or its own successor, takes its runs over.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import ExitStack, suppress
from types import TracebackType
from uuid import UUID, uuid4

import structlog

from agent.assistant.source import Assistants
from agent.attempt.presence import Absences
from agent.attempt.snapshot import started as started_event
from agent.attempt.tenure import Tenure
from agent.attempt.unheld_ends import tell_withdrawn
from agent.errors import (
    RETRY_AFTER_S,
    DatabaseError,
    ForbiddenError,
    InvalidRequestError,
    OverloadedError,
    RateLimitedError,
    RequestError,
)
from agent.events.schema import START, EventId, LoggedEvent
from agent.failpoints import failpoint
from agent.log.contract import EventLog
from agent.loop.graph import build_loop
from agent.models.catalog import Catalog
from agent.principal import Principal, RunKey
from agent.runs.admission import Place
from agent.runs.decisions import Decisions
from agent.runs.executor import Executor
from agent.runs.leases import Leases
from agent.runs.page_answers import PageAnswers
from agent.runs.questions import Questions
from agent.runs.readers import Readers
from agent.runs.request import RunRequest
from agent.runs.roster import Roster
from agent.runs.signals import Signal, Signals, Wakes
from agent.runs.stops import Stops
from agent.runs.submit import Choice, Submissions, Submitted
from agent.runtime import Runtime
from agent.settings import RuntimeSettings
from agent.store.awaiting import awaited
from agent.store.database import Store, new_id
from agent.store.runs import Run

logger = structlog.get_logger()

RELEASE_WAIT_S = 0.5


class Runner:
    """All runs of this process. Enter it once, in the app's lifespan."""

    def __init__(
        self,
        *,
        store: Store,
        log: EventLog,
        signals: Signals,
        catalog: Catalog,
        assistants: Assistants,
        settings: RuntimeSettings,
    ) -> None:
        self._runtime = Runtime(store, log, catalog, assistants, build_loop(), is_traced=settings.tracing)
        self._store = store
        self._log = log
        self._settings = settings
        worker_id = uuid4().hex
        self._roster = Roster(settings)
        self._absences = Absences(wait_s=settings.auth_wait_s)
        self._tenure = Tenure(lost_after_s=settings.lease_lost_after_s, is_shared=store.is_shared)
        self._tasks = asyncio.TaskGroup()
        self._wakes = Wakes()
        self._stops = Stops(self._runtime, self._roster, signals, self._wakes)
        self._starts = Submissions(self._runtime, settings, self._roster, worker_id=worker_id)
        self._executor = Executor(
            self._runtime,
            self._roster,
            self._tenure,
            self._absences,
            self._tasks,
            signals,
            self._wakes,
            settings=settings,
            worker_id=worker_id,
        )
        self._leases = Leases(
            self._runtime, self._roster, self._tenure, self._executor, worker_id=worker_id, settings=settings
        )
        self._questions = Questions(self._runtime, self._roster)
        self.decisions = Decisions(self._runtime, self._roster, self._absences, self._leases, worker_id=worker_id)
        self._readers = Readers(self._runtime, self._roster, self._absences, self.decisions, settings)
        self.page_answers = PageAnswers(self._runtime, self._roster, self._absences, self._leases, worker_id=worker_id)
        self._upkeep: list[asyncio.Task[None]] = []
        self._draining = False
        signals.listen(self._hear)

    async def __aenter__(self) -> "Runner":
        await awaited(self._leases.renew)  # before there is a run: one whose worker has no lease is anybody's
        await self._tasks.__aenter__()
        upkeep = self._leases.upkeep(self.decisions.expire, self.page_answers.expire)
        self._upkeep = [self._tasks.create_task(one) for one in upkeep]
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
    def is_whole(self) -> bool:
        """Whether other processes, where there are any, can read what is written here. It asks nobody."""
        return self._log.is_well

    @property
    def draining(self) -> bool:
        """Whether the server is stopping and takes no new runs."""
        return self._draining

    async def start(self, principal: Principal, request: RunRequest) -> Run:
        """Store the message and its run in one transaction, start the run, and return it.

        An equal request with the same idempotency key gets the run that exists.

        Raises:
            InvalidRequestError: there is no such assistant, or the model is not one of its own.
            ForbiddenError: the principal's role may not use the assistant, or its token not the branch.
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
        request = await self._starts.locate(principal, request)
        try:
            choice = await self._starts.choose(principal, request)
        except (InvalidRequestError, ForbiddenError):
            if (equal := await self._starts.find(principal, request)) is not None:
                return equal
            raise
        is_admitted = self._roster.try_admit(principal)
        if not is_admitted:
            try:
                self._roster.check(Place(principal.tenant_id, principal.user_id, request.conversation_id))
            except (RateLimitedError, OverloadedError):
                if (equal := await self._starts.find(principal, request)) is not None:
                    return equal
                raise
        key = RunKey(principal.tenant_id, new_id())
        with ExitStack() as arriving:
            arriving.enter_context(self._roster.arriving(key))
            started = await self._store_start(principal, request, choice, key, arriving, is_admitted=is_admitted)
            if started.is_new:
                await self._begin(principal, started)
        return started.run

    async def _store_start(
        self,
        principal: Principal,
        request: RunRequest,
        choice: Choice,
        key: RunKey,
        stack: ExitStack,
        *,
        is_admitted: bool,
    ) -> Submitted:
        """Store a start, and give back what places it does not need."""
        started: Submitted | None = None
        try:
            started = await self._starts.commit(
                principal, request, choice, stack, run_id=key.run_id, may_begin=is_admitted
            )
            failpoint("start.after_commit")
            return started
        except BaseException as exc:
            if isinstance(exc, DatabaseError) or not isinstance(exc, RequestError):
                self._roster.leave_behind(key, principal)  # if it was stored after all; what was refused was not
            raise
        finally:
            if is_admitted and (started is None or not started.is_claimed):
                self._roster.give_back(principal)
            if started is None:
                self._roster.cancel_reservation(key)

    def follow(self, principal: Principal, run: Run, *, after: EventId = START) -> AsyncGenerator[list[LoggedEvent]]:
        """Return a reader of a run that was just read or started as the principal's; see `Readers.follow`."""
        return self._readers.follow(principal, run, after=after)

    async def suggest(self, principal: Principal, message_id: UUID) -> tuple[str, ...]:
        """Return follow-up questions to an answer; see `Questions.suggest`.

        Raises:
            OverloadedError: the server is stopping.
        """
        if self._draining:
            raise OverloadedError("The server is restarting.", retry_after_s=RETRY_AFTER_S)
        return await self._questions.suggest(principal, message_id)

    async def renew_credential(self, principal: Principal, run_id: UUID) -> Run:
        """Let a run go on with this principal's credential; see `Readers.renew_credential`."""
        return await self._readers.renew_credential(principal, run_id)

    @property
    def reader_count(self) -> int:
        """How many readers this process has."""
        return self._roster.reader_count

    async def cancel(self, principal: Principal, run_id: UUID) -> Run:
        """Stop a run, keep what it said, and return it as it is then. Stopping one that is over changes nothing.

        Raises:
            NotFoundError: the principal has no such run.
        """
        return await self._stops.cancel(principal, run_id)

    async def delete_conversation(self, principal: Principal, conversation_id: UUID) -> None:
        """Let a conversation and all that belongs to it be there no more, and stop what runs in it.

        From the commit on nobody sees any of it; upkeep removes the rows.

        Raises:
            NotFoundError: the principal has no such conversation.
        """
        await self._stops.delete(principal, conversation_id)

    async def drain(self) -> None:
        """Take no new runs, give the ones at work their grace time, then leave the rest to the next process."""
        if self._draining:
            return
        self._draining = True
        self._leases.stop_taking_over()
        if not await self._roster.idle(timeout_s=self._settings.shutdown_grace_s):
            logger.warning("runs_released_at_shutdown", runs=len(self._roster))
        self._roster.stop_all("released")
        is_idle = await self._roster.idle(timeout_s=RELEASE_WAIT_S)
        for held in self._roster:
            await held.writer.leave()
        for task in self._upkeep:
            task.cancel()
        if is_idle:
            await self._end_lease()

    def release(self) -> None:
        """End the grace time of `drain`: leave all runs to the next process now."""
        self._roster.stop_all("released")

    async def _end_lease(self) -> None:
        """Let the next process take over at once what is left. Where the database is away, the lease runs out."""
        with suppress(TimeoutError, DatabaseError):
            async with asyncio.timeout(RELEASE_WAIT_S):
                await self._leases.end()

    def _hear(self, signal: Signal) -> None:
        """Look at the rows that a signal is about. It may be about a run that nobody here knows."""
        self._wakes.wake(signal.run, (signal.run.tenant_id, signal.conversation_id))
        if signal.kind == "stop" and self._roster.find(signal.run) is not None:
            self._leases.compare_now()
        if signal.kind == "free":
            self._leases.recover_now()
        if signal.kind == "over":
            self._log.expect_nothing(signal.run)

    async def _begin(self, principal: Principal, started: Submitted) -> None:
        """Take a new run into this process, and stop what it takes the place of."""
        run = started.run
        self._executor.hold(
            principal, run, [started_event(run)], transcript=started.transcript, is_admitted=started.is_claimed
        )
        if started.resumed is not None:
            await self._leases.go_on(principal, started.resumed)
        if started.withdrawn is not None:
            await tell_withdrawn(self._store, self._log, principal, started.withdrawn)
        for run_id in started.earlier:
            if (earlier := self._roster.find(RunKey(principal.tenant_id, run_id))) is not None:
                earlier.stopper.stop("cancelled")
            else:
                await self._stops.ask(principal, run_id)
