"""The web client in Node: a page without a browser, told what to do, which tells what it shows."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from support.node_client import NODE

WEB = Path(__file__).parents[2] / "web"
LIMIT_S = 90.0
LINE_BYTES = 2**24

View = dict[str, Any]


@dataclass(slots=True)
class Session:
    """A page. `views` are all that it has shown, `actions` what it has done."""

    process: asyncio.subprocess.Process
    views: list[View] = field(default_factory=list)
    actions: list[dict[str, str]] = field(default_factory=list)
    _done: dict[str, asyncio.Future[Any]] = field(default_factory=dict)
    _told: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def view(self) -> View:
        """The view that the page shows now."""
        return self.views[-1]

    @property
    def answer(self) -> View:
        """The last message that it shows."""
        message: View = self.view["messages"][-1]
        return message

    async def do(self, call: str, *arguments: object) -> Any:
        """Make a call of the client and wait until it is done; return its value.

        Raises:
            RuntimeError: the call was rejected.
        """
        return await self.begin(call, *arguments)

    def begin(self, call: str, *arguments: object) -> "asyncio.Future[Any]":
        """Make a call of the client; the future is done when it is."""
        assert self.process.stdin is not None
        self.process.stdin.write(orjson.dumps([call, *arguments]) + b"\n")
        self._done[call] = asyncio.get_running_loop().create_future()
        return self._done[call]

    async def until(self, is_so: Callable[[View], bool]) -> View:
        """Wait until it shows something of which this is so, and return it."""
        seen = len(self.views) - 1
        async with asyncio.timeout(LIMIT_S):
            while True:
                for view in self.views[max(seen, 0) :]:
                    if is_so(view):
                        return view
                seen = len(self.views)
                self._told.clear()
                await self._told.wait()

    async def listen(self) -> None:
        """Take in what it tells, until it is gone."""
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            match orjson.loads(line):
                case {"view": view}:
                    self.views.append(view)
                case {"action": action}:
                    self.actions.append(action)
                case {"done": call, "error": error}:
                    self._done[call].set_exception(RuntimeError(error["code"]))
                case {"done": call, "value": value}:
                    self._done[call].set_result(value)
            self._told.set()


@asynccontextmanager
async def open_session(url: str, kept: Path, *tokens: str) -> AsyncIterator[Session]:
    """Open a page that sends these tokens, one after the other and then the last; `kept` is its browser's storage."""
    program = kept.with_suffix(".mjs")
    program.write_bytes(await asyncio.to_thread(_program))
    process = await asyncio.create_subprocess_exec(
        str(NODE),
        str(program),
        url,
        str(kept),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LINE_BYTES,
    )
    session = Session(process)
    listening = asyncio.create_task(session.listen())
    try:
        async with asyncio.timeout(LIMIT_S):
            await session.do("tokens", *tokens)
        yield session
    finally:
        assert process.stdin is not None
        process.stdin.close()
        async with asyncio.timeout(LIMIT_S):
            await process.wait()
            await listening


@cache
def _program() -> bytes:
    """Return the bundle of web/client/tests/session.ts: a plain program starts in a tenth of what compiling one takes."""
    esbuild = str(WEB / "node_modules/.bin/esbuild")
    command = [esbuild, "client/tests/session.ts", "--bundle", "--platform=node", "--format=esm", "--charset=utf8"]
    return subprocess.run(command, cwd=WEB, stdout=subprocess.PIPE, check=True).stdout
