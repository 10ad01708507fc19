"""Turns that leave a model's window: which they are, what a summary is made of, and how a model reads that summary.

All of it is data: a summary is a model's text over what anybody said, so it stands in a fence in front of the user's words,
and no rule of ours is in it. What was done is told by the ledger, and not by the summary's words.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple

import orjson
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from agent.assistant.history import Folding, History
from agent.models.seen import in_other_words
from agent.models.text import clean
from agent.prompt.history import CHARACTERS_PER_TOKEN, FILES, MADE_OF, UNTRUSTED, estimate_tokens, past_turn
from agent.prompt.words import FENCE, FENCE_END, SUMMARY_MARK, SUMMARY_REQUEST, SUMMARY_RULES, unfenced, without_mark
from agent.store.done_writes import Done
from agent.store.messages import TranscriptMessage
from agent.store.summaries import Summary

FULL = 0.7
"""Of a window: from here on its oldest turns are folded, so that the next ones still fit while that is done."""
SHORT_CHARACTERS = 600
"""Of each thing that was said, where all of it is too much to be read."""
SHARE_OF_SUMMARY = 0.5
"""Of a window: what is told of turns that left it takes no more, so that there is room for those that have not."""
LEAST_TOKENS = 100

Said = dict[str, Any]


class Turns(NamedTuple):
    """The turns that are folded: the last of them, what was said in each, as a model reads it, and what their results come from."""

    until_turn: int
    said: list[list[BaseMessage]]
    messages: int
    tools: tuple[str, ...]
    is_untrusted: bool


def is_full(messages: Sequence[BaseMessage], window: History) -> bool:
    """Return whether what a model was told and has said fills so much of its window that it is time to fold."""
    said = [one for one in messages if not isinstance(one, SystemMessage)]
    return not window.has_room(len(said), sum(map(estimate_tokens, said)), share=FULL)


def may_be_folded(rows: Sequence[TranscriptMessage], window: History) -> bool:
    """Return whether a conversation that ends with these may have a summary: a short one has none, and nobody looks for it.

    A turn is told with a message more than it has, at most, and what is told of it takes a token for each character, at most.
    """
    return 2 * len(rows) > FULL * window.messages or sum(len(one.text) for one in rows) > FULL / 2 * window.tokens


def to_fold(rows: Sequence[TranscriptMessage], *, window: History, folding: Folding, model: str) -> Turns | None:
    """Return the oldest of these turns, all but those that `folding` keeps as they were said; None where there is room for all.

    Of a first turn that the query cut which read it there is its end: nothing that was read goes without being summed up.
    """
    turns = [list(group) for _, group in groupby(rows, key=lambda one: one.turn)]
    said = [list(past_turn(turn, model=model)) for turn in turns]
    if not is_full([one for turn in said for one in turn], window):
        return None  # what fills the window was folded meanwhile
    kept, count, tokens = 0, 0, 0
    for turn in reversed(said):
        count, tokens = count + len(turn), tokens + sum(map(estimate_tokens, turn))
        if not window.has_room(count, tokens, share=folding.keep):
            break
        kept += 1
    folded = turns[: len(turns) - kept]
    if not folded:
        return None
    results = [one for turn in folded for one in turn if one.role == "tool"]
    return Turns(
        folded[-1][0].turn,
        said[: len(folded)],
        sum(map(len, folded)),
        tuple(sorted({one.tool_name for one in results if one.tool_name})),
        any(one.is_untrusted for one in results) or any(one.files for turn in folded for one in turn),
    )


def request(turns: Turns, before: Summary | None, *, folding: Folding, most_tokens: int) -> list[BaseMessage]:
    """Return what a model is asked with for a summary of turns, and of what the summary before them says.

    Where that is too much, results of tools go first, then what is long is cut, then what is oldest is left out.
    """
    room = CHARACTERS_PER_TOKEN * most_tokens
    said = [_said(turn, results=folding.result_characters) for turn in turns.said]
    if _size(said) > room:
        said = [_said(turn, results=0) for turn in turns.said]
    if _size(said) > room:
        said = [_said(turn, results=0, most=SHORT_CHARACTERS) for turn in turns.said]
    taken = _newest(said, room)
    left_out = len(said) - len(taken)
    material: Said = {"summary_so_far": before.text} if before else {}
    material |= {"turns_left_out": left_out} if left_out else {}
    material["said_since" if before else "said"] = [one for turn in taken for one in turn]
    told = without_mark(orjson.dumps(material).decode())
    rules = SUMMARY_RULES.format(words=folding.tokens * 3 // 5)
    return [SystemMessage(rules), HumanMessage(f"{FENCE}{told}{FENCE_END}\n\n{SUMMARY_REQUEST}")]


def summary_text(text: str, folding: Folding) -> str:
    """Return a summary's words as they are kept: valid, without words of ours, at most so long; empty where there are none."""
    said = without_mark(clean(text)).strip()
    most = CHARACTERS_PER_TOKEN * folding.tokens
    if len(said) <= most:
        return said
    cut = said[:most]
    return f"{cut[: max(cut.rfind('. ') + 1, cut.rfind(chr(10)), most // 2)].rstrip()} …"


