"""Settings of one installation: the runtime's, those of its HTTP and of its tokens, and what it answers with."""

import re
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from secrets import token_urlsafe
from tempfile import NamedTemporaryFile
from typing import Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import SettingsError

from agent.errors import ConfigurationError
from agent.files.settings import FileSettings
from agent.settings import EnvironmentSettings, Keep, RuntimeSettings
from api.admin.settings import AdminSettings
from api.token_settings import AuthSettings
from api.variables import variable_of
from api.voice_settings import VoiceSettings

_FIELD = re.compile(r'field "(\w+)"')
KINDS = {
    "model_type": "must be an object",
    "tuple_type": 'write it as JSON, like ["one"]',
    "dict_type": 'write it as JSON, like {"name": …}',
    "string_type": "must be a text",
}
"""The words for what a value has to be, by pydantic's kinds of errors."""
STUDIO = Path(__file__).parent.parent / "examples" / "studio" / "assistant.yaml"


class HttpSettings(EnvironmentSettings):
    """Settings of the server: whom it listens to, and how long."""

    cors_origins: tuple[str, ...] = Field(default=(), description="origins of the pages that may call")
    root_path: str = Field(
        default="",
        pattern=r"^(/[A-Za-z0-9._~-]+)*$",
        examples=["/assistant"],
        description="the path below which browsers find it behind your proxy, like `/assistant`; whether the proxy takes it off or not",
    )
    max_body_bytes: int = Field(default=512 * 1024, ge=1024, description="a larger request gets a 413")
    trusted_proxies: tuple[str, ...] = Field(
        default=(), description="addresses and networks of the proxies whose X-Forwarded-For and -Proto are believed"
    )
    public_limit: str = Field(
        default="10/minute",
        description="messages per address on /chat/public, where the assistant opens it and says no other",
    )
    user_limit: str = Field(default="1200/minute", description="requests that one user may make; more get a 429")
    tenant_limit: str = Field(default="12000/minute", description="requests that all users of one tenant may make")
    address_limit: str | None = Field(
        default=None,
        description="requests with a token, or what looks like one, from one address; none is set, for whole offices have one",
    )
    max_streams_per_user: int = Field(
        default=20,
        ge=1,
        description="answers that one user, or one visitor's address, may wait for or read at once; more get a 429",
    )
    max_streams_per_tenant: int = Field(
        default=10_000, ge=1, description="of these, all users of one tenant, or all visitors; more get a 429"
    )
    max_streams_per_address: int | None = Field(
        default=None, ge=1, description="of these, all at one address; none is set, for whole offices have one"
    )
    ticket_s: float = Field(default=30.0, gt=0, le=300, description="a ticket that nobody used is void after this time")
    max_tickets_per_user: int = Field(
        default=40, ge=1, description="tickets of one user that wait for their use, or may open a stream again"
    )
    ticket_limit: str = Field(default="120/minute", description="tickets that one user may make")
    max_sockets_per_user: int = Field(default=10, ge=1, description="WebSockets of one user; one more gets a 429")
    max_sockets_per_tenant: int = Field(default=10_000, ge=1, description="WebSockets of one tenant")
    socket_message_limit: str = Field(
        default="600/minute", description="messages that one user may send over all WebSockets; more are refused"
    )
    max_connections: int = Field(
        default=2000, ge=10, description="open connections; fewer where the process may not have as many files"
    )
    first_request_timeout_s: float = Field(
        default=20.0, gt=0, description="a connection on which nothing was asked is closed"
    )
    header_timeout_s: float = Field(
        default=20.0, gt=0, description="from a request's first byte to the end of its headers"
    )
    max_header_bytes: int = Field(default=64 * 1024, ge=1024, description="longer headers get a 431")
    body_timeout_s: float = Field(default=60.0, gt=0, description="from the end of the headers to the end of the body")
    keep_alive_s: float = Field(
        default=75.0, gt=0, description="a connection without a request is closed; longer than your proxy keeps it"
    )
    send_timeout_s: float = Field(default=20.0, gt=0, description="a client that reads nothing for this long is cut")
    compress_streams: bool = Field(
        default=False,
        description="streams go out as gzip to clients that accept it, flushed with every frame; 48 KiB for each",
    )
    openapi: bool = Field(default=True, description="/openapi.json and /docs are there")
    metrics_token: SecretStr | None = Field(
        default=None, min_length=16, description="the bearer token that /metrics asks for; without one it is open"
    )
    metrics_port: int | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="where this process, and no other, answers /metrics; the port that serves does not then",
    )
    metrics_host: str = Field(default="127.0.0.1", description="the address of that port")
    metrics_tenants: int = Field(
        default=0,
        ge=0,
        le=1000,
        description="tenants whose runs and tokens are counted by name, the first that come; the rest are `other`, and with 0 nobody is named",
    )
    traces: Literal["off", "on", "words"] = Field(
        default="off",
        description="requests, runs, calls of models and tools as spans, to the OTLP collector that `OTEL_EXPORTER_OTLP_ENDPOINT` names (docs/operations.md); "
        "`words`: with what users, models and tools say",
    )
    trace_hosts: tuple[str, ...] = Field(
        default=(),
        description="hosts of backends and providers that get `traceparent`: which span a request is part of",
    )
    workers: int = Field(
        default=1,
        ge=1,
        le=64,
        description="processes that `serve` runs on its port; more than one need PostgreSQL and Redis (docs/scaling.md)",
    )
    worker_start_timeout_s: float = Field(
        default=120.0, gt=0, description="one of several processes that is not ready by then is ended"
    )
    worker_silence_timeout_s: float = Field(
        default=60.0, gt=0, description="one of several processes that does nothing for so long hangs, and is ended"
    )
    retire_timeout_s: float = Field(
        default=120.0,
        gt=0,
        description="one of several processes that makes way for a new one answers what was asked of it for so long, then drains",
    )
    shutdown_delay_s: float = Field(
        default=0.0,
        ge=0,
        description="after SIGTERM a server says so at /readyz and serves on for so long; longer than a balancer takes to look",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="the least important lines that are logged"
    )
    log_tool_messages: bool = Field(
        default=True,
        description="whether a tool that raises is logged with what its exception says, which may hold what a backend answered; "
        "its kind and its place are logged anyway",
    )


