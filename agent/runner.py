"""Runs from start to end: start, attach, cancel, recover, drain. The only place that starts tasks.

A run belongs to this server, not to the socket that asked for it: readers come and go, the run goes on. And it does not
belong to this process alone: when a process dies, another one, or its own successor, takes its runs over.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Any
from uuid import UUID, uuid4

import structlog

from agent import metrics
from agent.admission import Admission
from agent.assistant import Assistant, CancelAfter, WhenActive
from agent.context import Principal
from agent.credentials import RunPrincipal
from agent.errors import (
    FrontdeskError,
    IdempotencyMismatchError,
    InterruptedRunError,
    LogTrimmedError,
    OverloadedError,
    RunActiveError,
)
from agent.events import START, AnyEvent, ErrorRaised, EventId, LogClosed, LoggedEvent, RunEnded, RunStarted, Usage
from agent.failpoints import failpoint
from agent.graph import build_loop
from agent.journal import Journal
from agent.log.memory import MemoryLog, RunKey, next_batch
from agent.models.catalog import Catalog
from agent.settings import Settings
from agent.snapshot import from_log, from_transcript, settled
from agent.stop import StoppedError, StopReason
from agent.store.conversations import (
    create_conversation,
    delete_conversation,
    get_conversation,
    lock_conversation,
    title_from,
)
from agent.store.database import Store, Transaction
from agent.store.messages import NewMessage, append_messages, run_messages
from agent.store.runs import (
    UNFINISHED,
    KeyTakenError,
    NewRun,
    Run,
    RunName,
    abandoned_runs,
    cancel_run,
    claim_run,
    fail_run,
    find_run_by_key,
    get_run,
    insert_run,
    renew_leases,
    take_over,
    unfinished_runs,
)
from agent.store.tool_calls import list_calls
from agent.toolkit import Tool
from agent.work import HeldRun, Parts, bring_to_end, end_stopped, place_of

logger = structlog.get_logger()

STOP_WAIT_S = 10.0
"""How long a cancel waits for the run's end before it answers with the run as it is."""
RELEASE_WAIT_S = 0.5
OTHER_PROCESS_POLL_S = 0.5
"""How often a run looks again when an earlier turn of its conversation is with another process."""
RETRY_AFTER_S = 5


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A user's message and what belongs to it. Everything is checked already, except that ids exist."""

    message: str
    conversation_id: UUID | None = None
    model: str | None = None
    branch_id: int | str | None = None
    page: dict[str, Any] | None = None
    when_active: WhenActive | None = None
    idempotency_key: str | None = None
    request_hash: str | None = None


