"""`python -m bench.long`: what a turn costs at message 10, 100, 1,000 and 5,000 of a conversation, with and without its summary.

Tokens are estimated, four characters each: of what the model is given in a turn, and of what it is given for summaries in so many
turns. Times are wall clock, from the request to its whole answer. The model answers at once, with 400 characters.
"""

import argparse
import asyncio
import re
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import httpx2
import orjson
import yaml

from agent.prompt.words import SUMMARY_MARK, SUMMARY_REQUEST
from bench import frontdesk
from bench.measure import SERVER_CORE
from bench.server import ROOT, Server

LENGTHS = (10, 100, 1000, 5000)
ANSWER = "Forty-two. " * 36
CHARACTERS_PER_TOKEN = 4
LIMIT_S = 120.0


class Given(NamedTuple):
    """A request that a model was given: so many tokens, for a summary, or with one in front."""

    tokens: int
    is_for_summary: bool
    has_summary: bool


class Cost(NamedTuple):
    """The cost of turns: medians of tokens and seconds, tokens of summaries for each turn, and how many turns had one to read."""

    tokens: float
    for_summaries: float
    seconds: float
    with_summary: int


@asynccontextmanager
async def counting_model(given: list[Given]) -> AsyncIterator[str]:
    """Answer as an OpenAI-compatible server does, at once, and note what was given."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _head(reader):
            size = re.search(rb"(?i)content-length: *(\d+)", head)
            body = orjson.loads(await reader.readexactly(int(size[1]) if size else 0))
            said = [str(message.get("content") or "") for message in body["messages"]]
            tokens = sum(map(len, said)) // CHARACTERS_PER_TOKEN
            is_marked = any(text.startswith(SUMMARY_MARK) for text in said)
            given.append(Given(tokens, said[-1].endswith(SUMMARY_REQUEST), is_marked))
            writer.write(_answer())
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (
        asyncio.IncompleteReadError,
        asyncio.CancelledError,
        ConnectionError,
    ):  # the server is over with its clients
        return b""


def _answer() -> bytes:
    def event(delta: dict[str, str], reason: str | None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        said = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
        data = b"data: " + orjson.dumps(said) + b"\n\n"
        return b"%x\r\n%b\r\n" % (len(data), data)

    done = b"data: [DONE]\n\n"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    said = event({"role": "assistant", "content": ANSWER}, None) + event({}, "stop")
    return head + said + b"%x\r\n%b\r\n0\r\n\r\n" % (len(done), done)


async def measure(url: str, given: list[Given], conversation: str, *, turns: int) -> Cost:
    """Have turns in a conversation, as many first that are not measured, and return what one costs."""
    headers = {"Authorization": f"Bearer {frontdesk.TOKENS[0]}"}
    seconds: list[float] = []
    async with httpx2.AsyncClient(base_url=url, headers=headers, timeout=LIMIT_S) as client:
        for number in range(2 * turns):
            if number == turns:
                given.clear()
            begun = time.perf_counter()
            answer = await client.post("/chat", json={"message": f"Why {number}?", "conversation_id": conversation})
            answer.raise_for_status()
            seconds.append(time.perf_counter() - begun)
    of_turns = [one for one in given if not one.is_for_summary]
    return Cost(
        statistics.median(one.tokens for one in of_turns),
        sum(one.tokens for one in given if one.is_for_summary) / turns,
        statistics.median(seconds[turns:]),
        sum(one.has_summary for one in of_turns),
    )


async def run(lengths: Sequence[int], *, turns: int) -> None:
    """Print a line for each length, without a summary and with one."""
    given: list[Given] = []
    print("| message | summary | tokens a turn | tokens for summaries, a turn | ms a turn | turns that read one |")
    print("| ---: | --- | ---: | ---: | ---: | ---: |")
    for has_summary in (False, True):
        async with counting_model(given) as upstream:
            with ExitStack() as stack:
                folder = Path(stack.enter_context(TemporaryDirectory()))
                definition = yaml.safe_load((ROOT / "bench" / "assistant.yaml").read_text())
                definition["history"] = {"summary": has_summary}
                (folder / "assistant.yaml").write_text(yaml.safe_dump(definition))
                settings = frontdesk.environment(upstream, folder)
                settings["FRONTDESK_ASSISTANT"] = str(folder / "assistant.yaml")
                (folder / "data").mkdir()
                seeded = await frontdesk.seed(folder, list(lengths))
                server = Server("frontdesk", frontdesk.COMMAND, core=SERVER_CORE, folder=folder, env=settings)
                stack.callback(server.stop)
                await asyncio.to_thread(server.wait)
                for length, conversation in zip(lengths, seeded, strict=True):
                    cost = await measure(server.url, given, conversation, turns=turns)
                    cells = f"{cost.tokens:.0f} | {cost.for_summaries:.0f} | {cost.seconds * 1000:.1f} | {cost.with_summary}"
                    print(f"| {length:,} | {'yes' if has_summary else 'no'} | {cells} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lengths", type=int, nargs="+", default=list(LENGTHS))
    parser.add_argument("--turns", type=int, default=20)
    asked = parser.parse_args()
    asyncio.run(run(asked.lengths, turns=asked.turns))
