"""Spec strings to chat models: `openai:<name>` for any OpenAI-compatible server, and those that the app registers."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

import structlog
from langchain_core.language_models import BaseChatModel

from agent.assistant import Assistant, Limits
from agent.errors import ConfigurationError, InvalidRequestError
from agent.http import check_url, open_session
from agent.settings import RuntimeSettings

if TYPE_CHECKING:
    from aiohttp import ClientSession

logger = structlog.get_logger()


class Catalog:
    """The models of this installation. One instance of each is kept, and one HTTP client for all of them.

    `offline` makes the models that need no provider, by the spec that names them.
    """

    def __init__(self, settings: RuntimeSettings, offline: Mapping[str, Callable[[], BaseChatModel]] = {}) -> None:
        self._settings = settings
        self._offline = offline
        self._opened: dict[tuple[str, Limits], BaseChatModel] = {}
        self._session: ClientSession | None = None

    def specs(self, assistant: Assistant) -> list[str]:
        """Return what this assistant can be asked with, its default first. Nothing stands in for what is missing."""
        return [spec for spec in self._wanted(assistant) if self._is_usable(spec)]

    def resolve(self, assistant: Assistant, requested: str | None) -> str:
        """Return the spec to use.

        Raises:
            InvalidRequestError: the requested one is not among the assistant's models.
        """
        specs = self.specs(assistant)
        if requested is None:
            return specs[0]
        if requested not in specs:
            raise InvalidRequestError(f"model: not one of {', '.join(specs)}")
        return requested

    def open(self, spec: str, limits: Limits) -> BaseChatModel:
        """Return the chat model for a spec of `specs`.

        Raises:
            ConfigurationError: the spec names a kind of model that Frontdesk does not know.
        """
        key = (spec, limits)
        if key not in self._opened:
            self._opened[key] = self._make(spec)(limits)
        return self._opened[key]

    def check(self, assistant: Assistant) -> None:
        """Look at every spec once, at start. Those that lack their key are skipped where an offline one is listed.

        Raises:
            ConfigurationError: one is of no known kind, or lacks its key and is not to be skipped.
        """
        for spec in self._wanted(assistant):
            self._make(spec)
        if self._settings.openai_base_url is not None:
            check_url(self._settings.openai_base_url, name="OPENAI_BASE_URL")
        missing = [spec for spec in self._wanted(assistant) if not self._is_usable(spec)]
        may_skip = any(spec in self._offline for spec in self._wanted(assistant))
        if missing and (self._settings.model in missing or not may_skip):
            raise ConfigurationError(f"{missing[0]} needs OPENAI_API_KEY or OPENAI_BASE_URL")
        if any(spec not in self._offline for spec in self.specs(assistant)):
            import_module("agent.models.openai")  # it takes a second in which nothing else goes on: now, not in a run

    def tell_skipped(self, assistant: Assistant) -> None:
        """Say in one line of the log which of the listed models cannot be used."""
        if missing := [spec for spec in self._wanted(assistant) if not self._is_usable(spec)]:
            logger.warning("models_skipped", models=missing, reason="no OPENAI_API_KEY and no OPENAI_BASE_URL")

    def _wanted(self, assistant: Assistant) -> list[str]:
        wanted = ([self._settings.model] if self._settings.model else []) + list(assistant.models)
        return list(dict.fromkeys(wanted))

    def _is_usable(self, spec: str) -> bool:
        return spec in self._offline or bool(self._settings.openai_api_key or self._settings.openai_base_url)

    def _make(self, spec: str) -> Callable[[Limits], BaseChatModel]:
        if make := self._offline.get(spec):
            return lambda _limits: make()
        kind, _, name = spec.partition(":")
        match kind, name:
            case "openai", name if name:
                return lambda limits: self._open_openai(name, limits)
            case _:
                raise ConfigurationError(f"model {spec!r}: write {' or '.join(['openai:<name>', *self._offline])}")

    def _open_openai(self, name: str, limits: Limits) -> BaseChatModel:
        # Imported where it is needed: langchain_openai takes a second, and an offline model does without.
        from agent.models.openai import open_model

        if self._session is None:
            self._session = open_session(connect_timeout_s=limits.connect_timeout_s)
        return open_model(
            name,
            api_key=self._settings.openai_api_key,
            base_url=self._settings.openai_base_url,
            session=self._session,
            limits=limits,
        )

    async def close(self) -> None:
        """Close the connections to providers."""
        if self._session is not None:
            await self._session.close()
