"""The arguments of a tool call as a model wrote them: one JSON object, or what a server made of it.

The rule: what is meant is read where there is no doubt. Objects that stand behind each other are the arguments of several calls of the
same tool, but for the same one once more and the empty one that some servers begin with; around them tags, tokens and fences of
the model's own grammar are nothing.
"""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

import orjson

MAX_OBJECTS = 128
"""Objects that are read in one text."""
TOOL = ("tool", "name", "tool_name", "action", "function")
ARGUMENTS = ("args", "arguments", "parameters", "tool_input", "action_input", "input")
"""The names of a call's parts in a text, those that a model is told first."""
_NOTHING = frozenset({"[]", "None", "undefined"})
"""How servers and models write that there are no arguments, beside nothing and `null`."""
_BEFORE = re.compile(r"(?:\s|<[^<>{}]{0,64}>|```(?:json)?)*")
"""Signs that may stand around an object: tags, special tokens, a fence."""


def parse_arguments(text: str) -> dict[str, Any] | None:
    """Return the object that the arguments are: nothing and `null` are an empty one, and JSON in JSON is unwrapped."""
    parsed: Any = text
    for _ in range(3):
        try:
            parsed = orjson.loads(parsed) if parsed.strip() else {}
        except orjson.JSONDecodeError:
            return None
        if not isinstance(parsed, str):
            break
    parsed = {} if parsed is None else parsed
    return parsed if isinstance(parsed, dict) and _can_be_kept(parsed) else None


def read_objects(text: str) -> list[dict[str, Any]]:
    """Return the objects in arguments that are none by themselves, each once; none where anything else stands there."""
    if text.strip() in _NOTHING:
        return [{}]
    found: list[dict[str, Any]] = []
    at = _end_of_rest(text, 0)
    while at < len(text) and len(found) < MAX_OBJECTS:
        try:
            one, at = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            return []
        if not isinstance(one, dict) or not _can_be_kept(one):
            return []
        if not any(is_same(one, other) for other in found):
            found.append(one)
        at = _end_of_rest(text, at)
    return [one for one in found if one] or found


def read_action(text: str) -> tuple[str, str] | None:
    """Return the tool and the arguments, as JSON, of a call that a model wrote into its text; None where it is no call.

    Under the names that it was told, `tool` and `args`, or those that models know from elsewhere; where none of these has the
    arguments, they are all else that it says. A `function` with a name of its own counts where nothing else is named.
    """
    try:
        found = orjson.loads(text)
        if isinstance(inner := found.get("function"), dict) and not any(
            isinstance(found.get(one), str) for one in TOOL
        ):
            found = inner
        named = next((one for one in TOOL if one in found), None)
        name = found.pop(named, None)
        arguments: Any = arguments_in(found, found)
        if isinstance(arguments, dict | None) or arguments == []:
            arguments = orjson.dumps(arguments or {}).decode()
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):  # the second one: it is nested too deeply
        return None
    # A text is JSON in JSON, as some write it; what is none is told of as with any call.
    is_call = isinstance(name, str) and name.strip() and isinstance(arguments, str)
    return (name, arguments) if is_call else None


def arguments_in(call: Mapping[str, Any], other: Any = None) -> Any:
    """Return the arguments of a call, under whatever name they are there; `other` where none of the names is."""
    places = [call[name] for name in ARGUMENTS if name in call]
    return next((one for one in places if one is not None), None) if places else other


def is_same(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> bool:
    """Return whether two arguments are the same in JSON, where `true` is not 1."""
    return one == other and json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _end_of_rest(text: str, at: int) -> int:
    rest = _BEFORE.match(text, at)
    return rest.end() if rest else at


def _can_be_kept(parsed: dict[str, Any]) -> bool:
    """Return whether an object can be stored and sent: what is nested too deeply can be read, but not written."""
    try:
        orjson.dumps(parsed)
    except orjson.JSONEncodeError:
        return False
    return True


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def _finite(digits: str) -> float:
    """Return a number that can be stored: 1e400 is read as an infinity, which JSON does not have."""
    return number if math.isfinite(number := float(digits)) else _no_number(digits)


_DECODER = json.JSONDecoder(strict=False, parse_constant=_no_number, parse_float=_finite)
"""Not strict: some servers leave line breaks in texts as they are."""
