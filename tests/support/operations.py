"""Operations for tests, and a reader of the requests that they make.

The reader is written from the text of OpenAPI 3.1.1 ("Style Values", "Style Examples", "Encoding Object") and RFC 6570, as a
server would have it: it splits what came as bytes, then decodes, and turns texts into the types that the schema names.
"""

import base64
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote
from uuid import UUID

import orjson
from support.http import Request

from agent.principal import Credential, Principal
from agent.toolkit import CallContext, Risk
from tools.openapi.operation import Body, Operation, Pagination, Parameter

CONTEXT = CallContext(Principal("acme", "ann", credential=Credential("ann's-token")), UUID(int=1), "call-1", 3)
TEXT = {"type": "string"}
INTEGER = {"type": "integer"}
TEXTS = {"type": "array", "items": TEXT}
COLOR = {"type": "object", "properties": {"R": INTEGER, "G": INTEGER, "B": INTEGER}}


def operation(
    *parameters: Parameter,
    schemas: dict[str, Any] | None = None,
    method: str = "GET",
    path: str = "/things",
    required: tuple[str, ...] = (),
    body: Body | None = None,
    risk: Risk = "read",
    pagination: Pagination | None = None,
    fixed_headers: dict[str, str] | None = None,
    media_types: tuple[str, ...] = ("application/json",),
    definitions: dict[str, Any] | None = None,
) -> Operation:
    """Return an operation whose arguments are these parameters and what `schemas` says of each; text where it says nothing."""
    names = [one.argument for one in parameters]
    if body is not None:
        names += [one.argument for one in body.properties] + ([body.whole] if body.whole else [])
    properties = {name: (schemas or {}).get(name, TEXT) for name in names}
    schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        schema["required"] = list(required)
    if definitions:
        schema["$defs"] = definitions
    return Operation(
        "things",
        method,
        path,
        "Things.",
        schema,
        risk,
        parameters=parameters,
        body=body,
        pagination=pagination,
        fixed_headers=fixed_headers or {},
        media_types=media_types,
    )


def read_request(operation: Operation, request: Request) -> dict[str, Any]:
    """Return the arguments that a server finds in a request."""
    raw_path, _, raw_query = request.path.partition("?")
    pairs = [tuple(part.partition("=")[::2]) for part in raw_query.split("&")] if raw_query else []
    properties = operation.schema["properties"]
    found = _in_path(operation, raw_path)
    for one in operation.parameters:
        schema = properties[one.argument]
        if one.place == "query":
            value = _in_pairs(pairs, one.name, schema, one.style, one.explode, is_json=one.is_json)
        elif one.place == "header":
            value = _in_header(request.headers.get(one.name.lower()), schema, one.explode)
        else:
            continue
        if value is not None:
            found[one.argument] = value
    if operation.body is not None:
        found |= _in_body(operation.body, request, properties)
    return found


def _typed(text: str, schema: dict[str, Any]) -> Any:
    match schema.get("type"):
        case "integer":
            assert re.fullmatch(r"-?\d+", text), text
            return int(text)
        case "number":
            return float(text)
        case "boolean":
            assert text in ("true", "false"), text
            return text == "true"
    return text


def _split(text: str, sign: str, schema: dict[str, Any], *, explode: bool, between: str = ",") -> Any:
    """Return what a text is in a path or header: one value, several, or keys and values."""
    if schema["type"] == "array":
        return [_typed(unquote(one), schema["items"]) for one in text.split(sign if explode else between)]
    if schema["type"] != "object":
        return _typed(unquote(text), schema)
    if explode:
        pairs = [tuple(part.partition("=")[::2]) for part in text.split(sign)]
    else:
        flat = text.split(between)
        pairs = list(zip(flat[::2], flat[1::2], strict=True))
    return {unquote(key): _typed(unquote(one), schema["properties"][unquote(key)]) for key, one in pairs}


def _in_path(operation: Operation, path: str) -> dict[str, Any]:
    by_name = {one.name: one for one in operation.parameters if one.place == "path"}
    names = re.findall(r"\{([^{}]+)\}", operation.path)
    expression = re.sub(r"\\\{[^{}]+\\\}", "([^/]*)", re.escape(operation.path))
    matched = re.fullmatch(expression, path)
    assert matched is not None, f"{path} is not a path of {operation.path}"
    found = {}
    for name, text in zip(names, matched.groups(), strict=True):
        one = by_name[name]
        schema = operation.schema["properties"][one.argument]
        if one.style == "label":
            assert text.startswith(".")
            value = _split(text[1:], ".", schema, explode=one.explode)
        elif one.style == "matrix":
            value = _in_matrix(text, name, schema, explode=one.explode)
        else:
            value = _split(text, ",", schema, explode=one.explode)
        found[one.argument] = value
    return found


def _in_matrix(text: str, name: str, schema: dict[str, Any], *, explode: bool) -> Any:
    assert text.startswith(";")
    pairs = [tuple(part.partition("=")[::2]) for part in text[1:].split(";")]
    if schema["type"] == "object" and explode:
        return {unquote(key): _typed(unquote(one), schema["properties"][unquote(key)]) for key, one in pairs}
    assert all(unquote(key) == name for key, _ in pairs)
    if schema["type"] == "array" and explode:
        return [_typed(unquote(one), schema["items"]) for _, one in pairs]
    assert len(pairs) == 1
    return _split(pairs[0][1], ",", schema, explode=False)


