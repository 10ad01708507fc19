"""Bad input: a problem that names the field, nothing stored, nothing started."""

from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import httpx2
import orjson
import pytest
from support.each import each
from support.world import OpenWorld, Person, World

from agent.errors import RequestError
from api.errors import OVER_HTTP
from api.protocols import ERROR_FORMS

CONTRACT = {
    "invalid_request": 422,
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "run_active": 409,
    "superseded": 409,
    "not_waiting": 409,
    "already_decided": 409,
    "already_claimed": 409,
    "idempotency_mismatch": 422,
    "payload_too_large": 413,
    "rate_limited": 429,
    "overloaded": 503,
    "quota_exceeded": 429,
    "file_too_large": 413,
    "unsupported_file": 415,
    "unreadable_file": 422,
    "file_in_use": 409,
    "unsupported_audio": 415,
}
JSON = {"Content-Type": "application/json"}
MEGABYTE = 1024 * 1024


def below(root: type[RequestError]) -> Iterator[type[RequestError]]:
    for kind in root.__subclasses__():
        yield kind
        yield from below(kind)


def test_every_refusal_has_a_status_and_a_title_and_the_status_is_that_of_the_contract() -> None:
    kinds = list(below(RequestError))
    assert len(kinds) > len(CONTRACT) - 1
    assert {kind for kind in kinds if kind not in OVER_HTTP} == set()
    assert {kind.code: OVER_HTTP[kind].status for kind in kinds} == CONTRACT
    assert all(title and title[0].isupper() for _, title in OVER_HTTP.values())


def body(**fields: Any) -> bytes:
    return orjson.dumps({"message": "hello", **fields})


