"""The documents that are made from the code: tables of settings and events, the web client's types of the wire.

`scripts/generate --check` fails where they are stale.
"""

import sys
from pathlib import Path
from typing import Any, get_args

from pydantic_core import PydanticUndefined

from agent.events.schema import AnyEvent, LogClosed
from api.settings import Settings
from scripts.typescript import meaning, payloads, wire_types

ROOT = Path(__file__).parent.parent
MARK = "<!-- made by scripts/generate: do not edit below -->\n"


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
        wire = "`[DONE]`" if kind is LogClosed else f"`{_wire(kind)}`" if payloads(kind)[0] else "other protocols only"
        rows.append(f"| `{tag}` | {wire} | {meaning(kind)} |")
    return "\n".join(rows) + "\n"


def _wire(kind: type[Any]) -> str:
    """Return the keys of an event on the wire, with those of an object inside it."""
    shown, _ = payloads(kind)
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
        root / "docs" / "wire.md": events_table(),
        root / "web" / "client" / "src" / "wire.ts": wire_types(),
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
