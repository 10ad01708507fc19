"""The transcript as a model reads it: a window of it, repaired so that the strictest provider accepts it.

Guarantees, for any transcript whatever happened to the process that wrote it: every tool call is followed by exactly
one result, no result stands without its call, the window begins with a user message, every earlier turn ends with
words of the assistant, and the current turn is whole. Only the calls of the current turn's last step may be open: the
loop goes on with them.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolCall, ToolMessage

from agent.assistant.definition import History
from agent.models.echo import REFUSED, STEP
from agent.prompt.words import fenced, without_mark
from agent.store.messages import TranscriptMessage

CHARACTERS_PER_TOKEN = 4
TOKENS_PER_MESSAGE = 4
LOST_RESULT = "No result: the call was interrupted. Its outcome is unknown; check before you try again."
STOPPED_NOTE = "[The answer was stopped here. Do not continue it unless asked.]"
UNANSWERED_NOTE = "[This message was not answered.]"
UNTRUSTED = "frontdesk_untrusted"
"""Where a result carries that anybody may have written it."""
MADE_OF = "frontdesk_made_of"
"""Where a message that tells of results in other words than theirs carries the names of the tools that gave them."""
FILES = "frontdesk_files"
"""Where a user's message carries the files that came with it, until the model is told of them."""
TOKENS_PER_PICTURE = 1000


def model_messages(
    earlier: Sequence[TranscriptMessage], current: Sequence[TranscriptMessage], *, window: History, model: str
) -> list[BaseMessage]:
    """Return what `model` gets: as many whole `earlier` turns as fit into `window`, then the `current` one.

    What a model said beside its steps is with them, for itself. A message that a provider refused for its content, and what
    followed in its turn, is left out.

    Both are in order of turn and position. The current turn is always taken, and counts.
    """
    open_step = max((message.step for message in current if message.role == "assistant"), default=0)
    now = list(_repaired(current, model=model, open_step=open_step))
    taken = [now]
    messages, tokens = len(now), sum(map(estimate_tokens, now))
    by_turn = [list(rows) for _, rows in groupby(earlier, key=lambda message: message.turn)]
    for rows in reversed(by_turn):
        turn = list(past_turn(rows, model=model))
        messages += len(turn)
        tokens += sum(map(estimate_tokens, turn))
        # A turn that does not begin with its user message was cut by the query that loaded it.
        if not window.has_room(messages, tokens) or rows[0].role != "user":
            break
        taken.append(turn)
    return [message for turn in reversed(taken) for message in turn]


def estimate_tokens(message: BaseMessage) -> int:
    """Return roughly how many tokens a message takes; providers count exactly, and only afterwards."""
    calls = sum(len(call["name"]) + len(str(call["args"])) for call in getattr(message, "tool_calls", ()))
    content, pictures = message.content, 0
    if not isinstance(content, str):
        pictures = sum(isinstance(part, dict) and part.get("type") == "image_url" for part in content)
        content = message.text if pictures else str(content)
    return TOKENS_PER_MESSAGE + pictures * TOKENS_PER_PICTURE + (len(content) + calls) // CHARACTERS_PER_TOKEN


def open_calls(messages: Sequence[BaseMessage]) -> list[ToolCall]:
    """Return the calls of the last assistant message that have no result yet, in the model's order."""
    settled: set[str] = set()
    for message in reversed(messages):
        match message:
            case ToolMessage():
                settled.add(message.tool_call_id)
            case AIMessage():
                return [call for call in message.tool_calls if call["id"] not in settled]
            case _:
                break
    return []


def refusals(messages: Sequence[BaseMessage]) -> dict[str, str]:
    """Return why calls of the last assistant message are not made, by their ids."""
    last = next((message for message in reversed(messages) if isinstance(message, AIMessage)), None)
    return dict(last.additional_kwargs.get(REFUSED) or {}) if last is not None else {}


def _repaired(turn: Sequence[TranscriptMessage], *, model: str, open_step: int | None = None) -> Iterator[BaseMessage]:
    """Yield one turn's messages with each call's result right behind it, whatever is missing or left over.

    Calls of `open_step` without a result stay open.
    """
    if any(message.withheld for message in turn):
        yield HumanMessage(UNANSWERED_NOTE)
        return
    results = {message.tool_call_id: message for message in turn if message.role == "tool"}
    for message in turn:
        match message.role:
            case "user":
                beside = {FILES: message.files} if message.files else {}
                yield HumanMessage(without_mark(message.text), additional_kwargs=beside)
            case "assistant":
                yield _assistant_message(message, model)
                for call in message.tool_calls:
                    if call.id in results or message.step != open_step:
                        yield _result_message(call.id, call.name, results.get(call.id))
            case "tool":
                pass  # it came with its call, or it has none and is dropped


def past_turn(rows: Sequence[TranscriptMessage], *, model: str) -> Iterator[BaseMessage]:
    """Yield a turn that is over as a model reads it."""
    return _answered(_repaired(rows, model=model))


def _answered(turn: Iterator[BaseMessage]) -> Iterator[BaseMessage]:
    """Yield a turn that is over, with a note in place of the answer where it has none: roles must alternate."""
    last: BaseMessage | None = None
    for last in turn:
        yield last
    if not isinstance(last, AIMessage):
        yield AIMessage(UNANSWERED_NOTE)


def _assistant_message(message: TranscriptMessage, model: str) -> AIMessage:
    text = message.text
    if message.status == "partial":
        text = f"{text}\n\n{STOPPED_NOTE}".strip()
    calls = [
        {"type": "tool_call", "id": call.id, "name": call.name, "args": call.arguments} for call in message.tool_calls
    ]
    if not calls and not text.strip():
        text = UNANSWERED_NOTE  # providers refuse an assistant message without words or calls
    kwargs: dict[str, Any] = {STEP: message.extras} if message.extras and message.model == model else {}
    if refused := {call.id: call.refused for call in message.tool_calls if call.refused}:
        kwargs[REFUSED] = refused
    return AIMessage(text, tool_calls=calls, additional_kwargs=kwargs)


def _result_message(call_id: str, name: str, stored: TranscriptMessage | None) -> ToolMessage:
    if stored is None:
        return ToolMessage(LOST_RESULT, tool_call_id=call_id, name=name, status="error")
    return result_message(call_id, name, stored.text, is_error=stored.is_error, is_untrusted=stored.is_untrusted)


def result_message(call_id: str, name: str, text: str, *, is_error: bool, is_untrusted: bool) -> ToolMessage:
    """Return a result as a model reads it: as data, in a fence; the same whether it was just made or is read again."""
    beside = {UNTRUSTED: True} if is_untrusted else {}
    status = "error" if is_error else "success"
    return ToolMessage(fenced(text), tool_call_id=call_id, name=name, status=status, additional_kwargs=beside)
