"""Documents made from the code: the settings and the events. `scripts/generate --check` fails where they are stale."""

import sys
from inspect import getdoc
from pathlib import Path
from typing import Any, get_args

import msgspec
from pydantic_core import PydanticUndefined

from agent.events import AnyEvent, LogClosed, Usage
from agent.settings import Settings
from api.protocols.native import payload

DOCS = Path(__file__).parent.parent / "docs"
MARK = "<!-- made by scripts/generate: do not edit below -->\n"
SAMPLES: dict[Any, object] = {str: "…", int: 0, bool: True, Usage: Usage()}


def settings_table() -> str:
    """Return every setting with its default."""
    rows = ["| variable | default | meaning |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        alias = field.validation_alias
        variable = alias.choices[0] if alias is not None and hasattr(alias, "choices") else f"FRONTDESK_{name.upper()}"
        default = "" if field.default in (None, PydanticUndefined) else _shown(field.default)
        rows.append(f"| `{variable}` | {default} | {field.description or ''} |")
    return "\n".join(rows) + "\n"


def events_table() -> str:
    """Return every event with what a client reads of it."""
    rows = ["| event | on the wire | meaning |", "| --- | --- | --- |"]
    for kind in get_args(AnyEvent):
        tag = kind.__struct_config__.tag
        wire = "`[DONE]`" if kind is LogClosed else f"`{_wire(kind)}`"
        meaning = " ".join((getdoc(kind) or "").split("\n\n")[0].split())
        rows.append(f"| `{tag}` | {wire} | {meaning} |")
    return "\n".join(rows) + "\n"


def _wire(kind: type[msgspec.Struct]) -> str:
    """Return the keys of an event on the wire, with those of an object inside it."""
    fields = msgspec.structs.fields(kind)
    sample = kind(**{field.name: SAMPLES.get(field.type, ()) for field in fields})
    shown = payload(sample)  # type: ignore[arg-type] # it is one of the union
    inner = next(iter(shown.values()))
    if len(shown) == 1 and isinstance(inner, dict):
        return f"{next(iter(shown))}: {{{', '.join(inner)}}}"
    return ", ".join(shown)


def _shown(default: object) -> str:
    if isinstance(default, Path):
        root = Path(__file__).parent.parent
        default = default.relative_to(root) if default.is_absolute() else default
    if isinstance(default, tuple):
        return ", ".join(f"`{part}`" for part in default)
    return f"`{default}`"


def main(arguments: list[str]) -> int:
    """Write the tables behind the mark in their documents, or check that they stand there."""
    stale = []
    for name, table in {"settings.md": settings_table(), "wire.md": events_table()}.items():
        path = DOCS / name
        text = path.read_text("utf-8")
        fresh = text.partition(MARK)[0] + MARK + "\n" + table
        if text != fresh:
            stale.append(name)
            if "--check" not in arguments:
                path.write_text(fresh, "utf-8")
    if stale and "--check" in arguments:
        print(f"stale: {', '.join(stale)}. Run scripts/generate.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
