"""In whose name backends are called: a token reaches those that are named for it, and nobody else."""

import asyncio
from contextlib import nullcontext
from dataclasses import replace

import pytest
from fastapi import FastAPI
from fastapi import Request as Asking
from httpx2 import ASGITransport
from pydantic import BaseModel
from support import shop_tools
from support.backend import TenantBackend, scripted_backend
from support.each import each
from support.hostile import caller, listener, until_heard
from support.http import Connection, Request

from agent.errors import CredentialRefusedError, ToolError
from agent.region import Region
from tools.backends.backend import Backend
from tools.backends.caution import Caution
from tools.backends.limits import BackendLimits
from tools.backends.sessions import BackendSessions
from tools.backends.signing import Forwarded, Installed, Signature, Unsigned
from tools.backends.transport import Request as Asked
from tools.functions import ToolContext, load_functions, tool

SECRET = "Bearer secret-of-the-installation"


def installed(
    name: str = "Authorization", tenant: str | None = "X-Tenant-Id", user: str | None = "X-User-Id"
) -> Installed:
    return Installed(name, SECRET, tenant=tenant, user=user)


@pytest.mark.parametrize(
    ("signature", "expected"),
    [
        (Forwarded(), {"authorization": "Bearer token-of-acme-ann"}),
        (Unsigned(), {}),
        (installed(), {"authorization": SECRET, "x-tenant-id": "acme", "x-user-id": "ann"}),
        (installed("X-Api-Key", tenant=None, user="X-For"), {"x-api-key": SECRET, "x-for": "ann"}),
        (installed("X-Api-Key", tenant="X-Org", user=None), {"x-api-key": SECRET, "x-org": "acme"}),
    ],
)
async def test_a_backend_is_called_in_the_name_that_its_definition_says(
    backend: TenantBackend, signature: Signature, expected: dict[str, str]
) -> None:
    """G217: and in no other."""
    named = {"authorization", "x-tenant-id", "x-user-id", "x-api-key", "x-for", "x-org", "cookie"}
    async with Backend(backend.url, signature=signature) as made:
        await made.session(caller()).get("/x")
        await made.send(Asked("POST", "/x", content=b"{}", headers=dict.fromkeys(named, "mine")), caller())
    for request in backend.requests:
        said = {name: value for name, value in request.headers.items() if name in named and value != "mine"}
        assert said == expected
        assert request.headers.get("authorization") in (None, *expected.values())


@each(
    ("user", "is_told"),
    [("änn", True), ("安", True), ("ann smith", True), ("ann ", False), (" ann", False), ("\u3000ann", False)],
)
async def test_a_backend_is_told_the_users_own_id_and_no_other(user: str, is_told: bool) -> None:
    """G682: in all letters, to a server and to an app of this process; who would become somebody else in a header is not told."""
    app, heard = FastAPI(), list[str]()

    @app.get("/x")
    async def hear(request: Asking) -> dict[str, str]:
        heard.append(request.headers["x-user-id"].encode("latin-1").decode())
        return {}

    mounted = Backend("http://app.internal", signature=installed(), transport=ASGITransport(app=app))
    async with scripted_backend() as backend, mounted, Backend(backend.url, signature=installed()) as made:
        backend.answer("GET /x", {})
        for one in (made, mounted):
            with nullcontext() if is_told else pytest.raises(ToolError, match="cannot be told who"):
                assert await one.session(caller(user=user)).get("/x") == {}
        heard += [request.headers["x-user-id"].encode("latin-1").decode() for request in backend.requests]
    assert heard == [user] * 2 * is_told


@pytest.mark.parametrize("signature", [Unsigned(), installed(), installed("X-Api-Key")])
async def test_the_users_token_does_not_leave_for_a_backend_that_is_not_named_for_it(
    backend: TenantBackend, signature: Signature
) -> None:
    """G217: in no header, path, query or body, whoever the user is."""
    async with Backend(backend.url, signature=signature) as made:
        for user in ("ann", "bob"):
            session = made.session(caller(user=user))
            await session.get("/x", a=1)
            with pytest.raises(ToolError):
                await session.post("/x", {"a": 1})
    for request in backend.requests:
        assert "token-of" not in request.path + repr(request.headers) + request.body.decode()


@pytest.mark.parametrize("signature", [Unsigned(), installed()])
async def test_a_sign_in_of_the_installation_that_is_not_accepted_asks_no_user_for_a_token(
    backend: TenantBackend, signature: Signature
) -> None:
    """G217: it would be asked for again and again."""
    backend.answer("GET /x", {"detail": SECRET}, status=401)
    async with Backend(backend.url, signature=signature) as made:
        with pytest.raises(ToolError, match="Only its operator can help") as failed:
            await made.session(caller()).get("/x")
    assert not isinstance(failed.value, CredentialRefusedError)
    assert "secret" not in str(failed.value)
    assert len(backend.requests) == 1


