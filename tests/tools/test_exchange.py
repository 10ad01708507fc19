"""Tokens exchanged for one backend (RFC 8693): asked for once, kept for their owner, given to nobody else."""

import asyncio
import time
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs

import orjson
import pytest
from support.backend import TenantBackend, scripted_backend
from support.hostile import PUBLIC, TurningNames, caller
from support.http import Connection, Request

from agent.errors import CredentialRefusedError, ToolError
from agent.toolkit import CallContext
from tools.backends.addresses import read_endpoint
from tools.backends.backend import Backend
from tools.backends.exchange import TokenExchange
from tools.backends.reach import Reach
from tools.backends.sockets import SocketTransport


@dataclass
class TokenServer:
    """Gives a token for a token: `for:<the one that came>:<how many came before>`."""

    backend: TenantBackend
    answer: dict[str, Any] = field(default_factory=lambda: {"token_type": "Bearer", "expires_in": 3600})
    status: int = 200
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def forms(self) -> list[dict[str, str]]:
        return [{name: one[0] for name, one in parse_qs(request.body.decode()).items()} for request in self.requests]

    @property
    def requests(self) -> list[Request]:
        return self.backend.requests

    async def respond(self, request: Request, connection: Connection) -> None:
        self.arrived.set()
        await self.gate.wait()
        subject = parse_qs(request.body.decode())["subject_token"][0]
        token = {"access_token": f"for:{subject}:{len(self.requests)}"} if self.status == 200 else {}
        await connection.respond(self.status, orjson.dumps({**token, **self.answer}))


@pytest.fixture
async def tokens() -> AsyncIterator[TokenServer]:
    async with scripted_backend() as backend:
        server = TokenServer(backend)
        server.gate.set()
        backend.routes["POST /token"] = server.respond
        yield server


@asynccontextmanager
async def signed(backend: TenantBackend, tokens: TokenServer, **said: Any) -> AsyncIterator[Backend]:
    guard = Reach().guard(read_endpoint(tokens.backend.url, name="it"))
    exchange = TokenExchange(SocketTransport(guard), "/token", **said)
    async with Backend(backend.url, signature=exchange) as made:
        yield made


def sent(backend: TenantBackend) -> list[str]:
    return [request.headers["authorization"].removeprefix("Bearer ") for request in backend.requests]


async def test_the_users_token_is_exchanged_for_the_backends_own(backend: TenantBackend, tokens: TokenServer) -> None:
    """G218: with what the definition says of it."""
    said = {"audience": "orders", "scope": "read write", "client_id": "front desk", "client_secret": "s:e%c"}
    async with signed(backend, tokens, **said) as made:
        await made.session(caller()).get("/x")
    assert tokens.forms == [
        {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": "token-of-acme-ann",
            "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "audience": "orders",
            "scope": "read write",
        }
    ]
    headers = tokens.requests[0].headers
    assert headers["authorization"] == f"Basic {b64encode(b'front+desk:s%3Ae%25c').decode()}"
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    assert sent(backend) == ["for:token-of-acme-ann:1"]


async def test_a_client_without_a_secret_says_who_it_is_in_the_form(
    backend: TenantBackend, tokens: TokenServer
) -> None:
    async with signed(backend, tokens, client_id="desk") as made:
        await made.session(caller()).get("/x")
    assert tokens.forms[0]["client_id"] == "desk"
    assert "authorization" not in tokens.requests[0].headers


async def test_a_token_is_exchanged_once_for_all_that_wait_for_it(backend: TenantBackend, tokens: TokenServer) -> None:
    """G218: and kept for the calls after them."""
    tokens.gate.clear()
    async with signed(backend, tokens) as made, asyncio.TaskGroup() as calls:
        for _ in range(20):
            calls.create_task(made.session(caller()).get("/x"))
        await tokens.arrived.wait()
        tokens.gate.set()
    assert len(tokens.requests) == 1
    assert sent(backend) == ["for:token-of-acme-ann:1"] * 20


async def test_who_gives_up_leaves_the_exchange_to_those_that_wait(backend: TenantBackend, tokens: TokenServer) -> None:
    """G218: a user's stop stops nobody else."""
    tokens.gate.clear()
    async with signed(backend, tokens) as made, asyncio.TaskGroup() as calls:
        first = calls.create_task(made.session(caller()).get("/x"))
        await tokens.arrived.wait()
        second = calls.create_task(made.session(caller()).get("/x"))
        await asyncio.sleep(0)
        first.cancel()
        tokens.gate.set()
        assert await second is None
    assert len(backend.requests) == 1


