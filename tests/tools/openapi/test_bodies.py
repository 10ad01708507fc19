"""Bodies of requests: JSON, forms as Stripe and Rails read them, parts with files, and text."""

import base64
from typing import Any

import orjson
import pytest
from support.each import each
from support.http import Request
from support.operations import Part, operation, read_parts

from agent.errors import ToolError
from tools.openapi.arguments import checked
from tools.openapi.bounds import MAX_CHARACTERS
from tools.openapi.document import read_document
from tools.openapi.importing import import_operations
from tools.openapi.operation import Body, BodyKind, Operation, Property
from tools.openapi.request import Outgoing, request_of

KINDS: dict[BodyKind, str] = {
    "json": "application/json",
    "form": "application/x-www-form-urlencoded",
    "multipart": "multipart/form-data",
    "text": "text/plain",
    "file": "application/octet-stream",
}
ANYTHING: dict[str, Any] = {}


def asking(
    kind: BodyKind,
    *properties: Property,
    whole: str | None = None,
    media_type: str | None = None,
    required: bool = False,
) -> Operation:
    body = Body(kind, media_type or KINDS[kind], required, properties, whole)
    names = [one.argument for one in properties] + ([whole] if whole else [])
    return operation(method="POST", body=body, schemas=dict.fromkeys(names, ANYTHING), risk="write")


def parts_of(asked: Outgoing) -> dict[str, list[Part]]:
    assert asked.media_type is not None
    assert asked.content is not None
    return read_parts(Request("POST", "/things", {"content-type": asked.media_type}, asked.content))


def test_json_has_the_documents_names_and_only_what_was_given() -> None:
    asked = request_of(
        asking("json", Property("kind", "type"), Property("note", "note"), Property("x", "x")),
        {"kind": "a", "note": None},
    )
    assert asked.content == b'{"type":"a","note":null}'
    assert asked.media_type == "application/json"


def test_a_body_that_nothing_was_given_for_is_not_sent_unless_it_must_be_there() -> None:
    assert request_of(asking("json", Property("a", "a")), {}).content is None
    assert request_of(asking("json", Property("a", "a")), {}).media_type is None
    assert request_of(asking("json", Property("a", "a"), required=True), {}).content == b"{}"
    assert request_of(asking("json", whole="body"), {}).content is None


def test_a_whole_body_is_sent_as_it_is() -> None:
    for value in ([1, 2], {"a": {"b": None}}, "text", 7, None, True):
        asked = request_of(asking("json", whole="body", media_type="application/merge-patch+json"), {"body": value})
        assert Request("POST", "/", {}, asked.content or b"").json == value
        assert asked.media_type == "application/merge-patch+json"


@pytest.mark.parametrize("media_type", ["*/*", "application/*", "evil\r\nX-Evil: 1", "", "json"])
def test_a_media_type_that_cannot_be_sent_is_the_kinds_own(media_type: str) -> None:
    """G210: a document writes no header line."""
    assert (
        request_of(asking("json", whole="body", media_type=media_type or "?"), {"body": 1}).media_type
        == "application/json"
    )


FORMS = [
    (Property("a", "a"), "x y&z=1+2", "a=x%20y%26z%3D1%2B2"),
    (Property("a", "a"), ["x", "y"], "a=x&a=y"),
    (Property("a", "a", explode=False), ["x", "y,z"], "a=x,y%2Cz"),
    (Property("a", "a"), {"R": 1, "G": 2}, "R=1&G=2"),
    (Property("a", "a", explode=False), {"R": 1, "G": 2}, "a=R,1,G,2"),
    (Property("a", "a"), True, "a=true"),
    (Property("a", "a"), 1.5, "a=1.5"),
    (Property("a", "a"), "", "a="),
    (Property("a", "a"), None, "a="),
    (Property("a", "a", media_type="application/json"), {"R": [1]}, "a=%7B%22R%22%3A%5B1%5D%7D"),
    (Property("a", "a", "deepObject"), {"b": {"c": "d"}}, "a%5Bb%5D%5Bc%5D=d"),
    (Property("a", "a", "deepObject"), ["x", "y"], "a%5B%5D=x&a%5B%5D=y"),
    (
        Property("a", "items", "deepObject"),
        [{"price": "p1", "quantity": 2, "tags": ["t"]}],
        "items%5B0%5D%5Bprice%5D=p1&items%5B0%5D%5Bquantity%5D=2&items%5B0%5D%5Btags%5D%5B%5D=t",
    ),
    (Property("a", "a[]"), ["x"], "a%5B%5D=x"),
    (Property("a", "a", "pipeDelimited", explode=False), ["x", "y"], "a=x%7Cy"),
]


