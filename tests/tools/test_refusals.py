"""A backend's refusal of a request, in the words of a model: whichever form its answer has."""

import time

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.backend import TenantBackend
from support.each import each
from support.http import Connection, Request

from agent.errors import NotThereError, ToolError
from tools.backends.answers import told
from tools.backends.backend import BackendSession
from tools.backends.refusals import MAX_CHARACTERS, in_words

NAMES = {"customer_name": "name", "query.id": "order_id", "body.id": "id_in_body", "path.id": "id", "per_page": "size"}
PROBLEMS = [
    # RFC 9457 and its kin
    ({"type": "https://x/y", "title": "Out of credit", "status": 403, "detail": "Your balance is 30."}, "Your balance is 30."),
    ({"type": "about:blank", "title": "Not valid", "status": 400}, "Not valid"),
    (
        {"title": "Not valid", "errors": [{"detail": "must be positive", "pointer": "#/customer_name"}]},
        "Not valid. name: must be positive",
    ),
    (
        {"title": "Not valid", "invalid-params": [{"name": "age", "reason": "must be positive"}]},
        "Not valid. age: must be positive",
    ),
    ({"title": "One or more errors.", "errors": {"customer_name": ["Required.", "Too short."]}}, "One or more errors. name: Required. name: Too short."),
    # {error: …}
    ({"error": {"message": "No such customer: cus_1", "param": "customer", "type": "invalid_request_error"}}, "customer: No such customer: cus_1"),
    ({"error": {"code": 400, "message": "Invalid value", "status": "INVALID_ARGUMENT"}}, "Invalid value"),
    (
        {
            "error": {
                "code": 400,
                "message": "Invalid value",
                "details": [{"@type": "x", "fieldViolations": [{"field": "customer_name", "description": "is empty"}]}],
            }
        },
        "Invalid value. name: is empty",
    ),
    ({"error": "invalid_request", "error_description": "The scope is unknown."}, "The scope is unknown."),
    ({"error": "bad"}, "bad"),
    ({"error": {"errors": [{"message": "Too many", "location": "per_page"}]}}, "size: Too many"),
    ({"ok": False, "error": "channel_not_found"}, "channel_not_found"),
    ({"message": "Validation Failed", "errors": [{"resource": "Issue", "field": "title", "code": "missing_field"}]}, "Validation Failed. title: missing_field"),
    ({"message": "Not Found", "documentation_url": "https://docs.example/x"}, "Not Found"),
    ({"code": 20404, "message": "The resource was not found", "more_info": "https://x", "status": 404}, "The resource was not found"),
    ({"fault": {"faultstring": "Quota exceeded", "detail": {"errorcode": "x"}}}, "Quota exceeded. errorcode: x"),
    ({"Message": "The request is invalid."}, "The request is invalid."),
    ({"__type": "ValidationException", "message": "1 error"}, "1 error"),
    # lists of errors
    ({"errors": [{"message": "Cannot query field", "path": ["order", "total"]}], "data": None}, "order.total: Cannot query field"),
    ({"errors": ["Name is missing", "Age is missing"]}, "Name is missing. Age is missing"),
    ({"errors": [{"title": "Invalid", "detail": "Too short.", "source": {"pointer": "/data/attributes/customer_name"}}]}, "name: Too short."),
    ({"errors": [{"status": "400", "title": "Invalid", "source": {"parameter": "per_page"}}]}, "size: Invalid"),
    ([{"message": "a"}, {"message": "b"}], "a. b"),
    # FastAPI
    ({"detail": "Not authenticated"}, "Not authenticated"),
    ({"detail": [{"loc": ["body", "customer_name"], "msg": "Field required", "type": "missing"}]}, "name: Field required"),
    ({"detail": [{"loc": ["query", "id"], "msg": "bad"}, {"loc": ["body", "id"], "msg": "bad"}]}, "order_id: bad. id_in_body: bad"),
    ({"detail": [{"loc": ["body", "items", 0, "price"], "msg": "too low"}]}, "items.0.price: too low"),
    # Django, Rails, Laravel
    ({"customer_name": ["This field is required."], "age": ["Not a number."]}, "name: This field is required. age: Not a number."),
    ({"non_field_errors": ["Dates overlap."]}, "Dates overlap."),
    ({"customer_name": ["can't be blank"]}, "name: can't be blank"),
    ({"message": "The given data was invalid.", "errors": {"customer_name": ["Taken."]}}, "The given data was invalid. name: Taken."),
    ({"detail": {"customer_name": ["Taken."]}}, "name: Taken."),
    # Jira
    ({"errorMessages": ["Issue does not exist"], "errors": {}}, "Issue does not exist"),
    ({"errorMessages": [], "errors": {"customer_name": "is required"}}, "name: is required"),
    # what nobody knows is shown as it is
    ({"weird": 7}, '{"weird":7}'),
    ([1], "[1]"),
    ("just text", "just text"),
    (None, ""),
    ({}, "{}"),
]  # fmt: skip
TEXTS = [
    (b"plain text", "text/plain", "plain text"),
    (b"", "", ""),
    (b"  several\r\n lines\x00 here ", "text/plain", "several lines here"),
    (b"\xef\xbb\xbf{\"detail\": \"with a mark\"}", "application/json", "with a mark"),
    (b"<html><head><title>502 Bad\nGateway</title></head><body><script>x</script></body>", "text/html", "502 Bad Gateway"),
    (b"<!DOCTYPE html><body><h1>Not &amp; found</h1><p>secret stack</p>", "", "Not & found"),
    (b"<html><body>no title</body></html>", "text/html", ""),
    (b'<?xml version="1.0"?><Error><Code>NoSuchKey</Code><Message>The key does not exist.</Message></Error>', "application/xml", "The key does not exist."),
    (b"<soap:Envelope><soap:Body><soap:Fault><faultstring>Bad order</faultstring></soap:Fault></soap:Body></soap:Envelope>", "text/xml", "Bad order"),
    (b"\xff\xfe", "application/json", "��"),
]  # fmt: skip


