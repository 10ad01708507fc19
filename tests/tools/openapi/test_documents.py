"""Documents that are malformed, wholly or in one operation: the error, or the operation that is listed with its place and reason."""

from typing import Any

import orjson
import pytest
from support.documents import document, having, imported, only, taking
from support.each import each

from agent.errors import ConfigurationError
from tools.openapi.document import read_document
from tools.openapi.importing import Imported, import_operations
from tools.openapi.parsing import parse

REFUSED: list[tuple[bytes, str]] = [
    (b"", "holds no object"),
    (b"null", "holds no object"),
    (b"[]", "holds no object"),
    (b'"openapi"', "holds no object"),
    (b"{", "no JSON"),
    (b'{"openapi": "3.0.0",}', "no JSON"),
    (b"[" * 5000, "no JSON"),
    (b"\xff\xfe{\x00}\x00", "not UTF-8"),
    (b"openapi: [", "neither JSON nor YAML"),
    (b"a: b: c", "neither JSON nor YAML"),
    (b"? [a, b]\n: c\n", "a key that is no text"),
    (b"&a [*a]", "holds itself"),
    (b"a: &a {b: *a}", "holds itself"),
    (b"a: *b", "neither JSON nor YAML"),
    (b"{}", "has no `openapi`"),
    (b"<html><body>Not found</body></html>", "holds no object"),
    (b'{"openapi": null}', "has no `openapi`"),
    (b'{"swagger": "2.0", "paths": {}}', "Swagger '2.0'"),
    (b"swagger: 2.0\npaths: {}\n", "Swagger '2.0'"),
    (b'{"swagger": "2.0", "openapi": "3.0.0", "paths": {}}', "Swagger '2.0'"),
    (b'{"swaggerVersion": "1.2"}', "has no `openapi`"),
    (b'{"openapi": "2.0", "paths": {}}', "3.0, 3.1 and 3.2 are read"),
    (b'{"openapi": "3.3.0", "paths": {}}', "3.0, 3.1 and 3.2 are read"),
    (b'{"openapi": "4.0.0", "paths": {}}', "3.0, 3.1 and 3.2 are read"),
    (b'{"openapi": "3", "paths": {}}', "3.0, 3.1 and 3.2 are read"),
    (b'{"openapi": "3.10.0", "paths": {}}', "3.0, 3.1 and 3.2 are read"),
    (b'{"openapi": 3, "paths": {}}', "3.0, 3.1 and 3.2 are read"),
    (b'{"openapi": ["3.0.0"], "paths": {}}', "3.0, 3.1 and 3.2 are read"),
    (b'{"openapi": "3.0.0"}', "`paths` must be an object"),
    (b'{"openapi": "3.0.0", "paths": []}', "`paths` must be an object"),
    (b'{"openapi": "3.1.0", "paths": null}', "`paths` must be an object"),
    (b'{"openapi": "3.2.0", "paths": []}', "`paths` must be an object"),
]
TAKEN = [
    b'{"openapi": "3.2.0"}',
    b'{"openapi": "3.0.0", "paths": {}}',
    b'\xef\xbb\xbf{"openapi": "3.0.4", "paths": {}}',
    b'{"openapi": "3.1.0"}',
    b'{"openapi": "3.1.1", "paths": {}, "webhooks": {}}',
    b"openapi: 3.1.0\npaths: {}\n",
    b"openapi: 3.0\npaths: {}\n",
    b"---\nopenapi: '3.0.0'\npaths: {}\n",
    b'{"openapi": "3.0.0-rc1", "paths": {"x-note": "not a path"}}',
]
STRING = {"type": "string"}
AT = "/things/{id}"
ID = {"name": "id", "in": "path", "required": True, "schema": STRING}


def query(schema: Any, **more: Any) -> dict[str, Any]:
    return {"name": "q", "in": "query", "required": True, "schema": schema, **more}


