"""The reference of an assistant's file, made of the models that read it: each part with its fields, defaults and bounds."""

import re
from collections.abc import Mapping
from typing import Any

from agent.assistant.definition import Assistant

BOUNDS = (
    ("minimum", "from {}"),
    ("exclusiveMinimum", "more than {}"),
    ("maximum", "to {}"),
    ("exclusiveMaximum", "less than {}"),
    ("minLength", "{} characters at least"),
    ("maxLength", "{} characters at most"),
    ("minItems", "{} at least"),
    ("maxItems", "{} at most"),
    ("minProperties", "{} at least"),
)
NOT_EMPTY = [("minLength", 1), ("minItems", 1), ("minProperties", 1)]
OF_PYTHON = re.compile(r"\b(None|True|False): ")
"""Values as the models' descriptions have them, which a file in YAML writes otherwise."""
PLAIN = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "null": "nothing"}
Schema = Mapping[str, Any]


def definition_tables() -> str:
    """Return a section for the file itself and for each part of it, in the order in which they are named."""
    schema = Assistant.model_json_schema()
    parts: dict[str, Schema] = schema["$defs"]
    waiting, sections = ["Assistant"], dict[str, str]()
    while waiting:
        name = waiting.pop(0)
        part = schema if name == "Assistant" else parts[name]
        sections.setdefault(name, _section(name, part))
        waiting += [one for one in _named(part.get("properties", {})) if one not in sections]
    return "\n".join(sections.values())


def _section(name: str, part: Schema) -> str:
    told = " ".join(part.get("description", "").split())
    needed = part.get("required", ())
    rows = [
        f"| `{key}` | {_kind(field)} | {'required' if key in needed else _default(field)} | {_meaning(field)} |"
        for key, field in part.get("properties", {}).items()
    ]
    table = ["| field | is | default | |", "| --- | --- | --- | --- |", *rows]
    return "\n".join([f"## {name}", "", told, "", *table, ""])


def _named(schema: Any) -> list[str]:
    """Return the parts that a schema refers to, in order."""
    if isinstance(schema, Mapping):
        own = [schema["$ref"].rpartition("/")[2]] if "$ref" in schema else []
        return own + [name for value in schema.values() for name in _named(value)]
    return [name for value in schema for name in _named(value)] if isinstance(schema, list) else []


def _kind(field: Schema) -> str:
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "enum" in field or "const" in field:
        values = field.get("enum", [field.get("const")])
        return " or ".join(f"`{str(value).lower() if isinstance(value, bool) else value}`" for value in values)
    if "anyOf" in field:
        kinds = (_kind(one) for one in field["anyOf"] if one.get("type") != "null")
        return " or ".join(dict.fromkeys(kinds))
    match field.get("type"):
        case "array":
            return f"list of {_kind(field['items'])}" if field.get("items") else "list"
        case "object":
            inner = field.get("additionalProperties") or next(iter(field.get("patternProperties", {}).values()), None)
            return f"names, each with {_kind(inner)}" if isinstance(inner, Mapping) and inner else "object"
        case str(kind):
            return PLAIN[kind]
    return "anything"


def _default(field: Schema) -> str:
    default = field.get("default")
    if default in (None, "", [], {}) or isinstance(default, dict | list):
        return ""
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _meaning(field: Schema) -> str:
    inner = next((one for one in field.get("anyOf", ()) if one.get("type") != "null"), field)
    bounds = [text.format(inner[key]) for key, text in BOUNDS if key in inner and (key, inner[key]) not in NOT_EMPTY]
    bounds += ["not empty"] if any(inner.get(key) == least for key, least in NOT_EMPTY) else []
    told = "; ".join(part for part in (field.get("description", ""), ", ".join(bounds)) if part)
    return OF_PYTHON.sub(lambda match: {"None": "left out"}.get(match[1], match[1].lower()) + ": ", told).replace(
        "|", "\\|"
    )
