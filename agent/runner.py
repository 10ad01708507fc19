"""Runs from start to end: start, attach, cancel, drain. The only place that starts tasks.

A run belongs to this server, not to the socket that asked for it: readers come and go, the run goes on. One of the two
catch-alls lives here, at the run's boundary: whatever breaks inside a run ends that run, with a code, and nothing else.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from types import TracebackType
from typing import Any, Literal
from uuid import UUID, uuid4

import structlog

from agent import metrics
from agent.assistant import Assistant
from agent.context import PUBLIC_TENANT, Principal
from agent.errors import (
    DeadlineError,
    FrontdeskError,
    IdempotencyMismatchError,
    InterruptedRunError,
    LeaseLostError,
    LogTrimmedError,
    NotFoundError,
    OverloadedError,
    RunError,
    StaleAppendError,
)
from agent.events import START, AnyEvent, ErrorRaised, EventId, LogClosed, LoggedEvent, RunEnded, RunStarted, Usage
from agent.graph import advance, build_loop
from agent.journal import Journal
from agent.log.memory import MemoryLog, RunKey
from agent.models.catalog import Catalog
from agent.settings import Settings
from agent.snapshot import from_log, from_transcript
from agent.stop import StoppedError, Stopper, StopReason
from agent.store.conversations import create_conversation, delete_conversation, get_conversation, title_from
from agent.store.database import Store
from agent.store.messages import NewMessage, append_messages, run_messages
from agent.store.runs import (
    UNFINISHED,
    KeyTakenError,
    NewRun,
    Run,
    RunEnd,
    abandoned_runs,
    claim_run,
    fail_run,
    find_run_by_key,
    get_run,
    insert_run,
    next_queued,
    renew_leases,
    unfinished_runs,
)
from agent.store.tool_calls import list_calls
from agent.suggestions import afterthoughts
from agent.toolkit import Tool
from agent.turn import Turn, open_turn

logger = structlog.get_logger()

LEASE_S = 6.0
RENEW_EVERY_S = 1.5
IDEMPOTENCY_KEEP = timedelta(hours=24)
STOP_WAIT_S = 10.0
DRAIN_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A user's message and what belongs to it. Everything is checked already, except that ids exist."""

    message: str
    conversation_id: UUID | None = None
    model: str | None = None
    branch_id: int | str | None = None
    page: dict[str, Any] | None = None
    idempotency_key: str | None = None
    request_hash: str | None = None


