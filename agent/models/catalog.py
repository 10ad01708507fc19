"""Definitions to chat models: `openai:<name>` for any OpenAI-compatible server, and those that the app registers."""

import os
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

import structlog
from langchain_core.language_models import BaseChatModel
from pydantic import SecretStr

from agent.assistant.definition import Assistant, History, Limits
from agent.assistant.models import ModelDefinition
from agent.budget import Rates
from agent.errors import ConfigurationError, InvalidRequestError
from agent.http import check_url, open_session
from agent.settings import RuntimeSettings

if TYPE_CHECKING:
    from aiohttp import ClientSession

logger = structlog.get_logger()

HISTORY_SHARE = 0.75
"""Of a model's context, for the history; the rest is for what it is told first, its tools and its answer."""


class Catalog:
    """The models of this installation. One instance of each is kept, and one HTTP client for all of them.

    `offline` makes the models that need no provider, by the spec that names them.
    """

    def __init__(self, settings: RuntimeSettings, offline: Mapping[str, Callable[[], BaseChatModel]] = {}) -> None:
        self._settings = settings
        self._offline = offline
        self._opened: dict[tuple[str, float], BaseChatModel] = {}
        self._session: ClientSession | None = None

    def names(self, assistant: Assistant) -> list[str]:
        """Return what this assistant can be asked with, its default first. Nothing stands in for what is missing."""
        return [model.label for model in self._wanted(assistant) if self._is_usable(model)]

    def resolve(self, assistant: Assistant, requested: str | None) -> str:
        """Return the name of the model to use.

        Raises:
            InvalidRequestError: the requested one is not among the assistant's models.
        """
        names = self.names(assistant)
        if requested is None:
            return names[0]
        if requested not in names:
            raise InvalidRequestError(f"model: not one of {', '.join(names)}")
        return requested

    def find(self, assistant: Assistant, name: str) -> ModelDefinition:
        """Return the definition of a model by its name; a run may name one that is not offered any more, by its spec."""
        found = next((model for model in self._wanted(assistant) if model.label == name), None)
        return found or ModelDefinition(spec=name)

    def open(self, model: ModelDefinition, limits: Limits) -> BaseChatModel:
        """Return the chat model of a definition.

        Raises:
            ConfigurationError: its spec names a kind of model that Frontdesk does not know.
        """
        key = (model.model_dump_json(), limits.connect_timeout_s)
        if key not in self._opened:
            self._opened[key] = self._make(model, limits)
            self._opened[key].name = model.label
        return self._opened[key]

    def window(self, model: ModelDefinition, history: History) -> History:
        """Return how much of a conversation a model gets: what the assistant says, and no more than fits into it."""
        if model.context is None:
            return history
        return history.model_copy(update={"tokens": min(history.tokens, int(model.context * HISTORY_SHARE))})

    def check(self, assistant: Assistant) -> None:
        """Look at every model once, at start. Those that lack their key are skipped where an offline one is listed.

        Raises:
            ConfigurationError: one is of no known kind, or lacks its key and is not to be skipped, or a price that a budget needs.
        """
        wanted = self._wanted(assistant)
        labels = [model.label for model in wanted]
        if twice := next((label for label in labels if labels.count(label) > 1), None):
            raise ConfigurationError(f"model {twice!r} is there twice: give one of them a name")
        for model in wanted:
            self._check_kind(model.spec, is_settings=model.label == self._settings.model)
            if model.base_url is not None:
                check_url(model.base_url, name=f"model {model.label}: base_url")
        if self._settings.openai_base_url is not None:
            check_url(self._settings.openai_base_url, name="OPENAI_BASE_URL")
        self._check_prices(assistant)
        missing = [model for model in wanted if not self._is_usable(model)]
        may_skip = any(model.spec in self._offline for model in wanted)
        if missing and (not may_skip or self._settings.model in [model.label for model in missing]):
            raise ConfigurationError(f"{missing[0].label} needs {_key_of(missing[0])}")
        if any(model.spec not in self._offline for model in wanted if self._is_usable(model)):
            import_module("agent.models.openai")  # it takes a second in which nothing else goes on: now, not in a run

    def rates(self, model: ModelDefinition) -> Rates | None:
        """Return what a model's tokens cost in the currency of budgets; None where it has no price in that."""
        price = model.price
        if price is None or price.currency != self._settings.budget_currency:
            return None
        return Rates(price.input, price.output)

    def _check_prices(self, assistant: Assistant) -> None:
        """Refuse a budget of cost beside a model whose answers nobody knows the cost of."""
        every = [assistant.budgets, *(one.budgets for one in assistant.tenants.values())]
        unpriced = [model.label for model in self._wanted(assistant) if self.rates(model) is None]
        if unpriced and any(one.has_cost for one in every if one is not None):
            currency = self._settings.budget_currency
            raise ConfigurationError(
                f"budgets: a cost needs the price of each model in {currency}: {unpriced[0]} has none"
            )

    def tell_skipped(self, assistant: Assistant) -> None:
        """Say in one line of the log which of the listed models cannot be used."""
        if missing := [model for model in self._wanted(assistant) if not self._is_usable(model)]:
            needs = sorted({_key_of(model) for model in missing})
            logger.warning("models_skipped", models=[model.label for model in missing], missing=needs)

    def asked(self, assistant: Assistant) -> list[ModelDefinition]:
        """Return the models of an assistant that a provider is asked for: usable ones that are not offline."""
        usable = [model for model in self._wanted(assistant) if self._is_usable(model)]
        return [model for model in usable if model.spec not in self._offline]

    def whereabouts(self, model: ModelDefinition) -> tuple[str | None, SecretStr | None]:
        """Return where a model's provider is, None where it is OpenAI's own, and the key that it gets."""
        return model.base_url or self._settings.openai_base_url, self._key(model)

    async def close(self) -> None:
        """Close the connections to providers."""
        if self._session is not None:
            await self._session.close()

    def _wanted(self, assistant: Assistant) -> list[ModelDefinition]:
        first = self._settings.model
        if first is None:
            return list(assistant.models)
        chosen = next((model for model in assistant.models if model.label == first), ModelDefinition(spec=first))
        return [chosen, *(model for model in assistant.models if model.label != first)]

    def _is_usable(self, model: ModelDefinition) -> bool:
        if model.spec in self._offline:
            return True
        if model.api_key_env is not None:
            return bool(os.environ.get(model.api_key_env))
        return bool(model.base_url or self._settings.openai_api_key or self._settings.openai_base_url)

    def _check_kind(self, spec: str, *, is_settings: bool = False) -> None:
        kind, _, name = spec.partition(":")
        if spec not in self._offline and not (kind == "openai" and name):
            where = "FRONTDESK_MODEL: " if is_settings else ""
            raise ConfigurationError(f"{where}model {spec!r}: write {' or '.join(['openai:<name>', *self._offline])}")

    def _make(self, model: ModelDefinition, limits: Limits) -> BaseChatModel:
        if make := self._offline.get(model.spec):
            return make()
        self._check_kind(model.spec)
        # Imported where it is needed: langchain_openai takes a second, and an offline model does without.
        from agent.models.openai import open_model

        if self._session is None:
            self._session = open_session(connect_timeout_s=limits.connect_timeout_s)
        base_url, api_key = self.whereabouts(model)
        return open_model(
            model,
            api_key=api_key,
            base_url=base_url,
            session=self._session,
            connect_timeout_s=limits.connect_timeout_s,
        )

    def _key(self, model: ModelDefinition) -> SecretStr | None:
        """Return a model's key. The key of `OPENAI_API_KEY` goes to no server but the one that the operator named with it."""
        if model.api_key_env is not None:
            return SecretStr(os.environ.get(model.api_key_env, ""))
        return self._settings.openai_api_key if model.base_url is None else None


def _key_of(model: ModelDefinition) -> str:
    return model.api_key_env or "OPENAI_API_KEY or OPENAI_BASE_URL"
