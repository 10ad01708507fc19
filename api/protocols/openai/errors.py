"""Errors as OpenAI's clients read them: `{"error": {message, type, param, code}}`, with our codes."""

import re
from collections.abc import Mapping

from agent.events.schema import ErrorRaised
from api.problems import Problem

TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_FIELD = re.compile(r"([a-z][a-z0-9_.]{0,63}): ")
"""How a detail of ours begins that is about one field."""


def refusal(problem: Problem) -> Mapping[str, object]:
    """Return an error before there is a run."""
    kind = "server_error" if problem.status >= 500 else TYPES.get(problem.status, "invalid_request_error")
    named = _FIELD.match(problem.detail)
    param = problem.errors[0].field if problem.errors else named[1] if named else None
    error: dict[str, object] = {"message": problem.detail, "type": kind, "param": param, "code": problem.code}
    if problem.run_id is not None:
        error["run_id"] = str(problem.run_id)
    return {"error": error}


def error_of(error: ErrorRaised) -> dict[str, object]:
    """Return the error that a run failed with."""
    kind = "rate_limit_error" if error.code == "model_rate_limited" else "server_error"
    shown: dict[str, object] = {"message": error.message, "type": kind, "param": None, "code": error.code}
    if error.retry_after_s is not None:
        shown["retry_after_s"] = error.retry_after_s
    return {"error": shown}
