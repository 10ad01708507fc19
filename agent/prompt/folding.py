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
from agent.prompt.history import CHARACTERS_PER_TOKEN, FILES, UNTRUSTED, estimate_tokens, past_turn
from agent.prompt.words import FENCE, FENCE_END, SUMMARY_MARK, SUMMARY_REQUEST, SUMMARY_RULES, unfenced, without_mark
from agent.store.done_writes import Done
from agent.store.messages import TranscriptMessage
from agent.store.summaries import Summary

FULL = 0.7
"""Of a window: from here on its oldest turns are folded, so that the next ones still fit while that is done."""
SHORT_CHARACTERS = 600
"""Of each thing that was said, where all of it is too much to be read."""
MADE_OF = "frontdesk_made_of"
"""Where a message with a summary carries the names of the tools whose results that was made of."""

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
    return len(said) > FULL * window.messages or sum(map(estimate_tokens, said)) > FULL * window.tokens


def may_be_folded(rows: Sequence[TranscriptMessage], window: History) -> bool:
    """Return whether a conversation that ends with these may have a summary: a short one has none, and nobody looks for it.

    A turn is told with a message more than it has, at most, and what is told of it takes a token for each character, at most.
    """
    return 2 * len(rows) > FULL * window.messages or sum(len(one.text) for one in rows) > FULL / 2 * window.tokens


def to_fold(rows: Sequence[TranscriptMessage], *, window: History, folding: Folding, model: str) -> Turns | None:
    """Return the oldest of these turns, all but those that `folding` keeps as they were said; None where there is room for all.

    A first turn that does not begin with its user's message was cut by the query that read it, and is left out.
    """
    turns = [list(group) for _, group in groupby(rows, key=lambda one: one.turn)]
    turns = [turn for turn in turns if turn[0].role == "user"]
    said = [list(past_turn(turn, model=model)) for turn in turns]
    if not is_full([one for turn in said for one in turn], window):
        return None  # what fills the window was folded meanwhile
    kept, count, tokens = 0, 0, 0
    for turn in reversed(said):
        count, tokens = count + len(turn), tokens + sum(map(estimate_tokens, turn))
        if count > folding.keep * window.messages or tokens > folding.keep * window.tokens:
            break
        kept += 1
    folded = turns[: len(turns) - kept]
    if not folded:
        return None
    results = [one for turn in folded for one in turn if one.role == "tool"]
    has_files = any(one.files for turn in folded for one in turn if one.role == "user")
    return Turns(
        folded[-1][0].turn,
        said[: len(folded)],
        sum(map(len, folded)),
        tuple(sorted({one.tool_name for one in results if one.tool_name})),
        has_files or any(one.is_untrusted for one in results),
    )


def request(turns: Turns, before: Summary | None, *, folding: Folding, most_tokens: int) -> list[BaseMessage]:
    """Return what a model is asked with for a summary of turns, and of what the summary before them says.

    Where that is too much, results of tools go first, then what is long is cut, then the oldest turns are left out.
    """
    room = CHARACTERS_PER_TOKEN * most_tokens
    said = [_said(turn, results=folding.result_characters) for turn in turns.said]
    if _size(said) > room:
        said = [_said(turn, results=0) for turn in turns.said]
    if _size(said) > room:
        said = [_said(turn, results=0, most=SHORT_CHARACTERS) for turn in turns.said]
    left_out = 0
    while _size(said[left_out:]) > room and left_out < len(said) - 1:
        left_out += 1
    material: Said = {"summary_so_far": before.text} if before else {}
    material |= {"turns_left_out": left_out} if left_out else {}
    material["said_since" if before else "said"] = [one for turn in said[left_out:] for one in turn]
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


def with_summary(messages: list[BaseMessage], summary: Summary | None) -> list[BaseMessage]:
    """Put a summary in front of the first thing that the user says, in its fence, with whether anybody may have written it."""
    if summary is None:
        return messages
    at = next(n for n, one in enumerate(messages) if isinstance(one, HumanMessage))
    own = messages[at]  # which may have files: their pictures stay, and so does whoever wrote them
    beside: Said = {MADE_OF: summary.tools} | ({UNTRUSTED: True} if summary.is_untrusted else {})
    told: Said = {"summary": summary.text, **_told(summary.done)}
    text = f"{SUMMARY_MARK}{without_mark(orjson.dumps(told).decode())}{FENCE_END}\n\n{own.text}"
    first = in_other_words(own, text)
    first.additional_kwargs = own.additional_kwargs | beside
    return [*messages[:at], first, *messages[at + 1 :]]


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
                files = [file.name for file in message.additional_kwargs.get(FILES) or ()]
                found.append({"user": _cut(message.text, most)} | ({"files": files} if files else {}))
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
    return sum(len(str(one)) for turn in said for one in turn)
