"""`python -m bench.protocols`: CPU and bytes per streamed token in each protocol, and as gzip, beside the native stream's.

Each is measured between two measurements of the native stream, so that a ratio is of the same minute; medians of the rounds are
printed, the range of the ratios beside them. The goal is at most 1.15 times the native stream's CPU at 300 streams. A server at
the end of its core joins pieces, in one way more than in another: `framing` is what a piece alone costs, made in this process.
"""

import argparse
import os
import sys
import time
import zlib
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import mean, median
from tempfile import TemporaryDirectory
from typing import NamedTuple
from uuid import uuid4

import orjson
import uvloop

from agent.events.schema import EventId, LoggedEvent, RunStarted, TextDelta
from api.protocols import FORMATS, PROTOCOLS
from bench import frontdesk
from bench.load import DONE, Client, Load, post
from bench.measure import CLIENT_CORE, SERVER_CORE, US, Target, Window, window
from bench.server import Server
from bench.upstream import Script

ENDS = {"typed": b'"finished":true', "delta": b'"type":"done"', "events": b"event: done", "raw": b"\r\n0\r\n\r\n"}
"""Where an answer is over, of those that do not say `[DONE]`."""
GZIP = 16 + zlib.MAX_WBITS
PIECES = 20_000


class Squeezed(Client):
    """A client that takes gzip."""

    def __init__(self, load: Load) -> None:
        super().__init__(load)
        self._inflate = zlib.decompressobj(wbits=GZIP)
        self._rest = b""
        self._has_head = False

    def data_received(self, data: bytes) -> None:
        self.bytes += len(data)
        self._rest += data
        if not self._has_head:
            head, ends, self._rest = self._rest.partition(b"\r\n\r\n")
            self._has_head = True
            self.read(head + ends)
        while (size := self._rest.find(b"\r\n")) > 0:
            end = size + 2 + int(self._rest[:size], 16)
            if len(self._rest) < end + 2:
                break
            said, self._rest = self._inflate.decompress(self._rest[size + 2 : end]), self._rest[end + 2 :]
            self.read(said)


class Way(NamedTuple):
    """A way to read an answer: how it is asked for, and by which client."""

    name: str
    path: str
    body: Callable[[Script], object] = lambda script: {"message": script.words}
    headers: tuple[str, ...] = ()
    client: Callable[[Load], Client] = Client

    def request(self, script: Script, number: int, _conversation: str | None) -> bytes:
        """Return a request of one of the users."""
        token = frontdesk.TOKENS[number % len(frontdesk.TOKENS)]
        return post(self.path, orjson.dumps(self.body(script)), token=token, headers=self.headers)


def _of_ai_sdk(script: Script) -> object:
    said = {"id": uuid4().hex, "role": "user", "parts": [{"type": "text", "text": script.words}]}
    return {"id": uuid4().hex, "messages": [said]}


def _of_ag_ui(script: Script) -> object:
    said = {"id": uuid4().hex, "role": "user", "content": script.words}
    return {"threadId": uuid4().hex, "runId": uuid4().hex, "messages": [said]}


def _of_chat(script: Script) -> object:
    return {"stream": True, "messages": [{"role": "user", "content": f"{uuid4().hex} {script.words}"}]}


def _of_responses(script: Script) -> object:
    return {"stream": True, "input": f"{uuid4().hex} {script.words}"}


OTHERS = {
    "ai-sdk": Way("ai-sdk", "/ai-sdk/chat", _of_ai_sdk),
    "ag-ui": Way("ag-ui", "/ag-ui", _of_ag_ui, client=partial(Client, end=b"TEXT_MESSAGE_END")),
    "openai-chat": Way("openai-chat", "/v1/chat/completions", _of_chat),
    "openai-responses": Way(
        "openai-responses", "/v1/responses", _of_responses, client=partial(Client, end=b"response.output_text.done")
    ),
}
"""Ways with a path of their own."""


