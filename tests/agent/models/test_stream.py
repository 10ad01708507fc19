"""A call of a model, put together: text, thinking, tool calls, limits and retries, for any chat model."""

import asyncio
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages.ai import UsageMetadata
from support.each import each
from support.lanes import examples
from support.replies import Heard, ScriptedModel, ask, calling, chunk, scripted

from agent.errors import (
    ModelRateLimitedError,
    ModelRefusedError,
    ModelTimeoutError,
    ModelUnavailableError,
    RunError,
)
from agent.events.schema import Usage
from agent.models.assembly import ToolRequest
from agent.models.stream import MAX_RETRY_AFTER_S

END = chunk(response_metadata={"finish_reason": "stop"})
UNAVAILABLE = ModelUnavailableError("scripted")


def busy(retry_after_s: float | None) -> ModelRateLimitedError:
    return ModelRateLimitedError("scripted", retry_after_s=retry_after_s)


async def test_what_was_handed_on_is_what_the_reply_says() -> None:
    heard = await ask(scripted(chunk("Hel"), chunk(""), chunk("lo 世界"), chunk(" 😀"), END))
    assert heard.reply.text == "Hello 世界 😀" == "".join(heard.pieces)
    assert heard.reply.pieces == heard.pieces
    assert heard.reply.finish_reason == "stop"
    assert heard.reply.requests == ()


async def test_content_in_blocks_is_read_as_text_and_thinking() -> None:
    heard = await ask(
        scripted(
            chunk([{"type": "thinking", "thinking": "Hm, "}]),
            chunk([{"type": "reasoning", "reasoning": "well."}]),
            chunk([{"type": "text", "text": "Yes, "}, {"type": "text", "text": "and "}]),
            chunk([{"type": "image", "url": "http://evil"}, "no."]),
            END,
        )
    )
    assert heard.reply.text == "Yes, and no."
    assert "".join(heard.reasoning) == "Hm, well."


async def test_thinking_beside_the_text_is_kept_apart_from_it() -> None:
    heard = await ask(scripted(chunk(additional_kwargs={"reasoning_content": "Hm."}), chunk("Yes."), END))
    assert (heard.reasoning, heard.pieces) == (["Hm."], ["Yes."])


async def test_a_character_that_is_split_over_chunks_arrives_whole_and_a_nul_does_not() -> None:
    heard = await ask(scripted(chunk("a\ud83d"), chunk("\ude00\x00b"), chunk("\ud800"), END))
    assert heard.reply.text == "a😀b�"
    assert all(piece for piece in heard.pieces)


@settings(max_examples=examples(50), deadline=None)
@given(st.lists(st.text(st.characters(codec=None), max_size=4), min_size=1, max_size=8))
async def test_any_pieces_come_out_as_text_that_can_be_encoded(pieces: list[str]) -> None:
    heard = await ask(scripted(chunk("x"), *map(chunk, pieces), END))
    "".join(heard.pieces).encode()
    assert heard.reply.text == "".join(heard.pieces)
    assert "\x00" not in heard.reply.text


async def test_tool_calls_in_parts_are_put_together_in_their_order() -> None:
    heard = await ask(
        scripted(
            chunk("Let me see."),
            calling(0, '{"num', name="find_order", call_id="a"),
            calling(1, "{}", name="count_orders", call_id="b"),
            calling(0, 'ber": 7}'),
            END,
        )
    )
    assert heard.reply.requests == (ToolRequest("find_order", {"number": 7}), ToolRequest("count_orders", {}))
    assert heard.reply.text == "Let me see."


async def test_the_same_tool_can_be_asked_for_twice() -> None:
    asked = [calling(n, '{"number": 7}', name="find_order", call_id=f"call_{n}") for n in range(2)]
    heard = await ask(scripted(*asked, END))
    assert heard.reply.requests == (ToolRequest("find_order", {"number": 7}),) * 2


@each(
    ("arguments", "parsed"),
    [
        ("", {}),
        ("{}", {}),
        ('{"a": [1, null]}', {"a": [1, None]}),
        ('{"a": ', None),
        ("[1]", None),
        ("7", None),
        ("null", {}),
        ('"{\\"a\\": 1}"', {"a": 1}),
        ("not json", None),
        ('{"a": NaN}', None),
        ('{"a": "\\ud800"}', None),
        ('{"a":' * 600 + "1" + "}" * 600, None),
        ('{"a":' * 5000 + "1" + "}" * 5000, None),
    ],
)
async def test_arguments_are_a_json_object_or_none(arguments: str, parsed: dict[str, Any] | None) -> None:
    heard = await ask(scripted(calling(0, arguments, name="find_order", call_id="a"), END))
    assert heard.reply.requests == (ToolRequest("find_order", parsed),)


@pytest.mark.parametrize("name", ["count orders", "functions.count_orders", "zähle", "\ud800", "x" * 200, "a\x00b"])
async def test_a_name_that_no_provider_would_take_back_is_made_one(name: str) -> None:
    heard = await ask(scripted(calling(0, "{}", name=name, call_id="a"), END))
    assert heard.reply.requests[0].name
    assert len(heard.reply.requests[0].name) <= 64
    assert heard.reply.requests[0].name.replace("_", "").replace("-", "x").isascii()
    assert heard.reply.requests[0].name.replace("_", "x").replace("-", "x").isalnum()


async def test_usage_is_what_the_model_counted() -> None:
    counted = UsageMetadata(input_tokens=12, output_tokens=7, total_tokens=19)
    heard = await ask(scripted(chunk("Hi"), chunk(usage_metadata=counted), END))
    assert heard.reply.usage == Usage(12, 7)


