"""Which model goes on where one fails: who may, in which order, after which errors, and what is told where none is left.

The invariant: no model is asked twice for one step, but for the retries of the last one.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

from langchain_core.language_models import BaseChatModel

from agent.assistant.definition import Assistant
from agent.assistant.fallback import Fallback
from agent.assistant.models import ModelDefinition
from agent.budget import QuotaExceededError
from agent.errors import ContextTooLongError, RunError
from agent.models.catalog import Catalog
from agent.models.health import ILL, Health, Known, Way
from agent.models.stream import Reply
from agent.principal import PUBLIC_TENANT, Principal

ELSEWHERE = (*ILL, ContextTooLongError)
"""The errors after which another model is asked. A request or a content that one refuses, it would refuse."""
DOWN = "down"
"""In place of an error's code: it was not asked."""


class Chain:
    """The models that may answer a run, its own among them."""

    def __init__(
        self, catalog: Catalog, health: Health, assistant: Assistant, models: Sequence[ModelDefinition]
    ) -> None:
        self.models = models
        self.restarts = assistant.fallback is not None and assistant.fallback.restart
        self._catalog = catalog
        self._health = health
        self._assistant = assistant

    def begin(self, name: str) -> "Candidates":
        """Return who may answer a step of a run whose model has this name."""
        own = self._catalog.find(self._assistant, name)
        others = [model for model in self.models if model.label != name]
        return Candidates(self._catalog, self._health, [own, *others], restarts=self.restarts)

    def open(self, model: ModelDefinition) -> BaseChatModel:
        """Return the chat model of one of them."""
        return self._catalog.open(model, self._assistant.limits)


class Candidates:
    """Who is left to answer one step."""

    def __init__(self, catalog: Catalog, health: Health, models: Sequence[ModelDefinition], *, restarts: bool) -> None:
        self._catalog = catalog
        self._health = health
        self._left = list(models)
        self._restarts = restarts
        self._errors: list[RunError] = []
        self.model = models[0]
        """The model that is asked now."""
        self.reason = DOWN
        """Why the one before is not asked, or not any more."""
        self._way: Way

    @property
    def is_last(self) -> bool:
        """Whether there is no other that is up, so that it is worth waiting for this one."""
        return not self._way.has_others

    async def begin(self) -> None:
        """Choose the first model that is up; the run's own where none is."""
        if not await self._choose():
            self._take(self._health.force(self._known(self._left[0])))

    def asking(self) -> AbstractAsyncContextManager[None]:
        """Return what takes note of how it ends what the model is asked for."""
        return self._health.asking(self._way)

    def may_go_on(self, error: RunError, reply: Reply) -> bool:
        """Return whether another model may be asked after this: what was said is taken back only where the assistant allows it."""
        if isinstance(error, QuotaExceededError):
            return bool(self._errors)  # what has no room is another model in place of one that failed
        return isinstance(error, ELSEWHERE) and (self._restarts or not reply.started)

    async def go_on(self, error: RunError) -> None:
        """Choose the next model that is up, after this error of the one before.

        Raises:
            RunError: there is none. It is the first error that may pass by itself, or else the first one.
        """
        self._errors.append(error)
        if not isinstance(error, QuotaExceededError):
            self.reason = error.code
        if isinstance(error, ContextTooLongError):
            self._left = [one for one in self._left if _may_read_more(one, self.model)]
        if not await self._choose():
            raise next((one for one in self._errors if one.recoverable), self._errors[0])

    async def _choose(self) -> bool:
        way = await self._health.choose([self._known(model) for model in self._left])
        if way is not None:
            self._take(way)
        return way is not None

    def _take(self, way: Way) -> None:
        self._way, self.model = way, self._left.pop(way.number)

    def _known(self, model: ModelDefinition) -> Known:
        return Known(model.label, self._catalog.identity(model))


def open_chain(
    catalog: Catalog, health: Health, assistant: Assistant, principal: Principal, *, name: str
) -> Chain | None:
    """Return the models that may answer somebody's run whose model has this name; None where it has no other behind it."""
    if assistant.fallback is None:
        return None
    models = _models(catalog, assistant, assistant.fallback, principal)
    has_others = any(model.label != name for model in models)
    return Chain(catalog, health, assistant, models) if has_others else None


def _models(catalog: Catalog, assistant: Assistant, fallback: Fallback, principal: Principal) -> list[ModelDefinition]:
    """Return the models that a run may go on with, in their order: usable ones, and for visitors those that are theirs.

    The offline model only matches words: it goes on only where it is named.
    """
    usable = catalog.asked(assistant)
    if fallback.names:
        names = catalog.names(assistant)
        usable = [catalog.find(assistant, name) for name in fallback.names if name in names]
    if principal.tenant_id != PUBLIC_TENANT:
        return usable
    return [model for model in usable if assistant.public is not None and model.label in assistant.public.models]


def _may_read_more(model: ModelDefinition, than: ModelDefinition) -> bool:
    """Return whether a model may have a larger window than another: where one of them is not known, it may."""
    return model.context is None or than.context is None or model.context > than.context