def framing_us(name: str) -> float:
    """Return the CPU microseconds of making the frame of one piece."""
    started = LoggedEvent(EventId(1, 1), RunStarted("c" * 36, "r" * 36, "m" * 36, "openai:bench"))
    pieces = [LoggedEvent(EventId(1, n), TextDelta("wo~ ", 1), n) for n in range(2, PIECES)]
    encoder = PROTOCOLS[name].encoder()
    encoder.encode([started])
    begun = time.process_time()
    for piece in pieces:
        encoder.encode([piece])
    return (time.process_time() - begun) / len(pieces) * US


def ways() -> list[Way]:
    """Return a way for each protocol of the registry that is asked here, and for the native one as gzip."""
    asked = [
        Way(name, f"/chat?format={name}", client=partial(Client, end=ENDS.get(name, DONE)))
        if name in FORMATS
        else OTHERS[name]
        for name in PROTOCOLS
        if name != "native" and (name in FORMATS or name in OTHERS)
    ]
    return [*asked, Way("native, gzip", "/chat", headers=("Accept-Encoding: gzip",), client=Squeezed)]


async def measure(chosen: Sequence[Way], *, streams: int, rate: int, seconds: float, rounds: int) -> None:
    """Measure these ways, and print a line for each."""
    with TemporaryDirectory(prefix="frontdesk-protocols-") as name, ExitStack() as stack:
        folder = Path(name)
        upstream = Server("upstream", [sys.executable, "-m", "bench.upstream"], core=CLIENT_CORE, folder=folder, env={})
        stack.callback(upstream.stop)
        upstream.wait()
        env = {**frontdesk.environment(upstream.url, folder), "FRONTDESK_COMPRESS_STREAMS": "true"}
        server = Server("frontdesk", frontdesk.COMMAND, core=SERVER_CORE, folder=folder, env=env)
        stack.callback(server.stop)
        server.wait()

        async def read(way: Way) -> Window:
            target = Target(way.name, server, way.request, client=way.client)
            return await window(target, upstream, streams=streams, tokens=round(rate * seconds), rate=rate)

        native = Way("native", "/chat")
        sys.stdout.write(f"{native.name:13} framing {framing_us(native.name):.1f} µs\n")
        await read(native)  # what happens once is no part of a token
        for way in chosen:
            seen, beside = [], [await read(native)]
            for _ in range(rounds):
                seen.append(await read(way))
                beside.append(await read(native))
            around = [mean((before.cpu_us, after.cpu_us)) for before, after in pairwise(beside)]
            ratios = [one.cpu_us / native_us for one, native_us in zip(seen, around, strict=True)]
            sys.stdout.write(
                f"{way.name:16}  {median(one.cpu_us for one in seen):6.1f} µs a token, native {median(around):6.1f}: "
                f"{median(ratios):.2f} times ({min(ratios):.2f}-{max(ratios):.2f}); "
                f"{median(one.bytes / one.tokens for one in seen):6.1f} bytes, "
                f"native {median(one.bytes / one.tokens for one in beside):6.1f}"
                + (f"; framing {framing_us(way.name):.1f} µs\n" if way.name in PROTOCOLS else "\n")
            )
            sys.stdout.flush()


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.protocols", description=__doc__)
    parser.add_argument("--streams", type=int, default=300)
    parser.add_argument("--rate", type=int, default=50, help="tokens a second in each")
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", help="their names; all without it")
    chosen = parser.parse_args()
    wanted = [way for way in ways() if not chosen.only or way.name in chosen.only]
    os.sched_setaffinity(0, {CLIENT_CORE % (os.cpu_count() or 1)})
    sizes = {"streams": chosen.streams, "rate": chosen.rate, "seconds": chosen.seconds, "rounds": chosen.rounds}
    uvloop.run(measure(wanted, **sizes))


if __name__ == "__main__":
    main()
