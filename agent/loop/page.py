"""Which calls of a step go to the user's page, and what it is asked.

The invariant: the page is asked only for what a tool of the run takes, and for what needs a yes only after it.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import orjson

from agent.assistant.pages import own_of
from agent.attempt.attempt import Attempt
from agent.attempt.page import said
from agent.errors import ToolError
from agent.loop.questions import is_allowed
from agent.prompt.words import NO_PAGE
from agent.schemas.fitting import problems_of
from agent.store.messages import ToolCall
from agent.store.page_calls import NewPageCall
from agent.toolkit import Action, Tool

ARGUMENTS_BYTES = 8 * 1024
"""Of a call of the page as JSON: a frame must not be too large to wait for a slow reader."""


class ForPage(NamedTuple):
    """Calls that can be made, or told why not, and those that the page is asked for."""

    ready: list[ToolCall]
    asked: list[NewPageCall]


def for_page(attempt: Attempt, calls: Sequence[ToolCall]) -> ForPage:
    """Return which calls the page has to make first; of the others, those that it cannot make say so themselves.

    A page that says all that it has is asked for nothing while somebody is asked for a yes: its client cannot do both at once.
    """
    found = ForPage([], [])
    for call in calls:
        tool = attempt.tools.get(call.name)
        if tool is not None and tool.kind == "client" and call.refused is None and not _has_page(attempt):
            found.ready.append(replace(call, refused=NO_PAGE))
        elif (
            tool is None
            or call.refused is not None
            or call.id in attempt.page_calls
            or not is_allowed(attempt, tool, call)
        ):
            found.ready.append(call)
        elif tool.kind == "client":
            _sort_tool(attempt, tool, call, found)
        elif _is_acknowledged(attempt, tool, call):
            found.asked.append(_asked(attempt, tool, call))
        else:
            found.ready.append(call)
    return ForPage(found.ready, []) if attempt.waiting and _says_all(attempt) else found


def _has_page(attempt: Attempt) -> bool:
    return attempt.run.client_tools is not None


def _says_all(attempt: Attempt) -> bool:
    """Return whether the page says all that it has; it says nothing of actions then."""
    return own_of(attempt.run.client_tools) is not None


def _sort_tool(attempt: Attempt, tool: Tool, call: ToolCall, found: ForPage) -> None:
    if problems := problems_of(tool.schema, call.arguments):
        found.ready.append(replace(call, refused=f"Not done: the arguments do not fit. {problems}"))
    elif len(orjson.dumps(call.arguments)) > ARGUMENTS_BYTES:
        refused = f"Not done: the arguments of a tool of the page are at most {ARGUMENTS_BYTES} bytes."
        found.ready.append(replace(call, refused=refused))
    else:
        found.asked.append(_asked(attempt, tool, call))


def _is_acknowledged(attempt: Attempt, tool: Tool, call: ToolCall) -> bool:
    """Return whether a call is an action whose outcome the page tells; a call that does not fit it fails when it is made."""
    if tool.acknowledged is None or not _has_page(attempt) or _says_all(attempt):
        return False
    try:
        tool.acknowledged(call.arguments)
    except ToolError:
        return False
    return True


def _asked(attempt: Attempt, tool: Tool, call: ToolCall) -> NewPageCall:
    schema = None if tool.result_schema is None else dict(tool.result_schema)
    timeout_s = tool.timeout_s or attempt.assistant.limits.tool_timeout_s
    return NewPageCall(call.id, call.name, call.arguments, schema, timeout_s, is_action=tool.kind == "action")


def action_of(attempt: Attempt, call: ToolCall) -> Action | None:
    """Return the action that the page was asked for with a call, whatever came of it; None where it was none."""
    asked = attempt.page_calls.get(call.id)
    return asked.action if asked is not None else None


def said_of_action(attempt: Attempt, call: ToolCall) -> str | None:
    """Return what the page said of an action, as the model gets it; None where it was not asked.

    Raises:
        ToolError: it could not do it, or did not say so in time.
    """
    asked = attempt.page_calls.get(call.id)
    if asked is None or not asked.is_action:
        return None
    return said(asked)