@dataclass(slots=True)
class _Held:
    """A run that this process holds, queued or running. The credential lives here and nowhere else."""

    principal: Principal
    run: Run
    journal: Journal
    stopper: Stopper = field(default_factory=Stopper)
    task: asyncio.Task[None] | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)


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
        self._store = store
        self._log = log
        self._catalog = catalog
        self._assistant = assistant
        self._tools = tools
        self._grace_s = settings.shutdown_grace_s
        self._worker_id = uuid4().hex
        self._loop = build_loop()
        self._held: dict[RunKey, _Held] = {}
        self._tasks = asyncio.TaskGroup()
        self._draining = False
        self._keeper: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Runner":
        await self._tasks.__aenter__()
        self._keeper = self._tasks.create_task(self._keep_leases())
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.drain()
        await self._tasks.__aexit__(exc_type, exc, traceback)

    async def start(self, principal: Principal, request: RunRequest) -> Run:
        """Store the message and its run in one transaction, start the run, and return it.

        An equal request with the same idempotency key gets the run that exists.

        Raises:
            InvalidRequestError: the model is not one of the assistant's.
            NotFoundError: the principal has no such conversation.
            IdempotencyMismatchError: the key was used for another request.
            OverloadedError: the server is stopping.
        """
        if self._draining:
            raise OverloadedError("The server is restarting.", retry_after_s=5)
        model = self._catalog.resolve(self._assistant, request.model)
        try:
            run, is_new, is_claimed = await self._commit_start(principal, request, model)
        except KeyTakenError:
            run, is_new, is_claimed = await self._commit_start(principal, request, model)
        if is_new:
            await self._hold(principal, run, is_claimed=is_claimed)
        return run

    async def attach(
        self, principal: Principal, run_id: UUID, *, after: EventId = START
    ) -> AsyncGenerator[list[LoggedEvent]]:
        """Return a reader of the run's events after `after`. Closing it does not touch the run.

        A reader that asks for what the log does not have gets a snapshot first, never a gap.

        Raises:
            NotFoundError: the principal has no such run. Raised here, not by the reader.
        """
        async with self._store.read() as connection:
            run = await get_run(connection, principal, run_id)
        return self._follow(principal, run, after)

    async def cancel(self, principal: Principal, run_id: UUID) -> Run:
        """Stop a run, keep what it said, and return it as it is then. Stopping one that is over changes nothing.

        Raises:
            NotFoundError: the principal has no such run.
        """
        async with self._store.read() as connection:
            run = await get_run(connection, principal, run_id)
        held = self._held.get(RunKey(principal.tenant_id, run_id))
        if held is not None:
            await self._stop(held, "cancelled")
            async with self._store.read() as connection:
                run = await get_run(connection, principal, run_id)
        return run

    async def delete_conversation(self, principal: Principal, conversation_id: UUID) -> None:
        """Stop what runs in a conversation, then delete it with all that was said.

        Raises:
            NotFoundError: the principal has no such conversation.
        """
        async with self._store.read() as connection:
            await get_conversation(connection, principal, conversation_id)
            unfinished = await unfinished_runs(connection, principal, conversation_id)
        for run_id in reversed(unfinished):  # the queued ones first, or they would begin
            await self.cancel(principal, run_id)
        async with self._store.write() as connection:
            await delete_conversation(connection, principal, conversation_id)

    @property
    def draining(self) -> bool:
        """Whether the server is stopping and takes no new runs."""
        return self._draining

    async def drain(self) -> None:
        """Take no new runs, give the running ones their grace time, then stop what is left."""
        self._draining = True
        try:
            async with asyncio.timeout(self._grace_s):
                while self._held:  # noqa: ASYNC110 (runs start their successors; there is no single event to wait for)
                    await asyncio.sleep(DRAIN_POLL_S)
        except TimeoutError:
            logger.warning("runs_stopped_at_shutdown", runs=len(self._held))
        for held in list(self._held.values()):
            await self._stop(held, "interrupted")
        if self._keeper is not None:
            self._keeper.cancel()

    async def _commit_start(self, principal: Principal, request: RunRequest, model: str) -> tuple[Run, bool, bool]:
        """Return the run, whether it is new, and whether it may begin now."""
        async with self._store.write() as connection:
            if request.idempotency_key is not None:
                found = await find_run_by_key(connection, principal, request.idempotency_key, keep=IDEMPOTENCY_KEEP)
                if found is not None:
                    if found.request_hash != request.request_hash:
                        raise IdempotencyMismatchError("The Idempotency-Key was used with another body.")
                    return found, False, False
            conversation_id = request.conversation_id or await create_conversation(
                connection, principal, title=title_from(request.message)
            )
            new = NewRun(
                conversation_id,
                model,
                branch_id=request.branch_id,
                page=request.page,
                idempotency_key=request.idempotency_key,
                request_hash=request.request_hash,
                worker_id=self._worker_id,
                lease_s=LEASE_S,
            )
            run = await insert_run(connection, principal, new)
            message = NewMessage("user", request.message, step=0)
            await append_messages(connection, principal, conversation_id, run_id=run.id, turn=run.turn, new=[message])
            claimed = await claim_run(connection, principal.tenant_id, run.id, worker_id=self._worker_id)
        return run, True, claimed

    async def _hold(self, principal: Principal, run: Run, *, is_claimed: bool) -> None:
        """Take a new run into this process: its log begins, and its work too unless it has to wait."""
        held = _Held(principal, run, Journal(self._store, self._log, principal, run))
        self._held[RunKey(principal.tenant_id, run.id)] = held
        metrics.runs_active.inc()
        await held.journal.emit(RunStarted(str(run.conversation_id), str(run.id), str(run.message_id)))
        if is_claimed:
            held.task = self._tasks.create_task(self._work(held))

    async def _follow(self, principal: Principal, run: Run, after: EventId) -> AsyncGenerator[list[LoggedEvent]]:
        key = RunKey(principal.tenant_id, run.id)
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
        if snapshot:
            yield snapshot
            async for batch in self._follow_on(key, snapshot):
                yield batch

    async def _follow_on(self, key: RunKey, snapshot: list[LoggedEvent]) -> AsyncGenerator[list[LoggedEvent]]:
        """Yield what comes after a snapshot that was taken from the log; nothing where it was not."""
        try:
            async for batch in self._log.follow(key, after=snapshot[-1].id):
                yield batch
        except LogTrimmedError:
            return

    async def _transcript(self, principal: Principal, run_id: UUID) -> list[LoggedEvent]:
        """Return an ended run's events from the database; empty while it is not over, so that the reader comes back."""
        async with self._store.read() as connection:
            run = await get_run(connection, principal, run_id)
            if run.state in UNFINISHED:
                return []
            messages = await run_messages(connection, principal, run_id)
            calls = await list_calls(connection, principal, run_id)
        return from_transcript(run, messages, calls)

    async def _work(self, held: _Held) -> None:
        """Bring a running run to its end, whatever happens, and start the next one of its conversation."""
        with structlog.contextvars.bound_contextvars(tenant=held.principal.tenant_id, run=str(held.run.id)):
            try:
                await self._bring_to_end(held)
            except (LeaseLostError, StaleAppendError, NotFoundError) as exc:
                logger.warning("run_lost", reason=type(exc).__name__)
            except Exception as exc:  # noqa: BLE001 (the run's boundary: one run must not take others with it)
                logger.error("run_end_failed", error=type(exc).__name__, where=_where(exc))
            finally:
                await self._let_go(held)

    async def _bring_to_end(self, held: _Held) -> None:
        deadline = asyncio.get_running_loop().call_later(
            self._assistant.limits.deadline_s, held.stopper.stop, "deadline"
        )
        turn: Turn | None = None
        error: RunError | None = None
        try:
            turn = await self._open(held)
            await advance(self._loop, turn)
        except StoppedError as stopped:
            error = _error_of(stopped)
        except RunError as exc:
            error = exc
        except (LeaseLostError, StaleAppendError, NotFoundError):
            raise
        except Exception as exc:  # noqa: BLE001 (the run's boundary)
            logger.error("run_broke", error=type(exc).__name__, where=_where(exc))
            error = RunError(type(exc).__name__)
        else:
            await self._finish(held, turn)
            return
        finally:
            deadline.cancel()
        await self._cut_short(held, turn, error)

    async def _open(self, held: _Held) -> Turn:
        return await open_turn(
            self._store,
            self._catalog,
            held.journal,
            held.stopper,
            principal=held.principal,
            run=held.run,
            assistant=self._assistant.for_tenant(held.principal.tenant_id),
            tools={} if held.principal.tenant_id == PUBLIC_TENANT else self._tools,
        )

    async def _finish(self, held: _Held, turn: Turn) -> None:
        """Say what comes after a completed run. Its end is committed and sent already."""
        metrics.runs_ended.labels("completed", "").inc()
        logger.info("run_ended", status="completed", steps=turn.step, **_counted(turn))
        with suppress(StoppedError):
            await afterthoughts(turn)
        await held.journal.close()

    async def _cut_short(self, held: _Held, turn: Turn | None, error: RunError | None) -> None:
        """End a run that did not complete: as failed with an error, or as cancelled. What it said is kept."""
        status: Literal["failed", "cancelled"] = "failed" if error else "cancelled"
        code = error.code if error else None
        usage = turn.usage + turn.reply.usage if turn else held.run.usage
        partial = turn.answer(partial=True) if turn and turn.reply.text else None
        await held.journal.end(RunEnd(status, "error" if error else "cancelled", usage, code), partial, error=error)
        metrics.runs_ended.labels(status, code or "").inc()
        logger.info("run_ended", status=status, code=code, reason=str(error) if error else None)
        await held.journal.close()

    async def _stop(self, held: _Held, reason: StopReason) -> None:
        """Make a held run end, and wait a while until it has."""
        held.stopper.stop(reason)
        if held.task is None:
            held.task = self._tasks.create_task(self._end_queued(held))
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_WAIT_S):
                await held.over.wait()

    async def _end_queued(self, held: _Held) -> None:
        """End a run that never began to work."""
        try:
            await self._cut_short(held, None, _error_of(StoppedError(held.stopper.reason or "cancelled")))
        except FrontdeskError as exc:
            logger.warning("run_lost", run=str(held.run.id), reason=type(exc).__name__)
        finally:
            await self._let_go(held)

    async def _let_go(self, held: _Held) -> None:
        """Forget a run, and begin the next one in its conversation's queue."""
        self._held.pop(RunKey(held.principal.tenant_id, held.run.id), None)
        metrics.runs_active.dec()
        held.over.set()
        if not self._draining:
            await self._begin_next(held.principal.tenant_id, held.run.conversation_id)

    async def _begin_next(self, tenant_id: str, conversation_id: UUID) -> None:
        async with self._store.write() as connection:
            run_id = await next_queued(connection, tenant_id, conversation_id)
            held = self._held.get(RunKey(tenant_id, run_id)) if run_id else None
            if run_id is None or held is None or held.task is not None:
                return
            claimed = await claim_run(connection, tenant_id, run_id, worker_id=self._worker_id)
        if claimed:
            held.task = self._tasks.create_task(self._work(held))

    async def _keep_leases(self) -> None:
        """Renew this worker's leases, and fail the runs that nobody works on any more."""
        while True:
            try:
                if self._held:
                    async with self._store.write() as connection:
                        await renew_leases(connection, worker_id=self._worker_id, lease_s=LEASE_S)
                async with self._store.read() as connection:
                    abandoned = await abandoned_runs(connection)
                for name in abandoned:
                    async with self._store.write() as connection:
                        failed = await fail_run(connection, name, code=InterruptedRunError.code)
                    if failed:
                        logger.warning("run_abandoned", tenant=name.tenant_id, run=str(name.run_id))
                        await self._close_log(RunKey(*name))
            except Exception as exc:  # noqa: BLE001 (the database may be away for a while; leases are tried again)
                logger.error("leases_not_kept", error=type(exc).__name__)
            await asyncio.sleep(RENEW_EVERY_S)

    async def _close_log(self, key: RunKey) -> None:
        """Send home the readers of an abandoned run, if its log is here."""
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


def _error_of(stopped: StoppedError) -> RunError | None:
    """Return the error that a stop is to its readers; None where the user asked for it."""
    match stopped.reason:
        case "deadline":
            return DeadlineError("the run's deadline passed")
        case "interrupted":
            return InterruptedRunError("stopped at shutdown")
        case "cancelled":
            return None


def _counted(turn: Turn) -> dict[str, int]:
    return {"input_tokens": turn.usage.input_tokens, "output_tokens": turn.usage.output_tokens}


def _where(exc: BaseException) -> str:
    """Return the innermost place of an error, for the log. Its text may hold data and is left out."""
    traceback = exc.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    if traceback is None:
        return ""
    return f"{traceback.tb_frame.f_code.co_filename.rpartition('/')[2]}:{traceback.tb_lineno}"
