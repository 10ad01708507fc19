"""`python -m bench`: measure, print the table, write JSON."""

import argparse
import os
import platform
import signal
import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import orjson
import uvloop

from bench import frontdesk, passthrough
from bench.load import ask, post
from bench.measure import CLIENT_CORE, QUICK, SERVER_CORE, Figures, Sizes, Target, all_figures
from bench.server import Server
from bench.table import reached, render
from bench.upstream import Script


async def measure(sizes: Sizes) -> Figures:
    """Start everything, measure once, end everything."""
    with TemporaryDirectory(prefix="frontdesk-bench-") as name, ExitStack() as stack:
        folder = Path(name)

        def start(called: str, command: list[str], core: int, env: dict[str, str]) -> Server:
            server = Server(called, command, core=core, folder=folder, env=env)
            stack.callback(server.stop)
            return server

        upstream = start("upstream", [sys.executable, "-m", "bench.upstream"], CLIENT_CORE, {})
        upstream.wait()
        seeded = await frontdesk.seed(folder, [4] * sizes.length_turns + [sizes.long - 2 * (sizes.length_turns // 2)])
        commands = {
            "passthrough": [sys.executable, "-m", "bench.passthrough", upstream.url],
            "textbook": [sys.executable, "-m", "bench.textbook", upstream.url, str(folder)],
            "frontdesk": frontdesk.COMMAND,
        }
        env = {"frontdesk": frontdesk.environment(upstream.url, folder)}
        servers = {one: start(one, commands[one], SERVER_CORE, env.get(one, {})) for one in commands}
        for server in servers.values():
            server.wait()
        targets = [
            Target("passthrough", servers["passthrough"], passthrough.ask),
            Target("textbook", servers["textbook"], _ask_textbook, await _seed_textbook(servers["textbook"], sizes)),
            Target("frontdesk", servers["frontdesk"], frontdesk.ask, {"short": seeded[:-1], "long": seeded[-1:]}),
        ]
        return await all_figures(targets, upstream, sizes, _say)


async def _seed_textbook(server: Server, sizes: Sizes) -> dict[str, list[str]]:
    short, long = [uuid4().hex for _ in range(sizes.length_turns)], uuid4().hex
    for thread_id, messages in [*((one, 4) for one in short), (long, sizes.long - 2 * (sizes.length_turns // 2))]:
        await ask(server.url, post("/seed", orjson.dumps({"thread_id": thread_id, "messages": messages})))
    return {"short": short, "long": [long]}


def _ask_textbook(script: Script, _number: int, conversation: str | None) -> bytes:
    return post("/chat", orjson.dumps({"message": script.words, "thread_id": conversation or uuid4().hex}))


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="a small run that shows that it works; its figures mean little"
    )
    parser.add_argument("--repeat", type=int, help="how often; medians are shown (3, quick: 1)")
    parser.add_argument("--output", type=Path, help="where to write JSON")
    arguments = parser.parse_args()
    sizes = QUICK if arguments.quick else Sizes()
    repeat = arguments.repeat or (1 if arguments.quick else 3)
    os.sched_setaffinity(0, {CLIENT_CORE % (os.cpu_count() or 1)})
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the servers are ours to end
    runs = []
    for number in range(repeat):
        _say(f"run {number + 1} of {repeat}")
        runs.append(uvloop.run(measure(sizes)))
    machine = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load": [round(one, 1) for one in os.getloadavg()],
    }
    sys.stdout.write(render(runs, machine) + "\n")
    if arguments.output:
        arguments.output.write_bytes(
            orjson.dumps({"machine": machine, "runs": runs, "goals": reached(runs)}, option=orjson.OPT_INDENT_2)
        )


def _say(words: str) -> None:
    sys.stderr.write(f"{words}\n")
    sys.stderr.flush()


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    main()
