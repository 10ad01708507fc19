"""The reader of chat-completion events: one place that decides what an event of a provider says.

The rule: an event is read for what can be read. One without choices, delta or data is skipped, odd fields are left out, a
whole `message` counts where no delta came before it. Only text that should be JSON and is none, before the end was said,
ends the reading.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import orjson

from agent.errors import RunError
from agent.models.citations import cited_in_event
from agent.models.delta import CallPart, Delta
from agent.models.plain import plain_text_in, plain_text_of
from agent.models.reasons import read_reason
from agent.models.refusals import error_in

DONE = b"[DONE]"
REASONING = ("reasoning_content", "reasoning", "reasoning_text", "thinking")
KEPT = (
    *REASONING,
    "reasoning_details",
    "reasoning_opaque",
    "thinking_blocks",
    "extra_content",
    "provider_specific_fields",
)
"""Fields of a message that go back to the model that wrote it, as they came."""
METADATA = {"model": "model_name", "system_fingerprint": "system_fingerprint", "service_tier": "service_tier"}
USED = {"index", "id", "type", "function"}


class UnreadableError(ValueError):
    """An event that should be JSON is none: what it said is lost."""


class CompletionReader:
    """Reads the events of one reply. `ended`: the end was said, so nothing that follows can fail the reply."""

    def __init__(self, mask: Callable[[str], str] = str) -> None:
        self._mask = mask
        self.ended = False
        self.done = False
        """`[DONE]` was said."""
        self.usage: dict[str, Any] = {}
        """The last usage, as the provider counted it."""
        self.is_whole = False
        """The body is a whole completion: no finish reason is needed to see that."""
        self._has_delta = False
        self._has_said = False
        self._has_cited: tuple[object, ...] = ()
        self._place: object = None
        """The index of the choice that is read."""

    def read(self, events: Iterable[bytes]) -> Iterator[str | Delta]:
        """Yield the text of adjacent events as one piece, and what every other event says by itself.

        What came before an unreadable event is not lost.

        Raises:
            UnreadableError: an event is no JSON, and the end was not said yet.
            RunError: an event is an error, and the end was not said yet.
        """
        pieces: list[str] = []
        for data in events:
            try:
                delta, text = None, plain_text_in(data)
                if text is None and (event := self._parsed(data)) is not None:
                    text = plain_text_of(event)
                    delta = self._delta(event) if text is None else None
            except (UnreadableError, RunError):
                if pieces:
                    yield "".join(pieces)
                if self.ended:
                    return
                raise
            if text is not None:
                self._has_delta, self._has_said, self._place = True, True, 0
                pieces.append(text)
            elif delta is not None:
                if pieces:
                    yield "".join(pieces)
                    pieces = []
                yield delta
            if self.done:
                break
        if pieces:
            yield "".join(pieces)

    def _parsed(self, data: bytes) -> dict[str, Any] | None:
        """Return an event's object; None for one that holds nothing to read, such as a ping in words."""
        try:
            event = orjson.loads(data)
        except orjson.JSONDecodeError:
            event = self._parsed_slowly(data.strip())
        if isinstance(event, list):
            event = next((one for one in event if isinstance(one, dict)), None)
        elif isinstance(event, str) and event.strip() == DONE.decode():
            self._note_done()
        return event if isinstance(event, dict) else None

    def _parsed_slowly(self, data: bytes) -> object:
        if data.upper() == DONE:
            self._note_done()
            return None
        if data.startswith(b"data:"):  # wrapped twice by a gateway
            return self._parsed(data[5:].lstrip())
        try:
            # Half of a surrogate pair, as `\ud83d`, whose other half comes with the next event, NaN, a byte that is no
            # UTF-8: JSON, but not to orjson.
            return json.loads(data.decode("utf-8", "replace"))
        except (ValueError, RecursionError) as exc:
            if data.startswith((b"{", b"[")):
                raise UnreadableError("an event that is no JSON") from exc
            return None

    def _note_done(self) -> None:
        self.done = True
        self.ended = self.ended or self._has_said

    def _delta(self, event: dict[str, Any]) -> Delta | None:
        """Return what an event says; None where it says nothing.

        Raises:
            RunError: it says that something went wrong.
        """
        if (error := error_in(event, mask=self._mask)) is not None:
            raise error
        self.is_whole = self.is_whole or event.get("object") == "chat.completion"
        self._count(event.get("usage"))
        self._count(beside.get("usage") if isinstance(beside := event.get("x_groq"), dict) else None)
        choice = self._choice(event.get("choices"))
        if choice is None:
            return Delta(cited=cited) if (cited := self._cited(event, {})) else None
        self._count(choice.get("usage"))
        said = self._said(choice)
        text, thought = _content(said.get("content"))
        if not text and isinstance(refusal := said.get("refusal"), str):
            text = refusal
        calls = tuple(_calls(said))
        reason = read_reason(choice.get("finish_reason"))
        self._has_said = self._has_said or bool(text or calls)
        self.ended = self.ended or bool(reason)
        return Delta(
            text,
            thought or _reasoning(said),
            calls,
            finish_reason=reason,
            extras={name: said[name] for name in KEPT if said.get(name)},
            metadata=_metadata(event, choice),
            cited=self._cited(event, said),
        )

    def _cited(self, event: Mapping[str, Any], said: Mapping[str, Any]) -> tuple[object, ...]:
        """Return what an event cites. Some providers say all of it with each piece of an answer: that is read once."""
        cited = cited_in_event(event, said)
        if cited == self._has_cited:
            return ()
        self._has_cited = cited or self._has_cited
        return cited

    def _choice(self, choices: object) -> Mapping[str, Any] | None:
        """Return the choice that was asked for: others are not, and some servers send an empty list."""
        choices = [choices] if isinstance(choices, dict) else choices
        found = [one for one in choices if isinstance(one, dict)] if isinstance(choices, list) else []
        if not found:
            return None
        places = [_index(one.get("index")) or 0 for one in found]
        if self._place is None:
            self._place = min(places)
        return found[places.index(self._place)] if self._place in places else None

    def _said(self, choice: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a choice's delta. A whole message stands for it only where none came before: else it repeats them."""
        delta, message = choice.get("delta"), choice.get("message")
        if isinstance(delta, dict) and (delta or not isinstance(message, dict)):
            self._has_delta = self._has_delta or any(delta.get(name) for name in ("content", "tool_calls", *REASONING))
            return delta
        if isinstance(message, dict) and not self._has_delta:
            self._has_delta = True
            self.ended = self.ended or self.is_whole
            return message
        return {}

    def _count(self, usage: object) -> None:
        """Keep the last usage: some providers send the running total with each event, some send the end twice."""
        if isinstance(usage, dict):
            self.usage |= {name: value for name, value in usage.items() if value is not None}


def _content(content: object) -> tuple[str, str]:
    """Return the text and the thinking in a content, which is a text or a list of blocks."""
    if isinstance(content, str):
        return content, ""
    text: list[str] = []
    thought: list[str] = []
    content = [content] if isinstance(content, dict) else content
    for block in content if isinstance(content, list) else ():
        if isinstance(block, str):
            text.append(block)
        elif isinstance(block, dict):
            match block.get("type", "text"):
                case "text" | "output_text":
                    text.append(joined_text(block.get("text")))
                case "thinking" | "reasoning":
                    places = ("thinking", "reasoning", "summary", "text")
                    thought.append(joined_text(next((found for name in places if (found := block.get(name))), None)))
    return "".join(text), "".join(thought)


def joined_text(value: object) -> str:
    """Return the text of a block's field, which may be a list of further blocks."""
    match value:
        case str():
            return value
        case list():
            return "".join(joined_text(one) for one in value[:1000])
        case {"text": inner} | {"thinking": inner} | {"summary": inner} | {"value": inner}:
            return joined_text(inner)
        case _:
            return ""


def _reasoning(said: Mapping[str, Any]) -> str:
    """Return the thinking beside a content, from the first field that has it."""
    for name in REASONING:
        if isinstance(found := said.get(name), str) and found:
            return found
    details = said.get("reasoning_details")
    return joined_text(details) if isinstance(details, list) else ""


def _calls(said: Mapping[str, Any]) -> Iterator[CallPart]:
    """Yield the pieces of calls in a delta; `function_call` is how older servers say it."""
    calls = said.get("tool_calls")
    calls = [calls] if isinstance(calls, dict) else calls
    for call in calls if isinstance(calls, list) else ():
        if isinstance(call, dict):
            flat = {name: call[name] for name in ("name", "arguments") if name in call}
            rest = {name: value for name, value in call.items() if name not in flat}
            yield _call(rest, call.get("function") or flat)
    if isinstance(old := said.get("function_call"), dict):
        yield _call({}, old)


def _call(call: Mapping[str, Any], function: object) -> CallPart:
    function = function if isinstance(function, dict) else {}
    name, call_id, arguments = function.get("name"), call.get("id"), function.get("arguments")
    if not isinstance(arguments, str):
        arguments = "" if arguments is None else json.dumps(arguments)
    extras = {key: value for key, value in call.items() if key not in USED and value is not None}
    beside = {key: value for key, value in function.items() if key not in ("name", "arguments") and value is not None}
    return CallPart(
        _index(call.get("index")),
        call_id if isinstance(call_id, str) else "",
        name if isinstance(name, str) else "",
        arguments,
        extras | ({"function": beside} if beside else {}),
    )


def _index(value: object) -> int | None:
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _metadata(event: Mapping[str, Any], choice: Mapping[str, Any]) -> dict[str, Any]:
    """Return what LangChain's handlers are told of a generation, under the names that `ChatOpenAI` gives it."""
    known: dict[str, Any] = {}
    if choice.get("finish_reason"):
        known["finish_reason"] = choice["finish_reason"]
        known |= {told: event[name] for name, told in METADATA.items() if event.get(name)}
    if choice.get("logprobs"):
        known["logprobs"] = choice["logprobs"]
    return known
