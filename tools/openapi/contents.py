"""The body that an operation takes: which of its media types is sent, and of which parts it is made."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tools.openapi.document import Document, Entry
from tools.openapi.flat import Flat, Flattening, merged
from tools.openapi.operation import BodyKind
from tools.openapi.parameters import is_told_secret
from tools.openapi.reading import ReadingError, shown

MAX_PROPERTIES = 1000
FILES = frozenset(
    {
        *("application/octet-stream", "application/pdf", "application/zip", "application/gzip", "application/x-gzip"),
        *("application/x-tar", "application/x-zip-compressed", "application/binary", "application/offset+octet-stream"),
    }
)
"""Types of bodies that are files, whatever is said of their schema; images, sound and films are, too."""
QUERY_STYLES = ("form", "spaceDelimited", "pipeDelimited", "deepObject")


@dataclass(frozen=True, slots=True)
class Part:
    """A property of a body, before it has a name among the arguments."""

    name: str
    schema: Any
    is_required: bool
    style: str = "form"
    explode: bool = True
    media_type: str | None = None
    is_file: bool = False


@dataclass(frozen=True, slots=True)
class Content:
    """A body. `whole` is its schema where it is one argument; else it is made of `parts`."""

    kind: BodyKind
    media_type: str
    is_required: bool
    parts: tuple[Part, ...] = ()
    whole: Any = None
    description: str = ""
    is_file: bool = False
    """Whether the model gives all of it in base64."""


def content_of(document: Document, flattening: Flattening, entry: Entry) -> Content | None:
    """Return the body of an operation; None where it has none, or an optional one that cannot be sent.

    Raises:
        ReadingError: it must have one, and that cannot be read or sent.
    """
    if "requestBody" not in entry.operation:
        return None
    try:
        body = document.followed(entry.operation["requestBody"])
        is_required = body.get("required") is True
        if entry.method == "GET" and not is_required:
            return None
        offered = body.get("content")
        if not isinstance(offered, Mapping):
            raise ReadingError("content must be an object", "content")
        chosen = _chosen(flattening, offered)
        if chosen is None and not is_required:
            return None
        if chosen is None:
            raise ReadingError(f"no body of {shown(', '.join(map(str, offered)) or 'no type')} can be sent", "content")
        key, kind, media_type = chosen
        try:
            return _content(flattening, body, document.followed(offered[key]), kind, media_type)
        except ReadingError as exc:
            raise exc.below("content", key) from None
    except ReadingError as exc:
        raise exc.below("requestBody") from None


def _chosen(flattening: Flattening, offered: Mapping[str, Any]) -> tuple[str, BodyKind, str] | None:
    """Return the key, the kind and the media type of what is sent: of those that are offered, what is said best in JSON."""
    ranked = [
        (found[0], number, key, found[1], found[2])
        for number, key in enumerate(offered)
        if (found := _ranked_with(flattening, key.partition(";")[0].strip().lower(), offered[key])) is not None
    ]
    if not ranked:
        return None
    _, _, key, kind, media_type = min(ranked)
    return key, kind, media_type


def _ranked_with(flattening: Flattening, media_type: str, said: Any) -> tuple[int, BodyKind, str] | None:
    """Return the rank, the kind and the media type: a type that says nothing itself is a file if its schema is one."""
    known = _ranked(media_type)
    if known is not None and "*" not in media_type:
        return known
    try:
        is_file = isinstance(said, Mapping) and said.get("schema") and _is_binary(flattening.of(said["schema"]))
    except ReadingError:
        is_file = False
    return (10, "file", media_type if "*" not in media_type else "application/octet-stream") if is_file else known


def _ranked(media_type: str) -> tuple[int, BodyKind, str] | None:
    match media_type:
        case "application/json":
            return 0, "json", media_type
        case "application/merge-patch+json":
            return 1, "json", media_type
        case "application/json-patch+json":
            return 4, "json", media_type
        case _ if media_type.endswith(("+json", "/json")):
            return 2, "json", media_type
        case "*/*" | "application/*":
            return 3, "json", "application/json"
        case "application/x-www-form-urlencoded":
            return 5, "form", media_type
        case "multipart/form-data":
            return 6, "multipart", media_type
        case "text/plain":
            return 7, "text", media_type
        case _ if media_type.startswith("text/"):
            return 8, "text", media_type if "*" not in media_type else "text/plain"
        case _ if media_type in FILES or media_type.startswith(("image/", "audio/", "video/")):
            return 9, "file", media_type if "*" not in media_type else "application/octet-stream"
        case _:
            return None


def _content(
    flattening: Flattening, body: Mapping[str, Any], said: Mapping[str, Any], kind: BodyKind, media_type: str
) -> Content:
    schema = {} if said.get("schema") is None else said["schema"]
    is_required = body.get("required") is True
    description = body["description"] if isinstance(body.get("description"), str) else ""
    try:
        flat = flattening.of(schema)
        flat = _without_choice(flattening, flat)
    except ReadingError as exc:
        raise exc.below("schema") from None
    if kind == "file":
        description = description or str(flat.keywords.get("description", ""))
        # Some want the letters of base64 themselves, as Spotify does of its pictures.
        kind = "text" if "base64" in description.lower() else kind
        return Content(kind, media_type, is_required, whole={}, description=description, is_file=True)
    if kind == "text":
        return Content(kind, media_type, is_required, whole=schema, description=description)
    if (
        not flat.properties
        or flat.unions
        or set(flat.types) - {"object", "null"}
        or len(flat.properties) > MAX_PROPERTIES
    ):
        if kind in ("form", "multipart") and set(flat.types) - {"object", "null"}:
            raise ReadingError("a form must be an object", "schema")
        return Content(kind, media_type, is_required, _parts(flattening, flat, said, kind), schema, description)
    return Content(kind, media_type, is_required, _parts(flattening, flat, said, kind), None, description)


def _without_choice(flattening: Flattening, flat: Flat) -> Flat:
    """Return a level without the choices that are none: of one branch, or that only a null is left out of."""
    unions = []
    for union in flat.unions:
        branches = [one for one in union.branches if not (isinstance(one, Mapping) and one.get("type") == "null")]
        if len(branches) == 1:
            flat = merged(flat, flattening.of(branches[0]))
        elif branches:
            unions.append(union)
    flat = merged(flat, Flat())
    flat.unions = tuple(unions)
    return flat


def _parts(flattening: Flattening, flat: Flat, said: Mapping[str, Any], kind: BodyKind) -> tuple[Part, ...]:
    encodings = said.get("encoding")
    parts = []
    undescribed: dict[str, Any] = {
        name: {} for name in flat.required if name not in flat.properties and flat.additional is not False
    }
    for name, schema in [*list(flat.properties.items())[:MAX_PROPERTIES], *undescribed.items()]:
        is_required = name in flat.required
        try:
            own = flattening.of(schema)
        except ReadingError as exc:
            if is_required:
                raise exc.below("schema", "properties", name) from None
            continue
        is_needless = own.is_deprecated or is_told_secret(name, own.keywords.get("description"))
        if own.is_read_only or (is_needless and not is_required):
            continue
        encoding = encodings.get(name) if isinstance(encodings, Mapping) else None
        parts.append(
            _part(flattening, name, schema, own, is_required, encoding if isinstance(encoding, Mapping) else {}, kind)
        )
    return tuple(parts)


def _part(
    flattening: Flattening,
    name: str,
    schema: Any,
    own: Flat,
    is_required: bool,
    encoding: Mapping[str, Any],
    kind: BodyKind,
) -> Part:
    if kind == "json":
        return Part(name, schema, is_required)
    items = _items(flattening, own)
    style = encoding.get("style", "form")
    style = style if style in QUERY_STYLES else "form"
    explode = encoding.get("explode")
    media_type = encoding.get("contentType")
    is_styled = kind == "form" and ("style" in encoding or "explode" in encoding)
    is_file = kind == "multipart" and (_is_binary(own) or (items is not None and _is_binary(items)))
    if is_styled or not isinstance(media_type, str):
        # An object in a form is written as JSON, unless the document says in which style (OpenAPI 3.0.3, 3.1.1).
        is_nested = _is_object(own) or (items is not None and _is_object(items))
        media_type = "application/json" if is_nested and not is_styled and not is_file else None
    return Part(
        name,
        schema,
        is_required,
        style,
        explode if isinstance(explode, bool) else style in ("form", "deepObject"),
        media_type,
        is_file,
    )


def _items(flattening: Flattening, own: Flat) -> Flat | None:
    if own.items is None:
        return None
    try:
        return flattening.of(own.items)
    except ReadingError:
        return None


def _is_object(flat: Flat) -> bool:
    return "object" in flat.types or bool(flat.properties)


def _is_binary(flat: Flat) -> bool:
    keywords = flat.keywords
    is_text = flat.types in ((), ("string",), ("string", "null"))
    is_raw = "contentMediaType" in keywords and "contentEncoding" not in keywords
    return is_text and (keywords.get("format") == "binary" or is_raw)
