"""Values for a schema: arguments as a model might give them, made without chance, so that the same ones come each time."""

import re
from collections.abc import Mapping
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

FORMATS = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "time": "12:00:00Z",
    "email": "ann@example.com",
    "uuid": "123e4567-e89b-42d3-a456-426614174000",
    "uri": "https://example.com/a",
    "url": "https://example.com/a",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "byte": "aGVsbG8=",
    "binary": "aGVsbG8=",
}


def sample(schema: Any, *, is_full: bool = False) -> Any:
    """Return a value that a schema is meant for. `is_full`: with each property of its outermost object, else those that must be there."""
    if not isinstance(schema, Mapping):
        return "a"
    for part in schema.get("allOf", ()):
        schema = _with(schema, part)
    if "anyOf" in schema:
        schema = _with(schema, schema["anyOf"][0])
    return _plain(schema, is_full=is_full)


def _with(schema: Mapping[str, Any], part: Any) -> Mapping[str, Any]:
    """Return a schema and one of its parts as one."""
    if not isinstance(part, Mapping):
        return schema
    both = {**schema, **part}
    both["required"] = [*schema.get("required", ()), *part.get("required", ())]
    both["properties"] = {**schema.get("properties", {}), **part.get("properties", {})}
    for name in ("required", "properties"):
        if not both[name]:
            del both[name]
    if schema.get("anyOf") is part.get("anyOf", schema.get("anyOf")):
        both.pop("anyOf", None)
    return (
        both
        if "anyOf" not in both
        else _with({name: one for name, one in both.items() if name != "anyOf"}, both["anyOf"][0])
    )


def _plain(schema: Mapping[str, Any], *, is_full: bool) -> Any:
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    said = schema.get("type", "object" if {"properties", "required"} & schema.keys() else "string")
    kinds = [said] if isinstance(said, str) else [one for one in said if one != "null"] or ["null"]
    match kinds[0]:
        case "string":
            return _text(schema)
        case "integer" | "number":
            return _number(schema, is_whole=kinds[0] == "integer")
        case "boolean":
            return True
        case "null":
            return None
        case "array":
            return _list(schema, is_full=is_full)
        case _:
            return _object(schema, is_full=is_full)


def _object(schema: Mapping[str, Any], *, is_full: bool) -> dict[str, Any]:
    properties = schema.get("properties", {})
    wanted = dict.fromkeys([*schema.get("required", ()), *(properties if is_full else ())])
    made = {name: sample(properties.get(name, {})) for name in wanted}
    more = iter(name for name in properties if name not in made)
    while len(made) < schema.get("minProperties", 0):
        name = next(more, f"key{len(made)}")
        made[name] = sample(properties.get(name, schema.get("additionalProperties", {})))
    return made


def _list(schema: Mapping[str, Any], *, is_full: bool) -> list[Any]:
    least = max(schema.get("minItems", 0), 1 if schema.get("maxItems", 1) else 0)
    items = schema.get("items", {})
    one = sample(items)
    if not schema.get("uniqueItems") or least < 2:
        return [one] * min(least, 1000)
    if isinstance(items, Mapping) and "enum" in items:
        return list(items["enum"][:least])
    return [f"{one}{number}" if isinstance(one, str) else number for number in range(least)]


def _number(schema: Mapping[str, Any], *, is_whole: bool) -> int | float:
    low = schema.get(
        "minimum", schema["exclusiveMinimum"] + (1 if is_whole else 0.5) if "exclusiveMinimum" in schema else None
    )
    high = schema.get(
        "maximum", schema["exclusiveMaximum"] - (1 if is_whole else 0.5) if "exclusiveMaximum" in schema else None
    )
    value: float = low if low is not None else min(1, high) if high is not None else 1
    if step := schema.get("multipleOf"):
        value = -(-value // step) * step
    return int(-(-value // 1)) if is_whole else value


def _text(schema: Mapping[str, Any]) -> str:
    least, most = schema.get("minLength", 0), schema.get("maxLength", 1 << 20)
    if "pattern" in schema:
        return _matching(schema["pattern"], least, most) or "a"
    text: str = FORMATS.get(schema.get("format", ""), "abc")
    padded: str = (text + "a" * max(0, least - len(text)))[:most]
    return padded


def _matching(pattern: str, least: int, most: int) -> str | None:
    """Return a text for a pattern as most documents have them; None where none is found. These documents are known ones."""
    try:
        parsed = _parser.parse(pattern)
        for more in range(40):
            text = _of(parsed, more)
            if least <= len(text) <= most and re.search(pattern, text):
                return text
    except (re.error, KeyError, OverflowError):
        return None
    return None


def _of(parsed: Any, more: int) -> str:
    return "".join(_step(operator, given, more) for operator, given in parsed)


def _step(operator: Any, given: Any, more: int) -> str:
    match operator:
        case sre.LITERAL:
            return chr(given)
        case sre.ANY | sre.NOT_LITERAL:
            return "a" if given != ord("a") else "b"
        case sre.IN:
            return _member(given)
        case sre.MAX_REPEAT | sre.MIN_REPEAT:
            low, high, inner = given
            return "".join(_of(inner, 0) for _ in range(min(low + more, int(high))))
        case sre.SUBPATTERN:
            return _of(given[-1], more)
        case sre.BRANCH:
            return _of(given[1][0], more)
        case _:
            return ""


def _member(given: Any) -> str:
    if given[0][0] is sre.NEGATE:
        return next(sign for sign in "aA1-_ .x" if re.match(_class(given), sign))
    operator, value = given[0]
    match operator:
        case sre.LITERAL:
            return chr(value)
        case sre.RANGE:
            return chr(value[0])
        case _:
            return {"CATEGORY_DIGIT": "1", "CATEGORY_WORD": "a", "CATEGORY_SPACE": " "}.get(str(value), "a-1"[0])


def _class(given: Any) -> str:
    parts = []
    for operator, value in given[1:]:
        if operator is sre.LITERAL:
            parts.append(re.escape(chr(value)))
        elif operator is sre.RANGE:
            parts.append(f"{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}")
        else:
            parts.append({"CATEGORY_DIGIT": r"\d", "CATEGORY_WORD": r"\w", "CATEGORY_SPACE": r"\s"}.get(str(value), ""))
    return f"[^{''.join(parts)}]"
