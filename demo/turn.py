"""The turn that the messages tell of: its question, what its tools returned, and what was said before."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from agent.models.text import clean
from agent.prompt.words import (
    PAGE_FAILED,
    PAGE_SAID,
    SUGGESTIONS_REQUEST,
    TITLE_REQUEST,
    ToldFile,
    facts_of,
    files_of,
    memories_of,
    unfenced,
    without_facts,
)


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one tool call of this turn, and what it asked."""

    name: str
    arguments: Mapping[str, object]
    content: str
    failed: bool


@dataclass(frozen=True, slots=True)
class Turn:
    """The turn to answer. `questions` are the user's earlier ones, in order; `used` the tools called for the last of
    them, `called` those called at any time before."""

    question: str
    results: tuple[Result, ...]
    questions: tuple[str, ...]
    used: tuple[str, ...]
    called: frozenset[str]
    past: tuple[Result, ...]
    """The results of tools for the last question before that called any."""
    since: tuple[str, ...]
    """The user's questions after that one."""
    locale: object
    """How the user's numbers and days are written, where the application says."""
    today: date | None
    """The day at the user's, where the application says."""
    is_first_answer: bool
    """Whether the assistant has said nothing yet in the messages given."""
    files: Sequence[ToldFile]
    """Files that came with the question, or the last ones before it."""
    has_new_files: bool
    """Whether they came with the question."""
    memories: Mapping[str, Sequence[str]]
    """Memories of earlier conversations that fit the question, by whose they are."""


_REQUESTS = (SUGGESTIONS_REQUEST, TITLE_REQUEST)


def read_turn(messages: list[BaseMessage]) -> Turn:
    """Read the messages; anything that does not belong to a turn is left out. Without a question it is empty."""
    asked = [at for at, message in enumerate(messages) if isinstance(message, HumanMessage)]
    now = asked[-1] if asked else len(messages)
    before = asked[-2] if len(asked) > 1 else 0
    turns = list(pairwise(asked))
    found, end = next((turn for turn in reversed(turns) if any(map(_has_calls, messages[slice(*turn)]))), (now, now))
    facts = facts_of(text_of(messages[now])) if asked else {}
    return Turn(
        question=_words(messages[now]) if asked else "",
        locale=facts.get("locale"),
        today=_day(facts.get("now")),
        past=tuple(_results(messages[found:end])),
        since=tuple(_words(messages[at]) for at in asked[:-1] if at > found),
        results=tuple(_results(messages[now + 1 :])),
        questions=tuple(said for at in asked[:-1] if (said := _words(messages[at])) not in _REQUESTS),
        used=tuple(name for message in messages[before:now] for name, _, _ in _calls(message)),
        called=frozenset(name for message in messages[:now] for name, _, _ in _calls(message)),
        files=next((told for at in reversed(asked) if (told := files_of(text_of(messages[at])))), ()),
        has_new_files=bool(asked and files_of(text_of(messages[now]))),
        memories=memories_of(text_of(messages[now])) if asked else {},
        is_first_answer=not any(isinstance(m, AIMessage) and text_of(m).strip() for m in messages[:now]),
    )


def asked_alone(question: str) -> Turn:
    """Return a turn in which this is asked, and nothing was said before."""
    return read_turn([HumanMessage(question)])


def text_of(message: BaseMessage) -> str:
    """Return the text of a message, whether its content is a string or a list of blocks."""
    if isinstance(message.content, str):
        return clean(message.content)
    parts = (block if isinstance(block, str) else block.get("text") for block in message.content)
    return clean("".join(part for part in parts if isinstance(part, str)))


def _day(now: object) -> date | None:
    found = re.search(r"\d{4}-\d\d-\d\d", now) if isinstance(now, str) else None
    try:
        return date.fromisoformat(found[0]) if found else None
    except ValueError:
        return None


def _words(message: BaseMessage) -> str:
    return without_facts(text_of(message)).strip()


def _has_calls(message: BaseMessage) -> bool:
    return isinstance(message, AIMessage) and bool(message.tool_calls)


def _calls(message: BaseMessage) -> Iterator[tuple[str, Mapping[str, object], str | None]]:
    for call in message.tool_calls if isinstance(message, AIMessage) else ():
        yield call["name"], call["args"], call["id"]


def _results(messages: list[BaseMessage]) -> Iterator[Result]:
    calls = {identity: (name, arguments) for message in messages for name, arguments, identity in _calls(message)}
    for message in messages:
        if isinstance(message, ToolMessage):
            name, arguments = calls.get(message.tool_call_id, (message.name or "", {}))
            content = unfenced(text_of(message).strip()).removeprefix(PAGE_SAID).removeprefix(PAGE_FAILED)
            yield Result(name, arguments, content, message.status == "error")
