"""A backend's refusal of a request, in plain words: a line or two for a model, whichever form the answer has.

Known are RFC 9457 and what came before it, `{error: {message}}` and its kin, lists of `errors`, the fields of FastAPI, Django,
Laravel and Jira, plain text, HTML and XML. The text is a stranger's: it is cut, and holds no line breaks or control characters.
"""

import re
from collections.abc import Iterator, Mapping
from html import unescape
from typing import Any
from unicodedata import category

import orjson

MAX_CHARACTERS = 300
MAX_FIELDS = 5
MAX_DEPTH = 4
MAX_READ_BYTES = 64 * 1024
"""A refusal that is longer is looked at this far."""
TEXTS = (
    "detail",
    "message",
    "error_description",
    "errorMessage",
    "error_message",
    "msg",
    "description",
    "reason",
    "faultstring",
)
TEXTS_OF_PARTS = (*TEXTS, "title", "summary", "code", "type")
INSIDE = ("error", "errors", "fault", "Error", "meta", "data", "response", "result")
LISTS = (
    *(
        "errors",
        "detail",
        "details",
        "invalid-params",
        "invalid_params",
        "invalidParams",
        "violations",
        "fieldViolations",
    ),
    *("field_errors", "fieldErrors", "validation_errors", "validationErrors", "errorMessages", "messages", "issues"),
    *("non_field_errors", "problems", "causes", "params"),
)
FIELDS = (
    "field",
    "param",
    "parameter",
    "name",
    "loc",
    "pointer",
    "path",
    "propertyPath",
    "property",
    "location",
    "attribute",
)
PLACES = {"body": "body", "query": "query", "path": "path", "header": "header", "querystring": "query", "data": "data"}
NOT_FIELDS = frozenset({"non_field_errors", "__all__", "base", "root", ""})
NOTHING = frozenset({"", "null", "{}", "[]"})
_MARKUP = re.compile(rb"\s*(?:\xef\xbb\xbf)?<")
_TITLE = re.compile(r"<(title|h1)\b[^>]{0,200}>([^<]{1,400})", re.IGNORECASE)
_XML_TEXT = re.compile(
    r"<(?:\w{1,30}:)?(?:message|faultstring|detail|description|errormessage|title|reason|text)\b[^>]{0,200}>([^<]{1,400})",
    re.IGNORECASE,
)
_PARTS_OF_A_NAME = re.compile(r"[^./\[\]#$]+")


