"""Which models are well: a breaker for each model and its key, in this process or, with Redis, of all processes together.

It takes an answer from nobody: a model that is down is left out while another one is up, and is asked all the same where
none is.
"""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple

import structlog

from agent import metrics
from agent.breaker import Breaker, Outcome, Passage, State
from agent.errors import (
    ContextTooLongError,
    ModelQuotaError,
    ModelRateLimitedError,
    ModelRefusedError,
    ModelTimeoutError,
    ModelUnauthorizedError,
    ModelUnavailableError,
    RunError,
)
from agent.models.refusals import ModelMissingError
from agent.redis.downs import Downs
from agent.redis.errors import RedisAwayError

logger = structlog.get_logger()

ILL = (
    *(ModelUnavailableError, ModelRateLimitedError, ModelTimeoutError),
    *(ModelQuotaError, ModelUnauthorizedError, ModelMissingError),
)
"""The errors of a model for which another may be asked in its place, and that count against it."""


class Bounds(NamedTuple):
    """When a model counts as down. Times in seconds; the settings `FRONTDESK_MODEL_*` have the same names."""

    failures: int = 5
    failures_s: float = 60.0
    pause_s: float = 15.0


class Known(NamedTuple):
    """A model as it is known here: by its label, and by what stands for it with its key."""

    label: str
    name: str


class Way(NamedTuple):
    """The way to one model. `has_others`: another one that is up is behind it."""

    number: int
    model: Known
    passage: Passage
    looks: bool
    """Whether it was down for all processes, and this request looks whether it is back."""
    has_others: bool


class Health:
    """The health of all models, as far as it is known."""

    def __init__(self, bounds: Bounds, downs: Downs | None = None) -> None:
        self._bounds = bounds
        self._downs = downs
        self._labels: dict[str, str] = {}
        self._breaker = Breaker(bounds, clock=time.monotonic, tell=self._tell)

    async def choose(self, models: Sequence[Known]) -> Way | None:
        """Return the way to the first model that is up, or may be looked at; None where there is none."""
        for model in models:
            self._labels[model.name] = model.label
        if self._downs is not None and models:
            with suppress(RedisAwayError):
                chosen = await self._downs.choose([one.name for one in models], look_s=self._bounds.pause_s)
                if chosen is None:
                    return None
                model = models[chosen.number]
                self._breaker.forget(model.name)  # others know more
                if chosen.looks:
                    self._tell("looking", model.name)
                passage = self._breaker.let_in(model.name)
                return Way(chosen.number, model, passage, chosen.looks, chosen.has_others)
        up = [number for number, model in enumerate(models) if not self._breaker.is_down(model.name)]
        if not up:
            return None
        model = models[up[0]]
        return Way(up[0], model, self._breaker.let_in(model.name), looks=False, has_others=len(up) > 1)

    def force(self, model: Known) -> Way:
        """Return the way to a model that is down, as there is no other."""
        if self._downs is not None:
            self._breaker.forget(model.name)
        return Way(0, model, self._breaker.let_in(model.name), looks=self._downs is not None, has_others=False)

    @asynccontextmanager
    async def asking(self, way: Way) -> AsyncIterator[None]:
        """Take note of how it ends what a model is asked for in this block."""
        outcome: Outcome = "unsaid"
        try:
            yield
            outcome = "well"
        except RunError as error:
            outcome = _outcome(error)
            raise
        finally:
            await self._settle(way, outcome)

    async def _settle(self, way: Way, outcome: Outcome) -> None:
        name = way.model.name
        if not way.looks:
            was_down = self._breaker.is_down(name)
            way.passage.settle(outcome)
            if self._downs is not None and self._breaker.is_down(name) and not was_down:
                with suppress(RedisAwayError):  # then this process alone knows it
                    await self._downs.leave(name, alone_s=self._bounds.pause_s)
            return
        assert self._downs is not None
        if outcome != "unsaid":
            self._tell("up" if outcome == "well" else "down", name)
        with suppress(RedisAwayError):  # then the next look comes when this one's time is over
            if outcome == "well":
                await self._downs.recover(name)
            else:
                await self._downs.leave(name, alone_s=self._bounds.pause_s if outcome == "ill" else 0)

    def _tell(self, state: State, name: str) -> None:
        label = self._labels[name]
        metrics.model_states.labels(metrics.model_names.of(label), state).inc()
        log = logger.warning if state == "down" else logger.info
        log(f"model_{state}", model=label)


def _outcome(error: RunError) -> Outcome:
    """Return what an error says of a model: one that refuses, or could not read so much, is well."""
    if isinstance(error, ILL):
        return "ill"
    return "well" if isinstance(error, ModelRefusedError | ContextTooLongError) else "unsaid"
