"""The figures, one function each. Every one is measured on all targets in turn, so that ratios are of the same minute."""

import asyncio
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from statistics import median

from bench.load import BrokenStreamError, Client, Load, ask, finish, open_clients, post
from bench.server import Server, core_times
from bench.upstream import Script

US = 1e6
MS = 1e3
KIB = 1024
SERVER_CORE, CLIENT_CORE = 0, 1
AT_ONCE = 25
"""Streams that are opened together where the start is not what is measured."""
SETTLE_S = 0.7
SETTLE_LIMIT_S = 30.0
IDLE = 0.05
"""The part of a core that a server takes at most which does nothing but look after itself."""

Request = Callable[[Script, int, str | None], bytes]
"""A script, the number of the stream, and the conversation to go on with -> a request."""


@dataclass(slots=True)
class Target:
    """A server under test and how it is asked."""

    name: str
    server: Server
    request: Request
    conversations: dict[str, list[str]] = field(default_factory=dict)
    client: Callable[[Load], Client] = Client


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything."""

    few: int = 50
    many: int = 300
    most: int = 500
    rate: int = 50
    seconds: float = 4.0
    slow_seconds: float = 1.5
    """For the textbook stack with many streams: it takes several times as long as it should."""
    flat_streams: int = 8
    flat_tokens: int = 20_000
    slow_flat_tokens: int = 1_500
    turns: int = 60
    length_turns: int = 20
    cpu_turns: int = 100
    bursts: int = 3
    long: int = 5000


QUICK = Sizes(3, 6, 8, 50, 0.3, 0.3, 2, 400, 400, 3, 2, 4, 1, 200)


@dataclass(slots=True)
class Window:
    """A time in which the upstream sent nothing but tokens, and what happened in it."""

    tokens: int
    cpu_s: float
    wall_s: float
    rss_bytes: float
    """Memory of the streams that were open and idle before it."""
    gap_p99_s: float
    busy: dict[str, float]
    """Part of the time that each core was busy, with whatever ran there."""
    bytes: float = math.nan
    """The bytes that came over the sockets."""

    @property
    def cpu_us(self) -> float:
        return self.cpu_s / self.tokens * US


BROKEN = Window(1, math.nan, math.nan, math.nan, math.nan, {"server core": math.nan, "client core": math.nan})


async def window(target: Target, upstream: Server, *, streams: int, tokens: int, rate: int) -> Window:
    """Open streams, let them wait, and measure the tokens between the upstream's two gates. All streams must finish."""
    script = Script(tokens=tokens, rate=rate, gated=1)
    await settled(target.server)
    load = Load()
    before = target.server.rss_bytes
    clients = await open_clients(load, target.server.url, streams, made=target.client)
    for begin in range(0, streams, AT_ONCE):
        for number, client in enumerate(clients[begin : begin + AT_ONCE]):
            client.send(target.request(script, begin + number, None))
        await load.until(min(begin + AT_ONCE, streams))
    rss = target.server.rss_bytes - before
    load.measure_gaps(clients)
    cores = [core_times(core) for core in (SERVER_CORE, CLIENT_CORE)]
    received = sum(client.bytes for client in clients)
    cpu_s, began = target.server.cpu_s, time.perf_counter()
    await ask(upstream.url, post("/release", b""))
    await load.until(streams * (1 + tokens))
    cpu_s, wall_s = target.server.cpu_s - cpu_s, time.perf_counter() - began
    busy = [_busy(core, was) for core, was in zip((SERVER_CORE, CLIENT_CORE), cores, strict=True)]
    gaps, load.gaps_s = load.gaps_s, None
    received = sum(client.bytes for client in clients) - received
    await ask(upstream.url, post("/release", b""))
    await finish(clients, tokens=1 + tokens)
    busy_by_core = dict(zip(("server core", "client core"), busy, strict=True))
    return Window(streams * tokens, cpu_s, wall_s, rss, percentile(gaps or (), 0.99), busy_by_core, received)


async def settled(server: Server) -> None:
    """Wait until a server has done what it does behind its answers: that is a cost of those, and of what is measured next none."""
    until = time.monotonic() + SETTLE_LIMIT_S
    is_busy = True
    while is_busy and time.monotonic() < until:
        cpu_s = server.cpu_s
        await asyncio.sleep(SETTLE_S)
        is_busy = server.cpu_s - cpu_s > IDLE * SETTLE_S


async def first_tokens(target: Target, *, streams: int = 1, conversation: str | None = None) -> list[float]:
    """Return the seconds from request to first token of streams that start at once; the connections are open before."""
    load = Load()
    clients = await open_clients(load, target.server.url, streams)
    requests = [target.request(Script(tokens=3), number, conversation) for number in range(streams)]
    for client, request in zip(clients, requests, strict=True):
        client.send(request)
    await finish(clients, tokens=3)
    return [client.first_at - client.sent_at for client in clients]


