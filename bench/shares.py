"""`python -m bench.shares`: who the time goes to. Frontdesk answers under py-spy; the samples are added up by library.

A turn is what the bench's dearest figure is made of: a tool call and 100 tokens at 50 a second, 50 at the same time.
"""

import argparse
import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import uvloop

from bench import frontdesk
from bench.measure import CLIENT_CORE, SERVER_CORE, Sizes, Target, tool_turn_cpu
from bench.server import Server

MOST = 16
RATE = 100
"""Samples a second."""
ATTACH_S = 1.5


async def record(stacks: Path, *, rounds: int) -> None:
    """Let Frontdesk answer `rounds` times 50 turns, and write the stacks that it was seen in."""
    sizes = Sizes()
    with TemporaryDirectory(prefix="frontdesk-shares-") as name, ExitStack() as stack:
        folder = Path(name)
        upstream = Server("upstream", [sys.executable, "-m", "bench.upstream"], core=CLIENT_CORE, folder=folder, env={})
        stack.callback(upstream.stop)
        upstream.wait()
        environment = frontdesk.environment(upstream.url, folder)
        server = Server("frontdesk", frontdesk.COMMAND, core=SERVER_CORE, folder=folder, env=environment)
        stack.callback(server.stop)
        server.wait()
        target = Target("frontdesk", server, frontdesk.ask)
        await tool_turn_cpu(target, turns=sizes.few, rate=sizes.rate)  # what happens once is no part of a turn
        with _watched(server.pid, stacks):
            await asyncio.sleep(ATTACH_S)
            for _ in range(rounds):
                await tool_turn_cpu(target, turns=sizes.few, rate=sizes.rate)


@contextmanager
def _watched(pid: int, stacks: Path) -> Iterator[None]:
    """Sample a process while the block runs."""
    command = ["record", "--gil", "--rate", str(RATE), "--format", "raw", "--output", str(stacks), "--pid", str(pid)]
    profiler = subprocess.Popen(  # noqa: S603 (our own command)
        [Path(sys.executable).with_name("py-spy"), *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        profiler.send_signal(signal.SIGINT)
        profiler.wait()


def shares(stacks: str) -> list[tuple[str, float]]:
    """Return each library's part of the samples whose innermost frame is its own, the largest first."""
    counted: Counter[str] = Counter()
    for line in stacks.splitlines():
        stack, _, samples = line.rpartition(" ")
        counted[_library(stack.rpartition(";")[2])] += int(samples)
    return [(name, samples / counted.total()) for name, samples in counted.most_common()]


def _library(frame: str) -> str:
    """Return whose code a frame `name (path:line)` is."""
    path = frame.rpartition("(")[2].partition(":")[0]
    return path.partition("/")[0].removesuffix(".py") or "not known"


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.shares", description=__doc__)
    parser.add_argument("--stacks", type=Path, default=Path("data/stacks.txt"), help="where to write what py-spy saw")
    parser.add_argument("--rounds", type=int, default=6, help="how often 50 turns are answered")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {CLIENT_CORE % (os.cpu_count() or 1)})
    arguments.stacks.parent.mkdir(parents=True, exist_ok=True)
    uvloop.run(record(arguments.stacks, rounds=arguments.rounds))
    for name, part in shares(arguments.stacks.read_text("utf-8"))[:MOST]:
        sys.stdout.write(f"{part:6.1%}  {name}\n")


if __name__ == "__main__":
    main()
