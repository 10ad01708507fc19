"""Whatever an operation and its arguments are, a server that reads the request by OpenAPI's rules has the same values."""

import base64
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from support.http import Connection, Request, listen
from support.lanes import examples
from support.operations import CONTEXT, operation, read_request

from tools.backends.backend import Backend
from tools.openapi.call import call_operation
from tools.openapi.operation import Body, Operation, Parameter, Property

Draw = Callable[[st.SearchStrategy[Any]], Any]
SPECIAL = "&=?#+;:@!$'()*,[]{}|\"<>^`~_- äé日😀"
WORD = st.text(st.sampled_from("abcXYZ019"), min_size=1, max_size=6)
ANY_TEXT = st.text(st.sampled_from("ab1 /%.\\\n\r\t\x00" + SPECIAL) | st.characters(codec="utf-8"), max_size=12)
IN_PATH = st.text(st.sampled_from("abc01" + SPECIAL), min_size=1, max_size=8).filter(lambda text: text[0] in "abc01")
IN_HEADER = st.text(st.sampled_from("abc01 &=?#+;:@!$'()*[]{}|/%._-"), min_size=1, max_size=8).filter(
    lambda text: text == text.strip()
)
STYLES = {
    "path": [
        ("simple", False),
        ("simple", True),
        ("label", False),
        ("label", True),
        ("matrix", False),
        ("matrix", True),
    ],
    "query": [
        ("form", True),
        ("form", False),
        ("spaceDelimited", False),
        ("pipeDelimited", False),
        ("deepObject", True),
    ],
    "header": [("simple", False), ("simple", True)],
    "form": [("form", True), ("form", False), ("deepObject", True)],
}


def texts(place: str, style: str, *, is_part: bool) -> st.SearchStrategy[str]:
    """Return texts that can stand in a place at all: what cannot is refused, and has tests of its own."""
    if place == "path":
        found = IN_PATH
    elif place == "header":
        found = IN_HEADER.filter(lambda text: not is_part or "=" not in text)
    else:
        found = ANY_TEXT
    signs = {"spaceDelimited": " ", "pipeDelimited": "|"}
    return found.filter(lambda text: not is_part or signs.get(style, "\ud800") not in text)


@st.composite
def values(draw: Draw, place: str, style: str, explode: bool, name: str) -> tuple[dict[str, Any], Any]:
    """Return a schema and a value of it that the style can carry."""
    shapes = ["scalar", "array", "object"]
    if style in ("spaceDelimited", "pipeDelimited"):
        shapes = ["array", "object"]
    shape = draw(st.sampled_from(shapes))
    is_dotted = place == "path" and style == "label" and explode
    kinds = ["string", "integer", "boolean"] + ([] if is_dotted else ["number"])

    def scalar(*, is_part: bool) -> tuple[dict[str, Any], Any]:
        kind = draw(st.sampled_from(kinds))
        by_kind = {
            "string": texts(place, style, is_part=is_part),
            "integer": st.integers(-(2**53), 2**53),
            "boolean": st.booleans(),
            "number": st.floats(allow_nan=False, allow_infinity=False),
        }
        return {"type": kind}, draw(by_kind[kind])

    if shape == "scalar":
        return scalar(is_part=False)
    if shape == "array":
        schema, first = scalar(is_part=True)
        rest = (
            [draw(texts(place, style, is_part=True)) for _ in range(draw(st.integers(0, 3)))]
            if schema == {"type": "string"}
            else []
        )
        return {"type": "array", "items": schema}, [first, *rest]
    parts = {f"{name}_{key}": scalar(is_part=True) for key in draw(st.lists(WORD, min_size=1, max_size=3, unique=True))}
    schema = {"type": "object", "properties": {key: part[0] for key, part in parts.items()}}
    return schema, {key: part[1] for key, part in parts.items()}


@st.composite
def json_values(draw: Draw) -> tuple[dict[str, Any], Any]:
    leaves = (
        st.none()
        | st.booleans()
        | st.integers(-(2**53), 2**53)
        | st.floats(allow_nan=False, allow_infinity=False)
        | ANY_TEXT
    )
    return {}, draw(
        st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3))
    )


@st.composite
def asked(draw: Draw) -> tuple[Operation, dict[str, Any]]:
    """Return an operation and arguments that are valid for it."""
    schemas: dict[str, Any] = {}
    arguments: dict[str, Any] = {}
    parameters: list[Parameter] = []
    path = "/things"
    for number in range(draw(st.integers(0, 4))):
        place = draw(st.sampled_from(["path", "query", "header"]))
        style, explode = draw(st.sampled_from(STYLES[place]))
        name = {"header": f"X-P{number}", "path": f"p{number}"}.get(place) or draw(
            st.sampled_from([f"p{number}", f"p[{number}].ä"])
        )
        is_json = place == "query" and style == "form" and draw(st.booleans())
        schema, value = draw(json_values() if is_json else values(place, style, explode, f"q{number}"))
        if is_json and value is None:
            continue
        parameters.append(Parameter(f"a{number}", name, place, place == "path", style, explode, is_json))
        schemas[f"a{number}"], arguments[f"a{number}"] = schema, value
        if place == "path":
            path += f"/{{{name}}}"
    body = draw(bodies(schemas, arguments))
    made = operation(*parameters, schemas=schemas, method="POST" if body else "GET", path=path, body=body)
    return made, arguments


@st.composite
def bodies(draw: Draw, schemas: dict[str, Any], arguments: dict[str, Any]) -> Body | None:
    kind = draw(st.sampled_from([None, "json", "whole", "form", "multipart", "text"]))
    properties = []
    for number in range(draw(st.integers(1, 3)) if kind in ("json", "form", "multipart") else 0):
        name, argument = f"b{number}", f"body_{number}"
        style, explode = draw(st.sampled_from(STYLES["form"])) if kind == "form" else ("form", True)
        is_file = kind == "multipart" and draw(st.booleans())
        if kind == "json":
            schemas[argument], arguments[argument] = draw(json_values())
        elif is_file:
            schemas[argument] = {"type": "string"}
            arguments[argument] = base64.b64encode(draw(st.binary(min_size=1, max_size=20))).decode()
        else:
            schemas[argument], arguments[argument] = draw(values("form", style, explode, name))
        properties.append(Property(argument, name, style, explode, is_file=is_file))
    match kind:
        case "json":
            return Body("json", "application/json", properties=tuple(properties))
        case "form":
            return Body("form", "application/x-www-form-urlencoded", properties=tuple(properties))
        case "multipart":
            return Body("multipart", "multipart/form-data", properties=tuple(properties))
        case "whole":
            schemas["body"], arguments["body"] = draw(json_values())
            return Body("json", "application/json", whole="body")
        case "text":
            schemas["body"], arguments["body"] = {"type": "string"}, draw(ANY_TEXT)
            return Body("text", "text/plain", whole="body")
    return None


@settings(deadline=None, max_examples=examples(150), suppress_health_check=list(HealthCheck))
@given(asked())
async def test_the_request_that_leaves_carries_the_values_that_were_given(
    case: tuple[Operation, dict[str, Any]],
) -> None:
    """G211: for operations and arguments of all kinds, over a real connection."""
    made, arguments = case
    requests: list[Request] = []

    async def respond(request: Request, connection: Connection) -> None:
        requests.append(request)
        await connection.respond(200, b"{}")

    async with listen(respond) as url, Backend(url) as client:
        await call_operation(made, client.session(CONTEXT), arguments, most_bytes=1000)
    found = read_request(made, requests[0])
    assert found == arguments
    Draft202012Validator(dict(made.schema)).validate(found)
