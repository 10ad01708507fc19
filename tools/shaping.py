"""A toolset as an assistant's definition wants it: which of its tools there are, for whom, and what is said of each.

The invariant: an imported tool that changes something is offered only if the definition includes it by its own name.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from types import TracebackType
from typing import Any, Self

import structlog

from agent.assistant.toolsets import ConfirmWhen, Pattern, ToolDefinition, ToolsetDefinition
from agent.conditions import Bound
from agent.newest import Newest, owner_of
from agent.principal import Principal
from agent.toolkit import Origin, Tool, ToolResult, has_side_effects
from agent.wording import Wording, Wordings
from tools.results import found_at, pick
from tools.source import Source

logger = structlog.get_logger()

MAX_KEPT = 256
"""Different lists of one source, as of one server for each tenant, that are kept shaped."""
PLAIN = ToolDefinition()
_WILD = re.compile(r"[*?\[]")


def shape(tools: Iterable[Tool], definition: ToolsetDefinition) -> list[Tool]:
    """Return the tools that the definition lets through, as it calls and describes them, in their order."""
    return [
        _described(tool, definition.tools.get(tool.name, PLAIN), definition=definition)
        for tool in tools
        if is_wanted(tool.name, tool.origin, tool.risk, definition=definition)
    ]


def is_wanted(name: str, origin: Origin | None, risk: str, *, definition: ToolsetDefinition) -> bool:
    """Return whether the definition lets a tool through; what else it is made of does not matter."""
    said = definition.tools.get(name, PLAIN)
    if said.operation is not None and said.operation != _place(origin):
        return False
    if said.hidden or any(_fits(pattern, name, origin) for pattern in definition.exclude):
        return False
    if definition.include and not any(_fits(pattern, name, origin) for pattern in definition.include):
        return False
    is_safe = origin is None or not has_side_effects(said.risk or risk)
    return is_safe or any(_names(pattern, name, origin) for pattern in definition.include)


def names_operation(name: str, origin: Origin, *, definition: ToolsetDefinition) -> bool:
    """Return whether the definition includes a tool by its very method and path."""
    return any(one.method and one.path and _names(one, name, origin) for one in definition.include)


def named(names: Iterable[str], definition: ToolsetDefinition) -> list[str]:
    """Return how the definition calls tools."""
    return [definition.tools.get(name, PLAIN).name or f"{definition.prefix}{name}" for name in names]


def spoken_of(definition: ToolsetDefinition) -> set[str]:
    """Return the names that a definition speaks of; one that is not there may stand for a tool that should be kept away."""
    patterns = (*definition.include, *definition.exclude)
    return {*definition.tools, *(one.name for one in patterns if one.name is not None and not _WILD.search(one.name))}


def _fits(pattern: Pattern, name: str, origin: Origin | None) -> bool:
    tags = origin.tags if origin else ()
    return (
        (pattern.name is None or fnmatchcase(name, pattern.name))
        and (pattern.tag is None or any(fnmatchcase(tag, pattern.tag) for tag in tags))
        and (pattern.method is None or (origin is not None and _like(origin.method, pattern.method.upper())))
        and (pattern.path is None or (origin is not None and _like(origin.path, pattern.path)))
    )


def _place(origin: Origin | None) -> str | None:
    return f"{origin.method} {origin.path}" if origin is not None and origin.method else None


def _like(value: str | None, pattern: str) -> bool:
    return value is not None and fnmatchcase(value, pattern)


def _names(pattern: Pattern, name: str, origin: Origin | None) -> bool:
    """Return whether a pattern means this very tool: its name as it is, or its method and path. Whatever else it says is true."""
    if not _fits(pattern, name, origin):
        return False
    if pattern.name is not None:
        return pattern.name == name
    if origin is None or pattern.path is None or pattern.method is None:
        return False
    # A document may have a path that looks like a pattern: whoever wrote `/orders/*` did not mean that one path.
    is_plain = not _WILD.search(pattern.path)
    return is_plain and pattern.path == origin.path and pattern.method.upper() == origin.method


def _described(tool: Tool, said: ToolDefinition, *, definition: ToolsetDefinition) -> Tool:
    return replace(
        tool,
        name=said.name or f"{definition.prefix}{tool.name}",
        description=said.description or tool.description,
        risk=said.risk or tool.risk,
        timeout_s=said.timeout_s or tool.timeout_s,
        confirm=_confirmed(tool, said),
        approvers=said.approvers or tool.approvers,
        is_untrusted=_is_untrusted(tool, said, definition),
        ask=said.ask or tool.ask,
        is_pinned=tool.is_pinned or said.pin,
        wordings=_worded(tool.wordings, said.wordings),
        call=_shaped(tool, said),
    )


def _confirmed(tool: Tool, said: ToolDefinition) -> bool | tuple[Bound, ...] | None:
    if isinstance(said.confirm, ConfirmWhen):
        return said.confirm.bounds
    if said.confirm is not None:
        return said.confirm
    return True if said.approvers and tool.confirm is False else tool.confirm


def _is_untrusted(tool: Tool, said: ToolDefinition, definition: ToolsetDefinition) -> bool:
    of_toolset = definition.untrusted
    if of_toolset is None:
        of_toolset = tool.is_untrusted or definition.mcp is not None
    return of_toolset if said.untrusted is None else said.untrusted


def _worded(own: Wordings, said: Wordings) -> Wordings:
    nothing = Wording()
    return {
        tag: Wording(
            said.get(tag, nothing).label or own.get(tag, nothing).label,
            said.get(tag, nothing).done or own.get(tag, nothing).done,
        )
        for tag in {**own, **said}
    }


def _shaped(tool: Tool, said: ToolDefinition) -> Any:
    fields, sources = said.fields, said.sources
    if fields is None and sources is None:
        return tool.call

    async def call(context: Any, arguments: Mapping[str, Any]) -> object:
        # A tool that cuts a large result knows of the fields, so that it cuts what is left of it.
        wanted = None if fields is None else (*fields, *([sources.at] if sources else ()))
        result = await tool.call(replace(context, fields=wanted), arguments)
        cited = found_at(result, sources) if sources else ()
        picked = result if fields is None else pick(result, fields)
        if not cited:
            return picked
        return replace(picked if isinstance(picked, ToolResult) else ToolResult(picked), sources=cited)

    return call


class ShapedToolset:
    """Another toolset, shaped; roles that it is not for have nothing of it."""

    def __init__(self, source: Source, definition: ToolsetDefinition) -> None:
        self.source = source
        self.definition = definition
        self._kept: Newest[int, tuple[Sequence[Tool], Sequence[Tool]]] = Newest(MAX_KEPT)
        """By the identity of what the source has returned, which is kept with it: so no other object has that identity."""

    async def __aenter__(self) -> Self:
        await self.source.__aenter__()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.source.__aexit__(exc_type, exc, traceback)

    async def tools(self, principal: Principal) -> Sequence[Tool]:
        """Return the source's tools for this principal, as the definition wants them."""
        if self.definition.roles is not None and principal.role not in self.definition.roles:
            return ()
        found = await self.source.tools(principal)
        owner = owner_of(principal)
        kept = self._kept.find(owner, id(found))
        if kept is None:
            kept = found, tuple(shape(found, self.definition))
            self._kept.keep(owner, id(found), kept)
            self._tell_strange(found)
        return kept[1]

    def _tell_strange(self, found: Sequence[Tool]) -> None:
        known = self.source.names or [tool.name for tool in found]
        if strange := sorted(spoken_of(self.definition).difference(known)):
            logger.warning("tools_not_there", toolset=self.definition.title, tools=strange[:10])
