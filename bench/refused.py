"""`python -m bench.refused`: how long one tenant's first token takes while the users of another are refused by its budget.

Each of 200 users asks once a second, which is what a tenant may by default, and gets a 429 `quota_exceeded`: their tenant has used
up its runs. Printed are the median and the 95th percentile of the first tokens in milliseconds, alone and beside them, from a
`frontdesk serve` of its own on a database of each kind.
"""

import argparse
import asyncio
import random
import sys
import time
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
from bench.measure import CLIENT_CORE, SERVER_CORE
from bench.search import databases
from bench.server import Server
from bench.upstream import Script

TENANT = "acme"
WARM_UP_S = 3.0
"""So long they ask before anything is measured: each of them more than once."""
BODY = orjson.dumps({"message": Script(tokens=20).words})


async def be_refused(url: str, user: str, done: list[float]) -> None:
    """Ask once a second, from some moment of it on, and note how long each refusal took."""
    request = post("/chat", BODY, token=token_of(TENANT, user))
    await asyncio.sleep(random.random())  # noqa: S311 (no secret)
    while True:
        begun = time.perf_counter()
        if b"quota_exceeded" not in await until(url, request, b"\r\n\r\n{"):
            raise RuntimeError("it was not refused")
        done.append((time.perf_counter() - begun) * 1000)
        await asyncio.sleep(max(0.0, begun + 1 - time.perf_counter()))


async def measure(url: str, *, users: int, answers: int) -> str:
    """Return a line of figures."""
    await until(url, post("/chat", BODY, token=token_of(TENANT, "first")), b'"status"')  # which uses the budget up
    for _ in range(WARM_UP):
        await first_token_ms(url)
    alone = [await first_token_ms(url) for _ in range(answers)]
    done: list[float] = []
    beside: list[float] = []

    async def ask() -> None:
        await asyncio.sleep(WARM_UP_S)
        done.clear()
        beside.extend([await first_token_ms(url) for _ in range(answers)])
        for task in asking:
            task.cancel()

    asking = [asyncio.create_task(be_refused(url, f"user-{number}", done)) for number in range(users)]
    failed = [one for one in await asyncio.gather(ask(), *asking, return_exceptions=True) if isinstance(one, Exception)]
    if failed:
        raise failed[0]
    before, after = (quantiles(times, n=20)[-1] for times in (alone, beside))
    return (
        f"alone {median(alone):.1f} (95 %: {before:.1f}), beside {median(beside):.1f} (95 %: {after:.1f}), "
        f"{after / before:.2f} times; {len(done)} refusals of {median(done):.1f}"
    )


def assistant(folder: Path) -> str:
    """Return the bench's own assistant with a budget of one run for one tenant, as a file."""
    said = yaml.safe_load((Path(__file__).parent / "assistant.yaml").read_text("utf-8"))
    said["tenants"] = {TENANT: {"budgets": {"tenant": {"month": {"runs": 1}}}}}
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
    chosen = parser.parse_args()
    with TemporaryDirectory(prefix="frontdesk-refused-") as name, databases(Path(name)) as urls, ExitStack() as stack:
        upstream = Server(
            "upstream", [sys.executable, "-m", "bench.upstream"], core=CLIENT_CORE, folder=Path(name), env={}
        )
        stack.callback(upstream.stop)
        upstream.wait()
        env = frontdesk.environment(upstream.url, Path(name)) | {"FRONTDESK_ASSISTANT": assistant(Path(name))}
        for kind, url in urls.items():
            asyncio.run(migrate(url))
            server = Server(
                kind, frontdesk.COMMAND, core=SERVER_CORE, folder=Path(name), env=env | {"FRONTDESK_DATABASE_URL": url}
            )
            stack.callback(server.stop)
            server.wait()
            for _ in range(chosen.rounds):
                figures = asyncio.run(measure(server.url, users=chosen.users, answers=chosen.answers))
                sys.stdout.write(f"{kind}, ms: {figures}\n")
                sys.stdout.flush()
            server.stop()


if __name__ == "__main__":
    main()
