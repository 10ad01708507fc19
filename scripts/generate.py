"""The documents that are made from the code: tables of settings and events, the client's types of the wire, an example's API.

`scripts/generate --check` fails where they are stale.
"""

import json
import sys
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin

import msgspec
from pydantic_core import PydanticUndefined

from agent.events.schema import AnyEvent, LogClosed
from api.protocols.events.union import ToldEvent
from api.settings import Settings
from api.variables import variable_of
from examples.studio.backend import routes
from scripts.definition import definition_tables
from scripts.typescript import meaning, payloads, wire_types

ROOT = Path(__file__).parent.parent
COMMON = ("v", "at")
"""The fields that every event of `format=events` has; the page says so once."""
MARK = "<!-- made by scripts/generate: do not edit below -->\n"


def settings_table() -> str:
    """Return every setting with its default."""
    rows = ["| variable | default | meaning |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        default = "" if field.default in (None, PydanticUndefined) else _shown(field.default)
        rows.append(f"| `{variable_of(Settings, name)}` | {default} | {field.description or ''} |")
    return "\n".join(rows) + "\n"


def events_table() -> str:
    """Return every event with what a client reads of it."""
    rows = ["| event | on the wire | meaning |", "| --- | --- | --- |"]
    for kind in get_args(AnyEvent):
        tag = kind.__struct_config__.tag
        wire = "`[DONE]`" if kind is LogClosed else f"`{_wire(kind)}`" if payloads(kind)[0] else "other protocols only"
        rows.append(f"| `{tag}` | {wire} | {meaning(kind)} |")
    return "\n".join(rows) + "\n"


def told_tables() -> str:
    """Return every event of `format=events` with its fields, their types and what they mean."""
    parts = []
    for kind in get_args(ToldEvent):
        rows = [
            f"| `{one.encode_name}` | {_type_name(one.type)} | {'' if one.required else 'may be missing'} |"
            for one in msgspec.structs.fields(kind)
            if one.name not in COMMON
        ]
        table = "\n".join(["", "| field | type | |", "| --- | --- | --- |", *rows, ""]) if rows else ""
        parts.append(f"### `{kind.__struct_config__.tag}`\n\n{meaning(kind)}\n{table}")
    return "\n".join(parts)


def studio_document() -> str:
    """Return the description of the example's API, of which its assistant's tools are made."""
    return json.dumps(routes().openapi(), indent=2) + "\n"


def _type_name(kind: Any) -> str:
    """Return a field's type as people write it; of an object, its fields."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Literal:
        return " or ".join(f"`{part}`" for part in parts)
    if origin is UnionType:
        return _type_name(next(part for part in parts if part is not NoneType))
    if origin is tuple:
        return f"list of {_type_name(parts[0])}"
    if origin is dict:
        return "object"
    if issubclass(kind, msgspec.Struct):
        fields = ", ".join(f"`{one.name}` {_type_name(one.type)}" for one in msgspec.structs.fields(kind))
        return f"object of {fields}"
    return {str: "text", int: "whole number", float: "number", bool: "true or false"}[kind]


def _wire(kind: type[Any]) -> str:
    """Return the keys of an event on the wire, with those of an object inside it."""
    shown = payloads(kind)[0]
    inner = next(iter(shown.values()))
    if len(shown) == 1 and isinstance(inner, dict):
        return f"{next(iter(shown))}: {{{', '.join(inner)}}}"
    return ", ".join(shown)


def _shown(default: object) -> str:
    if isinstance(default, Path):
        default = default.relative_to(ROOT) if default.is_absolute() else default
    if isinstance(default, tuple):
        return ", ".join(f"`{part}`" for part in default)
    return f"`{default}`"


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Write everything that is made from the code, or check that it stands there."""
    made = {
        root / "docs" / "settings.md": settings_table(),
        root / "docs" / "assistant.md": definition_tables(),
        root / "docs" / "wire.md": events_table(),
        root / "docs" / "events.md": told_tables(),
        root / "web" / "client" / "src" / "wire.ts": wire_types(),
        root / "examples" / "studio" / "openapi.json": studio_document(),
    }
    stale = []
    for path, fresh in made.items():
        text = path.read_text("utf-8") if path.exists() else ""
        if path.suffix == ".md":
            fresh = text.partition(MARK)[0] + MARK + "\n" + fresh
        if text != fresh:
            stale.append(path.name)
            if "--check" not in arguments:
                path.write_text(fresh, "utf-8")
    if stale and "--check" in arguments:
        print(f"stale: {', '.join(stale)}. Run scripts/generate.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
