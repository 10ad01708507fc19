"""TypeScript types of the native wire format, for the web client: what `payload` makes of each event in `agent/events/schema.py`.

Read off the payloads themselves: one of an event whose every field is set shows the keys and their types, one of an event
with nothing but what it must have shows which keys may be missing.
"""

from inspect import getdoc
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin

import msgspec

from agent.events.schema import AnyEvent
from api.protocols.native import payload

HEAD = "// Made by scripts/generate from agent/events/schema.py: do not edit.\n"


class Typed(str):
    """A sample string that knows its TypeScript type. Any other string in a payload is a constant."""

    typescript: str

    def __new__(cls, typescript: str) -> "Typed":
        made = super().__new__(cls, "…")
        made.typescript = typescript
        return made


def wire_types() -> str:
    """Return the TypeScript file: an interface per event, and the union of all."""
    kinds = [kind for kind in get_args(AnyEvent) if payloads(kind)[0]]
    interfaces = [
        f"/** {meaning(kind)} */\nexport interface {kind.__name__} {_type(*payloads(kind))}\n" for kind in kinds
    ]
    union = "export type WireEvent =" + "".join(f"\n  | {kind.__name__}" for kind in kinds) + ";\n"
    return "\n".join([HEAD, *interfaces, union])


def meaning(kind: type) -> str:
    """Return the first paragraph of a class's docstring in one line."""
    return " ".join((getdoc(kind) or "").split("\n\n")[0].split())


def payloads(kind: type[msgspec.Struct]) -> tuple[dict[str, object], dict[str, object], dict[str, object]]:
    """Return what clients read of an event with all of its fields, of one with only those that it must have and of a list its items,
    and of one whose lists are empty as well.
    """
    fields = msgspec.structs.fields(kind)
    full = {field.name: _sample(field.type) for field in fields}
    needed = [field for field in fields if field.required or get_origin(field.type) is tuple]
    least = {field.name: _sample(field.type, is_whole=False) for field in needed}
    bare = {field.name: _sample(field.type, is_whole=False) for field in fields if field.required}
    told, shown, sure = (payload(kind(**given)) for given in (full, least, bare))  # type: ignore[arg-type] # it is one of the union
    return told, shown, sure


def _sample(kind: Any, *, is_whole: bool = True) -> Any:
    """Return a value of a field's type; `is_whole` False: one that has only what it must have."""
    if isinstance(kind, UnionType):
        kind = next(part for part in get_args(kind) if part is not NoneType)
    origin = get_origin(kind) or kind
    if origin is Literal:
        return Typed(" | ".join(f'"{part}"' for part in get_args(kind)))
    if origin is tuple:
        return (_sample(get_args(kind)[0], is_whole=is_whole),)
    if issubclass(origin, msgspec.Struct):
        fields = [field for field in msgspec.structs.fields(origin) if is_whole or field.required]
        return origin(**{field.name: _sample(field.type, is_whole=is_whole) for field in fields})
    return Typed("string") if origin is str else origin()


def _type(full: object, least: object, sure: object, indent: str = "") -> str:
    """Return the TypeScript type of a payload, or of a part of one; what `least` or `sure` has not may be missing."""
    match full:
        case Typed():
            return full.typescript
        case str():
            return f'"{full}"'
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case list() | tuple():
            first = least[0] if isinstance(least, list | tuple) and least else full[0]
            return f"ReadonlyArray<{_type(full[0], first, first, indent)}>"
        case dict() if full and isinstance(least, dict):
            there = sure if isinstance(sure, dict) else least
            lines = [
                f"{indent}  readonly {key}{'' if key in there else '?'}: {_type(value, least.get(key), there.get(key), indent + '  ')};\n"
                for key, value in full.items()
            ]
            return "{\n" + "".join(lines) + indent + "}"
        case dict():
            return "Readonly<Record<string, unknown>>"
    raise TypeError(f"no TypeScript for {type(full).__name__}")
