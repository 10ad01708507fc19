"""`python -m bench.refused`: how long one tenant's first token takes while the users of another are refused by its budget.

Each of 200 users asks once a second, which is what a tenant may by default, and gets a 429 `quota_exceeded`: their tenant has used
up its runs, or with `--own` each of them theirs. Printed are the median and the 95th percentile of the first tokens in milliseconds,
alone and beside them, and what a refusal takes of the server's processor, from a `frontdesk serve` of its own on a database of each
kind. The server has a core of its own. Those who are refused are a process of their own, so that whoever measures does not wait for what
they do; the two, the model and the database share the other core.
"""

import argparse
import asyncio
import os
import random
import sys
import time
from collections.abc import Iterable
from contextlib import ExitStack
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import NamedTuple, Self

import orjson
import uvloop
import yaml

from agent.store.database import Store
from bench import frontdesk
from bench.beside import WARM_UP, first_token_ms, token_of, until
from bench.load import post
from bench.measure import CLIENT_CORE, SERVER_CORE, settled
from bench.search import databases
from bench.server import Server
from bench.upstream import Script

TENANT = "acme"
WARM_UP_S = 5.0
"""So long their process starts, and they ask before anything is measured: each of them more than once."""
STOP_S = 30.0
ALONE_S = 5.0
"""So long nobody else asks, while what they take of the processor is measured; and so long nobody at all, which is taken off."""
BODY = orjson.dumps({"message": Script(tokens=20).words})


class Refusal(NamedTuple):
    """When somebody was refused, by the monotonic clock of the machine, and how long it took."""

    at: float
    ms: float


async def be_refused(url: str, user: str, done: list[Refusal], *, has_keys: bool) -> None:
    """Ask once a second, from some moment of it on, on a new connection each time, and note how long each refusal took."""
    token = token_of(TENANT, user)
    await asyncio.sleep(random.random())  # noqa: S311 (no secret)
    while True:
        begun = time.perf_counter()
        request = post("/chat", BODY, token=token)
        if has_keys:
            request = request.replace(b"\r\n", b"\r\nIdempotency-Key: %s-%f\r\n" % (user.encode(), begun), 1)
        if b"quota_exceeded" not in await until(url, request, b"\r\n\r\n{"):
            raise RuntimeError("it was not refused")
        done.append(Refusal(ended := time.perf_counter(), (ended - begun) * 1000))
        await asyncio.sleep(max(0.0, begun + 1 - time.perf_counter()))


class Asking:
    """Users who are refused, in a process of their own, for as long as the block lasts."""

    def __init__(self, url: str, users: int, *, has_keys: bool) -> None:
        processes = get_context("spawn")
        self._pipe, theirs = processes.Pipe()
        self._process = processes.Process(target=_ask_until_told, args=(theirs, url, users, has_keys))

    def __enter__(self) -> Self:
        self._process.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._process.terminate()
        self._process.join()

    async def stop(self) -> list[Refusal]:
        """Return all refusals so far.

        Raises:
            RuntimeError: somebody was not refused.
        """
        self._pipe.send(None)
        if not await asyncio.to_thread(self._pipe.poll, STOP_S):
            raise RuntimeError("those who ask do not answer")
        said = self._pipe.recv()
        if isinstance(said, str):
            raise RuntimeError(said)
        return [Refusal(*one) for one in said]


def _ask_until_told(pipe: Connection, url: str, users: int, has_keys: bool) -> None:
    os.sched_setaffinity(0, {CLIENT_CORE % (os.cpu_count() or 1)})
    uvloop.run(_ask(pipe, url, users, has_keys=has_keys))


async def _ask(pipe: Connection, url: str, users: int, *, has_keys: bool) -> None:
    done: list[Refusal] = []
    told = asyncio.Event()
    asyncio.get_running_loop().add_reader(pipe.fileno(), told.set)
    asking = [
        asyncio.create_task(be_refused(url, f"user-{number}", done, has_keys=has_keys)) for number in range(users)
    ]
    await told.wait()
    failed = next((repr(one.exception()) for one in asking if one.done()), None)
    pipe.send(failed or [tuple(one) for one in done])
    for task in asking:
        task.cancel()
    await asyncio.gather(*asking, return_exceptions=True)