@dataclass(frozen=True, slots=True)
class _Started:
    """What the transaction of a start came to."""

    run: Run
    is_new: bool = True
    is_claimed: bool = False
    earlier: tuple[UUID, ...] = ()


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
        self._parts = Parts(store, log, catalog, assistant, tools, build_loop())
        self._store = store
        self._log = log
        self._settings = settings
        self._worker_id = uuid4().hex
        self._admission = Admission(most=settings.max_runs, most_per_tenant=settings.max_runs_per_tenant)
        self._held: dict[RunKey, HeldRun] = {}
        self._offered: dict[RunKey, Principal] = {}
        """Credentials of readers that wait for a run to be taken over."""
        self._tasks = asyncio.TaskGroup()
        self._upkeep: list[asyncio.Task[None]] = []
        self._readers: Counter[RunKey] = Counter()
        self._draining = False

    async def __aenter__(self) -> "Runner":
        await self._tasks.__aenter__()
        settings = self._settings
        self._upkeep = [
            self._tasks.create_task(self._repeat(self._renew, every_s=settings.renew_every_s)),
            self._tasks.create_task(self._repeat(self._give_up_unrenewed, every_s=settings.reap_every_s)),
            self._tasks.create_task(self._repeat(self._recover, every_s=settings.reap_every_s)),
        ]
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
            NotFoundError: the principal has no such conversation.
            RunActiveError: the conversation has an active run, and the policy is to refuse.
            IdempotencyMismatchError: the key was used for another request.
            OverloadedError: too many runs wait, or the server is stopping.
        """
        if self._draining:
            raise OverloadedError("The server is restarting.", retry_after_s=RETRY_AFTER_S)
        model = self._parts.catalog.resolve(self._parts.assistant, request.model)
        tenant_id = principal.tenant_id
        is_admitted = self._admission.try_enter(tenant_id)
        started: _Started | None = None
        try:
            if not is_admitted:
                self._check_queue()
            try:
                started = await self._commit_start(principal, request, model, may_begin=is_admitted)
            except KeyTakenError:
                started = await self._commit_start(principal, request, model, may_begin=is_admitted)
        finally:
            if is_admitted and (started is None or not started.is_claimed):
                self._admission.leave(tenant_id)
        failpoint("start.after_commit")
        if started.is_new:
            await self._begin(principal, started)
        return started.run

    async def attach(
        self, principal: Principal, run_id: UUID, *, after: EventId = START
    ) -> AsyncGenerator[list[LoggedEvent]]:
        """Return a reader of the run's events after `after`. Closing it does not touch the run.

        A reader that asks for what the log does not have gets a snapshot first, never a gap. A run that is not over
        goes on with the reader's credential: it is the same user's, and the newest.

        Raises:
            NotFoundError: the principal has no such run. Raised here, not by the reader.
        """
        run = await self._read(principal, run_id)
        key = RunKey(principal.tenant_id, run_id)
        self._renew_credential(key, principal)
        return self._counted(key, self._follow(principal, run, after))

    async def renew_credential(self, principal: Principal, run_id: UUID) -> Run:
        """Let a run go on with this principal's credential.

        Raises:
            NotFoundError: the principal has no such run.
        """
        run = await self._read(principal, run_id)
        self._renew_credential(RunKey(principal.tenant_id, run_id), principal)
        return run

    async def cancel(self, principal: Principal, run_id: UUID) -> Run:
        """Stop a run, keep what it said, and return it as it is then. Stopping one that is over changes nothing.

        Raises:
            NotFoundError: the principal has no such run.
        """
        run = await self._read(principal, run_id)
        key = RunKey(principal.tenant_id, run_id)
        if (held := self._held.get(key)) is not None:
            held.stopper.stop("cancelled")
            with suppress(TimeoutError):
                async with asyncio.timeout(STOP_WAIT_S):
                    await held.over.wait()
            run = await self._read(principal, run_id)
        if run.state in UNFINISHED and key not in self._held:
            await self._cancel_elsewhere(principal, run_id)
            run = await self._read(principal, run_id)
        return run

    async def delete_conversation(self, principal: Principal, conversation_id: UUID) -> None:
        """Stop what runs in a conversation, then delete it with all that was said.

        Raises:
            NotFoundError: the principal has no such conversation.
        """
        async with self._store.read() as connection:
            await get_conversation(connection, principal, conversation_id)
            unfinished = await unfinished_runs(connection, principal, conversation_id)
        for run_id in reversed(unfinished):  # the waiting ones first, or they would begin
            await self.cancel(principal, run_id)
        async with self._store.write() as connection:
            await delete_conversation(connection, principal, conversation_id)

    async def drain(self) -> None:
        """Take no new runs, give the ones at work their grace time, then leave the rest to the next process."""
        if self._draining:
            return
        self._draining = True
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

    def _renew_credential(self, key: RunKey, principal: Principal) -> None:
        if (held := self._held.get(key)) is not None:
            held.principal.renew(principal)

    async def _read(self, principal: Principal, run_id: UUID) -> Run:
        async with self._store.read() as connection:
            return await get_run(connection, principal, run_id)

    async def _commit_start(
        self, principal: Principal, request: RunRequest, model: str, *, may_begin: bool
    ) -> _Started:
        async with self._store.write() as connection:
            found = await self._find_equal(connection, principal, request)
            if found is not None:
                return _Started(found, is_new=False)
            earlier = await self._earlier(connection, principal, request)
            conversation_id = request.conversation_id or await create_conversation(
                connection, principal, title=title_from(request.message)
            )
            new = NewRun(
                conversation_id,
                model,
                self._worker_id,
                self._settings.lease_s,
                branch_id=request.branch_id,
                page=request.page,
                idempotency_key=request.idempotency_key,
                request_hash=request.request_hash,
            )
            run = await insert_run(connection, principal, new)
            message = NewMessage("user", request.message, step=0)
            await append_messages(connection, principal, conversation_id, run_id=run.id, turn=run.turn, new=[message])
            is_claimed = may_begin and await claim_run(
                connection, principal.tenant_id, run.id, worker_id=self._worker_id
            )
            if not is_claimed:
                self._check_queue()
            failpoint("start.before_commit")
        return _Started(run, is_claimed=is_claimed, earlier=tuple(earlier))

    async def _find_equal(self, connection: Transaction, principal: Principal, request: RunRequest) -> Run | None:
        if request.idempotency_key is None:
            return None
        keep = timedelta(seconds=self._settings.idempotency_keep_s)
        found = await find_run_by_key(connection, principal, request.idempotency_key, keep=keep)
        if found is not None and found.request_hash != request.request_hash:
            raise IdempotencyMismatchError("The Idempotency-Key was used with another body.")
        return found

    async def _earlier(self, connection: Transaction, principal: Principal, request: RunRequest) -> list[UUID]:
        """Return the unfinished runs that the new one has to stop.

        Raises:
            RunActiveError: there is one, and the policy is to refuse the message.
        """
        policy = request.when_active or self._parts.assistant.when_active
        if request.conversation_id is None or policy == "enqueue":
            return []
        await lock_conversation(connection, principal.tenant_id, request.conversation_id)  # others decide after this
        unfinished = await unfinished_runs(connection, principal, request.conversation_id)
        if unfinished and policy == "reject":
            raise RunActiveError("The last message is still being answered.", run_id=unfinished[0])
        return unfinished

    async def _begin(self, principal: Principal, started: _Started) -> None:
        """Take a new run into this process: its log begins, then its work."""
        run = started.run
        held = self._hold(principal, run)
        held.is_admitted = started.is_claimed
        await held.journal.emit(RunStarted(str(run.conversation_id), str(run.id), str(run.message_id)))
        self._tasks.create_task(self._live(held))
        self._watch_readers(held.key)
        for run_id in started.earlier:
            if (earlier := self._held.get(RunKey(principal.tenant_id, run_id))) is not None:
                earlier.stopper.stop("cancelled")
            else:
                await self._cancel_elsewhere(principal, run_id)

    def _hold(self, principal: Principal, run: Run) -> HeldRun:
        run_principal = RunPrincipal(principal, wait_s=self._settings.auth_wait_s)
        held = HeldRun(run_principal, run, Journal(self._store, self._log, principal, run))
        self._held[held.key] = held
        metrics.runs_active.inc()
        return held

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
        if held.run.state == "running":
            return True  # it was at work when its process died
        async with self._store.write() as connection:
            claimed = await claim_run(connection, held.key.tenant_id, held.run.id, worker_id=self._worker_id)
            failpoint("claim.before_commit")
        failpoint("claim.after_commit")
        return claimed

    async def _counted(
        self, key: RunKey, reader: AsyncGenerator[list[LoggedEvent]]
    ) -> AsyncGenerator[list[LoggedEvent]]:
        """Yield what the reader yields; know meanwhile that somebody reads."""
        self._readers[key] += 1
        self._watch_readers(key)
        try:
            async with aclosing(reader) as batches:
                async for batch in batches:
                    yield batch
        finally:
            self._readers[key] -= 1
            if not self._readers[key]:
                del self._readers[key]
            self._watch_readers(key)

    def _watch_readers(self, key: RunKey) -> None:
        """Stop the run if nobody reads it for as long as the assistant says."""
        held, policy = self._held.get(key), self._parts.assistant.on_disconnect
        if held is None or not isinstance(policy, CancelAfter):
            return
        if held.unread is not None:
            held.unread.cancel()
            held.unread = None
        if not self._readers[key]:
            loop = asyncio.get_running_loop()
            held.unread = loop.call_later(policy.cancel_after_s, held.stopper.stop, "cancelled")

    async def _follow(self, principal: Principal, run: Run, after: EventId) -> AsyncGenerator[list[LoggedEvent]]:
        key = RunKey(principal.tenant_id, run.id)
        if run.state in UNFINISHED:
            await self._is_here(key, principal)
        found = False
        with suppress(LogTrimmedError):
            async for batch in self._log.follow(key, after=after):
                found = True
                yield batch
            if found or self._log.last(key) is not None:
                return  # else it asked for what comes after the close, whose id nobody was given
        try:
            snapshot = from_log(await self._log.read(key))
        except LogTrimmedError:
            events = await self._transcript(principal, run.id, after)
            while events:
                yield (batch := next_batch(events, 0))
                events = events[len(batch) :]
            return  # without events another process has the run; the reader comes back
        yield snapshot
        with suppress(LogTrimmedError):  # the reader was so slow that the log is gone; it comes back
            async for batch in self._log.follow(key, after=snapshot[-1].id):
                yield batch

    async def _is_here(self, key: RunKey, principal: Principal) -> bool:
        """Say whether this process has the run's log; wait a while for a takeover, with the reader's credential."""
        self._offered[key] = principal
        try:
            is_here = await self._log.opened(key, timeout_s=self._settings.recovery_wait_s)
        finally:
            if self._offered.get(key) is principal:
                del self._offered[key]
        self._renew_credential(key, principal)  # it may have come after the takeover had looked
        return is_here

    async def _transcript(self, principal: Principal, run_id: UUID, after: EventId) -> list[LoggedEvent]:
        """Return an ended run's events from the database: those after `after`, or all where it is none of theirs."""
        async with self._store.read() as connection:
            run = await get_run(connection, principal, run_id)
            messages = await run_messages(connection, principal, run_id)
            calls = await list_calls(connection, principal, run_id)
        if run.state in UNFINISHED:
            return []
        events = from_transcript(run, messages, calls)
        seen = [logged.id for logged in events[:-1]]
        return events[seen.index(after) + 1 :] if after in seen else events

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
        async with limit, self._store.write(is_urgent=True) as connection:
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

    async def _recover(self) -> None:
        """Take over, or fail, the runs that nobody works on any more."""
        if self._draining:
            return
        async with self._store.read() as connection:
            abandoned = await abandoned_runs(connection)
        for name in abandoned:
            if RunKey(*name) not in self._held:
                await self._take_over(name)

    async def _take_over(self, name: RunName) -> None:
        most = self._settings.max_attempts
        key = RunKey(*name)
        async with self._store.write() as connection:
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
            await self._pick_up(self._offered.get(key) or Principal(name.tenant_id, user_id), name.run_id)

    async def _pick_up(self, principal: Principal, run_id: UUID) -> None:
        """Begin the next attempt at a run: its log goes on with a snapshot of what is settled, then its work."""
        async with self._store.read() as connection:
            run = await get_run(connection, principal, run_id)
            messages = await run_messages(connection, principal, run_id)
            calls = await list_calls(connection, principal, run_id)
        logger.warning("run_taken_over", tenant=principal.tenant_id, run=str(run_id), attempt=run.attempt)
        held = self._hold(principal, run)
        await held.journal.emit(RunStarted(str(run.conversation_id), str(run.id), str(run.message_id)))
        for event in settled(run, messages, calls):
            await held.journal.emit(event)
        self._tasks.create_task(self._live(held))
        self._watch_readers(held.key)

    async def _close_log(self, key: RunKey) -> None:
        """Send home the readers of a run that was given up, if its log is here."""
        last = self._log.last(key)
        if last is None:
            self._log.leave(key)  # those who wait for it read the transcript
            return
        error = InterruptedRunError()
        events: tuple[AnyEvent, ...] = (
            ErrorRaised(error.code, error.public, recoverable=error.recoverable),
            RunEnded("failed", "error", Usage()),
            LogClosed(),
        )
        for n, event in enumerate(events, start=1):
            await self._log.append(key, EventId(last.attempt, last.n + n), event)
