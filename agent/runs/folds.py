"""Summaries of conversations that have become too long for their window: each is made behind a run, beside all others.

The invariant: nobody waits for one. Where none can be made, models get the turns that fit, as without it, and the end of the
next turn tries again.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple
from uuid import UUID

import anyio
import structlog
from langchain_core.messages import BaseMessage

from agent import metrics
from agent.assistant.definition import Assistant
from agent.assistant.history import Folding
from agent.attempt.attempt import Attempt
from agent.attempt.offer import Offer
from agent.errors import DatabaseError, FrontdeskError, RunError
from agent.failpoints import failpoint
from agent.loop.aside import ask_aside
from agent.models.stream import Reply
from agent.places import place_of
from agent.principal import Principal
from agent.prompt.folding import Turns, beside, is_full, request, summary_text, to_fold
from agent.runtime import Runtime
from agent.store.done_writes import Done, done_between
from agent.store.messages import recent_messages
from agent.store.repeating import repeated
from agent.store.runs import Run
from agent.store.summaries import (
    NewSummary,
    Summary,
    Until,
    claim_summary,
    drop_claim,
    keep_summary,
    last_message,
    newest_summary,
)
from agent.tracing import traced

logger = structlog.get_logger()

WINDOWS = 2
"""How many windows of messages are read at most for a summary; what lies further back, and is in none, is left out."""
LEAST_READ = 200
"""Messages, however narrow the window: one turn with many calls of tools has as many, and is summed up, too."""
SLACK_S = 30.0
"""How much longer a claim lasts than the model's time: what is stored behind it takes some, too."""
THINKING = 20_000
"""Characters that a model may think in front of a summary."""


class Fold(NamedTuple):
    """The turns that are to be folded: of a conversation, behind one of its runs."""

    owner: Principal
    run: Run
    assistant: Assistant
    folding: Folding


class _Found(NamedTuple):
    turns: Turns
    before: Summary | None
    until: Until
    done: Done


