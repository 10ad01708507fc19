"""Who calls: a bearer token becomes a principal, or a clear 401.

The algorithms are fixed by configuration, never by the token. The token itself goes into the principal's credential
and nowhere else.
"""

import asyncio
import re
import time
from collections.abc import Sequence
from typing import Any

import jwt
from jwt import PyJWKClient

from agent.context import Credential, Principal
from agent.errors import ConfigurationError, OverloadedError, UnauthorizedError
from agent.settings import Settings

DEFAULT_ROLE = "client"
TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:@-]{0,127}")
"""Tenant ids that a token may name. They begin every key, so they hold nothing that could end one."""
BRANCH = re.compile(r"[\x21-\x7e]([\x20-\x7e]{0,126}[\x21-\x7e])?")
MOST_CHARACTERS = 256
MOST_TOKEN_CHARACTERS = 16_384
JWKS_KEEP_S = 300
JWKS_TIMEOUT_S = 5


class Authenticator:
    """Checks tokens by the installation's settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._jwks: PyJWKClient | None = None
        self._key = ""
        symmetric = [name for name in settings.jwt_algorithms if name.startswith("HS")]
        if not settings.jwt_algorithms:
            raise ConfigurationError("FRONTDESK_JWT_ALGORITHMS: name at least one")
        if symmetric and len(symmetric) != len(settings.jwt_algorithms):
            # One key must never serve both kinds: a public key is no secret.
            raise ConfigurationError(
                "FRONTDESK_JWT_ALGORITHMS: shared-secret and public-key algorithms cannot be mixed"
            )
        if symmetric:
            self._key = _checked(settings.secret, settings, name="FRONTDESK_JWT_SECRET")
        elif settings.jwt_jwks_url:
            self._jwks = PyJWKClient(settings.jwt_jwks_url, lifespan=JWKS_KEEP_S, timeout=JWKS_TIMEOUT_S)
        elif settings.jwt_public_key:
            self._key = _checked(settings.jwt_public_key, settings, name="FRONTDESK_JWT_PUBLIC_KEY")
        else:
            raise ConfigurationError(
                "FRONTDESK_JWT_PUBLIC_KEY or FRONTDESK_JWT_JWKS_URL is needed for these algorithms"
            )

    async def authenticate(self, authorization: str | None) -> Principal:
        """Return the principal that an `Authorization` header proves.

        Raises:
            UnauthorizedError: there is no bearer token, or it is expired, forged, or names no user or tenant.
            OverloadedError: the keys to check it with cannot be fetched.
        """
        scheme, _, token = (authorization or "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise UnauthorizedError("Send a bearer token in the Authorization header.")
        if len(token) > MOST_TOKEN_CHARACTERS:
            raise UnauthorizedError("The token is too long.")
        return self._principal(await self._claims(token), token)

    async def _claims(self, token: str) -> dict[str, Any]:
        settings = self._settings
        try:
            key: Any = self._key
            if self._jwks is not None:
                key = (await asyncio.to_thread(self._jwks.get_signing_key_from_jwt, token)).key
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=list(settings.jwt_algorithms),
                audience=settings.jwt_audience,
                issuer=settings.jwt_issuer,
                leeway=settings.jwt_leeway_s,
                options={
                    "require": ["exp"],
                    "verify_aud": settings.jwt_audience is not None,
                    "verify_sub": False,  # many issuers write a number; what is usable is decided below
                },
            )
        except jwt.PyJWKClientConnectionError as exc:
            # Not the caller's fault: a 401 would make clients sign their users out.
            raise OverloadedError("Tokens cannot be checked right now.", retry_after_s=JWKS_TIMEOUT_S) from exc
        except jwt.ExpiredSignatureError:
            raise UnauthorizedError("The token has expired.") from None
        except jwt.MissingRequiredClaimError as exc:
            raise UnauthorizedError(f"The token has no {exc.claim}.") from None
        except (jwt.InvalidAudienceError, jwt.InvalidIssuerError):
            raise UnauthorizedError("The token was issued for another service.") from None
        except (jwt.PyJWTError, ValueError, TypeError):
            raise UnauthorizedError("The token is not valid.") from None
        return claims

    def _principal(self, claims: dict[str, Any], token: str) -> Principal:
        settings = self._settings
        tenant_id = _text(claims, settings.claim_tenant)
        user_id = _text(claims, settings.claim_user)
        if tenant_id is None or not TENANT.fullmatch(tenant_id):
            raise UnauthorizedError("The token names no tenant.")
        if user_id is None:
            raise UnauthorizedError("The token names no user.")
        return Principal(
            tenant_id=tenant_id,
            user_id=user_id,
            role=_text(claims, settings.claim_role) or DEFAULT_ROLE,
            branch_id=_branch(claims, settings.claim_branch),
            email=_text(claims, ("email",)),
            name=_text(claims, ("name",)),
            credential=Credential(token),
        )


def sign(settings: Settings, *, tenant: str, user: str, role: str, branch: str | None, ttl_s: int) -> str:
    """Return a token for development, signed with the shared secret.

    Raises:
        ConfigurationError: this installation checks tokens with a public key, so none can be signed here.
    """
    algorithm = settings.jwt_algorithms[0]
    if not algorithm.startswith("HS"):
        raise ConfigurationError("tokens are checked with a public key here; only their issuer can sign them")
    now = int(time.time())
    claims: dict[str, object] = {"sub": user, "tenant_id": tenant, "role": role, "iat": now, "exp": now + ttl_s}
    if branch is not None:
        claims["branchId"] = int(branch) if branch.isdecimal() else branch
    if settings.jwt_audience:
        claims["aud"] = settings.jwt_audience
    if settings.jwt_issuer:
        claims["iss"] = settings.jwt_issuer
    return jwt.encode(claims, settings.secret, algorithm=algorithm)


def _checked(key: str, settings: Settings, *, name: str) -> str:
    """Return the key, which every configured algorithm can use."""
    if not key.strip():
        raise ConfigurationError(f"{name}: it is empty")
    for algorithm in settings.jwt_algorithms:
        try:
            jwt.get_algorithm_by_name(algorithm).prepare_key(key)
        except (jwt.PyJWTError, ValueError, TypeError):
            raise ConfigurationError(f"{name}: not a key for {algorithm}") from None
    return key


def _text(claims: dict[str, Any], names: Sequence[str]) -> str | None:
    """Return the first of the claims that is there, as text; None where it is no usable text or number."""
    value = next((claims[name] for name in names if claims.get(name) is not None), None)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value)  # never trimmed: what an issuer keeps apart stays apart
    usable = text.strip() and len(text) <= MOST_CHARACTERS and text.isprintable()
    return text if usable else None


def _branch(claims: dict[str, Any], names: Sequence[str]) -> int | str | None:
    """Return the principal's branch, of the type that the token gave it."""
    value = next((claims[name] for name in names if claims.get(name) is not None), None)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int) or not BRANCH.fullmatch(str(value)):
        raise UnauthorizedError("The token's branch is not usable.")
    return value