async def test_an_answer_beyond_the_limit_is_cut_there_and_the_stream_is_closed() -> None:
    model = scripted(*[chunk("x" * 30) for _ in range(100)], END)
    heard = await ask(model, answer_characters=100)
    assert len(heard.reply.text) == 100 == len("".join(heard.pieces))
    assert heard.reply.finish_reason == "length"
    assert model.closed == 1


async def test_an_answer_of_exactly_the_limit_is_whole() -> None:
    heard = await ask(scripted(chunk("x" * 60), chunk("x" * 40), END), answer_characters=100)
    assert (len(heard.reply.text), heard.reply.finish_reason) == (100, "stop")


async def test_tool_calls_behind_an_answer_that_was_cut_are_not_made() -> None:
    heard = await ask(
        scripted(calling(0, "{}", name="create_order", call_id="a"), chunk("x" * 200), END), answer_characters=100
    )
    assert heard.reply.requests == ()


@pytest.mark.parametrize("reason", ["x" * 500, "a\x00b"])
async def test_an_odd_finish_reason_fits_into_its_column(reason: str) -> None:
    heard = await ask(scripted(chunk("Hi", response_metadata={"finish_reason": reason})))
    assert len(heard.reply.finish_reason) <= 32
    assert "\x00" not in heard.reply.finish_reason


async def test_an_empty_answer_is_tried_again_and_then_an_error() -> None:
    model = scripted(END)
    with pytest.raises(ModelUnavailableError, match="empty answer"):
        await ask(model, model_retries=1)
    assert model.calls == 2


@pytest.mark.parametrize("blank", ["\n", "  \n", "\u200b", "\ufeff\u2060", "\u3164", "\xa0\u2003", "\t\x07"])
async def test_an_answer_that_nobody_can_see_is_an_empty_one(blank: str) -> None:
    model = scripted(chunk(blank), chunk(blank), END)
    with pytest.raises(ModelUnavailableError, match="empty answer"):
        await ask(model, model_retries=1)
    assert model.calls == 2


async def test_blanks_before_an_answer_come_with_its_first_word_and_before_a_call_not_at_all() -> None:
    heard = await ask(scripted(chunk("\n"), chunk("\n  "), chunk(" a"), chunk("\n"), END))
    assert (heard.pieces, heard.reply.text) == (["\n\n   a", "\n"], "\n\n   a\n")
    heard = await ask(scripted(chunk("\n\n"), calling(0, "{}", name="count_orders", call_id="a"), END))
    assert (heard.pieces, heard.reply.text, len(heard.reply.requests)) == ([], "", 1)


async def test_an_answer_that_the_provider_withheld_is_a_refusal_and_not_tried_again() -> None:
    model = scripted(chunk(response_metadata={"finish_reason": "content_filter"}))
    with pytest.raises(ModelRefusedError):
        await ask(model)
    assert model.calls == 1


@pytest.mark.parametrize("error", [ModelUnavailableError("scripted"), busy(None)])
async def test_a_failure_before_the_first_token_is_tried_again(error: RunError) -> None:
    model = ScriptedModel(scripts=[[error], [chunk("Hi"), END]])
    heard = await ask(model, model_retries=1)
    assert heard.reply.text == "Hi"
    assert model.calls == 2


async def test_retry_after_is_waited_for_as_long_as_it_says() -> None:
    model = ScriptedModel(scripts=[[busy(0.3)], [busy(0.2)], [chunk("Hi"), END]])
    begun = time.monotonic()
    await ask(model)
    assert 0.49 <= time.monotonic() - begun < 15  # a timer counts in milliseconds


async def test_a_retry_after_that_is_too_long_is_not_waited_for() -> None:
    model = scripted(busy(MAX_RETRY_AFTER_S + 1))
    async with asyncio.timeout(60):
        with pytest.raises(ModelRateLimitedError) as failed:
            await ask(model)
    assert failed.value.retry_after_s == MAX_RETRY_AFTER_S + 1
    assert model.calls == 1


@pytest.mark.parametrize("retries", [0, 2])
async def test_retries_end_with_the_last_error(retries: int) -> None:
    model = scripted(busy(0))
    with pytest.raises(ModelRateLimitedError):
        await ask(model, model_retries=retries)
    assert model.calls == retries + 1


@pytest.mark.parametrize(
    "first",
    [chunk("H"), chunk(additional_kwargs={"reasoning_content": "Hm"}), calling(0, "{", name="find_order", call_id="a")],
    ids=["text", "thinking", "tool call"],
)
async def test_after_the_first_token_nothing_is_tried_again(first: Any) -> None:
    model = ScriptedModel(scripts=[[first, UNAVAILABLE], [chunk("Again"), END]])
    heard = Heard()
    with pytest.raises(ModelUnavailableError):
        await ask(model, heard)
    assert model.calls == 1
    assert "Again" not in heard.reply.text


async def test_what_was_said_before_a_failure_is_kept() -> None:
    heard = Heard()
    with pytest.raises(ModelUnavailableError):
        await ask(scripted(chunk("Half an "), chunk("ans"), UNAVAILABLE), heard)
    assert heard.reply.text == "Half an ans"


@pytest.mark.parametrize("error", [ModelRefusedError("scripted"), ModelTimeoutError("scripted")])
async def test_what_would_fail_again_is_not_tried_again(error: RunError) -> None:
    model = scripted(error)
    with pytest.raises(type(error)):
        await ask(model)
    assert model.calls == 1
