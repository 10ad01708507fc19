"""Streams made at random: cut anywhere, in pieces of any grouping, with noise of the allowed kinds, they mean the same."""

import json
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import orjson
import pytest
from langchain_core.language_models import BaseChatModel
from support.http import Connection, Request, listen
from support.replies import ask
from support.saying import DONE, call, calling, data, event, usage

from agent.assistant.definition import Limits
from agent.assistant.models import ModelDefinition
from agent.errors import RunError
from agent.models.assembly import CallAssembly, ToolRequest
from agent.models.catalog import Catalog
from agent.models.completion import CompletionReader, UnreadableError
from agent.models.delta import Delta
from agent.models.extras import merge
from agent.models.refusals import refusal
from agent.models.usage import counted
from api.settings import Settings

BATCHES = 10
STREAMS = 200
"""In each batch; two thousand in all."""
NOISE = (
    b": keep-alive\n\n",
    b"data:\n\n",
    b"data: ping\n\n",
    b"data: null\n\n",
    b"event: ping\ndata: {}\n\n",
    data({"type": "ping"}),
    data({"choices": []}),
    data({"choices": [{"index": 0, "finish_reason": None}]}),
    data({"choices": [{"index": 0, "delta": None}]}),
    event({"role": "assistant", "content": ""}),
    event({"content": None}),
    data({"choices": [], "usage": None}),
)
WORDS = ("Grüße", "世界", "😀", "a", " ", "\n\n", "**42**", "data: x", "<b>", "\u2028", "`code`", "[1]", "}")