async def use_up(url: str, users: Iterable[str]) -> None:
    """Let users have an answer each, which is all that they may have."""
    for user in users:
        await until(url, post("/chat", BODY, token=token_of(TENANT, user)), b'"status"')


async def measure(server: Server, *, users: int, answers: int, has_keys: bool) -> str:
    """Return a line of figures."""
    url = server.url
    for _ in range(WARM_UP):
        await first_token_ms(url)
    alone = [await first_token_ms(url) for _ in range(answers)]
    await settled(server)
    cpu_s = server.cpu_s
    await asyncio.sleep(ALONE_S)
    idle_s = server.cpu_s - cpu_s
    with Asking(url, users, has_keys=has_keys) as asking:
        await asyncio.sleep(WARM_UP_S)
        begun, cpu_s = time.perf_counter(), server.cpu_s
        await asyncio.sleep(ALONE_S)
        ended, cpu_s = time.perf_counter(), server.cpu_s - cpu_s
        beside = [await first_token_ms(url) for _ in range(answers)]
        done = [one for one in await asking.stop() if one.at >= begun]
    taken_ms = (cpu_s - idle_s) * 1000 / sum(one.at < ended for one in done)
    before, after = (quantiles(times, n=20)[-1] for times in (alone, beside))
    return (
        f"alone {median(alone):.1f} (95 %: {before:.1f}), beside {median(beside):.1f} (95 %: {after:.1f}), "
        f"{after / before:.2f} times; {len(done)} refusals of {median(one.ms for one in done):.1f}, each {taken_ms:.2f} of the processor"
    )


def assistant(folder: Path, *, is_own: bool) -> str:
    """Return the bench's own assistant with a budget of one run for one tenant, or for each of its users, as a file."""
    said = yaml.safe_load((Path(__file__).parent / "assistant.yaml").read_text("utf-8"))
    said["tenants"] = {TENANT: {"budgets": {"user" if is_own else "tenant": {"month": {"runs": 1}}}}}
    made = folder / "assistant.yaml"
    made.write_text(yaml.safe_dump(said), "utf-8")
    return str(made)


async def migrate(url: str) -> None:
    """Give a database its tables."""
    store = Store(url, pool_size=2)
    await store.migrate()
    await store.close()


def main() -> None:
    """Measure on both kinds."""
    parser = argparse.ArgumentParser(prog="python -m bench.refused", description=__doc__)
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--answers", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--own", action="store_true", help="let each of them have used up a budget of their own")
    parser.add_argument(
        "--keys", action="store_true", help="send an Idempotency-Key with each message, as our clients do"
    )
    chosen = parser.parse_args()
    os.sched_setaffinity(0, {CLIENT_CORE % (os.cpu_count() or 1)})
    with TemporaryDirectory(prefix="frontdesk-refused-") as name, databases(Path(name)) as urls, ExitStack() as stack:
        upstream = Server(
            "upstream", [sys.executable, "-m", "bench.upstream"], core=CLIENT_CORE, folder=Path(name), env={}
        )
        stack.callback(upstream.stop)
        upstream.wait()
        env = frontdesk.environment(upstream.url, Path(name)) | {
            "FRONTDESK_ASSISTANT": assistant(Path(name), is_own=chosen.own)
        }
        for kind, url in urls.items():
            asyncio.run(migrate(url))
            server = Server(
                kind, frontdesk.COMMAND, core=SERVER_CORE, folder=Path(name), env=env | {"FRONTDESK_DATABASE_URL": url}
            )
            stack.callback(server.stop)
            server.wait()
            asyncio.run(use_up(server.url, [f"user-{number}" for number in range(chosen.users if chosen.own else 1)]))
            for _ in range(chosen.rounds):
                asked = {"users": chosen.users, "answers": chosen.answers, "has_keys": chosen.keys}
                figures = asyncio.run(measure(server, **asked))
                sys.stdout.write(f"{kind}, ms: {figures}\n")
                sys.stdout.flush()
            server.stop()


if __name__ == "__main__":
    main()
