"""The systems that an assistant's tools may call, by their names, and whose token each of them gets."""

from typing import Literal, Self

from pydantic import Field, model_validator

from agent.assistant.model import Definition

DEFAULT_BACKEND = "default"
"""The name of the backend that toolsets call which name none."""
NAME = r"^[a-z][a-z0-9_]{0,39}$"
VARIABLE = r"^[A-Za-z_]\w*$"


TAKEN = frozenset(
    {
        *(
            "host",
            "connection",
            "content-length",
            "transfer-encoding",
            "te",
            "trailer",
            "upgrade",
            "expect",
            "keep-alive",
        ),
        *("accept", "accept-encoding", "accept-language", "content-type", "content-encoding", "user-agent"),
        *("idempotency-key", "x-branch-id", "x-time-zone", "proxy-authorization", "proxy-connection"),
    }
)
"""Headers that mean something else already."""


class ExchangeAuth(Definition):
    """The user's token is exchanged for one that this backend alone takes (RFC 8693)."""

    token_url: str
    audience: str | None = None
    scope: str | None = None
    client_id: str | None = None
    client_secret_env: str | None = Field(default=None, pattern=VARIABLE, description="the variable with its secret")


class HeaderAuth(Definition):
    """A secret of the installation, and headers that say for whom a request is made."""

    name: str = Field(default="Authorization", pattern=r"^[A-Za-z0-9-]+$")
    secret_env: str = Field(pattern=VARIABLE, description="the variable with the header's whole value")
    tenant: str | None = Field(default="X-Tenant-Id", pattern=r"^[A-Za-z0-9-]+$", description="None: not said")
    user: str | None = Field(default="X-User-Id", pattern=r"^[A-Za-z0-9-]+$", description="None: not said")

    @model_validator(mode="after")
    def _own_names(self) -> Self:
        names = [name.lower() for name in (self.name, self.tenant, self.user) if name is not None]
        if len(set(names)) < len(names):
            raise ValueError("header names one header for two things")
        if taken := TAKEN & set(names):
            raise ValueError(f"header: {min(taken)} means something else")
        return self


class Auth(Definition):
    """A way to sign in that has details: give one of them."""

    exchange: ExchangeAuth | None = None
    header: HeaderAuth | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.exchange is None) == (self.header is None):
            raise ValueError("give either exchange or header")
        return self


class BackendDefinition(Definition):
    """A REST API: a URL, or an ASGI app that Frontdesk mounts and calls inside the process.

    `FRONTDESK_BACKEND_URL` wins over both for the default one, `FRONTDESK_BACKEND_<NAME>_URL` for any other.
    """

    url: str | None = None
    app: str | None = Field(default=None, pattern=r"^[\w.]+:\w+$", description="module:factory, called with Settings")
    mount: str = Field(default="/backend", pattern=r"^/[\w/-]*\w$")
    auth: Literal["forward", "none"] | Auth = Field(
        default="forward", description="forward: the user's own token; none: nobody's"
    )
    timeout_s: float | None = Field(
        default=None, gt=0, description="for a call of a tool that says none itself; None: limits.tool_timeout_s"
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.url is None) == (self.app is None):
            raise ValueError("give either url or app")
        return self
