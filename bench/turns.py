"""`python -m bench.turns`: what a turn costs over forwarding it, in rounds that alternate with two pass-throughs.

In each round every kind of turn is measured on all servers in turn, so that a ratio is of the same minutes; the order of the
servers is reversed in every other round. CPU is that of a server's whole process, from before the connections until a moment
after the last answer. The studio's assistant (its tools, follow-up questions after each answer) is a server of its own.
"""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

import orjson
import uvloop

from bench import frontdesk, passthrough
from bench.load import Load, finish, open_clients
from bench.measure import CLIENT_CORE, MS, SERVER_CORE, Target
from bench.server import ROOT, Server
from bench.table import table
from bench.upstream import Script

FLOORS = {"fastapi": "FastAPI pass-through", "passthrough": "aiohttp pass-through"}
"""The pass-throughs that servers are compared with; the bounds were set over one like the first."""
EARLIER = 18
"""Messages in front of turn 10."""
STUDIO = {"FRONTDESK_ASSISTANT": str(ROOT / "examples" / "studio" / "assistant.yaml")}
SETTLE_S = 0.2
"""How long a server has for what it does behind the last answer; it is part of the cost."""


class Kind(NamedTuple):
    """Turns of one script: how many, and how many of them at once."""

    script: Script
    turns: int
    at_once: int = 1
    servers: tuple[str, ...] = (*FLOORS, "frontdesk")


PACED = Script(tokens=150, rate=50)
KINDS = {
    # Many: the kernel counts a pass-through's time in steps that are as long as ten of its turns.
    "alone": Kind(Script(tokens=5), 400),
    "tenth": Kind(Script(tokens=5), 200),
    "tool": Kind(Script(tokens=100, rate=50, tool=1), 50, 50),
    "fifty": Kind(PACED, 50, 50, (*FLOORS, "frontdesk", "studio")),
    "many": Kind(PACED._replace(tokens=100), 200, 200),
}
QUICK = {
    name: kind._replace(script=kind.script._replace(tokens=5), turns=4, at_once=min(kind.at_once, 4))
    for name, kind in KINDS.items()
}


class Cost(NamedTuple):
    """A turn's cost: CPU of the server, and the median from request to first token. Seconds."""

    cpu_s: float
    first_s: float


Round = Mapping[str, Mapping[str, Cost]]
"""Kind -> server -> cost."""


class Figure(NamedTuple):
    """A figure of one round over one floor, and what it must not exceed, if anything."""

    words: str
    value: Callable[[Round, str], float]
    bound: float | None
    form: str = "{:.2f} x"


def _cpu(kind: str, server: str = "frontdesk") -> Callable[[Round, str], float]:
    return lambda costs, floor: costs[kind][server].cpu_s / costs[kind][floor].cpu_s


def _first(kind: str) -> Callable[[Round, str], float]:
    return lambda costs, floor: costs[kind]["frontdesk"].first_s / costs[kind][floor].first_s


def _later(costs: Round, floor: str) -> float:
    return (costs["alone"]["frontdesk"].first_s - costs["alone"][floor].first_s) * MS


FIGURES = (
    Figure("plain turn alone, CPU", _cpu("alone"), 3.5),
    Figure("tool turn, 50 at once, CPU", _cpu("tool"), 2.0),
    Figure("CPU per token, 50 streams x 150 tokens", _cpu("fifty"), 1.7),
    Figure("first token, 50 at once", _first("fifty"), 4.5),
    Figure("first token, 200 at once", _first("many"), 4.0),
    Figure("first token alone, later by", _later, 8.0, "{:+.1f} ms"),
    Figure("with the studio's assistant, CPU per token", _cpu("fifty", "studio"), 2.2),
    Figure("plain turn alone at turn 10, CPU", _cpu("tenth"), None),
)


async def cost(target: Target, kind: Kind, going_on: list[str]) -> Cost:
    """Return the cost of a kind of turn; each goes on with a conversation of its own, which is taken out, or begins one."""
    firsts: list[float] = []
    cpu_s = target.server.cpu_s
    for begin in range(0, kind.turns, kind.at_once):
        clients = await open_clients(Load(), target.server.url, kind.at_once)
        for number, client in enumerate(clients, start=begin):
            client.send(target.request(kind.script, number, going_on.pop() if going_on else None))
        await finish(clients, tokens=kind.script.tokens)
        firsts += [client.first_at - client.sent_at for client in clients]
    await asyncio.sleep(SETTLE_S)
    return Cost((target.server.cpu_s - cpu_s) / kind.turns, median(firsts))


