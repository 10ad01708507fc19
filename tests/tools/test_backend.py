"""The one host that tools may call: the user's own token, nowhere else, and answers of any kind."""

import asyncio
from contextlib import suppress
from urllib.parse import unquote
from uuid import UUID

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.backend import Route, TenantBackend, scripted_backend
from support.faults import until
from support.http import Connection, Request, head

from agent.errors import ConfigurationError, CredentialRefusedError, ToolError
from agent.principal import Principal
from agent.toolkit import CallContext
from tools.backends.answers import DONE_UNREADABLE, LOOK_AGAIN, NOT_MADE, TAKEN_ON, UNKNOWN
from tools.backends.backend import Backend, BackendSession
from tools.backends.limits import USUAL

STRANGE_PATHS = [
    *("", "orders", "http://evil.example/x", "//evil.example/x", "///evil.example", "/\\evil.example", "\\\\evil"),
    *(
        "/../x",
        "/orders/../admin",
        "/orders/..",
        "/orders/.",
        "/./orders",
        "/orders/%2e%2e/admin",
        "/orders/%2E./admin",
    ),
    *("/orders/..%2fadmin", "/orders/..%5cadmin", "/orders\\..\\admin", "/orders/%5c..%5cadmin"),
    *(
        "/orders?admin=1",
        "/orders#top",
        "/orders/1?branch=2",
        "/a\nb",
        "/a\r\nX-Evil: 1",
        "/a\x00b",
        "/a%00b",
        "/a%0d%0ab",
    ),
]


def responding(status: int, body: bytes, **headers: str) -> Route:
    async def respond(_request: Request, connection: Connection) -> None:
        await connection.respond(status, body, headers={name.replace("_", "-"): text for name, text in headers.items()})

    return respond


async def test_a_read_carries_the_token_and_the_branch_and_no_key(
    session: BackendSession, backend: TenantBackend
) -> None:
    backend.answer("GET /orders/count", {"count": 42})
    assert await session.get("/orders/count") == {"count": 42}
    headers = backend.requests[0].headers
    assert headers["authorization"] == "Bearer ann's-token"
    assert headers["x-branch-id"] == "3"
    assert headers["accept"] == "application/json"
    assert "idempotency-key" not in headers
    assert "cookie" not in headers


async def test_without_a_token_or_a_branch_their_headers_are_left_out(client: Backend, backend: TenantBackend) -> None:
    backend.answer("GET /orders/count", {})
    await client.session(CallContext(Principal("acme", "ann"), UUID(int=1), "call-1", None)).get("/orders/count")
    assert not {"authorization", "x-branch-id"} & set(backend.requests[0].headers)


async def test_the_branch_zero_is_a_branch(client: Backend, backend: TenantBackend) -> None:
    backend.answer("GET /orders/count", {})
    await client.session(CallContext(Principal("acme", "ann"), UUID(int=1), "call-1", 0)).get("/orders/count")
    assert backend.requests[0].headers["x-branch-id"] == "0"


async def test_every_write_of_a_call_has_a_key_of_its_own_that_is_the_same_next_time(
    client: Backend, context: CallContext, backend: TenantBackend
) -> None:
    for route in ("POST /orders", "PATCH /orders/1", "DELETE /orders/1"):
        backend.answer(route, {"ok": True})
    backend.answer("GET /orders/1", {})
    for _ in range(2):
        session = client.session(context)
        await session.post("/orders", {"item": "tea"})
        await session.get("/orders/1")
        await session.patch("/orders/1", {"item": "coffee"})
        await session.delete("/orders/1")
    assert backend.effects == {"call-1": 2, "call-1-2": 2, "call-1-3": 2}
    assert backend.requests[0].json == {"item": "tea"}
    assert backend.requests[0].headers["content-type"] == "application/json"
    assert backend.requests[3].body == b""


async def test_query_values_are_escaped_and_none_is_left_out(session: BackendSession, backend: TenantBackend) -> None:
    backend.answer("GET /orders", [])
    await session.get("/orders", search="a&b=c #1 ä", limit=5, open=True, status=None, empty="")
    query = httpx2.URL(backend.requests[0].path).params
    assert dict(query) == {"search": "a&b=c #1 ä", "limit": "5", "open": "true", "empty": ""}


async def test_a_path_below_the_backends_own_is_kept(context: CallContext, backend: TenantBackend) -> None:
    backend.answer("GET /api/v2/orders", {})
    async with Backend(f"{backend.url}/api/v2") as client:
        await client.session(context).get("/orders")
    async with Backend(f"{backend.url}/api/v2/") as client:
        await client.session(context).get("/orders")
    assert [request.path for request in backend.requests] == ["/api/v2/orders"] * 2


