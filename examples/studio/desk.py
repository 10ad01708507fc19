"""A request at the studio's desk: scoped queries and writes that happen once.

The invariant: no statement runs without the tenant. `rows` and its sisters bind `:tenant`, `:branch` and `:client` to
the caller's scope, `:today` and `:time` to the caller's clock, and refuse SQL that does not ask for the tenant.
"""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from hashlib import sha256
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import orjson
from fastapi import Depends, Header, HTTPException, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel

from examples.studio.access import MAX_ID, Caller, identify, narrowed, read_claims
from examples.studio.database import Studio, transaction

Row = dict[str, Any]

MAX_KEY = 255


@dataclass(frozen=True, slots=True)
class Desk:
    """Who asks, what they may see, and when. Lives as long as the request."""

    caller: Caller
    connection: sqlite3.Connection
    now: datetime
    action: str
    key: str | None

    @property
    def today(self) -> str:
        return self.now.date().isoformat()

    def rows(self, sql: str, **parameters: object) -> list[Row]:
        """Return all rows of a scoped query."""
        return [dict(row) for row in self._execute(sql, parameters)]

    def row(self, sql: str, **parameters: object) -> Row | None:
        """Return the first row of a scoped query, if there is one."""
        found = self._execute(sql, parameters).fetchone()
        return None if found is None else dict(found)

    def one(self, sql: str, **parameters: object) -> Row:
        """Return the row of a scoped query that always has one, such as a count."""
        return dict(self._execute(sql, parameters).fetchone())

    def change(self, sql: str, **parameters: object) -> int:
        """Run a scoped change inside `once`; return the id of the last inserted row."""
        return self._execute(sql, parameters).lastrowid or 0

    def once(self, body: BaseModel | None, work: Callable[[], Row]) -> Row:
        """Do `work` in a transaction and return its answer; with an `Idempotency-Key`, at most once per key.

        The answer is stored in the same transaction, so a repeated key gets the first answer, also after a crash.
        A request that was refused stores nothing.

        Raises:
            HTTPException: 422 if the key was used for another request.
        """
        request = sha256(f"{self.action}\n{body.model_dump_json() if body else ''}".encode()).hexdigest()
        mine = {"user": self.caller.user, "key": self.key}
        with transaction(self.connection):
            seen = self.row(
                "SELECT request, answer FROM answers WHERE tenant = :tenant AND user = :user AND key = :key", **mine
            )
            if seen is None:
                answer = work()
                if self.key is not None:
                    text = orjson.dumps(answer).decode()
                    insert = "INSERT INTO answers VALUES (:tenant, :user, :key, :request, :answer)"
                    self.change(insert, **mine, request=request, answer=text)
                return answer
            if seen["request"] != request:
                raise HTTPException(422, "The Idempotency-Key belongs to another request.")
            stored: Row = orjson.loads(seen["answer"])
            return stored

    def _execute(self, sql: str, parameters: dict[str, object]) -> sqlite3.Cursor:
        if ":tenant" not in sql:
            raise AssertionError(f"a query without the tenant: {sql}")
        clock = {"today": self.today, "time": self.now.strftime("%H:%M")}
        return self.connection.execute(sql, {**parameters, **clock, **self.caller.scope()})


def money(minor: int | None) -> float:
    """Return minor units as what the API speaks: plain major units, at most two decimals."""
    return round((minor or 0) / 100, 2)


def open_desk(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))],
    branch_id: Annotated[int | None, Query(ge=1, le=MAX_ID, include_in_schema=False)] = None,
    x_branch_id: Annotated[str | None, Header(include_in_schema=False)] = None,
    x_time_zone: Annotated[str | None, Header(include_in_schema=False)] = None,
    idempotency_key: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> Iterator[Desk]:
    """Check the caller, narrow the scope to the asked branch, and lend a connection for the request."""
    studio: Studio = request.app.state.studio
    settings = request.app.state.settings
    claims = read_claims(credentials.credentials if credentials else None, settings)
    if idempotency_key is not None and not 0 < len(idempotency_key) <= MAX_KEY:
        raise HTTPException(422, f"Idempotency-Key: 1 to {MAX_KEY} characters.")
    with studio.connect() as connection:
        caller = narrowed(connection, identify(connection, claims, settings), x_branch_id)
        caller = narrowed(connection, caller, None if branch_id is None else str(branch_id))
        yield Desk(
            caller,
            connection,
            studio.now().astimezone(_zone(x_time_zone)),
            f"{request.method} {request.url.path}",
            idempotency_key,
        )


def _zone(name: str | None) -> tzinfo:
    """Return the time zone of whoever asks; UTC where it is none that this machine knows."""
    try:
        return ZoneInfo(name) if name else UTC
    except (ValueError, OSError, KeyError):
        return UTC


AnyDesk = Annotated[Desk, Depends(open_desk)]
"""For what every signed-in user may ask; clients get their own part."""


def open_staff_desk(desk: AnyDesk) -> Desk:
    """Refuse clients: the business's figures and all changes are for its staff."""
    if desk.caller.role == "client":
        raise HTTPException(403, "Only staff may see or do this.")
    return desk


StaffDesk = Annotated[Desk, Depends(open_staff_desk)]