async def test_the_installations_secret_is_hidden_in_each_run_that_uses_it(backend: TenantBackend) -> None:
    """G222: with its scheme and without."""
    heard: list[str] = []
    async with Backend(backend.url, signature=installed()) as made:
        await made.session(replace(caller(), hide=heard.append)).get("/x")
        assert SECRET not in repr(made) + repr(made.session(caller()))
    assert {SECRET, "secret-of-the-installation"} <= set(heard)


async def test_two_tenants_at_once_are_never_mixed_up(backend: TenantBackend) -> None:
    """G217: over the same few connections."""

    async def mirror(request: Request, connection: Connection) -> None:
        await connection.respond(200, f'"{request.headers["authorization"]}"'.encode(), headers={"Set-Cookie": "a=b"})

    backend.routes["GET /x"] = mirror
    async with Backend(backend.url, caution=Caution(BackendLimits(connections=3))) as made:

        async def ask(tenant: str, user: str) -> None:
            said = await made.session(caller(tenant, user)).get("/x")
            assert said == f"Bearer token-of-{tenant}-{user}"

        async with asyncio.TaskGroup() as calls:
            for number in range(100):
                calls.create_task(ask(("aurora", "kinetic")[number % 2], f"u{number}"))
    assert not any("cookie" in request.headers for request in backend.requests)


class NoArguments(BaseModel):
    pass


async def test_a_tool_calls_each_backend_that_its_assistant_names_with_its_own_sign_in(backend: TenantBackend) -> None:
    """G217: side by side in one call."""

    @tool()
    async def compare(context: ToolContext, arguments: NoArguments) -> object:
        """Compare."""
        await context.backends["stock"].get("/stock")
        await context.backend.get("/orders")
        return sorted(context.backends)

    async with (
        scripted_backend() as other,
        Backend(backend.url) as own,
        Backend(other.url, signature=Unsigned()) as stock,
    ):
        bound = compare.bind(own, {"default": own, "stock": stock})
        assert await bound.call(caller(), {}) == ["default", "stock"]
        assert [request.path for request in other.requests] == ["/stock"]
        assert "authorization" not in other.requests[0].headers
        assert backend.requests[0].headers["authorization"] == "Bearer token-of-acme-ann"


@each("name", ["X-Org", "x-org", "X_Org", "x_oRG", "X-Api-Key", "x_api_key", "accept-language", "x_time-zone"])
async def test_no_header_of_a_tool_stands_beside_one_of_ours(name: str) -> None:
    """G220: which of the two a server reads is anybody's guess."""
    context = replace(caller(), region=Region("Europe/Berlin", "de"))
    signature = installed("X-Api-Key", tenant="X-Org")
    async with listener() as heard, Backend(f"http://127.0.0.1:{heard.port}", signature=signature) as made:
        await until_heard(heard, made.send(Asked("GET", "/x", headers={name: "of-the-model"}), context))
    assert heard.received.startswith(b"GET /x HTTP/1.1\r\n")
    assert b"of-the-model" not in heard.received


async def test_a_backend_that_is_not_there_is_named_with_those_that_are(backend: TenantBackend) -> None:
    async with Backend(backend.url) as own:
        sessions = BackendSessions({"default": own, "stock": own}, caller())
        with pytest.raises(KeyError, match="the assistant has no backend 'stok'; it has: default, stock"):
            sessions["stok"]
        assert sessions.get("stok") is None


async def test_two_names_of_one_backend_share_the_keys_of_a_calls_writes(backend: TenantBackend) -> None:
    """G10: a key that came twice would be taken for a repetition."""
    backend.answer("POST /orders", {})
    async with scripted_backend() as other, Backend(backend.url) as own, Backend(other.url) as stock:
        other.answer("POST /orders", {}, status=500)
        sessions = BackendSessions({"default": own, "same": own, "stock": stock}, caller())
        await sessions["default"].post("/orders")
        await sessions["same"].post("/orders")
        assert set(backend.effects) == {"call-1", "call-1-2"}
        with pytest.raises(ToolError, match="What this tool changed before stays changed"):
            await sessions["stock"].post("/orders")


async def test_loaded_tools_have_the_backends_of_their_assistant(backend: TenantBackend) -> None:
    async with scripted_backend() as other, Backend(backend.url) as own, Backend(other.url) as stock:
        backend.answer("GET /orders/count", 1)
        loaded = {one.name: one for one in load_functions(shop_tools, own, {"stock": stock})}
        assert await loaded["count_orders"].call(caller(), {}) == 1