@pytest.mark.parametrize("path", STRANGE_PATHS)
async def test_a_path_that_leaves_the_backend_or_says_more_is_refused_and_nothing_is_sent(
    session: BackendSession, backend: TenantBackend, path: str
) -> None:
    with pytest.raises(ToolError, match="Not a path of the backend"):
        await session.get(path)
    assert not backend.requests


@pytest.mark.parametrize("inside", ["http://{host}/x", "https://{host}", "x:y", "user@{host}/x", "a:b@{host}"])
async def test_no_text_in_a_path_sends_the_token_to_another_host(
    session: BackendSession, backend: TenantBackend, inside: str
) -> None:
    async with scripted_backend() as evil:
        path = "/" + inside.format(host=evil.url.removeprefix("http://"))
        if "//" in path:
            with pytest.raises(ToolError, match="Not a path of the backend"):
                await session.get(path)
        else:
            assert await session.get(path) is None
        assert not evil.requests
        assert [request.path for request in backend.requests] == [path] * ("//" not in path)


@settings(deadline=None)
@given(st.text(st.characters() | st.sampled_from("/.%\\\\:?#@&2eEfF5c"), max_size=20))
async def test_whatever_a_model_puts_into_a_path_the_request_stays_where_it_belongs(text: str) -> None:
    seen: list[httpx2.URL] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.url)
        return httpx2.Response(200, content=b"{}")

    nobody = CallContext(Principal("acme", "ann"), UUID(int=1), "call-1", None)
    async with Backend("http://shop.example/api", transport=httpx2.MockTransport(answer)) as client:
        for path in (f"/{text}", f"/orders/{text}"):
            with suppress(ToolError, httpx2.InvalidURL):
                await client.session(nobody).get(path)
    for url in seen:
        assert (url.scheme, url.host, url.port, url.query, url.fragment) == ("http", "shop.example", None, b"", "")
        assert url.path.startswith("/api/")
        assert not {".", ".."} & set(unquote(url.path).split("/"))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_never_followed(session: BackendSession, backend: TenantBackend, status: int) -> None:
    async with scripted_backend() as evil:
        backend.routes["GET /orders/count"] = responding(status, b"", Location=f"{evil.url}/steal")
        with pytest.raises(ToolError, match=f"a redirect \\({status}\\), and redirects are not followed"):
            await session.get("/orders/count")
        assert not evil.requests
    assert len(backend.requests) == 1


async def test_what_is_not_there_is_none(session: BackendSession) -> None:
    assert await session.get("/orders/7") is None


async def test_a_token_that_is_not_accepted_is_told_apart_from_other_failures(
    session: BackendSession, backend: TenantBackend
) -> None:
    backend.answer("GET /orders/count", {"detail": "expired"}, status=401)
    with pytest.raises(CredentialRefusedError):
        await session.get("/orders/count")


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (403, b'{"detail": "Owners only."}', "not allowed to see or do this: Owners only."),
        (409, b'{"detail": "Taken."}', "refused the request (409): Taken."),
        (422, b'{"detail": [{"loc": ["name"]}]}', "(422): name: not valid"),
        (400, b'{"error": "bad"}', "(400): bad"),
        (400, b"[1]", "(400): [1]"),
        (400, b"plain text", "(400): plain text"),
        (400, b"\xff\xfe", "(400): "),
        (400, b"", "(400): "),
        (429, b'{"detail": "slowly"}', "(429): slowly"),
        (500, b"Traceback: SECRET", "The business system failed (500)."),
        (503, b"", "The business system failed (503)."),
        (200, b"<html>", "not JSON"),
        (200, b'{"a": NaN}', "not JSON"),
        (200, b"[" * 5000 + b"]" * 5000, "not JSON"),
    ],
)
async def test_a_failure_is_told_in_words_for_the_model(
    session: BackendSession, backend: TenantBackend, status: int, body: bytes, told: str
) -> None:
    backend.routes["GET /orders/count"] = responding(status, body)
    with pytest.raises(ToolError) as failed:
        await session.get("/orders/count")
    assert told in str(failed.value)
    assert "SECRET" not in str(failed.value)
    assert "ann's-token" not in str(failed.value)


async def test_a_long_refusal_is_cut(session: BackendSession, backend: TenantBackend) -> None:
    backend.answer("GET /orders/count", {"detail": "x" * 10_000}, status=400)
    with pytest.raises(ToolError) as failed:
        await session.get("/orders/count")
    assert len(str(failed.value)) < 400


@pytest.mark.parametrize("status", [200, 201, 204, 205])
async def test_a_success_without_a_body_is_a_success(
    session: BackendSession, backend: TenantBackend, status: int
) -> None:
    backend.routes["POST /orders"] = responding(status, b"")
    assert await session.post("/orders") == {"ok": True}