class Sender:
    """Answers each request with the body of the moment, in the pieces of the moment."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.is_cut = False

    async def handle(self, _request: Request, connection: Connection) -> None:
        await connection.begin_chunks()
        for piece in self.pieces:
            await connection.chunk(piece)
        if self.is_cut:
            connection.writer.close()
        else:
            await connection.end_chunks()


@pytest.fixture(scope="module")
async def sender() -> AsyncIterator[tuple[Sender, BaseChatModel]]:
    sender = Sender()
    async with listen(sender.handle) as url:
        catalog = Catalog(Settings(_env_file=None, openai_base_url=f"{url}/v1"))
        yield sender, catalog.open(ModelDefinition(spec="openai:m"), Limits())
        await catalog.close()


def split(random: Random, text: str) -> list[str]:
    """Cut a text into pieces at random places."""
    cuts = sorted(random.randrange(len(text) + 1) for _ in range(random.randrange(4)))
    return [text[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(text)], strict=True)]


def made(random: Random) -> tuple[list[bytes], str, tuple[ToolRequest, ...]]:
    """Return the events of a reply, its text and its calls."""
    text = "".join(random.choice(WORDS) for _ in range(random.randrange(1, 8))).lstrip() or "x"
    events = [event({"content": piece}) for piece in split(random, text)]
    requests = []
    for index in range(random.choice((0, 0, 1, 2, 3))):
        arguments: dict[str, Any] = {"n": index, "text": random.choice(WORDS)}
        name, call_id = f"tool_{index}", random.choice((f"call_{index}", None, ""))
        first, *rest = split(random, orjson.dumps(arguments).decode())
        place: dict[str, Any] = {"index": index} if random.random() < 0.8 else {"index": None}
        events.append(calling(call(name, first, call_id=call_id, **place)))
        again = {"name": name} if random.random() < 0.2 else {}
        events += [calling(call(again.get("name"), piece, **place)) for piece in rest]
        requests.append(ToolRequest(name, arguments))
    return events, text, tuple(requests)


def ending(random: Random, *, with_calls: bool) -> tuple[list[bytes], bool]:
    """Return how a reply ends, in one of the ways that say so, and whether the connection is cut behind it."""
    counts = usage(7, 8)
    reason = random.choice(("tool_calls", "stop") if with_calls else ("stop",))
    finish = event({}, reason)
    ways = [
        [finish, counts, DONE],
        [counts, DONE],
        [finish, counts],
        [finish, counts, b"data: {broken\n\n"],
        [finish, counts, DONE, b"x"],
    ]
    return random.choice(ways), random.random() < 0.3


@pytest.mark.sample(5)
@pytest.mark.parametrize("batch", range(BATCHES))
async def test_any_grouping_cut_and_noise_gives_the_same_reply(
    sender: tuple[Sender, BaseChatModel], batch: int
) -> None:
    """G56: and G57, whatever stands between the events and wherever the network cuts them."""
    server, model = sender
    for number in range(STREAMS):
        random = Random(batch * STREAMS + number)
        events, text, requests = made(random)
        end, server.is_cut = ending(random, with_calls=bool(requests))
        noisy = [piece for one in events for piece in (*random.choices(NOISE, k=random.choice((0, 0, 1, 2))), one)]
        body = b"".join([*noisy, *end])
        step = random.choice((1, 2, 7, 64, len(body))) if len(body) < 3000 else 64
        server.pieces = [body[at : at + step] for at in range(0, len(body), step)]
        heard = await ask(model)
        assert (heard.reply.text, heard.reply.requests) == (text, requests), (
            f"seed {batch * STREAMS + number}: {body!r}"
        )
        assert (heard.reply.usage.input_tokens, heard.reply.usage.output_tokens) == (7, 8)


FIELDS = [
    "choices",
    "delta",
    "message",
    "content",
    "tool_calls",
    "function",
    "name",
    "arguments",
    "id",
    "index",
    "type",
    "error",
    "code",
    "status",
    "metadata",
    "headers",
    "raw",
    "details",
    "retryDelay",
    "retry_after",
    "usage",
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "completion_tokens_details",
    "finish_reason",
    "reasoning",
    "reasoning_details",
    "thinking_blocks",
    "thinking",
    "signature",
    "text",
    "extra_content",
    "function_call",
    "base_resp",
    "status_code",
    "error_code",
    "errors",
    "data",
    "innererror",
    "annotations",
    "citations",
    "tool_uses",
    "recipient_name",
    "parameters",
]
ODD = (
    None,
    True,
    -1,
    5.5,
    float("nan"),
    10**400,
    "",
    "{",
    "9" * 5000,
    "--5",
    "\ud83d",
    "error",
    "1e999",
    '{"error": {"code": []}}',
)


def odd(random: Random, depth: int = 0) -> Any:
    """Return JSON whose fields are those of providers, and whose values are not."""
    if depth > 5 or random.random() < 0.3:
        return random.choice(ODD)
    if random.random() < 0.25:
        return [odd(random, depth + 1) for _ in range(random.randrange(3))]
    return {random.choice(FIELDS): odd(random, depth + 1) for _ in range(random.randrange(5))}


def odd_event(random: Random) -> Any:
    part = {"index": 0, "id": odd(random, 5), "function": {"name": "tool_0", "arguments": odd(random, 3)}}
    field = random.choice(
        ("content", "tool_calls", "function_call", "reasoning_details", "thinking_blocks", "extra_content")
    )
    delta = {field: [part] if random.random() < 0.5 else odd(random, 2)}
    return odd(random) if random.random() < 0.5 else {"choices": [{"delta": delta, "finish_reason": odd(random, 4)}]}


@pytest.mark.parametrize("seed", range(4))
def test_whatever_an_event_or_a_refusal_holds_it_is_read_or_it_is_an_error_of_ours(seed: int) -> None:
    """G56: and G70."""
    random = Random(seed)
    for _ in range(400):
        reader, calls, extras = CompletionReader(), CallAssembly(["tool_0"], most_extras_bytes=1024), dict[str, Any]()
        try:
            for said in reader.read([json.dumps(odd_event(random)).encode() for _ in range(3)]):
                for part in said.calls if isinstance(said, Delta) else ():
                    calls.add(part)
                merge(extras, said.extras if isinstance(said, Delta) else {})
        except (RunError, UnreadableError):
            pass
        assert all(one.name for one in calls.requests())
        counted(reader.usage)
        assert isinstance(refusal(400, {}, json.dumps(odd(random)).encode()), RunError)
