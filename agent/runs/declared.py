"""A page's tools, of a request and of the run that it begins: those that the assistant lets it have.

The invariant: a run keeps only what its assistant names or lets pages describe, checked.
"""

from dataclasses import replace
from typing import Any

from agent.assistant.definition import Assistant
from agent.assistant.pages import all_declared, declared_of
from agent.errors import InvalidRequestError
from agent.runs.request import RunRequest
from agent.store.runs import Run


def with_declared(request: RunRequest, assistant: Assistant) -> RunRequest:
    """Return the request with what the assistant lets its page have of what that says it has; with no page, where that is nothing.

    Raises:
        InvalidRequestError: it is described otherwise than it may be.
    """
    if request.declared is None:
        return request
    try:
        kept = all_declared(assistant.page_tools, request.declared)
    except ValueError as exc:
        raise InvalidRequestError(f"tools: {exc}") from exc
    return replace(request, client_tools=kept, has_page=bool(kept))


def client_tools_of(request: RunRequest, replaced: Run | None) -> tuple[dict[str, Any], ...] | None:
    """Return what its page describes, or did for the turn that this one replaces; None where there is no page."""
    if not request.has_page:
        return None
    if request.client_tools is None and replaced is not None:
        described = declared_of(replaced.client_tools).described  # what it had of the file's, this page says itself
        return tuple(one.model_dump(mode="json", by_alias=True) for one in described)
    return request.client_tools or ()
