"""The door to runs: start, follow, cancel, delete, drain.

A run belongs to this server, not to the socket that asked for it: readers come and go, the run goes on. And it does not
belong to this process alone: when a process dies, another one, or its own successor, takes its runs over.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from types import TracebackType
from uuid import UUID, uuid4

import structlog

from agent.assistant.source import Assistants
from agent.attempt.budgets import Budgets
from agent.attempt.presence import Absences
from agent.attempt.tenure import Tenure
from agent.context.gathering import Contexts
from agent.errors import RETRY_AFTER_S, DatabaseError, OverloadedError
from agent.events.schema import START, EventId, LoggedEvent
from agent.files.room import Files
from agent.log.contract import EventLog
from agent.loop.graph import build_loop
from agent.models.catalog import Catalog
from agent.models.health import Bounds, Health
from agent.principal import Principal
from agent.redis.downs import Downs
from agent.redis.lasting import lasting
from agent.runs.chores import chores
from agent.runs.decisions import Decisions
from agent.runs.executor import Executor
from agent.runs.folds import Folds
from agent.runs.handover import Handover
from agent.runs.lanes import Turns
from agent.runs.leases import Leases
from agent.runs.offers import Cluster, Offers
from agent.runs.page_answers import PageAnswers
from agent.runs.questions import Questions
from agent.runs.readers import Readers
from agent.runs.request import RunRequest
from agent.runs.roster import Roster
from agent.runs.shared_admission import SharedAdmission
from agent.runs.signals import Signal, Signals, Wakes
from agent.runs.starting import Starts
from agent.runs.stops import Stops
from agent.runs.submit import Submissions
from agent.runtime import Runtime
from agent.settings import RuntimeSettings
from agent.store.awaiting import awaited
from agent.store.database import Store
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
        cluster: Cluster | None = None,
        contexts: Contexts | None = None,
        files: Files | None = None,
    ) -> None:
        health = _open_health(cluster, settings)
        self._runtime = Runtime(
            *(store, log, catalog, assistants, build_loop(), Budgets(catalog), health),
            is_traced=settings.tracing,
            contexts=contexts,
            files=files,
        )
        self._log, self._settings, worker_id = log, settings, uuid4().hex
        self._shared, offers = _join(cluster, settings, worker_id=worker_id)
        self._roster = Roster(settings, self._shared)
        self._absences = Absences(wait_s=settings.auth_wait_s)
        self._tenure = Tenure(lost_after_s=settings.lease_lost_after_s, is_shared=store.is_shared)
        self._tasks, self._wakes = asyncio.TaskGroup(), Wakes()
        self._stops = Stops(self._runtime, self._roster, signals, self._wakes)
        self._folds = Folds(self._runtime, self._tasks, most=settings.max_summaries, worker_id=worker_id)
        self._executor = Executor(
            *(self._runtime, self._roster, self._tenure, self._absences, self._tasks, signals, self._wakes),
            settings=settings,
            worker_id=worker_id,
            folds=self._folds,
            offers=offers,
        )
        self._leases = Leases(
            self._runtime, self._roster, self._tenure, self._executor, worker_id=worker_id, settings=settings
        )
        self._questions = Questions(self._runtime, self._roster)
        self.decisions = Decisions(self._runtime, self._roster, self._absences, self._leases, worker_id=worker_id)
        self._readers = Readers(self._runtime, self._roster, self._absences, self.decisions, settings, offers)
        self.page_answers = PageAnswers(self._runtime, self._roster, self._absences, self._leases, worker_id=worker_id)
        submissions = Submissions(self._runtime, settings, self._roster, worker_id=worker_id)
        self.turns = Turns(store, self._stops)
        own = self._executor, self._leases
        self._starts = Starts(self._runtime, self._roster, self._absences, submissions, *own, self._stops)
        if offers is not None:
            shared = self._runtime, self._roster, self._tenure, self._absences
            Handover(*shared, *own, self._readers, offers, tasks=self._tasks, worker_id=worker_id)
        self._upkeep: list[asyncio.Task[None]] = []
        self._is_draining = False
        signals.listen(self._hear)

    @property
    def budgets(self) -> Budgets:
        """Return the budgets as this process knows of them, for what is asked for beside runs."""
        return self._runtime.budgets

    async def __aenter__(self) -> "Runner":
        await awaited(self._leases.renew)  # before there is a run: one whose worker has no lease is anybody's
        await self._tasks.__aenter__()
        upkeep = self._leases.upkeep(self.decisions.expire, self.decisions.resume_fronts, self.page_answers.expire)
        upkeep += chores(self._runtime, self._settings)
        if self._shared is not None:
            await self._shared.tell()
            upkeep.append(lasting(self._shared.run, name="places"))
        self._upkeep = [self._tasks.create_task(one) for one in upkeep]
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.drain()
        await self._tasks.__aexit__(exc_type, exc, traceback)
        if self._runtime.contexts is not None:
            await self._runtime.contexts.close()

    @property
    def is_ready(self) -> bool:
        """Whether messages can be taken: no shutdown is under way, and the last renewals were written. It asks nobody."""
        return not self._is_draining and self._leases.is_well

    @property
    def is_whole(self) -> bool:
        """Whether other processes, where there are any, can read what is written here. It asks nobody."""
        return self._log.is_well

    @property
    def processes(self) -> int:
        """How many processes there are, this one among them, as far as is known. It asks nobody."""
        return 1 if self._shared is None else self._shared.processes

    @property
    def is_draining(self) -> bool:
        """Whether the server is stopping and takes no new runs."""
        return self._is_draining

    async def start(self, principal: Principal, request: RunRequest) -> Run:
        """Store the message and its run in one transaction, start the run, and return it; see `Starts.start`."""
        if self._is_draining:
            raise OverloadedError("The server is restarting.", retry_after_s=RETRY_AFTER_S)
        return await self._starts.start(principal, request)

    def follow(self, principal: Principal, run: Run, *, after: EventId = START) -> AsyncGenerator[list[LoggedEvent]]:
        """Return a reader of a run that was just read or started as the principal's; see `Readers.follow`."""
        return self._readers.follow(principal, run, after=after)

    async def suggest(self, principal: Principal, message_id: UUID) -> tuple[str, ...]:
        """Return follow-up questions to an answer; see `Questions.suggest`.

        Raises:
            OverloadedError: the server is stopping.
        """
        if self._is_draining:
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
        """Delete a conversation and all that belongs to it, and stop what runs in it; see `Stops.delete`.

        Raises:
            NotFoundError: the principal has no such conversation.
        """
        await self._stops.delete(principal, conversation_id)

    async def drain(self) -> None:
        """Take no new runs, give the ones at work their grace time, then leave the rest to the next process."""
        if self._is_draining:
            return
        self._is_draining = True
        self._leases.stop_taking_over()
        self._folds.close()
        if self._shared is not None:
            self._shared.drain()
        if not await self._roster.idle(timeout_s=self._settings.shutdown_grace_s):
            logger.warning("runs_released_at_shutdown", runs=len(self._roster))
        self._folds.stop()
        self._roster.stop_all("released")
        is_idle = await self._roster.idle(timeout_s=RELEASE_WAIT_S)
        for held in self._roster:
            await held.writer.leave()
        for task in self._upkeep:
            task.cancel()
        if is_idle:
            await self._end_lease()
        if self._shared is not None:
            await self._shared.end()

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
        if signal.kind == "token":
            self._readers.lend(signal.run)


def _open_health(cluster: Cluster | None, settings: RuntimeSettings) -> Health:
    """Return what is known of models: to all processes together, where there are several."""
    bounds = Bounds(settings.model_failures, settings.model_failures_s, settings.model_pause_s)
    return Health(bounds, Downs(cluster.client) if cluster is not None else None)


def _join(
    cluster: Cluster | None, settings: RuntimeSettings, *, worker_id: str
) -> tuple[SharedAdmission | None, Offers | None]:
    """Return the gate and the letters of one process among many; nothing, where it is the only one or has no key."""
    if cluster is None:
        return None, None
    offers = Offers(cluster, cluster.keys, worker_id=worker_id) if cluster.keys is not None else None
    return SharedAdmission(cluster, settings, worker_id=worker_id), offers
