"""Who calls and what they may see. The only place that reads tokens.

The invariant: a `Caller` comes from a valid token of an existing tenant, and its scope can only be narrowed. An owner
sees the tenant, a trainer one branch, a client their own record; a token that fits none of these is refused.
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import jwt
from fastapi import HTTPException

from api.settings import Settings

ROLES = ("owner", "trainer", "client")
MAX_ID = 2**53


@dataclass(frozen=True, slots=True)
class Caller:
    """A user of a tenant with the widest scope of this request. None means "not narrowed by this"."""

    tenant: str
    user: str
    role: str
    currency: str
    branch_id: int | None
    client_id: int | None

    def scope(self) -> dict[str, object]:
        """Return the parameters that every query is bound to."""
        return {"tenant": self.tenant, "branch": self.branch_id, "client": self.client_id}


def unauthorized(detail: str) -> HTTPException:
    return HTTPException(401, detail, {"WWW-Authenticate": "Bearer"})


def read_claims(token: str | None, settings: Settings) -> Mapping[str, Any]:
    """Return the claims of a token signed with HS256 and the shared secret, that has not expired.

    Raises:
        HTTPException: 401; the text says what is wrong with the token, never what is in it.
    """
    if token is None:
        raise unauthorized("A bearer token is needed.")
    try:
        claims: Mapping[str, Any] = jwt.decode(
            token,
            settings.secret,
            algorithms=["HS256"],
            audience=settings.expected_audience,
            issuer=settings.expected_issuer,
            leeway=settings.jwt_leeway_s,
            options={"require": ["exp"], "verify_aud": settings.expected_audience is not None},
        )
    except jwt.ExpiredSignatureError as exc:
        raise unauthorized("The token has expired.") from exc
    except jwt.InvalidTokenError as exc:
        raise unauthorized("The token is not valid.") from exc
    return claims


def identify(connection: sqlite3.Connection, claims: Mapping[str, Any], settings: Settings) -> Caller:
    """Return who the claims describe.

    Raises:
        HTTPException: 401 without user or tenant; 403 for an unknown tenant, role, branch or client.
    """
    user, tenant = _claim(claims, settings.claim_user), _claim(claims, settings.claim_tenant)
    if user is None or tenant is None:
        raise unauthorized("The token names no user or no tenant.")
    role = _claim(claims, settings.claim_role) or "client"
    found = connection.execute("SELECT currency FROM tenants WHERE id = :tenant", {"tenant": tenant}).fetchone()
    if found is None or role not in ROLES:
        raise HTTPException(403, "The token's tenant or role is not known here.")
    caller = Caller(tenant, user, role, found["currency"], None, None)
    return caller if role == "owner" else _confined(connection, caller, _claim(claims, settings.claim_branch))


def _confined(connection: sqlite3.Connection, caller: Caller, claimed_branch: str | None) -> Caller:
    """Limit a trainer to the token's branch, or else the account's; a client always to the account's record."""
    account = connection.execute(
        "SELECT branch_id, client_id FROM accounts WHERE tenant = :tenant AND user = :user",
        {"tenant": caller.tenant, "user": caller.user},
    ).fetchone()
    if caller.role == "client":
        if account is None or account["client_id"] is None:
            raise HTTPException(403, "No client record belongs to this user.")
        return replace(caller, branch_id=account["branch_id"], client_id=account["client_id"])
    if claimed_branch is None and account is not None:
        claimed_branch = str(account["branch_id"])
    return replace(caller, branch_id=_known_branch(connection, caller.tenant, claimed_branch or ""))


def narrowed(connection: sqlite3.Connection, caller: Caller, wanted: str | None) -> Caller:
    """Return the caller limited to the wanted branch, as `X-Branch-Id` or `?branch_id=` asks.

    Raises:
        HTTPException: 422 if it is no number; 403 if the tenant has no such branch or the caller may not see it.
    """
    if wanted is None:
        return caller
    if not (wanted.isascii() and wanted.isdigit() and int(wanted[:20]) <= MAX_ID):
        raise HTTPException(422, "X-Branch-Id: a branch is named by its number.")
    branch = _known_branch(connection, caller.tenant, wanted)
    if caller.branch_id not in (None, branch):
        raise HTTPException(403, f"Branch {branch} is outside of what this request may see.")
    return replace(caller, branch_id=branch)


def _known_branch(connection: sqlite3.Connection, tenant: str, branch: str) -> int:
    row = connection.execute(
        "SELECT id FROM branches WHERE tenant = :tenant AND CAST(id AS TEXT) = :branch",
        {"tenant": tenant, "branch": branch},
    ).fetchone()
    if row is None:
        raise HTTPException(403, "There is no such branch for this user.")
    return int(row["id"])


def _claim(claims: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    """Return the first of these claims that is given, as text; numbers count, anything else does not."""
    values = (claims.get(name) for name in names)
    return next((str(v) for v in values if isinstance(v, str | int) and not isinstance(v, bool) and v != ""), None)
