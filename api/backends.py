"""The backends that definitions name, made once each: their addresses, in whose name they are called, the apps among them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx2
from starlette.types import ASGIApp

from agent.assistant.backends import DEFAULT_BACKEND, Auth, BackendDefinition, ExchangeAuth
from agent.errors import ConfigurationError
from agent.http import fits_into_header
from agent.settings import read_variable
from api.settings import Settings
from api.variables import url_variable
from tools.backends.addresses import read_endpoint
from tools.backends.backend import Backend
from tools.backends.caution import Caution
from tools.backends.exchange import TokenExchange
from tools.backends.limits import BackendLimits
from tools.backends.reach import Reach, read_proxy
from tools.backends.signing import Forwarded, Installed, Signature, Unsigned
from tools.modules import broken, load_module, place_of_module

MOUNTED = "http://backend.internal"
"""The address that mounted apps are called at. The name never leaves the process."""


@dataclass(slots=True)
class Backends:
    """The backends of all assistants. Definitions that name the same one share it, and its connections."""

    settings: Settings
    reach: Reach
    folder: Path
    """Where apps are looked for first: beside the definitions."""
    every: dict[BackendDefinition, Backend] = field(default_factory=dict)
    mounted: dict[str, ASGIApp] = field(default_factory=dict)
    """Apps that are served by this process, by the path that they are mounted at."""

    def named(self, definitions: Mapping[str, BackendDefinition]) -> dict[str, Backend]:
        """Return the backends of an assistant by name. A URL of the settings takes the place of what its definition says.

        Raises:
            ConfigurationError: one of them cannot be; the text says which.
        """
        wanted = dict(definitions)
        for name in {DEFAULT_BACKEND, *wanted}:
            if url := configured_url(self.settings, name):
                said = wanted[name].model_dump(include={"timeout_s"}) if name in wanted else {}
                auth = wanted[name].auth if name in wanted else "forward"
                wanted[name] = BackendDefinition(url=url, auth=auth, **said)
        for name, one in wanted.items():
            if one not in self.every:
                self.every[one] = self._made(name, one)
        return {name: self.every[one] for name, one in wanted.items()}

    def _made(self, name: str, definition: BackendDefinition) -> Backend:
        signature = self._signature(name, definition.auth)
        caution = Caution(_limits(self.settings, definition), name=name)
        if definition.app is None:
            assert definition.url is not None
            return Backend(
                definition.url,
                signature=signature,
                reach=self.reach,
                caution=caution,
                name=url_variable(name) if configured_url(self.settings, name) else f"{_part(name)}.url",
            )
        app = _app(self.settings, definition.app, self.folder)
        if any(_overlap(definition.mount, other) for other in self.mounted):
            raise ConfigurationError(
                f"backend.mount: another backend is mounted at {definition.mount}, or below or above it"
            )
        self.mounted[definition.mount] = app
        transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
        return Backend(MOUNTED, signature=signature, transport=transport, caution=caution)

    def _signature(self, name: str, auth: str | Auth) -> Signature:
        if not isinstance(auth, Auth):
            return Forwarded() if auth == "forward" else Unsigned()
        if auth.exchange is not None:
            return self._exchange(name, auth.exchange)
        header = auth.header
        assert header is not None
        return Installed(header.name, _secret(name, header.secret_env), tenant=header.tenant, user=header.user)

    def _exchange(self, name: str, auth: ExchangeAuth) -> TokenExchange:
        from tools.backends.sockets import SocketTransport  # aiohttp takes its time

        endpoint = read_endpoint(auth.token_url, name=f"the token_url of backend {name}")
        if endpoint.scheme == "http" and not endpoint.is_private_by_name:
            raise ConfigurationError(
                f"the token_url of backend {name} must be https: tokens would go through the network in the clear"
            )
        if auth.client_secret_env and not auth.client_id:
            raise ConfigurationError(f"backend {name}: auth.exchange has a client_secret_env and no client_id")
        guard = self.reach.guard(replace(endpoint, path=""), is_inside=endpoint.scheme == "http")
        return TokenExchange(
            SocketTransport(guard, connections=self.settings.backend_connections),
            endpoint.path or "/",
            audience=auth.audience,
            scope=auth.scope,
            client_id=auth.client_id,
            client_secret=_secret(name, auth.client_secret_env) if auth.client_secret_env else None,
            most=self.settings.exchanged_tokens,
            timeout_s=self.settings.exchange_timeout_s,
        )


def open_reach(settings: Settings) -> Reach:
    """Return who may be connected to in this installation.

    Raises:
        ConfigurationError: the proxy is none.
    """
    if settings.proxy_url is None:
        return Reach()
    return Reach(proxy=read_proxy(settings.proxy_url.get_secret_value(), name="FRONTDESK_PROXY_URL"))


def _limits(settings: Settings, definition: BackendDefinition) -> BackendLimits:
    return BackendLimits(
        connect_timeout_s=settings.backend_connect_timeout_s,
        timeout_s=definition.timeout_s,
        calls_per_tenant=settings.backend_calls_per_tenant,
        connections=settings.backend_connections,
        response_bytes=settings.backend_response_bytes,
        failures=settings.backend_failures,
        failures_s=settings.backend_failures_s,
        pause_s=settings.backend_pause_s,
    )


def configured_url(settings: Settings, name: str) -> str | None:
    """Return the address that the operator gives in place of the definitions' own; None where there is none."""
    return settings.backend_url if name == DEFAULT_BACKEND else read_variable(url_variable(name))


def _part(name: str) -> str:
    return "backend" if name == DEFAULT_BACKEND else f"backends.{name}"


def _secret(name: str, variable_name: str) -> str:
    secret = read_variable(variable_name)
    if secret is None:
        raise ConfigurationError(
            f"backend {name}: {variable_name} is not set; it holds what the backend is called with"
        )
    if not fits_into_header(secret):
        raise ConfigurationError(f"backend {name}: {variable_name} holds a sign that no header can hold")
    return secret


def _overlap(one: str, other: str) -> bool:
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")


def _app(settings: Settings, name: str, folder: Path) -> ASGIApp:
    module_name, _, factory = name.partition(":")
    what = f"backend app {name}"
    module = load_module(module_name, folder=folder, what=what)
    make = getattr(module, factory, None)
    if not callable(make):
        raise ConfigurationError(f"{what}: there is no function {factory} in {place_of_module(module)}")
    try:
        made: Any = make(settings)
    except (Exception, SystemExit) as exc:  # a function that somebody else wrote
        raise broken(exc, what) from exc
    if not callable(made):
        raise ConfigurationError(f"{what}: {factory} in {place_of_module(module)} returns no ASGI app")
    app: ASGIApp = made
    return app
