"""When a call asks first: bounds on its arguments. No expression is evaluated, so there is nothing to escape from.

The invariant: what cannot be told asks. An argument that is missing, of another kind, or no number passes its bound.
"""

import math
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any

Value = str | int | float | bool


class _Missing:
    """Stands for an argument that is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A bound on one argument; a call asks as soon as one of its limits is passed.

    `argument` is a name, or a path as `order.lines.amount`: in a list every element counts.
    """

    argument: str
    above: int | float | None = None
    at_least: int | float | None = None
    below: int | float | None = None
    at_most: int | float | None = None
    among: tuple[Value, ...] | None = None
    """Values that ask; of a text neither case nor space around it counts."""
    not_among: tuple[Value, ...] | None = None
    """The only values that do not ask, just as they are written."""
    longer_than: int | None = None
    """Characters of a text, or elements of a list."""

    def is_passed(self, arguments: Mapping[str, Any]) -> bool:
        """Return whether a call with these arguments asks."""
        values = list(_found(arguments, self.argument.split(".")))
        return not values or any(self._is_beyond(value) for value in values)

    def _is_beyond(self, value: object) -> bool:
        if isinstance(value, Enum):
            value = value.value
        if self.longer_than is not None and not (
            isinstance(value, str | list | tuple) and len(value) <= self.longer_than
        ):
            return True
        if isinstance(value, list | tuple) and self._looks_inside:
            return not value or any(self._is_beyond(one) for one in value)
        return self._is_too_much(value) or self._is_a_wrong_one(value)

    @property
    def _looks_inside(self) -> bool:
        limits = (self.above, self.at_least, self.below, self.at_most, self.among, self.not_among)
        return any(limit is not None for limit in limits)

    def _is_too_much(self, value: object) -> bool:
        limits = (self.above, self.at_least, self.below, self.at_most)
        if all(limit is None for limit in limits):
            return False
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal) or _is_no_number(value):
            return True
        return bool(
            (self.above is not None and value > self.above)
            or (self.at_least is not None and value >= self.at_least)
            or (self.below is not None and value < self.below)
            or (self.at_most is not None and value <= self.at_most)
        )

    def _is_a_wrong_one(self, value: object) -> bool:
        if self.among is None and self.not_among is None:
            return False
        if not isinstance(value, str | int | float | bool):
            return True
        if self.among is not None and _plain(value) in map(_plain, self.among):
            return True
        return self.not_among is not None and not any(
            type(one) is type(value) and one == value for one in self.not_among
        )


def asks(bounds: Sequence[Bound], arguments: Mapping[str, Any]) -> bool:
    """Return whether one of the bounds is passed."""
    return any(bound.is_passed(arguments) for bound in bounds)


def _found(value: object, path: Sequence[str]) -> Iterator[object]:
    """Yield what stands at a path; what is missing on the way is yielded as such, and passes every bound."""
    if not path:
        yield value
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _found(one, path)
    elif isinstance(value, Mapping) and path[0] in value:
        yield from _found(value[path[0]], path[1:])
    else:
        yield _Missing()


def _is_no_number(value: int | float | Decimal) -> bool:
    return value.is_nan() if isinstance(value, Decimal) else isinstance(value, float) and math.isnan(value)


def _plain(value: Value) -> str:
    return unicodedata.normalize("NFKC", str(value)).strip().casefold()
