"""The writer of one attempt at a run: its events to the log, its rows to the store, and nobody else's while it holds the run.

The invariants: every row is written under the run's lease; an event that says "this is so" goes out after the commit
that made it so; after `end` nothing is written but suggestions, a title and the close.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Literal

import structlog

from agent import metrics
from agent.assistant.models import ModelDefinition
from agent.attempt.answers import hash_all, keep_known, record_lost
from agent.attempt.hold import RunHold
from agent.attempt.recording import Proposed, of_call, of_proposed, of_results
from agent.attempt.results import ToolResult
from agent.attempt.run_budget import RunBudget
from agent.attempt.snapshot import asked, raised
from agent.attempt.tenure import Tenure
from agent.errors import ContentRefusedError, RunError, StaleAppendError
from agent.events.fold import Answer
from agent.events.schema import AnyEvent, RunEnded, SuggestionsOffered, TitleChanged
from agent.failpoints import failpoint
from agent.log.contract import EventLog
from agent.principal import Principal
from agent.store import transitions
from agent.store.approvals import NewApproval, ask
from agent.store.audit import record
from agent.store.conversations import rename_conversation
from agent.store.database import Store
from agent.store.lanes import settle_answer
from agent.store.messages import NewMessage, ToolCall, withhold_message
from agent.store.page_calls import NewPageCall, ask_page
from agent.store.repeating import repeated
from agent.store.runs import Run, RunEnd
from agent.store.shared_approvals import end_standing
from agent.store.tool_calls import propose_calls, settle_call, start_call
from agent.store.transaction import Transaction
from agent.toolkit import Risk

logger = structlog.get_logger()


class RunWriter(RunHold):
    """Writes for one attempt. Every method may raise LeaseLostError: stop then, without writing more."""

    def __init__(self, store: Store, log: EventLog, tenure: Tenure, *, principal: Principal, run: Run) -> None:
        super().__init__(store, tenure, principal=principal, run=run)
        self._log = log
        self._segment = log.open(self._key, run.attempt, age_s=run.age_s())
        self.budget: RunBudget | None = None
        self.ended = False
        """Whether it has begun to write the run's end."""
        self.is_answer = True
        """Whether the run was its turn's answer when it ended: of several lanes, one is."""

    def emit(self, event: AnyEvent) -> None:
        """Append an event to the run's log. It never waits.

        Raises:
            StaleAppendError: a later attempt writes this log.
        """
        self._segment.append(event)

    @repeated
    async def begin(self, *, worker_id: str, counts: bool) -> bool:
        """Begin to work, or go on where an earlier attempt was; False where an earlier turn is not over, or it is another's.

        `counts`: going on counts as one of the attempts that a run may have.
        """
        key, run = self._key, self._run
        async with self._store.write(self._key.tenant_id) as connection:
            if run.state == "running":
                has_begun = await transitions.resume_run(connection, *key, attempt=run.attempt, counts=counts)
            else:
                has_begun = await transitions.claim_run(connection, *key, worker_id=worker_id)
            failpoint("claim.before_commit")
        failpoint("claim.after_commit")
        return has_begun

    @repeated
    async def reserve(self) -> None:
        """Hold what the next step needs of the run's budget, or let the budget know that there is no room."""
        async with self._store.write(self._key.tenant_id) as connection:
            await self._hold_unstopped(connection)
            await self._reserve(connection)

    async def change_model(self, run: Run, model: ModelDefinition) -> None:
        """Store that another model goes on with the step under way: with this run, in which it stands.

        What the one before took is used of the budget, and what this one needs is held in its place.

        Raises:
            QuotaExceededError: there is no room for it; the run's model stays what it was.
            StoppedError: another process was asked to stop the run; nothing is stored.
        """
        await self._commit_change(run, model)
        self._tell_used()
        if self.budget is not None:
            self.budget.moved(model)
        self._run = run

    @repeated
    async def _commit_change(self, run: Run, model: ModelDefinition) -> None:
        async with self._store.write(self._key.tenant_id) as connection:
            await self._hold_unstopped(connection)
            if self.budget is None or await self.budget.move(connection, model):
                await transitions.change_model(connection, self._key.tenant_id, run)
            failpoint("change.before_commit")
        failpoint("change.after_commit")

    @repeated
    async def commit_reply(self, message: NewMessage, calls: Sequence[Proposed]) -> None:
        """Store an assistant message that asks for tool calls, and enter these into the ledger.

        Raises:
            StoppedError: another process was asked to stop the run; nothing is stored.
        """
        async with self._store.write(self._key.tenant_id) as connection:
            await self._append_unheld(connection, [message])
            await self._hold_unstopped(connection)
            asked_for = [(one.call, one.kind, one.risk) for one in calls]
            await propose_calls(connection, self._principal, self._run.id, step=message.step, calls=asked_for)
            await record(connection, self._principal, of_proposed(self._principal, self._run, calls))
            if self.budget is not None:
                await self.budget.settle(connection)
            failpoint("reply.before_commit")
        failpoint("reply.after_commit")
        self._tell_used()

    @repeated
    async def commit_start(self, call: ToolCall, *, risk: Risk) -> None:
        """Note that a call with side effects is about to leave the process. A worker in doubt waits before it does.

        Raises:
            StoppedError: another process was asked to stop the run; nothing is to leave.
        """
        await self._tenure.certain()
        async with self._store.write(self._key.tenant_id) as connection:
            await self._hold_unstopped(connection)
            await start_call(connection, self._principal, call.id)
            started = of_call("call.started", self._principal, self._run, call, risk=risk)
            await record(connection, self._principal, [started])
            failpoint("call.before_start")
        failpoint("call.after_start")

    @repeated
    async def commit_results(self, step: int, settled: Sequence[ToolResult], *, goes_on: bool = False) -> None:
        """Store a step's results, in the order given, and settle their calls; hold what the next step needs, if it `goes_on`."""
        async with self._store.write(self._key.tenant_id) as connection:
            await self._append(connection, [one.row(step) for one in settled])
            for one in settled:
                await settle_call(connection, self._principal, one.call.id, action=one.action)
            if any(one.is_untrusted for one in settled):
                await end_standing(connection, self._principal, self._run.conversation_id)
            await record(connection, self._principal, of_results(self._principal, self._run, settled))
            if goes_on:
                await self._reserve(connection)
            failpoint("results.before_commit")
        failpoint("results.after_commit")

    @repeated
    async def commit_unknown(self, step: int, lost: Sequence[ToolResult]) -> None:
        """Store that nobody knows what these calls did: they were out when an earlier attempt died."""
        async with self._store.write(self._key.tenant_id) as connection:
            await self._append(connection, [one.row(step) for one in lost])
            for one in lost:
                await settle_call(connection, self._principal, one.call.id, is_known=False)
            unknown = [of_call("call.unknown", self._principal, self._run, one.call) for one in lost]
            await record(connection, self._principal, unknown)
            failpoint("unknown.before_commit")
        failpoint("unknown.after_commit")

    @repeated
    async def pause(self, questions: Sequence[NewApproval], for_page: Sequence[NewPageCall] = ()) -> None:
        """Let go of the run until all is answered, and tell the readers what is asked of a person and of the page.

        Raises:
            StoppedError: another process was asked to stop the run; nothing is asked.
        """
        async with self._store.write(self._key.tenant_id) as connection:
            await self._hold_unstopped(connection)
            await ask(connection, self._key, questions)
            pages = await ask_page(connection, self._key, for_page)
            times = [one.expires_at for one in questions] + [one.until for one in pages]
            await transitions.pause_run(connection, *self._key, attempt=self._run.attempt, until=min(times))
            failpoint("pause.before_commit")
        failpoint("pause.after_commit")
        self._store.asked.tell(self._key.tenant_id)
        with suppress(StaleAppendError):  # somebody may have answered already, and this run goes on
            for event in asked(questions, pages):
                self.emit(event)
            await self._segment.flush()
        await self.leave()

    @repeated
    async def end(self, end: RunEnd, message: NewMessage | None, *, error: RunError | None = None) -> None:
        """Store the last message and the run's one end together, then say so in the log.

        A user's message that was refused for its content is kept from models from now on, unless another lane takes it.
        """
        self.ended = True
        async with self._store.write(self._key.tenant_id) as connection:
            await self._append_unheld(connection, [message] if message else [])
            if end.status != "completed":
                if self._run.attempt > 1:
                    await keep_known(connection, self._principal, self._run)
                await record_lost(connection, self._principal, self._run)
            said = await hash_all(connection, self._principal, self._run)
            await transitions.end_run(connection, *self._key, attempt=self._run.attempt, end=end, history_hash=said)
            settled = await settle_answer(connection, self._key.tenant_id, self._run)
            self.is_answer = settled.is_answer
            if isinstance(error, ContentRefusedError) and (settled.has_failed or not self._run.lane):
                await withhold_message(connection, self._principal, self._run)
            if self.budget is not None:
                await self.budget.settle(connection, ends=True)
            failpoint("end.before_commit")
        failpoint("end.after_commit")
        metrics.count_end(self._key.tenant_id, end.status, end.error_code)
        self._tell_used()
        if error is not None:
            self.emit(raised(error))
        self.emit(RunEnded(end.status, end.finish_reason, end.usage))
        await self._segment.flush()

    @repeated
    async def offer(self, questions: Sequence[str]) -> None:
        """Store and send follow-up questions; where somebody else has stored some, these."""
        async with self._store.write(self._key.tenant_id) as connection:
            kept = await transitions.set_suggestions(connection, *self._key, questions=tuple(questions))
            failpoint("suggestions.before_commit")
        failpoint("suggestions.after_commit")
        self.emit(SuggestionsOffered(kept))

    async def rename(self, title: str) -> None:
        """Store and send a title that the model made."""
        async with self._store.write(self._key.tenant_id) as connection:
            await rename_conversation(connection, self._principal, self._run.conversation_id, title=title)
        self.emit(TitleChanged(title))
        self._store.titles.tell(self._principal, self._run.conversation_id, title)

    async def shown(self) -> Answer:
        """Return what readers of this attempt's log show by now, wherever they are."""
        await self.flush()
        answer = Answer()
        for logged in await self._log.read(self._key):
            answer.apply(logged.event)
        return answer

    async def close(self) -> None:
        """End the log: readers go home."""
        await self._segment.close("ended")

    @repeated
    async def release(self) -> None:
        """Let another process go on at once."""
        async with self._store.write(self._key.tenant_id) as connection:
            await transitions.release_run(connection, *self._key, attempt=self._run.attempt)
        await self.leave()

    async def leave(self, how: Literal["moved", "handed"] = "moved") -> None:
        """Write the log no more, and send its readers away without an end, or on to where it is written then."""
        await self._segment.close(how)

    async def flush(self) -> None:
        """Return when readers anywhere have what was emitted."""
        await self._segment.flush()

    async def _reserve(self, connection: Transaction) -> None:
        if self.budget is not None and self.budget.reserves:
            await self.budget.reserve(connection)

    def _tell_used(self) -> None:
        if self.budget is not None and (told := self.budget.told()) is not None:
            self.emit(told)
