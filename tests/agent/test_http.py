"""No client keeps what a response sets: each request looks as if there had been no other one, whoever sent that."""

import ast
import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import httpx2
import openai
import pytest
from fastapi import FastAPI, Request, Response
from langchain_core.messages import HumanMessage
from rich.console import Console
from support.each import each
from support.http import Connection, listen
from support.http import Request as RawRequest
from support.provider import Provider
from support.replies import Heard
from support.world import OpenWorld

from agent.assistant.definition import Limits
from agent.assistant.models import ModelDefinition
from agent.errors import ConfigurationError, RunError, ToolError
from agent.http import open_blocking_client, open_client, open_session
from agent.models.catalog import Catalog
from agent.models.openai import OpenAICompatibleModel
from agent.models.stream import Reply, stream_reply
from agent.principal import Credential, Principal
from agent.toolkit import CallContext
from agent.urls import shown_url
from api.settings import Settings
from api.terminal.chat import Chat
from api.terminal.commands import ChatError
from tools.backends.backend import Backend

ROOT = Path(__file__).parents[2]
MAKERS = {
    "httpx2": [
        "AsyncClient",
        "AsyncHTTPTransport",
        "Client",
        "HTTPTransport",
        "delete",
        "get",
        "head",
        "options",
        "patch",
        "post",
        "put",
        "request",
        "stream",
    ],
    "httpx": ["AsyncClient", "Client", "delete", "get", "head", "options", "patch", "post", "put", "request", "stream"],
    "aiohttp": ["ClientSession", "request"],
    "requests": ["Session", "delete", "get", "head", "options", "patch", "post", "put", "request", "session"],
    "urllib.request": ["urlopen", "build_opener", "install_opener", "urlretrieve"],
    "http.client": ["HTTPConnection", "HTTPSConnection"],
    "openai": ["OpenAI", "AsyncOpenAI"],
    "langchain_openai": ["ChatOpenAI"],
    "urllib3": ["PoolManager", "ProxyManager", "request"],
}
"""Functions and classes that make a client, or ask with one of their own."""
SUBCLASSED = "agent/models/openai.py: class OpenAICompatibleModel(ChatOpenAI)"
SETTING = {
    "Set-Cookie": "session=of-somebody; Path=/",
    "WWW-Authenticate": 'Digest realm="x", nonce="n", Basic realm="x", Negotiate, NTLM',
    "Alt-Svc": 'h2=":1"; ma=86400',
    "Strict-Transport-Security": "max-age=86400",
    "Cache-Control": "public, max-age=86400",
    "ETag": '"of-somebody"',
    "Last-Modified": "Sat, 28 Nov 2026 00:00:00 GMT",
    "Refresh": "0; url=/elsewhere",
}
"""All that some client somewhere keeps of a response, or answers it with."""
STATUSES = [200, 201, 204, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 407, 409, 429, 500, 503]
KEPT = {"cookie", "cookie2", "proxy-authorization", "if-none-match", "if-modified-since", "referer"}


@dataclass
class Setter:
    """A server that sets everything it can, with a status of the test's choice."""

    status: int = 200
    url: str = ""
    requests: list[RawRequest] = field(default_factory=list)

    async def handle(self, request: RawRequest, connection: Connection) -> None:
        self.requests.append(request)
        location = {"Location": f"{self.url}/elsewhere"} if 300 <= self.status < 400 else {}
        body = b"" if self.status in (204, 304) else b'{"error": {"message": "no"}}'
        await connection.respond(self.status, body, headers={**SETTING, **location})


@asynccontextmanager
async def setter(status: int) -> AsyncIterator[Setter]:
    made = Setter(status)
    async with listen(made.handle) as url:
        made.url = url
        yield made


def context(tenant: str, user: str) -> CallContext:
    return CallContext(Principal(tenant, user, credential=Credential(f"{tenant}-{user}")), UUID(int=1), "call-1", None)


@each("status", STATUSES)
async def test_no_second_call_of_the_backend_holds_what_a_first_response_set(status: int) -> None:
    """G42: of another tenant, of another user, of the same one."""
    async with setter(status) as server, Backend(server.url) as backend:
        callers = [context("aurora", "owner"), context("kinetic", "owner"), context("kinetic", "ann")]
        for caller in [*callers, callers[0]]:
            with suppress(ToolError):
                await backend.session(caller).get("/figures")
            with suppress(ToolError):
                await backend.session(caller).post("/figures", {"a": 1})
    tries = 3 if status in (429, 503) else 1  # a read is asked for again
    asked = [one for one in server.requests if one.method == "POST"]
    assert len(server.requests) == 4 * (tries + 1)
    for request, caller in zip(asked, [*callers, callers[0]], strict=True):
        assert request.headers["authorization"] == f"Bearer {caller.principal.tenant_id}-{caller.principal.user_id}"
    for request in server.requests:
        assert request.path == "/figures"
        assert not KEPT & set(request.headers)


