"""MCP servers in processes of their own, and the toolsets that speak with them."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio
from support.processes import Nursery, Server, environment
from support.programs import free_port

from agent.assistant.toolsets import ToolsetDefinition
from agent.errors import ToolError
from agent.principal import Credential, Principal
from agent.toolkit import CallContext, Tool
from tools.backends.reach import Reach
from tools.mcp.toolset import McpToolset

LIMIT_S = 60.0
TOKEN = "a-token-of-somebody"
TESTS = Path(__file__).parents[1]


def program(*options: str) -> list[str]:
    """Return the command of the test's server over its standard input and output."""
    return [sys.executable, "-P", str(TESTS / "support" / "mcp_server.py"), "stdio", *options]


class HttpServer:
    """The test's server over HTTP, at a URL that stays the same however often it is started."""

    def __init__(self, nursery: Nursery, marks: Path, *options: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/mcp"
        self._nursery = nursery
        self._marks = marks
        self._options = options
        self._process: Server | None = None

    async def start(self) -> None:
        """Start it and wait until it listens."""
        self._process = await self._nursery.fork(
            self._marks,
            ["http", str(self.port), *self._options],
            environment({"MARKS": str(self._marks)}),
            program="support.mcp_server",
        )
        output = anyio.Path(self._process.output)

        async def is_ready() -> bool:
            assert self._process is not None
            assert self._process.status is None, self._process.errors.read_text()
            return await output.exists() and await output.read_text() == "ready\n"

        await until(is_ready)

    async def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            await self._process.kill()
            self._process = None


@asynccontextmanager
async def http_server(nursery: Nursery, marks: Path, *options: str) -> AsyncIterator[HttpServer]:
    """Start the server over HTTP."""
    server = HttpServer(nursery, marks, *options)
    await server.start()
    try:
        yield server
    finally:
        await server.kill()


def person(tenant: str = "acme", user: str = "ann", *, token: str = TOKEN) -> Principal:
    """Return somebody with a token."""
    return Principal(tenant, user, credential=Credential(token))


def toolset(mcp: dict[str, Any], **more: Any) -> McpToolset:
    """Return the toolset of a definition."""
    return McpToolset(ToolsetDefinition.model_validate({"mcp": mcp, **more}), reach=Reach())


async def tools_of(opened: McpToolset, principal: Principal | None = None) -> dict[str, Tool]:
    """Return the tools that somebody has, as soon as there are any."""
    found: list[dict[str, Tool]] = []

    async def are_there() -> bool:
        found.append({tool.name: tool for tool in await opened.tools(principal or person())})
        return bool(found[-1])

    await until(are_there)
    return found[-1]


async def called(tool: Tool, principal: Principal | None = None, /, **arguments: Any) -> Any:
    """Call a tool as somebody."""
    return await tool.call(CallContext(principal or person(), uuid4(), f"call-{uuid4()}", None), arguments)


async def refusal(tool: Tool, principal: Principal | None = None, /, **arguments: Any) -> str:
    """Call a tool and return the text of its error."""
    try:
        result = await called(tool, principal, **arguments)
    except ToolError as exc:
        return str(exc)
    raise AssertionError(f"it went well: {result}")


async def until(condition: Callable[[], Awaitable[bool]], *, limit_s: float = LIMIT_S) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(limit_s):
        while not await condition():  # noqa: ASYNC110 (it is another process's doing)
            await asyncio.sleep(0.02)


async def until_there(path: Path) -> None:
    """Wait until a server has left a mark."""

    async def is_there() -> bool:
        return await anyio.Path(path).exists()

    await until(is_there)


def is_alive(pid: int) -> bool:
    """Return whether a process is there and has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def ended_now(argument: str) -> list[int]:
    """End the processes of this machine that have this argument, for which a loop would wait; return which these were."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            if argument.encode() in path.read_bytes().split(b"\0"):
                os.kill(int(path.parent.name), signal.SIGKILL)
                found.append(int(path.parent.name))
    return found


def resident_bytes() -> int:
    """Return how much memory this process holds now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
