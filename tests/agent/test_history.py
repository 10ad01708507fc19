"""The transcript as a model reads it: whatever happened to it, the strictest provider accepts it."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage, convert_to_openai_messages
from support.provider import violations

from agent.assistant.definition import History
from agent.assistant.history import Folding
from agent.prompt.history import (
    LOST_RESULT,
    STOPPED_NOTE,
    UNANSWERED_NOTE,
    estimate_tokens,
    model_messages,
    open_calls,
)
from agent.prompt.words import fenced, unfenced
from agent.store.messages import MessageStatus, Role, StoredMessage, ToolCall

WIDE = History(messages=1000, tokens=1_000_000, summary=None)
NOW = datetime(2026, 1, 1, tzinfo=UTC)

Row = tuple[Role, str, Sequence[str], MessageStatus]
"""Role, text, the ids of the calls asked for (or of the one answered), status."""


def user(text: str = "hi") -> Row:
    return ("user", text, (), "complete")


def says(text: str, *calls: str, status: MessageStatus = "complete") -> Row:
    return ("assistant", text, calls, status)


def result(call: str, text: str = "{}") -> Row:
    return ("tool", text, (call,), "complete")


def turn(number: int, *rows: Row) -> list[StoredMessage]:
    """Return one turn's stored messages; every assistant message is a step."""
    stored, step = [], 0
    for position, (role, text, calls, status) in enumerate(rows, start=1):
        step += role == "assistant"
        stored.append(
            StoredMessage(
                id=UUID(int=number * 1000 + position),
                run_id=UUID(int=number),
                turn=number,
                position=number * 1000 + position,
                step=step,
                role=role,
                text=text,
                status=status,
                created_at=NOW,
                tool_calls=tuple(ToolCall(call, "find_order", {"number": 1}) for call in calls)
                if role == "assistant"
                else (),
                tool_call_id=calls[0] if role == "tool" else None,
                tool_name="find_order" if role == "tool" else None,
            )
        )
    return stored


def refused(messages: Sequence[BaseMessage]) -> list[str]:
    """Return what a strict provider says to these messages, once the loop has settled the open calls."""
    settled = [ToolMessage(fenced("{}"), tool_call_id=call["id"] or "") for call in open_calls(messages)]
    whole = [*messages, *settled]
    body: list[dict[str, Any]] = convert_to_openai_messages(whole)
    return list(violations({"messages": [{"role": "system", "content": "You help."}, *body]}))


def told(messages: Iterable[BaseMessage]) -> list[tuple[str, str]]:
    return [(type(message).__name__.removesuffix("Message"), unfenced(str(message.content))) for message in messages]


short = st.text(alphabet="ab ", max_size=6)
statuses: st.SearchStrategy[MessageStatus] = st.sampled_from(("complete", "partial"))


@st.composite
def turns(draw: st.DrawFn, number: int, *, begins_with_user: bool = False) -> list[StoredMessage]:
    """Return a turn in any state that a crash, a cancel or a query's limit can leave it in."""
    rows: list[Row] = [user(draw(short))] if begins_with_user or draw(st.booleans()) else []
    for step in range(draw(st.integers(0, 3))):
        calls = [f"{number}-{step}-{n}" for n in range(draw(st.integers(0, 3)))]
        rows.append(says(draw(short), *calls, status=draw(statuses) if not calls else "complete"))
        rows += [result(call, draw(short)) for call in draw(st.permutations(calls)) if draw(st.booleans())]
        if draw(st.integers(0, 5)) == 0:
            rows.append(result(f"orphan-{number}-{step}"))
    return turn(number, *rows)


@st.composite
def transcripts(draw: st.DrawFn) -> tuple[list[StoredMessage], list[StoredMessage], History]:
    """Return earlier turns, cut by a query's limit, the current turn, and a window."""
    count = draw(st.integers(0, 5))
    earlier = [message for number in range(1, count + 1) for message in draw(turns(number))]
    cut = draw(st.integers(0, len(earlier)))
    window = History(
        messages=draw(st.integers(1, 25)),
        tokens=draw(st.integers(100, 400)),
        summary=draw(st.sampled_from([None, Folding()])),
    )
    return earlier[cut:], draw(turns(count + 1, begins_with_user=True)), window