async def test_a_backend_that_is_mounted_gets_no_cookie_back_either() -> None:
    """G42: the calls that never leave the process."""
    app, seen = FastAPI(), list[str | None]()

    @app.get("/figures")
    async def figures(request: Request, response: Response) -> dict[str, int]:
        seen.append(request.headers.get("cookie"))
        response.set_cookie("session", "of-somebody")
        return {}

    async with Backend("http://backend.internal", transport=httpx2.ASGITransport(app=app)) as backend:
        for tenant in ("aurora", "kinetic", "aurora"):
            await backend.session(context(tenant, "owner")).get("/figures")
    assert seen == [None] * 3


@each("status", STATUSES)
async def test_no_second_call_of_a_provider_holds_what_a_first_response_set(status: int) -> None:
    """G42: neither of our own stream nor of the clients that LangChain brings."""
    async with setter(status) as server:
        settings = Settings(_env_file=None, openai_api_key="k", openai_base_url=f"{server.url}/v1")
        catalog = Catalog(settings)
        for name in ("one", "two", "one"):
            model = catalog.open(ModelDefinition(spec=f"openai:{name}"), Limits(model_retries=0))
            assert isinstance(model, OpenAICompatibleModel)
            with suppress(RunError):
                await stream_reply(
                    model,
                    [HumanMessage("hi")],
                    Reply(),
                    Heard().sinks,
                    limits=Limits(model_retries=0),
                )
            for _ in range(2):
                with suppress(openai.OpenAIError, ValueError, TypeError, AttributeError):
                    await model.root_async_client.with_options(max_retries=0).models.list()
            with suppress(openai.OpenAIError, ValueError, TypeError, AttributeError):
                await asyncio.to_thread(model.root_client.with_options(max_retries=0).models.list)
        for name in ("one", "two"):
            model = catalog.open(ModelDefinition(spec=f"openai:{name}"), Limits(model_retries=0))
            assert isinstance(model, OpenAICompatibleModel)
            await model.root_async_client.close()
            model.root_client.close()
        await catalog.close()
    assert len(server.requests) == 12
    for request in server.requests:
        assert request.path in ("/v1/chat/completions", "/v1/models")
        assert not KEPT & set(request.headers)


async def test_a_whole_installation_sends_no_tenant_what_another_one_was_given(open_frontdesk: OpenWorld) -> None:
    """G42: backend and provider set cookies, and the second tenant's turn shows none."""
    world = await open_frontdesk()
    backend_saw, provider_saw = list[dict[str, str]](), list[dict[str, str]]()

    async def serve(request: RawRequest, connection: Connection) -> None:
        backend_saw.append(request.headers)
        await connection.respond(200, b'{"count": 1}', headers=SETTING)

    world.backend.routes["GET /orders/count"] = serve
    for person in (world.person("aurora"), world.person("kinetic"), world.person("aurora")):
        _with_cookies(world.provider, provider_saw)
        await person.ask("how many?")
    assert (len(backend_saw), len(provider_saw)) == (3, 6)
    assert not any(KEPT & set(headers) for headers in backend_saw + provider_saw)


@pytest.mark.parametrize("status", [200, 401, 503])
async def test_the_terminal_sends_nothing_back_that_a_server_set(status: int, tmp_path: Path) -> None:
    """G42: the client of the command line, too."""
    async with setter(status) as server:
        chat = Chat(server.url, "token", console=Console(quiet=True), memory=tmp_path / "terminal.json")
        client = open_blocking_client(timeout=httpx2.Timeout(5))
        for _ in range(2):
            with suppress(ChatError):
                await asyncio.to_thread(_post, client, server.url)
        with suppress(ChatError):
            await asyncio.to_thread(chat.ask, "hi")
        client.close()
    assert len(server.requests) >= 3
    assert not any(KEPT & set(request.headers) for request in server.requests)


async def test_not_even_a_cookie_that_is_put_into_a_client_leaves_it() -> None:
    """G42: the jar holds nothing, whoever fills it."""
    async with setter(200) as server, open_client(timeout=httpx2.Timeout(5)) as client:
        client.cookies.set("session", "of-somebody", domain="127.0.0.1")
        await client.get(server.url)
        async with open_session(connect_timeout_s=5) as session:
            session.cookie_jar.update_cookies({"session": "of-somebody"})
            async with session.get(server.url):
                pass
    assert not any("cookie" in request.headers for request in server.requests)


