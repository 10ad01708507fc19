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
from agent.models.arguments import exact
from agent.models.calls import calls_in, index_of
from agent.models.citations import cited_in_event
from agent.models.content import REASONING, content_of, reasoning_beside
from agent.models.delta import Delta
from agent.models.extras import Growth
from agent.models.plain import plain_text_in, plain_text_of
from agent.models.reasons import read_reason
from agent.models.refusals import error_in
from agent.models.usage import MOST_BYTES, only_counted

DONE = b"[DONE]"
KEPT = (
    *REASONING,
    "reasoning_details",
    "reasoning_opaque",
    "thinking_blocks",
    "extra_content",
    "provider_specific_fields",
)
"""Fields of a message that go back to the model that wrote it, as they came."""
AGAIN_CHARACTERS = 12
"""A text of so many that stands behind itself is none that a model wrote."""
THOUGHT = {"google": {"thought": True}}
"""How Gemini says that a piece is thinking: a mark of that piece, and not of the answer that goes back."""
METADATA = {"model": "model_name", "system_fingerprint": "system_fingerprint", "service_tier": "service_tier"}


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
        self._growth = Growth(MOST_BYTES)
        self.is_whole = False
        """The body is a whole completion: no finish reason is needed to see that."""
        self.goes_on = False
        """Something was said behind the end; whoever reads takes note of it, and takes it back."""
        self._has_delta = False
        self._words: list[str] = []
        self._characters = 0
        self._message = ""
        """The words of the messages that stood for deltas."""
        self._has_said = self._has_message = False
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
            if (text := plain_text_in(data)) is not None:
                pieces.append(self._plain(text))
                continue
            for one in self._said_in(data):
                if isinstance(one, str):
                    pieces.append(self._plain(one))
                    continue
                if pieces:
                    yield "".join(pieces)
                    pieces = []
                if isinstance(one, Delta):
                    yield one
                    continue
                if self.ended:
                    return
                raise one
            if self.done:
                break
        if pieces:
            yield "".join(pieces)

    def take_as_whole(self) -> None:
        """Take note that the body was one event: a message in it is a whole completion."""
        self.ended = self.ended or self._has_message

    def _plain(self, text: str) -> str:
        self._has_delta, self._has_said, self._place, self.goes_on = True, True, 0, self.ended
        self._note(text)
        return text

    def _said_in(self, data: bytes) -> Iterator[str | Delta | UnreadableError | RunError]:
        """Yield what an event says, the last thing perhaps that it cannot be read, or that something went wrong."""
        try:
            for event in self._parsed(data):
                text = plain_text_of(event)
                said = self._delta(event) if text is None else text
                if said is not None:
                    yield said
        except (UnreadableError, RunError) as exc:
            yield exc
        except (ValueError, RecursionError):  # nested, or with more digits, than can be read
            yield UnreadableError("an event that is too much")

    def _parsed(self, data: bytes) -> list[dict[str, Any]]:
        """Return an event's objects: one, or those of a list; none for what holds nothing to read, such as a ping in words."""
        try:
            event = exact(data)
        except orjson.JSONDecodeError:
            event = self._parsed_slowly(data.strip())
        if isinstance(event, str) and event.strip() == DONE.decode():
            self._note_done()
        every = event if isinstance(event, list) else [event]
        return [_unwrapped(one) for one in every if isinstance(one, dict)]

    def _parsed_slowly(self, data: bytes) -> object:
        if data.upper() == DONE:
            self._note_done()
            return None
        if data.startswith(b"data:"):  # wrapped twice by a gateway
            return list(self._parsed(data[5:].lstrip()))
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
        beside = event.get("x_groq")
        beside = beside if isinstance(beside, dict) else {}
        if (
            error := error_in({"error": beside["error"]} if beside.get("error") else event, mask=self._mask)
        ) is not None:
            raise error
        self.is_whole = self.is_whole or event.get("object") == "chat.completion"
        self._count(event.get("usage"))
        self._count(beside.get("usage"))
        choice = self._choice(event.get("choices"))
        if choice is None:
            return Delta(cited=cited) if (cited := self._cited(event, {})) else None
        self._count(choice.get("usage"))
        said = self._said(choice)
        text, thought = content_of(said.get("content"))
        if not text and isinstance(refusal := said.get("refusal"), str):
            text = refusal
        calls = tuple(calls_in(said))
        reason = read_reason(choice.get("finish_reason"))
        text = self._new_of(text, is_last=bool(reason))
        self._has_said = self._has_said or bool(text or calls)
        self.goes_on = self.goes_on or (self.ended and bool(text or calls))
        self.ended = self.ended or bool(reason)
        return Delta(
            text,
            thought or reasoning_beside(said),
            calls,
            finish_reason=reason,
            extras={name: said[name] for name in KEPT if said.get(name) and said[name] != THOUGHT},
            metadata=_metadata(event, choice),
            cited=self._cited(event, said),
        )

    def _new_of(self, text: str, *, is_last: bool) -> str:
        """Return what is new in an event's text: the last one may say all of them once more."""
        may_be_again = is_last and AGAIN_CHARACTERS <= len(text) == self._characters and len(self._words) > 1
        if may_be_again and text == "".join(self._words):
            return ""
        if text:
            self._note(text)
        return text

    def _note(self, text: str) -> None:
        self._words.append(text)
        self._characters += len(text)

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
        places = [index_of(one.get("index")) or 0 for one in found]
        if self._place is None:
            self._place = min(places)
        return found[places.index(self._place)] if self._place in places else None

    def _said(self, choice: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a choice's delta. A message stands for it only where none came before: else it repeats them."""
        delta, message = choice.get("delta"), choice.get("message")
        if isinstance(delta, dict) and (delta or not isinstance(message, dict)):
            self._has_delta = self._has_delta or any(delta.get(name) for name in ("content", "tool_calls", *REASONING))
            return delta
        if isinstance(message, dict):
            return {} if self._has_delta else self._new_in(message)
        return {"content": next((one for one in (delta, choice.get("text")) if isinstance(one, str)), None)}

    def _new_in(self, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what is new in a message in place of a delta: each may be a piece, or say again all that was before it."""
        text, _ = content_of(message.get("content"))
        is_again, had = bool(self._message) and text.startswith(self._message), self._message
        self._message = text if is_again else had + text
        self._has_message, self.ended = True, self.ended or self.is_whole
        if not is_again:
            return message
        again = (*REASONING, "reasoning_details", "thinking_blocks")
        kept = {name: value for name, value in message.items() if name not in again}
        return {**kept, "content": text[len(had) :]}

    def _count(self, usage: object) -> None:
        """Keep the last usage: some providers send the running total with each event, some send the end twice."""
        if isinstance(usage, dict):
            more = {name: value for name, value in usage.items() if value is not None}
            self.usage |= more
            if self._growth.is_too_large(more, self.usage):
                self.usage = only_counted(self.usage)


def _unwrapped(event: dict[str, Any]) -> dict[str, Any]:
    """Return an event without what some gateways put around it."""
    if "choices" not in event:
        for name in ("result", "data"):
            if isinstance(inner := event.get(name), dict) and "choices" in inner:
                return inner
    return event


def _metadata(event: Mapping[str, Any], choice: Mapping[str, Any]) -> dict[str, Any]:
    """Return what LangChain's handlers are told of a generation, under the names that `ChatOpenAI` gives it."""
    known: dict[str, Any] = {}
    if choice.get("finish_reason"):
        known["finish_reason"] = choice["finish_reason"]
        known |= {told: event[name] for name, told in METADATA.items() if event.get(name)}
    if choice.get("logprobs"):
        known["logprobs"] = choice["logprobs"]
    return known
