"""A call of an operation, from a model's arguments to what the model is told, over a real connection."""

from dataclasses import replace
from typing import Any

import pytest
from support.backend import TenantBackend
from support.http import Connection, Request
from support.operations import INTEGER, operation

from agent.assistant.toolsets import ToolDefinition, ToolsetDefinition
from agent.errors import CredentialRefusedError, NotThereError, ToolError
from agent.toolkit import CallContext, Risk, Tool
from tools.backends.answers import DONE_UNREADABLE, LOOK_AGAIN, NOT_MADE, UNKNOWN
from tools.backends.backend import Backend, BackendSession
from tools.openapi.call import argument_names, call_operation
from tools.openapi.operation import Body, Operation, Pagination, Parameter, Property
from tools.shaping import shape

BODY = Body("json", "application/json", properties=(Property("name", "customer_name"), Property("id_in_body", "id")))
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")


def order(method: str = "POST", risk: Risk = "write", **more: Any) -> Operation:
    parameters = (
        Parameter("id", "id", "path", True, "simple", False),
        Parameter("note", "X-Note", "header", style="simple"),
    )
    return operation(*parameters, path="/orders/{id}", method=method, risk=risk, body=BODY, required=("id",), **more)


async def test_an_operation_is_one_request_with_each_argument_in_its_place(
    session: BackendSession, backend: TenantBackend
) -> None:
    """G211: and with the token, the branch and the key of the call."""
    backend.answer("POST /orders/a%20b", {"id": 7})
    arguments = {"id": "a b", "note": "hi", "name": "Ann", "id_in_body": "7"}
    assert await call_operation(order(fixed_headers={"X-Version": "2"}), session, arguments, most_bytes=1000) == {
        "id": 7
    }
    [request] = backend.requests
    assert request.json == {"customer_name": "Ann", "id": "7"}
    wanted = {
        "x-note": "hi",
        "x-version": "2",
        "accept": "application/json",
        "content-type": "application/json",
        "authorization": "Bearer ann's-token",
        "x-branch-id": "3",
        "idempotency-key": "call-1",
    }
    assert wanted.items() <= request.headers.items()


async def test_bad_arguments_send_nothing(session: BackendSession, backend: TenantBackend) -> None:
    """G212: neither do such as cannot stand in their place."""
    for arguments in (
        {},
        {"id": "../admin"},
        {"id": "1", "note": "a\r\nX-Evil: 1"},
        {"id": "1", "x": 1},
        {"id": {"a": 1}},
    ):
        with pytest.raises(ToolError):
            await call_operation(order(), session, arguments, most_bytes=1000)
    assert not backend.requests


@pytest.mark.parametrize("method", UNSAFE)
async def test_a_read_by_any_method_has_no_key_and_is_told_as_a_read(
    session: BackendSession, backend: TenantBackend, method: str
) -> None:
    """G213: a search by POST has changed nothing, also where it fails."""
    asked = order(method, "read")
    with pytest.raises(NotThereError) as gone:
        await call_operation(asked, session, {"id": "1"}, most_bytes=1000)
    backend.answer(f"{method} /orders/1", {"detail": "x"}, status=500)
    with pytest.raises(ToolError) as failed:
        await call_operation(asked, session, {"id": "1"}, most_bytes=1000)
    backend.answer(f"{method} /orders/1", {"detail": "x"}, status=409)
    with pytest.raises(ToolError) as refused:
        await call_operation(asked, session, {"id": "1"}, most_bytes=1000)
    for told in (gone, failed, refused):
        assert not any(words in str(told.value) for words in (UNKNOWN, NOT_MADE, LOOK_AGAIN))
    assert all("idempotency-key" not in request.headers for request in backend.requests)
    assert session.changes.made == 0


@pytest.mark.parametrize("method", ["GET", *UNSAFE])
async def test_a_change_by_any_method_has_a_key_and_is_told_as_a_change(
    session: BackendSession, backend: TenantBackend, method: str
) -> None:
    """G213: a GET that signs somebody out is one."""
    asked = operation(method=method, path="/orders/1", risk="write")
    with pytest.raises(NotThereError, match=NOT_MADE):
        await call_operation(asked, session, {}, most_bytes=1000)
    backend.answer(f"{method} /orders/1", {}, status=500)
    with pytest.raises(ToolError, match="may or may not have been made"):
        await call_operation(asked, session, {}, most_bytes=1000)

    async def cut(_request: Request, connection: Connection) -> None:
        connection.cut()

    backend.routes[f"{method} /orders/1"] = cut
    with pytest.raises(ToolError, match="may or may not have been made"):
        await call_operation(asked, session, {}, most_bytes=1000)
    assert all(request.headers["idempotency-key"] for request in backend.requests)


async def test_the_risk_that_the_assistant_gives_wins_over_the_documents(
    client: Backend, context: CallContext, backend: TenantBackend
) -> None:
    """G213: for the key, and for the words."""
    backend.answer("POST /orders/1", {})
    await call_operation(
        order(risk="write"), client.session(replace(context, risk="read")), {"id": "1"}, most_bytes=1000
    )
    await call_operation(
        order(risk="read"), client.session(replace(context, risk="dangerous")), {"id": "1"}, most_bytes=1000
    )
    assert ["idempotency-key" in request.headers for request in backend.requests] == [False, True]


async def test_a_function_that_only_reads_may_ask_by_post(
    client: Backend, context: CallContext, backend: TenantBackend
) -> None:
    """G213: of functions, too."""
    session = client.session(replace(context, risk="read"))
    assert await session.post("/search", {"q": "tea"}) is None
    backend.answer("POST /search", {}, status=503)
    with pytest.raises(ToolError) as failed:
        await session.post("/search", {"q": "tea"})
    assert UNKNOWN not in str(failed.value)
    assert all("idempotency-key" not in request.headers for request in backend.requests)


