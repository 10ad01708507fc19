"""Settings of tokens: how they are checked, and which claims name whom."""

from functools import cached_property
from typing import Any, Literal

from pydantic import Field, SecretStr, model_validator

from agent.settings import EnvironmentSettings
from api.presets import PRESETS, Preset

ANY = "any"
"""The word by which an operator says that every audience, or issuer, is accepted."""

PublicKeyAlgorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"
]  # fmt: skip
Algorithm = Literal["HS256", "HS384", "HS512"] | PublicKeyAlgorithm


class AuthSettings(EnvironmentSettings):
    """Settings of tokens: how they are checked, and which claims name whom."""

    jwt_preset: Preset | None = Field(
        default=None,
        description="the issuer's kind: it fills in algorithms, claims and, from `FRONTDESK_JWT_ISSUER`, where the keys are (docs/authentication.md)",
    )
    jwt_secret: SecretStr | None = Field(
        default=None, min_length=1, description="for HS algorithms; without one, one is made and kept"
    )
    jwt_public_key: str | None = Field(
        default=None, description="PEM of a public key: RSA (2048 bits or more), P-256, P-384, P-521 or Ed25519"
    )
    jwt_jwks_url: str | None = Field(
        default=None,
        description="where the issuer publishes its keys; in place of a public key, and with an audience and an issuer",
    )
    jwt_jwks_allow_http: bool = Field(default=False, description="fetch them over plain http from another machine, too")
    jwt_jwks_refresh_s: float = Field(default=300.0, gt=0, description="the keys are fetched anew this often")
    jwt_jwks_cooldown_s: float = Field(
        default=30.0,
        gt=0,
        description="the time between two fetches, whatever strangers ask for and however the last one went",
    )
    jwt_jwks_keep_s: float = Field(
        default=86_400.0, gt=0, description="known keys count for so long while the issuer is away"
    )
    jwt_jwks_timeout_s: float = Field(default=5.0, gt=0, description="a whole fetch of the keys")
    jwt_jwks_max_bytes: int = Field(
        default=1024 * 1024, ge=1024, description="a larger answer of the issuer is not read"
    )
    jwt_algorithms: tuple[Algorithm, ...] = Field(default=("HS256",), description="the only ones accepted")
    jwt_audience: str | None = Field(default=None, description="`aud` that tokens must have; `any` does not look at it")
    jwt_issuer: str | None = Field(default=None, description="`iss` that tokens must have; `any` does not look at it")
    jwt_leeway_s: int = Field(
        default=30, ge=0, le=300, description="difference of clocks that is forgiven in `exp`, `nbf` and `iat`"
    )
    jwt_max_lifetime_s: int | None = Field(
        default=None, ge=1, description="a token that would be valid for longer than this from now on is refused"
    )
    claim_user: tuple[str, ...] = Field(
        default=("sub", "userId"),
        description='claims that name the user, the first that is there; `org.id` is `{"org": {"id": …}}`',
    )
    claim_tenant: tuple[str, ...] = Field(
        default=("tenant_id", "gymId"), description="claims that name the tenant; name one in production"
    )
    claim_branch: tuple[str, ...] = Field(
        default=("branchId",), description="claims that name the branch, or the branches"
    )
    claim_role: tuple[str, ...] = Field(default=("role",), description="claims that name the role, or the roles")
    claim_budget: tuple[str, ...] = Field(
        default=(),
        description="claims with what the user may use at most, which may be less than elsewhere and never more",
    )
    role_map: dict[str, str] = Field(
        default={},
        description='a token\'s role -> the role here: `{"org:admin": "owner", "org:member": "clerk"}`; of several roles the first in this order counts, '
        "whoever has none of them is a `client`; needed where tokens name several",
    )

    @model_validator(mode="before")
    @classmethod
    def _fill_in_preset(cls, values: Any) -> Any:
        """Let the preset's settings stand where nothing else is said."""
        preset = PRESETS.get(values.get("jwt_preset") or "") if isinstance(values, dict) else None
        if preset is None:
            return values
        filled = preset.settings(values.get("jwt_issuer"))
        if values.get("jwt_public_key"):
            filled.pop("jwt_jwks_url", None)
        return {**filled, **values}

    @cached_property
    def expected_audience(self) -> str | None:
        """Return the `aud` that a token must have; None where any will do."""
        return None if self.jwt_audience == ANY else self.jwt_audience

    @cached_property
    def expected_issuer(self) -> str | None:
        """Return the `iss` that a token must have; None where any will do."""
        return None if self.jwt_issuer == ANY else self.jwt_issuer
