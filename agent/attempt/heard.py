"""The transcript as a choice among tools hears it: what was asked, what was called, and which tools were found."""

import re
from collections.abc import Mapping, Sequence
from uuid import UUID

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from agent.prompt.history import UNANSWERED_NOTE
from agent.prompt.words import page_of, without_facts
from agent.toolkit import FIND_TOOLS, Heard, Turn

FOUND = re.compile(r"^- ([A-Za-z_][A-Za-z0-9_-]{0,63})(?=[:\n]|$)", re.MULTILINE)
"""A tool in a result of `find_tools`, which has a line for each."""


def heard(messages: Sequence[BaseMessage], conversation_id: UUID | None = None) -> Heard:
    """Return what messages of a conversation, as a model reads them, say of the tools that are needed."""
    turns: list[Turn] = []
    page: Mapping[str, object] | None = None
    for at in _begins(messages):
        question, *rest = messages[at[0] : at[1]]
        if question.text == UNANSWERED_NOTE:
            continue
        page = page_of(question.text)
        turns.append(_turn(without_facts(question.text), rest))
    return Heard(turns, page, conversation_id)


def _begins(messages: Sequence[BaseMessage]) -> list[tuple[int, int]]:
    """Return where each turn begins and ends."""
    begins = [n for n, message in enumerate(messages) if isinstance(message, HumanMessage)]
    return list(zip(begins, [*begins[1:], len(messages)], strict=True))


def _turn(question: str, rest: Sequence[BaseMessage]) -> Turn:
    called: list[str] = []
    named: list[str] = []
    for message in rest:
        match message:
            case AIMessage():
                names = [call["name"] for call in message.tool_calls if call["name"] != FIND_TOOLS]
                called += names
                named += names
            case ToolMessage(name=name) if name == FIND_TOOLS:
                named += FOUND.findall(message.text)
    return Turn(question, tuple(dict.fromkeys(called)), tuple(dict.fromkeys(named)))
