"""Bodies of requests: JSON, forms, parts with files, text, and files."""

import binascii
import re
import secrets
from base64 import b64decode
from collections.abc import Iterator, Mapping
from mimetypes import guess_extension
from typing import Any

import orjson

from agent.errors import ToolError
from tools.openapi.operation import Body, Property
from tools.openapi.styles import Pair, in_query, text_of

DEFAULTS = {
    "json": "application/json",
    "form": "application/x-www-form-urlencoded",
    "multipart": "multipart/form-data",
    "text": "text/plain; charset=utf-8",
    "file": "application/octet-stream",
}
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(; ?[A-Za-z0-9-]+=[A-Za-z0-9._-]+)*")
_DATA_URL = re.compile(r"data:[^,]{0,200};base64,")


def body_of(body: Body, arguments: Mapping[str, Any]) -> tuple[bytes | None, str | None]:
    """Return the body and its media type; None for both where it is optional and no argument of it was given.

    Raises:
        ToolError: an argument holds what cannot be written.
    """
    if body.whole is not None:
        if body.whole not in arguments:
            return None, None
        value = arguments[body.whole]
    else:
        given = [one for one in body.properties if one.argument in arguments]
        if not given and not body.is_required:
            return None, None
        value = {one.name: arguments[one.argument] for one in given}
    media_type = body.media_type if _MEDIA_TYPE.fullmatch(body.media_type) else DEFAULTS[body.kind]
    match body.kind:
        case "json":
            return orjson.dumps(value), media_type
        case "form":
            return _form(body, value).encode(), media_type
        case "multipart":
            return _multipart(body, value, media_type)
        case "text":
            has_charset = "charset" in media_type or not media_type.startswith("text/")
            return text_of(value).encode(), media_type if has_charset else f"{media_type}; charset=utf-8"
        case "file":
            return _file(value, argument=body.whole or "body"), media_type


def _properties(body: Body, value: Any) -> Iterator[tuple[Property, Any]]:
    """Yield the parts of a body and their values; those of a whole one are as its keys are."""
    if not isinstance(value, dict):
        raise ToolError(f"{body.whole} must be an object.")
    known = {one.name: one for one in body.properties}
    for name, one in value.items():
        yield known.get(name) or Property(body.whole or name, name), one


def _form(body: Body, value: Any) -> str:
    taken = {one.name for one in body.properties}
    pairs: list[Pair] = []
    for item, one in _properties(body, value):
        if item.media_type is not None and "json" in item.media_type:
            one = orjson.dumps(one).decode()
        pairs += in_query(item, one, taken=taken)
    return "&".join(f"{name}={text}" for name, text in pairs)


def _multipart(body: Body, value: Any, media_type: str) -> tuple[bytes, str]:
    parts = [part for item, one in _properties(body, value) for part in _parts(item, one)]
    boundary = secrets.token_hex(16)
    while any(boundary.encode() in part for part in parts):
        boundary = secrets.token_hex(16)
    mark = b"--" + boundary.encode()
    content = b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts) + mark + b"--\r\n"
    return content, f"{media_type.partition(';')[0]}; boundary={boundary}"


def _parts(item: Property, value: Any) -> Iterator[bytes]:
    """Yield the parts for one property: one for each item of a list, unless it is written as JSON."""
    is_json = item.media_type is not None and "json" in item.media_type
    if isinstance(value, list) and not is_json:
        for one in value:
            yield _part(item, one)
    elif value is not None or is_json:
        yield _part(item, value)


def _part(item: Property, value: Any) -> bytes:
    wanted = (item.media_type or "").partition(",")[0].strip()
    kind = wanted if _MEDIA_TYPE.fullmatch(wanted) else None
    name = _quoted(item.name)
    if item.is_file:
        kind = kind or "application/octet-stream"
        filename = _quoted(item.name + (guess_extension(kind.partition(";")[0]) or ""))
        head = f'Content-Disposition: form-data; name="{name}"; filename="{filename}"\r\nContent-Type: {kind}'
        return head.encode() + b"\r\n\r\n" + _file(value, argument=item.argument)
    if isinstance(value, list | dict) or (kind is not None and "json" in kind):
        kind, content = kind or "application/json", orjson.dumps(value)
    else:
        content = text_of(value).encode()
    head = f'Content-Disposition: form-data; name="{name}"' + (f"\r\nContent-Type: {kind}" if kind else "")
    return head.encode() + b"\r\n\r\n" + content


def _file(value: Any, *, argument: str) -> bytes:
    """Return the bytes of a file, which a model gives in base64, in either alphabet, with its padding or without."""
    text = "".join(_DATA_URL.sub("", value, count=1).split()) if isinstance(value, str) else ""
    plain = text.rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        if not isinstance(value, str):
            raise TypeError
        return b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise ToolError(f"{argument} must be a file in base64.") from None


def _quoted(name: str) -> str:
    """Return a name as it stands between the quotes of a part's head (WHATWG's rule for forms)."""
    quoted = name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    return "".join(sign for sign in quoted if sign >= " " and sign != "\x7f")
