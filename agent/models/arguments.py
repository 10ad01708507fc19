"""The arguments of a tool call as a model wrote them: one JSON object, or what a server made of it.

The rule: what is meant is read where there is no doubt. Objects that stand behind each other are the arguments of several calls of the
same tool, but for the same one once more and the empty one that some servers begin with; around them tags, tokens and fences of
the model's own grammar are nothing. What would lose something of what was said is not read: a number keeps all its digits, and
nothing that stands beside arguments is left out.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

MAX_OBJECTS = 128
"""Objects that are read in one text."""
TOOL = ("tool", "name", "tool_name", "action", "function")
ARGUMENTS = ("args", "arguments", "parameters", "tool_input", "action_input", "input")
"""The names of a call's parts in a text, those that a model is told first."""
BESIDE = frozenset(["id", "call_id", "tool_call_id", "type", "index", "function", "thought", "thoughts", "reasoning"])
"""The names of what may stand beside a call's arguments and is none of them."""
_MANY_DIGITS = re.compile(rb"[\[:,\s]-?\d{19}")
"""A number that may be longer than 64 bits: orjson makes a float of it, and so another number."""
_SIGNS = re.compile(r'["{}]|\\.?', re.DOTALL)
"""Signs of JSON that decide where it ends, with what escapes one of them."""
_NOTHING = frozenset({"[]", "None", "undefined"})
"""How servers and models write that there are no arguments, beside nothing and `null`."""
_BEFORE = re.compile(r"(?:\s|<[^<>{}]{0,64}>|```(?:json)?)*")
"""Signs that may stand around an object: tags, special tokens, a fence."""


def parse_arguments(text: str) -> dict[str, Any] | None:
    """Return the object that the arguments are: nothing and `null` are an empty one, and JSON in JSON is unwrapped."""
    parsed: Any = text
    for _ in range(3):
        try:
            parsed = exact(parsed) if parsed.strip() else {}
        except (ValueError, RecursionError):
            return None
        if not isinstance(parsed, str):
            break
    parsed = {} if parsed is None else parsed
    return parsed if isinstance(parsed, dict) and _can_be_kept(parsed) else None


def read_objects(text: str) -> list[dict[str, Any]]:
    """Return the objects in arguments that are none by themselves, each once; none where anything else stands there."""
    if text.strip() in _NOTHING:
        return [{}]
    found: dict[str, dict[str, Any]] = {}
    at = _end_of_rest(text, 0)
    for _ in range(MAX_OBJECTS):
        if at == len(text):
            break
        try:
            one, at = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            return []
        if not isinstance(one, dict) or not _can_be_kept(one):
            return []
        found.setdefault(json.dumps(one, sort_keys=True), one)
        at = _end_of_rest(text, at)
    return [one for one in found.values() if one] or list(found.values())


def read_action(text: str) -> tuple[str, str] | None:
    """Return the tool and the arguments, as JSON, of a call that a model wrote into its text; None where it is no call.

    Under the names that it was told, `tool` and `args`, or those that models know from elsewhere; where none of these has the
    arguments, they are all else that it says. A `function` with a name of its own counts where nothing else is named.
    """
    try:
        found = exact(text)
        if isinstance(inner := found.get("function"), dict) and not any(
            isinstance(found.get(one), str) for one in TOOL
        ):
            found = _joined({name: value for name, value in found.items() if name not in BESIDE}, inner)
        named = next((one for one in TOOL if one in found), None)
        name = found.pop(named, None)
        arguments: Any = arguments_in(found)
        if isinstance(arguments, dict | None) or arguments == []:
            arguments = orjson.dumps(arguments or {}).decode()
    except (ValueError, RecursionError, orjson.JSONEncodeError):  # the last one: it cannot be kept
        return None
    # A text is JSON in JSON, as some write it; what is none is told of as with any call.
    is_call = isinstance(name, str) and name.strip() and isinstance(arguments, str)
    return (name, arguments) if is_call else None


def arguments_in(call: Mapping[str, Any]) -> Any:
    """Return the arguments in what a call says beside its tool: under whatever name they are there, or else all of it.

    Raises:
        ValueError: more stands beside them, which may be some of them.
    """
    if not any(name in call for name in ARGUMENTS):
        return call
    said = [call[name] for name in ARGUMENTS if call.get(name) is not None]
    full = [one for one in said if one not in ({}, [], "")]
    beside = {name for name, value in call.items() if value is not None} - BESIDE - set(ARGUMENTS)
    if len(full) > 1 or beside:
        raise ValueError("arguments in two places")
    return full[0] if full else said[0] if said else None


def _joined(beside: Mapping[str, Any], inner: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a function says, with what stands beside it.

    Raises:
        ValueError: both say the same part.
    """
    if beside.keys() & inner.keys():
        raise ValueError("a part of a call in two places")
    return {**beside, **inner}


def exact(text: str | bytes) -> Any:
    """Return the value of JSON. A whole number has all its digits, also where it is too large to be kept.

    Raises:
        ValueError, RecursionError: it is no JSON, or too much. orjson.JSONDecodeError: the former.
    """
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    parsed = orjson.loads(data)
    return json.loads(data) if _MANY_DIGITS.search(data) else parsed


def has_long_number(text: str) -> bool:
    """Return whether a number stands there that may be too long to be kept."""
    return _MANY_DIGITS.search(text.encode("utf-8", "surrogatepass")) is not None


@dataclass(slots=True)
class End:
    """Where an object, or a text, ends that comes in pieces: each character is looked at once, however often somebody asks."""

    is_reached: bool = False
    """Its last brace or quote was there, and nothing behind it."""
    is_passed: bool = False
    """More stands behind it, so that all of it is no JSON any more."""
    _depth: int = 0
    _in_text: bool = False
    _escapes: bool = False

    def look_at(self, piece: str) -> None:
        """Take in the next piece."""
        if self.is_reached or self.is_passed:
            self.is_passed = self.is_passed or bool(piece.strip())
            self.is_reached = not self.is_passed
            return
        if not piece:
            return
        begin, self._escapes = int(self._escapes), False
        for found in _SIGNS.finditer(piece, begin):
            sign = found.group()
            if sign.startswith("\\"):
                self._escapes = self._in_text and len(sign) == 1  # the rest of it is in the next piece
            elif self._is_last(sign):
                self.is_passed = self._depth < 0 or bool(piece[found.end() :].strip())
                self.is_reached = not self.is_passed
                return

    def _is_last(self, sign: str) -> bool:
        if sign == '"':
            self._in_text = not self._in_text
        elif not self._in_text:
            self._depth += 1 if sign == "{" else -1
        return self._depth <= 0 and not self._in_text


def is_same(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> bool:
    """Return whether two arguments are the same in JSON, where `true` is not 1."""
    return one == other and json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _end_of_rest(text: str, at: int) -> int:
    rest = _BEFORE.match(text, at)
    return rest.end() if rest else at


def _can_be_kept(parsed: dict[str, Any]) -> bool:
    """Return whether an object can be stored and sent: what is nested too deeply, or too large a number, can only be read."""
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
