"""Who may use `/admin`, and what is recorded of it: each use before it is made, each refusal as far as it is not one of a flood.

The invariant: nothing is done for an operator that is not in the record. A token opens either this or what users have: its
audience is ours and nothing else, and `api/auth.py` refuses whatever names that one.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio
import structlog
from fastapi import Request
from fastapi.security import HTTPBearer

from agent.errors import (
    RETRY_AFTER_S,
    ConfigurationError,
    ForbiddenError,
    NotFoundError,
    OverloadedError,
    UnauthorizedError,
)
from agent.principal import OPERATOR, Principal
from agent.store.audit import Deed, record
from agent.store.database import Store
from api.admin.settings import Right
from api.claims import text_of, value_of
from api.dependencies import Services, services_of
from api.handover import hold
from api.jwks import IssuerKeys
from api.keys import Trusted, jwks_url, public_key
from api.rates import Rates, limit_of
from api.seats import Seats
from api.settings import Settings
from api.tokens import FOR_OTHERS, TokenCheck, audiences_of

STRANGER = ""
"""In place of an operator's name: of all who prove nothing."""
TOO_MANY = "At most {most} requests of operators are worked on at once."
ASKED = (
    "tenant",
    "by",
    "from",
    "to",
    "failed",
    "after",
    "cursor",
    "limit",
    "kind",
    "run",
    "tool",
    "head",
    "conversation",
    "dry_run",
    "whose",
    "budget",
)
"""The recorded words of a request. The user whom it is about has a place of its own, and a reason is in the tenant's record."""
MAX_ASKED = 256
"""Characters of each: the name of a user is whole."""


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody who runs the installation, by their issuer's word."""

    name: str
    rights: frozenset[Right]


class Operators(TokenCheck):
    """The operators of an installation that has `/admin`. Enter it once, in the app's lifespan."""

    def __init__(self, settings: Settings) -> None:
        """Open nothing yet.

        Raises:
            ConfigurationError: the settings do not say whose tokens count, or in a way that users' tokens might.
        """
        trusted = _trusted(settings)
        self._claim, self._rights = settings.admin_claim, settings.admin_rights
        self._audience = trusted.audience
        issuer: IssuerKeys | None = None
        key = ""
        if settings.admin_jwks_url is not None:
            where = "FRONTDESK_ADMIN_JWKS_URL"
            url = jwks_url(settings.admin_jwks_url, where, allows_http=settings.jwt_jwks_allow_http)
            issuer = IssuerKeys(url, settings, algorithms=trusted.algorithms)
        else:
            key = public_key(settings.admin_public_key or "", trusted)
        super().__init__(settings, trusted, key=key, issuer=issuer)
        refusals = limit_of(settings.admin_refusal_limit, name="FRONTDESK_ADMIN_REFUSAL_LIMIT")
        self._refusals = Rates({"refusals": refusals})
        most = settings.admin_requests
        self.seats = Seats("operators", most, most, refusals=(TOO_MANY, TOO_MANY))

    async def authenticate(self, authorization: str | None) -> Operator:
        """Return the operator that an `Authorization` header proves.

        Raises:
            UnauthorizedError: it proves none.
            OverloadedError: the issuer's keys cannot be had now.
        """
        claims, _ = await self.claims(authorization)
        if audiences_of(claims) != [self._audience]:
            raise UnauthorizedError(FOR_OTHERS)
        name = text_of(claims, ("sub",))
        if name is None:
            raise UnauthorizedError("The token names nobody.")
        words = value_of(claims, (self._claim,))
        given = words.split() if isinstance(words, str) else words if isinstance(words, list) else []
        rights = [right for word in given if isinstance(word, str) for right in self._rights.get(word, ())]
        return Operator(name, frozenset(rights))

    async def refuse(self, store: Store, name: str, right: Right, outcome: str) -> None:
        """Record that somebody was refused.

        Raises:
            RateLimitedError: there were too many; this one stands in no record.
        """
        await self._refusals.hit({"refusals": (name,)})
        await _record(store, Deed("admin.refused", name or None, tool_name=right, outcome=outcome))


def operators_of(settings: Settings) -> Operators | None:
    """Return the operators that the settings name; None where they name none.

    Raises:
        ConfigurationError: they do so by halves.
    """
    if settings.admin_issuer is None:
        for name in ("admin_audience", "admin_jwks_url", "admin_public_key", "admin_rights", "admin_claim"):
            if getattr(settings, name) not in (None, Settings.model_fields[name].default):
                raise ConfigurationError(f"FRONTDESK_ADMIN_ISSUER: needed with FRONTDESK_{name.upper()}")
        return None
    return Operators(settings)


