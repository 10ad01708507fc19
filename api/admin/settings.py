"""Settings of `/admin`: whose tokens open it, and which words of theirs give which rights."""

from typing import Literal, get_args

from pydantic import Field

from agent.settings import EnvironmentSettings
from api.token_settings import PublicKeyAlgorithm

Right = Literal["runs", "usage", "erase", "audit", "conversations", "budgets"]
RIGHTS: tuple[Right, ...] = get_args(Right)
"""The rights of operators; `conversations` is to read what users said, `budgets` to read and set what they may use."""


class AdminSettings(EnvironmentSettings):
    """Settings of the operators' API. None of them is set: it is not there then."""

    admin_issuer: str | None = Field(
        default=None, description="`iss` of the tokens that open /admin; without one it is not there (docs/admin.md)"
    )
    admin_audience: str | None = Field(
        default=None, description="`aud` of these tokens, which they have alone and no user's token may have"
    )
    admin_jwks_url: str | None = Field(
        default=None, description="where their issuer publishes its keys; as FRONTDESK_JWT_JWKS_URL"
    )
    admin_public_key: str | None = Field(default=None, description="in its place, PEM of the issuer's public key")
    admin_algorithms: tuple[PublicKeyAlgorithm, ...] = Field(
        default=("RS256",), min_length=1, description="the only ones accepted of them"
    )
    admin_claim: str = Field(
        default="roles",
        min_length=1,
        description="the claim that gives rights: a list, or words in a text; `realm_access.roles` is one below another",
    )
    admin_rights: dict[str, tuple[Right, ...]] = Field(
        default={},
        description='what each of its words lets do: `{"support": ["runs", "usage"], "privacy": ["erase", "audit", "conversations"]}`',
    )
    admin_requests: int = Field(
        default=4, ge=1, description="requests to /admin that this process works on at once; one more gets a 429"
    )
    admin_timeout_s: float = Field(
        default=30.0, gt=0, description="a request to /admin is broken off then; an erasure says how far it has come"
    )
    admin_refusal_limit: str = Field(
        default="60/minute",
        description="refused requests to /admin that are recorded, of all strangers and of each operator; more get a 429",
    )