BAD_PATHS: list[tuple[str, Any, str]] = [
    ("things", {"get": {}}, "must begin with /"),
    ("/things?kind=a", {"get": {}}, "no query"),
    ("/things#a", {"get": {}}, "fragment"),
    ("/a b", {"get": {}}, "space"),
    ("/a\\b", {"get": {}}, "backslash"),
    ("/../admin", {"get": {}}, "leads up"),
    ("/a/./b", {"get": {}}, "leads up"),
    ("//elsewhere/a", {"get": {}}, "empty part"),
    ("/a%2fb", {"get": {}}, "empty part"),
    ("/things/{id", {"get": {"parameters": [ID]}}, "braces"),
    ("/things/id}", {"get": {"parameters": [ID]}}, "braces"),
    ("/things/{}", {"get": {}}, "braces"),
    (AT, {"get": {}}, "'{id}'"),
    (AT, {"get": {"parameters": [{**ID, "name": "other"}]}}, "'{id}'"),
    ("/things", None, "an object is wanted"),
    ("/things", [], "an object is wanted"),
    ("/things", {"get": None}, "an object is wanted"),
    ("/things", {"get": "list"}, "an object is wanted"),
    ("/things", {"$ref": "#/components/pathItems/None"}, "leads nowhere"),
    ("/things", {"$ref": "things.yaml"}, "leads out of the document"),
    ("/things", {"get": {"parameters": {}}}, "must be a list"),
    ("/things", {"parameters": {}, "get": {}}, "must be a list"),
    ("/things", {"get": {"requestBody": [], "parameters": []}}, "an object is wanted"),
]
BAD_PARAMETERS: list[tuple[Any, str]] = [
    (None, "an object is wanted"),
    ("page", "an object is wanted"),
    ({}, "`in` must be"),
    ({"name": "q"}, "`in` must be"),
    ({"name": "q", "in": "body"}, "`in` must be"),
    ({"name": "q", "in": ["query"]}, "`in` must be"),
    ({"in": "query"}, "must have a name"),
    ({"name": "", "in": "query"}, "must have a name"),
    ({"name": 7, "in": "query"}, "must have a name"),
    ({"name": "a\nb", "in": "query"}, "must have a name"),
    ({"name": "a" * 201, "in": "query"}, "must have a name"),
    ({"$ref": "#/components/parameters/Nowhere"}, "leads nowhere"),
    ({"$ref": "#/components/parameters/Loop"}, "leads to itself"),
    ({"$ref": 7}, "$ref must be a text"),
    ({"$ref": "other.yaml#/Page"}, "leads out of the document"),
    ({"$ref": "https://example.com/api.json#/Page"}, "leads out of the document"),
    ({"$ref": "//example.com/api.json"}, "leads out of the document"),
    ({"$ref": "file:///etc/passwd"}, "leads out of the document"),
    ({"$ref": "#anchor"}, "leads out of the document"),
    ({"$ref": "#/components/parameters/Page/name"}, "an object is wanted"),
    ({"name": "session", "in": "cookie", "required": True}, "needs a cookie"),
    (query(None), "a schema must be an object"),
    (query("string"), "a schema must be an object"),
    (query([]), "a schema must be an object"),
    (query(False), "no value is valid"),
    (query({"type": "text"}), "there is no type 'text'"),
    (query({"type": "file"}), "there is no type 'file'"),
    (query({"type": 7}), "there is no type"),
    (query({"type": ["string", "any"]}), "there is no type 'any'"),
    (query({"type": [["string"]]}), "there is no type"),
    (query({"enum": []}), "enum must be a list"),
    (query({"enum": "a,b"}), "enum must be a list"),
    (query({"oneOf": {}}), "oneOf must be a list"),
    (query({"anyOf": []}), "anyOf must be a list"),
    (query({"allOf": "x"}), "allOf must be a list"),
    (query({"allOf": [None]}), "a schema must be an object"),
    (query({"anyOf": [7]}), "a schema must be an object"),
    (query({"properties": []}), "properties must be an object"),
    (query({"type": "array", "minItems": 1, "items": 7}), "a schema must be an object"),
    (query({"$ref": "#/components/schemas/Nowhere"}), "leads nowhere"),
    (query({"$ref": "#/components/schemas/Itself"}), "leads to itself"),
    (query({"$ref": "#/components/schemas/There"}), "leads to itself"),
    (query({"$ref": "#/components/schemas/Endless"}), "without end"),
    (query({"$ref": "#/openapi"}), "a schema must be an object"),
    (query({"$ref": "#/paths/0/x"}), "leads nowhere"),
    (query({"$ref": "#/openapi/x"}), "leads nowhere"),
    (query({"$ref": "schemas/thing.json"}), "leads out of the document"),
    (query({"$ref": ""}), "leads out of the document"),
    (query(STRING, style="matrix"), "no style 'matrix' in a query"),
    (query(STRING, style=7), "no style"),
    (query(STRING, content={}), "content must hold one media type"),
    (query(STRING, content={"a/b": {}, "c/d": {}}), "content must hold one media type"),
    (query(STRING, content={"application/xml": {}}), "cannot be written"),
    (query(STRING, content={"application/json": []}), "an object is wanted"),
    ({"name": "X Bad", "in": "header", "required": True, "schema": STRING}, "letters, digits and -"),
]
BAD_BODIES: list[tuple[Any, str]] = [
    (None, "an object is wanted"),
    ("thing", "an object is wanted"),
    ({"required": True}, "content must be an object"),
    ({"required": True, "content": []}, "content must be an object"),
    ({"required": True, "content": {}}, "no body of 'no type'"),
    ({"required": True, "content": {"application/xml": {}}}, "'application/xml'"),
    ({"required": True, "content": {"application/soap+xml": {}}}, "'application/soap+xml'"),
    ({"required": True, "content": {"application/json": []}}, "an object is wanted"),
    ({"$ref": "#/components/requestBodies/Nowhere"}, "leads nowhere"),
    ({"$ref": "bodies.yaml"}, "leads out of the document"),
]
BAD_SCHEMAS: list[tuple[Any, str]] = [
    (False, "no value is valid"),
    ([], "a schema must be an object"),
    ({"type": "dict"}, "there is no type 'dict'"),
    ({"properties": "name"}, "properties must be an object"),
    ({"required": ["a"], "properties": {"a": {"type": "uuid"}}}, "there is no type 'uuid'"),
    ({"required": ["a"], "properties": {"a": {"$ref": "x.json"}}}, "leads out of the document"),
    ({"required": ["a"], "properties": {"a": {"$ref": "#/components/schemas/Endless"}}}, "without end"),
    ({"$ref": "#/components/schemas/Itself"}, "leads to itself"),
    ({"allOf": [{"$ref": "#/components/schemas/Back"}]}, "leads to itself"),
]