def test_only_one_file_makes_clients() -> None:
    """G42: whoever needs a client takes one of `agent.http`, so none can forget it."""
    made = {place for folder in ("agent", "api", "tools", "examples") for place in _makers(ROOT / folder)}
    assert any(place.startswith("agent/http.py") for place in made), "found nothing: the test would prove nothing"
    assert {place for place in made if not place.startswith("agent/http.py")} == {SUBCLASSED}


def _makers(folder: Path) -> Iterator[str]:
    """Yield where a client is made, or a class of clients is named, under whatever name it was imported."""
    for path in sorted(folder.rglob("*.py")):
        tree, name = ast.parse(path.read_text("utf-8")), str(path.relative_to(ROOT))
        known = _imported(tree)
        for node in ast.walk(tree) if known else ():
            if isinstance(node, ast.ClassDef):
                for base in node.bases:
                    if known.get(ast.unparse(base)):
                        yield f"{name}: class {node.name}({ast.unparse(base)})"
            elif isinstance(node, ast.Call) and known.get(ast.unparse(node.func)):
                yield f"{name}: {ast.unparse(node.func)}"


def _imported(tree: ast.Module) -> dict[str, bool]:
    """Return the names under which a file can reach what makes clients."""
    names: dict[str, bool] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                for maker in MAKERS.get(alias.name, ()):
                    names[f"{alias.asname or alias.name}.{maker}"] = True
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if alias.name in MAKERS.get(node.module or "", ()):
                    names[alias.asname or alias.name] = True
                for maker in MAKERS.get(f"{node.module}.{alias.name}", ()):
                    names[f"{alias.asname or alias.name}.{maker}"] = True
    return names


def _with_cookies(provider: Provider, saw: list[dict[str, str]]) -> None:
    """Let the next turn ask for a tool and then answer, both with responses that set all they can."""
    call = (
        b'{"tool_calls":[{"index":0,"id":"c","type":"function","function":{"name":"count_orders","arguments":"{}"}}]}'
    )
    for delta, reason in ((call, b"tool_calls"), (b'{"content":"1"}', b"stop")):
        event = b'data: {"choices":[{"index":0,"delta":%b,"finish_reason":"%b"}]}\n\ndata: [DONE]\n\n' % (delta, reason)

        async def answer(request: RawRequest, connection: Connection, event: bytes = event) -> None:
            saw.append(request.headers)
            await connection.respond(200, event, headers={**SETTING, "Content-Type": "text/event-stream"})

        provider.then(answer)


def _post(client: httpx2.Client, url: str) -> None:
    client.post(f"{url}/chat", json={})


URLS = [
    "http://ann:SECRET@shop.example",
    "https://ann:SECRET@shop.example:8443/api",
    "http://SECRET@shop.example",
    "ftp://ann:SECRET@shop.example",
    "ann:SECRET@shop.example",
    "http:/ann:SECRET@shop.example/x",
    "http://ann:SEC/RET@shop.example",
    "http://ann:SECRET@[::1]:80/x",
    "http://ann:SECRET@shop.example/x?key=SECRET",
    "http://shop.example/x?key=SECRET",
    "http://shop.example/x#SECRET",
    "http://ann:SECRET@shop.example:port/",
    "http://a:b@http://ann:SECRET@shop.example",
    "HTTP://ann:SECRET@SHOP.example",
    "http://ann:%53SECRET@shop.example",
]


@each("url", URLS)
def test_a_url_with_a_password_is_refused_in_a_line_that_does_not_show_it(url: str) -> None:
    """G44: nor is it used: it would take the place of each user's own token."""
    with pytest.raises(ConfigurationError, match=r"^the backend's URL must") as refused:
        Backend(url)
    shown = str(refused.value)
    assert "SECRET" not in shown
    assert "RET@" not in shown
    assert "\n" not in shown
    assert "SECRET" not in shown_url(url)


async def test_the_terminal_neither_shows_nor_keeps_a_password_of_its_servers_url(tmp_path: Path) -> None:
    """G44: what it remembers of a server is its address."""
    memory = tmp_path / "terminal.json"
    async with setter(200) as server:
        url = server.url.replace("http://", "http://ann:SECRET@")
        chat = Chat(url, "token", console=Console(quiet=True), memory=memory)
        chat.conversation_id = "c"
        with suppress(ChatError):
            await asyncio.to_thread(chat.ask, "hi")
    with pytest.raises(ChatError) as failed:
        await asyncio.to_thread(chat.ask, "hi")
    assert "SECRET" not in str(failed.value)
    assert not memory.exists() or "SECRET" not in memory.read_text()