async def turn_cpu(target: Target, *, turns: int) -> float:
    """Return the CPU seconds of a turn with one token and no tool, one turn after the other."""
    cpu_s = target.server.cpu_s
    for number in range(turns):
        load = Load()
        clients = await open_clients(load, target.server.url, 1)
        clients[0].send(target.request(Script(tokens=1), number, None))
        await finish(clients, tokens=1)
    return (target.server.cpu_s - cpu_s) / turns


async def tool_turn_cpu(target: Target, *, turns: int, rate: int) -> float:
    """Return the CPU seconds of a turn with one tool call and 100 tokens at `rate`, all turns at the same time."""
    load = Load()
    cpu_s = target.server.cpu_s
    clients: list[Client] = await open_clients(load, target.server.url, turns)
    for number, client in enumerate(clients):
        client.send(target.request(Script(tokens=100, rate=rate, tool=1), number, None))
    await finish(clients, tokens=100)
    return (target.server.cpu_s - cpu_s) / turns


Figures = dict[str, dict[str, float]]
"""Figure -> target -> value."""


async def all_figures(targets: list[Target], upstream: Server, sizes: Sizes, say: Callable[[str], None]) -> Figures:
    """Measure everything once. Memory first: a server that has had many streams keeps what they used."""
    figures: Figures = {}

    def note(figure: str, target: Target, value: float) -> None:
        figures.setdefault(figure, {})[target.name] = value

    for target in targets:
        for _ in range(5):
            await first_tokens(target)  # what is loaded and connected at the first request is no cost of a stream
    for target in targets:
        for figure, streams in (("many", sizes.many), ("few", sizes.few), ("most", sizes.most)):
            say(f"{target.name}: {streams} streams")
            slow = target.name == "textbook" and streams > sizes.few
            tokens = round(sizes.rate * (sizes.slow_seconds if slow else sizes.seconds))
            try:
                seen = await window(target, upstream, streams=streams, tokens=tokens, rate=sizes.rate)
            except BrokenStreamError as exc:
                say(f"BROKEN: {exc}")
                seen = BROKEN
                await ask(upstream.url, post("/release", b""))
            note(f"broken_{figure}", target, float(seen is BROKEN))
            note(f"cpu_us_{figure}", target, seen.cpu_us)
            note(f"speed_{figure}", target, seen.tokens / seen.wall_s / streams)
            note(f"gap_p99_ms_{figure}", target, seen.gap_p99_s * MS)
            note(f"server_core_{figure}", target, seen.busy["server core"] * 100)
            note(f"client_core_{figure}", target, seen.busy["client core"] * 100)
            if figure == "many":
                note("memory_kib", target, seen.rss_bytes / streams / KIB)
    for target in targets:
        say(f"{target.name}: flat out")
        tokens = sizes.slow_flat_tokens if target.name == "textbook" else sizes.flat_tokens
        seen = await window(target, upstream, streams=sizes.flat_streams, tokens=tokens, rate=0)
        note("flat_tokens_per_cpu_s", target, seen.tokens / max(seen.cpu_s, 0.01))
        note("client_core_flat", target, seen.busy["client core"] * 100)
    say("first tokens")
    for target in targets:
        await settled(target.server)
    await _first_token_figures(targets, sizes, note)
    for target in targets:
        say(f"{target.name}: turns")
        note("turn_cpu_ms", target, await turn_cpu(target, turns=sizes.cpu_turns) * MS)
        note("tool_turn_cpu_ms", target, await tool_turn_cpu(target, turns=sizes.few, rate=sizes.rate) * MS)
    return figures


async def _first_token_figures(targets: list[Target], sizes: Sizes, note: Callable[[str, Target, float], None]) -> None:
    alone: dict[str, list[float]] = {target.name: [] for target in targets}
    for _ in range(sizes.turns):
        for target in targets:
            alone[target.name] += await first_tokens(target)
    floor = alone[targets[0].name]
    for target in targets:
        mine = alone[target.name]
        note("first_ms", target, median(mine) * MS)
        note("first_p99_ms", target, percentile(mine, 0.99) * MS)
        note("first_added_ms", target, (median(mine) - median(floor)) * MS)
        note("first_added_p99_ms", target, (percentile(mine, 0.99) - median(floor)) * MS)
    for target in targets:
        bursts = [await first_tokens(target, streams=sizes.few) for _ in range(sizes.bursts)]
        note("burst_first_ms", target, median(median(burst) for burst in bursts) * MS)
        note("burst_last_ms", target, median(max(burst) for burst in bursts) * MS)
    for target in targets:
        lengths: dict[str, list[float]] = {name: [] for name in target.conversations}
        for turn in range(sizes.length_turns):
            for name, ids in target.conversations.items():
                lengths[name] += await first_tokens(target, conversation=ids[turn % len(ids)])
        for name, times in lengths.items():
            note(f"first_{name}_ms", target, median(times) * MS)


def percentile(values: Iterable[float], part: float) -> float:
    """Return the value that `part` of the values do not exceed; 0 without values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0.0


def _busy(core: int, was: tuple[float, float]) -> float:
    busy_s, passed_s = core_times(core)
    return (busy_s - was[0]) / max(passed_s - was[1], 0.01)
