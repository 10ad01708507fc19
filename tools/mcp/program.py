"""A server that is a program of ours: started without a shell, spoken to over its standard input and output, and ended.

The SDK's own way of doing so lets lines of any length in, and tells the program more of our environment than is named. The
invariant: what the program writes is bounded, wherever it writes it, and no process of it is left when we are done with it, or were killed.
"""

import asyncio
import os
import re
import signal
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

import anyio
import structlog
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.client._transport import TransportStreams
from mcp.shared.message import SessionMessage
from mcp_types import INTERNAL_ERROR, ErrorData, JSONRPCError, JSONRPCMessage, jsonrpc_message_adapter
from pydantic import ValidationError

from agent.masking import Mask
from tools.mcp.child import child
from tools.mcp.pace import Pace
from tools.mcp.watchdog import watchdog

logger = structlog.get_logger()

TOO_LARGE = "frontdesk: the line was too large"
"""The error that stands for an answer that was left out."""
CHUNK = 64 * 1024
GRACE_S = 2.0
"""How long a program may take to end after its input has, and again after SIGTERM."""
SAID_CHARACTERS = 500
SAID_LINES_A_MINUTE = 60
GARBAGE_A_SECOND, SAID_A_SECOND = 1000, 10_000
"""Lines that are read of what is no message, and of its standard error: more of them would be all that is done here."""
_EDGE = 200
_ID = rb'"id"\s*:\s*(-?\d{1,18}|"[^"\\]{1,100}")'
_ID_FIRST = re.compile(rb"^\s*\{[^{}\[\]]{0,100}?" + _ID)
_ID_LAST = re.compile(_ID + rb"[^{}\[\]]{0,100}\}\s*$")


@dataclass(frozen=True, slots=True)
class Program:
    """A program as a definition has it. `env` holds values, not names."""

    command: Sequence[str]
    env: Mapping[str, str]
    title: str
    line_bytes: int
    mask: Mask
    """Knows the values of `env`: the program may say them."""

    @property
    def environment(self) -> dict[str, str]:
        """The variables that the program gets to know: where programs are, and what the definition names."""
        return {"PATH": os.environ.get("PATH", os.defpath), **self.env}


