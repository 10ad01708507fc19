"""(a) The floor: a proxy that writes to the client what it reads from upstream, and looks at none of it."""

import asyncio
import sys
from collections.abc import AsyncIterator

import aiohttp
import orjson
import uvloop
from aiohttp import web

from bench.load import post
from bench.upstream import TOOL, Script

UPSTREAM = web.AppKey("upstream", str)
SESSION = web.AppKey("session", aiohttp.ClientSession)
MODEL = "/v1/chat/completions"
JSON = {"Content-Type": "application/json"}


async def forward(request: web.Request) -> web.StreamResponse:
    """Send the request's body upstream, and each read of the answer back."""
    session, upstream = request.app[SESSION], request.app[UPSTREAM]
    body = await with_tool(session, upstream, await request.read())
    async with session.post(upstream + MODEL, data=body, headers=JSON) as source:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        async for data in source.content.iter_any():
            await response.write(data)
    await response.write_eof()
    return response


async def with_tool(session: aiohttp.ClientSession, upstream: str, body: bytes) -> bytes:
    """Return what to ask upstream: the body, or behind a tool call the one with its result, as a turn with a tool has it."""
    if b"tool=1" not in body:
        return body
    async with session.post(upstream + MODEL, data=body, headers=JSON) as source:
        await source.read()
    async with session.get(upstream + "/items/count") as source:
        result = await source.text()
    call = {"id": "call_1", "type": "function", "function": {"name": TOOL, "arguments": "{}"}}
    asked = orjson.loads(body)
    asked["messages"] += [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": result},
    ]
    return orjson.dumps(asked)


def ask(script: Script, _number: int, conversation: str | None) -> bytes:
    """Return a request; a conversation is what was said in it before, as JSON, which a pass-through's client has to send."""
    said = [{"role": "system", "content": "You help."}, *orjson.loads(conversation or "[]")]
    said.append({"role": "user", "content": script.words})
    return post("/chat", orjson.dumps({"model": "bench", "messages": said, "stream": True}))


async def _session(app: web.Application) -> AsyncIterator[None]:
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=None)
    ) as session:
        app[SESSION] = session
        yield


async def _serve(upstream: str) -> None:
    app = web.Application()
    app[UPSTREAM] = upstream
    app.cleanup_ctx.append(_session)
    app.router.add_post("/chat", forward)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=2048)
    await site.start()
    sys.stdout.write(f"listening on http://127.0.0.1:{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(_serve(sys.argv[1]))
