"""A call of a model, streamed: time limits, retries before the first token, and the reply put together.

The invariant: what `on_text` got since the last `on_retract`, joined, is `Reply.text`; after the first piece nothing is tried
again. A reply never begins with a piece that nobody can see.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from random import uniform
from typing import Any

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import BaseMessage
from langchain_core.runnables import Runnable

from agent.assistant.definition import Limits
from agent.errors import (
    ContentRefusedError,
    ModelRateLimitedError,
    ModelTimeoutError,
    ModelUnavailableError,
    OnlyThoughtError,
)
from agent.events.schema import SourceCited, Usage
from agent.models.actions import ActionLines
from agent.models.assembly import CallAssembly, InputPiece, ToolRequest
from agent.models.calling import lines_of
from agent.models.delta import CallPart, Delta
from agent.models.extras import Extras
from agent.models.patience import Patience
from agent.models.pieces import pieces_of
from agent.models.reasons import CUT, FAILED, REASON_CHARACTERS, WITHHELD, later_reason, read_reason
from agent.models.sources import gather
from agent.models.text import Cleaner, clean, in_pieces, is_blank
from agent.models.thinking import Part, ThinkTags
from agent.spans import asked

MAX_RETRY_AFTER_S = 30.0
"""A provider that wants us to wait longer is not waited for; the client is told instead."""
FIRST_BACKOFF_S = 0.5
INPUT_CHARACTERS = 32
"""Arguments are told in pieces of at least this size: models write them by the character, and each piece costs an event."""
MODEL_CHARACTERS = 100
"""How much of the name is kept that a provider gives its model."""
MAX_CALLS = 128
"""Tool calls in one reply."""

Sink = Callable[[str], None]


@dataclass(slots=True)
class Reply:
    """The reply that one model call gave. While it streams, it is what there is so far.

    `model` is which one the provider says that it was. `extras` is what it said beside it and wants to see again.
    `characters` is how much it said, thought and wrote of its calls, of all requests that were made for it. Of the usage's input
    the provider had kept `cached_tokens`. `started`: whether any of what it said was handed on. `sources` it cites, by ids.
    """

    pieces: list[str] = field(default_factory=list)
    requests: tuple[ToolRequest, ...] = ()
    usage: Usage = field(default_factory=Usage)
    finish_reason: str = "stop"
    model: str = ""
    extras: dict[str, Any] = field(default_factory=dict)
    characters: int = 0
    cached_tokens: int = 0
    started: bool = False
    sources: dict[str, SourceCited] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def is_cut(self) -> bool:
        """Whether the model had to stop before it was done: what it asks for may be half of what it meant."""
        return self.finish_reason == CUT


@dataclass(frozen=True, slots=True)
class Sinks:
    """Where a reply goes while it streams: none of them waits, but for `retract`.

    That takes back all text so far: it was thinking, and comes again as such.
    `tool_input` gets what the model writes of its calls' arguments; the calls themselves are the reply's.
    """

    text: Sink
    reasoning: Sink
    retract: Callable[[], Awaitable[None]]
    tool_input: Callable[[InputPiece], None] | None = None


async def stream_reply(
    model: Runnable[LanguageModelInput, Any],
    messages: Sequence[BaseMessage],
    reply: Reply,
    sinks: Sinks,
    *,
    limits: Limits,
    tools: Collection[str] = (),
) -> None:
    """Ask the model and fill `reply` while the answer streams, handing each piece on as it comes.

    `tools` are the names that it was offered: a name that is almost one of them is read as that.

    Raises:
        RunError: one of the Model… errors, or ContextTooLongError. What came before it is in `reply`.
    """
    for retry in range(limits.model_retries + 1):
        collector = _Collector(reply, sinks, limits, tools, lines_of(model, messages))
        try:
            with asked(model, messages, reply):
                await _stream_once(model, messages, collector, limits)
        except (ModelUnavailableError, ModelRateLimitedError) as error:
            delay = _delay(error, retry)
            if collector.started or retry == limits.model_retries or delay is None:
                raise
            await asyncio.sleep(delay)
        else:
            return


async def _stream_once(
    model: Runnable[LanguageModelInput, Any], messages: Sequence[BaseMessage], collector: "_Collector", limits: Limits
) -> None:
    try:
        async with Patience(limits) as patience, aclosing(pieces_of(model, list(messages))) as pieces:
            async for piece in pieces:
                if isinstance(piece, str):
                    if piece:
                        patience.renew()
                        await collector.take_text(piece)
                    else:
                        patience.hear()
                else:
                    (patience.renew if piece.is_token else patience.hear)()
                    await collector.take(piece)
                if collector.full:
                    break
    except TimeoutError as exc:
        what = "the next token" if collector.started else "the first token"
        raise ModelTimeoutError(f"waited too long for {what}") from exc
    await collector.finish()


def _delay(error: ModelUnavailableError | ModelRateLimitedError, retry: int) -> float | None:
    """Return the seconds to wait before the next try, or None where waiting is pointless."""
    if error.retry_after_s is not None:
        return error.retry_after_s if error.retry_after_s <= MAX_RETRY_AFTER_S else None
    return FIRST_BACKOFF_S * (1 << retry) * uniform(0.5, 1.0)  # noqa: S311 (jitter, not a secret)


class _Collector:
    """Puts pieces together. All text is kept in lists and joined once: nothing here is quadratic.

    What the model says, thinks and asks for shares one budget of characters; a model that never ends is cut there.
    """

    def __init__(
        self, reply: Reply, sinks: Sinks, limits: Limits, tools: Collection[str], lines: ActionLines | None
    ) -> None:
        self.full = False
        self._reply = reply
        self._extras = Extras(limits.step_extras_bytes)
        # Whatever an earlier try said of itself:
        reply.finish_reason, reply.model, reply.extras, reply.sources = "stop", "", self._extras.kept, {}
        self._sinks = sinks
        self._room, self._most_sources = limits.answer_characters, limits.sources
        self._text, self._reasoning, self._tags = Cleaner(), Cleaner(), ThinkTags()
        self._lines = lines
        self._calls = CallAssembly(tools, most_extras_bytes=limits.step_extras_bytes)
        self._has_thought = False
        self._blank: list[str] = []
        self._reason = ""

    @property
    def started(self) -> bool:
        return self._reply.started

    async def take(self, delta: Delta) -> None:
        if delta.text:
            await self.take_text(delta.text)
        if delta.reasoning:
            self._think(self._reasoning.feed(delta.reasoning))
        for part in delta.calls:
            self._take_call(part)
        if delta.extras:
            self._extras.add(delta.extras)
        if delta.cited:
            gather(self._reply.sources, delta.cited, most=self._most_sources)
        if delta.usage is not None:
            self._reply.usage, self._reply.cached_tokens = delta.usage, delta.cached_tokens
        if not self._reply.model and (named := delta.metadata.get("model_name")):
            self._reply.model = clean(str(named))[:MODEL_CHARACTERS]
        if reason := read_reason(delta.finish_reason):
            self._reason = later_reason(self._reason, reason)
            self._reply.finish_reason = clean(self._reason)[:REASON_CHARACTERS]

    def take_text(self, text: str) -> Awaitable[None]:
        return self._take_parts(self._tags.feed(self._text.feed(text)))

    async def finish(self) -> None:
        """Look at how it ended, and take in what it asked for.

        Raises:
            RunError: it ended badly, or with nothing.
        """
        await self._take_parts([*self._tags.feed(self._text.flush()), *self._tags.flush()])
        if self._lines is not None:
            self._take_words(self._lines.flush(is_cut=self._reply.is_cut))
            for part in () if self.full else self._lines.asked:  # only now: the step may turn out to have been thinking
                self._calls.add(part)
        self._tell_input(least=1)
        requests = () if self.full else self._calls.requests()
        reason = self._reply.finish_reason
        if reason == FAILED:
            raise ModelUnavailableError("the provider gave up: finish reason error")
        if reason == WITHHELD and (requests or not self._reply.pieces):
            raise ContentRefusedError("the provider withheld it")
        if not self._reply.pieces and not requests:
            if reason == CUT and self._has_thought:
                raise OnlyThoughtError("all tokens were spent on thinking")
            raise ModelUnavailableError(f"an empty answer, finish reason {reason}", is_empty=True)
        self._reply.requests = requests

    async def _take_parts(self, parts: Iterable[Part]) -> None:
        """Take parts in order. It waits where text is taken back, and nowhere else."""
        for part in parts:
            if part.kind == "text":
                text = self._within_budget(part.text)
                self._take_words(text if self._lines is None else self._without_calls(self._lines, text))
                continue
            if part.kind == "reasoning":
                self._think(part.text)
                continue
            if self._lines is not None:
                self._lines.forget()
            if self._reply.pieces:
                thought = self._reply.text
                await self._sinks.retract()
                self._reply.pieces.clear()
                for piece in in_pieces(thought):
                    self._sinks.reasoning(piece)

    def _without_calls(self, lines: ActionLines, text: str) -> str:
        words = lines.feed(text)
        if len(lines.asked) > MAX_CALLS:
            self._cut()
        return words

    def _take_words(self, text: str) -> None:
        """Take a part of the answer. What nobody can see waits for what can be seen: alone it is no answer."""
        if not self._reply.pieces and text:
            self._blank.append(text)
            if is_blank(text):
                return
            text = "".join(self._blank)
            self._blank.clear()
        for piece in in_pieces(text):
            self._reply.started = True
            self._reply.pieces.append(piece)
            self._sinks.text(piece)

    def _think(self, text: str) -> None:
        for piece in in_pieces(self._within_budget(text)):
            self._reply.started = self._has_thought = True
            self._sinks.reasoning(piece)

    def _take_call(self, part: CallPart) -> None:
        self._reply.started = True
        self._within_budget(part.name + part.arguments)
        if not self.full:
            self._calls.add(part)
        if len(self._calls) > MAX_CALLS:
            self._cut()
        self._tell_input(least=INPUT_CHARACTERS)

    def _tell_input(self, *, least: int) -> None:
        if self.full or (tell := self._sinks.tool_input) is None:
            return
        for number, name, text in self._calls.untold(least=least):
            for piece in in_pieces(clean(text)):
                tell(InputPiece(number, name, piece))

    def _within_budget(self, text: str) -> str:
        """Return what of `text` there is still room for."""
        if len(text) > self._room:
            text = text[: self._room]
            self._cut()
        self._room -= len(text)
        self._reply.characters += len(text)
        return text

    def _cut(self) -> None:
        self.full, self._reply.finish_reason = True, CUT