async def test_a_change_whose_answer_is_odd_was_made_all_the_same(
    session: BackendSession, backend: TenantBackend
) -> None:
    """G213: and what fails behind it says so."""

    async def odd(_request: Request, connection: Connection) -> None:
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nContent-Type: application/json\r\n\r\n{")
        connection.cut()

    backend.routes["POST /orders/1"] = odd
    found = await call_operation(order(), session, {"id": "1"}, most_bytes=1000)
    assert found == {"ok": True, "note": DONE_UNREADABLE}
    with pytest.raises(ToolError, match="What this tool changed before stays changed"):
        await call_operation(order(), session, {"id": "2"}, most_bytes=1000)


async def test_a_refusal_names_the_arguments_as_the_model_knows_them(
    session: BackendSession, backend: TenantBackend
) -> None:
    """G215: by the place that the backend names, where two have one name."""
    errors = [
        {"loc": ["body", "customer_name"], "msg": "too short"},
        {"loc": ["body", "id"], "msg": "taken"},
        {"loc": ["path", "id"], "msg": "unknown"},
    ]
    backend.answer("POST /orders/1", {"detail": errors}, status=422)
    with pytest.raises(ToolError) as refused:
        await call_operation(order(), session, {"id": "1"}, most_bytes=1000)
    assert str(refused.value).endswith("(422): name: too short. id_in_body: taken. id: unknown")
    assert argument_names(order())["customer_name"] == "name"


async def test_a_token_that_is_not_accepted_is_asked_for_anew(session: BackendSession, backend: TenantBackend) -> None:
    backend.answer("POST /orders/1", {}, status=401)
    with pytest.raises(CredentialRefusedError):
        await call_operation(order(), session, {"id": "1"}, most_bytes=1000)


async def test_the_first_page_has_a_size_where_the_model_gives_none(
    session: BackendSession, backend: TenantBackend
) -> None:
    """G214: what it gives stays."""
    parameters = (Parameter("page", "page", "query"), Parameter("size", "per_page", "query"))
    asked = operation(
        *parameters, schemas={"page": INTEGER, "size": INTEGER}, pagination=Pagination("page", "size", default_size=20)
    )
    backend.answer("GET /things", {"data": [{"id": number} for number in range(20)], "total": 412})
    result = await call_operation(asked, session, {}, most_bytes=10_000)
    assert isinstance(result, str)
    assert result.endswith("\n[20 of 412 shown. Give page=2 to go on.]")
    await call_operation(asked, session, {"size": "5", "page": 2}, most_bytes=10_000)
    assert [request.path for request in backend.requests] == ["/things?per_page=20", "/things?page=2&per_page=5"]


@pytest.mark.parametrize("most_bytes", [0, 1, 64, 255, 10**9])
async def test_no_limit_breaks_a_result(session: BackendSession, backend: TenantBackend, most_bytes: int) -> None:
    """G214: the loop cuts what is longer than it takes."""
    backend.answer("GET /things", {"data": [{"id": number, "x": "y" * 500} for number in range(100)], "total": 412})
    result = await call_operation(operation(), session, {}, most_bytes=most_bytes)
    assert isinstance(result, str)
    assert len(result.encode()) <= max(most_bytes, 100)


async def test_the_fields_that_a_definition_names_are_known_to_the_cut(
    client: Backend, context: CallContext, backend: TenantBackend
) -> None:
    """G214: they are picked first."""
    backend.answer("GET /things", {"data": [{"id": number, "x": "y" * 500} for number in range(100)]})
    session = client.session(replace(context, fields=("data.id",)))
    assert await call_operation(operation(), session, {}, most_bytes=2000) == {"data": [{"id": n} for n in range(100)]}


@pytest.mark.parametrize(
    "name", ["Ann\x00", "a" * 5000, "%0d%0a", "'; DROP TABLE", "{{7*7}}", "${jndi:x}", "<script>", "\u202e", "😀"]
)
async def test_whatever_a_text_holds_it_arrives_as_that_text(
    session: BackendSession, backend: TenantBackend, name: str
) -> None:
    """G211: in a body and in a query nothing is special."""
    backend.answer("POST /orders/1", {})
    backend.answer("GET /things", {})
    await call_operation(order(), session, {"id": "1", "name": name}, most_bytes=1000)
    assert backend.requests[0].json == {"customer_name": name}
    await call_operation(operation(Parameter("q", "q", "query")), session, {"q": name}, most_bytes=1000)
    assert backend.requests[1].path.count("&") == backend.requests[1].path.count("=") - 1 == 0


@pytest.mark.parametrize("body", [b"", b"{broken"])
async def test_a_change_that_was_made_is_told_as_made_whatever_fields_are_wanted_of_it(
    client: Backend, context: CallContext, backend: TenantBackend, body: bytes
) -> None:
    """G46: with fields that its answer does not have."""

    async def answer(_request: Request, connection: Connection) -> None:
        await connection.respond(200, body)

    backend.routes["POST /orders"] = answer

    async def call(context: CallContext, _arguments: Any) -> object:
        return await client.session(context).post("/orders")

    tool = Tool("make", "Make an order.", {"type": "object", "properties": {}}, call, risk="write")
    [shaped] = shape([tool], ToolsetDefinition(python="x", tools={"make": ToolDefinition(fields=("id",))}))
    found = await shaped.call(context, {})
    assert isinstance(found, dict)
    assert found["ok"] is True