async def test_a_token_is_its_tenants_its_users_and_its_tokens(backend: TenantBackend, tokens: TokenServer) -> None:
    """G218: many at once, and the same credential under another name, too."""
    callers = [caller(tenant, user) for tenant in ("aurora", "kinetic") for user in ("ann", "bob", "cid")]
    callers += [caller("aurora", "ann", token="fresh"), caller("kinetic", "eve", token="token-of-aurora-ann")]
    async with signed(backend, tokens) as made:
        for _ in range(2):
            async with asyncio.TaskGroup() as calls:
                for one in callers:
                    calls.create_task(made.session(one).get(f"/{one.principal.tenant_id}/{one.principal.user_id}"))
    assert len(tokens.requests) == len(callers)
    for request in backend.requests:
        _, tenant, user = request.path.split("/")
        subject = request.headers["authorization"].removeprefix("Bearer for:").rpartition(":")[0]
        assert subject in {one.principal.credential.reveal() for one in callers if one.principal.credential is not None
                           and (one.principal.tenant_id, one.principal.user_id) == (tenant, user)}  # fmt: skip
    spoken = {(request.path, request.headers["authorization"]) for request in backend.requests}
    assert len({token for _, token in spoken}) == len(callers)


@pytest.mark.parametrize(
    ("lasts", "again"),
    [
        (3600, 1),
        ("3600", 1),
        (None, 1),
        (60.5, 1),
        (0, 2),
        (-5, 2),
        ("0", 2),
        (True, 1),
        ("soon", 1),
        ([], 1),
        (1e300, 1),
    ],
)
async def test_a_token_is_kept_until_it_ends(
    backend: TenantBackend, tokens: TokenServer, lasts: object, again: int
) -> None:
    """G218: whatever its server says of that."""
    tokens.answer["expires_in"] = lasts
    async with signed(backend, tokens) as made:
        for _ in range(2):
            await made.session(caller()).get("/x")
    assert len(tokens.requests) == again


