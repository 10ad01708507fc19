"""The context that an assistant wants looked up before each turn, checked once at start: that it can be, and in whose name.

The invariant: what a tenant or the installation shares comes from sources that nobody's rights decide about.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

from agent.assistant.backends import HeaderAuth
from agent.assistant.context import ContextEntry
from agent.assistant.definition import Assistant
from agent.assistant.toolsets import ToolsetDefinition
from agent.errors import ConfigurationError
from agent.schemas.fitting import problems_of
from agent.toolkit import Tool
from tools.questions import unknown_argument


def check_context(assistant: Assistant, known: Mapping[str, tuple[Tool, ToolsetDefinition | None]]) -> None:
    """Look at each entry; `known` are the tools whose names are known, and where each is from, None for actions.

    Raises:
        ConfigurationError: an entry's tool is not there, changes or asks something, or does not take its arguments; or its scope
            shares what users' rights decide about.
    """
    found = {id(source) for _, source in known.values()}
    later = [one for one in assistant.toolsets if id(one) not in found]  # they tell their names when they are asked
    for entry in assistant.context:
        tool, source = known.get(entry.tool, (None, None))
        if tool is not None and tool.kind == "own" and tool.risk == "read":
            raise ConfigurationError(
                f"context: {entry.tool} is the memory's own: what fits a question is told without it"
            )
        if tool is not None and (source is None or tool.risk != "read" or tool.needs_yes(entry.args)):
            raise ConfigurationError(f"context: {entry.tool} is no read that can be made without asking anybody")
        sources = [source] if source is not None else later
        if not sources:
            raise ConfigurationError(f"context: there is no tool {entry.tool!r}")
        if tool is not None and (wrong := _wrong_arguments(tool, entry)):
            raise ConfigurationError(f"context: {entry.tool}: args: {wrong}")
        _check_scope(assistant, entry, sources)


def _wrong_arguments(tool: Tool, entry: ContextEntry) -> str:
    """Return what of an entry's arguments its tool does not take, as far as its schema says; nothing where all is right."""
    return unknown_argument(tool.schema, entry.args) or problems_of(tool.schema, entry.args)


def _check_scope(assistant: Assistant, entry: ContextEntry, sources: Iterable[ToolsetDefinition]) -> None:
    if entry.scope == "user":
        return
    for source in sources:
        if why := _goes_by_users(assistant, source, entry.scope):
            raise ConfigurationError(
                f"context: {entry.tool} cannot be shared by scope {entry.scope}: {why}; make it scope user"
            )


def _goes_by_users(
    assistant: Assistant, source: ToolsetDefinition, scope: Literal["installation", "tenant"]
) -> str | None:
    """Return why what a source says may differ within a scope; None where it does not."""
    if source.roles is not None:
        return f"toolset {source.title} is for some roles"
    if source.mcp is not None:
        if source.mcp.forward_token:
            return f"{source.title} gets the user's token"
        return f"{source.title} differs by tenant" if scope == "installation" and source.mcp.tenants else None
    if source.langchain is not None:
        return None
    backend = assistant.all_backends.get(source.backend)
    if backend is None or isinstance(backend.auth, str):
        is_nobodys = backend is not None and backend.auth == "none"
        return None if is_nobodys else f"backend {source.backend} gets the user's token"
    header = backend.auth.header
    if not isinstance(header, HeaderAuth):
        return f"backend {source.backend} gets the user's token"
    if header.user is not None:
        return f"backend {source.backend} is told the user (auth.header.user)"
    if scope == "installation" and header.tenant is not None:
        return f"backend {source.backend} is told the tenant (auth.header.tenant)"
    return None
