"""Tool calls put together from the pieces that a provider sends, however it sends them.

One rule for all. A part without a name goes on with the last call of its index (of all, where it has none), whatever its
id, until that call's arguments are a whole JSON object; then a part that begins an object is another call of the same tool,
or the same object once more, which is dropped; an empty object was only a placeholder. A part with a name begins another call
where the open one is whole, where both have ids and these differ (unless it goes on in the middle of the arguments), or where
both names are tools; else an equal name is the same name again, and another one its second half. A call that a server only
repeats is no other one: the same arguments again under the same id, or under the same index without a name.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, NamedTuple

from agent.models.arguments import (
    MAX_OBJECTS,
    TOOL,
    End,
    arguments_in,
    has_long_number,
    is_same,
    parse_arguments,
    read_objects,
)
from agent.models.delta import MAX_ID_CHARACTERS, CallPart
from agent.models.extras import Growth
from agent.models.names import tool_name
from agent.models.text import clean

BAD_ARGUMENTS = "The arguments are not a JSON object. Correct them and call again."
"""The words that a model is told of a call whose arguments are None."""
LONG_NUMBER = f"{BAD_ARGUMENTS} A number of more than 18 digits can only be a text."
"""The words in their place where there is such a number."""
AT_ONCE = re.compile(r"(?:multi_tool_use\W)?parallel", re.IGNORECASE)
"""How OpenAI's models call several tools as if that were a tool: `{"tool_uses": [{"recipient_name": …, "parameters": …}]}`."""
USED_BY = ("recipient_name", *TOOL)


Meant = tuple[str, dict[str, Any] | None]
"""A tool's name and the arguments for it."""


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """A tool call as the model asked for it. `arguments` is None where it wrote something that is no JSON object.

    `id` and `extras` are the provider's own: they go back to it as they came.
    """

    name: str
    arguments: dict[str, Any] | None
    id: str = field(default="", compare=False)
    extras: Mapping[str, Any] = field(default_factory=dict, compare=False)
    number: int = field(default=0, compare=False)
    """Which of the reply's calls it is, in the order in which they began, from 0."""
    fault: str = field(default=BAD_ARGUMENTS, compare=False)
    """The words that the model is told where there are no arguments."""


class InputPiece(NamedTuple):
    """A piece of the arguments of the reply's call `number`, while they come. What counts in the end is the request."""

    number: int
    name: str
    text: str


@dataclass(slots=True)
class _PartialCall:
    index: int | None
    id: str = ""
    name: str = ""
    pieces: list[str] = field(default_factory=list)
    tail: str = ""
    """The last piece that is not blank."""
    extras: dict[str, Any] = field(default_factory=dict)
    told: int = 0
    """How many of the pieces were told already."""
    untold: int = 0
    """How many characters the others have."""
    is_unnamed: bool = False
    """No part of it has a name: it is named after the one before it."""
    _end: End = field(default_factory=End)
    _looked_at: tuple[int, bool] = (0, False)
    """How many pieces there were when somebody looked whether they are a whole object, and whether they were."""

    @property
    def text(self) -> str:
        text = "".join(self.pieces)
        return text if text.isascii() else clean(text)  # the two halves of a character may have come apart

    @property
    def is_whole(self) -> bool:
        """Return whether the arguments are a whole object. They are read where they may end, which is in one place at most."""
        before, is_whole = self._looked_at
        if before != len(self.pieces):
            was_reached = self._end.is_reached
            for piece in self.pieces[before:]:
                self._end.look_at(piece)
            if not self._end.is_reached:
                is_whole = False
            elif not was_reached:  # white space behind it changes nothing
                is_whole = parse_arguments(self.text) is not None
            self._looked_at = (len(self.pieces), is_whole)
        return is_whole

    @property
    def is_placeholder(self) -> bool:
        """Return whether the arguments are the empty object that some servers begin with."""
        return len(self.pieces) < 4 and self.text.strip() == "{}"

    @property
    def arguments(self) -> dict[str, Any] | None:
        """Return what the pieces mean: joined, or the last one where each repeats what was before."""
        joined = parse_arguments(self.text)
        if joined is None and len(self.pieces) > 1 and self.pieces[0].lstrip().startswith("{"):
            grows = all(more.startswith(one) for one, more in pairwise(self.pieces))
            return parse_arguments(self.pieces[-1]) if grows else None
        return joined

    def goes_on_with(self, arguments: str) -> bool:
        """Return whether a text can only be the middle of these arguments."""
        piece = arguments.lstrip()
        return bool(piece) and piece[0] not in '{"' and bool(self.tail) and not self.is_whole

    def forget(self) -> None:
        """Take back all pieces: they were a placeholder."""
        self.pieces, self.tail, self.told, self.untold = [], "", 0, 0
        self._end, self._looked_at = End(), (0, False)

    def append(self, piece: str) -> None:
        """Add a piece of the arguments."""
        self.pieces.append(piece)
        self.untold += len(piece)
        if piece.strip():
            self.tail = piece


