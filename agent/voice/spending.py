"""The cost of voices: what one request needs is held before it, and what it took is used behind it, in the budgets that count.

A request of a voice is no run, so that limits of runs do not count it. Its words count as tokens, by the estimate that holds for
all text, and its cost is by its model's price: of characters that are said, or of minutes that are heard.
"""

import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import anyio

from agent.assistant.definition import Assistant
from agent.assistant.voice import DictationModel, SpeechModel
from agent.attempt.budgets import Budgets
from agent.attempt.run_budget import exceeded
from agent.budget import MILLIONTHS, UNLIMITED, Allowance, Amount, Counter
from agent.errors import DatabaseError
from agent.principal import Principal, RunKey
from agent.prompt.history import CHARACTERS_PER_TOKEN
from agent.store.clock import read_clock
from agent.store.database import Store, new_id
from agent.store.repeating import repeated
from agent.store.spending import AFTERWARDS, Refused, Reserved, reserve, settle_one

GRACE_S = 60.0
"""How long what is held may outlast the time that its request has."""
WORDS_PER_S = 4
"""Tokens that somebody says in a second, who is in a hurry."""


def amount_of_speech(model: SpeechModel, text: str) -> Amount:
    """Return what it takes to say a text."""
    cost = len(text) * model.price.characters if model.price is not None else 0
    return Amount(_tokens(text), math.ceil(cost))


def amount_of_dictation(model: DictationModel, seconds: float, text: str | None = None) -> Amount:
    """Return what it takes to write down so many seconds; without the text yet, as much as can be said in that time."""
    cost = seconds / 60 * model.price.minute * MILLIONTHS if model.price is not None else 0
    return Amount(math.ceil(seconds * WORDS_PER_S) if text is None else _tokens(text), math.ceil(cost))


def _tokens(text: str) -> int:
    return max(1, len(text) // CHARACTERS_PER_TOKEN)


class Took:
    """The amount that a request took: nothing, until its server has begun to answer."""

    def __init__(self) -> None:
        self.amount = Amount()


class VoiceBudgets:
    """Holds and settles for requests of voices. Where no budget counts for somebody, the database is not asked."""

    def __init__(self, store: Store, budgets: Callable[[], Budgets]) -> None:
        self._store = store
        self._budgets = budgets

    @asynccontextmanager
    async def holding(
        self,
        principal: Principal,
        assistant: Assistant,
        model: SpeechModel | DictationModel,
        needs: Amount,
        *,
        currency: str,
        length_s: float,
    ) -> AsyncIterator[Took]:
        """Hold what a request needs while the block goes on, and use what it took.

        Raises:
            QuotaExceededError: there is no room for it, or nobody knows its cost and a budget limits that.
        """
        took = Took()
        budgets = self._budgets()
        held: tuple[RunKey, Reserved] | None = None
        if budgets.may_count(assistant, principal.budget):
            held = await self._hold(budgets, principal, assistant, model, needs, currency=currency, length_s=length_s)
        try:
            yield took
        finally:
            if held is not None:
                with anyio.CancelScope(shield=True), suppress(DatabaseError):  # then upkeep gives it back
                    await self._settle(*held, took.amount)

    async def _hold(
        self,
        budgets: Budgets,
        principal: Principal,
        assistant: Assistant,
        model: SpeechModel | DictationModel,
        needs: Amount,
        *,
        currency: str,
        length_s: float,
    ) -> tuple[RunKey, Reserved] | None:
        async with self._store.read(principal.tenant_id) as connection:
            allowance = await budgets.allowance(connection, principal, assistant, principal.budget)
            at = await read_clock(connection)
        if allowance is None or not (counters := allowance.counters(at)):
            return None
        if allowance.has_cost and (model.price is None or model.price.currency != currency):
            raise budgets.without_price(model.model, "voice")
        if all(least == UNLIMITED for one in counters for least in one.most[1:]):
            return None  # only runs are limited, and this is none
        key = RunKey(principal.tenant_id, new_id())
        return key, await self._reserve(key, allowance, counters, needs, length_s=length_s + GRACE_S)

    @repeated
    async def _reserve(
        self, key: RunKey, allowance: Allowance, counters: list[Counter], needs: Amount, *, length_s: float
    ) -> Reserved:
        async with self._store.write(key.tenant_id) as connection:
            got = await reserve(
                connection,
                key,
                counters,
                user_id=allowance.user_id,
                attempt=AFTERWARDS,
                amount=needs,
                length_s=length_s,
            )
            if isinstance(got, Refused):
                raise exceeded(got, allowance)
        return got

    @repeated
    async def _settle(self, key: RunKey, reserved: Reserved, used: Amount) -> None:
        async with self._store.write(key.tenant_id) as connection:
            await settle_one(connection, key, reserved=reserved.id, used=used)
