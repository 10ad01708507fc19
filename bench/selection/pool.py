"""The pool's operations as tools, read plainly from their documents: names, descriptions, arguments, tags and paths.

What they would do is left out: they are only ranked.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import orjson

from agent.toolkit import Origin, Tool
from bench.selection.data import Tool as Named

DOCUMENTS = Path(__file__).parents[2] / ".documents"
_MARKUP = re.compile(r"<[^>]+>")
_INVALID = re.compile(r"[^A-Za-z0-9_-]+")
DESCRIPTION = 600
"""Characters of a description that a model is shown."""
DEPTH = 2
"""How deep a schema's references are followed: the rest is what a model is told by their names alone."""


def read_pool(pool: Sequence[Named]) -> dict[str, Tool]:
    """Return the tools by the names that questions want them by; each has a name of its own, as a toolset's have."""
    found: dict[str, Tool] = {}
    taken: set[str] = set()
    for named in pool:
        method, path = named.operation.split(" ", 1)
        tool = _tool(named.document, method, path, taken)
        taken.add(tool.name)
        found[named.name] = tool
    return found


@cache
def _document(name: str) -> Any:
    return orjson.loads((DOCUMENTS / name).read_bytes())


def _tool(document: str, method: str, path: str, taken: set[str]) -> Tool:
    whole = _document(document)
    item = whole["paths"][path]
    operation = item[method.lower()]
    about = [_plain(operation.get(part)) for part in ("summary", "description")]
    shown = ". ".join(dict.fromkeys(part for part in about if part))[:DESCRIPTION]
    return Tool(
        _name(operation.get("operationId") or f"{method} {path}", taken),
        shown or path,
        _schema(whole, [*item.get("parameters", ()), *operation.get("parameters", ())], operation.get("requestBody")),
        _nothing,
        risk="read" if method == "GET" else "write",
        origin=Origin(tuple(operation.get("tags", ())), method, path),
    )


def _name(operation_id: str, taken: set[str]) -> str:
    base = _INVALID.sub("_", operation_id).strip("_")[:60]
    return next(name for number in range(1, 99) if (name := base if number == 1 else f"{base}_{number}") not in taken)


def _schema(whole: Any, parameters: Sequence[Any], body: Any) -> Mapping[str, Any]:
    properties: dict[str, Any] = {}
    for parameter in (_resolved(whole, one) for one in parameters):
        if parameter.get("in") in ("path", "query"):
            properties[parameter["name"]] = _argument(whole, parameter.get("schema") or {}, parameter)
    contents = (_resolved(whole, body or {}).get("content") or {}).values()
    schema = _resolved(whole, next((one.get("schema") or {} for one in contents), {}))
    for name, one in _properties(whole, schema, DEPTH):
        properties.setdefault(name, _argument(whole, _resolved(whole, one), {}))
    return {"type": "object", "properties": properties}


def _properties(whole: Any, schema: Any, depth: int) -> Iterator[tuple[str, Any]]:
    yield from (schema.get("properties") or {}).items()
    for part in schema.get("allOf", ()) if depth else ():
        yield from _properties(whole, _resolved(whole, part), depth - 1)


def _argument(whole: Any, schema: Any, said: Any) -> dict[str, Any]:
    about = _plain(said.get("description") or schema.get("description"))[:120]
    kind = _resolved(whole, schema).get("type", "string")
    return {"type": kind, "description": about} if about else {"type": kind}


def _resolved(whole: Any, part: Any) -> Any:
    for _ in range(8):
        if "$ref" not in part:
            break
        at = whole
        for step in part["$ref"].removeprefix("#/").split("/"):
            at = at[int(step)] if isinstance(at, list) else at[unquote(step).replace("~1", "/").replace("~0", "~")]
        part = at
    return part


def _plain(text: object) -> str:
    return " ".join(_MARKUP.sub(" ", text).split()) if isinstance(text, str) else ""


async def _nothing(*_: Any) -> object:
    return None
