"""Refusals of real providers for the schema of a tool's arguments, and with it every request that names the tool.

OpenAI checks by the metaschema and compiles each pattern with Python's `re`; it and Gemini want `items` of each array; OpenAI and
Anthropic take no choice at the top; Gemini wants what must be there among the properties, and what is listed of its type.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

CHOICES = ("$ref", "oneOf", "anyOf", "allOf", "enum", "not")
NAMED = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
SOME = ("oneOf", "anyOf", "allOf", "prefixItems")
ONE = ("items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames")


def refused(schema: Mapping[str, Any]) -> list[str]:
    """Return why providers would refuse a request with this schema; nothing where they would not."""
    try:
        text = json.dumps(schema, allow_nan=False)
        Draft202012Validator.check_schema(dict(schema))
    except (ValueError, SchemaError) as exc:
        return [f"no schema: {str(exc)[:200]}"]
    found = [f"{name} at the top" for name in CHOICES if name in schema]
    if schema.get("type") != "object" or not isinstance(schema.get("properties"), dict):
        found.append("no object with properties")
    if any(
        len(number) > 20
        for number in re.findall(r"(?<![\w.\"])-?\d+(?![\w.\"])", re.sub(r'"(\\.|[^"\\])*"', '""', text))
    ):
        found.append("a number of more than 64 bits")
    return [*found, *_within(schema, schema, "")]


def _within(schema: Any, whole: Mapping[str, Any], place: str) -> Iterator[str]:
    if not isinstance(schema, Mapping):
        return
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if "array" in types and not schema.keys() & {"items", "prefixItems"}:
        yield f"{place}: array schema missing items"
    if "pattern" in schema and (problem := _of_pattern(schema["pattern"])):
        yield f"{place}: {problem}"
    if not schema.keys() & set(CHOICES) and set(schema.get("required", ())) - set(schema.get("properties", ())):
        yield f"{place}: required, but not among the properties"
    if types and any(not _is_of(value, types) for value in schema.get("enum", ())):
        yield f"{place}: a value is listed that is of another type"
    if "$ref" in schema and not _leads_somewhere(schema["$ref"], whole):
        yield f"{place}: {schema['$ref']} leads nowhere"
    for keyword in NAMED:
        for name, one in schema.get(keyword, {}).items():
            yield from _within(one, whole, f"{place}/{keyword}/{name}")
    for keyword in SOME:
        for number, one in enumerate(schema.get(keyword, ())):
            yield from _within(one, whole, f"{place}/{keyword}/{number}")
    for keyword in ONE:
        yield from _within(schema.get(keyword), whole, f"{place}/{keyword}")


def _of_pattern(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error:
        return f"{pattern!r} is not a 'regex'"
    return "regex lookaround is not supported" if re.search(r"(?<!\\)\(\?<?[=!]", pattern) else ""


def _is_of(value: Any, types: list[str]) -> bool:
    return any(Draft202012Validator({"type": one}).is_valid(value) for one in types)


def _leads_somewhere(reference: str, whole: Mapping[str, Any]) -> bool:
    at: Any = whole
    for step in reference.removeprefix("#").split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(at, list) and name.isdigit() and int(name) < len(at):
            at = at[int(name)]
        elif isinstance(at, Mapping) and name in at:
            at = at[name]
        else:
            return False
    return reference.startswith("#") and isinstance(at, Mapping | bool)