class BackendSettings(EnvironmentSettings):
    """Settings of the ways to the backends."""

    proxy_url: SecretStr | None = Field(
        default=None,
        description="the proxy that requests of tools leave through; without one they go straight, whatever the environment says",
    )
    backend_connections: int = Field(default=256, ge=1, le=10_000, description="connections to one backend at once")
    backend_connect_timeout_s: float = Field(default=5.0, gt=0, description="connecting to a backend")
    backend_calls_per_tenant: int = Field(
        default=16,
        ge=1,
        le=10_000,
        description="requests of one tenant to one backend at once; more wait for their turn",
    )
    backend_response_bytes: int = Field(
        default=4 * 1024 * 1024,
        ge=1024,
        le=64 * 1024 * 1024,
        description="of one answer of a backend, on the wire and unpacked; a larger one is not read to its end",
    )
    backend_failures: int = Field(
        default=10,
        ge=1,
        le=1000,
        description="failed requests, half of all, after which a backend counts as down for a tenant",
    )
    backend_failures_s: float = Field(default=120.0, gt=0, description="within so long")
    backend_pause_s: float = Field(
        default=15.0, gt=0, description="a backend that is down is left alone for so long, then one request looks"
    )
    exchanged_tokens: int = Field(
        default=1000, ge=1, description="tokens that are kept of those exchanged for one backend; the oldest go first"
    )
    exchange_timeout_s: float = Field(default=10.0, gt=0, description="exchanging a user's token for a backend")