def in_words(content: bytes, *, media_type: str, names: Mapping[str, str]) -> str:
    """Return the words of a refusal. `names` has the model's own name for a field, by `name` or by `place.name`."""
    content = content[:MAX_READ_BYTES]
    if "html" in media_type or "xml" in media_type or _MARKUP.match(content):
        return _cleaned(_of_markup(content.decode("utf-8", "replace")))
    try:
        body = orjson.loads(content.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError:
        return _cleaned(content.decode("utf-8", "replace"))
    words = _joined(_said(body, names, 0))
    if not words and body not in ("", None):
        words = content.decode("utf-8", "replace")  # of a form that nobody knows
    return _cleaned(words)


def _of_markup(text: str) -> str:
    """Return the title of a page, or what an XML document calls its message."""
    if found := _TITLE.search(text):
        return unescape(found[2])
    found = _XML_TEXT.search(text)
    return unescape(found[1]) if found else ""


def _cleaned(text: str) -> str:
    plain = "".join(" " if category(sign) in ("Cc", "Cs", "Zl", "Zp") else sign for sign in text[: 4 * MAX_CHARACTERS])
    line = " ".join(plain.split())
    return line if len(line) <= MAX_CHARACTERS else f"{line[: MAX_CHARACTERS - 1]}…"


def _joined(sentences: Iterator[str]) -> str:
    """Return different sentences one after another, each with its full stop if another follows."""
    found: list[str] = []
    for sentence in sentences:
        line = " ".join(sentence.split())
        if line and not any(line.rstrip(".") in other for other in found):
            found.append(line)
        if len(found) > MAX_FIELDS:
            break
    ended = [line if line.endswith((".", "!", "?", ":", ";")) else f"{line}." for line in found[:-1]]
    return " ".join([*ended, *found[-1:]])


def _said(body: Any, names: Mapping[str, str], depth: int) -> Iterator[str]:
    """Yield what a value says, the most telling first."""
    if depth > MAX_DEPTH:
        return
    match body:
        case str():
            yield body
        case list():
            for one in body[:MAX_FIELDS]:
                yield from _of_part(one, names, depth)
        case dict():
            yield from _of_object(body, names, depth)


def _of_object(body: Mapping[str, Any], names: Mapping[str, str], depth: int) -> Iterator[str]:
    known = False
    for said in (*_texts(body, names), *_of_lists(body, names, depth), *_of_inside(body, names, depth)):
        known = True
        yield said
    if not known:
        yield from _of_fields(body, names)


def _texts(body: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[str]:
    """Yield the sentences that an object has at its top; a title only where nothing says more."""
    lower = {str(name).lower(): value for name, value in body.items()}
    texts = [text for key in TEXTS if isinstance(text := lower.get(key.lower()), str) and text.strip()]
    title = body.get("title")
    if isinstance(title, str) and not texts:
        texts = [title]
    param = next((body[key] for key in ("param", "parameter", "field") if isinstance(body.get(key), str)), None)
    if texts and param and not texts[0].startswith(param):
        texts[0] = f"{_called(param, names)}: {texts[0]}"
    yield from texts
    error = lower.get("error")
    if isinstance(error, str) and not texts:
        yield error


def _of_lists(body: Mapping[str, Any], names: Mapping[str, str], depth: int) -> Iterator[str]:
    for key in LISTS:
        match body.get(key):
            case list() as parts:
                yield from _said(parts, names, depth + 1)
            case dict() as fields if key not in ("detail", "details", "params") or _are_messages(fields):
                yield from _of_fields(fields, names)
            case dict() as inner:
                yield from _said(inner, names, depth + 1)


def _of_inside(body: Mapping[str, Any], names: Mapping[str, str], depth: int) -> Iterator[str]:
    for key in INSIDE:
        if isinstance(inner := body.get(key), dict) and key not in LISTS:
            yield from _said(inner, names, depth + 1)


def _are_messages(fields: Mapping[str, Any]) -> bool:
    """Return whether every value is a message or a list of some, as in Django's errors."""
    return bool(fields) and all(isinstance(value, str | list) for value in fields.values())


def _of_fields(fields: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[str]:
    """Yield `field: message` for an object whose keys are fields."""
    for field, messages in list(fields.items())[:MAX_FIELDS]:
        for text in _messages(messages):
            yield text if field in NOT_FIELDS else f"{_called(field, names)}: {text}"


def _messages(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case [*parts]:
            for part in parts[:2]:
                yield from _messages(part)
        case {"message": str() as text} | {"msg": str() as text} | {"detail": str() as text}:
            yield text


def _of_part(part: Any, names: Mapping[str, str], depth: int) -> Iterator[str]:
    """Yield what one of several errors says, with the field that it is about."""
    if not isinstance(part, dict):
        yield from _said(part, names, depth + 1)
        return
    text = next((part[key] for key in TEXTS_OF_PARTS if isinstance(part.get(key), str) and part[key].strip()), None)
    field = _field(part, names)
    if text is not None and field and field not in text.split():
        yield f"{field}: {text}"
    elif text is not None or field:
        yield text if text is not None else f"{field}: not valid"
    yield from _of_lists(part, names, depth + 1)


def _field(part: Mapping[str, Any], names: Mapping[str, str]) -> str | None:
    if isinstance(source := part.get("source"), dict):  # JSON:API
        part = {**part, **source}
    for key in FIELDS:
        value = part.get(key)
        if isinstance(value, str) and value.strip():
            return _called(value, names)
        if isinstance(value, list) and value:
            return _called("/".join(str(step) for step in value[:8]), names)
    return None


def _called(field: str, names: Mapping[str, str]) -> str:
    """Return the model's name for a field, whatever notation it is in: a pointer, a path of steps, or brackets."""
    steps = _PARTS_OF_A_NAME.findall(field[:200])
    place = None
    while len(steps) > 1 and steps[0] in PLACES and (place is None or steps[0] == "data"):
        place = PLACES[steps.pop(0)]
    if len(steps) > 1 and steps[0] == "attributes":
        steps.pop(0)
    if not steps:
        return field[:200]
    if field in names:
        return names[field]
    first = names.get(f"{place}.{steps[0]}") or names.get(steps[0]) or steps[0]
    return ".".join([first, *steps[1:]])
