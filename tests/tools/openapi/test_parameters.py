"""Where arguments go: styles and their defaults, bodies and their parts, what no model may give, and how lists go on."""

from typing import Any

import pytest
from support.documents import having, imported, only, taking
from support.each import each

from tools.openapi.operation import Pagination, Property

STRING = {"type": "string"}
STYLES = [
    ("path", {}, "simple", False),
    ("path", {"style": "label"}, "label", False),
    ("path", {"style": "matrix", "explode": True}, "matrix", True),
    ("query", {}, "form", True),
    ("query", {"explode": False}, "form", False),
    ("query", {"style": "form"}, "form", True),
    ("query", {"style": "spaceDelimited"}, "spaceDelimited", False),
    ("query", {"style": "pipeDelimited", "explode": True}, "pipeDelimited", True),
    ("query", {"style": "deepObject", "explode": True}, "deepObject", True),
    ("query", {"explode": "yes"}, "form", True),
    ("header", {}, "simple", False),
    ("header", {"explode": True}, "simple", True),
]


@each(("place", "said", "style", "explode"), STYLES)
def test_style_and_explode_have_the_defaults_of_their_place(
    place: str, said: dict[str, Any], style: str, explode: bool
) -> None:
    parameter = {"name": "a", "in": place, "required": True, "schema": {"type": "array", "items": STRING}, **said}
    [made] = only(taking(parameter, path="/things/{a}" if place == "path" else "/things")).parameters
    assert (made.style, made.explode, made.is_required) == (style, explode, True)


def test_an_operations_own_parameter_takes_the_place_of_its_paths() -> None:
    shared = [{"name": "a", "in": "query", "schema": STRING}, {"$ref": "#/components/parameters/B"}]
    own = [{"name": "a", "in": "query", "required": True, "schema": {"type": "integer"}}]
    found = imported(
        {"/things": {"parameters": shared, "get": {"parameters": own}}},
        components={"parameters": {"B": {"name": "b", "in": "query", "description": "The *b*.", "schema": STRING}}},
    )
    made = only(found)
    assert made.schema["properties"] == {"a": {"type": "integer"}, "b": {"type": "string", "description": "The b."}}
    assert made.schema["required"] == ["a"]
    assert made.schema["additionalProperties"] is False


def test_a_parameter_with_content_is_sent_as_json() -> None:
    content = {"application/json": {"schema": {"type": "object", "properties": {"a": STRING}}}}
    made = only(taking({"name": "filter", "in": "query", "content": content}))
    assert made.parameters[0].is_json
    assert made.schema["properties"]["filter"]["properties"] == {"a": STRING}


KEPT_BACK = [
    *("Authorization", "authorization", "Cookie", "Accept", "Content-Type", "Idempotency-Key", "Host", "User-Agent"),
    *(
        "X-Tenant-Id",
        "X-User-Id",
        "x-branch-id",
        "X-Time-Zone",
        "Accept-Language",
        "X-Forwarded-For",
        "Proxy-Authorization",
    ),
    *(
        "Content-Length",
        "Transfer-Encoding",
        "X-HTTP-Method-Override",
        "X_Tenant_Id",
        "X_Forwarded_For",
        "Sec-Fetch-Site",
        "X-Api-Key",
    ),
]


@each("name", KEPT_BACK)
@each("is_required", [True, False])
def test_who_asks_and_what_the_connection_needs_is_no_argument(name: str, is_required: bool) -> None:
    """G203"""
    made = only(taking({"name": name, "in": "header", "required": is_required, "schema": {**STRING, "enum": ["a"]}}))
    assert (made.parameters, made.fixed_headers, made.schema["properties"]) == ((), {}, {})


SECRETS = [
    {"name": "key", "in": "query", "description": "Your API key."},
    {"name": "token", "in": "query", "description": "Authentication token. Requires scope: `a`"},
    {"name": "api_key", "in": "query"},
    {"name": "access_token", "in": "query"},
    {"name": "apiKey", "in": "query"},
    {"name": "X-Shop-Key", "in": "header"},
    {"name": "shopkey", "in": "query"},
]