async def test_a_token_is_not_used_to_its_last_moment(
    backend: TenantBackend, tokens: TokenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G218: nor for longer than an hour, nor than the token that it was exchanged for."""
    begun, now = time.monotonic(), [0.0]
    monkeypatch.setattr("tools.backends.exchange.time.monotonic", lambda: begun + now[0])

    async def asked(context: CallContext, *, at: float) -> int:
        now[0] = at
        before = len(tokens.requests)
        await made.session(context).get("/x")
        return len(tokens.requests) - before

    async with signed(backend, tokens) as made:
        tokens.answer["expires_in"] = 100
        assert [await asked(caller(), at=at) for at in (0, 89, 91)] == [1, 0, 1]
        tokens.answer["expires_in"] = 86_400
        assert [await asked(caller(user="bob"), at=at) for at in (0, 3500, 3600)] == [1, 0, 1]
        short = replace(caller(user="cid").principal, expires_at=int(time.time()) + 100)
        assert [await asked(replace(caller(), principal=short), at=at) for at in (0, 80, 95)] == [1, 0, 1]


async def test_only_so_many_tokens_are_kept(backend: TenantBackend, tokens: TokenServer) -> None:
    """G218: those that were used last."""
    async with signed(backend, tokens, most=2) as made:
        for user in ("ann", "bob", "ann", "cid", "ann", "bob"):
            await made.session(caller(user=user)).get("/x")
    assert [form["subject_token"] for form in tokens.forms] == [
        f"token-of-acme-{user}" for user in ("ann", "bob", "cid", "bob")
    ]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_a_refused_exchange_asks_the_user_to_sign_in_again(
    backend: TenantBackend, tokens: TokenServer, status: int
) -> None:
    """G218: the backend is not asked, and nothing of the refusal is told."""
    tokens.status, tokens.answer = status, {"error": "invalid_grant", "error_description": "SECRET"}
    async with signed(backend, tokens) as made:
        with pytest.raises(CredentialRefusedError) as refused:
            await made.session(caller()).post("/x")
    assert "SECRET" not in str(refused.value)
    assert not backend.requests


OF_NO_USE: list[tuple[int, dict[str, Any]]] = [
    *((status, {}) for status in (301, 307, 408, 429, 500, 502, 503)),
    *(
        (400, {"error": error})
        for error in ("invalid_client", "unauthorized_client", "invalid_target", "invalid_scope")
    ),
    (401, {"error": "invalid_client"}),
    (200, {"access_token": ""}),
    (200, {"access_token": None}),
    (200, {"access_token": 7}),
    (200, {"access_token": "a b"}),
    (200, {"access_token": "a\r\nHost: evil"}),
    (200, {"access_token": "ä"}),
    (200, {"access_token": "x" * 20_000}),
    (200, {"access_token": "x" * 100_000}),
    (200, {"token_type": "N_A"}),
    (200, {"token_type": "DPoP"}),
]


@pytest.mark.parametrize(("status", "answer"), OF_NO_USE)
async def test_a_token_server_that_is_of_no_use_is_a_backend_that_cannot_be_reached(
    backend: TenantBackend, tokens: TokenServer, status: int, answer: dict[str, Any]
) -> None:
    """G218: no other token of the user's would help, so none is asked for."""
    tokens.status, tokens.answer = status, answer
    async with signed(backend, tokens) as made:
        with pytest.raises(ToolError, match=r"cannot be reached right now\. The change was not made") as failed:
            await made.session(caller()).post("/x")
    assert not isinstance(failed.value, CredentialRefusedError)
    assert not backend.requests


async def test_a_token_server_that_does_not_answer_is_waited_for_so_long(
    backend: TenantBackend, tokens: TokenServer
) -> None:
    """G218: and all that wait hear of it at once."""
    tokens.gate.clear()
    async with signed(backend, tokens, timeout_s=1) as made:
        async with asyncio.TaskGroup() as calls:
            asked = [calls.create_task(_failed(made)) for _ in range(10)]
        assert ["cannot be reached" in one.result() for one in asked] == [True] * 10
    assert len(tokens.requests) == 1


async def test_a_token_that_the_backend_does_not_take_any_more_is_exchanged_anew_once(
    backend: TenantBackend, tokens: TokenServer
) -> None:
    """G218: before the user is asked for anything."""
    taken = {"for:token-of-acme-ann:1"}

    async def respond(request: Request, connection: Connection) -> None:
        is_taken = request.headers["authorization"].removeprefix("Bearer ") in taken
        await connection.respond(200 if is_taken else 401, b"{}")

    backend.routes["GET /x"] = respond
    async with signed(backend, tokens) as made:
        await made.session(caller()).get("/x")
        taken.clear()
        taken.add("for:token-of-acme-ann:2")
        assert await made.session(caller()).get("/x") == {}
        taken.clear()
        with pytest.raises(CredentialRefusedError):
            await made.session(caller()).get("/x")
    assert len(tokens.requests) == 3


async def test_a_token_server_whose_name_turns_elsewhere_gets_no_token(
    backend: TenantBackend, tokens: TokenServer
) -> None:
    """G218 G219: its name is looked up at the start, too."""
    names = TurningNames()
    names.turn("sso.example", [PUBLIC], ["127.0.0.1"])
    url = f"http://sso.example:{tokens.backend.url.rpartition(':')[2]}"
    exchange = TokenExchange(
        SocketTransport(Reach(resolve=names.resolve).guard(read_endpoint(url, name="it"))), "/token"
    )
    async with Backend(backend.url, signature=exchange) as made:
        assert names.asked == ["sso.example"]
        with pytest.raises(ToolError, match="cannot be reached"):
            await made.session(caller()).get("/x")
    assert not tokens.requests + backend.requests


async def test_who_has_no_token_has_to_sign_in(backend: TenantBackend, tokens: TokenServer) -> None:
    """G218: nothing is exchanged for nobody."""
    nobody = replace(caller(), principal=replace(caller().principal, credential=None))
    async with signed(backend, tokens) as made:
        with pytest.raises(CredentialRefusedError):
            await made.session(nobody).get("/x")
    assert not tokens.requests + backend.requests


async def test_an_exchanged_token_is_hidden_in_each_run_that_uses_it(
    backend: TenantBackend, tokens: TokenServer, capfd: pytest.CaptureFixture[str]
) -> None:
    """G222: the first one and those that find it kept; nothing printed holds it either."""
    hidden: list[list[str]] = [[], []]
    async with signed(backend, tokens) as made:
        for heard in hidden:
            await made.session(replace(caller(), hide=heard.append)).get("/x")
        assert "for:" not in repr(vars(made)) + repr(vars(made._signature))
    assert hidden == [["for:token-of-acme-ann:1"]] * 2
    assert "token-of-acme-ann" not in "".join(capfd.readouterr())


async def _failed(made: Backend) -> str:
    with pytest.raises(ToolError) as failed:
        await made.session(caller()).get("/x")
    return str(failed.value)
