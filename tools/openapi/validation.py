"""JSON Schema for schemas that strangers wrote: no time without bound, nothing fetched, and mild where documents are careless.

Left out on purpose: `format`; a `pattern` that might take long (`patterns.py`); that only one branch of `oneOf` fits, since
many documents tell their branches apart by a format; what is unevaluated. Importing this takes a tenth of a second, so it is
imported with the first call of an operation.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

import orjson
from jsonschema import Draft202012Validator, ValidationError, validators
from jsonschema.exceptions import UnknownType
from referencing import Registry
from referencing.exceptions import Unresolvable

from tools.openapi.patterns import harmless

MAX_LOOKUPS = 4000
"""References that are followed within one check. Schemas that refer to themselves in branches double it with each level."""
MAX_BRANCHES = 20_000
"""Branches that values are held against within one check: a long list of values times a long `anyOf` takes seconds."""
MAX_ERRORS = 50
MAX_MATCHED = 1000
"""Characters of a text that a pattern is held against."""

Result = TypeVar("Result")


class _TooMuchError(Exception):
    """The bound of a check is reached."""


BROKEN = (_TooMuchError, UnknownType, Unresolvable, LookupError, TypeError, ValueError, ArithmeticError, AttributeError)
"""Errors to which a schema that is none brings the library."""


@dataclass(slots=True)
class Bound:
    """How much is left of a check."""

    lookups: int = MAX_LOOKUPS
    branches: int = MAX_BRANCHES
    is_reached: bool = False

    def look_up(self) -> None:
        """Count a reference that is followed."""
        self.lookups -= 1
        if self.lookups < 0:
            raise _TooMuchError

    def branch(self, count: int = 1) -> None:
        """Count branches that a value is held against."""
        self.branches -= count
        if self.branches < 0:
            raise _TooMuchError


_bound: ContextVar[Bound] = ContextVar("openapi_check")


class Check:
    """A schema that is ready to hold values against. Use it within `bounded`."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.schema = schema
        self._validator = _VALIDATOR(schema, registry=Registry())

    @contextmanager
    def bounded(self) -> Iterator[Bound]:
        """Bound what is done within; past it, every value is valid."""
        bound = Bound()
        token = _bound.set(bound)
        try:
            yield bound
        finally:
            _bound.reset(token)

    def errors(self, value: Any) -> list[Any]:
        """Return the first errors of a value, as `jsonschema` has them."""
        return _within(lambda: list(islice(self._validator.iter_errors(value), MAX_ERRORS)), [])

    def fits(self, value: Any, schema: Any) -> bool:
        """Return whether a value is valid under a part of the schema."""
        return _within(lambda: self._fits(value, schema), True)

    def _fits(self, value: Any, schema: Any) -> bool:
        _bound.get().branch()
        return bool(self._validator.evolve(schema=schema).is_valid(value))


def _within(work: Callable[[], Result], otherwise: Result) -> Result:
    bound = _bound.get()
    if bound.is_reached:
        return otherwise
    try:
        return work()
    except (*BROKEN, RecursionError):  # the backend decides then
        bound.is_reached = True
        return otherwise


_KNOWN = Draft202012Validator.VALIDATORS


def _reference(validator: Any, target: Any, value: Any, schema: Any) -> Iterator[Any]:
    _bound.get().look_up()
    yield from _KNOWN["$ref"](validator, target, value, schema)


def _any_of(validator: Any, branches: Any, value: Any, schema: Any) -> Iterator[Any]:
    _bound.get().branch(len(branches))
    yield from _KNOWN["anyOf"](validator, branches, value, schema)


def _pattern(_validator: Any, pattern: Any, value: Any, _schema: Any) -> Iterator[Any]:
    matcher = harmless(pattern) if isinstance(value, str) and len(value) <= MAX_MATCHED else None
    if matcher is not None and not matcher.search(value):
        yield ValidationError("pattern")


def _listed(validator: Any, options: Any, value: Any, schema: Any) -> Iterator[Any]:
    is_alike = isinstance(options, list) and isinstance(value, str | int) and any(_alike(value, one) for one in options)
    if not is_alike:
        yield from _KNOWN["enum"](validator, options, value, schema)


def _alike(value: str | int, option: Any) -> bool:
    """Return whether a number is meant by its text, or a text by its number: documents list `1` for what they call text."""
    is_number = isinstance(option, int) and not isinstance(option, bool) and not isinstance(value, bool)
    return (is_number or isinstance(option, str)) and str(value) == str(option)


def _unique(_validator: Any, wanted: Any, value: Any, _schema: Any) -> Iterator[Any]:
    if wanted and isinstance(value, list):
        seen = {orjson.dumps(one, option=orjson.OPT_SORT_KEYS) for one in value}
        if len(seen) < len(value):
            yield ValidationError("unique")


def _no_others(validator: Any, allowed: Any, value: Any, schema: Any) -> Iterator[Any]:
    if "patternProperties" not in schema:  # their patterns would have to be tried
        yield from _KNOWN["additionalProperties"](validator, allowed, value, schema)


def _nothing(*_: Any) -> Iterator[Any]:
    return iter(())


_extend: Any = validators.extend
_VALIDATOR = _extend(
    Draft202012Validator,
    {
        "$ref": _reference,
        "$dynamicRef": _nothing,
        "pattern": _pattern,
        "patternProperties": _nothing,
        "propertyNames": _nothing,
        "enum": _listed,
        "uniqueItems": _unique,
        "additionalProperties": _no_others,
        "anyOf": _any_of,
        "oneOf": _any_of,
        "unevaluatedProperties": _nothing,
        "unevaluatedItems": _nothing,
        "format": _nothing,
    },
)
