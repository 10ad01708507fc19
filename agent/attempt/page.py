"""The tools of the page that a run is for: those of its assistant, and those that the page described as the assistant allows.

The invariant: a page says what its tools are called and take, and never what they may do, who has them or who is asked.
"""

from collections.abc import Mapping
from typing import Any

from agent.assistant.definition import Assistant
from agent.assistant.pages import DescribedTool, PageToolDefinition, allowing
from agent.errors import ToolError
from agent.principal import PUBLIC_TENANT, Principal
from agent.prompt.words import PAGE_FAILED, PAGE_SAID, PAGE_SILENT, WITHDRAWN, without_mark
from agent.store.page_calls import PageCall
from agent.store.runs import Run
from agent.toolkit import FIND_TOOLS, CallContext, Tool


def page_tools(assistant: Assistant, run: Run, principal: Principal, calls: Mapping[str, PageCall]) -> list[Tool]:
    """Return the page's tools for a run, for the role that it was begun with; visitors have none.

    `calls` are those that its page was asked.
    """
    if principal.tenant_id == PUBLIC_TENANT:
        return []
    definitions = assistant.page_tools
    found = {
        name: _tool(name, one, calls, description=one.description, takes=one.takes)
        for name, one in definitions.items()
        if one.description is not None and _may_use(principal, one)
    }
    for described in map(DescribedTool.model_validate, run.client_tools or ()):
        one = allowing(definitions, described.name)
        if one is not None and _may_use(principal, one) and described.name != FIND_TOOLS:
            told = without_mark(described.description)
            found.setdefault(described.name, _tool(described.name, one, calls, description=told, takes=described.takes))
    return list(found.values())


def _may_use(principal: Principal, definition: PageToolDefinition) -> bool:
    return definition.roles is None or principal.role in definition.roles


def _tool(
    name: str, definition: PageToolDefinition, calls: Mapping[str, PageCall], *, description: str, takes: dict[str, Any]
) -> Tool:
    async def call(context: CallContext, _arguments: Mapping[str, Any]) -> object:
        return said(calls.get(context.tool_call_id))

    return Tool(
        name=name,
        description=description,
        schema=takes,
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
        case PageCall(state="ok", result=str(result)):
            return f"{PAGE_SAID}{result}"
        case PageCall(state="error", result=str(result)):
            raise ToolError(f"{PAGE_FAILED}{result}")
        case PageCall(state="withdrawn"):
            raise ToolError(WITHDRAWN)
        case _:
            raise ToolError(PAGE_SILENT)
