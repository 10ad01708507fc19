"""Runs from start to end: start, attach, cancel, recover, drain. The only place that starts tasks.

A run belongs to this server, not to the socket that asked for it: readers come and go, the run goes on. And it does not
belong to this process alone: when a process dies, another one, or its own successor, takes its runs over.
"""

import asyncio
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
from agent.log.memory import MemoryLog, RunKey
from agent.models.catalog import Catalog
from agent.settings import Settings
from agent.snapshot import from_log, from_transcript, settled
from agent.stop import StoppedError, StopReason
from agent.store.conversations import create_conversation, delete_conversation, get_conversation, title_from
from agent.store.database import Store, Transaction
from agent.store.messages import NewMessage, append_messages, run_messages
from agent.store.runs import (
    UNFINISHED,
    KeyTakenError,
    NewRun,
    Run,
    RunName,
    abandoned_runs,
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
RENEW_TIMEOUT_S = 2.0
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
        self._renewed_at = 0.0
        self._draining = False

    async def __aenter__(self) -> "Runner":
        await self._tasks.__aenter__()
        settings = self._settings
        self._upkeep = [
            self._tasks.create_task(self._repeat(self._renew, every_s=settings.renew_every_s)),
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
        self._check_load()
        model = self._parts.catalog.resolve(self._parts.assistant, request.model)
        tenant_id = principal.tenant_id
        is_admitted = self._admission.try_enter(tenant_id)
        started: _Started | None = None
        try:
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
        held = self._held.get(RunKey(principal.tenant_id, run_id))
        if held is not None:
            held.principal.renew(principal)
        return self._counted(held, self._follow(principal, run, after))

    async def renew_credential(self, principal: Principal, run_id: UUID) -> Run:
        """Let a run go on with this principal's credential.

        Raises:
            NotFoundError: the principal has no such run.
        """
        run = await self._read(principal, run_id)
        held = self._held.get(RunKey(principal.tenant_id, run_id))
        if held is not None:
            held.principal.renew(principal)
        return run

    async def cancel(self, principal: Principal, run_id: UUID) -> Run:
        """Stop a run, keep what it said, and return it as it is then. Stopping one that is over changes nothing.

        Raises:
            NotFoundError: the principal has no such run.
        """
        run = await self._read(principal, run_id)
        held = self._held.get(RunKey(principal.tenant_id, run_id))
        if held is None:
            return run
        held.stopper.stop("cancelled")
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_WAIT_S):
                await held.over.wait()
        return await self._read(principal, run_id)

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

    async def _wait_until_idle(self, timeout_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self._held:
                    await next(iter(self._held.values())).over.wait()

    def _stop_all(self, reason: StopReason) -> None:
        for held in list(self._held.values()):
            held.stopper.stop(reason)

    def _check_load(self) -> None:
        if self._draining:
            raise OverloadedError("The server is restarting.", retry_after_s=RETRY_AFTER_S)
        waiting = len(self._held) - self._admission.inside
        if waiting > self._settings.max_queued_runs:
            raise OverloadedError("Too many messages are waiting to be answered.", retry_after_s=RETRY_AFTER_S)

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
        unfinished = await unfinished_runs(connection, principal, request.conversation_id)
        if unfinished and policy == "reject":
            raise RunActiveError("The last message is still being answered.", run_id=unfinished[0])
        return unfinished

    async def _begin(self, principal: Principal, started: _Started) -> None:
        """Take a new run into this process: its log begins, then its work."""
        for run_id in started.earlier:
            if (held := self._held.get(RunKey(principal.tenant_id, run_id))) is not None:
                held.stopper.stop("cancelled")
        run = started.run
        held = self._hold(principal, run)
        held.is_admitted = started.is_claimed
        await held.journal.emit(RunStarted(str(run.conversation_id), str(run.id), str(run.message_id)))
        self._tasks.create_task(self._live(held))
        self._watch_readers(held)

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
        self, held: HeldRun | None, reader: AsyncGenerator[list[LoggedEvent]]
    ) -> AsyncGenerator[list[LoggedEvent]]:
        """Yield what the reader yields; know meanwhile that somebody reads."""
        if held is not None:
            held.readers += 1
        try:
            async with aclosing(reader) as batches:
                async for batch in batches:
                    yield batch
        finally:
            if held is not None:
                held.readers -= 1
                self._watch_readers(held)

    def _watch_readers(self, held: HeldRun) -> None:
        """Stop the run if nobody reads it for as long as the assistant says."""
        policy = self._parts.assistant.on_disconnect
        if isinstance(policy, CancelAfter) and held.readers == 0 and not held.over.is_set():
            asyncio.get_running_loop().call_later(policy.cancel_after_s, _stop_unread, held)

    async def _follow(self, principal: Principal, run: Run, after: EventId) -> AsyncGenerator[list[LoggedEvent]]:
        key = RunKey(principal.tenant_id, run.id)
        if run.state in UNFINISHED and not await self._is_here(key, principal):
            return  # another process has it; the reader comes back
        try:
            async for batch in self._log.follow(key, after=after):
                yield batch
            return
        except LogTrimmedError:
            pass
        try:
            snapshot = from_log(await self._log.read(key))
        except LogTrimmedError:
            snapshot = [logged for logged in await self._transcript(principal, run.id) if logged.id > after]
            yield snapshot
            return
        yield snapshot
        async for batch in self._log.follow(key, after=snapshot[-1].id):
            yield batch

    async def _is_here(self, key: RunKey, principal: Principal) -> bool:
        """Say whether this process has the run's log; wait a while for a takeover, with the reader's credential."""
        self._offered[key] = principal
        try:
            return await self._log.opened(key, timeout_s=self._settings.recovery_wait_s)
        finally:
            self._offered.pop(key, None)

    async def _transcript(self, principal: Principal, run_id: UUID) -> list[LoggedEvent]:
        """Return an ended run's events from the database."""
        async with self._store.read() as connection:
            run = await get_run(connection, principal, run_id)
            messages = await run_messages(connection, principal, run_id)
            calls = await list_calls(connection, principal, run_id)
        return from_transcript(run, messages, calls) if run.state not in UNFINISHED else []

    async def _repeat(self, upkeep: Callable[[], Awaitable[None]], *, every_s: float) -> None:
        while True:
            try:
                await upkeep()
            except Exception as exc:  # noqa: BLE001 (the database may be away for a while; upkeep goes on)
                logger.error("upkeep_failed", error=type(exc).__name__, where=place_of(exc))
            await asyncio.sleep(every_s)

    async def _renew(self) -> None:
        """Renew this worker's leases; stop the runs that are no longer its own."""
        held = {name: run for name, run in self._held.items() if not run.journal.ended}
        if not held:
            self._renewed_at = asyncio.get_running_loop().time()
            return
        try:
            async with asyncio.timeout(RENEW_TIMEOUT_S), self._store.write() as connection:
                own = await renew_leases(connection, worker_id=self._worker_id, lease_s=self._settings.lease_s)
        except Exception:
            if asyncio.get_running_loop().time() - self._renewed_at > self._settings.lease_lost_after_s:
                self._stop_all("lost")
            raise
        self._renewed_at = asyncio.get_running_loop().time()
        for key, run in held.items():
            if RunName(*key) not in own and not run.journal.ended:
                run.stopper.stop("lost")

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
        await held.journal.emit(settled(run, messages, calls))
        self._tasks.create_task(self._live(held))
        self._watch_readers(held)

    async def _close_log(self, key: RunKey) -> None:
        """Send home the readers of a run that was given up, if its log is here."""
        last = self._log.last(key)
        if last is None:
            return
        error = InterruptedRunError()
        events: tuple[AnyEvent, ...] = (
            ErrorRaised(error.code, error.public, recoverable=error.recoverable),
            RunEnded("failed", "error", Usage()),
            LogClosed(),
        )
        for n, event in enumerate(events, start=1):
            await self._log.append(key, EventId(last.attempt, last.n + n), event)


def _stop_unread(held: HeldRun) -> None:
    if held.readers == 0:
        held.stopper.stop("cancelled")
