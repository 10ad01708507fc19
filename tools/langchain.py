"""LangChain tools as tools of an assistant: a list of them, a toolkit, or a function that returns one.

Such a tool gets the arguments that the model gave, and nothing else: no token, no configuration, no callbacks, no tracing. The
invariant: one that blocks holds a thread of its own, and nothing of anybody else's.
"""

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from contextvars import Context
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any

import orjson
from langchain_core.messages import ToolMessage
from langchain_core.tools import BaseTool, StructuredTool, ToolException
from langchain_core.tools import Tool as SimpleTool
from pydantic import BaseModel, ValidationError

from agent.assistant.toolsets import ToolsetDefinition
from agent.errors import ConfigurationError, ToolError
from agent.schemas.told import bounded_schema
from agent.toolkit import CallContext, Tool, ToolResult
from agent.tracing import traced
from tools.apart import CutOffError, apart
from tools.functions import drop_titles, wrong_arguments
from tools.modules import broken, load_module
from tools.names import MOST, valid_name
from tools.results import citing

THREADS = 16
"""Calls of tools that are not async, at once, of one toolset. One that hangs keeps its thread; calls beyond wait their time."""


def load_langchain(definition: ToolsetDefinition, *, folder: Path) -> list[Tool]:
    """Return the tools that `module:name` stands for. Each is a write until the definition says what it is.

    Raises:
        ConfigurationError: the module cannot be imported, or what is named there gives no tools.
    """
    title = f"toolset {definition.langchain}"
    found = _found(definition.langchain or "", title, folder)
    threads, names, tools = Threads(THREADS), set[str](), list[Tool]()
    for one in found:
        name = valid_name(one.name, taken=names, most=MOST - len(definition.prefix))
        names.add(name)
        try:
            schema, told = _schemas(one)
        except Exception as exc:  # a class that somebody else wrote
            raise broken(exc, f"{title}: the arguments of {one.name!r} have no schema") from exc
        call = LangChainCall(one, schema, threads)
        tools.append(Tool(name, one.description or one.name, schema, call, risk="write", told=told))
    return tools


def _found(named: str, title: str, folder: Path) -> Sequence[BaseTool]:
    module_name, _, name = named.partition(":")
    module = load_module(module_name, folder=folder, what=title)
    try:
        value = getattr(module, name)
        if callable(value) and not isinstance(value, BaseTool) and not _is_toolkit(value):
            value = value()
        if _is_toolkit(value):
            value = value.get_tools()
    except (Exception, SystemExit) as exc:  # a module that somebody else wrote
        raise broken(exc, title) from exc
    listed = [value] if isinstance(value, BaseTool) else value
    if not isinstance(listed, list | tuple) or not all(isinstance(one, BaseTool) for one in listed) or not listed:
        raise ConfigurationError(f"{title}: it gives no list of LangChain tools")
    return listed


def _is_toolkit(value: object) -> bool:
    return not isinstance(value, type) and callable(getattr(value, "get_tools", None))


