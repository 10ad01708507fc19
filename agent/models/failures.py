"""The exceptions of providers' packages, as our errors: whatever carries a status or a body is read by `refusals.py`.

No words of an exception get into an error or the log but those that `refusals.py` lets through: they may hold a key or what
a user said.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import structlog
from langchain_core.exceptions import ContextOverflowError, ModelAuthenticationError, ModelRateLimitError

from agent.errors import (
    ContextTooLongError,
    ModelRateLimitedError,
    ModelTimeoutError,
    ModelUnauthorizedError,
    ModelUnavailableError,
    RunError,
)
from agent.masking import Mask
from agent.models.refusals import error_in, refusal
from agent.models.text import clean

logger = structlog.get_logger()

MAX_CAUSES = 6
BODIES = ("body", "details", "response", "error", "message")
"""Where an exception may carry what its provider said, the most telling first."""


def failure(exc: Exception, mask: Mask) -> RunError:
    """Return our error for what a package raised."""
    causes = list(_causes(exc))
    if (found := next((one for one in causes if isinstance(one, RunError)), None)) is not None:
        return found
    status = next(filter(None, map(_status, causes)), None)
    body = next((said for said in map(_body, causes) if said is not None), None)
    headers = next(filter(None, map(_headers, causes)), {})
    if any(isinstance(one, ContextOverflowError) for one in causes):
        return ContextTooLongError(f"status {status}, {type(exc).__name__}")
    if status is not None and status >= 300:
        return refusal(status, headers, orjson.dumps(body), mask=mask)
    if body is not None and (error := error_in(body if isinstance(body, list | dict) else {"error": body}, mask=mask)):
        return error
    return _by_kind(exc, causes)


def _by_kind(exc: Exception, causes: list[BaseException]) -> RunError:
    """Return our error for what carries no answer of a provider: it could not be reached, or its package could not go on."""
    name = type(exc).__name__
    if any("Timeout" in type(one).__name__ for one in causes):
        return ModelTimeoutError("connecting to the provider took too long")
    if isinstance(exc, ModelRateLimitError):
        return ModelRateLimitedError(name)
    if isinstance(exc, ModelAuthenticationError) or "Credentials" in name:
        logger.error("model_key_refused", reason=name)
        return ModelUnauthorizedError(name)
    logger.warning("model_failed", error=name)
    return ModelUnavailableError(name)


def _causes(exc: BaseException) -> Iterator[BaseException]:
    """Yield an exception and what it was raised for."""
    one: BaseException | None = exc
    for _ in range(MAX_CAUSES):
        if one is None:
            return
        yield one
        one = one.__cause__ or one.__context__


def _status(exc: BaseException) -> int | None:
    """Return the status that a provider answered with."""
    response = getattr(exc, "response", None)
    if isinstance(response, Mapping):  # botocore's
        said: Any = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        return said if isinstance(said, int) else None
    for said in (getattr(exc, "status_code", None), getattr(exc, "code", None), getattr(response, "status_code", None)):
        if isinstance(said, int) and 100 <= said < 600:
            return said
    return None


def _headers(exc: BaseException) -> Mapping[str, str]:
    response = getattr(exc, "response", None)
    headers = getattr(response, "headers", None)
    if isinstance(response, Mapping):
        headers = response.get("ResponseMetadata", {}).get("HTTPHeaders")
    return {str(name).lower(): str(value) for name, value in headers.items()} if isinstance(headers, Mapping) else {}


def _body(exc: BaseException) -> Any:
    """Return what a provider said, as JSON has it; None where the exception carries nothing of it."""
    response = getattr(exc, "response", None)
    if isinstance(response, Mapping):
        told = response.get("Error", {})
        return {"error": {"code": told.get("Code"), "message": told.get("Message")}} if told else None
    if not (hasattr(exc, "status_code") or hasattr(exc, "code") or response is not None):
        return None
    for name in BODIES:
        said = getattr(exc, name, None)
        if isinstance(said, list | dict) and said:
            return _plain(said)
        if isinstance(said, str) and said:
            return {"error": {"message": clean(said)}}
    return None


def _plain(said: Any) -> Any:
    try:
        return orjson.loads(orjson.dumps(said, default=str))
    except orjson.JSONEncodeError:
        return {"error": {"message": clean(str(said))}}
