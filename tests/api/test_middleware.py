"""Around every request: its id, and the headers that let a page of another origin read the answer."""

import re

import httpx2
import pytest
from support.world import OpenWorld, Person, World

PAGE = "https://desk.example.org"
EXPOSED = {"X-Conversation-Id", "X-Run-Id", "X-Request-Id", "Location", "Retry-After", "Date", "X-Events-Version"}
EXPOSED |= {"X-Should-Retry", "ETag", "RateLimit", "RateLimit-Policy"}


async def test_every_answer_has_an_id_of_its_own(ann: Person) -> None:
    answers = [await ann.request("GET", path) for path in ("/health", "/conversations", "/nowhere", "/runs/1")]
    answers.append(await ann.request("POST", "/chat", content=b"x" * 1024 * 1024))

    ids = [answer.headers["x-request-id"] for answer in answers]
    assert all(re.fullmatch(r"[0-9a-f]{32}", one) for one in ids)
    assert len(set(ids)) == len(ids)
    assert [answer.status_code for answer in answers] == [200, 200, 404, 422, 413]


async def test_a_stream_has_an_id_too(world: World, ann: Person) -> None:
    world.provider.say("Hello.")

    assert (await ann.stream("hello", headers={"X-Request-Id": "given-by-me"})).headers["x-request-id"] == "given-by-me"


@pytest.mark.parametrize("given", ["12345678", "a" * 64, "Req_1.2-3", "0123456789abcdef"])
async def test_a_harmless_id_of_the_client_is_kept(ann: Person, given: str) -> None:
    assert (await ann.request("GET", "/health", headers={"X-Request-Id": given})).headers["x-request-id"] == given


@pytest.mark.parametrize(
    "given", ["", "short", "a" * 65, "with space", 'quote"quote', "new\tline", "ümlaut-ümlaut", "a/b/c/d/e/f"]
)
async def test_any_other_id_is_replaced(ann: Person, given: str) -> None:
    answer = await ann.request("GET", "/health", headers={b"X-Request-Id": given.encode()})

    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["x-request-id"])


@pytest.fixture
async def shared(open_frontdesk: OpenWorld) -> World:
    """An installation that a page of another origin may use."""
    return await open_frontdesk(cors_origins=(PAGE,), max_body_bytes=4096)


async def preflight(
    world: World,
    path: str,
    method: str,
    *,
    origin: str = PAGE,
    names: str = "authorization, content-type, idempotency-key, if-none-match, last-event-id",
) -> httpx2.Response:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": names,
    }
    async with httpx2.AsyncClient(base_url=world.url, verify=False) as client:
        return await client.options(path, headers=headers)


async def test_a_page_may_ask_for_everything_that_it_needs(shared: World) -> None:
    for path, item in shared.app.openapi()["paths"].items():
        for method in item:
            allowed = await preflight(shared, path, method.upper())

            assert allowed.status_code == 200, (method, path)
            assert allowed.headers["access-control-allow-origin"] == PAGE
            assert method.upper() in allowed.headers["access-control-allow-methods"]
            wanted = {"authorization", "content-type", "idempotency-key", "last-event-id"}
            assert wanted <= set(allowed.headers["access-control-allow-headers"].lower().split(", "))


CLIENTS = {
    "openai": "authorization,content-type,idempotency-key,openai-beta,openai-organization,openai-project,user-agent,"
    "x-conversation-id,x-stainless-arch,x-stainless-helper-method,x-stainless-lang,x-stainless-os,"
    "x-stainless-package-version,x-stainless-retry-count,x-stainless-runtime,x-stainless-runtime-version,x-stainless-timeout",
    "one of a later version": "authorization, X-Stainless-Of-Tomorrow",
    "ai": "authorization,content-type,user-agent,x-ai-sdk-version",
    "copilotkit": "authorization,content-type,x-copilotcloud-public-api-key,x-copilotkit-version",
    "an EventSource of JavaScript": "authorization,cache-control,last-event-id,x-requested-with",
    "tracing": "baggage,sentry-trace,traceparent,tracestate,b3,x-b3-traceid,x-datadog-trace-id",
    "with nothing in between": "authorization,, content-type",
}


@pytest.mark.parametrize("client", CLIENTS)
async def test_a_page_may_send_what_its_clients_send(shared: World, client: str) -> None:
    """G193"""
    allowed = await preflight(shared, "/v1/chat/completions", "POST", names=CLIENTS[client])

    assert allowed.status_code == 200, allowed.text
    asked = {name.strip().lower() for name in CLIENTS[client].split(",")} - {""}
    assert asked <= set(allowed.headers["access-control-allow-headers"].lower().split(", "))


@pytest.mark.parametrize(
    "name", ["forwarded", "x-forwarded-for", "x-real-ip", "x-forwarded-user", "x-stainless-a b", "*"]
)
async def test_a_page_may_send_nothing_that_proxies_say_and_no_nonsense(shared: World, name: str) -> None:
    """G193"""
    refused = await preflight(shared, "/v1/chat/completions", "POST", names=f"authorization, {name}")

    assert refused.status_code == 400
    assert name not in refused.headers["access-control-allow-headers"]


async def test_a_page_of_an_origin_that_is_not_configured_may_nothing(shared: World, world: World) -> None:
    refused = await preflight(shared, "/chat", "POST", origin="https://evil.example.org")
    unconfigured = await preflight(world, "/chat", "POST")

    for answer in (refused, unconfigured):
        assert answer.status_code >= 400
        assert "access-control-allow-origin" not in answer.headers


async def test_a_page_can_read_the_headers_and_every_refusal(shared: World) -> None:
    shared.provider.say("Hello.")
    ann = shared.person()
    origin = {"Origin": PAGE}
    async with ann.client(**origin) as client:
        answers = [
            await client.post("/chat", json={"message": "hello"}),
            await client.post("/chat", json={"message": ""}),
            await client.post("/chat", content=b"x" * 5000),
            await client.get("/conversations", headers={"Authorization": "Bearer garbage"}),
            await client.get("/nowhere"),
        ]

    assert [answer.status_code for answer in answers] == [200, 422, 413, 401, 404]
    for answer in answers:
        assert answer.headers["access-control-allow-origin"] == PAGE
        assert set(answer.headers["access-control-expose-headers"].split(", ")) == EXPOSED


async def test_a_stream_can_be_read_by_a_page(shared: World) -> None:
    shared.provider.say("Hello.")

    stream = await shared.person().stream("hello", headers={"Origin": PAGE})

    assert stream.headers["access-control-allow-origin"] == PAGE
    assert set(stream.headers["access-control-expose-headers"].split(", ")) == EXPOSED


async def test_a_break_under_a_request_can_be_read_by_a_page_and_has_an_id(shared: World) -> None:
    store = shared.app.state.services.store
    async with store.write("acme") as connection:
        await connection.ordinary.exec_driver_sql("ALTER TABLE conversations RENAME TO moved")

    answer = await shared.person().request("GET", "/conversations", headers={"Origin": PAGE})

    async with store.write("acme") as connection:
        await connection.ordinary.exec_driver_sql("ALTER TABLE moved RENAME TO conversations")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert answer.headers["x-request-id"]
    assert "moved" not in answer.text
    assert "conversations" not in answer.text
