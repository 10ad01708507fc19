"""The JSON answer of `POST /chat` (wire.md §1): the fold of the same events that a stream would have shown."""

import math

from agent.errors import RETRY_AFTER_S
from agent.events.fold import Answer
from api.protocols.native import action, approval, client_tool, error, file, source, usage

FAILED = {
    "model_unavailable": 502,
    "model_refused": 502,
    "model_quota": 502,
    "model_unauthorized": 502,
    "quota_exceeded": 429,
    "model_rate_limited": 503,
    "model_timeout": 504,
    "context_too_long": 422,
    "deadline": 504,
    "interrupted": 503,
}


def body(answer: Answer) -> dict[str, object]:
    """Return the answer as clients read it, core keys first. A failed run keeps its ids and what it said."""
    shown: dict[str, object] = {
        "success": answer.status == "completed",
        "response": answer.text,
        "conversation_id": answer.conversation_id,
        "tools_used": answer.tools_used,
        "suggested_questions": answer.suggestions,
        "actions": [action(one) for one in answer.actions],
        "run_id": answer.run_id,
        "message_id": answer.message_id,
        "status": "awaiting_input" if answer.is_paused else answer.status,
        "usage": usage(answer.usage),
    }
    if answer.is_paused:
        shown["approvals"] = [approval(one) for one in answer.approvals]
        shown["client_tools"] = [client_tool(one) for one in answer.client_tools]
    if answer.sources:
        shown["sources"] = [source(one) for one in answer.sources.values()]
    if answer.files:
        shown["files"] = [file(one) for one in answer.files]
    if answer.reasoning:
        shown["reasoning"] = "".join(answer.reasoning)
    if answer.title is not None:
        shown["title"] = answer.title
    if answer.error is not None:
        shown["error"] = error(answer.error)
    return shown


def status(answer: Answer) -> int:
    """Return the HTTP status: 200, or what the error's code means over HTTP."""
    if answer.error is None:
        return 200
    return FAILED.get(answer.error.code, 500)


def headers(answer: Answer) -> dict[str, str]:
    """Return Retry-After where the status asks for one."""
    if status(answer) not in (429, 503) or answer.error is None:
        return {}
    wait_s = answer.error.retry_after_s
    return {"Retry-After": str(RETRY_AFTER_S if wait_s is None else max(1, math.ceil(wait_s)))}
