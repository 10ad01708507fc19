"""A process of several, as its parent knows it: started, ready, asked to make way, gone."""

import asyncio
import os
import signal
import socket
import sys
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Sequence

import structlog

from api.processes.inherited import READY, told

logger = structlog.get_logger()

SECOND_LOOK_S = 2.0
"""A child that seems silent is listened to for so long once more: it may have been the parent that was stopped."""


class Child:
    """A child process. `watch` has to run from its start to its end."""

    def __init__(self, process: Process, line: socket.socket) -> None:
        self._process = process
        self._line = line
        self._is_settled = asyncio.Event()
        self.gone = asyncio.Event()
        self.is_ready = False
        self._started_at = time.monotonic()
        self.lived_s = 0.0
        """How long, once it is gone."""

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def status(self) -> int | None:
        """Return its exit status; negative where a signal ended it, None while it lives."""
        return self._process.returncode

    def send(self, number: int) -> None:
        """Send it a signal, unless it is gone."""
        if self.status is None:
            self._process.send_signal(number)

    async def becomes_ready(self) -> bool:
        """Wait until it takes connections, and return whether it does."""
        await self._is_settled.wait()
        return self.is_ready

    async def retire(self, *, within_s: float) -> None:
        """Let it make way for the others on its port; kill it where it has not gone in time."""
        self.send(signal.SIGUSR2)
        await self.ends(within_s=within_s)

    async def ends(self, *, within_s: float) -> None:
        """Wait for its end, which comes by SIGKILL where it has not come in time."""
        try:
            async with asyncio.timeout(within_s):
                await self.gone.wait()
        except TimeoutError:
            logger.error("process_killed", pid=self.pid, reason="it did not end in time")
            self.send(signal.SIGKILL)
            await self.gone.wait()

    async def watch(self, *, start_s: float, silence_s: float) -> None:
        """Hear of it until it is gone. One that does not get ready in `start_s`, or whose loop hangs later, is killed."""
        reader, writer = await asyncio.open_connection(sock=self._line)
        try:
            while word := await self._heard(reader, start_s if not self.is_ready else silence_s):
                if READY in word:
                    logger.info("process_ready", pid=self.pid)
                    self.is_ready = True
                    self._is_settled.set()
            await self._process.wait()
        finally:
            writer.close()
            self.lived_s = time.monotonic() - self._started_at
            self._is_settled.set()
            self.gone.set()

    async def _heard(self, reader: asyncio.StreamReader, limit_s: float) -> bytes:
        """Return what it says next; nothing where it is gone, or was silent for too long and is killed."""
        for seconds in (limit_s, SECOND_LOOK_S):
            try:
                async with asyncio.timeout(seconds):
                    return await reader.read(4096)
            except TimeoutError:
                pass
        logger.error("process_killed", pid=self.pid, reason="it hangs" if self.is_ready else "it did not start in time")
        self.send(signal.SIGKILL)
        return b""


async def start(listening: Sequence[socket.socket], *, metrics_port: int | None) -> Child:
    """Start the command that we are once more, as one of several on these sockets.

    It reads code, `.env` and definitions anew. It is in a process group of its own: what a terminal sends reaches it through us
    alone, and once.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        files = [one.fileno() for one in listening]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *sys.orig_argv[1:], "--inherited", told(files, theirs.fileno())),
            env=os.environ if metrics_port is None else {**os.environ, "FRONTDESK_METRICS_PORT": str(metrics_port)},
            stdin=DEVNULL,
            pass_fds=(*files, theirs.fileno()),
            process_group=0,
        )
    return Child(process, ours)
