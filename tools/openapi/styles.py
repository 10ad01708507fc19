"""Values written into a path, a query, a header or a form, by the styles of OpenAPI 3.1.1 ("Style Values", "Style Examples").

The invariant: what is written is read back as the same values by whoever splits it before decoding it, as the specification
wants; where that cannot be had, since a value holds the sign that separates values, it is refused and not sent.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any
from urllib.parse import quote

import orjson

from agent.errors import ToolError
from tools.backends.paths import segment
from tools.openapi.operation import Parameter, Property

Pair = tuple[str, str]
"""A name and a value of a query or form, both encoded."""
ALLOWED = "/:?@!$'()*"
"""Reserved characters that may stand as they are where `allowReserved` says so; the others would end the value."""
SEPARATORS = {"spaceDelimited": "%20", "pipeDelimited": "%7C"}
MAX_HEADER_CHARACTERS = 4096
"""Servers take about twice that for all headers together."""
_HEADER_TEXT = re.compile(r"(?:[!-~](?:[ -~]*[!-~])?)?")


def text_of(value: Any) -> str:
    """Return a value as one text: a number and a boolean as in JSON, an array or object as JSON, null as nothing."""
    if value is None:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def in_query(item: Parameter | Property, value: Any, *, taken: Collection[str] = ()) -> Iterator[Pair]:
    """Yield what stands in a query or a form for a value. An empty list or object is nothing, as in RFC 6570.

    `taken` are names that a free key of an exploded object must not have, since they are other parameters'.

    Raises:
        ToolError: the value cannot be written so that it is read as it was meant.
    """
    name = quote(item.name, safe="")
    safe = ALLOWED if isinstance(item, Parameter) and item.allow_reserved else ""
    if item.style == "deepObject" and isinstance(value, list | dict):
        yield from _deep(item, name, value)
    elif isinstance(value, dict) and item.explode:
        for key, one in _given(value):
            if key in taken and key != item.name:
                raise ToolError(f"{item.argument}: the key {key[:100]!r} has a meaning of its own. Leave it out.")
            yield quote(key, safe=""), quote(text_of(one), safe=safe)
    elif isinstance(value, list) and item.explode:
        yield from ((name, quote(text_of(one), safe=safe)) for one in value if one is not None)
    elif isinstance(value, list | dict):
        if pieces := _flat(value):
            yield name, _separated(item, [quote(text_of(one), safe=safe) for one in pieces])
    else:
        yield name, quote(text_of(value), safe=safe)


def in_path(parameter: Parameter, value: Any) -> str:
    """Return what stands in a path for a value: a part of one segment, whatever a model wrote.

    Raises:
        ToolError: no server would read it as a part of one segment.
    """
    sign = {"label": ".", "matrix": ";"}.get(parameter.style, "")
    name = quote(parameter.name, safe="")
    if not isinstance(value, list | dict):
        if sign == ";":
            return f";{name}={_piece(parameter, value)}" if value != "" else f";{name}"
        return sign + _piece(parameter, value)
    between = (sign or ",") if parameter.explode else ","
    if isinstance(value, dict) and parameter.explode:
        pieces = [f"{_piece(parameter, key)}={_piece(parameter, one)}" for key, one in _given(value)]
    else:
        pieces = [_piece(parameter, one) for one in _flat(value)]
    if not pieces:
        raise ToolError(f"{parameter.argument} must not be empty.")
    if between == "." and any("." in piece for piece in pieces):
        raise ToolError(f"{parameter.argument}: a value must not hold a dot.")
    if sign == ";" and not (isinstance(value, dict) and parameter.explode):
        return "".join(f";{name}={piece}" for piece in pieces) if parameter.explode else f";{name}={','.join(pieces)}"
    return sign + between.join(pieces)


def in_header(parameter: Parameter, value: Any) -> str | None:
    """Return what stands in a header for a value; None where it is an empty list or object.

    Raises:
        ToolError: it holds more than the visible characters of ASCII with spaces between them, or a comma within a list.
    """
    if not isinstance(value, list | dict):
        return _line(parameter, text_of(value))
    texts = [text_of(one) for one in _flat(value)]
    if any("," in text or text != text.strip() for text in texts):
        raise ToolError(f"{parameter.argument}: a value must not hold a comma, nor begin or end with a space.")
    if isinstance(value, dict) and parameter.explode:
        if any("=" in key for key in texts[::2]):
            raise ToolError(f"{parameter.argument}: a key must not hold an equals sign.")
        texts = [f"{key}={text}" for key, text in zip(texts[::2], texts[1::2], strict=True)]
    return _line(parameter, ",".join(texts)) if texts else None


def _line(parameter: Parameter, text: str) -> str:
    if len(text) > MAX_HEADER_CHARACTERS:
        raise ToolError(f"{parameter.argument} is too long: at most {MAX_HEADER_CHARACTERS} characters.")
    if not _HEADER_TEXT.fullmatch(text):
        raise ToolError(f"{parameter.argument} must be one line of plain ASCII characters, without spaces around it.")
    return text


def _piece(parameter: Parameter, value: Any) -> str:
    try:
        return segment(text_of(value))
    except ToolError:
        raise ToolError(
            f"{parameter.argument} cannot be a part of a path: {text_of(value)[:100]!r}. It must not be empty, hold slashes, "
            "be made of dots, or be encoded already."
        ) from None


def _given(value: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(key, one) for key, one in value.items() if one is not None]


def _flat(value: list[Any] | dict[str, Any]) -> Sequence[Any]:
    """Return the items, or keys and values in turn. What is null is not there, as in RFC 6570."""
    if isinstance(value, dict):
        return [part for pair in _given(value) for part in pair]
    return [one for one in value if one is not None]


def _separated(item: Parameter | Property, pieces: list[str]) -> str:
    separator = SEPARATORS.get(item.style, ",")
    if separator != "," and any(separator in piece for piece in pieces):
        raise ToolError(f"{item.argument}: a value must not hold the sign that separates values, a space or a |.")
    return separator.join(pieces)


def _deep(item: Parameter | Property, prefix: str, value: Any) -> Iterator[Pair]:
    """Yield `a[b][c]=…`. Lists are `a[]=…&a[]=…`, and `a[0][b]=…` where their items have parts of their own."""
    if isinstance(value, dict):
        for key, one in value.items():
            if not key or "[" in key or "]" in key:
                raise ToolError(f"{item.argument}: a key must not be empty or hold brackets: {key[:100]!r}.")
            yield from _deep(item, f"{prefix}%5B{quote(key, safe='')}%5D", one)
    elif isinstance(value, list):
        has_parts = any(isinstance(one, list | dict) for one in value)
        for number, one in enumerate(value):
            yield from _deep(item, f"{prefix}%5B{number if has_parts else ''}%5D", one)
    else:
        yield prefix, quote(text_of(value), safe="")
