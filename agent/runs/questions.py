"""Follow-up questions on demand: made when somebody wants them, kept, and given again from then on.

The invariant: of one answer they are made once at a time, and what was given once stays what is given.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from uuid import UUID
from weakref import WeakValueDictionary

import structlog
from langchain_core.messages import BaseMessage, SystemMessage

from agent import metrics
from agent.assistant.definition import Assistant
from agent.assistant.source import Equipped
from agent.attempt.heard import heard
from agent.attempt.offer import Offer
from agent.attempt.transcript import add_facts
from agent.attempt.unheld import offer as store_questions
from agent.errors import RETRY_AFTER_S, OverloadedError, RateLimitedError, RunError
from agent.loop.followups import suggest
from agent.principal import Principal, RunKey
from agent.prompt.history import model_messages
from agent.prompt.words import system_prompt
from agent.runs.roster import Roster
from agent.runtime import Runtime
from agent.store.messages import run_messages
from agent.store.runs import Run
from agent.store.suggestions import find_answered
from agent.tracing import traced


class Questions:
    """The questions that this process makes on demand."""

    def __init__(self, runtime: Runtime, roster: Roster) -> None:
        self._runtime = runtime
        self._roster = roster
        self._in_making: WeakValueDictionary[RunKey, asyncio.Lock] = WeakValueDictionary()

    async def suggest(self, principal: Principal, message_id: UUID) -> tuple[str, ...]:
        """Return up to three questions that may follow an answer of the principal's: those that it has, or else new ones.

        An empty tuple where the model has none, and where the assistant offers none; that is not kept.

        A caller who is cancelled leaves it to others who wait for the same questions to have them made.

        Raises:
            NotFoundError: the principal has no such answer.
            SupersededError: another version has taken the answer's place.
            InvalidRequestError: the answer is not complete.
            ForbiddenError: the principal's role may not use the assistant.
            RateLimitedError, OverloadedError: there is no place at work, as for a message that may not wait.
            RunError: the model did not answer; or, as QuotaExceededError, a budget has no room for it.
        """
        run = await self._find(principal, message_id)
        key = RunKey(principal.tenant_id, run.id)
        assistants = self._runtime.assistants
        equipped = assistants.of(principal, kept=run.assistant)
        if not equipped.definition.suggestions.enabled:
            return ()
        async with self._in_making.setdefault(key, asyncio.Lock()):
            held = self._roster.find(key)
            if held is not None and equipped.definition.suggestions.when == "after":
                await held.over.wait()  # it is offering some itself
            run = await self._find(principal, message_id)
            if run.suggestions:
                return run.suggestions
            with self._at_work(principal), structlog.contextvars.bound_contextvars(run=str(run.id)):
                questions = await self._make(principal, run, equipped)
            if not questions:
                return ()
            return await store_questions(self._runtime.store, principal, run, questions=questions)

    async def _find(self, principal: Principal, message_id: UUID) -> Run:
        async with self._runtime.store.read(principal.tenant_id) as connection:
            return await find_answered(connection, principal, message_id)

    @contextmanager
    def _at_work(self, principal: Principal) -> Iterator[None]:
        """Hold a place at work for the block, or refuse at once: whoever waits for questions has long said something else."""
        if not self._roster.try_admit(principal):
            if self._roster.is_full:
                raise OverloadedError("Too many messages are being answered.", retry_after_s=RETRY_AFTER_S)
            raise RateLimitedError("Too many of your messages are being answered.", retry_after_s=RETRY_AFTER_S)
        try:
            yield
        finally:
            self._roster.give_back(principal)

    async def _make(self, principal: Principal, run: Run, equipped: Equipped) -> tuple[str, ...]:
        assistant, catalog = equipped.definition, self._runtime.catalog
        chat_model = catalog.open(catalog.find(assistant, run.model), assistant.limits)
        timeout_s = assistant.limits.toolset_timeout_s
        offer = Offer(chat_model, equipped.toolsets, timeout_s=timeout_s, selector=equipped.selector)
        code = "cancelled"
        try:
            budget = await self._runtime.budgets.of_run(self._runtime.store, principal, run, assistant, is_later=True)
            said = await self._said(principal, run, assistant)
            await offer.renew(principal, partial(heard, said, run.conversation_id))
            with traced(is_on=self._runtime.is_traced):
                questions = await suggest(offer, said, assistant.suggestions, role=principal.role, budget=budget)
            code = ""
            return questions
        except RunError as error:
            code = error.code
            raise
        finally:
            metrics.suggestions.labels(code).inc()

    async def _said(self, principal: Principal, run: Run, assistant: Assistant) -> list[BaseMessage]:
        """Return the run's turn as its model reads it."""
        async with self._runtime.store.read(principal.tenant_id) as connection:
            current = await run_messages(connection, principal, run)
        told = model_messages([], current, window=assistant.history, model=run.model)
        return [SystemMessage(system_prompt(assistant, principal)), *add_facts(told, current, run)]
