"""Clients that stop reading, and sources that never end: both have a bound, and the run goes on and ends."""

import asyncio
import gc
import os
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from support.backend import TenantBackend
from support.faults import until
from support.http import Connection, Request
from support.large_tools import FIVE_MEGABYTES
from support.processes import Nursery
from support.provider import Call, Provider
from support.raw import STREAM, RawResponse, raw_request
from support.replies import Heard
from support.searching import until_indexed
from support.server import machine, token_of
from support.world import OpenWorld, Person

from agent.assistant.definition import Limits
from agent.models.stream import Reply, stream_reply

LIMIT_S = 60.0
READERS = 10
MAX_BYTES_PER_READER = 256 * 1024
LONG = 3_000_000
"""Characters of two bytes each: more than the kernel's buffers take."""
SMALL_WINDOW = 4096


async def test_a_client_that_stops_reading_costs_at_most_256_kib(open_frontdesk: OpenWorld, provider: Provider) -> None:
    """G24: whatever the answer's length."""
    world = await open_frontdesk(assistant={"limits": {"answer_characters": LONG + 1}})
    provider.say(*["ä" * 50_000] * (LONG // 50_000))
    ann = world.person()
    run_id = (await ann.ask("say a lot")).json()["run_id"]
    await until_indexed(world.app.state.services.store)  # takes memory too, once for an answer
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(stalled(ann, run_id))  # the answer itself is there once for all who read it
        with traced() as memory:
            readers = [await stack.enter_async_context(stalled(ann, run_id)) for _ in range(READERS)]
            await quiet(memory.now)
            assert all(not reader.reader.at_eof() for reader in readers)
            per_reader = memory.peak() / READERS
    print(f"a reader that does not read costs at most {per_reader / 1024:.0f} KiB")
    assert per_reader < MAX_BYTES_PER_READER


async def test_a_client_that_stops_reading_is_cut_and_its_run_goes_on_and_ends(
    tmp_path: Path, provider: Provider, backend: TenantBackend, nursery: Nursery
) -> None:
    """G24: within 30 s."""
    gate = asyncio.Event()
    provider.wait_for(gate, "The end.", before=["ä" * 50_000] * (LONG // 50_000))
    limits = {"answer_characters": LONG + 100, "between_tokens_timeout_s": LIMIT_S}
    frontdesk = machine(
        tmp_path,
        provider_url=provider.url,
        backend_url=backend.url,
        assistant={"limits": limits},
        nursery=nursery,
        send_timeout_s=1,
    )
    async with frontdesk as started:
        server = await started.start()
        token = token_of()
        async with raw_request(
            server.url, "POST", "/chat", token=token, headers=STREAM, body={"message": "hi"}, receive_bytes=SMALL_WINDOW
        ) as response:
            await response.begin()
            await response.until(b'"token"')
            assert clients_of(server.pid, server.url) == 1
            begun = time.monotonic()
            async with asyncio.timeout(LIMIT_S):
                while clients_of(server.pid, server.url):  # noqa: ASYNC110 (another process's sockets)
                    await asyncio.sleep(0.05)
            print(f"cut after {time.monotonic() - begun:.1f} s")
            gate.set()
            run = await ended(server.url, token, response.headers["x-run-id"])
            assert run["state"] == "completed"
            with pytest.raises((ConnectionError, EOFError)):
                await response.rest()
        async with raw_request(server.url, "GET", f"/runs/{run['id']}/events", token=token) as again:
            await again.begin()
            assert b"The end." in await again.rest()


@pytest.mark.parametrize("tool", ["read_everything", "list_everything"])
async def test_five_megabytes_of_a_tool_reach_neither_the_model_nor_the_memory(
    open_frontdesk: OpenWorld, provider: Provider, backend: TenantBackend, tool: str
) -> None:
    """G24: tools cannot flood it."""
    world = await open_frontdesk(assistant={"toolsets": ["support.large_tools"], "actions": {}})
    backend.answer("GET /everything", ["x" * 1000] * (FIVE_MEGABYTES // 1000))
    ann = world.person()
    provider.say("Hello.")
    await ann.stream("hello")
    await until_indexed(world.app.state.services.store)
    with traced() as memory:
        provider.call(Call(tool))
        provider.say("That was too much.")
        stream = await ann.stream("read it all")
        assert stream.text == "That was too much."
        result = provider.requests[-1]["messages"][-1]["content"]
        assert len(result) < 40_000
        assert "larger than" in result or "Cut here" in result
        del stream
        await until(lambda: memory.settled() < 1_000_000)


async def test_an_answer_that_never_ends_is_cut_and_kept(open_frontdesk: OpenWorld, provider: Provider) -> None:
    """G24: nor can the model."""
    world = await open_frontdesk(assistant={"limits": {"answer_characters": 20_000}})
    provider.then(endless(lambda _: {"content": "more and more "}))

    stream = await world.person().stream("talk")

    assert len(stream.text) == 20_000
    assert next(event for event in stream.events if "status" in event)["finish_reason"] == "length"


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("delta", "code"),
    [
        (lambda n: {"reasoning_content": "hm, "}, "model_refused"),
        (lambda n: _call_delta(0, "" if n else "f", " "), "model_unavailable"),
        (lambda n: _call_delta(n, "find_order", "{}"), "model_unavailable"),
        (lambda n: _call_delta(0, "find_order", ""), "model_unavailable"),
    ],
    ids=["reasoning", "arguments", "calls", "names"],
)
async def test_what_never_becomes_an_answer_ends_with_the_same_budget(
    open_frontdesk: OpenWorld, provider: Provider, delta: Callable[[int], dict[str, Any]], code: str
) -> None:
    """G24: nor its thinking."""
    world = await open_frontdesk(assistant={"limits": {"answer_characters": 20_000, "model_retries": 0}})
    ann = world.person()
    provider.say("Hello.")
    await ann.stream("hello")
    await until_indexed(world.app.state.services.store)
    with traced() as memory:
        provider.then(endless(delta))
        stream = await ann.stream("think")
        assert stream.first("error")["code"] == code
        assert stream.first("status") == "failed"
        assert sum(len(event.get("reasoning", "")) for event in stream.events) <= 20_000
        del stream
        await until(lambda: memory.settled() < 4_000_000)


def _call_delta(index: int, name: str, arguments: str) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return {"tool_calls": [{"index": index, "id": str(index + 1), "function": function}]}


async def test_arguments_in_many_pieces_take_time_in_proportion() -> None:
    few, many = await time_to_join(1_000), await time_to_join(8_000)
    assert many / few < 24, f"8 times the pieces took {many / few:.0f} times as long"


async def time_to_join(pieces: int) -> float:
    """Return how long a reply takes whose arguments come in so many pieces."""
    reply = Reply()
    begun = time.process_time()
    await stream_reply(InPieces(pieces=pieces), [], reply, Heard().sinks, limits=Limits())
    taken = time.process_time() - begun
    assert reply.requests[0].arguments == {"a": "b" * pieces}
    return taken


class InPieces(BaseChatModel):
    """A model that asks for one tool, with arguments that come a character at a time."""

    pieces: int

    @property
    def _llm_type(self) -> str:
        return "in-pieces"

    def _generate(self, *_args: Any, **_kwargs: Any) -> ChatResult:
        raise NotImplementedError  # LangChain wants it to be there; nobody asks for a whole answer

    async def _astream(self, *_args: Any, **_kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
        for number, piece in enumerate(['{"a":"', *["b"] * self.pieces, '"}']):
            part = tool_call_chunk(name=None if number else "f", args=piece, index=0)
            yield ChatGenerationChunk(message=AIMessageChunk(content="", tool_call_chunks=[part]))


def endless(delta: Callable[[int], dict[str, Any]]) -> Callable[[Request, Connection], Any]:
    """Return a provider's script that goes on until the client has enough."""

    async def script(_request: Request, connection: Connection) -> None:
        await connection.begin_chunks()
        n = 0
        while not connection.gone.is_set():
            choices = [{"index": 0, "delta": delta(n + k)} for k in range(20)]
            n += 20
            await connection.chunk(b"".join(b"data: " + orjson.dumps({"choices": [one]}) + b"\n\n" for one in choices))
            await asyncio.sleep(0)

    return script


@dataclass(slots=True)
class Memory:
    """The memory that this process has allocated since the beginning of a block."""

    before: int = 0

    def now(self) -> int:
        return tracemalloc.get_traced_memory()[0] - self.before

    def peak(self) -> int:
        return tracemalloc.get_traced_memory()[1] - self.before

    def settled(self) -> int:
        gc.collect()
        return self.now()


@contextmanager
def traced() -> Iterator[Memory]:
    """Watch memory."""
    gc.collect()
    tracemalloc.start()
    try:
        yield Memory(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()


@asynccontextmanager
async def stalled(person: Person, run_id: str) -> AsyncIterator[RawResponse]:
    """Open a stream, read its first token, and read no more."""
    path = f"/runs/{run_id}/events"
    async with raw_request(person.world.url, "GET", path, token=person.token, receive_bytes=SMALL_WINDOW) as response:
        await response.begin()
        assert response.status == 200
        yield response


async def quiet(measure: Callable[[], int]) -> None:
    """Wait until a measure stands still."""
    values = [0, 1]
    async with asyncio.timeout(LIMIT_S):
        while len(set(values[-10:])) > 1 or len(values) < 12:
            await asyncio.sleep(0.05)
            values.append(measure() // 65536)


def clients_of(pid: int, url: str) -> int:
    """Return how many connections a server process has at its own port."""
    own = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed since it was listed
            own.add(os.readlink(entry))  # noqa: PTH115 (the plain text)
    port = f":{int(url.rpartition(':')[2]):04X}"
    found = 0
    for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        found += fields[1].endswith(port) and fields[3] != "0A" and f"socket:[{fields[9]}]" in own
    return found


async def ended(url: str, token: str, run_id: str) -> dict[str, Any]:
    """Wait until a run has ended and return it."""
    async with asyncio.timeout(LIMIT_S):
        while True:
            async with raw_request(url, "GET", f"/runs/{run_id}", token=token) as response:
                await response.begin()
                run: dict[str, Any] = orjson.loads(await response.rest())
            if run["state"] not in ("queued", "running"):
                return run
            await asyncio.sleep(0.05)
