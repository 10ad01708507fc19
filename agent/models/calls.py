"""The pieces of tool calls in a delta of a chat completion, wherever a server puts their parts.

The invariant: no argument is lost. A call whose arguments are not seen would be made with its defaults.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from agent.models.delta import CallPart

USED = {"index", "id", "type", "function"}
MAX_DIGITS = 10
"""Of an index that is a word."""
ARGUMENTS = ("arguments", "parameters", "input")
"""Where a call may have its arguments, the usual place first."""


def calls_in(said: Mapping[str, Any]) -> Iterator[CallPart]:
    """Yield the pieces of calls in a delta; `function_call` is how older servers say it.

    Some say a call without a function around it, or a part of it beside its function.
    """
    calls = said.get("tool_calls")
    calls = [calls] if isinstance(calls, dict) else calls
    calls = [call for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    for call in calls:
        flat = {name: call[name] for name in ("name", *ARGUMENTS) if name in call}
        rest = {name: value for name, value in call.items() if name not in flat}
        within = call.get("function")
        within = {"name": within} if isinstance(within, str) else within
        within = within if isinstance(within, dict) else {}
        beside = {name: value for name, value in flat.items() if within.get(name) in (None, "")}
        yield _call(rest, {**within, **beside})
    if not calls and isinstance(old := said.get("function_call"), dict):
        yield _call({}, old)


def _call(call: Mapping[str, Any], function: Mapping[str, Any]) -> CallPart:
    name, call_id = function.get("name"), call.get("id")
    said = [value for one in ARGUMENTS if (value := function.get(one)) not in (None, "")]
    arguments = next((one for one in said if one not in ({}, "{}")), said[0] if said else None)
    if not isinstance(arguments, str):
        arguments = "" if arguments is None else _as_text(arguments)
    extras = {key: value for key, value in call.items() if key not in USED and value is not None}
    beside = {key: value for key, value in function.items() if key not in ("name", *ARGUMENTS) and value is not None}
    return CallPart(
        index_of(call.get("index")),
        str(call_id) if isinstance(call_id, str | int) and not isinstance(call_id, bool) else "",
        name if isinstance(name, str) else "",
        arguments,
        extras | ({"function": beside} if beside else {}),
    )


def _as_text(arguments: object) -> str:
    """Return arguments as JSON; what nobody can read where they are nested too deeply for that."""
    try:
        return json.dumps(arguments)
    except (ValueError, RecursionError):
        return "{"


def index_of(value: object) -> int | None:
    """Return an index, also where it is a word of digits or has a point; None where it is none."""
    is_word = isinstance(value, str) and value.isdecimal() and len(value) <= MAX_DIGITS
    if is_word or (isinstance(value, float) and value.is_integer()):
        return int(value)  # type: ignore[call-overload, no-any-return]
    return value if isinstance(value, int) and not isinstance(value, bool) else None