@pytest.mark.parametrize("body", [b"null", b"7", b'"text"', b"[]", b"true"])
async def test_any_json_is_a_result(session: BackendSession, backend: TenantBackend, body: bytes) -> None:
    backend.routes["GET /orders/count"] = responding(200, body)
    assert await session.get("/orders/count") in (None, 7, "text", [], True)


async def test_an_answer_that_is_too_large_is_not_read_to_its_end(
    session: BackendSession, backend: TenantBackend
) -> None:
    sent = 0

    async def endless(_request: Request, connection: Connection) -> None:
        nonlocal sent
        await connection.begin_chunks("application/json")
        while not connection.gone.is_set():
            await connection.chunk(b" " * 65_536)
            sent += 65_536
            await asyncio.sleep(0)

    backend.routes["GET /orders/count"] = endless
    with pytest.raises(ToolError, match="larger than"):
        await session.get("/orders/count")
    assert sent < 4 * USUAL.response_bytes


async def test_an_answer_of_the_largest_size_is_read(session: BackendSession, backend: TenantBackend) -> None:
    body = b'"' + b"x" * (USUAL.response_bytes - 2) + b'"'
    backend.routes["GET /orders/count"] = responding(200, body)
    assert len(await session.get("/orders/count")) == USUAL.response_bytes - 2


async def test_a_backend_that_cuts_the_connection_cannot_be_reached(
    session: BackendSession, backend: TenantBackend
) -> None:
    async def cut(_request: Request, connection: Connection) -> None:
        connection.cut()

    backend.routes["GET /orders/count"] = cut
    with pytest.raises(ToolError, match="cannot be reached"):
        await session.get("/orders/count")


async def test_a_backend_that_is_not_there_cannot_be_reached(context: CallContext) -> None:
    async with scripted_backend() as gone:
        url = gone.url
    async with Backend(url) as client:
        with pytest.raises(ToolError, match="cannot be reached"):
            await client.session(context).get("/orders/count")


async def test_a_call_that_is_given_up_closes_its_connection(session: BackendSession, backend: TenantBackend) -> None:
    gone = asyncio.Event()

    async def wait(_request: Request, connection: Connection) -> None:
        await connection.gone.wait()
        gone.set()

    backend.routes["GET /orders/count"] = wait
    asking = asyncio.create_task(session.get("/orders/count"))
    await until(lambda: bool(backend.requests))
    asking.cancel()
    async with asyncio.timeout(60):
        await gone.wait()


@pytest.mark.parametrize("url", ["", "shop.example", "ftp://shop.example", "http://", "file:///etc/passwd", "/api"])
def test_a_url_that_is_none_is_refused_at_start(url: str) -> None:
    with pytest.raises(ConfigurationError, match="backend's URL"):
        Backend(url)


WRITES = [("POST", "post", ({"a": 1},)), ("PATCH", "patch", ({"a": 1},)), ("DELETE", "delete", ())]
DONE = {"ok": True, "note": DONE_UNREADABLE}


@pytest.mark.parametrize(("method", "name", "body"), WRITES)
@pytest.mark.parametrize(
    ("status", "content", "told"),
    [
        (404, b'{"detail":"not found"}', f"has no such thing (404): not found. {NOT_MADE}"),
        (404, b"", f"(404): . {NOT_MADE}"),
        (409, b'{"detail":"Taken."}', f"refused the request (409): Taken. {LOOK_AGAIN}"),
        (403, b'{"detail":"Owners only."}', "not allowed to see or do this: Owners only."),
        (410, b'{"detail":"Gone."}', "refused the request (410): Gone."),
        (408, b"", UNKNOWN),
        (500, b"SECRET", f"failed (500). {UNKNOWN}"),
        (502, b"", UNKNOWN),
        (503, b"", UNKNOWN),
        (504, b"", UNKNOWN),
        (301, b"", UNKNOWN),
        (302, b"", UNKNOWN),
        (303, b"", UNKNOWN),
        (304, b"", UNKNOWN),
        (307, b"", NOT_MADE),
        (308, b"", NOT_MADE),
        (600, b"", UNKNOWN),
    ],
)
async def test_a_write_that_did_not_succeed_is_told_as_not_made_or_as_unknown(
    session: BackendSession,
    backend: TenantBackend,
    method: str,
    name: str,
    body: tuple[object, ...],
    status: int,
    content: bytes,
    told: str,
) -> None:
    """G46: never as nothing, and never as done."""
    backend.routes[f"{method} /orders/7"] = responding(status, content)
    with pytest.raises(ToolError) as failed:
        await getattr(session, name)("/orders/7", *body)
    assert told in str(failed.value)
    assert len(backend.requests) == 1


