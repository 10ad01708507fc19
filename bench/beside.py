"""`python -m bench.beside`: how long one tenant's first token takes while a user of another searches 100,000 messages.

That user has ten searches under way at all times. Printed are the median and the worst of the first tokens in milliseconds,
alone and beside the searches, from a `frontdesk serve` of its own on a database of each kind.
"""

import argparse
import asyncio
import sys
import time
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import jwt
import orjson

from agent.store.database import Store
from agent.store.search_index import index_batch
from bench import frontdesk
from bench.load import post
from bench.measure import CLIENT_CORE, SERVER_CORE
from bench.search import ANN, databases, fill
from bench.server import Server
from bench.upstream import Script

QUESTIONS = ("always", "a", "b", "nothing", "bander%20deling", "zzzz")
WARM_UP = 5


def token_of(tenant: str, user: str) -> str:
    """Return a token of somebody."""
    return jwt.encode({"sub": user, "tenant_id": tenant, "exp": int(time.time()) + 86_400}, frontdesk.SECRET)


async def until(url: str, request: bytes, wanted: bytes) -> bytes:
    """Ask on a connection of its own and return what came once `wanted` has; it is empty where it never does."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    came = b""
    try:
        writer.write(request)
        while wanted not in came:
            if not (data := await reader.read(65536)):
                return b""
            came += data
        return came
    finally:
        writer.transport.abort()


async def first_token_ms(url: str) -> float:
    """Ask as a user of another tenant; return how long the first token took."""
    body = orjson.dumps({"message": Script(tokens=20).words})
    begun = time.perf_counter()
    if not await until(url, post("/chat", body, token=token_of("rival", f"eve-{begun}")), b'"token"'):
        raise RuntimeError("the answer was cut")
    return (time.perf_counter() - begun) * 1000


async def search_without_end(url: str, token: str, done: list[float]) -> None:
    """Search, one question after another, and note how long each took that was answered."""
    for question in cycle(QUESTIONS):
        request = f"GET /conversations?q={question} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        begun = time.perf_counter()
        if b" 200 OK" in await until(url, request.encode(), b"\r\n\r\n"):
            done.append((time.perf_counter() - begun) * 1000)


async def measure(url: str, *, searches: int, answers: int) -> str:
    """Return a line of figures."""
    for _ in range(WARM_UP):
        await first_token_ms(url)
    alone = [await first_token_ms(url) for _ in range(answers)]
    done: list[float] = []
    token = token_of(ANN.tenant_id, ANN.user_id)
    searching = [asyncio.create_task(search_without_end(url, token, done)) for _ in range(searches)]
    beside = [await first_token_ms(url) for _ in range(answers)]
    while not done:
        beside.append(await first_token_ms(url))
    for task in searching:
        task.cancel()
    await asyncio.gather(*searching, return_exceptions=True)
    return (
        f"alone {median(alone):.1f} (worst {max(alone):.1f}), beside {median(beside):.1f} (worst {max(beside):.1f}), "
        f"{median(beside) / median(alone):.2f} times; {len(done)} searches of {median(done):.0f} (worst {max(done):.0f})"
    )


async def prepare(url: str, talks: int) -> None:
    """Fill and index a database."""
    store = Store(url, pool_size=2)
    await store.migrate()
    await fill(store, talks=talks, messages_each=100, length=300)
    while await index_batch(store):
        pass
    await store.close()


def main() -> None:
    """Measure on both kinds."""
    parser = argparse.ArgumentParser(prog="python -m bench.beside", description=__doc__)
    parser.add_argument("--talks", type=int, default=1000, help="conversations of 100 messages")
    parser.add_argument("--searches", type=int, default=10)
    parser.add_argument("--answers", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    with TemporaryDirectory(prefix="frontdesk-beside-") as name, databases(Path(name)) as urls, ExitStack() as stack:
        upstream = Server(
            "upstream", [sys.executable, "-m", "bench.upstream"], core=CLIENT_CORE, folder=Path(name), env={}
        )
        stack.callback(upstream.stop)
        upstream.wait()
        for kind, url in urls.items():
            asyncio.run(prepare(url, chosen.talks))
            env = {**frontdesk.environment(upstream.url, Path(name)), "FRONTDESK_DATABASE_URL": url}
            server = Server(kind, frontdesk.COMMAND, core=SERVER_CORE, folder=Path(name), env=env)
            stack.callback(server.stop)
            server.wait()
            for _ in range(chosen.rounds):
                figures = asyncio.run(measure(server.url, searches=chosen.searches, answers=chosen.answers))
                sys.stdout.write(f"{kind}, ms: {figures}\n")
                sys.stdout.flush()
            server.stop()


if __name__ == "__main__":
    main()
