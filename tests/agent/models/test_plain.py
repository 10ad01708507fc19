"""Plain text in events: read the short way it is what reading all of the event gives, and no more than text is read so."""

from typing import Any

import orjson
import pytest

from agent.models.completion import CompletionReader
from agent.models.plain import plain_text_in, plain_text_of

CHOICE = {"index": 0, "delta": {"content": "word "}, "logprobs": None, "finish_reason": None}
EVENT = {"id": "1", "object": "chat.completion.chunk", "choices": [CHOICE], "usage": None}


def event(*, delta: object = None, choice: dict[str, Any] | None = None, **others: Any) -> bytes:
    made = {**CHOICE, **({} if delta is None else {"delta": delta}), **(choice or {})}
    return orjson.dumps({**EVENT, "choices": [made], **others})


PLAIN = [
    event(),
    event(delta={"role": "assistant", "content": "", "refusal": None}),
    event(delta={"content": "\x00 \U0001f600", "reasoning_content": None, "tool_calls": None}),
    event(choice={"index": None}),
    event(choice={"finish_reason": ""}),
    b'  {"choices":[{"delta":{"content":"a","content":"b"}}]}\n',
]
MORE = [
    event(delta={"content": "a", "reasoning_content": "hm"}),
    event(delta={"content": "a", "tool_calls": [{"index": 0}]}),
    event(delta={"content": "a", "thinking_blocks": [1]}),
    event(delta={"content": None}),
    event(delta={"content": ["a"]}),
    event(delta={}),
    event(choice={"index": 1}),
    event(choice={"finish_reason": "stop"}),
    event(choice={"logprobs": {"content": [1]}}),
    event(choice={"error": {"message": "no"}}),
    event(usage={"prompt_tokens": 1}),
    event(error=None),
    orjson.dumps({"choices": [CHOICE, CHOICE]}),
    orjson.dumps({"choices": []}),
    orjson.dumps([EVENT]),
    b"[DONE]",
    b'{"choices":[{"delta":{"content":"\\ud83d"}}]}',
    b'{"choices":[{"delta":{"content":"\xff"}}]}',
    b'{"choices":[{"delta":{"content":"a"}}]',
]


@pytest.mark.parametrize("data", PLAIN, ids=range(len(PLAIN)))
def test_plain_text_is_what_reading_all_of_the_event_gives(data: bytes) -> None:
    text = plain_text_in(data)
    assert text == plain_text_of(orjson.loads(data))
    assert list(CompletionReader().read([data])) == [text]


@pytest.mark.parametrize("data", MORE, ids=range(len(MORE)))
def test_an_event_that_says_more_is_not_plain(data: bytes) -> None:
    assert plain_text_in(data) is None