@dataclass(slots=True)
class _Said:
    """Lines that a program says on its standard error, as far as the log has room for them."""

    program: Program
    _minute: int = -1
    _lines: int = 0

    def tell(self, line: bytes) -> None:
        minute = int(time.monotonic() // 60)
        if minute != self._minute:
            self._minute, self._lines = minute, 0
        self._lines += 1
        if self._lines <= SAID_LINES_A_MINUTE and line.strip():
            text = self.program.mask(line.decode("utf-8", "replace"))[:SAID_CHARACTERS]
            logger.info("mcp_program_said", toolset=self.program.title, text=text)
        elif self._lines == SAID_LINES_A_MINUTE + 1:
            logger.info("mcp_program_said_more", toolset=self.program.title)


@asynccontextmanager
async def run_program(program: Program, *, on_end: Callable[[], None]) -> AsyncGenerator[TransportStreams]:
    """Start the program, yield the streams that the SDK speaks over, and end it. `on_end` is told when it has ended by itself.

    Raises:
        ExceptionGroup: it cannot be started; with the OSError.
    """
    incoming, received = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    sent, outgoing = anyio.create_memory_object_stream[SessionMessage](0)
    async with AsyncExitStack() as stack:
        for stream in (incoming, received, sent, outgoing):
            stack.enter_context(stream)
        watch = await stack.enter_async_context(watchdog())
        tasks = await stack.enter_async_context(anyio.create_task_group())
        try:
            async with child(*program.command, end=_end, env=program.environment) as process:
                watch(process.pid)
                # What it writes is read until it has ended, or it might wait for that instead of ending.
                tasks.start_soon(_read, process, program, incoming, on_end)
                tasks.start_soon(_write, process, outgoing, incoming)
                tasks.start_soon(_listen, process, program)
                yield received, sent
        finally:
            tasks.cancel_scope.cancel()


async def _read(
    process: asyncio.subprocess.Process,
    program: Program,
    incoming: MemoryObjectSendStream[SessionMessage | Exception],
    on_end: Callable[[], None],
) -> None:
    assert process.stdout is not None
    is_told = False
    pace = Pace(GARBAGE_A_SECOND)
    try:
        with incoming, suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            async for line, is_whole in _lines(process.stdout, most=program.line_bytes):
                message = None if not line.strip() else _parsed(line) if is_whole else _refused(line)
                if message is not None:
                    await incoming.send(SessionMessage(message))
                    continue
                if line.strip() and not is_told:
                    is_told = True
                    logger.warning("mcp_program_not_understood", toolset=program.title)
                await pace.next()
    finally:
        on_end()


async def _lines(stream: asyncio.StreamReader, *, most: int) -> AsyncIterator[tuple[bytes, bool]]:
    """Yield the lines of a stream, and whether each is whole; of one that is too long only its first and last bytes."""
    line, is_whole = bytearray(), True
    while chunk := await stream.read(CHUNK):
        *ended, rest = chunk.split(b"\n")
        for end in ended:
            line += end
            is_whole = is_whole and len(line) <= most
            yield bytes(line if is_whole else line[:_EDGE] + line[-_EDGE:]), is_whole
            line, is_whole = bytearray(), True
        line += rest
        if len(line) > most:
            is_whole = False
        if not is_whole:
            del line[_EDGE:-_EDGE]


def _parsed(line: bytes) -> JSONRPCMessage | None:
    try:
        return jsonrpc_message_adapter.validate_json(line, by_name=False)
    except (ValidationError, ValueError, RecursionError):
        return None


def _refused(edges: bytes) -> JSONRPCError | None:
    """Return the answer that stands for one that is too large, if the ends of its line say to which request it is."""
    found = _ID_FIRST.search(edges[:_EDGE]) or _ID_LAST.search(edges[-_EDGE:])
    if found is None:
        return None
    text = found[1].decode()
    answered = text[1:-1] if text.startswith('"') else int(text)
    return JSONRPCError(jsonrpc="2.0", id=answered, error=ErrorData(code=INTERNAL_ERROR, message=TOO_LARGE))


async def _write(
    process: asyncio.subprocess.Process,
    outgoing: MemoryObjectReceiveStream[SessionMessage],
    incoming: MemoryObjectSendStream[SessionMessage | Exception],
) -> None:
    assert process.stdin is not None
    try:
        async with outgoing:
            async for message in outgoing:
                process.stdin.write(message.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n")
                await process.stdin.drain()
    except (OSError, RuntimeError):  # it does not read any more: whoever waits for an answer is told so
        await incoming.aclose()


async def _listen(process: asyncio.subprocess.Process, program: Program) -> None:
    assert process.stderr is not None
    said = _Said(program)
    pace = Pace(SAID_A_SECOND)
    async for line, _ in _lines(process.stderr, most=CHUNK):
        said.tell(line)
        await pace.next()


async def _end(process: asyncio.subprocess.Process) -> None:
    """Close the program's input; where it does not end of itself, it and all that it has started are ended."""
    assert process.stdin is not None
    with suppress(OSError, RuntimeError):
        process.stdin.close()
    if not await _has_ended(process):
        _signal(process, signal.SIGTERM)
        await _has_ended(process)
    _signal(process, signal.SIGKILL)  # whoever of its group is left
    await _has_ended(process)
    # Somebody else may hold the other end of its output, and asyncio would wait for them.
    if (transport := getattr(process, "_transport", None)) is not None:
        transport.close()


async def _has_ended(process: asyncio.subprocess.Process) -> bool:
    """Return whether it ends in time. `process.wait` waits for the ends of its pipes, too, which may be somebody else's."""
    until = time.monotonic() + GRACE_S
    while process.returncode is None and time.monotonic() < until:  # noqa: ASYNC110 (nothing tells of it alone)
        await asyncio.sleep(0.02)
    return process.returncode is not None


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
