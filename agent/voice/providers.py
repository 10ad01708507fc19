"""The servers that speak and listen: where each is, whose key it gets, and whether it is well.

The invariants: a key goes to the server that it was named with and to no other, no redirect is followed, and no word of a server
reaches a user, nor one of a user's a log line.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import blake2b
from types import TracebackType
from typing import Any, Self

import structlog

from agent import metrics
from agent.assistant.definition import Assistant
from agent.assistant.voice import VoiceModel
from agent.breaker import Breaker, Outcome, State
from agent.errors import ConfigurationError, ModelTimeoutError, ModelUnavailableError, RunError
from agent.http import check_provider_url, fits_into_header, open_session, proxy_for
from agent.masking import Mask
from agent.models.health import ILL, Bounds
from agent.models.refusals import refusal
from agent.settings import RuntimeSettings, read_variable

logger = structlog.get_logger()

OPENAI_URL = "https://api.openai.com/v1"
CONNECT_TIMEOUT_S = 10.0
MAX_ERROR_BYTES = 64 * 1024
CONNECTIONS = 100
"""To all servers together, at once; more wait for as long as their request may."""
PATHS = ("/audio/speech", "/audio/transcriptions")


class VoiceProviders:
    """The servers of this installation's voices. The app enters it; it asks nobody until somebody speaks."""

    def __init__(self, settings: RuntimeSettings) -> None:
        self._settings = settings
        self._session: Any = None
        self._labels: dict[str, str] = {}
        self._mask = Mask()
        bounds = Bounds(settings.model_failures, settings.model_failures_s, settings.model_pause_s)
        self._pause_s = bounds.pause_s
        self._breaker = Breaker(bounds, clock=time.monotonic, tell=self._tell)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    def check(self, assistant: Assistant) -> None:
        """Look at the voices of an assistant, those of tenants too, at start.

        Raises:
            ConfigurationError: an address is none, or a key is not there, or cannot be sent, or a price that a budget needs.
        """
        self._check(assistant, "voice")
        for tenant_id, override in assistant.tenants.items():
            if override.voice is not None or override.budgets is not None:
                self._check(assistant.for_tenant(tenant_id), f"tenants.{tenant_id}.voice")

    def _check(self, assistant: Assistant, where: str) -> None:
        voice = assistant.voice
        for name, model in (("speech", voice and voice.speaker), ("dictation", voice and voice.listener)):
            if not model:
                continue
            place = f"{where}.{name}"
            url, key = self.whereabouts(model)
            needs = model.api_key_env or "OPENAI_API_KEY or OPENAI_BASE_URL"
            check_provider_url(url, name=f"{place}: base_url" if model.base_url else "OPENAI_BASE_URL")
            if url.rstrip("/").endswith(PATHS):
                raise ConfigurationError(f"{place}: base_url: leave /audio/… out; it is put behind the address")
            is_somewhere = model.base_url is not None or self._settings.openai_base_url is not None
            if not key and (model.api_key_env is not None or not is_somewhere):
                raise ConfigurationError(f"{place}: {model.model} needs {needs}")
            if key and not fits_into_header(key):
                raise ConfigurationError(f"{place}: the key holds a sign that no header can hold ({needs})")
            currency = self._settings.budget_currency
            has_price = model.price is not None and model.price.currency == currency
            if assistant.budgets is not None and assistant.budgets.has_cost and not has_price:
                raise ConfigurationError(f"{place}: a budget of cost needs the price of {model.model} in {currency}")

    def whereabouts(self, model: VoiceModel) -> tuple[str, str | None]:
        """Return where a model is asked, and the key that it gets: that of `OPENAI_API_KEY` only where the operator named that."""
        url = model.base_url or self._settings.openai_base_url or OPENAI_URL
        if model.api_key_env is not None:
            return url, read_variable(model.api_key_env)
        own = self._settings.openai_api_key if model.base_url is None else None
        return url, own.get_secret_value() if own is not None else None

    @asynccontextmanager
    async def asking(
        self,
        model: VoiceModel,
        path: str,
        *,
        body: Any,
        headers: dict[str, str],
        silence_s: float,
        most_s: float | None,
    ) -> AsyncIterator[Any]:
        """Post a body, and give the response, aiohttp's, whose status is a good one. Leaving drops what was not read of it.

        `silence_s`: how long it may say nothing; `most_s`: how long all of it may take, where its reader is not slow. What comes
        of the block counts for or against the server, a stop for neither.

        Raises:
            RunError: the server is down, cannot be reached, refuses, or fails.
        """
        import aiohttp  # it takes its time, and most installations have no such model

        url, key = self.whereabouts(model)
        name = self._name(model, url, key)
        if self._breaker.is_down(name):
            down = ModelUnavailableError("the voice's server is down")
            down.retry_after_s = self._pause_s
            raise down
        passage = self._breaker.let_in(name)
        outcome: Outcome = "unsaid"
        if self._session is None:
            self._session = open_session(connect_timeout_s=CONNECT_TIMEOUT_S, connections=CONNECTIONS)
        own = {"Authorization": f"Bearer {key}"} if key else {}
        try:
            async with (
                asyncio.timeout(most_s),
                self._session.post(
                    f"{url.rstrip('/')}{path}",
                    data=body,
                    headers={**own, **headers, **model.headers},
                    proxy=proxy_for(url),
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S, sock_read=silence_s),
                ) as response,
            ):
                try:
                    if response.status >= 300:
                        raise await self._refusal(response)
                    yield response
                    outcome = "well"
                finally:
                    if not response.content.at_eof():
                        response.close()
        except (aiohttp.ClientError, OSError, RunError) as exc:
            error = _error_of(exc)
            outcome = "ill" if isinstance(error, ILL) else "well"
            raise error from (None if error is exc else exc)
        finally:
            passage.settle(outcome)

    async def _refusal(self, response: Any) -> RunError:
        """Return our error for a response of aiohttp's whose status is one."""
        from agent.models.body import error_body  # with aiohttp

        return refusal(response.status, response.headers, await error_body(response.content), mask=self._mask)

    def _name(self, model: VoiceModel, url: str, key: str | None) -> str:
        """Return what stands for a server, its model and the key: the same each time, and saying none of them."""
        if key:
            self._mask.learn(key)
        name = blake2b(f"{url}\0{model.model}\0{key}".encode(), digest_size=16).hexdigest()
        self._labels[name] = model.model
        return name

    def _tell(self, state: State, name: str) -> None:
        label = self._labels[name]
        metrics.model_states.labels(metrics.model_names.of(label), state).inc()
        log = logger.warning if state == "down" else logger.info
        log(f"voice_{state}", model=label)


def _error_of(exc: Exception) -> RunError:
    """Return what became of a request, as our error."""
    if isinstance(exc, RunError):
        return exc
    if isinstance(exc, TimeoutError):  # which aiohttp's are, too
        return ModelTimeoutError("the voice's server took too long")
    return ModelUnavailableError(type(exc).__name__)
