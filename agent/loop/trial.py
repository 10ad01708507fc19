"""A model's abilities, found out by asking: a word, a tool and what comes of its result, two tools at once. It costs some tokens.

Each request is made once, as the first step of a run would make it, and has its own time limit.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.runnables import Runnable

from agent.assistant.definition import Limits
from agent.errors import FrontdeskError, ModelTimeoutError, RunError
from agent.models.assembly import ToolRequest
from agent.models.echo import STEP, step_extras
from agent.models.stream import Reply, Sinks, stream_reply
from agent.prompt.history import result_message
from agent.tracing import traced

WORD = "Answer with the word: yes"
TOOL = "What is the weather in Graz? Look it up with the tool, then answer in one sentence."
TWO_TOOLS = "Compare the weather in Graz and in Linz. Ask the tool for both of them at once, in one message."
RESULT = '{"sky": "clear", "celsius": 21}'
WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city now.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "description": "its name"}},
            "required": ["city"],
        },
    },
}
NAME = "get_weather"


@dataclass(slots=True)
class Trial:
    """The findings. `code` and `reason` are those of the first request that failed; a reason holds no words of a provider."""

    text: bool = False
    tools: bool = False
    """It calls a tool, and answers with its result."""
    parallel_tools: bool = False
    usage: bool = False
    reasoning: bool = False
    code: str | None = None
    reason: str | None = None
    took_s: float = 0.0

    def note(self, error: FrontdeskError) -> None:
        """Keep the first error."""
        if self.code is None:
            self.code, self.reason = str(getattr(error, "code", type(error).__name__)), str(error)


async def try_model(model: BaseChatModel, limits: Limits, *, has_tools: bool = True, timeout_s: float = 60.0) -> Trial:
    """Ask a model what `Trial` tells. Without an answer in words nothing else is asked."""
    found, begun = Trial(), time.perf_counter()
    once = limits.model_copy(update={"model_retries": 0})

    async def ask(asked: Runnable[LanguageModelInput, Any], *messages: BaseMessage) -> Reply:
        reply = Reply()
        try:
            with traced(is_on=False):
                async with asyncio.timeout(timeout_s):
                    await stream_reply(asked, messages, reply, _sinks(found), limits=once, tools=[NAME])
        except TimeoutError as exc:
            raise ModelTimeoutError("waited too long for its answer") from exc
        if reply.usage.input_tokens and reply.usage.output_tokens:
            found.usage = True
        return reply

    try:
        found.text = bool((await ask(model, HumanMessage(WORD))).text.strip())
        if found.text and has_tools:
            bound = model.bind_tools([WEATHER])
            question = HumanMessage(TOOL)
            requests = (first := await ask(bound, question)).requests
            if requests and all(one.name == NAME and one.arguments is not None for one in requests):
                answer = await ask(bound, question, *_made(requests, first, limits))
                found.tools = bool(answer.text.strip())
            found.parallel_tools = len((await ask(bound, HumanMessage(TWO_TOOLS))).requests) > 1
    except RunError as error:
        found.note(error)
    found.took_s = round(time.perf_counter() - begun, 2)
    return found


def _sinks(found: Trial) -> Sinks:
    async def retract() -> None:
        found.reasoning = True

    def think(text: str) -> None:
        found.reasoning = found.reasoning or bool(text.strip())

    return Sinks(text=lambda _text: None, reasoning=think, retract=retract)


def _made(requests: Sequence[ToolRequest], reply: Reply, limits: Limits) -> list[BaseMessage]:
    """Return a step with calls and their results, as a run keeps it: with what the provider wants to see again."""
    named = [(f"call-{number}", request) for number, request in enumerate(requests)]
    extras = step_extras(named, reply.extras, most_bytes=limits.step_extras_bytes)
    calls = [
        {"type": "tool_call", "id": call_id, "name": request.name, "args": request.arguments or {}}
        for call_id, request in named
    ]
    step = AIMessage(reply.text, tool_calls=calls, additional_kwargs={STEP: extras} if extras else {})
    results = (result_message(call_id, NAME, RESULT, is_error=False, is_untrusted=False) for call_id, _ in named)
    return [step, *results]