@given(transcripts())
def test_a_strict_provider_accepts_any_transcript(
    given: tuple[list[StoredMessage], list[StoredMessage], History],
) -> None:
    earlier, current, window = given
    messages = model_messages(earlier, current, window=window, model="m")
    if isinstance(messages[-1], AIMessage) and not open_calls(messages):
        messages = [*messages, HumanMessage("and then?")]
    assert not refused(messages)


@given(transcripts())
def test_the_window_holds_and_the_current_turn_is_whole(
    given: tuple[list[StoredMessage], list[StoredMessage], History],
) -> None:
    earlier, current, window = given
    messages = model_messages(earlier, current, window=window, model="m")
    now = model_messages([], current, window=window, model="m")
    assert told(messages)[-len(now) :] == told(now)
    if len(messages) > len(now):
        # So few tokens are short where there are summaries, and count by themselves up to five times as many messages.
        assert len(messages) <= (window.messages if window.summary is None else 5 * window.messages)
        assert sum(map(estimate_tokens, messages)) <= window.tokens
        assert isinstance(messages[0], HumanMessage)


@given(transcripts())
def test_every_call_but_the_open_ones_is_followed_by_its_one_result(
    given: tuple[list[StoredMessage], list[StoredMessage], History],
) -> None:
    earlier, current, window = given
    messages = model_messages(earlier, current, window=window, model="m")
    asked = [call["id"] for message in messages if isinstance(message, AIMessage) for call in message.tool_calls]
    answered = [message.tool_call_id for message in messages if isinstance(message, ToolMessage)]
    still_open = {call["id"] for call in open_calls(messages)}
    assert answered == [call for call in asked if call not in still_open]
    assert len(set(answered)) == len(answered)


def test_a_whole_conversation_is_told_as_it_was() -> None:
    earlier = turn(1, user("how many?"), says("Let me see.", "a", "b"), result("b", "2"), result("a", "1"), says("3."))
    messages = model_messages(earlier, turn(2, user("sure?")), window=WIDE, model="m")
    assert told(messages) == [
        ("Human", "how many?"),
        ("AI", "Let me see."),
        ("Tool", "1"),
        ("Tool", "2"),
        ("AI", "3."),
        ("Human", "sure?"),
    ]
    asked = messages[1]
    assert isinstance(asked, AIMessage)
    assert [(call["id"], call["name"], call["args"]) for call in asked.tool_calls] == [
        ("a", "find_order", {"number": 1}),
        ("b", "find_order", {"number": 1}),
    ]


def test_a_call_that_lost_its_result_gets_one_that_says_so() -> None:
    earlier = turn(1, user(), says("", "a", "b"), result("b", "2"), says("Well."))
    messages = model_messages(earlier, turn(2, user()), window=WIDE, model="m")
    assert told(messages)[2:4] == [("Tool", LOST_RESULT), ("Tool", "2")]
    lost = messages[2]
    assert isinstance(lost, ToolMessage)
    assert lost.status == "error"


def test_a_result_without_its_call_is_dropped() -> None:
    earlier = turn(1, user("q"), result("nobody"), says("Done."))
    assert told(model_messages(earlier, turn(2, user("r")), window=WIDE, model="m")) == [
        ("Human", "q"),
        ("AI", "Done."),
        ("Human", "r"),
    ]


def test_an_answer_that_was_stopped_says_so_and_is_kept() -> None:
    earlier = turn(1, user("q"), says("Half an ans", status="partial"))
    assert told(model_messages(earlier, turn(2, user("r")), window=WIDE, model="m"))[1] == (
        "AI",
        f"Half an ans\n\n{STOPPED_NOTE}",
    )