async def one_round(targets: Sequence[Target], kinds: Mapping[str, Kind]) -> Round:
    """Measure every kind on its servers, in the order of the targets."""
    return {
        name: {
            target.name: await cost(target, kind, target.conversations.get(name, []))
            for target in targets
            if target.name in kind.servers
        }
        for name, kind in kinds.items()
    }


async def measure(kinds: Mapping[str, Kind], rounds: int) -> list[Round]:
    """Start the servers, measure the rounds, end the servers."""
    with TemporaryDirectory(prefix="frontdesk-turns-") as name, ExitStack() as stack:
        folder = Path(name)
        upstream = _start(stack, folder, "upstream", [sys.executable, "-m", "bench.upstream"], {})
        upstream.wait()
        targets = await _targets(stack, folder, upstream.url, turns=kinds["tenth"].turns * rounds)
        for target in targets:  # what is loaded and connected at the first turns is no cost of one
            for kind in (kinds["alone"], kinds["fifty"]):
                await cost(target, kind._replace(script=Script(tokens=5)), [])
        found = []
        for number in range(rounds):
            sys.stderr.write(f"round {number + 1} of {rounds}\n")
            found.append(await one_round(targets[:: -1 if number % 2 else 1], kinds))
        return found


async def _targets(stack: ExitStack, folder: Path, upstream: str, *, turns: int) -> list[Target]:
    """Start what is measured; `turns` are the conversations in which there is to be a turn 10."""
    ids = await frontdesk.seed(folder, [EARLIER] * turns)
    said = [{"role": "assistant" if n % 2 else "user", "content": f"Message {n}."} for n in range(EARLIER)]
    settings = frontdesk.environment(upstream, folder)
    studio = {**settings, **STUDIO, "FRONTDESK_DATA": str(folder / "studio")}

    def start(name: str, command: Sequence[str], env: Mapping[str, str]) -> Server:
        return _start(stack, folder, name, command, env)

    def floor(name: str, module: str) -> Target:
        server = start(name, [sys.executable, "-m", module, upstream], {})
        return Target(name, server, passthrough.ask, {"tenth": [orjson.dumps(said).decode()] * turns})

    targets = [
        floor("fastapi", "bench.fastapi_passthrough"),
        floor("passthrough", "bench.passthrough"),
        Target("frontdesk", start("frontdesk", frontdesk.COMMAND, settings), frontdesk.ask, {"tenth": ids}),
        Target("studio", start("studio", frontdesk.COMMAND, studio), frontdesk.ask),
    ]
    for target in targets:
        target.server.wait()
    return targets


def _start(stack: ExitStack, folder: Path, name: str, command: Sequence[str], env: Mapping[str, str]) -> Server:
    core = CLIENT_CORE if name == "upstream" else SERVER_CORE
    server = Server(name, command, core=core, folder=folder, env=env)
    stack.callback(server.stop)
    return server


def render(rounds: Sequence[Round]) -> str:
    """Return the figures as a table in Markdown: medians of the rounds, the least and the most in brackets."""
    head = ["figure", "must", *(cell for floor in FLOORS.values() for cell in (f"over the {floor}", "met"))]
    rows = []
    for figure in FIGURES:
        row = [figure.words, "–" if figure.bound is None else figure.form.format(figure.bound)]
        for floor in FLOORS:
            values = [figure.value(one, floor) for one in rounds]
            middle = median(values)
            row.append(f"{figure.form.format(middle)} ({min(values):.2f} to {max(values):.2f})")
            row.append("–" if figure.bound is None else "yes" if middle <= figure.bound else "NO")
        rows.append(row)
    return "\n".join(table(head, rows))


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.turns", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often; medians are shown")
    parser.add_argument(
        "--quick", action="store_true", help="a small run that shows that it works; its figures mean little"
    )
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {CLIENT_CORE % (os.cpu_count() or 1)})
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the servers are ours to end
    rounds = uvloop.run(measure(QUICK if arguments.quick else KINDS, arguments.rounds))
    sys.stdout.write(render(rounds) + "\n")


if __name__ == "__main__":
    main()