@pytest.mark.parametrize(("method", "name", "body"), WRITES)
@pytest.mark.parametrize("content", [b"<html>", b"\xff\xfe", b'{"a":', b"x" * (USUAL.response_bytes + 1)])
async def test_a_write_that_succeeded_is_told_as_done_whatever_its_answer_is(
    session: BackendSession, backend: TenantBackend, method: str, name: str, body: tuple[object, ...], content: bytes
) -> None:
    """G46: a model that hears of a failure makes it again."""
    backend.routes[f"{method} /orders/7"] = responding(201, content)
    assert await getattr(session, name)("/orders/7", *body) == DONE


async def test_a_write_whose_success_breaks_off_is_told_as_done(
    session: BackendSession, backend: TenantBackend
) -> None:
    """G46: its status had come."""
    backend.routes["POST /orders"] = breaking_off(201)
    backend.routes["POST /failing"] = breaking_off(500)
    backend.routes["GET /orders/count"] = breaking_off(200)
    assert await session.post("/orders") == DONE
    with pytest.raises(ToolError, match="may or may not have been made"):
        await session.post("/failing")
    with pytest.raises(ToolError, match="its answer broke off"):
        await session.get("/orders/count")


async def test_what_was_only_taken_on_is_not_told_as_done(session: BackendSession, backend: TenantBackend) -> None:
    """G46: 202 says that it may still fail."""
    backend.routes["POST /orders"] = responding(202, b"")
    backend.routes["POST /reports"] = responding(202, b'{"job":7}')
    assert await session.post("/orders") == {"accepted": True, "note": TAKEN_ON}
    assert await session.post("/reports") == {"job": 7}


async def test_a_write_whose_connection_is_lost_may_have_been_made(
    session: BackendSession, backend: TenantBackend
) -> None:
    """G46: it had left."""

    async def cut(_request: Request, connection: Connection) -> None:
        connection.cut()

    backend.routes["POST /orders"] = cut
    with pytest.raises(ToolError, match="may or may not have been made: check"):
        await session.post("/orders")


async def test_a_write_that_is_not_answered_in_time_may_have_been_made(
    context: CallContext, backend: TenantBackend
) -> None:
    """G46: it had left, too."""
    backend.hang("POST /orders")
    async with Backend(backend.url, read_timeout_s=0.05) as client:
        with pytest.raises(ToolError, match=r"did not answer in time\. .* may or may not have been made: check"):
            await client.session(context).post("/orders")


async def test_a_write_that_never_left_was_not_made(context: CallContext) -> None:
    """G46: nobody was there to take it."""
    async with scripted_backend() as gone:
        url = gone.url
    async with Backend(url) as client:
        with pytest.raises(ToolError, match=r"cannot be reached right now\. The change was not made"):
            await client.session(context).post("/orders")


@pytest.mark.parametrize("then", ["GET /orders/count", "POST /more"])
async def test_what_a_tool_changed_before_it_failed_is_told_with_the_failure(
    session: BackendSession, backend: TenantBackend, then: str
) -> None:
    """G46: the first of two changes stays made."""
    backend.answer("POST /orders", {"number": 1})
    backend.answer(then, {"detail": "no"}, status=400)
    method, path = then.split()
    await session.post("/orders")
    with pytest.raises(ToolError, match="What this tool changed before stays changed"):
        await (session.get(path) if method == "GET" else session.post(path))


@pytest.mark.parametrize("value", ["\ud800", "a\ud800b"])
async def test_a_query_value_that_is_no_text_is_refused(
    session: BackendSession, backend: TenantBackend, value: str
) -> None:
    with pytest.raises(ToolError, match="cannot be sent"):
        await session.get("/orders", search=value)
    assert not backend.requests


async def test_what_the_backend_refuses_and_what_it_fails_at_is_logged_without_data(
    session: BackendSession, backend: TenantBackend, capfd: pytest.CaptureFixture[str]
) -> None:
    backend.answer("GET /orders/count", {"detail": "SECRET"}, status=422)
    backend.answer("POST /orders", {"detail": "SECRET"}, status=502)
    with pytest.raises(ToolError):
        await session.get("/orders/count")
    with pytest.raises(ToolError):
        await session.post("/orders", {"name": "SECRET"})
    assert await session.get("/nowhere") is None
    refused, failed = "".join(capfd.readouterr()).splitlines()
    assert ("info" in refused, "backend_refused" in refused, "status=422" in refused) == (True, True, True)
    assert ("warning" in failed, "backend_failed" in failed, "status=502" in failed) == (True, True, True)
    assert "SECRET" not in refused + failed


def breaking_off(status: int) -> Route:
    """Send a head that promises more than comes."""

    async def respond(_request: Request, connection: Connection) -> None:
        await connection.send(head(status, {"Content-Type": "application/json", "Content-Length": "100"}) + b'{"a":')
        connection.writer.close()

    return respond
