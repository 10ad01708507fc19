"""Errors over HTTP: stable codes, and texts that name a field or a rule, never data; as problem+json but for foreign protocols.

`OVER_HTTP` is the one table of what each refusal is over HTTP; the errors themselves know their code and no status.
"""

from collections.abc import Mapping
from datetime import datetime
from difflib import get_close_matches
from itertools import islice
from typing import Any, NamedTuple
from uuid import UUID

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from prometheus_client import Counter
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from agent.budget import QuotaExceededError
from agent.errors import (
    AlreadyClaimedError,
    AlreadyDecidedError,
    DatabaseError,
    ForbiddenError,
    FrontdeskError,
    IdempotencyMismatchError,
    InvalidRequestError,
    NotFoundError,
    NotWaitingError,
    OverloadedError,
    PayloadTooLargeError,
    RateLimitedError,
    RequestError,
    RunActiveError,
    SupersededError,
    UnauthorizedError,
)
from agent.file_errors import FileInUseError, FileTooLargeError, UnreadableFileError, UnsupportedFileError
from agent.voice.sounds import UnsupportedAudioError
from api.problems import FieldProblem, Problem
from api.protocols import error_form

logger = structlog.get_logger()
problems = Counter("frontdesk_problems", "Requests that were answered with a problem, by its code", ["code"])

MAX_PROBLEMS = 10
MAX_NAMES = 50
"""Of a body, that are looked at for one that is misspelt."""
PRIVATE = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
"""The headers of every answer that does not say otherwise itself."""


class HttpProblem(NamedTuple):
    """An error's status, and its title for people."""

    status: int
    title: str


OVER_HTTP: dict[type[RequestError], HttpProblem] = {
    InvalidRequestError: HttpProblem(422, "The request is not valid"),
    IdempotencyMismatchError: HttpProblem(422, "The idempotency key belongs to another request"),
    UnauthorizedError: HttpProblem(401, "Not authenticated"),
    ForbiddenError: HttpProblem(403, "Not allowed"),
    NotFoundError: HttpProblem(404, "Not found"),
    RunActiveError: HttpProblem(409, "The conversation is busy"),
    SupersededError: HttpProblem(409, "The message was superseded"),
    NotWaitingError: HttpProblem(409, "The run does not wait for this"),
    AlreadyDecidedError: HttpProblem(409, "This is decided already"),
    AlreadyClaimedError: HttpProblem(409, "Another page makes this call"),
    PayloadTooLargeError: HttpProblem(413, "The request is too large"),
    UnsupportedAudioError: HttpProblem(415, "The recording cannot be read"),
    FileTooLargeError: HttpProblem(413, "The file is too large"),
    UnsupportedFileError: HttpProblem(415, "Files of this type are not taken"),
    UnreadableFileError: HttpProblem(422, "The file cannot be read"),
    FileInUseError: HttpProblem(409, "A message has the file"),
    RateLimitedError: HttpProblem(429, "Too many requests"),
    QuotaExceededError: HttpProblem(429, "The budget is used up"),
    OverloadedError: HttpProblem(503, "The service is overloaded"),
    DatabaseError: HttpProblem(503, "The database does not answer"),
}


def problems_of(*kinds: type[RequestError]) -> dict[int | str, dict[str, Any]]:
    """Return what a route says in the OpenAPI document of the problems that it may answer with."""
    return {status: {"model": Problem, "description": title} for status, title in map(OVER_HTTP.__getitem__, kinds)}


PROBLEMS = problems_of(UnauthorizedError, NotFoundError, InvalidRequestError)
"""The problems that any route may answer with beside what it is for."""
ADMIN_PROBLEMS = problems_of(
    UnauthorizedError, ForbiddenError, NotFoundError, InvalidRequestError, RateLimitedError, OverloadedError
)
"""The same of what is for operators."""
KNOWN: dict[int, type[RequestError]] = {
    OVER_HTTP[kind].status: kind for kind in (UnauthorizedError, ForbiddenError, NotFoundError, PayloadTooLargeError)
}
"""The framework's own refusals, as the ones that clients know."""