def deep(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


BAD_MESSAGES = {
    "missing": b"{}",
    "null": b'{"message": null}',
    "empty": b'{"message": ""}',
    "spaces": b'{"message": "   "}',
    "other white space": '{"message": "\\n\\t\u00a0\u2003"}'.encode(),
    "one character too long": body(message="x" * 32_001),
    "one wide character too long": body(message="好" * 32_001),
    "too long after trimming": body(message=" " + "x" * 32_001 + " "),
    "NUL": b'{"message": "a\\u0000b"}',
    "high surrogate": b'{"message": "a\\ud800b"}',
    "low surrogate": b'{"message": "\\udc00"}',
    "number": b'{"message": 1}',
    "bool": b'{"message": true}',
    "list": b'{"message": ["hello"]}',
    "object": b'{"message": {"text": "hello"}}',
}
BAD_BRANCHES = {
    "true": b"true",
    "false": b"false",
    "float": b"1.5",
    "whole float": b"1.0",
    "list": b"[1]",
    "object": b"{}",
    "beyond any float": b"1e400",
    "beyond 64 bits": str(2**70).encode(),
    "just beyond 64 bits": str(2**63).encode(),
    "below 64 bits": str(-(2**63) - 1).encode(),
    "empty": b'""',
    "space": b'" "',
    "inner line end": b'"a\\nb"',
    "last line end": b'"a\\n"',
    "NUL": b'"\\u0000"',
    "not ASCII": '"ü"'.encode(),
    "surrogate": b'"\\ud800"',
    "too long": b'"' + b"x" * 129 + b'"',
}
BAD_CONTEXTS = {
    "text": b'"orders"',
    "list": b"[]",
    "number": b"1",
    "bool": b"true",
    "too large": orjson.dumps({"text": "x" * 8192}),
    "too large in bytes": orjson.dumps({"text": "好" * 3000}),
    "too deep": b'{"a":' + deep(300) + b"}",
    "surrogate": b'{"a": "\\ud800"}',
    "surrogate in a key": b'{"\\ud800": 1}',
    "beyond any float": b'{"a": 1e400}',
    "not a number": b'{"a": NaN}',
    "beyond 64 bits": b'{"a": %d}' % 2**70,
}
BAD_CONVERSATIONS = {
    "no id": b'"mine"',
    "empty": b'""',
    "number": b"1",
    "list": b"[]",
    "nearly": b'"00000000-0000-0000-0000-00000000000g"',
    "surrogate": b'"\\ud800"',
}
BAD_MODELS = {
    "unknown": b'"openai:gpt-unknown"',
    "empty": b'""',
    "number": b"1",
    "list": b'["demo"]',
    "too long": b'"' + b"x" * 201 + b'"',
    "NUL": b'"demo\\u0000"',
    "surrogate": b'"\\ud800"',
}
BAD_FIELDS = [
    *[(raw, "message") for raw in BAD_MESSAGES.values()],
    *[
        (b'{"message": "hello", "%b": %b}' % (field.encode(), raw), field)
        for field, bad in {
            "branch_id": BAD_BRANCHES,
            "context": BAD_CONTEXTS,
            "conversation_id": BAD_CONVERSATIONS,
            "model": BAD_MODELS,
            "when_active": {"unknown": b'"later"', "number": b"1", "empty": b'""'},
        }.items()
        for raw in bad.values()
    ],
]
BAD_BODIES = {
    "empty": b"",
    "not JSON": b"message=hello",
    "half": b'{"message": "hel',
    "two documents": b'{"message": "hello"} {"message": "hello"}',
    "array": b'[{"message": "hello"}]',
    "text": b'"hello"',
    "number": b"1",
    "null": b"null",
    "not UTF-8": b'{"message": "\xff\xfe"}',
    "deep": deep(100_000),
    "deep in a field": b'{"message": "hello", "context": ' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + b"}",
    "deep in the message": b'{"message": ' + deep(100_000) + b"}",
    "deep and open": b"[" * 100_000,
}


@pytest.fixture
async def untouched(world: World) -> AsyncIterator[None]:
    """Whatever the test sends, nothing is stored and nothing is started."""
    before = world.rows()
    yield
    # Fewer there may be: what an earlier test has deleted goes when upkeep comes to it.
    assert all(count <= before[table] for table, count in world.rows().items())
    assert world.provider.requests == []
    assert world.backend.requests == []


def is_problem(answer: httpx2.Response, status: int, code: str) -> bool:
    """Say whether an answer is the whole problem that clients are promised."""
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    assert {"type", "title", "status", "detail", "code"} <= problem.keys()
    assert problem["type"] == f"urn:frontdesk:problem:{code}"
    assert problem["title"]
    assert problem["detail"]
    return (answer.status_code, problem["status"], problem["code"]) == (status, status, code)


def names(answer: httpx2.Response, field: str) -> bool:
    """Say whether the problem is about this field, and only about it."""
    problem = answer.json()
    fields = {error["field"].split(".")[0] for error in problem.get("errors", [])} or {problem["detail"].split(":")[0]}
    return fields == {field} and field in problem["detail"]


@pytest.mark.usefixtures("untouched")
@each(("raw", "field"), BAD_FIELDS)
async def test_a_bad_field_is_named_and_nothing_happens(ann: Person, raw: bytes, field: str) -> None:
    answer = await ann.request("POST", "/chat", content=raw, headers=JSON)

    assert is_problem(answer, 422, "invalid_request")
    assert names(answer, field)


@pytest.mark.usefixtures("untouched")
@each("raw", BAD_BODIES.values())
async def test_a_body_that_is_no_json_object_is_refused(ann: Person, raw: bytes) -> None:
    answer = await ann.request("POST", "/chat", content=raw, headers=JSON)

    assert is_problem(answer, 422, "invalid_request")
    assert names(answer, "body")


@pytest.mark.parametrize(
    "content_type", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
)
@pytest.mark.usefixtures("untouched")
async def test_a_body_that_does_not_say_it_is_json_is_refused(ann: Person, content_type: str | None) -> None:
    headers = {"Content-Type": content_type} if content_type else {}

    answer = await ann.request("POST", "/chat", content=body(), headers=headers)

    assert is_problem(answer, 422, "invalid_request")
    assert names(answer, "body")


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "ü", "\x7f", "\x01"], ids=repr)
@pytest.mark.usefixtures("untouched")
async def test_a_bad_idempotency_key_is_named(ann: Person, key: str) -> None:
    answer = await ann.request("POST", "/chat", json={"message": "hello"}, headers={"Idempotency-Key": key.encode()})

    if answer.status_code == 400:  # control characters end at the HTTP parser already
        assert key in ("\x01", "\x7f")
    else:
        assert is_problem(answer, 422, "invalid_request")
        assert names(answer, "Idempotency-Key")


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
@pytest.mark.usefixtures("untouched")
async def test_a_client_of_streams_gets_a_problem_too(ann: Person, accept: str) -> None:
    answer = await ann.ask("", headers={"Accept": accept})

    assert is_problem(answer, 422, "invalid_request")


@pytest.mark.usefixtures("untouched")
async def test_several_bad_fields_are_all_named(ann: Person) -> None:
    answer = await ann.ask("", branch_id=True, context=[])

    fields = [error["field"].split(".")[0] for error in answer.json()["errors"]]
    assert set(fields) == {"message", "branch_id", "context"}


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b'{"mesage": "hello"}', "message: Field required; mesage is no field: is it misspelt?"),
        (b'{"text": "hello"}', "message: Field required"),
        (b'{"messag\\ud800": "hello"}', "message: Field required"),
        (b"{}", "message: Field required"),
    ],
)
async def test_a_name_that_looks_like_that_of_a_missing_field_is_named(ann: Person, raw: bytes, says: str) -> None:
    answer = await ann.request("POST", "/chat", content=raw, headers=JSON)
    assert (answer.status_code, answer.json()["detail"]) == (422, says)