def the_problem(found: Imported) -> str:
    """Return the one problem; the operations beside it must be there."""
    [problem] = found.problems
    return str(problem)


@each(("content", "reason"), REFUSED)
def test_what_is_no_document_that_is_read_is_refused_with_the_reason(content: bytes, reason: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_document(content)
    assert reason in str(refused.value)


@each("content", TAKEN)
def test_a_document_without_operations_is_one(content: bytes) -> None:
    assert import_operations(read_document(content)).operations == ()


@each(("path", "item", "reason"), BAD_PATHS)
def test_a_bad_path_is_listed_and_the_others_work(path: str, item: Any, reason: str) -> None:
    """G200"""
    found = imported({path: item, "/good": {"get": {"operationId": "good"}}})
    assert reason in the_problem(found)
    assert path in the_problem(found)
    assert "good" in [one.name for one in found.operations]


@each(("parameter", "reason"), BAD_PARAMETERS)
def test_an_operation_with_a_bad_parameter_is_listed_with_its_place(parameter: Any, reason: str) -> None:
    """G200"""
    found = taking(parameter)
    assert reason in the_problem(found)
    assert the_problem(found).startswith("GET /things: ")
    assert "parameters.0" in the_problem(found) or "query q" in the_problem(found)
    assert [one.name for one in found.operations] == ["good"]


@each(("body", "reason"), BAD_BODIES)
def test_an_operation_with_a_bad_body_is_listed_with_its_place(body: Any, reason: str) -> None:
    """G200"""
    found = taking(method="post", requestBody=body)
    assert reason in the_problem(found)
    assert the_problem(found).startswith("POST /things: requestBody")
    assert [one.name for one in found.operations] == ["good"]


@each(("schema", "reason"), BAD_SCHEMAS)
def test_an_operation_whose_body_has_a_bad_schema_is_listed_with_its_place(schema: Any, reason: str) -> None:
    """G200"""
    found = having(schema)
    assert reason in the_problem(found)
    assert [one.name for one in found.operations] == ["good"]


@pytest.mark.parametrize(
    "parameter",
    [
        {"name": "q", "in": "query", "schema": {"type": "nothing"}},
        {"name": "q", "in": "query", "schema": {"$ref": "other.yaml"}},
        {"name": "q", "in": "query", "style": "odd", "schema": STRING},
        {"name": "q", "in": "query", "content": {"application/xml": {}}},
        {"name": "q", "in": "query", "schema": {"$ref": "#/components/schemas/Endless"}},
    ],
)
def test_an_optional_parameter_that_cannot_be_read_is_left_out_and_said(parameter: Any) -> None:
    """G200"""
    made = only(taking(parameter, {"name": "page", "in": "query", "schema": {"type": "integer"}}))
    assert list(made.schema["properties"]) == ["page"]
    assert [one.argument for one in made.parameters] == ["page"]
    assert len(made.left_out) == 1


@pytest.mark.parametrize(
    "content", [{"application/xml": {}}, {"application/soap+xml": {"schema": STRING}}, {"multipart/mixed": {}}, {}]
)
def test_an_optional_body_that_cannot_be_sent_is_left_out(content: Any) -> None:
    assert only(taking(method="post", requestBody={"content": content})).body is None


def test_other_methods_are_no_tools_and_deprecated_operations_are_counted() -> None:
    paths = {
        "/things": {
            **{method: {"operationId": method} for method in ("get", "put", "post", "delete", "patch")},
            **{method: {"operationId": method} for method in ("head", "options", "trace", "x-other")},
        },
        "/old": {
            "get": {"operationId": "old", "deprecated": True},
            "post": {"operationId": "new", "deprecated": False},
        },
    }
    found = imported(paths)
    assert [one.name for one in found.operations] == ["get", "put", "post", "delete", "patch", "new"]
    assert (found.problems, found.deprecated) == ((), 1)


def test_a_document_of_version_3_2_is_read_but_for_what_is_new_in_it() -> None:
    """G200"""
    paths = {
        "/things": {
            "get": {"operationId": "list", "parameters": [query(STRING)]},
            "post": {"operationId": "add", "requestBody": {"content": {"application/json": {"$ref": "#/components/mediaTypes/Thing"}}}},
            "put": {"operationId": "whole", "parameters": [{"name": "all", "in": "querystring", "content": {}}]},
            "query": {"operationId": "find"},
            "additionalOperations": {"LINK": {"operationId": "link"}, "a b": {}},
        }
    }  # fmt: skip
    thing = {"schema": {"type": "object", "properties": {"name": STRING}, "required": ["name"]}}
    found = imported(paths, version="3.2.0", components={"mediaTypes": {"Thing": thing}})
    assert [one.name for one in found.operations] == ["list", "add"]
    assert list(found.operations[1].schema["properties"]) == ["name"]
    assert [str(one).partition(": ")[0] for one in found.problems] == ["QUERY /things", "LINK /things", "PUT /things"]
    assert "the method QUERY is not called" in str(found.problems[0])


def test_servers_are_data_with_the_defaults_of_their_variables() -> None:
    servers = [
        {
            "url": "https://{region}.example.com/{base}/v2",
            "variables": {"region": {"default": "eu"}, "base": {"default": "api"}},
        },
        {"url": "/v3/"},
        {"url": "//example.org/v4?x=1"},
        {"url": "https://example.net"},
        {"url": 7},
        None,
    ]
    assert imported({}, servers=servers).server_paths == ("api/v2", "v3", "v4")


@each(
    ("of_path", "of_operation", "own"),
    [
        (None, None, ()),
        ([{"url": "/v3"}], None, ("/v3",)),
        ([{"url": "/v3"}], [{"url": "/"}], ("/",)),
        ([{"url": "/v3"}], [], ("/v3",)),
        (None, [{"url": "https://example.com/v3"}, {"url": "https://example.com/v3/"}], ("/v3",)),
        (None, [{"url": "https://UP.example.com/v2"}, {"url": "/v4"}], ("//up.example.com/v2", "/v4")),
        (None, [{"url": "https://{at}.example.com", "variables": {"at": {"default": "up"}}}], ("//up.example.com/",)),
        ([{"url": "/v3"}], [{"url": "/v4"}, {"url": "http://example.com/v2"}], ()),
        ({"url": "/v3"}, [7, {"url": 7}, None], ()),
    ],
)
def test_an_operations_own_servers_are_data_where_they_are_none_of_the_documents(
    of_path: Any, of_operation: Any, own: tuple[str, ...]
) -> None:
    """G681: those of its path where it has none."""
    paths = {"/x": {"get": {"operationId": "x", "servers": of_operation}, "servers": of_path}}
    [operation] = imported(paths, servers=[{"url": "https://example.com/v2"}]).operations
    assert operation.servers == own


YAML_VALUES = b"""
openapi: 3.0.0
info: {title: T, version: 2026-01-31}
x-common: &page {name: page, in: query, schema: {type: integer, default: 1}}
x-base: &base
  tags: [no, on, 012]
  summary: From the base
paths:
  /things:
    get:
      <<: *base
      operationId: "list"
      parameters: [*page]
      responses: {200: {description: yes}}
"""


def test_yaml_is_read_as_its_version_1_2_has_it() -> None:
    read = parse(YAML_VALUES)
    assert read["info"]["version"] == "2026-01-31"
    assert read["paths"]["/things"]["get"]["responses"] == {"200": {"description": "yes"}}
    assert read["x-base"]["tags"] == ["no", "on", 12]
    made = only(import_operations(read_document(YAML_VALUES)))
    assert (made.name, made.description, made.tags) == ("list", "From the base", ("no", "on"))
    assert made.schema["properties"]["page"] == {"type": "integer", "default": 1}


def test_a_number_that_json_has_not_stays_a_text() -> None:
    assert parse(b"- 1e999\n- -1e999\n- 1e3\n- .inf\n- .nan") == ["1e999", "-1e999", 1000.0, ".inf", ".nan"]


def test_the_last_of_equal_keys_counts_in_both_forms() -> None:
    twice = '"/a": {"get": {"operationId": "first"}}, "/a": {"get": {"operationId": "second"}}'
    text = f'{{"openapi": "3.0.0", "paths": {{{twice}}}}}'
    for content in (text.encode(), f"# YAML\n{text}".encode()):
        assert only(import_operations(read_document(content))).name == "second"


def test_one_document_reads_the_same_as_json_and_as_yaml() -> None:
    import yaml

    whole = document(
        {"/things/{id}": {"parameters": [ID], "get": {"operationId": "get", "parameters": [query(STRING)]}}}
    )
    as_yaml = yaml.safe_dump(whole).encode()
    assert import_operations(read_document(orjson.dumps(whole))) == import_operations(read_document(as_yaml))
