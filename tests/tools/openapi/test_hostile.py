"""Arguments of a model that somebody else speaks through: the request that leaves is the one that the document describes."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.backend import TenantBackend
from support.http import Connection, Request, listen
from support.lanes import examples
from support.operations import CONTEXT, operation

from agent.errors import ToolError
from tools.backends.backend import Backend, BackendSession
from tools.openapi.call import call_operation
from tools.openapi.operation import Body, Parameter, Property

PARAMETERS = (
    Parameter("id", "id", "path", True, "simple", False),
    Parameter("q", "q", "query"),
    Parameter("filter", "filter", "query", style="deepObject"),
    Parameter("tags", "tags", "query", explode=False),
    Parameter("note", "X-Note", "header", style="simple"),
)
SCHEMAS: dict[str, Any] = {
    "filter": {"type": "object"},
    "tags": {"type": "array"},
    "name": {},
}
ASKED = operation(
    *PARAMETERS,
    schemas=SCHEMAS,
    path="/orders/{id}/lines",
    method="POST",
    risk="write",
    body=Body("form", "application/x-www-form-urlencoded", properties=(Property("name", "name", "deepObject"),)),
)
HOSTILE: list[Any] = [
    *(
        "../admin",
        "..%2fadmin",
        "..;/admin",
        "....//",
        "/",
        "//evil.example/x",
        "http://evil.example",
        "\\\\evil",
        "a/../../b",
    ),
    *(
        "1?admin=1",
        "1#x",
        "1&admin=1",
        "1;admin=1",
        "a\r\nX-Evil: 1",
        "a\nGET /admin HTTP/1.1\r\n\r\n",
        "a\x00b",
        "\x7f",
        "\u2028",
    ),
    *("%00", "%2e%2e", "%252e", "%u002e", "．．", "a／b", "\ud800", "é", " ", "", ".", "..", "...", "a" * 100_000),
    *(float("nan"), float("inf"), 10**400, -(10**30), 1e308, True, None, [], {}, [[]], [None], {"a": None}),
    *(
        {"__proto__": {"admin": True}},
        {"constructor": 1},
        {"a[b]": 1},
        {"a][admin": 1},
        {"": 1},
        {"a&admin": 1},
        {"a=b": 1},
    ),
    *(
        ["a,b"],
        ["a&admin=1"],
        ["../x"],
        {"../x": 1},
        {"q": "x", "X-Note": "y"},
        list(range(100_000)),
        [{"a": [{"b": "c"}]}],
    ),
]


@pytest.mark.parametrize("name", ["id", "q", "filter", "tags", "note", "name"])
async def test_no_hostile_value_makes_another_request_of_it(
    session: BackendSession, backend: TenantBackend, name: str
) -> None:
    """G210: it is refused, or it is a value in its place."""
    backend.answer("POST /orders/1/lines", {})
    refused = 0
    for value in HOSTILE:
        try:
            await call_operation(ASKED, session, {"id": "1", name: value}, most_bytes=1000)
        except ToolError as exc:
            refused += 1
            str(exc).encode()
    assert 0 < refused < len(HOSTILE) or name == "id"
    assert backend.requests or name == "id"
    for request in backend.requests:
        assert_as_described(request)


def assert_as_described(request: Request) -> None:
    """Fail where a request is another one than the document has, but for the values."""
    path, _, query = request.path.partition("?")
    assert request.method == "POST"
    assert path.startswith("/orders/")
    assert path.endswith("/lines")
    assert path.count("/") == 3
    assert path.split("/")[2].strip(".")
    for part in query.split("&") if query else []:
        assert part.startswith(("q=", "filter%5B", "tags="))
    for part in request.body.decode("ascii").split("&") if request.body else []:
        assert part.startswith("name")
    assert "x-evil" not in request.headers
    assert request.headers["authorization"] == "Bearer ann's-token"
    known = {
        "x-note",
        "accept",
        "content-type",
        "content-length",
        "authorization",
        "x-branch-id",
        "idempotency-key",
        "host",
    }
    assert set(request.headers) <= known | {"user-agent", "accept-encoding", "connection", "transfer-encoding"}


@settings(deadline=None, max_examples=examples(100))
@given(
    st.fixed_dictionaries(
        {"id": st.text(max_size=10)},
        optional={
            name: st.recursive(
                st.none() | st.text(st.characters() | st.sampled_from("/.%\\\r\n\x00&=?#[];,|"), max_size=10) | st.floats() | st.integers(),
                lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b[c]", "__proto__"]), inner, max_size=3),
            )
            for name in ("q", "filter", "tags", "note", "name")
        },
    )
)  # fmt: skip
async def test_whatever_a_model_gives_the_request_is_the_documents(arguments: dict[str, Any]) -> None:
    """G210: for arguments of all kinds, over a real connection."""
    requests: list[Request] = []

    async def respond(request: Request, connection: Connection) -> None:
        requests.append(request)
        await connection.respond(200, b"{}")

    async with listen(respond) as url, Backend(url) as client:
        try:
            await call_operation(ASKED, client.session(CONTEXT), arguments, most_bytes=1000)
        except ToolError:
            assert not requests
        else:
            assert_as_described(requests[0])


async def test_a_path_of_a_document_that_leaves_the_backend_is_not_called(
    session: BackendSession, backend: TenantBackend
) -> None:
    """G210: documents are strangers', too."""
    for path in (
        "//evil.example/x",
        "/a/../../b",
        "http://evil.example/",
        "/a?admin=1",
        "/a#b",
        "",
        "/{id}/../x",
        "/a\r\nX: y",
    ):
        with pytest.raises(ToolError):
            await call_operation(operation(PARAMETERS[0], path=path), session, {"id": "1"}, most_bytes=1000)
    assert not [request for request in backend.requests if "%23" not in request.path and "%3F" not in request.path]