class ProblemResponse(Response):
    """An error in the form that the clients of its route read: problem+json, or the one that a protocol has for it."""

    def __init__(self, problem: Problem, headers: Mapping[str, str]) -> None:
        super().__init__(
            problem.model_dump_json(exclude_none=True),
            status_code=problem.status,
            headers=dict(headers),
            media_type="application/problem+json",
        )
        self._problem = problem
        self._extra = dict(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer. Only here is it known whose request it is, for what stands in front of the routes, too."""
        problems.labels(self._problem.code).inc()
        form = error_form(scope["path"])
        if form is None:
            await super().__call__(scope, receive, send)
            return
        body = orjson.dumps(form(self._problem))
        await Response(body, self._problem.status, self._extra, "application/json")(scope, receive, send)


def problem(
    status: int,
    code: str,
    title: str,
    detail: str,
    *,
    errors: list[FieldProblem] | None = None,
    run_id: UUID | None = None,
    outcome: str | None = None,
    resets_at: datetime | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return the response that tells of a problem."""
    body = Problem(
        type=f"urn:frontdesk:problem:{code}",
        title=title,
        status=status,
        detail=detail,
        code=code,
        errors=errors,
        run_id=run_id,
        outcome=outcome,
        resets_at=resets_at,
    )
    return ProblemResponse(body, headers or {})


def refusal(
    kind: type[RequestError],
    detail: str,
    *,
    run_id: UUID | None = None,
    outcome: str | None = None,
    resets_at: datetime | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return the response that an error of this kind is to a client."""
    status, title = OVER_HTTP[kind]
    return problem(
        status, kind.code, title, detail, run_id=run_id, outcome=outcome, resets_at=resets_at, headers=headers
    )


def install(app: FastAPI) -> None:
    """Let every error of this app leave in the form that its client reads."""
    app.add_exception_handler(RequestError, _request_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)


async def _request_error(_request: Request, exc: Exception) -> Response:
    assert isinstance(exc, RequestError)
    return refused(exc)


def refused(exc: RequestError) -> Response:
    """Return the response that an error is to a client."""
    if isinstance(exc, UnauthorizedError):
        # What a token is refused for is one of a few sentences of ours, and the kind of error that a library met.
        kind = type(exc.__context__).__name__ if exc.__context__ is not None else None
        logger.info("token_refused", reason=str(exc), error=kind)
    headers = {}
    if exc.retry_after_s is not None:
        headers["Retry-After"] = str(exc.retry_after_s)
    if isinstance(exc, UnauthorizedError):
        headers["WWW-Authenticate"] = "Bearer"
    run_id = exc.run_id if isinstance(exc, RunActiveError) else None
    outcome = exc.outcome if isinstance(exc, AlreadyDecidedError) else None
    resets_at = exc.resets_at if isinstance(exc, QuotaExceededError) else None
    return refusal(type(exc), str(exc), run_id=run_id, outcome=outcome, resets_at=resets_at, headers=headers)


async def _validation_error(_request: Request, exc: Exception) -> Response:
    assert isinstance(exc, RequestValidationError)
    errors = [
        FieldProblem(field=_field(e["loc"]), message=e["msg"] + _misspelt(e)) for e in exc.errors()[:MAX_PROBLEMS]
    ]
    detail = "; ".join(f"{error.field}: {error.message}" for error in errors)
    return problem(422, "invalid_request", "The request is not valid", detail, errors=errors)


async def _http_error(_request: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)
    if exc.status_code == 400:
        # FastAPI's answer to a body that it cannot parse at all, such as one nested too deeply.
        return problem(422, "invalid_request", "The request is not valid", "body: not readable as JSON")
    if (kind := KNOWN.get(exc.status_code)) is not None:
        return refusal(kind, exc.detail, headers=exc.headers)
    code = "method_not_allowed" if exc.status_code == 405 else "invalid_request"
    return problem(exc.status_code, code, exc.detail, exc.detail, headers=exc.headers)


def _misspelt(error: Mapping[str, Any]) -> str:
    """Return what to say of a name among those that came that could be that of a field that is missing."""
    came, field = error.get("input"), str(error["loc"][-1])
    if error["type"] != "missing" or not isinstance(came, Mapping):
        return ""
    plain = [name for name in islice(came, MAX_NAMES) if name.isascii() and name.isprintable()]
    near = get_close_matches(field, [name for name in plain if len(name) < 2 * len(field)], n=1)
    return f"; {near[0]} is no field: is it misspelt?" if near else ""


def _field(location: tuple[int | str, ...]) -> str:
    """Return a field's path as the client wrote it: without where FastAPI found it."""
    path = location[1:]
    if path and isinstance(path[0], int):  # where in its text a body stops being JSON
        return "body"
    return ".".join(map(str, path)) or "body"


def codes_of(kind: type[FrontdeskError]) -> set[str]:
    """Return the codes of a kind of errors and of all below it."""
    return {kind.code}.union(*map(codes_of, kind.__subclasses__()))
