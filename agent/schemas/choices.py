"""A property that several branches of a schema's choice say, as one: where each branch may be chosen, so may what it says.

The invariant: a value that any of them calls a secret is one.
"""

from collections.abc import Sequence
from typing import Any

MOST_SAID = 32
"""Different schemas of one property; of more it is any value."""
_LISTED = frozenset({"const", "enum"})
_WORDS = frozenset({"type", "title", "description", "default", "examples"})
"""Keywords that may stand beside values that are listed."""


def either(said: Sequence[Any]) -> Any:
    """Return a schema of what any of these takes: of values that are listed all, of anything else a choice."""
    if all(_is_same(one, said[0]) for one in said):
        return said[0]
    if (listed := _listed_by_all(said)) is not None:
        return listed
    different: list[Any] = []
    for one in said:
        if not any(_is_same(one, other) for other in different):
            different.append(one)
        if len(different) > MOST_SAID:
            return {}
    return {"anyOf": different}


def as_secret(one: Any, said: Sequence[Any]) -> Any:
    """Return a schema that calls its values secret if any of `said` does."""
    if one is False or _is_secret(one) or not any(_is_secret(other) for other in said):
        return one
    return {**(one if isinstance(one, dict) else {}), "writeOnly": True}


def _is_secret(schema: Any) -> bool:
    return isinstance(schema, dict) and (schema.get("writeOnly") is True or schema.get("format") == "password")


def _listed_by_all(said: Sequence[Any]) -> dict[str, Any] | None:
    """Return one list of the plain values that all of them list, as where a word says which branch is meant; else None."""
    values: dict[tuple[type, Any], Any] = {}
    rest = _rest(said[0])
    for one in said:
        listed = _listed(one)
        if listed is None or _rest(one) != rest:
            return None
        values |= {(type(value), value): value for value in listed}
    return {**rest, "enum": list(values.values())}


def _rest(schema: Any) -> dict[str, Any]:
    """Return the types of what a schema lists, and nothing that may be of one branch alone."""
    return {"type": schema["type"]} if isinstance(schema, dict) and "type" in schema else {}


def _listed(schema: Any) -> list[Any] | None:
    """Return the values that a schema lists; None where it lists none, or says more of them than words."""
    if not isinstance(schema, dict) or len(schema.keys() & _LISTED) != 1 or schema.keys() - _LISTED - _WORDS:
        return None
    listed = [schema["const"]] if "const" in schema else schema["enum"]
    is_plain = isinstance(listed, list) and all(isinstance(one, str | int | float | None) for one in listed)
    return listed if is_plain else None


def _is_same(one: Any, other: Any) -> bool:
    """Return whether two schemas say the same, as far as they can be compared."""
    try:
        return bool(one == other) and _kinds(one) == _kinds(other)
    except RecursionError:
        return False


def _kinds(schema: Any) -> list[type]:
    return [type(one) for one in _listed(schema) or ()]  # to Python 1 is True