@each(("body", "words"), PROBLEMS)
def test_a_refusal_is_told_in_the_models_own_names(body: object, words: str) -> None:
    """G215: the forms that APIs have for it."""
    assert in_words(orjson.dumps(body), media_type="application/json", names=NAMES) == words


@each(("content", "media_type", "words"), TEXTS)
def test_a_refusal_that_is_no_json_is_told_too(content: bytes, media_type: str, words: str) -> None:
    """G215: of a page its title only."""
    assert in_words(content, media_type=media_type, names={}) == words


@each(
    "content",
    [
        b'{"detail": "' + b"x" * 100_000 + b'"}',
        orjson.dumps({"errors": [{"message": "m" * 1000, "field": "f" * 1000}] * 1000}),
        orjson.dumps({f"field{number}": ["bad"] for number in range(10_000)}),
        b"[" * 500 + b"]" * 500,
        b'{"error":' * 200 + b"1" + b"}" * 200,
        b"<title" * 100_000,
        b"<message>" * 50_000,
        b"<" * 100_000,
        b"\x00\r\n\x1b[31m" * 10_000,
    ],
)
def test_a_refusal_is_cut_and_clean_and_costs_nothing(content: bytes) -> None:
    """G215: whatever a stranger's server sends."""
    began = time.process_time()
    words = in_words(content, media_type="", names=NAMES)
    assert time.process_time() - began < 2
    assert len(words) <= MAX_CHARACTERS
    assert not any(sign < " " for sign in words)


@given(st.recursive(st.none() | st.booleans() | st.integers(-9, 9) | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["error", "errors", "detail", "message", "field", "loc", "source", "meta", ""]) | st.text(), inner)))  # fmt: skip
def test_no_json_breaks_it(body: object) -> None:
    """G215: for anything that JSON can hold."""
    try:
        content = orjson.dumps(body)
    except orjson.JSONEncodeError:
        return
    assert len(in_words(content, media_type="application/json", names=NAMES)) <= MAX_CHARACTERS


async def test_the_words_are_told_with_what_came_of_the_request(
    session: BackendSession, backend: TenantBackend
) -> None:
    """G215: a change that was refused for a field says which."""

    async def refuse(_request: Request, connection: Connection) -> None:
        body = orjson.dumps({"detail": [{"loc": ["body", "customer_name"], "msg": "Field required"}]})
        await connection.respond(422, body, headers={"Content-Type": "application/problem+json"})

    backend.routes["POST /orders"] = refuse
    with pytest.raises(ToolError, match=r"refused the request \(422\): name: Field required"):
        await session.request("POST", "/orders", names=NAMES, read=told)
    backend.answer("GET /gone", {"title": "No such order"}, status=404)
    with pytest.raises(NotThereError, match=r"no such thing \(404\): No such order\.$"):
        await session.request("GET", "/gone", read=told)