def _schemas(tool: BaseTool) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the schema of what the model fills in, and how a model is told of it. What LangChain would inject is not in it.

    Whoever wrote the tool may have it from elsewhere.
    """
    given: Any = tool.tool_call_schema
    if isinstance(given, dict):
        schema = deepcopy(given)
    elif isinstance(given, type) and issubclass(given, BaseModel):
        schema = given.model_json_schema()
    else:
        schema = dict(given.schema())  # of pydantic's first version
    schema.pop("description", None)
    drop_titles(schema)
    if (told := bounded_schema(schema)) is None:
        raise ValueError("the schema is too large")
    named = schema.get("properties")
    properties = {**told["properties"], **(named if isinstance(named, dict) else {})}
    return {**schema, "type": "object", "properties": properties}, told


class LangChainCall:
    """Calls one LangChain tool."""

    def __init__(self, tool: BaseTool, schema: Mapping[str, Any], threads: "Threads") -> None:
        self._tool = tool
        self._known = None if isinstance(tool.args_schema, dict) else frozenset(schema["properties"])
        self._threads = threads
        self._tasks: set[asyncio.Task[Any]] = set()

    async def __call__(self, context: CallContext, arguments: Mapping[str, Any]) -> object:
        """Return what the tool returns.

        Raises:
            ToolError: the arguments are wrong, or the tool says that it failed.
        """
        if self._known is not None and (strange := sorted(set(arguments) - self._known)):
            raise ToolError(f"There is no argument {', '.join(strange)[:200]}. Correct the arguments and call again.")
        # As a call it is unambiguous: arguments alone may look like one.
        asked = {"type": "tool_call", "name": self._tool.name, "args": dict(arguments), "id": context.tool_call_id}
        work = self._in_thread(asked) if _blocks(self._tool) else self._here(asked)
        try:
            # An empty context: whatever the run keeps in its own, the tool does not see it.
            return _told(await apart(work, tasks=self._tasks, context=Context()))
        except ValidationError as exc:
            raise wrong_arguments(exc) from exc
        except ToolException as exc:
            raise ToolError(str(exc) or "The tool failed and does not say why.") from exc
        except CutOffError as exc:
            raise ToolError("The tool stopped before it was done.") from exc

    async def _here(self, asked: dict[str, Any]) -> object:
        with traced(is_on=False):
            return await self._tool.ainvoke(asked)

    async def _in_thread(self, asked: dict[str, Any]) -> object:
        def work() -> object:
            with traced(is_on=False):
                return self._tool.invoke(asked)

        return await self._threads.run(work)


def _blocks(tool: BaseTool) -> bool:
    """Return whether a tool has no way of its own to be awaited: LangChain would run it in the threads that all share."""
    kind = type(tool)
    if isinstance(tool, StructuredTool | SimpleTool) and kind._arun in (StructuredTool._arun, SimpleTool._arun):
        return tool.coroutine is None
    return kind._arun is BaseTool._arun


def _told(result: object) -> object:
    """Return a result as data. The artifact of one that has both is not the model's: what it cites is for people."""
    if not isinstance(result, ToolMessage):
        return citing(result)
    content = result.content
    text = content if isinstance(content, str) else "\n\n".join(map(_shown, content))
    if result.status == "error":
        raise ToolError(text or "The tool failed and does not say why.")
    return _cited(text, result.artifact)


def _cited(text: str, artifact: object) -> object:
    """Return a text, or what it is the JSON of, with what it cites: its own `sources`, or those of the artifact."""
    value: object = text
    if text[:1] in ("{", "["):
        with suppress(orjson.JSONDecodeError):
            value = orjson.loads(text)
    beside = citing(artifact)
    return ToolResult(value, sources=beside.sources) if isinstance(beside, ToolResult) else citing(value)


def _shown(block: str | dict[Any, Any]) -> str:
    if isinstance(block, str):
        return block
    text = block.get("text")
    return text if isinstance(text, str) else f"[{str(block.get('type', 'something'))[:40]}, which cannot be shown]"


class Threads:
    """A bounded number of threads for calls that cannot be stopped. None of them keeps the process from ending."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._room: tuple[asyncio.AbstractEventLoop, asyncio.Semaphore] | None = None

    async def run(self, work: Callable[[], object]) -> object:
        """Return what `work` returns, from a thread. Whoever is cancelled leaves it to the end of its work."""
        loop = asyncio.get_running_loop()
        if self._room is None or self._room[0] is not loop:
            self._room = loop, asyncio.Semaphore(self._most)
        room = self._room[1]
        await room.acquire()
        done: asyncio.Future[object] = loop.create_future()
        threading.Thread(target=_run, args=(work, partial(_settle, loop, done, room)), daemon=True).start()
        return await done


def _run(work: Callable[[], object], settle: Callable[[object, BaseException | None], None]) -> None:
    try:
        result = work()
    except BaseException as exc:  # noqa: BLE001 (it is the waiter's, whatever it is)
        settle(None, exc)
    else:
        settle(result, None)


def _settle(
    loop: asyncio.AbstractEventLoop,
    done: "asyncio.Future[object]",
    room: asyncio.Semaphore,
    result: object,
    error: BaseException | None,
) -> None:
    def settle() -> None:
        room.release()
        if done.done():
            return
        if isinstance(error, Exception) and not isinstance(error, StopIteration):
            done.set_exception(error)
        elif error is not None:
            done.set_exception(RuntimeError(type(error).__name__))
        else:
            done.set_result(result)

    try:
        loop.call_soon_threadsafe(settle)
    except RuntimeError:  # the loop is closed: nobody waits any more
        return
