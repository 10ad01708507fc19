"""Who calls: a bearer token becomes a principal, or a clear 401. The token itself goes into the principal's credential and nowhere else."""

import re
import time
from collections.abc import Sequence
from typing import Any

import jwt
import structlog
from pydantic import ValidationError

from agent.budget import Budget
from agent.errors import ConfigurationError, UnauthorizedError
from agent.principal import OPERATOR, Credential, Principal, is_tenant_id
from api.claims import put, role_of, text_of, value_of
from api.jwks import IssuerKeys
from api.keys import Trusted, jwks_url, public_key, shared_secret
from api.settings import Settings
from api.tokens import FOR_OTHERS, TokenCheck, audiences_of

logger = structlog.get_logger()

DEFAULT_ROLE = "client"
WEEK_S = 7 * 86_400
BRANCH = re.compile(r"[\x21-\x7e]([\x20-\x7e]{0,126}[\x21-\x7e])?")
FURTHEST_S = 2**53
"""A time that is further away from 1970 is none that can be counted with; issuers that write milliseconds stay far below."""


NO_TENANT_ID = "The token's tenant is no id: one text of letters, digits and _.:@-, at most 128."
NO_USER_ID = "The token's user is no id: one text of at most 256 characters."


class Authenticator(TokenCheck):
    """Checks tokens by the installation's settings. Enter it once, in the app's lifespan."""

    def __init__(self, settings: Settings) -> None:
        issuer: IssuerKeys | None = None
        key = ""
        symmetric = [name for name in settings.jwt_algorithms if name.startswith("HS")]
        if not settings.jwt_algorithms:
            raise ConfigurationError("FRONTDESK_JWT_ALGORITHMS: name at least one")
        if symmetric and len(symmetric) != len(settings.jwt_algorithms):
            # One key must never serve both kinds: a public key is no secret.
            raise ConfigurationError(
                "FRONTDESK_JWT_ALGORITHMS: shared-secret and public-key algorithms cannot be mixed"
            )
        _check_sources(settings, is_symmetric=bool(symmetric))
        trusted = Trusted(
            "FRONTDESK_JWT", settings.jwt_algorithms, settings.expected_audience, settings.expected_issuer
        )
        if symmetric:
            key = shared_secret(settings)
        elif settings.jwt_jwks_url:
            issuer = IssuerKeys(_jwks_url(settings.jwt_jwks_url, settings), settings, algorithms=trusted.algorithms)
        elif settings.jwt_public_key:
            key = public_key(settings.jwt_public_key, trusted)
        super().__init__(settings, trusted, key=key, issuer=issuer)

    async def authenticate(self, authorization: str | None) -> Principal:
        """Return the principal that an `Authorization` header proves.

        Raises:
            UnauthorizedError: there is no bearer token, or it is expired, forged, or names no user or tenant.
            OverloadedError: the issuer's keys are not known and cannot be had now. A 401 would make clients sign out.
        """
        claims, token = await self.claims(authorization)
        operators = self._settings.admin_audience
        if operators is not None and operators in audiences_of(claims):  # whoever signed it: no token opens both
            raise UnauthorizedError(FOR_OTHERS)
        return self._principal(claims, token)

    def _principal(self, claims: dict[str, Any], token: str) -> Principal:
        settings = self._settings
        tenant_id = text_of(claims, settings.claim_tenant)
        user_id = text_of(claims, settings.claim_user)
        if tenant_id is None or not is_tenant_id(tenant_id):
            is_there = value_of(claims, settings.claim_tenant) is not None
            raise UnauthorizedError(NO_TENANT_ID if is_there else "The token names no tenant.")
        if user_id is None or user_id == OPERATOR:  # who runs the installation has that name in each tenant's record
            is_there = value_of(claims, settings.claim_user) is not None
            raise UnauthorizedError(NO_USER_ID if is_there else "The token names no user.")
        return Principal(
            tenant_id=tenant_id,
            user_id=user_id,
            role=role_of(claims, settings.claim_role, settings.role_map) or DEFAULT_ROLE,
            branches=_branches(claims, settings.claim_branch),
            email=text_of(claims, ("email",)),
            name=text_of(claims, ("name",)),
            credential=Credential(token),
            issued_at=_instant(claims, "iat"),
            expires_at=_instant(claims, "exp"),
            budget=_budget(claims, settings.claim_budget) if settings.claim_budget else None,
        )