class Settings(
    AdminSettings, FileSettings, BackendSettings, AuthSettings, VoiceSettings, HttpSettings, RuntimeSettings
):  # the last one comes first in docs/settings.md
    """Everything an operator can set. Unset, it is the demo: SQLite, the studio, the offline model."""

    assistant: Path = Field(default=STUDIO, description="the definition of what answers, or a folder of several")
    backend_url: str | None = Field(default=None, description="the tenant's REST API; wins over the assistant's own")
    demo_hosts: tuple[str, ...] = Field(
        default=(), description="host names under which anybody may use the demo; without one, only this machine may"
    )

    @cached_property
    def is_demo(self) -> bool:
        """Whether this is the demo: the studio with its own backend, and tokens that only this installation signs."""
        is_studio = self.assistant == STUDIO and self.backend_url is None
        return is_studio and self.jwt_secret is None and self.jwt_algorithms == ("HS256",)

    @property
    def secret_path(self) -> Path:
        """Return the file of the secret that is made where none is given."""
        return self.data / "jwt-secret"

    @cached_property
    def secret(self) -> str:
        """Return the shared secret of HS algorithms; without one it is made once and kept in the data folder.

        The file is readable by its owner only. A random secret is safe: nobody but `frontdesk token` knows it.

        Raises:
            ConfigurationError: the file is there and empty, or no text.
        """
        if self.jwt_secret is not None:
            return self.jwt_secret.get_secret_value()
        path = self.secret_path
        if not path.exists():
            _make_secret(path)
        try:
            secret = path.read_text("utf-8").strip()
        except UnicodeDecodeError:
            secret = ""
        if not secret:
            raise ConfigurationError(f"{path} holds no secret: delete it and start again")
        return secret


def _make_secret(path: Path) -> None:
    """Put a new secret at `path` whole: of two processes that start at once, both read the one that came first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile("w", dir=path.parent) as file, suppress(FileExistsError):  # readable by its owner only
        file.write(token_urlsafe(48))
        file.flush()
        path.hardlink_to(file.name)


def load_settings() -> Settings:
    """Read the settings.

    Raises:
        ConfigurationError: a value is not valid; the text names the variable and never shows the value.
    """
    try:
        return Settings()
    except ValidationError as exc:
        problems = "; ".join(f"{name}: {says}" for name, says in invalid(exc))
        raise ConfigurationError(problems) from None
    except SettingsError as exc:
        name, says = unreadable(exc)
        raise ConfigurationError(f"{name}: {says}") from None
    except UnicodeDecodeError as exc:
        raise ConfigurationError(f".env: {not_utf_8(exc)}") from None


def invalid(error: ValidationError) -> list[tuple[str, str]]:
    """Return the variables that hold no valid value, each with what is wrong. No value is shown."""
    found = error.errors(include_input=False, include_url=False)
    deeper = {one["loc"][0] for one in found if len(one["loc"]) > 1}  # a list with a wrong entry is told of by that
    found = [one for one in found if one["type"] != "too_short" or one["loc"][0] not in deeper]
    return [(variable_of(Settings, str(one["loc"][0])), _says(one)) for one in found]


def _says(mistake: ErrorDetails) -> str:
    """Return what is wrong with a value, with the place in it where it holds several."""
    name, *steps = map(str, mistake["loc"])
    field = Settings.model_fields.get(name)
    if mistake["type"] == "string_pattern_mismatch" and field is not None and field.examples:
        return f"write it like {field.examples[0]}"
    place = ".".join(step for step in steps if "[" not in step)
    says = KINDS.get(mistake["type"], mistake["msg"])
    if mistake["type"] == "too_short" and "min_length" in (said := mistake.get("ctx", {})):
        is_list = said.get("field_type") == "Tuple"
        says = "name at least one" if is_list else f"at least {said['min_length']} characters are needed"
    if mistake["type"] == "extra_forbidden":
        says = f"there is no such name; there are {', '.join(Keep.model_fields)}"
    return f"{place}: {says}" if place else says


def not_utf_8(error: UnicodeDecodeError) -> str:
    """Return what is wrong with a file `.env` that cannot be read, and what to do."""
    return f"not UTF-8: {error.reason} at byte {error.start}; save it as UTF-8"


def unreadable(error: SettingsError) -> tuple[str, str]:
    """Return the variable whose value is no JSON, and how it is written."""
    named = _FIELD.search(str(error))
    field = Settings.model_fields.get(named[1]) if named is not None else None
    example = '{"name": …}' if field is not None and str(field.annotation).startswith("dict") else '["one"]'
    return variable_of(Settings, named[1]) if named is not None else "settings", f"write it as JSON, like {example}"
