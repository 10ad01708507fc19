"""The roles that a definition names: where each stands, and those that nobody has."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

OF_USERS = frozenset({"roles", "tenant_readers", "tenant_writers"})
"""Fields that say who of those that may use the assistant is meant."""
OF_OTHERS = frozenset({"approvers"})
"""Fields that say who else is meant, who may not be one of them."""


def roles_named(definition: BaseModel, *, of: Collection[str] = OF_USERS | OF_OTHERS) -> Iterator[tuple[str, str]]:
    """Yield each role that a part of a definition names in these fields, behind its place there."""
    for name in type(definition).model_fields:
        value = getattr(definition, name)
        if name in of and value is not None:
            yield from ((name, role) for role in value)
        else:
            yield from _below(value, name, of)


def _below(value: Any, place: str, of: Collection[str]) -> Iterator[tuple[str, str]]:
    if isinstance(value, BaseModel):
        yield from ((f"{place}.{inner}", role) for inner, role in roles_named(value, of=of))
    elif isinstance(value, Mapping):
        for name, one in value.items():
            yield from _below(one, f"{place}.{name}", of)
    elif isinstance(value, tuple):
        for number, one in enumerate(value):
            yield from _below(one, f"{place}.{number}", of)
