"""The scripted upstream: an OpenAI-compatible server that costs almost nothing, and the tools' backend beside it.

The user's message says what to answer: `bench:tokens=100,rate=50;`. `rate=0` is as fast as the reader takes it. `tool=1`
asks for one tool call first; a request that allows none (the one for follow-up questions) gets a few words, at the same rate. `gated=1` sends one token, waits for a release, sends `tokens` more, and waits again: so what
happens between the gates is tokens and nothing else. Every frame is encoded beforehand and is a chunk of its own.
"""

import asyncio
import re
import sys
from functools import partial
from typing import NamedTuple, cast

import orjson
import uvloop

WORD = "wo~ "
MARK = b"~"
"""Occurs once in each token and nowhere else in any answer, so tokens can be counted without parsing."""
TOOL = "count_items"
BLOCK = 100
"""Frames in one write, flat out."""
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
SCRIPT = re.compile(rb"bench:([\w=,]+);")
TOOL_RESULT = re.compile(rb'"role":\s*"tool"')
NO_TOOLS = re.compile(rb'"tool_choice":\s*"none"')
ASIDE_TOKENS = 30


class Script(NamedTuple):
    """The script of one answer: what that is to be."""

    tokens: int = 1
    rate: int = 0
    gated: int = 0
    tool: int = 0

    @property
    def words(self) -> str:
        """Return the script as a user's message."""
        return "bench:" + ",".join(f"{name}={value}" for name, value in self._asdict().items()) + ";"


def read_script(body: bytes) -> Script:
    """Return the script of a request: the last one in it, earlier ones are history."""
    begin = body.rfind(b"bench:")
    found = SCRIPT.match(body, begin) if begin >= 0 else None
    if found is None:
        return Script()
    script = Script(**{name: int(value) for name, value in (one.split("=") for one in found[1].decode().split(","))})
    return script._replace(tool=0) if TOOL_RESULT.search(body, begin) else script


class Upstream:
    """The state that the connections share: those that wait at a gate."""

    def __init__(self) -> None:
        self.held: list[Connection] = []
        self.calls = 0

    def release(self) -> int:
        """Let all that wait go on, evenly spread over the time of one token."""
        held, self.held = self.held, []
        for number, connection in enumerate(held):
            connection.go_on(delay=number / len(held))
        return len(held)


class Connection(asyncio.Protocol):
    """A connection; it serves one request after the other."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._loop = asyncio.get_running_loop()
        self._received = b""
        self._script = Script()
        self._frame = FRAME
        self._left = 0
        self._next_at = 0.0
        self._paused = False
        self._closed = False
        self._gates = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed = True
        if self in self._upstream.held:
            self._upstream.held.remove(self)

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        if self._left and not self._script.rate:
            self._send_flat()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, rest = self._received.partition(b"\r\n\r\n")
        if not end:
            return
        length = re.search(rb"(?i)content-length: *(\d+)", head)
        size = int(length[1]) if length else 0
        if len(rest) < size:
            return
        self._received = rest[size:]
        self._serve(head.split(b" ", 2)[1], rest[:size])

    def _serve(self, path: bytes, body: bytes) -> None:
        if path == b"/release":
            return self._respond({"released": self._upstream.release()})
        if path == b"/items/count":
            return self._respond({"count": 42})
        self._script, self._frame = read_script(body), FRAME
        if NO_TOOLS.search(body):
            self._script, self._frame = Script(tokens=ASIDE_TOKENS, rate=self._script.rate), ASIDE
        if self._script.tool:
            self._upstream.calls += 1
            self._transport.write(HEAD + _tool_call(self._upstream.calls) + _ending("tool_calls"))
            return None
        self._transport.write(HEAD + ROLE)
        if self._script.gated:
            self._gates = 2
            self._transport.write(FRAME)
            return self._after_tokens()
        self._gates = 0
        return self.go_on()

    def go_on(self, *, delay: float = 0.0) -> None:
        """Send the tokens, or end where they have been sent. `delay` is in parts of one token's time."""
        if self._script.gated and not self._gates:
            self._transport.write(_ending("stop"))
            return
        self._left = self._script.tokens
        self._next_at = self._loop.time()
        if self._script.rate:
            self._next_at += delay / self._script.rate
            self._send_paced()
        else:
            self._send_flat()

    def _send_paced(self) -> None:
        """Send what is due, and come back when the next one is. The schedule is absolute: being late does not add up."""
        if self._closed:
            return
        now = self._loop.time() + 0.0005
        while self._left and self._next_at <= now:
            self._transport.write(self._frame)
            self._left -= 1
            self._next_at += 1 / self._script.rate
        if self._left:
            self._loop.call_at(self._next_at, self._send_paced)
        else:
            self._after_tokens()

    def _send_flat(self) -> None:
        while self._left and not self._paused and not self._closed:
            count = min(BLOCK, self._left)
            self._left -= count
            self._transport.write(self._frame * count)
        if not self._left:
            self._after_tokens()

    def _after_tokens(self) -> None:
        if self._gates:
            self._gates -= 1
            self._upstream.held.append(self)
        else:
            self._transport.write(_ending("stop"))

    def _respond(self, answer: dict[str, int]) -> None:
        body = orjson.dumps(answer)
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        self._transport.write(head + body)


def _frame(delta: dict[str, object], *, finish_reason: str | None = None, usage: dict[str, int] | None = None) -> bytes:
    """Return an event as OpenAI sends it, in a chunk of its own."""
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    event = {
        "id": "chatcmpl-BenchBenchBenchBenchBench",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": "bench-2025-01-01",
        "service_tier": "default",
        "system_fingerprint": "fp_0123456789",
        "choices": [] if usage else [choice],
        "usage": usage,
    }
    return _chunk(b"data: " + orjson.dumps(event) + b"\n\n")


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _tool_call(number: int) -> bytes:
    function = {"name": TOOL, "arguments": ""}
    named = {"index": 0, "id": f"call_{number}", "type": "function", "function": function}
    begun = _frame({"role": "assistant", "content": None, "tool_calls": [named]})
    return begun + _frame({"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]})


def _ending(finish_reason: str) -> bytes:
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    end = _frame({}, finish_reason=finish_reason) + _frame({}, usage=usage)
    return end + _chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"


ROLE = _frame({"role": "assistant", "content": "", "refusal": None})
FRAME = _frame({"content": WORD})
ASIDE = _frame({"content": "Why?\n"})


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(partial(Connection, Upstream()), "127.0.0.1", 0, backlog=2048)
    sys.stdout.write(f"listening on http://127.0.0.1:{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve())