def _in_pairs(
    pairs: list[Any], name: str, schema: dict[str, Any], style: str, explode: bool, *, is_json: bool = False
) -> Any:
    own = [value for key, value in pairs if unquote(key) == name]
    if is_json:
        return orjson.loads(unquote(own[0])) if own else None
    if style == "deepObject" and schema.get("type") in ("object", "array"):
        return _deep(pairs, name, schema)
    if schema.get("type") == "object" and explode:
        parts = {unquote(key): unquote(value) for key, value in pairs}
        known = {key: _typed(parts[key], part) for key, part in schema["properties"].items() if key in parts}
        return known or None
    if not own:
        return None
    if schema.get("type") == "array" and explode:
        return [_typed(unquote(one), schema["items"]) for one in own]
    between = {"spaceDelimited": "%20", "pipeDelimited": "%7C"}.get(style, ",")
    return _split(own[0], "&", schema, explode=False, between=between)


def _deep(pairs: list[Any], name: str, schema: dict[str, Any]) -> Any:
    """Return what `a[b][]=…` stands for, put together key by key as Rails' and Stripe's servers do."""
    tree: Any = None
    for key, value in pairs:
        text = unquote(key)
        if not text.startswith(f"{name}["):
            continue
        steps = re.findall(r"\[([^\[\]]*)\]", text[len(name) :])
        assert text == name + "".join(f"[{step}]" for step in steps)
        tree = _planted(tree, steps, unquote(value))
    return _grown(tree, schema) if tree is not None else None


def _planted(tree: Any, steps: list[str], value: str) -> Any:
    if not steps:
        return value
    if steps[0] == "":
        return [*(tree or []), _planted(None, steps[1:], value)]
    tree = tree or {}
    return {**tree, steps[0]: _planted(tree.get(steps[0]), steps[1:], value)}


def _grown(tree: Any, schema: dict[str, Any]) -> Any:
    if schema["type"] == "array":
        items = [tree[str(number)] for number in range(len(tree))] if isinstance(tree, dict) else tree
        return [_grown(one, schema["items"]) for one in items]
    if schema["type"] == "object":
        return {key: _grown(one, schema["properties"][key]) for key, one in tree.items()}
    return _typed(tree, schema)


def _in_header(text: str | None, schema: dict[str, Any], explode: bool) -> Any:
    if text is None:
        return None
    if schema["type"] == "array":
        return [_typed(one, schema["items"]) for one in text.split(",")]
    if schema["type"] != "object":
        return _typed(text, schema)
    parts = text.split(",")
    pairs = (
        [tuple(one.partition("=")[::2]) for one in parts]
        if explode
        else list(zip(parts[::2], parts[1::2], strict=True))
    )
    return {key: _typed(one, schema["properties"][key]) for key, one in pairs}


def _in_body(body: Body, request: Request, properties: dict[str, Any]) -> dict[str, Any]:
    if not request.body and "content-type" not in request.headers:
        return {}
    kind = request.headers["content-type"]
    if body.kind == "text":
        assert body.whole is not None
        return {body.whole: request.body.decode()}
    if body.kind == "json":
        value = request.json
        return (
            {body.whole: value}
            if body.whole
            else {one.argument: value[one.name] for one in body.properties if one.name in value}
        )
    assert kind.startswith(body.media_type)
    if body.kind == "form":
        text = request.body.decode("ascii").replace("+", " ")
        pairs = [tuple(part.partition("=")[::2]) for part in text.split("&")] if text else []
        found = {
            one.argument: _in_pairs(
                pairs,
                one.name,
                properties[one.argument],
                one.style,
                one.explode,
                is_json=one.media_type == "application/json",
            )
            for one in body.properties
        }
        return {name: value for name, value in found.items() if value is not None}
    parts = read_parts(request)
    return {
        one.argument: _of_parts(parts[one.name], properties[one.argument], is_file=one.is_file)
        for one in body.properties
        if one.name in parts
    }


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a multipart body."""

    name: str
    filename: str | None
    media_type: str | None
    content: bytes


def read_parts(request: Request) -> dict[str, list[Part]]:
    """Return the parts of a multipart body by their names, split as RFC 2046 has it."""
    boundary = re.fullmatch(
        r"multipart/form-data; boundary=([0-9A-Za-z'()+_,./:=?-]{1,70})", request.headers["content-type"]
    )
    assert boundary is not None
    first, *pieces, last = (b"\r\n" + request.body).split(b"\r\n--" + boundary[1].encode())
    assert (first, last) == (b"", b"--\r\n")
    parts: dict[str, list[Part]] = {}
    for piece in pieces:
        head, blank, content = piece.partition(b"\r\n\r\n")
        assert blank
        lines = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
        said = dict(re.findall(r'(\w+)="([^"]*)"', lines["Content-Disposition"]))
        part = Part(said["name"], said.get("filename"), lines.get("Content-Type"), content)
        parts.setdefault(part.name, []).append(part)
    return parts


def _of_parts(parts: list[Part], schema: dict[str, Any], *, is_file: bool) -> Any:
    if is_file:
        content = [base64.b64encode(part.content).decode() for part in parts]
        return content if schema["type"] == "array" else content[0]
    texts = [part.content.decode() for part in parts]
    if schema["type"] == "array":
        return [_typed(one, schema["items"]) for one in texts]
    return orjson.loads(texts[0]) if schema["type"] == "object" else _typed(texts[0], schema)
