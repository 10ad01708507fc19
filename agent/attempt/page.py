"""The tools of the page that a run is for: those of its assistant, and those that the page described as the assistant allows.

The invariant: a page says what its tools are called and take, and never what they may do, who has them or who is asked.
"""

from collections.abc import Mapping
from typing import Any

from agent.assistant.definition import Assistant
from agent.assistant.pages import PageToolDefinition, allowing, declared_of
from agent.attempt.recording import kept_text
from agent.attempt.results import ToolResult
from agent.errors import ToolError
from agent.masking import Mask
from agent.models.text import clean
from agent.principal import PUBLIC_TENANT, Principal
from agent.prompt.words import PAGE_DID, PAGE_FAILED, PAGE_SAID, PAGE_SILENT, WITHDRAWN, without_mark
from agent.schemas.told import bounded_schema
from agent.store.messages import ToolCall
from agent.store.page_calls import PageCall
from agent.store.runs import Run
from agent.toolkit import FIND_TOOLS, CallContext, Tool


def page_tools(assistant: Assistant, run: Run, principal: Principal, calls: Mapping[str, PageCall]) -> list[Tool]:
    """Return the page's tools for a run, for the role that it was begun with; visitors have none.

    `calls` are those that its page was asked.
    """
    if principal.tenant_id == PUBLIC_TENANT:
        return []
    definitions, page = assistant.page_tools, declared_of(run.client_tools)
    found = {
        name: _tool(name, one, calls, description=one.description, takes=one.takes, told=one.told)
        for name, one in definitions.items()
        if one.description is not None and _may_use(principal, one) and (page.own is None or name in page.own)
    }
    for described in page.described:
        one = allowing(definitions, described.name)
        if one is not None and _may_use(principal, one) and described.name != FIND_TOOLS:
            words, takes = without_mark(described.description), described.takes
            tool = _tool(described.name, one, calls, description=words, takes=takes, told=bounded_schema(takes))
            found.setdefault(described.name, tool)
    return list(found.values())


def _may_use(principal: Principal, definition: PageToolDefinition) -> bool:
    return definition.roles is None or principal.role in definition.roles


def _tool(
    name: str,
    definition: PageToolDefinition,
    calls: Mapping[str, PageCall],
    *,
    description: str,
    takes: dict[str, Any],
    told: dict[str, Any] | None,
) -> Tool:
    async def call(context: CallContext, _arguments: Mapping[str, Any]) -> object:
        return said(calls.get(context.tool_call_id))

    return Tool(
        name=name,
        description=description,
        schema=takes,
        told=told,
        call=call,
        risk=definition.risk,
        kind="client",
        timeout_s=definition.timeout_s,
        wordings=definition.wordings,
        confirm=definition.confirm,
        ask=definition.ask,
        result_schema=definition.result,
    )


def said(asked: PageCall | None) -> str:
    """Return what the page said to a call, as the model gets it.

    Raises:
        ToolError: it could not make the call, or did not say in time that it did.
    """
    match asked:
        case PageCall(state="ok", result="null", is_action=True):
            return PAGE_DID
        case PageCall(state="ok", result=str(result)):
            return f"{PAGE_SAID}{result}"
        case PageCall(state="error", result=str(result)):
            raise ToolError(f"{PAGE_FAILED}{result}")
        case PageCall(state="withdrawn"):
            raise ToolError(WITHDRAWN)
        case _:
            raise ToolError(PAGE_SILENT)


def taken_back(call: ToolCall, asked: PageCall | None, mask: Mask) -> ToolResult:
    """Return what a call comes to whose run ends while it waits: that it is not done, unless its page was asked and has spoken."""
    action = asked.action if asked is not None else None
    if asked is None or asked.state in ("open", "withdrawn"):
        return ToolResult(call, WITHDRAWN, is_error=True, action=action, is_refused=True)
    try:
        text, is_error = said(asked), False
    except ToolError as exc:
        text, is_error = str(exc), True
    text = without_mark(mask(clean(text)))
    return ToolResult(call, text, is_error, action, kept=kept_text(text))