async def test_a_problem_does_not_repeat_what_was_sent(ann: Person) -> None:
    answer = await ann.ask("SECRET-WORDS" * 4000, branch_id=["SECRET-BRANCH"], context={"a": "SECRET-PAGE" * 1000})

    assert is_problem(answer, 422, "invalid_request")
    assert "SECRET" not in answer.text


@pytest.mark.usefixtures("untouched")
async def test_unknown_conversations_are_not_found(ann: Person) -> None:
    answer = await ann.ask("hello", conversation_id=str(uuid4()))

    assert is_problem(answer, 404, "not_found")


async def test_deleted_and_foreign_conversations_are_not_found(
    world: World, ann: Person, ben: Person, eve: Person
) -> None:
    world.provider.say("Hello.")
    conversation_id = (await ann.ask("hello")).json()["conversation_id"]
    answers = [await other.ask("hello", conversation_id=conversation_id) for other in (ben, eve)]
    await ann.request("DELETE", f"/conversations/{conversation_id}")
    before = world.rows()
    answers += [await ann.ask("hello", conversation_id=conversation_id)]
    answers += [await ann.ask("hello", conversation_id=str(uuid4()))]

    assert all(is_problem(answer, 404, "not_found") for answer in answers)
    assert len({answer.text for answer in answers}) == 1
    # Nothing is added; what was deleted goes a moment later.
    assert all(count <= before[table] for table, count in world.rows().items())
    assert len(world.provider.requests) == 1


@pytest.mark.usefixtures("untouched")
async def test_a_body_of_10_mb_is_too_large(ann: Person) -> None:
    answer = await ann.request("POST", "/chat", content=body(message="x" * 10 * MEGABYTE), headers=JSON)

    assert is_problem(answer, 413, "payload_too_large")
    assert "body" in answer.json()["detail"]


@pytest.mark.usefixtures("untouched")
async def test_a_body_of_10_mb_that_does_not_say_its_length_is_too_large(ann: Person) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b'{"message": "'
        for _ in range(160):
            yield b"x" * (64 * 1024)
        yield b'"}'

    answer = await ann.request("POST", "/chat", content=pieces(), headers=JSON)

    assert is_problem(answer, 413, "payload_too_large")


@pytest.mark.usefixtures("untouched")
async def test_the_limit_on_bodies_counts_before_the_token(world: World) -> None:
    async with httpx2.AsyncClient(base_url=world.url, verify=False) as client:
        answer = await client.post("/chat", content=b"x" * 10 * MEGABYTE)

    assert is_problem(answer, 413, "payload_too_large")


async def test_a_protocol_with_an_error_form_of_its_own_has_it_for_whatever_refuses_its_requests(
    ann: Person, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ERROR_FORMS, "/chat", lambda problem: {"oops": problem.code})
    large = body(message="x" * 2 * MEGABYTE)
    async with httpx2.AsyncClient(base_url=world.url, verify=False) as stranger:
        answers = [
            await ann.request("POST", "/chat", content=b"{}", headers=JSON),
            await ann.request("POST", "/chat", content=large, headers=JSON),
            await ann.request("PUT", "/chat"),
            await stranger.post("/chat", content=b"{}", headers=JSON),
        ]
        other = await stranger.get("/conversations")

    assert [(answer.status_code, answer.json()) for answer in answers] == [
        (422, {"oops": "invalid_request"}),
        (413, {"oops": "payload_too_large"}),
        (405, {"oops": "method_not_allowed"}),
        (401, {"oops": "unauthorized"}),
    ]
    assert {answer.headers["content-type"] for answer in answers} == {"application/json"}
    assert answers[3].headers["www-authenticate"] == "Bearer"
    assert all(answer.headers["x-request-id"] for answer in answers)
    assert is_problem(other, 401, "unauthorized")


@pytest.mark.parametrize("path", ["/nowhere", "/chat/nowhere/else", "/runs", "/runs/"])
async def test_a_path_that_is_not_there_is_a_problem(ann: Person, path: str) -> None:
    assert is_problem(await ann.request("GET", path), 404, "not_found")


@pytest.mark.parametrize(("method", "path"), [("PUT", "/chat"), ("DELETE", "/conversations"), ("POST", "/health")])
async def test_a_method_that_is_not_there_is_a_problem(ann: Person, method: str, path: str) -> None:
    answer = await ann.request(method, path)

    assert is_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"]


async def test_bad_input_to_the_public_chat_is_refused_alike(open_frontdesk: OpenWorld) -> None:
    world = await open_frontdesk(public_limit="1000/minute")
    before = world.rows()
    async with httpx2.AsyncClient(base_url=world.url, verify=False) as client:
        for raw, field in BAD_FIELDS:
            answer = await client.post("/chat/public", content=raw, headers=JSON)

            assert is_problem(answer, 422, "invalid_request"), raw
            assert names(answer, field), raw

    # Fewer there may be: what an earlier test has deleted goes when upkeep comes to it.
    assert all(count <= before[table] for table, count in world.rows().items())
    assert world.provider.requests == []
