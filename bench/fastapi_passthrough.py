"""The other floor: the pass-through as a service in Python is usually built, a streaming response of FastAPI under uvicorn.

The bounds of a turn's cost were set over such a one; the floor of `bench.passthrough` lies below it.
"""

import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

from bench.passthrough import JSON, MODEL, with_tool


def create_app(upstream: str) -> FastAPI:
    """Return the app."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=None)
        ) as session:
            app.state.session = session
            yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/chat")
    async def chat(request: Request) -> StreamingResponse:
        forwarded = _forwarded(app.state.session, upstream, await request.body())
        return StreamingResponse(forwarded, media_type="text/event-stream")

    return app


async def _forwarded(session: aiohttp.ClientSession, upstream: str, body: bytes) -> AsyncIterator[bytes]:
    asked = await with_tool(session, upstream, body)
    async with session.post(upstream + MODEL, data=asked, headers=JSON) as source:
        async for data in source.content.iter_any():
            yield data


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        sys.stdout.write(f"listening on http://127.0.0.1:{self.servers[0].sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()


def serve(app: FastAPI) -> None:
    """Serve an app with uvicorn, uvloop and httptools on a free port, and say on which."""
    _Server(uvicorn.Config(app, port=0, loop="uvloop", http="httptools", log_level="warning", access_log=False)).run()


if __name__ == "__main__":
    serve(create_app(sys.argv[1]))