class Folds:
    """The summaries that this process makes just now."""

    def __init__(self, runtime: Runtime, tasks: asyncio.TaskGroup, *, most: int, worker_id: str) -> None:
        self._runtime = runtime
        self._tasks = tasks
        self._most = most
        self._worker_id = worker_id
        self._underway: set[asyncio.Task[None]] = set()
        self._is_stopping = False

    def begin(self, attempt: Attempt) -> None:
        """Fold what becomes too long behind a run that is over, where it does; it never waits, and never fails.

        Where many are being made this one is left to the next turn.
        """
        folding = attempt.assistant.history.summary
        if folding is None or self._is_stopping or not self._is_due(attempt):
            return
        if len(self._underway) >= self._most:
            metrics.summaries.labels("busy").inc()
            return
        owner = replace(attempt.principal.current, credential=None)
        task = self._tasks.create_task(self._live(Fold(owner, attempt.run, attempt.assistant, folding)))
        self._underway.add(task)
        task.add_done_callback(self._underway.discard)

    def close(self) -> None:
        """Begin none any more: this process is about to end."""
        self._is_stopping = True

    def stop(self) -> None:
        """Make none any more, and leave those under way to the next turns of their conversations."""
        self.close()
        for task in self._underway:
            task.cancel()

    def _is_due(self, attempt: Attempt) -> bool:
        catalog = self._runtime.catalog
        window = catalog.window(catalog.find(attempt.assistant, attempt.run.model), attempt.assistant.history)
        return is_full(attempt.messages, window)

    async def _live(self, fold: Fold) -> None:
        with structlog.contextvars.bound_contextvars(tenant=fold.owner.tenant_id, run=str(fold.run.id)):
            try:
                outcome = await self._fold(fold)
            except RunError as error:
                outcome = error.code
            except (DatabaseError, FrontdeskError) as exc:
                outcome = "gone"
                logger.info("summary_left_out", error=type(exc).__name__)
            except Exception as exc:  # noqa: BLE001 (a summary's boundary: whatever breaks it breaks nothing else)
                outcome = "broke"
                logger.error("summary_broke", error=type(exc).__name__, where=place_of(exc))
        if outcome is not None:
            metrics.summaries.labels(outcome).inc()

    async def _fold(self, fold: Fold) -> str | None:
        """Make a summary and keep it; return what came of it, None where there was nothing to make.

        Raises:
            RunError: the model did not answer; or, as QuotaExceededError, a budget has no room for it.
            NotFoundError: the conversation is gone.
        """
        found = await self._find(fold)
        claim = None if found is None else await self._claim(fold, found)
        if found is None or claim is None:
            return None
        is_kept = False
        try:
            failpoint("summary.after_claim")
            with traced(is_on=self._runtime.is_traced):
                new = await self._make(fold, found)
            if new is not None:
                is_kept = await self._keep(fold, claim, new)
        finally:
            if not is_kept:
                with anyio.CancelScope(shield=True):
                    await self._drop(fold, claim)
        if new is None:
            return "empty"
        logger.info("summary_made", until=found.until.turn, is_kept=is_kept, output_tokens=new.usage.output_tokens)
        return "made" if is_kept else "void"

    async def _find(self, fold: Fold) -> _Found | None:
        """Return what is folded; None where nothing is. Of a turn with lanes somebody may still choose another answer."""
        owner, run, store = fold.owner, fold.run, self._runtime.store
        catalog, history = self._runtime.catalog, fold.assistant.history
        window = catalog.window(catalog.find(fold.assistant, run.model), history)
        before_turn = run.turn if run.lane else run.turn + 1
        most = max(WINDOWS * history.most_messages, LEAST_READ)
        async with store.read(owner.tenant_id) as connection:
            place = connection, owner, run.conversation_id
            rows = await recent_messages(*place, before_turn=before_turn, limit=most)
            before = await newest_summary(*place, before_turn=before_turn)
        after_turn = before.until.turn if before else 0
        rows = [one for one in rows if one.turn > after_turn]
        window = beside(window, before)
        turns = await asyncio.to_thread(to_fold, rows, window=window, folding=fold.folding, model=run.model)
        if turns is None:
            return None
        async with store.read(owner.tenant_id) as connection:
            place = connection, owner, run.conversation_id
            until = await last_message(*place, until_turn=turns.until_turn)
            done = await done_between(*place, after_turn=after_turn, until_turn=turns.until_turn)
        if until.turn != turns.until_turn:
            return None  # it was edited since it was read, and so all that is folded may have been
        return _Found(turns, before, until, (before.done if before else Done()).then(done))

    async def _make(self, fold: Fold, found: _Found) -> NewSummary | None:
        """Return what the model makes of it; None where that is nothing."""
        owner, run, assistant, folding = fold
        catalog, before, turns = self._runtime.catalog, found.before, found.turns
        # A tenant with models of its own may not have the one that is named, and nobody may have its key.
        name = folding.model if folding.model in catalog.names(assistant) else run.model
        definition = catalog.find(assistant, name)
        offer = Offer(catalog.open(definition, assistant.limits), (), timeout_s=folding.timeout_s)
        most_tokens = catalog.window(definition, assistant.history).tokens
        given: Sequence[BaseMessage] = request(turns, before, folding=folding, most_tokens=most_tokens)
        of_writer = replace(run, model=definition.label)
        budget = await self._runtime.budgets.of_run(self._runtime.store, owner, of_writer, assistant, is_later=True)
        reply = Reply()
        most = THINKING + 8 * folding.tokens
        await ask_aside(offer, given, reply, timeout_s=folding.timeout_s, budget=budget, most_characters=most)
        text = summary_text(reply.text, folding)
        if not text:
            return None
        return NewSummary(
            text=text,
            done=found.done,
            tools=tuple(sorted({*turns.tools, *(before.tools if before else ())})),
            is_untrusted=turns.is_untrusted or (before is not None and before.is_untrusted),
            messages=turns.messages + (before.messages if before else 0),
            model=definition.label,
            usage=reply.usage,
        )

    @repeated
    async def _claim(self, fold: Fold, found: _Found) -> UUID | None:
        length_s = fold.folding.timeout_s + SLACK_S
        async with self._runtime.store.write(fold.owner.tenant_id) as connection:
            return await claim_summary(
                connection,
                fold.owner,
                fold.run.conversation_id,
                run_id=fold.run.id,
                after_turn=found.before.until.turn if found.before else 0,
                until=found.until,
                worker_id=self._worker_id,
                length_s=length_s,
            )

    @repeated
    async def _keep(self, fold: Fold, claim: UUID, new: NewSummary) -> bool:
        async with self._runtime.store.write(fold.owner.tenant_id) as connection:
            is_kept = await keep_summary(connection, fold.owner, fold.run.conversation_id, claim, new)
            failpoint("summary.before_commit")
        failpoint("summary.after_commit")
        return is_kept

    async def _drop(self, fold: Fold, claim: UUID) -> None:
        """Give the claim back, so that others may make the summary; where the database is away, it ends by itself."""
        with suppress(DatabaseError):
            async with self._runtime.store.write(fold.owner.tenant_id) as connection:
                await drop_claim(connection, fold.owner, fold.run.conversation_id, claim)
