"""Definitions to chat models: of the kinds of `agent/assistant/kinds.py`, and those that the app registers.

An assistant is always one as a tenant has it: a tenant may have models, and keys, of its own.
"""

from collections.abc import Mapping
from hashlib import blake2b
from importlib import import_module
from typing import TYPE_CHECKING

import orjson
import structlog
from langchain_core.language_models import BaseChatModel
from pydantic import SecretStr, ValidationError

from agent.assistant.definition import Assistant, History, Limits
from agent.assistant.kinds import KINDS, OWN, Spec, read_spec
from agent.assistant.mistakes import told
from agent.assistant.models import ModelDefinition
from agent.budget import Rates
from agent.errors import ConfigurationError, InvalidRequestError
from agent.http import check_provider_url, fits_into_header, open_session
from agent.models.calling import TextCallingModel
from agent.models.listed import check_fallback, check_listed
from agent.settings import RuntimeSettings, read_variable

if TYPE_CHECKING:
    from aiohttp import ClientSession

logger = structlog.get_logger()

HISTORY_SHARE = 0.75
"""Of a model's context, for the history; the rest is for what it is told first, its tools and its answer."""


class Catalog:
    """The models of this installation. One instance of each is kept, and one HTTP client for all of them.

    `offline` makes the models that need no provider, by the spec that names them, with their `parameters`.
    """

    def __init__(self, settings: RuntimeSettings, offline: Mapping[str, type[BaseChatModel]] = {}) -> None:
        self._settings = settings
        self._offline = offline
        self._opened: dict[tuple[str, float], BaseChatModel] = {}
        self._session: ClientSession | None = None
        self._variables: dict[str, str | None] = {}

    def names(self, assistant: Assistant) -> list[str]:
        """Return what this assistant can be asked with, its default first. Nothing stands in for what is missing."""
        return [model.label for model in self.listed(assistant) if self._is_usable(model)]

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
        found = next((model for model in self.listed(assistant) if model.label == name), None)
        return found or ModelDefinition(spec=name)

    def open(self, model: ModelDefinition, limits: Limits) -> BaseChatModel:
        """Return the chat model of a definition.

        Raises:
            ConfigurationError: its spec names a kind of model that Frontdesk does not know.
        """
        key = (model.model_dump_json(exclude_unset=True), limits.connect_timeout_s)
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
        """Look at every model once, at start, those of tenants too, and open what a package of its own speaks with.

        Those that lack their key are skipped where an offline one is listed.

        Raises:
            ConfigurationError: one is of no known kind, or lacks its key and is not to be skipped, or its package, or a price
                that a budget needs.
        """
        if self._settings.openai_base_url is not None:
            check_provider_url(self._settings.openai_base_url, name="OPENAI_BASE_URL")
        self._check(assistant)
        check_fallback(assistant.fallback, map(self.listed, assistant.versions), self._offline)
        for tenant_id, override in assistant.tenants.items():
            try:
                self._check(assistant.for_tenant(tenant_id))
            except ConfigurationError as exc:
                if override.models is None:
                    raise
                raise ConfigurationError(f"tenants.{tenant_id}: {exc}") from exc

    def _check(self, assistant: Assistant) -> None:
        listed = self.listed(assistant)
        check_listed(listed, self._offline)
        for model in listed:
            self._check_kind(model.spec, is_settings=model.label == self._settings.model)
            if model.abilities.tool_calls == "text" and not model.abilities.tools:
                raise ConfigurationError(f"model {model.label}: tool_calls: text needs tools, and tools is false")
            if model.base_url is not None:
                check_provider_url(model.base_url, name=f"model {model.label}: base_url")
        self._check_prices(assistant)
        missing = [model for model in listed if not self._is_usable(model)]
        may_skip = any(model.spec in self._offline for model in listed)
        if missing and (not may_skip or self._settings.model in [model.label for model in missing]):
            raise ConfigurationError(f"{missing[0].label} needs {self.needs(missing[0])}")
        for model in filter(self._is_usable, listed):
            if model.spec not in self._offline:
                self._check_variables(model)
            self._prepare(model, assistant.limits)

    def _check_variables(self, model: ModelDefinition) -> None:
        """Refuse a key that cannot be sent, and an address that is none; Ollama's may do without its scheme, as it says itself."""
        kind, (url, key) = _meant(model).kind, self.whereabouts(model)
        if key is not None and not fits_into_header(key.get_secret_value()):
            raise ConfigurationError(
                f"{model.label}: its key holds a sign that no header can hold ({self.needs(model)})"
            )
        if url is not None and model.base_url is None and kind.url_variable is not None and kind.name != "ollama":
            check_provider_url(url, name=kind.url_variable)

    def _prepare(self, model: ModelDefinition, limits: Limits) -> None:
        """Do now what takes seconds in which nothing else goes on: not in a run."""
        if model.spec not in self._offline and _meant(model).kind.package is None:
            import_module("agent.models.compatible")
        else:
            self.open(model, limits)

    def identity(self, model: ModelDefinition) -> str:
        """Return what stands for a model with its key: the same in each process, and saying neither.

        What is sent with each request belongs to it: a region, a project, or what a class is told which model it is.
        """
        base_url, key = self.whereabouts(model)
        sent = model.headers, model.parameters, model.extra_body
        asked = model.spec, base_url, key.get_secret_value() if key is not None else "", sent
        said = orjson.dumps(asked, default=str, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
        return blake2b(said, digest_size=16).hexdigest()

    def rates(self, model: ModelDefinition) -> Rates | None:
        """Return what a model's tokens cost in the currency of budgets; None where it has no price in that."""
        price = model.price
        if price is None or price.currency != self._settings.budget_currency:
            return None
        return Rates(price.input, price.output, price.for_cached)

    def _check_prices(self, assistant: Assistant) -> None:
        """Refuse a budget of cost beside a model whose answers nobody knows the cost of."""
        unpriced = [model.label for model in self.listed(assistant) if self.rates(model) is None]
        if unpriced and assistant.budgets is not None and assistant.budgets.has_cost:
            currency = self._settings.budget_currency
            raise ConfigurationError(
                f"budgets: a cost needs the price of each model in {currency}: {unpriced[0]} has none"
            )

    def tell_skipped(self, assistant: Assistant) -> None:
        """Say in one line of the log which of the listed models, of any tenant, cannot be used."""
        every = [model for one in assistant.versions for model in self.listed(one)]
        if missing := {model.label: model for model in every if not self._is_usable(model)}:
            needs = sorted({self.needs(model) for model in missing.values()})
            logger.warning("models_skipped", models=list(missing), missing=needs)

    def listed(self, assistant: Assistant) -> list[ModelDefinition]:
        """Return the models of an assistant, its default first, also those that cannot be used."""
        first = self._settings.model
        if first is None:
            return list(assistant.models)
        chosen = next((model for model in assistant.models if model.label == first), ModelDefinition(spec=first))
        return [chosen, *(model for model in assistant.models if model.label != first)]

    def needs(self, model: ModelDefinition) -> str:
        """Return the variables without which a model cannot be used, as words."""
        return model.api_key_env or _meant(model).kind.needs

    def asked(self, assistant: Assistant) -> list[ModelDefinition]:
        """Return the models of an assistant that a provider is asked for: usable ones that are not offline."""
        usable = [model for model in self.listed(assistant) if self._is_usable(model)]
        return [model for model in usable if model.spec not in self._offline]

    def lists_models(self, model: ModelDefinition) -> bool:
        """Return whether a model's provider has a list of its models at `/models`, as OpenAI's protocol knows it."""
        kind = _meant(model).kind
        return kind.package is None and kind.name not in ("azure", "perplexity")

    def whereabouts(self, model: ModelDefinition) -> tuple[str | None, SecretStr | None]:
        """Return where a model's provider is, None where that is known to whoever asks it, and the key that it gets."""
        if model.spec in self._offline:
            return None, None
        kind = _meant(model).kind
        if model.base_url is not None:
            return model.base_url, self._key(model)
        if kind.name == OWN:
            return self._settings.openai_base_url, self._key(model)
        said = self._read(kind.url_variable) if kind.url_variable is not None else None
        return said or kind.url, self._key(model)

    async def close(self) -> None:
        """Close the connections to providers."""
        if self._session is not None:
            await self._session.close()

    def _is_usable(self, model: ModelDefinition) -> bool:
        if model.spec in self._offline:
            return True
        if model.api_key_env is not None:
            return self._read(model.api_key_env) is not None
        if model.base_url is not None:
            return True
        kind = _meant(model).kind
        if kind.name == OWN:
            return bool(self._settings.openai_api_key or self._settings.openai_base_url)
        has_key = not kind.key_variables or self._key(model) is not None
        is_named = kind.url_variable is not None and self._read(kind.url_variable) is not None
        return has_key and (kind.url is not None or kind.package is not None or is_named)

    def _check_kind(self, spec: str, *, is_settings: bool = False) -> None:
        if spec not in self._offline and read_spec(spec) is None:
            where = "FRONTDESK_MODEL: " if is_settings else ""
            others = ", ".join(kind for kind in KINDS if kind != OWN)
            raise ConfigurationError(
                f"{where}model {spec!r}: write {' or '.join(['openai:<name>', *self._offline])}; "
                f"in place of openai also {others}; or module:Class of a chat model of LangChain"
            )

    def _make(self, model: ModelDefinition, limits: Limits) -> BaseChatModel:
        if make := self._offline.get(model.spec):
            try:
                return make(**model.parameters)
            except ValidationError as exc:
                raise ConfigurationError(f"model {model.label}: {told(exc, make)}") from None
        self._check_kind(model.spec)
        made = self._ask_for(model, limits)
        return TextCallingModel(inner=made) if model.abilities.tool_calls == "text" else made

    def _ask_for(self, model: ModelDefinition, limits: Limits) -> BaseChatModel:
        """Return what asks a model's provider."""
        spec = _meant(model)
        base_url, api_key = self.whereabouts(model)
        if spec.kind.package is not None:
            from agent.models.natives import Wanted, open_native

            return open_native(Wanted(model, spec, base_url, api_key, limits.connect_timeout_s))
        # Imported where it is needed: langchain_openai takes a second, and an offline model does without.
        from agent.models.compatible import open_model

        if self._session is None:
            self._session = open_session(connect_timeout_s=limits.connect_timeout_s)
        return open_model(
            model,
            api_key=api_key,
            base_url=base_url,
            session=self._session,
            connect_timeout_s=limits.connect_timeout_s,
        )

    def _key(self, model: ModelDefinition) -> SecretStr | None:
        """Return a model's key. That of a kind goes to no server but the provider's, or the one that the operator named with it."""
        if model.api_key_env is not None:
            return SecretStr(self._read(model.api_key_env) or "")
        if model.base_url is not None:
            return None
        kind = _meant(model).kind
        if kind.name == OWN:
            return self._settings.openai_api_key
        return next((SecretStr(said) for name in kind.key_variables if (said := self._read(name))), None)

    def _read(self, variable: str) -> str | None:
        """Return a variable as it was when it was first asked for, as settings are."""
        if variable not in self._variables:
            self._variables[variable] = read_variable(variable)
        return self._variables[variable]


def _meant(model: ModelDefinition) -> Spec:
    """Return what a spec means that was looked at."""
    spec = read_spec(model.spec)
    assert spec is not None
    return spec
