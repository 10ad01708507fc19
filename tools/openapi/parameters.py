"""Parameters of an operation: which of them a model may give, and how each is written.

The invariant: who asks, for whom and with what rights is never an argument, whatever a document says.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from tools.backends.headers import folded, is_free
from tools.openapi.document import Document, Entry
from tools.openapi.flat import Flattening
from tools.openapi.operation import Place
from tools.openapi.reading import ReadingError, shown

MAX_PARAMETERS = 500
STYLES: Mapping[str, tuple[str, ...]] = {
    "path": ("simple", "label", "matrix"),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
    "header": ("simple",),
}
"""By place; the first one is the default."""
KEPT_HEADERS = frozenset(
    {
        "accept",
        "date",
        "x-access-token",
        "x-api-key",
        "x-auth-token",
        "x-csrf-token",
        "x-idempotency-key",
        "api-key",
        "apikey",
    }
)
"""Headers that no model sets, beside those that are not free for any tool: secrets, and what each call says by itself."""
SECRETS = frozenset({"api_key", "apikey", "api-key", "access_token", "oauth_token", "auth_token", "client_secret"})
_SECRET_WORDS = re.compile(r"authenticat|api key|access token|bearer", re.IGNORECASE)
_HOLE = re.compile(r"\{([^{}]+)\}")
_PATH = re.compile(r"/[^?#\x00-\x20\x7f\\]*")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")


@dataclass(frozen=True, slots=True)
class Found:
    """A parameter that a model may give, before it has a name among the arguments."""

    name: str
    place: Place
    schema: Any
    is_required: bool
    style: str
    explode: bool
    is_json: bool = False
    allow_reserved: bool = False
    description: str = ""


@dataclass(slots=True)
class Parameters:
    """The parameters of an operation. `left_out` says which optional ones could not be read, and why."""

    found: list[Found] = field(default_factory=list)
    fixed_headers: dict[str, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def parameters_of(document: Document, flattening: Flattening, entry: Entry) -> Parameters:
    """Return an operation's parameters, in their order; its own take the place of its path's.

    Raises:
        ReadingError: one that must be there cannot be read, or the path has holes that none is for.
    """
    holes = _holes(entry.path)
    secrets = _secrets(document)
    result = Parameters()
    for (place, name), (at, raw) in _by_name(document, entry, result).items():
        if place == "path" and name not in holes:
            continue
        is_required = place == "path" or raw.get("required") is True
        try:
            _add(result, flattening, raw, place=place, name=name, is_secret=(place, name.lower()) in secrets)
        except ReadingError as exc:
            if is_required:
                raise exc.below(*at) from None
            result.left_out.append(str(exc.below(*at)))
    missing = holes - {one.name for one in result.found if one.place == "path"}
    if missing:
        raise ReadingError(f"no parameter says what {shown('{' + min(missing) + '}')} in the path is", "parameters")
    return result


def _holes(path: str) -> set[str]:
    if not _PATH.fullmatch(path) or len(path) > 2000:
        raise ReadingError("a path must begin with / and hold no query, fragment, space or backslash")
    holes = _HOLE.findall(path)
    text = _HOLE.sub("x", path)
    if "{" in text or "}" in text:
        raise ReadingError("the braces in the path do not match")
    if any(part in (".", "..") for part in text.split("/")) or "//" in text or "%2f" in text.lower():
        raise ReadingError("the path leads up, or has an empty part")
    return set(holes)


def _secrets(document: Document) -> set[tuple[str, str]]:
    schemes = document.part("components", "securitySchemes").values()
    return {
        (one["in"], one["name"].lower())
        for one in schemes
        if isinstance(one, Mapping)
        and one.get("type") == "apiKey"
        and isinstance(one.get("in"), str)
        and isinstance(one.get("name"), str)
    }


def _by_name(
    document: Document, entry: Entry, result: Parameters
) -> dict[tuple[str, str], tuple[tuple[str | int, ...], Mapping[str, Any]]]:
    found: dict[tuple[str, str], tuple[tuple[str | int, ...], Mapping[str, Any]]] = {}
    for owner in (entry.shared, entry.operation):
        own: dict[tuple[str, str], tuple[tuple[str | int, ...], Mapping[str, Any]]] = {}
        for at, raw in _listed(owner):
            try:
                one = document.followed(raw)
            except ReadingError as exc:
                raise exc.below(*at) from None
            place, name = one.get("in"), one.get("name")
            if not isinstance(place, str) or place not in ("path", "query", "header", "cookie"):
                raise ReadingError(f"a parameter's `in` must be path, query, header or cookie, not {shown(place)}", *at)
            if not isinstance(name, str) or not name or not name.isprintable() or len(name) > 200:
                raise ReadingError("a parameter must have a name", *at)
            own.setdefault((place, name), (at, one))
        found |= own
    return found


def _listed(owner: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    listed = owner.get("parameters", [])
    if not isinstance(listed, list):
        raise ReadingError("parameters must be a list", "parameters")
    if len(listed) > MAX_PARAMETERS:
        raise ReadingError(f"there are more than {MAX_PARAMETERS} parameters", "parameters")
    return ((("parameters", number), raw) for number, raw in enumerate(listed))


def _add(
    result: Parameters, flattening: Flattening, raw: Mapping[str, Any], *, place: str, name: str, is_secret: bool
) -> None:
    is_required = place == "path" or raw.get("required") is True
    if place == "cookie":
        if is_required:
            raise ReadingError("it needs a cookie, and none is ever sent")
        return
    if is_secret or is_kept_back(raw, place, name) or (raw.get("deprecated") is True and not is_required):
        return
    schema, is_json = _schema(raw)
    if place == "header":
        value = _only_value(flattening, schema, is_required=is_required)
        if not _HEADER_NAME.fullmatch(name):
            raise ReadingError("a header must have a name of letters, digits and -")
        if value is not None:
            result.fixed_headers[name] = value
            return
    style = raw.get("style", STYLES[place][0])
    if style not in STYLES[place]:
        raise ReadingError(f"there is no style {shown(style)} in a {place}", "style")
    explode = raw.get("explode")
    result.found.append(
        Found(
            name=name,
            place=cast("Place", place),
            schema=schema,
            is_required=is_required,
            style=style,
            explode=explode if isinstance(explode, bool) else style in ("form", "deepObject"),
            is_json=is_json,
            allow_reserved=raw.get("allowReserved") is True,
            description=raw["description"] if isinstance(raw.get("description"), str) else "",
        )
    )


def is_kept_back(raw: Mapping[str, Any], place: str, name: str) -> bool:
    """Return whether a parameter is not the model's to give: it says who asks, or is a secret, or the connection's."""
    lower = name.lower()
    if place == "header" and (not is_free(name) or folded(name) in KEPT_HEADERS):
        return True
    if place == "path":
        return False
    return lower in SECRETS or is_told_secret(name, raw.get("description"))


def is_told_secret(name: str, description: object) -> bool:
    """Return whether a description says of a `token` or `key` that it is who asks."""
    return name.lower() in ("token", "key") and bool(_SECRET_WORDS.search(str(description)[:500]))


def _schema(raw: Mapping[str, Any]) -> tuple[Any, bool]:
    """Return a parameter's schema, and whether its value is sent as JSON text."""
    content = raw.get("content")
    if content is None:
        return raw.get("schema", {}), False
    if not isinstance(content, Mapping) or len(content) != 1:
        raise ReadingError("content must hold one media type", "content")
    media_type, said = next(iter(content.items()))
    if not isinstance(said, Mapping):
        raise ReadingError(f"an object is wanted here, not {shown(said)}", "content", media_type)
    if "json" not in media_type and not media_type.startswith("text/"):
        raise ReadingError(f"{shown(media_type)} cannot be written", "content")
    if "$ref" in said:
        raise ReadingError("a reference is not read here", "content", media_type)
    return said.get("schema", {}), "json" in media_type


def _only_value(flattening: Flattening, schema: Any, *, is_required: bool) -> str | None:
    """Return the one value that a header can have, such as a version. An optional one is sent where it is the default."""
    keywords = flattening.of(schema).keywords
    values: Iterable[Any] = keywords.get("enum") or ([keywords["const"]] if "const" in keywords else [])
    values = list(values)
    if len(values) != 1 or not isinstance(values[0], str) or not values[0].isprintable() or len(values[0]) > 200:
        return None
    return values[0] if is_required or keywords.get("default") == values[0] else None