@each(("item", "value", "written"), FORMS)
def test_a_form_is_written_by_each_propertys_own_encoding(item: Property, value: Any, written: str) -> None:
    """G211: as Stripe's and Rails' servers read it."""
    asked = request_of(asking("form", item), {"a": value})
    assert asked.content == written.encode()
    assert asked.media_type == "application/x-www-form-urlencoded"


def test_a_whole_form_is_its_keys() -> None:
    assert request_of(asking("form", whole="body"), {"body": {"a": 1, "b": ["c", "d"]}}).content == b"a=1&b=c&b=d"
    with pytest.raises(ToolError, match="body must be an object"):
        request_of(asking("form", whole="body"), {"body": [1]})


def test_a_free_key_in_a_form_takes_no_other_propertys_place() -> None:
    """G210: a note cannot name an amount."""
    asked = asking("form", Property("notes", "notes"), Property("amount", "amount"))
    with pytest.raises(ToolError, match="'amount' has a meaning of its own"):
        request_of(asked, {"notes": {"amount": "1000000"}, "amount": 1})


def test_parts_carry_texts_objects_lists_and_files() -> None:
    """G211: read back by a parser that shares no code with ours."""
    asked = asking(
        "multipart",
        *(Property("title", "title"), Property("tags", "tags"), Property("meta", "meta"), Property("n", "n")),
        *(Property("file", "file", is_file=True), Property("photos", "photos[]", media_type="image/png", is_file=True)),
        Property("list", "list", media_type="application/json"),
    )
    pdf, png = b"%PDF-1.4\r\n--boundary\r\n\x00\xff", b"\x89PNG\r\n"
    sent = request_of(
        asked,
        {
            "title": "Grüße\r\n--x",
            "tags": ["a", "b"],
            "meta": {"a": [1]},
            "n": 7,
            "file": base64.b64encode(pdf).decode(),
            "photos": [base64.b64encode(png).decode()] * 2,
            "list": [1, 2],
        },
    )
    parts = parts_of(sent)
    assert [part.content.decode() for part in parts["title"] + parts["tags"] + parts["n"]] == [
        "Grüße\r\n--x",
        "a",
        "b",
        "7",
    ]
    assert parts["meta"][0].content == b'{"a":[1]}'
    assert parts["meta"][0].media_type == "application/json"
    assert parts["file"][0].content == pdf
    assert parts["file"][0].media_type == "application/octet-stream"
    assert parts["file"][0].filename == "file.bin"
    assert [part.content for part in parts["photos[]"]] == [png, png]
    assert parts["photos[]"][0].media_type == "image/png"
    assert parts["photos[]"][0].filename == "photos[].png"
    assert [part.content for part in parts["list"]] == [b"[1,2]"]


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("aGk=", b"hi"),
        ("aGk", b"hi"),
        ("_-8=", b"\xff\xef"),
        ("/+8=", b"\xff\xef"),
        ("aG\nk=", b"hi"),
        ("data:text/plain;base64,aGk=", b"hi"),
        ("", b""),
    ],
)
def test_a_file_in_base64_may_be_written_as_models_write_it(text: str, content: bytes) -> None:
    parts = parts_of(request_of(asking("multipart", Property("file", "file", is_file=True)), {"file": text}))
    assert parts["file"][0].content == content