@pytest.mark.parametrize("rows", [[user("q")], [user("q"), says("", "a")], [user("q"), says("", "a"), result("a")]])
def test_a_turn_without_an_answer_ends_with_words_so_that_roles_alternate(rows: list[Row]) -> None:
    messages = model_messages(turn(1, *rows), turn(2, user("r")), window=WIDE, model="m")
    assert told(messages)[-2:] == [("AI", UNANSWERED_NOTE), ("Human", "r")]


def test_an_empty_answer_is_not_sent_empty() -> None:
    messages = model_messages(turn(1, user("q"), says("")), turn(2, user("r")), window=WIDE, model="m")
    assert not refused(messages)


def test_the_window_takes_whole_turns_by_count_newest_first() -> None:
    earlier = [row for number in range(1, 5) for row in turn(number, user(f"q{number}"), says(f"a{number}"))]
    messages = model_messages(earlier, turn(5, user("now")), window=History(messages=6, summary=None), model="m")
    assert [text for _, text in told(messages)] == ["q3", "a3", "q4", "a4", "now"]


def test_the_window_ends_where_the_estimated_tokens_do() -> None:
    earlier = [row for number in range(1, 4) for row in turn(number, user("x" * 400), says(f"a{number}"))]
    messages = model_messages(
        earlier, turn(4, user("now")), window=History(messages=100, tokens=250, summary=None), model="m"
    )
    assert len(messages) == 5


def test_the_current_turn_is_whole_even_where_it_is_larger_than_the_window() -> None:
    current = turn(2, user("q"), *(row for n in range(9) for row in (says("", f"c{n}"), result(f"c{n}", "x" * 900))))
    messages = model_messages(
        turn(1, user(), says("a")), current, window=History(messages=3, tokens=100, summary=None), model="m"
    )
    assert len(messages) == len(current)


def test_a_turn_that_the_query_cut_in_half_is_left_out_with_all_before_it() -> None:
    earlier = turn(1, user("q"), says("", "a"), result("a"), says("a1"))[1:]
    assert told(model_messages(earlier, turn(2, user("now")), window=WIDE, model="m")) == [("Human", "now")]


def test_a_larger_turn_is_not_skipped_for_a_smaller_one_before_it() -> None:
    big = [user("big"), *(row for n in range(9) for row in (says("", f"c{n}"), result(f"c{n}"))), says("done")]
    earlier = [*turn(1, user("small"), says("a")), *turn(2, *big)]
    assert told(
        model_messages(earlier, turn(3, user("now")), window=History(messages=10, summary=None), model="m")
    ) == [("Human", "now")]


def test_the_calls_of_the_current_turns_last_step_stay_open() -> None:
    current = turn(1, user(), says("", "a", "b"), says("", "c", "d"), result("d"))
    messages = model_messages([], current, window=WIDE, model="m")
    assert [call["id"] for call in open_calls(messages)] == ["c"]
    assert told(messages)[2:4] == [("Tool", LOST_RESULT), ("Tool", LOST_RESULT)]


def test_an_answered_turn_has_no_open_calls() -> None:
    assert open_calls(model_messages([], turn(1, user(), says("", "a"), result("a")), window=WIDE, model="m")) == []
    assert open_calls([HumanMessage("hi")]) == []
    assert open_calls([]) == []


def test_an_error_result_is_told_as_an_error() -> None:
    row = turn(1, user(), says("", "a"), result("a", "No such order."))
    failed = [*row[:2], _as_error(row[2])]
    messages = model_messages([], failed, window=WIDE, model="m")
    assert isinstance(messages[-1], ToolMessage)
    assert messages[-1].status == "error"


def test_longer_messages_are_estimated_to_take_more_tokens() -> None:
    sizes = [estimate_tokens(HumanMessage("x" * length)) for length in (0, 4, 400, 40_000)]
    assert all(one < two for one, two in pairwise(sizes))
    asked = AIMessage(
        "", tool_calls=[{"id": "a", "name": "find_order", "args": {"text": "x" * 400}, "type": "tool_call"}]
    )
    assert estimate_tokens(asked) > 100


def _as_error(message: StoredMessage) -> StoredMessage:
    return replace(message, is_error=True)
