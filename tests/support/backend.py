"""A scripted tenant backend over real HTTP. It records every request and counts side effects by idempotency key."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import orjson
from support.http import Connection, Request, listen

Route = Callable[[Request, Connection], Awaitable[None]]


@dataclass(slots=True)
class TenantBackend:
    """A tenant's backend, as the test scripts and reads it. Routes are `METHOD /path`; a path that has none is a 404."""

    url: str = ""
    routes: dict[str, Route] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    effects: Counter[str] = field(default_factory=Counter)

    def answer(self, route: str, body: object, *, status: int = 200) -> None:
        """Answer a route with JSON."""

        async def respond(_request: Request, connection: Connection) -> None:
            await connection.respond(status, orjson.dumps(body))

        self.routes[route] = respond

    def hang(self, route: str) -> asyncio.Event:
        """Let a route answer nothing until the client goes; the event is set when a request has arrived."""
        arrived = asyncio.Event()

        async def wait(_request: Request, connection: Connection) -> None:
            arrived.set()
            await connection.gone.wait()

        self.routes[route] = wait
        return arrived

    async def handle(self, request: Request, connection: Connection) -> None:
        """Serve one request."""
        self.requests.append(request)
        path = request.path.partition("?")[0]
        if request.method != "GET":
            self.effects[request.headers.get("idempotency-key", "")] += 1
        route = self.routes.get(f"{request.method} {path}")
        if route is None:
            await connection.respond(404, b'{"detail":"not found"}')
        else:
            await route(request, connection)


@asynccontextmanager
async def scripted_backend() -> AsyncIterator[TenantBackend]:
    """Start a backend on a free port."""
    backend = TenantBackend()
    async with listen(backend.handle) as url:
        backend.url = url
        yield backend
