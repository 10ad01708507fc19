"""`python -m bench.refused`: how long one tenant's first token takes while the users of another are refused by its budget.

Each of 200 users asks once a second, which is what a tenant may by default, and gets a 429 `quota_exceeded`: their tenant has used
up its runs, or with `--own` each of them theirs. Printed are the median and the 95th percentile of the first tokens in milliseconds,
alone and beside them, and what a refusal takes of the server's processor, from a `frontdesk serve` of its own on a database of each
kind. The server has a core of its own; whoever asks, the model and the database share the other one.
"""

import argparse
import asyncio
import os
import random
import sys
import time
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

import orjson
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
WARM_UP_S = 3.0
"""So long they ask before anything is measured: each of them more than once."""
ALONE_S = 5.0
"""So long nobody else asks, while what they take of the processor is measured; and so long nobody at all, which is taken off."""
BODY = orjson.dumps({"message": Script(tokens=20).words})


async def be_refused(url: str, user: str, done: list[float], *, has_keys: bool) -> None:
    """Ask once a second, from some moment of it on, and note how long each refusal took."""
    token = token_of(TENANT, user)
    await asyncio.sleep(random.random())  # noqa: S311 (no secret)
    while True:
        begun = time.perf_counter()
        request = post("/chat", BODY, token=token)
        if has_keys:
            request = request.replace(b"\r\n", b"\r\nIdempotency-Key: %s-%f\r\n" % (user.encode(), begun), 1)
        if b"quota_exceeded" not in await until(url, request, b"\r\n\r\n{"):
            raise RuntimeError("it was not refused")
        done.append((time.perf_counter() - begun) * 1000)
        await asyncio.sleep(max(0.0, begun + 1 - time.perf_counter()))


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
    done: list[float] = []
    beside: list[float] = []
    taken_ms = [0.0]

    async def ask() -> None:
        await asyncio.sleep(WARM_UP_S)
        done.clear()
        cpu_s = server.cpu_s
        await asyncio.sleep(ALONE_S)
        taken_ms[0] = (server.cpu_s - cpu_s - idle_s) * 1000 / len(done)
        beside.extend([await first_token_ms(url) for _ in range(answers)])
        for task in asking:
            task.cancel()

    refused = (be_refused(url, f"user-{number}", done, has_keys=has_keys) for number in range(users))
    asking = [asyncio.create_task(one) for one in refused]
    failed = [one for one in await asyncio.gather(ask(), *asking, return_exceptions=True) if isinstance(one, Exception)]
    if failed:
        raise failed[0]
    before, after = (quantiles(times, n=20)[-1] for times in (alone, beside))
    return (
        f"alone {median(alone):.1f} (95 %: {before:.1f}), beside {median(beside):.1f} (95 %: {after:.1f}), "
        f"{after / before:.2f} times; {len(done)} refusals of {median(done):.1f}, each {taken_ms[0]:.2f} of the processor"
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
