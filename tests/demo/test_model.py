"""The demo model keeps LangChain's contract, whatever it is given."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool as langchain_tool
from support.each import each
from support.lanes import examples

from agent.prompt.words import (
    FENCE,
    FENCE_END,
    PAGE_FAILED,
    PAGE_SAID,
    SUGGESTIONS_REQUEST,
    SUMMARY_REQUEST,
    TITLE_REQUEST,
    with_facts,
)
from demo import DemoChatModel
from demo.suggest import EXTRACT, extract

TOOLS: list[dict[str, Any]] = [
    {"type": "function", "function": {"name": "get_orders_stats", "description": "Count the orders."}},
    {
        "type": "function",
        "function": {
            "name": "find_orders",
            "description": "Find orders.",
            "parameters": {
                "type": "object",
                "properties": {"search": {"type": "string"}, "status": {"enum": ["open", "closed"]}},
            },
        },
    },
]


async def streamed(messages: Sequence[BaseMessage], tools: object = None) -> list[AIMessageChunk]:
    model = DemoChatModel(delay_s=0)
    stream = model.astream(list(messages), tools=tools) if tools is not None else model.astream(list(messages))
    return [chunk async for chunk in stream if isinstance(chunk, AIMessageChunk)]


def joined(chunks: list[AIMessageChunk]) -> AIMessageChunk:
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    return whole


async def test_text_comes_in_whole_words_and_ends_with_usage_and_reason() -> None:
    chunks = await streamed([HumanMessage("hi")])
    assert len(chunks) > 5
    assert all(str(chunk.content).strip() for chunk in chunks[:-1])
    whole = joined(chunks)
    assert whole.response_metadata["finish_reason"] == "stop"
    assert whole.response_metadata["model_name"] == "demo"
    assert whole.usage_metadata
    assert whole.usage_metadata["output_tokens"] > 5
    assert chunks[-1].usage_metadata == whole.usage_metadata


async def test_tool_calls_come_as_chunks_with_ids_of_their_own() -> None:
    chunks = await streamed([HumanMessage("how many orders? and find the open orders")], TOOLS)
    parts = [part for chunk in chunks for part in chunk.tool_call_chunks]
    assert [(part["index"], part["name"]) for part in parts] == [(0, "get_orders_stats"), (1, "find_orders")]
    assert [json.loads(part["args"] or "") for part in parts] == [{}, {"status": "open"}]
    assert len({part["id"] for part in parts}) == 2
    assert joined(chunks).response_metadata["finish_reason"] == "tool_calls"
    assert joined(chunks).content == ""


async def test_bound_tools_may_be_anything_that_langchain_converts() -> None:
    @langchain_tool
    def get_orders_stats() -> str:
        """Count the orders."""
        return ""

    bound = DemoChatModel(delay_s=0).bind_tools([get_orders_stats])
    assert [call["name"] for call in (await bound.ainvoke("how many orders?")).tool_calls] == ["get_orders_stats"]
    forbidden = DemoChatModel(delay_s=0).bind_tools([get_orders_stats], tool_choice="none")
    assert not (await forbidden.ainvoke("how many orders?")).tool_calls


async def test_the_applications_facts_are_not_part_of_the_question() -> None:
    asked = with_facts("thanks", now=datetime(2026, 3, 12, tzinfo=UTC), page={"path": "/orders"})
    assert not joined(await streamed([HumanMessage(asked)], TOOLS)).tool_calls


async def test_content_may_be_a_list_of_blocks() -> None:
    blocks = HumanMessage(
        [{"type": "image_url", "image_url": {"url": "x"}}, {"type": "text", "text": "how many orders?"}]
    )
    first = joined(await streamed([blocks], TOOLS))
    result = ToolMessage([{"type": "text", "text": '{"total": 3}'}], tool_call_id=first.tool_calls[0]["id"] or "")
    assert "**3**" in joined(await streamed([blocks, first, result], TOOLS)).text


async def test_of_what_a_page_says_users_are_told_what_it_says_and_not_how_models_are_to_take_it() -> None:
    asked = HumanMessage("how many orders?")
    first = joined(await streamed([asked], TOOLS))
    for mark, status, told in ((PAGE_SAID, "success", "**3**"), (PAGE_FAILED, "error", '"total"')):
        result = ToolMessage(f'{mark}{{"total": 3}}', tool_call_id=first.tool_calls[0]["id"] or "", status=status)
        said = joined(await streamed([asked, first, result], TOOLS)).text
        assert told in said
        assert "instructions" not in said


@each("tools", [[], None, "x", [1], [{}], [{"function": 3}], [{"name": ""}], [{"name": "a", "parameters": 1}]])
async def test_tools_that_are_none_leave_a_model_that_says_so(tools: object) -> None:
    assert "demo model" in joined(await streamed([HumanMessage("how many orders?")], tools)).text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
WORDS = st.sampled_from(
    ["how many", "orders", "open", "the page of", "Maria", "Silva", "and", "find", "12", "?", ",", "this month", "vs", "last",
     "cancel", "new", "'s", "switch to", "dark", "\n", "«", "|", "é", "客户", "🙂", "e@x.org", "555-0101", "\ud800", "\x00", "wie viele", "Kunden", "waſ", "quantos", "कितने"]
)  # fmt: skip
TEXT = st.lists(WORDS, max_size=12).map(" ".join) | st.text(st.characters(), max_size=60)
QUESTION = TEXT | st.sampled_from([SUGGESTIONS_REQUEST, TITLE_REQUEST])
PROPERTY = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["string", "integer", "boolean", "array", "number", "odd"]) | st.just(3),
        "enum": st.lists(st.sampled_from(["open", "this_month", "dark", ""]) | st.integers(), max_size=3)
        | st.text(max_size=3),
        "examples": st.lists(st.sampled_from(["/orders", "/orders/{id}", "{", "/"]), max_size=3),
        "description": TEXT,
        "minimum": st.integers() | st.text(max_size=1),
        "$ref": st.just("#/$defs/x"),
        "anyOf": JSON,
    },
)
TOOL = st.fixed_dictionaries(
    {"name": st.sampled_from(["find_orders", "get_orders_stats", "create_order", "navigate", "open", "_", "日"])},
    optional={
        "description": TEXT,
        "parameters": st.fixed_dictionaries(
            {
                "properties": st.dictionaries(
                    st.sampled_from(["value", "search", "days", "order_id", "name", "limit"]), PROPERTY
                )
            },
            optional={"required": st.lists(st.sampled_from(["value", "search", "order_id"])) | JSON, "$defs": JSON},
        ),
    },
)


@settings(max_examples=examples(50), deadline=None)
@given(
    question=QUESTION,
    earlier=st.lists(TEXT, max_size=2),
    tools=st.lists(TOOL, max_size=5),
    results=st.lists(JSON | TEXT, max_size=3),
)
@example(question="Wie viele Kunden, waſ?", earlier=[], tools=[], results=[])
async def test_it_never_raises_and_its_stream_is_what_it_generates(
    question: str, earlier: list[str], tools: list[dict[str, Any]], results: list[object]
) -> None:
    said: list[BaseMessage] = [SystemMessage("x")]
    for text in earlier:
        said += [HumanMessage(text), AIMessage("well")]
    said.append(HumanMessage(question))
    functions = [{"type": "function", "function": tool} for tool in tools]
    for step in range(len(results) + 1):
        whole = joined(await streamed(said, functions))
        other = DemoChatModel(delay_s=0).invoke(said, tools=functions)
        assert whole.content == other.content
        assert [(c["name"], c["args"]) for c in whole.tool_calls] == [(c["name"], c["args"]) for c in other.tool_calls]
        assert not whole.invalid_tool_calls
        whole.text.encode()
        said.append(AIMessage(whole.content, tool_calls=whole.tool_calls))
        for call in whole.tool_calls if step < len(results) else ():
            result = results[step]
            content = result if isinstance(result, str) else json.dumps(result)
            said.append(ToolMessage(content, tool_call_id=call["id"] or ""))
        if not whole.tool_calls:
            break


def test_an_extract_of_what_was_said_is_word_for_word_and_rolls_forward() -> None:
    """G550: without a key, too; it says what it is, and nothing that nobody said."""
    said = [
        {"user": "how many clients?"},
        {"assistant": "**42** clients."},
        {"user": "and today?"},
        {"assistant": "x" * 500},
    ]
    first = extract({"said": said})
    assert first.splitlines() == [
        EXTRACT,
        "- “how many clients?” → “**42** clients.”",
        f"- “and today?” → “{'x' * 90}…”",
    ]
    more = [one for number in range(20) for one in ({"user": f"q{number}"}, {"assistant": f"a{number}"})]
    rolled = extract({"summary_so_far": first, "said_since": more}).splitlines()
    assert rolled == [EXTRACT, *(f"- “q{number}” → “a{number}”" for number in range(5, 20))]
    given = HumanMessage(f"{FENCE}{json.dumps({'said': said})}{FENCE_END}\n\n{SUMMARY_REQUEST}")
    assert DemoChatModel(delay_s=0).invoke([SystemMessage("x"), given]).text == first