class CallAssembly:
    """The calls of one reply. `tools` are the names that the model was offered.

    Of extras of calls that come to more than `most_extras_bytes` of JSON none is kept.
    """

    def __init__(self, tools: Collection[str] = (), *, most_extras_bytes: int) -> None:
        self._tools = tools
        self._calls: list[_PartialCall] = []
        self._growth = Growth(most_extras_bytes)
        self._has_room = True
        """For extras."""

    def __len__(self) -> int:
        return len(self._calls)

    def add(self, part: CallPart) -> None:
        """Take in a piece. An id that is too long to go back to its provider is none."""
        if len(part.id) > MAX_ID_CHARACTERS:
            part = replace(part, id="")
        if part.extras and not self._has_room:
            part = replace(part, extras={})
        self._add(part)
        if part.extras and self._growth.is_too_large(part.extras, [call.extras for call in self._calls]):
            self._has_room = False
            for call in self._calls:
                call.extras = {}

    def _add(self, part: CallPart) -> None:
        call = self._open_call(part)
        if call is None or (part.name and self._begins_another(call, part)):
            self._begin(part)
            return
        if not part.name and part.arguments.strip() and call.is_placeholder:
            call.forget()
        if call.name and part.arguments.lstrip().startswith("{") and call.is_whole:
            if not is_same(parse_arguments(part.arguments), parse_arguments(call.text)):
                self._begin(CallPart(part.index, part.id, call.name, part.arguments, part.extras))
                self._calls[-1].is_unnamed = not part.name
            return
        call.id = call.id or part.id
        call.extras |= part.extras
        if part.name != call.name:
            call.name = part.name if call.name and part.name in self._tools else call.name + part.name
        if part.arguments.strip() or (part.arguments and not call.is_whole):
            call.append(part.arguments)

    def requests(self) -> tuple[ToolRequest, ...]:
        """Return the calls, in the order in which they began; those that never got a name are none."""
        asked: list[ToolRequest] = []
        taken: list[_PartialCall] = []
        for number, call in enumerate(self._calls):
            if not call.name.strip() or any(_repeats(call, one) for one in taken):
                continue
            taken.append(call)
            (name, arguments), *more = self._meant(call)
            fault = LONG_NUMBER if has_long_number(call.text) else BAD_ARGUMENTS
            asked.append(ToolRequest(name, arguments, call.id, call.extras, number, fault))
            behind = len(self._calls) + len(asked)
            asked += [ToolRequest(*one, number=behind + place) for place, one in enumerate(more)]
        return tuple(asked[:MAX_OBJECTS])

    def untold(self, *, least: int) -> Iterator[InputPiece]:
        """Yield what came of the arguments and was not yielded yet, where that is at least so many characters.

        What may still be a placeholder is held back.
        """
        for number, call in enumerate(self._calls):
            if call.untold < least or not call.name.strip() or call.is_placeholder:
                continue
            text = "".join(call.pieces[call.told :])
            call.told, call.untold = len(call.pieces), 0
            yield InputPiece(number, tool_name(call.name, self._tools), text)

    def _meant(self, call: _PartialCall) -> list[Meant]:
        """Return the tools and arguments that are meant by a call: one, or several that a server or a model made one of."""
        name, first = tool_name(call.name, self._tools), call.arguments
        every = [first] if first is not None else read_objects(call.text)
        if name not in self._tools and AT_ONCE.fullmatch(call.name.strip()):
            unwrapped = [one for wrapped in every for one in _at_once(wrapped, self._tools)]
            if unwrapped:
                return unwrapped
        return [(name, one) for one in every] or [(name, None)]

    def _open_call(self, part: CallPart) -> _PartialCall | None:
        """Return the call that a part may belong to: the one of its id, else the last one of its index, else of all.

        An index that no call has is none where the part can only be the middle of the last call's arguments.
        """
        same = [call for call in self._calls if part.index is None or call.index == part.index]
        if not part.name and part.id:
            same = [call for call in same if call.id == part.id] or same or [c for c in self._calls if c.id == part.id]
        if not same and not part.name and self._calls and self._calls[-1].goes_on_with(part.arguments):
            return self._calls[-1]
        return same[-1] if same else None

    def _begins_another(self, call: _PartialCall, part: CallPart) -> bool:
        """Return whether a part with a name is another call than the open one of its place."""
        if not call.name:
            return False
        if part.name == call.name and call.goes_on_with(part.arguments):
            return False
        differs = bool(call.id and part.id and call.id != part.id)
        is_repeated = part.name == call.name and not differs
        if call.is_whole:
            if is_repeated and not part.arguments.strip():
                return False  # the name once more, with nothing to it
            is_same_call = is_repeated and bool(call.id)
            return not (is_same_call and is_same(parse_arguments(part.arguments), parse_arguments(call.text)))
        if call.id and not differs and not call.tail and part.name.startswith(call.name):
            return False  # a name that grows, and is another tool's on the way
        return differs or (not is_repeated and call.name in self._tools and part.name in self._tools)

    def _begin(self, part: CallPart) -> None:
        call = _PartialCall(part.index, part.id, part.name, extras=dict(part.extras))
        call.append(part.arguments)
        # Further ones are never made: the last of them alone is there, for the pieces that belong to it.
        del self._calls[MAX_OBJECTS:]
        self._calls.append(call)


def _repeats(call: _PartialCall, one: _PartialCall) -> bool:
    """Return whether a call is an earlier one that its server said once more."""
    has_its_id = bool(call.id) and call.id == one.id
    if not (has_its_id or (call.is_unnamed and call.index == one.index)) or call.name != one.name:
        return False
    return call.arguments is not None and is_same(call.arguments, one.arguments)


def _at_once(wrapped: Mapping[str, Any], tools: Collection[str]) -> list[Meant]:
    """Return the calls that a model wrapped into one."""
    uses = wrapped.get("tool_uses")
    found: list[Meant] = []
    for use in uses[:MAX_OBJECTS] if isinstance(uses, list) else ():
        named = next((one for one in USED_BY if isinstance(use.get(one), str)), None) if isinstance(use, dict) else None
        if named is None:
            return []  # rather none of them than all but one
        name, rest = use[named], {key: value for key, value in use.items() if key != named}
        try:
            arguments = arguments_in(rest) or {}
        except ValueError:
            return []
        arguments = parse_arguments(arguments) if isinstance(arguments, str) else arguments
        found.append((tool_name(name, tools), arguments if isinstance(arguments, dict) else None))
    return found
