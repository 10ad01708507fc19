"""Models of LangChain's packages: what their chunks mean, what goes back, and what becomes of what they raise."""

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from langchain_core.exceptions import ContextOverflowError
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from support.replies import ScriptedModel, ask, calling, chunk

from agent.assistant.models import ModelAbilities
from agent.errors import (
    ContentRefusedError,
    ContextTooLongError,
    ModelQuotaError,
    ModelRateLimitedError,
    ModelTimeoutError,
    ModelUnauthorizedError,
    ModelUnavailableError,
)
from agent.events.schema import Usage
from agent.masking import Mask
from agent.models.echo import STEP, step_extras
from agent.models.failures import failure
from agent.models.integrated import IntegratedModel
from agent.models.manners import ANY, MANNERS, Manner
from agent.models.refusals import ModelMissingError
from agent.models.replay import told

THOUGHT = [
    chunk([{"type": "thinking", "thinking": "I should ", "index": 0}]),
    chunk([{"type": "thinking", "thinking": "count.", "index": 0}]),
    chunk([{"type": "thinking", "thinking": "", "signature": "SIGNED", "index": 0}]),
    chunk([{"type": "redacted_thinking", "data": "ENCRYPTED", "index": 1}]),
    chunk([{"type": "text", "text": "Let me ", "index": 2}]),
    chunk([{"type": "text", "text": "look.", "index": 2}]),
]
USED = chunk([{"type": "tool_use", "id": "toolu_1", "name": "count", "input": {}, "index": 3}])
USED.tool_call_chunks = calling(3, "", name="count", call_id="toolu_1").tool_call_chunks
END = chunk(response_metadata={"stop_reason": "tool_use"})


def integrated(*script: Any, manner: Manner = ANY) -> IntegratedModel:
    return IntegratedModel(inner=ScriptedModel(scripts=[list(script)]), manner=manner)


def usage(given: int, said: int) -> AIMessageChunk:
    return chunk(usage_metadata={"input_tokens": given, "output_tokens": said, "total_tokens": given + said})


async def step_of(*script: Any, manner: Manner) -> AIMessage:
    """Return what is kept of a step whose only call is ours of the id `ours`."""
    reply = (await ask(integrated(*script, manner=manner))).reply
    extras = step_extras([("ours", one) for one in reply.requests], reply.extras, most_bytes=10_000)
    calls = [{"type": "tool_call", "id": "ours", "name": one.name, "args": one.arguments} for one in reply.requests]
    return AIMessage(reply.text, tool_calls=calls, additional_kwargs={STEP: extras} if extras else {})


async def test_thinking_goes_back_in_the_blocks_in_which_it_came_with_the_text_and_the_calls_in_their_places() -> None:
    """G431: with the provider's own ids."""
    manner = MANNERS["anthropic"]
    step = await step_of(*THOUGHT, USED, END, manner=manner)
    [sent, result] = told([step, ToolMessage("42", tool_call_id="ours", name="count")], manner, ModelAbilities())
    assert isinstance(sent, AIMessage)
    assert sent.content == [
        {"type": "thinking", "thinking": "I should count.", "signature": "SIGNED"},
        {"type": "redacted_thinking", "data": "ENCRYPTED"},
        {"type": "text", "text": "Let me look."},
        {"type": "tool_use", "id": "toolu_1", "name": "", "input": {}},
    ]
    assert [call["id"] for call in sent.tool_calls] == ["toolu_1"]
    assert isinstance(result, ToolMessage)
    assert result.tool_call_id == "toolu_1"
    assert sent.response_metadata == {"model_provider": "anthropic"}


async def test_text_before_the_first_thinking_keeps_its_place() -> None:
    """G431: thinking between two steps of one message."""
    manner = MANNERS["anthropic"]
    late = [
        chunk([{"type": "thinking", "thinking": "I should ", "index": 1}]),
        chunk([{"type": "thinking", "thinking": "", "signature": "SIGNED", "index": 1}]),
    ]
    step = await step_of(chunk([{"type": "text", "text": "Hm.", "index": 0}]), *late, USED, END, manner=manner)
    [sent] = told([step], manner, ModelAbilities())
    assert [block["type"] for block in sent.content] == ["text", "thinking", "tool_use"]  # type: ignore[index]


