"""A server's word on what came of a call, as a result for the model. All of it is the server's data, its errors as well."""

import base64
import json
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import mcp_types as types
import orjson

from agent.errors import ToolError
from agent.toolkit import File, ToolResult
from tools.backends.parsing import BodyError, parse

ERROR_CHARACTERS = 1000

T = TypeVar("T")


class InputWantedError(Exception):
    """The server wants something of the user, or of a model of ours, before it goes on. It gets nothing."""


def finished(result: T | types.InputRequiredResult) -> T:
    """Return a result that is one.

    Raises:
        InputWantedError: it is a question instead.
    """
    if isinstance(result, types.InputRequiredResult):
        raise InputWantedError
    return result


def told(result: types.CallToolResult, *, is_structured: bool) -> object:
    """Return a result: its structured content where the tool has a schema for that, and else its parts.

    Resources with an address of the web are what it cites, unless their annotations say that they are for the model alone; and so are
    the `sources` of its structured content.
    Bytes are not among what a model reads: a picture is told as "an image (png, 12 KB)", and people get it as a file.

    Raises:
        ToolError: the tool says that it failed.
    """
    if result.is_error:
        raise ToolError(f"The tool failed: {_joined(result.content)[:ERROR_CHARACTERS] or 'it does not say why'}")
    files = [file for part in result.content if (file := _file(part)) is not None]
    sources = [*_cited(result.content), *_listed(result.structured_content)]
    value = _told(result, is_structured=is_structured)
    return ToolResult(value, files, sources) if files or sources else value


def _told(result: types.CallToolResult, *, is_structured: bool) -> object:
    if result.structured_content is None or not (is_structured or not result.content):
        return _parts(result.content)
    others = [_shown(part) for part in result.content if not isinstance(part, types.TextContent)]
    structured = _plain(result.structured_content)
    return {"result": structured, "also": others} if others else structured


def _cited(content: Sequence[types.ContentBlock]) -> Iterator[dict[str, object]]:
    for part in content:
        audience = part.annotations.audience if part.annotations is not None else None
        if audience and "user" not in audience:
            continue
        match part:
            case types.ResourceLink():
                yield {"title": part.title or part.name, "url": str(part.uri), "snippet": part.description}
            case types.EmbeddedResource(resource=resource):
                text = resource.text if isinstance(resource, types.TextResourceContents) else ""
                yield {"url": str(resource.uri), "snippet": text}


def _listed(structured: object) -> Sequence[object]:
    found = structured.get("sources") if isinstance(structured, dict) else None
    return found if isinstance(found, list) else ()


def _file(part: types.ContentBlock) -> File | None:
    """Return the bytes that a part holds; None where it holds none that can be read."""
    match part:
        case types.ImageContent():
            name, data = "picture", part.data
        case types.EmbeddedResource(resource=types.BlobResourceContents() as resource):
            name, data = str(resource.uri).rstrip("/").rpartition("/")[2], resource.blob
        case _:
            return None
    try:
        return File(name, base64.b64decode(data, validate=True))
    except ValueError:
        return None


def read(result: types.ReadResourceResult) -> object:
    """Return what a resource holds."""
    return _value("\n\n".join(_resource(one) for one in result.contents))


def prompted(result: types.GetPromptResult) -> object:
    """Return a prompt as the messages that it is made of."""
    messages = [{"role": one.role, "text": _shown(one.content)} for one in result.messages]
    return {"description": result.description, "messages": messages} if result.description else {"messages": messages}


def _plain(value: object) -> object:
    """Return what a server says as data, or as text where it is nested or counts further than we do."""
    try:
        orjson.dumps(value)
    except TypeError:
        return json.dumps(value, ensure_ascii=False)
    return value


def _parts(content: Sequence[types.ContentBlock]) -> object:
    if not content:
        return {"ok": True}
    return _value(_joined(content))


def _joined(content: Sequence[types.ContentBlock]) -> str:
    return "\n\n".join(map(_shown, content))


def _value(text: str) -> object:
    """Return what a text of JSON stands for, so that fields of it can be picked; any other text, and more of it than is taken, as it is."""
    if text[:1] in ("{", "["):
        try:
            return parse(text.encode())
        except (BodyError, UnicodeEncodeError):
            return text
    return text


def _shown(part: Any) -> str:
    match part:
        case types.TextContent():
            return part.text
        case types.ImageContent():
            return f"[{_sized('an image', part.mime_type, part.data)}]"
        case types.AudioContent():
            return f"[{_sized('a recording', part.mime_type, part.data)}]"
        case types.ResourceLink():
            return f"[a resource: {part.title or part.name}, {part.uri}]"
        case types.EmbeddedResource():
            return _resource(part.resource)
        case _:
            return "[something that cannot be shown]"


def _resource(resource: types.TextResourceContents | types.BlobResourceContents) -> str:
    if isinstance(resource, types.TextResourceContents):
        return resource.text
    return f"[{_sized('a file', resource.mime_type, resource.blob)}: {resource.uri}]"


def _sized(kind: str, mime_type: str | None, data: str) -> str:
    size = len(data) * 3 // 4
    shown = (
        f"{size} bytes" if size < 1024 else f"{size / 1024:.0f} KB" if size < 1024**2 else f"{size / 1024**2:.1f} MB"
    )
    return f"{kind} ({(mime_type or 'of an unknown type').rpartition('/')[2][:40]}, {shown})"