@pytest.mark.parametrize("parameter", SECRETS)
def test_what_signs_in_is_no_argument(parameter: dict[str, Any]) -> None:
    """G203"""
    schemes = {
        "one": {"type": "apiKey", "in": "header", "name": "x-shop-key"},
        "two": {"type": "apiKey", "in": "query", "name": "ShopKey"},
        "bad": {"type": "apiKey", "in": 7},
        "none": None,
    }
    paths = {"/things": {"get": {"parameters": [{**parameter, "required": True, "schema": STRING}]}}}
    assert only(imported(paths, components={"securitySchemes": schemes})).parameters == ()


def test_what_is_only_called_like_a_secret_is_an_argument() -> None:
    found = taking(
        {"name": "key", "in": "query", "description": "Of the issue.", "schema": STRING},
        {"name": "token", "in": "path", "required": True, "description": "An invitation.", "schema": STRING},
        path="/things/{token}",
    )
    assert list(only(found).schema["properties"]) == ["token", "key"]


def test_a_header_with_one_possible_value_is_sent_without_asking() -> None:
    found = taking(
        {"name": "Shop-Version", "in": "header", "required": True, "schema": {"enum": ["2026-01-01"]}},
        {"name": "X-Mode", "in": "header", "schema": {"type": "string", "enum": ["a"], "default": "a"}},
        {"name": "X-Maybe", "in": "header", "schema": {"type": "string", "enum": ["a"]}},
        {"name": "X-Evil", "in": "header", "required": True, "schema": {"enum": ["a\r\nHost: b"]}},
    )
    assert only(found).fixed_headers == {"Shop-Version": "2026-01-01", "X-Mode": "a"}
    assert list(only(found).schema["properties"]) == ["X-Maybe", "X-Evil"]


def test_an_optional_parameter_that_is_deprecated_is_left_out() -> None:
    found = taking(
        {"name": "a", "in": "query", "deprecated": True, "schema": STRING},
        {"name": "b", "in": "query", "deprecated": True, "required": True, "schema": STRING},
    )
    assert list(only(found).schema["properties"]) == ["b"]


MEDIA_TYPES = [
    (["application/xml", "application/json"], "json", "application/json"),
    (["application/json; charset=utf-8"], "json", "application/json"),
    (["application/vnd.api+json"], "json", "application/vnd.api+json"),
    (["*/*"], "json", "application/json"),
    (["application/*"], "json", "application/json"),
    (["application/json-patch+json", "application/merge-patch+json"], "json", "application/merge-patch+json"),
    (["multipart/form-data", "application/x-www-form-urlencoded"], "form", "application/x-www-form-urlencoded"),
    (["text/plain", "multipart/form-data"], "multipart", "multipart/form-data"),
    (["text/csv"], "text", "text/csv"),
    (["text/*"], "text", "text/plain"),
    (["APPLICATION/JSON"], "json", "application/json"),
]


@each(("offered", "kind", "media_type"), MEDIA_TYPES)
def test_of_the_bodies_that_are_offered_the_one_is_sent_that_can_be_said_best(
    offered: list[str], kind: str, media_type: str
) -> None:
    schema = {"type": "object", "properties": {"a": STRING}}
    made = only(taking(method="post", requestBody={"content": {one: {"schema": schema} for one in offered}}))
    assert made.body is not None
    assert (made.body.kind, made.body.media_type) == (kind, media_type)


