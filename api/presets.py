"""The shapes of well-known issuers' tokens: settings that stand where an operator says nothing else.

The tests have a token of each, of the shape that its issuer documents.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Preset = Literal["auth0", "clerk", "cognito", "entra", "firebase", "keycloak"]


@dataclass(frozen=True, slots=True)
class IssuerPreset:
    """An issuer: where its keys are, by its `iss`, and which claims name whom."""

    issuer: str
    """The shape of its `iss`, to show to an operator who has not named it."""
    keys: Callable[[str], str]
    tenant: tuple[str, ...]
    role: tuple[str, ...]
    user: tuple[str, ...] = ("sub",)
    audience: str | None = None
    """None: the operator has to name it."""

    def settings(self, issuer: str | None) -> dict[str, Any]:
        """Return the settings that it stands for."""
        found: dict[str, Any] = {
            "jwt_algorithms": ("RS256",),
            "claim_user": self.user,
            "claim_tenant": self.tenant,
            "claim_role": self.role,
        }
        if self.audience is not None:
            found["jwt_audience"] = self.audience
        if issuer is not None:
            found["jwt_jwks_url"] = self.keys(issuer.rstrip("/"))
        return found


def _well_known(issuer: str) -> str:
    return f"{issuer}/.well-known/jwks.json"


PRESETS: dict[str, IssuerPreset] = {
    "auth0": IssuerPreset(
        "https://TENANT.eu.auth0.com/", _well_known, tenant=("org_id",), role=("role", "roles")
    ),  # which an Action of theirs writes: Auth0 has no claim of roles
    "clerk": IssuerPreset(
        "https://clerk.example.com",
        _well_known,
        tenant=("o.id", "org_id"),  # of a session token's version 2, and of version 1
        role=("o.rol", "org_role"),
        audience="any",  # its session tokens have none, and its issuer is of one application alone
    ),
    "cognito": IssuerPreset(
        "https://cognito-idp.REGION.amazonaws.com/POOL",
        _well_known,
        tenant=("custom:tenant_id",),
        role=("cognito:groups",),
    ),
    "entra": IssuerPreset(
        "https://login.microsoftonline.com/DIRECTORY/v2.0",
        lambda issuer: f"{issuer.removesuffix('/v2.0')}/discovery/v2.0/keys",
        tenant=("tid",),
        role=("roles",),
        user=("oid", "sub"),  # `sub` is another one for each application
    ),
    "firebase": IssuerPreset(
        "https://securetoken.google.com/PROJECT",
        lambda _issuer: "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com",
        tenant=("firebase.tenant", "tenant_id"),
        role=("role", "roles"),
    ),
    "keycloak": IssuerPreset(
        "https://id.example.com/realms/REALM",
        lambda issuer: f"{issuer}/protocol/openid-connect/certs",
        tenant=("tenant_id", "organization"),
        role=("realm_access.roles",),
    ),
}