@pytest.mark.parametrize("value", ["not base64!", "a", 7, {"a": 1}, "päper", "/etc/passwd."])
def test_a_file_that_is_none_is_refused_by_its_name(value: Any) -> None:
    with pytest.raises(ToolError, match=r"^my_file must be a file in base64"):
        request_of(asking("multipart", Property("my_file", "file", is_file=True)), {"my_file": value})


def test_a_name_or_a_type_of_the_documents_makes_no_line_in_the_head_of_a_part() -> None:
    """G210: a part is what the document names, and no further one."""
    item = Property("a", 'x"\r\nX-Evil: 1\r\n\r\n', media_type="text/plain\r\nX-Evil: 1", is_file=True)
    content = request_of(asking("multipart", item), {"a": "aGk="}).content or b""
    head = content.partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert [line.partition(b":")[0] for line in head[1:]] == [b"Content-Disposition", b"Content-Type"]
    assert content.count(b"X-Evil") == 2  # both within the names


def test_text_is_sent_as_it_is() -> None:
    asked = request_of(asking("text", whole="body"), {"body": "Grüße\n"})
    assert asked.content == "Grüße\n".encode()
    assert asked.media_type == "text/plain; charset=utf-8"
    xml = request_of(asking("text", whole="body", media_type="application/xml"), {"body": "<a/>"})
    assert (xml.content, xml.media_type) == (b"<a/>", "application/xml")


FILE_TYPES: list[tuple[str, dict[str, Any], str, bytes]] = [
    ("application/octet-stream", {"type": "string", "format": "byte"}, "application/octet-stream", b"\x00\xff"),
    ("application/octet-stream", {}, "application/octet-stream", b"\x00\xff"),
    ("image/*", {"type": "string"}, "application/octet-stream", b"\x00\xff"),
    ("application/vnd.acme.sheet", {"type": "string", "format": "binary"}, "application/vnd.acme.sheet", b"\x00\xff"),
    ("*/*", {"type": "string", "format": "binary"}, "application/octet-stream", b"\x00\xff"),
    ("image/jpeg", {"type": "string", "description": "Base64 encoded picture."}, "image/jpeg", b"AP8="),
]


@pytest.mark.parametrize(("offered", "schema", "sent", "content"), FILE_TYPES)
def test_a_body_that_is_a_file_is_given_in_base64(
    offered: str, schema: dict[str, Any], sent: str, content: bytes
) -> None:
    """G211: and sent as its bytes, unless the document wants the letters themselves."""
    body = {"required": True, "content": {offered: {"schema": schema}}}
    root = {
        "openapi": "3.0.3",
        "info": {},
        "paths": {"/files": {"put": {"operationId": "upload", "requestBody": body}}},
    }
    [made] = import_operations(read_document(orjson.dumps(root))).operations
    assert made.schema["properties"]["body"]["contentEncoding"] == "base64"
    assert made.schema["required"] == ["body"]
    asked = request_of(made, {"body": "AP8="})
    assert (asked.content, asked.media_type) == (content, sent)
    with pytest.raises(ToolError, match="too long"):
        checked(made, {"body": "A" * (MAX_CHARACTERS + 1)})


def test_json_is_sent_before_a_file_and_xml_is_no_file() -> None:
    """G211: of several bodies that which can be said best."""
    raw = {"type": "string", "format": "binary"}
    paths = {
        "/both": {
            "post": {"requestBody": {"content": {"image/png": {"schema": raw}, "application/json": {"schema": {}}}}}
        },
        "/xml": {"post": {"requestBody": {"required": True, "content": {"application/xml": {"schema": {}}}}}},
    }
    found = import_operations(read_document(orjson.dumps({"openapi": "3.0.3", "info": {}, "paths": paths})))
    assert [one.body and one.body.kind for one in found.operations] == ["json"]
    assert [one.path for one in found.problems] == ["/xml"]
