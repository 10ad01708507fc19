"""An operation and its arguments as a request: where each of them goes, and how it is written there.

The invariant: an argument can only be a value in the place that the document gives it. It makes no path longer, no header of
another name, no further parameter, and no part of a body that was not asked for.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson

from agent.errors import ToolError
from tools.backends.headers import is_free
from tools.openapi.bodies import body_of
from tools.openapi.operation import Operation, Parameter
from tools.openapi.styles import Pair, in_header, in_path, in_query

MAX_QUERY_CHARACTERS = 32 * 1024
"""Most servers take less, and say so; clients do not send more than 64 KiB."""
MAX_ACCEPTED = 8
_HOLE = re.compile(r"\{([^{}]*)\}")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_TEXT = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+*-]+/[A-Za-z0-9!#$&^_.+*-]+")


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request as it will be sent. `query` is encoded; the body, if there is one, is of the `media_type`."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    content: bytes | None = None
    media_type: str | None = None


def request_of(operation: Operation, arguments: Mapping[str, Any]) -> Outgoing:
    """Return the request for arguments that are valid.

    Raises:
        ToolError: an argument holds what cannot stand in its place.
    """
    content, media_type = body_of(operation.body, arguments) if operation.body is not None else (None, None)
    return Outgoing(
        operation.method.upper(),
        _path(operation, arguments),
        _query(operation, arguments),
        _headers(operation, arguments),
        content,
        media_type,
    )


def _path(operation: Operation, arguments: Mapping[str, Any]) -> str:
    by_name = {one.name: one for one in operation.parameters if one.place == "path"}

    def fill(hole: re.Match[str]) -> str:
        parameter = by_name.get(hole[1])
        if parameter is None or arguments.get(parameter.argument) is None:
            raise ToolError(f"{parameter.argument if parameter else hole[1]} is missing.")
        return in_path(parameter, _whole(parameter, arguments[parameter.argument]))

    parts = _HOLE.split(operation.path)  # text and names in turn
    found = iter(_HOLE.finditer(operation.path))
    return "".join(
        fill(next(found)) if at % 2 else quote(part, safe="/%:@!$&'()*+,;=~") for at, part in enumerate(parts)
    )


def _whole(parameter: Parameter, value: Any) -> Any:
    """Return the value, or its JSON as text where the document wants that."""
    return orjson.dumps(value).decode() if parameter.is_json else value


def _given(operation: Operation, arguments: Mapping[str, Any], *, place: str) -> Iterator[tuple[Parameter, Any]]:
    for parameter in operation.parameters:
        if parameter.place == place and arguments.get(parameter.argument) is not None:
            yield parameter, _whole(parameter, arguments[parameter.argument])


def _query(operation: Operation, arguments: Mapping[str, Any]) -> str:
    taken = {one.name for one in operation.parameters if one.place == "query"}
    pairs: list[Pair] = []
    for parameter, value in _given(operation, arguments, place="query"):
        pairs += in_query(parameter, value, taken=taken)
    query = "&".join(f"{name}={value}" for name, value in pairs)
    if len(query) > MAX_QUERY_CHARACTERS:
        raise ToolError("The arguments are too long for an address. Give fewer or shorter values.")
    return query


def _headers(operation: Operation, arguments: Mapping[str, Any]) -> dict[str, str]:
    headers = {
        name: text
        for name, text in operation.fixed_headers.items()
        if _HEADER_NAME.fullmatch(name) and _HEADER_TEXT.fullmatch(text)
    }
    for parameter, value in _given(operation, arguments, place="header"):
        text = in_header(parameter, value)
        if text is not None and _HEADER_NAME.fullmatch(parameter.name):
            headers[parameter.name] = text
    headers.setdefault("Accept", _accepted(operation))
    return {name: text for name, text in headers.items() if is_free(name)}


def _accepted(operation: Operation) -> str:
    """Return what is asked for: JSON before all else that the document knows."""
    known = [one for one in operation.media_types if _MEDIA_TYPE.fullmatch(one)][:MAX_ACCEPTED]
    ordered = sorted(known, key=lambda one: "json" not in one)
    return ", ".join(ordered) or "application/json"