class Door(HTTPBearer):
    """The way into a route of `/admin`: the operator, who has the right that it takes, and a row in the record."""

    def __init__(self, right: Right) -> None:
        super().__init__(scheme_name="Operator", bearerFormat="JWT", auto_error=False)
        self.right = right

    async def __call__(self, request: Request) -> Operator:  # type: ignore[override]
        services = services_of(request)
        operators, store = services.operators, services.store
        if operators is None:
            raise NotFoundError("Not Found")
        try:
            operator = await operators.authenticate(request.headers.get("authorization"))
        except UnauthorizedError:
            await operators.refuse(store, STRANGER, self.right, "unauthorized")
            raise
        structlog.contextvars.bind_contextvars(operator=operator.name)
        if self.right not in operator.rights:
            await operators.refuse(store, operator.name, self.right, "forbidden")
            raise ForbiddenError(f"The token does not give the right: {self.right}.")
        hold(request, await operators.seats.take(OPERATOR, OPERATOR))
        asked = await _asked(request)
        about = asked.pop("user", None)
        words = {"asked": asked} if asked else None
        await _record(store, Deed("admin.used", operator.name, about, tool_name=self.right, words=words))
        return operator


@asynccontextmanager
async def in_time(services: Services) -> AsyncIterator[None]:
    """Break off what takes longer than a request to `/admin` may.

    Raises:
        OverloadedError: it did.
    """
    limit_s = services.settings.admin_timeout_s
    with anyio.move_on_after(limit_s) as limit:
        yield
    if limit.cancelled_caught:
        raise OverloadedError(
            f"It takes longer than {limit_s:g} s: ask for less, or use the command.", retry_after_s=RETRY_AFTER_S
        )


def _trusted(settings: Settings) -> Trusted:
    issuer, audience = settings.admin_issuer, settings.admin_audience
    for value, variable in ((issuer, "FRONTDESK_ADMIN_ISSUER"), (audience, "FRONTDESK_ADMIN_AUDIENCE")):
        if value is None or value == "any":
            raise ConfigurationError(f"{variable}: name the one that operators' tokens have; `any` is none")
    if audience == settings.jwt_audience:
        raise ConfigurationError("FRONTDESK_ADMIN_AUDIENCE: must be another one than FRONTDESK_JWT_AUDIENCE")
    if (settings.admin_jwks_url is None) == (settings.admin_public_key is None):
        raise ConfigurationError("FRONTDESK_ADMIN_JWKS_URL or FRONTDESK_ADMIN_PUBLIC_KEY: name one of them")
    if not settings.admin_rights:
        raise ConfigurationError('FRONTDESK_ADMIN_RIGHTS: name what lets do what, like {"support": ["runs"]}')
    if nothing := [word for word, rights in settings.admin_rights.items() if not (word.strip() and rights)]:
        raise ConfigurationError(f"FRONTDESK_ADMIN_RIGHTS: {nothing[0]!r} gives no right to anybody; leave it out")
    claim = settings.admin_claim
    if claim != claim.strip() or claim[:1] in "[{" or not all(claim.split(".")):
        raise ConfigurationError(
            "FRONTDESK_ADMIN_CLAIM: write it like roles, or realm_access.roles for one below another"
        )
    return Trusted("FRONTDESK_ADMIN", settings.admin_algorithms, audience, issuer)


async def _record(store: Store, deed: Deed) -> None:
    async with store.write(OPERATOR) as connection:
        await record(connection, Principal(OPERATOR, deed.user_id or STRANGER), [deed])


async def _asked(request: Request) -> dict[str, str]:
    """Return what a request asks for, of what is recorded: short words and numbers, in its address or its body.

    A body is read as its route reads it, whatever its encoding is: what is done is what is recorded.
    """
    given: Mapping[str, Any] = request.query_params
    if request.method in ("POST", "PUT"):
        try:
            body = await request.json()
        except (ValueError, RecursionError):
            body = None
        given = body if isinstance(body, dict) else {}
    asked = {name: given[name] for name in (*ASKED, "user") if name in given}
    if isinstance(budget := asked.get("budget"), dict):
        asked["budget"] = json.dumps(budget, separators=(",", ":"))
    return {name: _plain(value) for name, value in asked.items() if isinstance(value, str | int | float)}


def _plain(value: object) -> str:
    """Return something as a text that every database takes, whatever signs are in it."""
    text = str(value)[:MAX_ASKED]
    return text if text.isprintable() else repr(text)