WHOLE = [
    {"type": "array", "items": STRING},
    STRING,
    {},
    None,
    {"type": "object"},
    {"type": "object", "additionalProperties": STRING},
    {"oneOf": [{"type": "object", "properties": {"a": STRING}}, {"type": "object", "properties": {"b": STRING}}]},
    {"type": "object", "properties": {"a": STRING, "b": STRING}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
]


@each("schema", WHOLE)
def test_a_body_that_is_no_plain_object_is_one_argument(schema: Any) -> None:
    made = only(having(schema))
    assert made.body is not None
    assert made.body.whole == "body"
    assert list(made.schema["properties"]) == made.schema["required"] == ["body"]
    assert not {"anyOf", "oneOf", "allOf"} & made.schema.keys()


def test_parts_of_a_form_are_written_as_the_document_says() -> None:
    properties = {
        "a": STRING,
        "list": {"type": "array", "items": STRING},
        "deep": {"type": "object", "properties": {"x": STRING}},
    }
    encoding = {"deep": {"style": "deepObject", "explode": True}, "list": {"style": "form", "explode": False}}
    form = "application/x-www-form-urlencoded"
    schema = {"type": "object", "properties": {**properties, "meta": {"type": "object"}}}
    made = only(having(schema, media_type=form, encoding=encoding))
    assert made.body is not None
    assert made.body.properties == (
        Property("a", "a"),
        Property("list", "list", "form", False),
        Property("deep", "deep", "deepObject", True),
        Property("meta", "meta", media_type="application/json"),
    )


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "format": "binary"},
        {"contentMediaType": "image/png"},
        {"type": "string", "contentMediaType": "a/b"},
    ],
)
def test_files_of_a_multipart_body_are_given_in_base64(schema: Any) -> None:
    whole = {
        "type": "object",
        "required": ["file"],
        "properties": {"file": schema, "files": {"type": "array", "items": schema}},
    }
    made = only(having(whole, media_type="multipart/form-data", encoding={"file": {"contentType": "image/png"}}))
    assert made.body is not None
    assert [(one.is_file, one.media_type) for one in made.body.properties] == [(True, "image/png"), (True, None)]
    told = {"type": "string", "contentEncoding": "base64", "description": "The file, in base64."}
    assert made.schema["properties"] == {"file": told, "files": {"type": "array", "items": told}}


def test_what_a_body_must_have_is_asked_for_also_where_nothing_describes_it() -> None:
    made = only(having({"type": "object", "required": ["a", "b"], "properties": {"a": STRING}}))
    assert made.schema["required"] == ["a", "b"]
    assert made.schema["properties"] == {"a": STRING, "b": {}}


INTEGER = {"type": "integer"}
LISTS: list[tuple[list[tuple[str, Any]], Pagination | None]] = [
    ([("page", INTEGER), ("per_page", {**INTEGER, "default": 30})], Pagination("page", "per_page", None, 30)),
    ([("limit", INTEGER), ("offset", INTEGER)], Pagination("offset", "limit")),
    ([("startAt", INTEGER), ("maxResults", INTEGER)], Pagination("startAt", "maxResults")),
    ([("starting_after", STRING), ("limit", INTEGER)], Pagination(None, "limit", "starting_after")),
    ([("cursor", STRING)], Pagination(None, None, "cursor")),
    ([("next_token", STRING), ("max_results", INTEGER)], Pagination(None, "max_results", "next_token")),
    ([("pageToken", STRING), ("pageSize", INTEGER)], Pagination(None, "pageSize", "pageToken")),
    ([("$top", INTEGER), ("$skip", INTEGER)], Pagination("skip", "top")),
    ([("limit", INTEGER)], None),
    ([("page", STRING)], None),
    ([("after", {**STRING, "format": "date-time"})], None),
    ([("count", {"type": "boolean"}), ("q", STRING)], None),
]


@each(("parameters", "pagination"), LISTS)
def test_how_a_list_goes_on_is_told_by_its_parameters(
    parameters: list[tuple[str, Any]], pagination: Pagination | None
) -> None:
    found = taking(*({"name": name, "in": "query", "schema": schema} for name, schema in parameters))
    assert only(found).pagination == pagination


def test_a_link_header_of_a_good_answer_is_noticed() -> None:
    answers: dict[str, Any] = {
        "200": {"headers": {"link": {}}, "content": {"application/json": {}}},
        "404": {"content": {"text/html": {}}},
    }
    made = only(taking(responses=answers))
    assert made.pagination == Pagination(has_links=True)
    assert made.media_types == ("application/json",)
    assert only(taking(responses={"404": {"headers": {"Link": {}}}})).pagination is None


def test_a_change_has_no_pages() -> None:
    assert only(taking({"name": "page", "in": "query", "schema": INTEGER}, method="post")).pagination is None
