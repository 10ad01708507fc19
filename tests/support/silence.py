"""A proxy in front of PostgreSQL whose connections can be made to say nothing: it still accepts, and takes what is sent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from sqlalchemy.engine import make_url


@dataclass(slots=True, eq=False)
class Passage:
    """A connection through the proxy."""

    is_silent: bool = False
    is_heard_no_more: bool = False


@dataclass(slots=True)
class SilentProxy:
    """Passes all on, unless it is told otherwise."""

    url: str = ""
    url_behind: str = ""
    """The database without it."""
    passages: set[Passage] = field(default_factory=set)
    accepted: int = 0
    refuses: int = 0
    """So many new connections are closed at once."""
    says_nothing: bool = False
    """New connections are accepted, and that is all."""
    silent_from: bytes | None = None
    """A connection is silent from the moment in which a client sends this; what it sends is not passed on."""
    cut_at: bytes | None = None
    """A connection is closed when a client sends this."""
    cut_once: bytes | None = None
    """The next connection on which a client sends this is closed, and no other one."""
    cut_behind: bytes | None = None
    """A connection is closed when the server has answered to this: who sent it does not hear of it."""

    def silence(self) -> int:
        """Let the connections that are open say nothing from now on; return how many these are."""
        for passage in self.passages:
            passage.is_silent = True
        return len(self.passages)


@asynccontextmanager
async def silent_proxy(database_url: str) -> AsyncIterator[SilentProxy]:
    """Put a proxy in front of a PostgreSQL that listens at a socket file, as the tests' own does."""
    proxy, tasks, writers = SilentProxy(url_behind=database_url), set[asyncio.Task[None]](), set[asyncio.StreamWriter]()
    folder = parse_qs(urlsplit(database_url).query)["host"][0]

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # No coroutine: one that was to begin when the test ended would leave its connection open.
        writers.add(writer)
        if server.is_serving():
            tasks.add(asyncio.create_task(serve(reader, writer)))
        else:
            writer.transport.abort()  # accepted by the system before the end, handed over after it

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        proxy.accepted += 1
        if proxy.refuses:
            proxy.refuses -= 1
            writer.transport.abort()
            return
        passage = Passage(is_silent=proxy.says_nothing)
        proxy.passages.add(passage)
        try:
            await _pass_on(proxy, passage, reader, writer, f"{folder}/.s.PGSQL.5432")
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            proxy.passages.discard(passage)
            writer.transport.abort()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    proxy.url = make_url(database_url).set(host="127.0.0.1", port=port, query={}).render_as_string(hide_password=False)
    try:
        yield proxy
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in writers:
            writer.transport.abort()
        for _ in range(3):
            await asyncio.sleep(0)  # what was aborted is closed in the loop's next rounds


async def _pass_on(
    proxy: SilentProxy, passage: Passage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str
) -> None:
    if passage.is_silent:
        while await reader.read(65536):
            pass
        return
    up_reader, up_writer = await asyncio.open_unix_connection(path)

    async def to_server() -> None:
        while data := await reader.read(65536):
            if proxy.cut_at is not None and proxy.cut_at in data:
                return
            if proxy.cut_once is not None and proxy.cut_once in data:
                proxy.cut_once = None
                return
            if proxy.cut_behind is not None and proxy.cut_behind in data:
                passage.is_heard_no_more = True
            if proxy.silent_from is not None and proxy.silent_from in data:
                passage.is_silent = True
            if not passage.is_silent:
                up_writer.write(data)

    async def to_client() -> None:
        while data := await up_reader.read(65536):
            if passage.is_heard_no_more:
                return
            if not passage.is_silent:
                writer.write(data)
        if passage.is_silent:
            await asyncio.Event().wait()  # that the server has closed is not told either

    both = [asyncio.create_task(to_server()), asyncio.create_task(to_client())]
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    finally:
        up_writer.transport.abort()  # first of all: the wait below may be cancelled
        for one in both:
            one.cancel()
        with suppress(ConnectionError):
            await asyncio.gather(*both, return_exceptions=True)