async def test_nothing_is_kept_of_blocks_that_say_nothing_beside_the_step() -> None:
    """G431: the text and the calls are stored as ever."""
    step = await step_of(chunk([{"type": "text", "text": "Hm.", "index": 0}]), USED, END, manner=MANNERS["anthropic"])
    assert step.additional_kwargs[STEP] == {"calls": {"ours": {"id": "toolu_1"}}}
    [sent] = told([AIMessage("Hm.")], MANNERS["anthropic"], ModelAbilities())
    assert (sent.content, sent.response_metadata) == ("Hm.", {})


async def test_signatures_of_calls_go_back_with_their_calls() -> None:
    """G431: as Google's package keeps them."""
    part = calling(0, "{}", name="count", call_id="a")
    part.additional_kwargs["__gemini_function_call_thought_signatures__"] = {"a": "c2lnbmVk"}
    step = await step_of(part, chunk(response_metadata={"finish_reason": "STOP"}), manner=MANNERS["google"])
    [sent] = told([step], MANNERS["google"], ModelAbilities())
    assert sent.additional_kwargs == {"__gemini_function_call_thought_signatures__": {"a": "c2lnbmVk"}}


async def test_a_stream_whose_end_was_not_said_was_cut_where_the_package_always_says_it() -> None:
    """G430: else it may have ended so."""
    words = chunk("There are")
    with pytest.raises(ModelUnavailableError, match="cut"):
        await ask(integrated(words, manner=MANNERS["ollama"]), model_retries=0)
    assert (await ask(integrated(words))).reply.text == "There are"


async def test_nothing_fails_an_answer_whose_end_was_said() -> None:
    """G430"""
    end = chunk("42.", response_metadata={"done_reason": "stop"})
    heard = await ask(integrated(end, ConnectionResetError(), manner=MANNERS["ollama"]))
    assert (heard.reply.text, heard.reply.finish_reason) == ("42.", "stop")
    done = chunk("42.", response_metadata={"done": True})  # a server that speaks as Ollama did in 2024
    assert (await ask(integrated(done, manner=MANNERS["ollama"]))).reply.text == "42."


@pytest.mark.parametrize(("manner", "counted"), [(MANNERS["anthropic"], Usage(77, 5)), (ANY, Usage(77, 9))])
async def test_usage_is_counted_once_whether_chunks_say_all_or_what_is_new(manner: Manner, counted: Usage) -> None:
    """G430: 0 is what a provider does not know."""
    end = chunk("42.", response_metadata={"stop_reason": "end_turn"})
    heard = await ask(integrated(usage(77, 0), usage(0, 4), usage(0, 5), end, manner=manner))
    assert heard.reply.usage == counted


async def test_a_prompt_that_was_blocked_is_a_refusal_of_its_content() -> None:
    """G432"""
    blocked = chunk(response_metadata={"prompt_feedback": {"block_reason": "PROHIBITED_CONTENT"}})
    with pytest.raises(ContentRefusedError):
        await ask(integrated(blocked, manner=MANNERS["google"]), model_retries=0)


class RefusedError(Exception):
    """As packages raise what a provider answered."""

    def __init__(self, status: int, body: object, **headers: str) -> None:
        super().__init__("SECRET-WORDS")
        self.status_code, self.body = status, body
        self.response = SimpleNamespace(status_code=status, headers=headers)


class OfAwsError(Exception):
    """As botocore raises it."""

    def __init__(self, code: str, status: int | None) -> None:
        super().__init__("SECRET-WORDS")
        self.response = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}


class ConnectTimeoutError(Exception):
    """As clients of HTTP call it."""


def caused(cause: Exception) -> Exception:
    """Return an exception that another one was raised for."""
    try:
        raise RuntimeError("SECRET-WORDS") from cause
    except RuntimeError as exc:
        return exc