def sign(settings: Settings, *, tenant: str, user: str, role: str, branch: str | None, ttl_s: int = WEEK_S) -> str:
    """Return a token for development, signed with the shared secret; it lives no longer than one may here (`FRONTDESK_JWT_MAX_LIFETIME_S`).

    Raises:
        ConfigurationError: this installation checks tokens with a public key, so none can be signed here; or it has no
            secret, and no server would know one that were made for it.
    """
    algorithm = settings.jwt_algorithms[0]
    if not algorithm.startswith("HS"):
        raise ConfigurationError("tokens are checked with a public key here; only their issuer can sign them")
    if settings.jwt_secret is None and not settings.secret_path.exists():
        raise ConfigurationError(
            f"there is no secret to sign with: {settings.secret_path.absolute()} is not there. A server makes it at its first"
            " start (scripts/serve); run this in the same folder, or name the server's in FRONTDESK_DATA, or its FRONTDESK_JWT_SECRET"
        )
    now = int(time.time())
    claims: dict[str, object] = {"iat": now, "exp": now + min(ttl_s, settings.jwt_max_lifetime_s or ttl_s)}
    put(claims, settings.claim_user[0], user)
    put(claims, settings.claim_tenant[0], tenant)
    if settings.claim_role:
        theirs = next((named for named, ours in settings.role_map.items() if ours == role), role)
        put(claims, settings.claim_role[0], theirs)
    if branch is not None and settings.claim_branch:
        put(claims, settings.claim_branch[0], int(branch) if branch.isdecimal() else branch)
    if settings.expected_audience:
        claims["aud"] = settings.expected_audience
    if settings.expected_issuer:
        claims["iss"] = settings.expected_issuer
    return jwt.encode(claims, settings.secret, algorithm=algorithm)


def _check_sources(settings: Settings, *, is_symmetric: bool) -> None:
    """Refuse settings that name more than the one place that keys come from, or none.

    Raises:
        ConfigurationError: one of them would be left out without a word.
    """
    jwks, pem = settings.jwt_jwks_url, settings.jwt_public_key
    if is_symmetric and (jwks or pem):
        name = "FRONTDESK_JWT_JWKS_URL" if jwks else "FRONTDESK_JWT_PUBLIC_KEY"
        raise ConfigurationError(
            f'FRONTDESK_JWT_ALGORITHMS: {name} is of no use to HS algorithms; name the issuer\'s, like ["RS256"]'
        )
    if jwks and pem:
        raise ConfigurationError("FRONTDESK_JWT_PUBLIC_KEY and FRONTDESK_JWT_JWKS_URL: give one of the two")
    if not (is_symmetric or jwks or pem):
        raise ConfigurationError("FRONTDESK_JWT_PUBLIC_KEY or FRONTDESK_JWT_JWKS_URL is needed for these algorithms")
    if not is_symmetric and "claim_tenant" not in settings.model_fields_set:
        # An identity provider may let its users write one of the default names themselves.
        logger.warning("tenant_claim_not_chosen", setting="FRONTDESK_CLAIM_TENANT", read=settings.claim_tenant)


def _jwks_url(text: str, settings: Settings) -> str:
    """Return the address of the issuer's keys.

    Raises:
        ConfigurationError: it cannot be used, or the settings do not say for whom, and by whom, tokens have to be issued.
    """
    url = jwks_url(text, "FRONTDESK_JWT_JWKS_URL", allows_http=settings.jwt_jwks_allow_http)
    # An issuer serves many products: its signature alone says nothing about whom a token is for.
    for value, variable in (
        (settings.jwt_audience, "FRONTDESK_JWT_AUDIENCE"),
        (settings.jwt_issuer, "FRONTDESK_JWT_ISSUER"),
    ):
        if value is None:
            raise ConfigurationError(
                f"{variable}: needed with FRONTDESK_JWT_JWKS_URL; name what tokens must say, or write `any`"
            )
    return url


def _branches(claims: dict[str, Any], names: Sequence[str]) -> tuple[int | str, ...]:
    """Return the branches that the token names, one value or a list, of the types that it gave them, each once.

    Raises:
        UnauthorizedError: one of them is no branch, or the list is empty. That is not "any".
    """
    value = value_of(claims, names)
    if value is None:
        return ()
    listed = value if isinstance(value, list) else [value]
    if not listed or not all(map(_is_branch, listed)):
        raise UnauthorizedError("The token's branch is not usable.")
    each: dict[str, int | str] = {}
    for one in listed:
        each.setdefault(str(one), one)
    return tuple(each.values())


def _budget(claims: dict[str, Any], names: Sequence[str]) -> Budget | None:
    """Return what the token lets its user use at most; None where it says nothing.

    Raises:
        UnauthorizedError: it is no budget. That is not "as much as you like".
    """
    value = value_of(claims, names)
    try:
        return None if value is None else Budget.model_validate(value)
    except ValidationError:
        raise UnauthorizedError("The token's budget is not usable.") from None


def _is_branch(value: object) -> bool:
    if isinstance(value, int):  # as a request's: no row and no letter to another process has a larger one
        return not isinstance(value, bool) and -(2**63) <= value < 2**63
    return isinstance(value, str) and bool(BRANCH.fullmatch(value))


def _instant(claims: dict[str, Any], name: str) -> int | None:
    """Return a time that a checked token gives, in seconds since 1970; None where it gives none.

    Raises:
        UnauthorizedError: it is too far away.
    """
    value = claims.get(name)
    if value is not None and abs(int(value)) > FURTHEST_S:
        raise UnauthorizedError(f"The token's {name} is not usable.")
    return None if value is None else int(value)