def beside(window: History, summary: Summary | None) -> History:
    """Return what of a window is left beside a summary: what is told of turns that left it takes of its tokens."""
    if summary is None:
        return window
    tokens = window.tokens - len(_words(summary, window)) // CHARACTERS_PER_TOKEN
    return window.model_copy(update={"tokens": max(LEAST_TOKENS, tokens)})


def with_summary(messages: list[BaseMessage], summary: Summary | None, window: History) -> list[BaseMessage]:
    """Put a summary in front of the first thing that the user says, in its fence, with whether anybody may have written it.

    What that message brings along itself, as pictures and marks, stays with it.
    """
    if summary is None:
        return messages
    at = next(n for n, one in enumerate(messages) if isinstance(one, HumanMessage))
    first, words = messages[at], _words(summary, window)
    writes = {call.name for call in summary.done.calls}
    marks: Said = {**first.additional_kwargs}
    marks[MADE_OF] = tuple(sorted({*summary.tools, *writes, *marks.get(MADE_OF, ())}))
    if summary.is_untrusted or any(call.is_untrusted for call in summary.done.calls):
        marks[UNTRUSTED] = True
    told = in_other_words(first, f"{words}{first.text}")
    told.additional_kwargs = marks
    return [*messages[:at], told, *messages[at + 1 :]]


def _words(summary: Summary, window: History) -> str:
    """Return a summary in its fence. Where the window is too small for all of it, the oldest of what was done is counted alone."""
    room = int(SHARE_OF_SUMMARY * CHARACTERS_PER_TOKEN * window.tokens)
    done, text = summary.done, _cut(summary.text, room)
    while True:
        told = without_mark(orjson.dumps({"summary": text, **_told(done)}).decode())
        if len(told) <= room or not done.calls:
            return f"{SUMMARY_MARK}{told}{FENCE_END}\n\n"
        done = done.without_oldest()


def _told(done: Done) -> Said:
    calls = [
        {
            "tool": call.name,
            "arguments": call.arguments,
            "result": "unknown: check before you try again" if call.result is None else call.result,
        }
        for call in done.calls
    ]
    return ({"done": calls} if calls else {}) | ({"done_before_these": done.earlier} if done.earlier else {})


def _said(turn: Sequence[BaseMessage], *, results: int, most: int | None = None) -> list[Said]:
    found: list[Said] = []
    for message in turn:
        match message:
            case HumanMessage():
                names = [ref.name for ref in message.additional_kwargs.get(FILES) or ()]
                found.append({"user": _cut(message.text, most)} | ({"files": names} if names else {}))
            case ToolMessage() if results:
                found.append({"tool": message.name, "result": _cut(unfenced(message.text), results)})
            case AIMessage():
                called = [call["name"] for call in message.tool_calls]
                found.append(
                    {"assistant": _cut(message.text, most)} | ({"called": called} if called and results else {})
                )
    return [one for one in found if any(one.values())]


def _cut(text: str, most: int | None) -> str:
    return text if most is None or len(text) <= most else f"{text[:most]} …"


def _size(said: Sequence[Sequence[Said]]) -> int:
    return sum(_length(one) for turn in said for one in turn)


def _length(one: Said) -> int:
    return sum(len(name) + len(str(value)) + 6 for name, value in one.items())


def _newest(said: Sequence[list[Said]], room: int) -> list[list[Said]]:
    """Return the last turns that there is room for; of the last of all as much of its end as there is room for."""
    taken: list[list[Said]] = []
    for turn in reversed(said):
        room -= _size([turn])
        if room < 0 and taken:
            break
        taken.append(turn)
    if room < 0:
        last, left = taken[0], room
        while left < 0 and len(last) > 1:
            left += _length(last[0])
            last = last[1:]
        taken = [last]
    return taken[::-1]