FAILURES = [
    (RefusedError(401, {"error": {"type": "authentication_error"}}), ModelUnauthorizedError),
    (RefusedError(404, {"error": {"type": "not_found_error"}}), ModelMissingError),
    (RefusedError(529, {"error": {"type": "overloaded_error"}}), ModelUnavailableError),
    (RefusedError(400, {"error": {"message": "Your credit balance is too low"}}), ModelQuotaError),
    (RefusedError(400, {"error": {"message": "prompt is too long: 2 tokens > 1 maximum"}}), ContextTooLongError),
    (RefusedError(200, {"type": "error", "error": {"type": "overloaded_error"}}), ModelUnavailableError),
    (RefusedError(200, {"type": "error", "error": {"type": "rate_limit_error"}}), ModelRateLimitedError),
    (caused(RefusedError(403, {"error": {"status": "PERMISSION_DENIED"}})), ModelUnauthorizedError),
    (OfAwsError("ThrottlingException", 429), ModelRateLimitedError),
    (OfAwsError("throttlingException", 200), ModelRateLimitedError),
    (OfAwsError("AccessDeniedException", 403), ModelUnauthorizedError),
    (ContextOverflowError("SECRET-WORDS"), ContextTooLongError),
    (ConnectTimeoutError(), ModelTimeoutError),
    (ConnectionRefusedError(), ModelUnavailableError),
    (ValueError("SECRET-WORDS"), ModelUnavailableError),
]


@pytest.mark.parametrize(("raised", "expected"), FAILURES)
def test_what_a_package_raises_means_what_its_provider_said(
    raised: Exception, expected: type[Exception], capfd: pytest.CaptureFixture[str]
) -> None:
    """G432: in none of its words."""
    error = failure(raised, Mask())
    assert type(error) is expected
    assert "SECRET-WORDS" not in f"{error!r} {error}" + "".join(capfd.readouterr())


def test_a_hint_to_wait_is_read_from_the_headers_of_what_was_raised() -> None:
    """G432"""
    error = failure(RefusedError(429, {"error": {"type": "rate_limit_error"}}, **{"retry-after": "12"}), Mask())
    assert isinstance(error, ModelRateLimitedError)
    assert error.retry_after_s == 12


async def test_a_model_without_tools_or_a_system_role_is_told_without_them() -> None:
    """G430: as a server of OpenAI's protocol is."""
    asked = AIMessage("Let me look.", tool_calls=[{"type": "tool_call", "id": "a", "name": "count", "args": {}}])
    messages: list[BaseMessage] = [SystemMessage("You help."), HumanMessage("how many?"), asked]
    messages += [ToolMessage("42", tool_call_id="a", name="count"), AIMessage("42."), HumanMessage("sure?")]
    sent = told(messages, ANY, ModelAbilities(tools=False, system=False))
    assert [(one.type, one.text) for one in sent] == [
        ("human", "You help.\n\nhow many?"),
        ("ai", "Let me look.\n\n42."),
        ("human", "sure?"),
    ]


def test_a_provider_is_asked_to_keep_the_instructions_where_the_definition_says_so() -> None:
    """G448: a package hands the mark on as it is."""
    messages: list[BaseMessage] = [SystemMessage("You help."), HumanMessage("how many?")]
    [instructions, question] = told(messages, MANNERS["anthropic"], ModelAbilities(cache_control=True))
    assert instructions.content == [{"type": "text", "text": "You help.", "cache_control": {"type": "ephemeral"}}]
    assert question.content == "how many?"
    assert told(messages, MANNERS["anthropic"], ModelAbilities()) == messages


async def test_a_model_that_may_not_call_is_asked_so_in_its_own_way() -> None:
    """G430: a question beside a run has the run's tools, and calls none."""
    asked: list[Any] = []

    class Listening(ScriptedModel):
        def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
            return self.bind(tools=tools)

        async def _astream(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            asked.append({name: kwargs.get(name) for name in ("tools", "tool_choice")})
            async for one in super()._astream(messages):
                yield one

    inner = Listening(scripts=[[chunk("x", response_metadata={"stop_reason": "end_turn"})]])
    model = IntegratedModel(inner=inner, manner=MANNERS["anthropic"])
    bound = model.bind_tools([{"name": "count"}])
    for one in (model, bound, bound.bind(tool_choice="none")):
        await ask(one)
    assert asked == [
        {"tools": None, "tool_choice": None},
        {"tools": [{"name": "count"}], "tool_choice": None},
        {"tools": [{"name": "count"}], "tool_choice": {"type": "none"}},
    ]
