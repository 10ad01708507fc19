"""An MCP server of 2025 over HTTP that does what no good one does, byte by byte."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
from support.http import Connection, Request, listen

Odd = Callable[[Request, Connection], Awaitable[None]]
TOOL = {"name": "odd", "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": True}}


class Server:
    """A server of 2025 whose tool answers as a test wants it. `requests` are all that came."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[Request] = []
        self.odd: Odd = answer_well
        self.get: Odd = refuse
        """The answer to a GET, by which a client hears what it did not ask for, or the rest of an answer."""
        self.answered: Odd = thank
        """The answer to an answer, where the server asked something."""
        self.tools: list[dict[str, Any]] = [TOOL]
        self.sessions = 0

    async def handle(self, request: Request, connection: Connection) -> None:
        self.requests.append(request)
        if request.method != "POST":
            await self.get(request, connection)
            return
        message = request.json
        match message.get("method"):
            case None:
                await self.answered(request, connection)
            case "initialize":
                self.sessions += 1
                result = {
                    "protocolVersion": "2025-11-25",
                    "capabilities": {"tools": {}},
                    "serverInfo": {"name": "odd", "version": "1"},
                }
                await reply(
                    connection,
                    message,
                    result,
                    {"Mcp-Session-Id": f"session-{self.sessions}", "Set-Cookie": "a=b; Path=/"},
                )
            case "tools/list":
                await reply(connection, message, {"tools": self.tools}, {"Set-Cookie": "c=d"})
            case "tools/call":
                await self.odd(request, connection)
            case method if "id" in message:
                error = {"code": -32601, "message": f"no {method}"}
                await connection.respond(200, orjson.dumps({"jsonrpc": "2.0", "id": message["id"], "error": error}))
            case _:
                await connection.respond(202, b"")


async def reply(connection: Connection, message: Any, result: object, headers: dict[str, str] | None = None) -> None:
    body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result})  # of numbers of any size
    await connection.respond(200, body.encode(), headers=headers)


async def refuse(_request: Request, connection: Connection) -> None:
    await connection.respond(405, b"")


async def thank(_request: Request, connection: Connection) -> None:
    await connection.respond(202, b"")


async def answer_well(request: Request, connection: Connection) -> None:
    await reply(connection, request.json, {"content": [{"type": "text", "text": "well"}]})


@asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    server = Server()
    async with listen(server.handle) as url:
        server.url = f"{url}/mcp"
        yield server
