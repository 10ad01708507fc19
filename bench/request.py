"""`python -m bench.request`: what it costs to make the request to the model, and what ready-made parts would save of it.

The window is full (20 messages) and there are 25 tools. "Now" is what a step does before it sends: the tools are bound, the
payload is put together, and it becomes JSON. "Ready" has the tools and the system prompt as bytes that were made before.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import orjson
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from pydantic import SecretStr

from agent.assistant.models import ModelDefinition
from agent.http import open_session
from agent.models.compatible import open_model
from agent.models.openai import OpenAICompatibleModel
from agent.prompt.words import RULES

TOOLS = 25
MESSAGES = 20
ROUNDS = 15
CALLS = 200
US = 1e6


def functions() -> list[dict[str, Any]]:
    """Return tools of a usual size: a sentence, and four arguments that say what they are."""
    argument = {"type": "string", "description": "A day as it is written in the calendar, or a word for one."}
    parameters = {"type": "object", "properties": {f"argument_{n}": argument for n in range(4)}, "required": []}
    text = "Look up what the studio has booked, by day and by trainer; returns at most fifty rows."
    return [
        {"type": "function", "function": {"name": f"look_up_{n}", "description": text, "parameters": parameters}}
        for n in range(TOOLS)
    ]


def transcript() -> list[BaseMessage]:
    """Return a system prompt and a full window."""
    said = [(HumanMessage if n % 2 else AIMessage)("How many were there, and who? " * 5) for n in range(MESSAGES)]
    return [SystemMessage(f"You help the staff of a studio.\n\n{RULES}"), *said]


def now(model: OpenAICompatibleModel, tools: list[dict[str, Any]], messages: list[BaseMessage]) -> bytes:
    """Make a request as a step does."""
    return orjson.dumps(model._payload(messages, stop=None, stream_usage=None, **_bound(model, tools)))


def ready(
    model: OpenAICompatibleModel, tools: orjson.Fragment, system: orjson.Fragment, rest: list[BaseMessage]
) -> bytes:
    """Make the same request with parts that are JSON already."""
    payload = model._payload(rest, stop=None, stream_usage=None)
    payload["messages"] = [system, *payload["messages"]]
    return orjson.dumps({**payload, "tools": tools})


def _bound(model: OpenAICompatibleModel, tools: list[dict[str, Any]]) -> dict[str, Any]:
    return dict(model.bind_tools(tools).kwargs)  # type: ignore[attr-defined]


def _us(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    for _ in range(CALLS):
        call()
    return (time.perf_counter() - begun) / CALLS * US


async def measure(rounds: int) -> dict[str, list[float]]:
    """Return the microseconds of each way, of rounds in which they take turns."""
    async with open_session(connect_timeout_s=1) as session:
        model = open_model(
            ModelDefinition(spec="openai:bench"),
            api_key=SecretStr("none"),
            base_url="http://127.0.0.1:9/v1",
            session=session,
            connect_timeout_s=1,
        )
    tools, messages = functions(), transcript()
    whole = orjson.loads(now(model, tools, messages))
    parts = orjson.Fragment(orjson.dumps(whole["tools"])), orjson.Fragment(orjson.dumps(whole["messages"][0]))
    made = orjson.loads(ready(model, *parts, messages[1:]))
    assert made == whole, "the two ways make different requests"
    found: dict[str, list[float]] = {"now": [], "ready": []}
    for _ in range(rounds):
        found["now"].append(_us(lambda: now(model, tools, messages)))
        found["ready"].append(_us(lambda: ready(model, *parts, messages[1:])))
    return found


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.request", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    found = asyncio.run(measure(parser.parse_args().rounds))
    for name, times in found.items():
        sys.stdout.write(f"{name:6} {median(times):6.0f} µs a request ({min(times):.0f}-{max(times):.0f})\n")
    saved = median(a - b for a, b in zip(*found.values(), strict=True))
    sys.stdout.write(f"ready-made tools and system prompt save {saved:.0f} µs\n")


if __name__ == "__main__":
    main()
