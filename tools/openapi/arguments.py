"""The arguments of a model, held against the schema of an operation: mended where their meaning is certain, else refused.

The schema is a stranger's. The invariant: checking costs bounded time, whatever the schema and the arguments are; where the
bound is reached, the backend decides what it takes.
"""

from collections import OrderedDict
from collections.abc import Mapping
from copy import deepcopy
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from agent.errors import ToolError
from tools.openapi.bounds import check_bounds
from tools.openapi.complaints import MAX_COMPLAINTS, complaints
from tools.openapi.mending import Mending, resolved
from tools.openapi.operation import Operation

if TYPE_CHECKING:
    from tools.openapi.validation import Check

MAX_KEPT = 1024
"""Operations whose check is kept ready."""
MAX_NAMES = 30
_kept: OrderedDict[int, tuple[Operation, "Check"]] = OrderedDict()
"""By the identity of the operation, which is kept with it: so no other object has that identity."""


def checked(operation: Operation, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments as they are to be sent: valid, and with the defaults of those that must be there.

    Optional ones that were not given are left out, with or without a default: the backend has it, and in a partial change
    a default that nobody named would overwrite what is there.

    Raises:
        ToolError: an argument is wrong, missing or unknown; the text says at most five times which, and what is wanted.
    """
    check_bounds(arguments)
    properties: Mapping[str, Any] = operation.schema.get("properties", {})
    if strange := [name for name in arguments if name not in properties]:
        raise refusal(_strange(strange, list(properties)))
    check = _check(operation)
    with check.bounded():
        given = Mending(check).object(arguments, operation.schema)
        for name in operation.schema.get("required", ()):
            wanted = resolved(properties.get(name), operation.schema)
            if name not in given and isinstance(wanted, Mapping) and wanted.get("default") is not None:
                given[name] = deepcopy(wanted["default"])
        if found := complaints(check.errors(given)):
            raise refusal(found)
    return given


def refusal(problems: list[str]) -> ToolError:
    """Return what the model is told of wrong arguments."""
    return ToolError(
        f"The arguments are not valid: {'; '.join(problems[:MAX_COMPLAINTS])}. Correct them and call again."
    )


def _strange(names: list[str], known: list[str]) -> list[str]:
    problems = []
    for name in names[:MAX_COMPLAINTS]:
        close = get_close_matches(name[:100], known, n=1)
        problems.append(f"there is no argument {name[:100]!r}" + (f", perhaps {close[0]}" if close else ""))
    more = ", …" if len(known) > MAX_NAMES else ""
    problems[-1] += f" (there are: {', '.join(known[:MAX_NAMES])}{more})" if known else " (there are none)"
    return problems


def _check(operation: Operation) -> "Check":
    from tools.openapi.validation import Check

    kept = _kept.get(id(operation))
    if kept is None:
        kept = _kept[id(operation)] = operation, Check(operation.schema)
        if len(_kept) > MAX_KEPT:
            _kept.popitem(last=False)
    _kept.move_to_end(id(operation))
    return kept[1]
