"""JSON Schemas that others wrote: which are taken, and whether a value fits one.

The invariant: a schema from outside costs no more than its size: it names no other document and holds no regular expression.
"""

from collections.abc import Mapping
from itertools import islice
from typing import Any

import orjson
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from jsonschema.validators import extend
from referencing import Registry
from referencing.exceptions import Unresolvable

SCHEMA_BYTES = 8 * 1024
MAX_PROBLEMS = 3
PROBLEM_CHARACTERS = 200
_LEFT_OUT = dict.fromkeys(("pattern", "patternProperties"), lambda *_: None)
_Validator = extend(Draft202012Validator, _LEFT_OUT)  # type: ignore[no-untyped-call]
"""A pattern of a stranger's may take Python for ever, so it is left to whoever wrote it."""
_OF_VALUES = {"type", "enum", "const", "default", "examples", "description", "title", "format", "required"}
_OF_NUMBERS = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
_OF_SIZES = {"minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"}
_ONE = {"items", "additionalProperties"}
_SOME = {"anyOf", "prefixItems"}
_NAMED = {"properties"}


def check_schema(schema: object, *, is_object: bool = False) -> None:
    """Return if a schema may be used; `is_object`: it is one of arguments, which are an object.

    Raises:
        ValueError: it is too large, is none, or has a keyword that is not taken.
    """
    if not isinstance(schema, Mapping):
        raise ValueError("a schema is an object")
    try:
        size = len(orjson.dumps(schema))
    except TypeError as exc:
        raise ValueError("a schema is plain JSON, not nested too deeply") from exc
    if size > SCHEMA_BYTES:
        raise ValueError(f"a schema is at most {SCHEMA_BYTES} bytes of JSON")
    if is_object and schema.get("type") != "object":
        raise ValueError("a schema of arguments has the type object")
    _check_keywords(schema)
    try:
        Draft202012Validator.check_schema(dict(schema))
    except (SchemaError, RecursionError) as exc:
        raise ValueError("not a JSON Schema") from exc


def _check_keywords(schema: object, depth: int = 0) -> None:
    if isinstance(schema, bool):
        return
    if not isinstance(schema, Mapping) or depth > 16:
        raise ValueError("a schema is an object, and not nested too deeply")
    for keyword, value in schema.items():
        if keyword in _ONE:
            _check_keywords(value, depth + 1)
        elif keyword in _SOME and isinstance(value, list):
            for one in value:
                _check_keywords(one, depth + 1)
        elif keyword in _NAMED and isinstance(value, Mapping):
            for one in value.values():
                _check_keywords(one, depth + 1)
        elif keyword not in _OF_VALUES | _OF_NUMBERS | _OF_SIZES:
            raise ValueError(f"the keyword {str(keyword)[:40]!r} is not taken here")


def problems_of(schema: Mapping[str, Any], value: object) -> str:
    """Return in a line what of a value does not fit a schema; nothing where all does, or where the schema is none.

    Patterns are not looked at, and nothing is fetched that it refers to.
    """
    try:
        problems = list(islice(_Validator(dict(schema), registry=Registry()).iter_errors(value), MAX_PROBLEMS))
    except (Unresolvable, TypeError, ValueError, AttributeError, RecursionError):
        return ""
    return "; ".join(f"{one.json_path[:PROBLEM_CHARACTERS]}: {one.message[:PROBLEM_CHARACTERS]}" for one in problems)
