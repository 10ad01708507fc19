"""Python functions as tools: the `@tool` decorator and the context such a function gets.

A toolset is a module; every decorated function in it is a tool, in the order of the file.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import getdoc, iscoroutinefunction, signature
from types import MappingProxyType, ModuleType
from typing import Any, Generic, TypeVar, cast
from uuid import UUID

from pydantic import BaseModel, ValidationError

from agent.conditions import Bound
from agent.errors import ConfigurationError, ToolError
from agent.principal import Principal
from agent.region import UNSAID, Region
from agent.toolkit import CallContext, Risk, Tell, Tool, tell_nobody
from agent.wording import Wordings, wordings
from tools.backends.backend import Backend, BackendSession
from tools.backends.paths import segment
from tools.backends.sessions import BackendSessions
from tools.modules import place_of_module
from tools.results import citing

__all__ = ["Bound", "FunctionTool", "ToolContext", "load_functions", "segment", "tool"]

Arguments = TypeVar("Arguments", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class ToolContext:
    """The context of a tool's call: who asks, and the tenant's backend, called with that person's own token.

    `region.now()` is the time by the clock of that person; its date is what they call today.
    """

    principal: Principal
    run_id: UUID
    tool_call_id: str
    backend: BackendSession
    region: Region = UNSAID
    backends: Mapping[str, BackendSession] = field(default_factory=dict)
    """All backends of the assistant by their names, `backend` among them."""
    tell: Tell = tell_nobody

    async def progress(self, share: float | None = None, text: str | None = None) -> None:
        """Tell people how far the call is: `share` from 0 to 1, a line of `text`. More than a few a second are not told."""
        self.tell(share, text)


Function = Callable[[ToolContext, Arguments], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class FunctionTool(Generic[Arguments]):
    """A decorated function. It can still be called directly, as tests do."""

    function: Function[Arguments]
    arguments: type[Arguments]
    name: str
    description: str
    risk: Risk
    timeout_s: float | None
    wordings: Wordings
    confirm: bool | tuple[Bound, ...] | None = None
    ask: str | None = None
    untrusted: bool = False

    async def __call__(self, context: ToolContext, arguments: Arguments) -> object:
        return await self.function(context, arguments)

    def bind(self, backend: Backend, backends: Mapping[str, Backend] = MappingProxyType({})) -> Tool:
        """Return the tool as the loop knows it, calling `backend`, the `backends` that it names, and no other host."""

        async def call(context: CallContext, arguments: Mapping[str, Any]) -> object:
            parsed = _parse(self.arguments, arguments)
            sessions = BackendSessions(backends, context)
            tool_context = ToolContext(
                principal=context.principal,
                run_id=context.run_id,
                tool_call_id=context.tool_call_id,
                backend=sessions.of(backend),
                region=context.region,
                backends=sessions,
                tell=context.tell,
            )
            return citing(await self.function(tool_context, parsed))

        return Tool(
            name=self.name,
            description=self.description,
            schema=_schema(self.arguments),
            call=call,
            risk=self.risk,
            timeout_s=backend.timeout_s if self.timeout_s is None else self.timeout_s,
            wordings=self.wordings,
            confirm=self.confirm,
            ask=self.ask,
            is_untrusted=self.untrusted,
            parse=lambda arguments: _parse(self.arguments, arguments).model_dump(),
        )


def tool(
    *bare: object,
    risk: Risk = "read",
    timeout_s: float | None = None,
    name: str | None = None,
    label: str | None = None,
    done: str | None = None,
    languages: Mapping[str, tuple[str, str]] = MappingProxyType({}),
    confirm: bool | Sequence[Bound] | None = None,
    ask: str | None = None,
    untrusted: bool = False,
) -> Callable[[Function[Arguments]], FunctionTool[Arguments]]:
    """Make a tool of an async function `(context: ToolContext, arguments: SomeModel)`.

    The function's name and docstring are what the model reads; the arguments model is the schema it fills in. People
    read `label` while a call goes on ("Counting the clients") and `done` after it ("Counted the clients"), or the two of
    their own language in `languages`: `{"de": ("Zählt die Kunden", "Kunden gezählt")}`.

    Before a call of a tool that changes something a person is asked: `ask` is the question ("Cancel order {number}?"). With
    `confirm` a tool that only reads asks, too, or one that changes something does not; with bounds, as
    `[Bound(argument="amount", above=1000)]`, those calls ask that pass one. What an `untrusted` tool returns may have been
    written by anybody: after it, whatever changes something asks.

    Raises:
        ConfigurationError: the function is not async, has no docstring, its second parameter is no pydantic model, a
            label is no single line, or a bound is on no argument; or the parentheses of `@tool()` are missing.
    """
    if bare:
        title = getattr(bare[0], "__qualname__", repr(bare[0]))
        raise ConfigurationError(f"tool {title}: write @tool() with its parentheses")
    worded = wordings(label, done, languages)

    def decorate(function: Function[Arguments]) -> FunctionTool[Arguments]:
        title = getattr(function, "__qualname__", repr(function))
        if not iscoroutinefunction(function):
            raise ConfigurationError(f"tool {title}: it must be an async function")
        try:
            parameters = list(signature(function, eval_str=True).parameters.values())
        except NameError as exc:
            raise ConfigurationError(f"tool {title}: {exc}; its annotations are read when it is loaded") from exc
        model: Any = parameters[1].annotation if len(parameters) == 2 else None
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            raise ConfigurationError(f"tool {title}: it must take (context, arguments: <a pydantic model>)")
        description = getdoc(function)
        if not description:
            raise ConfigurationError(f"tool {title}: it needs a docstring, the model reads it")
        bounds = confirm if isinstance(confirm, bool | None) else tuple(confirm)
        for bound in bounds if isinstance(bounds, tuple) else ():
            if bound.argument.partition(".")[0] not in model.model_fields:
                raise ConfigurationError(f"tool {title}: confirm: there is no argument {bound.argument!r}")
        return FunctionTool(
            function,
            cast("type[Arguments]", model),
            name or title,
            description,
            risk,
            timeout_s,
            worded,
            bounds,
            ask,
            untrusted,
        )

    return decorate


def load_functions(
    module: ModuleType, backend: Backend, backends: Mapping[str, Backend] = MappingProxyType({}), *, title: str = ""
) -> list[Tool]:
    """Return the tools that a module defines, in their order; imported ones are not among them.

    Raises:
        ConfigurationError: the module holds no tool.
    """
    own = (value for value in vars(module).values() if isinstance(value, FunctionTool))
    found = [value.bind(backend, backends) for value in own if value.function.__module__ == module.__name__]
    if not found:
        raise ConfigurationError(
            f"toolset {title or module.__name__}: no function in {place_of_module(module)} is decorated with @tool"
        )
    return found


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the model's JSON Schema without the titles, which say nothing and cost prompt tokens."""
    schema = model.model_json_schema()
    schema.pop("description", None)
    schema.setdefault("properties", {})
    drop_titles(schema)
    return schema


def drop_titles(schema: Any) -> None:
    """Take the titles that pydantic makes of names out of a schema."""
    match schema:
        case dict():
            if isinstance(schema.get("title"), str):
                del schema["title"]
            for key, part in schema.items():
                if key in ("default", "const", "enum", "examples"):
                    continue  # values
                # Below these are names, and a field may be named "title".
                are_named = key in ("properties", "$defs") and isinstance(part, dict)
                for one in part.values() if are_named else [part]:
                    drop_titles(one)
        case list():
            for one in schema:
                drop_titles(one)


def _parse(model: type[Arguments], arguments: Mapping[str, Any]) -> Arguments:
    try:
        return model.model_validate(arguments)
    except ValidationError as exc:
        raise wrong_arguments(exc) from exc


def wrong_arguments(found: ValidationError) -> ToolError:
    """Return what a model is told of arguments that a tool does not take: the first five mistakes."""
    problems = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'arguments'}: {e['msg']}" for e in found.errors()[:5])
    return ToolError(f"The arguments are not valid: {problems}. Correct them and call again.")
